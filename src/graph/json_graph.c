/* json_graph.c: what of a program is saved, in which order, and its JSON text. */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

/* ---- what is saved ---- */

void wg__saved_close(wg_saved *s)
{
    wg__release(s->function);
    wg__release(s->order);
    wg__release(s->place);
    wg__release(s->entry);
    *s = (wg_saved){ .g = NULL };
}

static wg_status no_memory(const char *file, wg_error *error)
{
    return wg__io_fail(error, WG_ENOMEM, file, "out of memory");
}

static wg_status choose_functions(wg_saved *s, const char *name, const char *file, wg_error *error)
{
    int only = name ? wg_function_find(s->g, name) : -1;

    if (s->g->open >= 0)
        return wg__io_fail(error, WG_ESTATE, file,
                           "function \"%s\" is still open: call wg_end first",
                           WG_SHOW(s->g->function[s->g->open].name));
    if (s->g->n_functions == 0)
        return wg__io_fail(error, WG_ESTATE, file,
                           "the graph has no function: call wg_begin and wg_end");
    if (s->g->n_functions > WG_MAX_FUNCTIONS)
        return wg__io_fail(error, WG_ELIMIT, file, "%" PRId64 " functions are more than %d",
                           s->g->n_functions, WG_MAX_FUNCTIONS);
    if (s->g->n_meta > WG_MAX_METADATA)
        return wg__io_fail(error, WG_ELIMIT, file, "%" PRId64 " metadata are more than %d",
                           s->g->n_meta, WG_MAX_METADATA);
    if (name && only < 0)
        return wg__io_fail(error, WG_ENAME, file, "the graph has no function \"%s\"",
                           WG_SHOW(name));
    s->n_functions = name ? 1 : (int)s->g->n_functions;
    s->function = wg__array(s->n_functions, sizeof *s->function);
    if (!s->function) return no_memory(file, error);
    for (int i = 0; i < s->n_functions; i++) s->function[i] = name ? only : i;
    return WG_OK;
}

/* Post-order of all functions in declared order, of each the outputs first, then the updates by
 * entry name: equal graphs give equal files, whatever order they were recorded in. */
static wg_status find_order(wg_saved *s, const char *file, wg_error *error)
{
    wg_tensor **roots = NULL;
    int64_t n = 0, cap = 0;
    wg_status status = WG_OK;

    for (int i = 0; i < s->n_functions && status == WG_OK; i++) {
        wg_tensor **own = NULL, **wider;
        int64_t more = wg__function_roots(s->g, s->function[i], &own, NULL);

        wider =
            more < 0 || n + more > INT_MAX ? NULL : wg__grow(roots, &cap, n + more, sizeof *roots);
        if (wider) {
            roots = wider;
            memcpy(roots + n, own, (size_t)more * sizeof *own);
            n += more;
        } else {
            status = no_memory(file, error);
        }
        wg__release(own);
    }
    if (status == WG_OK) {
        s->n = wg_order((int)n, roots, &s->order);
        s->place = s->n < 0 ? NULL : wg__array(s->g->n, sizeof *s->place);
        if (!s->place) status = no_memory(file, error);
    }
    for (int64_t i = 0; status == WG_OK && i < s->g->n; i++) s->place[i] = -1;
    for (int64_t i = 0; status == WG_OK && i < s->n; i++) s->place[s->order[i]->id] = (int32_t)i;
    wg__release(roots);
    return status;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const wg_param *const *)a)->name, (*(const wg_param *const *)b)->name);
}

/* All entries of the store; of a single function those it reads or updates, and the state of random
 * draws. */
