/* op_cases_shape.c: rearranging. The references move elements one by one, by their index tuples. */
#include "op_cases.h"

/* ---- the same elements in other extents ---- */

static nd reshaped(const nd *x, int rank, const int64_t *dim)
{
    nd y = nd_new(rank, dim);

    for (int64_t i = 0; i < nd_count(&y); i++) y.v[i] = x->v[i];
    return y;
}

BUILD(reshape, wg_reshape(x[0], WG_SHAPE(0, -1)))
static nd reshape_ref(const nd *x)
{
    return reshaped(&x[0], 2, (int64_t[]){ x[0].dim[0], 6 });
}

BUILD(reshape_split, wg_reshape(x[0], WG_SHAPE(-1, 2, 2)))
static nd reshape_split_ref(const nd *x)
{
    return reshaped(&x[0], 3, (int64_t[]){ x[0].dim[0], 2, 2 });
}

BUILD(reshape_like, wg_reshape_like(x[0], x[1]))
static nd reshape_like_ref(const nd *x)
{
    return reshaped(&x[0], 2, x[1].dim);
}

BUILD(collapse, wg_collapse(x[0], -2, -1))
BUILD(collapse_first, wg_collapse(x[0], 0, 1))
static nd collapse_ref(const nd *x)
{
    return reshaped(&x[0], 2, (int64_t[]){ x[0].dim[0], 6 });
}
static nd collapse_first_ref(const nd *x)
{
    return reshaped(&x[0], 2, (int64_t[]){ x[0].dim[0] * 2, 3 });
}

BUILD(squeeze, wg_squeeze(x[0], WG_AXES(1, -1)))
static nd squeeze_ref(const nd *x)
{
    return reshaped(&x[0], 2, (int64_t[]){ x[0].dim[0], 3 });
}

BUILD(unsqueeze, wg_unsqueeze(x[0], WG_AXES(0, -1)))
static nd unsqueeze_ref(const nd *x)
{
    return reshaped(&x[0], 4, (int64_t[]){ 1, x[0].dim[0], 3, 1 });
}

BUILD(detach, wg_mul(wg_detach(x[0]), x[1]))
static double detach_map(const double *a)
{
    return a[0] * a[1];
}

/* ---- axes in another order ---- */

BUILD(permute, wg_permute(x[0], WG_AXES(2, 0, 1)))
static nd permute_ref(const nd *x)
{
    int64_t a = x[0].dim[0], b = x[0].dim[1], c = x[0].dim[2];
    nd y = nd_new(3, (int64_t[]){ c, a, b });

    for (int64_t i = 0; i < a; i++)
        for (int64_t j = 0; j < b; j++)
            for (int64_t k = 0; k < c; k++) y.v[(k * a + i) * b + j] = x[0].v[(i * b + j) * c + k];
    return y;
}

BUILD(permute_all, wg_permute(x[0], WG_ALL_AXES))
BUILD(transpose, wg_transpose(x[0], 0, -1))
static nd transpose_ref(const nd *x)
{
    int64_t a = x[0].dim[0], b = x[0].dim[1], c = x[0].dim[2];
    nd y = nd_new(3, (int64_t[]){ c, b, a });

    for (int64_t i = 0; i < a; i++)
        for (int64_t j = 0; j < b; j++)
            for (int64_t k = 0; k < c; k++) y.v[(k * b + j) * a + i] = x[0].v[(i * b + j) * c + k];
    return y;
}
#define permute_all_ref transpose_ref

BUILD(flip, wg_flip(x[0], WG_AXES(0, -1)))
static nd flip_ref(const nd *x)
{
    nd y = nd_new(3, x[0].dim);
    int64_t b = y.dim[1], c = y.dim[2];

    for (int64_t i = 0; i < y.dim[0]; i++)
        for (int64_t j = 0; j < b; j++)
            for (int64_t k = 0; k < c; k++)
                y.v[(i * b + j) * c + k] = x[0].v[((y.dim[0] - 1 - i) * b + j) * c + c - 1 - k];
    return y;
}

/* ---- repeating ---- */

BUILD(expand, wg_expand(x[0], WG_SHAPE(2, -1, 3)))
static nd expand_ref(const nd *x)
{
    nd y = nd_new(3, (int64_t[]){ 2, x[0].dim[0], 3 });

    for (int64_t e = 0; e < nd_count(&y); e++) y.v[e] = x[0].v[e / 3 % x[0].dim[0]];
    return y;
}

/* ---- slices: [B, 5], rows whole, columns 1, 3 ---- */

static const int64_t from[] = { 0, 1 }, to[] = { WG_SLICE_END, -1 }, by[] = { 1, 2 };

BUILD(slice, wg_slice(x[0], 2, from, to, by))
static nd slice_ref(const nd *x)
{
    nd y = nd_new(2, (int64_t[]){ x[0].dim[0], 2 });

    for (int64_t e = 0; e < nd_count(&y); e++) y.v[e] = x[0].v[e / 2 * 5 + 1 + e % 2 * 2];
    return y;
}

