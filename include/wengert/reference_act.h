/* reference_act.h: activations and their first and second derivatives (numpy-ml activations.py). */
#ifndef WENGERT_REFERENCE_ACT_H
#define WENGERT_REFERENCE_ACT_H

#include "wengert/reference_base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    WG_REF_IDENTITY,
    WG_REF_AFFINE, /* a slope, b intercept */
    WG_REF_SIGMOID,
    WG_REF_TANH,
    WG_REF_RELU,
    WG_REF_LEAKY_RELU, /* a alpha */
    WG_REF_ELU,        /* a alpha */
    WG_REF_SELU,
    WG_REF_GELU_TANH, /* GELU(approximate=True) */
    WG_REF_GELU,      /* GELU(approximate=False) */
    WG_REF_EXPONENTIAL,
    WG_REF_HARD_SIGMOID,
    WG_REF_SOFTPLUS
} wg_ref_act_kind;

/** An activation f and its numbers. */
typedef struct {
    wg_ref_act_kind kind;
    double a, b;
} wg_ref_act;

/** The activation a numpy-ml string names: "ReLU", "Leaky ReLU(alpha=0.3)", "ELU(alpha=1.0)",
 * "Affine(slope=1, intercept=0)", "GELU(approximate=True)", ...; NULL is Identity. False, and *act
 * untouched, when it names none. Arguments left out take numpy-ml's defaults. */
WG_REF_API bool wg_ref_act_parse(const char *text, wg_ref_act *act);

/** f(z), f'(z) and f''(z). At a breakpoint the derivatives are those of the documented "otherwise"
 * branch. Source: the class of that name in numpy-ml activations.py, fn, grad and grad2. */
WG_REF_API double wg_ref_act_fn(wg_ref_act act, double z);
WG_REF_API double wg_ref_act_grad(wg_ref_act act, double z);
WG_REF_API double wg_ref_act_grad2(wg_ref_act act, double z);

/** The same for n elements: y[i] = f(z[i]), f'(z[i]), f''(z[i]). y may be z. */
WG_REF_API void wg_ref_act_fn_n(wg_ref_act act, int64_t n, const double *z, double *y);
WG_REF_API void wg_ref_act_grad_n(wg_ref_act act, int64_t n, const double *z, double *y);
WG_REF_API void wg_ref_act_grad2_n(wg_ref_act act, int64_t n, const double *z, double *y);

/** dz[i] = dy[i] f'(z[i]): the backward of y = f(z). dz may be dy or z. */
WG_REF_API void wg_ref_act_backward(wg_ref_act act, int64_t n, const double *z, const double *dy,
                                    double *dz);

/* ---- one by one ---- */

/** Affine: slope z + intercept; slope; 0. */
WG_REF_API double wg_ref_affine(double z, double slope, double intercept);
WG_REF_API double wg_ref_affine_grad(double z, double slope);
WG_REF_API double wg_ref_affine_grad2(double z);

/** Identity: z; 1; 0. */
WG_REF_API double wg_ref_identity(double z);
WG_REF_API double wg_ref_identity_grad(double z);
WG_REF_API double wg_ref_identity_grad2(double z);

/** Sigmoid: s = 1 / (1 + e^-z); s(z) s(-z); s(z) s(-z) (s(-z) - s(z)). Products of both tails, so
 * that nothing cancels where s is near 1. */
WG_REF_API double wg_ref_sigmoid(double z);
WG_REF_API double wg_ref_sigmoid_grad(double z);
WG_REF_API double wg_ref_sigmoid_grad2(double z);

/** Tanh: t = tanh z; 1 - t^2 = 4 s(2z) s(-2z); -2 t (1 - t^2). */
WG_REF_API double wg_ref_tanh(double z);
WG_REF_API double wg_ref_tanh_grad(double z);
WG_REF_API double wg_ref_tanh_grad2(double z);

/** ReLU: max(0, z); 1 for z > 0, otherwise 0; 0. */
WG_REF_API double wg_ref_relu(double z);
WG_REF_API double wg_ref_relu_grad(double z);
WG_REF_API double wg_ref_relu_grad2(double z);

/** LeakyReLU: z for z > 0, otherwise alpha z; 1 or alpha; 0. */
WG_REF_API double wg_ref_leaky_relu(double z, double alpha);
WG_REF_API double wg_ref_leaky_relu_grad(double z, double alpha);
WG_REF_API double wg_ref_leaky_relu_grad2(double z);

/** ELU: z for z > 0, otherwise alpha (e^z - 1); 1 or alpha e^z; 0 or alpha e^z. */
WG_REF_API double wg_ref_elu(double z, double alpha);
WG_REF_API double wg_ref_elu_grad(double z, double alpha);
WG_REF_API double wg_ref_elu_grad2(double z, double alpha);

/** SELU: scale ELU(z, alpha) with scale 1.0507009873554804934, alpha 1.6732632423543772848.
 * Source: Klambauer et al. 2017. */
WG_REF_API double wg_ref_selu(double z);
WG_REF_API double wg_ref_selu_grad(double z);
WG_REF_API double wg_ref_selu_grad2(double z);

/** GELU, exact: z P(z); P + z p; p (2 - z^2), with P and p the distribution and the density of the
 * standard normal. approximate: P(z) ~ s(2 u), u = sqrt(2/pi) (z + 0.044715 z^3), and the
 * derivatives of that form. Source: Hendrycks and Gimpel 2016. */
WG_REF_API double wg_ref_gelu(double z, bool approximate);
WG_REF_API double wg_ref_gelu_grad(double z, bool approximate);
WG_REF_API double wg_ref_gelu_grad2(double z, bool approximate);

/** Exponential: e^z, three times. */
WG_REF_API double wg_ref_exponential(double z);
WG_REF_API double wg_ref_exponential_grad(double z);
WG_REF_API double wg_ref_exponential_grad2(double z);

/** HardSigmoid: 0.2 z + 0.5 kept in [0, 1]; 0.2 for -2.5 <= z <= 2.5, otherwise 0; 0. */
WG_REF_API double wg_ref_hard_sigmoid(double z);
WG_REF_API double wg_ref_hard_sigmoid_grad(double z);
WG_REF_API double wg_ref_hard_sigmoid_grad2(double z);

/** SoftPlus: log(1 + e^z) = max(z, 0) + log1p(e^-|z|); s(z); s(z) s(-z). */
WG_REF_API double wg_ref_softplus(double z);
WG_REF_API double wg_ref_softplus_grad(double z);
WG_REF_API double wg_ref_softplus_grad2(double z);

#ifdef __cplusplus
}
#endif

#endif