static wg_status choose_entries(wg_saved *s, bool all, const char *file, wg_error *error)
{
    bool *wanted = wg__zalloc((size_t)s->w->n);
    const wg_function *f = &s->g->function[s->function[0]];

    s->entry = wg__array(s->w->n, sizeof *s->entry);
    if (!wanted || !s->entry) {
        wg__release(wanted);
        return no_memory(file, error);
    }
    for (int64_t i = 0; i < s->w->n; i++)
        wanted[i] = all || strncmp(s->w->entry[i]->param.name, "rng/", 4) == 0;
    for (int64_t i = 0; !all && i < s->n; i++) {
        int64_t at = s->order[i]->op->flags & WG_OP_PARAM
                         ? wg__table_get(&s->w->names, wg__leaf_name(s->order[i]))
                         : -1;

        if (at >= 0) wanted[at] = true;
    }
    for (int64_t i = 0; !all && i < f->updates.n; i++) {
        int64_t at = wg__table_get(&s->w->names, f->updates.item[i].name);

        if (at >= 0) wanted[at] = true;
    }
    for (int64_t i = 0; i < s->w->n; i++)
        if (wanted[i]) s->entry[s->n_entries++] = &s->w->entry[i]->param;
    wg__release(wanted);
    qsort(s->entry, (size_t)s->n_entries, sizeof *s->entry, by_name);
    for (int64_t i = 0; i < s->n_entries; i++)
        if (!wg__add(s->bytes, wg_type_bytes(&s->entry[i]->value.type), &s->bytes))
            return wg__io_fail(error, WG_ELIMIT, file,
                               "the store has more bytes than can be counted");
    return WG_OK;
}

wg_status wg__params_fit(const wg_graph *g, int64_t n, wg_tensor *const *node, int n_functions,
                         const int *function, const wg_params *w, const char *file, wg_error *error)
{
    for (int64_t i = 0; i < n; i++) {
        const wg_tensor *t = node[i];
        const wg_param *p;

        if (!(t->op->flags & WG_OP_PARAM)) continue;
        p = wg__params_find(w, wg__leaf_name(t));
        if (!p)
            return wg__io_fail(error, WG_ENAME, file,
                               "%s: node %" PRId64 ": the store has no entry \"%s\"", t->op->name,
                               i, WG_SHOW(wg__leaf_name(t)));
        if (!wg_type_equal(&p->value.type, t->type))
            return wg__io_fail(error, p->value.type.dtype == t->type->dtype ? WG_ESHAPE : WG_EDTYPE,
                               file, "%s: node %" PRId64 ": \"%s\" is %s, the store's %s",
                               t->op->name, i, WG_SHOW(wg__leaf_name(t)), WG_TYPE_STR(t->type),
                               WG_TYPE_STR(&p->value.type));
    }
    for (int k = 0; k < n_functions; k++) {
        const wg_function *f = &g->function[function ? function[k] : k];

        for (int64_t i = 0; i < f->updates.n; i++) {
            const wg_param *p = wg__params_find(w, f->updates.item[i].name);
            const wg_type *type = f->updates.item[i].t->type;

            if (!p)
                return wg__io_fail(error, WG_ENAME, file,
                                   "function \"%s\": the store has no entry \"%s\" to update",
                                   WG_SHOW(f->name), WG_SHOW(f->updates.item[i].name));
            if (p->value.type.dtype != type->dtype || p->value.type.shape.rank != type->shape.rank)
                return wg__io_fail(error,
                                   p->value.type.dtype == type->dtype ? WG_ESHAPE : WG_EDTYPE, file,
                                   "function \"%s\": \"%s\" is %s, its update %s", WG_SHOW(f->name),
                                   WG_SHOW(f->updates.item[i].name), WG_TYPE_STR(&p->value.type),
                                   WG_TYPE_STR(type));
        }
    }
    return WG_OK;
}

wg_status wg__saved_open(wg_saved *s, const wg_graph *g, const wg_params *w, const char *function,
                         const char *file, wg_error *error)
{
    wg_status status;

    *s = (wg_saved){ .g = g, .w = w };
    if (wg_graph_error(g)) {
        wg__error_copy(error, wg_graph_error(g));
        return error->code;
    }
    status = choose_functions(s, function, file, error);
    if (status == WG_OK) status = find_order(s, file, error);
    if (status == WG_OK && w)
        status = wg__params_fit(g, s->n, s->order, s->n_functions, s->function, w, file, error);
    if (status == WG_OK && w) status = choose_entries(s, !function, file, error);
    if (status != WG_OK) wg__saved_close(s);
    return status;
}

/* ---- its text ---- */

struct writer {
    wg_text *t;
    const wg_saved *s;
    bool compact;
};

/* Between items of a list: first, and between the last and the bracket. */
static void line(const struct writer *w, bool first)
{
    wg__put(w->t, first ? "" : w->compact ? ", " : ",");
    wg__put(w->t, w->compact ? "" : "\n");
}

