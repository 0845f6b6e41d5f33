/* ref_act.c: the reference activations as subjects of golden files. */
#include <wengert/reference.h>

#include "golden_case.h"
#include "ref_subjects.h"

static bool act_forward(const gcase *c, gresult *r)
{
    const garray *X = g_in(c, "X");
    wg_ref_act act;
    double *Y, *grad, *grad2;

    if (!X || !X->f || !wg_ref_act_parse(g_str(c, "act_fn", NULL), &act)) return false;
    Y = g_put_like(r, G_OUTPUT, "Y", X, NULL);
    grad = g_put_like(r, G_OUTPUT, "grad", X, NULL);
    grad2 = g_put_like(r, G_OUTPUT, "grad2", X, NULL);
    if (!Y || !grad || !grad2) return false;
    wg_ref_act_fn_n(act, g_count(X), X->f, Y);
    wg_ref_act_grad_n(act, g_count(X), X->f, grad);
    wg_ref_act_grad2_n(act, g_count(X), X->f, grad2);
    return true;
}

/* Through the outputs grad and grad2 only as far as second derivatives go. */
static bool act_backward(const gcase *c, gresult *r)
{
    const garray *X = g_in(c, "X");
    const double *dY = g_out_grad_f(c, "Y"), *dgrad = g_out_grad_f(c, "grad");
    wg_ref_act act;
    double *dX;

    if (!X || !X->f || !wg_ref_act_parse(g_str(c, "act_fn", NULL), &act)) return false;
    if (g_out_grad(c, "grad2") || !(dX = g_put_like(r, G_INPUT_GRAD, "X", X, NULL))) return false;
    if (dY) wg_ref_act_backward(act, g_count(X), X->f, dY, dX);
    for (int64_t i = 0; dgrad && i < g_count(X); i++)
        dX[i] += dgrad[i] * wg_ref_act_grad2(act, X->f[i]);
    return true;
}

const gsubject ref_subjects_act[] = {
    { "Affine", act_forward, act_backward, NULL },
    { "ELU", act_forward, act_backward, NULL },
    { "Exponential", act_forward, act_backward, NULL },
    { "GELU", act_forward, act_backward, NULL },
    { "HardSigmoid", act_forward, act_backward, NULL },
    { "Identity", act_forward, act_backward, NULL },
    { "LeakyReLU", act_forward, act_backward, NULL },
    { "ReLU", act_forward, act_backward, NULL },
    { "SELU", act_forward, act_backward, NULL },
    { "Sigmoid", act_forward, act_backward, NULL },
    { "SoftPlus", act_forward, act_backward, NULL },
    { "Tanh", act_forward, act_backward, NULL },
    { NULL, NULL, NULL, NULL },
};
