/*
 * workloads.c: the workloads of jobs.c timed, or their numbers written to files.
 *     workloads [--threads N] [--seconds S] [--report] [NAME...]
 *     workloads --serve [--threads N]       lines "NAME SECONDS" from standard input
 *     workloads --memory [--threads N] NAME
 *     workloads --dump FOLDER [--f64] [--threads N] NAME
 *     workloads --save FOLDER [NAME...]
 *     workloads --list
 * Timed: one JSON line a workload: median and least seconds of a step, in at least S seconds of
 * steps (0.5 by default). --memory: bytes by which the resident set of the process grew at its
 * peak, from before the workload was recorded until after five steps. --dump: what a step starts
 * from and makes, as .npy files: in.NAME the inputs, p0.NAME the weights, stepK.NAME the outputs of
 * step K, p3.NAME the weights and everything else of the store after three steps; outK.NAME the
 * same, with the gradients and each ReLU's result, of a second recording, and q3.NAME its store;
 * "about" has the rate. --save: FOLDER/NAME.json, the program, for startup.
 */
#define _POSIX_C_SOURCE 199309L
#include <stdlib.h>
#include <string.h>

#include "jobs.h"
#include "timing.h"

enum { MOST_TIMES = 20000, MOST_JOBS = 32, DUMPED_STEPS = 3 };

typedef struct {
    int threads;
    double seconds;
    bool report, f64;
} options;

/* ---- timing ---- */

static bool time_plan(wg_plan *p, const char *name, const options *o)
{
    static double times[MOST_TIMES];
    double begin, spent = 0;
    int n = 0, repeat = 1;

    for (int i = 0; i < 3; i++)
        if (wg_plan_run(p) != WG_OK) return false;
    begin = now();
    wg_plan_run(p);
    /* a step too short for the clock is timed in packs */
    if (now() - begin < 1e-5) repeat = 1000;
    while (n < MOST_TIMES && (spent < o->seconds || n < 5)) {
        begin = now();
        for (int i = 0; i < repeat; i++)
            if (wg_plan_run(p) != WG_OK) return false;
        times[n] = (now() - begin) / repeat;
        spent += times[n++] * repeat;
    }
    qsort(times, (size_t)n, sizeof *times, by_size);
    printf("{\"workload\": \"%s\", \"threads\": %d, \"median_s\": %.9g, \"min_s\": %.9g, "
           "\"steps\": %d}\n",
           name, o->threads, times[n / 2], times[0], n * repeat);
    fflush(stdout);
    return true;
}

static wg_plan *open_plan(job *j, int k, job_kind kind, const options *o)
{
    wg_error error = { .code = WG_OK };
    wg_plan *p = NULL;

    if (job_open(j, k, kind, &error)) {
        p = job_plan(j, &(wg_plan_options){ .threads = o->threads, .timing = o->report }, &error);
        if (!p) job_close(j);
    }
    if (!p) wg_error_print(&error, stderr);
    return p;
}

static bool run(int k, const options *o)
{
    job j;
    wg_plan *p = open_plan(&j, k, (job_kind){ .real = WG_F32 }, o);
    bool ok;

    if (!p) return false;
    ok = time_plan(p, job_name(k), o);
    if (!ok) wg_error_print(wg_plan_error(p), stderr);
    if (ok && o->report) wg_plan_report_print(p, false, stdout);
    wg_plan_free(p);
    job_close(&j);
    return ok;
}

/* A workload stays open once it was asked for: what is timed next is a step, not a beginning. */
static bool serve(options *o)
{
    static job jobs[MOST_JOBS];
    static wg_plan *plans[MOST_JOBS];
    char line[200], name[100];
    bool ok = true;

    while (ok && fgets(line, sizeof line, stdin)) {
        int k = sscanf(line, "%99s %lf", name, &o->seconds) == 2 ? job_find(name) : -1;

        ok = k >= 0 && k < MOST_JOBS;
        if (ok && !plans[k]) plans[k] = open_plan(&jobs[k], k, (job_kind){ .real = WG_F32 }, o);
        ok = ok && plans[k] && time_plan(plans[k], name, o);
    }
    for (int k = 0; k < MOST_JOBS; k++) {
        if (!plans[k]) continue;
        wg_plan_free(plans[k]);
        job_close(&jobs[k]);
    }
    return ok;
}

