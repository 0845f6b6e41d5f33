/* layer_rows.h: one row a layer class, with the operands it is tried on: any layer can be walked
 * through batches, modes, verbs, files and differences without knowing what it is. */
#ifndef LAYER_ROWS_H
#define LAYER_ROWS_H

#include <wengert.h>
#include <wengert/layer.h>

#include "harness.h"

enum { ROW_OPERANDS = 3, ROW_RESULTS = 4 };

typedef struct {
    int rank;
    int64_t dim[4]; /* 0: the batch; negative: batch times that number */
    int64_t below;  /* 0: reals in [-1, 1); else integers 0..below-1; -1: offsets of two ids each */
    bool positive;  /* reals in [0.25, 1.25) */
} row_operand;

typedef struct {
    const char *kind;
    wg_layer *(*make)(wg_params *w);
    int n;
    row_operand x[ROW_OPERANDS];
    bool moody;       /* training differs from prediction */
    bool fixed_batch; /* recorded for one number of ids an example, or the like */
} layer_row;

/* ---- the table ---- */

#define ROW_MAKE(name, call)                                                                       \
    static inline wg_layer *row_##name(wg_params *w)                                               \
    {                                                                                              \
        return call;                                                                               \
    }

ROW_MAKE(fc, wg_fully_connected(w, "l", (wg_fc_hyper){ .n_out = 3, .act_fn = "Tanh" }))
ROW_MAKE(fc_plain, wg_fully_connected(w, "l", (wg_fc_hyper){ .n_out = 3, .no_bias = true }))
ROW_MAKE(conv1d, wg_conv1d_layer(w, "l",
                                 (wg_conv1d_hyper){ .out_ch = 3,
                                                    .kernel_width = 2,
                                                    .pad_mode = WG_PAD_CAUSAL,
                                                    .dilation = 1,
                                                    .act_fn = "Tanh" }))
ROW_MAKE(conv1d_pad, wg_conv1d_layer(w, "l",
                                     (wg_conv1d_hyper){ .out_ch = 2,
                                                        .kernel_width = 3,
                                                        .pad = { 2, 1 },
                                                        .stride = 2,
                                                        .no_bias = true }))
ROW_MAKE(conv2d, wg_conv2d_layer(w, "l",
                                 (wg_conv2d_hyper){ .out_ch = 2,
                                                    .kernel_shape = { 3, 2 },
                                                    .pad_mode = WG_PAD_SAME,
                                                    .act_fn = "Sigmoid" }))
ROW_MAKE(conv2d_plain, wg_conv2d_layer(w, "l",
                                       (wg_conv2d_hyper){ .out_ch = 2,
                                                          .no_bias = true,
                                                          .kernel_shape = { 2, 2 },
                                                          .stride = 2,
                                                          .pad = { 1, 0, 0, 1 } }))
ROW_MAKE(deconv2d, wg_deconv2d(w, "l",
                               (wg_deconv2d_hyper){ .out_ch = 2,
                                                    .kernel_shape = { 3, 2 },
                                                    .stride = 2,
                                                    .pad = { 0, 2, 1, 0 },
                                                    .act_fn = "Tanh" }))
ROW_MAKE(deconv2d_same, wg_deconv2d(w, "l",
                                    (wg_deconv2d_hyper){ .out_ch = 3,
                                                         .no_bias = true,
                                                         .kernel_shape = { 2, 3 },
                                                         .pad_mode = WG_PAD_SAME }))
ROW_MAKE(pool_max, wg_pool2d(w, "l", (wg_pool2d_hyper){ .kernel_shape = { 2, 2 }, .stride = 2 }))
ROW_MAKE(pool_mean,
         wg_pool2d(w, "l",
                   (wg_pool2d_hyper){
                       .kernel_shape = { 3, 2 }, .mode = "average", .pad_mode = WG_PAD_SAME }))
