/* test_optim_update.c: optimisers as objects: numpy-ml's verbs on arrays beside recorded training,
 * copies, summaries, saved programs. */
#include <math.h>
#include <string.h>

#include <wengert/reference.h>

#include "golden_kinds.h"

/* ---- two parameters, trained in both ways ---- */

enum { N_A = 6, N_B = 3, STEPS = 22 };

/* Smooth made-up gradients and losses: any numbers will do, the same for all. */
static double grad_at(int t, int which, int i)
{
    return sin(1.3 * t + 2.1 * which + 0.7 * i) * (1 + 0.2 * i);
}

static double loss_at(int t)
{
    return t < 6 ? 3 - 0.3 * t : 1.2 + 0.01 * t + 0.02 * cos(2.0 * t);
}

struct weights {
    double a[N_A], b[N_B];
};

static struct weights start(void)
{
    struct weights w;

    for (int i = 0; i < N_A; i++) w.a[i] = 0.5 * cos(i);
    for (int i = 0; i < N_B; i++) w.b[i] = 0.3 * sin(1.0 + i);
    return w;
}

static wg_status update_both(wg_optim *o, struct weights *w, int t, wg_error *error)
{
    static const char *const names[2] = { "m/W", "m/b" };
    struct weights g;
    wg_array param[2] = { WG_F64_ARRAY(w->a, 2, 3), WG_F64_ARRAY(w->b, 1, 3) },
             grad[2] = { WG_F64_ARRAY(g.a, 2, 3), WG_F64_ARRAY(g.b, 1, 3) };

    for (int i = 0; i < N_A; i++) g.a[i] = grad_at(t, 0, i);
    for (int i = 0; i < N_B; i++) g.b[i] = grad_at(t, 1, i);
    if (wg_optim_step(o, error) != WG_OK) return error->code;
    return wg_optim_update_n(o, 2, names, param, grad, loss_at(t), error);
}

static wg_optim *from_text(wg_params *w, const char *text)
{
    wg_error error = { .code = WG_OK };
    wg_optim *o = wg_optim_from_text(w, "o", text, &error);

    NO_ERROR(&error);
    return o;
}

/* The same training as a function: gradients and loss are fed. */
static wg_plan *recorded(const char *text, wg_params *w, wg_graph *g, wg_optim **o)
{
    struct weights first = start();
    wg_tensor *a, *b, *sum;
    wg_plan *p;

    wg_params_add(w, "m/W", WG_F64, WG_SHAPE(2, 3), true, NULL, NULL);
    wg_params_add(w, "m/b", WG_F64, WG_SHAPE(1, 3), true, NULL, NULL);
    wg_params_set(w, "m/W", WG_F64_ARRAY(first.a, 2, 3), NULL);
    wg_params_set(w, "m/b", WG_F64_ARRAY(first.b, 1, 3), NULL);
    a = wg_mul(wg_param_leaf(g, w, "m/W"), wg_input(g, "ga", WG_F64, WG_SHAPE(2, 3)));
    b = wg_mul(wg_param_leaf(g, w, "m/b"), wg_input(g, "gb", WG_F64, WG_SHAPE(1, 3)));
    *o = from_text(w, text);
    wg_begin(g, "train", WG_TRAIN);
    sum = wg_add(wg_sum(a, WG_ALL_AXES, false), wg_sum(b, WG_ALL_AXES, false));
    /* the fed number to the bit: 0 times the sum takes its gradient along */
    sum = wg_add(wg_sub(sum, wg_detach(sum)), wg_input(g, "loss", WG_F64, WG_SHAPE_SCALAR));
    wg_minimize(*o, wg_output("loss", sum));
    wg_end(g);
    p = wg_plan_new(g, w, "train", NULL);
    NO_ERROR(wg_graph_error(g));
    return p;
}

