/* fit_wgan.c: WGAN_GP: fit, its two updates and what they leave behind. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "classes.h"
#include "fit.h"
#include "layer_impl.h"
#include "own.h"
#include "train_impl.h"
#include "wengert/grad.h"
#include "wengert/ops.h"

/* Plans of the steps. With debug the functions that update nothing run in place of those that do.
 */
enum { CRITIC, GENERATOR, CRITIC_VALUES, GENERATOR_VALUES };
static const char *const functions[] = { "critic", "generator", "critic values",
                                         "generator values" };

typedef wg_wgan_gp_hyper GAN;

bool wg__is_wgan(const wg_layer *l, const char *function, wg_error *error)
{
    if (!l || l->kind != &wg_class_wgan_gp)
        wg_fail(error, WG_EARG, function, "the layer is %s, wanted a WGAN_GP",
                l ? l->kind->name : "NULL");
    else if (l->broken.code != WG_OK)
        wg_fail(error, l->broken.code, l->broken.op, "%s", l->broken.text);
    else return true;
    return false;
}

/* ---- recording ---- */

enum { MOST_PARAMS = 8 };

/* The parameters of a network, FC by FC. */
static int parameters(const wg_layer *network, wg_graph *g, wg_tensor **leaf, const char **entry)
{
    int n = 0;

    for (int i = 0; i < wg_layer_n_components(network); i++) {
        wg_layer *fc = wg_layer_component_at(network, i);

        for (int k = 0; k < wg_layer_n_params(fc) && n < MOST_PARAMS; k++) {
            leaf[n] = wg_layer_leaf(fc, g, wg_layer_param_key(fc, k));
            if (entry) entry[n] = wg_tensor_leaf_name(leaf[n]);
            n++;
        }
    }
    return n;
}

/* Gradients of the loss, by the parameters of the network too, as outputs under these names. */
static void output_gradients(const wg_layer *network, wg_graph *g, wg_tensor *loss, int n,
                             const char *const *names, wg_tensor *const *values)
{
    wg_tensor *wrt[MOST_PARAMS + 8], *grad[MOST_PARAMS + 8];
    const char *entry[MOST_PARAMS];
    int n_params;

    for (int i = 0; i < n; i++) wrt[i] = values[i];
    n_params = parameters(network, g, wrt + n, entry);
    wg_grad(loss, n + n_params, wrt, grad);
    for (int i = 0; i < n; i++) wg_output(names[i], grad[i]);
    for (int i = 0; i < n_params && !wg_graph_error(g); i++) wg_output(entry[i], grad[n + i]);
}

/* A step without its update: all values numpy-ml's debug keeps. */
static void record_critic_values(wg_layer *l, wg_graph *g, const wg_type *input)
{
    static const char *const d_names[] = { "dC_Y_fake", "dC_Y_real", "dC_gradInterp", "dY_real",
                                           "dGrad_interp" };
    wg_wgan_gp_values v;
    wg_tensor *X;

    wg_begin(g, functions[CRITIC_VALUES], WG_TRAIN);
    X = wg_input(g, "X_real", input->dtype, input->shape);
    wg_wgan_gp_critic_step(l, X, &v);
    if (wg_graph_error(g)) return;
    wg_output("C_loss", v.loss);
    wg_output("X_real", wg_reshape_like(X, X));
    wg_output("X_fake", v.X_fake);
    wg_output("Y_fake", v.Y_fake);
    wg_output("Y_real", v.Y_real);
    wg_output("X_interp", v.X_interp);
    wg_output("Y_interp", v.Y_interp);
    wg_output("gradInterp", v.gradInterp);
    wg_output("alpha", v.alpha);
    wg_output("noise", v.noise);
    output_gradients(wg_layer_component(l, "critic"), g, v.loss, 5, d_names,
                     (wg_tensor *[]){ v.Y_fake, v.Y_real, v.gradInterp, v.Y_real, v.gradInterp });
    wg_end(g);
}

