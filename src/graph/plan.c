/* plan.c: plans from outside: making, feeding, running, reading. */
#include <stdlib.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "plan.h"

/* ---- making ---- */

static wg_status no_memory(wg_error *error, const char *who)
{
    return wg_fail(error, WG_ENOMEM, who, "out of memory");
}

void wg__blame(wg_error *error, const wg_tensor *t)
{
    if (!error || !t) return;
    if (!error->site) error->site = t->site;
    wg__error_scope(error, t->scope);
}

/* Operands as positions in the live list. */
static bool number_operands(wg_plan *p)
{
    int64_t total = 0, highest = -1;
    int32_t *at;

    for (int64_t i = 0; i < p->n; i++) {
        total += p->live[i]->n_in;
        if (p->live[i]->id > highest) highest = p->live[i]->id;
    }
    if (total > INT32_MAX) return false;
    p->first = wg__array(p->n + 1, sizeof *p->first);
    p->in = wg__array(total, sizeof *p->in);
    at = wg__array(highest + 1, sizeof *at);
    if (!p->first || !p->in || !at) {
        wg__release(at);
        return false;
    }
    for (int64_t i = 0; i <= highest; i++) at[i] = -1;
    total = 0;
    for (int64_t i = 0; i < p->n; i++) {
        const wg_tensor *t = p->live[i];

        p->first[i] = (int32_t)total;
        for (int k = 0; k < t->n_in; k++) p->in[total++] = at[t->in[k]->id];
        at[t->id] = (int32_t)i;
    }
    p->first[p->n] = (int32_t)total;
    p->at_id = at;
    p->n_ids = highest + 1;
    return true;
}

static wg_status find_inputs(wg_plan *p, wg_error *error)
{
    int64_t cap = 0;

    for (int64_t i = 0; i < p->n; i++) {
        const wg_tensor *t = p->live[i];
        wg_plan_input *list;

        if (!(t->op->flags & (WG_OP_FEED | WG_OP_RANDOM))) continue;
        list = wg__grow(p->input, &cap, p->n_inputs + 1, sizeof *list);
        if (!list) return no_memory(error, "plan_new");
        p->input = list;
        list[p->n_inputs] = (wg_plan_input){ .name = wg__leaf_name(t),
                                             .at = (int32_t)i,
                                             .random = (t->op->flags & WG_OP_RANDOM) != 0,
                                             .value.type = *t->type };
        if (!wg__table_put(&p->input_names, list[p->n_inputs].name, p->n_inputs))
            return no_memory(error, "plan_new");
        p->n_inputs++;
    }
    return WG_OK;
}

/* Every parameter leaf has its store entry, of its type. */
static wg_status find_params(wg_plan *p, wg_error *error)
{
    for (int64_t i = 0; i < p->n; i++) {
        const wg_tensor *t = p->live[i];
        const wg_param *entry;
        wg_status code = WG_OK;

        if (!(t->op->flags & WG_OP_PARAM)) continue;
        entry = p->params ? wg__params_find(p->params, wg__leaf_name(t)) : NULL;
        if (!entry)
            code = wg_fail(error, WG_ENAME, "plan_new",
                           p->params ? "the store has no entry \"%.80s\""
                                     : "\"%.80s\" is a parameter, but there is no store",
                           wg__leaf_name(t));
        else if (!wg_type_equal(&entry->value.type, t->type))
            code = wg_fail(error, entry->value.type.dtype == t->type->dtype ? WG_ESHAPE : WG_EDTYPE,
                           "plan_new", "parameter \"%.80s\" is %s, in the store %s",
                           wg__leaf_name(t), WG_TYPE_STR(t->type), WG_TYPE_STR(&entry->value.type));
        if (code != WG_OK) {
            wg__blame(error, t);
            return code;
        }
    }
    return WG_OK;
}

static int by_address(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t)(*(wg_param *const *)a)->value.data,
              y = (uintptr_t)(*(wg_param *const *)b)->value.data;

    return (x > y) - (x < y);
}

