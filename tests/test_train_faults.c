/*
 * test_train_faults.c: a disk that is full, or fails, in the middle of a checkpoint: the run says
 * so, and whatever was saved before is there to go on from.
 */
#include <sys/stat.h>

#include "faults.h"
#include "harness.h"
#include "temp.h"
#include "train_world.h"

static world o;

static const char optimiser[] = "SGD(lr=0.0005, momentum=0.9)";

static wg_train_options options_in(const char *in, int64_t max_steps)
{
    wg_train_options options = world_options(&o);

    options.epochs = 3;
    options.batchsize = 16;
    options.patience = 2;
    options.min_delta = 1e-4;
    options.folder = in;
    options.resume = true;
    options.every_steps = 5;
    options.keep = 1;
    options.max_steps = max_steps;
    return options;
}

/* A trainer of a fresh world runs; its status. *step: where it stands then; -1: it was not made. */
static wg_status run_in(const char *in, int64_t max_steps, int stop, int fault, int64_t *step,
                        wg_error *error)
{
    wg_train_options options;
    wg_train *t;

    world_open(&o, 700, optimiser);
    options = options_in(in, max_steps);
    t = wg_train_new(o.g, o.w, &options, error);
    memset(&gate, 0, sizeof gate);
    gate.stop = stop;
    gate.fault = fault;
    gate.watching = stop > 0;
    if (t) wg_train_run(t, error);
    gate.watching = false;
    *step = t ? wg_train_state_of(t)->step : -1;
    wg_train_free(t);
    return error->code;
}

static void every_call_fails(void)
{
    static const int faults[] = { ENOSPC, EIO };
    wg_error error = { WG_OK, NULL, NULL, "", "" };
    int calls = 0, refused = 0;
    wg_params *whole;
    char in[200];
    int64_t step;

    no_sync = true;
    snprintf(in, sizeof in, "%s/whole", temp_dir());
    EQ_INT(run_in(in, 0, 0, 0, &step, &error), WG_OK);
    NO_ERROR(&error);
    EQ_INT(step, 15);
    whole = wg_params_copy(o.w, WG_N_DTYPES);
    world_close(&o);
    for (int f = 0; f < 2; f++)
        for (int stop = 1;; stop++) {
            wg_status status;

            snprintf(in, sizeof in, "%s/%d-%d", temp_dir(), f, stop);
            EQ_INT(run_in(in, 5, 0, 0, &step, &error), WG_OK);
            world_close(&o);
            status = run_in(in, 5, stop, faults[f], &step, &error);
            world_close(&o);
            if (gate.count < stop) break;
            calls++;
            refused += status != WG_OK;
            CHECK(status == WG_OK || (status == WG_EIO && strstr(error.text, strerror(faults[f]))));
            error = (wg_error){ WG_OK, NULL, NULL, "", "" };
            /* Step 5 or 10 is there to go on from, and the end is that of a run without faults. */
            EQ_INT(run_in(in, 1, 0, 0, &step, &error), WG_OK);
            NO_ERROR(&error);
            CHECK(step == 11 || (status != WG_OK && step == 6));
            world_close(&o);
            EQ_INT(run_in(in, 0, 0, 0, &step, &error), WG_OK);
            EQ_INT(step, 15);
            for (int i = 0; i < wg_params_count(whole); i++) {
                const wg_param *want = wg_params_at(whole, i);

                SAME_BITS(wg_params_find(o.w, want->name)->value.data, want->value.data,
                          wg_type_bytes(&want->value.type));
            }
            world_close(&o);
            NO_ERROR(&error);
        }
    fprintf(stderr, "%d calls failed in turn, %d runs refused\n", calls, refused);
    CHECK(calls > 40 && refused > 20);
    wg_params_free(whole);
}

static void full_disk_for_the_log(void)
{
    wg_error error = { WG_OK, NULL, NULL, "", "" };
    wg_train_options options;
    wg_train *t;

    world_open(&o, 6, optimiser);
    options = world_options(&o);
    options.log = "/dev/full";
    t = wg_train_new(o.g, o.w, &options, &error);
    REQUIRE(t != NULL);
    EQ_INT(wg_train_run(t, &error), WG_EIO);
    ERROR_IS(&error, WG_EIO, "wg_train_run: /dev/full: No space left on device", NULL);
    wg_train_free(t);
    world_close(&o);
}

TESTS(TEST(every_call_fails), TEST(full_disk_for_the_log))