static void record_generator_values(wg_layer *l, wg_graph *g, const wg_type *input)
{
    static const char *const d_names[] = { "dG_Y_fake" };
    wg_wgan_gp_values v;

    wg_begin(g, functions[GENERATOR_VALUES], WG_TRAIN);
    wg_wgan_gp_generator_step(l, wg_input(g, "X_real", input->dtype, input->shape), &v);
    if (wg_graph_error(g)) return;
    wg_output("G_loss", v.loss);
    wg_output("X_fake", v.X_fake);
    wg_output("Y_fake", v.Y_fake);
    wg_output("noise", v.noise);
    output_gradients(wg_layer_component(l, "generator"), g, v.loss, 1, d_names, &v.Y_fake);
    wg_end(g);
}

static void record(wg_layer *l, wg_graph *g, const wg_type *input)
{
    wg_wgan_gp_record(l, g, input->shape.dim[1]);
    if (!((const GAN *)wg_layer_hyper(l))->debug || wg_graph_error(g)) return;
    record_critic_values(l, g, input);
    if (!wg_graph_error(g)) record_generator_values(l, g, input);
}

/* ---- one update ---- */

static wg_plan *plan_for(wg_layer *l, const wg_type *X, int which, wg_error *error)
{
    const GAN *h = wg_layer_hyper(l);

    if (X->shape.rank != 2 || X->shape.dim[1] < 1 ||
        (h->n_feats && h->n_feats != X->shape.dim[1])) {
        if (h->n_feats)
            wg_fail(error, WG_ESHAPE, l->kind->name, "X_real is %s, wanted [n, %lld]",
                    WG_TYPE_STR(X), (long long)h->n_feats);
        else
            wg_fail(error, WG_ESHAPE, l->kind->name, "X_real is %s, wanted [n, n_feats]",
                    WG_TYPE_STR(X));
        return NULL;
    }
    if (!wg__steps_for(l, X, h->lambda_, record, error)) return NULL;
    if (h->debug) which += CRITIC_VALUES - CRITIC;
    return wg__steps_plan(l, which, functions[which], h->debug, error);
}

/* With debug: what backward would have left in the module's layers. */
static bool keep_gradients(wg_layer *l, wg_plan *p, const char *module, wg_error *error)
{
    wg_layer *network = wg_layer_component(l, module);

    for (int i = 0; i < wg_layer_n_components(network); i++) {
        wg_layer *fc = wg_layer_component_at(network, i);

        for (int k = 0; k < fc->n_entries; k++) {
            char path[WG_PATH_MAX];
            const wg_array *grad = wg__layer_path(path, sizeof path, fc, fc->entries[k].key)
                                       ? wg_plan_value(p, path)
                                       : NULL;

            if (!grad || wg__array_keep(&fc->entries[k].grad, grad)) continue;
            wg_fail(error, WG_ENOMEM, l->kind->name, "out of memory");
            return false;
        }
    }
    return true;
}

/* After a run without updates the next one shall draw anew all the same. */
static bool after_values(wg_layer *l, wg_plan *p, int which, wg_error *error)
{
    const wg_param *run = wg_params_find(l->store, "rng/run");

    if (run) *(int64_t *)run->value.data += 1;
    return keep_gradients(l, p, which == CRITIC ? "critic" : "generator", error);
}

/* Runs a plan that was fed. */
static bool run(wg_layer *l, wg_plan *p, int which, wg_error *error)
{
    if (wg_plan_run(p) != WG_OK) {
        if (error && error->code == WG_OK) *error = *wg_plan_error(p);
        return false;
    }
    l->steps->last = which;
    return !((const GAN *)wg_layer_hyper(l))->debug || after_values(l, p, which, error);
}

static wg_status update(wg_layer *l, wg_array X, int which, double *loss)
{
    wg_plan *p = plan_for(l, &X.type, which, &l->error);

    if (!p) return l->error.code;
    if (wg_plan_feed(p, "X_real", X) != WG_OK) l->error = *wg_plan_error(p);
    else if (run(l, p, which, &l->error) && loss)
        *loss = wg_item(wg_plan_value(p, which == CRITIC ? "C_loss" : "G_loss"));
    wg_plan_feed(p, "X_real", (wg_array){ .data = NULL }); /* the caller's memory */
    return l->error.code;
}

wg_status wg_wgan_gp_update_critic(wg_layer *l, wg_array X_real, double *loss)
{
    if (!l) return WG_EARG;
    l->error = (wg_error){ .code = WG_OK };
    if (!wg__is_wgan(l, "wgan_gp_update_critic", &l->error)) return l->error.code;
    return update(l, X_real, CRITIC, loss);
}

