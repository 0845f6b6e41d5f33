/* fit_modules.c: numpy-ml's verbs on the modules of WGAN_GP, by their names. */
#include <string.h>

#include "fit.h"
#include "layer_impl.h"
#include "wengert/op.h"

wg_layer *wg_wgan_gp_module(wg_layer *l, const char *module, wg_error *error)
{
    if (!wg__is_wgan(l, "wgan_gp_module", error)) return NULL;
    if (module && strcmp(module, "C") == 0) return wg_layer_component(l, "critic");
    if (module && strcmp(module, "G") == 0) return wg_layer_component(l, "generator");
    wg_fail(error, WG_ENAME, l->kind->name, "no module is called '%s', wanted 'C' or 'G'",
            module ? module : "");
    return NULL;
}

/* The module for a verb; NULL with the reason in the model's error. */
static wg_layer *verb_module(wg_layer *l, const char *module)
{
    if (!l) return NULL;
    l->error = (wg_error){ .code = WG_OK };
    return wg_wgan_gp_module(l, module, &l->error);
}

/* A verb's error is the model's too. */
static wg_status ended(wg_layer *l, const wg_layer *m, wg_status status)
{
    if (status != WG_OK && l->error.code == WG_OK) l->error = *wg_layer_error(m);
    return status;
}

wg_status wg_wgan_gp_forward(wg_layer *l, const char *module, wg_array X, bool retain, wg_array *y)
{
    wg_layer *m = verb_module(l, module);
    const wg_wgan_gp_hyper *h;

    if (!m) return l ? l->error.code : WG_EARG;
    /* both modules have the model's columns; the first use of either tells them */
    h = wg_layer_hyper(l);
    if (!l->ready) {
        const wg_type *type = &X.type;

        if (!wg__layer_ready(l, 1, &type)) return wg_layer_error(l)->code;
    } else if (X.type.shape.rank != 2 || X.type.shape.dim[1] != h->n_feats) {
        return wg_fail(&l->error, WG_ESHAPE, l->kind->name, "X is %s, wanted [n, %lld]",
                       WG_TYPE_STR(&X.type), (long long)h->n_feats);
    }
    return ended(l, m, wg_layer_forward(m, 1, &X, retain, y));
}

wg_status wg_wgan_gp_backward(wg_layer *l, const char *module, wg_array dy, bool retain_grads,
                              wg_array *dX)
{
    wg_layer *m = verb_module(l, module);

    if (!m) return l ? l->error.code : WG_EARG;
    return ended(l, m, wg_layer_backward(m, 1, &dy, retain_grads, dX));
}

wg_status wg_wgan_gp_update(wg_layer *l, const char *module, double loss)
{
    wg_layer *m = verb_module(l, module);

    if (!m) return l ? l->error.code : WG_EARG;
    return ended(l, m, wg_layer_update(m, loss));
}

wg_status wg_wgan_gp_flush_gradients(wg_layer *l, const char *module)
{
    wg_layer *m = verb_module(l, module);

    if (!m) return l ? l->error.code : WG_EARG;
    wg_layer_flush_gradients(m);
    return WG_OK;
}
