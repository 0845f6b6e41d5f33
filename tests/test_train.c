/* test_train.c: the training kit: what a run does, where it stops, what it tells. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "gate.h"
#include "temp.h"
#include "train_world.h"

/* The library's calls come here too: nothing of this program need outlive the machine. */
int fsync(int fd)
{
    return fd >= 0 ? 0 : -1;
}

static const char adam[] = "Adam(lr=0.02)";

static world whole, other; /* large */

static wg_train *trainer(world *o, const wg_train_options *options)
{
    wg_error error = { WG_OK, NULL, NULL, "", "" };
    wg_train *t = wg_train_new(o->g, o->w, options, &error);

    NO_ERROR(&error);
    return t;
}

static void run_to(wg_train *t, wg_train_end end)
{
    wg_error error = { WG_OK, NULL, NULL, "", "" };

    EQ_INT(wg_train_run(t, &error), WG_OK);
    NO_ERROR(&error);
    EQ_INT(wg_train_state_of(t)->end, end);
}

static void same_store(const wg_params *a, const wg_params *b)
{
    for (int i = 0; i < wg_params_count(b); i++) {
        const wg_param *want = wg_params_at(b, i), *got = wg_params_find(a, want->name);

        SAME_BITS(got->value.data, want->value.data, wg_type_bytes(&want->value.type));
    }
}

static bool differ(const wg_params *a, const wg_params *b)
{
    for (int i = 0; i < wg_params_count(b); i++) {
        const wg_param *x = wg_params_at(a, i), *y = wg_params_at(b, i);

        if (memcmp(x->value.data, y->value.data, (size_t)wg_type_bytes(&y->value.type)) != 0)
            return true;
    }
    return false;
}

static const char *folder(void)
{
    static char path[128];
    static int n;

    snprintf(path, sizeof path, "%s/run%d", temp_dir(), n++);
    return path;
}

static int count_files(const char *in, const char *end)
{
    DIR *d = opendir(in);
    int n = 0;

    for (struct dirent *e; d && (e = readdir(d));) {
        size_t length = strlen(e->d_name), tail = strlen(end);

        n += e->d_name[0] != '.' && length >= tail && strcmp(e->d_name + length - tail, end) == 0;
    }
    if (d) closedir(d);
    return n;
}

/* ---- what a run does ---- */

/* By hand: the same batches through a plan of the same function; means and smoothed loss beside. */
static void as_by_hand(void)
{
    wg_train_options options;
    wg_batches_options order = { .batchsize = 8, .seed = 3 };
    const wg_train_state *s;
    double smoothed = NAN, sum = 0, mean[2] = { 0 };
    float x[8 * WORLD_IN], y[8];
    wg_batches *b;
    wg_train *t;
    wg_plan *p;

    world_open(&whole, 6, adam);
    world_open(&other, 6, adam);
    options = world_options(&whole);
    options.epochs = 2;
    t = trainer(&whole, &options);
    REQUIRE(t != NULL);
    run_to(t, WG_TRAIN_DONE);
    b = wg_batches_new(WORLD_EXAMPLES, &order, NULL);
    p = wg_plan_new(other.g, other.w, "train", NULL);
    for (int epoch = 0; epoch < 2; epoch++, sum = 0) {
        for (int i = 0; i < wg_batches_count(b); i++) {
            int64_t n;
            const int64_t *row = wg_batches_rows(b, epoch, i, &n);
            double loss;

            for (int k = 0; k < n; k++) {
                memcpy(x + k * WORLD_IN, other.x[row[k]], sizeof other.x[0]);
                y[k] = other.y[row[k]];
            }
            EQ_INT(wg_plan_feed(p, "x", WG_F32_ARRAY(x, n, WORLD_IN)), WG_OK);
            EQ_INT(wg_plan_feed(p, "y", WG_F32_ARRAY(y, n, 1)), WG_OK);
            EQ_INT(wg_plan_run(p), WG_OK);
            loss = wg_item(wg_plan_value(p, "loss"));
            smoothed = isnan(smoothed) ? loss : 0.99 * smoothed + 0.01 * loss;
            sum += loss * (double)n;
        }
        mean[epoch] = sum / WORLD_EXAMPLES;
    }
    same_store(whole.w, other.w);
    s = wg_train_state_of(t);
    EQ_INT(s->step, 18);
    EQ_INT(s->epoch, 2);
    CLOSE1(s->smoothed, smoothed, 0, 0);
    CLOSE1(s->mean, mean[1], 0, 0);
    CHECK(mean[1] < mean[0]);
    CLOSE1(s->previous, mean[1], 0, 0);
    CLOSE1(s->lr, 0.02, 1e-15, 0);
    EQ_STR(wg_train_end_text(s->end), "all epochs are done");
    CHECK(wg_train_saved(t) == NULL);
    EQ_INT(wg_train_save(t, NULL), WG_ESTATE);
    wg_plan_free(p);
    wg_batches_free(b);
    wg_train_free(t);
    wg_train_free(NULL);
    world_close(&whole);
    world_close(&other);
}

