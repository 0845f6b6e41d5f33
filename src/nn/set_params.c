/* set_params.c: layers from JSON text. Everything is read and checked before anything changes. */
#include <stdio.h>
#include <string.h>

#include "classes.h"
#include "model.h"
#include "own.h"
#include "spell.h"
#include "summary.h"
#include "values.h"

static json_t *parse(const char *text, const char *kind, wg_error *error)
{
    json_error_t at;
    json_t *v = json_loads(text && text[0] ? text : "{}", JSON_REJECT_DUPLICATES, &at);

    if (!v) wg_fail(error, WG_EFORMAT, kind, "line %d column %d: %s", at.line, at.column, at.text);
    else if (!json_is_object(v)) wg_fail(error, WG_EFORMAT, kind, "the text is no JSON object");
    else return v;
    json_decref(v);
    return NULL;
}

/* ---- making ---- */

/* The class of that name; its error names the nearest. */
static const wg_layer_class *class_called(const char *kind, wg_error *error)
{
    const wg_layer_class *class = wg_layer_class_find(kind);

    if (class) return class;
    wg_fail(error, WG_ENAME, "layer", "no class is called \"%s\"; the nearest is %s",
            kind ? kind : "", wg__class_nearest(kind ? kind : ""));
    return NULL;
}

/* A layer with hyperparameters `base` (NULL: defaults) as changed by the object `json`. */
static wg_layer *changed_layer(const wg_layer_class *kind, wg_params *w, const char *name,
                               const void *base, const json_t *json, wg_error *error)
{
    void *hyper = wg_alloc(1, kind->hyper_size);
    wg_layer *l = NULL;

    if (hyper && wg__hyper_copy(hyper, kind, base, base != NULL)) {
        if (!wg__hyper_read(hyper, kind, json, error)) goto done;
        l = wg__layer_new(kind, w, name, hyper, true);
    }
    if (!l) wg_fail(error, WG_ENOMEM, kind->name, "out of memory");
    else if (l->broken.code != WG_OK) {
        if (error && error->code == WG_OK) *error = l->broken;
        wg_layer_free(l);
        l = NULL;
    }
done:
    if (hyper) wg__hyper_clear(hyper, kind);
    wg_free(hyper);
    return l;
}

/* ---- hyperparameters ---- */

static bool special(const char *key)
{
    static const char *const keys[] = { "layer",         "optimizer",  "optimizer_state",
                                        "component_ids", "components", NULL };

    for (int i = 0; keys[i]; i++)
        if (!strcmp(keys[i], key)) return true;
    return false;
}

/* "encoder_ids" of a model with the part "encoder": as its component_ids, told and never changed.
 * l NULL: of any part. */
static bool part_ids(const wg_layer *l, const char *key)
{
    size_t n = strlen(key);

    if (!l) return n > 4 && !strcmp(key + n - 4, "_ids");
    for (int i = 0; i < l->n_components; i++) {
        const char *id = l->components[i]->id;

        if (n == strlen(id) + 4 && !strncmp(key, id, n - 4) && !strcmp(key + n - 4, "_ids"))
            return true;
    }
    return false;
}

/* The object without what hyper.c does not read. */
static json_t *own_keys(const wg_layer *l, const json_t *from)
{
    json_t *to = json_object(), *value;
    const char *key;

    json_object_foreach((json_t *)from, key, value) if (!special(key) && !part_ids(l, key) &&
                                                        json_object_set(to, key, value) != 0)
    {
        json_decref(to);
        return NULL;
    }
    return to;
}

static bool right_class(const wg_layer *l, const json_t *v, wg_error *error)
{
    const json_t *kind = json_object_get(v, "layer");

    if (!kind || (json_is_string(kind) && !strcmp(json_string_value(kind), l->kind->name)))
        return true;
    wg_fail(error, WG_ENAME, l->kind->name, "%s: the text is of the class %s", l->name,
            json_is_string(kind) ? json_string_value(kind) : "?");
    return false;
}

static const wg_layer *part_called(const wg_layer *l, const char *id, wg_error *error)
{
    const char *names[64];
    int n = wg_layer_n_components(l);
    const wg_layer *c = wg_layer_component(l, id);

    if (c) return c;
    for (int i = 0; i < n && i < 64; i++) names[i] = l->components[i]->id;
    wg_fail(error, WG_ENAME, l->kind->name, "%s has no component %s; the nearest is %s", l->name,
            id, n ? wg__nearest(id, n < 64 ? n : 64, names) : "none");
    return NULL;
}

static bool same_hyper(const wg_layer *a, const wg_layer *b)
{
    json_t *x = wg__hyper_json(a->kind, a->hyper), *y = wg__hyper_json(b->kind, b->hyper);
    bool same = x && y && json_equal(x, y);

    json_decref(x);
    json_decref(y);
    return same;
}