ROW_MAKE(flatten, wg_flatten(w, "l", (wg_flatten_hyper){ .keep_dim = "first" }))
ROW_MAKE(add, wg_add_layer(w, "l", (wg_merge_hyper){ .act_fn = "Tanh" }))
ROW_MAKE(multiply, wg_multiply_layer(w, "l", (wg_merge_hyper){ .act_fn = "Sigmoid" }))
ROW_MAKE(softmax, wg_softmax_layer(w, "l", (wg_softmax_hyper){ .dim = 1 }))
ROW_MAKE(batchnorm1d, wg_batchnorm1d(w, "l", (wg_batchnorm_hyper){ .momentum = 0.7 }))
ROW_MAKE(batchnorm2d, wg_batchnorm2d(w, "l", (wg_batchnorm_hyper){ .unbiased = true }))
ROW_MAKE(layernorm1d, wg_layernorm1d(w, "l", (wg_layernorm_hyper){ .epsilon = 1e-3 }))
ROW_MAKE(layernorm2d, wg_layernorm2d(w, "l", (wg_layernorm_hyper){ 0 }))
ROW_MAKE(embedding, wg_embedding(w, "l", (wg_embedding_hyper){ .n_out = 3, .vocab_size = 5 }))
ROW_MAKE(embedding_sum,
         wg_embedding(w, "l", (wg_embedding_hyper){ .n_out = 3, .vocab_size = 5, .pool = "sum" }))
ROW_MAKE(embedding_mean,
         wg_embedding(w, "l", (wg_embedding_hyper){ .n_out = 3, .vocab_size = 5, .pool = "mean" }))
ROW_MAKE(sparse,
         wg_sparse_evolution(w, "l",
                             (wg_sparse_hyper){ .n_out = 4, .epsilon = 0.8, .act_fn = "Tanh" }))
ROW_MAKE(dropout, wg_dropout(w, "l",
                             (wg_dropout_hyper){
                                 .p = 0.4,
                                 .wrapped = "FullyConnected",
                                 .hyperparameters = "{\"n_out\": 3, \"act_fn\": \"Tanh\"}" }))
ROW_MAKE(dropout_in,
         wg_dropout(w, "l",
                    (wg_dropout_hyper){
                        .p = 0.25, .wrapped = "LayerNorm1D", .scale = WG_DROPOUT_INPUT }))

#define REAL_ROW(...)                                                                              \
    {                                                                                              \
        .rank = WG_N_ARGS(int64_t, __VA_ARGS__), .dim = { __VA_ARGS__ }                            \
    }
#define IDS_ROW(most, ...)                                                                         \
    {                                                                                              \
        .rank = WG_N_ARGS(int64_t, __VA_ARGS__), .dim = { __VA_ARGS__ }, .below = most             \
    }

