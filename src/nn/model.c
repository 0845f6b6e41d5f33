/* model.c: what models share: chains of layers, and training steps by the model's optimizer. */
#include "model.h"

#include <stdio.h>
#include <string.h>

#include "layer_impl.h"
#include "wengert/ops.h"

wg_tensor *wg__chain(wg_layer *group, wg_tensor *x, wg_layer *model, const char *d)
{
    wg_graph *g = wg_tensor_graph(x);
    char key[WG_KEY_MAX];

    for (int i = 0; i < wg_layer_n_components(group); i++) {
        x = wg_apply(wg_layer_component_at(group, i), x);
        if (wg_graph_error(g)) break;
        if (!d) continue;
        snprintf(key, sizeof key, "%s_%s_out", d, wg_layer_component_id(group, i));
        wg_layer_value_grad(model, x, key);
    }
    return x;
}

bool wg__model_optimizer(wg_layer *l, const char *text)
{
    wg_error error = { .code = WG_OK };
    wg_optim *o = wg_optim_from_text(NULL, "optimizer", text, &error);

    if (!o)
        return wg_layer_fail(l, error.code, "%s: %s", error.op ? error.op : "optimizer",
                             error.text);
    wg_optim_free(l->optim);
    l->optim = o;
    return true;
}

void wg__model_minimize(wg_layer *model, const wg_layer *part, wg_tensor *loss)
{
    wg_graph *g = wg_tensor_graph(loss);
    wg_error error = { .code = WG_OK };
    char *text = wg_optim_text(model->optim), name[WG_PATH_MAX];
    wg_optim *o = NULL;

    snprintf(name, sizeof name, "%s/optimizer", part->name);
    if (text) o = wg_optim_from_text(model->store, name, text, &error);
    else wg_fail(&error, WG_ENOMEM, model->kind->name, "out of memory");
    if (o) wg_minimize(o, loss);
    else wg_record_fail(g, error.code, error.op, "%s", error.text);
    wg_optim_free(o);
    wg_free(text);
}
