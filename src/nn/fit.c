/* fit.c: what the models' fits share: checked data, batches without end, lines about the way. */
#include "fit.h"

#include <math.h>
#include <string.h>

#include "layer_impl.h"
#include "own.h"
#include "train_impl.h"
#include "wengert/op.h"

static wg_fit_state no_state(int64_t n_epochs)
{
    double none = (double)NAN;

    return (wg_fit_state){ .n_epochs = n_epochs,
                           .loss = none,
                           .previous = none,
                           .reconstruction = none,
                           .kl = none,
                           .g_loss = none,
                           .wasserstein = none,
                           .gradient_norm = none };
}

const char *wg__fit_data_text(const wg_data *X, char buf[WG_TYPE_TEXT])
{
    char extents[WG_TYPE_TEXT];
    const char *at = strchr(wg_type_text(&(wg_type){ WG_F32, X->shape }, extents), '[');

    snprintf(buf, WG_TYPE_TEXT, "%s%.180s", wg_data_kind_name(X->kind), at ? at : "");
    return buf;
}

/* ---- data ---- */

static double value_at(const wg_data *X, int64_t i)
{
    switch (X->kind) {
    case WG_DATA_F32:
        return (double)((const float *)X->data)[i];
    case WG_DATA_F64:
        return ((const double *)X->data)[i];
    case WG_DATA_I64:
        return (double)((const int64_t *)X->data)[i];
    case WG_DATA_I32:
        return (double)((const int32_t *)X->data)[i];
    case WG_DATA_U8:
        return (double)((const unsigned char *)X->data)[i];
    default:
        return (double)((const bool *)X->data)[i];
    }
}

/* Before the first step: a value that does not fit would spoil weights. */
static bool check_values(const wg__fit *f, bool unit, wg_error *error)
{
    int64_t n = wg_shape_count(&f->X.shape), per = wg_data_example(&f->X);

    for (int64_t i = 0; i < n; i++) {
        double v = f->o.scale * value_at(&f->X, i);

        if (isfinite(v) && (!unit || (v >= 0 && v <= 1))) continue;
        wg_fail(error, isfinite(v) ? WG_EARG : WG_ENONFINITE, f->l->kind->name,
                "value %lld of example %lld of the data is %g%s, wanted %s", (long long)(i % per),
                (long long)(i / per), v, f->o.scale < 1 || f->o.scale > 1 ? " when scaled" : "",
                unit ? "0 to 1" : "a finite number");
        return false;
    }
    return true;
}

static bool check_options(const wg__fit *f, wg_error *error)
{
    const wg_fit_options *o = &f->o;
    const char *kind = f->l->kind->name;
    int64_t n = f->X.shape.rank > 0 ? f->X.shape.dim[0] : 0;

    if (n < 1 || !f->X.data || wg_data_example(&f->X) < 1)
        wg_fail(error, WG_EARG, kind, "the data have no examples");
    else if (o->n_epochs < 1 || o->n_steps < 1 || o->c_updates_per_epoch < 1 || o->batchsize < 1)
        wg_fail(
            error, WG_EARG, kind,
            "n_epochs %lld, n_steps %lld, c_updates_per_epoch %lld and batchsize %lld must be at "
            "least 1",
            (long long)o->n_epochs, (long long)o->n_steps, (long long)o->c_updates_per_epoch,
            (long long)o->batchsize);
    else if (o->batchsize > n)
        wg_fail(error, WG_EARG, kind, "batchsize is %lld, the data have %lld examples",
                (long long)o->batchsize, (long long)n);
    else if (!isfinite(o->scale))
        wg_fail(error, WG_EARG, kind, "scale is %g, wanted a finite number", o->scale);
    else return true;
    return false;
}

