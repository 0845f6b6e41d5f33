/* params.c: the store: name -> value, whether it is trained, whether somebody has claimed it. */
#include <inttypes.h>
#include <string.h>

#include "internal.h"

enum {
    DRAWS = 512, /* of a fill at a time */
    LINE = 64    /* bytes: values begin at a multiple, as vectors and cache lines do */
};

wg_params *wg__params_empty(wg_dtype dtype, uint64_t seed)
{
    wg_params *w = wg_dtype_is_real(dtype) ? wg__zalloc(sizeof *w) : NULL;

    if (!w) return NULL;
    w->dtype = dtype;
    w->seed = seed;
    return w;
}

wg_params *wg_params_new(wg_dtype dtype, uint64_t seed)
{
    wg_params *w = wg__params_empty(dtype, seed);
    int64_t bits = (int64_t)seed;

    if (!w) return NULL;
    if (wg_params_add(w, "rng/seed", WG_I64, WG_SHAPE_SCALAR, false, NULL, NULL) != WG_OK ||
        wg_params_add(w, "rng/run", WG_I64, WG_SHAPE_SCALAR, false, NULL, NULL) != WG_OK) {
        wg_params_free(w);
        return NULL;
    }
    memcpy(wg__params_find(w, "rng/seed")->value.data, &bits, sizeof bits);
    return w;
}

static void free_entry(struct wg_entry *e)
{
    if (!e) return;
    wg__release(e->block);
    wg__release((void *)(uintptr_t)e->param.name);
    wg__release(e);
}

void wg_params_free(wg_params *w)
{
    if (!w) return;
    for (int64_t i = 0; i < w->n; i++) free_entry(w->entry[i]);
    wg__release(w->entry);
    wg__table_free(&w->names);
    wg__release(w);
}

wg_dtype wg_params_dtype(const wg_params *w)
{
    return w ? w->dtype : WG_F32;
}

uint64_t wg_params_seed(const wg_params *w)
{
    return w ? w->seed : 0;
}

int wg_params_count(const wg_params *w)
{
    return w ? (int)w->n : 0;
}

const wg_param *wg_params_at(const wg_params *w, int i)
{
    return w && i >= 0 && i < w->n ? &w->entry[i]->param : NULL;
}

wg_param *wg__params_find(const wg_params *w, const char *name)
{
    int64_t i = w && name ? wg__table_get(&w->names, name) : -1;

    return i < 0 ? NULL : &w->entry[i]->param;
}

const wg_param *wg_params_find(const wg_params *w, const char *name)
{
    return wg__params_find(w, name);
}

static struct wg_entry *new_entry(const char *name, const wg_type *type, bool trainable)
{
    struct wg_entry *e = wg__zalloc(sizeof *e);

    if (!e) return NULL;
    e->param.name = wg__strdup(name);
    e->param.value.type = *type;
    e->block = wg__alloc((size_t)wg_type_bytes(type) + LINE - 1);
    e->param.value.data = (void *)(((uintptr_t)e->block + LINE - 1) & ~(uintptr_t)(LINE - 1));
    e->param.trainable = trainable;
    if (e->param.name && e->block) return e;
    free_entry(e);
    return NULL;
}

wg_status wg__params_load_entry(wg_params *w, const char *name, const wg_type *type, bool trainable,
                                wg_param **out, wg_error *error)
{
    struct wg_entry *e, **list;

    if (!name || !name[0])
        return wg_fail(error, WG_ENAME, "params_add", "the entry's name is empty");
    if (strlen(name) > 1000)
        return wg_fail(error, WG_ENAME, "params_add",
                       "the entry's name is longer than 1,000 bytes: %.40s...", name);
    if (wg_type_bytes(type) < 0)
        return wg_fail(error, WG_ELIMIT, "params_add", "\"%.80s\": %s is no legal type", name,
                       WG_TYPE_STR(type));
    if (wg__params_find(w, name))
        return wg_fail(error, WG_ENAME, "params_add", "\"%.160s\" is there already", name);
    if (w->n == INT32_MAX) return wg_fail(error, WG_ELIMIT, "params_add", "the store is full");
    list = wg__grow(w->entry, &w->cap, w->n + 1, sizeof *list);
    if (list) w->entry = list;
    e = list ? new_entry(name, type, trainable) : NULL;
    if (!e || !wg__table_put(&w->names, e->param.name, w->n)) {
        free_entry(e);
        return wg_fail(error, WG_ENOMEM, "params_add", "out of memory for \"%.80s\", %s", name,
                       WG_TYPE_STR(type));
    }
    w->entry[w->n++] = e;
    if (out) *out = &e->param;
    return WG_OK;
}

