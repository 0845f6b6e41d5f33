/*
 * custom_op.c: an op of one's own, the equal of the library's: swish(x) = x / (1 + e^(-beta x))
 * with an attribute, a shape rule, kernels for float and double, and a gradient rule made of
 * constructors, so that it differentiates to any order. It is checked, saved, and loaded by a list
 * of records that extends the library's.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <wengert.h>
#include <wengert/op.h>

struct swish_attr {
    double beta;
};
static const wg_field swish_fields[] = { WG_FIELD(struct swish_attr, beta), WG_FIELDS_END };

static void swish_f32(const void *attr, int64_t n, const void *const *x, const int *step, void *y)
{
    double beta = ((const struct swish_attr *)attr)->beta;
    const float *a = x[0];

    for (int64_t i = 0; i < n; i++) {
        double v = a[i * step[0]];

        ((float *)y)[i] = (float)(v / (1 + exp(-beta * v)));
    }
}

static void swish_f64(const void *attr, int64_t n, const void *const *x, const int *step, void *y)
{
    double beta = ((const struct swish_attr *)attr)->beta;
    const double *a = x[0];

    for (int64_t i = 0; i < n; i++)
        ((double *)y)[i] = a[i * step[0]] / (1 + exp(-beta * a[i * step[0]]));
}

/* d/dx = s + beta y (1 - s) with s = sigmoid(beta x): recorded, so it differentiates again. */
static void swish_vjp(const wg_vjp *v, wg_tensor **dx)
{
    const struct swish_attr *at = v->attr;
    wg_tensor *beta = wg_scalar_like(v->y, at->beta), *s = wg_sigmoid(wg_mul(beta, v->x[0]));
    wg_tensor *rest = wg_mul(wg_mul(beta, v->y), wg_sub(wg_scalar_like(s, 1), s));

    dx[0] = wg_mul(v->dy, wg_add(s, rest));
}

static const wg_op swish_op = { .name = "swish",
                                .doc = "x sigmoid(beta x)",
                                .n_in = 1,
                                .attr_size = sizeof(struct swish_attr),
                                .fields = swish_fields,
                                .infer = wg_infer_same,
                                .row = WG_ROW_KERNELS({ [WG_F32] = { swish_f32 },
                                                        [WG_F64] = { swish_f64 } }),
                                .vjp = swish_vjp };

static wg_tensor *(swish)(wg_tensor *x, double beta)
{
    return wg_record1(&swish_op, &(struct swish_attr){ beta }, x);
}
#define swish(...) wg_at(WG_SITE, swish(__VA_ARGS__)) /* errors name the caller's line */

/* The library's records and ours, for loading. */
static wg_op_list all_ops(void)
{
    wg_op_list std = wg_std_ops();
    const wg_op **op = malloc(((size_t)std.n + 1) * sizeof *op);

    if (!op) return std;
    for (int i = 0; i < std.n; i++) op[i] = std.op[i];
    op[std.n] = &swish_op;
    return (wg_op_list){ std.n + 1, op };
}

static int run(wg_graph *g, wg_params *w, wg_tensor *loss, const wg_op_list *ops)
{
    static const float X[2][3] = { { -2, -0.5f, 0.25f }, { 1, 0, 3 } };
    wg_feed feed = { "x", WG_F32_ARRAY(X, 2, 3) };
    wg_check_report report;
    wg_error error = { .code = WG_OK };
    wg_load_options load = { .ops = *ops };
    wg_program program;
    wg_array value;
    char *text;
    size_t length;
    bool pass;

    if (wg_check_grad(loss, w, 1, &feed, NULL, &report, &error) != WG_OK) goto fail;
    wg_check_print(&report, stdout);
    pass = report.pass;
    wg_check_free(&report);
    if (wg_save_text(g, w, NULL, &text, &length, &error) != WG_OK) goto fail;
    printf("saved as %zu bytes of JSON\n", length);
    if (wg_load_text(text, length, &load, &program, &error) != WG_OK) {
        wg_free(text);
        goto fail;
    }
    wg_free(text);
    if (wg_read(wg_function_output(program.graph, 0, 0), program.params, 1, &feed, &value,
                &error) != WG_OK) {
        wg_program_free(&program);
        goto fail;
    }
    printf("loaded and run: sum of swish = %.6f\n", wg_item(&value));
    wg_free(value.data);
    wg_program_free(&program);
    return pass ? 0 : 1;
fail:
    wg_error_print(&error, stderr);
    return 1;
}

int main(void)
{
    wg_graph *g = wg_graph_new();
    wg_params *w = wg_params_new(WG_F32, 1);
    wg_op_list ops = all_ops();
    wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(1, 3)), *loss;
    int code = 1;

    wg_begin(g, "value", WG_PREDICT);
    loss = wg_output("sum", wg_sum(swish(x, 1.5), WG_ALL_AXES, false));
    wg_end(g);
    if (wg_graph_error(g)) wg_error_print(wg_graph_error(g), stderr);
    else code = run(g, w, loss, &ops);
    if (ops.n > wg_std_ops().n) free((void *)(uintptr_t)ops.op);
    wg_graph_free(g);
    wg_params_free(w);
    return code;
}
