/* cmd_explain.c: where values go wrong, and how gradients fare. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"
#include "commands.h"
#include "health.h"
#include "output.h"
#include "table.h"

typedef struct {
    const char *function, *loss, *svg;
    double vanishing, exploding, dead;
    bool json;
    feed_options feed;
} explain_options;

enum { MOST = 256 }; /* examples of files, unless --batch says otherwise */

#define T explain_options
static const option table_of_options[] = {
    OPT(T, function, OPTION_TEXT, 'f', "function", "NAME", NULL,
        "take the loss from this function"),
    OPT(T, loss, OPTION_TEXT, 'l', "loss", "NAME", NULL,
        "the output that is differentiated; the first of one real element when none is named"),
    FEED_FILE_OPTIONS(T, feed),
    FEED_DRAW_OPTIONS(T, feed),
    OPT_RANGE(T, vanishing, OPTION_REAL, "vanishing", "X", "1e-3",
              "gradients below X times the layers' median vanish", 0, 1),
    OPT_RANGE(T, exploding, OPTION_REAL, "exploding", "X", "1e3",
              "gradients above X times the layers' median explode", 1, 1e30),
    OPT_RANGE(T, dead, OPTION_REAL, "dead", "X", "0.5",
              "a layer is told of when this share of its rectified units is zero for every example",
              0, 1),
    OPT(T, svg, OPTION_TEXT, 0, "svg", "FILE", NULL, "the same as a picture; - is standard output"),
    OPT_FLAG(T, json, 'j', "json", "the report as JSON"),
    OPTIONS_END
};
#undef T

/* ---- the first value that is not finite ---- */

/* Runs outputs and updates of a function with the plan's check. *found: the run ended at such a
 * value, *error says which. Nothing is committed. */
static int first_not_finite(const program *p, int f, const feeds *fd, bool *found, wg_error *error)
{
    int outputs = wg_function_n_outputs(p->graph, f), updates = wg_function_n_updates(p->graph, f);
    wg_tensor **all = calloc((size_t)(outputs + updates) + 1, sizeof *all);
    wg_plan *plan = NULL;
    int status = all ? EXIT_GOOD : trouble("explain", NULL, "out of memory");

    *found = false;
    for (int i = 0; all && i < outputs; i++) all[i] = wg_function_output(p->graph, f, i);
    for (int i = 0; all && i < updates; i++) all[outputs + i] = wg_function_update(p->graph, f, i);
    if (all && !(plan = wg_plan_of(outputs + updates, all, p->params,
                                   &(wg_plan_options){ .check = true }, error)))
        status = trouble_of("explain", NULL, error);
    if (status == EXIT_GOOD) status = feeds_give(fd, p, plan);
    if (status == EXIT_GOOD && wg_plan_run(plan) != WG_OK) {
        *error = *wg_plan_error(plan);
        *found = error->code == WG_ENONFINITE;
        if (!*found)
            status = trouble_of("explain", "values of your own may help: --feed NAME=FILE", error);
    }
    wg_plan_free(plan);
    free(all);
    return status;
}

/* ---- telling ---- */

static const char *number(double v, const char *format, char buf[32])
{
    if (isnan(v)) return "";
    snprintf(buf, 32, format, v);
    return buf;
}

static const char *share(double v, char buf[32])
{
    return number(100 * v, "%.1f %%", buf);
}

static bool put_table(const health *h)
{
    char b[7][32];
    table t;

    table_begin(&t, "layer|>values' mean|>std|>zeros|>dead|>gradient|>weights|>weights' "
                    "gradient|verdict");
    for (int i = 0; i < h->n; i++) {
        const layer_health *l = &h->layer[i];

        table_cell(&t, "%s", l->scope[0] ? l->scope : "(no scope)");
        table_cell(&t, "%s", number(l->result.mean, "%.3g", b[0]));
        table_cell(&t, "%s", number(l->result.std, "%.3g", b[1]));
        table_cell(&t, "%s", share(l->zeros, b[2]));
        table_cell(&t, "%s", share(l->dead, b[3]));
        table_cell(&t, "%s", number(l->gradient, "%.3g", b[4]));
        table_cell(&t, "%s", number(l->weights, "%.3g", b[5]));
        table_cell(&t, "%s", number(l->weight_gradient, "%.3g", b[6]));
        table_cell(&t, "%s", verdict_text(l->says));
    }
    return table_end(&t, stdout);
}

static json_t *layers_json(const health *h)
{
    json_t *layers = json_array();

    for (int i = 0; i < h->n; i++) {
        const layer_health *l = &h->layer[i];

        json_array_append_new(
            layers, json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:s}",
                              "scope", l->scope, "min", json_number(l->result.min), "max",
                              json_number(l->result.max), "mean", json_number(l->result.mean),
                              "std", json_number(l->result.std), "gradient_rms",
                              json_number(l->gradient), "not_finite", (json_int_t)l->not_finite,
                              "weights_rms", json_number(l->weights), "weights_gradient_rms",
                              json_number(l->weight_gradient), "zeros", json_number(l->zeros),
                              "dead", json_number(l->dead), "gradient_to_weights",
                              json_number(l->weight_gradient / l->weights), "verdict",
                              l->says == WELL ? "well" : verdict_text(l->says)));
    }
    return layers;
}

