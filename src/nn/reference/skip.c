/* skip.c: residual blocks of two convolutions, beside the input itself or a convolution of it. */
#include <string.h>
#include <wengert/reference_model.h>
#include <wengert/reference_norm.h>

#include "ref_matrix.h"

/* ---- geometry ---- */

bool wg_ref_calc_pad(int64_t n, int64_t n_out, int64_t kernel, int64_t stride, int64_t dilation,
                     int64_t *before, int64_t *after)
{
    int64_t total = stride * (n_out - 1) + kernel * (dilation + 1) - dilation - n;

    if (total < 0) total = 0;
    *before = total / 2;
    *after = total - *before;
    return wg_ref_conv_out(n, *before, *after, kernel, stride, dilation) == n_out;
}

static bool has_conv_skip(const wg_ref_skip *h)
{
    return h->conv_skip.kernel_rows > 0;
}

bool wg_ref_skip_link(wg_ref_skip *h)
{
    wg_ref_conv2d *a = &h->conv1, *b = &h->conv2, *s = &h->conv_skip;
    int64_t rows, cols;

    a->act_fn = h->act_fn;
    b->n_ex = a->n_ex;
    b->in_rows = wg_ref_conv2d_rows(a);
    b->in_cols = wg_ref_conv2d_cols(a);
    b->in_ch = a->out_ch;
    rows = wg_ref_conv2d_rows(b);
    cols = wg_ref_conv2d_cols(b);
    if (!has_conv_skip(h)) return rows == a->in_rows && cols == a->in_cols && b->out_ch == a->in_ch;
    s->n_ex = a->n_ex;
    s->in_rows = a->in_rows;
    s->in_cols = a->in_cols;
    s->in_ch = a->in_ch;
    s->out_ch = b->out_ch;
    return wg_ref_calc_pad(s->in_rows, rows, s->kernel_rows, s->stride, s->dilation, &s->pad.top,
                           &s->pad.bottom) &&
           wg_ref_calc_pad(s->in_cols, cols, s->kernel_cols, s->stride, s->dilation, &s->pad.left,
                           &s->pad.right);
}

/* ---- a convolution and the batch norm behind it ---- */

typedef struct {
    const wg_ref_conv2d *conv;
    const double *X, *W, *b, *scaler, *intercept;
    int64_t rows, cols, places, n;          /* of the output: places n_ex rows cols, n elements */
    double *Z, *Y, *B;                      /* before and after act_fn, after the norm */
    double *mean, *var;                     /* (out_ch) */
    double *dW, *db, *dscaler, *dintercept; /* NULL in the forward pass */
} pair;

static bool pair_forward(double epsilon, const double *X, pair *q)
{
    const wg_ref_conv2d *c = q->conv;

    q->X = X;
    q->rows = wg_ref_conv2d_rows(c);
    q->cols = wg_ref_conv2d_cols(c);
    q->places = c->n_ex * q->rows * q->cols;
    q->n = q->places * c->out_ch;
    q->Z = ref_zeros(3 * q->n + 2 * c->out_ch);
    if (!q->Z) return false;
    q->Y = q->Z + q->n;
    q->B = q->Y + q->n;
    q->mean = q->B + q->n;
    q->var = q->mean + c->out_ch;
    if (!wg_ref_conv2d_forward(c, X, q->W, q->b, q->Z, q->Y)) return false;
    wg_ref_batchnorm_stats(q->places, c->out_ch, q->Y, q->mean, q->var);
    wg_ref_batchnorm(q->places, c->out_ch, epsilon, q->Y, q->mean, q->var, q->scaler, q->intercept,
                     q->B);
    return true;
}

/* dX of dB, the gradient behind the norm. */
static bool pair_backward(double epsilon, const double *dB, double *dX, const pair *q)
{
    const wg_ref_conv2d *c = q->conv;
    double *dY = ref_zeros(q->n);
    bool ok;

    if (!dY) return false;
    wg_ref_batchnorm2d_backward(c->n_ex, q->rows, q->cols, c->out_ch, epsilon, q->Y, q->mean,
                                q->var, q->scaler, dB, dY, q->dscaler, q->dintercept);
    ok = wg_ref_conv2d_backward(c, q->X, q->W, q->Z, dY, dX, q->dW, q->db);
    free(dY);
    return ok;
}

/* ---- the modules ---- */

/* The pairs of a module, and the sum of both branches, which X stands in for where there is no
 * conv_skip. */
typedef struct {
    pair one, two, skip;
    double *S;
} both;