static void run_recorded(wg_plan *p, int t)
{
    struct weights g;
    double loss = loss_at(t);

    for (int i = 0; i < N_A; i++) g.a[i] = grad_at(t, 0, i);
    for (int i = 0; i < N_B; i++) g.b[i] = grad_at(t, 1, i);
    wg_plan_feed(p, "ga", WG_F64_ARRAY(g.a, 2, 3));
    wg_plan_feed(p, "gb", WG_F64_ARRAY(g.b, 1, 3));
    wg_plan_feed(p, "loss", wg_array_of(WG_F64, WG_SHAPE_SCALAR, &loss));
    CHECK(wg_plan_run(p) == WG_OK);
    NO_ERROR(wg_plan_error(p));
}

/* Every class with every kind of extra, and every scheduler. */
static const char *const trainings[] = {
    "SGD(lr=0.1)",
    "SGD(lr=0.05, momentum=0.9)",
    "SGD(lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.1, clip_norm=0.7)",
    "SGD(lr=0.1, momentum=0.5, clip_global_norm=1.1)",
    "SGD(lr=0.1, momentum=0.5, accumulate=3, clip_global_norm=2)",
    "AdaGrad(lr=0.2, clip_norm=1)",
    "AdaGrad(lr=0.2, accumulate=2)",
    "RMSProp(lr=0.01, decay=0.8)",
    "RMSProp(lr=0.01, weight_decay=0.2, lr_scheduler=NoamScheduler(model_dim=16, warmup_steps=4))",
    "Adam(lr=0.03, clip_global_norm=0.9)",
    "Adam(lr=0.03, accumulate=3, lr_scheduler=KingScheduler(patience=2, decay=0.5))",
    "AdamW(lr=0.02, weight_decay=0.3)",
    "AdamW(lr=0.02, lr_scheduler=CosineScheduler(total_steps=10, warmup_steps=3, final_lr=0.001))",
    "SGD(lr_scheduler=ExponentialScheduler(initial_lr=0.2, stage_length=4, staircase=True))",
    "Adam(lr_scheduler=KingScheduler(initial_lr=0.1, patience=4, decay=0.7))",
    "SGD(momentum=0.3, lr_scheduler=PlateauScheduler(initial_lr=0.2, patience=1, cooldown=1))",
    "SGD(lr_scheduler=KingScheduler(initial_lr=0.1, patience=3, check_all=True))",
};
enum { N_TRAININGS = sizeof trainings / sizeof trainings[0] };

static void both_ways_have_the_same_bits(void)
{
    for (int k = 0; k < N_TRAININGS; k++) {
        wg_params *w = wg_params_new(WG_F64, 1);
        wg_graph *g = wg_graph_new();
        wg_optim *o, *p = from_text(NULL, trainings[k]);
        wg_plan *plan = recorded(trainings[k], w, g, &o);
        struct weights x = start();
        wg_error error = { .code = WG_OK };
        double first = x.a[0], rate = 0;
        bool varies = strstr(trainings[k], "Scheduler") != NULL;

        for (int t = 0; plan && t < STEPS; t++) {
            run_recorded(plan, t);
            CHECK(update_both(p, &x, t, &error) == WG_OK);
            NO_ERROR(&error);
            SAME_BITS(wg_params_find(w, "m/W")->value.data, x.a, sizeof x.a);
            SAME_BITS(wg_params_find(w, "m/b")->value.data, x.b, sizeof x.b);
            CLOSE1(wg_optim_lr(o), wg_optim_lr(p), 0, 0);
            if (t == 0) rate = wg_optim_lr(o);
        }
        harness_check((wg_optim_lr(o) != rate) == varies, __FILE__, __LINE__, "%s ends at %g",
                      trainings[k], wg_optim_lr(o));
        harness_check(plan && x.a[0] != first, __FILE__, __LINE__, "%s moved nothing",
                      trainings[k]);
        wg_plan_free(plan);
        wg_optim_free(o);
        wg_optim_free(p);
        wg_graph_free(g);
        wg_params_free(w);
    }
}

