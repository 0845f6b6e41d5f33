/* engine_verbs.c: golden cases of layers by forward and backward on arrays. */
#include <stdlib.h>
#include <string.h>

#include "engine_layer.h"

bool engine_has_verbs(const gcase *c)
{
    return !g_in(c, "dropout_mask") && !g_in(c, "U") && g_bool(c, "trainable", true) &&
           strcmp(g_str(c, "mode", "train"), "inference") != 0;
}

/* The gradients of parameters, by their golden names. */
static bool put_gradients(const layer_run *k, gresult *r)
{
    for (int i = 0; i < k->e.c->section[G_PARAM_GRAD].n; i++) {
        const char *name = k->e.c->section[G_PARAM_GRAD].at[i].name, *key = name, *dot;
        wg_layer *l = k->s.row->inner ? wg_layer_component(k->l, k->s.row->inner) : k->l;
        wg_array d;
        char id[G_NAME];

        for (; l && (dot = strchr(key, '.')) != NULL; key = dot + 1) {
            snprintf(id, sizeof id, "%.*s", (int)(dot - key), key);
            l = wg_layer_component(l, id);
        }
        d = wg_layer_gradient(l, key);
        if (d.data && !engine_put(r, G_PARAM_GRAD, name, &d)) return false;
    }
    return true;
}

bool engine_verbs(layer_run *k, gresult *r, char *text)
{
    wg_array x[32], y[8], dx[64], dy[64] = { { .data = NULL } };
    int n_out = wg_layer_n_out(k->l), n_dy = 0;
    char name[G_NAME];
    bool ok = true;

    for (int f = 0; f < k->s.forwards && ok; f++) {
        for (int i = 0; i < k->s.n; i++) {
            engine_operand(&k->s, f, i, name);
            x[i] = engine_array(g_in(k->e.c, name), k->e.real);
        }
        ok = wg_layer_forward(k->l, k->s.n, x, true, y) == WG_OK;
        for (int i = 0; i < k->s.n; i++) free(x[i].data);
        for (int j = 0; j < n_out && ok; j++, n_dy++) {
            const garray *d;

            engine_result(&k->s, f, j, name);
            engine_put(r, G_OUTPUT, name, &y[j]);
            d = g_out_grad(k->e.c, name);
            if (d) dy[n_dy] = engine_array(d, k->e.real);
        }
        for (int i = 0; ok && engine_word(k->s.row->also, i, name); i++) {
            wg_array v = wg_layer_derived(k->l, name);

            if (v.data) engine_put(r, G_OUTPUT, name, &v);
        }
    }
    ok = ok && wg_layer_backward(k->l, k->s.forwards, dy, true, dx) == WG_OK;
    if (!ok) engine_say(text, "verbs", wg_layer_error(k->l));
    for (int f = 0; f < k->s.forwards && ok; f++)
        for (int i = 0; i < k->s.n; i++) {
            engine_operand(&k->s, f, i, name);
            if (dx[f * k->s.n + i].data) engine_put(r, G_INPUT_GRAD, name, &dx[f * k->s.n + i]);
        }
    for (int i = 0; i < n_dy; i++) free(dy[i].data);
    return ok && put_gradients(k, r);
}

/* Step t of a [n, m, n_t] array as [n, m]; and back. */
static wg_array step_of(const garray *a, int64_t t, wg_dtype real)
{
    garray one = { .dtype = G_F64, .rank = 2, .dim = { a->dim[0], a->dim[1] } };
    wg_array out;

    one.f = calloc((size_t)(a->dim[0] * a->dim[1]) + 1, sizeof *one.f);
    for (int64_t i = 0; i < a->dim[0] * a->dim[1]; i++) one.f[i] = a->f[i * a->dim[2] + t];
    out = engine_array(&one, real);
    free(one.f);
    return out;
}

static void put_step(double *to, int64_t n_t, int64_t t, const wg_array *a)
{
    for (int64_t i = 0; i < wg_shape_count(&a->type.shape); i++)
        to[i * n_t + t] =
            a->type.dtype == WG_F32 ? (double)((float *)a->data)[i] : ((double *)a->data)[i];
}

bool engine_verbs_cell(layer_run *k, gresult *r, char *text)
{
    const garray *x = g_in(k->e.c, k->s.row->operands);
    int n_out = wg_layer_n_out(k->l);
    int64_t n_t = x->dim[2];
    wg_array y[8], dx, dy[8] = { { .data = NULL } }, step;
    double *to[8] = { NULL }, *d;
    char name[G_NAME];
    bool ok = true;

    for (int64_t t = 0; t < n_t && ok; t++) {
        step = step_of(x, t, k->e.real);
        ok = wg_layer_forward(k->l, 1, &step, true, y) == WG_OK;
        free(step.data);
        for (int j = 0; j < n_out && ok; j++) {
            int64_t dim[3] = { y[j].type.shape.dim[0], y[j].type.shape.dim[1], n_t };

            engine_result(&k->s, 0, j, name);
            if (t == 0) to[j] = g_put(r, G_OUTPUT, name, 3, dim, NULL);
            put_step(to[j], n_t, t, &y[j]);
        }
    }
    d = g_put_like(r, G_INPUT_GRAD, k->s.row->operands, x, NULL);
    for (int64_t t = n_t - 1; t >= 0 && ok; t--) {
        for (int j = 0; j < n_out; j++) {
            engine_result(&k->s, 0, j, name);
            dy[j] = (wg_array){ .data = NULL };
            if (g_out_grad(k->e.c, name)) dy[j] = step_of(g_out_grad(k->e.c, name), t, k->e.real);
        }
        ok = wg_layer_backward(k->l, 1, dy, true, &dx) == WG_OK;
        if (ok) put_step(d, n_t, t, &dx);
        for (int j = 0; j < n_out; j++) free(dy[j].data);
    }
    if (!ok) engine_say(text, "verbs", wg_layer_error(k->l));
    return ok && put_gradients(k, r);
}