static both begin(const wg_ref_skip *h, const wg_ref_skip_params *p, const wg_ref_skip_params *d)
{
    both m = { .one = { .conv = &h->conv1,
                        .W = p->conv1_W,
                        .b = p->conv1_b,
                        .scaler = p->batchnorm1_scaler,
                        .intercept = p->batchnorm1_intercept },
               .two = { .conv = &h->conv2,
                        .W = p->conv2_W,
                        .b = p->conv2_b,
                        .scaler = p->batchnorm2_scaler,
                        .intercept = p->batchnorm2_intercept },
               .skip = { .conv = &h->conv_skip,
                         .W = p->conv_skip_W,
                         .b = p->conv_skip_b,
                         .scaler = p->batchnorm_skip_scaler,
                         .intercept = p->batchnorm_skip_intercept } };

    if (d) {
        m.one.dW = d->conv1_W;
        m.one.db = d->conv1_b;
        m.one.dscaler = d->batchnorm1_scaler;
        m.one.dintercept = d->batchnorm1_intercept;
        m.two.dW = d->conv2_W;
        m.two.db = d->conv2_b;
        m.two.dscaler = d->batchnorm2_scaler;
        m.two.dintercept = d->batchnorm2_intercept;
        m.skip.dW = d->conv_skip_W;
        m.skip.db = d->conv_skip_b;
        m.skip.dscaler = d->batchnorm_skip_scaler;
        m.skip.dintercept = d->batchnorm_skip_intercept;
    }
    return m;
}

static bool run(const wg_ref_skip *h, bool conv_skip, const double *X, both *m)
{
    const double *beside = X;

    if (!pair_forward(h->epsilon, X, &m->one) || !pair_forward(h->epsilon, m->one.B, &m->two) ||
        (conv_skip && !pair_forward(h->epsilon, X, &m->skip)) || !(m->S = ref_zeros(2 * m->two.n)))
        return false;
    if (conv_skip) beside = m->skip.B;
    for (int64_t i = 0; i < m->two.n; i++) m->S[i] = beside[i] + m->two.B[i];
    return true;
}

static void end(both *m)
{
    free(m->one.Z);
    free(m->two.Z);
    free(m->skip.Z);
    free(m->S);
}

static void give_stats(const pair *q, double *mean, double *var)
{
    memcpy(mean, q->mean, (size_t)q->conv->out_ch * sizeof *mean);
    memcpy(var, q->var, (size_t)q->conv->out_ch * sizeof *var);
}

static bool forward(const wg_ref_skip *h, bool conv_skip, const wg_ref_skip_params *p,
                    const double *X, wg_ref_skip_stats *stats, double *Y)
{
    both m = begin(h, p, NULL);
    bool ok = run(h, conv_skip, X, &m);

    if (ok) {
        wg_ref_act_fn_n(h->act_fn, m.two.n, m.S, Y);
        give_stats(&m.one, stats->mean1, stats->var1);
        give_stats(&m.two, stats->mean2, stats->var2);
        if (conv_skip) give_stats(&m.skip, stats->mean_skip, stats->var_skip);
    }
    end(&m);
    return ok;
}

static bool backward(const wg_ref_skip *h, bool conv_skip, const wg_ref_skip_params *p,
                     const double *X, const double *dY, double *dX, wg_ref_skip_params *grads)
{
    int64_t in = h->conv1.n_ex * h->conv1.in_rows * h->conv1.in_cols * h->conv1.in_ch;
    both m = begin(h, p, grads);
    bool ok = run(h, conv_skip, X, &m);
    double *dB1 = ref_zeros(m.one.n + 2 * in), *main_dX, *beside_dX, *dS;

    ok = ok && dB1;
    if (ok) {
        main_dX = dB1 + m.one.n;
        beside_dX = main_dX + in;
        dS = m.S + m.two.n;
        wg_ref_act_backward(h->act_fn, m.two.n, m.S, dY, dS);
        ok = pair_backward(h->epsilon, dS, dB1, &m.two) &&
             pair_backward(h->epsilon, dB1, main_dX, &m.one) &&
             (!conv_skip || pair_backward(h->epsilon, dS, beside_dX, &m.skip));
        for (int64_t i = 0; i < in && ok && dX; i++)
            dX[i] = main_dX[i] + (conv_skip ? beside_dX[i] : dS[i]);
    }
    free(dB1);
    end(&m);
    return ok;
}

bool wg_ref_skip_identity_forward(const wg_ref_skip *h, const wg_ref_skip_params *p,
                                  const double *X, wg_ref_skip_stats *stats, double *Y)
{
    return forward(h, false, p, X, stats, Y);
}

bool wg_ref_skip_identity_backward(const wg_ref_skip *h, const wg_ref_skip_params *p,
                                   const double *X, const double *dY, double *dX,
                                   wg_ref_skip_params *grads)
{
    return backward(h, false, p, X, dY, dX, grads);
}

bool wg_ref_skip_conv_forward(const wg_ref_skip *h, const wg_ref_skip_params *p, const double *X,
                              wg_ref_skip_stats *stats, double *Y)
{
    return forward(h, true, p, X, stats, Y);
}

bool wg_ref_skip_conv_backward(const wg_ref_skip *h, const wg_ref_skip_params *p, const double *X,
                               const double *dY, double *dX, wg_ref_skip_params *grads)
{
    return backward(h, true, p, X, dY, dX, grads);
}
