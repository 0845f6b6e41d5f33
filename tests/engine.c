/* engine.c: golden cases recorded in a graph: inputs, parameters, outputs and their gradients. */
#include "engine.h"

#include <stdlib.h>
#include <string.h>
#include <wengert/op.h>

/* ---- arrays ---- */

static wg_shape shape_of(const garray *a)
{
    return wg_shape_of(a->rank, a->dim);
}

/* In new memory (free), reals as `real`. */
wg_array engine_array(const garray *a, wg_dtype real)
{
    wg_dtype dtype = a->dtype == G_I64 ? WG_I64 : real;
    int64_t n = g_count(a);
    wg_array out = wg_array_of(dtype, shape_of(a), calloc((size_t)n + 1, 8));

    for (int64_t i = 0; i < n; i++)
        if (dtype == WG_I64) ((int64_t *)out.data)[i] = a->i[i];
        else if (dtype == WG_F32) ((float *)out.data)[i] = (float)a->f[i];
        else ((double *)out.data)[i] = a->f[i];
    return out;
}

/* Adds to what is there already when `add`: parameters met in several forwards. */
bool engine_put(gresult *r, gsection s, const char *name, const wg_array *a)
{
    int64_t n = wg_shape_count(&a->type.shape);
    double *to = g_put(r, s, name, a->type.shape.rank, a->type.shape.dim, NULL);

    for (int64_t i = 0; to && i < n; i++)
        to[i] = a->type.dtype == WG_F32 ? (double)((float *)a->data)[i] : ((double *)a->data)[i];
    return to != NULL;
}

void engine_say(char *text, const char *what, const wg_error *e)
{
    snprintf(text, 400, "%s: %s: %.300s", what, e && e->op ? e->op : "", e ? e->text : "?");
}

/* "conv1.W" is the entry "L/conv1/W". */
static void entry_of(const engine *k, const char *name, char *to, size_t n)
{
    snprintf(to, n, "L/%s%s%s", k->inner ? k->inner : "", k->inner ? "/" : "", name);
    for (char *dot = to; (dot = strchr(dot, '.')) != NULL;) *dot = '/';
}

void engine_begin(engine *k, const gcase *c, wg_dtype real, wg_mode mode)
{
    *k = (engine){ .c = c, .real = real };
    k->w = wg_params_new(real, 1);
    k->g = wg_graph_new();
    wg_begin(k->g, "f", mode);
}

wg_tensor *engine_in(engine *k, const char *name)
{
    const garray *a = g_in(k->c, name);

    if (!a || k->n_in == ENGINE_MOST) return NULL;
    for (int i = 0; i < k->n_in; i++)
        if (!strcmp(k->in_name[i], name)) return k->in[i];
    snprintf(k->in_name[k->n_in], G_NAME, "%s", name);
    return k->in[k->n_in++] =
               wg_input(k->g, name, a->dtype == G_I64 ? WG_I64 : k->real, shape_of(a));
}

void engine_value(engine *k, const char *name)
{
    const garray *a = g_param(k->c, name);
    char entry[2 * G_NAME];
    wg_array v;

    if (!a) return;
    entry_of(k, name, entry, sizeof entry);
    v = engine_array(a, k->real);
    wg_params_set(k->w, entry, v, NULL);
    free(v.data);
}

void engine_out(engine *k, const char *name, wg_tensor *t)
{
    const garray *dy = g_out_grad(k->c, name);

    if (k->n_out == ENGINE_MOST || !g_out(k->c, name)) return;
    snprintf(k->out_name[k->n_out], G_NAME, "%s", name);
    k->out[k->n_out++] = t;
    if (!dy) return;
    char fed[G_NAME + 8];
    snprintf(fed, sizeof fed, "d_%s", name);
    t = wg_sum(wg_mul(t, wg_input(k->g, fed, k->real, shape_of(dy))), WG_ALL_AXES, false);
    k->total = k->total ? wg_add(k->total, t) : t;
}

static void want(engine *k, gsection section, const char *name, wg_tensor *t)
{
    if (k->n_wrt == ENGINE_MOST_WANTED) return;
    k->wrt_section[k->n_wrt] = section;
    snprintf(k->wrt_name[k->n_wrt], G_NAME, "%s", name);
    k->wrt[k->n_wrt++] = t;
}

static void record_gradients(engine *k)
{
    char entry[2 * G_NAME];

    for (int i = 0; i < k->n_in; i++)
        if (wg_tensor_type(k->in[i])->dtype == k->real)
            want(k, G_INPUT_GRAD, k->in_name[i], k->in[i]);
    for (int i = 0; i < k->c->section[G_PARAM].n; i++) {
        const char *name = k->c->section[G_PARAM].at[i].name;

        entry_of(k, name, entry, sizeof entry);
        if (g_find(&k->c->section[G_PARAM_GRAD], name))
            want(k, G_PARAM_GRAD, name, wg_param_leaf(k->g, k->w, entry));
    }
    if (k->total && k->n_wrt) wg_grad(k->total, k->n_wrt, k->wrt, k->d);
    for (int i = 0; k->total && i < k->n_wrt; i++) {
        snprintf(entry, sizeof entry, "g%d", i);
        wg_output(entry, k->d[i]);
    }
}

