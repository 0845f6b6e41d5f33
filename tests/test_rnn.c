/* test_rnn.c: RNNCell, LSTMCell, RNN, LSTM: golden values, differences, steps one by one, other
 * batches and lengths, bad input. */
#include "module_kit.h"

static const kit_subject rnn = {
    .file = "layer_rnn", .kind = "RNN", .in = { "X" }, .out = { "Y" }
};
static const kit_subject lstm = {
    .file = "layer_lstm", .kind = "LSTM", .in = { "X" }, .out = { "Y" }
};
static const kit_subject rnn_cell = { .file = "layer_rnncell", .kind = "RNNCell" };
static const kit_subject lstm_cell = { .file = "layer_lstmcell", .kind = "LSTMCell" };

static void golden_layers(void)
{
    kit_golden(&rnn);
    kit_golden(&lstm);
}

/* ---- cells: the steps recorded one after the other ---- */

static void cell_in_graph(const kit_subject *s, const json_t *c, wg_dtype real, bool one)
{
    static const char *const names[] = { "Y", "C" };
    wg_params *w = wg_params_new(real, 1);
    wg_layer *l = kit_make(s, c, w);
    int n_state = wg_layer_n_out(l), n_t;
    wg_graph *g = wg_graph_new();
    wg_tensor *x, *state[3], *all[2][16], *sum = NULL;
    const char *xs[] = { "X" };
    wg_array a = kit_array(c, "inputs", "X", real);
    kit_run r = { 0 };

    n_t = (int)a.type.shape.dim[2];
    REQUIRE(n_t <= 16);
    wg_begin(g, "step", WG_TRAIN);
    x = kit_input(&r, g, "X", a, one);
    for (int k = 0; k < n_state; k++) {
        wg_tensor *column = wg_slice_axis(wg_select(x, 2, 0), 1, 0, 1, 1);
        wg_shape wide = WG_SHAPE(-1, (int64_t)golden_number(c, "n_out", 0));

        state[k + 1] = wg_zeros_like(wg_expand(column, wide));
    }
    for (int t = 0; t < n_t; t++) {
        state[0] = wg_select(x, 2, t);
        wg_apply_all(l, n_state + 1, state, state + 1);
        for (int k = 0; k < n_state; k++) all[k][t] = state[k + 1];
    }
    NO_ERROR(wg_graph_error(g));
    kit_set_params(c, w);
    for (int k = 0; k < n_state; k++) {
        wg_tensor *y = wg_stack(n_t, all[k], 2);

        sum = kit_weigh(&r, c, sum, names[k], y, real, one);
        kit_expect(&r, y, golden_array(c, "outputs", names[k]), real == WG_F64 ? 1e-9 : 1e-5,
                   "outputs", names[k]);
    }
    kit_gradients(s, c, &r, sum, 1, &x, xs, w);
    kit_finish(s, c, &r, g, w);
    wg_layer_free(l);
    wg_graph_free(g);
    wg_params_free(w);
}

static void golden_cells(void)
{
    const kit_subject *const both[] = { &rnn_cell, &lstm_cell };

    for (int k = 0; k < 2; k++) {
        CASES(both[k]->file, c)
        {
            cell_in_graph(both[k], c, WG_F64, false);
            cell_in_graph(both[k], c, WG_F64, true);
            cell_in_graph(both[k], c, WG_F32, false);
        }
        json_decref(root);
    }
}

/* ---- cells through the verbs: forward step by step, backward from the last step ---- */

/* x[:, :, t] of a [n, m, n_t] array as new memory. */
static wg_array step_of(const wg_array *x, int64_t t)
{
    const int64_t *d = x->type.shape.dim;
    double *to = calloc((size_t)(d[0] * d[1]) + 1, sizeof *to);

    for (int64_t i = 0; i < d[0] * d[1]; i++) to[i] = ((double *)x->data)[i * d[2] + t];
    return (wg_array){ { WG_F64, WG_SHAPE(d[0], d[1]) }, to };
}

static void step_is(const json_t *c, const wg_array *got, const char *section, const char *key,
                    int64_t t)
{
    wg_array all = golden_array(c, section, key), want;

    want = step_of(&all, t);
    GOLDEN_CLOSE(got, &want, 1e-9, key, c);
    free(all.data);
    free(want.data);
}

