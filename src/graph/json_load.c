/*
 * json_load.c: a program from JSON. Every node is recorded anew, so every shape rule runs; nothing
 * of the text is used as an index, a count or a size before it was checked against what is there.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

/* What a node says beside its operands. */
struct frame {
    const wg_op *op;
    const void *attr;
    const char *scope, *name;
    bool derived;
};

struct loader {
    wg_loading *l;
    wg_error *error;
    wg_table ops; /* record name -> index in the list */
    wg_op_list list;
    const wg_json *nodes; /* where they are in the tree */
    wg_tensor **node, **operand;
    int64_t n, count, operands; /* recorded; in the file; room */
    struct frame *frame;
    int64_t n_frames, frames;
    wg_arena kept; /* attributes of frames */
};

static wg_status fail(const struct loader *r, wg_status code, const char *fmt, ...) WG_PRINTF(3, 4);
static wg_status fail(const struct loader *r, wg_status code, const char *fmt, ...)
{
    char text[sizeof r->error->text];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return wg__io_fail(r->error, code, r->l->file, "%s", text);
}

static wg_status no_memory(const struct loader *r)
{
    return fail(r, WG_ENOMEM, "out of memory");
}

/* Exactly these members may stand in an object; those that begin with '!' must. `what` is for
 * messages. */
static bool members(const struct loader *r, const wg_json *v, const char *what,
                    const char *const *names)
{
    wg_json_walk w = { .object = v };
    int i;

    if (!v || wg__json_kind(v) != WG_JSON_OBJECT) {
        fail(r, WG_EFORMAT, "%s is %s, not an object", what, wg__json_what(v));
        return false;
    }
    for (i = 0; names[i]; i++) {
        if (names[i][0] != '!' || wg__json_get(v, names[i] + 1)) continue;
        fail(r, WG_EFORMAT, "%s: member '%s' is missing", what, names[i] + 1);
        return false;
    }
    while (wg__json_next(&w)) {
        for (i = 0; names[i] && strcmp(w.key, names[i] + (names[i][0] == '!')) != 0; i++) continue;
        if (names[i]) continue;
        fail(r, WG_EFORMAT, "%s: unknown member \"%s\"", what, WG_SHOW(w.key));
        return false;
    }
    return true;
}

/* ---- nodes ---- */

/* The record's name is known, so it leads. */
static wg_status node_fail(const struct loader *r, wg_status code, const wg_op *op, const char *fmt,
                           ...) WG_PRINTF(4, 5);
static wg_status node_fail(const struct loader *r, wg_status code, const wg_op *op, const char *fmt,
                           ...)
{
    char text[sizeof r->error->text];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (!op) return fail(r, code, "node %" PRId64 ": %s", r->n, text);
    return fail(r, code, "%s: node %" PRId64 ": %s", op->name, r->n, text);
}

/* What recording said, with the place in the file. */
static wg_status recording_failed(const struct loader *r, const wg_op *op)
{
    const wg_error *e = &r->l->graph->error;
    wg_status status = node_fail(r, e->code, op, "%s", e->text);

    wg__error_scope(r->error, e->scope);
    return status;
}

static wg_status find_record(const struct loader *r, const wg_json *v, const wg_op **op)
{
    static const char *const allowed[] = { "op", "in", "attr", "scope", "name", "derived", NULL };
    wg_json_walk w = { .object = v };
    const wg_json *name;
    int64_t at;

    if (wg__json_kind(v) != WG_JSON_OBJECT)
        return node_fail(r, WG_EFORMAT, NULL, "is %s, not an object", wg__json_what(v));
    name = wg__json_get(v, "op");
    if (!name || !wg__json_text(name))
        return node_fail(r, WG_EFORMAT, NULL, "'op' is %s, not a string", wg__json_what(name));
    at = wg__table_get(&r->ops, wg__json_text(name));
    if (at < 0)
        return node_fail(r, WG_ENAME, NULL, "unknown op \"%s\"", WG_SHOW(wg__json_text(name)));
    *op = r->list.op[at];
    while (wg__json_next(&w)) {
        int i = 0;

        while (allowed[i] && strcmp(allowed[i], w.key) != 0) i++;
        if (!allowed[i])
            return node_fail(r, WG_EFORMAT, *op, "unknown member \"%s\"", WG_SHOW(w.key));
    }
    return WG_OK;
}

