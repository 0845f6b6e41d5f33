/* model_file.c: models as saved programs. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "classes.h"
#include "fit.h"
#include "layer_impl.h"
#include "wengert/io.h"

/* Metadata of a saved model. */
#define NAME_KEY  "model.name"
#define KIND_KEY  "model.class"
#define HYPER_KEY "model.hyperparameters"

static bool saves(const wg_layer *l, wg_error *error)
{
    if (!l || (l->kind != &wg_class_bernoulli_vae && l->kind != &wg_class_wgan_gp))
        wg_fail(error, WG_EARG, "model_save", "the layer is %s, wanted a BernoulliVAE or a WGAN_GP",
                l ? l->kind->name : "NULL");
    else if (!l->steps)
        wg_fail(error, WG_ESTATE, l->kind->name, "%s has seen no data; fit it first", l->name);
    else return true;
    return false;
}

bool wg__model_describe(wg_layer *l, wg_error *error)
{
    char *hyper = wg_layer_hyperparameters(l);

    if (!hyper) {
        wg_fail(error, WG_ENOMEM, l->kind->name, "out of memory");
        return false;
    }
    wg_metadata_set(l->steps->g, NAME_KEY, l->name);
    wg_metadata_set(l->steps->g, KIND_KEY, l->kind->name);
    wg_metadata_set(l->steps->g, HYPER_KEY, hyper);
    wg_free(hyper);
    if (!wg_graph_error(l->steps->g)) return true;
    *error = *wg_graph_error(l->steps->g);
    return false;
}

wg_status wg_model_save(const char *path, wg_layer *l, wg_error *error)
{
    wg_error own = { .code = WG_OK };

    if (saves(l, &own) && wg__model_describe(l, &own))
        wg_save(path, l->steps->g, l->store, NULL, &own);
    if (own.code != WG_OK && error && error->code == WG_OK) *error = own;
    return own.code;
}

/* {"hyperparameters": ...}: what set_params reads. */
static char *as_summary(const char *hyper)
{
    size_t n = strlen(hyper) + 32;
    char *text = wg_alloc((int64_t)n, 1);

    if (text) snprintf(text, n, "{\"hyperparameters\": %s}", hyper);
    return text;
}

static wg_layer *layer_of(wg_program *p, wg_error *error)
{
    const char *name = wg_metadata_get(p->graph, NAME_KEY),
               *kind = wg_metadata_get(p->graph, KIND_KEY),
               *hyper = wg_metadata_get(p->graph, HYPER_KEY);
    wg_layer *l = NULL;
    char *text;

    if (!name || !kind || !hyper) {
        wg_fail(error, WG_EFORMAT, "model_load", "the program's metadata name no model");
        return NULL;
    }
    l = wg_layer_make(p->params, name, kind, NULL, error);
    text = as_summary(hyper);
    if (l && text && wg_layer_set_params(l, text) == WG_OK) {
        wg_free(text);
        return l;
    }
    if (l && !text) wg_fail(error, WG_ENOMEM, "model_load", "out of memory");
    else if (l && error && error->code == WG_OK) *error = *wg_layer_error(l);
    wg_free(text);
    wg_layer_free(l);
    return NULL;
}

wg_layer *wg_model_load(const char *path, wg_params **store, wg_error *error)
{
    wg_program p;
    wg_layer *l;

    *store = NULL;
    if (wg_load(path, NULL, &p, error) != WG_OK) return NULL;
    l = layer_of(&p, error);
    if (!l) {
        wg_program_free(&p);
        return NULL;
    }
    *store = p.params;
    wg_graph_free(p.graph);
    return l;
}
