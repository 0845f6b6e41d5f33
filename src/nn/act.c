/* act.c: activations from numpy-ml's names, as compositions of ops. */
#include <math.h>
#include <string.h>

#include "wengert/grad.h"
#include "wengert/nn.h"
#include "wengert/op.h"
#include "wengert/ops.h"
#include "wengert/plan.h"
#include "act.h"

static wg_tensor *num(wg_tensor *x, double v)
{
    return wg_scalar_like(x, v);
}

static wg_tensor *scaled(wg_tensor *x, double v)
{
    return v == 1 ? x : wg_mul(x, num(x, v));
}

/* ---- one function each, with its derivatives where the recorded ones lose the tail ---- */

static wg_tensor *identity(wg_tensor *x, const double *a)
{
    (void)a;
    return x;
}

static wg_tensor *affine(wg_tensor *x, const double *a)
{
    wg_tensor *y = scaled(x, a[0]);

    return a[1] == 0 ? y : wg_add(y, num(x, a[1]));
}

static wg_tensor *sigmoid(wg_tensor *x, const double *a)
{
    (void)a;
    return wg_sigmoid(x);
}

/* Both tails keep their digits: 1 - s(x) would be 0 from x = 37 on. */
static wg_tensor *sigmoid_grad(wg_tensor *x, const double *a)
{
    (void)a;
    return wg_mul(wg_sigmoid(x), wg_sigmoid(wg_neg(x)));
}

/* s s(-x) (s(-x) - s), where the difference is -tanh(x / 2) */
static wg_tensor *sigmoid_grad2(wg_tensor *x, const double *a)
{
    return wg_mul(sigmoid_grad(x, a), wg_neg(wg_tanh(scaled(x, 0.5))));
}

static wg_tensor *hyperbolic(wg_tensor *x, const double *a)
{
    (void)a;
    return wg_tanh(x);
}

/* tanh(x) = 2 s(2 x) - 1 */
static wg_tensor *hyperbolic_grad(wg_tensor *x, const double *a)
{
    return scaled(sigmoid_grad(scaled(x, 2), a), 4);
}

static wg_tensor *hyperbolic_grad2(wg_tensor *x, const double *a)
{
    return wg_mul(hyperbolic_grad(x, a), scaled(wg_tanh(x), -2));
}

static wg_tensor *relu(wg_tensor *x, const double *a)
{
    (void)a;
    return wg_relu(x);
}

static wg_tensor *leaky_relu(wg_tensor *x, const double *a)
{
    return wg_where(wg_gt(x, num(x, 0)), x, wg_mul(x, num(x, a[0])));
}

/* expm1 sees no positive number: where selects, but the rule of the branch not taken would
 * overflow. */
static wg_tensor *elu(wg_tensor *x, const double *a)
{
    wg_tensor *low = wg_expm1(wg_minimum(x, num(x, 0)));

    return wg_where(wg_gt(x, num(x, 0)), x, scaled(low, a[0]));
}

/* `above` where x > 0, else alpha e^x: expm1 + 1 would lose e^x far below 0 */
static wg_tensor *elu_slope(wg_tensor *x, double alpha, double above)
{
    wg_tensor *low = scaled(wg_exp(wg_minimum(x, num(x, 0))), alpha);

    return wg_where(wg_gt(x, num(x, 0)), num(x, above), low);
}

static wg_tensor *elu_grad(wg_tensor *x, const double *a)
{
    return elu_slope(x, a[0], 1);
}

static wg_tensor *elu_grad2(wg_tensor *x, const double *a)
{
    return elu_slope(x, a[0], 0);
}

/* Klambauer et al. 2017 */
static const double selu_alpha = 1.6732632423543772848170429916717,
                    selu_scale = 1.0507009873554804934193349852946;

static wg_tensor *selu(wg_tensor *x, const double *a)
{
    (void)a;
    return scaled(elu(x, &selu_alpha), selu_scale);
}

static wg_tensor *selu_grad(wg_tensor *x, const double *a)
{
    (void)a;
    return elu_slope(x, selu_alpha * selu_scale, selu_scale);
}

