/* feeds.c: see feeds.h. */
#include "feeds.h"

#include <stdlib.h>
#include <string.h>

#include "output.h"

const char *split_pair(const char *command, const char *option_name, const char *pair, char *name,
                       size_t size)
{
    const char *equals = strchr(pair, '=');
    size_t n = equals ? (size_t)(equals - pair) : 0;

    if (n == 0 || n >= size || !equals[1]) {
        misuse(command, NULL, "--%s takes NAME=VALUE, not \"%s\"", option_name, pair);
        return NULL;
    }
    memcpy(name, pair, n);
    name[n] = '\0';
    return equals + 1;
}

typedef struct {
    int n;
    wg_tensor **leaf;
} inputs;

static const char *input_name(const void *arg, int k)
{
    return wg_tensor_leaf_name(((const inputs *)arg)->leaf[k]);
}

static int find_input(const program *p, const inputs *in, int f, const char *name)
{
    const char *near;

    for (int i = 0; i < in->n; i++)
        if (strcmp(input_name(in, i), name) == 0) return i;
    near = nearest_name(name, in->n, input_name, in);
    trouble(p->command, "`wengert show` lists the inputs",
            "function \"%s\" has no input \"%s\"%s%s%s", wg_function_name(p->graph, f), name,
            near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    return -1;
}

static int scale_of(const program *p, const feed_options *o, const char *input, double *scale)
{
    char name[256], *end;
    const char *value;

    *scale = 1;
    for (int i = 0; i < o->scale.n; i++) {
        value = split_pair(p->command, "scale", o->scale.item[i], name, sizeof name);
        if (!value) return EXIT_USAGE;
        if (strcmp(name, input) != 0) continue;
        *scale = strtod(value, &end);
        if (end == value || *end)
            return misuse(p->command, NULL, "--scale takes NAME=NUMBER, not \"%s\"",
                          o->scale.item[i]);
    }
    return EXIT_GOOD;
}

/* The extents a file's values have as an input of this type: its own where the rank is right, else
 * those that were recorded, behind the number of examples. */
static bool fit(const wg_shape *file, wg_type *type)
{
    wg_shape wanted = type->shape;

    if (file->rank == wanted.rank) {
        type->shape = *file;
        return true;
    }
    if (wanted.rank > 0 && file->rank > 0) wanted.dim[0] = file->dim[0];
    type->shape = wanted;
    return wg_shape_count(&wanted) == wg_shape_count(file);
}

/* Of a file with more examples than are wanted only the first are taken. */
static void cut(feeds *fd, wg_shape *file, int64_t most)
{
    if (most == 0 || file->rank == 0 || file->dim[0] <= most) return;
    fd->of = file->dim[0];
    fd->examples = file->dim[0] = most;
}

static int read_feed(feeds *fd, const program *p, const feed_options *o, const char *name,
                     const char *path, wg_type type, int64_t most, wg_array *value)
{
    wg_error error = { .code = WG_OK };
    wg_data_options how = { .allow_nan = o->nan };
    wg_data data = { 0 };
    wg_type wanted = type;
    double scale;
    char a[WG_TYPE_TEXT], b[WG_TYPE_TEXT], where[600];
    int status = scale_of(p, o, name, &scale);

    snprintf(where, sizeof where, "in %.400s, for input \"%.100s\"", path, name);

    if (status == EXIT_GOOD && wg_data_read(path, &how, &data, &error) != WG_OK)
        status = trouble_of(p->command, NULL, &error);
    cut(fd, &data.shape, most);
    if (status == EXIT_GOOD && !fit(&data.shape, &wanted)) {
        wg_type is = { type.dtype, data.shape };

        status = trouble(p->command, "the first extent may be any, the others must be those",
                         "%s holds %s, input \"%s\" takes %s", path, wg_type_text(&is, a), name,
                         wg_type_text(&type, b));
    }
    if (status == EXIT_GOOD) {
        if (data.shape.rank == 0) data.shape = WG_SHAPE(1);
        *value =
            wg_array_of(wanted.dtype, wanted.shape,
                        wg_alloc(wg_shape_count(&wanted.shape) + 1, wg_dtype_size(wanted.dtype)));
        if (!value->data) status = trouble(p->command, NULL, "out of memory");
        else if (wg_data_take(&data, data.shape.dim[0], NULL, scale, *value, &error) != WG_OK)
            status = trouble_of(p->command, where, &error);
    }
    wg_data_free(&data);
    return status;
}

/* Entries that hold the leaf's own numbers: the leaf, and what only gives them another shape. */
static bool holds(const wg_tensor *t, const wg_tensor *leaf)
{
    while (t != leaf) {
        if (!(wg_tensor_record(t)->flags & WG_OP_ALIAS) || wg_tensor_n_in(t) < 1) return false;
        t = wg_tensor_in(t, 0);
    }
    return true;
}

static int64_t attr_whole(const wg_tensor *t, const char *name)
{
    for (const wg_field *f = wg_tensor_record(t)->fields; f && f->name; f++)
        if (f->kind == WG_A_I64 && strcmp(f->name, name) == 0)
            return *(const int64_t *)(const void *)((const char *)wg_tensor_attr(t) + f->offset);
    return 0;
}

/* The number of values an index may take where entry t uses it; 0: t does not. */
static int64_t index_room(const wg_tensor *t, const wg_tensor *leaf)
{
    static const char *const along[] = { "gather",           "take_along_axis",
                                         "scatter_add_like", "scatter_along_like",
                                         "scatter_add",      NULL };
    const char *op = wg_tensor_op(t);
    const wg_shape *of;
    int64_t axis;

    if (strcmp(op, "one_hot") == 0 && holds(wg_tensor_in(t, 0), leaf))
        return attr_whole(t, "depth");
    if (strcmp(op, "one_hot_like") == 0 && holds(wg_tensor_in(t, 0), leaf)) {
        of = &wg_tensor_type(t)->shape;
        return of->rank > 0 ? of->dim[of->rank - 1] : 0;
    }
    for (int k = 0; along[k]; k++) {
        if (strcmp(op, along[k]) != 0 || !holds(wg_tensor_in(t, 1), leaf)) continue;
        of = &wg_tensor_type(strncmp(op, "scatter", 7) == 0 ? t : wg_tensor_in(t, 0))->shape;
        axis = attr_whole(t, "axis");
        if (axis < 0) axis += of->rank;
        return axis >= 0 && axis < of->rank ? of->dim[axis] : 0;
    }
    return 0;
}

static int64_t index_limit(const program *p, const wg_tensor *leaf)
{
    int64_t limit = 0;

    for (int64_t i = 0; i < wg_graph_count(p->graph); i++) {
        int64_t room = index_room(wg_graph_at(p->graph, i), leaf);

        if (room > 0 && (limit == 0 || room < limit)) limit = room;
    }
    return limit > 0 ? limit : 2;
}

static int draw_feed(const program *p, const feed_options *o, const wg_tensor *leaf, wg_type type,
                     wg_array *value)
{
    const char *name = wg_tensor_leaf_name(leaf);
    int64_t n = wg_shape_count(&type.shape), limit = 2;
    uint64_t key = wg_random_key(name), seed = (uint64_t)o->seed;

    *value = wg_array_of(type.dtype, type.shape,
                         n < 0 ? NULL : wg_alloc(n + 1, wg_dtype_size(type.dtype)));
    if (!value->data) return trouble(p->command, NULL, "out of memory");
    if (wg_dtype_is_real(type.dtype)) {
        if (o->draw && strcmp(o->draw, "uniform") == 0)
            wg_random_uniform(seed, key, 0, 0, n, type.dtype, value->data);
        else wg_random_normal(seed, key, 0, 0, n, type.dtype, value->data);
        return EXIT_GOOD;
    }
    if (type.dtype == WG_I64) limit = index_limit(p, leaf);
    for (int64_t i = 0; i < n; i++) {
        double u;
        int64_t whole;

        wg_random_uniform(seed, key, 0, i, 1, WG_F64, &u);
        whole = (int64_t)(u * (double)limit);
        if (type.dtype == WG_I64) ((int64_t *)value->data)[i] = whole;
        else ((bool *)value->data)[i] = whole != 0;
    }
    return EXIT_GOOD;
}

/* Inputs whose first extent is that of the first input have an axis of examples. */
static bool has_examples(const wg_tensor *leaf, int64_t recorded)
{
    const wg_shape *s = &wg_tensor_type(leaf)->shape;

    return s->rank > 0 && s->dim[0] == recorded;
}

/* The number of examples: that of the first file, else what was asked for. */
static int make_all(feeds *fd, const program *p, int f, const inputs *in, const char **path,
                    const feed_options *o, bool draw)
{
    int64_t examples = o->batch, recorded = in->n > 0 && wg_rank(in->leaf[0]) > 0
                                                ? wg_tensor_type(in->leaf[0])->shape.dim[0]
                                                : -1;
    int status = EXIT_GOOD;

    for (int i = 0; i < in->n && status == EXIT_GOOD; i++) {
        wg_feed *feed = &fd->feed[i];

        feed->name = input_name(in, i);
        if (!path[i]) continue;
        status = read_feed(fd, p, o, feed->name, path[i], *wg_tensor_type(in->leaf[i]),
                           has_examples(in->leaf[i], recorded) ? o->batch : 0, &feed->value);
        if (status == EXIT_GOOD && feed->value.type.shape.rank > 0 &&
            has_examples(in->leaf[i], recorded))
            examples = feed->value.type.shape.dim[0];
    }
    for (int i = 0; i < in->n && status == EXIT_GOOD; i++) {
        wg_type type = *wg_tensor_type(in->leaf[i]);

        if (path[i]) continue;
        if (!draw)
            return trouble(p->command, NULL,
                           "input \"%s\" of function \"%s\" has no values: add --feed %s=FILE",
                           input_name(in, i), wg_function_name(p->graph, f), input_name(in, i));
        if (examples > 0 && has_examples(in->leaf[i], recorded)) type.shape.dim[0] = examples;
        status = draw_feed(p, o, in->leaf[i], type, &fd->feed[i].value);
        fd->is_drawn[i] = true;
        fd->drawn++;
    }
    return status;
}

int feeds_make(feeds *fd, const program *p, int f, const feed_options *o, bool draw)
{
    inputs in = { .n = wg_function_inputs(p->graph, f, 0, NULL) };
    const char **path = NULL;
    int status = EXIT_GOOD;

    *fd = (feeds){ 0 };
    if (in.n >= 0) {
        in.leaf = calloc((size_t)in.n + 1, sizeof *in.leaf);
        path = calloc((size_t)in.n + 1, sizeof *path);
        fd->feed = calloc((size_t)in.n + 1, sizeof *fd->feed);
        fd->is_drawn = calloc((size_t)in.n + 1, sizeof *fd->is_drawn);
    }
    if (!in.leaf || !path || !fd->feed || !fd->is_drawn)
        status = trouble(p->command, NULL, "out of memory");
    else fd->n = wg_function_inputs(p->graph, f, in.n, in.leaf);
    for (int i = 0; i < o->feed.n && status == EXIT_GOOD; i++) {
        char name[256];
        const char *file = split_pair(p->command, "feed", o->feed.item[i], name, sizeof name);
        int k = file ? find_input(p, &in, f, name) : -1;

        if (!file) status = EXIT_USAGE;
        else if (k < 0) status = EXIT_TROUBLE;
        else path[k] = file;
    }
    if (status == EXIT_GOOD) status = make_all(fd, p, f, &in, path, o, draw);
    free(in.leaf);
    free(path);
    return status;
}

int feeds_keep(feeds *fd, const program *p, wg_tensor *t)
{
    wg_tensor **order = NULL;
    int64_t n = wg_order(1, &t, &order);
    int kept = 0;

    if (n < 0) return trouble(p->command, NULL, "out of memory");
    for (int i = 0; i < fd->n; i++) {
        bool used = false;

        for (int64_t k = 0; k < n && !used; k++) {
            const char *leaf = wg_tensor_leaf_name(order[k]);

            used = (wg_tensor_record(order[k])->flags & WG_OP_FEED) && leaf &&
                   strcmp(leaf, fd->feed[i].name) == 0;
        }
        if (used) {
            fd->is_drawn[kept] = fd->is_drawn[i];
            fd->feed[kept++] = fd->feed[i];
            continue;
        }
        wg_free(fd->feed[i].value.data);
        fd->drawn -= fd->is_drawn[i];
    }
    fd->n = kept;
    wg_free(order);
    return EXIT_GOOD;
}

void feeds_say(const feeds *fd, FILE *to)
{
    if (fd->of > 0)
        fprintf(to, "the first %lld of %lld examples; --batch takes more\n",
                (long long)fd->examples, (long long)fd->of);
}

void feeds_free(feeds *fd)
{
    for (int i = 0; i < fd->n; i++) wg_free(fd->feed[i].value.data);
    free(fd->feed);
    free(fd->is_drawn);
    *fd = (feeds){ 0 };
}

int feeds_give(const feeds *fd, const program *p, wg_plan *plan)
{
    for (int i = 0; i < fd->n; i++)
        if (wg_plan_feed(plan, fd->feed[i].name, fd->feed[i].value) != WG_OK)
            return trouble_of(p->command, "`wengert show` lists what inputs take",
                              wg_plan_error(plan));
    return EXIT_GOOD;
}