/* With data of its own and with a share kept apart: the mean of the loss by examples. */
static void validates(void)
{
    wg_train_options options;
    const wg_train_state *s;
    wg_plan *p;
    wg_train *t;

    world_open(&whole, 6, adam);
    options = world_options(&whole);
    options.n_validation_feeds = 2;
    options.validation_feeds = whole.feed;
    options.validation_function = "test";
    options.epochs = 1;
    t = trainer(&whole, &options);
    REQUIRE(t != NULL);
    run_to(t, WG_TRAIN_DONE);
    p = wg_plan_new(whole.g, whole.w, "test", NULL);
    EQ_INT(wg_plan_feed(p, "x", WG_F32_ARRAY(whole.x, WORLD_EXAMPLES, WORLD_IN)), WG_OK);
    EQ_INT(wg_plan_feed(p, "y", WG_F32_ARRAY(whole.y, WORLD_EXAMPLES, 1)), WG_OK);
    EQ_INT(wg_plan_run(p), WG_OK);
    s = wg_train_state_of(t);
    CLOSE1(s->validation, wg_item(wg_plan_value(p, "loss")), 1e-6, 0);
    wg_plan_free(p);
    wg_train_free(t);

    options.n_validation_feeds = 0;
    options.validation_function = NULL;
    options.validation_split = 0.3;
    t = trainer(&whole, &options);
    REQUIRE(t != NULL);
    run_to(t, WG_TRAIN_DONE);
    s = wg_train_state_of(t);
    EQ_INT(s->step, 7); /* 49 examples in batches of 8 */
    CHECK(isfinite(s->validation) && s->validation > 0);
    wg_train_free(t);
    world_close(&whole);
}

/* No epoch is better by a hundred: after the first and two more the first one's store is back. */
static void stops_early(void)
{
    wg_train_options options;
    const wg_train_state *s;
    wg_train *t;

    world_open(&whole, 6, adam);
    world_open(&other, 6, adam);
    options = world_options(&whole);
    options.patience = 2;
    options.min_delta = 100;
    options.epochs = 50;
    t = trainer(&whole, &options);
    REQUIRE(t != NULL);
    run_to(t, WG_TRAIN_EARLY);
    s = wg_train_state_of(t);
    EQ_INT(s->epoch, 3);
    EQ_INT(s->best_epoch, 1);
    EQ_INT(s->waited, 2);
    run_to(t, WG_TRAIN_EARLY);
    EQ_INT(wg_train_state_of(t)->epoch, 3);
    wg_train_free(t);
    options = world_options(&other);
    options.epochs = 1;
    t = trainer(&other, &options);
    run_to(t, WG_TRAIN_DONE);
    same_store(whole.w, other.w);
    wg_train_free(t);
    world_close(&whole);
    world_close(&other);
}