static void end_line(const struct writer *w)
{
    wg__put(w->t, w->compact ? "" : "\n");
}

static void put_key(const struct writer *w, const char *key)
{
    wg__put_string(w->t, key);
    wg__put(w->t, ": ");
}

static void put_bindings(const struct writer *w, int64_t n, const wg_binding *item)
{
    wg__put(w->t, "{");
    for (int64_t i = 0; i < n; i++) {
        if (i > 0) wg__put(w->t, ", ");
        put_key(w, item[i].name);
        wg__put_int(w->t, w->s->place[item[i].t->id]);
    }
    wg__put(w->t, "}");
}

static void put_functions(const struct writer *w)
{
    for (int i = 0; i < w->s->n_functions; i++) {
        const wg_function *f = &w->s->g->function[w->s->function[i]];
        wg_binding *updates = NULL;
        wg_tensor **roots = NULL;

        line(w, i == 0);
        put_key(w, f->name);
        wg__put(w->t, f->mode == WG_TRAIN ? "{\"mode\": \"train\", \"outputs\": "
                                          : "{\"mode\": \"predict\", \"outputs\": ");
        put_bindings(w, f->outputs.n, f->outputs.item);
        wg__put(w->t, ", \"updates\": ");
        if (wg__function_roots(w->s->g, w->s->function[i], &roots, &updates) < 0)
            w->t->no_memory = true;
        else put_bindings(w, f->updates.n, updates);
        wg__put(w->t, "}");
        wg__release(updates);
        wg__release(roots);
    }
    end_line(w);
}

static void put_node(const struct writer *w, const wg_tensor *t)
{
    wg__put(w->t, "{\"op\": ");
    wg__put_string(w->t, t->op->name);
    wg__put(w->t, ", \"in\": [");
    for (int32_t i = 0; i < t->n_in; i++) {
        if (i > 0) wg__put(w->t, ", ");
        wg__put_int(w->t, w->s->place[t->in[i]->id]);
    }
    wg__put(w->t, "]");
    if (wg__field_count(t->op->fields) > 0) {
        wg__put(w->t, ", \"attr\": ");
        wg__put_attr(w->t, t->op->fields, t->attr);
    }
    if (t->scope[0]) {
        wg__put(w->t, ", \"scope\": ");
        wg__put_string(w->t, t->scope);
    }
    if (t->name) {
        wg__put(w->t, ", \"name\": ");
        wg__put_string(w->t, t->name);
    }
    if (t->derived) wg__put(w->t, ", \"derived\": true");
    wg__put(w->t, "}");
}

static void put_entries(const struct writer *w, bool with_data)
{
    for (int64_t i = 0; i < w->s->n_entries; i++) {
        const wg_param *p = w->s->entry[i];

        line(w, i == 0);
        put_key(w, p->name);
        wg__put(w->t, "{\"dtype\": ");
        wg__put_string(w->t, wg_dtype_name(p->value.type.dtype));
        wg__put(w->t, ", \"shape\": ");
        wg__put_shape(w->t, &p->value.type.shape);
        wg__put(w->t, p->trainable ? ", \"trainable\": true" : ", \"trainable\": false");
        if (with_data) {
            wg__put(w->t, ", \"data\": ");
            wg__put_elements(w->t, &p->value);
        }
        wg__put(w->t, "}");
    }
    if (w->s->n_entries > 0) end_line(w);
}

static int by_key(const void *a, const void *b)
{
    return strcmp((*(const struct wg_meta *const *)a)->key,
                  (*(const struct wg_meta *const *)b)->key);
}

static void put_metadata(const struct writer *w)
{
    const wg_graph *g = w->s->g;
    const struct wg_meta **list = wg__array(g->n_meta, sizeof *list);
    int64_t n = 0;

    if (!list) {
        w->t->no_memory = true;
        return;
    }
    for (int64_t i = 0; i < g->n_meta; i++)
        if (strcmp(g->meta[i].key, WG_META_SCHEDULERS) != 0 &&
            strcmp(g->meta[i].key, WG_META_EXTENSIONS) != 0)
            list[n++] = &g->meta[i];
    qsort(list, (size_t)n, sizeof *list, by_key);
    for (int64_t i = 0; i < n; i++) {
        line(w, i == 0);
        put_key(w, list[i]->key);
        wg__put_string(w->t, list[i]->value);
    }
    if (n > 0) end_line(w);
    wg__release(list);
}

