/* rnn.c: recurrent layers: RNNCell and LSTMCell take one step, RNN and LSTM a whole sequence. */
#include "classes.h"
#include "seq.h"
#include "wengert/ops.h"

/* ---- what they share ---- */

bool wg__recurrent_make(wg_layer *l, int64_t n_out, const char *act_fn, const char *gate_fn,
                        const char *init)
{
    if (!wg__at_least(l, "n_out", n_out, 1)) return false;
    return wg_layer_knows(l, act_fn, init) && wg_layer_knows(l, gate_fn, init);
}

/* The input of a step is [n, n_in], each state [n, n_out]. */
static wg_tensor *check_step(wg_layer *l, int n, wg_tensor *const *x, int64_t n_out)
{
    for (int i = 0; i < n; i++) {
        const wg_type *t = wg_tensor_type(x[i]);

        if (t->shape.rank != 2 || (i > 0 && t->shape.dim[1] != n_out))
            return i > 0 ? wg_record_fail(wg_tensor_graph(x[i]), WG_ESHAPE, wg_layer_kind(l),
                                          "state %d is %s, wanted [n, %lld]", i - 1, WG_TYPE_STR(t),
                                          (long long)n_out)
                         : wg_record_fail(wg_tensor_graph(x[i]), WG_ESHAPE, wg_layer_kind(l),
                                          "the input is %s, wanted [n, n_in]", WG_TYPE_STR(t));
    }
    return NULL;
}

static bool is_sequence(const wg_type *t)
{
    return t->shape.rank == 3 && t->shape.dim[2] >= 1;
}

static wg_tensor *check_sequence(wg_layer *l, wg_tensor *x)
{
    const wg_type *t = wg_tensor_type(x);

    if (is_sequence(t)) return NULL;
    return wg_record_fail(wg_tensor_graph(x), WG_ESHAPE, wg_layer_kind(l),
                          "the input is %s, wanted [n, n_in, n_t] with n_t at least 1",
                          WG_TYPE_STR(t));
}

/* n_in of a step [n, n_in] or a sequence [n, n_in, n_t]; -1 after an error. */
static int64_t learn_n_in(wg_layer *l, const wg_type *x, bool sequence)
{
    if (sequence ? !is_sequence(x) : x->shape.rank != 2) {
        wg_layer_fail(l, WG_ESHAPE, "the input is %s, wanted %s", WG_TYPE_STR(x),
                      sequence ? "[n, n_in, n_t] with n_t at least 1" : "[n, n_in]");
        return -1;
    }
    return x->shape.dim[1];
}

/* x [n, n_in, n_t] step by step: [n_t, n, n_in]; times a weight, that is one product for all steps.
 * The reshape changes nothing: it holds n_t, which the recorded steps depend on, when the graph
 * runs. */
static wg_tensor *all_steps(wg_tensor *x)
{
    int64_t n_t = wg_tensor_type(x)->shape.dim[2];
    wg_tensor *same = wg_reshape(x, WG_SHAPE(0, 0, n_t));

    return wg_permute(same, WG_AXES(2, 0, 1));
}

/* n_t results [n, n_out] as [n, n_out, n_t]. */
static wg_tensor *join_steps(int64_t n_t, wg_tensor *const *a)
{
    return wg_permute(wg_stack((int)n_t, a, 0), WG_AXES(1, 2, 0));
}

static wg_tensor **room_for_steps(wg_layer *l, wg_tensor *x)
{
    wg_tensor **a = wg_alloc(wg_tensor_type(x)->shape.dim[2], sizeof *a);

    if (!a) wg_record_fail(wg_tensor_graph(x), WG_ENOMEM, wg_layer_kind(l), "out of memory");
    return a;
}

static wg_shape state_shape(const wg_type *x, int64_t n_out)
{
    return WG_SHAPE(x->shape.rank > 0 ? x->shape.dim[0] : 0, n_out);
}

/* ---- RNNCell and RNN ---- */