/* No rule computes what is not finite, not even where it is not looked at. */
static void finite_check_passes(void)
{
    static const wg_plan_options options = { .check = true };

    for (int k = 0; k < N_TRAININGS; k++) {
        wg_params *w = wg_params_new(WG_F64, 1);
        wg_graph *g = wg_graph_new();
        wg_optim *o;
        wg_plan *plan = recorded(trainings[k], w, g, &o), *checked;

        wg_plan_free(plan);
        checked = wg_plan_new(g, w, "train", &options);
        for (int t = 0; checked && t < STEPS; t++) run_recorded(checked, t);
        wg_plan_free(checked);
        wg_optim_free(o);
        wg_graph_free(g);
        wg_params_free(w);
    }
}

/* ---- going on ---- */

static void go_on(const char *text, wg_optim *o, wg_optim *next, struct weights x)
{
    struct weights y = x;
    wg_error error = { .code = WG_OK };

    for (int t = STEPS; t < 2 * STEPS; t++) {
        CHECK(update_both(o, &x, t, &error) == WG_OK);
        CHECK(update_both(next, &y, t, &error) == WG_OK);
    }
    NO_ERROR(&error);
    harness_check(memcmp(&x, &y, sizeof x) == 0, __FILE__, __LINE__, "%s goes on otherwise", text);
}

static void copy_goes_on(void)
{
    for (int k = 0; k < N_TRAININGS; k++) {
        wg_optim *o = from_text(NULL, trainings[k]), *c;
        struct weights x = start();

        for (int t = 0; t < STEPS; t++) CHECK(update_both(o, &x, t, NULL) == WG_OK);
        c = wg_optim_copy(o);
        REQUIRE(c != NULL);
        go_on(trainings[k], o, c, x);
        wg_optim_free(c);
        wg_optim_free(o);
    }
}

/* A copy is deep: what one does the other does not see; and it lies in the same step. */
static void copy_is_deep(void)
{
    wg_optim *o = from_text(NULL, "SGD(lr=0.1, lr_scheduler=KingScheduler(patience=5))"), *c;
    double w[2] = { 1, 2 }, g[2] = { 1, 1 };
    char *before, *after;

    wg_optim_step(o, NULL);
    CHECK(wg_optim_update(o, "W", WG_F64_ARRAY(w, 2), WG_F64_ARRAY(g, 2), 1, NULL) == WG_OK);
    c = wg_optim_copy(o);
    REQUIRE(c != NULL);
    before = wg_optim_summary(c);
    wg_optim_step(o, NULL);
    wg_optim_update(o, "W", WG_F64_ARRAY(w, 2), WG_F64_ARRAY(g, 2), 2, NULL);
    after = wg_optim_summary(c);
    EQ_STR(after, before);
    wg_free(after);
    /* the second parameter of the step belongs to the same loss: no further one is recorded */
    CHECK(wg_optim_update(c, "b", WG_F64_ARRAY(w, 2), WG_F64_ARRAY(g, 2), (double)NAN, NULL) ==
          WG_OK);
    after = wg_optim_summary(c);
    EQ_STR(after, before);
    wg_free(before);
    wg_free(after);
    wg_optim_free(c);
    wg_optim_free(o);
}

static void summary_goes_on(void)
{
    for (int k = 0; k < N_TRAININGS; k++) {
        wg_optim *o = from_text(NULL, trainings[k]), *next = NULL;
        const char *kind = trainings[k];
        char name[16] = "", *text, *again;
        struct weights x = start();
        wg_error error = { .code = WG_OK };

        for (int t = 0; t < STEPS; t++) CHECK(update_both(o, &x, t, NULL) == WG_OK);
        text = wg_optim_summary(o);
        snprintf(name, sizeof name, "%.*s", (int)strcspn(kind, "("), kind);
        next = from_text(NULL, name);
        CHECK(wg_optim_set_params(next, text, &error) == WG_OK);
        NO_ERROR(&error);
        again = wg_optim_summary(next);
        CHECK(again && strlen(again) == strlen(text));
        wg_free(again);
        go_on(kind, o, next, x);
        wg_optim_free(next);
        /* a summary makes an object, too */
        next = from_text(NULL, text);
        CHECK(next != NULL);
        wg_free(text);
        text = wg_optim_text(next);
        again = wg_optim_text(o);
        EQ_STR(text, again);
        wg_free(text);
        wg_free(again);
        wg_optim_free(next);
        wg_optim_free(o);
    }
}

