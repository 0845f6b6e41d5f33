/* chart.c: lines, ticks and labels as SVG text. */
#include "chart.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 760, HEIGHT = 430, LEFT = 70, RIGHT = 24, TOP = 56, BOTTOM = 58, TICKS = 6 };
enum { N_COLOURS = 5 };

/* Okabe and Ito's palette, which stays apart for colour-blind readers. */
static const char *const colour[N_COLOURS] = { "#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                               "#56b4e9" };

typedef struct {
    double low, high, step;
} axis;

/* Bounds at round numbers, 1, 2 or 5 times a power of ten apart. */
static axis axis_over(double low, double high, bool from_zero)
{
    double raw, power, unit;
    axis a;

    if (from_zero && low > 0 && low < 0.5 * high) low = 0;
    if (!(high > low)) {
        double half = fabs(low) > 0 ? 0.5 * fabs(low) : 0.5;

        low -= half;
        high += half;
    }
    raw = (high - low) / TICKS;
    power = pow(10, floor(log10(raw)));
    unit = raw / power;
    a.step = (unit <= 1 ? 1 : unit <= 2 ? 2 : unit <= 5 ? 5 : 10) * power;
    a.low = a.step * floor(low / a.step + 1e-9);
    a.high = a.step * ceil(high / a.step - 1e-9);
    return a;
}

static double place_x(const axis *a, double x)
{
    return LEFT + (WIDTH - LEFT - RIGHT) * (x - a->low) / (a->high - a->low);
}

static double place_y(const axis *a, double y)
{
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (y - a->low) / (a->high - a->low);
}

static void put_text(FILE *f, const char *s)
{
    for (; *s; s++) {
        switch (*s) {
        case '&':
            fputs("&amp;", f);
            break;
        case '<':
            fputs("&lt;", f);
            break;
        case '>':
            fputs("&gt;", f);
            break;
        case '"':
            fputs("&quot;", f);
            break;
        default:
            fputc(*s, f);
        }
    }
}

static void put_label(FILE *f, double x, double y, const char *anchor, const char *more,
                      const char *text)
{
    fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"%s>", x, y, anchor, more);
    put_text(f, text);
    fputs("</text>\n", f);
}

/* As many decimals as the step needs; thousands without an exponent. */
static const char *tick_text(const axis *a, double value, char buf[32])
{
    int decimals = a->step >= 1 ? 0 : (int)ceil(-log10(a->step) - 1e-9);

    if (fabs(value) < a->step * 1e-9) value = 0;
    if (a->high >= 1e7 || decimals > 6) snprintf(buf, 32, "%.3g", value);
    else snprintf(buf, 32, "%.*f", decimals, value);
    return buf;
}

static void put_axes(FILE *f, const axis *x, const axis *y, const char *x_label,
                     const char *y_label)
{
    double left = LEFT, right = WIDTH - RIGHT, bottom = HEIGHT - BOTTOM;
    char buf[32];

    for (int i = 0; y->low + i * y->step <= y->high + 0.5 * y->step; i++) {
        double value = y->low + i * y->step, at = place_y(y, value);

        fprintf(f, "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>\n", left, at, right);
        put_label(f, left - 10, at + 4, "end", "", tick_text(y, value, buf));
    }
    for (int i = 0; x->low + i * x->step <= x->high + 0.5 * x->step; i++) {
        double value = x->low + i * x->step, at = place_x(x, value);

        fprintf(f, "<path class=\"axis\" d=\"M%.1f %.1fv5\"/>\n", at, bottom);
        put_label(f, at, bottom + 20, "middle", "", tick_text(x, value, buf));
    }
    fprintf(f, "<path class=\"axis\" d=\"M%.1f %.1fH%.1f\"/>\n", left, bottom, right);
    put_label(f, (left + right) / 2, HEIGHT - 14, "middle", "", x_label);
    snprintf(buf, sizeof buf, " transform=\"rotate(-90)\"");
    put_label(f, -(TOP + bottom) / 2, 20, "middle", buf, y_label);
}

static void put_line(FILE *f, const chart_series *s, int index, const axis *x, const axis *y)
{
    bool pen_down = false;
    int on_line = 0;

    fprintf(f, "<path class=\"%s\" stroke=\"%s\" d=\"", s->faint ? "faint" : "line",
            colour[index % N_COLOURS]);
    for (int i = 0; i < s->n; i++) {
        if (!isfinite(s->x[i]) || !isfinite(s->y[i])) {
            pen_down = false;
            continue;
        }
        fprintf(f, "%s%.1f %.1f", pen_down ? "L" : "M", place_x(x, s->x[i]), place_y(y, s->y[i]));
        if (++on_line % 12 == 0) fputc('\n', f);
        pen_down = true;
    }
    fputs("\"/>\n", f);
}

static void put_legend(FILE *f, int n, const chart_series *series)
{
    double at = WIDTH - RIGHT;

    for (int k = n - 1; k >= 0; k--) {
        double text = 7.6 * (double)strlen(series[k].name); /* a generous guess of its width */

        put_label(f, at, TOP - 12, "end", "", series[k].name);
        at -= text + 30;
        fprintf(f, "<path class=\"%s\" stroke=\"%s\" d=\"M%.1f %dh22\"/>\n",
                series[k].faint ? "faint" : "line", colour[k % N_COLOURS], at, TOP - 16);
        at -= 18;
    }
}

static void bounds(int n_series, const chart_series *series, double x[2], double y[2])
{
    x[0] = y[0] = DBL_MAX;
    x[1] = y[1] = -DBL_MAX;
    for (int k = 0; k < n_series; k++) {
        for (int i = 0; i < series[k].n; i++) {
            double px = series[k].x[i], py = series[k].y[i];

            if (!isfinite(px) || !isfinite(py)) continue;
            x[0] = fmin(x[0], px);
            x[1] = fmax(x[1], px);
            y[0] = fmin(y[0], py);
            y[1] = fmax(y[1], py);
        }
    }
    if (x[0] > x[1]) x[0] = y[0] = 0, x[1] = y[1] = 1;
}

bool chart_write(const char *path, const char *title, const char *x_label, const char *y_label,
                 int n_series, const chart_series *series)
{
    double x_range[2], y_range[2];
    axis x, y;
    FILE *f = fopen(path, "w");
    bool good;

    if (!f) return false;
    bounds(n_series, series, x_range, y_range);
    x = axis_over(x_range[0], x_range[1], true);
    y = axis_over(y_range[0], y_range[1], true);
    fprintf(f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
            "viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"13\" fill=\"#333\">\n",
            WIDTH, HEIGHT, WIDTH, HEIGHT);
    fputs("<style>.grid{stroke:#e4e4e4}.axis{stroke:#777;fill:none}"
          ".line{fill:none;stroke-width:2;stroke-linejoin:round}"
          ".faint{fill:none;stroke-width:1;stroke-opacity:.35;stroke-linejoin:round}</style>\n",
          f);
    fprintf(f, "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", WIDTH, HEIGHT);
    put_label(f, LEFT, 26, "start", " font-size=\"17\" font-weight=\"bold\"", title);
    put_axes(f, &x, &y, x_label, y_label);
    for (int k = 0; k < n_series; k++)
        if (series[k].faint) put_line(f, &series[k], k, &x, &y);
    for (int k = 0; k < n_series; k++)
        if (!series[k].faint) put_line(f, &series[k], k, &x, &y);
    if (n_series > 1) put_legend(f, n_series, series);
    fputs("</svg>\n", f);
    good = !ferror(f);
    return (fclose(f) == 0) && good;
}
