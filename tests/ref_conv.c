/* ref_conv.c: the reference convolutions and poolings as subjects of golden files. */
#include <stdlib.h>
#include <wengert/reference.h>

#include "ref_geometry.h"
#include "ref_subjects.h"

/* ---- layers of images ---- */

typedef bool layer_forward(const wg_ref_conv2d *h, const double *X, const double *W,
                           const double *b, double *Z, double *Y);
typedef bool layer_backward(const wg_ref_conv2d *h, const double *X, const double *W,
                            const double *Z, const double *dY, double *dX, double *dW, double *db);

/* One layer: how it goes forward and backward, and what its geometry is. */
typedef struct {
    layer_forward *forward;
    layer_backward *backward;
    wg_ref_pad (*same)(const wg_ref_conv2d *);
    int64_t (*rows)(const wg_ref_conv2d *), (*cols)(const wg_ref_conv2d *);
} layer;

static bool geometry(const layer *l, const gcase *c, wg_ref_conv2d *h, int64_t dim[4])
{
    const garray *X = g_in(c, "X"), *W = g_param(c, "W");

    if (!X || !W || X->rank != 4 || W->rank != 4 || g_dim(W, 2) != g_dim(X, 3)) return false;
    *h = (wg_ref_conv2d){ .stride = g_int(c, "stride", 1), .dilation = g_int(c, "dilation", 0) };
    ref_set_image(h, X);
    ref_set_kernel(h, W);
    if (!ref_set_pad(h, ref_hyper(c, "pad"), l->same)) return false;
    if (!wg_ref_act_parse(g_str(c, "act_fn", NULL), &h->act_fn)) return false;
    dim[0] = h->n_ex;
    dim[1] = l->rows(h);
    dim[2] = l->cols(h);
    dim[3] = h->out_ch;
    return true;
}

static bool forward(const layer *l, const gcase *c, gresult *r)
{
    wg_ref_conv2d h;
    int64_t dim[4];
    double *Z, *Y;
    bool ok;

    if (!geometry(l, c, &h, dim)) return false;
    Y = g_put(r, G_OUTPUT, "Y", 4, dim, NULL);
    Z = calloc((size_t)(dim[0] * dim[1] * dim[2] * dim[3]) + 1, sizeof *Z);
    ok = Y && Z && l->forward(&h, g_in_f(c, "X"), g_param_f(c, "W"), g_param_f(c, "b"), Z, Y);
    free(Z);
    return ok;
}

static bool backward(const layer *l, const gcase *c, gresult *r)
{
    wg_ref_conv2d h;
    int64_t dim[4];
    double *Z, *Y, *dX, *dW, *db;
    bool ok = true;
    size_t n;

    if (!geometry(l, c, &h, dim)) return false;
    n = (size_t)(dim[0] * dim[1] * dim[2] * dim[3]) + 1;
    Z = calloc(n, sizeof *Z);
    Y = calloc(n, sizeof *Y);
    dX = ref_put_like(r, G_INPUT_GRAD, "X", g_in(c, "X"), &ok);
    dW = ref_put_param(r, c, "W", &ok);
    db = ref_put_param(r, c, "b", &ok);
    ok = ok && Z && Y && g_out_grad_f(c, "Y") &&
         l->forward(&h, g_in_f(c, "X"), g_param_f(c, "W"), g_param_f(c, "b"), Z, Y) &&
         l->backward(&h, g_in_f(c, "X"), g_param_f(c, "W"), Z, g_out_grad_f(c, "Y"), dX, dW, db);
    free(Y);
    free(Z);
    return ok;
}

/* The forward passes that go with the backward passes element by element. */
static bool conv2d_naive(const wg_ref_conv2d *h, const double *X, const double *W, const double *b,
                         double *Z, double *Y)
{
    int64_t n = h->n_ex * wg_ref_conv2d_rows(h) * wg_ref_conv2d_cols(h) * h->out_ch;

    wg_ref_conv2D_naive(h, X, W, Z);
    for (int64_t i = 0; i < n && b; i++) Z[i] += b[i % h->out_ch];
    wg_ref_act_fn_n(h->act_fn, n, Z, Y);
    return true;
}

static bool deconv2d_naive(const wg_ref_conv2d *h, const double *X, const double *W,
                           const double *b, double *Z, double *Y)
{
    int64_t n = h->n_ex * wg_ref_deconv2d_rows(h) * wg_ref_deconv2d_cols(h) * h->out_ch;

    if (!wg_ref_deconv2D_naive(h, X, W, Z)) return false;
    for (int64_t i = 0; i < n && b; i++) Z[i] += b[i % h->out_ch];
    wg_ref_act_fn_n(h->act_fn, n, Z, Y);
    return true;
}

