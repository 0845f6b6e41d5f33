/* tape.c: the graph, recording, scopes and call sites. */
#include <assert.h>
#include <string.h>

#include "internal.h"

static const wg_op poison_op = { .name = "error",
                                 .doc = "what constructors return after an error" };
static const wg_type poison_type = { WG_F32, { 0, { 0 } } };

struct wg_scope_link {
    const char *outer;
    struct wg_scope_link *below;
};

wg_graph *wg_graph_new(void)
{
    wg_graph *g = wg__zalloc(sizeof *g);

    if (!g) return NULL;
    wg__arena_init(&g->arena);
    wg__error_clear(&g->error);
    g->poison =
        (wg_tensor){ .graph = g, .op = &poison_op, .type = &poison_type, .id = -1, .scope = "" };
    g->scope = "";
    g->open = -1;
    g->users = 1;
    return g;
}

void wg__graph_hold(wg_graph *g)
{
    g->users++;
}

void wg__graph_release(wg_graph *g)
{
    if (--g->users > 0) return;
    for (int64_t i = 0; i < g->n_functions; i++) {
        wg_function *f = &g->function[i];

        wg__release(f->outputs.item);
        wg__release(f->updates.item);
        wg__release(f->along.item);
        wg__release(f->read);
        wg__table_free(&f->names);
        wg__table_free(&f->output_at);
        wg__table_free(&f->update_at);
        wg__table_free(&f->along_at);
    }
    wg__release(g->function);
    wg__release(g->tape);
    wg__release(g->type_list);
    wg__release(g->meta);
    wg__table_free(&g->scope_names);
    wg__table_free(&g->leaves);
    wg__table_free(&g->free_names);
    wg__hash_free(&g->types);
    wg__arena_free(&g->arena);
    wg__release(g);
}

void wg_graph_free(wg_graph *g)
{
    if (g) wg__graph_release(g);
}

const wg_error *wg_graph_error(const wg_graph *g)
{
    static const wg_error no_memory = { WG_ENOMEM, "graph_new", NULL, "", "out of memory" };

    if (!g) return &no_memory;
    return g->error.code == WG_OK ? NULL : &g->error;
}

int64_t wg_graph_count(const wg_graph *g)
{
    return g ? g->n : 0;
}

wg_tensor *wg_graph_at(const wg_graph *g, int64_t id)
{
    return g && id >= 0 && id < g->n ? g->tape[id] : NULL;
}

/* ---- asking a tensor ---- */

wg_graph *wg_tensor_graph(const wg_tensor *t)
{
    return t ? t->graph : NULL;
}
const wg_type *wg_tensor_type(const wg_tensor *t)
{
    return t ? t->type : &poison_type;
}
int64_t wg_tensor_id(const wg_tensor *t)
{
    return t ? t->id : -1;
}
const char *wg_tensor_op(const wg_tensor *t)
{
    return t ? t->op->name : "";
}
int wg_tensor_n_in(const wg_tensor *t)
{
    return t ? t->n_in : 0;
}
const char *wg_tensor_name(const wg_tensor *t)
{
    return t ? t->name : NULL;
}
const char *wg_tensor_scope(const wg_tensor *t)
{
    return t ? t->scope : "";
}
const char *wg_tensor_site(const wg_tensor *t)
{
    return t ? t->site : NULL;
}
bool wg_tensor_derived(const wg_tensor *t)
{
    return t && t->derived;
}
const void *wg_tensor_attr(const wg_tensor *t)
{
    return t ? t->attr : NULL;
}
const wg_op *wg_tensor_record(const wg_tensor *t)
{
    return t ? t->op : &poison_op;
}
int wg_rank(const wg_tensor *t)
{
    return t ? t->type->shape.rank : 0;
}
wg_dtype wg_dtype_of(const wg_tensor *t)
{
    return t ? t->type->dtype : WG_F32;
}

wg_tensor *wg_tensor_in(const wg_tensor *t, int i)
{
    return t && i >= 0 && i < t->n_in ? t->in[i] : NULL;
}

const char *wg__leaf_name(const wg_tensor *t)
{
    return *(const char *const *)t->attr;
}

