/* program.c: records a layer for the verbs: a forward function, and its gradient as a graph of its
 * own whose inputs are what it takes from the forward pass. */
#include <stdio.h>
#include <string.h>

#include "verbs.h"
#include "wengert/ops.h"

static wg__program *no_memory(wg_layer *l)
{
    wg_fail(&l->error, WG_ENOMEM, l->kind->name, "out of memory");
    return NULL;
}

/* ---- what a program depends on besides its inputs ---- */

static int count_layers(const wg_layer *l)
{
    int n = 1;

    for (int i = 0; i < l->n_components; i++) n += count_layers(l->components[i]);
    return n;
}

static char *write_frozen(const wg_layer *l, char *to)
{
    *to++ = wg_layer_trainable(l) ? 't' : 'f';
    for (int i = 0; i < l->n_components; i++) to = write_frozen(l->components[i], to);
    return to;
}

static bool same_frozen(const wg_layer *l, const char **at)
{
    if (*(*at)++ != (wg_layer_trainable(l) ? 't' : 'f')) return false;
    for (int i = 0; i < l->n_components; i++)
        if (!same_frozen(l->components[i], at)) return false;
    return true;
}

bool wg__program_fits(const wg__program *p, const wg_layer *l, int n, const wg_array *x, bool train)
{
    const char *frozen = p->frozen;

    if (p->n != n || p->train != train || !same_frozen(l, &frozen)) return false;
    for (int i = 0; i < n; i++)
        if (!wg_type_equal(&p->type[i], &x[i].type)) return false;
    return true;
}

void wg__program_free(wg__program *p)
{
    if (!p) return;
    wg_plan_free(p->forward);
    wg_plan_free(p->backward);
    wg_graph_free(p->g);
    wg_graph_free(p->gb);
    wg_free(p->values.at);
    wg_free(p->params.at);
    wg_free(p->gradients.at);
    wg_free(p->frozen);
    wg_free(p);
}

/* ---- gathering over the layer and its components ---- */

static void start_watching(wg_layer *l, const wg_graph *g)
{
    l->watched = g;
    for (int i = 0; i < l->n_watches; i++) l->watches[i].t = NULL;
    for (int i = 0; i < l->n_components; i++) start_watching(l->components[i], g);
}

static bool add_target(wg__targets *list, wg_layer *l, const char *key, wg_tensor *t)
{
    wg__target *more = wg_alloc(list->n + 1, sizeof *more);

    if (!more) return false;
    if (list->n) memcpy(more, list->at, (size_t)list->n * sizeof *more);
    wg_free(list->at);
    list->at = more;
    more[list->n].layer = l;
    more[list->n].t = t;
    snprintf(more[list->n++].key, sizeof more->key, "%s", key);
    return true;
}

static bool gather_watches(wg_layer *l, wg__targets *values, wg__targets *gradients)
{
    for (int i = 0; i < l->n_watches; i++) {
        const wg__watch *w = &l->watches[i];

        if (w->t && !add_target(w->grad ? gradients : values, l, w->key, w->t)) return false;
    }
    for (int i = 0; i < l->n_components; i++)
        if (!gather_watches(l->components[i], values, gradients)) return false;
    return true;
}

static bool gather_params(wg_layer *l, wg_graph *g, wg__targets *params)
{
    for (int i = 0; i < l->n_entries; i++)
        if (l->entries[i].learns && wg_layer_trainable(l) &&
            !add_target(params, l, l->entries[i].key, wg_layer_leaf(l, g, l->entries[i].key)))
            return false;
    for (int i = 0; i < l->n_components; i++)
        if (!gather_params(l->components[i], g, params)) return false;
    return true;
}

/* ---- the gradient, cut off from the forward pass ---- */

typedef struct {
    wg_tensor **at; /* forward entries the gradient takes: outputs of the forward function */
    wg_tensor **as; /* inputs of the gradient's graph in their place */
    bool *taken;    /* by id, below the border between forward pass and gradient */
    int64_t border;
    int n;
} cut;

/* Constants are copied along; all else that was recorded before the gradient is taken over. */
static void take(cut *c, wg_tensor *t)
{
    int64_t id = wg_tensor_id(t);

    if (id >= c->border || c->taken[id] || (wg_tensor_record(t)->flags & WG_OP_CONST)) return;
    c->taken[id] = true;
    c->at[c->n++] = t;
}

static bool find_cut(cut *c, int n, wg_tensor *const *grads)
{
    wg_tensor **order = NULL;
    int64_t count = wg_order(n, grads, &order);

    if (count < 0) return false;
    c->at = wg_alloc(count + n, sizeof *c->at);
    c->as = wg_alloc(count + n, sizeof *c->as);
    c->taken = wg_alloc(c->border, sizeof *c->taken);
    if (!c->at || !c->as || !c->taken) {
        wg_free(order);
        return false;
    }
    for (int64_t i = 0; i < count; i++)
        for (int k = 0; wg_tensor_id(order[i]) >= c->border && k < wg_tensor_n_in(order[i]); k++)
            take(c, wg_tensor_in(order[i], k));
    for (int i = 0; i < n; i++) take(c, grads[i]);
    wg_free(order);
    return true;
}

/* Inputs r0, r1, ... of the gradient's graph; the same tensors become outputs of the forward
 * function. */
static bool name_cut(cut *c, wg__program *p)
{
    char name[24];

    for (int i = 0; i < c->n; i++) {
        const wg_type *t = wg_tensor_type(c->at[i]);

        snprintf(name, sizeof name, "r%d", i);
        wg_output(name, c->at[i]);
        c->as[i] = wg_input(p->gb, name, t->dtype, t->shape);
    }
    p->n_residuals = c->n;
    return !wg_graph_error(p->g) && !wg_graph_error(p->gb);
}

