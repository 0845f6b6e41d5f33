/* test_model_wgan.c: WGAN_GP: two networks, two steps, a penalty differentiated twice. */
#include "model_kit.h"

/* A copy of all entries below a path, one after the other; free it. */
static double *values_below(const wg_params *w, const char *path, int64_t *n)
{
    double *all = calloc(100000, sizeof *all);

    *n = 0;
    for (int i = 0; i < wg_params_count(w); i++) {
        const wg_param *p = wg_params_at(w, i);
        int64_t count = wg_shape_count(&p->value.type.shape);

        if (!strncmp(p->name, path, strlen(path)) && p->value.type.dtype == WG_F64 &&
            !strstr(p->name, "optimizer")) {
            memcpy(all + *n, p->value.data, (size_t)count * sizeof *all);
            *n += count;
        }
    }
    return all;
}

static bool same_below(const wg_params *w, const char *path, const double *before)
{
    int64_t n;
    double *now = values_below(w, path, &n);
    bool same = n > 0 && memcmp(now, before, (size_t)n * sizeof *now) == 0;

    free(now);
    return same;
}

static wg_array batch(int n, uint64_t seed)
{
    return WG_F64_ARRAY(kit_numbers(n * 3, seed), n, 3);
}

/* A step of one network leaves the other alone; numpy-ml's generator never learns. */
static void erratum_D5_generator_learns(void)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = wg_wgan_gp(w, "gan", (wg_wgan_gp_hyper){ .g_hidden = 5 });
    wg_graph *g = wg_wgan_gp_record(l, wg_graph_new(), 3);
    wg_plan *p = wg_plan_new(g, w, "critic", NULL), *q = wg_plan_new(g, w, "generator", NULL);
    wg_array x = batch(6, 1);
    double *critic, *generator;
    int64_t n;

    REQUIRE_PLAN(p, g);
    wg_plan_feed(p, "X_real", x);
    wg_plan_feed(q, "X_real", x);
    critic = values_below(w, "gan/critic/", &n);
    generator = values_below(w, "gan/generator/", &n);
    step_ok(p);
    CHECK(!same_below(w, "gan/critic/", critic));
    CHECK(same_below(w, "gan/generator/", generator));
    free(critic);
    critic = values_below(w, "gan/critic/", &n);
    step_ok(q);
    CHECK(same_below(w, "gan/critic/", critic));
    CHECK(!same_below(w, "gan/generator/", generator));
    CHECK(wg_layer_trainable(wg_layer_component(l, "critic")));
    free(critic);
    free(generator);
    free(x.data);
    wg_plan_free(p);
    wg_plan_free(q);
    wg_graph_free(g);
    wg_layer_free(l);
    wg_params_free(w);
}

/* The penalty belongs to the critic: numpy-ml's text says the generator. Its loss, differentiated
 * through a recorded gradient, agrees with differences. */
static void erratum_D7_penalty_of_the_critic(void)
{
    wg_params *w = wg_params_new(WG_F64, 5);
    wg_layer *l = wg_wgan_gp(w, "gan", (wg_wgan_gp_hyper){ .g_hidden = 4, .lambda_ = 3 });
    wg_graph *g = wg_graph_new();
    wg_tensor *X, *loss, *d, *wrt;
    wg_check_report report = { 0 };
    wg_error error = { .code = WG_OK };
    wg_array x = batch(4, 2), d_value;

    wg_begin(g, "f", WG_TRAIN);
    X = wg_input(g, "X", WG_F64, WG_SHAPE(1, 3));
    loss = wg_wgan_gp_critic_step(l, X, NULL);
    NO_ERROR(wg_graph_error(g));
    wg_output("loss", loss);
    wg_end(g);
    wg_check_grad(loss, w, 1, &(wg_feed){ "X", x }, &(wg_check_options){ .order = 1 }, &report,
                  &error);
    NO_ERROR(&error);
    CHECK(report.n > 8);
    for (int i = 0; i < report.n; i++)
        harness_check(report.item[i].pass || !strncmp(report.item[i].name, "gan/generator/", 14),
                      __FILE__, __LINE__, "%s: %g, by differences %g", report.item[i].name,
                      report.item[i].analytic, report.item[i].numeric);
    wg_check_free(&report);
    /* X_fake is a constant of the critic's step */
    wrt = wg_param_leaf(g, w, "gan/generator/FC1/W");
    d = wg_grad1(loss, wrt);
    EQ_INT(wg_read(d, w, 0, NULL, &d_value, &error), WG_OK);
    for (int i = 0; i < 12; i++) CLOSE1(((double *)d_value.data)[i], 0, 0, 0);
    wg_free(d_value.data);
    free(x.data);
    wg_graph_free(g);
    wg_layer_free(l);
    wg_params_free(w);
}

