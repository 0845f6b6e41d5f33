/* engine_layers.c: golden cases of layers and modules, by class name and JSON hyperparameters. */
#include <stdlib.h>
#include <string.h>
#include <wengert/layer.h>

#include "engine_layer.h"

const engine_layer engine_layers[] = {
    { .subject = "Add",
      .kind = "Add",
      .operands = "X",
      .results = "Y",
      .apart = "n_inputs",
      .many = true },
    { .subject = "Multiply",
      .kind = "Multiply",
      .operands = "X",
      .results = "Y",
      .apart = "n_inputs",
      .many = true },
    { .subject = "BatchNorm1D",
      .kind = "BatchNorm1D",
      .operands = "X",
      .results = "Y",
      .apart = "mode" },
    { .subject = "BatchNorm2D",
      .kind = "BatchNorm2D",
      .operands = "X",
      .results = "Y",
      .apart = "mode" },
    { .subject = "Conv1D", .kind = "Conv1D", .operands = "X", .results = "Y", .apart = "bias" },
    { .subject = "Conv2D", .kind = "Conv2D", .operands = "X", .results = "Y", .apart = "bias" },
    { .subject = "Deconv2D", .kind = "Deconv2D", .operands = "X", .results = "Y", .apart = "bias" },
    { .subject = "DotProductAttention",
      .kind = "DotProductAttention",
      .operands = "Q K V",
      .results = "Y",
      .also = "attention_weights" },
    { .subject = "Flatten", .kind = "Flatten", .operands = "X", .results = "Y" },
    { .subject = "FullyConnected",
      .kind = "FullyConnected",
      .operands = "X",
      .results = "Y",
      .apart = "bias" },
    { .subject = "LayerNorm1D", .kind = "LayerNorm1D", .operands = "X", .results = "Y" },
    { .subject = "LayerNorm2D", .kind = "LayerNorm2D", .operands = "X", .results = "Y" },
    { .subject = "LSTM", .kind = "LSTM", .operands = "X", .results = "Y" },
    { .subject = "LSTMCell", .kind = "LSTMCell", .operands = "X", .results = "Y C", .cell = true },
    { .subject = "RNN", .kind = "RNN", .operands = "X", .results = "Y" },
    { .subject = "RNNCell", .kind = "RNNCell", .operands = "X", .results = "Y", .cell = true },
    { .subject = "Pool2D", .kind = "Pool2D", .operands = "X", .results = "Y" },
    { .subject = "Softmax", .kind = "Softmax", .operands = "X", .results = "Y" },
    { .subject = "SparseEvolution", .kind = "SparseEvolution", .operands = "X", .results = "Y" },
    { .subject = "Embedding", .kind = "Embedding", .operands = "ids offsets", .results = "Y" },
    { .subject = "BidirectionalLSTM",
      .kind = "BidirectionalLSTM",
      .operands = "X",
      .results = "Y" },
    { .subject = "MultiHeadedAttentionModule",
      .kind = "MultiHeadedAttentionModule",
      .operands = "Q K V",
      .results = "Y",
      .also = "attention_weights" },
    { .subject = "SkipConnectionConvModule",
      .kind = "SkipConnectionConvModule",
      .operands = "X",
      .results = "Y" },
    { .subject = "SkipConnectionIdentityModule",
      .kind = "SkipConnectionIdentityModule",
      .operands = "X",
      .results = "Y" },
    { .subject = "WavenetResidualModule",
      .kind = "WavenetResidualModule",
      .operands = "X_main X_skip",
      .results = "Y_main Y_skip" },
    { .subject = "Dropout", .kind = "Dropout", .operands = "X", .results = "Y", .inner = "layer" },
    { .subject = "RBM",
      .kind = "RBM",
      .apart = "n_steps",
      .operands = "V",
      .results = "- -",
      .also = "p_H H p_V_prime p_H_prime positive_grad negative_grad free_energy" },
    { .subject = NULL },
};

const engine_layer *engine_layer_of(const char *subject)
{
    for (const engine_layer *e = engine_layers; e->subject; e++)
        if (!strcmp(e->subject, subject)) return e;
    return NULL;
}

/* ---- names ---- */

