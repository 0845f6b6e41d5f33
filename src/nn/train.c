/* train.c: the loop: steps, epochs, when to look, when to stop. */
#define _XOPEN_SOURCE 700
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "train_impl.h"

static const double KEEP = 0.99, TAKE = 0.01; /* of a smoothed loss, at each step */
double wg__train_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void wg__train_copy(wg_params *to, const wg_params *from)
{
    for (int i = 0; i < wg_params_count(to); i++) {
        const wg_param *p = wg_params_at(to, i);

        memcpy(p->value.data, wg_params_find(from, p->name)->value.data,
               (size_t)wg_type_bytes(&p->value.type));
    }
}

const char *wg_train_end_text(wg_train_end end)
{
    static const char *const text[] = { "not ended",
                                        "all epochs are done",
                                        "stopped early",
                                        "the bound of steps is reached",
                                        "a callback stopped it",
                                        "interrupted" };

    return (unsigned)end <= WG_TRAIN_INTERRUPTED ? text[end] : "?";
}

/* ---- making ---- */

static wg_status refuse_options(const wg_train_options *o, wg_error *error)
{
    static const char op[] = "wg_train_new";
    const struct {
        const char *name;
        int64_t value, least, most;
    } whole[] = {
        { "epochs", o->epochs, 0, INT64_MAX },
        { "batchsize", o->batchsize, 0, INT64_MAX },
        { "max_steps", o->max_steps, 0, INT64_MAX },
        { "patience", o->patience, 0, INT64_MAX },
        { "every_steps", o->every_steps, 0, INT64_MAX },
        { "keep", o->keep, 0, 1000 },
        { "n_feeds", o->n_feeds, 0, 10000 },
        { "n_validation_feeds", o->n_validation_feeds, 0, 10000 },
    };

    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
        if (whole[i].value < whole[i].least || whole[i].value > whole[i].most)
            return wg_fail(error, WG_EARG, op, "%s is %lld, wanted %lld to %lld", whole[i].name,
                           (long long)whole[i].value, (long long)whole[i].least,
                           (long long)whole[i].most);
    if (!(o->every_seconds >= 0))
        return wg_fail(error, WG_EARG, op, "every_seconds is %g, wanted 0 or more",
                       o->every_seconds);
    if (!isfinite(o->min_delta))
        return wg_fail(error, WG_EARG, op, "min_delta is %g", o->min_delta);
    if (!(o->validation_split >= 0 && o->validation_split < 1))
        return wg_fail(error, WG_EARG, op,
                       "validation_split is %g, wanted a share from 0 to below 1",
                       o->validation_split);
    if (o->validation_split > 0 && (o->source || o->n_validation_feeds > 0))
        return wg_fail(error, WG_EARG, op, "validation_split beside %s",
                       o->source ? "a source" : "data of its own for validation");
    if (o->checkpoint && strchr(o->checkpoint, '/'))
        return wg_fail(error, WG_EARG, op, "checkpoint is \"%.80s\", wanted a name without '/'",
                       o->checkpoint);
    if (o->source && !o->source->next)
        return wg_fail(error, WG_EARG, op, "the source has no function");
    return WG_OK;
}

/* The environment may lower the bound of steps: how every documented command can be tried. */
static wg_status bound_steps(wg_train_options *o, wg_error *error)
{
    const char *text = getenv("WENGERT_MAX_STEPS");
    long long v;
    char *end;

    if (!text || !*text) return WG_OK;
    errno = 0;
    v = strtoll(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end || errno || v < 1)
        return wg_fail(error, WG_EARG, "wg_train_new",
                       "WENGERT_MAX_STEPS is \"%.40s\", wanted a number of steps from 1", text);
    if (o->max_steps == 0 || v < o->max_steps) o->max_steps = v;
    return WG_OK;
}

static wg_status bind_training(wg_train *t, wg_error *error)
{
    wg_batches_options b = { t->o.batchsize, t->o.seed, t->o.in_order, t->o.drop_last,
                             t->o.validation_split };
    wg_status status =
        wg__side_open(&t->train, t->g, t->w, t->o.function, t->o.loss, WG_TRAIN, &t->o.plan, error);

    if (status == WG_OK)
        status = wg__side_bind(&t->train, t->g, t->o.n_feeds, t->o.feeds, t->o.batchsize,
                               t->o.source != NULL, t->o.validation_split > 0, error);
    if (status != WG_OK || t->o.source) return status;
    if (t->train.examples < 0)
        return wg_fail(error, WG_EARG, "wg_train_new",
                       "function \"%.80s\" has no input with examples, and there is no source",
                       t->train.name);
    t->batches = wg_batches_new(t->train.examples, &b, error);
    return t->batches ? WG_OK : error->code;
}