/* A program that is saved in the middle of training goes on to the bit without the optimiser. */
static void saved_program_goes_on(void)
{
    for (int k = 0; k < N_TRAININGS; k++) {
        wg_params *w = wg_params_new(WG_F64, 1);
        wg_graph *g = wg_graph_new();
        wg_program loaded = { NULL, NULL };
        wg_error error = { .code = WG_OK };
        wg_optim *o;
        wg_plan *plan = recorded(trainings[k], w, g, &o), *next = NULL;
        char *text = NULL;
        size_t length = 0;

        REQUIRE(plan != NULL);
        for (int t = 0; t < STEPS; t++) run_recorded(plan, t);
        wg_optim_free(o);
        CHECK(wg_save_text(g, w, NULL, &text, &length, &error) == WG_OK);
        CHECK(wg_load_text(text, length, NULL, &loaded, &error) == WG_OK);
        NO_ERROR(&error);
        next = wg_plan_new(loaded.graph, loaded.params, "train", NULL);
        REQUIRE(next != NULL);
        for (int t = STEPS; t < 2 * STEPS; t++) {
            run_recorded(plan, t);
            run_recorded(next, t);
        }
        EQ_INT(wg_params_count(loaded.params), wg_params_count(w));
        for (int i = 0; i < wg_params_count(w); i++) {
            const wg_param *p = wg_params_at(w, i), *q = wg_params_find(loaded.params, p->name);

            REQUIRE(q != NULL);
            SAME_BITS(q->value.data, p->value.data, wg_type_bytes(&p->value.type));
        }
        wg_free(text);
        wg_plan_free(next);
        wg_plan_free(plan);
        wg_program_free(&loaded);
        wg_graph_free(g);
        wg_params_free(w);
    }
}

/* The optimiser made again over a loaded store finds its cache there, on arrays too. */
static void loaded_store_goes_on(void)
{
    const char *text = "Adam(lr=0.1, lr_scheduler=KingScheduler(patience=3))";
    wg_params *w = wg_params_new(WG_F64, 1), *v = wg_params_new(WG_F64, 1);
    wg_optim *o = from_text(w, text), *next;
    wg_error error = { .code = WG_OK };
    wg_program empty = { NULL, NULL };
    struct weights x = start();
    wg_graph *g = wg_graph_new();
    wg_tensor *one;
    char *saved = NULL;
    size_t length;

    for (int t = 0; t < STEPS; t++) CHECK(update_both(o, &x, t, &error) == WG_OK);
    wg_begin(g, "f", WG_PREDICT);
    one = wg_scalar(g, WG_F64, 1);
    wg_output("y", one);
    wg_end(g);
    CHECK(wg_save_text(g, w, NULL, &saved, &length, &error) == WG_OK);
    CHECK(wg_load_text(saved, length, NULL, &empty, &error) == WG_OK);
    NO_ERROR(&error);
    REQUIRE(empty.params != NULL);
    EQ_INT(wg_params_count(empty.params), wg_params_count(w));
    next = from_text(empty.params, text);
    go_on(text, o, next, x);
    wg_optim_free(next);
    wg_optim_free(o);
    wg_program_free(&empty);
    wg_free(saved);
    wg_graph_free(g);
    wg_params_free(w);
    wg_params_free(v);
}

