/* ref_seq.c: the reference recurrent layers as subjects of golden files. */
#include <stdio.h>
#include <stdlib.h>
#include <wengert/reference.h>

#include "ref_geometry.h"
#include "ref_subjects.h"

/* ---- geometry and parameters ---- */

static bool geometry(const gcase *c, const char *bias, wg_ref_rnn *h, int64_t dim[3])
{
    const garray *X = g_in(c, "X"), *b = g_param(c, bias);

    if (!X || X->rank != 3 || !b) return false;
    *h = (wg_ref_rnn){
        .n_ex = g_dim(X, 0), .n_in = g_dim(X, 1), .n_t = g_dim(X, 2), .n_out = g_count(b)
    };
    dim[0] = h->n_ex;
    dim[1] = h->n_out;
    dim[2] = h->n_t;
    return wg_ref_act_parse(g_str(c, "act_fn", "Tanh"), &h->act_fn) &&
           wg_ref_act_parse(g_str(c, "gate_fn", "Sigmoid"), &h->gate_fn);
}

static wg_ref_rnn_params rnn_params(const gcase *c)
{
    return (wg_ref_rnn_params){ ref_param(c, "Waa"), ref_param(c, "Wax"), ref_param(c, "ba"),
                                ref_param(c, "bx") };
}

static wg_ref_rnn_params rnn_grads(const gcase *c, gresult *r, bool *ok)
{
    wg_ref_rnn_params g = { ref_put_param(r, c, "Waa", ok), ref_put_param(r, c, "Wax", ok),
                            ref_put_param(r, c, "ba", ok), ref_put_param(r, c, "bx", ok) };

    *ok = *ok && g.Waa && g.Wax && g.ba && g.bx;
    return g;
}

static double **lstm_slot(wg_ref_lstm_params *p, int k)
{
    double **const slot[8] = { &p->Wf, &p->Wu, &p->Wc, &p->Wo, &p->bf, &p->bu, &p->bc, &p->bo };

    return slot[k];
}

static const char *const lstm_names[8] = { "Wf", "Wu", "Wc", "Wo", "bf", "bu", "bc", "bo" };

/* Parameters named `prefix` Wf, ...; their gradients as results. */
static wg_ref_lstm_params lstm_params(const gcase *c, const char *prefix, bool *ok)
{
    wg_ref_lstm_params p;

    for (int k = 0; k < 8; k++) {
        char name[G_NAME];

        snprintf(name, sizeof name, "%s%s", prefix, lstm_names[k]);
        *lstm_slot(&p, k) = ref_param(c, name);
        *ok = *ok && ref_param(c, name);
    }
    return p;
}

static wg_ref_lstm_params lstm_grads(const gcase *c, gresult *r, const char *prefix, bool *ok)
{
    wg_ref_lstm_params g;

    for (int k = 0; k < 8; k++) {
        char name[G_NAME];

        snprintf(name, sizeof name, "%s%s", prefix, lstm_names[k]);
        *lstm_slot(&g, k) = ref_put_param(r, c, name, ok);
    }
    return g;
}

/* ---- RNN: the cell step by step, and the whole layer ---- */

/* x (n) = step t of X (n, n_t), zeros before the first; and back. */
static void get_step(int64_t n, int64_t n_t, int64_t t, const double *X, double *x)
{
    for (int64_t i = 0; i < n; i++) x[i] = t < 0 || !X ? 0 : X[i * n_t + t];
}

static void set_step(int64_t n, int64_t n_t, int64_t t, const double *x, double *X)
{
    for (int64_t i = 0; i < n; i++) X[i * n_t + t] = x[i];
}

/* Room for `n` rows of the larger of input and output of a step. */
static double *rows(const wg_ref_rnn *h, int64_t n)
{
    int64_t wide = h->n_in > h->n_out ? h->n_in : h->n_out;

    return calloc((size_t)(n * h->n_ex * wide) + 1, sizeof(double));
}

static double *row(const wg_ref_rnn *h, double *base, int64_t k)
{
    return base + k * h->n_ex * (h->n_in > h->n_out ? h->n_in : h->n_out);
}

static bool rnn_cells(const wg_ref_rnn *h, const wg_ref_rnn_params *p, const double *X, double *Y)
{
    double *s = rows(h, 3), *A_prev = s, *A = row(h, s, 1), *x = row(h, s, 2);
    bool ok = s != NULL;

    for (int64_t t = 0; t < h->n_t && ok; t++) {
        get_step(h->n_ex * h->n_in, h->n_t, t, X, x);
        get_step(h->n_ex * h->n_out, h->n_t, t - 1, Y, A_prev);
        ok = wg_ref_rnn_cell_forward(h, p, x, A_prev, A);
        if (ok) set_step(h->n_ex * h->n_out, h->n_t, t, A, Y);
    }
    free(s);
    return ok;
}

