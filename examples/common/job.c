/* job.c: see job.h. */
#include "job.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <wengert/op.h>

static bool fail(wg_error *error, wg_status code, const char *text, const char *what)
{
    wg_fail(error, code, "job", text, what);
    return false;
}

static bool read_values(job_input *in, const char *text, int64_t *count, wg_error *error)
{
    int64_t n = 0;
    const char *s = text;
    char *end;

    while (strtod(s, &end), end != s) n++, s = end;
    if (*s || n == 0) return fail(error, WG_EFORMAT, "\"%.120s\" is no list of numbers", text);
    in->value = malloc((size_t)n * sizeof *in->value);
    if (!in->value) return fail(error, WG_ENOMEM, "out of memory%s", "");
    s = text;
    for (int64_t i = 0; i < n; i++, s = end) in->value[i] = strtod(s, &end);
    *count = n;
    return true;
}

static bool read_source(job_input *in, const char *spec, int64_t *count, wg_error *error)
{
    char path[512];

    if (strncmp(spec, "values ", 7) == 0) return read_values(in, spec + 7, count, error);
    if (sscanf(spec, "idx %511s %lf", path, &in->scale) != 2)
        return fail(error, WG_EFORMAT,
                    "\"%.120s\" is neither \"idx FILE SCALE\" nor \"values ...\"", spec);
    if (wg_idx_read(path, &in->idx, error) != WG_OK) return false;
    *count = wg_shape_count(&in->idx.shape);
    return true;
}

/* Where the values of one input come from, and how many examples they make. */
static bool open_input(job *j, const wg_tensor *leaf, const char *set, wg_error *error)
{
    job_input *in = &j->input[j->n_inputs++];
    wg_type type = *wg_tensor_type(leaf);
    char key[256];
    const char *spec;
    int64_t count;

    in->name = wg_tensor_leaf_name(leaf);
    snprintf(key, sizeof key, "data.%s.%s", set, in->name);
    spec = wg_metadata_get(j->graph, key);
    if (!spec) return fail(error, WG_ENAME, "the program's metadata has no \"%s\"", key);
    if (type.shape.rank < 1 || type.dtype == WG_BOOL)
        return fail(error, WG_ESHAPE, "input \"%.120s\" has no axis of examples", in->name);
    if (!read_source(in, spec, &count, error)) return false;
    type.shape.dim[0] = 1;
    in->per = wg_shape_count(&type.shape);
    if (in->per < 1 || count % in->per || (j->n_inputs > 1 && count / in->per != j->examples))
        return fail(
            error, WG_ESHAPE,
            "the data of input \"%.120s\" makes no whole examples, or not as many as others",
            in->name);
    j->examples = count / in->per;
    type.shape.dim[0] = j->batch;
    in->batch = wg_array_of(type.dtype, type.shape, malloc((size_t)wg_type_bytes(&type)));
    return in->batch.data || fail(error, WG_ENOMEM, "out of memory%s", "");
}

bool job_open(job *j, wg_graph *g, wg_params *w, const char *name, const char *set, int64_t batch,
              wg_error *error)
{
    wg_tensor *leaf[JOB_INPUTS];
    int n;

    *j = (job){ .graph = g, .function = wg_function_find(g, name), .batch = batch };
    n = wg_function_inputs(g, j->function, JOB_INPUTS, leaf);
    if (n < 0 || n > JOB_INPUTS)
        return fail(error, WG_ENAME, "no function \"%.120s\", or too many inputs", name);
    for (int i = 0; i < n; i++)
        if (!open_input(j, leaf[i], set, error)) return false;
    if (j->batch > j->examples) j->batch = j->examples;
    j->plan = wg_plan_new_error(g, w, name, NULL, error);
    return j->plan != NULL;
}

static void put(wg_array *to, int64_t i, double v)
{
    if (to->type.dtype == WG_F32) ((float *)to->data)[i] = (float)v;
    else if (to->type.dtype == WG_F64) ((double *)to->data)[i] = v;
    else ((int64_t *)to->data)[i] = (int64_t)v;
}

static bool take(job_input *in, int64_t first, const int64_t *row, int64_t n, wg_error *error)
{
    if (in->idx.data && row)
        return wg_idx_take(&in->idx, n, row, in->scale, in->batch, error) == WG_OK;
    for (int64_t k = 0; k < n; k++)
        for (int64_t i = 0; i < in->per; i++) {
            int64_t at = (row ? row[k] : first + k) * in->per + i;

            put(&in->batch, k * in->per + i,
                in->idx.data ? in->scale * in->idx.data[at] : in->value[at]);
        }
    return true;
}

bool job_run(job *j, int64_t first, const int64_t *row, int64_t n, wg_error *error)
{
    for (int i = 0; i < j->n_inputs; i++) {
        job_input *in = &j->input[i];

        in->batch.type.shape.dim[0] = n;
        if (!take(in, first, row, n, error)) return false;
        if (wg_plan_feed(j->plan, in->name, in->batch) == WG_OK) continue;
        *error = *wg_plan_error(j->plan);
        return false;
    }
    if (wg_plan_run(j->plan) == WG_OK) return true;
    *error = *wg_plan_error(j->plan);
    return false;
}

double job_total(job *j, const char *output, wg_error *error)
{
    double total = 0;

    for (int64_t first = 0; first < j->examples; first += j->batch) {
        int64_t n = j->examples - first < j->batch ? j->examples - first : j->batch;

        if (!job_run(j, first, NULL, n, error)) return NAN;
        total += wg_item(wg_plan_value(j->plan, output));
    }
    return total;
}

void job_close(job *j)
{
    for (int i = 0; i < j->n_inputs; i++) {
        wg_idx_free(&j->input[i].idx);
        free(j->input[i].value);
        free(j->input[i].batch.data);
    }
    wg_plan_free(j->plan);
    *j = (job){ 0 };
}
