/* progress.c: percent, loss, accuracy, images a second, time left. */
#define _DEFAULT_SOURCE /* struct winsize */

#include "progress.h"

#include <math.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 256, BAR_MAX = 30, BAR_MIN = 8, PLAIN_LINES = 10 };
static const double REDRAW = 0.1;  /* seconds */
static const double MEMORY = 0.98; /* what a mean of late keeps at each step: about fifty steps */

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int columns(FILE *to)
{
    struct winsize size;

    if (ioctl(fileno(to), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
    return size.ws_col;
}

/* 75 -> "1:15", 3700 -> "1:01:40" */
static const char *clock_text(double seconds, char buf[24])
{
    long s = seconds > 0 && seconds < 1e7 ? (long)(seconds + 0.5) : 0;

    if (s < 3600) snprintf(buf, 24, "%ld:%02ld", s / 60, s % 60);
    else snprintf(buf, 24, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    return buf;
}

double progress_rate(const progress *p)
{
    double seconds = now() - p->started;

    return seconds > 0 ? (double)p->done / seconds : 0;
}

static void draw(progress *p)
{
    char figures[LINE], bar[BAR_MAX + 1], time_text[24], right[32] = "";
    double share = p->total > 0 ? (double)p->done / (double)p->total : 1;
    double rate = progress_rate(p);
    int room, cells;

    if (share > 1) share = 1;
    if (p->ended) clock_text(now() - p->started, time_text);
    else clock_text(rate > 0 ? (double)(p->total - p->done) / rate : 0, time_text);
    if (!isnan(p->accuracy))
        snprintf(right, sizeof right, "  accuracy %5.2f %%", 100 * p->accuracy);
    snprintf(figures, sizeof figures, "%3d %%  loss %.4f%s  %.0f %s/s  %s %s", (int)(share * 100),
             p->loss, right, rate, p->unit, time_text, p->ended ? "taken" : "left");
    if (!p->terminal) {
        fprintf(p->to, "%s  %s\n", p->label, figures);
        fflush(p->to);
        return;
    }
    /* The bar takes what the figures leave; a line wider than the terminal would not redraw. */
    room = columns(p->to) - 1 - (int)strlen(p->label) - (int)strlen(figures) - 6;
    cells = room > BAR_MAX ? BAR_MAX : room;
    if (cells < BAR_MIN) {
        fprintf(p->to, "\r%.*s\033[K", columns(p->to) - 1, figures);
    } else {
        int full = (int)(share * cells);

        memset(bar, '.', (size_t)cells);
        memset(bar, '=', (size_t)full);
        if (full > 0 && full < cells) bar[full - 1] = '>';
        fprintf(p->to, "\r%s  [%.*s]  %s\033[K", p->label, cells, bar, figures);
    }
    if (p->ended) fputc('\n', p->to);
    fflush(p->to);
    p->drawn = now();
}

void progress_start(progress *p, FILE *to, const char *label, int64_t total)
{
    if (!to) to = isatty(STDERR_FILENO) ? stderr : stdout;
    *p = (progress){
        .to = to, .unit = "images", .total = total, .loss = NAN, .accuracy = NAN, .started = now()
    };
    p->terminal = isatty(fileno(to));
    snprintf(p->label, sizeof p->label, "%s", label);
    p->next_line = (total + PLAIN_LINES - 1) / PLAIN_LINES;
}

void progress_step(progress *p, int64_t units, double loss, double accuracy)
{
    bool first = isnan(p->loss);

    p->done += units;
    p->loss = first ? loss : MEMORY * p->loss + (1 - MEMORY) * loss;
    p->accuracy = first ? accuracy : MEMORY * p->accuracy + (1 - MEMORY) * accuracy;
    if (p->terminal) {
        if (first || now() - p->drawn >= REDRAW) draw(p);
    } else if (p->done >= p->next_line && p->done < p->total) {
        draw(p);
        while (p->next_line <= p->done) p->next_line += (p->total + PLAIN_LINES - 1) / PLAIN_LINES;
    }
}

void progress_end(progress *p)
{
    p->ended = true;
    draw(p);
}