/* ---- memory ---- */

/* The largest resident set of this program so far. Not getrusage's figure, which a process inherits
 * from the one that started it. */
static long peak_bytes(void)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[200];
    long kib = 0;

    while (f && fgets(line, sizeof line, f)) sscanf(line, "VmHWM: %ld", &kib);
    if (f) fclose(f);
    return kib * 1024;
}

static bool measure_memory(int k, const options *o)
{
    long before = peak_bytes();
    wg_plan_stats stats = { 0 };
    job j;
    wg_plan *p = open_plan(&j, k, (job_kind){ .real = WG_F32 }, o);
    bool ok = p != NULL;

    for (int i = 0; i < 5 && ok; i++) ok = wg_plan_run(p) == WG_OK;
    if (ok) {
        wg_plan_report(p, &stats);
        printf("{\"workload\": \"%s\", \"threads\": %d, \"before\": %ld, \"growth\": %ld, "
               "\"arena\": %lld}\n",
               job_name(k), o->threads, before, peak_bytes() - before,
               (long long)stats.arena_bytes);
    }
    if (p) {
        wg_plan_free(p);
        job_close(&j);
    }
    return ok;
}

/* ---- numbers into files ---- */

/* FOLDER/KIND.NAME.npy, with a dot for each '/' of the name. */
static bool write(const char *folder, const char *kind, const char *name, wg_array a)
{
    wg_error error = { .code = WG_OK };
    char path[1000];
    size_t at = strlen(folder) + 1;

    snprintf(path, sizeof path, "%s/%s.%s.npy", folder, kind, name);
    for (; path[at]; at++)
        if (path[at] == '/') path[at] = '.';
    if (wg_npy_write(path, a, &error) == WG_OK) return true;
    wg_error_print(&error, stderr);
    return false;
}

static bool write_store(const char *folder, const char *kind, const job *j)
{
    bool ok = true;

    for (int i = 0; i < wg_params_count(j->w) && ok; i++)
        ok = write(folder, kind, wg_params_at(j->w, i)->name, wg_params_at(j->w, i)->value);
    return ok;
}

static bool write_outputs(const char *folder, const char *kind, const job *j, wg_plan *p)
{
    int f = wg_function_find(j->g, "step");
    bool ok = true;

    for (int i = 0; i < wg_function_n_outputs(j->g, f) && ok; i++)
        ok = write(folder, kind, wg_function_output_name(j->g, f, i), *wg_plan_value_at(p, i));
    return ok;
}

/* Without an update each step is the first one. */
static int steps_of(const job *j)
{
    return j->rate > 0 ? DUMPED_STEPS : 1;
}

static bool write_about(const char *folder, const job *j)
{
    char path[1000];
    FILE *f;
    bool ok;

    snprintf(path, sizeof path, "%s/about", folder);
    f = fopen(path, "w");
    ok = f && fprintf(f, "{\"rate\": %g, \"steps\": %d}\n", j->rate, steps_of(j)) > 0;
    if (f) ok = fclose(f) == 0 && ok;
    if (!ok) perror(path);
    return ok;
}

/* The steps of a plan: what each makes, as KINDSTEP.NAME, and what the store is in the end. */
static bool dump_steps(const char *folder, const char *kind, const char *end, const job *j,
                       wg_plan *p)
{
    int steps = steps_of(j);
    char numbered[20];
    bool ok = true;

    for (int i = 0; i < steps && ok; i++) {
        snprintf(numbered, sizeof numbered, "%s%d", kind, i);
        ok = wg_plan_run(p) == WG_OK && write_outputs(folder, numbered, j, p);
    }
    if (wg_plan_error(p)->code != WG_OK) wg_error_print(wg_plan_error(p), stderr);
    return ok && write_store(folder, end, j);
}

