/* data.c: idx files, batches, shuffles. */
#include <string.h>

#include "source.h"
#include "wengert/graph.h"
#include "wengert/op.h"

enum { IDX_U8 = 0x08 };
static const int64_t IDX_MAX = INT64_C(1) << 32;

/* The header: two zero bytes, the element type, the rank, then the extents, big-endian. */
static wg_status read_header(wg__source *s, wg_shape *shape)
{
    unsigned char b[4];
    int64_t n = wg__source_read(s, b, 4);

    if (n < 0) return wg__source_fail(s, 0, 4);
    if (n < 4 || b[0] != 0 || b[1] != 0 || b[3] == 0)
        return wg_fail(s->error, WG_EFORMAT, s->op, "%s: not an idx file", s->path);
    if (b[2] != IDX_U8)
        return wg_fail(s->error, WG_EFORMAT, s->op,
                       "%s: elements of type 0x%02x, wanted unsigned bytes, 0x08", s->path, b[2]);
    if (b[3] > WG_MAX_RANK)
        return wg_fail(s->error, WG_EFORMAT, s->op, "%s: rank %d, at most %d", s->path, b[3],
                       WG_MAX_RANK);
    *shape = WG_SHAPE_SCALAR;
    shape->rank = b[3];
    for (int i = 0; i < shape->rank; i++) {
        n = wg__source_read(s, b, 4);
        if (n != 4) return wg__source_fail(s, 4 + 4 * i + (n > 0 ? n : 0), 4 + 4 * shape->rank);
        shape->dim[i] = (int64_t)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
    }
    return WG_OK;
}

wg_status wg__idx_from(wg__source *s, wg_idx *idx)
{
    wg_idx found = { WG_SHAPE_SCALAR, NULL };
    wg_status status = read_header(s, &found.shape);
    void *data = NULL;
    int64_t count;

    if (status != WG_OK) return status;
    count = wg_shape_count(&found.shape);
    if (count < 0 || count > IDX_MAX)
        return wg_fail(s->error, WG_ELIMIT, s->op, "%s: more than %lld elements", s->path,
                       (long long)IDX_MAX);
    status = wg__source_rest(s, count, count, &data);
    found.data = data;
    if (status == WG_OK) *idx = found;
    return status;
}

wg_status wg_idx_read(const char *path, wg_idx *idx, wg_error *error)
{
    wg__source s;
    wg_status status;

    if (!idx) return wg_fail(error, WG_EARG, "wg_idx_read", "idx is NULL");
    *idx = (wg_idx){ WG_SHAPE_SCALAR, NULL };
    status = wg__source_open(&s, path, "wg_idx_read", error);
    if (status == WG_OK) status = wg__idx_from(&s, idx);
    wg__source_close(&s);
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
