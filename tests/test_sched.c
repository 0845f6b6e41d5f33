/* test_sched.c: learning rate schedulers against golden values, references and formulas; texts,
 * parameters, history; the errata of numpy-ml. */
#include <math.h>
#include <string.h>

#include <wengert/reference.h>

#include "golden_kinds.h"

static void golden_schedulers(void)
{
    golden_run_file("schedulers", golden_kinds_optim);
}

static wg_sched *from_text(const char *text)
{
    wg_error error = { .code = WG_OK };
    wg_sched *s = wg_sched_from_text(text, &error);

    NO_ERROR(&error);
    return s;
}

static double ask(wg_sched *s, int64_t step, double loss)
{
    wg_error error = { .code = WG_OK };
    double lr = -1;

    CHECK(wg_sched_learning_rate(s, step, loss, &lr, &error) == WG_OK);
    NO_ERROR(&error);
    return lr;
}

static void set(wg_sched *s, const char *json)
{
    wg_error error = { .code = WG_OK };

    CHECK(wg_sched_set_params(s, json, &error) == WG_OK);
    NO_ERROR(&error);
}

static const double none = (double)NAN;

/* ---- texts ---- */

/* The defaults of golden/NAMES.md, and what else there is. */
static void printed_forms(void)
{
    static const char *const form[][2] = {
        { NULL, "ConstantScheduler(lr=0.01)" },
        { "", "ConstantScheduler(lr=0.01)" },
        { "ExponentialScheduler()", "ExponentialScheduler(initial_lr=0.01, stage_length=500, "
                                    "staircase=False, decay=0.1)" },
        { "NoamScheduler", "NoamScheduler(model_dim=512, scale_factor=1, warmup_steps=4000)" },
        { "king", "KingScheduler(initial_lr=0.01, patience=1000, decay=0.99)" },
        { "Cosine()", "CosineScheduler(initial_lr=0.01, total_steps=1000, warmup_steps=0, "
                      "final_lr=0.0)" },
        { "plateau scheduler", "PlateauScheduler(initial_lr=0.01, patience=10, decay=0.1, "
                               "threshold=0.0001, cooldown=0, min_lr=0.0)" },
        { "constantscheduler(LR=1)", "ConstantScheduler(lr=1)" },
        { "Constant(lr=1.0)", "ConstantScheduler(lr=1.0)" },
        { "Constant(lr=1e-7)", "ConstantScheduler(lr=1e-07)" },
        { "Constant(lr=.0001)", "ConstantScheduler(lr=0.0001)" },
        { " Noam ( scale_factor = 2.0 , model_dim=16, ) ",
          "NoamScheduler(model_dim=16, scale_factor=2.0, warmup_steps=4000)" },
        { "Exponential(staircase=true, stage_length=2.5)",
          "ExponentialScheduler(initial_lr=0.01, stage_length=2.5, staircase=True, decay=0.1)" },
        { "King(check_all=TRUE, clear_history=True)",
          "KingScheduler(initial_lr=0.01, patience=1000, decay=0.99, check_all=True, "
          "clear_history=True)" },
        { "{\"id\": \"NoamScheduler\", \"scale_factor\": 3, \"model_dim\": 4.5}",
          "NoamScheduler(model_dim=4.5, scale_factor=3, warmup_steps=4000)" },
    };

    for (size_t i = 0; i < sizeof form / sizeof form[0]; i++) {
        wg_sched *s = from_text(form[i][0]), *again;
        char *text = wg_sched_text(s), *twice;

        EQ_STR(text, form[i][1]);
        again = from_text(text);
        twice = wg_sched_text(again);
        EQ_STR(twice, text);
        wg_free(text);
        wg_free(twice);
        wg_sched_free(s);
        wg_sched_free(again);
    }
}