static wg_tensor *selu_grad2(wg_tensor *x, const double *a)
{
    (void)a;
    return elu_slope(x, selu_alpha * selu_scale, 0);
}

/* x Phi(x), or the tanh form of Hendrycks and Gimpel 2016, written 1 + tanh(u) = 2 s(2 u) to keep
 * the lower tail. Beyond +-40 both are x or 0 to the last bit; a limit keeps the powers of x in the
 * tanh form and in second derivatives finite. */
static const double gelu_a = 0.044715, gelu_c = 2 * 0.79788456080286535588; /* 2 sqrt(2 / pi) */

static wg_tensor *gelu_limit(wg_tensor *x)
{
    return wg_clip(x, -40, 40);
}

/* v = c (z + a z^3), of which Phi(z) is nearly s(v) */
static wg_tensor *gelu_inner(wg_tensor *z)
{
    return scaled(wg_add(z, scaled(wg_mul(wg_square(z), z), gelu_a)), gelu_c);
}

/* s(v) s(-v) v', the derivative of s(v) */
static wg_tensor *gelu_density(wg_tensor *z)
{
    wg_tensor *slope = wg_add(scaled(wg_square(z), 3 * gelu_c * gelu_a), num(z, gelu_c));

    return wg_mul(sigmoid_grad(gelu_inner(z), NULL), slope);
}

static wg_tensor *gelu(wg_tensor *x, const double *a)
{
    if (a[0] == 0) return wg_mul_no_nan(x, wg_normal_cdf(x));
    return wg_mul_no_nan(x, wg_sigmoid(gelu_inner(gelu_limit(x))));
}

static wg_tensor *gelu_grad(wg_tensor *x, const double *a)
{
    wg_tensor *z;

    if (a[0] == 0) return wg_add(wg_normal_cdf(x), wg_mul_no_nan(x, wg_normal_pdf(x)));
    z = gelu_limit(x);
    return wg_add(wg_sigmoid(gelu_inner(z)), wg_mul(z, gelu_density(z)));
}

/* p (2 - z^2), or s(v) s(-v) (2 v' + z (v'' - tanh(v / 2) v'^2)) */
static wg_tensor *gelu_grad2(wg_tensor *x, const double *a)
{
    wg_tensor *z = gelu_limit(x), *v, *slope, *bend;

    if (a[0] == 0) return wg_mul(wg_normal_pdf(z), wg_sub(num(z, 2), wg_square(z)));
    v = gelu_inner(z);
    slope = wg_add(scaled(wg_square(z), 3 * gelu_c * gelu_a), num(z, gelu_c));
    bend =
        wg_sub(scaled(z, 6 * gelu_c * gelu_a), wg_mul(wg_tanh(scaled(v, 0.5)), wg_square(slope)));
    return wg_mul(sigmoid_grad(v, NULL), wg_add(scaled(slope, 2), wg_mul(z, bend)));
}

static wg_tensor *exponential(wg_tensor *x, const double *a)
{
    (void)a;
    return wg_exp(x);
}

/* x is limited, not the result: the slope changes at 2.5 itself, not where 0.2 x + 0.5 rounds
 * to 1 */
static wg_tensor *hard_sigmoid(wg_tensor *x, const double *a)
{
    (void)a;
    return wg_add(scaled(wg_clip(x, -2.5, 2.5), 0.2), num(x, 0.5));
}

static wg_tensor *softplus(wg_tensor *x, const double *a)
{
    (void)a;
    return wg_softplus(x);
}

