/* test_reference_steps.c: faults of numpy-ml in recurrent layers and in modules that read steps,
 * each shown on the references by numbers that follow from the definition. */
#include <wengert/reference.h>

#include "harness.h"
#include "ref_slope.h"
#include "ref_subjects.h"

/* ---- recurrent layers ---- */

enum { N_EX = 3, N_IN = 2, N_OUT = 4, N_T = 5, IN = N_EX * N_IN * N_T, OUT = N_EX * N_OUT * N_T };
enum { GATE = (N_OUT + N_IN) * N_OUT };

static const wg_ref_rnn sizes = {
    N_EX, N_IN, N_OUT, N_T, { WG_REF_TANH, 0, 0 }, { WG_REF_SIGMOID, 0, 0 }
};

/* Parameters of up to two LSTM cells, or their gradients. */
typedef struct {
    double memory[16][GATE];
    wg_ref_lstm_params one, two;
} cells;

static void cells_begin(cells *c)
{
    c->one = (wg_ref_lstm_params){ c->memory[0], c->memory[1], c->memory[2], c->memory[3],
                                   c->memory[4], c->memory[5], c->memory[6], c->memory[7] };
    c->two = (wg_ref_lstm_params){ c->memory[8],  c->memory[9],  c->memory[10], c->memory[11],
                                   c->memory[12], c->memory[13], c->memory[14], c->memory[15] };
}

static void cells_fill(cells *c)
{
    cells_begin(c);
    for (int k = 0; k < 16; k++) slope_fill(GATE, c->memory[k], (uint64_t)k + 1);
}

static void cells_zero(cells *c)
{
    memset(c, 0, sizeof *c);
    cells_begin(c);
}

/* A second minibatch runs as the first did: nothing is left between them but what is added. */
static void erratum_Y29_second_minibatch(void)
{
    static double W[6][16], dW[4][16], X[IN], Y[2][OUT], dY[OUT], dX[2][IN], once[4][16];
    wg_ref_rnn_params p = { W[0], W[1], W[2], W[3] }, g = { dW[0], dW[1], dW[2], dW[3] };

    for (int k = 0; k < 4; k++) slope_fill(16, W[k], (uint64_t)k + 1);
    slope_fill(IN, X, 5);
    slope_fill(OUT, dY, 6);
    for (int step = 0; step < 2; step++) {
        CHECK(wg_ref_rnn_forward(&sizes, &p, X, Y[step]));
        CHECK(wg_ref_rnn_backward(&sizes, &p, X, Y[step], dY, dX[step], &g));
        if (step == 0) memcpy(once, dW, sizeof dW);
    }
    SAME_BITS(Y[1], Y[0], sizeof Y[0]);
    SAME_BITS(dX[1], dX[0], sizeof dX[0]);
    for (int k = 0; k < 64; k++) CLOSE1(dW[k / 16][k % 16], 2 * once[k / 16][k % 16], 1e-13, 1e-13);
    CHECK(slope_dot(16, once[0], once[0]) > 1e-3);
}

/* The layers that numpy-ml cannot construct give what their cells give step by step: the golden
 * cases of the cells through the layers. */
static void erratum_Y30_layers_are_their_cells(void)
{
    static const char *const files[2][3] = { { "golden/layer_rnncell.json", "RNNCell", "RNN" },
                                             { "golden/layer_lstmcell.json", "LSTMCell", "LSTM" } };

    for (int f = 0; f < 2; f++) {
        const gsubject *cell = g_subject(ref_subjects_seq, files[f][1]);
        const gsubject *layer = g_subject(ref_subjects_seq, files[f][2]);
        char text[300] = "";
        gfile file;

        if (harness_check(g_file_load(files[f][0], &file, text), __FILE__, __LINE__, "%s", text))
            for (int k = 0; k < file.n; k++) {
                gresult a = { 0 }, b = { 0 };

                CHECK(cell->forward(&file.cases[k], &a) && layer->forward(&file.cases[k], &b));
                CHECK(cell->backward(&file.cases[k], &a) && layer->backward(&file.cases[k], &b));
                for (gsection s = G_OUTPUT; s <= G_PARAM_GRAD; s++) {
                    gcheck check = g_check_results(&a, &b, s);

                    harness_check(check.error == 0, __FILE__, __LINE__, "%s: %s",
                                  file.cases[k].name, check.where);
                }
                g_result_free(&a);
                g_result_free(&b);
            }
        g_file_free(&file);
    }
}

