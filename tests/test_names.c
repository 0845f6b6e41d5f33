/*
 * test_names.c: golden/NAMES.md, read and held against the library: the names of derived variables,
 * the keys of hyperparameters, the order of components, defaults and printed forms are numpy-ml's.
 */
#include <wengert/modules.h>
#include <wengert/utils.h>

#include "module_kit.h"
#include "names_md.h"

/* The table's shorter names of classes. */
static const char *full_name(const char *name)
{
    static const char *const names[][2] = {
        { "Wavenet", "WavenetResidualModule" },
        { "SkipIdentity", "SkipConnectionIdentityModule" },
        { "SkipConv", "SkipConnectionConvModule" },
        { "MultiHeadedAttention", "MultiHeadedAttentionModule" },
        { "Constant", "ConstantScheduler" },
        { "Exponential", "ExponentialScheduler" },
        { "Noam", "NoamScheduler" },
        { "King", "KingScheduler" },
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(names[i][0], name)) return names[i][1];
    return name;
}

static const struct module *module_of(const char *kind)
{
    EACH_MODULE(m) if (!strcmp(m->kind, kind)) return m;
    return NULL;
}

/* What the classes that want something must be told; all else is its default. */
static const char *required_of(const char *kind)
{
    static const char *const told[][2] = {
        { "WavenetResidualModule",
          "{\"ch_residual\": 2, \"ch_dilation\": 3, \"dilation\": 1, \"kernel_width\": 2}" },
        { "SkipConnectionIdentityModule",
          "{\"out_ch\": 3, \"kernel_shape1\": [2, 3], \"kernel_shape2\": [3, 2]}" },
        { "SkipConnectionConvModule",
          "{\"out_ch1\": 2, \"out_ch2\": 3, \"kernel_shape1\": [2, 2], \"kernel_shape2\": [2, 3], "
          "\"kernel_shape_skip\": [2, 2]}" },
        { "BidirectionalLSTM", "{\"n_out\": 2}" },
        { "Word2Vec", "{\"vocab_size\": 900}" },
    };

    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (!strcmp(told[i][0], kind)) return told[i][1];
    return NULL;
}

static bool is_sched(const char *name)
{
    return strstr(name, "Scheduler") != NULL;
}

/* ---- what the library says of a class ---- */

/* A class's hyperparameters as an object: json_decref. Layers are asked before any input. */
static json_t *hyper_of(const char *name)
{
    wg_error error = { .code = WG_OK };
    char *text = NULL;
    json_t *root, *object;

    if (wg_layer_class_find(name)) {
        wg_params *w = wg_params_new(WG_F64, 1);
        wg_layer *l = wg_layer_make(w, "m", name, required_of(name), &error);

        text = wg_layer_hyperparameters(l);
        wg_layer_free(l);
        wg_params_free(w);
    } else if (is_sched(name)) {
        wg_sched *s = wg_sched_from_text(name, &error);

        text = wg_sched_summary(s);
        wg_sched_free(s);
    } else {
        wg_optim *o = wg_optim_from_text(NULL, "o", name, &error);

        text = wg_optim_summary(o);
        wg_optim_free(o);
    }
    NO_ERROR(&error);
    root = text ? json_loads(text, 0, NULL) : NULL;
    wg_free(text);
    if (!harness_check(root != NULL, __FILE__, __LINE__, "%s is nowhere", name)) return NULL;
    if (wg_layer_class_find(name)) return root;
    object = json_incref(json_object_get(root, "hyperparameters"));
    json_decref(root);
    return object;
}

/* ---- derived variables ---- */

static const char not_names[] = "always with debug and from the source gradients same components "
                                "only as attributes";

static void one_class_derives(const struct module *m, int n, char name[][48])
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = make(m, w);
    wg_array x[3], dx[3];

    make_inputs(m, m->small, 5, x);
    go(l, m->n, x, true, dx);
    for (int i = 0; i < n; i++)
        harness_check(wg_layer_derived(l, name[i]).data != NULL, __FILE__, __LINE__,
                      "%s has no derived variable %s", m->kind, name[i]);
    free_arrays(m->n, x);
    wg_layer_free(l);
    wg_params_free(w);
}