static wg_status find_updates(wg_plan *p, const wg_binding *update, wg_error *error)
{
    wg_table leaves = { NULL, 0, 0 };

    p->updated = wg__array(p->n_updates, sizeof *p->updated);
    p->by_address = wg__array(p->n_updates, sizeof *p->by_address);
    p->updated_at = wg__array(p->n_updates, sizeof *p->updated_at);
    if (!p->updated || !p->by_address || !p->updated_at) return no_memory(error, "plan_new");
    for (int64_t i = 0; i < p->n; i++)
        if ((p->live[i]->op->flags & WG_OP_PARAM) &&
            !wg__table_put(&leaves, wg__leaf_name(p->live[i]), i)) {
            wg__table_free(&leaves);
            return no_memory(error, "plan_new");
        }
    for (int64_t i = 0; i < p->n_updates; i++) {
        const wg_tensor *t = update[i].t;
        wg_status code = WG_OK;

        p->updated[i] = p->by_address[i] =
            p->params ? wg__params_find(p->params, update[i].name) : NULL;
        p->updated_at[i] = (int32_t)wg__table_get(&leaves, update[i].name);
        if (!p->updated[i])
            code = wg_fail(error, WG_ENAME, "plan_new",
                           "update of \"%.80s\", which the store does not have", update[i].name);
        else if (p->updated[i]->value.type.dtype != t->type->dtype)
            code = wg_fail(error, WG_EDTYPE, "plan_new",
                           "update of \"%.80s\", which is %s, with %s", update[i].name,
                           WG_TYPE_STR(&p->updated[i]->value.type), WG_TYPE_STR(t->type));
        else if (p->updated[i]->value.type.shape.rank != t->type->shape.rank)
            code = wg_fail(error, WG_ESHAPE, "plan_new",
                           "update of \"%.80s\", which is %s, with %s", update[i].name,
                           WG_TYPE_STR(&p->updated[i]->value.type), WG_TYPE_STR(t->type));
        if (code != WG_OK) {
            wg__blame(error, t);
            wg__table_free(&leaves);
            return code;
        }
    }
    wg__table_free(&leaves);
    qsort(p->by_address, (size_t)p->n_updates, sizeof *p->by_address, by_address);
    return WG_OK;
}

/* With the option keep every value has a name: scope/name, or a leaf's own. */
static bool name_entries(wg_plan *p)
{
    for (int64_t i = 0; i < p->n; i++) {
        const wg_tensor *t = p->live[i];
        const char *full = NULL;

        if (t->op->flags & (WG_OP_FEED | WG_OP_PARAM | WG_OP_RANDOM)) full = wg__leaf_name(t);
        if (t->name && t->scope[0]) {
            size_t scope = strlen(t->scope), name = strlen(t->name);
            char *text = wg__arena_take(&p->mem, scope + name + 2);

            if (!text) return false;
            memcpy(text, t->scope, scope);
            text[scope] = '/';
            memcpy(text + scope + 1, t->name, name + 1);
            full = text;
        } else if (t->name) {
            full = t->name;
        }
        if (full && !wg__table_put(&p->names, full, i)) return false;
    }
    return true;
}

static void resolve_options(wg_plan *p, const wg_plan_options *options)
{
    if (options) p->options = *options;
#ifdef _OPENMP
    if (p->options.threads <= 0) p->options.threads = omp_get_max_threads();
#endif
    if (p->options.threads < 1) p->options.threads = 1;
    if (p->options.threads > WG_MOST_THREADS) p->options.threads = WG_MOST_THREADS;
    if (p->options.block <= 0) p->options.block = WG_BLOCK;
    if (p->options.block > 1 << 16) p->options.block = 1 << 16;
    if (p->options.grain <= 0) p->options.grain = WG_GRAIN;
    if (p->options.grain > WG_GRAIN_MOST) p->options.grain = WG_GRAIN_MOST;
    if (p->options.cache <= 0) p->options.cache = WG_CACHE;
    p->passes = WG_PASS_ALL & ~p->options.passes_off;
    /* A value that is to be looked at must have been computed in order and be there still. */
    if (p->options.check) p->passes &= ~(unsigned)(WG_PASS_FUSE | WG_PASS_SCHEDULE);
    if (p->options.keep) p->passes &= ~(unsigned)WG_PASS_REUSE;
    if (p->options.check || p->options.keep)
        p->passes &=
            ~(unsigned)(WG_PASS_IN_PLACE | WG_PASS_REPEAT | WG_PASS_INLINE | WG_PASS_PLACE |
                        WG_PASS_TURN | WG_PASS_PARTS);
    p->level = wg_level();
}

