/*
 * fuzz_data.c: any bytes are read as a data file, plain or compressed, or refused with a message.
 * What was read is of a sound shape, and written as .npy it reads back to the same values.
 */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wengert/data.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reading has no way but by a path: an unnamed file's. */
static FILE *fuzz_data_file(const uint8_t *data, size_t size, char path[40])
{
    FILE *f = tmpfile();

    if (!f || fwrite(data, 1, size, f) != size || fflush(f) != 0) abort();
    snprintf(path, 40, "/proc/self/fd/%d", fileno(f));
    return f;
}

static void fuzz_data_back(const wg_data *d)
{
    static const wg_dtype dtype[] = { WG_F32, WG_F64, WG_I64, WG_N_DTYPES, WG_N_DTYPES, WG_BOOL };
    int64_t n = wg_shape_count(&d->shape);
    char path[] = "/tmp/wengert-fuzz-data-XXXXXX";
    wg_array a = wg_array_of(dtype[d->kind], d->shape, d->data);
    wg_data again;
    int fd;

    if (dtype[d->kind] == WG_N_DTYPES) return;
    fd = mkstemp(path);
    if (fd < 0 || close(fd) != 0 || wg_npy_write(path, a, NULL) != WG_OK) abort();
    if (wg_npy_read(path, &again, NULL) != WG_OK || again.kind != d->kind ||
        !wg_shape_equal(&again.shape, &d->shape) ||
        memcmp(again.data, d->data, (size_t)n * wg_dtype_size(a.type.dtype)) != 0)
        abort();
    wg_data_free(&again);
    unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint64_t turn;
    wg_data_options options = { .allow_nan = size % 2 };
    wg_error error = { WG_OK, NULL, NULL, "", "" };
    char path[40];
    FILE *f = fuzz_data_file(data, size, path);
    wg_data d;

    if (wg_data_read(path, &options, &d, &error) == WG_OK) {
        if (error.code != WG_OK || wg_shape_count(&d.shape) < 0 || !d.data) abort();
        /* Writing waits for the disk: not each time. */
        if (turn++ % 64 == 0) fuzz_data_back(&d);
        wg_data_free(&d);
    } else if (error.code == WG_OK || !error.text[0] || d.data) {
        abort();
    }
    fclose(f);
    return 0;
}
