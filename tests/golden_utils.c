/* golden_utils.c: runs the cases of golden/utils.json, in double and in float. */
#include <wengert/nn.h>
#include <wengert/utils.h>

#include "golden_kinds.h"

static const double TOL = 1e-9, TOL_F32 = 1e-5;

/* ---- hyperparameters ---- */

static int64_t number(const json_t *c, const char *key, int64_t otherwise)
{
    return (int64_t)golden_number(c, key, (double)otherwise);
}

/* Up to n integers from a list; how many there are. */
static int list(const json_t *c, const char *key, int n, int64_t *v)
{
    const json_t *l = golden_hyper(c, key);
    int count = (int)json_array_size(l);

    for (int i = 0; i < n && i < count; i++)
        v[i] = json_integer_value(json_array_get(l, (size_t)i));
    return count;
}

static wg_shape shape(const json_t *c, const char *key)
{
    int64_t dim[WG_MAX_RANK];
    int n = list(c, key, WG_MAX_RANK, dim);

    return wg_shape_of(n, dim);
}

static wg_padding padding(const json_t *c)
{
    const json_t *pad = golden_hyper(c, "pad");
    int64_t v[4] = { 0 };

    if (json_is_string(pad))
        return strcmp(json_string_value(pad), "same") == 0 ? wg_padding_same()
                                                           : wg_padding_causal();
    if (!json_is_array(pad)) return wg_padding_all(json_integer_value(pad));
    if (list(c, "pad", 4, v) == 2) return wg_padding_two(v[0], v[1]);
    return wg_padding_four(v[0], v[1], v[2], v[3]);
}

/* ---- arrays in, arrays out ---- */

typedef struct {
    const json_t *c;
    wg_array X, W; /* of the element type at hand; W may be empty */
    wg_padding pad;
    int64_t stride, dilation;
    int64_t p[4]; /* the padding that was resolved */
    wg_error error;
} job;

static wg_status run_pad1d(job *j, wg_array *y)
{
    return wg_pad1d_array(j->X, j->pad, number(j->c, "kernel_width", 0), j->stride, j->dilation, y,
                          j->p, &j->error);
}

static wg_status run_pad2d(job *j, wg_array *y)
{
    int64_t kernel[2];
    bool given = list(j->c, "kernel_shape", 2, kernel) == 2;

    return wg_pad2d_array(j->X, j->pad, given ? kernel : NULL, j->stride, j->dilation, y, j->p,
                          &j->error);
}

static wg_status run_dilate(job *j, wg_array *y)
{
    return wg_dilate_array(j->X, number(j->c, "d", 0), y, &j->error);
}

static wg_status run_im2col(job *j, wg_array *y)
{
    wg_shape W = shape(j->c, "W_shape");

    return wg_im2col_array(j->X, &W, j->pad, j->stride, j->dilation, y, j->p, &j->error);
}

static wg_status run_col2im(job *j, wg_array *y)
{
    wg_shape W = shape(j->c, "W_shape"), X = shape(j->c, "X_shape");

    return wg_col2im_array(j->X, &X, &W, j->pad, j->stride, j->dilation, y, &j->error);
}

static wg_status run_conv1d(job *j, wg_array *y)
{
    return wg_conv1d_array(j->X, j->W, j->stride, j->pad, j->dilation, y, &j->error);
}

static wg_status run_conv2d(job *j, wg_array *y)
{
    return wg_conv2d_array(j->X, j->W, j->stride, j->pad, j->dilation, y, &j->error);
}

static wg_status run_conv2d_naive(job *j, wg_array *y)
{
    return wg_conv2d_naive(j->X, j->W, j->stride, j->pad, j->dilation, y, &j->error);
}

static wg_status run_deconv2d(job *j, wg_array *y)
{
    return wg_deconv2d_naive(j->X, j->W, j->stride, j->pad, j->dilation, y, &j->error);
}

static const struct {
    const char *function, *input, *output;
    wg_status (*run)(job *j, wg_array *y);
} array_functions[] = {
    { "pad1D", "X", "X_pad", run_pad1d },
    { "pad2D", "X", "X_pad", run_pad2d },
    { "dilate", "X", "Xd", run_dilate },
    { "im2col", "X", "X_col", run_im2col },
    { "col2im", "X_col", "X", run_col2im },
    { "conv1D", "X", "Z", run_conv1d },
    { "conv2D", "X", "Z", run_conv2d },
    { "conv2D", "X", "Z", run_conv2d_naive },
    { "conv2D_naive", "X", "Z", run_conv2d_naive },
    { "deconv2D", "X", "Y", run_deconv2d },
    { "deconv2D_naive", "X", "Y", run_deconv2d },
};

static void to_f32(wg_array *a)
{
    int64_t n = a->data ? wg_shape_count(&a->type.shape) : 0;

    if (!a->data || a->type.dtype != WG_F64) return;
    for (int64_t i = 0; i < n; i++)
        ((float *)a->data)[i] = (float)((double *)a->data)[i]; /* in place, from the front */
    a->type.dtype = WG_F32;
}

/* One function on one element type. */
static bool run_array(const json_t *c, size_t k, bool f32, double *worst)
{
    job j = { .c = c,
              .pad = padding(c),
              .stride = number(c, "stride", 1),
              .dilation = number(c, "dilation", 0) };
    wg_array want = golden_array(c, "outputs", array_functions[k].output), got = { .data = NULL };
    double off = 0;
    bool ok;

    j.X = golden_array(c, "inputs", array_functions[k].input);
    j.W = golden_array(c, "inputs", "W");
    if (f32) {
        to_f32(&j.X);
        to_f32(&j.W);
    }
    ok = array_functions[k].run(&j, &got) == WG_OK;
    if (!ok) golden_error(c, &j.error);
    ok = ok && golden_near(c, array_functions[k].output, &got, &want, f32 ? TOL_F32 : TOL, &off);
    if (!f32 && off > *worst) *worst = off;
    if (ok && json_object_get(json_object_get(c, "outputs"), "pad"))
        ok = golden_ints(c, "pad", j.p, strcmp(array_functions[k].function, "pad1D") == 0 ? 2 : 4);
    wg_free(got.data);
    free(want.data);
    free(j.X.data);
    free(j.W.data);
    return ok;
}