/* One optimiser over a store: recorded training, then updates on arrays, to the bit as in one
 * way. */
static void changes_its_way(void)
{
    for (int k = 0; k < N_TRAININGS; k++) {
        wg_params *w = wg_params_new(WG_F64, 1);
        wg_graph *g = wg_graph_new();
        wg_optim *o, *p = from_text(NULL, trainings[k]), *c;
        wg_plan *plan = recorded(trainings[k], w, g, &o);
        struct weights x, y, z;
        char *text;

        REQUIRE(plan != NULL);
        for (int t = 0; t < STEPS; t++) run_recorded(plan, t);
        memcpy(x.a, wg_params_find(w, "m/W")->value.data, sizeof x.a);
        memcpy(x.b, wg_params_find(w, "m/b")->value.data, sizeof x.b);
        y = z = x;
        text = wg_optim_summary(o);
        CHECK(wg_optim_set_params(p, text, NULL) == WG_OK);
        wg_free(text);
        c = wg_optim_copy(o);
        REQUIRE(c != NULL);
        for (int t = STEPS; t < 2 * STEPS; t++) {
            run_recorded(plan, t);
            CHECK(update_both(p, &x, t, NULL) == WG_OK);
            CHECK(update_both(c, &y, t, NULL) == WG_OK);
            SAME_BITS(wg_params_find(w, "m/W")->value.data, x.a, sizeof x.a);
            SAME_BITS(y.a, x.a, sizeof x.a);
        }
        /* and back: the store's own optimiser on arrays, from where its recorded training is */
        memcpy(&z, &x, sizeof z);
        for (int t = 2 * STEPS; t < 3 * STEPS; t++) {
            CHECK(update_both(o, &z, t, NULL) == WG_OK);
            CHECK(update_both(p, &x, t, NULL) == WG_OK);
            SAME_BITS(z.a, x.a, sizeof x.a);
            SAME_BITS(z.b, x.b, sizeof x.b);
        }
        wg_plan_free(plan);
        wg_optim_free(c);
        wg_optim_free(o);
        wg_optim_free(p);
        wg_graph_free(g);
        wg_params_free(w);
    }
}

/* ---- against the references ---- */

static void as_the_references(void)
{
    static const char *const text[] = {
        "SGD(lr=0.1, momentum=0.8, nesterov=True, clip_norm=1.5)",
        "AdamW(lr=0.05, decay1=0.8, decay2=0.9, eps=0.001, weight_decay=0.2, clip_norm=2)",
        "SGD(lr=0.1, momentum=0.8)",
        "AdaGrad(lr=0.1, eps=0.01, clip_norm=1)",
        "RMSProp(lr=0.1, decay=0.7, eps=0.01, clip_norm=1)",
        "Adam(lr=0.05, decay1=0.8, decay2=0.9, eps=0.001, clip_norm=2)",
    };

    for (int k = 0; k < 6; k++) {
        wg_optim *o = from_text(NULL, text[k]);
        double w[N_A] = { 1, -1, 2, 0.5, 0, 3 }, v[N_A], g[N_A], m[N_A] = { 0 }, s[N_A] = { 0 };

        memcpy(v, w, sizeof w);
        for (int t = 1; t <= STEPS; t++) {
            for (int i = 0; i < N_A; i++) g[i] = grad_at(t, 0, i);
            CHECK(wg_optim_step(o, NULL) == WG_OK);
            CHECK(wg_optim_update(o, "W", WG_F64_ARRAY(w, N_A), WG_F64_ARRAY(g, N_A), (double)NAN,
                                  NULL) == WG_OK);
            if (k == 0) wg_ref_nesterov(N_A, 0.1, 0.8, 1.5, g, v, m);
            if (k == 1) wg_ref_adamw(N_A, t, 0.05, 0.8, 0.9, 0.001, 0.2, 2, g, v, m, s);
            if (k == 2) wg_ref_sgd(N_A, 0.1, 0.8, 0, g, v, m);
            if (k == 3) wg_ref_adagrad(N_A, 0.1, 0.01, 1, g, v, m);
            if (k == 4) wg_ref_rmsprop(N_A, 0.1, 0.7, 0.01, 1, g, v, m);
            if (k == 5) wg_ref_adam(N_A, t, 0.05, 0.8, 0.9, 0.001, 2, g, v, m, s);
            CLOSE(w, v, N_A, 1e-12, 1e-12);
        }
        wg_optim_free(o);
    }
}

