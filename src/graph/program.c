/* program.c: saving and loading whole programs, and weights alone. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

enum { INLINE_BYTES = 16384, ATTEMPTS = 10, LONGEST_NAME = 1000 };

static const wg_save_options save_defaults;
static const wg_load_options load_defaults;

/* The first error wins, here as everywhere: *error may hold one already. */
static wg_status finish(wg_error *error, const wg_error *own)
{
    wg__error_copy(error, own);
    return own->code;
}

/* ---- saving a program ---- */

static wg_status make_text(const wg_saved *s, const wg_save_options *options,
                           const wg_weights *weights, const char *file, char **text, size_t *n,
                           wg_error *error)
{
    wg_text t = { NULL, 0, 0, false, NULL };
    wg_status status = wg__put_program(&t, s, options, weights, error);

    if (status == WG_OK) return wg__text_end(&t, file, text, n, error);
    wg__release(t.text);
    return status;
}

wg_status wg_save_text(const wg_graph *g, const wg_params *w, const wg_save_options *options,
                       char **text, size_t *length, wg_error *error)
{
    wg_error own;
    wg_saved s;
    size_t n;

    wg__error_clear(&own);
    if (text) *text = NULL;
    if (!text) {
        wg_fail(&own, WG_EARG, "save_text", "text is NULL");
        return finish(error, &own);
    }
    options = options ? options : &save_defaults;
    if (wg__saved_open(&s, g, w, options->function, "text", &own) != WG_OK)
        return finish(error, &own);
    make_text(&s, options, NULL, "text", text, length ? length : &n, &own);
    wg__saved_close(&s);
    return finish(error, &own);
}

/* The weights under a name that holds their checksum, on the disk before the JSON names them. */
static wg_status save_weights(const wg_place *p, const wg_saved *s, char name[WG_WEIGHTS_NAME],
                              wg_weights *weights, wg_error *error)
{
    char stem[256], link[WG_WEIGHTS_NAME];
    wg_out o;

    wg__stem(stem, p->base);
    snprintf(link, sizeof link, "%s.safetensors", stem);
    if (wg__place_free(p, link, error) != WG_OK || wg__out_file(&o, p, error) != WG_OK)
        return error->code;
    if (wg__tensors_write(&o, s->n_entries, s->entry, p->base, error) != WG_OK) {
        wg__out_drop(&o);
        return error->code;
    }
    *weights = (wg_weights){ name, o.n, wg__checksum_end(&o.sum) };
    wg__weights_name(name, stem, weights->sum);
    if (wg__place_free(p, name, error) != WG_OK) wg__out_drop(&o);
    else if (wg__out_commit(&o, name, error) == WG_OK) wg__place_sync(p, error);
    return error->code;
}

/* The one commit. */
static wg_status save_json(const wg_place *p, const wg_saved *s, const wg_save_options *options,
                           const wg_weights *weights, wg_error *error)
{
    char *text;
    size_t n;
    wg_out o;

    if (make_text(s, options, weights, p->base, &text, &n, error) != WG_OK) return error->code;
    if (wg__out_file(&o, p, error) == WG_OK) {
        wg__out_put(&o, text, n);
        if (wg__out_commit(&o, p->base, error) == WG_OK && p->plain) wg__place_sync(p, error);
    }
    wg__release(text);
    return error->code;
}