const char *wg_tensor_leaf_name(const wg_tensor *t)
{
    bool named = t && (t->op->flags & (WG_OP_FEED | WG_OP_PARAM | WG_OP_RANDOM));

    return named ? wg__leaf_name(t) : NULL;
}

/* ---- errors and sites ---- */

static wg_status graph_vfail(wg_graph *g, wg_status code, const char *op, const char *fmt,
                             va_list args)
{
    bool first = g->error.code == WG_OK;

    wg__vfail(&g->error, code, op, fmt, args);
    if (first) {
        wg__error_scope(&g->error, g->deriving ? g->derive_scope : g->scope);
        if (g->deriving) g->error.site = g->derive_site;
    }
    return code;
}

wg_status wg__graph_fail(wg_graph *g, wg_status code, const char *op, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    graph_vfail(g, code, op, fmt, args);
    va_end(args);
    return code;
}

wg_tensor *wg_record_fail(wg_graph *g, wg_status code, const char *function, const char *fmt, ...)
{
    va_list args;

    if (!g) return NULL;
    va_start(args, fmt);
    graph_vfail(g, code, function, fmt, args);
    va_end(args);
    return &g->poison;
}

static void stamp(wg_graph *g, const char *site)
{
    if (g->error.code != WG_OK && !g->error.site) g->error.site = site;
    for (; g->stamped < g->n; g->stamped++)
        if (!g->tape[g->stamped]->site) g->tape[g->stamped]->site = site;
}

wg_tensor *wg_at(const char *site, wg_tensor *t)
{
    if (t) stamp(t->graph, site);
    return t;
}

wg_graph *wg_at_graph(const char *site, wg_graph *g)
{
    if (g) stamp(g, site);
    return g;
}

wg_graph *wg_derive_begin(const wg_tensor *from)
{
    wg_graph *g = from->graph;

    g->deriving++;
    g->derive_site = from->site;
    g->derive_scope = from->scope;
    return g;
}

wg_graph *wg_derive_end(wg_graph *g)
{
    g->deriving--;
    return g;
}

/* ---- interning ---- */

struct same_type {
    const wg_graph *g;
    const wg_type *type;
};

static bool same_type(const void *context, int64_t i)
{
    const struct same_type *c = context;

    return wg_type_equal(c->type, c->g->type_list[i]);
}

const wg_type *wg__intern_type(wg_graph *g, const wg_type *type)
{
    uint64_t key = wg__hash_bytes((uint64_t)type->dtype, type->shape.dim,
                                  (size_t)type->shape.rank * sizeof *type->shape.dim);
    int64_t at;
    wg_type *own;
    const wg_type **list;

    key = wg__mix(key, (uint64_t)type->shape.rank);
    at = wg__hash_find(&g->types, key, same_type, &(struct same_type){ g, type });
    if (at >= 0) return g->type_list[at];
    list = wg__grow(g->type_list, &g->types_cap, g->n_types + 1, sizeof *list);
    if (!list) return NULL;
    g->type_list = list;
    own = wg__arena_take(&g->arena, sizeof *own);
    if (!own) return NULL;
    *own = (wg_type){ type->dtype, { type->shape.rank, { 0 } } };
    for (int i = 0; i < type->shape.rank; i++) own->shape.dim[i] = type->shape.dim[i];
    if (!wg__hash_add(&g->types, key, g->n_types)) return NULL;
    list[g->n_types++] = own;
    return own;
}

const char *wg__intern_scope(wg_graph *g, const char *path)
{
    int64_t found;
    char *own;

    if (path[0] == '\0') return "";
    found = wg__table_get(&g->scope_names, path);
    if (found != -1) return (const char *)(uintptr_t)found;
    own = wg__arena_text(&g->arena, path);
    if (!own || !wg__table_put(&g->scope_names, own, (int64_t)(uintptr_t)own)) return NULL;
    return own;
}

/* ---- scopes ---- */