static void refused_texts(void)
{
    static const struct {
        const char *text;
        wg_status code;
        const char *message;
    } one[] = {
        { "Kong()", WG_ENAME,
          "sched: unknown scheduler \"Kong\" at character 1, the nearest is \"KingScheduler\"" },
        { "KingScheduler(patients=3)", WG_ENAME,
          "KingScheduler: unknown argument \"patients\" at character 15, the nearest is "
          "\"patience\"" },
        { "KingScheduler(patience=0)", WG_EARG,
          "KingScheduler: patience is 0, wanted 1 to 10000000" },
        { "King(patience=2.5)", WG_EARG, "KingScheduler: patience is 2.5, wanted 1 to 10000000" },
        { "King(decay=1.5)", WG_EARG, "KingScheduler: decay is 1.5, wanted 0 < decay <= 1" },
        { "Constant(lr=0)", WG_EARG, "ConstantScheduler: lr is 0, wanted a positive number" },
        { "Constant(lr=inf)", WG_EARG, "ConstantScheduler: lr is inf, wanted a positive number" },
        { "Constant(lr=True)", WG_EARG,
          "ConstantScheduler: lr is True at character 10, wanted a positive number" },
        { "Exponential(staircase=1)", WG_EARG,
          "ExponentialScheduler: staircase is 1 at character 13, wanted True or False" },
        { "Cosine(total_steps=10, warmup_steps=10)", WG_EARG,
          "CosineScheduler: warmup_steps is 10, wanted fewer than total_steps 10" },
        { "Plateau(decay=1)", WG_EARG, "PlateauScheduler: decay is 1, wanted 0 < decay < 1" },
        { "Constant(lr=0.1", WG_EARG,
          "sched: \"Constant(lr=0.1\": wanted ',' or ')' at character 16" },
        { "Constant(0.1)", WG_EARG,
          "sched: \"Constant(0.1)\": wanted an argument's name at character 10" },
        { "Constant(lr:0.1)", WG_EARG, "sched: \"Constant(lr:0.1)\": wanted '=' at character 12" },
        { "Constant(lr=0.1, lr=0.2)", WG_EARG,
          "sched: \"Constant(lr=0.1, lr=0.2)\": \"lr\" is given twice, at character 18" },
        { "Constant(lr=0.1) x", WG_EARG,
          "sched: \"Constant(lr=0.1) x\": wanted the end at character 18" },
        { "Constant(lr='0.1)", WG_EARG,
          "sched: \"Constant(lr='0.1)\": wanted a closing quote for the one at character 13" },
        { "Constant(lr=*)", WG_EARG,
          "sched: \"Constant(lr=*)\": wanted a number, a text, None, True, False or NAME(...) at "
          "character 13" },
        { "Constant+", WG_EARG, "sched: \"Constant+\": wanted '(' or the end at character 9" },
        { "(lr=1)", WG_EARG, "sched: \"(lr=1)\": wanted a name at character 1" },
        { "A(a=A(a=A(a=A(a=A(a=A(a=A(a=A(a=A(a=A(a=1))))))))))", WG_EARG,
          "sched: \"A(a=A(a=A(a=A(a=A(a=A(a=A(a=A(a=A(a=A(a=1))))))))))\": wanted fewer calls "
          "inside of each other at character 38" },
        { "{\"lr\": 1}", WG_EFORMAT, "sched: the object has no member \"id\" with a class's name" },
        { "{\"id\": \"Constant\", \"lr\": \"x\"}", WG_EARG,
          "ConstantScheduler: lr is \"x\", wanted a positive number" },
    };

    for (size_t i = 0; i < sizeof one / sizeof one[0]; i++) {
        wg_error error = { .code = WG_OK };

        CHECK(wg_sched_from_text(one[i].text, &error) == NULL);
        ERROR_IS(&error, one[i].code, one[i].message, NULL);
        CHECK(wg_sched_from_text(one[i].text, NULL) == NULL);
    }
}

/* ---- rules ---- */

static void cosine_formula(void)
{
    wg_sched *s =
        from_text("Cosine(initial_lr=0.5, total_steps=50, warmup_steps=10, final_lr=0.1)");

    for (int t = 0; t < 70; t++) {
        double u = fmin((t - 10) / 40.0, 1), want = 0.1 + 0.4 * (0.5 + 0.5 * cos(u * acos(-1.0)));

        CLOSE1(ask(s, t, none), t < 10 ? 0.5 * t / 10 : want, 1e-13, 0);
    }
    CLOSE1(ask(s, 10, none), 0.5, 0, 0);
    CLOSE1(ask(s, 1000000000, none), 0.1, 0, 0);
    wg_sched_free(s);
}