static bool rnn_cells_back(const wg_ref_rnn *h, const wg_ref_rnn_params *p, const double *X,
                           const double *Y, const double *dY, double *dX, wg_ref_rnn_params *g)
{
    double *s = rows(h, 5), *A_prev = s, *dA = row(h, s, 1), *later = row(h, s, 2);
    double *x = row(h, s, 3), *dx = row(h, s, 4);
    bool ok = s != NULL;

    for (int64_t t = h->n_t - 1; t >= 0 && ok; t--) {
        get_step(h->n_ex * h->n_in, h->n_t, t, X, x);
        get_step(h->n_ex * h->n_out, h->n_t, t - 1, Y, A_prev);
        get_step(h->n_ex * h->n_out, h->n_t, t, dY, dA);
        ok = wg_ref_rnn_cell_backward(h, p, x, A_prev, dA, later, dx, g);
        if (ok) set_step(h->n_ex * h->n_in, h->n_t, t, dx, dX);
    }
    free(s);
    return ok;
}

static bool rnn_run(bool cells, bool back, const gcase *c, gresult *r)
{
    wg_ref_rnn_params p = rnn_params(c), g;
    double *Y, *dX, *own = NULL;
    int64_t dim[3];
    wg_ref_rnn h;
    bool ok = true;

    if (!geometry(c, "ba", &h, dim) || !p.Waa || !p.Wax || !p.bx) return false;
    if (back) Y = own = calloc((size_t)(dim[0] * dim[1] * dim[2]) + 1, sizeof *Y);
    else Y = ref_put(r, G_OUTPUT, "Y", 3, dim, &ok);
    ok = Y && (cells ? rnn_cells : wg_ref_rnn_forward)(&h, &p, g_in_f(c, "X"), Y);
    if (ok && back) {
        dX = ref_put_like(r, G_INPUT_GRAD, "X", g_in(c, "X"), &ok);
        g = rnn_grads(c, r, &ok);
        ok = ok && g_out_grad_f(c, "Y") &&
             (cells ? rnn_cells_back : wg_ref_rnn_backward)(&h, &p, g_in_f(c, "X"), Y,
                                                            g_out_grad_f(c, "Y"), dX, &g);
    }
    free(own);
    return ok;
}

static bool rnncell_forward(const gcase *c, gresult *r)
{
    return rnn_run(true, false, c, r);
}
static bool rnncell_backward(const gcase *c, gresult *r)
{
    return rnn_run(true, true, c, r);
}
static bool rnn_forward(const gcase *c, gresult *r)
{
    return rnn_run(false, false, c, r);
}
static bool rnn_backward(const gcase *c, gresult *r)
{
    return rnn_run(false, true, c, r);
}

/* ---- LSTM ---- */

static bool lstm_cells(const wg_ref_rnn *h, const wg_ref_lstm_params *p, const double *X, double *Y,
                       double *C)
{
    int64_t m = h->n_ex * h->n_in, n = h->n_ex * h->n_out;
    double *s = rows(h, 5), *A_prev = s, *C_prev = row(h, s, 1), *A = row(h, s, 2);
    double *c = row(h, s, 3), *x = row(h, s, 4);
    bool ok = s != NULL;

    for (int64_t t = 0; t < h->n_t && ok; t++) {
        get_step(m, h->n_t, t, X, x);
        get_step(n, h->n_t, t - 1, Y, A_prev);
        get_step(n, h->n_t, t - 1, C, C_prev);
        ok = wg_ref_lstm_cell_forward(h, p, x, A_prev, C_prev, A, c);
        if (!ok) break;
        set_step(n, h->n_t, t, A, Y);
        set_step(n, h->n_t, t, c, C);
    }
    free(s);
    return ok;
}

static bool lstm_cells_back(const wg_ref_rnn *h, const wg_ref_lstm_params *p, const double *X,
                            const double *Y, const double *C, const double *dY, const double *dC,
                            double *dX, wg_ref_lstm_params *g)
{
    int64_t m = h->n_ex * h->n_in, n = h->n_ex * h->n_out;
    double *s = rows(h, 9), *A_prev = s, *C_prev = row(h, s, 1), *c = row(h, s, 2);
    double *dA = row(h, s, 3), *dc = row(h, s, 4), *dA_later = row(h, s, 5);
    double *dC_later = row(h, s, 6), *x = row(h, s, 7), *dx = row(h, s, 8);
    bool ok = s != NULL;

    for (int64_t t = h->n_t - 1; t >= 0 && ok; t--) {
        get_step(m, h->n_t, t, X, x);
        get_step(n, h->n_t, t - 1, Y, A_prev);
        get_step(n, h->n_t, t - 1, C, C_prev);
        get_step(n, h->n_t, t, C, c);
        get_step(n, h->n_t, t, dY, dA);
        get_step(n, h->n_t, t, dC, dc);
        ok = wg_ref_lstm_cell_backward(h, p, x, A_prev, C_prev, c, dA, dC ? dc : NULL, dA_later,
                                       dC_later, dx, g);
        if (ok) set_step(m, h->n_t, t, dx, dX);
    }
    free(s);
    return ok;
}