wg_graph *wg_scope_begin(wg_graph *g, const char *fmt, ...)
{
    char part[128], path[1024];
    va_list args;
    int n;
    struct wg_scope_link *link;
    const char *inner;

    if (!g || g->error.code != WG_OK) return g;
    if (!fmt) {
        wg__graph_fail(g, WG_ENAME, "scope_begin", "the name is NULL");
        return g;
    }
    va_start(args, fmt);
    n = vsnprintf(part, sizeof part, fmt, args);
    va_end(args);
    if (n <= 0 || n >= (int)sizeof part) {
        wg__graph_fail(g, WG_ENAME, "scope_begin",
                       n <= 0 ? "the name is empty" : "the name is longer than 127 bytes");
        return g;
    }
    n = snprintf(path, sizeof path, "%s%s%s", g->scope, g->scope[0] ? "/" : "", part);
    if (n >= (int)sizeof path) {
        wg__graph_fail(g, WG_ENAME, "scope_begin", "the path is longer than %zu bytes: %.40s...",
                       sizeof path - 1, path);
        return g;
    }
    link = wg__arena_take(&g->arena, sizeof *link);
    inner = link ? wg__intern_scope(g, path) : NULL;
    if (!inner) {
        wg__graph_fail(g, WG_ENOMEM, "scope_begin", "out of memory");
        return g;
    }
    *link = (struct wg_scope_link){ g->scope, g->scopes };
    g->scopes = link;
    g->scope = inner;
    return g;
}

wg_graph *wg_scope_end(wg_graph *g)
{
    if (!g || g->error.code != WG_OK) return g;
    if (!g->scopes) {
        wg__graph_fail(g, WG_ESTATE, "scope_end", "no scope is open");
        return g;
    }
    g->scope = g->scopes->outer;
    g->scopes = g->scopes->below;
    return g;
}

const char *wg_scope(const wg_graph *g)
{
    return g ? g->scope : "";
}

/* ---- kernels of a record ---- */

const wg_op_more *wg__more(const wg_op *op)
{
    static const wg_op_more nothing = { 0 };

    return op->more ? op->more : &nothing;
}

wg_dtype wg__deciding_dtype(const wg_op *op, int n, const wg_type *const *in, const wg_type *out)
{
    return op->decides >= 0 && op->decides < n ? in[op->decides]->dtype : out->dtype;
}

wg_row_fn *wg__row_kernel(const wg_op *op, wg_dtype dtype, int level)
{
    for (; level >= 0; level--)
        if (op->row && op->row[dtype][level]) return op->row[dtype][level];
    return NULL;
}

wg_line_fn *wg__line_kernel(const wg_op *op, wg_dtype dtype, int level)
{
    wg_line_fn *const(*by_line)[WG_N_LEVELS] = wg__more(op)->by_line;

    for (; level >= 0; level--)
        if (by_line && by_line[dtype][level]) return by_line[dtype][level];
    return NULL;
}

wg_eval_fn *wg__eval_kernel(const wg_op *op, wg_dtype dtype, int level)
{
    for (; level >= 0; level--)
        if (op->eval && op->eval[dtype][level]) return op->eval[dtype][level];
    return NULL;
}

wg_eval_fn *wg__eval_chosen(const wg_sig *s, const wg_type *out, wg_dtype dtype, int level,
                            unsigned passes, int threads, size_t *scratch)
{
    const wg_op *op = s->op;
    const wg_op_more *more = wg__more(op);
    wg_eval_fn *fast = NULL;

    if (more->fast && (passes & WG_PASS_WINOGRAD))
        fast = more->fast(s, out, dtype, level, threads, scratch);
    if (fast) return fast;
    *scratch = op->scratch ? op->scratch(s, out, threads) : 0;
    return wg__eval_kernel(op, dtype, level);
}

/* ---- recording ---- */

bool wg__infer(const wg_op *op, const void *attr, int n, const wg_type *const *in, wg_type *out,
               wg_error *error)
{
    wg_sig s = { op, attr, n, in, error };

    *out = (wg_type){ WG_F32, { 0, { 0 } } };
    if (!op->infer(&s, out)) {
        assert(!error || error->code != WG_OK);
        return false;
    }
    if (wg_type_bytes(out) >= 0) return true;
    return wg_sig_fail(&s, WG_ELIMIT, "the result %s has more bytes than can be counted",
                       WG_TYPE_STR(out));
}