static int put_svg(const char *path, const health *h)
{
    enum { LINES = 5 };
    static const char *const line_name[LINES] = { "values' std", "gradient", "weights' gradient",
                                                  "zeros", "dead units" };
    double *x = calloc((size_t)h->n * LINES + 1, sizeof *x);
    double *y = calloc((size_t)h->n * LINES + 1, sizeof *y);
    const char **name = calloc((size_t)h->n + 1, sizeof *name);
    chart_series s[LINES];
    chart_panel panel[2] = { { .title = "Values and gradients",
                               .x_label = "",
                               .y_label = "root mean square",
                               .n_series = 3,
                               .series = s,
                               .log_y = true },
                             { .title = "Rectified units",
                               .x_label = "",
                               .y_label = "share",
                               .n_series = 2,
                               .series = s + 3,
                               .y_low = 0,
                               .y_high = 1 } };
    output to;
    int n = 0, points[LINES] = { 0 }, status = EXIT_GOOD;
    bool any;

    if (!x || !y || !name || !output_open(&to, path)) {
        free(x);
        free(y);
        free(name);
        return trouble("explain", NULL, "out of memory");
    }
    for (int i = 0; i < h->n; i++) {
        const layer_health *l = &h->layer[i];
        double of[LINES] = { l->result.std, l->gradient, l->weight_gradient, l->zeros, l->dead };

        if (!l->scope[0]) continue;
        for (int k = 0; k < LINES; k++) {
            if (isnan(of[k])) continue; /* lines lead past layers that have no such figure */
            x[k * h->n + points[k]] = n;
            y[k * h->n + points[k]++] = of[k];
        }
        name[n++] = l->scope;
    }
    for (int k = 0; k < LINES; k++)
        s[k] = (chart_series){ line_name[k], points[k], x + k * h->n, y + k * h->n,
                               false,        true,      NULL };
    any = points[3] > 0;
    for (int k = 0; k < 2; k++) panel[k].n_names = n, panel[k].names = name;
    chart_put(to.to, "Layers, from the input on", any ? 2 : 1, any ? 2 : 1, panel);
    status = output_close(&to, "explain", status);
    free(x);
    free(y);
    free(name);
    return status;
}

static int tell(const program *p, int f, const feeds *fd, const health *h, bool found,
                const wg_error *error, const explain_options *o)
{
    char text[600] = "";
    int status = EXIT_GOOD;

    if (found) wg_error_text(error, text, sizeof text);
    for (size_t n = strlen(text); n > 0 && text[n - 1] == '\n';) text[--n] = '\0';
    if (o->json) {
        status = put_json("explain", json_pack("{s:s, s:s, s:i, s:s?, s:o}", "file", p->path,
                                               "function", wg_function_name(p->graph, f),
                                               "inputs_drawn", fd->drawn, "first_not_finite",
                                               found ? text : NULL, "layers", layers_json(h)));
    } else if (!o->svg || strcmp(o->svg, "-") != 0) {
        if (found) printf("the first value that is not finite:\n  %s\n\n", text);
        else printf("every value of \"%s\" is finite\n\n", wg_function_name(p->graph, f));
        if (fd->drawn > 0)
            printf("%d of %d inputs drawn at random; sizes are root mean squares\n", fd->drawn,
                   fd->n);
        feeds_say(fd, stdout);
        if (!put_table(h)) status = trouble("explain", NULL, "out of memory");
    }
    if (o->svg && status == EXIT_GOOD) status = put_svg(o->svg, h);
    return found && status == EXIT_GOOD ? EXIT_NEGATIVE : status;
}

static int explain(int argc, char *const *operand, void *given)
{
    const explain_options *o = given;
    feed_options feed = o->feed;
    health_limits limits = { o->vanishing, o->exploding, o->dead };
    wg_error error = { .code = WG_OK };
    wg_tensor *loss = NULL;
    program p;
    feeds fd = { 0 };
    health h = { 0 };
    bool found = false;
    int f = 0, status = program_load(&p, "explain", operand[0]);

    (void)argc;
    if (feed.batch == 0 && feed.feed.n > 0) feed.batch = MOST;
    if (status == EXIT_GOOD && !(loss = program_loss(&p, o->function, o->loss, &f)))
        status = EXIT_TROUBLE;
    if (status == EXIT_GOOD) status = feeds_make(&fd, &p, f, &feed, true);
    if (status == EXIT_GOOD) status = first_not_finite(&p, f, &fd, &found, &error);
    if (status == EXIT_GOOD) status = feeds_keep(&fd, &p, loss);
    if (status == EXIT_GOOD) status = health_measure(&h, &p, loss, &fd, &limits);
    if (status == EXIT_GOOD) status = tell(&p, f, &fd, &h, found, &error, o);
    health_free(&h);
    feeds_free(&fd);
    program_free(&p);
    return status;
}

const command_spec explain_command = {
    "explain",
    "MODEL.json",
    "where the first value that is not finite arises, and how gradients fare on their way",
    "Status 1 when a value is not finite. Of files the first 256 examples are taken unless "
    "--batch\n"
    "says otherwise.\n\nexamples:\n"
    "  wengert explain model.json\n"
    "  wengert explain --feed x=images.npy --allow-nan --svg layers.svg model.json\n",
    table_of_options,
    1,
    1,
    explain,
    sizeof(explain_options)
};