/* ---- what numpy-ml does not have ---- */

/* The gradients of k runs add up to one step: the step of their sum. */
static void accumulation(void)
{
    wg_optim *o = from_text(NULL, "Adam(lr=0.1, accumulate=3)"),
             *p = from_text(NULL, "Adam(lr=0.1)");
    double w[N_A] = { 1, 2, 3, 4, 5, 6 }, v[N_A], before[N_A];

    memcpy(v, w, sizeof w);
    for (int t = 0; t < 4; t++) {
        double sum[N_A] = { 0 };

        memcpy(before, w, sizeof w);
        for (int k = 0; k < 3; k++) {
            double g[N_A];

            SAME_BITS(w, before, sizeof w);
            for (int i = 0; i < N_A; i++) sum[i] += g[i] = grad_at(3 * t + k, 0, i);
            CHECK(wg_optim_step(o, NULL) == WG_OK);
            CHECK(wg_optim_update(o, "W", WG_F64_ARRAY(w, N_A), WG_F64_ARRAY(g, N_A), 0, NULL) ==
                  WG_OK);
        }
        CHECK(wg_optim_step(p, NULL) == WG_OK);
        CHECK(wg_optim_update(p, "W", WG_F64_ARRAY(v, N_A), WG_F64_ARRAY(sum, N_A), 0, NULL) ==
              WG_OK);
        CLOSE(w, v, N_A, 0, 0);
    }
    wg_optim_free(o);
    wg_optim_free(p);
}

/* Biases at half the rate and without decay, by pattern; the group added last wins. */
static void groups(void)
{
    wg_optim *o = from_text(NULL, "SGD(lr=0.1, weight_decay=0.5)");
    double w[3] = { 1, 1, 1 }, g[3] = { 2, 2, 2 };
    static const char *const name[3] = { "net/fc1/W", "net/fc1/b", "net/fc2/b" };
    wg_error error = { .code = WG_OK };
    char *text;

    CHECK(wg_optim_group(o, "*/b", 0.5, 0, &error) == WG_OK);
    CHECK(wg_optim_group(o, "net/fc?/b*", 0.25, 1, &error) == WG_OK);
    CHECK(wg_optim_group(o, "net/fc2/*", 0, 1, &error) == WG_OK);
    for (int i = 0; i < 3; i++)
        CHECK(wg_optim_update(o, name[i], WG_F64_ARRAY(&w[i], 1), WG_F64_ARRAY(&g[i], 1), 0,
                              &error) == WG_OK);
    NO_ERROR(&error);
    CLOSE(w, ((double[]){ 1 - 0.05 - 0.2, 1 - 0.0125 - 0.05, 1 }), 3, 1e-15, 0);
    text = wg_optim_summary(o);
    CHECK(text && strstr(text, "\"groups\":[{\"pattern\":\"*/b\",\"lr_factor\":0.5,"
                               "\"decay_factor\":0.0}"));
    wg_free(text);
    wg_optim_free(o);
    o = from_text(NULL, "SGD");
    CHECK(wg_optim_group(o, "W", -1, 0, &error) == WG_EARG);
    ERROR_IS(&error, WG_EARG, "optim_group: the factors are -1 and 0, wanted 0 or more", NULL);
    wg_optim_free(o);
}