/* The gradients of a batch are those of its examples, one by one. */
static void erratum_Y31_all_rows_of_the_batch(void)
{
    static double X[IN], Y[OUT], C[OUT], dY[OUT], dX[IN], dX_one[IN];
    static cells p, whole, parts;
    wg_ref_rnn h = sizes;

    h.n_ex = 2;
    cells_fill(&p);
    cells_zero(&whole);
    cells_zero(&parts);
    slope_fill(IN, X, 31);
    slope_fill(OUT, dY, 32);
    CHECK(wg_ref_lstm_forward(&h, &p.one, X, Y, C));
    CHECK(wg_ref_lstm_backward(&h, &p.one, X, Y, C, dY, NULL, dX, &whole.one));
    h.n_ex = 1;
    for (int k = 0; k < 2; k++) {
        const double *x = X + k * N_IN * N_T, *dy = dY + k * N_OUT * N_T;

        CHECK(wg_ref_lstm_forward(&h, &p.one, x, Y, C));
        CHECK(wg_ref_lstm_backward(&h, &p.one, x, Y, C, dy, NULL, dX_one, &parts.one));
        CLOSE(dX + k * N_IN * N_T, dX_one, N_IN * N_T, 1e-13, 1e-13);
    }
    for (int k = 0; k < 8; k++) CLOSE(whole.memory[k], parts.memory[k], GATE, 1e-12, 1e-13);
    CHECK(slope_dot(GATE, parts.memory[0], parts.memory[0]) > 1e-6);
}

/* S = sum dY Y + sum dC C of an LSTM. */
typedef struct {
    double X[IN], Y[OUT], C[OUT], dY[OUT], dC[OUT];
    cells p;
} lstm_world;

static double lstm_S(void *context)
{
    lstm_world *w = context;

    if (!wg_ref_lstm_forward(&sizes, &w->p.one, w->X, w->Y, w->C)) return NAN;
    return slope_dot(OUT, w->dY, w->Y) + slope_dot(OUT, w->dC, w->C);
}

static void erratum_Y32_gradient_of_the_cell_state(void)
{
    static double dX[IN], without[IN];
    static lstm_world w;
    static cells g;

    cells_fill(&w.p);
    cells_zero(&g);
    slope_fill(IN, w.X, 41);
    slope_fill(OUT, w.dY, 42);
    slope_fill(OUT, w.dC, 43);
    CHECK(isfinite(lstm_S(&w)));
    CHECK(wg_ref_lstm_backward(&sizes, &w.p.one, w.X, w.Y, w.C, w.dY, NULL, without, NULL));
    CHECK(wg_ref_lstm_backward(&sizes, &w.p.one, w.X, w.Y, w.C, w.dY, w.dC, dX, &g.one));
    SLOPE_CLOSE(lstm_S, &w, IN, w.X, dX, 1e-8);
    for (int k = 0; k < 8; k++) SLOPE_CLOSE(lstm_S, &w, GATE, w.p.memory[k], g.memory[k], 1e-8);
    CHECK(fabs(dX[0] - without[0]) > 1e-6);
}

/* ---- BidirectionalLSTM ---- */

typedef struct {
    wg_ref_merge merge;
    double X[IN], Y[2 * OUT], dY[2 * OUT];
    cells p;
} both_world;

static double both_S(void *context)
{
    both_world *w = context;

    if (!wg_ref_bidirectional_forward(&sizes, w->merge, &w->p.one, &w->p.two, w->X, w->Y))
        return NAN;
    return slope_dot(w->merge == WG_REF_CONCAT ? 2 * OUT : OUT, w->dY, w->Y);
}

static void erratum_M1_every_merge_mode(void)
{
    static both_world w;
    static double dX[IN];
    static cells g;

    cells_fill(&w.p);
    slope_fill(IN, w.X, 51);
    slope_fill(2 * OUT, w.dY, 52);
    for (int merge = WG_REF_CONCAT; merge <= WG_REF_MULTIPLY; merge++) {
        w.merge = (wg_ref_merge)merge;
        cells_zero(&g);
        CHECK(wg_ref_bidirectional_backward(&sizes, w.merge, &w.p.one, &w.p.two, w.X, w.dY, dX,
                                            &g.one, &g.two));
        SLOPE_CLOSE(both_S, &w, IN, w.X, dX, 1e-8);
        for (int k = 0; k < 16; k++)
            SLOPE_CLOSE(both_S, &w, GATE, w.p.memory[k], g.memory[k], 1e-8);
    }
}

