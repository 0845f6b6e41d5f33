/* golden_case.c: reads golden cases and measures results against them. */
#include "golden_case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const section_key[G_SECTIONS] = {
    "inputs",      "parameters",      "outputs",           "output_grads",
    "input_grads", "parameter_grads", "updated_parameters"
};

/* ---- lists of arrays ---- */

const garray *g_find(const glist *list, const char *name)
{
    for (int k = 0; k < list->n; k++)
        if (strcmp(list->at[k].name, name) == 0) return &list->at[k];
    return NULL;
}

int64_t g_count(const garray *a)
{
    return g_extent(a, 0, a->rank);
}

int64_t g_dim(const garray *a, int axis)
{
    if (axis < 0) axis += a->rank;
    return axis < 0 || axis >= a->rank ? 1 : a->dim[axis];
}

int64_t g_extent(const garray *a, int from, int to)
{
    int64_t n = 1;

    for (int k = from; k < to; k++) n *= a->dim[k];
    return n;
}

bool g_same_shape(const garray *a, const garray *b)
{
    if (a->rank != b->rank) return false;
    for (int k = 0; k < a->rank; k++)
        if (a->dim[k] != b->dim[k]) return false;
    return true;
}

int g_numbered(const glist *list, const char *name)
{
    for (int n = 0;; n++) {
        char full[G_NAME + 16];

        snprintf(full, sizeof full, "%s%d", name, n);
        if (!g_find(list, full)) return n;
    }
}

static void array_free(garray *a)
{
    free(a->f);
    free(a->i);
}

static void list_free(glist *list)
{
    for (int k = 0; k < list->n; k++) array_free(&list->at[k]);
    free(list->at);
    *list = (glist){ 0 };
}

/* A new array of zeros under this name, in place of an older one. */
static garray *list_put(glist *list, const char *name, gdtype dtype, int rank, const int64_t *dim)
{
    garray a = { .dtype = dtype, .rank = rank }, *to = (garray *)g_find(list, name);
    size_t n;

    if (rank < 0 || rank > G_RANK || strlen(name) >= G_NAME) return NULL;
    strcpy(a.name, name);
    for (int k = 0; k < rank; k++) {
        if (dim[k] < 0) return NULL;
        a.dim[k] = dim[k];
    }
    n = (size_t)g_count(&a);
    if (dtype == G_I64) a.i = calloc(n ? n : 1, sizeof *a.i);
    else a.f = calloc(n ? n : 1, sizeof *a.f);
    if (!a.f && !a.i) return NULL;
    if (to) {
        array_free(to);
    } else {
        if (list->n == list->room) {
            int room = list->room ? 2 * list->room : 8;
            garray *at = realloc(list->at, (size_t)room * sizeof *at);

            if (!at) {
                array_free(&a);
                return NULL;
            }
            list->at = at;
            list->room = room;
        }
        to = &list->at[list->n++];
    }
    *to = a;
    return to;
}

/* ---- reading ---- */

static bool is_array(const json_t *v)
{
    return json_is_array(json_object_get(v, "shape")) && json_is_array(json_object_get(v, "data"));
}

static bool read_array(glist *list, const char *name, const json_t *v, char *text)
{
    const json_t *shape = json_object_get(v, "shape"), *data = json_object_get(v, "data"), *e;
    const char *dtype = json_string_value(json_object_get(v, "dtype"));
    int64_t dim[G_RANK];
    garray *a;
    size_t k;

    if (json_array_size(shape) > G_RANK) {
        snprintf(text, 300, "%s has more than %d axes", name, G_RANK);
        return false;
    }
    json_array_foreach(shape, k, e) dim[k] = json_integer_value(e);
    a = list_put(list, name, dtype && strcmp(dtype, "i64") == 0 ? G_I64 : G_F64,
                 (int)json_array_size(shape), dim);
    if (!a) {
        snprintf(text, 300, "%.60s: no memory, a name too long, or a negative extent", name);
        return false;
    }
    if ((int64_t)json_array_size(data) != g_count(a)) {
        snprintf(text, 300, "%s holds %zu numbers for a shape of %lld", name, json_array_size(data),
                 (long long)g_count(a));
        return false;
    }
    json_array_foreach(data, k, e)
    {
        if (!json_is_number(e) && !json_is_boolean(e)) {
            snprintf(text, 300, "%s[%zu] is no number", name, k);
            return false;
        }
        if (a->dtype == G_I64)
            a->i[k] = json_is_boolean(e) ? json_is_true(e) : json_integer_value(e);
        else a->f[k] = json_is_boolean(e) ? json_is_true(e) : json_number_value(e);
    }
    return true;
}