/* One minibatch, from states of zero. */
static void minibatch(const json_t *c, wg_layer *l)
{
    static const char *const names[] = { "Y", "C" };
    wg_array x = golden_array(c, "inputs", "X"), y[2], dx, dy[2], all_dy[2];
    int64_t n_t = x.type.shape.dim[2];
    int n_state = wg_layer_n_out(l);

    for (int64_t t = 0; t < n_t; t++) {
        wg_array xt = step_of(&x, t);

        EQ_INT(wg_layer_forward(l, 1, &xt, true, y), WG_OK);
        NO_ERROR(wg_layer_error(l));
        memset(xt.data, 0, (size_t)wg_type_bytes(&xt.type)); /* what is retained is a copy */
        free(xt.data);
        for (int k = 0; k < n_state; k++) step_is(c, &y[k], "outputs", names[k], t);
    }
    for (int k = 0; k < n_state; k++) all_dy[k] = golden_array(c, "output_grads", names[k]);
    for (int64_t t = n_t - 1; t >= 0; t--) {
        for (int k = 0; k < n_state; k++)
            dy[k] = all_dy[k].data ? step_of(&all_dy[k], t) : (wg_array){ .data = NULL };
        EQ_INT(wg_layer_backward(l, 1, dy, true, &dx), WG_OK);
        NO_ERROR(wg_layer_error(l));
        step_is(c, &dx, "input_grads", "X", t);
        for (int k = 0; k < n_state; k++) free(dy[k].data);
    }
    for (int k = 0; k < n_state; k++) free(all_dy[k].data);
    free(x.data);
}

static void cells_step_by_step(const kit_subject *s)
{
    CASES(s->file, c)
    {
        wg_params *w = wg_params_new(WG_F64, 1);
        wg_layer *l = kit_make(s, c, w);
        wg_array x = golden_array(c, "inputs", "X"), x0 = step_of(&x, 0), y[2];

        EQ_INT(wg_layer_forward(l, 1, &x0, false, y), WG_OK);
        kit_set_params(c, w);
        wg_layer_flush_gradients(l);
        minibatch(c, l);
        kit_layer_gradients(s, c, l, 1);
        /* a second minibatch after the flush gives the same */
        wg_layer_flush_gradients(l);
        minibatch(c, l);
        kit_layer_gradients(s, c, l, 1);
        free(x.data);
        free(x0.data);
        wg_layer_free(l);
        wg_params_free(w);
    }
    json_decref(root);
}

/* numpy-ml's second minibatch fails: its accumulators become empty lists. */
static void erratum_Y29_second_minibatch(void)
{
    cells_step_by_step(&rnn_cell);
}

/* numpy-ml's backward cannot take the gradient of a returned cell state; two golden cases have
 * it. */
static void erratum_Y32_gradient_of_the_cell_state(void)
{
    int with_c = 0;

    CASES(lstm_cell.file, c)
    with_c += json_object_get(json_object_get(c, "output_grads"), "C") != NULL;
    json_decref(root);
    EQ_INT(with_c, 2);
    cells_step_by_step(&lstm_cell);
}

/* numpy-ml's RNN and LSTM cannot be constructed. */
static void erratum_Y30_layers_can_be_made(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *a = wg_rnn(w, "a", (wg_rnn_hyper){ .n_out = 3 });
    wg_layer *b = wg_lstm(w, "b", (wg_lstm_hyper){ .n_out = 3 });

    NO_ERROR(wg_layer_error(a));
    NO_ERROR(wg_layer_error(b));
    EQ_STR(((const wg_rnn_hyper *)wg_layer_hyper(a))->act_fn, "Tanh");
    EQ_STR(((const wg_lstm_hyper *)wg_layer_hyper(b))->gate_fn, "Sigmoid");
    EQ_INT(wg_layer_n_params(a), 0); /* asked before the first use */
    wg_layer_free(a);
    wg_layer_free(b);
    wg_params_free(w);
}

/* numpy-ml's LSTM backward unpacks two values: with two examples it uses the first alone. Each
 * example must have the gradient it has on its own. */