static wg_status bind_validation(wg_train *t, wg_error *error)
{
    bool own = t->o.n_validation_feeds > 0;
    int64_t apart = 1;
    wg_status status;

    if (!own && t->o.validation_split == 0) return WG_OK;
    status = wg__side_open(&t->validation, t->g, t->w, t->o.validation_function,
                           t->o.validation_loss, WG_PREDICT, &t->o.plan, error);
    if (status == WG_OK)
        status = wg__side_bind(&t->validation, t->g, own ? t->o.n_validation_feeds : t->o.n_feeds,
                               own ? t->o.validation_feeds : t->o.feeds, t->o.batchsize, false,
                               !own, error);
    if (status != WG_OK) return status;
    if (!own) wg_batches_validation(t->batches, &apart);
    if (t->validation.examples < 1 || apart < 1)
        return wg_fail(error, WG_EARG, "wg_train_new", "no examples to validate with");
    if (!own) return WG_OK;
    t->whole = wg_alloc(t->validation.examples, sizeof *t->whole);
    if (!t->whole) return wg_fail(error, WG_ENOMEM, "wg_train_new", "out of memory");
    for (int64_t i = 0; i < t->validation.examples; i++) t->whole[i] = i;
    return WG_OK;
}

/* The first NAME/lr that is one f64. */
static const double *rate_of(const wg_params *w)
{
    for (int i = 0; i < wg_params_count(w); i++) {
        const wg_param *p = wg_params_at(w, i);
        size_t n = strlen(p->name);

        if (n > 3 && strcmp(p->name + n - 3, "/lr") == 0 && p->value.type.dtype == WG_F64 &&
            p->value.type.shape.rank == 0)
            return p->value.data;
    }
    return NULL;
}

static wg_status copies(wg_train *t, wg_error *error)
{
    t->held = wg_params_copy(t->w, WG_N_DTYPES);
    if (t->o.patience > 0) t->best = wg_params_copy(t->w, WG_N_DTYPES);
    if (t->held && (t->best || t->o.patience == 0)) return WG_OK;
    return wg_fail(error, WG_ENOMEM, "wg_train_new", "a copy of the store");
}

static void set_defaults(wg_train_options *o)
{
    if (o->epochs == 0) o->epochs = 1;
    if (o->batchsize == 0) o->batchsize = 32;
    if (o->keep == 0) o->keep = 3;
    if (!o->checkpoint) o->checkpoint = "checkpoint";
}

wg_train *wg_train_new(wg_graph *g, wg_params *w, const wg_train_options *options, wg_error *error)
{
    static const wg_train_options none;
    wg_error own = { WG_OK, NULL, NULL, "", "" };
    wg_train *t;

    if (!g || !w || refuse_options(options ? options : &none, &own) != WG_OK) {
        if (!g || !w)
            wg_fail(&own, WG_EARG, "wg_train_new", "the %s is NULL", g ? "store" : "graph");
        if (error && error->code == WG_OK) *error = own;
        return NULL;
    }
    t = wg_alloc(1, sizeof *t);
    if (!t) {
        wg_fail(error, WG_ENOMEM, "wg_train_new", "out of memory");
        return NULL;
    }
    t->g = g;
    t->w = w;
    t->o = options ? *options : none;
    set_defaults(&t->o);
    t->saved_step = -1;
    t->train.examples = t->validation.examples = -1;
    t->s.loss = t->s.smoothed = t->s.mean = t->s.previous = t->s.validation = t->s.best = NAN;
    t->lr = rate_of(w);
    t->s.lr = t->lr ? *t->lr : NAN;
    if (wg_graph_error(g)) own = *wg_graph_error(g);
    if (own.code == WG_OK) bound_steps(&t->o, &own);
    if (own.code == WG_OK) bind_training(t, &own);
    if (own.code == WG_OK) bind_validation(t, &own);
    if (own.code == WG_OK) copies(t, &own);
    if (own.code == WG_OK) wg_metadata_set(g, wg__train_key, NULL);
    if (own.code == WG_OK && t->o.folder) wg__train_resume(t, &own);
    if (own.code == WG_OK) wg__show_open(t, &own);
    if (own.code == WG_OK) return t;
    wg_train_free(t);
    if (error && error->code == WG_OK) *error = own;
    return NULL;
}

