/* curves.c: see curves.h. */
#include "curves.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"

bool curve_add(curve *c, double x, double y)
{
    if (c->n == c->cap) {
        int cap = c->cap * 2 + 256;
        double *more = realloc(c->x, (size_t)cap * sizeof *more);

        if (more) c->x = more;
        else return false;
        more = realloc(c->y, (size_t)cap * sizeof *more);
        if (more) c->y = more;
        else return false;
        c->cap = cap;
    }
    c->x[c->n] = x;
    c->y[c->n++] = y;
    return true;
}

void curve_free(curve *c)
{
    free(c->x);
    free(c->y);
    *c = (curve){ 0 };
}

/* A picture has no room for every step of a long run: of each stretch the lowest and the highest
 * point stay, in their order. */
static void thin(curve *c)
{
    enum { STRETCHES = 1000 };
    int kept = 0, n = c->n;

    if (n <= 2 * STRETCHES) return;
    for (int k = 0; k < STRETCHES; k++) {
        int first = (int)((int64_t)k * n / STRETCHES),
            end = (int)((int64_t)(k + 1) * n / STRETCHES);
        int low = first, high = first;

        for (int i = first; i < end; i++) {
            if (c->y[i] < c->y[low] || isnan(c->y[low])) low = i;
            if (c->y[i] > c->y[high] || isnan(c->y[high])) high = i;
        }
        for (int i = low < high ? low : high, last = low < high ? high : low;; i = last) {
            c->x[kept] = c->x[i];
            c->y[kept++] = c->y[i];
            if (i == last) break;
        }
    }
    c->n = kept;
}

static bool take(curve *c, double step, const json_t *line, const char *name)
{
    json_t *v = json_object_get(line, name);

    if (json_is_number(v)) return curve_add(c, step, json_number_value(v));
    return !json_is_null(v) || curve_add(c, step, NAN);
}

static int take_line(run_log *log, const char *name, const char *path, int64_t number,
                     const char *text)
{
    json_error_t why;
    json_t *line = json_loads(text, 0, &why), *step = json_object_get(line, "step");
    double at = json_number_value(step);
    bool good;

    if (!json_is_number(step)) {
        json_decref(line);
        return trouble(name, "`wengert train --log FILE` writes such a file",
                       "%s: line %lld, column %d: %s", path, (long long)number,
                       line ? 1 : why.column, line ? "no object with a number \"step\"" : why.text);
    }
    good = take(&log->batch, at, line, "loss") && take(&log->smoothed, at, line, "smoothed") &&
           take(&log->mean, at, line, "mean") && take(&log->validation, at, line, "validation") &&
           take(&log->lr, at, line, "lr");
    json_decref(line);
    return good ? EXIT_GOOD : trouble(name, NULL, "out of memory");
}

int run_log_read(run_log *log, const char *name, const char *path)
{
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    int status = EXIT_GOOD;

    if (!f)
        return trouble(name, "name a log of `wengert train --log`, or schedulers, or activations",
                       "%s: %s", path, strerror(errno));
    errno = 0;
    for (int64_t n = 1; status == EXIT_GOOD && (length = getline(&line, &room, f)) > 0; n++)
        if (line[length - 1] == '\n') status = take_line(log, name, path, n, line);
    if (status == EXIT_GOOD && ferror(f))
        status = trouble(name, NULL, "%s: %s", path, strerror(errno));
    free(line);
    fclose(f);
    thin(&log->batch);
    thin(&log->smoothed);
    thin(&log->lr);
    return status;
}

void run_log_free(run_log *log)
{
    curve_free(&log->batch);
    curve_free(&log->smoothed);
    curve_free(&log->mean);
    curve_free(&log->validation);
    curve_free(&log->lr);
}