static const layer_row layer_rows[] = {
    { "FullyConnected", row_fc, 1, { REAL_ROW(0, 4) }, false, false },
    { "FullyConnected", row_fc_plain, 1, { REAL_ROW(0, 2, 4) }, false, false },
    { "Conv1D", row_conv1d, 1, { REAL_ROW(0, 5, 2) }, false, false },
    { "Conv1D", row_conv1d_pad, 1, { REAL_ROW(0, 6, 2) }, false, false },
    { "Conv2D", row_conv2d, 1, { REAL_ROW(0, 4, 3, 2) }, false, false },
    { "Conv2D", row_conv2d_plain, 1, { REAL_ROW(0, 5, 5, 2) }, false, false },
    { "Deconv2D", row_deconv2d, 1, { REAL_ROW(0, 3, 3, 2) }, false, false },
    { "Deconv2D", row_deconv2d_same, 1, { REAL_ROW(0, 4, 3, 1) }, false, false },
    { "Pool2D", row_pool_max, 1, { REAL_ROW(0, 4, 5, 2) }, false, false },
    { "Pool2D", row_pool_mean, 1, { REAL_ROW(0, 4, 3, 2) }, false, false },
    { "Flatten", row_flatten, 1, { REAL_ROW(0, 2, 3, 2) }, false, false },
    { "Add", row_add, 3, { REAL_ROW(0, 3), REAL_ROW(0, 3), REAL_ROW(0, 3) }, false, false },
    { "Multiply", row_multiply, 2, { REAL_ROW(0, 2, 3), REAL_ROW(0, 2, 3) }, false, false },
    { "Softmax", row_softmax, 1, { REAL_ROW(0, 3, 4) }, false, false },
    { "BatchNorm1D", row_batchnorm1d, 1, { REAL_ROW(0, 3) }, true, false },
    { "BatchNorm2D", row_batchnorm2d, 1, { REAL_ROW(0, 2, 3, 2) }, true, false },
    { "LayerNorm1D", row_layernorm1d, 1, { REAL_ROW(0, 5) }, false, false },
    { "LayerNorm2D", row_layernorm2d, 1, { REAL_ROW(0, 2, 3, 2) }, false, false },
    { "Embedding", row_embedding, 1, { IDS_ROW(5, 0, 4) }, false, false },
    { "Embedding", row_embedding_sum, 2, { IDS_ROW(5, -2), IDS_ROW(-1, 0) }, false, false },
    { "Embedding", row_embedding_mean, 2, { IDS_ROW(5, -2), IDS_ROW(-1, 0) }, false, false },
    { "Embedding", row_embedding, 2, { IDS_ROW(5, -2), IDS_ROW(-1, 0) }, false, false },
    { "Embedding",
      row_embedding_mean,
      2,
      { IDS_ROW(5, 0, 4), { .rank = 2, .dim = { 0, 4 }, .positive = true } },
      false,
      false },
    { "SparseEvolution", row_sparse, 1, { REAL_ROW(0, 5) }, false, false },
    { "Dropout", row_dropout, 1, { REAL_ROW(0, 4) }, true, false },
    { "Dropout", row_dropout_in, 1, { REAL_ROW(0, 5) }, true, false },
};
enum { N_LAYER_ROWS = sizeof layer_rows / sizeof *layer_rows };

/* ---- operands ---- */

static inline wg_type row_type(const row_operand *o, int64_t batch, wg_dtype real)
{
    wg_type t = { o->below ? WG_I64 : real, { o->rank, { 0 } } };

    for (int i = 0; i < o->rank; i++)
        t.shape.dim[i] = o->dim[i] == 0  ? batch + (o->below < 0)
                         : o->dim[i] < 0 ? -o->dim[i] * batch
                                         : o->dim[i];
    return t;
}

/* New memory: free. Values depend on the operand's number and `run` alone. */
static inline wg_array row_array(const layer_row *row, int i, int64_t batch, wg_dtype real, int run)
{
    const row_operand *o = &row->x[i];
    wg_array a = { row_type(o, batch, real), NULL };
    int64_t n = wg_shape_count(&a.type.shape);

    a.data = calloc((size_t)n + 1, 8);
    for (int64_t k = 0; k < n; k++) {
        double u;

        wg_random_uniform(7, (uint64_t)i, (uint64_t)run, k, 1, WG_F64, &u);
        if (o->below < 0) ((int64_t *)a.data)[k] = 2 * k;
        else if (o->below) ((int64_t *)a.data)[k] = (int64_t)(u * (double)o->below);
        else if (real == WG_F32) ((float *)a.data)[k] = (float)(o->positive ? u + 0.25 : 2 * u - 1);
        else ((double *)a.data)[k] = o->positive ? u + 0.25 : 2 * u - 1;
    }
    return a;
}

/* ---- recording ---- */

typedef struct {
    wg_params *w;
    wg_graph *g;
    wg_layer *l;
    wg_tensor *x[ROW_OPERANDS], *y, *loss;
} row_program;