/* A training forward and its backward of images 8 by 8. */
static void vae_derives(int n, char name[][48])
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = wg_bernoulli_vae(w, "vae",
                                   (wg_bernoulli_vae_hyper){ .T = 2,
                                                             .latent_dim = 4,
                                                             .enc_conv1_out_ch = 2,
                                                             .enc_conv2_out_ch = 2,
                                                             .enc_conv1_kernel_shape = { 3, 3 },
                                                             .enc_conv2_kernel_shape = { 2, 2 } });
    wg_array x = wg_array_of(WG_F64, WG_SHAPE(2, 8, 8, 1), kit_numbers(128, 3)), y[4],
             dy[4] = { 0 }, dx;
    double ones[128];

    for (int i = 0; i < 128; i++) ones[i] = 1;
    OK(l, wg_layer_forward(l, 1, &x, true, y));
    dy[0] = (wg_array){ y[0].type, ones };
    OK(l, wg_layer_backward(l, 1, dy, true, &dx));
    for (int i = 0; i < n; i++)
        harness_check(wg_layer_derived(l, name[i]).data != NULL, __FILE__, __LINE__,
                      "BernoulliVAE has no derived variable %s", name[i]);
    free(x.data);
    wg_layer_free(l);
    wg_params_free(w);
}

/* An output or input of that name, a draw or a named value, or a scope with values in it. */
static bool has_value(wg_graph *g, wg_plan *p, const char *name)
{
    char path[80];

    snprintf(path, sizeof path, "gan/%s", name);
    if (wg_plan_value(p, name) || wg_plan_value(p, path)) return true;
    for (int64_t i = 0; i < wg_graph_count(g); i++) {
        const wg_tensor *t = wg_graph_at(g, i);
        const char *leaf = wg_tensor_leaf_name(t);

        if (leaf && (!strcmp(leaf, name) || !strcmp(leaf, path))) return true;
        if (!strncmp(wg_tensor_scope(t), path, strlen(path)) &&
            strchr("/", wg_tensor_scope(t)[strlen(path)]))
            return true;
    }
    return false;
}

/* The steps with `debug`: numpy-ml's derived_variables and gradients. */
static void wgan_derives(int n, char name[][48])
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_graph *g = wg_graph_new();
    wg_layer *l = wg_wgan_gp(w, "gan", (wg_wgan_gp_hyper){ .g_hidden = 4, .debug = true });
    wg_array x = wg_array_of(WG_F64, WG_SHAPE(3, 2), kit_numbers(6, 3));
    static const char *const steps[] = { "critic", "generator" };
    wg_plan *p[2];

    wg_wgan_gp_record(l, g, 2);
    NO_ERROR(wg_graph_error(g));
    for (int i = 0; i < 2; i++) {
        p[i] = wg_plan_new(g, w, steps[i], &(wg_plan_options){ .keep = true });
        REQUIRE(p[i] != NULL);
        wg_plan_feed(p[i], "X_real", x);
        EQ_INT(wg_plan_run(p[i]), WG_OK);
    }
    for (int i = 0; i < n; i++)
        harness_check(has_value(g, p[0], name[i]) || has_value(g, p[1], name[i]), __FILE__,
                      __LINE__, "WGAN_GP has no value %s", name[i]);
    CHECK(!has_value(g, p[0], "C_fwd"));
    free(x.data);
    wg_plan_free(p[0]);
    wg_plan_free(p[1]);
    wg_graph_free(g);
    wg_layer_free(l);
    wg_params_free(w);
}