/* roots: outputs, then the updates in order of entry names. */
static wg_plan *plan_make(wg_graph *g, wg_params *w, int64_t n_outputs, const wg_binding *output,
                          int64_t n_updates, const wg_binding *update, wg_tensor *const *roots,
                          const wg_plan_options *options, wg_error *error)
{
    int64_t n_roots = n_outputs + n_updates;
    wg_plan *p = n_roots <= INT32_MAX ? wg__zalloc(sizeof *p) : NULL;
    wg_status code = WG_OK;

    if (!p) {
        no_memory(error, "plan_new");
        return NULL;
    }
    p->graph = g;
    wg__graph_hold(g);
    p->params = w;
    p->n_outputs = n_outputs;
    p->n_updates = n_updates;
    p->changed = true;
    wg__arena_init(&p->mem);
    wg__error_clear(&p->error);
    resolve_options(p, options);
    p->n = wg_order((int)n_roots, roots, &p->live);
    p->root = wg__array(n_roots, sizeof *p->root);
    if (p->n < 0 || p->n >= INT32_MAX || !p->root || !wg__turn_entries(p) ||
        !wg__parts_entries(p) || !number_operands(p)) {
        if (p->n < 0) p->live = NULL;
        code = no_memory(error, "plan_new");
    }
    for (int64_t i = 0; code == WG_OK && i < n_roots; i++) p->root[i] = p->at_id[roots[i]->id];
    if (code == WG_OK && output) {
        p->output_name = wg__array(n_outputs, sizeof *p->output_name);
        if (!p->output_name) code = no_memory(error, "plan_new");
        for (int64_t i = 0; code == WG_OK && i < n_outputs; i++) {
            p->output_name[i] = output[i].name;
            if (!wg__table_put(&p->output_names, output[i].name, i))
                code = no_memory(error, "plan_new");
        }
    }
    if (code == WG_OK) code = find_inputs(p, error);
    if (code == WG_OK) code = find_params(p, error);
    if (code == WG_OK) code = find_updates(p, update, error);
    if (code == WG_OK && p->options.keep && !name_entries(p)) code = no_memory(error, "plan_new");
    if (code == WG_OK) return p;
    wg_plan_free(p);
    return NULL;
}

wg_plan *wg_plan_new_error(wg_graph *g, wg_params *w, const char *name,
                           const wg_plan_options *options, wg_error *error)
{
    wg_tensor **roots;
    wg_binding *updates;
    wg_plan *p;
    int f;

    wg__error_clear(error);
    if (wg_graph_error(g)) {
        wg__error_copy(error, wg_graph_error(g));
        return NULL;
    }
    f = wg_function_find(g, name);
    if (f < 0) {
        wg_fail(error, WG_ENAME, "plan_new", "the graph has no function \"%.80s\"",
                name ? name : "(null)");
        return NULL;
    }
    if (g->open == f) {
        wg_fail(error, WG_ESTATE, "plan_new", "function \"%.80s\" is still open: wg_end first",
                name);
        return NULL;
    }
    if (wg__function_roots(g, f, &roots, &updates) < 0) {
        no_memory(error, "plan_new");
        return NULL;
    }
    p = plan_make(g, w, g->function[f].outputs.n, g->function[f].outputs.item,
                  g->function[f].updates.n, updates, roots, options, error);
    wg__release(roots);
    wg__release(updates);
    return p;
}

wg_plan *wg_plan_new(wg_graph *g, wg_params *w, const char *name, const wg_plan_options *options)
{
    wg_error error;
    wg_plan *p = wg_plan_new_error(g, w, name, options, &error);

    if (!p && g) wg__error_copy(&g->error, &error);
    return p;
}

wg_plan *wg_plan_of(int n, wg_tensor *const *outputs, wg_params *w, const wg_plan_options *options,
                    wg_error *error)
{
    wg_graph *g = n > 0 && outputs ? wg_tensor_graph(outputs[0]) : NULL;

    wg__error_clear(error);
    if (n > 0 && outputs && !outputs[0]) {
        wg__error_copy(error, wg_graph_error(NULL));
        return NULL;
    }
    if (!g) {
        wg_fail(error, WG_EARG, "plan_of", "no tensors");
        return NULL;
    }
    if (wg_graph_error(g)) {
        wg__error_copy(error, wg_graph_error(g));
        return NULL;
    }
    for (int i = 0; i < n; i++)
        if (wg_tensor_graph(outputs[i]) != g) {
            wg_fail(error, WG_EARG, "plan_of", "tensor %d is of another graph", i);
            return NULL;
        }
    return plan_make(g, w, n, NULL, 0, NULL, outputs, options, error);
}

