/*
 * test_faults.c: whatever stops a save, the name holds the old program or the new one.
 */
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

#include "faults.h"
#include "saved.h"

/* A file system that is full after so many bytes, as a limit of the process makes it. */
static void child_with_limit(const char *path)
{
    wg_error error = { 0 };

    signal(SIGXFSZ, SIG_IGN);
    for (rlim_t most = 0; most < 43000; most += 1999) {
        struct rlimit limit = { most, most };

        limit.rlim_max = RLIM_INFINITY;
        setrlimit(RLIMIT_FSIZE, &limit);
        error = (wg_error){ 0 };
        if (save_step(path, 2, 0, &error) == WG_OK)
            _exit(most > 40000 && loaded_step(path, NULL) == 2 ? 7 : 8);
        if (!strstr(error.text, "cannot write: File too large") || loaded_step(path, NULL) != 1)
            _exit(9);
    }
    _exit(10);
}

static void file_size_limit(void)
{
    const char *in = folder();

    EQ_INT(save_step(at(in, "m.json"), 1, 0, NULL), WG_OK);
    EQ_INT(in_child(child_with_limit, at(in, "m.json")), 7);
    EQ_INT(count_names(in, ""), 3);
}

/* ---- each call of the system fails, or is the last, in turn ---- */

/* Every call of one save fails once with each fault; the old program stays or the new one is there. */
static void every_call_fails(void)
{
    static const int faults[] = { ENOSPC, EPERM };
    const char *in = folder();
    char path[300];
    int calls = 0, refused = 0;

    snprintf(path, sizeof path, "%s/m.json", in);
    for (int inline_first = 0; inline_first < 2; inline_first++)
        for (int f = 0; f < 2; f++)
            for (int stop = 1;; stop++) {
                wg_error error = { 0 };
                wg_status status;
                int step;

                if (!CHECK(save_step(path, 1, inline_first ? 1 << 20 : 0, NULL) == WG_OK)) return;
                memset(&gate, 0, sizeof gate);
                gate.fault = faults[f];
                gate.stop = stop;
                gate.watching = true;
                status = save_step(path, 2, 0, &error);
                gate.watching = false;
                if (gate.count < stop) break;
                calls++;
                refused += status != WG_OK;
                step = loaded_step(path, NULL);
                if (!CHECK(status == WG_OK ? step == 2 : step == 1 || step == 2))
                    fprintf(stderr, "    call %d gave %d\n", stop, step);
                CHECK(status == WG_OK || error.text[0]);
                /* Nothing piles up: the next save removes what this one left. */
                CHECK(save_step(path, 3, 0, NULL) == WG_OK);
                EQ_INT(count_names(in, ""), 3);
            }
    fprintf(stderr, "%d calls failed in turn, %d saves refused\n", calls, refused);
    CHECK(calls > 40 && refused > 20);
}