BUILD(slice_axis, wg_slice_axis(x[0], 1, -3, 100, 1))
static nd slice_axis_ref(const nd *x)
{
    nd y = nd_new(2, (int64_t[]){ x[0].dim[0], 3 });

    for (int64_t e = 0; e < nd_count(&y); e++) y.v[e] = x[0].v[e / 3 * 5 + 2 + e % 3];
    return y;
}

BUILD(pad_like, wg_pad_like(x[0], x[1], 2, from, to, by))
static nd pad_like_ref(const nd *x)
{
    nd y = nd_new(2, x[1].dim);

    for (int64_t e = 0; e < nd_count(&x[0]); e++) y.v[e / 2 * 5 + 1 + e % 2 * 2] = x[0].v[e];
    return y;
}

BUILD(select, wg_select(x[0], 1, -2))
static nd select_ref(const nd *x)
{
    nd y = nd_new(2, (int64_t[]){ x[0].dim[0], 2 });

    for (int64_t e = 0; e < nd_count(&y); e++) y.v[e] = x[0].v[e / 2 * 6 + 2 + e % 2];
    return y;
}

/* ---- padding ---- */

static const int64_t before[] = { 1, 0 }, after[] = { 0, 2 };

BUILD(pad, wg_pad(x[0], 2, before, after, 1.5))
static nd pad_ref(const nd *x)
{
    int64_t n = x[0].dim[0];
    nd y = nd_new(2, (int64_t[]){ n + 1, 5 });

    for (int64_t e = 0; e < nd_count(&y); e++) y.v[e] = 1.5;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < 3; j++) y.v[(i + 1) * 5 + j] = x[0].v[i * 3 + j];
    return y;
}

BUILD(dilate, wg_dilate(x[0], WG_AXES(0, 1), 2))
static nd dilate_ref(const nd *x)
{
    int64_t n = x[0].dim[0];
    nd y = nd_new(2, (int64_t[]){ 3 * n - 2, 7 });

    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < 3; j++) y.v[3 * i * 7 + 3 * j] = x[0].v[i * 3 + j];
    return y;
}

/* ---- joining ---- */

BUILD(concat, wg_concat(3, (wg_tensor *[]){ x[0], x[1], x[0] }, 1))
static nd concat_ref(const nd *x)
{
    int64_t n = x[0].dim[0];
    nd y = nd_new(2, (int64_t[]){ n, 8 });

    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < 3; j++) y.v[i * 8 + j] = y.v[i * 8 + 5 + j] = x[0].v[i * 3 + j];
        for (int64_t j = 0; j < 2; j++) y.v[i * 8 + 3 + j] = x[1].v[i * 2 + j];
    }
    return y;
}

BUILD(concat_rows, wg_concat(2, (wg_tensor *[]){ x[0], x[1] }, -2))
static nd concat_rows_ref(const nd *x)
{
    nd y = nd_new(2, (int64_t[]){ x[0].dim[0] + 2, 3 });

    for (int64_t e = 0; e < nd_count(&y); e++)
        y.v[e] = e < nd_count(&x[0]) ? x[0].v[e] : x[1].v[e - nd_count(&x[0])];
    return y;
}

BUILD(stack, wg_stack(2, (wg_tensor *[]){ x[0], x[1] }, 1))
static nd stack_ref(const nd *x)
{
    nd y = nd_new(3, (int64_t[]){ x[0].dim[0], 2, 3 });

    for (int64_t e = 0; e < nd_count(&y); e++) y.v[e] = x[e / 3 % 2].v[e / 6 * 3 + e % 3];
    return y;
}

static wg_tensor *split_build(wg_graph *g, wg_tensor *const *x)
{
    wg_tensor *part[2];

    (void)g;
    wg_split(x[0], 1, 2, (const int64_t[]){ 3, 3 }, part);
    return wg_mul(part[0], part[1]);
}
static nd split_ref(const nd *x)
{
    nd y = nd_new(2, (int64_t[]){ x[0].dim[0], 3 });

    for (int64_t e = 0; e < nd_count(&y); e++)
        y.v[e] = x[0].v[e / 3 * 6 + e % 3] * x[0].v[e / 3 * 6 + 3 + e % 3];
    return y;
}

/* ---- partners: pieces at offsets that are i64 scalars ---- */

BUILD(part_like, wg_part_like(x[0], x[1], x[2], 1))
static nd part_like_ref(const nd *x)
{
    nd y = nd_new(2, x[1].dim);

    for (int64_t e = 0; e < nd_count(&y); e++)
        y.v[e] = x[0].v[e / 2 * 5 + (int64_t)x[2].v[0] + e % 2];
    return y;
}

