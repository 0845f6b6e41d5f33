/* fit_vae.c: BernoulliVAE: fit, its evaluation, and backward of its loss. */
#include <math.h>
#include <stdio.h>

#include "classes.h"
#include "fit.h"
#include "layer_impl.h"
#include "wengert/grad.h"
#include "wengert/ops.h"

enum { TRAIN, PREDICT, LOSS }; /* plans of the steps */

static bool is_vae(const wg_layer *l, const char *function, wg_error *error)
{
    if (l && l->kind == &wg_class_bernoulli_vae && l->broken.code == WG_OK) return true;
    if (!l || l->kind != &wg_class_bernoulli_vae)
        wg_fail(error, WG_EARG, function, "the layer is %s, wanted a BernoulliVAE",
                l ? l->kind->name : "NULL");
    else wg_fail(error, l->broken.code, l->broken.op, "%s", l->broken.text);
    return false;
}

/* ---- recording ---- */

/* The loss of results on arrays, and its gradient by them. */
static void record_loss(wg_graph *g, wg_type X, int64_t T)
{
    static const char *const names[] = { "X_recon", "t_mean", "t_log_var" }, *const d_names[] = {
        "dX_recon", "dt_mean", "dt_log_var"
    };
    int64_t n = X.shape.dim[1] * X.shape.dim[2] * X.shape.dim[3];
    wg_tensor *target, *y[3], *dy[3], *loss;

    wg_begin(g, "loss", WG_PREDICT);
    target = wg_collapse(wg_input(g, "X", X.dtype, X.shape), 1, 3);
    for (int i = 0; i < 3; i++) y[i] = wg_input(g, names[i], X.dtype, WG_SHAPE(1, i ? T : n));
    loss = wg_output("loss", wg_vae_loss(target, y[0], y[1], y[2]));
    wg_grad(loss, 3, y, dy);
    for (int i = 0; i < 3; i++) wg_output(d_names[i], dy[i]);
    wg_end(g);
}

static void record(wg_layer *l, wg_graph *g, const wg_type *input)
{
    const int64_t *d = input->shape.dim;

    wg_bernoulli_vae_record(l, g, d[1], d[2], d[3]);
    record_loss(g, *input, ((const wg_bernoulli_vae_hyper *)wg_layer_hyper(l))->T);
}

/* Images as the model takes them: grey ones may lack the axis of channels. */
static bool image_type(const wg_layer *l, const wg_data *X, wg_type *type, wg_error *error)
{
    const wg_bernoulli_vae_hyper *h = wg_layer_hyper(l);
    const wg_layer *last = wg_layer_component(wg_layer_component(l, "decoder"), "FC2");
    int64_t values = ((const wg_fc_hyper *)wg_layer_hyper(last))->n_out;
    char text[WG_TYPE_TEXT];

    *type = (wg_type){ wg_params_dtype(l->store), X->shape };
    if (X->shape.rank == 3) {
        type->shape.rank = 4;
        type->shape.dim[3] = 1;
    } else if (X->shape.rank != 4) {
        wg_fail(error, WG_ESHAPE, l->kind->name, "the data are %s, wanted [n, rows, cols, ch]",
                wg__fit_data_text(X, text));
        return false;
    }
    if (!l->ready || (h->enc_conv1_in_ch == type->shape.dim[3] && values == wg_data_example(X)))
        return true;
    wg_fail(error, WG_ESHAPE, l->kind->name,
            "the data are %s; the model has learned images of %lld values in %lld channels",
            wg__fit_data_text(X, text), (long long)values, (long long)h->enc_conv1_in_ch);
    return false;
}

/* ---- fit ---- */

static double output(wg_plan *p, const char *name)
{
    return wg_item(wg_plan_value(p, name));
}

/* One pass: means of the loss and its terms. Ends early at the bound of updates. */
static bool pass(wg__fit *f, wg_plan *p, wg_fit_state *s, bool *cut, wg_error *error)
{
    double loss = 0, reconstruction = 0, kl = 0, seen = 0;

    for (int64_t i = 0; i < wg_batches_count(f->batches) && !*cut; i++) {
        double n;

        if (!wg__fit_next(f, p, "X", error)) return false;
        if (wg_plan_run(p) != WG_OK) {
            if (error->code == WG_OK) *error = *wg_plan_error(p);
            return false;
        }
        if (!wg__fit_is_finite(f, p, "loss", s, error)) return false;
        n = (double)f->n;
        loss += n * output(p, "loss");
        reconstruction += n * output(p, "reconstruction");
        kl += n * output(p, "kl");
        seen += n;
        s->updates++;
        *cut = f->o.max_updates > 0 && s->updates >= f->o.max_updates;
    }
    s->previous = s->loss;
    s->loss = loss / seen;
    s->reconstruction = reconstruction / seen;
    s->kl = kl / seen;
    s->epoch++;
    s->seconds = wg__fit_now() - f->began;
    return true;
}