wg_status wg_wgan_gp_update_generator(wg_layer *l, int64_t n, double *loss)
{
    wg_array like = { .data = NULL };
    wg_type type;

    if (!l) return WG_EARG;
    l->error = (wg_error){ .code = WG_OK };
    if (!wg__is_wgan(l, "wgan_gp_update_generator", &l->error)) return l->error.code;
    type = (wg_type){ wg_params_dtype(l->store),
                      WG_SHAPE(n, ((const GAN *)wg_layer_hyper(l))->n_feats) };
    if (n < 1)
        return wg_fail(&l->error, WG_EARG, l->kind->name, "%lld examples, wanted at least 1",
                       (long long)n);
    if (type.shape.dim[1] < 1)
        return wg_fail(&l->error, WG_ESTATE, l->kind->name,
                       "%s has seen no data; update the critic first", l->name);
    if (!wg__array_fresh(&like, &type))
        return wg_fail(&l->error, WG_ENOMEM, l->kind->name, "out of memory");
    update(l, like, GENERATOR, loss);
    wg__array_drop(&like);
    return l->error.code;
}

/* ---- what updates leave ---- */

/* Of the plan that ran last, or else of the other one. */
static wg_array value_of(const wg_layer *l, const char *name)
{
    bool debug = ((const GAN *)wg_layer_hyper(l))->debug;

    for (int i = 0; i < 2; i++) {
        int which = (i ? !l->steps->last : l->steps->last) + (debug ? CRITIC_VALUES - CRITIC : 0);
        wg_plan *p = l->steps->plan[which];
        const wg_array *v = p ? wg_plan_value(p, name) : NULL;

        if (v) return *v;
    }
    return (wg_array){ .data = NULL };
}

wg_array wg_wgan_gp_derived(const wg_layer *l, const char *key)
{
    char path[WG_PATH_MAX + 64];
    wg_array v;

    if (!l || !key || l->kind != &wg_class_wgan_gp || !l->steps) return (wg_array){ .data = NULL };
    v = value_of(l, key);
    if (v.data || !((const GAN *)wg_layer_hyper(l))->debug) return v;
    snprintf(path, sizeof path, "%s/%s", l->name, key);
    return value_of(l, path);
}

wg_array wg_wgan_gp_gradient(const wg_layer *l, const char *key)
{
    static const char *const names[] = { "dC_Y_fake", "dC_Y_real", "dC_gradInterp", "dG_Y_fake" };

    for (int i = 0; key && i < 4; i++)
        if (strcmp(names[i], key) == 0) return wg_wgan_gp_derived(l, key);
    return (wg_array){ .data = NULL };
}

/* ---- fit ---- */

static double mean(const wg_array *a)
{
    int64_t n = wg_shape_count(&a->type.shape);
    double sum = 0;

    for (int64_t i = 0; i < n; i++) sum += wg__array_at(a, i);
    return sum / (double)n;
}

static double mean_norm(const wg_array *a)
{
    int64_t n = a->type.shape.dim[0], m = a->type.shape.dim[1];
    double sum = 0;

    for (int64_t i = 0; i < n; i++) {
        double square = 0;

        for (int64_t k = 0; k < m; k++)
            square += wg__array_at(a, i * m + k) * wg__array_at(a, i * m + k);
        sum += sqrt(square);
    }
    return sum / (double)n;
}

/* A place in one shuffle after the other, told by the critic's updates so far: those of another
 * fit, of a program that was loaded or of one that is resumed are counted too. With debug nothing
 * is updated, and runs are counted. */
static int64_t next_batch(void *data, wg_plan *p, int64_t epoch, int64_t i, wg_error *error)
{
    wg__fit *f = data;
    const wg_optim *o = wg_layer_component(f->l, "critic")->recorded;
    bool debug = ((const GAN *)wg_layer_hyper(f->l))->debug;
    int64_t done = debug ? wg__fit_runs(f) : wg_optim_cur_step(o);
    int64_t count = wg_batches_count(f->batches);

    (void)epoch;
    if (i >= f->o.c_updates_per_epoch) return 0;
    return wg__fit_feed(f, p, "X_real", done / count, done % count, error) ? f->n : -1;
}

