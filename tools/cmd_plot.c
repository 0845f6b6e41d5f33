/* cmd_plot.c: curves of a training run, of schedulers, of activations. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"
#include "commands.h"
#include "curves.h"
#include "output.h"

typedef struct {
    const char *output;
    text_list call;
    int64_t steps;
    bool log_y;
} plot_options;

static const option table_of_options[] = {
    OPT(plot_options, output, OPTION_TEXT, 'o', "output", "FILE.svg", NULL,
        "where the picture goes; - is standard output"),
    OPT(plot_options, call, OPTION_MANY, 'c', "call", "TEXT", NULL,
        "a scheduler or an activation to draw instead of those numpy-ml shows; again for more"),
    OPT_RANGE(plot_options, steps, OPTION_WHOLE, "steps", "N", "15000",
              "steps of the schedulers' curves", 10, 1e7),
    OPT_FLAG(plot_options, log_y, 0, "log", "losses of a run in powers of ten"), OPTIONS_END
};

/* ---- schedulers: the rate against the step ---- */

/* numpy-ml's pictures show these; King's falls with the losses of a run that ceases to learn. */
static const char *const schedulers[] = {
    "ConstantScheduler(lr=0.01)",
    "ExponentialScheduler(initial_lr=0.01, stage_length=4000, decay=0.1)",
    "ExponentialScheduler(initial_lr=0.01, stage_length=4000, staircase=True, decay=0.1)",
    "NoamScheduler(model_dim=512, scale_factor=1, warmup_steps=4000)",
    "KingScheduler(initial_lr=0.01, patience=1000, decay=0.999)",
    "CosineScheduler(initial_lr=0.01, total_steps=12000, warmup_steps=1000)",
    "PlateauScheduler(initial_lr=0.01, patience=1000, decay=0.5)",
};

enum { POINTS = 400 };

/* A loss that falls for the first third of the run and then only wavers. */
static double made_loss(int64_t step, int64_t steps)
{
    double t = 3.0 * (double)step / (double)steps, noise;

    wg_random_normal(1, wg_random_key("loss"), 0, step, 1, WG_F64, &noise);
    return 0.5 + (t < 1 ? 2 * (1 - t) : 0) + 0.05 * noise;
}

/* Schedulers with a history are asked at every step, the others where a point is drawn. */
static int scheduler_curve(const char *text, int64_t steps, curve *c)
{
    wg_error error = { .code = WG_OK };
    wg_sched *s = wg_sched_from_text(text, &error);
    bool history = text[0] == 'K' || text[0] == 'k' || text[0] == 'P' || text[0] == 'p';
    int status = EXIT_GOOD;

    for (int64_t k = 0; s && k <= steps && status == EXIT_GOOD; k++) {
        bool point = k * POINTS / steps != (k - 1) * POINTS / steps || k == 0;
        double lr;

        if (!history && !point) continue;
        if (wg_sched_learning_rate(s, k, made_loss(k, steps), &lr, &error) != WG_OK) break;
        if (point && !curve_add(c, (double)k, lr)) status = trouble("plot", NULL, "out of memory");
    }
    wg_sched_free(s);
    if (error.code != WG_OK)
        return trouble_of("plot", "a call is written as ExponentialScheduler(initial_lr=0.1)",
                          &error);
    return status;
}

/* ---- activations: value, first and second derivative ---- */

static const char *const activations[] = {
    "Identity",     "Affine(slope=0.5, intercept=0.5)",
    "Sigmoid",      "Tanh",
    "ReLU",         "Leaky ReLU(alpha=0.3)",
    "ELU",          "SELU",
    "GELU",         "Exponential",
    "Hard Sigmoid", "SoftPlus",
};

static int activation_curve(const char *text, int order, curve *c)
{
    enum { N = 201 };
    static const double from = -5, to = 5;
    wg_error error = { .code = WG_OK };
    double x[N];
    wg_array y = { .data = NULL };
    int status = EXIT_GOOD;

    for (int i = 0; i < N; i++) x[i] = from + (to - from) * i / (N - 1);
    if (wg_act_array(text, order, WG_F64_ARRAY(x, N), &y, &error) != WG_OK)
        return trouble_of("plot", "a call is written as ELU(alpha=0.5)", &error);
    for (int i = 0; i < N && status == EXIT_GOOD; i++) {
        double v = ((double *)y.data)[i];

        /* e^x would leave no room for the others. */
        if (!curve_add(c, x[i], fabs(v) <= 6 ? v : NAN))
            status = trouble("plot", NULL, "out of memory");
    }
    wg_free(y.data);
    return status;
}

/* ---- pages of panels ---- */

enum { LINES = 3, LINES_OF_RUN = 4 };

static const char *const orders[LINES] = { "f", "f'", "f''" };
static const char *const dashes[LINES] = { NULL, "8 4", "3 3" };

static chart_series line_of(const char *name, const curve *c, bool faint, bool dots)
{
    return (chart_series){
        .name = name, .n = c->n, .x = c->x, .y = c->y, .faint = faint, .dots = dots
    };
}