static void derived_variables(void)
{
    md_table t = md_read("`derived_variables`");
    char name[MD_MOST][48];

    for (int i = 0; i < t.n; i++) {
        const char *kind = t.row[i].name;
        const struct module *m = module_of(kind);
        int n = md_names(t.row[i].text, not_names, name);

        harness_check(n > 0, __FILE__, __LINE__, "%s: no name read", kind);
        if (m) one_class_derives(m, n, name);
        else if (!strcmp(kind, "BernoulliVAE")) vae_derives(n, name);
        else if (!strcmp(kind, "WGAN_GP")) wgan_derives(n, name);
        else harness_check(false, __FILE__, __LINE__, "%s is nowhere", kind);
        if (!strstr(t.row[i].text, "the same")) continue;
        n = md_names(t.row[i - 1].text, not_names, name);
        if (CHECK(m != NULL)) one_class_derives(m, n, name);
    }
}

/* ---- keys ---- */

/* "component_ids [a, b]", "components{a, b}": the list in brackets is the object's, in this
 * order. */
static void ids_are(const char *kind, const json_t *object, const char *key, const char *list)
{
    char name[MD_MOST][48];
    int n = md_names(list, "", name), i = 0;
    const json_t *value = json_object_get(object, key), *one;

    if (json_is_object(value)) {
        EQ_INT(json_object_size(value), n);
        for (i = 0; i < n; i++)
            harness_check(json_object_get(value, name[i]) != NULL, __FILE__, __LINE__,
                          "%s: %s has no %s", kind, key, name[i]);
        return;
    }
    harness_check((int)json_array_size(value) == n, __FILE__, __LINE__, "%s: %s has %zu names",
                  kind, key, json_array_size(value));
    for (; i < n; i++) {
        one = json_array_get(value, (size_t)i);
        EQ_STR(json_string_value(one), name[i]);
    }
}

/* The keys the table names are there, and none besides but those the document explains. */
static void keys_are(const char *kind, char *text, const char *more)
{
    json_t *object = hyper_of(kind), *value;
    char *part[MD_MOST], padded[80], *missing = strstr(text, "missing: "), named[MD_CELL] = " ";
    const char *key;
    int n;

    if (missing) memmove(missing, missing + 9, strlen(missing + 9) + 1);
    for (char *s = text; *s; s++)
        if (*s == ';') *s = ',';
    n = md_split(text, ',', part);
    for (int i = 0; i < n && object; i++) {
        size_t length = strcspn(part[i], " [{(");
        char name[48];

        snprintf(name, sizeof name, "%.*s", (int)length, part[i]);
        harness_check(json_object_get(object, name) != NULL, __FILE__, __LINE__,
                      "%s: hyperparameters have no %s", kind, name);
        if (strchr(part[i], '[')) ids_are(kind, object, name, strchr(part[i], '['));
        if (strchr(part[i], '{')) ids_are(kind, object, name, strchr(part[i], '{'));
        strncat(named, name, sizeof named - strlen(named) - 1);
        strncat(named, " ", sizeof named - strlen(named) - 1);
    }
    json_object_foreach(object, key, value)
    {
        snprintf(padded, sizeof padded, " %s ", key);
        harness_check(strstr(named, padded) || strstr(more, padded), __FILE__, __LINE__,
                      "%s: key %s is not in the table", kind, key);
    }
    json_decref(object);
}

/* A row may speak of several classes, "SGD / AdaGrad". */
static int classes_of(const md_row *row, char *memory, char **name)
{
    snprintf(memory, MD_CELL, "%s", row->name);
    return md_split(memory, '/', name);
}

static bool is_model(const char *name)
{
    return !strcmp(name, "BernoulliVAE") || !strcmp(name, "WGAN_GP") || !strcmp(name, "Word2Vec");
}