static void tell(const wg__fit *f, const wg_fit_state *s)
{
    if (f->o.quiet) return;
    fprintf(f->o.to, "epoch %lld/%lld  loss %.3f", (long long)s->epoch, (long long)s->n_epochs,
            s->loss);
    if (!isnan(s->previous)) fprintf(f->o.to, " (%+.3f)", s->loss - s->previous);
    fprintf(f->o.to, "  reconstruction %.3f  kl %.3f  %.1f s\n", s->reconstruction, s->kl,
            s->seconds);
    fflush(f->o.to);
}

static wg_status work(wg_layer *l, wg_data X, const wg_fit_options *options, bool train,
                      wg_fit_state *state, wg_error *error)
{
    static const wg_fit_options defaults = { .n_epochs = 0 };
    wg_error own = { .code = WG_OK };
    wg_fit_state s;
    wg_type type;
    wg_plan *p = NULL;
    wg__fit f;
    bool ok, cut = false;

    if (!is_vae(l, train ? "bernoulli_vae_fit" : "bernoulli_vae_evaluate", &own) ||
        !image_type(l, &X, &type, &own)) {
        if (error && error->code == WG_OK) *error = own;
        return own.code;
    }
    ok =
        wg__fit_open(&f, l, X, options ? options : &defaults, 128, &type.shape, true, !train, &own);
    s = wg__fit_state(train ? f.o.n_epochs : 1);
    if (!train) f.o.max_updates = 0;
    if (ok && wg__steps_for(l, &type, 0, record, &own))
        p = wg__steps_plan(l, train ? TRAIN : PREDICT, train ? "train" : "predict", false, &own);
    ok = p != NULL;
    while (ok && !cut && s.epoch < s.n_epochs) {
        ok = pass(&f, p, &s, &cut, &own);
        if (!ok || !train) break;
        tell(&f, &s);
        if (f.o.on_epoch && !f.o.on_epoch(f.o.data, &s)) break;
    }
    wg__fit_close(&f);
    if (state) *state = s;
    if (!ok && error && error->code == WG_OK) *error = own;
    return own.code;
}

wg_status wg_bernoulli_vae_fit(wg_layer *l, wg_data X, const wg_fit_options *options,
                               wg_fit_state *state, wg_error *error)
{
    return work(l, X, options, true, state, error);
}

wg_status wg_bernoulli_vae_evaluate(wg_layer *l, wg_data X, const wg_fit_options *options,
                                    wg_fit_state *state, wg_error *error)
{
    return work(l, X, options, false, state, error);
}

/* ---- backward ---- */

static bool run_loss(wg_layer *l, wg_plan *p, wg_array X, wg_array X_recon)
{
    const char *const names[] = { "X", "X_recon", "t_mean", "t_log_var" };
    wg_array x[4] = { X, X_recon, wg_layer_derived(l, "t_mean"), wg_layer_derived(l, "t_log_var") };

    for (int i = 0; i < 4; i++)
        if (wg_plan_feed(p, names[i], x[i]) != WG_OK) {
            l->error = *wg_plan_error(p);
            return false;
        }
    if (wg_plan_run(p) == WG_OK) return true;
    l->error = *wg_plan_error(p);
    return false;
}

wg_status wg_bernoulli_vae_backward(wg_layer *l, wg_array X, wg_array X_recon, double *loss,
                                    wg_array *dX)
{
    wg_plan *p = NULL;
    wg_array dy[4];
    bool ok;

    if (!l) return WG_EARG;
    l->error = (wg_error){ .code = WG_OK };
    if (!is_vae(l, "bernoulli_vae_backward", &l->error)) return l->error.code;
    if (!wg_layer_derived(l, "t_mean").data)
        return wg_fail(&l->error, WG_ESTATE, l->kind->name,
                       "%s: backward without a retained forward", l->name);
    if (X.type.shape.rank != 4 || !X.data || !X_recon.data)
        return wg_fail(&l->error, WG_ESHAPE, l->kind->name, "X is %s, wanted [n, rows, cols, ch]",
                       WG_TYPE_STR(&X.type));
    if (wg__steps_for(l, &X.type, 0, record, &l->error))
        p = wg__steps_plan(l, LOSS, "loss", false, &l->error);
    ok = p && run_loss(l, p, X, X_recon);
    if (ok) {
        if (loss) *loss = output(p, "loss");
        dy[0] = *wg_plan_value(p, "dX_recon");
        dy[1] = *wg_plan_value(p, "dt_mean");
        dy[2] = *wg_plan_value(p, "dt_log_var");
        dy[3] = (wg_array){ .data = NULL };
        wg_layer_backward(l, 1, dy, true, dX);
    }
    for (int i = 0; p && i < 4; i++)
        wg_plan_feed(p, ((const char *const[]){ "X", "X_recon", "t_mean", "t_log_var" })[i],
                     (wg_array){ .data = NULL });
    return l->error.code;
}
