/* loss.c: losses as compositions: sums over the batch, as numpy-ml documents them. */
#include "wengert/nn.h"
#include "wengert/op.h"
#include "wengert/ops.h"

wg_tensor *wg_squared_error(wg_tensor *y, wg_tensor *y_pred)
{
    wg_tensor *sum = wg_sum(wg_square(wg_sub(y_pred, y)), WG_ALL_AXES, false);

    return wg_mul(sum, wg_scalar_like(sum, 0.5));
}

wg_tensor *wg_cross_entropy(wg_tensor *y, wg_tensor *y_pred)
{
    wg_tensor *log_p = wg_log(wg_add(y_pred, wg_scalar_like(y_pred, 0x1p-52)));

    return wg_neg(wg_sum(wg_mul(y, log_p), WG_ALL_AXES, false));
}

wg_tensor *wg_cross_entropy_logits(wg_tensor *y, wg_tensor *z)
{
    return wg_neg(wg_sum(wg_mul(y, wg_log_softmax(z, -1)), WG_ALL_AXES, false));
}

wg_tensor *wg_cross_entropy_index(wg_tensor *index, wg_tensor *z)
{
    wg_tensor *log_p = wg_log_softmax(z, -1), *column = wg_unsqueeze(index, WG_AXES(-1));

    return wg_neg(wg_sum(wg_take_along_axis(log_p, column, -1), WG_ALL_AXES, false));
}
