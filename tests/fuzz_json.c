/*
 * fuzz_json.c: any text is loaded as a program or refused with a message, the same as when it is parsed as a whole. What
 * loads verifies, and saving it, loading that and saving again gives the same bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "whole.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Saves the program as text; it must be possible. */
static char *fuzz_json_save(const wg_program *p, size_t *n)
{
    wg_error error = { 0 };
    char *text = NULL;

    if (wg_save_text(p->graph, p->params, NULL, &text, n, &error) == WG_OK) return text;
    wg_error_print(&error, stderr);
    abort();
}

static void fuzz_json_load(const char *text, size_t n, wg_program *p)
{
    wg_error error = { 0 };

    if (wg_load_text(text, n, NULL, p, &error) == WG_OK && wg_verify(p->graph, &error) == WG_OK)
        return;
    wg_error_print(&error, stderr);
    abort();
}

/* What was said of the text, and saved of its program (NULL: it was refused), is what comes of the whole. */
static void fuzz_json_compare(const char *text, size_t size, const wg_error *said, const char *saved)
{
    wg_error error = { 0 };
    wg_program p;
    char *whole;
    size_t n;

    if (load_whole(text, size, &p, &error) != said->code || strcmp(error.text, said->text) != 0) {
        fprintf(stderr, "as a whole: %s\nin pieces: %s\n", error.text, said->text);
        abort();
    }
    if (!saved) return;
    whole = fuzz_json_save(&p, &n);
    if (strcmp(whole, saved) != 0) abort();
    wg_free(whole);
    wg_program_free(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    wg_error error = { 0 };
    char *first, *second;
    wg_program p, q;
    size_t n, m;

    if (wg_load_text((const char *)data, size, NULL, &p, &error) != WG_OK) {
        if (p.graph || p.params || !error.text[0] || error.code >= WG_N_STATUSES) abort();
        fuzz_json_compare((const char *)data, size, &error, NULL);
        return 0;
    }
    if (wg_verify(p.graph, &error) != WG_OK) {
        wg_error_print(&error, stderr);
        abort();
    }
    first = fuzz_json_save(&p, &n);
    fuzz_json_load(first, n, &q);
    second = fuzz_json_save(&q, &m);
    fuzz_json_compare((const char *)data, size, &error, first);
    if (m != n || memcmp(first, second, n) != 0) {
        fprintf(stderr, "saved:\n%s\nsaved again:\n%s\n", first, second);
        abort();
    }
    wg_free(first);
    wg_free(second);
    wg_program_free(&p);
    wg_program_free(&q);
    return 0;
}