static void hyperparameter_keys(void)
{
    md_table t = md_read("`hyperparameters`");
    char memory[MD_CELL], text[MD_CELL], *name[MD_MOST];

    for (int i = 0; i < t.n; i++) {
        int n = classes_of(&t.row[i], memory, name);

        for (int k = 0; k < n; k++) {
            const char *kind = full_name(name[k]);

            md_alternative(t.row[i].text, k, n, text);
            /* a module's optimizer is its text, as the table's note says; what makes its next step
             * the same stands beside it. A model is a module here and has its ids too. */
            keys_are(kind, text,
                     is_model(kind) ? " optimizer_state component_ids n_feats critic_ids "
                                      "generator_ids "
                                    : " optimizer_state ");
        }
    }
}

/* ---- defaults ---- */

/* "none", "true", 0.01, glorot_uniform, "RMSProp(lr=0.0001)", (5,5), none = Affine(1, 0) */
static void value_is(const char *kind, const char *key, const json_t *v, const char *want)
{
    char got[256] = "", *end;
    double number = strtod(want, &end);
    bool same;

    if (!strncmp(want, "none = ", 7)) {
        int slope, intercept;

        REQUIRE(sscanf(want + 7, "Affine(%d, %d)", &slope, &intercept) == 2);
        snprintf(got, sizeof got, "Affine(slope=%d, intercept=%d)", slope, intercept);
        EQ_STR(json_string_value(v), got);
        return;
    }
    if (!strcmp(want, "none")) {
        bool absent = json_is_null(v) || (json_is_integer(v) && json_integer_value(v) == 0) ||
                      (json_is_string(v) && strstr(json_string_value(v), "ConstantScheduler("));

        harness_check(absent, __FILE__, __LINE__, "%s: %s is given", kind, key);
        return;
    }
    if (!strcmp(want, "true") || !strcmp(want, "false")) {
        harness_check(json_is_boolean(v) && json_is_true(v) == !strcmp(want, "true"), __FILE__,
                      __LINE__, "%s: %s is not %s", kind, key, want);
        return;
    }
    if (want[0] == '(') {
        int r, c;

        REQUIRE(sscanf(want, "(%d,%d)", &r, &c) == 2);
        EQ_INT(json_integer_value(json_array_get(v, 0)), r);
        EQ_INT(json_integer_value(json_array_get(v, 1)), c);
        return;
    }
    if (end != want && *end == '\0') {
        harness_check(json_is_number(v) && json_number_value(v) == number, __FILE__, __LINE__,
                      "%s: %s is %.17g, not %s", kind, key, json_number_value(v), want);
        return;
    }
    /* texts are compared by what they print: "Tanh", "RMSProp(lr=0.0001)" */
    snprintf(got, sizeof got, "%s", want[0] == '"' ? want + 1 : want);
    if (want[0] == '"') got[strcspn(got, "\"")] = '\0';
    same = json_is_string(v) && !strncmp(json_string_value(v), got, strcspn(got, ")"));
    harness_check(same || (json_is_string(v) && strstr(got, "(") &&
                           strstr(json_string_value(v), strchr(got, '(') + 1) != NULL),
                  __FILE__, __LINE__, "%s: %s is %s, not %s", kind, key,
                  json_is_string(v) ? json_string_value(v) : "no text", got);
}

/* "strides 1" is every key with "stride" in it, "kernels (5,5), (2,2)" one after the other. */
static int several(const char *kind, const json_t *object, const char *stem, int n, char **want)
{
    const char *key;
    json_t *v;
    int found = 0;

    json_object_foreach((json_t *)object, key, v)
    {
        if (!strstr(key, stem)) continue;
        if (strcmp(key, "pad_skip") != 0) value_is(kind, key, v, want[n > 1 ? found : 0]);
        found++;
    }
    return found;
}