/* Stopped after any number of steps and taken up by another store, trainer and graph. */
static void goes_on(void)
{
    static const int cuts[] = { 1, 8, 9, 10, 18, 27 };
    wg_train_options options;
    wg_train *t;

    world_open(&whole, 6,
               "SGD(lr=0.05, momentum=0.9, lr_scheduler=PlateauScheduler(initial_lr="
               "0.05, patience=3))");
    options = world_options(&whole);
    options.patience = 9;
    options.validation_split = 0.1;
    t = trainer(&whole, &options);
    run_to(t, WG_TRAIN_DONE);
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        wg_train_state first;

        options.folder = folder();
        options.resume = true;
        for (int part = 0; part < 2; part++) {
            wg_train *u;

            world_open(&other, 6,
                       "SGD(lr=0.05, momentum=0.9, lr_scheduler=PlateauScheduler("
                       "initial_lr=0.05, patience=3))");
            options.feeds = other.feed;
            options.max_steps = part == 0 ? cuts[i] : 0;
            u = trainer(&other, &options);
            if (!u) return;
            run_to(u, part == 0 ? WG_TRAIN_STEPS : WG_TRAIN_DONE);
            if (part == 0) {
                first = *wg_train_state_of(u);
                EQ_INT(first.step, cuts[i]);
            } else {
                const wg_train_state *a = wg_train_state_of(u), *b = wg_train_state_of(t);

                same_store(other.w, whole.w);
                EQ_INT(a->step, b->step);
                EQ_INT(a->best_epoch, b->best_epoch);
                CLOSE1(a->smoothed, b->smoothed, 0, 0);
                CLOSE1(a->best, b->best, 0, 0);
                CLOSE1(a->mean, b->mean, 0, 0);
                CHECK(wg_metadata_get(other.g, "wengert.train") == NULL);
            }
            wg_train_free(u);
            world_close(&other);
        }
    }
    wg_train_free(t);
    world_close(&whole);
}

/* More epochs than a finished run had are as if they had been asked for at once. */
static void more_epochs(void)
{
    wg_train_options options;
    wg_train *t;

    world_open(&whole, 6, adam);
    options = world_options(&whole);
    t = trainer(&whole, &options);
    run_to(t, WG_TRAIN_DONE);
    wg_train_free(t);
    options.folder = folder();
    options.resume = true;
    options.patience = 100;
    options.min_delta = 1000; /* the store of the first epoch comes back, in memory only */
    for (int part = 0; part < 2; part++) {
        world_open(&other, 6, adam);
        options.feeds = other.feed;
        options.epochs = part == 0 ? 2 : 4;
        if (part > 0) options.patience = 0;
        t = trainer(&other, &options);
        REQUIRE(t != NULL);
        run_to(t, WG_TRAIN_DONE);
        wg_train_free(t);
        if (part == 0) world_close(&other);
    }
    same_store(other.w, whole.w);
    world_close(&other);
    world_close(&whole);
}

static void keeps_the_last(void)
{
    wg_error error = { WG_OK, NULL, NULL, "", "" };
    wg_program p = { NULL, NULL };
    wg_train_options options;
    char want[200];
    wg_train *t;

    world_open(&whole, 700, adam);
    options = world_options(&whole);
    options.folder = folder();
    options.checkpoint = "net";
    options.every_steps = 4;
    options.keep = 2;
    t = trainer(&whole, &options);
    run_to(t, WG_TRAIN_DONE);
    /* 36 steps: a multiple of 4, so the last checkpoint is the end's too. */
    snprintf(want, sizeof want, "%s/net-000000036.json", options.folder);
    EQ_STR(wg_train_saved(t), want);
    EQ_INT(count_files(options.folder, ".json"), 2);
    EQ_INT(count_files(options.folder, "net-000000032.json"), 1);
    EQ_INT(count_files(options.folder, ".safetensors"), 4);
    EQ_INT(wg_load(want, NULL, &p, &error), WG_OK);
    NO_ERROR(&error);
    same_store(p.params, whole.w);
    EQ_STR(wg_metadata_get(p.graph, "name"), "a small world");
    wg_program_free(&p);
    wg_train_free(t);
    /* Another file of somebody's stays. */
    world_close(&whole);
}

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