/* The same, but the process ends at that call. */
static int ended_at(const char *path, int stop)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0) {
        memset(&gate, 0, sizeof gate);
        gate.stop = stop;
        gate.watching = true;
        save_step(path, 2, 0, NULL);
        _exit(1);
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void every_call_is_the_last(void)
{
    const char *in = folder();
    char path[300];
    int seen[3] = { 0, 0, 0 };

    snprintf(path, sizeof path, "%s/m.json", in);
    for (int stop = 1;; stop++) {
        int step, ended;

        if (!CHECK(save_step(path, 1, 0, NULL) == WG_OK)) return;
        EQ_INT(count_names(in, ""), 3);
        ended = ended_at(path, stop);
        step = loaded_step(path, NULL);
        if (!CHECK(step == 1 || step == 2)) return;
        seen[step]++;
        if (ended != 0) {
            EQ_INT(ended, 1);
            EQ_INT(step, 2);
            break;
        }
    }
    fprintf(stderr, "ended at each call: %d times the old program, %d times the new one\n", seen[1],
            seen[2]);
    CHECK(seen[1] > 5 && seen[2] > 3);
}

static void short_and_interrupted(void)
{
    const char *in = folder();
    wg_error error = { 0 };

    memset(&gate, 0, sizeof gate);
    gate.most = 1000;
    EQ_INT(save_step(at(in, "m.json"), 6, 0, &error), WG_OK);
    EQ_INT(loaded_step(at(in, "m.json"), &error), 6);
    NO_ERROR(&error);
    gate.most = 0;
}

/* ---- killed at any moment, and several at once ---- */

static void save_for_ever(const char *path, int tell, int from)
{
    for (int step = from;; step++) {
        if (save_step(path, step, 0, NULL) != WG_OK) _exit(3);
        if (write(tell, &step, sizeof step) != sizeof step) _exit(4);
    }
}

static uint64_t next(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

/* Starts a child that saves on and on, kills it after a while; the last step it told of. */
static int killed_after(const char *path, int from, long nanoseconds)
{
    int ends[2], step, last = from - 1, status;
    struct timespec wait = { 0, nanoseconds };
    pid_t child;

    if (pipe(ends) != 0) return -1;
    child = fork();
    if (child == 0) save_for_ever(path, ends[1], from);
    close(ends[1]);
    nanosleep(&wait, NULL);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    while (read(ends[0], &step, sizeof step) == sizeof step) last = step;
    close(ends[0]);
    return WIFSIGNALED(status) ? last : -1;
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void killed_at_any_moment(void)
{
    const char *in = folder();
    uint64_t seed = 20240607;
    int step = 1, rounds = getenv("WENGERT_SLOW") ? 10 : 60, saves = 0;
    double began = seconds(), most;
    char path[300];

    snprintf(path, sizeof path, "%s/m.json", in);
    for (int i = 0; i < 4; i++) EQ_INT(save_step(path, step, 0, NULL), WG_OK);
    most =
        fmin(seconds() - began, 0.5); /* the time of four saves, so that every part of one is met */
    for (int i = 0; i < rounds; i++) {
        long wait = (long)((double)(next(&seed) % 1000000) * 1e-6 * most * 1e9);
        int told = killed_after(path, step + 1, wait), now = loaded_step(path, NULL);

        if (!CHECK(now == told || now == told + 1)) {
            fprintf(stderr, "    step %d after %d was told of\n", now, told);
            return;
        }
        /* On a busy machine the child may not come to run at all: then it is given longer. */
        if (now == step) most = fmin(most * 1.2, 2);
        saves += now - step;
        step = now;
    }
    EQ_INT(save_step(path, step, 0, NULL), WG_OK);
    EQ_INT(count_names(in, ""), 3);
    fprintf(stderr, "%d kills in %d saves\n", rounds, saves);
    CHECK(saves > rounds / 4);
}

/* Two processes save under one name while this one loads: every load gives one whole program. */
static void several_at_once(void)
{
    const char *in = folder();
    int ends[2], loads = 0, good = 0, different = 0, before = -1;
    pid_t child[2];
    double end;
    char path[300];

    snprintf(path, sizeof path, "%s/m.json", in);
    EQ_INT(save_step(path, 1, 0, NULL), WG_OK);
    REQUIRE(pipe(ends) == 0);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    for (int i = 0; i < 2; i++) {
        child[i] = fork();
        if (child[i] == 0)
            for (int step = 1000 * i;; step++)
                if (save_step(path, step, 0, NULL) != WG_OK) _exit(3);
    }
    for (end = seconds() + 1; seconds() < end; loads++) {
        wg_error error = { 0 };
        int step = loaded_step(path, &error);

        if (!CHECK(step >= 0)) wg_error_print(&error, stderr);
        good += step >= 0;
        different += step != before;
        before = step;
    }
    for (int i = 0; i < 2; i++) {
        int status;

        EQ_INT(waitpid(child[i], &status, WNOHANG), 0);
        kill(child[i], SIGKILL);
        waitpid(child[i], &status, 0);
    }
    close(ends[0]);
    close(ends[1]);
    fprintf(stderr, "%d loads beside two savers, %d programs seen\n", loads, different);
    CHECK(different > 2 && good == loads);
}

TESTS(TEST(file_size_limit), TEST(every_call_fails), TEST(every_call_is_the_last),
      TEST(short_and_interrupted), TEST(killed_at_any_moment), TEST(several_at_once))
