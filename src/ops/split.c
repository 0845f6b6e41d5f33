/*
 * split.c: a tensor in pieces along one axis. Constructors, no rules: they may look at the extents
 * recorded, so this file does without op.h of its folder.
 */
#include <inttypes.h>

#include "wengert/op.h"
#include "wengert/ops_shape.h"

/* The axis counted from the front; -1, with an error on the graph, when there is no such axis. */
static int axis_of(wg_tensor *x, const char *function, int axis)
{
    const wg_type *type = wg_tensor_type(x);
    int rank = type->shape.rank;

    if (wg_graph_error(wg_tensor_graph(x))) return -1;
    if (axis >= -rank && axis < rank) return axis < 0 ? axis + rank : axis;
    wg_record_fail(wg_tensor_graph(x), WG_EARG, function, "axis %d is out of range for rank %d: %s",
                   axis, rank, WG_TYPE_STR(type));
    return -1;
}

wg_tensor *wg_slice_axis(wg_tensor *x, int axis, int64_t start, int64_t stop, int64_t step)
{
    int64_t starts[WG_MAX_RANK] = { 0 }, stops[WG_MAX_RANK], steps[WG_MAX_RANK];
    int a = axis_of(x, "slice_axis", axis);

    for (int i = 0; i < WG_MAX_RANK; i++) {
        stops[i] = WG_SLICE_END;
        steps[i] = 1;
    }
    if (a >= 0) {
        starts[a] = start;
        stops[a] = stop;
        steps[a] = step;
    }
    return wg_slice(x, a + 1, starts, stops, steps); /* the poison after an error */
}

wg_graph *wg_split(wg_tensor *x, int axis, int n, const int64_t *size, wg_tensor **part)
{
    const wg_type *type = wg_tensor_type(x);
    wg_graph *g = wg_tensor_graph(x);
    int a = axis_of(x, "split", axis);
    int64_t sum = 0, at = 0;

    if (n > 0 && !part) {
        wg_record_fail(g, WG_EARG, "split", "no room for %d pieces: part is NULL", n);
        return g;
    }
    if (n > 0 && !size && a >= 0) {
        wg_record_fail(g, WG_EARG, "split", "no extents for %d pieces: size is NULL", n);
        a = -1;
    }
    for (int i = 0; i < n && a >= 0; i++) {
        if (size[i] >= 0 && !__builtin_add_overflow(sum, size[i], &sum)) continue;
        wg_record_fail(g, WG_EARG, "split", "piece %d has extent %" PRId64 ": %s", i, size[i],
                       WG_TYPE_STR(type));
        a = -1;
    }
    if (a >= 0 && sum != type->shape.dim[a]) {
        wg_record_fail(g, WG_ESHAPE, "split",
                       "%d pieces have %" PRId64 " in all, axis %d of %s has %" PRId64, n, sum, a,
                       WG_TYPE_STR(type), type->shape.dim[a]);
        a = -1;
    }
    for (int i = 0; i < n; i++) {
        part[i] = wg_slice_axis(x, axis, at, a >= 0 ? at + size[i] : 0, 1);
        if (a >= 0) at += size[i];
    }
    return g;
}
