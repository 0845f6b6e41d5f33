/* embed.c: Embedding: rows of a table by index, alone, summed or averaged. */
#include <string.h>

#include "classes.h"
#include "layer_impl.h"
#include "wengert/ops.h"
#include "wengert/plan.h"

static const wg_field embedding_fields[] = {
    WG_FIELD(wg_embedding_hyper, n_out), WG_FIELD(wg_embedding_hyper, vocab_size),
    WG_FIELD(wg_embedding_hyper, pool), WG_FIELD_STR(wg_embedding_hyper, init, "glorot_uniform"),
    WG_FIELDS_END
};

static bool embedding_make(wg_layer *l)
{
    const wg_embedding_hyper *h = wg_layer_hyper(l);

    if (h->n_out < 1 || h->vocab_size < 1)
        return wg_layer_fail(l, WG_EARG, "n_out %lld and vocab_size %lld must be at least 1",
                             (long long)h->n_out, (long long)h->vocab_size);
    if (h->pool && strcmp(h->pool, "sum") != 0 && strcmp(h->pool, "mean") != 0)
        return wg_layer_fail(l, WG_ENAME, "unknown pool \"%.60s\": known are sum and mean",
                             h->pool);
    return wg_layer_knows(l, NULL, h->init);
}

static bool embedding_init(wg_layer *l, int n, const wg_type *const *x)
{
    const wg_embedding_hyper *h = wg_layer_hyper(l);

    (void)n;
    (void)x;
    return wg_layer_param(l, "W", WG_SHAPE(h->vocab_size, h->n_out), true, h->init, NULL);
}

/* ---- examples by offsets ---- */

/* -1 where bad, an index at which the run ends: how offsets that do not fit are refused. */
static wg_tensor *spoil_where(wg_tensor *bad, wg_tensor *index)
{
    return wg_where(bad, wg_scalar_like(index, -1), index);
}

/* Lengths of the examples, i64 [n]. */
static wg_tensor *lengths(wg_tensor *offsets)
{
    return wg_sub(wg_slice_axis(offsets, 0, 1, WG_SLICE_END, 1),
                  wg_slice_axis(offsets, 0, 0, -1, 1));
}

/* The example each id belongs to, i64 [total]. Offsets are counted up to each place; the place
 * after the last lets the last offset lie there. Ids before the first offset get -1 and those after
 * the last n, which the sum refuses. */
static wg_tensor *example_of(wg_tensor *ids, wg_tensor *offsets)
{
    wg_tensor *places =
        wg_pad(wg_zeros_like(ids), 1, (const int64_t[]){ 0 }, (const int64_t[]){ 1 }, 0);
    wg_tensor *marks = wg_scatter_add(places, offsets, wg_ones_like(offsets), 0), *example, *falls;

    example = wg_slice_axis(wg_cumsum(marks, 0, false), 0, 0, -1, 1);
    example = wg_sub(example, wg_ones_like(example));
    falls = wg_lt(wg_min(lengths(offsets), WG_ALL_AXES, false), wg_scalar_like(offsets, 0));
    return spoil_where(falls, example);
}

static wg_tensor *pool_ragged(const wg_embedding_hyper *h, wg_tensor *weight, wg_tensor *ids,
                              wg_tensor *offsets)
{
    wg_tensor *length = lengths(offsets);
    /* of which only the type counts */
    wg_tensor *like = wg_gather(weight, wg_zeros_like(length), 0), *sum;

    sum = wg_scatter_add_like(wg_gather(weight, ids, 0), example_of(ids, offsets), like, 0);
    if (h->pool[0] == 'm') {
        length = wg_maximum(length, wg_ones_like(length));
        sum = wg_div(sum, wg_unsqueeze(wg_cast_like(length, weight), WG_AXES(1)));
    }
    return wg_unsqueeze(sum, WG_AXES(1));
}

/* Examples of one length, which is that of the extents recorded: ids [n, length]. */
static wg_tensor *rectangle(wg_layer *l, wg_tensor *ids, wg_tensor *offsets)
{
    wg_graph *g = wg_tensor_graph(ids);
    int64_t total = wg_tensor_type(ids)->shape.dim[0],
            n = wg_tensor_type(offsets)->shape.dim[0] - 1;
    wg_tensor *first, *place, *bad;

    if (n < 1 || total % n != 0)
        return wg_record_fail(g, WG_ESHAPE, wg_layer_kind(l),
                              "%lld ids in %lld examples: without pool all have one length",
                              (long long)total, (long long)n);
    first = wg_unsqueeze(wg_slice_axis(offsets, 0, 0, -1, 1), WG_AXES(1));
    place = wg_add(first, wg_arange(g, WG_I64, 0, (double)(total / n), 1));
    bad = wg_ne(lengths(offsets), wg_scalar(g, WG_I64, (double)(total / n)));
    return wg_gather(ids, spoil_where(wg_unsqueeze(bad, WG_AXES(1)), place), 0);
}

/* ---- rectangles ---- */

