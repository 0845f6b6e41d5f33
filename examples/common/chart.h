/* chart.h: a line chart as an SVG file. */
#ifndef EXAMPLES_CHART_H
#define EXAMPLES_CHART_H

#include <stdbool.h>

typedef struct {
    const char *name; /* for the legend */
    int n;
    const double *x, *y; /* n points; the line breaks where one is not finite */
    bool faint;          /* drawn thin and light, behind the others: raw data under its mean */
} chart_series;

/** Writes the chart to `path`: title, axes with round ticks and labels, a legend where there are
 * several lines. The y axis begins at 0 when the data comes near it. False, with errno set, when
 * the file could not be written whole. */
bool chart_write(const char *path, const char *title, const char *x_label, const char *y_label,
                 int n_series, const chart_series *series);

#endif
