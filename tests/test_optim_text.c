/* test_optim_text.c: optimisers from texts and JSON, their printed forms and parameters; every
 * allocation that may fail. */
#include <math.h>
#include <string.h>

#include <wengert.h>

#include "harness.h"

static wg_optim *from_text(const char *text)
{
    wg_error error = { .code = WG_OK };
    wg_optim *o = wg_optim_from_text(NULL, "o", text, &error);

    NO_ERROR(&error);
    return o;
}

/* The printed forms of golden/NAMES.md come first. */
static void printed_forms(void)
{
    static const char *const form[][2] = {
        { "SGD()", "SGD(lr=0.01, momentum=0.0, clip_norm=None, "
                   "lr_scheduler=ConstantScheduler(lr=0.01))" },
        { "AdaGrad()", "AdaGrad(lr=0.01, eps=1e-07, clip_norm=None, "
                       "lr_scheduler=ConstantScheduler(lr=0.01))" },
        { "RMSProp()", "RMSProp(lr=0.001, eps=1e-07, decay=0.9, clip_norm=None, "
                       "lr_scheduler=ConstantScheduler(lr=0.001))" },
        { "Adam()", "Adam(lr=0.001, decay1=0.9, decay2=0.999, eps=1e-07, clip_norm=None, "
                    "lr_scheduler=ConstantScheduler(lr=0.001))" },
        { "AdamW()", "AdamW(lr=0.001, decay1=0.9, decay2=0.999, eps=1e-07, weight_decay=0.01, "
                     "clip_norm=None, lr_scheduler=ConstantScheduler(lr=0.001))" },
        { NULL, "SGD(lr=0.01, momentum=0.0, clip_norm=None, "
                "lr_scheduler=ConstantScheduler(lr=0.01))" },
        { "RMSProp(lr=0.0001)", "RMSProp(lr=0.0001, eps=1e-07, decay=0.9, clip_norm=None, "
                                "lr_scheduler=ConstantScheduler(lr=0.0001))" },
        { "sgd(LR=1, Momentum=0, nesterov=TRUE)",
          "SGD(lr=1, momentum=0, nesterov=True, clip_norm=None, "
          "lr_scheduler=ConstantScheduler(lr=1))" },
        { "SGD(lr=0.1, momentum=0.9, lr_scheduler=ExponentialScheduler(initial_lr=0.1, "
          "stage_length=10, staircase=True, decay=0.5))",
          "SGD(lr=0.1, momentum=0.9, clip_norm=None, lr_scheduler=ExponentialScheduler("
          "initial_lr=0.1, stage_length=10, staircase=True, decay=0.5))" },
        { "Adam(lr_scheduler='NoamScheduler(model_dim=8)')",
          "Adam(lr=0.001, decay1=0.9, decay2=0.999, eps=1e-07, clip_norm=None, "
          "lr_scheduler=NoamScheduler(model_dim=8, scale_factor=1, warmup_steps=4000))" },
        { "Nesterov(lr=0.1)", "SGD(lr=0.1, momentum=0.9, nesterov=True, clip_norm=None, "
                              "lr_scheduler=ConstantScheduler(lr=0.1))" },
        { "SGD(lr_scheduler=None, clip_norm=none)",
          "SGD(lr=0.01, momentum=0.0, clip_norm=None, lr_scheduler=ConstantScheduler(lr=0.01))" },
        { "AdaGrad(accumulate=4, clip_global_norm=2.5, weight_decay=1e-5, clip_norm=2)",
          "AdaGrad(lr=0.01, eps=1e-07, clip_global_norm=2.5, weight_decay=1e-05, accumulate=4, "
          "clip_norm=2, lr_scheduler=ConstantScheduler(lr=0.01))" },
        { "AdamW(weight_decay=0.0, lr_scheduler=cosine(total_steps=20))",
          "AdamW(lr=0.001, decay1=0.9, decay2=0.999, eps=1e-07, weight_decay=0.0, clip_norm=None, "
          "lr_scheduler=CosineScheduler(initial_lr=0.001, total_steps=20, warmup_steps=0, "
          "final_lr=0.0))" },
        { "{\"id\": \"Adam\", \"lr\": 0.5, \"clip_norm\": null, \"lr_scheduler\": {\"id\": "
          "\"StepScheduler\"}}",
          "Adam(lr=0.5, decay1=0.9, decay2=0.999, eps=1e-07, clip_norm=None, "
          "lr_scheduler=ExponentialScheduler(initial_lr=0.5, stage_length=500, staircase=False, "
          "decay=0.1))" },
    };

    for (size_t i = 0; i < sizeof form / sizeof form[0]; i++) {
        wg_optim *o = from_text(form[i][0]), *again;
        char *text = wg_optim_text(o), *twice;

        EQ_STR(text, form[i][1]);
        again = from_text(text);
        twice = wg_optim_text(again);
        EQ_STR(twice, text);
        wg_free(text);
        wg_free(twice);
        text = wg_optim_summary(o);
        twice = wg_optim_summary(again);
        EQ_STR(twice, text);
        wg_free(text);
        wg_free(twice);
        wg_optim_free(o);
        wg_optim_free(again);
    }
}