/* The plan that is timed writes no gradients: they come from a second recording, the same but for
 * its outputs; both go the same steps, and must come to the same bits. */
static bool dump(int k, const char *folder, const options *o)
{
    job_kind kind = { .real = o->f64 ? WG_F64 : WG_F32, .visible = true };
    bool ok = true;

    for (int second = 0; second < 2 && ok; second++) {
        job j;
        wg_plan *p;

        kind.gradients = second;
        p = open_plan(&j, k, kind, o);
        if (!p) return false;
        if (!second) {
            for (int i = 0; i < j.n_fed && ok; i++) ok = write(folder, "in", j.name[i], j.fed[i]);
            ok = ok && write_store(folder, "p0", &j) && write_about(folder, &j);
        }
        ok = ok && dump_steps(folder, second ? "out" : "step", second ? "q3" : "p3", &j, p);
        wg_plan_free(p);
        job_close(&j);
    }
    return ok;
}

static bool save(int k, const char *folder)
{
    wg_error error = { .code = WG_OK };
    char path[1000];
    job j;
    bool ok = job_open(&j, k, (job_kind){ .real = WG_F32 }, &error);

    snprintf(path, sizeof path, "%s/%s.json", folder, job_name(k));
    if (ok) {
        ok = wg_save(path, j.g, j.w, NULL, &error) == WG_OK;
        job_close(&j);
    }
    if (!ok) wg_error_print(&error, stderr);
    return ok;
}

/* ---- the command line ---- */

static int usage(void)
{
    fprintf(stderr,
            "usage: workloads [--serve | --memory | --dump FOLDER | --save FOLDER | --list] "
            "[--threads N] [--seconds S] [--report] [--f64] [NAME...]\n");
    return 2;
}

int main(int argc, char **argv)
{
    options o = { .threads = 1, .seconds = 0.5 };
    const char *folder = NULL, *programs = NULL;
    bool serving = false, memory = false, list = false, ok = true;
    int first = 1;

    for (; first < argc && argv[first][0] == '-'; first++) {
        bool more = first + 1 < argc;

        if (!strcmp(argv[first], "--report")) o.report = true;
        else if (!strcmp(argv[first], "--f64")) o.f64 = true;
        else if (!strcmp(argv[first], "--serve")) serving = true;
        else if (!strcmp(argv[first], "--memory")) memory = true;
        else if (!strcmp(argv[first], "--list")) list = true;
        else if (!strcmp(argv[first], "--dump") && more) folder = argv[++first];
        else if (!strcmp(argv[first], "--save") && more) programs = argv[++first];
        else if (!strcmp(argv[first], "--threads") && more) o.threads = atoi(argv[++first]);
        else if (!strcmp(argv[first], "--seconds") && more) o.seconds = atof(argv[++first]);
        else return usage();
    }
    for (int i = first; i < argc; i++) {
        if (job_find(argv[i]) >= 0) continue;
        fprintf(stderr, "workloads: there is no workload \"%s\"\n", argv[i]);
        return 2;
    }
    if ((memory || folder) && argc - first != 1) return usage();
    if (serving) return !serve(&o);
    for (int k = 0; k < job_count(); k++) {
        bool wanted = first == argc;

        for (int i = first; i < argc; i++) wanted |= !strcmp(argv[i], job_name(k));
        if (!wanted) continue;
        if (list) puts(job_name(k));
        else if (memory) ok = measure_memory(k, &o) && ok;
        else if (programs) ok = save(k, programs) && ok;
        else if (folder) ok = dump(k, folder, &o) && ok;
        else ok = run(k, &o) && ok;
    }
    return !ok;
}
