/* wgan.c: generator and critic, and the gradient penalty by a second backward. */
#include <wengert/reference_dense.h>
#include <wengert/reference_loss.h>
#include <wengert/reference_model.h>

#include "ref_matrix.h"

enum { LAST = WG_REF_WGAN_LAYERS - 1 };

static const wg_ref_act identity = { WG_REF_IDENTITY, 0, 0 };

static int64_t width_in(const wg_ref_wgan *h, int k)
{
    return k == 0 ? h->n_in : h->n_hidden;
}

static int64_t width_out(const wg_ref_wgan *h, int k)
{
    return k == LAST ? h->n_out : h->n_hidden;
}

static wg_ref_act activation(const wg_ref_wgan *h, int k)
{
    return k == LAST ? identity : h->act_fn;
}

/* X[k], the input of layer k, and Z[k], its pre-activation; X[4] is the output. */
typedef struct {
    double *base;
    const double *X[WG_REF_WGAN_LAYERS + 1];
    double *Z[WG_REF_WGAN_LAYERS];
} inside;

/* Elements of the pre-activations of all layers. */
static int64_t all_widths(const wg_ref_wgan *h)
{
    return h->n_ex * (3 * h->n_hidden + h->n_out);
}

/* Free s->base when it is done. */
static bool run(const wg_ref_wgan *h, const wg_ref_wgan_params *p, const double *X, inside *s)
{
    double *at = s->base = ref_zeros(2 * all_widths(h));

    if (!at) return false;
    s->X[0] = X;
    for (int k = 0; k <= LAST; k++) {
        int64_t n = h->n_ex * width_out(h, k);

        s->Z[k] = at;
        s->X[k + 1] = at + n;
        wg_ref_fully_connected(activation(h, k), h->n_ex, width_in(h, k), width_out(h, k), s->X[k],
                               p->W[k], p->b[k], at, at + n);
        at += 2 * n;
    }
    return true;
}

bool wg_ref_wgan_forward(const wg_ref_wgan *h, const wg_ref_wgan_params *p, const double *X,
                         double *Y)
{
    inside s;

    if (!run(h, p, X, &s)) return false;
    for (int64_t i = 0; i < h->n_ex * h->n_out; i++) Y[i] = s.X[LAST + 1][i];
    free(s.base);
    return true;
}

/* The way back: d[k + 1] is the gradient at layer k's output, d[0] that at the input, which may be
 * NULL; each is written but d[4]. `extra`, when there is one, is added at the layers' inputs. */
static bool go_back(const wg_ref_wgan *h, const wg_ref_wgan_params *p, const inside *s,
                    double *d[WG_REF_WGAN_LAYERS + 1], double *const *extra,
                    wg_ref_wgan_params *grads)
{
    for (int k = LAST; k >= 0; k--) {
        if (!wg_ref_fully_connected_backward(
                activation(h, k), h->n_ex, width_in(h, k), width_out(h, k), s->X[k], p->W[k],
                s->Z[k], d[k + 1], d[k], grads ? grads->W[k] : NULL, grads ? grads->b[k] : NULL))
            return false;
        for (int64_t i = 0; i < h->n_ex * width_in(h, k) && extra && d[k]; i++)
            d[k][i] += extra[k][i];
    }
    return true;
}

/* Room for a gradient at the output of every layer: d[1] .. d[4]. Free d[1]. */
static bool room(const wg_ref_wgan *h, double *d[WG_REF_WGAN_LAYERS + 1])
{
    d[1] = ref_zeros(all_widths(h));
    if (!d[1]) return false;
    for (int k = 1; k <= LAST; k++) d[k + 1] = d[k] + h->n_ex * h->n_hidden;
    return true;
}

bool wg_ref_wgan_backward(const wg_ref_wgan *h, const wg_ref_wgan_params *p, const double *X,
                          const double *dY, double *dX, wg_ref_wgan_params *grads)
{
    double *d[WG_REF_WGAN_LAYERS + 1] = { dX };
    inside s;
    bool ok;

    if (!run(h, p, X, &s)) return false;
    ok = room(h, d);
    for (int64_t i = 0; i < h->n_ex * h->n_out && ok; i++) d[LAST + 1][i] = dY[i];
    ok = ok && go_back(h, p, &s, d, NULL, grads);
    free(d[1]);
    free(s.base);
    return ok;
}

/* Through the layers from the first to the last: G at a layer's dX gives ddY at its dY, the next
 * layer's G. extra[k] is what reaches the layer's input by its second derivative. */
static bool second(const wg_ref_wgan *h, const wg_ref_wgan_params *p, const inside *s,
                   double *const d[WG_REF_WGAN_LAYERS + 1], const double *G,
                   double *const dd[WG_REF_WGAN_LAYERS + 1],
                   double *const extra[WG_REF_WGAN_LAYERS], wg_ref_wgan_params *grads)
{
    for (int k = 0; k <= LAST; k++)
        if (!wg_ref_fully_connected_bwd2(activation(h, k), h->n_ex, width_in(h, k), width_out(h, k),
                                         s->X[k], p->W[k], s->Z[k], d[k + 1], k == 0 ? G : dd[k],
                                         dd[k + 1], extra[k], grads->W[k], grads->b[k]))
            return false;
    return true;
}