/* Into r->operand. */
static wg_status find_operands(struct loader *r, const wg_op *op, const wg_json *in)
{
    int64_t n = wg__json_count(in);
    wg_tensor **wider;

    if (!in || wg__json_kind(in) != WG_JSON_LIST)
        return node_fail(r, WG_EFORMAT, op, "'in' is %s, not a list", wg__json_what(in));
    if (op->n_in < 0 ? n < 1 || n > INT32_MAX : n != op->n_in)
        return node_fail(r, WG_EFORMAT, op, "%" PRId64 " operands, wanted %s%d", n,
                         op->n_in < 0 ? "at least " : "", op->n_in < 0 ? 1 : op->n_in);
    /* One at least: room for none is no memory either. */
    wider = wg__grow(r->operand, &r->operands, n + 1, sizeof *wider);
    if (!wider) return no_memory(r);
    r->operand = wider;
    for (int64_t i = 0; i < n; i++) {
        int64_t id;

        if (!wg__json_int(wg__json_at(in, i), &id))
            return node_fail(r, WG_EFORMAT, op, "'in'[%" PRId64 "] is %s, not an integer", i,
                             wg__json_what(wg__json_at(in, i)));
        if (id < 0 || id >= r->n)
            return node_fail(r, WG_EFORMAT, op, "operand %" PRId64 " is not an earlier node", id);
        r->operand[i] = r->node[id];
    }
    return WG_OK;
}

/* Optional text, as scopes and names are. */
static wg_status find_label(const struct loader *r, const wg_op *op, const wg_json *v,
                            const char *key, const char **out)
{
    const wg_json *label = wg__json_get(v, key);

    *out = label ? wg__json_text(label) : NULL;
    if (!label) return WG_OK;
    if (!*out)
        return node_fail(r, WG_EFORMAT, op, "'%s' is %s, not a string", key, wg__json_what(label));
    if (!(*out)[0]) return node_fail(r, WG_EFORMAT, op, "'%s' is empty", key);
    if (strlen(*out) > 1023)
        return node_fail(r, WG_EFORMAT, op, "'%s' is longer than 1,023 bytes", key);
    return WG_OK;
}

/* What v says, beside its operands. */
static wg_status read_frame(struct loader *r, const wg_json *v, struct frame *f)
{
    const wg_json *flag;
    void *attr = NULL;
    wg_misfit m;

    if (find_record(r, v, &f->op) != WG_OK ||
        find_label(r, f->op, v, "scope", &f->scope) != WG_OK ||
        find_label(r, f->op, v, "name", &f->name) != WG_OK)
        return r->error->code;
    if (f->name && strchr(f->name, '/'))
        return node_fail(r, WG_EFORMAT, f->op, "'name' holds a '/'");
    flag = wg__json_get(v, "derived");
    f->derived = false;
    if (flag && !wg__json_bool(flag, &f->derived))
        return node_fail(r, WG_EFORMAT, f->op, "'derived' is %s, not true or false",
                         wg__json_what(flag));
    if (f->op->attr_size > 0) {
        attr = wg__arena_take(&r->kept, f->op->attr_size);
        if (!attr) return no_memory(r);
        memset(attr, 0, f->op->attr_size);
    }
    f->attr = attr;
    if (!wg__read_attr(wg__json_get(v, "attr"), f->op->fields, &r->kept, attr, &m))
        return node_fail(r, m.code, f->op, "%s", m.text);
    return WG_OK;
}

static wg_status record(struct loader *r, const struct frame *f, const wg_json *in)
{
    wg_status status = find_operands(r, f->op, in);

    if (status != WG_OK) return status;
    r->node[r->n] = wg__replay(r->l->graph, f->op, f->attr, (int)wg__json_count(in), r->operand,
                               NULL, f->scope, f->name, f->derived);
    if (r->l->graph->error.code != WG_OK) return recording_failed(r, f->op);
    /* A named leaf that was there already: recording hands out the same entry. */
    if (wg_graph_count(r->l->graph) != r->n + 1)
        return node_fail(r, WG_ENAME, f->op, "\"%s\" occurs twice",
                         WG_SHOW(wg__leaf_name(r->node[r->n])));
    r->n++;
    return WG_OK;
}