bool wg__fit_open(wg__fit *f, wg_layer *l, wg_data X, const wg_fit_options *o, int64_t batchsize,
                  const wg_shape *example, bool unit, bool in_order, wg_error *error)
{
    wg_type type = { wg_params_dtype(l->store), *example };

    *f = (wg__fit){ .l = l, .X = X, .o = *o };
    if (f->o.batchsize == 0) {
        int64_t all = X.shape.rank > 0 ? X.shape.dim[0] : 1;

        f->o.batchsize = batchsize < all ? batchsize : all;
    }
    if (!(f->o.scale < 0 || f->o.scale > 0)) f->o.scale = 1;
    if (f->o.n_epochs == 0) f->o.n_epochs = 20;
    if (f->o.n_steps == 0) f->o.n_steps = 1;
    if (f->o.c_updates_per_epoch == 0) f->o.c_updates_per_epoch = 1;
    f->s = no_state(f->o.n_epochs);
    if (!check_options(f, error) || !check_values(f, unit, error)) return false;
    type.shape.dim[0] = f->o.batchsize;
    f->batches = wg_batches_new(X.shape.dim[0],
                                &(wg_batches_options){ .batchsize = f->o.batchsize,
                                                       .seed = wg_params_seed(l->store),
                                                       .in_order = in_order },
                                error);
    if (!f->batches) return false;
    if (wg__array_fresh(&f->batch, &type)) return true;
    wg_fail(error, WG_ENOMEM, l->kind->name, "out of memory");
    return false;
}

void wg__fit_close(wg__fit *f)
{
    wg_batches_free(f->batches);
    wg__array_drop(&f->batch);
}

/* ---- steps ---- */

int64_t wg__fit_runs(const wg__fit *f)
{
    const wg_param *run = wg_params_find(f->l->store, "rng/run");

    return run ? *(const int64_t *)run->value.data : 0;
}

bool wg__fit_feed(wg__fit *f, wg_plan *p, const char *input, int64_t shuffle, int64_t i,
                  wg_error *error)
{
    const int64_t *rows = wg_batches_rows(f->batches, shuffle, i, &f->n);

    f->batch.type.shape.dim[0] = f->n;
    if (wg_data_take(&f->X, f->n, rows, f->o.scale, f->batch, error) != WG_OK) return false;
    if (wg_plan_feed(p, input, f->batch) == WG_OK) return true;
    if (error->code == WG_OK) *error = *wg_plan_error(p);
    return false;
}

wg_train_options wg__fit_options(wg__fit *f, const char *function, const char *loss, int64_t epochs,
                                 const wg_train_source *source)
{
    static const wg_train_options none;
    const wg_train_options *from = f->o.train ? f->o.train : &none;

    return (wg_train_options){ .function = function,
                               .loss = loss,
                               .source = source,
                               .epochs = epochs,
                               .batchsize = f->o.batchsize,
                               .seed = wg_params_seed(f->l->store),
                               .max_steps = f->o.max_updates,
                               .folder = from->folder,
                               .checkpoint = from->checkpoint,
                               .every_steps = from->every_steps,
                               .every_seconds = from->every_seconds,
                               .keep = from->keep,
                               .resume = from->resume,
                               .ops = from->ops,
                               .callback_data = f,
                               .verbose = f->o.verbose,
                               .to = f->o.to,
                               .log = from->log,
                               .go_on = from->go_on,
                               .stop = from->stop,
                               .plan = from->plan };
}

void wg__fit_at(wg__fit *f, const wg_train_state *state)
{
    f->s.epoch = state->epoch - f->first_epoch;
    f->s.updates = state->step - f->first_step;
    f->s.previous = state->previous;
    f->s.seconds = state->seconds;
}

/* Of a fit that tells its steps itself: why it ended before its time. */
static void tell_end(wg_train *t)
{
    const wg_train_state *s = wg_train_state_of(t);

    if (s->end != WG_TRAIN_STEPS && s->end != WG_TRAIN_STOPPED && s->end != WG_TRAIN_INTERRUPTED)
        return;
    fprintf(t->o.to, "%s after update %lld\n", wg_train_end_text(s->end), (long long)s->step);
    if (wg_train_saved(t))
        fprintf(t->o.to, "saved %s; go on with %s\n", wg_train_saved(t),
                t->o.go_on ? t->o.go_on : "the same call and resume");
    fflush(t->o.to);
}

bool wg__fit_train(wg__fit *f, const wg_train_options *o, wg_error *error)
{
    wg_train *t;

    /* so that a checkpoint is a saved model too */
    if (!wg__model_describe(f->l, error)) return false;
    t = wg_train_new(f->l->steps->g, f->l->store, o, error);
    if (!t) return false;
    f->first_epoch = wg_train_state_of(t)->epoch;
    f->first_step = wg_train_state_of(t)->step;
    wg_train_run(t, error);
    if (f->o.verbose >= 0 && o->verbose < 0) tell_end(t);
    f->s.end = wg_train_state_of(t)->end;
    f->s.seconds = wg_train_state_of(t)->seconds;
    f->s.updates = wg_train_state_of(t)->step - f->first_step;
    wg_train_free(t);
    return error->code == WG_OK;
}