static wg_layer *like(const wg_layer *old, const json_t *json, wg_error *error);

/* Component i of l as its text says, or else as it was. What changes in l itself its components
 * learn anew: only where nothing does do they keep what they had. */
static bool remake(wg_layer *l, int i, const wg_layer *old, const json_t *json, wg_error *error)
{
    const wg_layer *was = same_hyper(l, old) ? wg_layer_component(old, l->components[i]->id) : NULL;
    json_t *none = json ? NULL : json_object();
    wg_layer *made;

    if (!was && !json) {
        json_decref(none);
        return true;
    }
    made = like(was ? was : l->components[i], json ? json : none, error);
    json_decref(none);
    if (!made) return false;
    wg_layer_free(l->components[i]);
    l->components[i] = made;
    made->parent = l;
    made->id = made->name + strlen(l->name) + 1;
    return true;
}

/* A layer like `old`, without parameters, with hyperparameters changed by `json`; NULL on error. */
static wg_layer *like(const wg_layer *old, const json_t *json, wg_error *error)
{
    const json_t *parts = json_object_get(json, "components");
    json_t *own, *sub;
    const char *id;
    bool ok = true;
    wg_layer *l;

    if (!json_is_object(json)) {
        wg_fail(error, WG_EFORMAT, old->kind->name, "%s: hyperparameters are no object", old->name);
        return NULL;
    }
    if (!right_class(old, json, error)) return NULL;
    own = own_keys(old, json);
    if (!own) {
        wg_fail(error, WG_ENOMEM, old->kind->name, "out of memory");
        return NULL;
    }
    l = changed_layer(old->kind, old->store, old->name, old->hyper, own, error);
    json_decref(own);
    if (!l) return NULL;
    json_object_foreach((json_t *)parts, id, sub) ok = ok && part_called(l, id, error);
    for (int i = 0; i < l->n_components && ok; i++)
        ok = remake(l, i, old, json_object_get(parts, l->components[i]->id), error);
    if (ok) return l;
    wg_layer_free(l);
    return NULL;
}

static int part_like(const wg_layer *l, const wg_layer *part)
{
    for (int i = 0; i < l->n_components; i++)
        if (!strcmp(l->components[i]->id, part->id) && l->components[i]->kind == part->kind)
            return i;
    return -1;
}

/* l takes the hyperparameters of `made`, and its components: where l has one of that id and class
 * it stays and becomes as that. Parameters and flags stay; at the next use a layer says again what
 * it wants. made keeps what is not needed any more. */
static void become(wg_layer *l, wg_layer *made)
{
    wg_layer **components = l->components;
    void *hyper = l->hyper;
    int n = l->n_components;

    wg__verbs_forget(l);
    for (int i = 0; i < made->n_components; i++) {
        wg_layer *part = made->components[i];
        int k = part_like(l, part);

        if (k < 0) continue;
        become(l->components[k], part);
        made->components[i] = l->components[k];
        l->components[k] = part;
    }
    l->components = made->components;
    l->n_components = made->n_components;
    l->hyper = made->hyper;
    for (int i = 0; i < l->n_components; i++) l->components[i]->parent = l;
    made->components = components;
    made->n_components = n;
    made->hyper = hyper;
    for (int i = 0; i < l->n_entries; i++) {
        l->entries[i].valued |= !l->entries[i].early;
        l->entries[i].early = true;
    }
    l->ready = false;
    l->broken = (wg_error){ .code = WG_OK }; /* what was wrong may be right now */
}

static bool differs(const wg_layer *a, const wg_layer *b)
{
    bool differ = !same_hyper(a, b) || a->n_components != b->n_components;

    for (int i = 0; i < a->n_components && !differ; i++)
        differ = differs(a->components[i], b->components[i]);
    return differ;
}

/* ---- parameters ---- */

/* A value that set_params will give. */
typedef struct {
    wg_layer *layer;
    char key[WG_KEY_MAX];
    wg_array value;
} given;

typedef struct {
    given *at;
    int n;
} gifts;

static void drop_gifts(gifts *g)
{
    for (int i = 0; i < g->n; i++) wg__array_drop(&g->at[i].value);
    wg_free(g->at);
}

static bool add_gift(gifts *g, wg_layer *l, const char *key, const json_t *v, wg_error *error)
{
    given *more = wg_alloc(g->n + 1, sizeof *more);
    char full[WG_PATH_MAX];

    if (!more || !wg__layer_path(full, sizeof full, l, key)) {
        wg_free(more);
        wg_fail(error, WG_ENOMEM, l->kind->name, "out of memory");
        return false;
    }
    if (g->n) memcpy(more, g->at, (size_t)g->n * sizeof *more);
    wg_free(g->at);
    g->at = more;
    more[g->n].layer = l;
    snprintf(more[g->n].key, sizeof more->key, "%s", key);
    if (!wg__array_from_json(v, &more[g->n].value, l->kind->name, full, error)) return false;
    g->n++;
    return true;
}