/* Word i of a list separated by blanks, into to[G_NAME]; false when there are fewer. */
bool engine_word(const char *list, int i, char *to)
{
    const char *at = list;
    size_t n;

    for (; at && i > 0; i--) {
        at = strchr(at, ' ');
        at = at ? at + 1 : NULL;
    }
    if (!at || !*at) return false;
    n = strcspn(at, " ");
    snprintf(to, G_NAME, "%.*s", (int)n, at);
    return true;
}

static bool listed(const char *list, const char *name)
{
    char w[G_NAME];

    for (int i = 0; engine_word(list, i, w); i++)
        if (!strcmp(w, name)) return true;
    return false;
}

void engine_operand(const shape_of_case *s, int forward, int i, char *to)
{
    char w[G_NAME];

    if (s->row->many) {
        snprintf(to, G_NAME, "%s%d", s->row->operands, i);
    } else {
        engine_word(s->row->operands, i, w);
        if (s->numbered) snprintf(to, G_NAME, "%.50s%d", w, forward);
        else snprintf(to, G_NAME, "%s", w);
    }
}

void engine_result(const shape_of_case *s, int forward, int k, char *to)
{
    char w[G_NAME];

    engine_word(s->row->results, k, w);
    if (s->numbered) snprintf(to, G_NAME, "%.50s%d", w, forward);
    else snprintf(to, G_NAME, "%s", w);
}

static shape_of_case look(const engine_layer *row, const gcase *c)
{
    shape_of_case s = { .row = row, .forwards = 1 };
    char name[G_NAME];

    if (row->many) {
        s.n = g_numbered(&c->section[G_INPUT], row->operands);
        return s;
    }
    engine_operand(&s, 0, 0, name);
    if (!g_in(c, name)) {
        s.numbered = true;
        s.forwards = g_numbered(&c->section[G_INPUT], name);
    }
    for (;; s.n++) {
        if (!engine_word(row->operands, s.n, name)) break;
        engine_operand(&s, 0, s.n, name);
        if (!g_in(c, name)) break;
    }
    return s;
}

static bool is_operand(const shape_of_case *s, const char *name)
{
    char w[G_NAME];

    for (int f = 0; f < s->forwards; f++)
        for (int i = 0; i < s->n; i++) {
            engine_operand(s, f, i, w);
            if (!strcmp(w, name)) return true;
        }
    return false;
}

/* ---- the layer of a case ---- */

static json_t *array_json(const garray *a, wg_dtype real)
{
    json_t *shape = json_array(), *data = json_array();

    for (int i = 0; i < a->rank; i++) json_array_append_new(shape, json_integer(a->dim[i]));
    for (int64_t i = 0; i < g_count(a); i++) {
        double v = a->f ? a->f[i] : (double)a->i[i];

        json_array_append_new(data, json_real(real == WG_F32 ? (double)(float)v : v));
    }
    return json_pack("{s:o,s:o,s:s}", "shape", shape, "data", data, "dtype",
                     real == WG_F32 ? "f32" : "f64");
}

/* "conv1.W" goes to components/conv1/W. */
static void nest(json_t *params, const char *name, json_t *value)
{
    const char *dot = strchr(name, '.');
    json_t *parts, *part;
    char id[G_NAME];

    if (!dot) {
        json_object_set_new(params, name, value);
        return;
    }
    snprintf(id, sizeof id, "%.*s", (int)(dot - name), name);
    parts = json_object_get(params, "components");
    if (!parts) json_object_set_new(params, "components", parts = json_object());
    part = json_object_get(parts, id);
    if (!part) json_object_set_new(parts, id, part = json_object());
    nest(part, dot + 1, value);
}

/* Inputs that are no operands but entries of the store: running statistics, masks of weights. */
static bool is_entry(const shape_of_case *s, const garray *a)
{
    static const char *const others[] = { "dropout_mask", "dY", "G", "U", "U_V" };

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (!strcmp(a->name, others[i])) return false;
    return !is_operand(s, a->name) && strncmp(a->name, "G_", 2) != 0;
}