static const layer conv2d = { wg_ref_conv2d_forward, wg_ref_conv2d_backward, wg_ref_pad_same2d,
                              wg_ref_conv2d_rows, wg_ref_conv2d_cols };
static const layer naive2d = { conv2d_naive, wg_ref_conv2d_backward_naive, wg_ref_pad_same2d,
                               wg_ref_conv2d_rows, wg_ref_conv2d_cols };
static const layer deconv2d = { wg_ref_deconv2d_forward, wg_ref_deconv2d_backward,
                                wg_ref_deconv2d_same, wg_ref_deconv2d_rows, wg_ref_deconv2d_cols };
static const layer denaive2d = { deconv2d_naive, wg_ref_deconv2d_backward, wg_ref_deconv2d_same,
                                 wg_ref_deconv2d_rows, wg_ref_deconv2d_cols };

static bool conv2d_forward(const gcase *c, gresult *r)
{
    return forward(&conv2d, c, r);
}
static bool conv2d_backward(const gcase *c, gresult *r)
{
    return backward(&conv2d, c, r);
}
static bool naive2d_forward(const gcase *c, gresult *r)
{
    return forward(&naive2d, c, r);
}
static bool naive2d_backward(const gcase *c, gresult *r)
{
    return backward(&naive2d, c, r);
}
static bool deconv2d_forward(const gcase *c, gresult *r)
{
    return forward(&deconv2d, c, r);
}
static bool deconv2d_backward(const gcase *c, gresult *r)
{
    return backward(&deconv2d, c, r);
}
static bool denaive2d_forward(const gcase *c, gresult *r)
{
    return forward(&denaive2d, c, r);
}
static bool denaive2d_backward(const gcase *c, gresult *r)
{
    return backward(&denaive2d, c, r);
}

/* ---- sequences ---- */

typedef bool sequence_backward(const wg_ref_conv1d *h, const double *X, const double *W,
                               const double *Z, const double *dY, double *dX, double *dW,
                               double *db);

static bool set_pad1d(wg_ref_conv1d *h, const json_t *v)
{
    const char *text = json_string_value(v);

    h->left = ref_item(v, 0);
    h->right = ref_item(v, 1);
    if (!text) return json_is_integer(v) || json_array_size(v) == 2;
    if (strcmp(text, "same") == 0)
        wg_ref_pad_same(h->l_in, h->kernel_width, h->stride, h->dilation, &h->left, &h->right);
    else wg_ref_pad_causal(h->l_in, h->kernel_width, h->stride, h->dilation, &h->left, &h->right);
    return strcmp(text, "same") == 0 || strcmp(text, "causal") == 0;
}

static bool geometry1d(const gcase *c, wg_ref_conv1d *h, int64_t dim[3])
{
    const garray *X = g_in(c, "X"), *W = g_param(c, "W");

    if (!X || !W || X->rank != 3 || W->rank != 3 || g_dim(W, 1) != g_dim(X, 2)) return false;
    *h = (wg_ref_conv1d){ .n_ex = g_dim(X, 0),
                          .l_in = g_dim(X, 1),
                          .in_ch = g_dim(X, 2),
                          .kernel_width = g_dim(W, 0),
                          .out_ch = g_dim(W, 2),
                          .stride = g_int(c, "stride", 1),
                          .dilation = g_int(c, "dilation", 0) };
    if (!set_pad1d(h, ref_hyper(c, "pad"))) return false;
    if (!wg_ref_act_parse(g_str(c, "act_fn", NULL), &h->act_fn)) return false;
    dim[0] = h->n_ex;
    dim[1] = wg_ref_conv1d_length(h);
    dim[2] = h->out_ch;
    return true;
}

static bool conv1d_forward(const gcase *c, gresult *r)
{
    wg_ref_conv1d h;
    int64_t dim[3];
    double *Z, *Y;
    bool ok;

    if (!geometry1d(c, &h, dim)) return false;
    Y = g_put(r, G_OUTPUT, "Y", 3, dim, NULL);
    Z = calloc((size_t)(dim[0] * dim[1] * dim[2]) + 1, sizeof *Z);
    ok = Y && Z &&
         wg_ref_conv1d_forward(&h, g_in_f(c, "X"), g_param_f(c, "W"), g_param_f(c, "b"), Z, Y);
    free(Z);
    return ok;
}