static bool lstm_run(bool cells, bool back, const gcase *c, gresult *r)
{
    bool ok = true;
    wg_ref_lstm_params p = lstm_params(c, "", &ok), g;
    double *Y, *C, *dX, *own;
    int64_t dim[3], n;
    wg_ref_rnn h;

    if (!geometry(c, "bf", &h, dim) || !ok) return false;
    n = dim[0] * dim[1] * dim[2];
    own = calloc((size_t)(2 * n) + 1, sizeof *own);
    Y = back ? own : ref_put(r, G_OUTPUT, "Y", 3, dim, &ok);
    /* The layer returns hidden states only, unless a case asks for more. */
    C = back || !(cells || g_out(c, "C")) ? own + n : ref_put(r, G_OUTPUT, "C", 3, dim, &ok);
    ok = ok && own && (cells ? lstm_cells : wg_ref_lstm_forward)(&h, &p, g_in_f(c, "X"), Y, C);
    if (ok && back) {
        const double *dY = g_out_grad_f(c, "Y"), *dC = g_out_grad_f(c, "C");
        double *none = calloc((size_t)n + 1, sizeof *none);

        dX = ref_put_like(r, G_INPUT_GRAD, "X", g_in(c, "X"), &ok);
        g = lstm_grads(c, r, "", &ok);
        ok = ok && none && (dY || dC) &&
             (cells ? lstm_cells_back : wg_ref_lstm_backward)(&h, &p, g_in_f(c, "X"), Y, C,
                                                              dY ? dY : none, dC, dX, &g);
        free(none);
    }
    free(own);
    return ok;
}

static bool lstmcell_forward(const gcase *c, gresult *r)
{
    return lstm_run(true, false, c, r);
}
static bool lstmcell_backward(const gcase *c, gresult *r)
{
    return lstm_run(true, true, c, r);
}
static bool lstm_forward(const gcase *c, gresult *r)
{
    return lstm_run(false, false, c, r);
}
static bool lstm_backward(const gcase *c, gresult *r)
{
    return lstm_run(false, true, c, r);
}

/* ---- BidirectionalLSTM ---- */

static bool merge_mode(const gcase *c, wg_ref_merge *merge)
{
    static const char *const names[4] = { "concat", "sum", "average", "multiply" };
    const char *mode = g_str(c, "merge_mode", "concat");

    for (int k = 0; k < 4; k++)
        if (strcmp(mode, names[k]) == 0) {
            *merge = (wg_ref_merge)k;
            return true;
        }
    return false;
}

static bool bidirectional_forward(const gcase *c, gresult *r)
{
    bool ok = true;
    wg_ref_lstm_params fwd = lstm_params(c, "cell_fwd.", &ok);
    wg_ref_lstm_params bwd = lstm_params(c, "cell_bwd.", &ok);
    wg_ref_merge merge;
    int64_t dim[3];
    wg_ref_rnn h;
    double *Y;

    if (!ok || !geometry(c, "cell_fwd.bf", &h, dim) || !merge_mode(c, &merge)) return false;
    if (merge == WG_REF_CONCAT) dim[1] *= 2;
    Y = ref_put(r, G_OUTPUT, "Y", 3, dim, &ok);
    return ok && wg_ref_bidirectional_forward(&h, merge, &fwd, &bwd, g_in_f(c, "X"), Y);
}

static bool bidirectional_backward(const gcase *c, gresult *r)
{
    bool ok = true;
    wg_ref_lstm_params fwd = lstm_params(c, "cell_fwd.", &ok);
    wg_ref_lstm_params bwd = lstm_params(c, "cell_bwd.", &ok), dfwd, dbwd;
    wg_ref_merge merge;
    int64_t dim[3];
    wg_ref_rnn h;
    double *dX;

    if (!ok || !geometry(c, "cell_fwd.bf", &h, dim) || !merge_mode(c, &merge)) return false;
    dX = ref_put_like(r, G_INPUT_GRAD, "X", g_in(c, "X"), &ok);
    dfwd = lstm_grads(c, r, "cell_fwd.", &ok);
    dbwd = lstm_grads(c, r, "cell_bwd.", &ok);
    return ok && g_out_grad_f(c, "Y") &&
           wg_ref_bidirectional_backward(&h, merge, &fwd, &bwd, g_in_f(c, "X"),
                                         g_out_grad_f(c, "Y"), dX, &dfwd, &dbwd);
}

const gsubject ref_subjects_seq[] = {
    { "RNNCell", rnncell_forward, rnncell_backward, NULL },
    { "LSTMCell", lstmcell_forward, lstmcell_backward, NULL },
    { "RNN", rnn_forward, rnn_backward, NULL },
    { "LSTM", lstm_forward, lstm_backward, NULL },
    { "BidirectionalLSTM", bidirectional_forward, bidirectional_backward, NULL },
    { NULL, NULL, NULL, NULL },
};
