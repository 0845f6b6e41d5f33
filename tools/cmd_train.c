/* cmd_train.c: goes on training a saved program on data files. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wengert/train.h>

#include "commands.h"
#include "feeds.h"
#include "output.h"

typedef struct {
    text_list data, validation, scale, whole;
    const char *output, *function, *loss, *validation_function, *folder, *log;
    int64_t epochs, batchsize, seed, max_steps, patience, every_steps, keep;
    double split, min_delta, every_seconds;
    bool in_order, drop_last, resume, plain, quiet, nan;
} train_options;

#define T train_options
static const option table_of_options[] = {
    OPT(T, data, OPTION_MANY, 'd', "data", "NAME=FILE", NULL,
        "values of an input, examples along the first axis: npy, idx or CSV, plain or gzip; once "
        "for each input"),
    OPT(T, scale, OPTION_MANY, 0, "scale", "NAME=NUMBER", NULL,
        "what the values of that input are multiplied by"),
    OPT(T, whole, OPTION_MANY, 0, "whole", "NAME", NULL,
        "this input has no axis of examples: every step is fed all of its file"),
    OPT_FLAG(T, nan, 0, "allow-nan", "NaN and infinities in files are values, not mistakes"),
    OPT(T, output, OPTION_TEXT, 'o', "output", "FILE.json", NULL,
        "where the trained program goes; MODEL-trained.json when not given"),
    OPT(T, function, OPTION_TEXT, 'f', "function", "NAME", NULL,
        "the function that makes a step; the first that trains when none is named"),
    OPT(T, loss, OPTION_TEXT, 'l', "loss", "NAME", NULL,
        "its output that is told and watched; \"loss\" or the only one when none is named"),
    OPT_RANGE(T, epochs, OPTION_WHOLE, "epochs", "N", "1",
              "epochs in all, those before a resume included", 1, 1e9),
    OPT_RANGE(T, batchsize, OPTION_WHOLE, "batchsize", "N", "32", "examples a step", 1, 1e9),
    OPT_RANGE(T, seed, OPTION_WHOLE, "seed", "N", "1", "of the order of examples", 0, 9e15),
    OPT_FLAG(T, in_order, 0, "in-order", "do not shuffle"),
    OPT_FLAG(T, drop_last, 0, "drop-last", "leave out a last batch that is incomplete"),
    OPT_RANGE(T, max_steps, OPTION_WHOLE, "max-steps", "N", NULL,
              "stop after so many steps; the environment's WENGERT_MAX_STEPS lowers it", 1, 9e15),
    OPT(T, validation, OPTION_MANY, 0, "validation", "NAME=FILE", NULL,
        "values of an input for validation after each epoch"),
    OPT_RANGE(T, split, OPTION_REAL, "split", "X", NULL,
              "keep this share of the examples apart for validation", 0, 0.99),
    OPT(T, validation_function, OPTION_TEXT, 0, "validation-function", "NAME", NULL,
        "the function that validates; the first that predicts and has the loss when none is named"),
    OPT_RANGE(T, patience, OPTION_WHOLE, "patience", "N", NULL,
              "stop when no epoch was better for so many, and take the best one's weights", 1, 1e9),
    OPT_RANGE(T, min_delta, OPTION_REAL, "min-delta", "X", NULL, "what counts as better", 0, 1e9),
    OPT(T, folder, OPTION_TEXT, 0, "checkpoints", "FOLDER", NULL,
        "save the run there after each epoch, so that it can be resumed"),
    OPT_RANGE(T, every_steps, OPTION_WHOLE, "every-steps", "N", NULL, "save so often instead", 1,
              9e15),
    OPT_RANGE(T, every_seconds, OPTION_REAL, "every-seconds", "X", NULL, "save so often instead",
              0.1, 1e9),
    OPT_RANGE(T, keep, OPTION_WHOLE, "keep", "N", "3", "checkpoints that stay", 1, 1e6),
    OPT_FLAG(T, resume, 'r', "resume", "go on from the newest checkpoint of the folder"),
    OPT(T, log, OPTION_TEXT, 0, "log", "FILE.jsonl", NULL,
        "a JSON line for each step and epoch; `wengert plot` draws it"),
    OPT_FLAG(T, plain, 0, "plain", "a line an epoch and no bar"),
    OPT_FLAG(T, quiet, 'q', "quiet", "tell nothing but errors"),
    OPTIONS_END
};
#undef T

/* The files of one set, and how the kit is told of them. */
typedef struct {
    int n;
    wg_train_feed *feed;
    char (*name)[256];
} data_set;

