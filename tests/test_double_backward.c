/*
 * test_double_backward.c: the gradient of a gradient against golden/double_backward.json (PyTorch). Each case
 * is a layer written in plain ops: d<x> are the gradients of sum(dY Y), S the sum of G_<x> d<x> over the x
 * that have a G, and the file holds d<x>, S, and the gradients of S.
 */
#include <wengert.h>

#include "golden_json.h"

enum { MAX_TENSORS = 24 };

/* The tensors of a case, each an input of its name. */
struct layer {
    wg_graph *g;
    int n;
    const char *name[MAX_TENSORS];
    wg_tensor *t[MAX_TENSORS];
    wg_feed feed[MAX_TENSORS];
};

static wg_tensor *at(const struct layer *l, const char *name)
{
    for (int i = 0; i < l->n; i++)
        if (strcmp(l->name[i], name) == 0) return l->t[i];
    return NULL;
}

static void add_inputs(struct layer *l, json_t *group)
{
    const char *name;
    json_t *tensor;

    json_object_foreach(group, name, tensor)
    {
        wg_array a = golden_array(tensor, WG_F64);

        if (!CHECK(l->n < MAX_TENSORS)) return;
        l->name[l->n] = name;
        l->feed[l->n] = (wg_feed){ name, a };
        l->t[l->n++] = wg_input(l->g, name, WG_F64, a.type.shape);
    }
}

/* ---- the layers ---- */

static wg_tensor *dense(const struct layer *l)
{
    return wg_tanh(wg_add(wg_matmul(at(l, "X"), at(l, "W")), at(l, "b")));
}

static wg_tensor *conv(const struct layer *l)
{
    wg_window w = { .stride = { 2, 2 }, .pad = { 1, 1, 1, 1 } };

    return wg_sigmoid(wg_add(wg_conv2d(at(l, "X"), at(l, "W"), w), at(l, "b")));
}

static wg_tensor *softmax(const struct layer *l)
{
    return wg_softmax(at(l, "X"), -1);
}

static wg_tensor *normalised(const struct layer *l, wg_axes axes)
{
    wg_tensor *x = at(l, "X"), *mean = wg_mean(x, axes, true), *var = wg_var(x, axes, 0, true);
    wg_tensor *unit = wg_mul(wg_sub(x, mean), wg_rsqrt(wg_add(var, wg_scalar_like(var, 1e-5))));

    return wg_add(wg_mul(at(l, "scaler"), unit), at(l, "intercept"));
}

static wg_tensor *layer_norm(const struct layer *l)
{
    return normalised(l, WG_AXES(-1));
}

static wg_tensor *batch_norm(const struct layer *l)
{
    return normalised(l, WG_AXES(0));
}

static wg_tensor *attention(const struct layer *l)
{
    wg_tensor *scores = wg_matmul_t(at(l, "Q"), at(l, "K"), false, true);

    scores = wg_mul(scores, wg_scalar_like(scores, 1 / sqrt(3)));
    return wg_matmul(wg_softmax(scores, -1), at(l, "V"));
}

static wg_tensor *gate(const struct layer *l, wg_tensor *z, const char *W, const char *b)
{
    return wg_add(wg_matmul(z, at(l, W)), at(l, b));
}

/* X [n, in, 2], two steps from zero states; the hidden state comes first in Z. */
static wg_tensor *lstm(const struct layer *l)
{
    wg_tensor *a = wg_zeros_like(wg_select(at(l, "dY"), 2, 0)), *c = a, *y[2];

    for (int t = 0; t < 2; t++) {
        wg_tensor *z = wg_concat(2, (wg_tensor *[]){ a, wg_select(at(l, "X"), 2, t) }, 1);
        wg_tensor *kept = wg_mul(wg_sigmoid(gate(l, z, "Wf", "bf")), c);
        wg_tensor *fresh =
            wg_mul(wg_sigmoid(gate(l, z, "Wu", "bu")), wg_tanh(gate(l, z, "Wc", "bc")));

        c = wg_add(kept, fresh);
        y[t] = a = wg_mul(wg_sigmoid(gate(l, z, "Wo", "bo")), wg_tanh(c));
    }
    return wg_stack(2, y, 2);
}