static const wg_field rnn_fields[] = { WG_FIELD(wg_rnn_hyper, n_out),
                                       WG_FIELD_STR(wg_rnn_hyper, act_fn, "Tanh"),
                                       WG_FIELD_STR(wg_rnn_hyper, init, "glorot_uniform"),
                                       WG_FIELDS_END };

static bool rnn_make(wg_layer *l)
{
    const wg_rnn_hyper *h = wg_layer_hyper(l);

    return wg__recurrent_make(l, h->n_out, h->act_fn, NULL, h->init);
}

static bool rnn_params(wg_layer *l, int64_t n_in)
{
    const wg_rnn_hyper *h = wg_layer_hyper(l);

    return n_in >= 0 &&
           wg_layer_param(l, "Waa", WG_SHAPE(h->n_out, h->n_out), true, h->init, h->act_fn) &&
           wg_layer_param(l, "Wax", WG_SHAPE(n_in, h->n_out), true, h->init, h->act_fn) &&
           wg_layer_param(l, "ba", WG_SHAPE(h->n_out, 1), true, "zeros", NULL) &&
           wg_layer_param(l, "bx", WG_SHAPE(h->n_out, 1), true, "zeros", NULL);
}

static bool rnn_cell_init(wg_layer *l, int n, const wg_type *const *x)
{
    (void)n;
    return rnn_params(l, learn_n_in(l, x[0], false));
}

static bool rnn_init(wg_layer *l, int n, const wg_type *const *x)
{
    (void)n;
    return rnn_params(l, learn_n_in(l, x[0], true));
}

static wg_tensor *rnn_bias(wg_layer *l, wg_graph *g)
{
    wg_tensor *ba = wg_layer_leaf(l, g, "ba"), *bx = wg_layer_leaf(l, g, "bx");

    return wg_transpose(wg_add(ba, bx), 0, 1);
}

static wg_tensor *rnn_cell_apply(wg_layer *l, int n, wg_tensor *const *x)
{
    const wg_rnn_hyper *h = wg_layer_hyper(l);
    wg_graph *g = wg_tensor_graph(x[0]);
    wg_tensor *wrong = check_step(l, n, x, h->n_out), *from_a, *from_x;

    if (wrong) return wrong;
    from_a = wg_matmul(x[1], wg_layer_leaf(l, g, "Waa"));
    from_x = wg_matmul(x[0], wg_layer_leaf(l, g, "Wax"));
    return wg_act(h->act_fn,
                  wg_layer_value(l, wg_add(wg_add(from_a, from_x), rnn_bias(l, g)), "Z"));
}

static wg_tensor *rnn_apply(wg_layer *l, int n, wg_tensor *const *x)
{
    const wg_rnn_hyper *h = wg_layer_hyper(l);
    wg_graph *g = wg_tensor_graph(x[0]);
    wg_tensor *y = check_sequence(l, x[0]), *waa, *steps, *state, **a;
    int64_t n_t;

    (void)n;
    if (y) return y;
    a = room_for_steps(l, x[0]);
    if (!a) return wg_zeros_like(x[0]);
    n_t = wg_tensor_type(x[0])->shape.dim[2];
    waa = wg_layer_leaf(l, g, "Waa");
    steps = wg_add(wg_matmul(all_steps(x[0]), wg_layer_leaf(l, g, "Wax")), rnn_bias(l, g));
    state = wg_zeros_like(wg_select(steps, 0, 0));
    for (int64_t t = 0; t < n_t; t++)
        state = a[t] = wg_act(h->act_fn, wg_add(wg_matmul(state, waa), wg_select(steps, 0, t)));
    y = join_steps(n_t, a);
    wg_free(a);
    return y;
}

static wg_shape rnn_state(const wg_layer *l, const wg_type *const *x, int i)
{
    const wg_rnn_hyper *h = wg_layer_hyper(l);

    (void)i;
    return state_shape(x[0], h->n_out);
}

const wg_layer_class wg_class_rnn_cell = { .name = "RNNCell",
                                           .hyper_size = sizeof(wg_rnn_hyper),
                                           .hyper = rnn_fields,
                                           .n_in = 2,
                                           .n_state = 1,
                                           .make = rnn_make,
                                           .init = rnn_cell_init,
                                           .apply = rnn_cell_apply,
                                           .state = rnn_state };

