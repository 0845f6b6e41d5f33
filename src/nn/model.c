/* model.c: what models share: chains of layers, and training steps by the model's optimizer. */
#include "model.h"

#include <stdio.h>
#include <string.h>

#include "layer_impl.h"
#include "summary.h"
#include "wengert/ops.h"

wg_tensor *wg__chain(wg_layer *group, wg_tensor *x, wg_layer *model, const char *d)
{
    wg_graph *g = wg_tensor_graph(x);
    char key[WG_KEY_MAX];

    for (int i = 0; i < wg_layer_n_components(group); i++) {
        x = wg_apply(wg_layer_component_at(group, i), x);
        if (wg_graph_error(g)) break;
        if (!d) continue;
        snprintf(key, sizeof key, "%s_%s_out", d, wg_layer_component_id(group, i));
        wg_layer_value_grad(model, x, key);
    }
    return x;
}

bool wg__model_optimizer(wg_layer *l, const char *text)
{
    wg_error error = { .code = WG_OK };
    wg_optim *o = wg_optim_from_text(NULL, "optimizer", text, &error);

    if (!o)
        return wg_layer_fail(l, error.code, "%s: %s", error.op ? error.op : "optimizer",
                             error.text);
    wg_optim_free(l->optim);
    l->optim = o;
    return true;
}

static bool same_class(const char *text, const char *other)
{
    size_t n = strcspn(text, "(");

    return n == strcspn(other, "(") && strncmp(text, other, n) == 0;
}

/* Takes over the hyperparameters of the model's optimizer, and leaves the cache. */
static void follow(wg_optim *o, const wg_optim *model, wg_error *error)
{
    char *summary = wg_optim_summary(model), *text;
    json_t *v = summary ? json_loads(summary, 0, NULL) : NULL;

    text = json_dumps(json_object_get(v, "hyperparameters"), JSON_COMPACT);
    if (text) wg_optim_set_params(o, text, error);
    else wg_fail(error, WG_ENOMEM, "optimizer", "out of memory");
    wg__json_text_free(text);
    json_decref(v);
    wg_free(summary);
}

/* The optimizer of `part` over its store: one alone may claim its entries there. Its values are
 * those of the model's, which may have been changed since. */
static wg_optim *recorder(wg_layer *model, wg_layer *part, wg_error *error)
{
    char *text = wg_optim_text(model->optim), name[WG_PATH_MAX], *old;

    snprintf(name, sizeof name, "%s/optimizer", part->name);
    old = part->recorded ? wg_optim_text(part->recorded) : NULL;
    if (!text || (part->recorded && !old)) {
        wg_fail(error, WG_ENOMEM, model->kind->name, "out of memory");
    } else if (!part->recorded) {
        part->recorded = wg_optim_from_text(model->store, name, text, error);
    } else if (strcmp(text, old) != 0 && same_class(text, old)) {
        follow(part->recorded, model->optim, error);
    } else if (strcmp(text, old) != 0) {
        wg_fail(error, WG_ESTATE, model->kind->name,
                "%s has been recorded with %s, and its store is of no other optimizer", name, old);
    }
    wg_free(text);
    wg_free(old);
    return error->code == WG_OK ? part->recorded : NULL;
}

void wg__model_minimize(wg_layer *model, wg_layer *part, wg_tensor *loss)
{
    wg_error error = { .code = WG_OK };
    wg_optim *o = recorder(model, part, &error);

    if (o) wg_minimize(o, loss);
    else wg_record_fail(wg_tensor_graph(loss), error.code, error.op, "%s", error.text);
}

/* ---- steps ---- */

static uint64_t frozen_bits(const wg_layer *l, uint64_t bits)
{
    bits = 2 * bits + wg_layer_trainable(l);
    for (int i = 0; i < l->n_components; i++) bits = frozen_bits(l->components[i], bits);
    return bits;
}

void wg__steps_forget(wg_layer *l)
{
    wg__steps *s = l->steps;

    if (!s) return;
    for (int i = 0; i < WG__STEP_PLANS; i++) wg_plan_free(s->plan[i]);
    wg_graph_free(s->g);
    wg_free(s);
    l->steps = NULL;
}

wg__steps *wg__steps_for(wg_layer *l, const wg_type *input, double lambda_,
                         void (*record)(wg_layer *l, wg_graph *g, const wg_type *input),
                         wg_error *error)
{
    wg_type one = *input;
    wg__steps *s = l->steps;

    one.shape.dim[0] = 1;
    if (s && wg_type_equal(&s->input, &one) && s->frozen == frozen_bits(l, 0) &&
        !(s->lambda_ < lambda_) && !(s->lambda_ > lambda_))
        return s;
    wg__steps_forget(l);
    s = l->steps = wg_alloc(1, sizeof *s);
    if (s) s->g = wg_graph_new();
    if (!s || !s->g) {
        wg__steps_forget(l);
        wg_fail(error, WG_ENOMEM, l->kind->name, "out of memory");
        return NULL;
    }
    s->input = one;
    s->frozen = frozen_bits(l, 0);
    s->lambda_ = lambda_;
    record(l, s->g, &one);
    if (!wg_graph_error(s->g)) return s;
    if (error && error->code == WG_OK) *error = *wg_graph_error(s->g);
    wg__steps_forget(l);
    return NULL;
}

wg_plan *wg__steps_plan(wg_layer *l, int i, const char *name, bool keep, wg_error *error)
{
    wg__steps *s = l->steps;

    if (!s->plan[i])
        s->plan[i] =
            wg_plan_new_error(s->g, l->store, name, &(wg_plan_options){ .keep = keep }, error);
    return s->plan[i];
}