/* numpy-ml's properties raise before fit. */
static void erratum_D12_properties_before_fit(void)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = wg_wgan_gp(w, "gan", (wg_wgan_gp_hyper){ .g_hidden = 0 });
    char *hyper = wg_layer_hyperparameters(l), *summary = wg_layer_summary(l);
    const wg_wgan_gp_hyper *h = wg_layer_hyper(l);

    NO_ERROR(wg_layer_error(l));
    CHECK(hyper && strstr(hyper, "\"lambda_\"") && strstr(hyper, "\"debug\":false"));
    CHECK(summary && strstr(summary, "\"critic\""));
    EQ_INT(h->g_hidden, 512);
    EQ_INT(h->n_steps, 1000);
    EQ_INT(h->batchsize, 128);
    EQ_INT(h->c_updates_per_epoch, 5);
    EQ_STR(h->init, "he_uniform");
    EQ_INT(wg_layer_n_params(wg_layer_component(l, "critic")), 0);
    wg_free(hyper);
    wg_free(summary);
    wg_layer_free(l);
    wg_params_free(w);
}

/* The four gradients numpy-ml names and never fills: +1/n, -1/n, that of the penalty, -1/n. */
static void erratum_D13_gradients_are_filled(void)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = wg_wgan_gp(w, "gan", (wg_wgan_gp_hyper){ .g_hidden = 16, .debug = true });
    wg_graph *g = wg_wgan_gp_record(l, wg_graph_new(), 3);
    wg_plan *p = wg_plan_new(g, w, "critic", NULL), *q = wg_plan_new(g, w, "generator", NULL);
    wg_array x = batch(4, 1);
    const wg_array *a, *d;

    REQUIRE_PLAN(p, g);
    wg_plan_feed(p, "X_real", x);
    wg_plan_feed(q, "X_real", x);
    step_ok(p);
    step_ok(q);
    CLOSE_ARRAY(wg_plan_value(p, "dC_Y_fake"), ((double[]){ 0.25, 0.25, 0.25, 0.25 }), 4, 1e-12, 0);
    CLOSE_ARRAY(wg_plan_value(p, "dC_Y_real"), ((double[]){ -0.25, -0.25, -0.25, -0.25 }), 4, 1e-12,
                0);
    CLOSE_ARRAY(wg_plan_value(q, "dG_Y_fake"), ((double[]){ -0.25, -0.25, -0.25, -0.25 }), 4, 1e-12,
                0);
    a = wg_plan_value(p, "gradInterp");
    d = wg_plan_value(p, "dC_gradInterp");
    for (int i = 0; i < 4 && a && d; i++) {
        const double *v = (double *)a->data + 3 * i, *dv = (double *)d->data + 3 * i;
        double norm = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);

        for (int k = 0; k < 3; k++)
            CLOSE1(dv[k], 10 * 2.0 / 4 * (norm - 1) * v[k] / norm, 1e-10, 1e-14);
    }
    free(x.data);
    wg_plan_free(p);
    wg_plan_free(q);
    wg_graph_free(g);
    wg_layer_free(l);
    wg_params_free(w);
}

