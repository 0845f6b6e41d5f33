/* train_feed.c: a function's inputs bound to data. */
#include <string.h>

#include "own.h"
#include "spell.h"
#include "train_impl.h"

static const char op[] = "wg_train_new";

/* ---- which function, which loss ---- */

static wg_status no_function(const wg_graph *g, const char *name, wg_error *error)
{
    const char *known[64];
    int n = wg_function_count(g) < 64 ? wg_function_count(g) : 64;

    for (int i = 0; i < n; i++) known[i] = wg_function_name(g, i);
    if (n == 0) return wg_fail(error, WG_ENAME, op, "the program has no function");
    return wg_fail(error, WG_ENAME, op, "no function \"%.80s\"; the nearest is \"%.80s\"", name,
                   wg__nearest(name, n, known));
}

static int output_index(const wg_graph *g, int f, const char *name)
{
    for (int i = 0; i < wg_function_n_outputs(g, f); i++)
        if (strcmp(wg_function_output_name(g, f, i), name) == 0) return i;
    return -1;
}

static wg_status find_loss(wg__side *s, const wg_graph *g, const char *loss, wg_error *error)
{
    const char *known[64];
    int n = wg_function_n_outputs(g, s->f) < 64 ? wg_function_n_outputs(g, s->f) : 64;
    const wg_type *type;

    for (int i = 0; i < n; i++) known[i] = wg_function_output_name(g, s->f, i);
    s->loss = output_index(g, s->f, loss ? loss : "loss");
    if (s->loss < 0 && !loss && n == 1) s->loss = 0;
    if (s->loss < 0 && n == 0)
        return wg_fail(error, WG_ENAME, op, "function \"%.80s\" has no output", s->name);
    if (s->loss < 0)
        return wg_fail(error, WG_ENAME, op,
                       "function \"%.60s\" has no output \"%.60s\"; the nearest is \"%.60s\"",
                       s->name, loss ? loss : "loss", wg__nearest(loss ? loss : "loss", n, known));
    type = wg_tensor_type(wg_function_output(g, s->f, s->loss));
    if (!wg_dtype_is_real(type->dtype) || wg_shape_count(&type->shape) != 1)
        return wg_fail(error, WG_ESHAPE, op,
                       "output \"%.60s\" is %s, wanted one real element as the loss",
                       wg_function_output_name(g, s->f, s->loss), WG_TYPE_STR(type));
    return WG_OK;
}

wg_status wg__side_open(wg__side *s, wg_graph *g, wg_params *w, const char *function,
                        const char *loss, wg_mode mode, const wg_plan_options *plan,
                        wg_error *error)
{
    wg_status status;

    s->f = function ? wg_function_find(g, function) : -1;
    if (function && s->f < 0) return no_function(g, function, error);
    for (int i = 0; s->f < 0 && i < wg_function_count(g); i++)
        if (wg_function_mode(g, i) == mode &&
            (mode == WG_TRAIN || output_index(g, i, loss ? loss : "loss") >= 0))
            s->f = i;
    if (s->f < 0)
        return wg_fail(error, WG_ENAME, op,
                       mode == WG_TRAIN ? "the program has no function of mode train"
                                        : "the program has no function of mode predict with the "
                                          "output \"%.80s\"",
                       loss ? loss : "loss");
    s->name = wg_function_name(g, s->f);
    status = find_loss(s, g, loss, error);
    if (status == WG_OK && mode == WG_PREDICT && wg_function_n_updates(g, s->f) > 0)
        return wg_fail(error, WG_EARG, op, "function \"%.80s\" validates and has updates", s->name);
    if (status != WG_OK) return status;
    s->plan = wg_plan_new_error(g, w, s->name, plan, error);
    return s->plan ? WG_OK : error->code;
}

/* ---- inputs ---- */

/* Type of the data's elements in the input's element type, with all examples. */
static wg_status type_of(const wg_train_feed *feed, const wg_tensor *leaf, wg_type *type,
                         wg_error *error)
{
    const wg_type *in = wg_tensor_type(leaf);
    const wg_shape *have = &feed->data.shape;
    int from = feed->constant ? 0 : 1;
    wg_type want = *in, found = { in->dtype, *have };

    if (!feed->data.data && wg_shape_count(have) != 0)
        return wg_fail(error, WG_EARG, op, "the data of input \"%.80s\" are NULL", feed->input);
    if (!feed->constant && (in->shape.rank < 1 || have->rank < 1))
        return wg_fail(error, WG_ESHAPE, op, "%s \"%.80s\" no axis of examples: make it constant",
                       in->shape.rank < 1 ? "input" : "the data of", feed->input);
    *type = (wg_type){ in->dtype, *have };
    if (have->rank == in->shape.rank) return WG_OK;
    if (from) want.shape.dim[0] = found.shape.dim[0] = 1;
    if (wg_shape_count(&want.shape) != wg_shape_count(&found.shape))
        return wg_fail(error, WG_ESHAPE, op, "an example of input \"%.60s\" is %s, of its data %s",
                       feed->input, WG_TYPE_STR(&want), WG_TYPE_STR(&found));
    type->shape = in->shape;
    if (from) type->shape.dim[0] = have->dim[0];
    return WG_OK;
}

