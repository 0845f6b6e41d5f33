/*
 * startup.c: how long a process takes that loads a saved program and runs one step of it.
 *     startup [--threads N] [--times K] [--function NAME] PROGRAM.json...
 * One JSON line a program: each of K processes (default 15) is new, and loads the program, makes a
 * plan of the function (default: the first one that trains, else the first), feeds it as recorded
 * (standard normal numbers; zeros for indices) and runs it once. Least and median seconds of the
 * process from before it was begun until it has ended, and the medians of its parts: load, plan
 * with the feeds, first run; the rest is what the system takes to begin and end a process.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wengert.h>

#include "timing.h"

enum { MOST_TIMES = 200, MOST_INPUTS = 64, LOAD = 0, PLAN, RUN, WHOLE, PARTS };

/* ---- one process ---- */

static int function_of(const wg_graph *g, const char *name)
{
    if (*name) return wg_function_find(g, name);
    for (int f = 0; f < wg_function_count(g); f++)
        if (wg_function_mode(g, f) == WG_TRAIN) return f;
    return 0;
}

static bool feed(wg_plan *p, const wg_graph *g, int f, void **data)
{
    wg_tensor *leaf[MOST_INPUTS];
    int n = wg_function_inputs(g, f, MOST_INPUTS, leaf);

    if (n < 0 || n > MOST_INPUTS) return false;
    for (int i = 0; i < n; i++) {
        const wg_type *type = wg_tensor_type(leaf[i]);
        int64_t count = wg_shape_count(&type->shape);

        data[i] = calloc((size_t)count + 1, 8);
        if (!data[i]) return false;
        if (wg_dtype_is_real(type->dtype))
            wg_random_normal(1, (uint64_t)i, 0, 0, count, type->dtype, data[i]);
        if (wg_plan_feed(p, wg_tensor_leaf_name(leaf[i]),
                         wg_array_of(type->dtype, type->shape, data[i])) != WG_OK)
            return false;
    }
    return true;
}

/* Loads and runs, and prints the seconds of the parts. */
static int once(int threads, const char *function, const char *path)
{
    void *data[MOST_INPUTS] = { 0 };
    double at[4] = { now() };
    wg_error error = { .code = WG_OK };
    wg_program program;
    wg_plan *p = NULL;
    bool ok = wg_load(path, NULL, &program, &error) == WG_OK;
    int f;

    if (ok) {
        at[1] = now();
        f = function_of(program.graph, function);
        p = wg_plan_new_error(program.graph, program.params,
                              f < 0 ? function : wg_function_name(program.graph, f),
                              &(wg_plan_options){ .threads = threads }, &error);
        ok = p && f >= 0 && feed(p, program.graph, f, data);
        at[2] = now();
        ok = ok && wg_plan_run(p) == WG_OK;
        at[3] = now();
        if (p && !ok) error = *wg_plan_error(p);
    }
    if (ok) printf("%.9g %.9g %.9g\n", at[1] - at[0], at[2] - at[1], at[3] - at[2]);
    else wg_error_print(&error, stderr);
    wg_plan_free(p);
    for (int i = 0; i < MOST_INPUTS; i++) free(data[i]);
    wg_program_free(&program);
    return !ok;
}

/* ---- many processes ---- */

/* The seconds of a process of its own. */
static bool process(char *self, int threads, const char *function, char *path, double *part)
{
    char many[16], name[256];
    char *words[] = { self, "--once", many, name, path, NULL };
    double begin = now();
    int pipes[2], status = 1;
    FILE *from;
    pid_t child;
    bool ok;

    snprintf(many, sizeof many, "%d", threads);
    snprintf(name, sizeof name, "%s", function);
    if (pipe(pipes) != 0) return false;
    child = fork();
    if (child == 0) {
        dup2(pipes[1], 1);
        close(pipes[0]);
        close(pipes[1]);
        execv(self, words);
        _exit(127);
    }
    close(pipes[1]);
    from = fdopen(pipes[0], "r");
    ok = child > 0 && from && fscanf(from, "%lf %lf %lf", part, part + 1, part + 2) == 3;
    if (from) fclose(from);
    if (child > 0) waitpid(child, &status, 0);
    part[WHOLE] = now() - begin;
    return ok && status == 0;
}

static bool program_times(char *self, int threads, int times, const char *function, char *path)
{
    static double part[PARTS][MOST_TIMES];

    for (int i = 0; i < times; i++) {
        double of[PARTS];

        if (!process(self, threads, function, path, of)) return false;
        for (int k = 0; k < PARTS; k++) part[k][i] = of[k];
    }
    for (int k = 0; k < PARTS; k++) qsort(part[k], (size_t)times, sizeof *part[k], by_size);
    printf("{\"program\": \"%s\", \"threads\": %d, \"min_s\": %.4g, \"median_s\": %.4g, "
           "\"load_s\": %.4g, \"plan_s\": %.4g, \"run_s\": %.4g}\n",
           strrchr(path, '/') ? strrchr(path, '/') + 1 : path, threads, part[WHOLE][0],
           part[WHOLE][times / 2], part[LOAD][times / 2], part[PLAN][times / 2],
           part[RUN][times / 2]);
    fflush(stdout);
    return true;
}

int main(int argc, char **argv)
{
    int threads = 1, times = 15, first = 1;
    const char *function = "";
    bool ok = true;

    if (argc == 5 && !strcmp(argv[1], "--once")) return once(atoi(argv[2]), argv[3], argv[4]);
    for (; first + 1 < argc && argv[first][0] == '-'; first += 2) {
        if (!strcmp(argv[first], "--threads")) threads = atoi(argv[first + 1]);
        else if (!strcmp(argv[first], "--times")) times = atoi(argv[first + 1]);
        else if (!strcmp(argv[first], "--function")) function = argv[first + 1];
        else break;
    }
    if (first >= argc || argv[first][0] == '-' || times < 1 || times > MOST_TIMES) {
        fprintf(stderr,
                "usage: startup [--threads N] [--times 1..%d] [--function NAME] "
                "PROGRAM.json...\n",
                MOST_TIMES);
        return 2;
    }
    for (int i = first; i < argc; i++)
        ok = program_times(argv[0], threads, times, function, argv[i]) && ok;
    return !ok;
}