/* Critic and generator in turn, saved in between: the same bits. */
static void wgan_goes_on_after_a_save(void)
{
    static const char *const functions[] = { "critic", "generator" };
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = wg_wgan_gp(
        w, "gan", (wg_wgan_gp_hyper){ .g_hidden = 5, .optimizer = "Adam(lr=0.01, decay1=0.5)" });
    wg_graph *g = wg_wgan_gp_record(l, wg_graph_new(), 3);
    wg_array x = batch(6, 1);
    wg_error error = { .code = WG_OK };
    wg_program loaded;
    wg_plan *p[2], *q[2];
    size_t length;
    char *text;

    for (int i = 0; i < 2; i++) {
        p[i] = wg_plan_new(g, w, functions[i], NULL);
        REQUIRE_PLAN(p[i], g);
        wg_plan_feed(p[i], "X_real", x);
    }
    for (int i = 0; i < 6; i++) step_ok(p[i % 3 == 2]);
    EQ_INT(wg_save_text(g, w, NULL, &text, &length, &error), WG_OK);
    EQ_INT(wg_load_text(text, length, NULL, &loaded, &error), WG_OK);
    NO_ERROR(&error);
    wg_free(text);
    for (int i = 0; i < 2; i++) {
        q[i] = wg_plan_new(loaded.graph, loaded.params, functions[i], NULL);
        wg_plan_feed(q[i], "X_real", x);
    }
    for (int i = 0; i < 6; i++) {
        int k = i % 3 == 2;

        step_ok(p[k]);
        step_ok(q[k]);
        SAME_BITS(wg_plan_value_at(p[k], 0)->data, wg_plan_value_at(q[k], 0)->data, 8);
    }
    for (int i = 0; i < 2; i++) {
        wg_plan_free(p[i]);
        wg_plan_free(q[i]);
    }
    free(x.data);
    wg_program_free(&loaded);
    wg_graph_free(g);
    wg_layer_free(l);
    wg_params_free(w);
}

/* A summary makes a twin: the same prediction. */
static void summary_makes_a_twin(void)
{
    wg_params *w = wg_params_new(WG_F64, 3), *u = wg_params_new(WG_F64, 4);
    wg_layer *a = wg_wgan_gp(w, "gan", (wg_wgan_gp_hyper){ .g_hidden = 5 }),
             *b = wg_wgan_gp(u, "twin", (wg_wgan_gp_hyper){ .g_hidden = 7 });
    wg_array x = batch(6, 1), y[2], z[2];
    char *summary;

    EQ_INT(wg_layer_forward(a, 1, &x, false, y), WG_OK);
    summary = wg_layer_summary(a);
    EQ_INT(wg_layer_set_params(b, summary), WG_OK);
    NO_ERROR(wg_layer_error(b));
    wg_free(summary);
    EQ_INT(wg_layer_forward(b, 1, &x, false, z), WG_OK);
    NO_ERROR(wg_layer_error(b));
    SAME_BITS(y[0].data, z[0].data, 6 * 3 * 8);
    SAME_BITS(y[1].data, z[1].data, 6 * 8);
    free(x.data);
    wg_layer_free(a);
    wg_layer_free(b);
    wg_params_free(w);
    wg_params_free(u);
}

/* Losses of two batches in one function, each with draws of its own. */
static void two_steps_in_one_function(void)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = wg_wgan_gp(w, "gan", (wg_wgan_gp_hyper){ .g_hidden = 4 });
    wg_graph *g = wg_graph_new();
    double x[6] = { 0.5, -1, 2, 0.25, 0.75, -0.5 };
    wg_plan *p;
    wg_tensor *X;

    wg_begin(g, "f", WG_TRAIN);
    X = wg_input(g, "X", WG_F64, WG_SHAPE(1, 3));
    wg_output("C1", wg_wgan_gp_critic_step(l, X, NULL));
    wg_output("C2", wg_wgan_gp_critic_step(l, X, NULL));
    wg_output("G1", wg_wgan_gp_generator_step(l, X, NULL));
    wg_output("G2", wg_wgan_gp_generator_step(l, X, NULL));
    wg_end(g);
    NO_ERROR(wg_graph_error(g));
    p = wg_plan_new(g, w, "f", NULL);
    REQUIRE(p != NULL);
    wg_plan_feed(p, "X", WG_F64_ARRAY(x, 2, 3));
    CHECK(wg_plan_run(p) == WG_OK);
    CHECK(wg_item(wg_plan_value(p, "C1")) != wg_item(wg_plan_value(p, "C2")));
    CHECK(wg_item(wg_plan_value(p, "G1")) != wg_item(wg_plan_value(p, "G2")));
    wg_plan_free(p);
    wg_graph_free(g);
    wg_layer_free(l);
    wg_params_free(w);
}

TESTS(TEST(erratum_D5_generator_learns), TEST(erratum_D7_penalty_of_the_critic),
      TEST(erratum_D12_properties_before_fit), TEST(erratum_D13_gradients_are_filled),
      TEST(wgan_goes_on_after_a_save), TEST(summary_makes_a_twin), TEST(two_steps_in_one_function))