/* Plain C beside the recorded rule. */
static void plateau_rule(void)
{
    wg_sched *s = from_text("Plateau(initial_lr=1, patience=2, decay=0.5, threshold=0.01, "
                            "cooldown=3, min_lr=0.1)");
    double lr = 1, best = HUGE_VAL;
    int bad = 0, cooling = 0, drops = 0;

    for (int t = 0; t < 60; t++) {
        double loss = t < 10 ? 2 - 0.2 * t : 0.2 + 0.1 * sin(0.9 * t) - 0.02 * t;

        if (t == 30) loss = none;
        if (loss < best - 0.01 * (isinf(best) ? 0 : fabs(best))) {
            best = loss;
            bad = 0;
        } else bad++;
        if (cooling > 0) {
            cooling--;
            bad = 0;
        }
        if (bad > 2) {
            lr = fmax(lr * 0.5, 0.1);
            cooling = 3;
            bad = 0;
            drops++;
        }
        if (t == 30) { /* a loss that is missing is an error and counts for nothing */
            wg_error error = { .code = WG_OK };
            double unused;

            bad--;
            CHECK(wg_sched_learning_rate(s, t, none, &unused, &error) == WG_EARG);
            ERROR_IS(&error, WG_EARG,
                     "PlateauScheduler: wants the loss of the step: cur_loss is missing", NULL);
            if (bad < 0) bad = 0;
            cooling += cooling > 0;
            continue;
        }
        CLOSE1(ask(s, t, loss), lr, 0, 0);
    }
    CHECK(drops > 2);
    wg_sched_free(s);
}

/* Losses of three kinds: falling with noise, level, with spikes. */
static double loss_at(int t, int kind)
{
    double noise = sin(12.9898 * t + kind) * 43758.5453, x = noise - floor(noise);

    if (kind == 0) return 5 * exp(-0.02 * t) + 0.05 * x;
    if (kind == 1) return 1 + 0.1 * x;
    return (t < 40 ? 3 - 0.05 * t : 1) + 0.02 * x + (t % 13 == 5 ? 4 : 0);
}

static void king_as_the_reference(void)
{
    static const int patience[] = { 3, 4, 7, 9, 19, 28, 60, 100 };

    for (int k = 0; k < 8 * 3 * 2; k++) {
        int p = patience[k / 6], kind = k / 2 % 3, decays = 0;
        bool clear = k % 2;
        wg_ref_king r = { 0.3, 0.9, p, clear, 0, NULL, 0, 0 };
        double room[200], before = 0.3;
        char text[120];
        wg_sched *s;

        CHECK(wg_ref_king_room(p) <= 200);
        r.history = room;
        snprintf(text, sizeof text,
                 "King(initial_lr=0.3, patience=%d, decay=0.9, clear_history=%s)", p,
                 clear ? "True" : "False");
        s = from_text(text);
        for (int t = 0; t < 250; t++) {
            double want, got = ask(s, t, loss_at(t, kind)), plain, robust;

            CHECK(wg_ref_king_lr(&r, loss_at(t, kind), &want));
            CLOSE1(got, want, 1e-12, 0);
            CHECK(wg_sched_p_decreasing(s, &plain, &robust, NULL) == WG_OK);
            CLOSE1(plain, r.p, 1e-10, 1e-10);
            CLOSE1(robust, r.p_robust, 1e-10, 1e-10);
            decays += got != before;
            before = got;
        }
        harness_check(kind == 0 || decays > 0, __FILE__, __LINE__, "%s, losses %d: no decay", text,
                      kind);
        wg_sched_free(s);
    }
}

/* ---- history ---- */

static void king_history_is_saved(void)
{
    for (int at = 0; at < 60; at += 7) {
        wg_sched *s = from_text("King(initial_lr=0.3, patience=8, decay=0.9)"), *c, *n;
        char *text;

        for (int t = 0; t < at; t++) ask(s, t, loss_at(t, 2));
        c = wg_sched_copy(s);
        n = from_text("King");
        text = wg_sched_summary(s);
        REQUIRE(c != NULL && text != NULL);
        set(n, text);
        for (int t = at; t < 90; t++) {
            double want = ask(s, t, loss_at(t, 2));

            CLOSE1(ask(c, t, loss_at(t, 2)), want, 0, 0);
            CLOSE1(ask(n, t, loss_at(t, 2)), want, 0, 0);
        }
        CHECK(ask(s, 90, 1) < 0.3);
        wg_free(text);
        wg_sched_free(s);
        wg_sched_free(c);
        wg_sched_free(n);
    }
}