/* The name before the arguments: they go below it, smaller. */
static void split_call(const char *text, char head[64])
{
    snprintf(head, 64, "%.*s", (int)strcspn(text, "("), text);
}

static int panels_of(const char *what, int n, const char *const *text, int64_t steps, FILE *to)
{
    bool acts = strcmp(what, "activations") == 0;
    int lines = acts ? LINES : 1, status = EXIT_GOOD;
    curve *c = calloc((size_t)(n * lines) + 1, sizeof *c);
    chart_series *s = calloc((size_t)(n * lines) + 1, sizeof *s);
    chart_panel *panel = calloc((size_t)n + 1, sizeof *panel);

    char(*head)[64] = calloc((size_t)n + 1, sizeof *head);

    if (!c || !s || !panel || !head) status = trouble("plot", NULL, "out of memory");
    for (int i = 0; i < n && status == EXIT_GOOD; i++) {
        for (int k = 0; k < lines && status == EXIT_GOOD; k++) {
            int at = i * lines + k;

            status = acts ? activation_curve(text[i], k, &c[at])
                          : scheduler_curve(text[i], steps, &c[at]);
            s[at] = line_of(acts ? orders[k] : "", &c[at], false, false);
            s[at].dash = dashes[k];
        }
        if (!acts) split_call(text[i], head[i]);
        panel[i] = (chart_panel){ .title = acts ? text[i] : head[i],
                                  .subtitle = acts ? NULL : strchr(text[i], '('),
                                  .x_label = acts ? "x" : "step",
                                  .y_label = acts ? "" : "learning rate",
                                  .n_series = lines,
                                  .series = &s[i * lines] };
    }
    if (status == EXIT_GOOD)
        chart_put(to, acts ? "Activations and their derivatives" : "Learning rate schedulers",
                  n == 1 ? 1
                  : acts ? 3
                         : 2,
                  n, panel);
    for (int i = 0; c && i < n * lines; i++) curve_free(&c[i]);
    free(c);
    free(s);
    free(panel);
    free(head);
    return status;
}

static int run_curves(const char *path, bool log_y, FILE *to)
{
    run_log log = { 0 };
    int status = run_log_read(&log, "plot", path), n = 0, panels = 0;
    chart_series loss[LINES_OF_RUN], rate[1];
    chart_panel panel[2];

    if (log.batch.n > 0) loss[n++] = line_of("batch", &log.batch, true, false);
    if (log.smoothed.n > 0) loss[n++] = line_of("smoothed", &log.smoothed, false, false);
    if (log.mean.n > 0) loss[n++] = line_of("epoch", &log.mean, false, true);
    if (log.validation.n > 0) loss[n++] = line_of("validation", &log.validation, false, true);
    if (status == EXIT_GOOD && n == 0)
        status = trouble("plot", "`wengert train --log FILE` writes such a file",
                         "%s holds no losses", path);
    if (status == EXIT_GOOD) {
        panel[panels++] = (chart_panel){ .title = "Loss",
                                         .x_label = "step",
                                         .y_label = "loss",
                                         .n_series = n,
                                         .series = loss,
                                         .log_y = log_y };
        rate[0] = line_of("", &log.lr, false, false);
        if (log.lr.n > 0)
            panel[panels++] = (chart_panel){ .title = "Learning rate",
                                             .x_label = "step",
                                             .y_label = "learning rate",
                                             .n_series = 1,
                                             .series = rate };
        chart_put(to, path, panels, panels, panel);
    }
    run_log_free(&log);
    return status;
}

static int plot(int argc, char *const *operand, void *given)
{
    const plot_options *o = given;
    const char *what = operand[0];
    bool sched = strcmp(what, "schedulers") == 0, acts = strcmp(what, "activations") == 0;
    output to;
    int status;

    (void)argc;
    if (!o->output)
        return misuse("plot", "for instance: wengert plot schedulers -o schedulers.svg",
                      "say where the picture goes: -o FILE.svg");
    if (o->call.n > 0 && !sched && !acts)
        return misuse("plot", NULL, "--call goes with schedulers or activations");
    if (!output_open(&to, o->output)) return trouble("plot", NULL, "out of memory");
    if (o->call.n > 0) status = panels_of(what, o->call.n, o->call.item, o->steps, to.to);
    else if (sched)
        status =
            panels_of(what, sizeof schedulers / sizeof schedulers[0], schedulers, o->steps, to.to);
    else if (acts)
        status = panels_of(what, sizeof activations / sizeof activations[0], activations, o->steps,
                           to.to);
    else status = run_curves(what, o->log_y, to.to);
    return output_close(&to, "plot", status);
}

const command_spec plot_command = {
    "plot",
    "RUN.jsonl|schedulers|activations",
    "curves of a training run, of learning rate schedulers, of activations, as SVG",
    "examples:\n"
    "  wengert plot run.jsonl -o curves.svg\n"
    "  wengert plot schedulers -o schedulers.svg\n"
    "  wengert plot activations -o activations.svg\n"
    "  wengert plot activations --call 'ELU(alpha=0.5)' -o elu.svg\n",
    table_of_options,
    1,
    1,
    plot,
    sizeof(plot_options)
};