static wg_status load_node(struct loader *r)
{
    wg_json_node node;
    wg_status status = WG_OK;

    if (r->l->nodes.text) {
        status = wg__json_node(&r->l->nodes, r->n, &node, r->l->file, r->error);
    } else {
        node.v = wg__json_at(r->nodes, r->n);
        node.in = wg__json_get(node.v, "in");
        node.frame = (int32_t)r->n_frames;
    }
    if (status == WG_OK && node.frame == r->n_frames) {
        struct frame *wider = wg__grow(r->frame, &r->frames, r->n_frames + 1, sizeof *wider);

        if (!wider) return no_memory(r);
        r->frame = wider;
        status = read_frame(r, node.v, &r->frame[r->n_frames++]);
    }
    return status == WG_OK ? record(r, &r->frame[node.frame], node.in) : status;
}

static wg_status load_nodes(struct loader *r, int64_t end)
{
    wg_status status = WG_OK;

    while (status == WG_OK && r->n < end) status = load_node(r);
    return status;
}

/* ---- functions ---- */

/* Checks a function's object and raises *end above the nodes it names. */
static wg_status check_bindings(const struct loader *r, const char *function, const char *kind,
                                const wg_json *v, int64_t *end)
{
    wg_json_walk w = { .object = v };

    if (wg__json_kind(v) != WG_JSON_OBJECT)
        return fail(r, WG_EFORMAT, "function \"%s\": '%s' is %s, not an object", WG_SHOW(function),
                    kind, wg__json_what(v));
    while (wg__json_next(&w)) {
        int64_t id;

        if (!wg__json_int(w.value, &id))
            return fail(r, WG_EFORMAT, "function \"%s\": '%s': \"%s\" is %s, not a node",
                        WG_SHOW(function), kind, WG_SHOW(w.key), wg__json_what(w.value));
        if (id < 0 || id >= r->count)
            return fail(r, WG_EFORMAT,
                        "function \"%s\": '%s': \"%s\" is node %" PRId64 ", which does not exist",
                        WG_SHOW(function), kind, WG_SHOW(w.key), id);
        if (id >= *end) *end = id + 1;
    }
    return WG_OK;
}

/* Nodes are recorded while the first function that needs them is open, as they were. */
static wg_status load_function(struct loader *r, const char *name, const wg_json *v)
{
    static const char *const allowed[] = { "!mode", "!outputs", "!updates", NULL };
    wg_graph *g = r->l->graph;
    const wg_json *outputs, *updates;
    const char *mode;
    char what[WG_SHOWN + 16];
    int64_t end = r->n;

    snprintf(what, sizeof what, "function \"%s\"", WG_SHOW(name));
    if (!members(r, v, what, allowed)) return r->error->code;
    outputs = wg__json_get(v, "outputs");
    updates = wg__json_get(v, "updates");
    mode = wg__json_text(wg__json_get(v, "mode"));
    if (!mode || (strcmp(mode, "train") != 0 && strcmp(mode, "predict") != 0))
        return fail(r, WG_EFORMAT, "%s: 'mode' is neither \"train\" nor \"predict\"", what);
    if (check_bindings(r, name, "outputs", outputs, &end) != WG_OK ||
        check_bindings(r, name, "updates", updates, &end) != WG_OK)
        return r->error->code;
    wg_begin(g, name, strcmp(mode, "train") == 0 ? WG_TRAIN : WG_PREDICT);
    if (g->error.code == WG_OK && load_nodes(r, end) != WG_OK) return r->error->code;
    for (wg_json_walk w = { .object = outputs }; g->error.code == WG_OK && wg__json_next(&w);) {
        int64_t id = 0;

        wg__json_int(w.value, &id);
        wg_output(w.key, r->node[id]);
    }
    for (wg_json_walk w = { .object = updates }; g->error.code == WG_OK && wg__json_next(&w);) {
        int64_t id = 0;

        wg__json_int(w.value, &id);
        wg_update(w.key, r->node[id]);
    }
    wg_end(g);
    if (g->error.code == WG_OK) return WG_OK;
    return fail(r, g->error.code, "%s: %s: %s", what, g->error.op, g->error.text);
}

static wg_status load_functions(struct loader *r, const wg_json *v)
{
    wg_json_walk w = { .object = v };
    wg_status status = WG_OK;

    if (wg__json_kind(v) != WG_JSON_OBJECT)
        return fail(r, WG_EFORMAT, "'functions' is %s, not an object", wg__json_what(v));
    if (wg__json_count(v) == 0) return fail(r, WG_EFORMAT, "'functions' is empty");
    if (wg__json_count(v) > WG_MAX_FUNCTIONS)
        return fail(r, WG_ELIMIT, "%" PRId64 " functions are more than %d", wg__json_count(v),
                    WG_MAX_FUNCTIONS);
    while (status == WG_OK && wg__json_next(&w)) status = load_function(r, w.key, w.value);
    return status;
}