static void add_figures(wg__fit *f, wg_plan *critic)
{
    f->sum[0] += wg_item(wg_plan_value(critic, "C_loss"));
    f->sum[1] += mean(wg_plan_value(critic, "Y_real")) - mean(wg_plan_value(critic, "Y_fake"));
    f->sum[2] += mean_norm(wg_plan_value(critic, "gradInterp"));
    f->seen += 1;
    f->s.loss = f->sum[0] / f->seen;
    f->s.wasserstein = f->sum[1] / f->seen;
    f->s.gradient_norm = f->sum[2] / f->seen;
}

static void begin_sums(wg__fit *f)
{
    f->sum[0] = f->sum[1] = f->sum[2] = f->seen = 0;
}

/* The generator's update after the last one of the critic, of as many examples. */
static bool generate(wg__fit *f, wg_error *error)
{
    wg_plan *p = plan_for(f->l, &f->batch.type, GENERATOR, error);
    bool ok;

    if (!p) return false;
    if (wg_plan_feed(p, "X_real", f->batch) != WG_OK) {
        *error = *wg_plan_error(p);
        return false;
    }
    ok = run(f->l, p, GENERATOR, error);
    if (ok) f->s.g_loss = wg_item(wg_plan_value(p, "G_loss"));
    if (ok && !isfinite(f->s.g_loss)) {
        wg_fail(error, WG_ENONFINITE, f->l->kind->name, "G_loss is %g in step %lld of fit",
                f->s.g_loss, (long long)f->s.epoch + 1);
        ok = false;
    }
    wg_plan_feed(p, "X_real", (wg_array){ .data = NULL });
    return ok;
}

static wg_train_act on_batch(void *data, wg_train *t, const wg_train_state *state, wg_error *error)
{
    wg__fit *f = data;

    if (!state->replaying) {
        if (state->batch == 1) begin_sums(f);
        add_figures(f, wg_train_plan(t));
    }
    if (state->batch < f->o.c_updates_per_epoch) return WG_TRAIN_GO_ON;
    return generate(f, error) ? WG_TRAIN_GO_ON : WG_TRAIN_FAIL;
}

enum { EVERY = 100 }; /* steps a line */

static bool tells(const wg__fit *f, int64_t number)
{
    return f->o.verbose >= 0 && (number % EVERY == 0 || number == f->s.n_epochs);
}

/* Tells, and asks whether to go on. */
static bool end_step(wg__fit *f, int64_t number, FILE *to)
{
    const wg_fit_state *s = &f->s;

    if (tells(f, number)) {
        fprintf(to,
                "step %lld/%lld  critic %.4f  generator %.4f  Wasserstein %.4f  |gradient| %.3f  "
                "%.1f s\n",
                (long long)number, (long long)s->n_epochs, s->loss, s->g_loss, s->wasserstein,
                s->gradient_norm, s->seconds);
        fflush(to);
    }
    return !f->o.on_epoch || f->o.on_epoch(f->o.data, s);
}

/* How far the steps are; those of the run before one that is resumed took their time there. */
static void draw(const wg__fit *f, wg_train *t, int64_t number)
{
    const wg_fit_state *s = &f->s;
    double share = (double)number / (double)s->n_epochs;
    double rate = s->seconds > 0 ? (double)s->epoch / s->seconds : 0;
    char label[64], figures[160], left[24];

    snprintf(label, sizeof label, "step %lld/%lld", (long long)number, (long long)s->n_epochs);
    snprintf(figures, sizeof figures, "%3d %%  critic %.4g  generator %.4g  %.3g steps/s  %s left",
             (int)(100 * share), s->loss, s->g_loss, rate,
             wg__clock_text(rate > 0 ? (double)(s->n_epochs - number) / rate : 0, left));
    wg__show_bar(t, label, share, figures);
}

static wg_train_act on_epoch(void *data, wg_train *t, const wg_train_state *state, wg_error *error)
{
    wg__fit *f = data;

    (void)error;
    wg__fit_at(f, state);
    if (tells(f, state->epoch)) wg__show_wipe(t);
    else if (f->o.verbose > 0 && wg__show_bar_due(t)) draw(f, t, state->epoch);
    return end_step(f, state->epoch, t->o.to) ? WG_TRAIN_GO_ON : WG_TRAIN_STOP;
}

