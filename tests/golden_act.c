/* golden_act.c: runs the cases of golden/act_*.json. */
#include "golden_run.h"

/* Y, f'(X) and f''(X), the gradient of sum(Y dY), and once more through the array form. */
static bool golden_act_case(const json_t *c, double *worst)
{
    static const char *const outputs[] = { "Y", "grad", "grad2" };
    const char *act_fn = golden_string(c, "act_fn");
    golden_run r = golden_begin(c);
    wg_array x = golden_array(c, "inputs", "X"), dy = golden_array(c, "output_grads", "Y");
    wg_tensor *in = golden_input(&r, "X"), *y = wg_act(act_fn, in);
    bool ok;

    golden_expect(&r, y, "outputs", "Y", 1e-9);
    golden_expect(&r, wg_act_grad(act_fn, in), "outputs", "grad", 1e-9);
    golden_expect(&r, wg_act_grad2(act_fn, in), "outputs", "grad2", 1e-9);
    if (dy.data) {
        wg_tensor *s = wg_sum(wg_mul(y, wg_constant(r.g, dy)), WG_ALL_AXES, false);

        golden_expect(&r, wg_grad1(s, in), "input_grads", "X", 1e-9);
    }
    ok = golden_end(&r, worst);
    for (int i = 0; i < 3 && ok && golden_has(&r, "outputs", outputs[i]); i++) {
        wg_array want = golden_array(c, "outputs", outputs[i]), got = { 0 };
        wg_error error = { .code = WG_OK };

        ok = wg_act_array(act_fn, i, x, &got, &error) == WG_OK || golden_error(c, &error);
        ok = ok && golden_near(c, outputs[i], &got, &want, 1e-9, worst);
        wg_free(got.data);
        free(want.data);
    }
    free(dy.data);
    free(x.data);
    return ok;
}

const golden_kind golden_kinds_act[] = {
    { "Affine", golden_act_case },
    { "ELU", golden_act_case },
    { "Exponential", golden_act_case },
    { "GELU", golden_act_case },
    { "HardSigmoid", golden_act_case },
    { "Identity", golden_act_case },
    { "LeakyReLU", golden_act_case },
    { "ReLU", golden_act_case },
    { "SELU", golden_act_case },
    { "Sigmoid", golden_act_case },
    { "SoftPlus", golden_act_case },
    { "Tanh", golden_act_case },
    { NULL, NULL },
};