static int scale_of(const train_options *o, const char *input, double *scale)
{
    char name[256], *end;

    *scale = 1;
    for (int i = 0; i < o->scale.n; i++) {
        const char *value = split_pair("train", "scale", o->scale.item[i], name, sizeof name);

        if (!value) return EXIT_USAGE;
        if (strcmp(name, input) != 0) continue;
        *scale = strtod(value, &end);
        if (end == value || *end || !isfinite(*scale) || *scale == 0)
            return misuse("train", NULL, "--scale takes NAME=NUMBER, not \"%s\"", o->scale.item[i]);
    }
    return EXIT_GOOD;
}

static int read_set(data_set *set, const train_options *o, const char *option_name,
                    const text_list *files)
{
    wg_data_options how = { .allow_nan = o->nan };
    int status = EXIT_GOOD;

    set->feed = calloc((size_t)files->n + 1, sizeof *set->feed);
    set->name = calloc((size_t)files->n + 1, sizeof *set->name);
    if (!set->feed || !set->name) return trouble("train", NULL, "out of memory");
    for (int i = 0; i < files->n && status == EXIT_GOOD; i++) {
        wg_error error = { .code = WG_OK };
        wg_train_feed *feed = &set->feed[i];
        const char *path =
            split_pair("train", option_name, files->item[i], set->name[i], sizeof set->name[i]);

        if (!path) return EXIT_USAGE;
        feed->input = set->name[i];
        for (int k = 0; k < o->whole.n; k++)
            if (strcmp(o->whole.item[k], feed->input) == 0) feed->constant = true;
        status = scale_of(o, feed->input, &feed->scale);
        if (status == EXIT_GOOD && wg_data_read(path, &how, &feed->data, &error) != WG_OK)
            status = trouble_of("train", NULL, &error);
        set->n = i + 1;
    }
    return status;
}

static void free_set(data_set *set)
{
    for (int i = 0; i < set->n; i++) wg_data_free(&set->feed[i].data);
    free(set->feed);
    free(set->name);
}

/* Where the trained program goes when nobody says it. NULL: out of memory. */
static char *default_output(const char *model)
{
    size_t n = strlen(model);
    char *path = malloc(n + sizeof "-trained.json");

    if (n > 5 && strcmp(model + n - 5, ".json") == 0) n -= 5;
    if (path) sprintf(path, "%.*s-trained.json", (int)n, model);
    return path;
}

/* Whether the program can be saved there, asked before the work and not after it. */
static int check_output(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    int status = EXIT_GOOD;

    if (!folder) return trouble("train", NULL, "out of memory");
    if (access(folder, W_OK | X_OK) != 0)
        status = trouble("train", "nothing was trained: say with -o where the program may go",
                         "%s: cannot be written: %s: %s", path, folder, strerror(errno));
    free(folder);
    return status;
}

