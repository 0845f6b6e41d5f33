/*
 * layer_kit.h: runs golden cases of layer classes: recorded in a graph (in either real type, at
 * the batch of the case or at batch 1) and through the verbs, with every value and gradient the
 * case has.
 */
#ifndef LAYER_KIT_H
#define LAYER_KIT_H

#include <wengert.h>
#include <wengert/layer.h>

#include "golden.h"

enum { KIT_MOST = 64 };

/* How a class is used: its operands and results by their golden names. */
typedef struct {
    const char *file, *kind, *in[4], *out[4];
    const char *kept[2][2]; /* a golden output and the path it has in a plan that keeps all */
    const char *mask;       /* the full name of the draw that the input dropout_mask stands for */
    double tol_grad;        /* in f64; 0: 1e-9 */
} kit_subject;

/* section/key in this real type: new memory, free it. */
static inline wg_array kit_array(const json_t *c, const char *section, const char *key,
                                 wg_dtype real)
{
    wg_array a = golden_array(c, section, key);

    if (a.data && a.type.dtype == WG_F64 && real == WG_F32) {
        int64_t n = wg_shape_count(&a.type.shape);
        float *f = calloc((size_t)n + 1, sizeof *f);

        for (int64_t i = 0; i < n; i++) f[i] = (float)((double *)a.data)[i];
        free(a.data);
        a = (wg_array){ { WG_F32, a.type.shape }, f };
    }
    return a;
}

/* The store entry of a golden parameter: layer/conv1/W for conv1.W. */
static inline const char *kit_entry(const char *key, char to[128])
{
    snprintf(to, 128, "layer/%s", key);
    for (char *s = to; *s; s++)
        if (*s == '.') *s = '/';
    return to;
}

static inline wg_layer *kit_make(const kit_subject *s, const json_t *c, wg_params *w)
{
    char *text = json_dumps(json_object_get(c, "hyperparameters"), 0);
    wg_error error = { .code = WG_OK };
    wg_layer *l = wg_layer_make(w, "layer", s->kind, text, &error);

    NO_ERROR(&error);
    free(text);
    return l;
}

static inline void kit_set_params(const json_t *c, wg_params *w)
{
    json_t *all = json_object_get(c, "parameters"), *one;
    const char *key;
    char entry[128];

    json_object_foreach(all, key, one)
    {
        wg_array a = kit_array(c, "parameters", key, wg_params_dtype(w));
        wg_error error = { .code = WG_OK };

        wg_params_set(w, kit_entry(key, entry), a, &error);
        NO_ERROR(&error);
        free(a.data);
    }
}

/* What is fed and what is to come out. */
typedef struct {
    int n_feeds, n_out;
    char feed_name[KIT_MOST][64];
    wg_array feed[KIT_MOST];
    wg_tensor *out[KIT_MOST];
    wg_array want[KIT_MOST];
    char what[KIT_MOST][96];
    double tol[KIT_MOST];
} kit_run;

static inline wg_tensor *kit_input(kit_run *r, wg_graph *g, const char *name, wg_array a, bool one)
{
    wg_shape shape = a.type.shape;

    if (one && shape.rank > 0) shape.dim[0] = 1;
    snprintf(r->feed_name[r->n_feeds], 64, "%s", name);
    r->feed[r->n_feeds++] = a;
    return wg_input(g, name, a.type.dtype, shape);
}

static inline void kit_expect(kit_run *r, wg_tensor *t, wg_array want, double tol,
                              const char *section, const char *key)
{
    r->out[r->n_out] = t;
    r->want[r->n_out] = want;
    r->tol[r->n_out] = tol;
    snprintf(r->what[r->n_out++], 96, "%s/%s", section, key);
}

/* Golden outputs that are no results: running statistics in the store, and kept values. */
static inline void kit_side_outputs(const kit_subject *s, const json_t *c, wg_params *w, wg_plan *p,
                                    double tol)
{
    json_t *all = json_object_get(c, "outputs"), *one;
    const char *key;
    char entry[128];

    json_object_foreach(all, key, one)
    {
        const wg_param *param = wg_params_find(w, kit_entry(key, entry));
        wg_array want = golden_array(c, "outputs", key);

        if (param) GOLDEN_CLOSE(&param->value, &want, tol, key, c);
        for (int i = 0; i < 2; i++)
            if (s->kept[i][0] && !strcmp(s->kept[i][0], key))
                GOLDEN_CLOSE(wg_plan_value(p, s->kept[i][1]), &want, tol, key, c);
        free(want.data);
    }
}

