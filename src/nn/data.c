/* data.c: idx files, batches, shuffles. */
#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "wengert/data.h"
#include "wengert/graph.h"
#include "wengert/op.h"

enum { IDX_U8 = 0x08, CHUNK = 1 << 20 };
static const int64_t IDX_MAX = INT64_C(1) << 32;

/* What one reading needs to say what went wrong. */
typedef struct {
    gzFile file;
    const char *path;
    wg_error *error;
} reader;

/* A file that ends early, or that zlib or the system cannot read on. */
static wg_status read_fail(const reader *r, int64_t got, int64_t want)
{
    int code = Z_OK;
    const char *text = gzerror(r->file, &code);

    if (code == Z_ERRNO)
        return wg_fail(r->error, WG_EIO, "wg_idx_read", "%s: %s", r->path, strerror(errno));
    if (code == Z_MEM_ERROR) return wg_fail(r->error, WG_ENOMEM, "wg_idx_read", "%s", r->path);
    /* zlib puts the path before its text. */
    if (code != Z_OK && strncmp(text, r->path, strlen(r->path)) == 0) text += strlen(r->path) + 2;
    if (code == Z_BUF_ERROR)
        return wg_fail(r->error, WG_EFORMAT, "wg_idx_read",
                       "%s: compressed data ends early, after %lld of %lld bytes", r->path,
                       (long long)got, (long long)want);
    if (code != Z_OK)
        return wg_fail(r->error, WG_EFORMAT, "wg_idx_read", "%s: damaged compression: %s", r->path,
                       text);
    return wg_fail(r->error, WG_EFORMAT, "wg_idx_read", "%s: ends after %lld of %lld bytes",
                   r->path, (long long)got, (long long)want);
}

/* The header: two zero bytes, the element type, the rank, then the extents, big-endian. */
static wg_status read_header(const reader *r, wg_shape *shape)
{
    unsigned char b[4];
    int n = gzread(r->file, b, 4);

    if (n < 0) return read_fail(r, 0, 4);
    if (n < 4 || b[0] != 0 || b[1] != 0 || b[3] == 0)
        return wg_fail(r->error, WG_EFORMAT, "wg_idx_read", "%s: not an idx file", r->path);
    if (b[2] != IDX_U8)
        return wg_fail(r->error, WG_EFORMAT, "wg_idx_read",
                       "%s: elements of type 0x%02x, wanted unsigned bytes, 0x08", r->path, b[2]);
    if (b[3] > WG_MAX_RANK)
        return wg_fail(r->error, WG_EFORMAT, "wg_idx_read", "%s: rank %d, at most %d", r->path,
                       b[3], WG_MAX_RANK);
    *shape = WG_SHAPE_SCALAR;
    shape->rank = b[3];
    for (int i = 0; i < shape->rank; i++) {
        n = gzread(r->file, b, 4);
        if (n != 4) return read_fail(r, 4 + 4 * i + (n > 0 ? n : 0), 4 + 4 * shape->rank);
        shape->dim[i] = (int64_t)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
    }
    return WG_OK;
}

/* Doubles the memory as bytes arrive: what a header claims is not believed. */
static wg_status read_elements(const reader *r, int64_t count, unsigned char **data)
{
    int64_t got = 0, cap = 0;
    unsigned char *p = NULL, extra;
    int left, code;

    while (got < count || !p) {
        int64_t want;
        int n;

        if (got == cap) {
            int64_t more = cap == 0 ? CHUNK : 2 * cap;
            unsigned char *q = wg_alloc(more < count ? more : count, 1);

            if (!q) {
                wg_free(p);
                return wg_fail(r->error, WG_ENOMEM, "wg_idx_read", "%s: %lld bytes", r->path,
                               (long long)count);
            }
            if (got > 0) memcpy(q, p, (size_t)got);
            wg_free(p);
            p = q;
            cap = more < count ? more : count;
        }
        want = cap - got < CHUNK ? cap - got : CHUNK;
        n = want > 0 ? gzread(r->file, p + got, (unsigned)want) : 0;
        if (n <= 0 && want > 0) {
            wg_free(p);
            return read_fail(r, got, count);
        }
        got += n;
    }
    /* The end of the file is read too: there the checksum of compressed data is compared. */
    left = gzread(r->file, &extra, 1);
    gzerror(r->file, &code);
    if (left != 0 || code != Z_OK) {
        wg_free(p);
        if (left <= 0) return read_fail(r, got, count);
        return wg_fail(r->error, WG_EFORMAT, "wg_idx_read",
                       "%s: bytes left over after %lld elements", r->path, (long long)count);
    }
    *data = p;
    return WG_OK;
}

