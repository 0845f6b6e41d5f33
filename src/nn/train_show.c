/* train_show.c: how a run is told of: a bar on a terminal, a line an epoch, JSON lines for
 * machines. */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "spell.h"
#include "train_impl.h"

enum { LINE = 320, BAR_MOST = 30, BAR_LEAST = 6 };
static const double REDRAW = 0.1; /* seconds */

/* ---- lines ---- */

void wg__show_wipe(wg_train *t)
{
    if (t->bar_drawn) fputs("\r\033[K", t->o.to);
    t->bar_drawn = false;
}

void wg__show_line(wg_train *t, const char *fmt, ...)
{
    va_list args;

    if (t->o.verbose < 0 || !t->o.to) return;
    wg__show_wipe(t);
    va_start(args, fmt);
    vfprintf(t->o.to, fmt, args);
    va_end(args);
    fputc('\n', t->o.to);
    fflush(t->o.to);
}

/* 75 -> "1:15", 3700 -> "1:01:40" */
const char *wg__clock_text(double seconds, char buf[24])
{
    long s = seconds > 0 && seconds < 1e7 ? (long)(seconds + 0.5) : 0;

    if (s < 3600) snprintf(buf, 24, "%ld:%02ld", s / 60, s % 60);
    else snprintf(buf, 24, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    return buf;
}

static double epoch_seconds(const wg_train *t)
{
    return wg__train_now() - t->epoch_began;
}

static double rate(const wg_train *t)
{
    double seconds = epoch_seconds(t);

    return seconds > 0 ? (double)(t->s.examples - t->shown_from) / seconds : 0;
}

static int64_t epoch_size(const wg_train *t)
{
    if (t->o.source) return t->o.source->examples;
    return wg_batches_examples(t->batches);
}

/* ---- the bar ---- */

static int columns(FILE *to)
{
    struct winsize size;

    if (ioctl(fileno(to), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
    return size.ws_col;
}

void wg__show_bar(wg_train *t, const char *label, double share, const char *figures)
{
    char bar[BAR_MOST + 1];
    int room = columns(t->o.to) - 1, cells;

    /* The bar takes what the figures leave; a line wider than the terminal would not redraw. */
    cells = room - (int)strlen(label) - (int)strlen(figures) - 6;
    if (cells > BAR_MOST) cells = BAR_MOST;
    if (cells < BAR_LEAST || share < 0) {
        char line[LINE + 64];

        snprintf(line, sizeof line, "%s  %s", label, figures);
        fprintf(t->o.to, "\r%.*s\033[K", room, line);
    } else {
        int full = (int)(fmin(share, 1) * cells);

        memset(bar, '.', (size_t)cells);
        memset(bar, '=', (size_t)full);
        if (full > 0 && full < cells) bar[full - 1] = '>';
        fprintf(t->o.to, "\r%s  [%.*s]  %s\033[K", label, cells, bar, figures);
    }
    fflush(t->o.to);
    t->bar_drawn = true;
    t->drawn = wg__train_now();
}

bool wg__show_bar_due(const wg_train *t)
{
    return t->terminal && (!t->bar_drawn || wg__train_now() - t->drawn >= REDRAW);
}

/* How far the epoch is. */
static void draw(wg_train *t)
{
    char label[64], figures[LINE], left[24];
    int64_t all = epoch_size(t);
    double share = all > 0 ? fmin((double)t->s.examples / (double)all, 1) : -1, r = rate(t);

    snprintf(label, sizeof label, "epoch %lld/%lld", (long long)t->s.epoch + 1,
             (long long)t->o.epochs);
    if (all > 0)
        snprintf(figures, sizeof figures, "%3d %%  loss %.4g  smoothed %.4g  %.0f/s  %s left",
                 (int)(100 * share), t->s.loss, t->s.smoothed, r,
                 wg__clock_text(r > 0 ? (double)(all - t->s.examples) / r : 0, left));
    else
        snprintf(figures, sizeof figures, "batch %lld  loss %.4g  smoothed %.4g  %.0f/s  %s",
                 (long long)t->s.batch, t->s.loss, t->s.smoothed, r,
                 wg__clock_text(epoch_seconds(t), left));
    wg__show_bar(t, label, share, figures);
}

/* ---- the log ---- */

/* A member of the line; numbers that are not finite are null. */
static void put_number(wg_train *t, const char *name, double v)
{
    char text[WG__DOUBLE_TEXT];

    fprintf(t->log, ", \"%s\": %s", name, isfinite(v) ? wg__double_text(v, text) : "null");
}

static double log_seconds(const wg_train *t)
{
    return floor((t->log_seconds + t->s.seconds) * 1e3 + 0.5) / 1e3;
}

static void log_step(wg_train *t)
{
    if (!t->log) return;
    fprintf(t->log, "{\"step\": %lld, \"epoch\": %lld", (long long)t->s.step,
            (long long)t->s.epoch + 1);
    put_number(t, "loss", t->s.loss);
    put_number(t, "smoothed", t->s.smoothed);
    if (t->lr) put_number(t, "lr", t->s.lr);
    put_number(t, "seconds", log_seconds(t));
    fputs("}\n", t->log);
}

static void log_epoch(wg_train *t)
{
    if (!t->log) return;
    fprintf(t->log, "{\"step\": %lld, \"epoch\": %lld", (long long)t->s.step,
            (long long)t->s.epoch);
    put_number(t, "mean", t->s.mean);
    if (t->validation.plan) put_number(t, "validation", t->s.validation);
    put_number(t, "seconds", log_seconds(t));
    fputs("}\n", t->log);
    fflush(t->log);
}

/* The number after "name": of a line of ours; -1: none. */
static double number_in(const char *line, const char *name)
{
    const char *at = strstr(line, name);
    double v = -1;

    if (at) wg__read_double(at + strlen(name), &v);
    return v;
}

/* Lines of steps after the checkpoint, and half a line, go: those steps are made again. */
static wg_status cut_log(wg_train *t, wg_error *error)
{
    char line[1024];
    long end = 0;

    if (fseek(t->log, 0, SEEK_SET) != 0) return WG_OK;
    while (fgets(line, sizeof line, t->log)) {
        double step = number_in(line, "\"step\": ");

        if (!strchr(line, '\n') || step < 0 || step > (double)t->s.step) break;
        end = ftell(t->log);
        t->log_seconds = fmax(number_in(line, "\"seconds\": "), 0);
    }
    if (fseek(t->log, end, SEEK_SET) == 0 && ftruncate(fileno(t->log), end) == 0) return WG_OK;
    return wg_fail(error, WG_EIO, "wg_train_new", "%s: %s", t->o.log, strerror(errno));
}

wg_status wg__show_open(wg_train *t, wg_error *error)
{
    if (!t->o.to) t->o.to = isatty(STDERR_FILENO) ? stderr : stdout;
    t->terminal = fileno(t->o.to) >= 0 && isatty(fileno(t->o.to));
    if (!t->o.log) return WG_OK;
    t->log = t->s.step > 0 ? fopen(t->o.log, "r+") : NULL;
    if (t->log) return cut_log(t, error);
    t->log = fopen(t->o.log, "w");
    if (t->log) return WG_OK;
    return wg_fail(error, WG_EIO, "wg_train_new", "%s: %s", t->o.log, strerror(errno));
}

void wg__show_close(wg_train *t)
{
    if (t->log) fclose(t->log);
    t->log = NULL;
}

wg_status wg__show_flush(wg_train *t, wg_error *error)
{
    if (!t->log || (fflush(t->log) == 0 && !ferror(t->log))) return WG_OK;
    return wg_fail(error, WG_EIO, "wg_train_run", "%s: %s", t->o.log, strerror(errno));
}

/* ---- what the loop calls ---- */

static void start_clock(wg_train *t)
{
    t->epoch_began = wg__train_now();
    t->shown_from = t->s.batch == 0 ? 0 : t->s.examples;
}

void wg__show_run(wg_train *t)
{
    start_clock(t);
    if (t->saved && t->saved_step == t->s.step && t->s.step > 0 && t->o.resume)
        wg__show_line(t, "going on after step %lld, from %s", (long long)t->s.step, t->saved);
}

void wg__show_step(wg_train *t)
{
    log_step(t);
    if (t->o.verbose > 0 && wg__show_bar_due(t)) draw(t);
}

void wg__show_epoch(wg_train *t)
{
    char change[40] = "", validation[40] = "", lr[32] = "", taken[24];

    log_epoch(t);
    if (!isnan(t->s.previous))
        snprintf(change, sizeof change, " (%+.4g)", t->s.mean - t->s.previous);
    if (t->validation.plan)
        snprintf(validation, sizeof validation, "  validation %.4g", t->s.validation);
    if (t->lr) snprintf(lr, sizeof lr, "  lr %.3g", t->s.lr);
    wg__show_line(t, "epoch %lld/%lld  loss %.4g%s%s%s  %.0f examples/s  %s", (long long)t->s.epoch,
                  (long long)t->o.epochs, t->s.mean, change, validation, lr, rate(t),
                  wg__clock_text(epoch_seconds(t), taken));
    start_clock(t);
}

void wg__show_end(wg_train *t)
{
    wg__show_wipe(t);
    if (t->s.end == WG_TRAIN_EARLY)
        wg__show_line(t, "no better for %lld epochs: the weights of epoch %lld are back",
                      (long long)t->s.waited, (long long)t->s.best_epoch);
    if (t->s.end == WG_TRAIN_STEPS || t->s.end == WG_TRAIN_STOPPED ||
        t->s.end == WG_TRAIN_INTERRUPTED) {
        wg__show_line(t, "%s after step %lld, in epoch %lld: mean loss %.4g",
                      wg_train_end_text(t->s.end), (long long)t->s.step,
                      (long long)t->s.epoch + (t->s.batch > 0), t->s.mean);
        if (t->saved && t->saved_step == t->s.step)
            wg__show_line(t, "saved %s; go on with %s", t->saved,
                          t->o.go_on ? t->o.go_on : "the same call and resume");
    }
}
