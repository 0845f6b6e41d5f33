/* test_train_stop.c: what stops a run, and what is said of a loss that is not finite. */
#include <fcntl.h>
#include <signal.h>

#include "train_run.h"

static const char adam[] = "Adam(lr=0.02)";

static world whole; /* large */

/* ---- what stops a run ---- */

typedef struct {
    int batches, epochs, stop_at, fail_at;
} calls;

static wg_train_act on_batch(void *data, wg_train *t, const wg_train_state *state, wg_error *error)
{
    calls *c = data;

    c->batches++;
    CHECK(isfinite(state->loss) && state->batch > 0);
    CLOSE1(wg_item(wg_plan_value(wg_train_plan(t), "loss")), state->loss, 0, 0);
    if (c->batches == c->fail_at) wg_fail(error, WG_EIO, "test", "no more of it");
    return c->batches == c->fail_at   ? WG_TRAIN_FAIL
           : c->batches == c->stop_at ? WG_TRAIN_STOP
                                      : WG_TRAIN_GO_ON;
}

static wg_train_act on_epoch(void *data, wg_train *t, const wg_train_state *state, wg_error *error)
{
    calls *c = data;

    (void)t, (void)error;
    c->epochs++;
    EQ_INT(state->epoch, c->epochs);
    EQ_INT(state->batch, 0);
    EQ_INT(state->examples, WORLD_EXAMPLES);
    return c->epochs == -c->stop_at ? WG_TRAIN_STOP : WG_TRAIN_GO_ON;
}

static void callbacks_stop_and_fail(void)
{
    wg_error error = { WG_OK, NULL, NULL, "", "" };
    calls c = { .stop_at = 11 };
    wg_train_options options;
    wg_train *t;

    world_open(&whole, 6, adam);
    options = world_options(&whole);
    options.on_batch = on_batch;
    options.on_epoch = on_epoch;
    options.callback_data = &c;
    t = trainer(&whole, &options);
    run_to(t, WG_TRAIN_STOPPED);
    EQ_INT(c.batches, 11);
    EQ_INT(c.epochs, 1);
    EQ_INT(wg_train_state_of(t)->step, 11);
    /* Called again it goes on. */
    c.stop_at = -2;
    run_to(t, WG_TRAIN_STOPPED);
    EQ_INT(c.batches, 18);
    EQ_INT(c.epochs, 2);
    c.fail_at = 20;
    EQ_INT(wg_train_run(t, &error), WG_EIO);
    ERROR_IS(&error, WG_EIO, "test: no more of it", NULL);
    wg_train_free(t);
    world_close(&whole);
}

static wg_train_act interrupt(void *data, wg_train *t, const wg_train_state *state, wg_error *error)
{
    (void)data, (void)t, (void)error;
    if (state->step == 5) raise(SIGINT);
    return WG_TRAIN_GO_ON;
}

static void sigint_finishes_the_step_and_saves(void)
{
    wg_train_options options;
    struct sigaction now;
    char text[600] = "", want[400];
    wg_train *t;

    world_open(&whole, 6, adam);
    options = world_options(&whole);
    options.folder = folder();
    options.on_batch = interrupt;
    options.verbose = 0;
    options.to = tmpfile();
    options.go_on = "a.out --resume";
    options.stop = wg_train_on_sigint();
    REQUIRE(options.stop != NULL);
    t = trainer(&whole, &options);
    run_to(t, WG_TRAIN_INTERRUPTED);
    EQ_INT(wg_train_state_of(t)->step, 5);
    /* The handler was for once. */
    CHECK(sigaction(SIGINT, NULL, &now) == 0 && now.sa_handler == SIG_DFL);
    rewind(options.to);
    text[fread(text, 1, sizeof text - 1, options.to)] = '\0';
    snprintf(
        want, sizeof want,
        "interrupted after step 5, in epoch 1: mean loss %.4g\nsaved %s/checkpoint-000000005.json; "
        "go on with a.out --resume\n",
        wg_train_state_of(t)->mean, options.folder);
    EQ_STR(text, want);
    fclose(options.to);
    wg_train_free(t);
    world_close(&whole);
}