/* loss = mean(log(W x)), whose W falls by `fall` each step until the logarithm has nothing to take. */
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
    /* The 65th step takes the logarithm of 0; the copy of the store is of the 64th. */
    EQ_STR(error.op, "log");
    EQ_STR(error.scope, "deep");
    EQ_STR(error.text,
           "step 65 (epoch 1): the loss is -inf; first non-finite value at [0] of f32[1], "
           "operand was 0");
    W = *(float *)wg_params_find(whole.w, "W")->value.data;
    CLOSE1(W, 0, 0, 0);
    EQ_INT(called[0], 64);
    EQ_INT(called[1], 0);
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

/* A weight that overflows in the step before: that step is named, and the store is from before it. */
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

/* ---- checkpoints that are refused ---- */

static void refused(world *o, const wg_train_options *options, wg_status code, const char *fmt, ...)
    WG_PRINTF(4, 5);
static void refused(world *o, const wg_train_options *options, wg_status code, const char *fmt, ...)
{
    wg_error error = { WG_OK, NULL, NULL, "", "" };
    char want[400];
    va_list args;

    va_start(args, fmt);
    vsnprintf(want, sizeof want, fmt, args);
    va_end(args);
    CHECK(wg_train_new(o->g, o->w, options, &error) == NULL);
    ERROR_IS(&error, code, want, NULL);
    CHECK(wg_train_new(o->g, o->w, options, NULL) == NULL);
}

static void another_run_is_refused(void)
{
    wg_train_options options, others;
    wg_params *before;
    wg_train *t;

    world_open(&whole, 6, adam);
    options = world_options(&whole);
    options.folder = folder();
    t = trainer(&whole, &options);
    run_to(t, WG_TRAIN_DONE);
    wg_train_free(t);
    refused(&whole, &options, WG_EARG,
            "wg_train_new: %s/checkpoint-000000036.json exists: go on from it with resume, or give "
            "another folder or name",
            options.folder);
    options.resume = true;
    before = wg_params_copy(whole.w, WG_N_DTYPES);
    options.batchsize = 9;
    refused(
        &whole, &options, WG_EARG,
        "wg_train_new: checkpoint-000000036.json: was made with batchsize 8, not 9: its batches "
        "are others");
    options.batchsize = 8;
    options.seed = 4;
    refused(&whole, &options, WG_EARG,
            "wg_train_new: checkpoint-000000036.json: was made with seed \"3\", not \"4\": its "
            "batches are others");
    world_open(&other, 7, adam);
    others = world_options(&other);
    others.folder = options.folder;
    others.resume = true;
    refused(&other, &others, WG_EARG,
            "wg_train_new: checkpoint-000000036.json: is of another model: its entry \"fc1/W\" is "
            "f32[5 x 6], in the store f32[5 x 7]");
    world_close(&other);
    world_open(&other, 6, "SGD(lr=0.02)");
    refused(&other, &others, WG_EARG,
            "wg_train_new: checkpoint-000000036.json: is of another model: its entry "
            "\"fc1/W/optim_m\" is not in the store");
    world_close(&other);
    world_open(&other, 6, "Adam(lr=0.02, decay1=0.8)");
    refused(&other, &others, WG_EARG,
            "wg_train_new: checkpoint-000000036.json: is of another model: the operations of "
            "function \"train\" differ");
    world_close(&other);
    others = options;
    others.seed = 3;
    others.checkpoint = "elsewhere/x";
    refused(&whole, &others, WG_EARG,
            "wg_train_new: checkpoint is \"elsewhere/x\", wanted a name without '/'");
    CHECK(!differ(whole.w, before));
    wg_params_free(before);
    world_close(&whole);
}