wg_status wg_save(const char *path, const wg_graph *g, const wg_params *w,
                  const wg_save_options *options, wg_error *error)
{
    char name[WG_WEIGHTS_NAME], stem[256], link[WG_WEIGHTS_NAME];
    int64_t most;
    wg_error own;
    wg_place p;
    wg_saved s;
    wg_weights weights = { NULL, 0, 0 };

    wg__error_clear(&own);
    if (!path) {
        wg_fail(&own, WG_EARG, "save", "the path is NULL");
        return finish(error, &own);
    }
    options = options ? options : &save_defaults;
    if (wg__saved_open(&s, g, w, options->function, path, &own) != WG_OK)
        return finish(error, &own);
    if (wg__place_write(&p, path, &own) == WG_OK) {
        most = options->inline_bytes == 0 ? INLINE_BYTES : options->inline_bytes;
        /* A device or a pipe has nothing beside it. */
        if (p.plain && s.n_entries > 0 && s.bytes > most)
            save_weights(&p, &s, name, &weights, &own);
        if (own.code == WG_OK) save_json(&p, &s, options, weights.file ? &weights : NULL, &own);
        if (own.code == WG_OK && weights.file) {
            wg__stem(stem, p.base);
            snprintf(link, sizeof link, "%s.safetensors", stem);
            wg__place_link(&p, link, name, &own);
        }
        if (p.plain) {
            /* After a failure too: weights that no JSON names are of no use. */
            wg__place_sweep(&p, own.code == WG_OK ? weights.file : NULL);
            wg__place_tidy(&p);
        }
        wg__place_close(&p);
    }
    wg__saved_close(&s);
    return finish(error, &own);
}

/* ---- loading a program ---- */

/* Elements from the file beside; where the entries lie is known by then. */
static wg_status read_weights(wg_loading *l, wg_tensors *t, wg_error *error)
{
    void **to = wg__array(t->n, sizeof *to);
    wg_status status;

    if (!to) return wg__io_fail(error, WG_ENOMEM, l->file, "out of memory");
    for (int64_t i = 0; i < t->n; i++)
        to[i] = wg__params_find(l->params, t->item[i].name)->value.data;
    status = wg__tensors_read(t, to, error);
    wg__release(to);
    if (status == WG_OK && wg__checksum_end(&t->sum) != l->weights.sum)
        return wg__io_fail(error, WG_EFORMAT, t->in->name,
                           "its checksum is %016" PRIx64 ", the program's %016" PRIx64,
                           wg__checksum_end(&t->sum), l->weights.sum);
    return status;
}

static wg_status load_weights(wg_loading *l, const wg_place *p, bool *stale, wg_error *error)
{
    wg_in in;
    wg_tensors t;
    wg_status status;

    *stale = true;
    status =
        wg__in_beside(&in, p, l->weights.file,
                      l->options->max_bytes > 0 ? l->options->max_bytes : INT64_C(1) << 40, error);
    if (status != WG_OK) return status;
    if (in.size != l->weights.bytes)
        status = wg__io_fail(error, WG_EFORMAT, l->weights.file,
                             "has %" PRId64 " bytes, the program says %" PRId64, in.size,
                             l->weights.bytes);
    if (status == WG_OK) status = wg__tensors_open(&t, &in, error);
    if (status == WG_OK) {
        status = wg__load_store(l, &t, error);
        if (status == WG_OK) status = read_weights(l, &t, error);
        wg__tensors_close(&t);
    }
    wg__in_close(&in);
    *stale = status != WG_OK;
    return status;
}

/* The text, in pieces where it can be, and its graph. */
static wg_status load_graph(wg_loading *l, const char *text, size_t n, bool pieces, wg_error *error)
{
    l->root = pieces ? wg__json_parse_but(text, n, &l->nodes, l->file, error)
                     : wg__json_parse(text, n, l->file, error);
    return l->root ? wg__load_graph(l, error) : error->code;
}

static void end_loading(wg_loading *l)
{
    wg__json_nodes_free(&l->nodes);
    wg__json_free(l->root);
}

/* p NULL: there is no folder to find weights in. *stale: the weights failed, perhaps because they
 * were replaced. */