static void feed(wg_plan *p, const char *name, const garray *a, wg_dtype real, void **memory)
{
    wg_array v = engine_array(a, real);

    *memory = v.data;
    wg_plan_feed(p, name, v);
}

static double element(const garray *a, int64_t i)
{
    return a->f ? a->f[i] : (double)a->i[i];
}

void engine_draw(engine *k, const wg_tensor *t, const garray *a, int64_t at)
{
    garray part = *a;
    wg_dtype dtype = wg_tensor_type(t)->dtype;
    wg_array v;
    int64_t n;

    if (k->n_draws == ENGINE_MOST || !wg_tensor_leaf_name(t)) return;
    if (at >= 0) {
        part.rank--;
        memmove(part.dim, part.dim + 1, sizeof part.dim - sizeof part.dim[0]);
    }
    n = g_count(&part);
    v = wg_array_of(dtype, shape_of(&part), calloc((size_t)n + 1, 8));
    for (int64_t i = 0; i < n; i++) {
        double x = element(a, (at < 0 ? 0 : at * n) + i);

        if (dtype == WG_BOOL) ((bool *)v.data)[i] = x != 0;
        else if (dtype == WG_F32) ((float *)v.data)[i] = (float)x;
        else ((double *)v.data)[i] = x;
    }
    snprintf(k->draw_name[k->n_draws], 2 * G_NAME, "%s", wg_tensor_leaf_name(t));
    k->draw[k->n_draws++] = v;
}

/* Dropout masks stand for the random draws of a graph. */
static void draw_mask(engine *k)
{
    const garray *mask = g_in(k->c, "dropout_mask");

    for (int64_t id = 0; mask && id < wg_graph_count(k->g); id++) {
        const wg_tensor *t = wg_graph_at(k->g, id);

        if (!(wg_tensor_record(t)->flags & WG_OP_RANDOM)) continue;
        engine_draw(k, t, mask, -1);
        return;
    }
}

/* Entries after the run: running statistics among the outputs ("batchnorm1.running_mean"), and
 * parameters after an optimizer step. */
void engine_read_entries(const engine *k, gresult *r)
{
    char entry[2 * G_NAME];

    for (gsection s = G_OUTPUT; s <= G_UPDATED; s++) {
        const glist *list = &k->c->section[s];

        for (int i = 0; (s == G_OUTPUT || s == G_UPDATED) && i < list->n; i++) {
            const wg_param *p;

            entry_of(k, list->at[i].name, entry, sizeof entry);
            p = wg_params_find(k->w, entry);
            if (p && (s == G_UPDATED || strstr(list->at[i].name, "running_")))
                engine_put(r, s, list->at[i].name, &p->value);
        }
    }
}

static bool run(engine *k, gresult *r, char *text)
{
    wg_error error = { .code = WG_OK };
    wg_plan *p = wg_plan_new_error(k->g, k->w, "f", NULL, &error);
    void *memory[2 * ENGINE_MOST + 2] = { NULL };
    bool ok = p != NULL;
    char fed[G_NAME + 8];
    int m = 0;

    if (!p) engine_say(text, "plan", &error);
    for (int i = 0; ok && i < k->n_in; i++)
        feed(p, k->in_name[i], g_in(k->c, k->in_name[i]), k->real, &memory[m++]);
    for (int i = 0; ok && i < k->n_out; i++)
        if (g_out_grad(k->c, k->out_name[i])) {
            snprintf(fed, sizeof fed, "d_%s", k->out_name[i]);
            feed(p, fed, g_out_grad(k->c, k->out_name[i]), k->real, &memory[m++]);
        }
    for (int i = 0; ok && i < k->n_draws; i++) wg_plan_feed(p, k->draw_name[i], k->draw[i]);
    if (ok && wg_plan_run(p) != WG_OK) {
        engine_say(text, "run", wg_plan_error(p));
        ok = false;
    }
    for (int i = 0; ok && i < k->n_out; i++)
        ok = engine_put(r, G_OUTPUT, k->out_name[i], wg_plan_value_at(p, i));
    for (int i = 0; ok && k->total && i < k->n_wrt; i++)
        ok = engine_put(r, k->wrt_section[i], k->wrt_name[i], wg_plan_value_at(p, k->n_out + i));
    if (ok) engine_read_entries(k, r);
    wg_plan_free(p);
    for (int i = 0; i < m; i++) free(memory[i]);
    return ok;
}

bool engine_end(engine *k, gresult *r, char *text)
{
    char name[32];
    bool ok = true;

    for (int i = 0; i < k->n_out; i++) {
        snprintf(name, sizeof name, "o%d", i);
        wg_output(name, k->out[i]);
    }
    record_gradients(k);
    draw_mask(k);
    wg_end(k->g);
    if (wg_graph_error(k->g)) {
        engine_say(text, "record", wg_graph_error(k->g));
        ok = false;
    }
    ok = ok && run(k, r, text);
    wg_graph_free(k->g);
    k->g = NULL;
    for (int i = 0; i < k->n_draws; i++) free(k->draw[i].data);
    return ok;
}
