/* chart.c: lines, ticks and labels as SVG text. */
#include "chart.h"
#include "escape.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LEFT = 76, RIGHT = 24, TOP = 56, BOTTOM = 58, N_COLOURS = 6, TITLE = 44 };

/* Okabe and Ito's palette, which stays apart for colour-blind readers. */
static const char *const colour[N_COLOURS] = { "#0072b2", "#d55e00", "#009e73",
                                               "#cc79a7", "#56b4e9", "#e69f00" };

typedef struct {
    double low, high, step;
    bool log;
} axis;

typedef struct {
    FILE *to;
    const chart_panel *panel;
    double left, top, right, bottom; /* of the space inside the axes */
    axis x, y;
} frame;

/* Bounds at round numbers, 1, 2 or 5 times a power of ten apart. */
static axis axis_over(double low, double high, bool from_zero, int ticks)
{
    double raw, power, unit;
    axis a = { .log = false };

    if (from_zero && low > 0 && low < 0.5 * high) low = 0;
    if (!(high > low)) {
        double half = fabs(low) > 0 ? 0.5 * fabs(low) : 0.5;

        low -= half;
        high += half;
    }
    raw = (high - low) / ticks;
    power = pow(10, floor(log10(raw)));
    unit = raw / power;
    a.step = (unit <= 1 ? 1 : unit <= 2 ? 2 : unit <= 5 ? 5 : 10) * power;
    a.low = a.step * floor(low / a.step + 1e-9);
    a.high = a.step * ceil(high / a.step - 1e-9);
    return a;
}

/* Exponents of ten. */
static axis log_axis(double low, double high, int ticks)
{
    axis a = { floor(low + 1e-9), ceil(high - 1e-9), 1, true };

    if (!(a.high > a.low)) a.low -= 1, a.high += 1;
    while ((a.high - a.low) / a.step > ticks + 1) a.step++;
    a.high = a.low + a.step * ceil((a.high - a.low) / a.step);
    return a;
}

static double value_on(const axis *a, double v)
{
    return a->log ? v > 0 ? log10(v) : NAN : v;
}

static double place_x(const frame *f, double x)
{
    return f->left + (f->right - f->left) * (x - f->x.low) / (f->x.high - f->x.low);
}

static double place_y(const frame *f, double y)
{
    return f->bottom - (f->bottom - f->top) * (y - f->y.low) / (f->y.high - f->y.low);
}

static void put_label(FILE *to, double x, double y, const char *anchor, const char *more,
                      const char *text)
{
    fprintf(to, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"%s>", x, y, anchor, more);
    put_escaped(text, to);
    fputs("</text>\n", to);
}

/* As many decimals as the step needs; thousands without an exponent. */
static const char *tick_text(const axis *a, double value, char buf[32])
{
    int decimals = a->step >= 1 ? 0 : (int)ceil(-log10(a->step) - 1e-9);

    if (fabs(value) < a->step * 1e-9) value = 0;
    if (a->log) snprintf(buf, 32, "1e%+.0f", value);
    else if (a->high >= 1e7 || decimals > 6) snprintf(buf, 32, "%.3g", value);
    else snprintf(buf, 32, "%.*f", decimals, value);
    return buf;
}

/* Names slant where they are many. */
static void put_names(const frame *f)
{
    char more[96];

    for (int i = 0; i < f->panel->n_names; i++) {
        double at = place_x(f, i);

        fprintf(f->to, "<path class=\"axis\" d=\"M%.1f %.1fv5\"/>\n", at, f->bottom);
        snprintf(more, sizeof more, " font-size=\"11\" transform=\"rotate(-35 %.1f %.1f)\"", at,
                 f->bottom + 16);
        put_label(f->to, at + 4, f->bottom + 16, "end", more, f->panel->names[i]);
    }
}

static void put_axes(const frame *f, double label_at)
{
    const axis *x = &f->x, *y = &f->y;
    char buf[32];

    for (int i = 0; y->low + i * y->step <= y->high + 0.5 * y->step; i++) {
        double value = y->low + i * y->step, at = place_y(f, value);

        fprintf(f->to, "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>\n", f->left, at, f->right);
        put_label(f->to, f->left - 10, at + 4, "end", "", tick_text(y, value, buf));
    }
    for (int i = 0; !f->panel->n_names && x->low + i * x->step <= x->high + 0.5 * x->step; i++) {
        double value = x->low + i * x->step, at = place_x(f, value);

        fprintf(f->to, "<path class=\"axis\" d=\"M%.1f %.1fv5\"/>\n", at, f->bottom);
        put_label(f->to, at, f->bottom + 20, "middle", "", tick_text(x, value, buf));
    }
    put_names(f);
    fprintf(f->to, "<path class=\"axis\" d=\"M%.1f %.1fH%.1f\"/>\n", f->left, f->bottom, f->right);
    put_label(f->to, (f->left + f->right) / 2, label_at, "middle", "", f->panel->x_label);
    if (!f->panel->y_label[0]) return;
    fprintf(f->to, "<g transform=\"translate(%.1f,%.1f) rotate(-90)\">\n", f->left - LEFT + 16,
            (f->top + f->bottom) / 2);
    put_label(f->to, 0, 0, "middle", "", f->panel->y_label);
    fputs("</g>\n", f->to);
}

static void put_stroke(const frame *f, const chart_series *s, int index)
{
    fprintf(f->to, "<path class=\"%s\" stroke=\"%s\"", s->faint ? "faint" : "line",
            colour[index % N_COLOURS]);
    if (s->dash) fprintf(f->to, " stroke-dasharray=\"%s\"", s->dash);
}