static wg_status load_from(const char *text, size_t n, const char *file, const wg_place *p,
                           const wg_load_options *options, wg_program *program, bool *stale,
                           wg_error *error)
{
    const wg_loading none = { .file = file, .options = options };
    wg_loading l = none;
    wg_status status = load_graph(&l, text, n, true, error);

    *stale = false;
    /* Faults of the text go before those of a node, and are told with their place. */
    if (status != WG_OK && status != WG_ENOMEM && l.nodes.text) {
        end_loading(&l);
        wg_graph_free(l.graph);
        l = none;
        wg__error_clear(error);
        status = load_graph(&l, text, n, false, error);
    }
    if (status == WG_OK && (!l.weights.file || options->no_params))
        status = wg__load_store(&l, NULL, error);
    else if (status == WG_OK && p) status = load_weights(&l, p, stale, error);
    else if (status == WG_OK)
        status = wg__io_fail(error, WG_EFORMAT, file,
                             "its weights lie in \"%s\", which has no folder here",
                             WG_SHOW(l.weights.file));
    end_loading(&l);
    *program = (wg_program){ l.graph, l.params };
    if (status != WG_OK) wg_program_free(program);
    return status;
}

static wg_status load_once(const char *path, const wg_load_options *options, wg_program *program,
                           bool *again, wg_error *error)
{
    int64_t most =
        options->max_bytes > 0 && options->max_bytes < INT32_MAX ? options->max_bytes : INT32_MAX;
    char *text = NULL;
    wg_place p;
    wg_in in;

    *again = false;
    if (wg__place_read(&p, path, error) != WG_OK) return error->code;
    if (wg__in_open(&in, path, most, error) == WG_OK) {
        if (wg__in_whole(&in, &text, error) == WG_OK)
            load_from(text, (size_t)in.size, path, &p, options, program, again, error);
        wg__release(text);
        wg__in_close(&in);
        *again = *again && !wg__in_same(&in, path);
    }
    wg__place_close(&p);
    return error->code;
}

wg_status wg_load(const char *path, const wg_load_options *options, wg_program *program,
                  wg_error *error)
{
    bool again = true;
    wg_error own;

    wg__error_clear(&own);
    if (program) *program = (wg_program){ NULL, NULL };
    if (!path || !program) {
        wg_fail(&own, WG_EARG, "load", "the %s is NULL", path ? "program" : "path");
        return finish(error, &own);
    }
    /* A save at the same time may sweep the weights away between two looks: then there is a newer
     * JSON. */
    for (int i = 0; again && i < ATTEMPTS; i++) {
        wg__error_clear(&own);
        load_once(path, options ? options : &load_defaults, program, &again, &own);
    }
    return finish(error, &own);
}

wg_status wg_load_text(const char *text, size_t length, const wg_load_options *options,
                       wg_program *program, wg_error *error)
{
    bool stale;
    wg_error own;

    wg__error_clear(&own);
    if (program) *program = (wg_program){ NULL, NULL };
    if (!text || !program)
        wg_fail(&own, WG_EARG, "load_text", "the %s is NULL", text ? "program" : "text");
    else
        load_from(text, length, "text", NULL, options ? options : &load_defaults, program, &stale,
                  &own);
    return finish(error, &own);
}

void wg_program_free(wg_program *program)
{
    if (!program) return;
    wg_graph_free(program->graph);
    wg_params_free(program->params);
    *program = (wg_program){ NULL, NULL };
}

/* ---- weights alone ---- */

/* "encoder" and "encoder/" both mean the entries below encoder; the first also the entry of that
 * name. */
static bool lies_below(const char *name, const char *prefix)
{
    size_t n = strlen(prefix);

    if (strncmp(name, prefix, n) != 0) return false;
    return n == 0 || prefix[n - 1] == '/' || name[n] == '/' || name[n] == '\0';
}

static wg_status write_entries(wg_out *o, const wg_params *w, const char *prefix, const char *file,
                               wg_error *error)
{
    const wg_param **entry = wg__array(w->n, sizeof *entry);
    int64_t n = 0;
    wg_status status;

    if (!entry) return wg__io_fail(error, WG_ENOMEM, file, "out of memory");
    for (int64_t i = 0; i < w->n; i++)
        if (!prefix || lies_below(w->entry[i]->param.name, prefix))
            entry[n++] = &w->entry[i]->param;
    if (prefix && n == 0)
        status = wg__io_fail(error, WG_ENAME, file, "the store has no entry below \"%s\"",
                             WG_SHOW(prefix));
    else status = wg__tensors_write(o, n, entry, file, error);
    wg__release(entry);
    return status;
}

