/* module_bilstm.c: BidirectionalLSTM: two LSTMs over a sequence, one in each direction. */
#include <string.h>

#include "classes.h"
#include "seq.h"
#include "spell.h"
#include "wengert/modules.h"
#include "wengert/ops.h"

static const wg_field bilstm_fields[] = {
    WG_FIELD(wg_bidirectional_lstm_hyper, n_out),
    WG_FIELD_STR(wg_bidirectional_lstm_hyper, act_fn, "Tanh"),
    WG_FIELD_STR(wg_bidirectional_lstm_hyper, gate_fn, "Sigmoid"),
    WG_FIELD_STR(wg_bidirectional_lstm_hyper, merge_mode, "concat"),
    WG_FIELD_STR(wg_bidirectional_lstm_hyper, init, "glorot_uniform"),
    WG_FIELD(wg_bidirectional_lstm_hyper, n_in),
    WG_FIELDS_END
};

enum { CONCAT, SUM, AVERAGE, MULTIPLY, N_MODES };
static const char *const modes[] = { "concat", "sum", "average", "multiply" };

static int mode_of(const wg_bidirectional_lstm_hyper *h)
{
    for (int i = 0; i < N_MODES; i++)
        if (!strcmp(h->merge_mode, modes[i])) return i;
    return -1;
}

static bool bilstm_make(wg_layer *l)
{
    const wg_bidirectional_lstm_hyper *h = wg_layer_hyper(l);
    wg_lstm_hyper cell = { h->n_out, h->act_fn, h->gate_fn, h->init };

    if (!wg__recurrent_make(l, h->n_out, h->act_fn, h->gate_fn, h->init)) return false;
    if (h->n_in < 0)
        return wg_layer_fail(l, WG_EARG, "n_in is %lld, wanted 0 or more", (long long)h->n_in);
    if (mode_of(h) < 0)
        return wg_layer_fail(l, WG_ENAME,
                             "merge_mode is \"%.60s\"; the nearest valid one is \"%s\"",
                             h->merge_mode, wg__nearest(h->merge_mode, N_MODES, modes));
    return wg_layer_add(l, "cell_fwd", "LSTMCell", &cell) &&
           wg_layer_add(l, "cell_bwd", "LSTMCell", &cell);
}

static bool check_sequence(wg_layer *l, wg_tensor *x)
{
    const wg_bidirectional_lstm_hyper *h = wg_layer_hyper(l);
    const wg_type *t = wg_tensor_type(x);

    if (t->shape.rank == 3 && t->shape.dim[2] >= 1 && (h->n_in == 0 || t->shape.dim[1] == h->n_in))
        return true;
    if (h->n_in > 0)
        wg_record_fail(wg_tensor_graph(x), WG_ESHAPE, wg_layer_kind(l),
                       "the input is %s, wanted [n, %lld, n_t] with n_t at least 1", WG_TYPE_STR(t),
                       (long long)h->n_in);
    else
        wg_record_fail(wg_tensor_graph(x), WG_ESHAPE, wg_layer_kind(l),
                       "the input is %s, wanted [n, n_in, n_t] with n_t at least 1",
                       WG_TYPE_STR(t));
    return false;
}

/* The hidden states of one direction as [n, n_out, n_t], in the order of time. */
static wg_tensor *direction(wg_layer *l, const char *id, wg_tensor *x, bool backwards)
{
    wg_layer *cell = wg_layer_component(l, id);
    wg_graph *g = wg_tensor_graph(x);
    wg_tensor *step = wg_select(x, 2, 0), *y;

    if (!wg__layer_begin(cell, g, 1, &step)) return step;
    y = wg__lstm_steps(cell, x, backwards, true);
    wg_scope_end(g);
    return y;
}

static wg_tensor *merge(int mode, wg_tensor *fwd, wg_tensor *bwd)
{
    wg_tensor *sum;

    if (mode == CONCAT) return wg_concat(2, (wg_tensor *[]){ fwd, bwd }, 1);
    if (mode == MULTIPLY) return wg_mul(fwd, bwd);
    sum = wg_add(fwd, bwd);
    return mode == SUM ? sum : wg_mul(sum, wg_scalar_like(sum, 0.5));
}

static wg_tensor *bilstm_apply(wg_layer *l, int n, wg_tensor *const *x)
{
    const wg_bidirectional_lstm_hyper *h = wg_layer_hyper(l);
    wg_tensor *fwd, *bwd;

    (void)n;
    if (!check_sequence(l, x[0])) return NULL;
    ((wg_bidirectional_lstm_hyper *)wg_layer_change_hyper(l))->n_in =
        wg_tensor_type(x[0])->shape.dim[1];
    fwd = direction(l, "cell_fwd", x[0], false);
    bwd = direction(l, "cell_bwd", x[0], true);
    return merge(mode_of(h), wg_layer_value(l, fwd, "Y_fwd"), wg_layer_value(l, bwd, "Y_bwd"));
}

const wg_layer_class wg_class_bidirectional_lstm = { .name = "BidirectionalLSTM",
                                                     .hyper_size =
                                                         sizeof(wg_bidirectional_lstm_hyper),
                                                     .hyper = bilstm_fields,
                                                     .n_in = 1,
                                                     .make = bilstm_make,
                                                     .apply = bilstm_apply };

wg_layer *wg_bidirectional_lstm(wg_params *w, const char *name, wg_bidirectional_lstm_hyper hyper)
{
    return wg_layer_new(&wg_class_bidirectional_lstm, w, name, &hyper);
}
