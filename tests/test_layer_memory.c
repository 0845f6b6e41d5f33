/* test_layer_memory.c: every allocation of making, recording and using a feed-forward layer refused
 * in turn: an error, and nothing is left behind. */
#include "gate.h"
#include "layer_rows.h"

/* What went wrong: out of memory, where nothing says so (a constructor gave NULL). */
static wg_status report(const wg_error *e, wg_error *error)
{
    static const wg_error none = { .code = WG_ENOMEM, .text = "out of memory" };

    *error = e ? *e : none;
    return error->code;
}

/* ---- recording ---- */

static wg_status record(void *arg, wg_error *error)
{
    const layer_row *row = arg;
    wg_params *w = wg_params_new(WG_F64, 11);
    wg_graph *g = wg_graph_new();
    wg_layer *l = w ? row->make(w) : NULL;
    static const char *const names[] = { "x0", "x1", "x2" };
    wg_tensor *x[ROW_OPERANDS];
    wg_status status = WG_OK;

    if (!w || !g || !l) {
        status = report(NULL, error);
    } else {
        wg_begin(g, "f", WG_TRAIN);
        for (int i = 0; i < row->n; i++) {
            wg_type t = row_type(&row->x[i], 2, WG_F64);

            x[i] = wg_input(g, names[i], t.dtype, t.shape);
        }
        wg_output("y", wg_apply_n(l, row->n, x));
        wg_end(g);
        if (wg_graph_error(g)) status = report(wg_graph_error(g), error);
        else if (wg_layer_error(l)->code != WG_OK) status = report(wg_layer_error(l), error);
    }
    wg_layer_free(l);
    wg_graph_free(g);
    wg_params_free(w);
    return status;
}

static void recording(void)
{
    for (int i = 0; i < N_LAYER_ROWS; i++)
        gate_every_allocation(record, (void *)(uintptr_t)&layer_rows[i], layer_rows[i].kind);
}

/* ---- beside the verbs ---- */

static wg_status look_up(void *arg, wg_error *error)
{
    wg_array y;
    wg_status status = wg_embedding_lookup(arg, WG_I64_ARRAY(((const int64_t[]){ 1, 0 }), 2), &y);

    wg_free(y.data);
    return status == WG_OK ? status : report(wg_layer_error(arg), error);
}

static wg_status evolve(void *arg, wg_error *error)
{
    return wg_sparse_evolve(arg, 3, NULL) == WG_OK ? WG_OK : report(wg_layer_error(arg), error);
}

static wg_status reconstruct(void *arg, wg_error *error)
{
    static const double v[] = { 1, 0, 1 };
    wg_array y;
    wg_status status = wg_rbm_reconstruct(arg, WG_F64_ARRAY(v, 1, 3), 2, false, &y);

    wg_free(y.data);
    return status == WG_OK ? status : report(wg_layer_error(arg), error);
}

/* Layers that have been used, so that a job takes no memory it does not give back. */
static void jobs(void)
{
    static const double zeros[4];
    static const int64_t ids[1];
    wg_params *w = wg_params_new(WG_F64, 11);
    wg_layer *e = wg_embedding(w, "e", (wg_embedding_hyper){ .n_out = 2, .vocab_size = 3 });
    wg_layer *s = wg_sparse_evolution(w, "s", (wg_sparse_hyper){ .n_out = 3, .epsilon = 1 });
    wg_layer *r = wg_rbm(w, "r", (wg_rbm_hyper){ .n_out = 2 });
    wg_array x = WG_I64_ARRAY(ids, 1, 1), z = WG_F64_ARRAY(zeros, 1, 3), y[2];

    CHECK(wg_layer_forward(e, 1, &x, false, y) == WG_OK);
    CHECK(wg_layer_forward(s, 1, &z, false, y) == WG_OK);
    CHECK(wg_layer_forward(r, 1, &z, false, y) == WG_OK);
    gate_every_allocation(look_up, e, "lookup");
    gate_every_allocation(evolve, s, "evolve");
    gate_every_allocation(reconstruct, r, "reconstruct");
    wg_layer_free(e);
    wg_layer_free(s);
    wg_layer_free(r);
    wg_params_free(w);
}

/* ---- a whole step ---- */

static wg_status step(void *arg, wg_error *error)
{
    static const double data[] = { 1, -2, 0.5, 3, 1, -1 };
    wg_params *w = wg_params_new(WG_F64, 11);
    wg_layer *l = !w                       ? NULL
                  : *(const int *)arg == 0 ? wg_batchnorm1d(w, "l", (wg_batchnorm_hyper){ 0 })
                  : *(const int *)arg == 1
                      ? wg_dropout(w, "l", (wg_dropout_hyper){ .p = 0.5, .wrapped = "LayerNorm1D" })
                      : wg_sparse_evolution(w, "l", (wg_sparse_hyper){ .n_out = 2 });
    wg_array x = WG_F64_ARRAY(data, 2, 3), y;
    wg_status status = WG_OK;

    if (!l || wg_layer_forward(l, 1, &x, true, &y) != WG_OK ||
        wg_layer_backward(l, 1, &y, true, NULL) != WG_OK || wg_layer_update(l, NAN) != WG_OK)
        status = report(l ? wg_layer_error(l) : NULL, error);
    wg_layer_free(l);
    wg_params_free(w);
    return status;
}

static void whole_steps(void)
{
    static const char *const names[] = { "BatchNorm1D", "Dropout", "SparseEvolution" };

    for (int i = 0; i < 3; i++) gate_every_allocation(step, &i, names[i]);
}

TESTS(TEST(recording), TEST(jobs), TEST(whole_steps))