wg_layer *wg_rnn_cell(wg_params *w, const char *name, wg_rnn_hyper hyper)
{
    return wg_layer_new(&wg_class_rnn_cell, w, name, &hyper);
}

const wg_layer_class wg_class_rnn = { .name = "RNN",
                                      .hyper_size = sizeof(wg_rnn_hyper),
                                      .hyper = rnn_fields,
                                      .n_in = 1,
                                      .make = rnn_make,
                                      .init = rnn_init,
                                      .apply = rnn_apply };

wg_layer *wg_rnn(wg_params *w, const char *name, wg_rnn_hyper hyper)
{
    return wg_layer_new(&wg_class_rnn, w, name, &hyper);
}

/* ---- LSTMCell and LSTM ---- */

static const wg_field lstm_fields[] = { WG_FIELD(wg_lstm_hyper, n_out),
                                        WG_FIELD_STR(wg_lstm_hyper, act_fn, "Tanh"),
                                        WG_FIELD_STR(wg_lstm_hyper, gate_fn, "Sigmoid"),
                                        WG_FIELD_STR(wg_lstm_hyper, init, "glorot_uniform"),
                                        WG_FIELDS_END };

/* The parts of z W + b in the order they are computed in: three gates, then the candidate. */
enum { FORGET, UPDATE, OUTPUT, CANDIDATE, N_PARTS };
static const char *const part_weight[] = { "Wf", "Wu", "Wo", "Wc" },
                         *const part_bias[] = { "bf", "bu", "bo", "bc" },
                         *const part_name[] = { "Gf", "Gu", "Go", "Cc" };

static bool lstm_make(wg_layer *l)
{
    const wg_lstm_hyper *h = wg_layer_hyper(l);

    return wg__recurrent_make(l, h->n_out, h->act_fn, h->gate_fn, h->init);
}

static bool lstm_params(wg_layer *l, int64_t n_in)
{
    /* numpy-ml's order */
    static const int order[] = { FORGET, UPDATE, CANDIDATE, OUTPUT };
    const wg_lstm_hyper *h = wg_layer_hyper(l);

    if (n_in < 0) return false;
    for (int i = 0; i < N_PARTS; i++) {
        int k = order[i];

        if (!wg_layer_param(l, part_weight[k], WG_SHAPE(h->n_out + n_in, h->n_out), true, h->init,
                            k == CANDIDATE ? h->act_fn : h->gate_fn) ||
            !wg_layer_param(l, part_bias[k], WG_SHAPE(1, h->n_out), true, "zeros", NULL))
            return false;
    }
    return true;
}

static bool lstm_cell_init(wg_layer *l, int n, const wg_type *const *x)
{
    (void)n;
    return lstm_params(l, learn_n_in(l, x[0], false));
}

static bool lstm_init(wg_layer *l, int n, const wg_type *const *x)
{
    (void)n;
    return lstm_params(l, learn_n_in(l, x[0], true));
}

/* The new states from the old cell state and the four parts of z W + b. */
static void lstm_states(wg_tensor *const *part, const wg_lstm_hyper *h, wg_tensor **a,
                        wg_tensor **c)
{
    *c = wg_add(wg_mul(part[FORGET], *c), wg_mul(part[UPDATE], part[CANDIDATE]));
    *a = wg_mul(part[OUTPUT], wg_act(h->act_fn, *c));
}

static bool lstm_cell_apply(wg_layer *l, int n, wg_tensor *const *x, wg_tensor **y)
{
    const wg_lstm_hyper *h = wg_layer_hyper(l);
    wg_graph *g = wg_tensor_graph(x[0]);
    wg_tensor *part[N_PARTS], *z;

    if (check_step(l, n, x, h->n_out)) return false;
    z = wg_concat(2, (wg_tensor *[]){ x[1], x[0] }, 1);
    for (int k = 0; k < N_PARTS; k++) {
        wg_tensor *product = wg_matmul(z, wg_layer_leaf(l, g, part_weight[k])),
                  *sum = wg_add(product, wg_layer_leaf(l, g, part_bias[k]));

        part[k] = wg_act(k == CANDIDATE ? h->act_fn : h->gate_fn, sum);
        wg_layer_value(l, part[k], part_name[k]);
    }
    y[1] = x[2];
    lstm_states(part, h, &y[0], &y[1]);
    return true;
}

