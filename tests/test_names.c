/*
 * test_names.c: golden/NAMES.md, read and held against the library: the names of derived variables,
 * the keys of hyperparameters, the order of components and printed forms are numpy-ml's.
 */
#include "module_kit.h"
#include "names_kit.h"

static const struct module *module_of(const char *kind)
{
    EACH_MODULE(m) if (!strcmp(m->kind, kind)) return m;
    return NULL;
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

TESTS(TEST(derived_variables), TEST(hyperparameter_keys), TEST(printed_forms))