wg_status wg_params_save(const char *path, const wg_params *w, const char *prefix, wg_error *error)
{
    wg_error own;
    wg_place p;
    wg_out o;

    wg__error_clear(&own);
    if (!path || !w) {
        wg_fail(&own, WG_EARG, "params_save", "the %s is NULL", path ? "store" : "path");
        return finish(error, &own);
    }
    if (wg__place_write(&p, path, &own) != WG_OK) return finish(error, &own);
    if (wg__out_file(&o, &p, &own) == WG_OK) {
        if (write_entries(&o, w, prefix, p.base, &own) != WG_OK) wg__out_drop(&o);
        else if (wg__out_commit(&o, p.base, &own) == WG_OK && p.plain) wg__place_sync(&p, &own);
        if (p.plain) wg__place_tidy(&p);
    }
    wg__place_close(&p);
    return finish(error, &own);
}

wg_status wg_params_save_buffer(const wg_params *w, const char *prefix, void **data, size_t *length,
                                wg_error *error)
{
    wg_error own;
    wg_out o;

    wg__error_clear(&own);
    if (data) *data = NULL;
    if (!w || !data || !length) {
        wg_fail(&own, WG_EARG, "params_save_buffer", "the %s is NULL",
                !w     ? "store"
                : data ? "length"
                       : "buffer");
        return finish(error, &own);
    }
    wg__out_memory(&o);
    if (write_entries(&o, w, prefix, "buffer", &own) == WG_OK && o.fault)
        wg__io_fail(&own, WG_ENOMEM, "buffer", "out of memory");
    if (own.code == WG_OK) {
        *data = o.text;
        *length = (size_t)o.n;
        o.text = NULL;
    }
    wg__out_drop(&o);
    return finish(error, &own);
}

/* Which entry each tensor goes to. */
struct matching {
    const wg_params *w;
    const char *from, *to;
    int64_t *entry;  /* by tensor: -1: nowhere */
    int64_t *tensor; /* by entry: -1: none */
    void **staged;   /* by tensor */
};

static bool mapped_name(const struct matching *m, const char *name, char out[LONGEST_NAME + 1])
{
    size_t n = strlen(m->from);
    bool maps = strncmp(name, m->from, n) == 0;

    return snprintf(out, LONGEST_NAME + 1, "%s%s", maps ? m->to : "", maps ? name + n : name) <=
           LONGEST_NAME;
}

static wg_status match_one(struct matching *m, const wg_tensors *t, int64_t i, wg_load_mode mode,
                           wg_error *error)
{
    const struct wg_held *item = &t->item[i];
    char name[LONGEST_NAME + 1];
    int64_t at = mapped_name(m, item->name, name) ? wg__table_get(&m->w->names, name) : -1;
    const wg_type *type;

    m->entry[i] = at;
    if (at < 0 && mode == WG_LOAD_PARTIAL) return WG_OK;
    if (at < 0)
        return wg__io_fail(error, WG_ENAME, t->in->name,
                           "tensor \"%s\": the store has no entry \"%s\"", WG_SHOW(item->name),
                           WG_SHOW(name));
    type = &m->w->entry[at]->param.value.type;
    if (!wg_type_equal(type, &item->type))
        return wg__io_fail(error, type->dtype == item->type.dtype ? WG_ESHAPE : WG_EDTYPE,
                           t->in->name, "tensor \"%s\" is %s, the store's \"%s\" %s",
                           WG_SHOW(item->name), WG_TYPE_STR(&item->type), WG_SHOW(name),
                           WG_TYPE_STR(type));
    if (m->tensor[at] >= 0)
        return wg__io_fail(
            error, WG_ENAME, t->in->name, "tensors \"%s\" and \"%s\" both go to \"%s\"",
            WG_SHOW(t->item[m->tensor[at]].name), WG_SHOW(item->name), WG_SHOW(name));
    m->tensor[at] = i;
    m->staged[i] = wg__alloc((size_t)(item->end - item->begin));
    return m->staged[i] ? WG_OK : wg__io_fail(error, WG_ENOMEM, t->in->name, "out of memory");
}

