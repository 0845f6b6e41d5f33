/* compose.c: functions that only call constructors. */
#include "op.h"

static wg_tensor *want_real(wg_tensor *x, const char *function)
{
    wg_graph *g = wg_tensor_graph(x);

    if (!x || wg_graph_error(g) || wg_dtype_is_real(wg_dtype_of(x))) return x;
    return wg_record_fail(g, WG_EDTYPE, function,
                          "operand 0 is %s, wanted f32 or f64: convert it with wg_cast",
                          wg_dtype_name(wg_dtype_of(x)));
}

wg_tensor *wg_mean(wg_tensor *x, wg_axes axes, bool keepdims)
{
    wg_tensor *total, *n;

    x = want_real(x, "mean");
    total = wg_sum(x, axes, keepdims);
    n = wg_count(x, axes);
    return wg_div(total, n);
}

wg_tensor *wg_var(wg_tensor *x, wg_axes axes, int ddof, bool keepdims)
{
    wg_tensor *total, *n;

    x = want_real(x, "var");
    total = wg_sum(wg_square(wg_sub(x, wg_mean(x, axes, true))), axes, keepdims);
    n = wg_count(x, axes);
    if (ddof != 0) n = wg_maximum(wg_sub(n, wg_scalar_like(x, ddof)), wg_scalar_like(x, 0));
    return wg_div(total, n);
}