static inline void kit_finish(const kit_subject *s, const json_t *c, kit_run *r, wg_graph *g,
                              wg_params *w)
{
    double tol = wg_params_dtype(w) == WG_F64 ? 1e-9 : 1e-5;
    wg_plan *p = NULL;

    NO_ERROR(wg_graph_error(g));
    for (int i = 0; i < r->n_out && !wg_graph_error(g); i++) wg_output(r->what[i], r->out[i]);
    wg_end(g);
    p = wg_plan_new(g, w, "step", &(wg_plan_options){ .keep = true });
    NO_ERROR(wg_graph_error(g));
    for (int i = 0; i < r->n_feeds && p; i++) wg_plan_feed(p, r->feed_name[i], r->feed[i]);
    if (p && wg_plan_run(p) == WG_OK) {
        for (int i = 0; i < r->n_out; i++)
            GOLDEN_CLOSE(wg_plan_value_at(p, i), &r->want[i], r->tol[i], r->what[i], c);
        kit_side_outputs(s, c, w, p, tol);
    } else if (p) NO_ERROR(wg_plan_error(p));
    CHECK(p != NULL);
    wg_plan_free(p);
    for (int i = 0; i < r->n_out; i++) free(r->want[i].data);
    for (int i = 0; i < r->n_feeds; i++) free(r->feed[i].data);
}

/* Gradients of sum(Y dY) by inputs x[] and parameters. */
static inline void kit_gradients(const kit_subject *s, const json_t *c, kit_run *r, wg_tensor *sum,
                                 int n, wg_tensor *const *x, const char *const *names, wg_params *w)
{
    bool f64 = wg_params_dtype(w) == WG_F64;
    double tol = !f64 ? s->tol_grad > 1e-9 ? 1e-3 : 1e-4 : s->tol_grad > 0 ? s->tol_grad : 1e-9;
    json_t *all = json_object_get(c, "parameter_grads"), *one;
    wg_tensor *wrt[KIT_MOST], *grad[KIT_MOST];
    const char *key, *keys[KIT_MOST];
    char entry[128];
    int n_all = 0, n_x;

    for (int i = 0; i < n; i++)
        if (json_object_get(json_object_get(c, "input_grads"), names[i])) {
            wrt[n_all] = x[i];
            keys[n_all++] = names[i];
        }
    n_x = n_all;
    json_object_foreach(all, key, one)
    {
        wrt[n_all] = wg_param_leaf(wg_tensor_graph(sum), w, kit_entry(key, entry));
        keys[n_all++] = key;
    }
    wg_grad(sum, n_all, wrt, grad);
    for (int i = 0; i < n_all; i++) {
        const char *section = i < n_x ? "input_grads" : "parameter_grads";

        kit_expect(r, grad[i], golden_array(c, section, keys[i]), tol, section, keys[i]);
    }
}

/* The sum of Y dY over the results that have a gradient. */
static inline wg_tensor *kit_weigh(kit_run *r, const json_t *c, wg_tensor *sum, const char *key,
                                   wg_tensor *y, wg_dtype real, bool one)
{
    wg_array dy = kit_array(c, "output_grads", key, real);
    wg_tensor *part;
    char name[64];

    if (!dy.data) return sum;
    snprintf(name, sizeof name, "d%s", key);
    part = wg_sum(wg_mul(y, kit_input(r, wg_tensor_graph(y), name, dy, one)), WG_ALL_AXES, false);
    return sum ? wg_add(sum, part) : part;
}

