/* ref_double.c: gradients of gradients of the references, as the golden double_backward has them.
 * Of its cases these are Conv2D's and LSTM's: dX of the first backward and S = sum G_X dX are
 * outputs. */
#include <stdlib.h>
#include <wengert/reference.h>

#include "ref_geometry.h"
#include "ref_subjects.h"

/* ---- Conv2D: by the reference's second backward ---- */

typedef struct {
    wg_ref_conv2d h;
    const double *X, *W, *dY, *G;
    double *Z; /* and the outputs behind it; free it */
    int64_t n_out, n_in;
} conv;

static bool conv_begin(const gcase *c, conv *v)
{
    const garray *X = g_in(c, "X"), *W = g_param(c, "W"), *dY = g_in(c, "dY");

    *v = (conv){ .h = { .stride = g_int(c, "stride", 1), .dilation = g_int(c, "dilation", 0) } };
    if (!X || X->rank != 4 || !W || W->rank != 4 || !dY || !g_in(c, "G_X")) return false;
    ref_set_image(&v->h, X);
    ref_set_kernel(&v->h, W);
    if (!ref_set_pad(&v->h, ref_hyper(c, "pad"), wg_ref_pad_same2d)) return false;
    if (!wg_ref_act_parse(g_str(c, "act_fn", NULL), &v->h.act_fn)) return false;
    v->X = X->f;
    v->W = W->f;
    v->dY = dY->f;
    v->G = g_in_f(c, "G_X");
    v->n_in = g_count(X);
    v->n_out = g_count(dY);
    v->Z = calloc((size_t)(2 * v->n_out) + 1, sizeof *v->Z);
    return v->Z &&
           wg_ref_conv2d_forward(&v->h, v->X, v->W, g_param_f(c, "b"), v->Z, v->Z + v->n_out);
}

static bool conv_forward(const gcase *c, gresult *r)
{
    bool ok = true;
    double *dX = ref_put_like(r, G_OUTPUT, "dX", g_in(c, "X"), &ok), S = 0;
    conv v;

    ok = conv_begin(c, &v) && ok &&
         wg_ref_conv2d_backward(&v.h, v.X, v.W, v.Z, v.dY, dX, NULL, NULL);
    for (int64_t i = 0; i < v.n_in && ok; i++) S += v.G[i] * dX[i];
    free(v.Z);
    return ok && g_put_num(r, G_OUTPUT, "S", S);
}

static bool conv_backward(const gcase *c, gresult *r)
{
    bool ok = true;
    double *ddY = ref_put_like(r, G_INPUT_GRAD, "dY", g_in(c, "dY"), &ok);
    double *dX2 = ref_put_like(r, G_INPUT_GRAD, "X", g_in(c, "X"), &ok);
    double *dW = ref_put_param(r, c, "W", &ok), *db = ref_put_param(r, c, "b", &ok);
    conv v;

    ok = conv_begin(c, &v) && ok &&
         wg_ref_conv2d_bwd2(&v.h, v.X, v.W, v.Z, v.dY, v.G, ddY, dX2, dW, db);
    free(v.Z);
    return ok;
}

/* ---- LSTM: the first backward, differentiated by differences ---- */

static const char *const names[8] = { "Wf", "Wu", "Wc", "Wo", "bf", "bu", "bc", "bo" };

static double **slot(wg_ref_lstm_params *p, int k)
{
    double **const at[8] = { &p->Wf, &p->Wu, &p->Wc, &p->Wo, &p->bf, &p->bu, &p->bc, &p->bo };

    return at[k];
}

/* Y and dX, and with g the parameters' gradients, for input X. */
static bool lstm_run(const gcase *c, const double *X, double *Y, double *dX, wg_ref_lstm_params *g)
{
    const garray *x = g_in(c, "X"), *dY = g_in(c, "dY");
    wg_ref_lstm_params p;
    wg_ref_rnn h;
    double *C;
    bool ok;

    if (!x || x->rank != 3 || !dY || dY->rank != 3) return false;
    for (int k = 0; k < 8; k++)
        if (!(*slot(&p, k) = ref_param(c, names[k]))) return false;
    h = (wg_ref_rnn){
        .n_ex = g_dim(x, 0), .n_in = g_dim(x, 1), .n_t = g_dim(x, 2), .n_out = g_dim(dY, 1)
    };
    if (!wg_ref_act_parse(g_str(c, "act_fn", "Tanh"), &h.act_fn) ||
        !wg_ref_act_parse(g_str(c, "gate_fn", "Sigmoid"), &h.gate_fn) ||
        !(C = calloc((size_t)g_count(dY) + 1, sizeof *C)))
        return false;
    ok = wg_ref_lstm_forward(&h, &p, X, Y, C) &&
         wg_ref_lstm_backward(&h, &p, X, Y, C, dY->f, NULL, dX, g);
    free(C);
    return ok;
}

