/* act.c: activations and their derivatives, without cancellation in the tails. */
#include "wengert/reference_act.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

double wg_ref_affine(double z, double slope, double intercept)
{
    return slope * z + intercept;
}

double wg_ref_affine_grad(double z, double slope)
{
    (void)z;
    return slope;
}

double wg_ref_affine_grad2(double z)
{
    (void)z;
    return 0;
}

double wg_ref_identity(double z)
{
    return z;
}

double wg_ref_identity_grad(double z)
{
    (void)z;
    return 1;
}

double wg_ref_identity_grad2(double z)
{
    (void)z;
    return 0;
}

/* For z < 0 e^z / (1 + e^z): e^-z would overflow where the value is still a number. */
double wg_ref_sigmoid(double z)
{
    double e = exp(-fabs(z));

    return z < 0 ? e / (1 + e) : 1 / (1 + e);
}

double wg_ref_sigmoid_grad(double z)
{
    return wg_ref_sigmoid(z) * wg_ref_sigmoid(-z);
}

/* s(-z) - s(z) = -tanh(z / 2), which is exact near 0. */
double wg_ref_sigmoid_grad2(double z)
{
    return -wg_ref_sigmoid_grad(z) * tanh(z / 2);
}

double wg_ref_tanh(double z)
{
    return tanh(z);
}

double wg_ref_tanh_grad(double z)
{
    return 4 * wg_ref_sigmoid_grad(2 * z);
}

double wg_ref_tanh_grad2(double z)
{
    return -2 * tanh(z) * wg_ref_tanh_grad(z);
}

double wg_ref_relu(double z)
{
    return z > 0 || isnan(z) ? z : 0;
}

double wg_ref_relu_grad(double z)
{
    return z > 0 ? 1 : 0;
}

double wg_ref_relu_grad2(double z)
{
    (void)z;
    return 0;
}

double wg_ref_leaky_relu(double z, double alpha)
{
    return z > 0 ? z : alpha * z;
}

double wg_ref_leaky_relu_grad(double z, double alpha)
{
    return z > 0 ? 1 : alpha;
}

double wg_ref_leaky_relu_grad2(double z)
{
    (void)z;
    return 0;
}

double wg_ref_elu(double z, double alpha)
{
    return z > 0 ? z : alpha * expm1(z);
}

double wg_ref_elu_grad(double z, double alpha)
{
    return z > 0 ? 1 : alpha * exp(z);
}

double wg_ref_elu_grad2(double z, double alpha)
{
    return z > 0 ? 0 : alpha * exp(z);
}

static const double selu_alpha = 1.6732632423543772848, selu_scale = 1.0507009873554804934;

double wg_ref_selu(double z)
{
    return selu_scale * wg_ref_elu(z, selu_alpha);
}

double wg_ref_selu_grad(double z)
{
    return selu_scale * wg_ref_elu_grad(z, selu_alpha);
}

double wg_ref_selu_grad2(double z)
{
    return selu_scale * wg_ref_elu_grad2(z, selu_alpha);
}

/* sqrt(2 / pi), 1 / sqrt(2), 1 / sqrt(2 pi) */
static const double root_2_over_pi = 0.79788456080286535588, half_root = 0.70710678118654752440,
                    density_0 = 0.39894228040143267794, gelu_cubic = 0.044715;

/* 0.5 (1 + tanh u) = s(2u), which keeps the lower tail; v = 2u and its derivatives v1, v2. */
static double gelu_inner(double z, double *v1, double *v2)
{
    double k = 2 * root_2_over_pi;

    *v1 = k * (1 + 3 * gelu_cubic * z * z);
    *v2 = k * 6 * gelu_cubic * z;
    return k * (z + gelu_cubic * z * z * z);
}

/* w s where s may be 0 and w infinite: beyond |z| = 1e100 the tails are 0. */
static double tail(double w, double s)
{
    return s == 0 ? 0 : w * s;
}

double wg_ref_gelu(double z, bool approximate)
{
    double v1, v2;

    if (!approximate) return tail(z, 0.5 * erfc(-z * half_root));
    return tail(z, wg_ref_sigmoid(gelu_inner(z, &v1, &v2)));
}

double wg_ref_gelu_grad(double z, bool approximate)
{
    double v, v1, v2;

    if (!approximate) return 0.5 * erfc(-z * half_root) + tail(z, density_0 * exp(-0.5 * z * z));
    v = gelu_inner(z, &v1, &v2);
    return wg_ref_sigmoid(v) + tail(z * v1, wg_ref_sigmoid_grad(v));
}