const struct act wg__acts[] = {
    { "Identity", identity, NULL, NULL, { { NULL, 0, 0 } } },
    { "Sigmoid", sigmoid, sigmoid_grad, sigmoid_grad2, { { NULL, 0, 0 } } },
    { "Tanh", hyperbolic, hyperbolic_grad, hyperbolic_grad2, { { NULL, 0, 0 } } },
    { "ReLU", relu, NULL, NULL, { { NULL, 0, 0 } } },
    { "Leaky ReLU", leaky_relu, NULL, NULL, { { "alpha", ACT_FLOAT, 0.3 } } },
    { "ELU", elu, elu_grad, elu_grad2, { { "alpha", ACT_FLOAT, 1 } } },
    { "SELU", selu, selu_grad, selu_grad2, { { NULL, 0, 0 } } },
    { "GELU", gelu, gelu_grad, gelu_grad2, { { "approximate", ACT_BOOL, 1 } } },
    { "Exponential", exponential, NULL, NULL, { { NULL, 0, 0 } } },
    { "Hard Sigmoid", hard_sigmoid, NULL, NULL, { { NULL, 0, 0 } } },
    { "SoftPlus", softplus, sigmoid, sigmoid_grad, { { NULL, 0, 0 } } },
    { "Affine", affine, NULL, NULL, { { "slope", ACT_WHOLE, 1 }, { "intercept", ACT_WHOLE, 0 } } },
};
const int wg__n_acts = sizeof wg__acts / sizeof wg__acts[0];

/* ---- what callers use ---- */

/* The derivative of y = f(x) element by element: no element of y depends on two of x. */
static wg_tensor *recorded(wg_tensor *y, wg_tensor *x)
{
    return wg_grad1(wg_sum(y, WG_ALL_AXES, false), x);
}

static wg_tensor *derivative(const struct act *act, const double *a, int order, wg_tensor *x)
{
    wg_tensor *y;

    if (order == 0) return act->apply(x, a);
    if (order == 1 && act->grad) return act->grad(x, a);
    if (order == 2 && act->grad2) return act->grad2(x, a);
    y = recorded(act->apply(x, a), x);
    return order == 1 ? y : recorded(y, x);
}

static wg_tensor *of_order(const char *act_fn, int order, wg_tensor *x)
{
    wg_error error = { .code = WG_OK };
    double a[ACT_MAX_ARGS];
    const struct act *act = wg__act_parse(act_fn, a, &error);
    wg_graph *g;

    if (!x) return NULL;
    g = wg_tensor_graph(x);
    if (wg_graph_error(g)) return wg_record_fail(g, WG_EARG, "act", "the graph is in error");
    if (!act) return wg_record_fail(g, error.code, error.op, "%s", error.text);
    if (!wg_dtype_is_real(wg_dtype_of(x)))
        return wg_record_fail(g, WG_EDTYPE, "act",
                              "%s of %s, wanted f32 or f64: convert it with wg_cast", act->name,
                              WG_TYPE_STR(wg_tensor_type(x)));
    return derivative(act, a, order, x);
}

wg_tensor *wg_act(const char *act_fn, wg_tensor *x)
{
    return of_order(act_fn, 0, x);
}

wg_tensor *wg_act_grad(const char *act_fn, wg_tensor *x)
{
    return of_order(act_fn, 1, x);
}

wg_tensor *wg_act_grad2(const char *act_fn, wg_tensor *x)
{
    return of_order(act_fn, 2, x);
}

wg_status wg_act_array(const char *act_fn, int order, wg_array x, wg_array *y, wg_error *error)
{
    wg_feed feed = { "x", x };
    wg_graph *g;
    wg_tensor *t;
    wg_status status;

    if (order < 0 || order > 2)
        return wg_fail(error, WG_EARG, "act_array", "order is %d, wanted 0, 1 or 2", order);
    if (x.type.dtype == WG_BOOL)
        return wg_fail(error, WG_EDTYPE, "act_array", "x is %s, wanted numbers",
                       WG_TYPE_STR(&x.type));
    g = wg_graph_new();
    t = wg_input(g, "x", x.type.dtype, x.type.shape);
    if (x.type.dtype == WG_I64) t = wg_cast(t, WG_F64);
    t = of_order(act_fn, order, t);
    status = wg_read(t, NULL, 1, &feed, y, error);
    wg_graph_free(g);
    return status;
}

double wg_act_gain(const char *act_fn)
{
    double a[ACT_MAX_ARGS];
    const struct act *act = wg__act_parse(act_fn, a, NULL);

    if (act && act->apply == hyperbolic) return 5.0 / 3;
    if (act && act->apply == relu) return sqrt(2);
    if (act && act->apply == leaky_relu) return sqrt(2 / (1 + a[0] * a[0]));
    return 1;
}