BUILD(place_like, wg_place_like(x[0], x[1], x[2], 1))
static nd place_like_ref(const nd *x)
{
    nd y = nd_new(2, x[1].dim);

    for (int64_t e = 0; e < nd_count(&x[0]); e++)
        y.v[e / 2 * 5 + (int64_t)x[2].v[0] + e % 2] = x[0].v[e];
    return y;
}

/* columns 1, 3 from x1 and columns 0, 1 from x2 overlap in column 1 */
static wg_tensor *assemble_like_build(wg_graph *g, wg_tensor *const *x)
{
    static const int64_t triples[] = { 0, WG_SLICE_END, 1, 1, -1, 2, 0, WG_SLICE_END, 1, 0, 2, 1 };

    (void)g;
    return wg_assemble_like(x[0], 2, &x[1], (wg_i64s){ 12, triples });
}
static nd assemble_like_ref(const nd *x)
{
    nd y = nd_new(2, x[0].dim);

    for (int64_t e = 0; e < nd_count(&x[1]); e++) {
        y.v[e / 2 * 5 + 1 + e % 2 * 2] += x[1].v[e];
        y.v[e / 2 * 5 + e % 2] += x[2].v[e];
    }
    return y;
}

BUILD(assemble_at, wg_assemble_at(x[0], 2, &x[1], &x[3], 1))
static nd assemble_at_ref(const nd *x)
{
    nd y = nd_new(2, x[0].dim);

    for (int64_t e = 0; e < nd_count(&x[1]); e++)
        for (int k = 0; k < 2; k++)
            y.v[e / 2 * 5 + (int64_t)x[3 + k].v[0] + e % 2] += x[1 + k].v[e];
    return y;
}

static const op_case rows[] = {
    REF(reshape, "", LINEAR, REAL(-2, 2, B, 2, 3)),
    REF_OF("reshape split", reshape_split, LINEAR, REAL(-2, 2, B, 4)),
    REF(reshape_like, "", LINEAR, REAL(-2, 2, B, 2, 2), REAL(-2, 2, B, 4)),
    REF(collapse, "", LINEAR, REAL(-2, 2, B, 2, 3)),
    REF_OF("collapse first", collapse_first, LINEAR, REAL(-2, 2, B, 2, 3)),
    REF(squeeze, "", LINEAR, REAL(-2, 2, B, 1, 3, 1)),
    REF(unsqueeze, "", LINEAR, REAL(-2, 2, B, 3)),
    MAP(detach, "", VALUE_ONLY, REAL(-2, 2, B, 3), REAL(-2, 2, B, 3)),
    REF(permute, "", LINEAR, REAL(-2, 2, B, 2, 3)),
    REF_OF("permute all", permute_all, LINEAR, REAL(-2, 2, B, 2, 3)),
    REF_OF("permute transpose", transpose, LINEAR, REAL(-2, 2, B, 3, 3)),
    REF(flip, "", LINEAR, REAL(-2, 2, B, 2, 3)),
    REF(expand, "", LINEAR, REAL(-2, 2, B, 1)),
    REF(slice, "", LINEAR, REAL(-2, 2, B, 5)),
    REF_OF("slice axis", slice_axis, LINEAR, REAL(-2, 2, B, 5)),
    REF_OF("slice i64", slice, VALUE_ONLY, INT(-9, 9, B, 5)),
    REF_OF("slice split", split, 0, REAL(-2, 2, B, 6)),
    REF(pad_like, "", LINEAR, REAL(-2, 2, B, 2), REAL(-2, 2, B, 5)),
    REF(select, "", LINEAR, REAL(-2, 2, B, 3, 2)),
    REF(pad, "", LINEAR, REAL(-2, 2, B, 3)),
    REF(dilate, "", LINEAR, REAL(-2, 2, B, 3)),
    REF(concat, "", LINEAR, REAL(-2, 2, B, 3), REAL(-2, 2, B, 2)),
    REF_OF("concat rows", concat_rows, LINEAR, REAL(-2, 2, B, 3), REAL(-2, 2, 2, 3)),
    REF_OF("concat stack", stack, LINEAR, REAL(-2, 2, B, 3), REAL(-2, 2, B, 3)),
    REF(part_like, "", LINEAR, REAL(-2, 2, B, 5), REAL(-2, 2, B, 2), INT(1, 3, 0)),
    REF(place_like, "", LINEAR, REAL(-2, 2, B, 2), REAL(-2, 2, B, 5), INT(1, 3, 0)),
    REF(assemble_like, "", LINEAR, REAL(-2, 2, B, 5), REAL(-2, 2, B, 2), REAL(-2, 2, B, 2)),
    REF(assemble_at, "", LINEAR, REAL(-2, 2, B, 5), REAL(-2, 2, B, 2), REAL(-2, 2, B, 2),
        INT(0, 3, 0), INT(0, 3, 0)),
};
ROWS(op_cases_shape);