bool wg_ref_wgan_bwd2(const wg_ref_wgan *h, const wg_ref_wgan_params *p, const double *X,
                      const double *dY, const double *G, double *ddY, double *dX2,
                      wg_ref_wgan_params *grads)
{
    double *d[WG_REF_WGAN_LAYERS + 1] = { NULL }, *dd[WG_REF_WGAN_LAYERS + 1] = { NULL };
    double *back[WG_REF_WGAN_LAYERS + 1] = { NULL }, *extra[WG_REF_WGAN_LAYERS];
    int64_t in = h->n_ex * h->n_in, out = h->n_ex * h->n_out;
    inside s;
    bool ok;

    if (!run(h, p, X, &s)) return false;
    extra[0] = ref_zeros(2 * in + 3 * h->n_ex * h->n_hidden);
    ok = extra[0] && room(h, d) && room(h, dd) && room(h, back);
    if (ok) {
        back[0] = extra[0] + in;
        extra[1] = back[0] + in;
        for (int k = 2; k <= LAST; k++) extra[k] = extra[k - 1] + h->n_ex * h->n_hidden;
        for (int64_t i = 0; i < out; i++) d[LAST + 1][i] = dY[i];
        ok = go_back(h, p, &s, d, NULL, NULL) && second(h, p, &s, d, G, dd, extra, grads) &&
             go_back(h, p, &s, back, extra, grads);
    }
    for (int64_t i = 0; i < out && ok && ddY; i++) ddY[i] = dd[LAST + 1][i];
    for (int64_t i = 0; i < in && ok && dX2; i++) dX2[i] = back[0][i];
    free(extra[0]);
    free(d[1]);
    free(dd[1]);
    free(back[1]);
    free(s.base);
    return ok;
}

/* ---- steps ---- */

static void give(int64_t n, const double *from, double *to)
{
    for (int64_t i = 0; i < n && to; i++) to[i] = from[i];
}

bool wg_ref_wgan_critic_step(const wg_ref_wgan *critic, const wg_ref_wgan_params *p, double lambda,
                             const double *X_real, const double *X_fake, const double *alpha,
                             double *C_loss, double *X_interp, double *gradInterp, double *Y_fake,
                             double *Y_real, double *Y_interp, wg_ref_wgan_params *grads)
{
    int64_t n = critic->n_ex, m = critic->n_in;
    double *X = ref_zeros(3 * n * m + 6 * n), *dX, *dG, *fake, *real, *interp, *ones;
    double *dfake, *dreal;
    bool ok = X != NULL;

    if (!ok) return false;
    dX = X + n * m;
    dG = dX + n * m;
    fake = dG + n * m;
    real = fake + n;
    interp = real + n;
    ones = interp + n;
    dfake = ones + n;
    dreal = dfake + n;
    for (int64_t i = 0; i < n * m; i++)
        X[i] = alpha[i / m] * X_real[i] + (1 - alpha[i / m]) * X_fake[i];
    for (int64_t i = 0; i < n; i++) ones[i] = 1;
    ok = wg_ref_wgan_forward(critic, p, X_fake, fake) &&
         wg_ref_wgan_forward(critic, p, X_real, real) &&
         wg_ref_wgan_forward(critic, p, X, interp) &&
         wg_ref_wgan_backward(critic, p, X, ones, dX, NULL);
    if (ok) {
        if (C_loss) *C_loss = wg_ref_wgan_gp_critic(n, n, n, m, lambda, fake, real, dX);
        wg_ref_wgan_gp_critic_grad(n, n, n, m, lambda, dX, dfake, dreal, dG);
        if (grads)
            ok = wg_ref_wgan_backward(critic, p, X_fake, dfake, NULL, grads) &&
                 wg_ref_wgan_backward(critic, p, X_real, dreal, NULL, grads) &&
                 wg_ref_wgan_bwd2(critic, p, X, ones, dG, NULL, NULL, grads);
        give(n * m, X, X_interp);
        give(n * m, dX, gradInterp);
        give(n, fake, Y_fake);
        give(n, real, Y_real);
        give(n, interp, Y_interp);
    }
    free(X);
    return ok;
}

bool wg_ref_wgan_generator_step(const wg_ref_wgan *generator, const wg_ref_wgan_params *p,
                                const wg_ref_wgan *critic, const wg_ref_wgan_params *critic_p,
                                const double *noise, double *G_loss, double *X_fake, double *Y_fake,
                                wg_ref_wgan_params *grads)
{
    int64_t n = generator->n_ex, m = generator->n_out;
    double *X = ref_zeros(2 * n * m + 2 * n), *dX, *Y, *dY;
    bool ok = X != NULL;

    if (!ok) return false;
    dX = X + n * m;
    Y = dX + n * m;
    dY = Y + n;
    ok = wg_ref_wgan_forward(generator, p, noise, X) && wg_ref_wgan_forward(critic, critic_p, X, Y);
    if (ok) {
        if (G_loss) *G_loss = wg_ref_wgan_gp_generator(n, Y);
        wg_ref_wgan_gp_generator_grad(n, dY);
        if (grads)
            ok = wg_ref_wgan_backward(critic, critic_p, X, dY, dX, NULL) &&
                 wg_ref_wgan_backward(generator, p, noise, dX, NULL, grads);
        give(n * m, X, X_fake);
        give(n, Y, Y_fake);
    }
    free(X);
    return ok;
}
