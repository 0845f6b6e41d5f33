/* cmd_check.c: are the recorded gradients right? */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "feeds.h"
#include "output.h"

typedef struct {
    const char *function, *loss;
    int64_t order;
    double rtol, atol;
    bool json;
    feed_options feed;
} check_options;

enum { MOST = 32 }; /* examples of files, unless --batch says otherwise */

static const option table_of_options[] = {
    OPT(check_options, function, OPTION_TEXT, 'f', "function", "NAME", NULL,
        "take the loss from this function"),
    OPT(check_options, loss, OPTION_TEXT, 'l', "loss", "NAME", NULL,
        "the output that is differentiated; the first of one real element when none is named"),
    FEED_FILE_OPTIONS(check_options, feed),
    FEED_DRAW_OPTIONS(check_options, feed),
    OPT_RANGE(check_options, order, OPTION_WHOLE, "order", "N", "2",
              "1: first derivatives; 2: second derivatives too", 1, 2),
    OPT_RANGE(check_options, rtol, OPTION_REAL, "rtol", "X", "1e-6",
              "allowed error, relative to the derivative", 0, 1),
    OPT_RANGE(check_options, atol, OPTION_REAL, "atol", "X", "1e-9", "allowed error beside it", 0,
              1e9),
    OPT_FLAG(check_options, json, 'j', "json", "the report as JSON"),
    OPTIONS_END
};

/* What lies too near to a kink of relu or max could not be judged: it is told, and no failure. */
static int failures(const wg_check_report *report)
{
    int n = 0;

    for (int i = 0; i < report->n; i++) n += !report->item[i].pass && !report->item[i].kink;
    return n;
}

static json_t *report_json(const program *p, const char *function, const char *loss,
                           const feeds *fd, const wg_check_report *report)
{
    json_t *items = json_array();

    for (int i = 0; i < report->n; i++) {
        const wg_check_item *x = &report->item[i];

        json_array_append_new(
            items,
            json_pack("{s:s, s:i, s:b, s:b, s:I, s:b, s:o, s:o, s:o, s:o, s:o, s:s?, s:s?}", "name",
                      x->name, "order", x->order, "pass", x->pass, "kink", x->kink, "index",
                      (json_int_t)x->index, "by_direction", x->by_direction, "analytic",
                      json_number(x->analytic), "numeric", json_number(x->numeric), "error",
                      json_number(x->error), "tolerance", json_number(x->tolerance), "estimate",
                      json_number(x->estimate), "op", x->op, "site", x->site));
    }
    return json_pack("{s:s, s:s, s:s, s:i, s:b, s:o}", "file", p->path, "function", function,
                     "loss", loss, "inputs_drawn", fd->drawn, "pass", failures(report) == 0,
                     "items", items);
}

static const char *name_of_output(const program *p, int f, const wg_tensor *t)
{
    for (int i = 0; i < wg_function_n_outputs(p->graph, f); i++)
        if (wg_function_output(p->graph, f, i) == t) return wg_function_output_name(p->graph, f, i);
    return "";
}

static int tell(const program *p, int f, const wg_tensor *loss, const feeds *fd,
                const wg_check_report *report, bool json)
{
    const char *function = wg_function_name(p->graph, f), *name = name_of_output(p, f, loss);
    int status = EXIT_GOOD, failed = failures(report);

    if (json) {
        status = put_json("check", report_json(p, function, name, fd, report));
    } else {
        printf("gradients of \"%s\" of \"%s\" against central differences", name, function);
        if (fd->drawn > 0) printf(", %d of %d inputs drawn at random", fd->drawn, fd->n);
        puts(":");
        feeds_say(fd, stdout);
        wg_check_print(report, stdout);
    }
    if (failed > 0 && status == EXIT_GOOD) status = EXIT_NEGATIVE;
    return status;
}

static int check(int argc, char *const *operand, void *given)
{
    const check_options *o = given;
    feed_options feed = o->feed;
    wg_error error = { .code = WG_OK };
    wg_check_options how = {
        .order = (int)o->order, .rtol = o->rtol, .atol = o->atol, .seed = (uint64_t)o->feed.seed
    };
    wg_check_report report = { 0 };
    program p;
    feeds fd = { 0 };
    wg_tensor *loss = NULL;
    int f = 0, status = program_load(&p, "check", operand[0]);

    (void)argc;
    if (feed.batch == 0 && feed.feed.n > 0) feed.batch = MOST;
    if (status == EXIT_GOOD && !(loss = program_loss(&p, o->function, o->loss, &f)))
        status = EXIT_TROUBLE;
    if (status == EXIT_GOOD) status = feeds_make(&fd, &p, f, &feed, true);
    if (status == EXIT_GOOD) status = feeds_keep(&fd, &p, loss);
    if (status == EXIT_GOOD &&
        wg_check_grad(loss, p.params, fd.n, fd.feed, &how, &report, &error) != WG_OK)
        status = trouble_of("check", "values of your own may help: --feed NAME=FILE", &error);
    if (status == EXIT_GOOD) status = tell(&p, f, loss, &fd, &report, o->json);
    wg_check_free(&report);
    feeds_free(&fd);
    program_free(&p);
    return status;
}

const command_spec check_command = {
    "check",
    "MODEL.json",
    "first and second derivatives against central differences; status 1 when one is wrong",
    "Parameters are those of the file; inputs without a file are drawn from the seed. Of files "
    "the\n"
    "first 32 examples are taken unless --batch says otherwise. What lies too near to a kink of "
    "relu\n"
    "or max to be judged is told, and is no failure.\n\n"
    "examples:\n"
    "  wengert check model.json\n"
    "  wengert check --order 1 --batch 4 model.json\n"
    "  wengert check --feed x=images.npy --json model.json\n",
    table_of_options,
    1,
    1,
    check,
    sizeof(check_options)
};