/* One case in a graph. `one`: recorded at batch 1, run at the batch of the case. */
static inline void kit_graph(const kit_subject *s, const json_t *c, wg_dtype real, bool one)
{
    wg_params *w = wg_params_new(real, 1);
    wg_layer *l = kit_make(s, c, w);
    wg_graph *g = wg_graph_new();
    wg_tensor *x[4], *y[8], *sum = NULL;
    const char *names[4];
    kit_run r = { 0 };
    int n = 0;

    wg_begin(g, "step", WG_TRAIN);
    for (int i = 0; i < 4 && s->in[i]; i++) {
        wg_array a = kit_array(c, "inputs", s->in[i], real);

        if (!a.data) continue;
        names[n] = s->in[i];
        x[n++] = kit_input(&r, g, s->in[i], a, one);
    }
    wg_apply_all(l, n, x, y);
    NO_ERROR(wg_graph_error(g));
    kit_set_params(c, w);
    for (int i = 0; i < 4 && s->out[i]; i++) {
        wg_array want = golden_array(c, "outputs", s->out[i]);

        sum = kit_weigh(&r, c, sum, s->out[i], y[i], real, one);
        if (want.data)
            kit_expect(&r, y[i], want, real == WG_F64 ? 1e-9 : 1e-5, "outputs", s->out[i]);
    }
    if (s->mask && json_object_get(json_object_get(c, "inputs"), "dropout_mask")) {
        snprintf(r.feed_name[r.n_feeds], 64, "%s", s->mask);
        r.feed[r.n_feeds++] = kit_array(c, "inputs", "dropout_mask", real);
    }
    kit_gradients(s, c, &r, sum, n, x, names, w);
    kit_finish(s, c, &r, g, w);
    wg_layer_free(l);
    wg_graph_free(g);
    wg_params_free(w);
}

/* The layer that owns parameter `key` of a golden case: "conv1.W" belongs to component conv1. */
static inline wg_layer *kit_owner(wg_layer *l, const char *key, const char **rest)
{
    const char *dot = strchr(key, '.');
    char id[64];

    *rest = dot ? dot + 1 : key;
    if (!dot) return l;
    snprintf(id, sizeof id, "%.*s", (int)(dot - key), key);
    return wg_layer_component(l, id);
}

/* Every gradient the layer has added up, times `times` the golden one. */
static inline void kit_layer_gradients(const kit_subject *s, const json_t *c, wg_layer *l,
                                       double times)
{
    json_t *all = json_object_get(c, "parameter_grads"), *one;
    const char *key, *rest;

    json_object_foreach(all, key, one)
    {
        wg_layer *owner = kit_owner(l, key, &rest);
        wg_array got = wg_layer_gradient(owner, rest),
                 want = golden_array(c, "parameter_grads", key);

        for (int64_t i = 0; i < wg_shape_count(&want.type.shape); i++)
            ((double *)want.data)[i] *= times;
        CHECK(got.data != NULL);
        if (got.data) GOLDEN_CLOSE(&got, &want, s->tol_grad > 0 ? s->tol_grad : 1e-9, key, c);
        free(want.data);
    }
}

/* One case through the verbs: forward, backward, and once more: gradients add up. */
static inline void kit_verbs(const kit_subject *s, const json_t *c)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = kit_make(s, c, w);
    wg_array x[4], y[8], dy[8] = { 0 }, dx[4];
    const char *names[4];
    int n = 0, n_out = 0;

    for (int i = 0; i < 4 && s->in[i]; i++) {
        x[n] = golden_array(c, "inputs", s->in[i]);
        if (x[n].data) names[n++] = s->in[i];
    }
    EQ_INT(wg_layer_forward(l, n, x, false, y), WG_OK); /* creates the parameters */
    NO_ERROR(wg_layer_error(l));
    kit_set_params(c, w);
    EQ_INT(wg_layer_forward(l, n, x, true, y), WG_OK);
    NO_ERROR(wg_layer_error(l));
    for (; n_out < wg_layer_n_out(l); n_out++) {
        wg_array want = golden_array(c, "outputs", s->out[n_out]);

        GOLDEN_CLOSE(&y[n_out], &want, 1e-9, s->out[n_out], c);
        dy[n_out] = golden_array(c, "output_grads", s->out[n_out]);
        free(want.data);
    }
    for (int i = 0; i < 2 && s->kept[i][0]; i++) {
        wg_array want = golden_array(c, "outputs", s->kept[i][0]),
                 got = wg_layer_derived(l, s->kept[i][0]);

        if (want.data) GOLDEN_CLOSE(&got, &want, 1e-9, s->kept[i][0], c);
        free(want.data);
    }
    for (int round = 1; round <= 2; round++) {
        EQ_INT(wg_layer_backward(l, 1, dy, true, dx), WG_OK);
        NO_ERROR(wg_layer_error(l));
        for (int i = 0; i < n; i++) {
            wg_array want = golden_array(c, "input_grads", names[i]);

            GOLDEN_CLOSE(&dx[i], &want, s->tol_grad > 0 ? s->tol_grad : 1e-9, names[i], c);
            free(want.data);
        }
        kit_layer_gradients(s, c, l, round);
    }
    wg_layer_flush_gradients(l);
    for (int i = 0; i < n; i++) free(x[i].data);
    for (int i = 0; i < n_out; i++) free(dy[i].data);
    wg_layer_free(l);
    wg_params_free(w);
}