/* What a text says of one class: "lr 0.01, momentum 0; clip_norm none". How many were compared. */
static int defaults_are(const char *kind, char *text)
{
    json_t *object = hyper_of(kind);
    char *part[MD_MOST];
    int n, compared = 0;

    for (char *s = text; *s; s++)
        if (*s == ';') *s = ',';
    n = md_split(text, ',', part);
    for (int i = 0; i < n && object; i++) {
        size_t length = strcspn(part[i], " ");
        char key[48], *want[8] = { md_trim(part[i] + length) };
        const json_t *v;
        int more = 1;

        snprintf(key, sizeof key, "%.*s", (int)length, part[i]);
        while (i + 1 < n && part[i + 1][0] == '(' && more < 8) want[more++] = part[++i];
        if (!strncmp(want[0], "required", 8) || key[0] == '(') continue;
        v = json_object_get(object, key);
        if (v) {
            char *rest = strstr(want[0], " (the rest");

            if (rest) *rest = '\0';
            value_is(kind, key, v, want[0]);
            compared++;
        } else if (key[length - 1] == 's') {
            key[length - 1] = '\0';
            compared += several(kind, object, key, more, want);
        } else {
            harness_check(false, __FILE__, __LINE__, "%s has no %s", kind, key);
        }
    }
    json_decref(object);
    return compared;
}

/* "0.01, 500, false, 0.1": the values of the printed form, in its order. */
static void arguments_are(const char *kind, char *text)
{
    wg_sched *s = wg_sched_from_text(kind, NULL);
    char *printed = wg_sched_text(s), *at = printed, *part[MD_MOST];
    int n = md_split(text, ',', part);

    for (int i = 0; i < n && at; i++) {
        char got[32];

        at = strchr(at, '=');
        if (!CHECK(at != NULL)) break;
        at++;
        snprintf(got, sizeof got, "%.*s", (int)strcspn(at, ",)"), at);
        for (char *c = got; *c; c++) *c = (char)tolower((unsigned char)*c);
        harness_check(!strcmp(got, part[i]), __FILE__, __LINE__, "%s: argument %d is %s, not %s",
                      kind, i, got, part[i]);
    }
    if (at) CHECK(strchr(at, '=') == NULL);
    wg_free(printed);
    wg_sched_free(s);
}

/* "minibatch; glorot_*; calc_conv_out_dims; dilation | 256, shuffle; gain 1.0; stride 1, pad 0;
 * 0" */
static void functions_are(char *text)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l =
        wg_layer_make(w, "c", "Conv2D", "{\"out_ch\": 1, \"kernel_shape\": [2, 2]}", NULL);
    const wg_conv2d_hyper *h = wg_layer_hyper(l);
    const int64_t *rows;
    wg_minibatch *b = wg_minibatch_new(1000, 0, true, 1, 0, NULL);
    long long size = 0, stride = 0, pad = -1, dilation = -1;
    double gain = 0;

    REQUIRE(sscanf(text, "%lld, shuffle; gain %lf; stride %lld, pad %lld; %lld", &size, &gain,
                   &stride, &pad, &dilation) == 5);
    EQ_INT(wg_minibatch_next(b, &rows), size);
    CLOSE1(wg_act_gain(NULL), gain, 0, 0);
    EQ_INT(h->stride, stride);
    EQ_INT(h->pad[0], pad);
    EQ_INT(h->dilation, dilation);
    wg_minibatch_free(b);
    wg_layer_free(l);
    wg_params_free(w);
}

/* "..., init glorot_uniform; fit: n_epochs 20, batchsize 128": loops are the caller's, so that
 * of fit's arguments those are compared that the model, or what makes its batches, has. Cuts
 * them off. */
static int fit_is(const char *kind, char *text)
{
    char *fit = strstr(text, "; fit:"), *part[MD_MOST];
    json_t *object = fit ? hyper_of(kind) : NULL;
    int n, compared = 0;

    if (!object) return 0;
    *fit = '\0';
    n = md_split(fit + 6, ',', part);
    for (int i = 0; i < n; i++) {
        size_t length = strcspn(part[i], " ");
        char key[48];
        const json_t *v;

        snprintf(key, sizeof key, "%.*s", (int)length, part[i]);
        v = json_object_get(object, key);
        if (!v || !strcmp(part[i] + length, " required")) continue;
        value_is(kind, key, v, md_trim(part[i] + length));
        compared++;
    }
    json_decref(object);
    return compared;
}