double wg_ref_gelu_grad2(double z, bool approximate)
{
    double v, v1, v2;

    if (!approximate) return tail(2 - z * z, density_0 * exp(-0.5 * z * z));
    v = gelu_inner(z, &v1, &v2);
    return tail(2 * v1 + z * v2, wg_ref_sigmoid_grad(v)) +
           tail(z * v1 * v1, wg_ref_sigmoid_grad2(v));
}

double wg_ref_exponential(double z)
{
    return exp(z);
}

double wg_ref_exponential_grad(double z)
{
    return exp(z);
}

double wg_ref_exponential_grad2(double z)
{
    return exp(z);
}

double wg_ref_hard_sigmoid(double z)
{
    return isnan(z) ? z : fmin(fmax(0.2 * z + 0.5, 0), 1);
}

double wg_ref_hard_sigmoid_grad(double z)
{
    return z >= -2.5 && z <= 2.5 ? 0.2 : 0;
}

double wg_ref_hard_sigmoid_grad2(double z)
{
    (void)z;
    return 0;
}

double wg_ref_softplus(double z)
{
    return fmax(z, 0) + log1p(exp(-fabs(z)));
}

double wg_ref_softplus_grad(double z)
{
    return wg_ref_sigmoid(z);
}

double wg_ref_softplus_grad2(double z)
{
    return wg_ref_sigmoid_grad(z);
}

/* ---- by kind ---- */

double wg_ref_act_fn(wg_ref_act act, double z)
{
    switch (act.kind) {
    case WG_REF_IDENTITY:
        return wg_ref_identity(z);
    case WG_REF_AFFINE:
        return wg_ref_affine(z, act.a, act.b);
    case WG_REF_SIGMOID:
        return wg_ref_sigmoid(z);
    case WG_REF_TANH:
        return wg_ref_tanh(z);
    case WG_REF_RELU:
        return wg_ref_relu(z);
    case WG_REF_LEAKY_RELU:
        return wg_ref_leaky_relu(z, act.a);
    case WG_REF_ELU:
        return wg_ref_elu(z, act.a);
    case WG_REF_SELU:
        return wg_ref_selu(z);
    case WG_REF_GELU_TANH:
    case WG_REF_GELU:
        return wg_ref_gelu(z, act.kind == WG_REF_GELU_TANH);
    case WG_REF_EXPONENTIAL:
        return wg_ref_exponential(z);
    case WG_REF_HARD_SIGMOID:
        return wg_ref_hard_sigmoid(z);
    case WG_REF_SOFTPLUS:
        return wg_ref_softplus(z);
    }
    return NAN;
}

double wg_ref_act_grad(wg_ref_act act, double z)
{
    switch (act.kind) {
    case WG_REF_IDENTITY:
        return wg_ref_identity_grad(z);
    case WG_REF_AFFINE:
        return wg_ref_affine_grad(z, act.a);
    case WG_REF_SIGMOID:
        return wg_ref_sigmoid_grad(z);
    case WG_REF_TANH:
        return wg_ref_tanh_grad(z);
    case WG_REF_RELU:
        return wg_ref_relu_grad(z);
    case WG_REF_LEAKY_RELU:
        return wg_ref_leaky_relu_grad(z, act.a);
    case WG_REF_ELU:
        return wg_ref_elu_grad(z, act.a);
    case WG_REF_SELU:
        return wg_ref_selu_grad(z);
    case WG_REF_GELU_TANH:
    case WG_REF_GELU:
        return wg_ref_gelu_grad(z, act.kind == WG_REF_GELU_TANH);
    case WG_REF_EXPONENTIAL:
        return wg_ref_exponential_grad(z);
    case WG_REF_HARD_SIGMOID:
        return wg_ref_hard_sigmoid_grad(z);
    case WG_REF_SOFTPLUS:
        return wg_ref_softplus_grad(z);
    }
    return NAN;
}

double wg_ref_act_grad2(wg_ref_act act, double z)
{
    switch (act.kind) {
    case WG_REF_IDENTITY:
        return wg_ref_identity_grad2(z);
    case WG_REF_AFFINE:
        return wg_ref_affine_grad2(z);
    case WG_REF_SIGMOID:
        return wg_ref_sigmoid_grad2(z);
    case WG_REF_TANH:
        return wg_ref_tanh_grad2(z);
    case WG_REF_RELU:
        return wg_ref_relu_grad2(z);
    case WG_REF_LEAKY_RELU:
        return wg_ref_leaky_relu_grad2(z);
    case WG_REF_ELU:
        return wg_ref_elu_grad2(z, act.a);
    case WG_REF_SELU:
        return wg_ref_selu_grad2(z);
    case WG_REF_GELU_TANH:
    case WG_REF_GELU:
        return wg_ref_gelu_grad2(z, act.kind == WG_REF_GELU_TANH);
    case WG_REF_EXPONENTIAL:
        return wg_ref_exponential_grad2(z);
    case WG_REF_HARD_SIGMOID:
        return wg_ref_hard_sigmoid_grad2(z);
    case WG_REF_SOFTPLUS:
        return wg_ref_softplus_grad2(z);
    }
    return NAN;
}