static void erratum_Y31_gradient_of_every_example(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = wg_lstm(w, "l", (wg_lstm_hyper){ .n_out = 3 });
    double *x = kit_numbers(2 * 2 * 5, 1), *dy = kit_numbers(2 * 3 * 5, 2), both[20];
    wg_array in = WG_F64_ARRAY(x, 2, 2, 5), y, d = WG_F64_ARRAY(dy, 2, 3, 5), dx;

    EQ_INT(wg_layer_forward(l, 1, &in, true, &y), WG_OK);
    EQ_INT(wg_layer_backward(l, 1, &d, true, &dx), WG_OK);
    memcpy(both, dx.data, sizeof both);
    wg_layer_flush_gradients(l);
    for (int i = 0; i < 2; i++) {
        in = WG_F64_ARRAY(x + 10 * i, 1, 2, 5);
        d = WG_F64_ARRAY(dy + 15 * i, 1, 3, 5);
        EQ_INT(wg_layer_forward(l, 1, &in, true, &y), WG_OK);
        EQ_INT(wg_layer_backward(l, 1, &d, true, &dx), WG_OK);
        CLOSE_ARRAY(&dx, both + 10 * i, 10, 1e-12, 1e-14);
        wg_layer_flush_gradients(l);
    }
    free(x);
    free(dy);
    wg_layer_free(l);
    wg_params_free(w);
}

/* ---- differences ---- */

static void differences(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l[] = { wg_rnn_cell(w, "a", (wg_rnn_hyper){ .n_out = 2 }),
                      wg_lstm_cell(w, "b", (wg_lstm_hyper){ .n_out = 2 }),
                      wg_rnn(w, "c", (wg_rnn_hyper){ .n_out = 2, .act_fn = "Sigmoid" }),
                      wg_lstm(w, "d", (wg_lstm_hyper){ .n_out = 2 }) };
    wg_shape cell[] = { WG_SHAPE(2, 3), WG_SHAPE(2, 2), WG_SHAPE(2, 2) };
    wg_shape sequence = WG_SHAPE(2, 3, 3);

    kit_check(l[0], w, 2, cell, 2);
    kit_check(l[1], w, 3, cell, 2);
    kit_check(l[2], w, 1, &sequence, 2);
    kit_check(l[3], w, 1, &sequence, 2);
    for (int i = 0; i < 4; i++) wg_layer_free(l[i]);
    wg_params_free(w);
}

/* ---- use ---- */

/* A layer of the sequence gives what the cell gives step by step. */
static void layer_is_the_cell_unrolled(void)
{
    wg_params *w = wg_params_new(WG_F64, 7);
    wg_layer *l = wg_lstm(w, "l", (wg_lstm_hyper){ .n_out = 4 });
    wg_layer *cell = wg_lstm_cell(w, "c", (wg_lstm_hyper){ .n_out = 4 });
    double *x = kit_numbers(3 * 2 * 6, 5);
    wg_array in = WG_F64_ARRAY(x, 3, 2, 6), y, z[2], xt = step_of(&in, 0);

    EQ_INT(wg_layer_forward(l, 1, &in, false, &y), WG_OK);
    EQ_INT(wg_layer_forward(cell, 1, &xt, false, z), WG_OK);
    wg_layer_flush_gradients(cell);
    for (int i = 0; i < wg_layer_n_params(l); i++) {
        wg_array from = wg_layer_param_value(l, i), to = wg_layer_param_value(cell, i);

        EQ_STR(wg_layer_param_key(l, i), wg_layer_param_key(cell, i));
        memcpy(to.data, from.data, (size_t)wg_type_bytes(&from.type));
    }
    for (int64_t t = 0; t < 6; t++) {
        wg_array want = step_of(&y, t);

        free(xt.data);
        xt = step_of(&in, t);
        EQ_INT(wg_layer_forward(cell, 1, &xt, false, z), WG_OK);
        CLOSE_ARRAY(&z[0], (double *)want.data, 12, 1e-12, 1e-14);
        free(want.data);
    }
    free(xt.data);
    free(x);
    wg_layer_free(l);
    wg_layer_free(cell);
    wg_params_free(w);
}

/* Another batch, another length, the first again: fresh zero states at every forward. */
static void other_batches_and_lengths(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = wg_rnn(w, "l", (wg_rnn_hyper){ .n_out = 3 });
    double *x = kit_numbers(200, 5), first[24];
    int64_t sizes[][2] = { { 2, 4 }, { 5, 4 }, { 2, 7 }, { 1, 1 }, { 2, 4 } };

    for (int i = 0; i < 5; i++) {
        wg_array in = WG_F64_ARRAY(x, sizes[i][0], 2, sizes[i][1]), y;

        EQ_INT(wg_layer_forward(l, 1, &in, i % 2, &y), WG_OK);
        NO_ERROR(wg_layer_error(l));
        EQ_INT(y.type.shape.dim[2], sizes[i][1]);
        if (i == 0) memcpy(first, y.data, sizeof first);
        if (i == 4) SAME_BITS(y.data, first, sizeof first);
    }
    free(x);
    wg_layer_free(l);
    wg_params_free(w);
}

