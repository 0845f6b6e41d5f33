/* loss.c: losses as compositions. Sums over the batch where numpy-ml sums, means where it takes the
 * mean. */
#include <math.h>

#include "wengert/grad.h"
#include "wengert/nn.h"
#include "wengert/op.h"
#include "wengert/ops.h"
#include "loss.h"
#include "own.h"

static wg_tensor *sum_all(wg_tensor *x)
{
    return wg_sum(x, WG_ALL_AXES, false);
}

/* ---- what they check ---- */

wg_tensor *wg__alike(const char *function, wg_tensor *x, const char *x_name, wg_tensor *like,
                     const char *like_name)
{
    wg_graph *g = like ? wg_tensor_graph(like) : NULL;

    if (!g || !x || wg_graph_error(g)) return x ? like : NULL;
    if (!wg_shape_equal(&wg_tensor_type(x)->shape, &wg_tensor_type(like)->shape))
        return wg_record_fail(g, WG_ESHAPE, function, "%s is %s and %s is %s, wanted equal extents",
                              x_name, WG_TYPE_STR(wg_tensor_type(x)), like_name,
                              WG_TYPE_STR(wg_tensor_type(like)));
    /* over no axes: the same elements, and an error in this scope unless the extents are equal */
    wg_scope_begin(g, "%s as %s", x_name, like_name);
    x = wg_expand_like(x, like, WG_NO_AXES, false);
    wg_scope_end(g);
    return x;
}

wg_tensor *wg__not_empty(const char *function, wg_tensor *total, wg_tensor *x, const char *x_name)
{
    wg_graph *g = x ? wg_tensor_graph(x) : NULL;

    if (!g || wg_graph_error(g)) return total;
    if (wg_shape_count(&wg_tensor_type(x)->shape) == 0)
        return wg_record_fail(g, WG_ESHAPE, function, "%s is %s: nothing to take the loss of",
                              x_name, WG_TYPE_STR(wg_tensor_type(x)));
    /* max has no value for no elements; only its type is used, so it is never computed */
    return wg_expand_like(total, wg_max(x, WG_ALL_AXES, false), WG_NO_AXES, false);
}

/* Whether x has examples along its first axis; NULL is no batch, nor is a tensor of a graph in
 * error. */
static bool is_batch(const char *function, wg_tensor *x, const char *name, int least_rank)
{
    wg_graph *g = x ? wg_tensor_graph(x) : NULL;

    if (!g || wg_graph_error(g)) return false;
    if (wg_rank(x) >= least_rank) return true;
    wg_record_fail(g, WG_ESHAPE, function, "%s is %s, wanted %s", name,
                   WG_TYPE_STR(wg_tensor_type(x)), least_rank == 1 ? "[n, ...]" : "[n, m, ...]");
    return false;
}

/* The graph's poison after an error; NULL without a graph. */
static wg_tensor *refused(const char *function, wg_tensor *x)
{
    return x ? wg_record_fail(wg_tensor_graph(x), WG_EARG, function, "an operand is NULL") : NULL;
}

/* ---- SquaredError, CrossEntropy ---- */

wg_tensor *wg_squared_error(wg_tensor *y, wg_tensor *y_pred)
{
    static const char function[] = "squared_error";
    wg_tensor *sum;

    y = wg__alike(function, y, "y", y_pred, "y_pred");
    sum = sum_all(wg_square(wg_sub(y_pred, y)));
    return wg__not_empty(function, wg_mul(sum, wg_scalar_like(sum, 0.5)), y_pred, "y_pred");
}

/* 0, unless a row of p is far from summing to one: then the run ends with an index out of range in
 * the scope that says so. Far, because rounding of f32 and small steps of p along one class are no
 * mistakes; logits in place of probabilities are. */
static wg_tensor *zero_for_probs(wg_tensor *p)
{
    wg_graph *g = wg_tensor_graph(p);
    wg_tensor *off, *wrong, *zero;

    wg_scope_begin(g, "rows of y_pred sum to 1");
    off = wg_abs(wg_sub(wg_sum(wg_detach(p), WG_AXES(-1), false), wg_scalar_like(p, 1)));
    wrong = wg_cast(wg_gt(off, wg_scalar_like(p, 0.01)), WG_I64);
    zero = wg_unsqueeze(wg_scalar_like(p, 0), WG_AXES(0));
    zero = sum_all(wg_gather(zero, wrong, 0));
    wg_scope_end(g);
    return zero;
}

/* log(p + 2^-52), numpy-ml's guard, with the slope 1 / p of what is guarded: with that of the guard
 * itself a prediction that is sure and wrong would not learn. */
