/* fit_vae.c: BernoulliVAE: fit, its evaluation, and backward of its loss. */
#include "classes.h"
#include "fit.h"
#include "layer_impl.h"
#include "train_impl.h"
#include "wengert/grad.h"
#include "wengert/ops.h"

enum { PREDICT, LOSS }; /* plans of the steps */

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

/* Sums of the loss and its terms over an epoch. */
static void add_terms(wg__fit *f, wg_plan *p)
{
    double n = (double)f->n;

    f->sum[0] += n * output(p, "loss");
    f->sum[1] += n * output(p, "reconstruction");
    f->sum[2] += n * output(p, "kl");
    f->seen += n;
    f->s.loss = f->sum[0] / f->seen;
    f->s.reconstruction = f->sum[1] / f->seen;
    f->s.kl = f->sum[2] / f->seen;
}

static void begin_sums(wg__fit *f)
{
    f->sum[0] = f->sum[1] = f->sum[2] = f->seen = 0;
}

/* Every step counts one run, so that the run the epoch began with follows from the batch: shuffles
 * differ from epoch to epoch and fit to fit, and one that is resumed is the same again. */
static int64_t next_batch(void *data, wg_plan *p, int64_t epoch, int64_t i, wg_error *error)
{
    wg__fit *f = data;

    (void)epoch;
    if (i >= wg_batches_count(f->batches)) return 0;
    return wg__fit_feed(f, p, "X", wg__fit_runs(f) - i, i, error) ? f->n : -1;
}

static wg_train_act on_batch(void *data, wg_train *t, const wg_train_state *state, wg_error *error)
{
    wg__fit *f = data;

    (void)error;
    if (state->replaying) return WG_TRAIN_GO_ON;
    if (state->batch == 1) begin_sums(f);
    add_terms(f, wg_train_plan(t));
    return WG_TRAIN_GO_ON;
}

static wg_train_act on_epoch(void *data, wg_train *t, const wg_train_state *state, wg_error *error)
{
    wg__fit *f = data;

    (void)error;
    wg__fit_at(f, state);
    wg__show_line(t, "  reconstruction %.2f + kl %.2f nats", f->s.reconstruction, f->s.kl);
    return f->o.on_epoch && !f->o.on_epoch(f->o.data, &f->s) ? WG_TRAIN_STOP : WG_TRAIN_GO_ON;
}

static bool train(wg__fit *f, wg_error *error)
{
    wg_train_source source = { .next = next_batch,
                               .data = f,
                               .examples = wg_batches_examples(f->batches) };
    wg_train_options o = wg__fit_options(f, "train", "loss", f->o.n_epochs, &source);

    o.on_batch = on_batch;
    o.on_epoch = on_epoch;
    return wg__fit_train(f, &o, error);
}

/* All batches in order, nothing trained. */
static bool evaluate(wg__fit *f, wg_error *error)
{
    wg_plan *p = wg__steps_plan(f->l, PREDICT, "predict", false, error);

    for (int64_t i = 0; p && i < wg_batches_count(f->batches); i++) {
        if (!wg__fit_feed(f, p, "X", 0, i, error)) return false;
        if (wg_plan_run(p) != WG_OK) {
            *error = *wg_plan_error(p);
            return false;
        }
        add_terms(f, p);
    }
    if (p) wg_plan_feed(p, "X", (wg_array){ .data = NULL });
    return p != NULL;
}

static wg_status work(wg_layer *l, wg_data X, const wg_fit_options *options, bool trains,
                      wg_fit_state *state, wg_error *error)
{
    static const wg_fit_options defaults = { .n_epochs = 0 };
    wg_error own = { .code = WG_OK };
    wg_type type;
    wg__fit f;

    if (is_vae(l, trains ? "bernoulli_vae_fit" : "bernoulli_vae_evaluate", &own) &&
        image_type(l, &X, &type, &own)) {
        if (wg__fit_open(&f, l, X, options ? options : &defaults, 128, &type.shape, true, !trains,
                         &own) &&
            wg__steps_for(l, &type, 0, record, &own)) {
            if (trains) train(&f, &own);
            else evaluate(&f, &own);
        }
        if (state) *state = f.s;
        wg__fit_close(&f);
    }
    if (own.code != WG_OK && error && error->code == WG_OK) *error = own;
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