/* ---- what surrounds them ---- */

static wg_status load_metadata(const struct loader *r, const wg_json *v)
{
    wg_json_walk w = { .object = v };

    if (!v) return WG_OK;
    if (wg__json_kind(v) != WG_JSON_OBJECT)
        return fail(r, WG_EFORMAT, "'metadata' is %s, not an object", wg__json_what(v));
    if (wg__json_count(v) > WG_MAX_METADATA)
        return fail(r, WG_ELIMIT, "%" PRId64 " metadata are more than %d", wg__json_count(v),
                    WG_MAX_METADATA);
    while (wg__json_next(&w)) {
        if (!wg__json_text(w.value))
            return fail(r, WG_EFORMAT, "'metadata': \"%s\" is %s, not a string", WG_SHOW(w.key),
                        wg__json_what(w.value));
        if (strcmp(w.key, WG_META_SCHEDULERS) == 0 || strcmp(w.key, WG_META_EXTENSIONS) == 0)
            return fail(r, WG_EFORMAT, "'metadata': \"%s\" is reserved", w.key);
        wg_metadata_set(r->l->graph, w.key, wg__json_text(w.value));
        if (r->l->graph->error.code != WG_OK)
            return fail(r, r->l->graph->error.code, "'metadata': %s", r->l->graph->error.text);
    }
    return WG_OK;
}

/* An object that is kept as it stands. An empty one is as good as none. */
static wg_status load_kept(const struct loader *r, const wg_json *v, const char *member,
                           const char *key, bool of_objects)
{
    wg_json_walk w = { .object = v };
    wg_text t = { NULL, 0, 0, false, NULL };
    char *text;
    size_t n;

    if (!v) return WG_OK;
    if (wg__json_kind(v) != WG_JSON_OBJECT)
        return fail(r, WG_EFORMAT, "'%s' is %s, not an object", member, wg__json_what(v));
    while (of_objects && wg__json_next(&w))
        if (wg__json_kind(w.value) != WG_JSON_OBJECT)
            return fail(r, WG_EFORMAT, "'%s': \"%s\" is %s, not an object", member, WG_SHOW(w.key),
                        wg__json_what(w.value));
    if (of_objects && wg__json_count(v) == 0) return WG_OK;
    wg__put_value(&t, v);
    if (wg__text_end(&t, r->l->file, &text, &n, r->error) != WG_OK) return r->error->code;
    wg_metadata_set(r->l->graph, key, text);
    wg__release(text);
    return r->l->graph->error.code == WG_OK ? WG_OK : no_memory(r);
}

static bool hex64(const char *s, uint64_t *out)
{
    if (strspn(s, "0123456789abcdef") != 16 || s[16]) return false;
    *out = strtoull(s, NULL, 16);
    return true;
}

static wg_status load_weights(const struct loader *r, const wg_json *v)
{
    static const char *const allowed[] = { "!file", "!bytes", "!xxh64", NULL };
    wg_weights *weights = &r->l->weights;
    const char *sum, *file;

    if (!v) return WG_OK;
    if (!members(r, v, "'weights'", allowed)) return r->error->code;
    file = wg__json_text(wg__json_get(v, "file"));
    sum = wg__json_text(wg__json_get(v, "xxh64"));
    if (!file) return fail(r, WG_EFORMAT, "'weights': 'file' is not a string");
    if (!wg__beside_name(file))
        return fail(r, WG_EFORMAT, "'weights': \"%s\" is not the name of a file beside",
                    WG_SHOW(file));
    if (!wg__json_int(wg__json_get(v, "bytes"), &weights->bytes) || weights->bytes < 0)
        return fail(r, WG_EFORMAT, "'weights': 'bytes' is not a size");
    if (!sum || !hex64(sum, &weights->sum))
        return fail(r, WG_EFORMAT, "'weights': 'xxh64' is not 16 hexadecimal digits");
    weights->file = file;
    return WG_OK;
}