static json_t *params_of(const gcase *c, const shape_of_case *s, wg_dtype real)
{
    json_t *params = json_object();

    for (int i = 0; i < c->section[G_PARAM].n; i++)
        nest(params, c->section[G_PARAM].at[i].name, array_json(&c->section[G_PARAM].at[i], real));
    for (int i = 0; i < c->section[G_INPUT].n; i++)
        if (is_entry(s, &c->section[G_INPUT].at[i]))
            nest(params, c->section[G_INPUT].at[i].name,
                 array_json(&c->section[G_INPUT].at[i], real));
    if (s->row->inner) params = json_pack("{s:{s:o}}", "components", s->row->inner, params);
    return json_pack("{s:o}", "parameters", params);
}

/* A wrapper has its own keys; the rest are those of the layer inside. */
static json_t *wrapper_hyper(const gcase *c)
{
    json_t *hyper = json_object(), *inner = json_object(), *v;
    const char *key;
    char *text;

    json_object_foreach((json_t *)c->hyper, key, v)
    {
        if (!strcmp(key, "trainable")) continue;
        if (!strcmp(key, "scale") && !strcmp(json_string_value(v), "either")) continue;
        json_object_set(listed("wrapped p scale", key) ? hyper : inner, key, v);
    }
    text = json_dumps(inner, 0);
    json_object_set_new(hyper, "hyperparameters", json_string(text));
    free(text);
    json_decref(inner);
    return hyper;
}

static json_t *hyper_of(const gcase *c, const engine_layer *row)
{
    json_t *hyper = json_object(), *v;
    const char *key;

    json_object_foreach((json_t *)c->hyper, key,
                        v) if (!listed(row->apart, key) && strcmp(key, "trainable") != 0)
        json_object_set(hyper, key, v);
    return hyper;
}

static wg_layer *layer_of(const engine_layer *row, const gcase *c, const shape_of_case *s,
                          wg_params *w, wg_dtype real, char *text)
{
    json_t *hyper = row->inner ? wrapper_hyper(c) : hyper_of(c, row),
           *params = params_of(c, s, real);
    char *h = json_dumps(hyper, 0), *p = json_dumps(params, JSON_REAL_PRECISION(17));
    wg_error error = { .code = WG_OK };
    wg_layer *l = wg_layer_make(w, "L", row->kind, h, &error);

    if (!l) engine_say(text, "make", &error);
    if (l && wg_layer_set_params(l, p) != WG_OK) {
        engine_say(text, "set_params", wg_layer_error(l));
        wg_layer_free(l);
        l = NULL;
    }
    if (l && !g_bool(c, "trainable", true)) wg_layer_freeze(l);
    free(h);
    free(p);
    json_decref(hyper);
    json_decref(params);
    return l;
}

/* ---- recorded in a graph ---- */

static wg_tensor *operand(layer_run *k, int forward, int i)
{
    char name[G_NAME];

    engine_operand(&k->s, forward, i, name);
    return engine_in(&k->e, name);
}

/* Derived variables by their names inside the layer. */
static void add_derived(layer_run *k)
{
    char name[G_NAME];

    for (int i = 0; engine_word(k->s.row->also, i, name); i++)
        for (int64_t id = 0; id < wg_graph_count(k->e.g); id++) {
            wg_tensor *t = wg_graph_at(k->e.g, id);

            if (wg_tensor_name(t) && !strcmp(wg_tensor_name(t), name)) {
                engine_out(&k->e, name, t);
                break;
            }
        }
}

/* A cell along the last axis of X: states from zeros, results stacked again. */
static bool record_cell(layer_run *k)
{
    const wg_layer_class *kind = wg_layer_class_find(k->s.row->kind);
    wg_tensor *x = operand(k, 0, 0), *operands[8], *y[8], **steps;
    const wg_type *t = wg_tensor_type(x);
    int64_t n_t = t->shape.dim[2];
    static const double zeros[4096];
    int m = kind->n_state;
    char name[G_NAME];

    steps = calloc((size_t)(n_t * m) + 1, sizeof *steps);
    for (int64_t i = 0; i < n_t; i++) {
        operands[0] = wg_select(x, 2, i);
        for (int j = 0; j < m && i == 0; j++) {
            const wg_type *types[1] = { wg_tensor_type(operands[0]) };

            wg_shape state = kind->state(k->l, types, j);
            wg_array zero = wg_array_of(k->e.real, state, zeros);

            if (wg_shape_count(&state) > (int64_t)(sizeof zeros / sizeof *zeros)) return false;
            operands[1 + j] = wg_constant(k->e.g, zero);
        }
        wg_apply_all(k->l, 1 + m, operands, y);
        for (int j = 0; j < m; j++) steps[j * n_t + i] = operands[1 + j] = y[j];
    }
    for (int j = 0; j < m; j++) {
        engine_result(&k->s, 0, j, name);
        engine_out(&k->e, name, wg_stack((int)n_t, steps + j * n_t, 2));
    }
    free(steps);
    return true;
}