/* The same input twice, with another batch between, gives the same output. */
static void erratum_M18_states_start_from_zero(void)
{
    static double first[2 * OUT];
    static both_world w;
    wg_ref_rnn h = sizes;

    cells_fill(&w.p);
    slope_fill(IN, w.X, 61);
    CHECK(wg_ref_bidirectional_forward(&h, WG_REF_CONCAT, &w.p.one, &w.p.two, w.X, first));
    h.n_ex = 1;
    CHECK(wg_ref_bidirectional_forward(&h, WG_REF_CONCAT, &w.p.one, &w.p.two, w.X, w.Y));
    SAME_BITS(w.Y, first,
              2 * N_OUT * N_T * sizeof(double)); /* an example does not know the others */
    CHECK(wg_ref_bidirectional_forward(&sizes, WG_REF_CONCAT, &w.p.one, &w.p.two, w.X, w.Y));
    SAME_BITS(w.Y, first, sizeof first);
}

/* ---- WavenetResidualModule ---- */

typedef struct {
    wg_ref_wavenet h;
    wg_ref_wavenet_params p;
    double memory[4][60], X[2][48], Y[2][48], dY[2][48];
} wavenet_world;

static void wavenet_begin(wavenet_world *w, int64_t kernel_width)
{
    memset(w, 0, sizeof *w);
    w->h = (wg_ref_wavenet){ 2, 8, 3, 4, kernel_width, 0 };
    w->p = (wg_ref_wavenet_params){ w->memory[0], w->memory[1], w->memory[2], w->memory[3] };
    for (int k = 0; k < 4; k++) slope_fill(60, w->memory[k], (uint64_t)k + 1);
    for (int k = 0; k < 2; k++) slope_fill(48, w->X[k], (uint64_t)k + 71);
    for (int k = 0; k < 2; k++) slope_fill(48, w->dY[k], (uint64_t)k + 73);
}

static double wavenet_S(void *context)
{
    wavenet_world *w = context;

    if (!wg_ref_wavenet_forward(&w->h, &w->p, w->X[0], w->X[1], w->Y[0], w->Y[1])) return NAN;
    return slope_dot(48, w->dY[0], w->Y[0]) + slope_dot(48, w->dY[1], w->Y[1]);
}

/* The kernel is as wide as asked: with five taps the first element reaches the fifth, not the
 * sixth, with two only the second; and the gradients are those of that kernel. */
static void erratum_M7_kernel_width(void)
{
    static const int64_t width[2] = { 5, 2 };
    static wavenet_world w;
    static double dX[2][48], dp[4][60], before[48];

    for (int k = 0; k < 2; k++) {
        wg_ref_wavenet_params g = { dp[0], dp[1], dp[2], dp[3] };

        wavenet_begin(&w, width[k]);
        memset(dp, 0, sizeof dp);
        CHECK(isfinite(wavenet_S(&w)));
        memcpy(before, w.Y[1], sizeof before);
        w.X[0][0] += 0.5;
        wavenet_S(&w);
        for (int64_t t = 0; t < 8; t++) CHECK((w.Y[1][t * 3] != before[t * 3]) == (t < width[k]));
        CHECK(wg_ref_wavenet_backward(&w.h, &w.p, w.X[0], w.dY[1], w.dY[0], dX[0], dX[1], &g));
        SLOPE_CLOSE(wavenet_S, &w, 48, w.X[0], dX[0], 1e-8);
        SLOPE_CLOSE(wavenet_S, &w, 48, w.X[1], dX[1], 1e-8);
        for (int i = 0; i < 4; i++) SLOPE_CLOSE(wavenet_S, &w, 60, w.memory[i], dp[i], 1e-8);
    }
}

static void erratum_M8_no_skip_input(void)
{
    static wavenet_world w;
    static double main[48], skip[48];

    wavenet_begin(&w, 2);
    CHECK(wg_ref_wavenet_forward(&w.h, &w.p, w.X[0], NULL, main, skip));
    memset(w.X[1], 0, sizeof w.X[1]);
    CHECK(isfinite(wavenet_S(&w)));
    SAME_BITS(main, w.Y[0], sizeof main);
    SAME_BITS(skip, w.Y[1], sizeof skip);
}

/* ---- MultiHeadedAttentionModule ---- */

enum { DIM = 4, T_Q = 3, T_K = 5, QUERY = 2 * T_Q * DIM, KEY = 2 * T_K * DIM };

typedef struct {
    wg_ref_heads h;
    wg_ref_heads_params p;
    double memory[8][DIM * DIM], Q[QUERY], K[KEY], V[KEY], Y[QUERY], dY[QUERY];
    double P[60], A[60], mask[60];
} heads_world;

