/* wavenet.c: the gated residual block. */
#include <wengert/reference_model.h>

#include "ref_matrix.h"

static wg_ref_conv1d dilated(const wg_ref_wavenet *h)
{
    wg_ref_conv1d conv = { .n_ex = h->n_ex,
                           .l_in = h->length,
                           .in_ch = h->ch_residual,
                           .kernel_width = h->kernel_width,
                           .out_ch = h->ch_dilation,
                           .stride = 1,
                           .dilation = h->dilation };

    wg_ref_pad_causal(h->length, h->kernel_width, 1, h->dilation, &conv.left, &conv.right);
    return conv;
}

static wg_ref_conv1d pointwise(const wg_ref_wavenet *h)
{
    return (wg_ref_conv1d){ .n_ex = h->n_ex,
                            .l_in = h->length,
                            .in_ch = h->ch_dilation,
                            .kernel_width = 1,
                            .out_ch = h->ch_residual,
                            .stride = 1 };
}

/* What lies between input and residual R, (n_ex, length, ch_dilation) but for R. */
typedef struct {
    double *D, *tanh_out, *sigm_out, *gate, *R;
} block;

/* Free b->D when it is done. */
static bool block_forward(const wg_ref_wavenet *h, const wg_ref_wavenet_params *p,
                          const double *X_main, block *b)
{
    int64_t n = h->n_ex * h->length * h->ch_dilation, m = h->n_ex * h->length * h->ch_residual;
    wg_ref_conv1d conv_dilation = dilated(h), conv_1x1 = pointwise(h);

    b->D = ref_zeros(4 * n + m);
    if (!b->D) return false;
    b->tanh_out = b->D + n;
    b->sigm_out = b->tanh_out + n;
    b->gate = b->sigm_out + n;
    b->R = b->gate + n;
    if (!wg_ref_conv1d_forward(&conv_dilation, X_main, p->conv_dilation_W, p->conv_dilation_b, b->D,
                               b->gate))
        goto fail;
    for (int64_t i = 0; i < n; i++) {
        b->tanh_out[i] = wg_ref_tanh(b->D[i]);
        b->sigm_out[i] = wg_ref_sigmoid(b->D[i]);
        b->gate[i] = b->tanh_out[i] * b->sigm_out[i];
    }
    if (wg_ref_conv1D(&conv_1x1, b->gate, p->conv_1x1_W, b->R)) {
        ref_add_bias(h->n_ex * h->length, h->ch_residual, p->conv_1x1_b, b->R);
        return true;
    }
fail:
    free(b->D);
    return false;
}

bool wg_ref_wavenet_forward(const wg_ref_wavenet *h, const wg_ref_wavenet_params *p,
                            const double *X_main, const double *X_skip, double *Y_main,
                            double *Y_skip)
{
    block b;

    if (!block_forward(h, p, X_main, &b)) return false;
    for (int64_t i = 0; i < h->n_ex * h->length * h->ch_residual; i++) {
        Y_main[i] = X_main[i] + b.R[i];
        Y_skip[i] = (X_skip ? X_skip[i] : 0) + b.R[i];
    }
    free(b.D);
    return true;
}

bool wg_ref_wavenet_backward(const wg_ref_wavenet *h, const wg_ref_wavenet_params *p,
                             const double *X_main, const double *dY_skip, const double *dY_main,
                             double *dX_main, double *dX_skip, wg_ref_wavenet_params *grads)
{
    int64_t n = h->n_ex * h->length * h->ch_dilation, m = h->n_ex * h->length * h->ch_residual;
    wg_ref_conv1d conv_dilation = dilated(h), conv_1x1 = pointwise(h);
    double *dR = ref_zeros(2 * m + 2 * n), *dX, *dG, *dD;
    block b;
    bool ok;

    if (!dR || !block_forward(h, p, X_main, &b)) {
        free(dR);
        return false;
    }
    dX = dR + m;
    dG = dX + m;
    dD = dG + n;
    for (int64_t i = 0; i < m; i++) dR[i] = (dY_main ? dY_main[i] : 0) + dY_skip[i];
    ok = wg_ref_conv1d_backward(&conv_1x1, b.gate, p->conv_1x1_W, b.R, dR, dG, grads->conv_1x1_W,
                                grads->conv_1x1_b);
    for (int64_t i = 0; i < n; i++)
        dD[i] = dG[i] * (b.sigm_out[i] * wg_ref_tanh_grad(b.D[i]) +
                         b.tanh_out[i] * wg_ref_sigmoid_grad(b.D[i]));
    ok = ok && wg_ref_conv1d_backward(&conv_dilation, X_main, p->conv_dilation_W, b.D, dD, dX,
                                      grads->conv_dilation_W, grads->conv_dilation_b);
    for (int64_t i = 0; i < m && ok; i++) {
        if (dX_main) dX_main[i] = (dY_main ? dY_main[i] : 0) + dX[i];
        if (dX_skip) dX_skip[i] = dY_skip[i];
    }
    free(b.D);
    free(dR);
    return ok;
}