/* Word2Vec's batches of 128 words: 300 words of one line, each with a context. */
static void contexts_come_in_batches(int64_t batchsize)
{
    static int64_t line[300];
    int64_t ones[300];
    wg_i64s lines = { 300, line };
    wg_contexts_batch batch;
    wg_contexts *c;

    for (int i = 0; i < 300; i++) ones[i] = 1;
    c = wg_contexts_of_ids(1, &lines, &(wg_contexts_options){ .radius = ones, .n_radii = 300 },
                           NULL);
    REQUIRE(c != NULL);
    EQ_INT(wg_contexts_next(c, &batch, NULL), WG_OK);
    EQ_INT(batch.n, batchsize);
    wg_contexts_free(c);
}

static void defaults(void)
{
    md_table t = md_read("Defaults");
    char memory[MD_CELL], all[MD_CELL], *name[MD_MOST], *part[MD_MOST];

    for (int i = 0; i < t.n; i++) {
        int n = classes_of(&t.row[i], memory, name), compared = 0;

        if (!strncmp(t.row[i].name, "minibatch", 9)) {
            functions_are(t.row[i].text);
            continue;
        }
        for (int k = 0; k < n; k++) {
            const char *kind = full_name(name[k]);
            char text[MD_CELL];
            int parts;

            snprintf(all, sizeof all, "%s", t.row[i].text);
            if (!strcmp(kind, "WGAN_GP")) EQ_INT(fit_is(kind, all), 3);
            else EQ_INT(fit_is(kind, all), 0);
            if (!strcmp(kind, "Word2Vec") && CHECK(strstr(t.row[i].text, "batchsize ")))
                contexts_come_in_batches(atoi(strstr(t.row[i].text, "batchsize ") + 10));
            parts = md_split(all, ';', part);
            for (int p = 0; p < parts; p++) {
                md_alternative(part[p], k, n, text);
                if (is_sched(kind)) arguments_are(kind, text), compared++;
                else compared += defaults_are(kind, text);
            }
        }
        harness_check(compared >= n, __FILE__, __LINE__, "%s: %d defaults compared", t.row[i].name,
                      compared);
    }
}

/* ---- printed forms ---- */

/* Between backquotes after "Printed forms": what the class prints when made by its name alone,
 * and what its printed text makes. */
static void prints(const char *text)
{
    char name[64], *again[2] = { NULL, NULL };
    const char *from[2] = { name, text };

    snprintf(name, sizeof name, "%.*s", (int)strcspn(text, "("), text);
    for (int i = 0; i < 2; i++) {
        if (is_sched(name)) {
            wg_sched *s = wg_sched_from_text(from[i], NULL);

            again[i] = wg_sched_text(s);
            wg_sched_free(s);
        } else {
            wg_optim *o = wg_optim_from_text(NULL, "o", from[i], NULL);

            again[i] = wg_optim_text(o);
            wg_optim_free(o);
        }
        EQ_STR(again[i], text);
        wg_free(again[i]);
    }
}

static void printed_forms(void)
{
    FILE *f = fopen("golden/NAMES.md", "r");
    char line[4096];
    bool inside = false;
    int n = 0;

    REQUIRE(f != NULL);
    while (fgets(line, sizeof line, f)) {
        if (!strncmp(line, "Printed forms", 13)) inside = true;
        for (char *a = inside ? strchr(line, '`') : NULL, *b; a; a = strchr(b + 1, '`')) {
            b = strchr(a + 1, '`');
            if (!CHECK(b != NULL)) break;
            *b = '\0';
            prints(a + 1);
            n++;
        }
    }
    fclose(f);
    CHECK(n >= 8);
}

TESTS(TEST(derived_variables), TEST(hyperparameter_keys), TEST(defaults), TEST(printed_forms))