static wg_status check_root(const struct loader *r)
{
    static const char *const allowed[] = { "!wengert", "!functions", "!nodes", "schedulers",
                                           "metadata", "extensions", "store",  "weights",
                                           "params",   "debug",      NULL };
    const wg_json *root = r->l->root, *version, *debug;
    int64_t v;

    if (wg__json_kind(root) != WG_JSON_OBJECT)
        return fail(r, WG_EFORMAT, "is %s, not a program", wg__json_what(root));
    version = wg__json_get(root, "wengert");
    if (!version) return fail(r, WG_EFORMAT, "is not a program: member 'wengert' is missing");
    if (!wg__json_int(version, &v))
        return fail(r, WG_EFORMAT, "'wengert' is %s, not an integer", wg__json_what(version));
    if (v != 1) return fail(r, WG_EVERSION, "version %" PRId64 ": this library reads version 1", v);
    if (!members(r, root, "the program", allowed)) return r->error->code;
    debug = wg__json_get(root, "debug");
    if (debug && wg__json_kind(debug) != WG_JSON_OBJECT)
        return fail(r, WG_EFORMAT, "'debug' is %s, not an object", wg__json_what(debug));
    if (wg__json_kind(r->nodes) != WG_JSON_LIST)
        return fail(r, WG_EFORMAT, "'nodes' is %s, not a list", wg__json_what(r->nodes));
    return WG_OK;
}

wg_status wg__load_graph(wg_loading *l, wg_error *error)
{
    struct loader r = { .l = l,
                        .error = error,
                        .list = l->options->ops.n > 0 ? l->options->ops : wg_std_ops() };
    int64_t most = l->options->max_nodes > 0 ? l->options->max_nodes : 10000000;
    wg_status status;

    r.nodes = wg__json_get(l->root, "nodes");
    wg__arena_init(&r.kept);
    status = check_root(&r);
    if (status == WG_OK) r.count = l->nodes.text ? l->nodes.cuts.n : wg__json_count(r.nodes);
    if (status == WG_OK && r.count > most)
        status = fail(&r, WG_ELIMIT, "%" PRId64 " nodes are more than the %" PRId64 " allowed",
                      r.count, most);
    if (status != WG_OK) return status;
    l->graph = wg_graph_new();
    r.node = wg__array(r.count, sizeof *r.node);
    if (!l->graph || !r.node) status = no_memory(&r);
    /* The first of two records with one name wins, as in wg_op_find. */
    for (int i = r.list.n - 1; i >= 0 && status == WG_OK; i--)
        if (!wg__table_put(&r.ops, r.list.op[i]->name, i)) status = no_memory(&r);
    if (status == WG_OK) status = load_functions(&r, wg__json_get(l->root, "functions"));
    if (status == WG_OK) status = load_nodes(&r, r.count);
    if (status == WG_OK)
        status = load_kept(&r, wg__json_get(l->root, "schedulers"), "schedulers",
                           WG_META_SCHEDULERS, true);
    if (status == WG_OK) status = load_metadata(&r, wg__json_get(l->root, "metadata"));
    if (status == WG_OK)
        status = load_kept(&r, wg__json_get(l->root, "extensions"), "extensions",
                           WG_META_EXTENSIONS, false);
    if (status == WG_OK) status = load_weights(&r, wg__json_get(l->root, "weights"));
    wg__table_free(&r.ops);
    wg__release(r.node);
    wg__release(r.operand);
    wg__release(r.frame);
    wg__arena_free(&r.kept);
    return status;
}

/* ---- the store ---- */

static wg_status new_store(const struct loader *r, const wg_json *store)
{
    static const char *const allowed[] = { "!dtype", "!seed", NULL };
    const char *text;
    wg_dtype dtype;
    uint64_t seed;
    wg_misfit m;

    if (!members(r, store, "'store'", allowed)) return r->error->code;
    if (!wg__read_dtype(wg__json_get(store, "dtype"), "'dtype'", &dtype, &m))
        return fail(r, m.code, "'store': %s", m.text);
    if (!wg_dtype_is_real(dtype))
        return fail(r, WG_EFORMAT, "'store': 'dtype' is \"%s\", not f32 or f64",
                    wg_dtype_name(dtype));
    text = wg__json_text(wg__json_get(store, "seed"));
    errno = 0;
    seed = text ? strtoull(text, NULL, 10) : 0;
    if (!text || !text[0] || strspn(text, "0123456789") != strlen(text) || errno == ERANGE)
        return fail(r, WG_EFORMAT,
                    "'store': 'seed' is not an unsigned number of 64 bits, as a string");
    r->l->params = wg__params_empty(dtype, seed);
    return r->l->params ? WG_OK : no_memory(r);
}