static wg_tensor *guarded_log(wg_tensor *p)
{
    double least = wg_dtype_of(p) == WG_F32 ? 0x1p-126 : 0x1p-1022;
    wg_tensor *exact = wg_log(wg_maximum(p, wg_scalar_like(p, least)));
    wg_tensor *guarded = wg_log(wg_add(p, wg_scalar_like(p, 0x1p-52)));

    return wg_add(exact, wg_detach(wg_sub(guarded, exact)));
}

wg_tensor *wg_cross_entropy(wg_tensor *y, wg_tensor *y_pred)
{
    static const char function[] = "cross_entropy";
    wg_tensor *total;

    y = wg__alike(function, y, "y", y_pred, "y_pred");
    if (!is_batch(function, y_pred, "y_pred", 1)) return refused(function, y_pred);
    total = wg_sub(zero_for_probs(y_pred), sum_all(wg_mul(y, guarded_log(y_pred))));
    return wg__not_empty(function, total, y_pred, "y_pred");
}

wg_tensor *wg_cross_entropy_logits(wg_tensor *y, wg_tensor *z)
{
    static const char function[] = "cross_entropy_logits";

    y = wg__alike(function, y, "y", z, "z");
    return wg__not_empty(function, wg_neg(sum_all(wg_mul(y, wg_log_softmax(z, -1)))), z, "z");
}

wg_tensor *wg_cross_entropy_index(wg_tensor *index, wg_tensor *z)
{
    wg_tensor *log_p = wg_log_softmax(z, -1), *column = wg_unsqueeze(index, WG_AXES(-1));

    return wg__not_empty("cross_entropy_index",
                         wg_neg(sum_all(wg_take_along_axis(log_p, column, -1))), z, "z");
}

/* ---- VAELoss ---- */

/* All axes but the first: those of one example. */
static wg_axes of_example(wg_tensor *x)
{
    wg_axes axes = WG_NO_AXES;

    for (int i = 1; i < wg_rank(x); i++) axes.axis[axes.n++] = i;
    return axes;
}

wg_tensor *wg_vae_loss(wg_tensor *y, wg_tensor *y_pred, wg_tensor *t_mean, wg_tensor *t_log_var)
{
    static const char function[] = "vae_loss";
    wg_tensor *p, *one, *bound, *kl;
    double eps;

    y = wg__alike(function, y, "y", y_pred, "y_pred");
    t_mean = wg__alike(function, t_mean, "t_mean", t_log_var, "t_log_var");
    if (!y || !t_mean || !is_batch(function, y_pred, "y_pred", 1) ||
        !is_batch(function, t_log_var, "t_log_var", 1))
        return refused(function, y_pred);

    /* the machine epsilon of the type at hand: 1 - 2^-52 would be 1 in f32, and its log(1 - p)
     * infinite */
    eps = wg_dtype_of(y_pred) == WG_F32 ? 0x1p-23 : 0x1p-52;
    p = wg_clip(y_pred, eps, 1 - eps);
    one = wg_scalar_like(p, 1);
    bound = wg_add(wg_mul(y, wg_log(p)), wg_mul(wg_sub(one, y), wg_log1p(wg_neg(p))));
    bound = wg_sum(bound, of_example(bound), false);
    one = wg_scalar_like(t_log_var, 1);
    kl = wg_sub(wg_sub(wg_add(t_log_var, one), wg_square(t_mean)), wg_exp(t_log_var));
    kl = wg_sum(kl, of_example(kl), false);
    kl = wg__alike(function, kl, "the latent batch", bound, "the batch of y_pred");
    bound = wg_add(bound, wg_mul(kl, wg_scalar_like(kl, 0.5)));
    return wg__not_empty(function, wg_neg(wg_mean(bound, WG_ALL_AXES, false)), y_pred, "y_pred");
}

/* ---- WGAN_GPLoss ---- */

wg_tensor *wg_gradient_at(wg_tensor *y_interp, wg_tensor *x_interp)
{
    return wg_grad1(sum_all(y_interp), x_interp);
}

static wg_tensor *mean_of(const char *function, wg_tensor *x, const char *name)
{
    return wg__not_empty(function, wg_mean(x, WG_ALL_AXES, false), x, name);
}

