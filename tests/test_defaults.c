/* test_defaults.c: golden/NAMES.md, read and held against the library: defaults are numpy-ml's. */
#include <wengert/fit.h>

#include "names_kit.h"

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

/* "..., init glorot_uniform; fit: n_epochs 20, batchsize 128": of fit's
 * arguments those that are hyperparameters. Cuts them off. */
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

static bool first_epoch(void *data, const wg_fit_state *state)
{
    *(wg_fit_state *)data = *state;
    return false;
}

/* "n_epochs 20, batchsize 128, verbose true" of BernoulliVAE.fit: 300 images are as many batches as
 * that, and it says something. */
static void vae_fits(const char *fit)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = wg_bernoulli_vae(w, "vae",
                                   (wg_bernoulli_vae_hyper){ .T = 2,
                                                             .latent_dim = 4,
                                                             .enc_conv1_out_ch = 1,
                                                             .enc_conv2_out_ch = 1,
                                                             .enc_conv1_kernel_shape = { 2, 2 },
                                                             .enc_conv2_kernel_shape = { 1, 1 } });
    wg_array x = wg_array_of(WG_F64, WG_SHAPE(300, 5, 5, 1), calloc(300 * 25, sizeof(double)));
    wg_fit_state state = { 0 };
    wg_error error = { .code = WG_OK };
    FILE *to = tmpfile();
    int n_epochs = 0, batchsize = 1;

    REQUIRE(sscanf(fit, "; fit: n_epochs %d, batchsize %d, verbose true", &n_epochs, &batchsize) ==
            2);
    wg_bernoulli_vae_fit(l, wg_data_of(x),
                         &(wg_fit_options){ .to = to, .on_epoch = first_epoch, .data = &state },
                         NULL, &error);
    NO_ERROR(&error);
    EQ_INT(state.n_epochs, n_epochs);
    EQ_INT(state.updates, (300 + batchsize - 1) / batchsize);
    CHECK(ftell(to) > 0);
    fclose(to);
    free(x.data);
    wg_layer_free(l);
    wg_params_free(w);
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
            if (!strcmp(kind, "BernoulliVAE") && CHECK(strstr(t.row[i].text, "; fit:")))
                vae_fits(strstr(t.row[i].text, "; fit:"));
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

TESTS(TEST(defaults))