static bool train(wg__fit *f, wg_error *error)
{
    wg_train_source source = { .next = next_batch, .data = f };
    wg_train_options o = wg__fit_options(f, "critic", "C_loss", f->o.n_steps, &source);

    o.on_batch = on_batch;
    o.on_epoch = on_epoch;
    o.verbose = -1;
    /* an epoch is a step here: too short for a checkpoint each */
    if (o.every_steps == 0 && !(o.every_seconds > 0))
        o.every_steps = EVERY * f->o.c_updates_per_epoch;
    return wg__fit_train(f, &o, error);
}

/* The same steps with nothing updated. */
static bool look(wg__fit *f, wg_error *error)
{
    wg_plan *p = plan_for(f->l, &f->batch.type, CRITIC, error);

    while (p && f->s.epoch < f->o.n_steps) {
        int64_t i = 0;

        begin_sums(f);
        while (next_batch(f, p, f->s.epoch, i, error) > 0) {
            if (!run(f->l, p, CRITIC, error)) return false;
            add_figures(f, p);
            f->s.updates++;
            i++;
        }
        if (error->code != WG_OK || !generate(f, error)) return false;
        f->s.epoch++;
        if (!end_step(f, f->s.epoch, f->o.to ? f->o.to : stdout)) break;
    }
    if (p) wg_plan_feed(p, "X_real", (wg_array){ .data = NULL });
    return p != NULL;
}

/* The arguments that are given replace hyperparameters. */
static bool take_arguments(wg_layer *l, wg_fit_options *o, wg_error *error)
{
    GAN *h = wg_layer_change_hyper(l);

    if (!(o->lambda_ >= 0 && o->lambda_ < 1e300)) {
        wg_fail(error, WG_EARG, l->kind->name, "lambda_ is %g, wanted 0 or more", o->lambda_);
        return false;
    }
    if (o->lambda_ > 0) h->lambda_ = o->lambda_;
    if (o->n_steps == 0) o->n_steps = h->n_steps;
    if (o->c_updates_per_epoch == 0) o->c_updates_per_epoch = h->c_updates_per_epoch;
    return true;
}

/* After the arguments are taken. */
static void fit(wg_layer *l, wg_data X, const wg_fit_options *o, wg_fit_state *state,
                wg_error *error)
{
    const GAN *h = wg_layer_hyper(l);
    wg_type type = { wg_params_dtype(l->store), X.shape };
    wg__fit f;

    if (wg__fit_open(&f, l, X, o, h->batchsize, &X.shape, false, false, error)) {
        f.s.n_epochs = f.o.n_steps;
        if (plan_for(l, &type, GENERATOR, error)) {
            if (h->debug) look(&f, error);
            else train(&f, error);
        }
    }
    if (state) *state = f.s;
    wg__fit_close(&f);
}

wg_status wg_wgan_gp_fit(wg_layer *l, wg_data X, const wg_fit_options *options, wg_fit_state *state,
                         wg_error *error)
{
    wg_fit_options o = options ? *options : (wg_fit_options){ .n_steps = 0 };
    wg_error own = { .code = WG_OK };
    char text[WG_TYPE_TEXT];
    int64_t n_feats;

    if (wg__is_wgan(l, "wgan_gp_fit", &own) && take_arguments(l, &o, &own)) {
        n_feats = ((const GAN *)wg_layer_hyper(l))->n_feats;
        if (X.shape.rank != 2)
            wg_fail(&own, WG_ESHAPE, l->kind->name, "the data are %s, wanted [n, n_feats]",
                    wg__fit_data_text(&X, text));
        else if (n_feats && n_feats != X.shape.dim[1])
            wg_fail(&own, WG_ESHAPE, l->kind->name, "the data are %s, wanted [n, %lld]",
                    wg__fit_data_text(&X, text), (long long)n_feats);
        else fit(l, X, &o, state, &own);
    }
    if (own.code != WG_OK && error && error->code == WG_OK) *error = own;
    return own.code;
}
