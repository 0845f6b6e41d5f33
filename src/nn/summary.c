/* summary.c: a layer as JSON text: hyperparameters, parameters, components, optimizer. */
#include <stdio.h>
#include <string.h>

#include "layer_impl.h"
#include "summary.h"
#include "values.h"

static bool put(json_t *object, const char *key, json_t *value)
{
    return object && value && json_object_set_new(object, key, value) == 0;
}

/* A new object with one member, or nothing. */
static json_t *drop_unless(bool ok, json_t *object)
{
    if (ok) return object;
    json_decref(object);
    return NULL;
}

/* ---- hyperparameters ---- */

static json_t *optimizer_json(const wg_layer *l)
{
    char *text = l->optim ? wg_optim_summary(l->optim) : NULL;
    json_t *v = text ? json_loads(text, 0, NULL) : NULL;

    wg_free(text);
    return l->optim ? v : json_null();
}

static json_t *optimizer_text(const wg_layer *l)
{
    char *text = l->optim ? wg_optim_text(l->optim) : NULL;
    json_t *v = text ? json_string(text) : NULL;

    wg_free(text);
    return l->optim ? v : json_null();
}

static json_t *ids_json(const wg_layer *l)
{
    json_t *ids = json_array();

    for (int i = 0; i < l->n_components; i++)
        if (json_array_append_new(ids, json_string(l->components[i]->id)) != 0) {
            json_decref(ids);
            return NULL;
        }
    return ids;
}

/* Of a part that is no class of its own (a model's encoder) numpy-ml lists the ids beside it. */
static bool put_part_ids(json_t *object, const wg_layer *part)
{
    char key[WG_KEY_MAX];

    if (!part->n_components || wg_layer_class_find(part->kind->name)) return true;
    snprintf(key, sizeof key, "%s_ids", part->id);
    return put(object, key, ids_json(part));
}

json_t *wg__layer_hyper_json(const wg_layer *l)
{
    json_t *object = wg__hyper_json(l->kind, l->hyper), *parts;
    bool ok = put(object, "layer", json_string(l->kind->name));

    if (!l->parent && l->n_components) {
        /* a module shows its optimizer as numpy-ml does, by its text; the cache stands apart */
        ok = ok && put(object, "optimizer", optimizer_text(l)) &&
             put(object, "optimizer_state", optimizer_json(l));
    } else if (!l->parent) {
        ok = ok && put(object, "optimizer", optimizer_json(l));
    }
    if (!l->n_components) return drop_unless(ok, object);
    parts = json_object();
    for (int i = 0; i < l->n_components && ok; i++)
        ok = put_part_ids(object, l->components[i]) &&
             put(parts, l->components[i]->id, wg__layer_hyper_json(l->components[i]));
    ok = put(object, "component_ids", ids_json(l)) && ok;
    ok = put(object, "components", parts) && ok;
    return drop_unless(ok, object);
}

static json_t *params_json(const wg_layer *l)
{
    json_t *object = json_object(), *parts;
    bool ok = object != NULL;

    for (int i = 0; i < l->n_entries && ok; i++) {
        wg_array value = wg_layer_param_value(l, i);

        ok = put(object, l->entries[i].key, wg__array_to_json(&value));
    }
    if (!l->n_components) return drop_unless(ok, object);
    parts = json_object();
    for (int i = 0; i < l->n_components && ok; i++)
        ok = put(parts, l->components[i]->id, params_json(l->components[i]));
    ok = put(object, "components", parts) && ok;
    return drop_unless(ok, object);
}

void wg__json_text_free(char *text)
{
    json_free_t release;

    json_get_alloc_funcs(NULL, &release);
    if (text) release(text);
}

/* jansson's memory is not the library's: what callers free is a copy. */
static char *text_of(json_t *v)
{
    char *text = v ? json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY) : NULL,
         *copy = text ? wg_text_copy(text) : NULL;

    wg__json_text_free(text);
    json_decref(v);
    return copy;
}

char *wg_layer_hyperparameters(const wg_layer *l)
{
    return l ? text_of(wg__layer_hyper_json(l)) : NULL;
}

char *wg_layer_summary(const wg_layer *l)
{
    json_t *object = l ? json_object() : NULL;
    bool ok = object && put(object, "layer", json_string(l->kind->name)) &&
              put(object, "parameters", params_json(l)) &&
              put(object, "hyperparameters", wg__layer_hyper_json(l));

    return text_of(drop_unless(ok, object));
}