/* Structs and texts make the same object. */
static void structs_print_alike(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_sgd_hyper h = wg_sgd_defaults();
    wg_optim *o[5];
    static const char *const want[5] = { "SGD(lr=0.01, momentum=0.0, nesterov=True, "
                                         "clip_global_norm=3.0, accumulate=2, clip_norm=None, "
                                         "lr_scheduler=KingScheduler(initial_lr=0.01, patience=7, "
                                         "decay=0.99))",
                                         "AdaGrad()", "RMSProp()", "Adam()", "AdamW()" };

    h.nesterov = true;
    h.clip_global_norm = 3;
    h.accumulate = 2;
    h.lr_scheduler = "King(patience=7)";
    o[0] = wg_sgd(w, "a", &h);
    o[1] = wg_adagrad(w, "b", NULL);
    o[2] = wg_rmsprop(w, "c", NULL);
    o[3] = wg_adam(w, "d", NULL);
    o[4] = wg_adamw(w, "e", NULL);
    for (int i = 0; i < 5; i++) {
        wg_optim *same = from_text(want[i]);
        char *a = wg_optim_text(o[i]), *b = wg_optim_text(same);

        EQ_STR(a, b);
        if (i == 0) EQ_STR(a, want[0]);
        wg_free(a);
        wg_free(b);
        wg_optim_free(same);
        wg_optim_free(o[i]);
    }
    wg_params_free(w);
}

static void erratum_I4_the_whole_text_is_read(void)
{
    static const char *const kept[][2] = {
        { "SGD(lr=0.1, clip_norm=2)", "clip_norm=2," },
        { "Adam(lr=0.1, decay1=0.5, decay2=0.6)", "decay1=0.5, decay2=0.6," },
        { "Adam(lr_scheduler=NoamScheduler(model_dim=16, scale_factor=2, warmup_steps=20))",
          "NoamScheduler(model_dim=16, scale_factor=2, warmup_steps=20)" },
        { "SGD(lr_scheduler=KingScheduler(initial_lr=0.3, patience=20, decay=0.9))",
          "KingScheduler(initial_lr=0.3, patience=20, decay=0.9)" },
        { "SGD(lr_scheduler=ExponentialScheduler(initial_lr=0.3, stage_length=7, staircase=True, "
          "decay=0.5))",
          "ExponentialScheduler(initial_lr=0.3, stage_length=7, staircase=True, decay=0.5)" },
    };

    for (int i = 0; i < 5; i++) {
        wg_optim *o = from_text(kept[i][0]);
        char *text = wg_optim_text(o);

        harness_check(text && strstr(text, kept[i][1]), __FILE__, __LINE__, "%s became %s",
                      kept[i][0], text ? text : "nothing");
        wg_free(text);
        wg_optim_free(o);
    }
}

