/*
 * fuzz_tensors.c: any bytes are loaded as a safetensors file or refused with a message. A file that is sound
 * loads strictly into a store made after its own header, and saving that, loading and saving again gives the
 * same bytes.
 */
#include <stdlib.h>
#include <string.h>
#include <wengert.h>

#include "graph/program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_tensors_must(wg_status status, const wg_error *error)
{
    if (status == WG_OK) return;
    wg_error_print(error, stderr);
    abort();
}

/* A store with the names and types of the header. */
static wg_params *fuzz_tensors_store(const wg_tensors *t)
{
    wg_params *w = wg__params_empty(WG_F32, 0);
    wg_error error = { 0 };

    for (int64_t i = 0; i < t->n; i++) {
        /* The store's names are shorter than a file's may be. */
        if (wg_params_add(w, t->item[i].name, t->item[i].type.dtype, t->item[i].type.shape, true,
                          NULL, &error) == WG_OK)
            continue;
        if (error.code != WG_ENAME) fuzz_tensors_must(error.code, &error);
        wg_params_free(w);
        return NULL;
    }
    return w;
}

static void fuzz_tensors_round(wg_params *w)
{
    wg_params *v = wg_params_copy(w, WG_N_DTYPES);
    wg_error error = { 0 };
    void *first, *second;
    size_t n, m;

    fuzz_tensors_must(wg_params_save_buffer(w, NULL, &first, &n, &error), &error);
    for (int i = 0; i < wg_params_count(v); i++)
        wg_params_fill(v, wg_params_at(v, i)->name, 1, NULL);
    fuzz_tensors_must(wg_params_load_buffer(first, n, v, WG_LOAD_STRICT, NULL, NULL, NULL, &error),
                      &error);
    fuzz_tensors_must(wg_params_save_buffer(v, NULL, &second, &m, &error), &error);
    if (m != n || memcmp(first, second, n) != 0) abort();
    wg_free(first);
    wg_free(second);
    wg_params_free(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    wg_error error = { 0 };
    wg_params *w = NULL, *some = wg_params_new(WG_F32, 1);
    wg_tensors t;
    wg_in in;
    int n;

    wg_params_add(some, "W", WG_F32, WG_SHAPE(3, 2), true, NULL, NULL);
    wg_params_add(some, "m", WG_BOOL, WG_SHAPE(3), true, NULL, NULL);
    if (wg_params_load_buffer(data, size, some, WG_LOAD_PARTIAL, "deep/", "", &n, &error) !=
            WG_OK &&
        (n != 0 || !error.text[0] || error.code >= WG_N_STATUSES))
        abort();
    wg_params_free(some);
    error = (wg_error){ 0 };
    wg__in_memory(&in, "fuzz", data, size);
    if (wg__tensors_open(&t, &in, &error) == WG_OK) {
        w = fuzz_tensors_store(&t);
        wg__tensors_close(&t);
    } else if (!error.text[0]) {
        abort();
    }
    if (w) {
        /* A bool that is neither 0 nor 1 is all that can still be wrong. */
        if (wg_params_load_buffer(data, size, w, WG_LOAD_STRICT, NULL, NULL, &n, &error) == WG_OK)
            fuzz_tensors_round(w);
        else if (!strstr(error.text, "neither 0 nor 1")) fuzz_tensors_must(error.code, &error);
        wg_params_free(w);
    }
    return 0;
}
