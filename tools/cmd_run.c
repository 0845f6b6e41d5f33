/* cmd_run.c: one run of a function on files. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "feeds.h"
#include "numbers.h"
#include "output.h"
#include "table.h"

typedef struct {
    const char *function, *save;
    text_list fetch;
    bool check;
    feed_options feed;
} run_options;

static const option table_of_options[] = {
    OPT(run_options, function, OPTION_TEXT, 'f', "function", "NAME", NULL,
        "the function to run; the first that predicts, else the first of all, when none is named"),
    FEED_FILE_OPTIONS(run_options, feed),
    OPT(run_options, fetch, OPTION_MANY, 0, "fetch", "NAME=FILE", NULL,
        "write this output as npy; once for each output. Without it outputs are told in a table"),
    OPT_FLAG(run_options, check, 0, "check",
             "end with status 1 at the first entry that is not finite, and name it"),
    OPT(run_options, save, OPTION_TEXT, 's', "save", "FILE.json", NULL,
        "save the program as the run has left it: a function that trains changes its store"),
    OPTIONS_END
};

typedef struct {
    const program *p;
    int f;
} place;

static const char *output_name(const void *arg, int k)
{
    const place *at = arg;

    return wg_function_output_name(at->p->graph, at->f, k);
}

/* Before anything is run: does each --fetch name an output? */
static int check_fetches(const program *p, int f, const text_list *fetch)
{
    int n = wg_function_n_outputs(p->graph, f);
    place at = { p, f };

    for (int i = 0; i < fetch->n; i++) {
        char name[256];
        const char *near;
        int k = 0;

        if (!split_pair("run", "fetch", fetch->item[i], name, sizeof name)) return EXIT_USAGE;
        while (k < n && strcmp(output_name(&at, k), name) != 0) k++;
        if (k < n) continue;
        near = nearest_name(name, n, output_name, &at);
        return trouble("run", "`wengert show` lists the outputs",
                       "function \"%s\" has no output \"%s\"%s%s%s", wg_function_name(p->graph, f),
                       name, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    }
    return EXIT_GOOD;
}

static int write_fetches(wg_plan *plan, const text_list *fetch)
{
    for (int i = 0; i < fetch->n; i++) {
        wg_error error = { .code = WG_OK };
        char name[256];
        const char *file = split_pair("run", "fetch", fetch->item[i], name, sizeof name);
        const wg_array *value = wg_plan_value(plan, name);

        if (!value) return trouble_of("run", NULL, wg_plan_error(plan));
        if (wg_npy_write(file, *value, &error) != WG_OK) return trouble_of("run", NULL, &error);
    }
    return EXIT_GOOD;
}

enum { FEW = 8 };

static int tell(const program *p, int f, wg_plan *plan)
{
    char type[WG_TYPE_TEXT];
    table t;

    table_begin(&t, "output|type|>min|>max|>mean|values");
    for (int i = 0; i < wg_function_n_outputs(p->graph, f); i++) {
        const wg_array *value = wg_plan_value_at(plan, i);
        char values[200] = "";
        figures x;

        if (!value) continue;
        x = figures_of(value);
        for (int64_t k = 0; k < x.n && k < FEW; k++)
            snprintf(values + strlen(values), sizeof values - strlen(values), "%s%.5g",
                     k ? " " : "", element(value, k));
        table_cell(&t, "%s", wg_function_output_name(p->graph, f, i));
        table_cell(&t, "%s", wg_type_text(&value->type, type));
        table_cell(&t, "%.5g", x.min);
        table_cell(&t, "%.5g", x.max);
        table_cell(&t, "%.5g", x.mean);
        table_cell(&t, "%s%s", values, x.n > FEW ? " ..." : "");
    }
    return table_end(&t, stdout) ? EXIT_GOOD : trouble("run", NULL, "out of memory");
}

static int run_plan(const program *p, int f, const run_options *o, const feeds *fd)
{
    wg_error error = { .code = WG_OK };
    wg_plan *plan = wg_plan_new_error(p->graph, p->params, wg_function_name(p->graph, f),
                                      &(wg_plan_options){ .check = o->check }, &error);
    int status = plan ? feeds_give(fd, p, plan) : trouble_of("run", NULL, &error);

    if (status == EXIT_GOOD && wg_plan_run(plan) != WG_OK) {
        status = trouble_of("run",
                            wg_plan_error(plan)->code == WG_ENONFINITE
                                ? "`wengert explain` shows how the values got there"
                                : "`wengert show` lists what inputs take",
                            wg_plan_error(plan));
        if (wg_plan_error(plan)->code == WG_ENONFINITE) status = EXIT_NEGATIVE;
    }
    if (status == EXIT_GOOD) status = write_fetches(plan, &o->fetch);
    if (status == EXIT_GOOD && o->fetch.n == 0) status = tell(p, f, plan);
    if (status == EXIT_GOOD && o->save &&
        wg_save(o->save, p->graph, p->params, NULL, &error) != WG_OK)
        status = trouble_of("run", "what stood there before is still there", &error);
    wg_plan_free(plan);
    return status;
}

static int run(int argc, char *const *operand, void *given)
{
    const run_options *o = given;
    program p;
    feeds fd = { 0 };
    int f = 0, status = program_load(&p, "run", operand[0]);

    (void)argc;
    if (status == EXIT_GOOD) f = program_function(&p, o->function, WG_PREDICT);
    if (f < 0) status = EXIT_TROUBLE;
    if (status == EXIT_GOOD) status = check_fetches(&p, f, &o->fetch);
    if (status == EXIT_GOOD) status = feeds_make(&fd, &p, f, &o->feed, false);
    if (status == EXIT_GOOD) status = run_plan(&p, f, o, &fd);
    feeds_free(&fd);
    program_free(&p);
    return status;
}

const command_spec run_command = {
    "run",
    "MODEL.json",
    "one run of a function on data files",
    "examples:\n"
    "  wengert run --function predict --feed x=images.npy --fetch p=out.npy model.json\n"
    "  wengert run --feed x=table.csv model.json\n",
    table_of_options,
    1,
    1,
    run,
    sizeof(run_options)
};