/* U[k] is the draw NAME/Uk, U_V the draw NAME/U_V; a second use has _2 behind it. */
static void draw_steps(layer_run *k)
{
    const garray *u = g_in(k->e.c, "U"), *v = g_in(k->e.c, "U_V");

    for (int64_t id = 0; u && id < wg_graph_count(k->e.g); id++) {
        const wg_tensor *t = wg_graph_at(k->e.g, id);
        const char *name = wg_tensor_leaf_name(t), *at = name ? strrchr(name, '/') : NULL;

        if (!at || !(wg_tensor_record(t)->flags & WG_OP_RANDOM)) continue;
        if (!strncmp(at, "/U_V", 4)) engine_draw(&k->e, t, v, -1);
        else if (at[1] == 'U' && atoi(at + 2) < u->dim[0]) engine_draw(&k->e, t, u, atoi(at + 2));
    }
}

static bool record_reconstruction(layer_run *k)
{
    wg_tensor *v = operand(k, 0, 0);
    int64_t n_steps = g_int(k->e.c, "n_steps", 1);

    engine_out(&k->e, "V_prob", wg_rbm_reconstruction(k->l, v, n_steps, true));
    engine_out(&k->e, "V_sample", wg_rbm_reconstruction(k->l, v, n_steps, false));
    draw_steps(k);
    return true;
}

static bool record_forwards(layer_run *k)
{
    wg_tensor *x[32], *y[8];
    char name[G_NAME];

    if (k->s.n < 1 || k->s.n > 32) return false;
    if (k->s.row->cell) return record_cell(k);
    if (g_find(&k->e.c->section[G_OUTPUT], "V_prob")) return record_reconstruction(k);
    for (int f = 0; f < k->s.forwards; f++) {
        for (int i = 0; i < k->s.n; i++)
            if (!(x[i] = operand(k, f, i))) return false;
        wg_apply_all(k->l, k->s.n, x, y);
        for (int j = 0; j < wg_layer_n_out(k->l); j++) {
            engine_result(&k->s, f, j, name);
            engine_out(&k->e, name, y[j]);
        }
    }
    add_derived(k);
    draw_steps(k);
    /* the gradients of a class that has a loss of its own are that loss's */
    if (!strcmp(k->s.row->kind, "RBM")) k->e.total = y[1];
    return true;
}

static bool run_graph(layer_run *k, gresult *r, char *text)
{
    if (record_forwards(k)) return engine_end(&k->e, r, text);
    snprintf(text, 400, "the case lacks an operand");
    wg_graph_free(k->e.g);
    return false;
}

static bool run_once(const engine_layer *row, const gcase *c, wg_dtype real, bool verbs, gresult *r,
                     char *text)
{
    bool train = strcmp(g_str(c, "mode", "train"), "inference") != 0, ok = false;
    layer_run k = { .s = look(row, c) };

    text[0] = '\0';
    if (k.s.n < 1 && !strcmp(row->kind, "SparseEvolution")) return engine_sparse(c, real, r);
    if (k.s.n < 1) {
        snprintf(text, 400, "the case has no operands");
        return false;
    }
    engine_begin(&k.e, c, real, train ? WG_TRAIN : WG_PREDICT);
    k.e.inner = row->inner;
    k.l = layer_of(row, c, &k.s, k.e.w, real, text);
    if (k.l && verbs) {
        ok = row->cell ? engine_verbs_cell(&k, r, text) : engine_verbs(&k, r, text);
        if (ok) engine_read_entries(&k.e, r);
        wg_graph_free(k.e.g);
    } else if (k.l) {
        ok = run_graph(&k, r, text);
    } else {
        wg_graph_free(k.e.g);
    }
    wg_layer_free(k.l);
    wg_params_free(k.e.w);
    return ok;
}