/* Another patience keeps the newest losses there is room for, in both orders. */
static void king_takes_another_patience(void)
{
    static const int to[] = { 4, 20 };

    for (int k = 0; k < 2; k++) {
        wg_sched *s = from_text("King(initial_lr=0.3, patience=10, decay=0.9)"), *fresh;
        char json[40], text[80];
        int room = k == 0 ? 6 : 13;

        for (int t = 0; t < 30; t++) ask(s, t, loss_at(t, 0));
        CLOSE1(ask(s, 30, loss_at(30, 0)), 0.3, 0, 0);
        snprintf(json, sizeof json, "{\"patience\": %d}", to[k]);
        set(s, json);
        snprintf(text, sizeof text, "King(initial_lr=0.3, patience=%d, decay=0.9)", to[k]);
        fresh = from_text(text);
        for (int t = 31 - room; t < 31; t++) ask(fresh, t, loss_at(t, 0));
        for (int t = 31; t < 160; t++)
            CLOSE1(ask(s, t, loss_at(t, t < 80 ? t % 3 : 1)),
                   ask(fresh, t, loss_at(t, t < 80 ? t % 3 : 1)), 0, 0);
        CHECK(ask(s, 160, 2) < 0.3);
        wg_sched_free(s);
        wg_sched_free(fresh);
    }
}

/* A loss that is not finite counts as a spike, which the robust test leaves out. */
static void king_meets_infinity(void)
{
    wg_sched *s = from_text("King(initial_lr=0.3, patience=20, decay=0.5)"),
             *spikes = from_text("King(initial_lr=0.3, patience=20, decay=0.5)");
    double lr = 0;

    for (int t = 0; t < 120; t++) {
        double loss = t < 60 ? 3 - 0.01 * t : 2.4 + 0.01 * t, bad = t % 13 == 3;

        lr = ask(s, t, bad ? HUGE_VAL : loss);
        CLOSE1(ask(spikes, t, bad ? 1e100 : loss), lr, 0, 0);
        if (t < 60) CLOSE1(lr, 0.3, 0, 0);
    }
    CHECK(lr > 0 && lr < 0.3);
    wg_sched_free(s);
    wg_sched_free(spikes);
}

/* ---- errata of numpy-ml ---- */

static void erratum_I5_all_classes_from_their_dictionaries(void)
{
    static const char *const dict[][2] = {
        { "{\"id\": \"StepScheduler\", \"initial_lr\": 0.3, \"stage_length\": 7, \"staircase\": "
          "true,"
          " \"decay\": 0.5}",
          "ExponentialScheduler(initial_lr=0.3, stage_length=7, staircase=True, decay=0.5)" },
        { "{\"id\": \"KingScheduler\", \"patience\": 7, \"decay\": 0.5, \"initial_lr\": 2}",
          "KingScheduler(initial_lr=2, patience=7, decay=0.5)" },
        { "{\"id\": \"ConstantScheduler\", \"lr\": 0.3}", "ConstantScheduler(lr=0.3)" },
        { "{\"id\": \"NoamScheduler\", \"model_dim\": 16, \"scale_factor\": 2, \"warmup_steps\": "
          "4}",
          "NoamScheduler(model_dim=16, scale_factor=2, warmup_steps=4)" },
    };

    for (int i = 0; i < 4; i++) {
        wg_sched *s = from_text(dict[i][0]);
        char *text = wg_sched_text(s);

        EQ_STR(text, dict[i][1]);
        wg_free(text);
        wg_sched_free(s);
    }
}

static void erratum_I6_set_params_changes_the_values_in_use(void)
{
    wg_sched *s = from_text("ConstantScheduler(lr=0.3)");

    CLOSE1(ask(s, 1, none), 0.3, 0, 0);
    set(s, "{\"lr\": 0.9}");
    CLOSE1(ask(s, 2, none), 0.9, 0, 0);
    wg_sched_free(s);
    s = from_text("NoamScheduler");
    ask(s, 1, none);
    set(s, "{\"id\": \"NoamScheduler\", \"model_dim\": 16, \"scale_factor\": 2, "
           "\"warmup_steps\": 4}");
    CLOSE1(ask(s, 1, none), 2 * 0.25 * 0.125, 1e-15, 0);
    wg_sched_free(s);
    s = from_text("KingScheduler(patience=5)");
    ask(s, 1, 1);
    set(s, "{\"initial_lr\": 4}");
    CLOSE1(ask(s, 2, 1), 4, 0, 0);
    wg_sched_free(s);
}