wg_status wg_idx_read(const char *path, wg_idx *idx, wg_error *error)
{
    reader r = { NULL, path, error };
    wg_idx found = { WG_SHAPE_SCALAR, NULL };
    wg_status status;
    int64_t count;

    if (!idx) return wg_fail(error, WG_EARG, "wg_idx_read", "idx is NULL");
    *idx = found;
    if (!path) return wg_fail(error, WG_EARG, "wg_idx_read", "path is NULL");
    errno = 0;
    r.file = gzopen(path, "rb");
    if (!r.file)
        return wg_fail(error, errno == 0 || errno == ENOMEM ? WG_ENOMEM : WG_EIO, "wg_idx_read",
                       "%s: %s", path, errno == 0 ? "out of memory" : strerror(errno));
    status = read_header(&r, &found.shape);
    if (status == WG_OK) {
        count = wg_shape_count(&found.shape);
        if (count < 0 || count > IDX_MAX)
            status = wg_fail(error, WG_ELIMIT, "wg_idx_read", "%s: more than %lld elements", path,
                             (long long)IDX_MAX);
        else status = read_elements(&r, count, &found.data);
    }
    gzclose(r.file);
    if (status == WG_OK) *idx = found;
    return status;
}

void wg_idx_free(wg_idx *idx)
{
    if (!idx) return;
    wg_free(idx->data);
    idx->data = NULL;
    idx->shape = WG_SHAPE_SCALAR;
}

/* One example's bytes to elements. */
static void take_row(const unsigned char *from, int64_t n, double scale, wg_dtype dtype, void *to)
{
    float factor = (float)scale;

    switch (dtype) {
    case WG_F32:
        for (int64_t i = 0; i < n; i++) ((float *)to)[i] = factor * (float)from[i];
        break;
    case WG_F64:
        for (int64_t i = 0; i < n; i++) ((double *)to)[i] = scale * from[i];
        break;
    default:
        for (int64_t i = 0; i < n; i++) ((int64_t *)to)[i] = from[i];
    }
}

wg_status wg_idx_take(const wg_idx *idx, int64_t n, const int64_t *row, double scale, wg_array to,
                      wg_error *error)
{
    wg_shape example;
    int64_t rows, size;

    if (!idx || idx->shape.rank < 1 || !idx->data)
        return wg_fail(error, WG_EARG, "wg_idx_take", "nothing was read into idx");
    example = wg_shape_of(idx->shape.rank - 1, idx->shape.dim + 1);
    size = wg_shape_count(&example);
    rows = idx->shape.dim[0];
    if (n < 0) return wg_fail(error, WG_EARG, "wg_idx_take", "%lld rows", (long long)n);
    if (to.type.dtype != WG_I64 && !wg_dtype_is_real(to.type.dtype))
        return wg_fail(error, WG_EDTYPE, "wg_idx_take", "a batch of %s, wanted f32, f64 or i64",
                       wg_dtype_name(to.type.dtype));
    if (to.type.dtype == WG_I64 && scale != 1)
        return wg_fail(error, WG_EARG, "wg_idx_take", "scale %g with i64, which needs 1", scale);
    if (size > 0 && n > INT64_MAX / size)
        return wg_fail(error, WG_ESHAPE, "wg_idx_take", "%lld rows of %lld elements", (long long)n,
                       (long long)size);
    if (wg_shape_count(&to.type.shape) != n * size)
        return wg_fail(error, WG_ESHAPE, "wg_idx_take", "%lld rows of %lld elements do not fill %s",
                       (long long)n, (long long)size, WG_TYPE_STR(&to.type));
    if (!to.data && n * size > 0) return wg_fail(error, WG_EARG, "wg_idx_take", "to.data is NULL");
    for (int64_t k = 0; k < n; k++) {
        int64_t from = row ? row[k] : k;

        if (from < 0 || from >= rows)
            return wg_fail(error, WG_EINDEX, "wg_idx_take", "row %lld of %lld", (long long)from,
                           (long long)rows);
        take_row(idx->data + from * size, size, scale, to.type.dtype,
                 (char *)to.data + (size_t)(k * size) * wg_dtype_size(to.type.dtype));
    }
    return WG_OK;
}

void wg_shuffled(uint64_t seed, uint64_t run, int64_t n, int64_t *order)
{
    enum { DRAWS = 256 };
    double u[DRAWS];
    uint64_t key = wg_random_key("wg_shuffled");

    for (int64_t i = 0; i < n; i++) {
        int64_t j;

        if (i % DRAWS == 0) wg_random_uniform(seed, key, run, i, DRAWS, WG_F64, u);
        /* The inside-out form: element i goes to a place j <= i, what was there moves to i. */
        j = (int64_t)(u[i % DRAWS] * (double)(i + 1));
        if (j != i) order[i] = order[j];
        order[j] = i;
    }
}