/* Values are read aside and copied when nothing can fail any more. */
static wg_status load_values(wg_in *in, wg_params *w, wg_load_mode mode, const char *from,
                             const char *to, int *n_loaded, wg_error *error)
{
    struct matching m = { w, from ? from : "", to ? to : "", NULL, NULL, NULL };
    wg_tensors t;
    int loaded = 0;
    wg_status status = wg__tensors_open(&t, in, error);

    if (status != WG_OK) return status;
    m.entry = wg__array(t.n, sizeof *m.entry);
    m.tensor = wg__array(w->n, sizeof *m.tensor);
    m.staged = wg__array(t.n, sizeof *m.staged);
    if (!m.entry || !m.tensor || !m.staged)
        status = wg__io_fail(error, WG_ENOMEM, in->name, "out of memory");
    for (int64_t i = 0; m.staged && i < t.n; i++) m.staged[i] = NULL;
    for (int64_t i = 0; status == WG_OK && i < w->n; i++) m.tensor[i] = -1;
    for (int64_t i = 0; status == WG_OK && i < t.n; i++) status = match_one(&m, &t, i, mode, error);
    for (int64_t i = 0; status == WG_OK && mode == WG_LOAD_STRICT && i < w->n; i++)
        if (m.tensor[i] < 0 && strncmp(w->entry[i]->param.name, m.to, strlen(m.to)) == 0)
            status = wg__io_fail(error, WG_ENAME, in->name, "has no tensor for the store's \"%s\"",
                                 WG_SHOW(w->entry[i]->param.name));
    if (status == WG_OK) status = wg__tensors_read(&t, m.staged, error);
    for (int64_t i = 0; status == WG_OK && i < t.n; i++) {
        size_t bytes = (size_t)(t.item[i].end - t.item[i].begin);

        if (m.entry[i] < 0) continue;
        memcpy(w->entry[m.entry[i]]->param.value.data, m.staged[i], bytes);
        loaded++;
    }
    if (status == WG_OK && n_loaded) *n_loaded = loaded;
    for (int64_t i = 0; m.staged && i < t.n; i++) wg__release(m.staged[i]);
    wg__release(m.staged);
    wg__release(m.entry);
    wg__release(m.tensor);
    wg__tensors_close(&t);
    return status;
}

wg_status wg_params_load(const char *path, wg_params *w, wg_load_mode mode, const char *from,
                         const char *to, int *n_loaded, wg_error *error)
{
    wg_error own;
    wg_in in;

    wg__error_clear(&own);
    if (n_loaded) *n_loaded = 0;
    if (!path || !w) {
        wg_fail(&own, WG_EARG, "params_load", "the %s is NULL", path ? "store" : "path");
    } else if (wg__in_open(&in, path, INT64_C(1) << 40, &own) == WG_OK) {
        load_values(&in, w, mode, from, to, n_loaded, &own);
        wg__in_close(&in);
    }
    return finish(error, &own);
}

wg_status wg_params_load_buffer(const void *data, size_t length, wg_params *w, wg_load_mode mode,
                                const char *from, const char *to, int *n_loaded, wg_error *error)
{
    wg_error own;
    wg_in in;

    wg__error_clear(&own);
    if (n_loaded) *n_loaded = 0;
    if (!data || !w) {
        wg_fail(&own, WG_EARG, "params_load_buffer", "the %s is NULL", data ? "store" : "buffer");
        return finish(error, &own);
    }
    wg__in_memory(&in, "buffer", data, length);
    load_values(&in, w, mode, from, to, n_loaded, &own);
    return finish(error, &own);
}