static void refused_texts(void)
{
    static const struct {
        const char *text;
        wg_status code;
        const char *message;
    } one[] = {
        { "Adamm()", WG_ENAME,
          "optim: unknown optimiser \"Adamm\" at character 1, the nearest is \"Adam\"" },
        { "SGD(momentun=0.9)", WG_ENAME,
          "SGD: unknown argument \"momentun\" at character 5, the nearest is \"momentum\"" },
        { "SGD(lr=0.1, scheduler=None)", WG_ENAME,
          "SGD: unknown argument \"scheduler\" at character 13, the nearest is \"lr_scheduler\"" },
        { "SGD(momentum=1)", WG_EARG, "SGD: momentum is 1, wanted 0 <= momentum < 1" },
        { "SGD(lr=-0.1)", WG_EARG, "SGD: lr is -0.1, wanted a positive number" },
        { "SGD(lr=None)", WG_EARG, "SGD: lr is None at character 5, wanted a positive number" },
        { "SGD(clip_norm=0)", WG_EARG, "SGD: clip_norm is 0, wanted a positive number or None" },
        { "SGD(clip_norm=True)", WG_EARG,
          "SGD: clip_norm is True at character 5, wanted a positive number or None" },
        { "SGD(nesterov=yes)", WG_EARG,
          "SGD: nesterov is yes at character 5, wanted True or False" },
        { "Adam(decay1=1)", WG_EARG, "Adam: decay1 is 1, wanted 0 <= decay1 < 1" },
        { "Adam(eps=0)", WG_EARG, "Adam: eps is 0, wanted a positive number" },
        { "RMSProp(decay=-0.5)", WG_EARG, "RMSProp: decay is -0.5, wanted 0 <= decay < 1" },
        { "AdaGrad(accumulate=0)", WG_EARG, "AdaGrad: accumulate is 0, wanted 1 to 1000000000" },
        { "AdaGrad(accumulate=1.5)", WG_EARG,
          "AdaGrad: accumulate is 1.5, wanted 1 to 1000000000" },
        { "SGD(lr_scheduler=3)", WG_EARG,
          "SGD: lr_scheduler is 3 at character 5, wanted a scheduler or None" },
        { "SGD(lr_scheduler=Nom(model_dim=1))", WG_ENAME,
          "sched: unknown scheduler \"Nom\" at character 18, the nearest is \"NoamScheduler\"" },
        { "SGD(lr_scheduler=Noam(model_dims=1))", WG_ENAME,
          "NoamScheduler: unknown argument \"model_dims\" at character 23, the nearest is "
          "\"model_dim\"" },
        { "SGD(lr=0.1 momentum=2)", WG_EARG,
          "optim: \"SGD(lr=0.1 momentum=2)\": wanted ',' or ')' at character 12" },
        { "SGD(lr=0.1))", WG_EARG, "optim: \"SGD(lr=0.1))\": wanted the end at character 12" },
        { "SGD(lr==0.1)", WG_EARG,
          "optim: \"SGD(lr==0.1)\": wanted a number, a text, None, True, False or NAME(...) at "
          "character 8" },
        { "0.1", WG_EARG, "optim: \"0.1\": wanted a name at character 1" },
        { "{\"id\": \"SGD\", \"momentun\": 1}", WG_ENAME,
          "SGD: unknown argument \"momentun\", the nearest is \"momentum\"" },
        { "{\"lr\": 1}", WG_EFORMAT, "optim: the object has no member \"id\" with a class's name" },
        { "{\"id\": \"SGD\"", WG_EFORMAT,
          "optim: no JSON at line 1, column 12: '}' expected near end of file" },
    };
    wg_error error = { .code = WG_OK };

    for (size_t i = 0; i < sizeof one / sizeof one[0]; i++) {
        error.code = WG_OK;
        CHECK(wg_optim_from_text(NULL, "o", one[i].text, &error) == NULL);
        ERROR_IS(&error, one[i].code, one[i].message, NULL);
        CHECK(wg_optim_from_text(NULL, "o", one[i].text, NULL) == NULL);
    }
    error.code = WG_OK;
    CHECK(wg_optim_from_text(NULL, "", "SGD", &error) == NULL);
    ERROR_IS(&error, WG_ENAME, "SGD: the optimiser's name is empty", NULL);
}