/* The other variance of batch norm, which the same files hold, is a run of its own. */
static bool add_unbiased(const engine_layer *row, const gcase *c, wg_dtype real, bool verbs,
                         gresult *r, char *text)
{
    gcase with = *c;
    json_t *hyper = json_deep_copy(c->hyper);
    gresult other = { 0 };
    const garray *var;
    bool ok;

    json_object_set_new(hyper, "unbiased", json_true());
    with.hyper = hyper;
    ok = run_once(row, &with, real, verbs, &other, text);
    var = ok ? g_find(&other.section[G_OUTPUT], "running_var") : NULL;
    ok = var && g_put_like(r, G_OUTPUT, "running_var_unbiased", var, var->f);
    g_result_free(&other);
    json_decref(hyper);
    return ok;
}

bool engine_run(const engine_layer *row, const gcase *c, wg_dtype real, bool verbs, gresult *r,
                char *text)
{
    return run_once(row, c, real, verbs, r, text) &&
           (!g_out(c, "running_var_unbiased") || add_unbiased(row, c, real, verbs, r, text));
}

/* ---- second order ---- */

/* dX = gradient of sum(dY * Y), S = sum over the operands of sum(G_X * dX) */
static bool record_second(layer_run *k)
{
    wg_tensor *x[8], *dx[8], *y[8], *g, *s = NULL, *dy = engine_in(&k->e, "dY");
    char name[G_NAME], full[2 * G_NAME];

    for (int i = 0; i < k->s.n; i++)
        if (!(x[i] = operand(k, 0, i))) return false;
    if (!dy || k->s.n > 8) return false;
    wg_apply_all(k->l, k->s.n, x, y);
    wg_vjp_of(y[0], dy, k->s.n, x, dx);
    for (int i = 0; i < k->s.n; i++) {
        engine_operand(&k->s, 0, i, name);
        snprintf(full, sizeof full, "d%s", name);
        engine_out(&k->e, full, dx[i]);
        snprintf(full, sizeof full, "G_%s", name);
        g = engine_in(&k->e, g_in(k->e.c, full) ? full : "G");
        if (!g) continue;
        g = wg_sum(wg_mul(g, dx[i]), WG_ALL_AXES, false);
        s = s ? wg_add(s, g) : g;
    }
    if (s) engine_out(&k->e, "S", s);
    return s != NULL;
}

/* Where a case does not say how many results a layer has, its weights do. */
static json_t *with_width(const gcase *c)
{
    static const char *const weights[] = { "W", "Wf", "Wax" };
    json_t *hyper = json_deep_copy(c->hyper);

    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++) {
        const garray *w = g_param(c, weights[i]);
        const char *key = w && w->rank == 4 ? "out_ch" : "n_out";

        if (w && !json_object_get(hyper, key))
            json_object_set_new(hyper, key, json_integer(g_dim(w, -1)));
    }
    return hyper;
}

bool engine_run_second(const gcase *given, wg_dtype real, gresult *r, char *text)
{
    gcase with = *given, *c = &with;
    const char *subject = g_str(c, "layer", "FullyConnected");
    const engine_layer *known = engine_layer_of(subject);
    engine_layer row = known ? *known : (engine_layer){ .subject = NULL };
    layer_run k = { .l = NULL };
    bool ok = false;

    text[0] = '\0';
    if (!known) {
        snprintf(text, 400, "the class %s is not known", subject);
        return false;
    }
    row.apart = "layer";
    with.hyper = with_width(given);
    k.s = look(&row, c);
    engine_begin(&k.e, c, real, WG_TRAIN);
    k.l = layer_of(&row, c, &k.s, k.e.w, real, text);
    if (k.l && record_second(&k)) ok = engine_end(&k.e, r, text);
    else wg_graph_free(k.e.g);
    if (!ok && !text[0]) snprintf(text, 400, "the case lacks an input");
    json_decref((json_t *)with.hyper);
    wg_layer_free(k.l);
    wg_params_free(k.e.w);
    return ok;
}