/* Result type into *type; what a kernel or a name wants is checked by the callers. */
static const wg_type *infer_type(wg_graph *g, const wg_op *op, const void *attr, int n,
                                 wg_tensor *const *x)
{
    const wg_type *few[8], **in = few, *result = NULL;
    wg_type out;
    wg_error error;
    char text[96];

    if (!attr && op->attr_size > 0) {
        wg__graph_fail(g, WG_EARG, op->name, "the attributes are NULL");
        return NULL;
    }
    if (attr && !wg__attr_check(op->fields, attr, text, sizeof text)) {
        wg__graph_fail(g, WG_EARG, op->name, "%s", text);
        return NULL;
    }
    if (n > (int)(sizeof few / sizeof few[0])) in = wg__array(n, sizeof *in);
    if (!in) {
        wg__graph_fail(g, WG_ENOMEM, op->name, "out of memory");
        return NULL;
    }
    for (int i = 0; i < n; i++) in[i] = x[i]->type;
    wg__error_clear(&error);
    if (!wg__infer(op, attr, n, in, &out, &error)) {
        wg__graph_fail(g, error.code, op->name, "%s", error.text);
    } else {
        wg_dtype kind = wg__deciding_dtype(op, n, in, &out);

        if (!(op->flags & (WG_OP_FEED | WG_OP_PARAM)) &&
            !wg__row_kernel(op, kind, WG_LEVEL_PLAIN) && !wg__eval_kernel(op, kind, WG_LEVEL_PLAIN))
            wg__graph_fail(
                g, WG_EDTYPE, op->name, "not defined for %s: convert operands with wg_cast",
                n > 0 ? WG_TYPE_STR(in[op->decides >= 0 && op->decides < n ? op->decides : 0])
                      : wg_dtype_name(kind));
        else if (!(result = wg__intern_type(g, &out)))
            wg__graph_fail(g, WG_ENOMEM, op->name, "out of memory");
    }
    if (in != few) wg__release(in);
    return result;
}

static wg_tensor *append(wg_graph *g, const wg_op *op, const void *attr, int n, wg_tensor *const *x,
                         const wg_type *type)
{
    wg_tensor **tape = wg__grow(g->tape, &g->cap, g->n + 1, sizeof *tape);
    size_t in_bytes = (size_t)n * sizeof(wg_tensor *);
    wg_tensor *t, **in;
    void *own;

    if (!tape) goto no_memory;
    g->tape = tape;
    if (g->n == INT32_MAX) {
        wg__graph_fail(g, WG_ELIMIT, op->name, "the graph is full: %d entries", INT32_MAX);
        return &g->poison;
    }
    t = wg__arena_take(&g->arena, sizeof *t + in_bytes);
    if (!t || !wg__attr_copy(&g->arena, op, attr, &own)) goto no_memory;
    in = (wg_tensor **)(t + 1);
    if (n > 0) memcpy(in, x, in_bytes);
    *t = (wg_tensor){ .graph = g,
                      .op = op,
                      .attr = own,
                      .type = type,
                      .id = (int32_t)g->n,
                      .n_in = n,
                      .in = in,
                      .scope = g->deriving ? g->derive_scope : g->scope,
                      .site = g->deriving ? g->derive_site : NULL,
                      .derived = g->deriving > 0 };
    tape[g->n++] = t;
    return t;
no_memory:
    wg__graph_fail(g, WG_ENOMEM, op->name, "out of memory");
    return &g->poison;
}

wg_tensor *wg_record(const wg_op *op, const void *attr, int n, wg_tensor *const *x)
{
    wg_graph *g = NULL;
    const wg_type *type;

    for (int i = 0; x && i < n && !g; i++)
        if (x[i]) g = x[i]->graph;
    if (!g) return NULL;
    if (g->error.code != WG_OK) return &g->poison;
    if (!op) return wg_record_fail(g, WG_EARG, "record", "the op is NULL");
    if (op->n_in < 0 ? n < 1 : n != op->n_in) {
        wg__graph_fail(g, WG_EARG, op->name, "%d operands given, wanted %d", n,
                       op->n_in < 0 ? 1 : op->n_in);
        return &g->poison;
    }
    for (int i = 0; i < n; i++) {
        if (x[i] && x[i]->graph == g) continue;
        if (!x[i]) wg__graph_fail(g, WG_EARG, op->name, "operand %d is NULL", i);
        else
            wg__graph_fail(g, WG_EARG, op->name, "operands 0 and %d belong to different graphs", i);
        return &g->poison;
    }
    type = infer_type(g, op, attr, n, x);
    return type ? append(g, op, attr, n, x, type) : &g->poison;
}