void wg_plan_free(wg_plan *p)
{
    if (!p) return;
    for (int i = 0; i < WG_SPECS; i++) wg__spec_free(p->spec[i]);
    for (int64_t i = 0; i < p->n_inputs; i++) wg__release(p->input[i].own);
    wg__release(p->input);
    wg__release(p->live);
    wg__release(p->first);
    wg__release(p->in);
    wg__release(p->root);
    wg__release(p->output_name);
    wg__release(p->updated);
    wg__release(p->by_address);
    wg__release(p->updated_at);
    wg__release(p->at_id);
    wg__release(p->arena_block);
    wg__table_free(&p->input_names);
    wg__table_free(&p->output_names);
    wg__table_free(&p->names);
    wg__arena_free(&p->mem);
    wg__graph_release(p->graph);
    wg__release(p);
}

/* ---- feeding ---- */

static bool in_arena(const wg_plan *p, const void *data, int64_t bytes)
{
    uintptr_t a = (uintptr_t)data, lo = (uintptr_t)p->arena;

    return p->arena_bytes > 0 && a < lo + p->arena_bytes && a + (uintptr_t)bytes > lo;
}

/* An output of this very plan, fed back: the run will write there, so its value is taken now. */
static wg_status take_own(wg_plan *p, wg_plan_input *in, wg_array *value, int64_t bytes)
{
    if (in->own_bytes < (size_t)bytes) {
        void *own = wg__alloc((size_t)bytes);

        if (!own) return no_memory(&p->error, "plan_feed");
        wg__release(in->own);
        in->own = own;
        in->own_bytes = (size_t)bytes;
    }
    if (bytes > 0) memcpy(in->own, value->data, (size_t)bytes);
    value->data = in->own;
    return WG_OK;
}

wg_status wg_plan_feed(wg_plan *p, const char *name, wg_array value)
{
    wg_plan_input *in;
    const wg_tensor *t;
    int64_t i, bytes;
    wg_status code;

    if (!p) return WG_EARG;
    wg__error_clear(&p->error);
    i = name ? wg__table_get(&p->input_names, name) : -1;
    if (i < 0)
        return wg_fail(&p->error, WG_ENAME, "plan_feed", "no input \"%.80s\" is needed here",
                       name ? name : "(null)");
    in = &p->input[i];
    t = p->live[in->at];
    if (!value.data && value.type.shape.rank == 0) {
        in->fed = false;
        p->changed = true;
        return WG_OK;
    }
    bytes = wg_type_bytes(&value.type);
    if (value.type.dtype != t->type->dtype)
        code =
            wg_fail(&p->error, WG_EDTYPE, "plan_feed", "input \"%.80s\" is %s: fed %s", in->name,
                    WG_TYPE_STR(t->type), bytes < 0 ? "no legal type" : WG_TYPE_STR(&value.type));
    else if (bytes < 0)
        code = wg_fail(&p->error, WG_ESHAPE, "plan_feed", "input \"%.80s\": illegal extents",
                       in->name);
    else if (value.type.shape.rank != t->type->shape.rank)
        code = wg_fail(&p->error, WG_ESHAPE, "plan_feed",
                       "input \"%.80s\" is %s: fed another rank, %s", in->name,
                       WG_TYPE_STR(t->type), WG_TYPE_STR(&value.type));
    else if (!value.data && bytes > 0)
        code = wg_fail(&p->error, WG_EARG, "plan_feed",
                       "input \"%.80s\": %s without elements: data is NULL", in->name,
                       WG_TYPE_STR(&value.type));
    else code = in_arena(p, value.data, bytes) ? take_own(p, in, &value, bytes) : WG_OK;
    if (code != WG_OK) {
        wg__blame(&p->error, t);
        return code;
    }
    in->value = value;
    in->fed = p->changed = true;
    return WG_OK;
}

/* ---- running and reading ---- */