/* Every case of the file: in the graph and through the verbs. */
static inline void kit_golden(const kit_subject *s)
{
    CASES(s->file, c)
    {
        bool masked = json_object_get(json_object_get(c, "inputs"), "dropout_mask") != NULL;

        if (json_object_get(json_object_get(c, "inputs"), s->in[0]) == NULL) continue;
        kit_graph(s, c, WG_F64, false);
        kit_graph(s, c, WG_F64, true);
        kit_graph(s, c, WG_F32, false);
        if (!masked) kit_verbs(s, c);
    }
    json_decref(root);
}

/* Numbers in (-1, 1), the same for the same seed. The caller frees. */
static inline double *kit_numbers(int64_t n, uint64_t seed)
{
    double *x = calloc((size_t)n + 1, sizeof *x);

    wg_random_uniform(seed, 1, 0, 0, n, WG_F64, x);
    for (int64_t i = 0; i < n; i++) x[i] = 2 * x[i] - 1;
    return x;
}

/* Central differences of sum(sin(y) y) over all results, of inputs of these shapes and all
 * parameters, which get small random values. */
static inline void kit_check(wg_layer *l, wg_params *w, int n, const wg_shape *shapes, int order)
{
    static const char *const names[] = { "x0", "x1", "x2", "x3" };
    wg_graph *g = wg_graph_new();
    wg_tensor *x[4], *y[8], *sum = NULL;
    wg_check_report report = { 0 };
    wg_error error = { .code = WG_OK };
    wg_feed feeds[4];

    wg_begin(g, "step", WG_TRAIN);
    for (int i = 0; i < n; i++) {
        double *v = kit_numbers(wg_shape_count(&shapes[i]), (uint64_t)i + 11);

        feeds[i] = (wg_feed){ names[i], { { WG_F64, shapes[i] }, v } };
        x[i] = wg_input(g, names[i], WG_F64, shapes[i]);
    }
    wg_apply_all(l, n, x, y);
    for (int i = 0; i < wg_layer_n_out(l); i++) {
        wg_tensor *part = wg_sum(wg_mul(wg_sin(y[i]), y[i]), WG_ALL_AXES, false);

        sum = sum ? wg_add(sum, part) : part;
    }
    wg_output("loss", sum);
    wg_end(g);
    for (int i = 0; i < wg_params_count(w); i++)
        if (wg_params_at(w, i)->trainable)
            wg_params_fill_uniform(w, wg_params_at(w, i)->name, -0.8, 0.8, NULL);
    NO_ERROR(wg_graph_error(g));
    wg_check_grad(sum, w, n, feeds, &(wg_check_options){ .order = order }, &report, &error);
    NO_ERROR(&error);
    CHECK(report.pass);
    CHECK(report.n > 0);
    if (!report.pass) wg_check_print(&report, stderr);
    wg_check_free(&report);
    for (int i = 0; i < n; i++) free(feeds[i].value.data);
    wg_graph_free(g);
}

/* The message that recording the layer on inputs of these shapes gives; frees the layer. */
static inline void kit_refuses(wg_layer *l, int n, const wg_shape *shapes, wg_status code,
                               const char *message, const char *file, int line)
{
    static const char *const names[] = { "x0", "x1", "x2", "x3" };
    wg_graph *g = wg_graph_new();
    wg_tensor *x[4], *y[8];
    wg_error error;

    for (int i = 0; i < n; i++) x[i] = wg_input(g, names[i], WG_F64, shapes[i]);
    wg_apply_all(l, n, x, y);
    error = wg_graph_error(g) ? *wg_graph_error(g) : (wg_error){ .code = WG_OK };
    error.site = NULL;
    harness_error_is(&error, code, message, NULL, file, line);
    wg_layer_free(l);
    wg_graph_free(g);
}
#define REFUSES(l, code, message, ...)                                                             \
    kit_refuses((l), (int)(sizeof((wg_shape[]){ __VA_ARGS__ }) / sizeof(wg_shape)),                \
                (wg_shape[]){ __VA_ARGS__ }, (code), (message), __FILE__, __LINE__)

#endif