void wg_ref_act_fn_n(wg_ref_act act, int64_t n, const double *z, double *y)
{
    for (int64_t i = 0; i < n; i++) y[i] = wg_ref_act_fn(act, z[i]);
}

void wg_ref_act_grad_n(wg_ref_act act, int64_t n, const double *z, double *y)
{
    for (int64_t i = 0; i < n; i++) y[i] = wg_ref_act_grad(act, z[i]);
}

void wg_ref_act_grad2_n(wg_ref_act act, int64_t n, const double *z, double *y)
{
    for (int64_t i = 0; i < n; i++) y[i] = wg_ref_act_grad2(act, z[i]);
}

void wg_ref_act_backward(wg_ref_act act, int64_t n, const double *z, const double *dy, double *dz)
{
    for (int64_t i = 0; i < n; i++) dz[i] = dy[i] * wg_ref_act_grad(act, z[i]);
}

/* ---- from numpy-ml's strings ---- */

typedef struct {
    const char *name, *a, *b; /* name in small letters without blanks, and of its numbers */
    wg_ref_act act;           /* with the defaults */
} act_name;

static const act_name act_names[] = {
    { "identity", NULL, NULL, { WG_REF_IDENTITY, 0, 0 } },
    { "affine", "slope", "intercept", { WG_REF_AFFINE, 1, 0 } },
    { "sigmoid", NULL, NULL, { WG_REF_SIGMOID, 0, 0 } },
    { "tanh", NULL, NULL, { WG_REF_TANH, 0, 0 } },
    { "relu", NULL, NULL, { WG_REF_RELU, 0, 0 } },
    { "leakyrelu", "alpha", NULL, { WG_REF_LEAKY_RELU, 0.3, 0 } },
    { "elu", "alpha", NULL, { WG_REF_ELU, 1, 0 } },
    { "selu", NULL, NULL, { WG_REF_SELU, 0, 0 } },
    { "gelu", "approximate", NULL, { WG_REF_GELU_TANH, 0, 0 } },
    { "exponential", NULL, NULL, { WG_REF_EXPONENTIAL, 0, 0 } },
    { "hardsigmoid", NULL, NULL, { WG_REF_HARD_SIGMOID, 0, 0 } },
    { "softplus", NULL, NULL, { WG_REF_SOFTPLUS, 0, 0 } },
};

/* One "key=value" at *p; true, false and numbers. *p is then at the "," or ")" after it. */
static bool read_number(const char **p, const char *a, const char *b, wg_ref_act *act)
{
    size_t n = strcspn(*p, "=,)");
    double *to = NULL, v;
    char *end;

    if ((*p)[n] != '=') return false;
    if (a && strlen(a) == n && strncmp(*p, a, n) == 0) to = &act->a;
    else if (b && strlen(b) == n && strncmp(*p, b, n) == 0) to = &act->b;
    if (!to) return false;
    *p += n + 1;
    if (strncmp(*p, "true", 4) == 0 || strncmp(*p, "false", 5) == 0) {
        v = **p == 't';
        *p += v ? 4 : 5;
    } else {
        v = strtod(*p, &end);
        if (end == *p) return false;
        *p = end;
    }
    if (act->kind == WG_REF_GELU_TANH) {
        if (v != 0 && v != 1) return false;
        act->kind = v ? WG_REF_GELU_TANH : WG_REF_GELU;
        return true;
    }
    *to = v;
    return true;
}

bool wg_ref_act_parse(const char *text, wg_ref_act *act)
{
    char flat[128], *to = flat;
    const char *p;
    size_t name;

    if (!text) {
        *act = act_names[0].act;
        return true;
    }
    for (p = text; *p; p++) {
        if (*p == ' ' || *p == '_') continue;
        if (to == flat + sizeof flat - 1) return false;
        *to++ = (char)tolower((unsigned char)*p);
    }
    *to = '\0';
    name = strcspn(flat, "(");
    for (size_t k = 0; k < sizeof act_names / sizeof act_names[0]; k++) {
        const act_name *row = &act_names[k];
        wg_ref_act found = row->act;

        if (strlen(row->name) != name || strncmp(flat, row->name, name) != 0) continue;
        p = flat + name;
        if (*p == '(') {
            p++;
            while (*p != ')') {
                if (!read_number(&p, row->a, row->b, &found)) return false;
                if (*p == ',') p++;
                else if (*p != ')') return false;
            }
            p++;
        }
        if (*p) return false;
        *act = found;
        return true;
    }
    return false;
}