/* rows [n, n_in, n_out], weights [n, n_in] or NULL */
static wg_tensor *pool_rows(const wg_embedding_hyper *h, wg_tensor *rows, wg_tensor *weights)
{
    wg_tensor *total;

    if (weights && !h->pool) return wg_mul(rows, wg_unsqueeze(weights, WG_AXES(2)));
    if (!h->pool) return rows;
    if (h->pool[0] == 'm' && !weights) return wg_mean(rows, WG_AXES(1), true);
    if (weights) {
        weights = wg_unsqueeze(weights, WG_AXES(2));
        rows = wg_matmul_t(weights, rows, true, false);
    } else rows = wg_sum(rows, WG_AXES(1), true);
    if (h->pool[0] == 's') return rows;
    total = wg_sum(weights, WG_AXES(1), true);
    total = wg_where(wg_eq(total, wg_scalar_like(total, 0)), wg_ones_like(total), total);
    return wg_div(rows, total);
}

static bool good_operands(wg_layer *l, int n, wg_tensor *const *x)
{
    const wg_type *ids = wg_tensor_type(x[0]), *other = n > 1 ? wg_tensor_type(x[1]) : NULL;
    wg_graph *g = wg_tensor_graph(x[0]);
    bool ragged = other && other->dtype == WG_I64;
    int rank = ragged ? 1 : 2;

    if (ids->dtype != WG_I64 || ids->shape.rank != rank)
        wg_record_fail(g, ids->dtype != WG_I64 ? WG_EDTYPE : WG_ESHAPE, "Embedding",
                       "ids are %s, wanted i64 %s", WG_TYPE_STR(ids),
                       ragged ? "[total], with offsets" : "[n, n_in]");
    else if (ragged && (other->shape.rank != 1 || other->shape.dim[0] < 2))
        wg_record_fail(g, WG_ESHAPE, "Embedding", "offsets are %s, wanted i64[n + 1], n 1 or more",
                       WG_TYPE_STR(other));
    else if (other && !ragged && other->dtype != wg_params_dtype(wg_layer_store(l)))
        wg_record_fail(g, WG_EDTYPE, "Embedding", "weights are %s, wanted %s", WG_TYPE_STR(other),
                       wg_dtype_name(wg_params_dtype(wg_layer_store(l))));
    else if (other && !ragged && !wg_shape_equal(&other->shape, &ids->shape))
        wg_record_fail(g, WG_ESHAPE, "Embedding", "weights are %s, ids are %s", WG_TYPE_STR(other),
                       WG_TYPE_STR(ids));
    return !wg_graph_error(g);
}

static wg_tensor *embedding_apply(wg_layer *l, int n, wg_tensor *const *x)
{
    const wg_embedding_hyper *h = wg_layer_hyper(l);
    wg_tensor *weight = wg_layer_leaf(l, wg_tensor_graph(x[0]), "W");
    bool ragged = n > 1 && wg_dtype_of(x[1]) == WG_I64;

    if (!good_operands(l, n, x)) return NULL;
    if (ragged && h->pool) return pool_ragged(h, weight, x[0], x[1]);
    if (ragged) return wg_gather(weight, rectangle(l, x[0], x[1]), 0);
    return pool_rows(h, wg_gather(weight, x[0], 0), n > 1 ? x[1] : NULL);
}

const wg_layer_class wg_class_embedding = { .name = "Embedding",
                                            .hyper_size = sizeof(wg_embedding_hyper),
                                            .hyper = embedding_fields,
                                            .n_in = 2,
                                            .n_optional = 1,
                                            .make = embedding_make,
                                            .init = embedding_init,
                                            .apply = embedding_apply };

wg_layer *wg_embedding(wg_params *w, const char *name, wg_embedding_hyper hyper)
{
    return wg_layer_new(&wg_class_embedding, w, name, &hyper);
}

wg_status wg_embedding_lookup(wg_layer *l, wg_array ids, wg_array *y)
{
    wg_graph *g;

    if (!l || !y) return WG_EARG;
    *y = (wg_array){ .data = NULL };
    l->error = l->broken;
    if (l->error.code != WG_OK) return l->error.code;
    if (l->kind != &wg_class_embedding)
        return wg_fail(&l->error, WG_EARG, l->kind->name, "%s is no Embedding", l->name);
    if (!l->ready)
        return wg_fail(&l->error, WG_ESTATE, "Embedding", "%s has no W before its first use",
                       l->name);
    if (ids.type.dtype != WG_I64)
        return wg_fail(&l->error, WG_EDTYPE, "Embedding", "%s: ids are %s, wanted i64", l->name,
                       WG_TYPE_STR(&ids.type));
    g = wg_graph_new();
    if (!g) return wg_fail(&l->error, WG_ENOMEM, "Embedding", "out of memory");
    wg_read(wg_gather(wg_layer_leaf(l, g, "W"), wg_input(g, "ids", WG_I64, ids.type.shape), 0),
            l->store, 1, &(wg_feed){ "ids", ids }, y, &l->error);
    wg_graph_free(g);
    return l->error.code;
}
