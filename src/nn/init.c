/* init.c: first values of weights, each from (store seed, entry name, index) alone. */
#include <math.h>
#include <string.h>

#include "wengert/nn.h"
#include "wengert/op.h"

bool wg_calc_fan(const wg_shape *shape, double *fan_in, double *fan_out)
{
    double field = 1;

    if (shape->rank < 2 || shape->rank > 4) return false;
    for (int i = 0; i < shape->rank - 2; i++) field *= (double)shape->dim[i];
    *fan_in = field * (double)shape->dim[shape->rank - 2];
    *fan_out = field * (double)shape->dim[shape->rank - 1];
    return true;
}

/* Normal draws, each drawn again from the next run of its stream while it lies beyond two standard
 * deviations. */
static void fill_truncated(wg_params *w, const wg_param *p, double std)
{
    uint64_t seed = wg_params_seed(w), key = wg_random_key(p->name);
    int64_t n = wg_shape_count(&p->value.type.shape);

    for (int64_t i = 0; i < n; i++) {
        double z = 3;

        for (uint64_t run = 0; fabs(z) > 2; run++)
            wg_random_normal(seed, key, run, i, 1, WG_F64, &z);
        if (p->value.type.dtype == WG_F32) ((float *)p->value.data)[i] = (float)(std * z);
        else ((double *)p->value.data)[i] = std * z;
    }
}

bool wg_init_known(const char *init, wg_error *error)
{
    static const char *const known[] = { "zeros",      "ones",           "he_uniform",
                                         "he_normal",  "glorot_uniform", "glorot_normal",
                                         "std_normal", "trunc_normal" };

    for (size_t i = 0; init && i < sizeof known / sizeof known[0]; i++)
        if (strcmp(init, known[i]) == 0) return true;
    if (init)
        wg_fail(error, WG_ENAME, "init_fill",
                "unknown initialiser \"%.60s\": known are zeros, ones, he_uniform, he_normal, "
                "glorot_uniform, "
                "glorot_normal, std_normal, trunc_normal",
                init);
    return !init;
}

wg_status wg_init_fill(wg_params *w, const char *entry, const char *init, const char *act_fn,
                       wg_error *error)
{
    const wg_param *p = wg_params_find(w, entry);
    double in = 0, out = 0, gain = wg_act_gain(act_fn);

    if (!p)
        return wg_fail(error, WG_ENAME, "init_fill", "the store has no entry \"%.160s\"",
                       entry ? entry : "");
    if (!wg_init_known(init, error)) return WG_ENAME;
    if (!init) init = "glorot_uniform";
    if (strcmp(init, "zeros") == 0) return wg_params_fill(w, entry, 0, error);
    if (strcmp(init, "ones") == 0) return wg_params_fill(w, entry, 1, error);
    if (!wg_dtype_is_real(p->value.type.dtype))
        return wg_fail(error, WG_EDTYPE, "init_fill", "\"%.80s\" is %s, wanted f32 or f64", entry,
                       WG_TYPE_STR(&p->value.type));
    if (strcmp(init, "std_normal") == 0) return wg_params_fill_normal(w, entry, 0, 1, error);
    if (strcmp(init, "trunc_normal") == 0) {
        fill_truncated(w, p, 1);
        return WG_OK;
    }
    if (!wg_calc_fan(&p->value.type.shape, &in, &out))
        return wg_fail(error, WG_ESHAPE, "init_fill",
                       "\"%.80s\" is %s: %s needs weights of rank 2, 3 or 4", entry,
                       WG_TYPE_STR(&p->value.type), init);
    if (in + out == 0) return WG_OK;
    if (strcmp(init, "he_uniform") == 0) {
        double bound = sqrt(6 / in);

        return wg_params_fill_uniform(w, entry, -bound, bound, error);
    }
    if (strcmp(init, "glorot_uniform") == 0) {
        double bound = gain * sqrt(6 / (in + out));

        return wg_params_fill_uniform(w, entry, -bound, bound, error);
    }
    fill_truncated(w, p, init[0] == 'h' ? sqrt(2 / in) : gain * sqrt(2 / (in + out)));
    return WG_OK;
}
