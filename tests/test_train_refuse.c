/* test_train_refuse.c: checkpoints of other runs, damaged ones, mistakes in options and data. */
#include "train_run.h"

static const char adam[] = "Adam(lr=0.02)";

static world whole, other; /* large */

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

/* The state of a run, bent in many ways: refused, or gone on from to an end. */
static void bent_states(void)
{
    static const char often[] = "0123456789-.e\",:{}ntf";
    uint64_t seed = 20240607;
    wg_train_options options;
    char path[300], *state, *bent;
    wg_program p;
    int accepted = 0, copies = 600;
    wg_train *t;

    world_open(&whole, 2, "SGD(lr=0.01)");
    options = world_options(&whole);
    options.folder = folder();
    options.max_steps = 4;
    t = trainer(&whole, &options);
    run_to(t, WG_TRAIN_STEPS);
    REQUIRE(wg_load(wg_train_saved(t), NULL, &p, NULL) == WG_OK);
    wg_train_free(t);
    state = wg_text_copy(wg_metadata_get(p.graph, "wengert.train"));
    bent = wg_text_copy(state);
    options.resume = true;
    for (int i = 0; i < copies; i++) {
        wg_error error = { WG_OK, NULL, NULL, "", "" };
        size_t n = strlen(state);

        strcpy(bent, state);
        for (int k = 0; k < 1 + i % 3; k++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            bent[(seed >> 33) % n] = often[(seed >> 20) % (sizeof often - 1)];
        }
        wg_metadata_set(p.graph, "wengert.train", bent);
        options.folder = folder();
        mkdir(options.folder, 0777);
        snprintf(path, sizeof path, "%s/checkpoint-000000004.json", options.folder);
        if (!CHECK(wg_save(path, p.graph, p.params, NULL, NULL) == WG_OK)) break;
        t = wg_train_new(whole.g, whole.w, &options, &error);
        CHECK(t ? error.code == WG_OK : error.code != WG_OK && error.text[0] != '\0');
        accepted += t && wg_train_run(t, &error) == WG_OK;
        CHECK(error.code == WG_OK || error.text[0] != '\0');
        wg_train_free(t);
    }
    CHECK(accepted > 10 && accepted < copies / 2);
    wg_free(state);
    wg_free(bent);
    wg_program_free(&p);
    world_close(&whole);
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

TESTS(TEST(another_run_is_refused), TEST(damage_is_passed_over), TEST(bent_states),
      TEST(mistakes_in_options), TEST(mistakes_in_data))
