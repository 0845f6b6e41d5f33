/* fit.c: what the models' fits share: checked data, batches without end, lines about the way. */
#include "fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "layer_impl.h"
#include "own.h"
#include "wengert/op.h"

double wg__fit_now(void)
{
    struct timespec t;

    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

wg_fit_state wg__fit_state(int64_t n_epochs)
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

/* The environment may ask for less. */
static int64_t most_updates(int64_t asked)
{
    const char *text = getenv("WENGERT_MAX_STEPS");
    int64_t bound = text ? strtoll(text, NULL, 10) : 0;

    return bound > 0 && (asked == 0 || bound < asked) ? bound : asked;
}

bool wg__fit_open(wg__fit *f, wg_layer *l, wg_data X, const wg_fit_options *o, int64_t batchsize,
                  const wg_shape *example, bool unit, bool in_order, wg_error *error)
{
    wg_type type = { wg_params_dtype(l->store), *example };

    *f = (wg__fit){ .l = l, .X = X, .o = *o, .run = -1, .began = wg__fit_now() };
    if (f->o.batchsize == 0) {
        int64_t all = X.shape.rank > 0 ? X.shape.dim[0] : 1;

        f->o.batchsize = batchsize < all ? batchsize : all;
    }
    if (!(f->o.scale < 0 || f->o.scale > 0)) f->o.scale = 1;
    if (f->o.n_epochs == 0) f->o.n_epochs = 20;
    if (f->o.n_steps == 0) f->o.n_steps = 1;
    if (f->o.c_updates_per_epoch == 0) f->o.c_updates_per_epoch = 1;
    if (!f->o.to) f->o.to = stdout;
    f->o.max_updates = most_updates(f->o.max_updates);
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
    wg__steps *s = f->l->steps;

    /* the batch's memory goes */
    for (int i = 0; s && i < WG__STEP_PLANS; i++) {
        if (!s->plan[i]) continue;
        wg_plan_feed(s->plan[i], "X", (wg_array){ .data = NULL });
        wg_plan_feed(s->plan[i], "X_real", (wg_array){ .data = NULL });
    }
    wg_batches_free(f->batches);
    wg__array_drop(&f->batch);
}

/* ---- steps ---- */

bool wg__fit_next(wg__fit *f, wg_plan *p, const char *input, wg_error *error)
{
    const int64_t *rows;

    if (f->run < 0 || f->i >= wg_batches_count(f->batches)) {
        const wg_param *run = wg_params_find(f->l->store, "rng/run");

        /* the store counts runs that draw: no two shuffles are one, also after a load */
        f->run = run ? *(const int64_t *)run->value.data : f->run + 1;
        f->i = 0;
    }
    rows = wg_batches_rows(f->batches, f->run, f->i, &f->n);
    f->batch.type.shape.dim[0] = f->n;
    if (wg_data_take(&f->X, f->n, rows, f->o.scale, f->batch, error) != WG_OK) return false;
    f->i++;
    if (wg_plan_feed(p, input, f->batch) == WG_OK) return true;
    if (error && error->code == WG_OK) *error = *wg_plan_error(p);
    return false;
}

bool wg__fit_is_finite(const wg__fit *f, wg_plan *p, const char *loss, const wg_fit_state *s,
                       wg_error *error)
{
    double value = wg_item(wg_plan_value(p, loss));

    if (isfinite(value)) return true;
    wg_fail(error, WG_ENONFINITE, f->l->kind->name,
            "%s is %g in update %lld, epoch %lld of fit; a lower learning rate may help", loss,
            value, (long long)s->updates + 1, (long long)s->epoch + 1);
    return false;
}
