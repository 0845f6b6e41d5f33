/* saved.h: a program to save and load whose every part says which save it is of, and folders to save it in. */
#ifndef SAVED_H
#define SAVED_H

#include <dirent.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <wengert.h>

#include "harness.h"
#include "temp.h"

enum { EXTENT = 5000 }; /* two entries of 20,000 bytes: above what goes inline */

static inline wg_graph *graph_of(int step, wg_params *w)
{
    wg_graph *g = wg_graph_new();
    char text[16];

    wg_begin(g, "f", WG_PREDICT);
    wg_output("a", wg_param_leaf(g, w, "A"));
    wg_output("b", wg_param_leaf(g, w, "B"));
    wg_end(g);
    snprintf(text, sizeof text, "%d", step);
    wg_metadata_set(g, "step", text);
    return g;
}

static inline wg_params *store_of(int step)
{
    wg_params *w = wg_params_new(WG_F32, 1);

    wg_params_add(w, "A", WG_F32, WG_SHAPE(EXTENT), true, NULL, NULL);
    wg_params_add(w, "B", WG_F32, WG_SHAPE(EXTENT), true, NULL, NULL);
    wg_params_fill(w, "A", step, NULL);
    wg_params_fill(w, "B", step, NULL);
    return w;
}

static inline wg_status save_step(const char *path, int step, int64_t inline_bytes, wg_error *error)
{
    wg_params *w = store_of(step);
    wg_graph *g = graph_of(step, w);
    wg_save_options options = { .inline_bytes = inline_bytes };
    wg_status status = wg_save(path, g, w, &options, error);

    wg_graph_free(g);
    wg_params_free(w);
    return status;
}

/* The step whose program lies at path; -1: none loads; -2: a mixture. */
static inline int loaded_step(const char *path, wg_error *error)
{
    wg_program p;
    int step;

    if (wg_load(path, NULL, &p, error) != WG_OK) return -1;
    step = atoi(wg_metadata_get(p.graph, "step"));
    for (int i = 0; i < EXTENT; i++)
        if (((const float *)wg_params_find(p.params, "A")->value.data)[i] != (float)step ||
            ((const float *)wg_params_find(p.params, "B")->value.data)[i] != (float)step) {
            step = -2;
            break;
        }
    wg_program_free(&p);
    return step;
}

/* A new folder below the test's own; files in it are named by `at`. */
static inline const char *folder(void)
{
    static char path[128];
    static int n;

    snprintf(path, sizeof path, "%s/%d", temp_dir(), n++);
    mkdir(path, 0777);
    return path;
}

static inline const char *at(const char *in, const char *name)
{
    static char path[4][300];
    static int i;

    i = (i + 1) % 4;
    snprintf(path[i], sizeof path[i], "%s/%s", in, name);
    return path[i];
}

/* Names in a folder whose end is `end`. */
static inline int count_names(const char *in, const char *end)
{
    DIR *d = opendir(in);
    int n = 0;

    for (struct dirent *e; d && (e = readdir(d));) {
        size_t length = strlen(e->d_name), tail = strlen(end);

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        n += length >= tail && strcmp(e->d_name + length - tail, end) == 0;
    }
    if (d) closedir(d);
    return n;
}

/* Runs f in a child; its exit status. */
static inline int in_child(void (*f)(const char *), const char *path)
{
    pid_t child = fork();
    int status = -1;

    if (child == 0) {
        f(path);
        _exit(99);
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

#endif