void wg_train_free(wg_train *t)
{
    if (!t) return;
    wg__show_close(t);
    wg__side_close(&t->train);
    wg__side_close(&t->validation);
    wg_batches_free(t->batches);
    wg_plan_free(t->check);
    wg_params_free(t->held);
    wg_params_free(t->best);
    wg_free(t->whole);
    wg_free(t->saved);
    wg_free(t);
}

const wg_train_state *wg_train_state_of(const wg_train *t)
{
    return &t->s;
}

wg_plan *wg_train_plan(wg_train *t)
{
    return t->train.plan;
}

/* ---- a step ---- */

wg_status wg__run_batch(wg_train *t, wg_plan *plan, int64_t *n, wg_error *error)
{
    const wg_train_source *from = t->o.source;
    const int64_t *row = NULL;
    wg_status status;

    if (from) {
        *n = from->next(from->data, plan, t->s.epoch, t->s.batch, error);
        if (*n < 0 && error->code == WG_OK)
            wg_fail(error, WG_EIO, "wg_train_run", "the source failed at batch %lld of epoch %lld",
                    (long long)t->s.batch, (long long)t->s.epoch + 1);
        if (*n < 0) return error->code;
    } else {
        row = wg_batches_rows(t->batches, t->s.epoch, t->s.batch, n);
    }
    if (*n == 0) return WG_OK;
    status = wg__side_feed(&t->train, plan, row, 0, *n, error);
    if (status != WG_OK || wg_plan_run(plan) == WG_OK) return status;
    *error = *wg_plan_error(plan);
    return error->code;
}

wg_train_act wg__tell(wg_train *t, wg_train_callback *callback, wg_error *error)
{
    wg_train_act act;

    if (!callback) return WG_TRAIN_GO_ON;
    act = callback(t->o.callback_data, t, &t->s, error);
    if (act == WG_TRAIN_FAIL && error->code == WG_OK)
        wg_fail(error, WG_ESTATE, "wg_train_run", "a callback failed at step %lld",
                (long long)t->s.step);
    return act;
}

static void count(wg_train *t, int64_t n, double loss)
{
    bool summed = t->o.source && t->o.source->summed;

    t->sum += summed ? loss : loss * (double)n;
    if (summed) loss /= (double)n;
    t->s.loss = loss;
    t->s.smoothed = isnan(t->s.smoothed) ? loss : KEEP * t->s.smoothed + TAKE * loss;
    t->s.examples += n;
    t->s.mean = t->sum / (double)t->s.examples;
    t->s.batch++;
    t->s.step++;
    t->s.lr = t->lr ? *t->lr : NAN;
    t->s.seconds = wg__train_now() - t->began;
}

/* One batch; *ended: the epoch has no further one. */
static wg_status make_step(wg_train *t, bool *ended, wg_train_act *act, wg_error *error)
{
    int64_t n;
    double loss;
    wg_status status;

    *act = WG_TRAIN_GO_ON;
    if (wg__hold_due(t)) wg__hold(t);
    status = wg__run_batch(t, t->train.plan, &n, error);
    if (status != WG_OK) return status;
    *ended = n == 0;
    if (n == 0 && t->s.batch == 0)
        return wg_fail(error, WG_EARG, "wg_train_run", "the source gave no batch in epoch %lld",
                       (long long)t->s.epoch + 1);
    if (n == 0) return WG_OK;
    loss = wg__side_loss(&t->train, t->train.plan);
    if (!isfinite(loss)) return wg__find_origin(t, loss, error);
    count(t, n, loss);
    *ended = t->batches && t->s.batch == wg_batches_count(t->batches);
    *act = wg__tell(t, t->o.on_batch, error);
    wg__show_step(t);
    return error->code;
}

/* ---- an epoch's end ---- */

static wg_status validate(wg_train *t, wg_error *error)
{
    wg__side *v = &t->validation;
    int64_t all = v->examples, n;
    const int64_t *row = t->whole;
    double sum = 0;

    if (!v->plan) return WG_OK;
    if (!row) row = wg_batches_validation(t->batches, &all);
    for (int64_t first = 0; first < all; first += n) {
        wg_status status;
        double loss;

        n = all - first < t->o.batchsize ? all - first : t->o.batchsize;
        status = wg__side_feed(v, v->plan, row, first, n, error);
        if (status != WG_OK) return status;
        if (wg_plan_run(v->plan) != WG_OK) {
            *error = *wg_plan_error(v->plan);
            return error->code;
        }
        loss = wg__side_loss(v, v->plan);
        if (!isfinite(loss)) return wg__find_in_validation(t, row, first, n, loss, error);
        sum += loss * (double)n;
    }
    t->s.validation = sum / (double)all;
    return WG_OK;
}