/* An object kept as text in the metadata. */
static wg_status put_kept(const struct writer *w, const char *key, bool of_objects, wg_error *error)
{
    const char *text = wg_metadata_get(w->s->g, key);
    wg_json *v = text ? wg__json_parse(text, strlen(text), key, error) : NULL;
    wg_json_walk walk = { .object = v };
    wg_status status = text && !v ? error->code : WG_OK;

    if (!text) wg__put(w->t, "{}");
    if (!v) return status;
    if (wg__json_kind(v) != WG_JSON_OBJECT)
        status = wg__io_fail(error, WG_EFORMAT, key, "is %s, not an object", wg__json_what(v));
    while (status == WG_OK && of_objects && wg__json_next(&walk))
        if (wg__json_kind(walk.value) != WG_JSON_OBJECT)
            status = wg__io_fail(error, WG_EFORMAT, key, "\"%s\" is %s, not an object",
                                 WG_SHOW(walk.key), wg__json_what(walk.value));
    /* Strings of v that are not UTF-8 cannot be: they were parsed. */
    if (status == WG_OK) wg__put_value(w->t, v);
    wg__json_free(v);
    return status;
}

static void put_sites(const struct writer *w)
{
    for (int64_t i = 0; i < w->s->n; i++) {
        const char *site = w->s->order[i]->site, *slash = site ? strrchr(site, '/') : NULL;

        line(w, i == 0);
        if (site) wg__put_string(w->t, slash ? slash + 1 : site);
        else wg__put(w->t, "null");
    }
    end_line(w);
}

static void put_store(const struct writer *w, const wg_weights *weights)
{
    char text[80];

    line(w, false);
    snprintf(text, sizeof text, "\"store\": {\"dtype\": \"%s\", \"seed\": \"%" PRIu64 "\"}",
             wg_dtype_name(w->s->w->dtype), w->s->w->seed);
    wg__put(w->t, text);
    if (!weights) return;
    line(w, false);
    wg__put(w->t, "\"weights\": {\"file\": ");
    wg__put_string(w->t, weights->file);
    snprintf(text, sizeof text, ", \"bytes\": %" PRId64 ", \"xxh64\": \"%016" PRIx64 "\"}",
             weights->bytes, weights->sum);
    wg__put(w->t, text);
}

wg_status wg__put_program(wg_text *t, const wg_saved *s, const wg_save_options *options,
                          const wg_weights *weights, wg_error *error)
{
    struct writer w = { t, s, options->compact };
    wg_status status;

    wg__put(t, "{");
    line(&w, true);
    wg__put(t, "\"wengert\": 1");
    line(&w, false);
    wg__put(t, "\"functions\": {");
    put_functions(&w);
    wg__put(t, "}");
    line(&w, false);
    wg__put(t, "\"schedulers\": ");
    status = put_kept(&w, WG_META_SCHEDULERS, true, error);
    if (status != WG_OK) return status;
    line(&w, false);
    wg__put(t, "\"metadata\": {");
    put_metadata(&w);
    wg__put(t, "}");
    if (wg_metadata_get(s->g, WG_META_EXTENSIONS)) {
        line(&w, false);
        wg__put(t, "\"extensions\": ");
        status = put_kept(&w, WG_META_EXTENSIONS, false, error);
        if (status != WG_OK) return status;
    }
    if (s->w) put_store(&w, weights);
    line(&w, false);
    wg__put(t, "\"nodes\": [");
    for (int64_t i = 0; i < s->n && !t->no_memory; i++) {
        line(&w, i == 0);
        put_node(&w, s->order[i]);
    }
    end_line(&w);
    wg__put(t, "]");
    if (s->w) {
        line(&w, false);
        wg__put(t, "\"params\": {");
        put_entries(&w, !weights);
        wg__put(t, "}");
    }
    if (options->sites) {
        line(&w, false);
        wg__put(t, "\"debug\": {\"sites\": [");
        put_sites(&w);
        wg__put(t, "]}");
    }
    end_line(&w);
    wg__put(t, "}");
    end_line(&w);
    return WG_OK;
}
