/*
 * resume.c: goes on with a saved program, whatever it is. Nothing here knows the model: functions,
 * inputs and outputs are asked of the graph, the data of its metadata.
 *
 *     resume PROGRAM.json [EPOCHS]
 *
 * trains EPOCHS more (default 1) and saves beside it, as PROGRAM-resumed.json.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <wengert.h>

#include "common/training.h"

/* The first function of that mode; -1: none. */
static int find_mode(const wg_graph *g, wg_mode mode)
{
    for (int f = 0; f < wg_function_count(g); f++)
        if (wg_function_mode(g, f) == mode) return f;
    return -1;
}

static void describe(const wg_graph *g, const wg_params *w)
{
    const char *name = wg_metadata_get(g, "name");
    char text[WG_TYPE_TEXT];

    printf("%s: %d store entries\n", name ? name : "a program", wg_params_count(w));
    for (int f = 0; f < wg_function_count(g); f++) {
        wg_tensor *leaf[JOB_INPUTS];
        int n = wg_function_inputs(g, f, JOB_INPUTS, leaf);

        printf("  %s (%s): %d updates\n", wg_function_name(g, f),
               wg_function_mode(g, f) == WG_TRAIN ? "train" : "predict",
               wg_function_n_updates(g, f));
        for (int i = 0; i < n && i < JOB_INPUTS; i++)
            printf("    input  %-10s %s\n", wg_tensor_leaf_name(leaf[i]),
                   wg_type_text(wg_tensor_type(leaf[i]), text));
        for (int i = 0; i < wg_function_n_outputs(g, f); i++)
            printf("    output %-10s %s\n", wg_function_output_name(g, f, i),
                   wg_type_text(wg_tensor_type(wg_function_output(g, f, i)), text));
    }
}

static long number(const wg_graph *g, const char *key, long otherwise)
{
    const char *text = wg_metadata_get(g, key);

    return text ? strtol(text, NULL, 10) : otherwise;
}

/* Every output of a function that looks: a count or a sum as its mean over the examples, anything
 * else as the values of the first few. */
static bool evaluate(wg_graph *g, wg_params *w, const char *when, wg_error *error)
{
    int f = find_mode(g, WG_PREDICT);
    job j = { 0 };
    bool ok = f < 0 || job_open(&j, g, w, wg_function_name(g, f), "test", 1000, error);

    for (int i = 0; ok && i < wg_function_n_outputs(g, f); i++) {
        const char *name = wg_function_output_name(g, f, i);

        if (wg_tensor_type(wg_function_output(g, f, i))->shape.rank == 0) {
            double mean = job_total(&j, name, error) / (double)j.examples;

            ok = !isnan(mean);
            if (ok && strcmp(name, "correct") == 0)
                printf("test accuracy %.2f %% %s\n", 100 * mean, when);
            else if (ok) printf("test %s %.4f %s\n", name, mean, when);
        } else if (j.examples <= 16) {
            const wg_array *value;

            ok = job_run(&j, 0, NULL, j.examples, error);
            value = ok ? wg_plan_value(j.plan, name) : NULL;
            if (value && value->type.dtype == WG_F32) {
                printf("test %s %s:", name, when);
                for (int64_t k = 0; k < wg_shape_count(&value->type.shape); k++)
                    printf(" %.3f", (double)((float *)value->data)[k]);
                printf("\n");
            }
        }
    }
    job_close(&j);
    return ok;
}

static bool train(wg_graph *g, wg_params *w, int epochs, wg_error *error)
{
    int f = find_mode(g, WG_TRAIN);
    long done = number(g, "epochs", 0);
    char text[32];
    job j = { 0 };
    bool ok = f >= 0;

    if (!ok) wg_fail(error, WG_ENAME, "resume", "the program has no function that trains");
    ok = ok && job_open(&j, g, w, wg_function_name(g, f), "train", number(g, "batch", 100), error);
    for (int e = 0; ok && e < epochs && j.steps < train_max_steps(); e++) {
        snprintf(text, sizeof text, "epoch %ld", done + e + 1);
        ok = train_epoch(&j, text, (uint64_t)number(g, "shuffle_seed", 1), done + e, NULL, error);
    }
    job_close(&j);
    snprintf(text, sizeof text, "%ld", done + epochs);
    wg_metadata_set(g, "epochs", text);
    return ok;
}

int main(int argc, char **argv)
{
    wg_program p;
    wg_error error = { .code = WG_OK };
    int epochs = argc > 2 ? atoi(argv[2]) : 1;
    char path[1024];
    bool ok;

    if (argc < 2) {
        fprintf(stderr, "usage: resume PROGRAM.json [EPOCHS]\n");
        return 2;
    }
    ok = wg_load(argv[1], NULL, &p, &error) == WG_OK;
    if (ok) {
        describe(p.graph, p.params);
        snprintf(path, sizeof path, "%.*s-resumed.json",
                 (int)(strlen(argv[1]) - (strstr(argv[1], ".json") ? 5 : 0)), argv[1]);
        ok = evaluate(p.graph, p.params, "as loaded", &error) &&
             train(p.graph, p.params, epochs, &error) &&
             evaluate(p.graph, p.params, "after more training", &error) &&
             wg_save(path, p.graph, p.params, NULL, &error) == WG_OK;
        if (ok) printf("saved %s\n", path);
        wg_program_free(&p);
    }
    if (!ok) wg_error_print(&error, stderr);
    return ok ? 0 : 1;
}