/* Any text with one character more, less or other is refused with a reason, or is an object whose
 * printed form reads back. */
static void mutilated_texts(void)
{
    static const char text[] = "Adam(lr=0.1, decay1=.5, eps=1e-07, clip_norm=None, "
                               "lr_scheduler='King(patience=3, check_all=True)')",
                      put[] = "()=,'\"x0.-{ ";
    int made = 0, refused = 0;

    for (size_t at = 0; at < sizeof text; at++)
        for (size_t k = 0; k < 2 * sizeof put; k++) {
            char buf[sizeof text + 2];
            wg_error error = { .code = WG_OK };
            size_t kept = k % 2 || !text[at] ? at : at + 1; /* put in, or in place of */
            wg_optim *o, *again;
            char *a, *b;

            snprintf(buf, sizeof buf, "%.*s%.1s%s", (int)at, text, put + k / 2, text + kept);
            o = wg_optim_from_text(NULL, "o", buf, &error);
            if (!o) {
                refused++;
                if (error.code == WG_OK || !error.text[0])
                    harness_check(false, __FILE__, __LINE__, "%s: no reason", buf);
                continue;
            }
            made++;
            a = wg_optim_text(o);
            again = wg_optim_from_text(NULL, "o", a, NULL);
            b = wg_optim_text(again);
            if (!b || strcmp(a, b) != 0) harness_check(false, __FILE__, __LINE__, "%s: %s", buf, a);
            wg_free(a);
            wg_free(b);
            wg_optim_free(again);
            wg_optim_free(o);
        }
    CHECK(made > 100 && refused > 1000);
}

/* ---- set_params ---- */

static void refused_parameters(void)
{
    static const struct {
        const char *json;
        wg_status code;
        const char *message;
    } one[] = {
        { NULL, WG_EFORMAT, "optim: the text is NULL" },
        { "3", WG_EFORMAT, "optim: no JSON at line 1, column 1: '[' or '{' expected near '3'" },
        { "[]", WG_EFORMAT, "optim: the text is no JSON object" },
        { "{\"id\": \"SGD\"}", WG_EARG, "Adam: these are parameters of \"SGD\"" },
        { "{\"hyperparameters\": {\"decay3\": 1}}", WG_ENAME,
          "Adam: unknown argument \"decay3\", the nearest is \"decay1\"" },
        { "{\"hyperparameters\": {\"decay1\": 1}}", WG_EARG,
          "Adam: decay1 is 1, wanted 0 <= decay1 < 1" },
        { "{\"hyperparameters\": {\"lr\": [1]}}", WG_EARG,
          "Adam: lr is [1], wanted a positive number" },
        { "{\"hyperparameters\": 1}", WG_EFORMAT, "Adam: \"hyperparameters\" must be an object" },
        { "{\"cache\": 1}", WG_EFORMAT, "Adam: \"cache\" must be an object" },
        { "{\"cache\": {}, \"lr\": 1}", WG_ENAME,
          "Adam: a summary holds \"cache\" and \"hyperparameters\", nothing else" },
        { "{\"cache\": {\"/stop\": 1}}", WG_ENAME, "Adam: KingScheduler keeps no \"/stop\"" },
        { "{\"cache\": {\"/step\": 1.5}}", WG_EFORMAT, "Adam: step: wanted a number" },
        { "{\"cache\": {\"/losses\": 1}}", WG_EFORMAT, "Adam: losses: wanted an array" },
        { "{\"cache\": {\"/losses\": {\"shape\": [2], \"data\": [1, 2]}}}", WG_ESHAPE,
          "Adam: losses is f64[2], wanted f64[7]" },
        { "{\"cache\": {\"W\": 1}}", WG_EFORMAT, "Adam: the cache of \"W\" must be an object" },
        { "{\"cache\": {\"W\": {\"means\": 1}}}", WG_ENAME,
          "Adam: the cache of \"W\" has no \"means\", the nearest is \"mean\"" },
        { "{\"cache\": {\"W\": {\"mean\": {\"shape\": [3], \"data\": [1, 2, 3]}}}}", WG_ESHAPE,
          "Adam: \"W/o_m\" is f64[2], wanted f64[3]" },
        { "{\"cache\": {\"W\": {\"mean\": {\"shape\": [2], \"data\": [1]}}}}", WG_EFORMAT,
          "Adam: W: \"data\" holds 1 elements, not those of f64[2]" },
        { "{\"groups\": [{\"pattern\": \"*\"}]}", WG_EFORMAT,
          "Adam: a group holds \"pattern\", \"lr_factor\" and \"decay_factor\"" },
        { "{\"groups\": 1}", WG_EFORMAT, "Adam: \"groups\" must be a list" },
        { "{\"lr_scheduler\": 1}", WG_EARG,
          "Adam: lr_scheduler must be a text, an object or null" },
        { "{\"lr_scheduler\": \"Kong\"}", WG_ENAME,
          "sched: unknown scheduler \"Kong\" at character 1, the nearest is \"KingScheduler\"" },
    };
    wg_optim *o = from_text("Adam(lr_scheduler=King(patience=5))");
    double w[2] = { 1, 2 }, g[2] = { 3, 4 };
    char *before, *after;

    wg_optim_step(o, NULL);
    CHECK(wg_optim_update(o, "W", WG_F64_ARRAY(w, 2), WG_F64_ARRAY(g, 2), 1, NULL) == WG_OK);
    before = wg_optim_summary(o);
    for (size_t i = 0; i < sizeof one / sizeof one[0]; i++) {
        wg_error error = { .code = WG_OK };

        EQ_INT(wg_optim_set_params(o, one[i].json, &error), one[i].code);
        ERROR_IS(&error, one[i].code, one[i].message, NULL);
        CHECK(wg_optim_set_params(o, one[i].json, NULL) == one[i].code);
    }
    after = wg_optim_summary(o);
    EQ_STR(after, before); /* nothing half done */
    wg_free(before);
    wg_free(after);
    wg_optim_free(o);
    CHECK(wg_optim_set_params(NULL, "{}", NULL) == WG_EARG);
}