static inline wg_tensor *row_loss(wg_tensor *y)
{
    /* neither linear nor even in y, so that no part of a gradient is zero by symmetry */
    wg_tensor *bent = wg_sin(wg_mul(y, wg_scalar_like(y, 2)));

    return wg_sum(wg_add(bent, wg_mul(y, wg_cumsum(y, -1, false))), WG_ALL_AXES, false);
}

/* Records "f" with outputs y, loss and d0, d1, ... (gradients of real operands); with `lr`, a step
 * of SGD too. */
static inline void row_record(row_program *p, const layer_row *row, int64_t batch, wg_mode mode,
                              bool step)
{
    wg_dtype real = wg_params_dtype(p->w);
    char name[8];

    p->g = wg_graph_new();
    wg_begin(p->g, "f", mode);
    for (int i = 0; i < row->n; i++) {
        wg_type t = row_type(&row->x[i], batch, real);

        snprintf(name, sizeof name, "x%d", i);
        p->x[i] = wg_input(p->g, name, t.dtype, t.shape);
    }
    p->y = wg_apply_n(p->l, row->n, p->x);
    wg_output("y", p->y);
    wg_output("loss", p->loss = row_loss(p->y));
    for (int i = 0; i < row->n; i++) {
        if (row->x[i].below) continue;
        snprintf(name, sizeof name, "d%d", i);
        wg_output(name, wg_grad1(p->loss, p->x[i]));
    }
    if (step) {
        wg_sgd_hyper h = { .lr = 0.05, .momentum = 0.5 };
        wg_optim *o = wg_sgd(p->w, "sgd", &h);

        wg_minimize(o, p->loss);
        wg_optim_free(o);
    }
    wg_end(p->g);
}

static inline void row_begin(row_program *p, const layer_row *row, wg_dtype real)
{
    *p = (row_program){ .w = wg_params_new(real, 11) };
    p->l = row->make(p->w);
}

static inline void row_free(row_program *p)
{
    wg_graph_free(p->g);
    wg_layer_free(p->l);
    wg_params_free(p->w);
}

/* Feeds operands of `batch` and runs; false after a failed check. */
static inline bool row_run(wg_plan *plan, const layer_row *row, int64_t batch, wg_dtype real,
                           int run)
{
    wg_array a[ROW_OPERANDS];
    char name[8];
    bool ok = plan != NULL;

    for (int i = 0; i < row->n; i++) {
        a[i] = row_array(row, i, batch, real, run);
        snprintf(name, sizeof name, "x%d", i);
        if (ok && wg_plan_feed(plan, name, a[i]) != WG_OK)
            /* a graph that does not use an operand does not know it */
            ok = wg_plan_error(plan)->code == WG_ENAME;
    }
    if (ok) ok = wg_plan_run(plan) == WG_OK;
    harness_check(ok, __FILE__, __LINE__, "%s: %s", row->kind,
                  plan ? wg_plan_error(plan)->text : "no plan");
    for (int i = 0; i < row->n; i++) free(a[i].data);
    return ok;
}

static inline bool same_array(const wg_array *a, const wg_array *b, double tol, const char *kind,
                              const char *what)
{
    int64_t n = b ? wg_shape_count(&b->type.shape) : 0;
    double worst = 0, most = 0;

    if (!harness_check(a && b && wg_type_equal(&a->type, &b->type), __FILE__, __LINE__,
                       "%s: %s is of another type", kind, what))
        return false;
    for (int64_t i = 0; i < n; i++) {
        double x = harness_number(a->data, a->type.dtype, i),
               y = harness_number(b->data, b->type.dtype, i);

        most = fmax(most, fabs(y));
        if (!(fabs(x - y) <= worst)) worst = fabs(x - y);
    }
    return harness_check(worst <= tol * (1 + most), __FILE__, __LINE__, "%s: %s is off by %g", kind,
                         what, worst);
}

#endif