static void put_line(const frame *f, const chart_series *s, int index)
{
    bool pen_down = false;
    int on_line = 0;

    put_stroke(f, s, index);
    fputs(" d=\"", f->to);
    for (int i = 0; i < s->n; i++) {
        double x = s->x[i], y = value_on(&f->y, s->y[i]);

        if (!isfinite(x) || !isfinite(y)) {
            pen_down = false;
            continue;
        }
        fprintf(f->to, "%s%.1f %.1f", pen_down ? "L" : "M", place_x(f, x), place_y(f, y));
        if (++on_line % 12 == 0) fputc('\n', f->to);
        pen_down = true;
    }
    fputs("\"/>\n", f->to);
    for (int i = 0; s->dots && i < s->n; i++) {
        double y = value_on(&f->y, s->y[i]);

        if (isfinite(s->x[i]) && isfinite(y))
            fprintf(f->to, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n",
                    place_x(f, s->x[i]), place_y(f, y), colour[index % N_COLOURS]);
    }
}

static void put_legend(const frame *f)
{
    double at = f->right;

    for (int k = f->panel->n_series - 1; k >= 0; k--) {
        const chart_series *s = &f->panel->series[k];
        double text = 7.6 * (double)strlen(s->name); /* a generous guess of its width */

        put_label(f->to, at, f->top - 12, "end", "", s->name);
        at -= text + 30;
        put_stroke(f, s, k);
        fprintf(f->to, " d=\"M%.1f %.1fh22\"/>\n", at, f->top - 16);
        at -= 18;
    }
}

static void bounds(const frame *f, double x[2], double y[2])
{
    x[0] = y[0] = DBL_MAX;
    x[1] = y[1] = -DBL_MAX;
    for (int k = 0; k < f->panel->n_series; k++) {
        const chart_series *s = &f->panel->series[k];

        for (int i = 0; i < s->n; i++) {
            double px = s->x[i], py = value_on(&f->y, s->y[i]);

            if (!isfinite(px)) continue;
            x[0] = fmin(x[0], px);
            x[1] = fmax(x[1], px);
            if (!isfinite(py)) continue;
            y[0] = fmin(y[0], py);
            y[1] = fmax(y[1], py);
        }
    }
    if (x[0] > x[1]) x[0] = 0, x[1] = 1;
    if (y[0] > y[1]) y[0] = 0, y[1] = 1;
}

static void put_panel(FILE *to, const chart_panel *panel, double left, double top, double width,
                      double height)
{
    frame f = { .to = to, .panel = panel, .y = { .log = panel->log_y } };
    double x[2], y[2], below = panel->n_names ? BOTTOM + 34 : BOTTOM;
    int ticks = width > 600 ? 6 : 4;

    f.left = left + LEFT;
    f.right = left + width - RIGHT;
    f.top = top + TOP;
    f.bottom = top + height - below;
    bounds(&f, x, y);
    f.x = axis_over(x[0], x[1], true, ticks);
    if (panel->n_names) f.x.low = -0.5, f.x.high = panel->n_names - 0.5;
    if (panel->y_high > panel->y_low) y[0] = panel->y_low, y[1] = panel->y_high;
    f.y = panel->log_y ? log_axis(y[0], y[1], ticks) : axis_over(y[0], y[1], true, ticks);
    put_label(to, f.left, top + 26, "start", " font-size=\"17\" font-weight=\"bold\"",
              panel->title);
    if (panel->subtitle)
        put_label(to, f.left, top + 43, "start", " font-size=\"12\" fill=\"#666\"",
                  panel->subtitle);
    put_axes(&f, top + height - 14);
    for (int k = 0; k < panel->n_series; k++)
        if (panel->series[k].faint) put_line(&f, &panel->series[k], k);
    for (int k = 0; k < panel->n_series; k++)
        if (!panel->series[k].faint) put_line(&f, &panel->series[k], k);
    if (panel->n_series > 1) put_legend(&f);
}

void chart_put(FILE *to, const char *title, int columns, int n_panels, const chart_panel *panel)
{
    int rows = (n_panels + columns - 1) / columns;
    double width = columns == 1 ? 760 : columns == 2 ? 560 : 400, height = columns < 3 ? 430 : 320;
    double head = n_panels > 1 ? TITLE : 0;

    fprintf(
        to,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
        "viewBox=\"0 0 %.0f %.0f\" font-family=\"sans-serif\" font-size=\"13\" fill=\"#333\">\n",
        columns * width, rows * height + head, columns * width, rows * height + head);
    fputs("<style>.grid{stroke:#e4e4e4}.axis{stroke:#777;fill:none}"
          ".line{fill:none;stroke-width:2;stroke-linejoin:round}"
          ".faint{fill:none;stroke-width:1;stroke-opacity:.35;stroke-linejoin:round}</style>\n",
          to);
    fprintf(to, "<rect width=\"%.0f\" height=\"%.0f\" fill=\"#fff\"/>\n", columns * width,
            rows * height + head);
    if (head > 0) put_label(to, LEFT, 32, "start", " font-size=\"20\" font-weight=\"bold\"", title);
    for (int k = 0; k < n_panels; k++)
        put_panel(to, &panel[k], k % columns * width, head + k / columns * height, width, height);
    fputs("</svg>\n", to);
}

bool chart_write(const char *path, const char *title, const char *x_label, const char *y_label,
                 int n_series, const chart_series *series)
{
    chart_panel panel = { .title = title,
                          .x_label = x_label,
                          .y_label = y_label,
                          .n_series = n_series,
                          .series = series };
    FILE *f = fopen(path, "w");
    bool good;

    if (!f) return false;
    chart_put(f, title, 1, 1, &panel);
    good = !ferror(f);
    return (fclose(f) == 0) && good;
}