/* A graph holds the steps it was recorded with: another length is refused, longer or shorter. */
static void recorded_length_is_kept(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l[] = { wg_rnn(w, "a", (wg_rnn_hyper){ .n_out = 3 }),
                      wg_lstm(w, "b", (wg_lstm_hyper){ .n_out = 3 }) };
    double *x = kit_numbers(100, 5);

    for (int k = 0; k < 2; k++) {
        wg_graph *g = wg_graph_new();
        wg_tensor *y = wg_apply(l[k], wg_input(g, "x", WG_F64, WG_SHAPE(1, 2, 4)));
        wg_error error = { .code = WG_OK };
        wg_plan *p = wg_plan_of(1, &y, w, NULL, &error);

        NO_ERROR(&error);
        wg_plan_feed(p, "x", WG_F64_ARRAY(x, 3, 2, 4));
        EQ_INT(wg_plan_run(p), WG_OK);
        wg_plan_feed(p, "x", WG_F64_ARRAY(x, 3, 2, 5));
        EQ_INT(wg_plan_run(p), WG_ESHAPE);
        EQ_STR(wg_plan_error(p)->scope, k ? "b" : "a");
        wg_plan_feed(p, "x", WG_F64_ARRAY(x, 3, 2, 3));
        EQ_INT(wg_plan_run(p), WG_ESHAPE);
        wg_plan_free(p);
        wg_graph_free(g);
        wg_layer_free(l[k]);
    }
    free(x);
    wg_params_free(w);
}

/* Entries grow with the number of steps, not with its square; so does the gradient. */
static void linear_in_the_length(void)
{
    int64_t entries[2][2];

    for (int k = 0; k < 2; k++)
        for (int twice = 0; twice < 2; twice++) {
            wg_params *w = wg_params_new(WG_F64, 1);
            wg_layer *l = k ? wg_lstm(w, "l", (wg_lstm_hyper){ .n_out = 3 })
                            : wg_rnn(w, "l", (wg_rnn_hyper){ .n_out = 3 });
            wg_graph *g = wg_graph_new();
            wg_tensor *x = wg_input(g, "x", WG_F64, WG_SHAPE(2, 2, twice ? 2000 : 1000));

            wg_grad1(wg_sum(wg_apply(l, x), WG_ALL_AXES, false), x);
            NO_ERROR(wg_graph_error(g));
            entries[k][twice] = wg_graph_count(g);
            wg_graph_free(g);
            wg_layer_free(l);
            wg_params_free(w);
        }
    for (int k = 0; k < 2; k++) CHECK(entries[k][1] <= 2 * entries[k][0]);
}

static void frozen(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = wg_rnn(w, "l", (wg_rnn_hyper){ .n_out = 3 });
    double *x = kit_numbers(100, 5), *dy = kit_numbers(100, 6);
    wg_array in = WG_F64_ARRAY(x, 2, 2, 4), d = WG_F64_ARRAY(dy, 2, 3, 4), y, dx;
    double free_dx[16];

    wg_layer_forward(l, 1, &in, true, &y);
    EQ_INT(wg_layer_backward(l, 1, &d, true, &dx), WG_OK);
    memcpy(free_dx, dx.data, sizeof free_dx);
    CHECK(wg_layer_gradient(l, "Waa").data != NULL);
    wg_layer_flush_gradients(l);
    wg_layer_freeze(l);
    wg_layer_forward(l, 1, &in, true, &y);
    EQ_INT(wg_layer_backward(l, 1, &d, true, &dx), WG_OK);
    CLOSE_ARRAY(&dx, free_dx, 16, 1e-12, 1e-14);
    CHECK(wg_layer_gradient(l, "Waa").data == NULL);
    free(x);
    free(dy);
    wg_layer_free(l);
    wg_params_free(w);
}