/* Keys that are absent keep their value; another rule starts afresh; with a shared store too. */
static void parameters_in_part(void)
{
    for (int shared = 0; shared < 2; shared++) {
        wg_params *store = wg_params_new(WG_F64, 1);
        wg_error error = { .code = WG_OK };
        wg_optim *o =
            wg_optim_from_text(shared ? store : NULL, "o",
                               "SGD(lr=0.5, momentum=0.5, lr_scheduler=King(patience=5))", &error);
        double w = 0, g = 1;
        wg_array param = WG_F64_ARRAY(&w, 1), grad = WG_F64_ARRAY(&g, 1);
        char *text;

        CHECK(wg_optim_update(o, "W", param, grad, 1, &error) == WG_OK);
        CLOSE1(w, -0.5, 0, 0);
        CHECK(wg_optim_set_params(o, "{\"momentum\": 0.25}", &error) == WG_OK);
        CHECK(wg_optim_update(o, "W", param, grad, 1, &error) == WG_OK);
        CLOSE1(w, -0.5 - 0.625, 0, 0); /* the cache is as it was */
        text = wg_optim_summary(o);
        CHECK(text && strstr(text, "\"/n_losses\":2"));
        wg_free(text);
        CHECK(wg_optim_set_params(o, "{\"lr_scheduler\": \"Constant(lr=2)\", \"momentum\": 0}",
                                  &error) == WG_OK);
        CHECK(wg_optim_update(o, "W", param, grad, (double)NAN, &error) == WG_OK);
        CLOSE1(w, -1.125 - 2, 0, 0);
        CHECK(wg_optim_set_params(o, "{\"lr\": 4}", &error) == WG_OK);
        CHECK(wg_optim_update(o, "W", param, grad, (double)NAN, &error) == WG_OK);
        CLOSE1(w, -3.125 - 4, 0, 0);
        NO_ERROR(&error);
        if (shared) { /* which keeps the history of another length */
            CHECK(wg_optim_set_params(o, "{\"lr_scheduler\": \"King(patience=50)\"}", &error) ==
                  WG_ESTATE);
            ERROR_IS(&error, WG_ESTATE,
                     "SGD: \"o/losses\" is f64[7] in the store and cannot become f64[57]", NULL);
        }
        wg_optim_free(o);
        wg_params_free(store);
    }
}