/* The value fits the entry that is there, or one may be made. */
static bool check_gift(const given *v, wg_error *error)
{
    const wg_layer *l = v->layer;
    wg_array have = wg_layer_parameter(l, v->key);
    wg_dtype dtype = wg_params_dtype(l->store);
    const char *names[64];
    int n = l->n_entries < 64 ? l->n_entries : 64;

    if (strlen(v->key) + 1 > WG_KEY_MAX - 1) {
        wg_fail(error, WG_ENAME, l->kind->name, "%s: the name %s is too long", l->name, v->key);
    } else if (have.data && !wg_shape_equal(&have.type.shape, &v->value.type.shape)) {
        wg_fail(error, WG_ESHAPE, l->kind->name, "%s/%s is %s, the text has %s", l->name, v->key,
                WG_TYPE_STR(&have.type), WG_TYPE_STR(&v->value.type));
    } else if (v->value.type.dtype != dtype) {
        wg_fail(error, WG_EDTYPE, l->kind->name, "%s/%s: the text has %s, the store holds %s",
                l->name, v->key, WG_TYPE_STR(&v->value.type), wg_dtype_name(dtype));
    } else if (!have.data && l->ready) {
        for (int i = 0; i < n; i++) names[i] = l->entries[i].key;
        wg_fail(error, WG_ENAME, l->kind->name, "%s has no parameter %s; the nearest is %s",
                l->name, v->key, n ? wg__nearest(v->key, n, names) : "none");
    } else {
        return true;
    }
    return false;
}

static bool read_parameters(wg_layer *l, const json_t *json, gifts *g, wg_error *error)
{
    json_t *value, *sub;
    const char *key, *id;

    if (!json_is_object(json)) {
        wg_fail(error, WG_EFORMAT, l->kind->name, "%s: parameters are no object", l->name);
        return false;
    }
    json_object_foreach((json_t *)json, key, value)
    {
        if (!strcmp(key, "components")) continue;
        if (!add_gift(g, l, key, value, error) || !check_gift(&g->at[g->n - 1], error))
            return false;
    }
    json_object_foreach(
        json_object_get(json, "components"), id,
        sub) if (!part_called(l, id, error) ||
                 !read_parameters(wg_layer_component(l, id), sub, g, error)) return false;
    return true;
}

/* An entry for each value that has none yet, without value at first. */
static bool make_entries(const gifts *g, wg_error *error)
{
    char full[WG_PATH_MAX];

    for (int i = 0; i < g->n; i++) {
        wg_layer *l = g->at[i].layer;
        const wg_type *t = &g->at[i].value.type;
        wg__entry *e;

        if (wg__layer_entry(l, g->at[i].key)) continue;
        if (!wg__layer_path(full, sizeof full, l, g->at[i].key)) continue;
        e = wg__layer_new_entry(l, g->at[i].key, true);
        if (!e) {
            wg_fail(error, WG_ENOMEM, l->kind->name, "out of memory");
            return false;
        }
        e->early = true;
        if (wg_params_add(l->store, full, t->dtype, t->shape, true, NULL, error) != WG_OK) {
            l->n_entries--;
            return false;
        }
    }
    return true;
}

static void give(const gifts *g)
{
    for (int i = 0; i < g->n; i++) {
        wg_array have = wg_layer_parameter(g->at[i].layer, g->at[i].key);

        memcpy(have.data, g->at[i].value.data, (size_t)wg_type_bytes(&have.type));
        wg__layer_entry(g->at[i].layer, g->at[i].key)->valued = true;
    }
}

/* ---- optimizer ---- */

/* A new optimizer from its text, or from {"cache", "hyperparameters"}; *o stays NULL for null. */
static bool read_optimizer(const wg_layer *l, const json_t *v, wg_optim **o, wg_error *error)
{
    const char *id =
        json_string_value(json_object_get(json_object_get(v, "hyperparameters"), "id"));
    char text[WG_KEY_MAX], *json;
    bool ok;

    *o = NULL;
    if (!v || json_is_null(v)) return true;
    if (json_is_string(v))
        return (*o = wg_optim_from_text(NULL, "optimizer", json_string_value(v), error)) != NULL;
    if (!json_is_object(v)) {
        wg_fail(error, WG_EFORMAT, l->kind->name, "%s: optimizer is neither text nor object",
                l->name);
        return false;
    }
    if (!id && l->optim) *o = wg_optim_copy(l->optim);
    snprintf(text, sizeof text, "%s()", id ? id : "SGD");
    if (!*o) *o = wg_optim_from_text(NULL, "optimizer", text, error);
    json = *o ? json_dumps(v, JSON_COMPACT) : NULL;
    ok = json && wg_optim_set_params(*o, json, error) == WG_OK;
    if (*o && !json) wg_fail(error, WG_ENOMEM, l->kind->name, "out of memory");
    wg__json_text_free(json);
    if (ok) return true;
    wg_optim_free(*o);
    *o = NULL;
    return false;
}