static void heads_begin(heads_world *w, int64_t t_q, int64_t t_k)
{
    memset(w, 0, sizeof *w);
    w->h = (wg_ref_heads){ 2, t_q, t_k, 2, DIM, 0.5 };
    w->p = (wg_ref_heads_params){ w->memory[0], w->memory[1], w->memory[2], w->memory[3],
                                  w->memory[4], w->memory[5], w->memory[6], w->memory[7] };
    for (int k = 0; k < 8; k++) slope_fill(DIM * DIM, w->memory[k], (uint64_t)k + 1);
    slope_fill(QUERY, w->Q, 81);
    slope_fill(KEY, w->K, 82);
    slope_fill(KEY, w->V, 83);
    slope_fill(QUERY, w->dY, 84);
    for (int k = 0; k < 60; k++) w->mask[k] = k % 3 > 0;
}

static double heads_S(void *context)
{
    heads_world *w = context;

    if (!wg_ref_heads_forward(&w->h, &w->p, w->Q, w->K, w->V, w->mask, w->P, w->A, w->Y))
        return NAN;
    return slope_dot(2 * w->h.t_q * DIM, w->dY, w->Y);
}

/* Many steps, other steps to look at, and weights dropped: what one step cannot show, for its only
 * weight is always 1 and the gradients of queries and keys are 0. */
static void erratum_M2_any_number_of_steps(void)
{
    static double dQ[QUERY], dK[KEY], dV[KEY], dp[8][DIM * DIM];
    static heads_world w;
    wg_ref_heads_params g = { dp[0], dp[1], dp[2], dp[3], dp[4], dp[5], dp[6], dp[7] };

    heads_begin(&w, T_Q, T_K);
    CHECK(wg_ref_heads_backward(&w.h, &w.p, w.Q, w.K, w.V, w.mask, w.dY, dQ, dK, dV, &g));
    SLOPE_CLOSE(heads_S, &w, QUERY, w.Q, dQ, 1e-8);
    SLOPE_CLOSE(heads_S, &w, KEY, w.K, dK, 1e-8);
    SLOPE_CLOSE(heads_S, &w, KEY, w.V, dV, 1e-8);
    for (int k = 0; k < 8; k++) SLOPE_CLOSE(heads_S, &w, DIM * DIM, w.memory[k], dp[k], 1e-8);
    CHECK(slope_dot(QUERY, dQ, dQ) > 1e-6 && slope_dot(KEY, dK, dK) > 1e-6);

    heads_begin(&w, 1, 1);
    CHECK(wg_ref_heads_backward(&w.h, &w.p, w.Q, w.K, w.V, NULL, w.dY, dQ, dK, dV, &g));
    CLOSE1(slope_dot(2 * DIM, dQ, dQ) + slope_dot(2 * DIM, dK, dK), 0, 0, 1e-30);
    CHECK(slope_dot(2 * DIM, dV, dV) > 1e-6);
}

/* Only weights are dropped: with a mask that keeps all, what the heads give is twice as large for
 * p = 1/2, and what it drops is exactly 0 among the weights and nowhere else. */
static void erratum_M4_weights_alone_are_dropped(void)
{
    static double plain[QUERY];
    static heads_world w;

    heads_begin(&w, T_Q, T_K);
    CHECK(wg_ref_heads_forward(&w.h, &w.p, w.Q, w.K, w.V, NULL, NULL, NULL, plain));
    CHECK(isfinite(heads_S(&w)));
    for (int k = 0; k < 60; k++) CLOSE1(w.A[k], w.mask[k] * 2 * w.P[k], 1e-15, 0);
    for (int k = 0; k < 60; k++) w.mask[k] = 1;
    CHECK(isfinite(heads_S(&w)));
    for (int k = 0; k < QUERY; k++) {
        double b = w.p.O_b[k % DIM];

        CLOSE1(w.Y[k] - b, 2 * (plain[k] - b), 1e-12, 1e-13);
    }
}

TESTS(TEST(erratum_Y29_second_minibatch), TEST(erratum_Y30_layers_are_their_cells),
      TEST(erratum_Y31_all_rows_of_the_batch), TEST(erratum_Y32_gradient_of_the_cell_state),
      TEST(erratum_M1_every_merge_mode), TEST(erratum_M18_states_start_from_zero),
      TEST(erratum_M7_kernel_width), TEST(erratum_M8_no_skip_input),
      TEST(erratum_M2_any_number_of_steps), TEST(erratum_M4_weights_alone_are_dropped))