static wg_tensor *weighed_sum(wg_graph *g, int n, wg_tensor *const *y)
{
    wg_tensor *total = NULL;
    char name[24];

    for (int i = 0; i < n; i++) {
        const wg_type *t = wg_tensor_type(y[i]);
        wg_tensor *part;

        if (!wg_dtype_is_real(t->dtype)) continue;
        snprintf(name, sizeof name, "dy%d", i);
        part = wg_sum(wg_mul(y[i], wg_input(g, name, t->dtype, t->shape)), WG_ALL_AXES, false);
        total = total ? wg_add(total, part) : part;
    }
    return total;
}

/* The tensors the gradient is wanted of: real inputs, parameters, watched values, in this order. */
static int list_wanted(wg__program *p, wg_tensor *const *x, wg_tensor **wanted)
{
    int n = 0;

    for (int i = 0; i < p->n; i++) {
        p->dx[i] = wg_dtype_is_real(p->type[i].dtype) ? n : -1;
        if (p->dx[i] >= 0) wanted[n++] = x[i];
    }
    for (int i = 0; i < p->params.n; i++) wanted[n++] = p->params.at[i].t;
    for (int i = 0; i < p->gradients.n; i++) wanted[n++] = p->gradients.at[i].t;
    return n;
}

static bool record_gradient(wg_layer *l, wg__program *p, wg_tensor *const *x, wg_tensor *const *y)
{
    int most = p->n + p->params.n + p->gradients.n, n;
    wg_tensor **wanted = wg_alloc(3 * most + 1, sizeof *wanted), **grads, **copies, *s;
    cut c = { .border = wg_graph_count(p->g) };
    bool ok = false;

    s = weighed_sum(p->g, wg_layer_n_out(l), y);
    p->gb = wg_graph_new();
    if (!wanted || !p->gb) goto done;
    grads = wanted + most;
    copies = grads + most;
    n = list_wanted(p, x, wanted);
    ok = true;
    if (n == 0 || !s) goto done;
    wg_grad(s, n, wanted, grads);
    ok = !wg_graph_error(p->g) && find_cut(&c, n, grads) && name_cut(&c, p);
    if (!ok) goto done;
    wg_clone(p->gb, n, grads,
             &(wg_clone_options){ .n_sub = c.n, .from = c.at, .with = c.as, .real = WG_N_DTYPES },
             copies);
    ok = !wg_graph_error(p->gb);
    if (ok) p->backward = wg_plan_of(n, copies, NULL, NULL, &l->error);
    ok = ok && p->backward;
done:
    if (!ok && p->gb && wg_graph_error(p->gb)) l->error = *wg_graph_error(p->gb);
    wg_free(c.at);
    wg_free(c.as);
    wg_free(c.taken);
    wg_free(wanted);
    return ok;
}

/* ---- the whole ---- */

static bool has_random(const wg_graph *g)
{
    for (int64_t i = 0; i < wg_graph_count(g); i++)
        if (wg_tensor_record(wg_graph_at(g, i))->flags & WG_OP_RANDOM) return true;
    return false;
}

/* The names of outputs: y0.. results, v0.. derived variables, r0.. what the gradient takes. */
static void name_outputs(char letter, int n, wg_tensor *const *y, const wg__targets *values)
{
    char name[24];

    for (int i = 0; i < (values ? values->n : n); i++) {
        snprintf(name, sizeof name, "%c%d", letter, i);
        wg_output(name, values ? values->at[i].t : y[i]);
    }
}

static bool record(wg_layer *l, wg__program *p)
{
    wg_tensor *x[WG_MOST_OPERANDS], *y[WG_MOST_RESULTS] = { NULL };
    char name[24];
    bool ok;

    wg_begin(p->g, "forward", p->train ? WG_TRAIN : WG_PREDICT);
    for (int i = 0; i < p->n; i++) {
        snprintf(name, sizeof name, "x%d", i);
        x[i] = wg_input(p->g, name, p->type[i].dtype, p->type[i].shape);
    }
    start_watching(l, p->g);
    wg_apply_all(l, p->n, x, y);
    ok = !wg_graph_error(p->g);
    if (ok) name_outputs('y', wg_layer_n_out(l), y, NULL);
    if (ok && p->train) {
        ok = gather_watches(l, &p->values, &p->gradients) && gather_params(l, p->g, &p->params);
        if (!ok) no_memory(l);
        if (ok) name_outputs('v', 0, NULL, &p->values);
        ok = ok && record_gradient(l, p, x, y);
    }
    start_watching(l, NULL);
    wg_end(p->g);
    p->random = has_random(p->g);
    if (wg_graph_error(p->g)) l->error = *wg_graph_error(p->g);
    return ok && !wg_graph_error(p->g);
}

wg__program *wg__program_new(wg_layer *l, int n, const wg_array *x, bool train)
{
    wg__program *p = wg_alloc(1, sizeof *p);

    if (!p) return no_memory(l);
    p->n = n;
    p->train = train;
    for (int i = 0; i < n; i++) p->type[i] = x[i].type;
    p->g = wg_graph_new();
    p->frozen = wg_alloc(count_layers(l) + 1, 1);
    if (!p->g || !p->frozen) {
        wg__program_free(p);
        return no_memory(l);
    }
    write_frozen(l, p->frozen);
    if (record(l, p)) p->forward = wg_plan_new_error(p->g, l->store, "forward", NULL, &l->error);
    if (p->forward && l->error.code == WG_OK) return p;
    if (l->error.code == WG_OK) no_memory(l);
    wg__program_free(p);
    return NULL;
}
