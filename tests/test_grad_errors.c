/* test_grad_errors.c: what differentiation refuses: missing and wrong rules, arguments that do not fit. */
#include "harness.h"

#include <wengert.h>
#include <wengert/op.h>

static wg_tensor *vector_in(wg_graph *g, const char *name, int64_t n)
{
    return wg_input(g, name, WG_F64, WG_SHAPE(n));
}

static wg_tensor *total(wg_tensor *t)
{
    return wg_sum(t, WG_ALL_AXES, false);
}

/* A user's record, y = 2 x, whose rule is to be wrong or missing. */
static bool seen_need[2];

static void twice_row(const void *attr, int64_t n, const void *const *x, const int *step, void *y)
{
    (void)attr;
    for (int64_t i = 0; i < n; i++) ((double *)y)[i] = 2 * ((const double *)x[0])[i * step[0]];
}

static void sum_of_rule(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_sum(v->dy, WG_ALL_AXES, false);
}

static void needed_rule(const wg_vjp *v, wg_tensor **dx)
{
    seen_need[0] = v->need[0];
    seen_need[1] = v->need[1];
    dx[0] = dx[1] = wg_mul(v->dy, wg_scalar_like(v->dy, 2));
}

static const wg_op op_no_rule = { .name = "twice",
                                  .doc = "2 x, without a rule",
                                  .n_in = 1,
                                  .infer = wg_infer_same,
                                  .row = WG_ROW_KERNELS({ [WG_F64] = { twice_row } }) };
static const wg_op op_bad_rule = { .name = "twice_badly",
                                   .doc = "2 x, with a rule of another shape",
                                   .n_in = 1,
                                   .infer = wg_infer_same,
                                   .row = WG_ROW_KERNELS({ [WG_F64] = { twice_row } }),
                                   .vjp = sum_of_rule };
static const wg_op op_needed = { .name = "twice_of_two",
                                 .doc = "2 a; b lends nothing",
                                 .n_in = 2,
                                 .infer = wg_infer_broadcast,
                                 .row = WG_ROW_KERNELS({ [WG_F64] = { twice_row } }),
                                 .vjp = needed_rule };

static void a_missing_rule_names_op_and_line(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = vector_in(g, "x", 3), *y, *grad = NULL;
    char line[64];

    y = wg_at(WG_SITE, wg_record1(&op_no_rule, NULL, x));
    snprintf(line, sizeof line, "test_grad_errors.c:%d", __LINE__ - 1);
    CHECK(wg_grad(total(y), 1, &x, &grad) == g);
    ERROR_IS(wg_graph_error(g), WG_EGRAD,
             "twice: no gradient rule, on the way from the result to f64[3]", line);
    EQ_STR(wg_tensor_op(grad), "error");
    wg_graph_free(g);
}

/* Reported only where a gradient would have to pass. */
static void a_missing_rule_elsewhere_is_no_error(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = vector_in(g, "x", 3), *z = vector_in(g, "z", 3);

    wg_grad1(total(wg_mul(wg_record1(&op_no_rule, NULL, z), x)), x);
    wg_grad1(total(wg_mul(wg_detach(wg_record1(&op_no_rule, NULL, x)), x)), x);
    wg_grad1(total(wg_zeros_like(wg_record1(&op_no_rule, NULL, x))), x);
    NO_ERROR(wg_graph_error(g));
    wg_graph_free(g);
}

static void a_rule_of_another_shape_is_refused(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = vector_in(g, "x", 3), *y;
    char line[64];

    y = wg_at(WG_SITE, wg_record1(&op_bad_rule, NULL, x));
    snprintf(line, sizeof line, "test_grad_errors.c:%d", __LINE__ - 1);
    wg_grad1(total(y), x);
    ERROR_IS(wg_graph_error(g), WG_EGRAD,
             "twice_badly: the gradient rule gives f64[] for operand 0, which is f64[3]", line);
    wg_graph_free(g);
}

static void rules_are_told_what_is_needed(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = vector_in(g, "x", 3), *z = vector_in(g, "z", 3),
              *y = wg_record2(&op_needed, NULL, x, z);

    wg_grad1(total(y), x);
    CHECK(seen_need[0] && !seen_need[1]);
    wg_grad1(total(y), z);
    CHECK(!seen_need[0] && seen_need[1]);
    NO_ERROR(wg_graph_error(g));
    wg_graph_free(g);
}