/* ---- the whole ---- */

static bool known_sections(const wg_layer *l, const json_t *v, wg_error *error)
{
    static const char *const sections[] = { "layer", "parameters", "hyperparameters" };
    const json_t *value;
    const char *key;

    json_object_foreach((json_t *)v, key, value)
    {
        if (!strcmp(key, sections[0]) || !strcmp(key, sections[1]) || !strcmp(key, sections[2]))
            continue;
        wg_fail(error, WG_ENAME, l->kind->name, "%s: no section is called %s; the nearest is %s",
                l->name, key, wg__nearest(key, 3, sections));
        return false;
    }
    return right_class(l, v, error);
}

/* made: the layer as it would become, or NULL when no hyperparameter changes. */
static bool read_all(wg_layer *l, const json_t *v, wg_layer **made, wg_optim **o, gifts *g,
                     wg_error *error)
{
    const json_t *hyper = json_object_get(v, "hyperparameters"),
                 *params = json_object_get(v, "parameters"),
                 *optimizer = json_object_get(hyper, "optimizer_state");

    if (!optimizer || json_is_null(optimizer)) optimizer = json_object_get(hyper, "optimizer");
    if (!known_sections(l, v, error)) return false;
    if (hyper) {
        *made = like(l, hyper, error);
        if (!*made || !read_optimizer(l, optimizer, o, error)) return false;
        if (!differs(l, *made)) {
            wg_layer_free(*made);
            *made = NULL;
        }
    }
    return !params || (read_parameters(l, params, g, error) && make_entries(g, error));
}

static wg_status set_from(wg_layer *l, const json_t *v)
{
    wg_layer *made = NULL;
    wg_optim *o = NULL;
    gifts g = { NULL, 0 };

    if (read_all(l, v, &made, &o, &g, &l->error)) {
        /* from here on nothing can fail */
        wg_layer *root = wg__layer_root(l);

        give(&g);
        if (made) {
            /* what l is a component of has recorded it too */
            for (wg_layer *at = l->parent; at; at = at->parent) wg__verbs_forget(at);
            become(l, made);
            wg_layer_free(made);
        }
        if (o) {
            wg__steps_forget(root);
            wg_optim_free(root->optim);
            root->optim = o;
        }
    } else {
        wg_layer_free(made);
        wg_optim_free(o);
    }
    drop_gifts(&g);
    return l->error.code;
}

wg_status wg_layer_set_params(wg_layer *l, const char *json)
{
    json_t *v;

    if (!l) return WG_EARG;
    l->error = (wg_error){ .code = WG_OK };
    v = parse(json, l->kind->name, &l->error);
    if (v) set_from(l, v);
    json_decref(v);
    return l->error.code;
}

/* ---- making ---- */

/* What wg_layer_hyperparameters writes beside a layer's own keys: class, optimizer, components. */
static bool take_rest(wg_layer *l, const json_t *json, wg_error *error)
{
    json_t *whole = json_pack("{s:O}", "hyperparameters", json);

    if (!whole) wg_fail(error, WG_ENOMEM, l->kind->name, "out of memory");
    else if (set_from(l, whole) != WG_OK) *error = l->error;
    json_decref(whole);
    return error->code == WG_OK;
}

wg_layer *wg_layer_make(wg_params *w, const char *name, const char *kind, const char *json,
                        wg_error *error)
{
    const wg_layer_class *class;
    wg_error local = { .code = WG_OK };
    json_t *v = NULL, *own = NULL;
    wg_layer *l = NULL;

    class = class_called(kind, &local);
    if (class) v = parse(json, class->name, &local);
    if (v) own = own_keys(NULL, v);
    if (v && !own) wg_fail(&local, WG_ENOMEM, class->name, "out of memory");
    if (own) l = changed_layer(class, w, name, NULL, own, &local);
    if (l && json_object_size(own) < json_object_size(v) && !take_rest(l, v, &local)) {
        wg_layer_free(l);
        l = NULL;
    }
    json_decref(own);
    json_decref(v);
    if (!l && error) *error = local;
    return l;
}