static void judge(wg_train *t)
{
    double value = t->validation.plan ? t->s.validation : t->s.mean;

    if (!t->best) return;
    if (t->s.best_epoch == 0 || value < t->s.best - t->o.min_delta) {
        t->s.best = value;
        t->s.best_epoch = t->s.epoch;
        t->s.waited = 0;
        wg__train_copy(t->best, t->w);
    } else {
        t->s.waited++;
    }
}

static wg_status end_epoch(wg_train *t, wg_train_act *act, wg_error *error)
{
    wg_train_act said;

    if (validate(t, error) != WG_OK) return error->code;
    t->s.epoch++;
    t->s.batch = 0;
    judge(t);
    t->s.seconds = wg__train_now() - t->began;
    wg__show_epoch(t);
    said = wg__tell(t, t->o.on_epoch, error);
    if (*act == WG_TRAIN_GO_ON) *act = said;
    t->s.previous = t->s.mean;
    t->s.examples = 0;
    t->sum = 0;
    return error->code;
}

/* ---- the run ---- */

static bool checkpoint_due(const wg_train *t, bool epoch_ended)
{
    const wg_train_options *o = &t->o;

    if (!o->folder || t->s.step == t->saved_step) return false;
    if (o->every_steps > 0 && t->s.step % o->every_steps == 0) return true;
    if (o->every_seconds > 0 && wg__train_now() - t->saved_at >= o->every_seconds) return true;
    return o->every_steps == 0 && o->every_seconds == 0 && epoch_ended;
}

static bool is_done(const wg_train *t)
{
    return t->s.batch == 0 && t->s.epoch >= t->o.epochs;
}

static bool is_early(const wg_train *t)
{
    return t->best && t->s.batch == 0 && t->s.waited >= t->o.patience && t->s.best_epoch > 0;
}

static wg_train_end end_of(const wg_train *t, wg_train_act act)
{
    if (is_early(t)) return WG_TRAIN_EARLY;
    if (is_done(t)) return WG_TRAIN_DONE;
    if (act == WG_TRAIN_STOP) return WG_TRAIN_STOPPED;
    if (t->o.stop && *t->o.stop) return WG_TRAIN_INTERRUPTED;
    if (t->o.max_steps > 0 && t->s.step - t->began_step >= t->o.max_steps) return WG_TRAIN_STEPS;
    return WG_TRAIN_NOT_ENDED;
}

static wg_status run(wg_train *t, wg_error *error)
{
    t->s.end = is_early(t) ? WG_TRAIN_EARLY : is_done(t) ? WG_TRAIN_DONE : WG_TRAIN_NOT_ENDED;
    while (t->s.end == WG_TRAIN_NOT_ENDED) {
        wg_train_act act;
        bool ended;

        if (make_step(t, &ended, &act, error) != WG_OK) return error->code;
        if (ended && end_epoch(t, &act, error) != WG_OK) return error->code;
        t->s.end = end_of(t, act);
        if (checkpoint_due(t, ended) && wg_train_save(t, error) != WG_OK) return error->code;
    }
    if (t->o.folder && t->s.step != t->saved_step && wg_train_save(t, error) != WG_OK)
        return error->code;
    /* After the checkpoint, which is of the run: it can go on from there, with more epochs. */
    if (t->best && t->s.best_epoch > 0 && (is_done(t) || is_early(t)))
        wg__train_copy(t->w, t->best);
    return wg__show_flush(t, error);
}

wg_status wg_train_run(wg_train *t, wg_error *error)
{
    wg_error own = { WG_OK, NULL, NULL, "", "" };

    t->began = t->saved_at = wg__train_now();
    t->began_step = t->s.step;
    t->s.lr = t->lr ? *t->lr : NAN;
    wg__hold(t);
    wg__show_run(t);
    run(t, &own);
    wg__show_end(t);
    if (own.code != WG_OK) {
        wg_error lost = { WG_OK, NULL, NULL, "", "" };

        wg__show_flush(t, &lost);
        if (t->saved) wg__show_line(t, "the last good checkpoint is %s", t->saved);
    }
    if (error && error->code == WG_OK) *error = own;
    return own.code;
}