static wg_status bind_one(wg__side *s, const wg_tensor *leaf, const wg_train_feed *feed,
                          int64_t batchsize, wg_error *error)
{
    wg__bound *b = &s->bound[s->n];
    double scale = feed->scale == 0 ? 1 : feed->scale;
    wg_type type;
    wg_status status = type_of(feed, leaf, &type, error);

    if (status != WG_OK) return status;
    if (!wg_dtype_is_real(type.dtype) && scale != 1)
        return wg_fail(error, WG_EARG, op, "scale %g for input \"%.80s\" of %s, which needs 1",
                       scale, feed->input, wg_dtype_name(type.dtype));
    if (!feed->constant) {
        if (s->examples >= 0 && s->examples != type.shape.dim[0])
            return wg_fail(error, WG_ESHAPE, op,
                           "the data of input \"%.60s\" have %lld examples, those before %lld",
                           feed->input, (long long)type.shape.dim[0], (long long)s->examples);
        s->examples = type.shape.dim[0];
        type.shape.dim[0] = batchsize < s->examples ? batchsize : s->examples;
    }
    if (!wg__array_fresh(&b->batch, &type))
        return wg_fail(error, WG_ENOMEM, op, "a batch of %s", WG_TYPE_STR(&type));
    b->from = feed;
    b->name = wg_tensor_leaf_name(leaf);
    s->n++;
    if (!feed->constant) return WG_OK;
    /* The whole, as one example. */
    {
        wg_data whole = feed->data;

        whole.shape = WG_SHAPE(1, wg_shape_count(&feed->data.shape));
        return wg_data_take(&whole, 1, NULL, scale, b->batch, error);
    }
}

static const wg_train_feed *feed_of(int n, const wg_train_feed *feed, const char *name)
{
    for (int i = 0; i < n; i++)
        if (feed[i].input && strcmp(feed[i].input, name) == 0) return &feed[i];
    return NULL;
}

/* A feed whose input the function has not, or that comes twice. */
static wg_status check_feeds(const wg__side *s, int n, const wg_train_feed *feed, int n_leaves,
                             wg_tensor *const *leaf, wg_error *error)
{
    for (int i = 0; i < n; i++) {
        const char *known[64];
        int k = 0, m = n_leaves < 64 ? n_leaves : 64;

        if (!feed[i].input) return wg_fail(error, WG_EARG, op, "feed %d names no input", i);
        for (int j = 0; j < i; j++)
            if (strcmp(feed[j].input, feed[i].input) == 0)
                return wg_fail(error, WG_ENAME, op, "input \"%.80s\" is fed twice", feed[i].input);
        while (k < n_leaves && strcmp(wg_tensor_leaf_name(leaf[k]), feed[i].input) != 0) k++;
        if (k < n_leaves) continue;
        for (int j = 0; j < m; j++) known[j] = wg_tensor_leaf_name(leaf[j]);
        if (m == 0)
            return wg_fail(error, WG_ENAME, op, "function \"%.60s\" has no input \"%.60s\"",
                           s->name, feed[i].input);
        return wg_fail(error, WG_ENAME, op,
                       "function \"%.60s\" has no input \"%.60s\"; the nearest is \"%.60s\"",
                       s->name, feed[i].input, wg__nearest(feed[i].input, m, known));
    }
    return WG_OK;
}

wg_status wg__side_bind(wg__side *s, const wg_graph *g, int n, const wg_train_feed *feed,
                        int64_t batchsize, bool rest, bool spare, wg_error *error)
{
    int n_leaves = wg_function_inputs(g, s->f, 0, NULL);
    wg_tensor **leaf = n_leaves < 0 ? NULL : wg_alloc(n_leaves + 1, sizeof(wg_tensor *));
    wg_status status = WG_OK;

    s->bound = n_leaves < 0 ? NULL : wg_alloc(n_leaves + 1, sizeof *s->bound);
    if (!leaf || !s->bound || wg_function_inputs(g, s->f, n_leaves, leaf) < 0)
        status = wg_fail(error, WG_ENOMEM, op, "out of memory");
    if (status == WG_OK && !spare) status = check_feeds(s, n, feed, n_leaves, leaf, error);
    for (int i = 0; status == WG_OK && i < n_leaves; i++) {
        const char *name = wg_tensor_leaf_name(leaf[i]);
        const wg_train_feed *f = feed_of(n, feed, name);

        if (f) status = bind_one(s, leaf[i], f, batchsize, error);
        else if (!rest)
            status = wg_fail(error, WG_ENAME, op,
                             "input \"%.80s\" of function \"%.80s\" has no data", name, s->name);
    }
    wg_free(leaf);
    return status;
}

wg_status wg__side_feed(wg__side *s, wg_plan *plan, const int64_t *row, int64_t first, int64_t n,
                        wg_error *error)
{
    for (int i = 0; i < s->n; i++) {
        wg__bound *b = &s->bound[i];

        if (!b->from->constant) {
            double scale = b->from->scale == 0 ? 1 : b->from->scale;
            wg_error own = { WG_OK, NULL, NULL, "", "" };

            b->batch.type.shape.dim[0] = n;
            if (wg_data_take(&b->from->data, n, row + first, scale, b->batch, &own) != WG_OK)
                return wg_fail(error, own.code, "wg_train_run", "the data of input \"%.60s\": %s",
                               b->name, own.text);
        }
        if (wg_plan_feed(plan, b->name, b->batch) == WG_OK) continue;
        if (error) *error = *wg_plan_error(plan);
        return wg_plan_error(plan)->code;
    }
    return WG_OK;
}

double wg__side_loss(const wg__side *s, wg_plan *plan)
{
    return wg_item(wg_plan_value_at(plan, s->loss));
}

void wg__side_close(wg__side *s)
{
    for (int i = 0; i < s->n; i++) wg__array_drop(&s->bound[i].batch);
    wg_free(s->bound);
    wg_plan_free(s->plan);
    *s = (wg__side){ .name = NULL, .examples = -1 };
}