static bool read_case(gcase *c, const char *subject, const json_t *j, char *text)
{
    const char *note = json_string_value(json_object_get(j, "note")), *key;
    char why[300];
    json_t *v;

    c->subject = subject;
    c->name = json_string_value(json_object_get(j, "name"));
    c->note = note ? note : "";
    c->json = j;
    c->hyper = json_object_get(j, "hyperparameters");
    if (!c->name) {
        snprintf(text, 300, "a case has no name");
        return false;
    }
    for (int s = 0; s < G_SECTIONS; s++) {
        json_object_foreach(json_object_get(j, section_key[s]), key, v)
        {
            if (!is_array(v) || read_array(&c->section[s], key, v, why)) continue;
            snprintf(text, 300, "%.80s, %s: %.180s", c->name, section_key[s], why);
            return false;
        }
    }
    return true;
}

bool g_file_load(const char *path, gfile *file, char *text)
{
    json_error_t error;
    const json_t *cases, *j;
    size_t k;

    *file = (gfile){ 0 };
    file->root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!file->root) {
        snprintf(text, 300, "%.120s:%d: %s", path, error.line, error.text);
        return false;
    }
    file->subject = json_string_value(json_object_get(file->root, "subject"));
    cases = json_object_get(file->root, "cases");
    if (!file->subject || !json_is_array(cases) || json_array_size(cases) == 0) {
        snprintf(text, 300, "%.200s: no golden file: \"subject\" and \"cases\" are wanted", path);
        return false;
    }
    file->cases = calloc(json_array_size(cases), sizeof *file->cases);
    if (!file->cases) {
        snprintf(text, 300, "%.200s: no memory", path);
        return false;
    }
    json_array_foreach(cases, k, j)
    {
        file->n++;
        if (!read_case(&file->cases[k], file->subject, j, text)) return false;
    }
    return true;
}

void g_file_free(gfile *file)
{
    for (int k = 0; k < file->n; k++)
        for (int s = 0; s < G_SECTIONS; s++) list_free(&file->cases[k].section[s]);
    free(file->cases);
    json_decref(file->root);
    *file = (gfile){ 0 };
}

const garray *g_in(const gcase *c, const char *name)
{
    return g_find(&c->section[G_INPUT], name);
}

const garray *g_param(const gcase *c, const char *name)
{
    return g_find(&c->section[G_PARAM], name);
}

const garray *g_out(const gcase *c, const char *name)
{
    return g_find(&c->section[G_OUTPUT], name);
}

const garray *g_out_grad(const gcase *c, const char *name)
{
    return g_find(&c->section[G_OUTPUT_GRAD], name);
}

const double *g_in_f(const gcase *c, const char *name)
{
    const garray *a = g_in(c, name);

    return a ? a->f : NULL;
}

const int64_t *g_in_i(const gcase *c, const char *name)
{
    const garray *a = g_in(c, name);

    return a ? a->i : NULL;
}

const double *g_param_f(const gcase *c, const char *name)
{
    const garray *a = g_param(c, name);

    return a ? a->f : NULL;
}

const double *g_out_grad_f(const gcase *c, const char *name)
{
    const garray *a = g_out_grad(c, name);

    return a ? a->f : NULL;
}

static const json_t *hyper(const gcase *c, const char *key)
{
    const json_t *v = json_object_get(c->hyper, key);

    return json_is_null(v) ? NULL : v;
}

double g_num(const gcase *c, const char *key, double otherwise)
{
    const json_t *v = hyper(c, key);

    return json_is_number(v) ? json_number_value(v) : otherwise;
}

int64_t g_int(const gcase *c, const char *key, int64_t otherwise)
{
    return (int64_t)g_num(c, key, (double)otherwise);
}

bool g_bool(const gcase *c, const char *key, bool otherwise)
{
    const json_t *v = hyper(c, key);

    return json_is_boolean(v) ? json_is_true(v) : otherwise;
}

const char *g_str(const gcase *c, const char *key, const char *otherwise)
{
    const json_t *v = hyper(c, key);

    return json_is_string(v) ? json_string_value(v) : otherwise;
}

/* ---- results ---- */

double *g_put(gresult *r, gsection s, const char *name, int rank, const int64_t *dim,
              const double *data)
{
    garray *a = list_put(&r->section[s], name, G_F64, rank, dim);

    if (!a) return NULL;
    if (data) memcpy(a->f, data, (size_t)g_count(a) * sizeof *data);
    return a->f;
}

int64_t *g_put_i(gresult *r, gsection s, const char *name, int rank, const int64_t *dim,
                 const int64_t *data)
{
    garray *a = list_put(&r->section[s], name, G_I64, rank, dim);

    if (!a) return NULL;
    if (data) memcpy(a->i, data, (size_t)g_count(a) * sizeof *data);
    return a->i;
}

double *g_put_like(gresult *r, gsection s, const char *name, const garray *like, const double *data)
{
    return like ? g_put(r, s, name, like->rank, like->dim, data) : NULL;
}

double *g_put_num(gresult *r, gsection s, const char *name, double value)
{
    return g_put(r, s, name, 0, NULL, &value);
}

void g_result_free(gresult *r)
{
    for (int s = 0; s < G_SECTIONS; s++) list_free(&r->section[s]);
}

const gsubject *g_subject(const gsubject *table, const char *subject)
{
    for (; table->subject; table++)
        if (strcmp(table->subject, subject) == 0) return table;
    return NULL;
}