static bool backward1d(sequence_backward *run, const gcase *c, gresult *r)
{
    wg_ref_conv1d h;
    int64_t dim[3];
    double *Z, *Y, *dX, *dW, *db;
    bool ok = true;
    size_t n;

    if (!geometry1d(c, &h, dim)) return false;
    n = (size_t)(dim[0] * dim[1] * dim[2]) + 1;
    Z = calloc(n, sizeof *Z);
    Y = calloc(n, sizeof *Y);
    dX = ref_put_like(r, G_INPUT_GRAD, "X", g_in(c, "X"), &ok);
    dW = ref_put_param(r, c, "W", &ok);
    db = ref_put_param(r, c, "b", &ok);
    ok = ok && Z && Y && g_out_grad_f(c, "Y") &&
         wg_ref_conv1d_forward(&h, g_in_f(c, "X"), g_param_f(c, "W"), g_param_f(c, "b"), Z, Y) &&
         run(&h, g_in_f(c, "X"), g_param_f(c, "W"), Z, g_out_grad_f(c, "Y"), dX, dW, db);
    free(Y);
    free(Z);
    return ok;
}

static bool conv1d_backward(const gcase *c, gresult *r)
{
    return backward1d(wg_ref_conv1d_backward, c, r);
}

static bool naive1d_backward(const gcase *c, gresult *r)
{
    return backward1d(wg_ref_conv1d_backward_naive, c, r);
}

/* ---- pooling ---- */

static bool pool_geometry(const gcase *c, wg_ref_conv2d *h, int64_t dim[4], bool *max)
{
    const char *mode = g_str(c, "mode", "max");
    const garray *X = g_in(c, "X");
    const json_t *kernel = ref_hyper(c, "kernel_shape");

    *max = strcmp(mode, "max") == 0;
    if (!X || X->rank != 4 || (!*max && strcmp(mode, "average") != 0)) return false;
    *h = (wg_ref_conv2d){ .kernel_rows = ref_item(kernel, 0),
                          .kernel_cols = ref_item(kernel, 1),
                          .stride = g_int(c, "stride", 1) };
    ref_set_image(h, X);
    if (!ref_set_pad(h, ref_hyper(c, "pad"), wg_ref_pad_same2d)) return false;
    dim[0] = h->n_ex;
    dim[1] = wg_ref_conv2d_rows(h);
    dim[2] = wg_ref_conv2d_cols(h);
    dim[3] = h->in_ch;
    return true;
}

static bool pool2d_forward(const gcase *c, gresult *r)
{
    wg_ref_conv2d h;
    int64_t dim[4];
    double *Y;
    bool max;

    if (!pool_geometry(c, &h, dim, &max) || !(Y = g_put(r, G_OUTPUT, "Y", 4, dim, NULL)))
        return false;
    if (max) wg_ref_pool2d_max_forward(&h, g_in_f(c, "X"), Y);
    else wg_ref_pool2d_average_forward(&h, g_in_f(c, "X"), Y);
    return true;
}

static bool pool2d_backward(const gcase *c, gresult *r)
{
    const double *dY = g_out_grad_f(c, "Y");
    wg_ref_conv2d h;
    int64_t dim[4];
    double *dX;
    bool max;

    if (!pool_geometry(c, &h, dim, &max) || !dY) return false;
    if (!(dX = g_put_like(r, G_INPUT_GRAD, "X", g_in(c, "X"), NULL))) return false;
    if (max) wg_ref_pool2d_max_backward(&h, g_in_f(c, "X"), dY, dX);
    else wg_ref_pool2d_average_backward(&h, dY, dX);
    return true;
}

const gsubject ref_subjects_conv[] = {
    { "Conv1D", conv1d_forward, conv1d_backward, NULL },
    { "Conv2D", conv2d_forward, conv2d_backward, NULL },
    { "Deconv2D", deconv2d_forward, deconv2d_backward, NULL },
    { "Pool2D", pool2d_forward, pool2d_backward, NULL },
    { NULL, NULL, NULL, NULL },
};

const gsubject ref_subjects_naive[] = {
    { "Conv1D", conv1d_forward, naive1d_backward, NULL },
    { "Conv2D", naive2d_forward, naive2d_backward, NULL },
    { "Deconv2D", denaive2d_forward, denaive2d_backward, NULL },
    { NULL, NULL, NULL, NULL },
};