wg_status wg_params_add(wg_params *w, const char *name, wg_dtype dtype, wg_shape shape,
                        bool trainable, bool *fresh, wg_error *error)
{
    wg_type type = { dtype, shape };
    int64_t i;
    struct wg_entry *e;
    wg_status status;

    if (!w) return wg_fail(error, WG_EARG, "params_add", "the store is NULL");
    if (fresh) *fresh = true;
    i = name ? wg__table_get(&w->names, name) : -1;
    if (i < 0) {
        status = wg__params_load_entry(w, name, &type, trainable, NULL, error);
        if (status != WG_OK) return status;
        e = w->entry[w->n - 1];
        e->claimed = true;
        memset(e->param.value.data, 0, (size_t)wg_type_bytes(&type));
        return WG_OK;
    }
    e = w->entry[i];
    if (e->claimed)
        return wg_fail(error, WG_ENAME, "params_add",
                       "\"%.120s\" belongs to somebody already: give each layer its own name, or "
                       "use one layer twice",
                       name);
    if (!wg_type_equal(&e->param.value.type, &type))
        return wg_fail(error, e->param.value.type.dtype != dtype ? WG_EDTYPE : WG_ESHAPE,
                       "params_add", "\"%.60s\" was loaded as %s, wanted %s", name,
                       WG_TYPE_STR(&e->param.value.type), WG_TYPE_STR(&type));
    e->claimed = true;
    if (fresh) *fresh = false;
    return WG_OK;
}

wg_status wg_params_set_trainable(wg_params *w, const char *name, bool trainable, wg_error *error)
{
    size_t n = name ? strlen(name) : 0;
    bool below = n == 0 || name[n - 1] == '/', any = false;

    for (int64_t i = 0; w && name && i < w->n; i++) {
        wg_param *p = &w->entry[i]->param;

        if (below ? strncmp(p->name, name, n) != 0 : strcmp(p->name, name) != 0) continue;
        p->trainable = trainable;
        any = true;
    }
    return any ? WG_OK
               : wg_fail(error, WG_ENAME, "params_set_trainable", "no entry matches \"%.120s\"",
                         name ? name : "");
}

/* The entry, if it is there and has the type of `array`. */
static wg_param *fitting(const wg_params *w, const char *function, const char *name,
                         const wg_array *array, wg_error *error)
{
    wg_param *p = wg__params_find(w, name);

    if (!p) {
        wg_fail(error, WG_ENAME, function, "the store has no entry \"%.160s\"", name ? name : "");
        return NULL;
    }
    if (!array) return p;
    if (!wg_type_equal(&p->value.type, &array->type)) {
        wg_fail(error, p->value.type.dtype != array->type.dtype ? WG_EDTYPE : WG_ESHAPE, function,
                "\"%.60s\" is %s, the array %s", name, WG_TYPE_STR(&p->value.type),
                WG_TYPE_STR(&array->type));
        return NULL;
    }
    if (array->data || wg_type_bytes(&array->type) == 0) return p;
    wg_fail(error, WG_EARG, function, "\"%.160s\": the array's data pointer is NULL", name);
    return NULL;
}

wg_status wg_params_get(const wg_params *w, const char *name, wg_array to, wg_error *error)
{
    wg_error own;
    wg_param *p;

    wg__error_clear(&own);
    p = fitting(w, "params_get", name, &to, &own);
    if (p && to.data) memcpy(to.data, p->value.data, (size_t)wg_type_bytes(&to.type));
    wg__error_copy(error, &own);
    return own.code;
}

wg_status wg_params_set(wg_params *w, const char *name, wg_array from, wg_error *error)
{
    wg_error own;
    wg_param *p;

    wg__error_clear(&own);
    p = fitting(w, "params_set", name, &from, &own);
    if (p && from.data) memmove(p->value.data, from.data, (size_t)wg_type_bytes(&from.type));
    wg__error_copy(error, &own);
    return own.code;
}

/* ---- filling ---- */

