/* init.c: first values of weights, each from (store seed, entry name, index) alone. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "wengert/nn.h"
#include "wengert/op.h"
#include "spell.h"

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
static void fill_truncated(wg_params *w, const wg_param *p, double mean, double std)
{
    uint64_t seed = wg_params_seed(w), key = wg_random_key(p->name);
    int64_t n = wg_shape_count(&p->value.type.shape);

    for (int64_t i = 0; i < n; i++) {
        double z = 3;

        for (uint64_t run = 0; fabs(z) > 2; run++)
            wg_random_normal(seed, key, run, i, 1, WG_F64, &z);
        if (p->value.type.dtype == WG_F32) ((float *)p->value.data)[i] = (float)(mean + std * z);
        else ((double *)p->value.data)[i] = mean + std * z;
    }
}

static const char *const known[] = {
    "zeros",          "ones",          "he_uniform", "he_normal",
    "glorot_uniform", "glorot_normal", "std_normal", "trunc_normal"
};
enum { N_KNOWN = sizeof known / sizeof known[0] };

bool wg_init_known(const char *init, wg_error *error)
{
    char name[61];

    if (!init) return true;
    for (int i = 0; i < N_KNOWN; i++)
        if (strcmp(init, known[i]) == 0) return true;
    snprintf(name, sizeof name, "%s", init);
    wg_fail(error, WG_ENAME, "init_fill",
            "unknown initialiser \"%s\", nearest is \"%s\": known are zeros, ones, he_uniform, "
            "he_normal, glorot_uniform, glorot_normal, std_normal, trunc_normal",
            name, wg__nearest(name, N_KNOWN, known));
    return false;
}

/* The entry, of a real type; NULL after an error. */
static const wg_param *real_entry(wg_params *w, const char *entry, const char *function,
                                  wg_error *error)
{
    const wg_param *p = w && entry ? wg_params_find(w, entry) : NULL;

    if (!p)
        wg_fail(error, WG_ENAME, function, "the store has no entry \"%.160s\"", entry ? entry : "");
    else if (wg_dtype_is_real(p->value.type.dtype)) return p;
    else
        wg_fail(error, WG_EDTYPE, function, "\"%.80s\" is %s, wanted f32 or f64", entry,
                WG_TYPE_STR(&p->value.type));
    return NULL;
}

wg_status wg_init_trunc_normal(wg_params *w, const char *entry, double mean, double std,
                               wg_error *error)
{
    const wg_param *p;

    if (!isfinite(mean) || !(std >= 0) || !isfinite(std))
        return wg_fail(error, WG_EARG, "init_trunc_normal",
                       "mean %g and std %g: wanted finite numbers, std at least 0", mean, std);
    p = real_entry(w, entry, "init_trunc_normal", error);
    if (!p) return w && entry && wg_params_find(w, entry) ? WG_EDTYPE : WG_ENAME;
    fill_truncated(w, p, mean, std);
    return WG_OK;
}

wg_status wg_init_fill(wg_params *w, const char *entry, const char *init, const char *act_fn,
                       wg_error *error)
{
    static const char function[] = "init_fill";
    wg_error inner = { .code = WG_OK }, *e = error ? error : &inner;
    const wg_param *p = w && entry ? wg_params_find(w, entry) : NULL;
    double in = 0, out = 0, gain, bound;

    if (!p)
        return wg_fail(e, WG_ENAME, function, "the store has no entry \"%.160s\"",
                       entry ? entry : "");
    if (!wg_init_known(init, e) || !wg_act_known(act_fn, e)) return e->code;
    if (!init) init = "glorot_uniform";
    if (strcmp(init, "zeros") == 0) return wg_params_fill(w, entry, 0, e);
    if (strcmp(init, "ones") == 0) return wg_params_fill(w, entry, 1, e);
    if (!real_entry(w, entry, function, e)) return WG_EDTYPE;
    if (strcmp(init, "std_normal") == 0) return wg_params_fill_normal(w, entry, 0, 1, e);
    if (strcmp(init, "trunc_normal") == 0) {
        fill_truncated(w, p, 0, 1);
        return WG_OK;
    }
    if (!wg_calc_fan(&p->value.type.shape, &in, &out))
        return wg_fail(e, WG_ESHAPE, function,
                       "\"%.80s\" is %s: %s needs weights of rank 2, 3 or 4", entry,
                       WG_TYPE_STR(&p->value.type), init);
    if (wg_shape_count(&p->value.type.shape) == 0) return WG_OK; /* a fan of 0 has no bound */
    gain = wg_act_gain(act_fn);
    if (strstr(init, "_normal")) {
        fill_truncated(w, p, 0, init[0] == 'h' ? sqrt(2 / in) : gain * sqrt(2 / (in + out)));
        return WG_OK;
    }
    bound = init[0] == 'h' ? sqrt(6 / in) : gain * sqrt(6 / (in + out));
    return wg_params_fill_uniform(w, entry, -bound, bound, e);
}
