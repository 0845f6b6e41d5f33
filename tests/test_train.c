/* test_train.c: the training kit: what a run does, what it goes on from, what it keeps. */
#include "gate.h"
#include "train_run.h"

static const char adam[] = "Adam(lr=0.02)";

static world whole, other; /* large */

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

static wg_train_act save_now(void *data, wg_train *t, const wg_train_state *state, wg_error *error)
{
    if (state->step != *(int *)data) return WG_TRAIN_GO_ON;
    return wg_train_save(t, error) == WG_OK ? WG_TRAIN_GO_ON : WG_TRAIN_FAIL;
}

/* Checkpoints made by callbacks, in an epoch, at its last batch, after it: each is as good as
 * others. */
static void saves_from_callbacks(void)
{
    wg_train_options options;
    wg_train *t;

    world_open(&whole, 6, adam);
    for (int k = 0; k < 3; k++) {
        int step = k == 0 ? 5 : 9;
        char path[300];

        world_close(&whole);
        world_open(&whole, 6, adam);
        options = world_options(&whole);
        options.folder = folder();
        options.every_steps = 1000;
        options.keep = 5;
        options.callback_data = &step;
        *(k < 2 ? &options.on_batch : &options.on_epoch) = save_now;
        t = trainer(&whole, &options);
        run_to(t, WG_TRAIN_DONE);
        snprintf(path, sizeof path, "%s/checkpoint-000000036.json", options.folder);
        CHECK(unlink(path) == 0);
        world_open(&other, 6, adam);
        options.feeds = other.feed;
        options.resume = true;
        options.on_batch = options.on_epoch = NULL;
        {
            wg_train *u = trainer(&other, &options);

            REQUIRE(u != NULL);
            EQ_INT(wg_train_state_of(u)->step, step);
            run_to(u, WG_TRAIN_DONE);
            same_store(other.w, whole.w);
            CLOSE1(wg_train_state_of(u)->mean, wg_train_state_of(t)->mean, 0, 0);
            CLOSE1(wg_train_state_of(u)->smoothed, wg_train_state_of(t)->smoothed, 0, 0);
            wg_train_free(u);
        }
        wg_train_free(t);
        world_close(&other);
    }
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
    wg_train_source source = { .next = three_batches, .data = &whole }, none = { .next = no_batch };
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

/* A loss that sums over the batch is told an example, and a run goes on with batches of the same
 * name alone. */
static void a_source_of_sums_has_a_name(void)
{
    wg_train_source source = { .next = three_batches, .data = &whole, .name = "three" };
    wg_error error = { WG_OK, NULL, NULL, "", "" };
    wg_train_options options;
    double mean[2], loss[2], smoothed[2];
    wg_train *t;

    for (int summed = 0; summed < 2; summed++) {
        world_open(&whole, 6, adam);
        options = world_options(&whole);
        options.n_feeds = 0;
        options.source = &source;
        options.folder = folder();
        source.summed = summed;
        t = trainer(&whole, &options);
        run_to(t, WG_TRAIN_DONE);
        mean[summed] = wg_train_state_of(t)->mean;
        loss[summed] = wg_train_state_of(t)->loss;
        smoothed[summed] = wg_train_state_of(t)->smoothed;
        wg_train_free(t);
        options.resume = true;
        t = trainer(&whole, &options);
        EQ_INT(wg_train_state_of(t)->step, 12);
        wg_train_free(t);
        source.name = "four";
        CHECK(wg_train_new(whole.g, whole.w, &options, &error) == NULL);
        ERROR_IS(&error, WG_EARG,
                 "wg_train_new: checkpoint-000000012.json: was made with source \"three\", not "
                 "\"four\": its batches are others",
                 NULL);
        error.code = WG_OK;
        source.name = "three";
        world_close(&whole);
    }
    CLOSE1(8 * mean[1], mean[0], 1e-15, 1e-15);
    CLOSE1(8 * loss[1], loss[0], 0, 0);
    CLOSE1(8 * smoothed[1], smoothed[0], 1e-15, 1e-15);
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
      TEST(saves_from_callbacks), TEST(keeps_the_last), TEST(takes_batches_from_a_source),
      TEST(a_source_of_sums_has_a_name), TEST(steps_allocate_nothing),
      TEST(survives_lack_of_memory))