/* What is wrong with the arguments themselves; each graph keeps its first error. */
static void wrong_arguments(void)
{
    static const char *const want[] = {
        "grad: the loss must have one element, but is f64[3]",
        "grad: loss is i64[]; only f32 and f64 have a gradient",
        "grad: wrt[1] is NULL",
        "grad: wrt[0] belongs to another graph",
        "grad: wrt[0] is i64[]; only f32 and f64 have a gradient",
        "vjp_of: dy is f64[], but y is f64[3]",
        "vjp_of: dy is f32[3], but y is f64[3]",
        "jvp_of: tangent[0] is f64[], but wrt[0] is f64[3]",
        "hvp: v[0] is NULL",
        "grad: NULL list",
        "grad: a negative number of tensors",
        "hvp: NULL list",
    };
    static const wg_status code[] = { WG_ESHAPE, WG_EDTYPE, WG_EARG, WG_EARG, WG_EDTYPE, WG_ESHAPE,
                                      WG_EDTYPE, WG_ESHAPE, WG_EARG, WG_EARG, WG_EARG,   WG_EARG };

    for (int k = 0; k < (int)(sizeof want / sizeof want[0]); k++) {
        wg_graph *g = wg_graph_new(), *other = wg_graph_new();
        wg_tensor *x = vector_in(g, "x", 3), *s = total(x),
                  *i = wg_input(g, "i", WG_I64, WG_SHAPE_SCALAR);
        wg_tensor *f = wg_input(g, "f", WG_F32, WG_SHAPE(3)), *far = vector_in(other, "x", 3);
        wg_tensor *out[2] = { NULL, NULL }, *none = NULL;
        char line[64];
        int at = __LINE__ + 1;
        switch (k) {
        case 0:
            wg_grad1(x, x);
            break;
        case 1:
            wg_grad1(i, x);
            break;
        case 2:
            wg_grad(s, 2, (wg_tensor *[]){ x, NULL }, out);
            break;
        case 3:
            wg_grad1(s, far);
            break;
        case 4:
            wg_grad1(s, i);
            break;
        case 5:
            wg_vjp_of(x, s, 1, &x, out);
            break;
        case 6:
            wg_vjp_of(x, f, 1, &x, out);
            break;
        case 7:
            wg_jvp_of(x, 1, &x, &s);
            break;
        case 8:
            wg_hvp(s, 1, &x, &none, out);
            break;
        case 9:
            wg_grad(s, 1, NULL, out);
            break;
        case 10:
            wg_grad(s, -1, &x, out);
            break;
        case 11:
            wg_hvp(s, 1, &x, NULL, out);
            break;
        }
        snprintf(line, sizeof line, "test_grad_errors.c:%d", at + 2 + 3 * k);
        ERROR_IS(wg_graph_error(g), code[k], want[k], line);
        if (k == 2) CHECK(strcmp(wg_tensor_op(out[0]), "error") == 0 && out[1] == out[0]);
        wg_graph_free(g);
        wg_graph_free(other);
    }
}

static void errors_and_nothing_pass_through(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = vector_in(g, "x", 3), *z = vector_in(g, "z", 4), *out[2] = { x, x }, *bad;
    char line[64];

    bad = wg_add(x, z);
    snprintf(line, sizeof line, "test_grad_errors.c:%d", __LINE__ - 1);
    CHECK(wg_grad(total(bad), 2, (wg_tensor *[]){ x, z }, out) == g);
    CHECK(out[0] == bad && out[1] == bad && wg_grad1(bad, x) == bad);
    CHECK(wg_jvp_of(bad, 1, &x, &x) == bad);
    ERROR_IS(wg_graph_error(g), WG_ESHAPE, "add: cannot broadcast f64[3] with f64[4]", line);
    wg_graph_free(g);

    out[0] = x;
    CHECK(wg_grad(NULL, 1, out, out) == NULL && out[0] == NULL);
    CHECK(wg_grad1(NULL, NULL) == NULL && wg_jvp_of(NULL, 0, NULL, NULL) == NULL);
    CHECK(wg_vjp_of(NULL, NULL, 0, NULL, NULL) == NULL &&
          wg_hvp(NULL, 0, NULL, NULL, NULL) == NULL);
}

TESTS(TEST(a_missing_rule_names_op_and_line), TEST(a_missing_rule_elsewhere_is_no_error),
      TEST(a_rule_of_another_shape_is_refused), TEST(rules_are_told_what_is_needed),
      TEST(wrong_arguments), TEST(errors_and_nothing_pass_through))