static const struct {
    const char *name;
    wg_tensor *(*apply)(const struct layer *l);
} layers[] = { { "FullyConnected Tanh", dense },
               { "Conv2D Sigmoid", conv },
               { "Softmax", softmax },
               { "LayerNorm1D", layer_norm },
               { "BatchNorm1D train", batch_norm },
               { "DotProductAttention", attention },
               { "LSTM", lstm } };

/* ---- comparing ---- */

static void compare(const struct layer *l, wg_tensor *t, const char *what, const json_t *golden)
{
    wg_array a = { .data = NULL };
    wg_error error;
    wg_tensor **order;
    wg_feed feed[MAX_TENSORS];
    int n = 0;
    int64_t count = wg_order(1, &t, &order);

    for (int i = 0; i < l->n; i++)
        for (int64_t k = 0; k < count; k++)
            if (order[k] == l->t[i]) feed[n++] = l->feed[i];
    wg_free(order);
    if (CHECK(wg_read(t, NULL, n, feed, &a, &error) == WG_OK)) GOLDEN_CLOSE(what, &a, golden, 1e-9);
    else NO_ERROR(&error);
    wg_free(a.data);
}

static void run(json_t *c, wg_tensor *(*apply)(const struct layer *l))
{
    static const char *const groups[] = { "input_grads", "parameter_grads" };
    const char *which = json_string_value(json_object_get(c, "name")), *name;
    struct layer l = { .g = wg_graph_new() };
    wg_tensor *s = NULL, *wrt[MAX_TENSORS], *d[MAX_TENSORS], *loss;
    const char *of[MAX_TENSORS];
    char text[96];
    json_t *golden;
    int n = 0;

    add_inputs(&l, json_object_get(c, "inputs"));
    add_inputs(&l, json_object_get(c, "parameters"));
    loss = wg_sum(wg_mul(at(&l, "dY"), apply(&l)), WG_ALL_AXES, false);
    for (int i = 0; i < l.n; i++) {
        if (strncmp(l.name[i], "G_", 2) != 0) continue;
        of[n] = l.name[i] + 2;
        wrt[n++] = at(&l, l.name[i] + 2);
    }
    wg_grad(loss, n, wrt, d);
    for (int i = 0; i < n; i++) {
        wg_tensor *term;

        snprintf(text, sizeof text, "G_%s", of[i]);
        term = wg_sum(wg_mul(at(&l, text), d[i]), WG_ALL_AXES, false);
        s = s ? wg_add(s, term) : term;
        snprintf(text, sizeof text, "d%s", of[i]);
        compare(&l, d[i], text, json_object_get(json_object_get(c, "outputs"), text));
    }
    compare(&l, s, "S", json_object_get(json_object_get(c, "outputs"), "S"));
    for (int k = 0; k < 2; k++) {
        json_object_foreach(json_object_get(c, groups[k]), name, golden)
        {
            snprintf(text, sizeof text, "%s: dS/d%s", which, name);
            compare(&l, wg_grad1(s, at(&l, name)), text, golden);
        }
    }
    NO_ERROR(wg_graph_error(l.g));
    for (int i = 0; i < l.n; i++) free(l.feed[i].value.data);
    wg_graph_free(l.g);
}

static void gradients_of_gradients(void)
{
    json_t *file = golden_load("golden/double_backward.json"), *c;
    size_t i, done = 0;

    json_array_foreach(json_object_get(file, "cases"), i, c)
    {
        const char *name = json_string_value(json_object_get(c, "name"));

        for (size_t k = 0; k < sizeof layers / sizeof layers[0]; k++) {
            if (strcmp(layers[k].name, name) != 0) continue;
            run(c, layers[k].apply);
            done++;
        }
    }
    EQ_INT(done, 7);
    EQ_INT(json_array_size(json_object_get(file, "cases")), 7);
    json_decref(file);
}

TESTS(TEST(gradients_of_gradients))
