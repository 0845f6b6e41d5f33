/* chart.h: line charts as SVG: one, or panels on a page. Shared by the command and the examples. */
#ifndef WENGERT_TOOLS_CHART_H
#define WENGERT_TOOLS_CHART_H

#include <stdbool.h>
#include <stdio.h>

typedef struct {
    const char *name; /* for the legend */
    int n;
    const double *x, *y; /* n points; the line breaks where one is not finite */
    bool faint;          /* drawn thin and light, behind the others: raw data under its mean */
    bool dots;           /* a mark at each point */
    const char *dash;    /* lengths of strokes and gaps, "6 3"; NULL: a whole line */
} chart_series;

typedef struct {
    const char *title, *x_label, *y_label;
    const char *subtitle; /* smaller, below the title; may be NULL */
    int n_series;
    const chart_series *series;
    double y_low, y_high;     /* of the y axis; both 0: as the data ask for */
    bool log_y;               /* powers of ten; values that are not positive break the line */
    int n_names;              /* the x axis has names instead of numbers: x = 0, 1, ... */
    const char *const *names; /* n_names of them */
} chart_panel;

/** Writes panels in rows of `columns`, each 760 x 430 units for a single one, smaller for many,
 * under a title where there are several: axes with round ticks and labels, a legend where there are
 * several lines. A y axis begins at 0 when the data comes near it. */
void chart_put(FILE *to, const char *title, int columns, int n_panels, const chart_panel *panel);

/** Writes a single chart to the file `path`. False, with errno set, when the file could not be
 * written whole. */
bool chart_write(const char *path, const char *title, const char *x_label, const char *y_label,
                 int n_series, const chart_series *series);

#endif