static void erratum_O2_noam_starts_at_step_1(void)
{
    wg_sched *s = from_text("NoamScheduler(model_dim=16, warmup_steps=4)");

    CLOSE1(ask(s, 0, none), 0.03125, 1e-15, 0);
    CLOSE1(ask(s, 1, none), 0.03125, 1e-15, 0);
    CLOSE1(ask(s, 2, none), 0.0625, 1e-15, 0);
    wg_sched_free(s);
}

static void erratum_O3_king_decays_at_every_patience(void)
{
    static const int patience[] = { 19, 28, 29, 100, 1000 };

    for (int i = 0; i < 5; i++) {
        char text[80];
        double lr = 0;
        wg_sched *s;

        snprintf(text, sizeof text, "KingScheduler(initial_lr=1, patience=%d)", patience[i]);
        s = from_text(text);
        for (int t = 0; t <= patience[i]; t++) {
            CLOSE1(lr == 0 ? 1 : lr, 1, 0, 0); /* not before there are patience + 1 losses */
            lr = ask(s, t, 1 + 0.001 * t);
        }
        for (int t = 0; t < patience[i]; t++) lr = ask(s, t, 5 + 0.001 * t);
        harness_check(lr < 1, __FILE__, __LINE__, "patience %d never decays", patience[i]);
        wg_sched_free(s);
    }
}

/* As documented a plateau decays at every step; with the history cleared once a patience. */
static void erratum_O4_plateau_and_history(void)
{
    wg_sched *s = from_text("KingScheduler(initial_lr=1, patience=10, decay=0.5)"),
             *c = from_text("KingScheduler(initial_lr=1, patience=10, decay=0.5, "
                            "clear_history=True)");
    double lr = 0, cleared = 0;

    for (int t = 0; t < 60; t++) {
        lr = ask(s, t, 2.5);
        cleared = ask(c, t, 2.5);
    }
    CLOSE1(lr, pow(0.5, 50), 0, 0);
    CLOSE1(cleared, pow(0.5, 5), 0, 0);
    wg_sched_free(s);
    wg_sched_free(c);
}

static void erratum_O5_short_patience(void)
{
    wg_sched *one = from_text("KingScheduler(initial_lr=1, patience=1, decay=0.5)"),
             *two = from_text("KingScheduler(initial_lr=1, patience=2, decay=0.5)");
    double plain, robust;

    for (int t = 0; t < 10; t++) {
        CLOSE1(ask(one, t, t), 1, 0, 0); /* two losses make no test */
        CHECK(wg_sched_p_decreasing(one, &plain, &robust, NULL) == WG_OK && plain == -1);
        CLOSE1(ask(two, t, t), t < 3 ? 1 : pow(0.5, t - 2), 0, 0);
    }
    wg_sched_free(one);
    wg_sched_free(two);
}

static void erratum_O6_id_is_the_class_name(void)
{
    wg_sched *s = from_text("Exponential");
    char *text = wg_sched_summary(s);

    EQ_STR(text, "{\"hyperparameters\":{\"id\":\"ExponentialScheduler\",\"initial_lr\":0.01,"
                 "\"stage_length\":500,\"staircase\":false,\"decay\":0.10000000000000001},"
                 "\"state\":{}}");
    wg_free(text);
    wg_sched_free(s);
}

static void erratum_O10_check_all_searches_all_lengths(void)
{
    wg_sched *s = from_text("KingScheduler(patience=5)");
    int64_t last = 0, all = 0, robust = 0;

    for (int t = 0; t < 8; t++) ask(s, t, t);
    CHECK(wg_sched_steps_without_decrease(s, false, false, &last, NULL) == WG_OK);
    CHECK(wg_sched_steps_without_decrease(s, false, true, &all, NULL) == WG_OK);
    CHECK(wg_sched_steps_without_decrease(s, true, true, &robust, NULL) == WG_OK);
    EQ_INT(last, 6);
    EQ_INT(all, 7);
    EQ_INT(robust, 6); /* the largest is above the 0.9 quantile */
    wg_sched_free(s);
}