/* Recorded groups move as updated ones. */
static void recorded_groups(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_graph *g = wg_graph_new();
    wg_optim *o = from_text(w, "AdamW(lr=0.1, weight_decay=0.3)"),
             *p = from_text(NULL, "AdamW(lr=0.1, weight_decay=0.3)");
    double a = 2, b = 2, ga = 3, gb = 3;
    wg_tensor *x;
    wg_plan *plan;

    wg_params_add(w, "a", WG_F64, WG_SHAPE_SCALAR, true, NULL, NULL);
    wg_params_add(w, "b", WG_F64, WG_SHAPE_SCALAR, true, NULL, NULL);
    wg_params_fill(w, "a", 2, NULL);
    wg_params_fill(w, "b", 2, NULL);
    wg_optim_group(o, "b", 0.1, 0, NULL);
    wg_optim_group(p, "b", 0.1, 0, NULL);
    x = wg_add(wg_param_leaf(g, w, "a"), wg_param_leaf(g, w, "b"));
    wg_begin(g, "train", WG_TRAIN);
    wg_minimize(o, wg_mul(x, wg_scalar_like(x, 3)));
    wg_end(g);
    plan = wg_plan_new(g, w, "train", NULL);
    REQUIRE(plan != NULL);
    for (int t = 0; t < 5; t++) {
        CHECK(wg_plan_run(plan) == WG_OK);
        wg_optim_step(p, NULL);
        wg_optim_update(p, "a", wg_array_of(WG_F64, WG_SHAPE_SCALAR, &a),
                        wg_array_of(WG_F64, WG_SHAPE_SCALAR, &ga), 0, NULL);
        wg_optim_update(p, "b", wg_array_of(WG_F64, WG_SHAPE_SCALAR, &b),
                        wg_array_of(WG_F64, WG_SHAPE_SCALAR, &gb), 0, NULL);
        CLOSE1(wg_item(&wg_params_find(w, "a")->value), a, 0, 0);
        CLOSE1(wg_item(&wg_params_find(w, "b")->value), b, 0, 0);
    }
    CHECK(2 - b < 0.11 * (2 - a));
    wg_plan_free(plan);
    wg_optim_free(o);
    wg_optim_free(p);
    wg_graph_free(g);
    wg_params_free(w);
}

/* The count of steps, by either way; with accumulation only whole steps count. */
static void steps_are_counted(void)
{
    wg_optim *o = from_text(NULL, "SGD()"), *sum = from_text(NULL, "SGD(accumulate=2)"), *recording;
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_graph *g = wg_graph_new();
    wg_plan *plan = recorded("SGD()", w, g, &recording);
    struct weights x = start();

    EQ_INT(wg_optim_cur_step(NULL), 0);
    EQ_INT(wg_optim_cur_step(o), 0);
    for (int t = 0; t < 5; t++) {
        CHECK(update_both(o, &x, t, NULL) == WG_OK && update_both(sum, &x, t, NULL) == WG_OK);
        EQ_INT(wg_optim_cur_step(o), t + 1);
        EQ_INT(wg_optim_cur_step(sum), (t + 1) / 2);
        if (plan) run_recorded(plan, t);
        EQ_INT(wg_optim_cur_step(recording), t + 1);
    }
    CHECK(wg_optim_reset_step(o, NULL) == WG_OK);
    EQ_INT(wg_optim_cur_step(o), 0);
    wg_plan_free(plan);
    wg_optim_free(recording);
    wg_optim_free(sum);
    wg_optim_free(o);
    wg_graph_free(g);
    wg_params_free(w);
}

TESTS(TEST(both_ways_have_the_same_bits), TEST(finite_check_passes), TEST(copy_goes_on),
      TEST(copy_is_deep), TEST(summary_goes_on), TEST(saved_program_goes_on),
      TEST(loaded_store_goes_on), TEST(changes_its_way), TEST(as_the_references),
      TEST(accumulation), TEST(groups), TEST(recorded_groups), TEST(steps_are_counted))