/* With W = [Wa; Wx] the part of z W + b that the inputs give is one product for all steps; each
 * step adds a Wa, which the zero state of the first has none of. */
wg_tensor *wg__lstm_steps(wg_layer *l, wg_tensor *x, bool backwards, bool named)
{
    const wg_lstm_hyper *h = wg_layer_hyper(l);
    wg_graph *g = wg_tensor_graph(x);
    wg_tensor *from_a[N_PARTS], *steps[N_PARTS], *in = all_steps(x), *y = NULL, *c,
                                                 **a = room_for_steps(l, x);
    int64_t n_t = wg_tensor_type(x)->shape.dim[2];

    if (!a) return wg_zeros_like(x);
    for (int k = 0; k < N_PARTS; k++) {
        wg_tensor *weight = wg_layer_leaf(l, g, part_weight[k]),
                  *from_x = wg_slice_axis(weight, 0, h->n_out, WG_SLICE_END, 1);

        from_a[k] = wg_slice_axis(weight, 0, 0, h->n_out, 1);
        steps[k] = wg_add(wg_matmul(in, from_x), wg_layer_leaf(l, g, part_bias[k]));
    }
    c = wg_zeros_like(wg_select(steps[0], 0, 0));
    for (int64_t i = 0; i < n_t; i++) {
        int64_t t = backwards ? n_t - 1 - i : i;
        wg_tensor *part[N_PARTS];

        for (int k = 0; k < N_PARTS; k++) {
            wg_tensor *z = wg_select(steps[k], 0, t);

            if (y) z = wg_add(wg_matmul(y, from_a[k]), z);
            part[k] = wg_act(k == CANDIDATE ? h->act_fn : h->gate_fn, z);
            if (named) wg_layer_value(l, part[k], part_name[k]);
        }
        lstm_states(part, h, &y, &c);
        a[t] = y;
    }
    y = join_steps(n_t, a);
    wg_free(a);
    return y;
}

static wg_tensor *lstm_apply(wg_layer *l, int n, wg_tensor *const *x)
{
    wg_tensor *wrong = check_sequence(l, x[0]);

    (void)n;
    return wrong ? wrong : wg__lstm_steps(l, x[0], false, false);
}

static wg_shape lstm_state(const wg_layer *l, const wg_type *const *x, int i)
{
    const wg_lstm_hyper *h = wg_layer_hyper(l);

    (void)i;
    return state_shape(x[0], h->n_out);
}

const wg_layer_class wg_class_lstm_cell = { .name = "LSTMCell",
                                            .hyper_size = sizeof(wg_lstm_hyper),
                                            .hyper = lstm_fields,
                                            .n_in = 3,
                                            .n_out = 2,
                                            .n_state = 2,
                                            .make = lstm_make,
                                            .init = lstm_cell_init,
                                            .apply_all = lstm_cell_apply,
                                            .state = lstm_state };

wg_layer *wg_lstm_cell(wg_params *w, const char *name, wg_lstm_hyper hyper)
{
    return wg_layer_new(&wg_class_lstm_cell, w, name, &hyper);
}

const wg_layer_class wg_class_lstm = { .name = "LSTM",
                                       .hyper_size = sizeof(wg_lstm_hyper),
                                       .hyper = lstm_fields,
                                       .n_in = 1,
                                       .make = lstm_make,
                                       .init = lstm_init,
                                       .apply = lstm_apply };

wg_layer *wg_lstm(wg_params *w, const char *name, wg_lstm_hyper hyper)
{
    return wg_layer_new(&wg_class_lstm, w, name, &hyper);
}