wg_status wg_plan_run(wg_plan *p)
{
    wg_status code;

    if (!p) return WG_EARG;
    if (p->error.code != WG_OK) wg__error_clear(&p->error);
    p->ran = false;
    if (p->changed) {
        if (!wg__plan_specialise(p, false)) return p->error.code;
        wg__spec_bind(p, p->now);
        p->changed = false;
    }
    code = wg__spec_run(p, p->now);
    if (code != WG_OK) return code;
    p->ran = true;
    p->runs++;
    p->now->runs++;
    return WG_OK;
}

const wg_error *wg_plan_error(const wg_plan *p)
{
    static const wg_error no_plan = { WG_EARG, "plan", NULL, "", "the plan is NULL" };

    return p ? &p->error : &no_plan;
}

static bool has_run(wg_plan *p, const char *who)
{
    wg__error_clear(&p->error);
    if (p->ran) return true;
    wg_fail(&p->error, WG_ESTATE, who,
            "no run has succeeded since the plan was made or the last run failed");
    return false;
}

const wg_array *wg_plan_value(wg_plan *p, const char *name)
{
    int64_t i;

    if (!p || !has_run(p, "plan_value")) return NULL;
    i = name ? wg__table_get(&p->output_names, name) : -1;
    if (i >= 0) return &p->now->output[i];
    i = name ? wg__table_get(&p->names, name) : -1;
    if (i >= 0 && p->now->value[i].data) return &p->now->value[i];
    if (i >= 0)
        wg_fail(&p->error, WG_EARG, "plan_value", "\"%.80s\" lends its type only: it has no value",
                name);
    else
        wg_fail(&p->error, WG_ENAME, "plan_value", "no output \"%.80s\"%s", name ? name : "(null)",
                p->options.keep ? ": other tensors are read as scope/name"
                                : ": other tensors can be read with the option keep");
    return NULL;
}

const wg_array *wg_plan_value_at(wg_plan *p, int i)
{
    if (!p || !has_run(p, "plan_value_at")) return NULL;
    if (i >= 0 && i < p->n_outputs) return &p->now->output[i];
    wg_fail(&p->error, WG_EARG, "plan_value_at", "output %d of %d", i, (int)p->n_outputs);
    return NULL;
}

const wg_array *wg_plan_value_of(wg_plan *p, const wg_tensor *t)
{
    int32_t at;

    if (!p || !has_run(p, "plan_value_of")) return NULL;
    at = t && t->graph == p->graph && t->id >= 0 && t->id < p->n_ids ? p->at_id[t->id] : -1;
    if (at >= 0 && p->now->value && p->now->value[at].data) return &p->now->value[at];
    for (int64_t i = 0; at >= 0 && i < p->n_outputs; i++)
        if (p->root[i] == at) return &p->now->output[i];
    wg_fail(&p->error, WG_EARG, "plan_value_of",
            at < 0 ? "the plan does not compute this tensor"
                   : "the tensor is no output: its value is kept with the option keep");
    return NULL;
}

wg_status wg_read(wg_tensor *t, wg_params *w, int n_feeds, const wg_feed *feeds, wg_array *value,
                  wg_error *error)
{
    wg_error own;
    wg_plan *p;
    wg_status code = WG_OK;
    const wg_array *result;

    if (!error) error = &own;
    if (value) *value = (wg_array){ { WG_F32, { 0, { 0 } } }, NULL };
    p = wg_plan_of(1, &t, w, NULL, error);
    if (!p) return error->code;
    if (n_feeds > 0 && !feeds)
        code = wg_fail(&p->error, WG_EARG, "read", "the list of feeds is NULL");
    for (int i = 0; i < n_feeds && code == WG_OK; i++)
        code = wg_plan_feed(p, feeds[i].name, feeds[i].value);
    if (code == WG_OK) code = wg_plan_run(p);
    if (code == WG_OK && value) {
        result = wg_plan_value_at(p, 0);
        value->data = wg__alloc((size_t)wg_type_bytes(&result->type));
        if (value->data) {
            value->type = result->type;
            memcpy(value->data, result->data, (size_t)wg_type_bytes(&result->type));
        } else {
            code = no_memory(&p->error, "read");
        }
    }
    if (code != WG_OK) *error = p->error;
    wg_plan_free(p);
    return code;
}