static void put_text(const char *in, const char *name, const char *text)
{
    char path[300];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", in, name);
    f = fopen(path, "w");
    CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

/* A damaged newest one is passed over; with no other it is the error. */
static void damage_is_passed_over(void)
{
    wg_train_options options;
    char text[400] = "", want[400];
    wg_train *t;

    world_open(&whole, 6, adam);
    world_open(&other, 6, adam);
    options = world_options(&whole);
    options.folder = folder();
    options.every_steps = 10;
    options.epochs = 3;
    t = trainer(&whole, &options);
    run_to(t, WG_TRAIN_DONE);
    wg_train_free(t);
    put_text(options.folder, "checkpoint-000000027.json", "{\"wengert\": 1");
    options.feeds = other.feed;
    options.resume = true;
    options.verbose = 0;
    options.to = tmpfile();
    t = trainer(&other, &options);
    REQUIRE(t != NULL);
    EQ_INT(wg_train_state_of(t)->step, 20);
    rewind(options.to);
    text[fread(text, 1, sizeof text - 1, options.to)] = '\0';
    CHECK(strstr(text, "checkpoint-000000027.json: ") == text &&
          strstr(text, "; trying the one before\n") != NULL);
    run_to(t, WG_TRAIN_DONE);
    same_store(other.w, whole.w);
    wg_train_free(t);
    fclose(options.to);
    options.to = NULL;
    options.verbose = -1;
    options.checkpoint = "empty";
    put_text(options.folder, "empty-000000001.json", "");
    refused(&other, &options, WG_EFORMAT, "empty-000000001.json: is empty");
    snprintf(want, sizeof want, "%s/empty-000000001.json", options.folder);
    EQ_INT(wg_save(want, other.g, other.w, NULL, NULL), WG_OK);
    refused(&other, &options, WG_EFORMAT,
            "wg_train_new: empty-000000001.json: holds no state of a run");
    wg_metadata_set(other.g, "wengert.train", "{\"function\": 3}");
    EQ_INT(wg_save(want, other.g, other.w, NULL, NULL), WG_OK);
    refused(&other, &options, WG_EFORMAT,
            "wg_train_new: empty-000000001.json: its state of the run is damaged: \"function\"");
    world_close(&whole);
    world_close(&other);
}

/* ---- mistakes ---- */

#define WITH(member, value, code, ...)                                                             \
    do {                                                                                           \
        wg_train_options with = options;                                                           \
        with.member = value;                                                                       \
        refused(&whole, &with, code, __VA_ARGS__);                                                 \
    } while (0)

static void mistakes_in_options(void)
{
    wg_train_options options;

    world_open(&whole, 6, adam);
    options = world_options(&whole);
    WITH(epochs, -1, WG_EARG, "wg_train_new: epochs is -1, wanted 0 to 9223372036854775807");
    WITH(keep, 1001, WG_EARG, "wg_train_new: keep is 1001, wanted 0 to 1000");
    WITH(every_seconds, NAN, WG_EARG, "wg_train_new: every_seconds is nan, wanted 0 or more");
    WITH(min_delta, INFINITY, WG_EARG, "wg_train_new: min_delta is inf");
    WITH(validation_split, 1, WG_EARG,
         "wg_train_new: validation_split is 1, wanted a share from 0 to below 1");
    WITH(function, "trian", WG_ENAME,
         "wg_train_new: no function \"trian\"; the nearest is \"train\"");
    WITH(loss, "los", WG_ENAME,
         "wg_train_new: function \"train\" has no output \"los\"; the nearest is \"loss\"");
    WITH(n_feeds, 1, WG_ENAME, "wg_train_new: input \"y\" of function \"train\" has no data");
    WITH(folder, "/dev/null/x", WG_EIO, "wg_train_new: /dev/null/x: Not a directory");
    WITH(log, "/nowhere/log", WG_EIO, "wg_train_new: /nowhere/log: No such file or directory");
    options.validation_split = 0.5;
    WITH(validation_function, "train", WG_EARG,
         "wg_train_new: function \"train\" validates and has updates");
    WITH(n_validation_feeds, 1, WG_EARG,
         "wg_train_new: validation_split beside data of its own for validation");
    options.validation_split = 0.001;
    refused(&whole, &options, WG_EARG, "wg_train_new: no examples to validate with");
    CHECK(wg_train_new(NULL, whole.w, &options, NULL) == NULL);
    world_close(&whole);
}

static void mistakes_in_data(void)
{
    static const double holes[] = { 1, 2, 0.5 };
    static const int64_t wide[2 * 7];
    wg_train_feed feed[3];
    wg_train_options options;
    wg_error error = { WG_OK, NULL, NULL, "", "" };
    wg_graph *g = wg_graph_new();
    wg_params *w = wg_params_new(WG_F32, 1);
    wg_train *t;

    world_open(&whole, 6, adam);
    options = world_options(&whole);
    options.feeds = feed;
    memcpy(feed, whole.feed, 2 * sizeof *feed);
    feed[1].data.shape.dim[0] = 69;
    refused(&whole, &options, WG_ESHAPE,
            "wg_train_new: the data of input \"y\" have 69 examples, those before 70");
    feed[1] = whole.feed[1];
    feed[1].input = "Y";
    refused(&whole, &options, WG_ENAME,
            "wg_train_new: function \"train\" has no input \"Y\"; the nearest is \"y\"");
    feed[1].input = "x";
    refused(&whole, &options, WG_ENAME, "wg_train_new: input \"x\" is fed twice");
    feed[1] = whole.feed[1];
    feed[0].data.shape = WG_SHAPE(70, 5, 2);
    refused(&whole, &options, WG_ESHAPE,
            "wg_train_new: an example of input \"x\" is f32[1 x 5], of its data f32[1 x 5 x 2]");
    feed[0].data = wg_data_of(WG_I64_ARRAY(wide, 2, 7));
    feed[1].data.shape = WG_SHAPE(2);
    t = trainer(&whole, &options);
    /* As many axes, so other extents may be meant; the run says that they were not. */
    EQ_INT(wg_train_run(t, &error), WG_ESHAPE);
    CHECK(strstr(error.text, "f32[2 x 7]") != NULL);
    wg_train_free(t);
    /* Labels that are no whole numbers. */
    wg_params_add(w, "W", WG_F32, WG_SHAPE_SCALAR, true, NULL, NULL);
    wg_begin(g, "train", WG_TRAIN);
    {
        wg_tensor *k = wg_cast(wg_input(g, "k", WG_I64, WG_SHAPE(1)), WG_F32);

        wg_update("W", wg_output("loss",
                                 wg_mean(wg_mul(k, wg_param_leaf(g, w, "W")), WG_ALL_AXES, false)));
    }
    wg_end(g);
    feed[0] = (wg_train_feed){ .input = "k", .data = wg_data_of(WG_F64_ARRAY(holes, 3)) };
    options.n_feeds = 1;
    t = wg_train_new(g, w, &options, NULL);
    REQUIRE(t != NULL);
    error = (wg_error){ WG_OK, NULL, NULL, "", "" };
    EQ_INT(wg_train_run(t, &error), WG_EDTYPE);
    ERROR_IS(
        &error, WG_EDTYPE,
        "wg_train_run: the data of input \"k\": element [2] is 0.5, no whole number, for a batch "
        "of i64",
        NULL);
    wg_train_free(t);
    wg_graph_free(g);
    wg_params_free(w);
    world_close(&whole);
}

/* ---- batches from elsewhere, constants ---- */

static int64_t three_batches(void *data, wg_plan *plan, int64_t epoch, int64_t i, wg_error *error)
{
    world *o = data;

    (void)error;
    if (i == 3) return 0;
    wg_plan_feed(plan, "x", WG_F32_ARRAY(o->x + 8 * i + epoch, 8, WORLD_IN));
    wg_plan_feed(plan, "y", WG_F32_ARRAY(o->y + 8 * i + epoch, 8, 1));
    return 8;
}

static int64_t no_batch(void *data, wg_plan *plan, int64_t epoch, int64_t i, wg_error *error)
{
    (void)data, (void)plan, (void)epoch, (void)i, (void)error;
    return i == 0 && data ? -1 : 0;
}

static void takes_batches_from_a_source(void)
{
    wg_train_source source = { three_batches, &whole, 0 }, none = { no_batch, NULL, 0 };
    wg_error error = { WG_OK, NULL, NULL, "", "" };
    wg_train_options options;
    wg_train *t;

    world_open(&whole, 6, adam);
    options = world_options(&whole);
    options.n_feeds = 0;
    options.source = &source;
    t = trainer(&whole, &options);
    run_to(t, WG_TRAIN_DONE);
    EQ_INT(wg_train_state_of(t)->step, 12);
    wg_train_free(t);
    options.source = &none;
    t = trainer(&whole, &options);
    EQ_INT(wg_train_run(t, &error), WG_EARG);
    ERROR_IS(&error, WG_EARG, "wg_train_run: the source gave no batch in epoch 1", NULL);
    wg_train_free(t);
    none.data = &none;
    error = (wg_error){ WG_OK, NULL, NULL, "", "" };
    t = trainer(&whole, &options);
    EQ_INT(wg_train_run(t, &error), WG_EIO);
    ERROR_IS(&error, WG_EIO, "wg_train_run: the source failed at batch 0 of epoch 1", NULL);
    wg_train_free(t);
    world_close(&whole);
}

/* ---- memory ---- */

static wg_train_act watch(void *data, wg_train *t, const wg_train_state *state, wg_error *error)
{
    int64_t *after = data;

    (void)t, (void)error;
    if (state->step == 18) gate.watching = true;
    *after = gate.count;
    return WG_TRAIN_GO_ON;
}

/* From the third epoch on, with validation and early stopping: not one. */
static void steps_allocate_nothing(void)
{
    static const wg_allocator allocator = { gate_alloc, gate_release, NULL };
    wg_train_options options;
    int64_t count = -1;
    wg_train *t;

    memset(&gate, 0, sizeof gate);
    wg_set_allocator(&allocator);
    world_open(&whole, 6, adam);
    options = world_options(&whole);
    options.epochs = 6;
    options.validation_split = 0.2;
    options.patience = 50;
    options.on_batch = watch;
    options.callback_data = &count;
    options.verbose = 0;
    options.to = fopen("/dev/null", "w");
    t = trainer(&whole, &options);
    run_to(t, WG_TRAIN_DONE);
    EQ_INT(wg_train_state_of(t)->step, 42);
    EQ_INT(count, 0);
    gate.watching = false;
    wg_train_free(t);
    world_close(&whole);
    wg_set_allocator(NULL);
    fclose(options.to);
}

/* A run that ends after five steps, and another that takes it up. */
static wg_status two_runs(void *arg, wg_error *error)
{
    const char *in = folder();

    (void)arg;
    for (int part = 0; part < 2 && error->code == WG_OK; part++) {
        wg_train_options options;
        wg_train *t;

        gate.watching = false;
        world_open(&whole, 2, "SGD(lr=0.01)");
        /* Room for one more, so that the graph's own memory stays as it is. */
        wg_metadata_set(whole.g, "a", "a");
        wg_metadata_set(whole.g, "a", NULL);
        gate.watching = true;
        options = world_options(&whole);
        options.epochs = 1;
        options.batchsize = 16;
        options.patience = 3;
        options.validation_split = 0.2;
        options.folder = in;
        options.resume = true;
        options.every_steps = 100;
        options.max_steps = part == 0 ? 2 : 0;
        t = wg_train_new(whole.g, whole.w, &options, error);
        if (t) wg_train_run(t, error);
        wg_train_free(t);
        gate.watching = false;
        world_close(&whole);
    }
    return error->code;
}

/* Each allocation of runs, checkpoints and going on fails in turn. */
static void survives_lack_of_memory(void)
{
    gate_every_allocation(two_runs, NULL, "train");
}

TESTS(TEST(as_by_hand), TEST(validates), TEST(stops_early), TEST(goes_on), TEST(more_epochs),
      TEST(keeps_the_last), TEST(callbacks_stop_and_fail), TEST(sigint_finishes_the_step_and_saves),
      TEST(environment_bounds_steps), TEST(names_where_it_began), TEST(names_the_step_before),
      TEST(another_run_is_refused), TEST(damage_is_passed_over), TEST(mistakes_in_options),
      TEST(mistakes_in_data), TEST(takes_batches_from_a_source), TEST(steps_allocate_nothing),
      TEST(survives_lack_of_memory))