/* The type of one entry, its elements when they are inline, and whether it is trained. */
static wg_status load_entry(const struct loader *r, const char *name, const wg_json *v,
                            const wg_tensors *t, int64_t *room)
{
    static const char *const allowed[] = { "!dtype", "!shape", "!trainable", "data", NULL };
    const wg_json *data;
    wg_type type;
    bool trainable;
    int64_t at, bytes;
    char what[WG_SHOWN + 16];
    wg_error inner;
    wg_param *p;
    wg_misfit m;

    snprintf(what, sizeof what, "entry \"%s\"", WG_SHOW(name));
    if (!members(r, v, what, allowed)) return r->error->code;
    if (!wg__read_dtype(wg__json_get(v, "dtype"), "'dtype'", &type.dtype, &m) ||
        !wg__read_extents(wg__json_get(v, "shape"), "'shape'", &type.shape, &m))
        return fail(r, m.code, "%s: %s", what, m.text);
    bytes = wg_type_bytes(&type);
    if (bytes < 0) return fail(r, WG_ELIMIT, "%s: %s is no legal type", what, WG_TYPE_STR(&type));
    if (!wg__json_bool(wg__json_get(v, "trainable"), &trainable))
        return fail(r, WG_EFORMAT, "%s: 'trainable' is not true or false", what);
    data = wg__json_get(v, "data");
    if (r->l->weights.file && data)
        return fail(r, WG_EFORMAT, "%s: 'data' beside a weights file", what);
    if (!r->l->weights.file && !data)
        return fail(r, WG_EFORMAT, "%s: member 'data' is missing", what);
    /* Before memory is taken for it: the elements are there, or the caller's bound allows it. */
    if (data && wg__json_count(data) != wg_shape_count(&type.shape))
        return fail(r, WG_EFORMAT, "%s: 'data' has %" PRId64 " elements, %s has %" PRId64, what,
                    wg__json_count(data), WG_TYPE_STR(&type), wg_shape_count(&type.shape));
    at = t ? wg__table_get(&t->names, name) : -1;
    if (t && at < 0) return fail(r, WG_EFORMAT, "%s: the weights file has no such tensor", what);
    if (t && !wg_type_equal(&type, &t->item[at].type))
        return fail(r, WG_EFORMAT, "%s: %s, in the weights file %s", what, WG_TYPE_STR(&type),
                    WG_TYPE_STR(&t->item[at].type));
    *room -= bytes;
    if (!t && !data && *room < 0)
        return fail(r, WG_ELIMIT, "%s: the store has more bytes than are allowed", what);
    wg__error_clear(&inner);
    if (wg__params_load_entry(r->l->params, name, &type, trainable, &p, &inner) != WG_OK)
        return fail(r, inner.code, "%s: %s", what, inner.text);
    if (r->l->options->no_params) memset(p->value.data, 0, (size_t)bytes);
    if (!data || r->l->options->no_params) return WG_OK;
    return wg__read_elements(data, &type, p->value.data, &m)
               ? WG_OK
               : fail(r, m.code, "%s: %s", what, m.text);
}

wg_status wg__load_store(wg_loading *l, const wg_tensors *t, wg_error *error)
{
    struct loader r = { .l = l, .error = error };
    const wg_json *store = wg__json_get(l->root, "store"),
                  *params = wg__json_get(l->root, "params");
    int64_t room = l->options->max_bytes > 0 ? l->options->max_bytes : INT64_C(1) << 31;
    wg_status status;

    if (!store && (params || l->weights.file))
        return fail(&r, WG_EFORMAT, "'%s' without 'store'", params ? "params" : "weights");
    if (!store) {
        l->params = wg_params_new(WG_F32, 0);
        return l->params ? WG_OK : no_memory(&r);
    }
    status = new_store(&r, store);
    if (status != WG_OK) return status;
    if (!params || wg__json_kind(params) != WG_JSON_OBJECT)
        return fail(&r, WG_EFORMAT, "'params' is %s, not an object", wg__json_what(params));
    for (wg_json_walk w = { .object = params }; status == WG_OK && wg__json_next(&w);)
        status = load_entry(&r, w.key, w.value, t, &room);
    for (int64_t i = 0; t && status == WG_OK && i < t->n; i++)
        if (!wg__params_find(l->params, t->item[i].name))
            status = fail(&r, WG_EFORMAT, "tensor \"%s\" of the weights file is no entry",
                          WG_SHOW(t->item[i].name));
    if (status != WG_OK) return status;
    return wg__params_fit(l->graph, l->graph->n, l->graph->tape, (int)l->graph->n_functions, NULL,
                          l->params, l->file, error);
}