wg_tensor *wg_wgan_gp_critic_loss(wg_tensor *Y_fake, wg_tensor *Y_real, wg_tensor *gradInterp,
                                  double lambda_)
{
    static const char function[] = "wgan_gp_critic_loss";
    wg_tensor *norm, *penalty, *distance;

    if (!Y_fake || !Y_real || !is_batch(function, gradInterp, "gradInterp", 2))
        return refused(function, Y_fake);
    if (!(lambda_ >= 0) || !isfinite(lambda_))
        return wg_record_fail(wg_tensor_graph(Y_fake), WG_EARG, function,
                              "lambda_ is %g, wanted a number of at least 0", lambda_);
    distance = wg_sub(mean_of(function, Y_fake, "Y_fake"), mean_of(function, Y_real, "Y_real"));
    norm = wg_norm(gradInterp, of_example(gradInterp), false);
    penalty = wg_square(wg_sub(norm, wg_scalar_like(norm, 1)));
    penalty = wg_mul(wg_mean(penalty, WG_ALL_AXES, false), wg_scalar_like(penalty, lambda_));
    return wg__not_empty(function, wg_add(distance, penalty), gradInterp, "gradInterp");
}

wg_tensor *wg_wgan_gp_generator_loss(wg_tensor *Y_fake)
{
    return wg_neg(mean_of("wgan_gp_generator_loss", Y_fake, "Y_fake"));
}

/* ---- gradients ---- */

wg_tensor *wg_loss_grad(wg_tensor *loss, wg_tensor *wrt)
{
    static const char function[] = "loss_grad";
    wg_tensor **order = NULL;
    wg_graph *g;
    int64_t n;
    bool reached = false;

    if (!loss || !wrt) return refused(function, loss ? loss : wrt);
    g = wg_tensor_graph(loss);
    if (wg_graph_error(g)) return wg_record_fail(g, WG_EARG, function, "the graph is in error");
    n = wg_order(1, &loss, &order);
    if (n < 0) return wg_record_fail(g, WG_ENOMEM, function, "out of memory");
    for (int64_t i = 0; i < n && !reached; i++) reached = order[i] == wrt;
    wg_free(order);
    if (!reached)
        return wg_record_fail(g, WG_EARG, function,
                              "the loss is not made from the tensor it is to be derived by");
    return wg_grad1(loss, wrt);
}

/* ---- checks of arrays, before they are fed ---- */

wg_status wg_check_labels(wg_array labels, int64_t n_classes, wg_error *error)
{
    static const char function[] = "check_labels";
    int64_t n = wg_shape_count(&labels.type.shape);
    const int64_t *v = labels.data;

    if (labels.type.dtype != WG_I64)
        return wg_fail(error, WG_EDTYPE, function, "labels are %s, wanted i64",
                       WG_TYPE_STR(&labels.type));
    if (n < 0 || (n > 0 && !v))
        return wg_fail(error, WG_EARG, function, "labels are %s without elements",
                       WG_TYPE_STR(&labels.type));
    for (int64_t i = 0; i < n; i++)
        if (v[i] < 0 || v[i] >= n_classes)
            return wg_fail(error, WG_EINDEX, function, "label %lld is %lld, wanted 0 to %lld",
                           (long long)i, (long long)v[i], (long long)n_classes - 1);
    return WG_OK;
}

wg_status wg_check_probs(wg_array p, wg_error *error)
{
    static const char function[] = "check_probs";
    const wg_shape *s = &p.type.shape;
    int64_t n = wg_shape_count(s), width;
    double tol;

    if (!wg_dtype_is_real(p.type.dtype))
        return wg_fail(error, WG_EDTYPE, function, "probabilities are %s, wanted f32 or f64",
                       WG_TYPE_STR(&p.type));
    if (s->rank < 1 || n < 0 || (n > 0 && !p.data))
        return wg_fail(error, WG_ESHAPE, function, "probabilities are %s, wanted [..., n_classes]",
                       WG_TYPE_STR(&p.type));
    width = s->dim[s->rank - 1];
    /* rounding of each of the summands */
    tol = (p.type.dtype == WG_F32 ? 0x1p-23 : 0x1p-52) * (double)(width + 4) + 1e-9;
    for (int64_t row = 0; width > 0 && row < n / width; row++) {
        double sum = 0;

        for (int64_t k = 0; k < width; k++) {
            double one = wg__array_at(&p, row * width + k);

            if (!(one >= 0 && one <= 1 + tol))
                return wg_fail(error, WG_EARG, function,
                               "row %lld: probability %lld is %g, wanted 0 to 1", (long long)row,
                               (long long)k, one);
            sum += one;
        }
        if (!(fabs(sum - 1) <= tol))
            return wg_fail(error, WG_EARG, function, "row %lld sums to %.9g, wanted 1",
                           (long long)row, sum);
    }
    return WG_OK;
}