static int train_it(const program *p, const train_options *o, const data_set *data,
                    const data_set *validation, const char *path)
{
    wg_error error = { .code = WG_OK };
    wg_train_options how = {
        .function = o->function,
        .loss = o->loss,
        .n_feeds = data->n,
        .feeds = data->feed,
        .epochs = o->epochs,
        .batchsize = o->batchsize,
        .seed = (uint64_t)o->seed,
        .in_order = o->in_order,
        .drop_last = o->drop_last,
        .max_steps = o->max_steps,
        .validation_function = o->validation_function,
        .n_validation_feeds = validation->n,
        .validation_feeds = validation->feed,
        .validation_split = o->split,
        .patience = o->patience,
        .min_delta = o->min_delta,
        .folder = o->folder,
        .every_steps = o->every_steps,
        .every_seconds = o->every_seconds,
        .keep = o->keep,
        .resume = o->resume,
        .verbose = o->quiet   ? -1
                   : o->plain ? 0
                              : 1,
        .log = o->log,
        .go_on = "the same command and --resume",
        .stop = wg_train_on_sigint(),
    };
    bool interrupted;
    wg_train *t = wg_train_new(p->graph, p->params, &how, &error);
    int status =
        t ? EXIT_GOOD
          : trouble_of("train", "`wengert show` lists functions, inputs and outputs", &error);

    if (status == EXIT_GOOD && wg_train_run(t, &error) != WG_OK) {
        status = trouble_of("train",
                            error.code == WG_ENONFINITE
                                ? "a smaller learning rate, or `wengert explain` on the program "
                                  "as it was saved last, may show why"
                            : wg_train_saved(t) ? "the checkpoints made before are whole: add "
                                                  "--resume to go on from the newest"
                                                : NULL,
                            &error);
        if (wg_train_saved(t)) fprintf(stderr, "  saved last: %s\n", wg_train_saved(t));
        if (error.code == WG_ENONFINITE) status = EXIT_NEGATIVE;
    }
    interrupted = t && wg_train_state_of(t)->end == WG_TRAIN_INTERRUPTED;
    if (status == EXIT_GOOD && wg_save(path, p->graph, p->params, NULL, &error) != WG_OK)
        status = trouble_of("train", "what stood there before is still there", &error);
    if (status == EXIT_GOOD && !o->quiet) printf("saved %s\n", path);
    if (status == EXIT_GOOD && interrupted) {
        if (!o->folder)
            fprintf(stderr, "interrupted; the same command on %s trains on from there\n", path);
        status = EXIT_NEGATIVE;
    }
    wg_train_free(t);
    return status;
}

static int train(int argc, char *const *operand, void *given)
{
    const train_options *o = given;
    data_set data = { 0 }, validation = { 0 };
    program p = { 0 };
    char *path = NULL;
    int status = EXIT_GOOD;

    (void)argc;
    if (o->resume && !o->folder)
        return misuse("train", NULL, "--resume goes with --checkpoints FOLDER");
    if (o->data.n == 0)
        return misuse("train", "for instance: wengert train model.json --data x=images.npy",
                      "there is no data: add --data NAME=FILE for each input");
    /* Nobody may be left reading what is told, and the training goes on. */
    signal(SIGPIPE, SIG_IGN);
    status = program_load(&p, "train", operand[0]);
    if (status == EXIT_GOOD) status = read_set(&data, o, "data", &o->data);
    if (status == EXIT_GOOD) status = read_set(&validation, o, "validation", &o->validation);
    if (status == EXIT_GOOD && !o->output && !(path = default_output(operand[0])))
        status = trouble("train", NULL, "out of memory");
    if (status == EXIT_GOOD) status = check_output(o->output ? o->output : path);
    if (status == EXIT_GOOD)
        status = train_it(&p, o, &data, &validation, o->output ? o->output : path);
    free(path);
    free_set(&data);
    free_set(&validation);
    program_free(&p);
    return status;
}

const command_spec train_command = {
    "train",
    "MODEL.json",
    "goes on training a saved program on data files",
    "Ctrl-C finishes the step, saves, says how to go on, and ends with status 1. A run that was "
    "stopped in any way "
    "and\n"
    "is resumed ends with the same bytes as one that was not. A loss that is not finite ends the\n"
    "run with status 1 and the entry where it began.\n\nexamples:\n"
    "  wengert train --data x=images.npy --data y=labels.npy --epochs 3 model.json\n"
    "  wengert train -d x=x.csv -d y=y.csv --checkpoints run --log run.jsonl model.json\n"
    "  wengert train -d x=x.csv -d y=y.csv --checkpoints run --resume --epochs 9 model.json\n",
    table_of_options,
    1,
    1,
    train,
    sizeof(train_options)
};