/* ---- shapes and lists ---- */

static bool pad_dims_1d(const json_t *c)
{
    wg_shape X = shape(c, "X_shape");
    wg_error error = { 0 };
    int64_t pad[2];

    if (wg_calc_pad_dims_1d(&X, number(c, "l_out", 0), number(c, "kernel_width", 0),
                            number(c, "stride", 1), number(c, "dilation", 0),
                            json_is_true(golden_hyper(c, "causal")), pad, &error) != WG_OK)
        return golden_error(c, &error);
    return golden_ints(c, "pad", pad, 2);
}

static bool pad_dims_2d(const json_t *c)
{
    wg_shape X = shape(c, "X_shape");
    wg_error error = { 0 };
    int64_t out[2] = { 0 }, kernel[2] = { 0 }, pad[4];

    list(c, "out_dim", 2, out);
    list(c, "kernel_shape", 2, kernel);
    if (wg_calc_pad_dims_2d(&X, out, kernel, number(c, "stride", 1), number(c, "dilation", 0), pad,
                            &error) != WG_OK)
        return golden_error(c, &error);
    return golden_ints(c, "pad", pad, 4);
}

static bool out_dims(const json_t *c)
{
    wg_shape X = shape(c, "X_shape"), W = shape(c, "W_shape"), Y;
    wg_error error = { 0 };

    if (wg_calc_conv_out_dims(&X, &W, number(c, "stride", 1), padding(c), number(c, "dilation", 0),
                              &Y, &error) != WG_OK)
        return golden_error(c, &error);
    return golden_ints(c, "out_dims", Y.dim, Y.rank);
}

static bool fan(const json_t *c)
{
    wg_shape W = shape(c, "weight_shape");
    double in, out;

    if (!wg_calc_fan(&W, &in, &out)) return golden_wrong(c, "no fan");
    return golden_ints(c, "fan", (int64_t[]){ (int64_t)in, (int64_t)out }, 2);
}

/* In order the batches are those of the case; shuffled they are a permutation of as many. */
static bool minibatch(const json_t *c)
{
    bool shuffle = !json_is_false(golden_hyper(c, "shuffle")), ok = true;
    const json_t *batches = json_object_get(json_object_get(c, "outputs"), "batches");
    int64_t n = number(c, "N", 0), n_batches = 0, size, seen = 0;
    wg_minibatch *b = wg_minibatch_new(n, number(c, "batchsize", 0), shuffle,
                                       (uint64_t)number(c, "seed", 0), 0, NULL);
    bool *met = calloc((size_t)n + 1, sizeof *met);
    const int64_t *rows;

    if (!b) ok = golden_wrong(c, "no minibatches");
    while (ok && (size = wg_minibatch_next(b, &rows)) > 0) {
        const json_t *want = json_array_get(batches, (size_t)n_batches++);

        if (want && (int64_t)json_array_size(want) != size)
            ok = golden_wrong(c, "batch of %lld", (long long)size);
        for (int64_t i = 0; i < size; i++) {
            if (rows[i] < 0 || rows[i] >= n || met[rows[i]]) ok = golden_wrong(c, "no permutation");
            else met[rows[i]] = true;
            if (!shuffle && json_integer_value(json_array_get(want, (size_t)i)) != rows[i])
                ok = golden_wrong(c, "row %lld", (long long)rows[i]);
            seen++;
        }
    }
    if (ok && (seen != n || n_batches != wg_minibatch_n_batches(b)))
        ok = golden_wrong(c, "%lld rows", (long long)seen);
    if (ok && batches && (int64_t)json_array_size(batches) != n_batches)
        ok = golden_wrong(c, "%lld batches", (long long)n_batches);
    if (ok && json_object_get(json_object_get(c, "outputs"), "n_batches"))
        ok = golden_ints(c, "n_batches", &n_batches, 1);
    wg_minibatch_free(b);
    free(met);
    return ok;
}

static const struct {
    const char *function;
    bool (*run)(const json_t *c);
} shape_functions[] = {
    { "calc_pad_dims_1D", pad_dims_1d }, { "calc_pad_dims_2D", pad_dims_2d },
    { "calc_conv_out_dims", out_dims },  { "calc_fan", fan },
    { "minibatch", minibatch },
};

static bool golden_utils_case(const json_t *c, double *worst)
{
    const char *function = golden_string(c, "function");
    bool ok = true, known = false;

    if (!function) return golden_wrong(c, "no hyperparameter \"function\"");
    for (size_t k = 0; k < sizeof shape_functions / sizeof *shape_functions; k++)
        if (strcmp(function, shape_functions[k].function) == 0) {
            known = true;
            ok = ok && shape_functions[k].run(c);
        }
    for (size_t k = 0; k < sizeof array_functions / sizeof *array_functions; k++)
        if (strcmp(function, array_functions[k].function) == 0) {
            known = true;
            ok = ok && run_array(c, k, false, worst) && run_array(c, k, true, worst);
        }
    return known ? ok : golden_wrong(c, "no function \"%s\"", function);
}

const golden_kind golden_kinds_utils[] = {
    { "utils", golden_utils_case },
    { NULL, NULL },
};