/* As for modules: many steps, a twin by its summary, a program saved and loaded. */
static void steps_and_twins(void)
{
    static const struct module layers[] = {
        { .kind = "RNN", .json = "{\"n_out\": 3}", .n = 1, .small = { { 3, { 2, 2, 4 } } } },
        { .kind = "LSTM", .json = "{\"n_out\": 3}", .n = 1, .small = { { 3, { 2, 2, 4 } } } }
    };

    for (int i = 0; i < 2; i++) {
        kit_twin(&layers[i]);
        kit_go_on(&layers[i]);
    }
}

/* A cell learns to hold its state down: minibatch after minibatch, with update between them. */
static void cell_learns(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = wg_lstm_cell(w, "l", (wg_lstm_hyper){ .n_out = 3 });
    double *x = kit_numbers(4 * 4, 5), first = 0, last = 0;

    EQ_INT(wg_layer_set_optimizer(l, "SGD(lr=0.05)"), WG_OK);
    for (int batch = 0; batch < 30; batch++) {
        double sum = 0, dy[4][12];
        wg_array y[2], dx;

        for (int t = 0; t < 4; t++) {
            wg_array xt = WG_F64_ARRAY(x + 4 * t, 4, 1);

            EQ_INT(wg_layer_forward(l, 1, &xt, true, y), WG_OK);
            memcpy(dy[t], y[0].data, sizeof dy[t]);
            for (int i = 0; i < 12; i++) sum += dy[t][i] * dy[t][i];
        }
        for (int t = 3; t >= 0; t--) {
            wg_array d[2] = { WG_F64_ARRAY(dy[t], 4, 3), { .data = NULL } };

            EQ_INT(wg_layer_backward(l, 1, d, true, &dx), WG_OK);
        }
        EQ_INT(wg_layer_update(l, NAN), WG_OK);
        NO_ERROR(wg_layer_error(l));
        if (batch == 0) first = sum;
        last = sum;
    }
    CHECK(last < 0.5 * first);
    free(x);
    wg_layer_free(l);
    wg_params_free(w);
}

static void bad_input(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = wg_rnn(w, "l", (wg_rnn_hyper){ 0 });

    ERROR_IS(wg_layer_error(l), WG_EARG, "RNN: n_out is 0, wanted at least 1", NULL);
    wg_layer_free(l);
    l = wg_lstm_cell(w, "l", (wg_lstm_hyper){ .n_out = 2, .gate_fn = "Softsign" });
    EQ_INT(wg_layer_error(l)->code, WG_ENAME);
    wg_layer_free(l);
    REFUSES(wg_rnn(w, "l", (wg_rnn_hyper){ .n_out = 2 }), WG_ESHAPE,
            "RNN: the input is f64[2 x 3 x 0], wanted [n, n_in, n_t] with n_t at least 1",
            WG_SHAPE(2, 3, 0));
    REFUSES(wg_lstm(w, "l", (wg_lstm_hyper){ .n_out = 2 }), WG_ESHAPE,
            "LSTM: the input is f64[2 x 3], wanted [n, n_in, n_t] with n_t at least 1",
            WG_SHAPE(2, 3));
    REFUSES(wg_rnn_cell(w, "l", (wg_rnn_hyper){ .n_out = 2 }), WG_ESHAPE,
            "RNNCell: the input is f64[2 x 3 x 1], wanted [n, n_in]", WG_SHAPE(2, 3, 1),
            WG_SHAPE(2, 2));
    REFUSES(wg_lstm_cell(w, "m", (wg_lstm_hyper){ .n_out = 2 }), WG_ESHAPE,
            "LSTMCell: state 1 is f64[2 x 3], wanted [n, 2]", WG_SHAPE(2, 3), WG_SHAPE(2, 2),
            WG_SHAPE(2, 3));
    wg_params_free(w);
}

TESTS(TEST(golden_layers), TEST(golden_cells), TEST(erratum_Y29_second_minibatch),
      TEST(erratum_Y30_layers_can_be_made), TEST(erratum_Y31_gradient_of_every_example),
      TEST(erratum_Y32_gradient_of_the_cell_state), TEST(differences),
      TEST(layer_is_the_cell_unrolled), TEST(other_batches_and_lengths),
      TEST(recorded_length_is_kept), TEST(linear_in_the_length), TEST(frozen),
      TEST(steps_and_twins), TEST(cell_learns), TEST(bad_input))