static bool lstm_forward(const gcase *c, gresult *r)
{
    bool ok = true;
    double *dX = ref_put_like(r, G_OUTPUT, "dX", g_in(c, "X"), &ok), S = 0;
    const double *G = g_in_f(c, "G_X");
    double *Y = calloc(g_in(c, "dY") ? (size_t)g_count(g_in(c, "dY")) + 1 : 1, sizeof *Y);

    ok = ok && G && Y && lstm_run(c, g_in_f(c, "X"), Y, dX, NULL);
    for (int64_t i = 0; ok && i < g_count(g_in(c, "X")); i++) S += G[i] * dX[i];
    free(Y);
    return ok && g_put_num(r, G_OUTPUT, "S", S);
}

/* d (..) / de at X + e G, by a central difference of step h, added to the results with `weight`. S
 * is sum G dL/dX with L = sum dY Y, so its gradients are those of L differentiated along G: second
 * derivatives can be taken in either order. */
static bool along(const gcase *c, double h, double weight, gresult *r, double *X, double *Y,
                  double *dX)
{
    const garray *x = g_in(c, "X");
    const double *G = g_in_f(c, "G_X");
    double *toX = g_find(&r->section[G_INPUT_GRAD], "X")->f;
    double *todY = g_find(&r->section[G_INPUT_GRAD], "dY")->f;

    for (int side = -1; side <= 1; side += 2) {
        double w = side * weight / (2 * h);
        wg_ref_lstm_params g;
        bool ok = true;

        for (int64_t i = 0; i < g_count(x); i++) X[i] = x->f[i] + side * h * G[i];
        for (int k = 0; k < 8; k++) {
            const garray *p = g_param(c, names[k]);

            *slot(&g, k) = calloc(p ? (size_t)g_count(p) + 1 : 1, sizeof(double));
            ok = ok && *slot(&g, k);
        }
        ok = ok && lstm_run(c, X, Y, dX, &g);
        for (int64_t i = 0; i < g_count(x) && ok; i++) toX[i] += w * dX[i];
        for (int64_t i = 0; i < g_count(g_in(c, "dY")) && ok; i++) todY[i] += w * Y[i];
        for (int k = 0; k < 8; k++) {
            const garray *to = g_find(&r->section[G_PARAM_GRAD], names[k]);

            for (int64_t i = 0; ok && i < g_count(to); i++) to->f[i] += w * (*slot(&g, k))[i];
            free(*slot(&g, k));
        }
        if (!ok) return false;
    }
    return true;
}

static bool lstm_backward(const gcase *c, gresult *r)
{
    const garray *x = g_in(c, "X"), *dY = g_in(c, "dY");
    bool ok = true;
    double *room;

    ref_put_like(r, G_INPUT_GRAD, "X", x, &ok);
    ref_put_like(r, G_INPUT_GRAD, "dY", dY, &ok);
    for (int k = 0; k < 8; k++) ref_put_like(r, G_PARAM_GRAD, names[k], g_param(c, names[k]), &ok);
    if (!ok || !g_in_f(c, "G_X")) return false;
    room = calloc((size_t)(2 * g_count(x) + g_count(dY)) + 1, sizeof *room);
    /* Richardson: what is left is of the fourth order in the step. */
    ok = room && along(c, 1e-3, -1.0 / 3, r, room, room + 2 * g_count(x), room + g_count(x)) &&
         along(c, 5e-4, 4.0 / 3, r, room, room + 2 * g_count(x), room + g_count(x));
    free(room);
    return ok;
}

const gsubject ref_subjects_second_more[] = {
    { "Conv2D", conv_forward, conv_backward, "G_X" },
    { "LSTM", lstm_forward, lstm_backward, "G_X" },
    { NULL, NULL, NULL, NULL },
};
