/*
 * layers.c: layers used numpy-ml's way, on arrays and without a graph: forward, backward, update,
 * derived variables, several forwards, freeze, summary and set_params. It prints
 *
 *     step   1  loss 2.6723
 *     step 100  loss 0.0001
 *     step 200  loss 0.0000
 *     Z 0.3473, tanh(Z) 0.3339, output 0.3339
 *     gradient of b after two forwards of 4 rows: 8
 *     frozen: dX yes, dW no
 *             fc2: the layer is frozen; unfreeze it first
 *     a twin from the summary predicts the same: yes
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <wengert.h>

static const double X[4][2] = { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 } }, Y[4] = { 0, 1, 1, 0 };

/* numpy-ml raises; here a verb returns its status, and the layer keeps the reason. */
static int failed(const wg_layer *l)
{
    wg_error_print(wg_layer_error(l), stderr);
    return 1;
}

/* One step of a network of two layers: forwards in order, backwards in reverse, then updates. */
static bool step(wg_layer *fc1, wg_layer *fc2, double *loss)
{
    wg_array x = WG_F64_ARRAY(X, 4, 2), h, p, dh;
    double dp[4];

    if (wg_layer_forward(fc1, 1, &x, true, &h) != WG_OK) return false;
    if (wg_layer_forward(fc2, 1, &h, true, &p) != WG_OK) return false;
    *loss = 0;
    for (int i = 0; i < 4; i++) { /* SquaredError and its gradient */
        dp[i] = ((double *)p.data)[i] - Y[i];
        *loss += 0.5 * dp[i] * dp[i];
    }
    if (wg_layer_backward(fc2, 1, &(wg_array){ p.type, dp }, true, &dh) != WG_OK) return false;
    if (wg_layer_backward(fc1, 1, &dh, true, NULL) != WG_OK) return false;
    return wg_layer_update(fc1, *loss) == WG_OK && wg_layer_update(fc2, *loss) == WG_OK;
}

int main(void)
{
    static const char optimizer[] =
        "Adam(lr_scheduler=ExponentialScheduler(initial_lr=0.05, stage_length=100, decay=0.5))";
    static const double ones[8] = { 1, 1, 1, 1, 1, 1, 1, 1 };
    wg_params *w = wg_params_new(WG_F64, 7), *other = wg_params_new(WG_F64, 8);
    wg_layer *fc1 = wg_fully_connected(w, "fc1", (wg_fc_hyper){ .n_out = 8, .act_fn = "Tanh" }),
             *fc2 = wg_fully_connected(w, "fc2", (wg_fc_hyper){ .n_out = 1 }),
             *twin = wg_fully_connected(other, "twin", (wg_fc_hyper){ .n_out = 1 });
    wg_array x = WG_F64_ARRAY(X, 4, 2), h, p, q, dy[2], dx[2];
    double loss = 0, mine[4];
    char *text;

    if (wg_layer_set_optimizer(fc1, optimizer) != WG_OK) return failed(fc1);
    if (wg_layer_set_optimizer(fc2, optimizer) != WG_OK) return failed(fc2);
    for (int i = 1; i <= 200; i++) {
        if (!step(fc1, fc2, &loss)) return failed(wg_layer_error(fc1)->code ? fc1 : fc2);
        if (i == 1 || i % 100 == 0) printf("step %3d  loss %.4f\n", i, loss);
    }

    /* What a forward kept: the value before the activation. */
    if (wg_layer_forward(fc1, 1, &x, true, &h) != WG_OK) return failed(fc1);
    q = wg_layer_derived(fc1, "Z");
    printf("Z %.4f, tanh(Z) %.4f, output %.4f\n", ((double *)q.data)[0],
           tanh(((double *)q.data)[0]), ((double *)h.data)[0]);
    wg_layer_flush_gradients(fc1);

    /* Two forwards, one backward with a gradient for each: they add up. */
    if (wg_layer_forward(fc1, 1, &x, false, &h) != WG_OK) return failed(fc1);
    for (int i = 0; i < 2; i++) {
        if (wg_layer_forward(fc2, 1, &h, true, &p) != WG_OK) return failed(fc2);
        dy[i] = (wg_array){ p.type, (void *)ones };
    }
    if (wg_layer_backward(fc2, 2, dy, true, dx) != WG_OK) return failed(fc2);
    printf("gradient of b after two forwards of 4 rows: %g\n",
           ((double *)wg_layer_gradient(fc2, "b").data)[0]);
    wg_layer_flush_gradients(fc2);

    /* A frozen layer hands gradients on and takes none itself. */
    wg_layer_freeze(fc2);
    if (wg_layer_forward(fc2, 1, &h, true, &p) != WG_OK) return failed(fc2);
    if (wg_layer_backward(fc2, 1, dy, true, dx) != WG_OK) return failed(fc2);
    printf("frozen: dX %s, dW %s\n", dx[0].data ? "yes" : "no",
           wg_layer_gradient(fc2, "W").data ? "yes" : "no");
    if (wg_layer_update(fc2, NAN) != WG_OK) printf("        %s\n", wg_layer_error(fc2)->text);
    wg_layer_unfreeze(fc2);

    /* Hyperparameters, parameters and the optimizer with its cache, as one text. */
    text = wg_layer_summary(fc2);
    if (!text || wg_layer_set_params(twin, text) != WG_OK) return failed(twin);
    wg_free(text);
    if (wg_layer_forward(fc2, 1, &h, false, &p) != WG_OK) return failed(fc2);
    memcpy(mine, p.data, sizeof mine);
    if (wg_layer_forward(twin, 1, &h, false, &q) != WG_OK) return failed(twin);
    printf("a twin from the summary predicts the same: %s\n",
           memcmp(mine, q.data, sizeof mine) == 0 ? "yes" : "no");

    wg_layer_free(twin);
    wg_layer_free(fc2);
    wg_layer_free(fc1);
    wg_params_free(other);
    wg_params_free(w);
    return 0;
}