static void environment_bounds_steps(void)
{
    wg_error error = { WG_OK, NULL, NULL, "", "" };
    wg_train_options options;
    wg_train *t;

    world_open(&whole, 6, adam);
    options = world_options(&whole);
    options.max_steps = 20;
    setenv("WENGERT_MAX_STEPS", "3", 1);
    t = trainer(&whole, &options);
    run_to(t, WG_TRAIN_STEPS);
    EQ_INT(wg_train_state_of(t)->step, 3);
    run_to(t, WG_TRAIN_STEPS);
    EQ_INT(wg_train_state_of(t)->step, 6);
    wg_train_free(t);
    setenv("WENGERT_MAX_STEPS", "3x", 1);
    CHECK(wg_train_new(whole.g, whole.w, &options, &error) == NULL);
    ERROR_IS(&error, WG_EARG,
             "wg_train_new: WENGERT_MAX_STEPS is \"3x\", wanted a number of steps from 1", NULL);
    unsetenv("WENGERT_MAX_STEPS");
    world_close(&whole);
}

/* ---- a loss that is not finite ---- */

/* loss = mean(log(W x)), whose W falls by `fall` each step until the logarithm has nothing to take.
 */
static void open_falling(world *o, double fall, bool through_weight)
{
    wg_tensor *x, *W, *inner;

    memset(o, 0, sizeof *o);
    o->w = wg_params_new(WG_F32, 1);
    o->g = wg_graph_new();
    wg_params_add(o->w, "W", WG_F32, WG_SHAPE_SCALAR, true, NULL, NULL);
    wg_params_fill(o->w, "W", 1, NULL);
    x = wg_input(o->g, "x", WG_F32, WG_SHAPE(2));
    W = wg_param_leaf(o->g, o->w, "W");
    wg_begin(o->g, "train", WG_TRAIN);
    wg_scope_begin(o->g, "deep");
    inner = wg_mul(W, x);
    inner = through_weight ? inner : wg_log(inner);
    wg_scope_end(o->g);
    wg_output("loss", wg_mean(inner, WG_ALL_AXES, false));
    wg_update("W", through_weight ? wg_mul(W, wg_scalar(o->g, WG_F32, fall))
                                  : wg_sub(W, wg_scalar(o->g, WG_F32, fall)));
    wg_end(o->g);
    for (int i = 0; i < WORLD_EXAMPLES; i++) o->y[i] = 1;
    o->feed[0] =
        (wg_train_feed){ .input = "x", .data = wg_data_of(WG_F32_ARRAY(o->y, WORLD_EXAMPLES)) };
}

static wg_train_act count_replays(void *data, wg_train *t, const wg_train_state *s, wg_error *error)
{
    (void)t, (void)error;
    ((int *)data)[s->replaying]++;
    return WG_TRAIN_GO_ON;
}

static void names_where_it_began(void)
{
    wg_error error = { WG_OK, NULL, NULL, "", "" };
    int called[2] = { 0, 0 };
    wg_train_options options;
    char want[300];
    wg_train *t;
    float W;

    open_falling(&whole, 1.0 / 64, false);
    NO_ERROR(wg_graph_error(whole.g) ? wg_graph_error(whole.g) : &error);
    options = (wg_train_options){ .n_feeds = 1,
                                  .feeds = whole.feed,
                                  .epochs = 100,
                                  .batchsize = 1,
                                  .verbose = 0,
                                  .to = tmpfile(),
                                  .folder = folder(),
                                  .every_steps = 10,
                                  .on_batch = count_replays,
                                  .callback_data = called };
    t = trainer(&whole, &options);
    REQUIRE(t != NULL);
    EQ_INT(wg_train_run(t, &error), WG_ENONFINITE);
    /* The 65th step takes the logarithm of 0. */
    EQ_STR(error.op, "log");
    EQ_STR(error.scope, "deep");
    EQ_STR(error.text,
           "step 65 (epoch 1): the loss is -inf; first non-finite value at [0] of f32[1], "
           "operand was 0");
    W = *(float *)wg_params_find(whole.w, "W")->value.data;
    CLOSE1(W, 0, 0, 0);
    EQ_INT(called[0], 64);
    CHECK(called[1] <= 64);
    snprintf(want, sizeof want, "%s/checkpoint-000000060.json", options.folder);
    EQ_STR(wg_train_saved(t), want);
    rewind(options.to);
    {
        char text[400] = "", line[400];

        text[fread(text, 1, sizeof text - 1, options.to)] = '\0';
        snprintf(line, sizeof line, "the last good checkpoint is %s\n", want);
        EQ_STR(text, line);
    }
    fclose(options.to);
    wg_train_free(t);
    world_close(&whole);
}