/* ---- memory ---- */

static struct {
    long left, live;
} memory;

static void *limited(void *data, size_t bytes)
{
    void *p;

    (void)data;
    if (memory.left-- <= 0) return NULL;
    p = malloc(bytes);
    memory.live += p != NULL;
    return p;
}

static void release(void *data, void *p, size_t bytes)
{
    (void)data;
    (void)bytes;
    memory.live--;
    free(p);
}

/* Everything an optimiser does; whether all of it went well. */
static bool whole_life(void)
{
    wg_optim *o = wg_optim_from_text(NULL, "o",
                                     "Adam(accumulate=2, clip_global_norm=1, "
                                     "lr_scheduler=KingScheduler(patience=3))",
                                     NULL),
             *c = NULL;
    double w[2] = { 1, 2 }, g[2] = { 3, 4 };
    const char *name = "W";
    wg_array param = WG_F64_ARRAY(w, 2), grad = WG_F64_ARRAY(g, 2);
    char *text = NULL, *summary = NULL;
    bool ok = o != NULL && wg_optim_group(o, "*", 0.5, 1, NULL) == WG_OK;

    for (int t = 0; ok && t < 3; t++)
        ok = wg_optim_step(o, NULL) == WG_OK &&
             wg_optim_update_n(o, 1, &name, &param, &grad, t, NULL) == WG_OK;
    ok = ok && (c = wg_optim_copy(o)) && (text = wg_optim_text(c)) &&
         (summary = wg_optim_summary(c)) && wg_optim_set_params(o, summary, NULL) == WG_OK &&
         wg_optim_set_params(o, "{\"lr_scheduler\": \"King(patience=9)\"}", NULL) == WG_OK &&
         wg_optim_step(o, NULL) == WG_OK &&
         wg_optim_update_n(o, 1, &name, &param, &grad, 1, NULL) == WG_OK;
    wg_free(text);
    wg_free(summary);
    wg_optim_free(c);
    wg_optim_free(o);
    return ok;
}

static bool scheduler_life(void)
{
    wg_sched *s = wg_sched_from_text("King(patience=4)", NULL), *c = NULL;
    double lr;
    char *summary = NULL;
    bool ok = s && wg_sched_learning_rate(s, 1, 2, &lr, NULL) == WG_OK && (c = wg_sched_copy(s)) &&
              (summary = wg_sched_summary(s)) && wg_sched_set_params(c, summary, NULL) == WG_OK &&
              wg_sched_set_params(c, "{\"patience\": 9}", NULL) == WG_OK &&
              wg_sched_learning_rate(c, 1, 2, &lr, NULL) == WG_OK;

    wg_free(summary);
    wg_sched_free(c);
    wg_sched_free(s);
    return ok;
}

/* Each allocation fails in turn: an error, no crash, nothing left. */
static void out_of_memory(void)
{
    static bool (*const life[2])(void) = { whole_life, scheduler_life };
    static const wg_allocator gate = { limited, release, NULL };

    wg_set_allocator(&gate);
    for (int k = 0; k < 2; k++) {
        long step = harness_slow() ? 37 : 1, n = 0;
        bool ok = false;

        for (; !ok && n < 100000; n += step) {
            memory.left = n;
            memory.live = 0;
            ok = life[k]();
            if (memory.live != 0) break;
        }
        EQ_INT(memory.live, 0);
        CHECK(ok && n > 100);
    }
    wg_set_allocator(NULL);
}

TESTS(TEST(printed_forms), TEST(structs_print_alike), TEST(erratum_I4_the_whole_text_is_read),
      TEST(refused_texts), TEST(mutilated_texts), TEST(refused_parameters),
      TEST(parameters_in_part), TEST(out_of_memory))