wg_tensor *wg_record1(const wg_op *op, const void *attr, wg_tensor *a)
{
    return wg_record(op, attr, 1, (wg_tensor *[]){ a });
}

wg_tensor *wg_record2(const wg_op *op, const void *attr, wg_tensor *a, wg_tensor *b)
{
    return wg_record(op, attr, 2, (wg_tensor *[]){ a, b });
}

wg_tensor *wg_record3(const wg_op *op, const void *attr, wg_tensor *a, wg_tensor *b, wg_tensor *c)
{
    return wg_record(op, attr, 3, (wg_tensor *[]){ a, b, c });
}

/* Named leaves live outside of scopes and functions: one for each name, whoever asks first. */
static wg_tensor *named_leaf(wg_graph *g, const wg_op *op, const void *attr, const wg_type *type)
{
    const char *name = *(const char *const *)attr;
    char key[1100];
    int64_t id;
    wg_tensor *t;
    char *own;

    if (!name[0]) {
        wg__graph_fail(g, WG_ENAME, op->name, "the name is empty");
        return &g->poison;
    }
    /* by what the leaf is, not by its record: a user's own record of a parameter counts too */
    if (snprintf(key, sizeof key, "%s %s", op->flags & WG_OP_PARAM ? "PARAM" : "FEED", name) >=
        (int)sizeof key) {
        wg__graph_fail(g, WG_ENAME, op->name, "the name is longer than 1,000 bytes: %.40s...",
                       name);
        return &g->poison;
    }
    id = wg__table_get(&g->leaves, key);
    if (id >= 0) {
        bool feed = (op->flags & WG_OP_FEED) != 0;

        t = g->tape[id];
        if (t->op != op) {
            wg__graph_fail(g, WG_ENAME, op->name, "\"%s\" is a leaf of the record %s already", name,
                           t->op->name);
            return &g->poison;
        }
        if (t->type->dtype == type->dtype && t->type->shape.rank == type->shape.rank &&
            (feed || wg_type_equal(t->type, type)))
            return t;
        wg__graph_fail(g, WG_ENAME, op->name, "\"%s\" is %s already, asked for %s", name,
                       WG_TYPE_STR(t->type), WG_TYPE_STR(type));
        return &g->poison;
    }
    own = wg__arena_text(&g->arena, key);
    if (!own || !wg__table_put(&g->leaves, own, g->n)) {
        wg__graph_fail(g, WG_ENOMEM, op->name, "out of memory");
        return &g->poison;
    }
    t = append(g, op, attr, 0, NULL, type);
    if (t != &g->poison) t->scope = "";
    return t;
}

wg_tensor *wg_record_leaf(wg_graph *g, const wg_op *op, const void *attr)
{
    const wg_type *type;

    if (!g) return NULL;
    if (g->error.code != WG_OK) return &g->poison;
    if (!op) return wg_record_fail(g, WG_EARG, "record_leaf", "the op is NULL");
    type = infer_type(g, op, attr, 0, NULL);
    if (!type) return &g->poison;
    if (op->flags & (WG_OP_FEED | WG_OP_PARAM)) return named_leaf(g, op, attr, type);
    return append(g, op, attr, 0, NULL, type);
}

wg_tensor *wg__replay(wg_graph *g, const wg_op *op, const void *attr, int n, wg_tensor *const *x,
                      const char *site, const char *scope, const char *name, bool derived)
{
    wg_tensor *t = n > 0 ? wg_record(op, attr, n, x) : wg_record_leaf(g, op, attr);

    if (!t || t == &g->poison) return t;
    t->site = site;
    t->derived = derived;
    t->scope = wg__intern_scope(g, scope ? scope : "");
    t->name = name ? wg__arena_text(&g->arena, name) : NULL;
    if (!t->scope || (name && !t->name)) {
        wg__graph_fail(g, WG_ENOMEM, op->name, "out of memory");
        return &g->poison;
    }
    return t;
}