/* A weight that overflows in the step before: that step is named, and the store is from before it.
 */
static void names_the_step_before(void)
{
    wg_error error = { WG_OK, NULL, NULL, "", "" };
    int called[2] = { 0, 0 };
    wg_train_options options;
    wg_train *t;

    open_falling(&whole, 1e6, true);
    options = (wg_train_options){ .n_feeds = 1,
                                  .feeds = whole.feed,
                                  .epochs = 100,
                                  .batchsize = 1,
                                  .verbose = -1,
                                  .on_batch = count_replays,
                                  .callback_data = called };
    t = trainer(&whole, &options);
    REQUIRE(t != NULL);
    EQ_INT(wg_train_run(t, &error), WG_ENONFINITE);
    /* 1, 1e6, ... 1e36, and 1e42 is made in the seventh step; the eighth has the loss. */
    EQ_STR(error.op, "mul");
    EQ_STR(error.text, "step 7 (epoch 1): the loss is inf; first non-finite value at [] of f32[], "
                       "operands were 1e+36, 1e+06");
    CLOSE1(*(float *)wg_params_find(whole.w, "W")->value.data, 1e36, 1e-6, 0);
    EQ_INT(called[0], 7);
    EQ_INT(called[1], 6);
    wg_train_free(t);
    world_close(&whole);
}

/* Validation divides by what one example makes 0. */
static void names_where_validation_began(void)
{
    wg_error error = { WG_OK, NULL, NULL, "", "" };
    wg_train_options options;
    wg_train_feed apart;
    float z[20];
    wg_train *t;

    open_falling(&whole, 1.0 / 64, false);
    for (int i = 0; i < 20; i++) z[i] = i == 13 ? 0 : 1;
    apart = (wg_train_feed){ .input = "x", .data = wg_data_of(WG_F32_ARRAY(z, 20)) };
    wg_begin(whole.g, "test", WG_PREDICT);
    {
        wg_tensor *x = wg_input(whole.g, "x", WG_F32, WG_SHAPE(2));

        wg_output("loss", wg_sum(wg_div(x, x), WG_ALL_AXES, false));
    }
    wg_end(whole.g);
    NO_ERROR(wg_graph_error(whole.g) ? wg_graph_error(whole.g) : &error);
    options = (wg_train_options){ .n_feeds = 1,
                                  .feeds = whole.feed,
                                  .n_validation_feeds = 1,
                                  .validation_feeds = &apart,
                                  .batchsize = 8,
                                  .verbose = -1 };
    t = trainer(&whole, &options);
    REQUIRE(t != NULL);
    EQ_INT(wg_train_run(t, &error), WG_ENONFINITE);
    EQ_STR(error.op, "div");
    /* Number 13 is the sixth of the second batch of eight. */
    CHECK(strstr(error.text, "validation after epoch 1: the loss is ") == error.text);
    CHECK(strstr(error.text, "nan; first non-finite value at [5] of f32[8], operands were 0, 0"));
    wg_train_free(t);
    world_close(&whole);
}

/* The loss of the step was finite, what it made of the weight is not: there is no such checkpoint.
 */
static void makes_no_checkpoint_of_infinity(void)
{
    wg_error error = { WG_OK, NULL, NULL, "", "" };
    wg_train_options options;
    char want[300];
    wg_train *t;

    open_falling(&whole, 1e6, true);
    options = (wg_train_options){ .n_feeds = 1,
                                  .feeds = whole.feed,
                                  .epochs = 100,
                                  .batchsize = 1,
                                  .verbose = -1,
                                  .folder = folder(),
                                  .every_steps = 1 };
    t = trainer(&whole, &options);
    REQUIRE(t != NULL);
    EQ_INT(wg_train_run(t, &error), WG_ENONFINITE);
    ERROR_IS(&error, WG_ENONFINITE,
             "wg_train_save: entry \"W\" is not finite after step 7: no checkpoint is made of it",
             NULL);
    snprintf(want, sizeof want, "%s/checkpoint-000000006.json", options.folder);
    EQ_STR(wg_train_saved(t), want);
    wg_train_free(t);
    world_close(&whole);
}

TESTS(TEST(callbacks_stop_and_fail), TEST(sigint_finishes_the_step_and_saves),
      TEST(environment_bounds_steps), TEST(names_where_it_began), TEST(names_the_step_before),
      TEST(names_where_validation_began), TEST(makes_no_checkpoint_of_infinity))