/* ---- mistakes ---- */

static void refused_parameters(void)
{
    wg_sched *s = from_text("KingScheduler(patience=5)");
    static const struct {
        const char *json;
        wg_status code;
        const char *message;
    } one[] = {
        { NULL, WG_EFORMAT, "sched: the text is NULL" },
        { "[]", WG_EFORMAT, "sched: the text is no JSON object" },
        { "{\"patience\" 3}", WG_EFORMAT,
          "sched: no JSON at line 1, column 13: ':' expected near '3'" },
        { "{\"patence\": 3}", WG_ENAME,
          "KingScheduler: unknown argument \"patence\", the nearest is \"patience\"" },
        { "{\"patience\": true}", WG_EARG,
          "KingScheduler: patience is true, wanted 1 to 10000000" },
        { "{\"id\": \"NoamScheduler\"}", WG_EARG,
          "KingScheduler: these are parameters of \"NoamScheduler\"" },
        { "{\"state\": {\"best\": 1}}", WG_ENAME, "KingScheduler: its state has no \"best\"" },
        { "{\"state\": {\"losses\": {\"shape\": [3], \"data\": [1, 2, 3]}}}", WG_ESHAPE,
          "KingScheduler: losses is f64[3], wanted f64[7]" },
        { "{\"state\": {}, \"patience\": 3}", WG_ENAME,
          "KingScheduler: a summary holds \"hyperparameters\" and \"state\", nothing else" },
        { "{\"state\": []}", WG_EFORMAT, "KingScheduler: \"state\" must be an object" },
    };
    wg_error error = { .code = WG_OK };
    double lr;
    char *text;

    for (size_t i = 0; i < sizeof one / sizeof one[0]; i++) {
        error.code = WG_OK;
        EQ_INT(wg_sched_set_params(s, one[i].json, &error), one[i].code);
        ERROR_IS(&error, one[i].code, one[i].message, NULL);
    }
    text = wg_sched_text(s);
    EQ_STR(text, "KingScheduler(initial_lr=0.01, patience=5, decay=0.99)");
    wg_free(text);
    error.code = WG_OK;
    CHECK(wg_sched_steps_without_decrease(s, false, false, NULL, &error) == WG_ESTATE);
    ERROR_IS(&error, WG_ESTATE, "KingScheduler: no learning rate was asked for yet", NULL);
    error.code = WG_OK;
    CHECK(wg_sched_learning_rate(s, -1, 1, &lr, &error) == WG_EARG);
    ERROR_IS(&error, WG_EARG, "KingScheduler: the step is -1, wanted 0 or more", NULL);
    error.code = WG_OK;
    CHECK(wg_sched_learning_rate(NULL, 1, 1, &lr, &error) == WG_EARG);
    ERROR_IS(&error, WG_EARG, "learning_rate: the scheduler is NULL", NULL);
    wg_sched_free(s);
    s = from_text(NULL);
    error.code = WG_OK;
    CHECK(wg_sched_p_decreasing(s, &lr, &lr, &error) == WG_ESTATE);
    ERROR_IS(&error, WG_ESTATE, "ConstantScheduler: only KingScheduler tests losses", NULL);
    wg_sched_free(s);
    wg_sched_free(NULL);
    CHECK(wg_sched_copy(NULL) == NULL && wg_sched_text(NULL) == NULL &&
          wg_sched_summary(NULL) == NULL);
}

TESTS(TEST(golden_schedulers), TEST(printed_forms), TEST(refused_texts), TEST(cosine_formula),
      TEST(plateau_rule), TEST(king_as_the_reference), TEST(king_history_is_saved),
      TEST(king_takes_another_patience), TEST(king_meets_infinity),
      TEST(erratum_I5_all_classes_from_their_dictionaries),
      TEST(erratum_I6_set_params_changes_the_values_in_use), TEST(erratum_O2_noam_starts_at_step_1),
      TEST(erratum_O3_king_decays_at_every_patience), TEST(erratum_O4_plateau_and_history),
      TEST(erratum_O5_short_patience), TEST(erratum_O6_id_is_the_class_name),
      TEST(erratum_O10_check_all_searches_all_lengths), TEST(refused_parameters))