wg_status wg_params_fill(wg_params *w, const char *name, double value, wg_error *error)
{
    wg_error own;
    wg_param *p;
    int64_t n;

    wg__error_clear(&own);
    p = fitting(w, "params_fill", name, NULL, &own);
    if (p && p->value.type.dtype == WG_I64 &&
        !(value >= -0x1p63 && value < 0x1p63 && value == (double)(int64_t)value))
        wg_fail(&own, WG_EARG, "params_fill", "%g is no i64, which \"%.80s\" holds", value, name);
    wg__error_copy(error, &own);
    if (own.code != WG_OK) return own.code;
    n = wg_shape_count(&p->value.type.shape);
    for (int64_t i = 0; i < n; i++) switch (p->value.type.dtype) {
        case WG_F32:
            ((float *)p->value.data)[i] = (float)value;
            break;
        case WG_F64:
            ((double *)p->value.data)[i] = value;
            break;
        case WG_I64:
            ((int64_t *)p->value.data)[i] = (int64_t)value;
            break;
        default:
            ((unsigned char *)p->value.data)[i] = value != 0;
            break;
        }
    return WG_OK;
}

typedef void draw_fn(uint64_t seed, uint64_t key, uint64_t run, int64_t first, int64_t n,
                     wg_dtype dtype, void *y);

/* Drawn in f64 whatever the entry's type, so that an f64 store starts where an f32 one does, up to
 * rounding. */
static wg_status fill_drawn(wg_params *w, const char *function, const char *name, draw_fn *draw,
                            double shift, double scale, wg_error *error)
{
    wg_error own;
    wg_param *p;
    double z[DRAWS];
    int64_t n;

    wg__error_clear(&own);
    p = fitting(w, function, name, NULL, &own);
    if (p && !wg_dtype_is_real(p->value.type.dtype))
        wg_fail(&own, WG_EDTYPE, function, "\"%.80s\" is %s, wanted f32 or f64", name,
                WG_TYPE_STR(&p->value.type));
    wg__error_copy(error, &own);
    if (own.code != WG_OK) return own.code;
    n = wg_shape_count(&p->value.type.shape);
    for (int64_t first = 0; first < n; first += DRAWS) {
        int64_t count = n - first < DRAWS ? n - first : DRAWS;

        draw(w->seed, wg_random_key(name), 0, first, count, WG_F64, z);
        for (int64_t i = 0; i < count; i++) {
            double v = shift + scale * z[i];

            if (p->value.type.dtype == WG_F32) ((float *)p->value.data)[first + i] = (float)v;
            else ((double *)p->value.data)[first + i] = v;
        }
    }
    return WG_OK;
}

wg_status wg_params_fill_uniform(wg_params *w, const char *name, double lo, double hi,
                                 wg_error *error)
{
    return fill_drawn(w, "params_fill_uniform", name, wg_random_uniform, lo, hi - lo, error);
}

wg_status wg_params_fill_normal(wg_params *w, const char *name, double mean, double std,
                                wg_error *error)
{
    return fill_drawn(w, "params_fill_normal", name, wg_random_normal, mean, std, error);
}

/* ---- copying ---- */

static void convert(wg_array *to, const wg_array *from)
{
    int64_t n = wg_shape_count(&from->type.shape);

    if (to->type.dtype == from->type.dtype) {
        if (n > 0) memcpy(to->data, from->data, (size_t)wg_type_bytes(&from->type));
        return;
    }
    for (int64_t i = 0; i < n; i++)
        if (to->type.dtype == WG_F64) ((double *)to->data)[i] = ((const float *)from->data)[i];
        else ((float *)to->data)[i] = (float)((const double *)from->data)[i];
}

wg_params *wg_params_copy(const wg_params *w, wg_dtype real)
{
    wg_params *copy;

    if (!w) return NULL;
    copy = wg__params_empty(wg_dtype_is_real(real) ? real : w->dtype, w->seed);
    if (!copy) return NULL;
    for (int64_t i = 0; i < w->n; i++) {
        const wg_param *p = &w->entry[i]->param;
        wg_type type = p->value.type;
        wg_param *own;

        if (wg_dtype_is_real(real) && wg_dtype_is_real(type.dtype)) type.dtype = real;
        if (wg__params_load_entry(copy, p->name, &type, p->trainable, &own, NULL) != WG_OK) {
            wg_params_free(copy);
            return NULL;
        }
        copy->entry[i]->claimed = w->entry[i]->claimed;
        convert(&own->value, &p->value);
    }
    return copy;
}
