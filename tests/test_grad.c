/* test_grad.c: the reverse pass: orders, products, what is independent, ties, parts, provenance, mistakes. */
#include "harness.h"

#include <wengert.h>
#include <wengert/op.h>

/* ---- values of a few tensors ---- */

/* t for x = v (f64 [n]); more inputs may be given. */
static void value_of(wg_tensor *t, int n_feeds, const wg_feed *feeds, int n, double *out)
{
    wg_array a = { .data = NULL };
    wg_error error;

    for (int i = 0; i < n; i++) out[i] = NAN;
    if (!CHECK(wg_read(t, NULL, n_feeds, feeds, &a, &error) == WG_OK)) {
        NO_ERROR(&error);
        return;
    }
    if (EQ_INT(wg_shape_count(&a.type.shape), n)) memcpy(out, a.data, (size_t)n * sizeof *out);
    wg_free(a.data);
}

static double scalar_at(wg_tensor *t, const char *name, double x)
{
    double y;
    wg_feed feed = { name, wg_array_of(WG_F64, WG_SHAPE_SCALAR, &x) };

    value_of(t, 1, &feed, 1, &y);
    return y;
}

static wg_tensor *scalar_in(wg_graph *g, const char *name)
{
    return wg_input(g, name, WG_F64, WG_SHAPE_SCALAR);
}

static wg_tensor *vector_in(wg_graph *g, const char *name, int64_t n)
{
    return wg_input(g, name, WG_F64, WG_SHAPE(n));
}

static wg_tensor *total(wg_tensor *t)
{
    return wg_sum(t, WG_ALL_AXES, false);
}

/* ---- orders and products ---- */

/* f = x^2 sin x */
static void up_to_the_fourth_order(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = scalar_in(g, "x"), *f = wg_mul(wg_square(x), wg_sin(x));
    double at = 0.7, s = sin(at), c = cos(at);
    double want[] = { 2 * at * s + at * at * c, (2 - at * at) * s + 4 * at * c,
                      -6 * at * s + (6 - at * at) * c, (at * at - 12) * s - 8 * at * c };

    for (int order = 0; order < 4; order++) {
        f = wg_grad1(f, x);
        CLOSE1(scalar_at(f, "x", at), want[order], 1e-13, 0);
    }
    NO_ERROR(wg_graph_error(g));
    wg_graph_free(g);
}

/* f = exp(a b) + a^3 with a [2], b [2]: products with the Hessian against its closed form. */
static void hessian_products(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x[] = { vector_in(g, "a", 2), vector_in(g, "b", 2) };
    wg_tensor *v[] = { vector_in(g, "v", 2), vector_in(g, "w", 2) }, *hv[2];
    wg_tensor *loss = total(wg_add(wg_exp(wg_mul(x[0], x[1])), wg_mul(x[0], wg_square(x[0]))));
    double a[] = { 0.3, -0.5 }, b[] = { 0.8, 0.4 }, va[] = { 1, -2 }, vb[] = { 0.5, 3 }, got[2];
    wg_feed feeds[] = { { "a", WG_F64_ARRAY(a, 2) },
                        { "b", WG_F64_ARRAY(b, 2) },
                        { "v", WG_F64_ARRAY(va, 2) },
                        { "w", WG_F64_ARRAY(vb, 2) } };

    EQ_INT(wg_hvp(loss, 2, x, v, hv) == g, true);
    NO_ERROR(wg_graph_error(g));
    value_of(hv[0], 4, feeds, 2, got);
    for (int i = 0; i < 2; i++) {
        double e = exp(a[i] * b[i]), aa = b[i] * b[i] * e + 6 * a[i], ab = e * (1 + a[i] * b[i]);

        CLOSE1(got[i], aa * va[i] + ab * vb[i], 1e-13, 0);
    }
    value_of(hv[1], 4, feeds, 2, got);
    for (int i = 0; i < 2; i++) {
        double e = exp(a[i] * b[i]), ab = e * (1 + a[i] * b[i]), bb = a[i] * a[i] * e;

        CLOSE1(got[i], ab * va[i] + bb * vb[i], 1e-13, 0);
    }
    wg_graph_free(g);
}

/* y = [x0 x1, x0 + sin x1, x1^2] along (t0, t1) */
static void jacobian_products(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x[] = { scalar_in(g, "x0"), scalar_in(g, "x1") },
              *t[] = { scalar_in(g, "t0"), scalar_in(g, "t1") };
    wg_tensor *part[] = { wg_mul(x[0], x[1]), wg_add(x[0], wg_sin(x[1])), wg_square(x[1]) };
    wg_tensor *y = wg_stack(3, part, 0), *j = wg_jvp_of(y, 2, x, t), *grad[2];
    double x0 = 0.4, x1 = -1.1, t0 = 2, t1 = 0.5, dy[] = { 1, -2, 0.5 }, got[3];
    wg_feed feeds[] = { { "x0", wg_array_of(WG_F64, WG_SHAPE_SCALAR, &x0) },
                        { "x1", wg_array_of(WG_F64, WG_SHAPE_SCALAR, &x1) },
                        { "t0", wg_array_of(WG_F64, WG_SHAPE_SCALAR, &t0) },
                        { "t1", wg_array_of(WG_F64, WG_SHAPE_SCALAR, &t1) },
                        { "dy", WG_F64_ARRAY(dy, 3) } };

    value_of(j, 4, feeds, 3, got);
    CLOSE(got, ((double[]){ t0 * x1 + x0 * t1, t0 + cos(x1) * t1, 2 * x1 * t1 }), 3, 1e-14, 0);

    wg_vjp_of(y, vector_in(g, "dy", 3), 2, x, grad);
    NO_ERROR(wg_graph_error(g));
    feeds[2] = feeds[4];
    value_of(grad[0], 3, feeds, 1, got);
    CLOSE1(got[0], dy[0] * x1 + dy[1], 1e-14, 0);
    value_of(grad[1], 3, feeds, 1, got);
    CLOSE1(got[0], dy[0] * x0 + dy[1] * cos(x1) + dy[2] * 2 * x1, 1e-14, 0);
    wg_graph_free(g);
}

/* The derivative of a function that does not depend on x along a tangent is zero, of y's type. */
static void product_of_an_independent_result(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = vector_in(g, "x", 3), *z = vector_in(g, "z", 2), *t = vector_in(g, "t", 3);
    wg_tensor *j = wg_jvp_of(wg_square(z), 1, &x, &t),
              *none = wg_jvp_of(wg_square(z), 0, NULL, NULL);
    double v[2] = { 1, 2 }, got[2];
    wg_feed feed = { "z", WG_F64_ARRAY(v, 2) };

    value_of(j, 1, &feed, 2, got);
    CLOSE(got, ((double[]){ 0, 0 }), 2, 0, 0);
    value_of(none, 1, &feed, 2, got);
    CLOSE(got, ((double[]){ 0, 0 }), 2, 0, 0);
    wg_graph_free(g);
}

/* ---- what may be asked for ---- */

static void independent_tensors_get_zeros(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = vector_in(g, "x", 2), *z = wg_input(g, "z", WG_F32, WG_SHAPE(2, 3)), *grad[2];
    double v[2] = { 3, 4 }, got[2];
    float z_value[6] = { 0 };
    wg_feed feeds[] = { { "x", WG_F64_ARRAY(v, 2) }, { "z", WG_F32_ARRAY(z_value, 2, 3) } };
    wg_array a;

    wg_grad(total(wg_square(x)), 2, (wg_tensor *[]){ z, x }, grad);
    NO_ERROR(wg_graph_error(g));
    value_of(grad[1], 1, feeds, 2, got);
    CLOSE(got, ((double[]){ 6, 8 }), 2, 0, 0);
    if (CHECK(wg_read(grad[0], NULL, 1, &feeds[1], &a, NULL) == WG_OK)) {
        EQ_INT(a.type.dtype, WG_F32);
        CLOSE((float *)a.data, ((float[6]){ 0 }), 6, 0, 0);
        wg_free(a.data);
    }
    wg_graph_free(g);
}

static void intermediate_duplicate_and_loss_itself(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = scalar_in(g, "x"), *h = wg_square(x), *loss = wg_mul(h, x), *grad[5];

    wg_grad(loss, 5, (wg_tensor *[]){ h, x, loss, x, h }, grad);
    NO_ERROR(wg_graph_error(g));
    CLOSE1(scalar_at(grad[0], "x", 3), 3, 0, 0);
    CLOSE1(scalar_at(grad[1], "x", 3), 27, 0, 0);
    CLOSE1(scalar_at(grad[2], "x", 3), 1, 0, 0);
    CHECK(grad[3] == grad[1] && grad[4] == grad[0]);
    wg_graph_free(g);
}

static void detach_stops_the_walk(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = scalar_in(g, "x"), *d = wg_detach(wg_square(x));

    CLOSE1(scalar_at(wg_grad1(wg_mul(d, x), x), "x", 3), 9, 0, 0);
    CLOSE1(scalar_at(wg_grad1(wg_square(d), x), "x", 3), 0, 0, 0);
    /* but the detached tensor itself may be asked for */
    CLOSE1(scalar_at(wg_grad1(wg_square(d), d), "x", 3), 18, 0, 0);
    wg_graph_free(g);
}

/* Integers cut the walk: an index has no gradient, nor what an index was made from. */
static void integers_cut_the_walk(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = vector_in(g, "x", 3), *idx = wg_argmax(x, 0, false), *y = wg_gather(x, idx, 0);
    wg_tensor *through = total(wg_cast(wg_cast(x, WG_I64), WG_F64));
    double v[3] = { 1, 5, 2 }, got[3];
    wg_feed feed = { "x", WG_F64_ARRAY(v, 3) };

    value_of(wg_grad1(wg_square(y), x), 1, &feed, 3, got);
    CLOSE(got, ((double[]){ 0, 10, 0 }), 3, 0, 0);
    value_of(wg_grad1(through, x), 1, &feed, 3, got);
    CLOSE(got, ((double[]){ 0, 0, 0 }), 3, 0, 0);
    wg_graph_free(g);
}

/* ---- the batch that hides a broadcast ---- */

/* Recorded with one row, bias [1, 2] and product [1, 2] look alike; with five rows they are not. */
static void a_batch_of_one_hides_nothing(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F64, WG_SHAPE(1, 2)),
              *b = wg_input(g, "b", WG_F64, WG_SHAPE(1, 2));
    wg_tensor *grad = wg_grad1(total(wg_square(wg_add(x, b))), b);
    double xs[10] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, bs[2] = { 0.5, -0.5 }, got[2];
    wg_feed feeds[] = { { "x", WG_F64_ARRAY(xs, 5, 2) }, { "b", WG_F64_ARRAY(bs, 1, 2) } };

    value_of(grad, 2, feeds, 2, got);
    CLOSE(got, ((double[]){ 2 * (25 + 2.5), 2 * (30 - 2.5) }), 2, 0, 0);
    wg_graph_free(g);
}

/* ---- points that need care ---- */

static void product_with_zeros(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = vector_in(g, "x", 3), *p = wg_prod(x, WG_ALL_AXES, false), *d = wg_grad1(p, x);
    wg_tensor *h = wg_grad1(wg_sum(wg_mul(d, vector_in(g, "v", 3)), WG_ALL_AXES, false), x);
    double one[3] = { 2, 0, 5 }, two[3] = { 0, 3, 0 }, v[3] = { 1, 10, 100 }, got[3];
    wg_feed feeds[] = { { "x", WG_F64_ARRAY(one, 3) }, { "v", WG_F64_ARRAY(v, 3) } };

    value_of(d, 1, feeds, 3, got);
    CLOSE(got, ((double[]){ 0, 10, 0 }), 3, 0, 0);
    /* H v: row i is the sum over j of v[j] times the product of the others than i and j */
    value_of(h, 2, feeds, 3, got);
    CLOSE(got, ((double[]){ 10 * 5 + 100 * 0, 1 * 5 + 100 * 2, 1 * 0 + 10 * 2 }), 3, 0, 0);
    feeds[0].value = WG_F64_ARRAY(two, 3);
    value_of(d, 1, feeds, 3, got);
    CLOSE(got, ((double[]){ 0, 0, 0 }), 3, 0, 0);
    value_of(h, 2, feeds, 3, got);
    CLOSE(got, ((double[]){ 100 * 3, 0, 1 * 3 }), 3, 0, 0);
    wg_graph_free(g);
}

static void norm_at_zero(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F64, WG_SHAPE(2, 2));
    wg_tensor *d = wg_grad1(total(wg_norm(x, WG_AXES(1), false)), x);
    double v[4] = { 0, 0, 3, -4 }, got[4];
    wg_feed feed = { "x", WG_F64_ARRAY(v, 2, 2) };

    value_of(d, 1, &feed, 4, got);
    CLOSE(got, ((double[]){ 0, 0, 0.6, -0.8 }), 4, 1e-15, 0);
    wg_graph_free(g);
}

/* The branch not taken may be infinite or NaN: neither its value nor its gradient shows. */
static void where_selects_past_nan(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = vector_in(g, "x", 3), *zero = wg_scalar_like(x, 0);
    wg_tensor *ok = wg_gt(x, zero), *safe = wg_where(ok, x, wg_scalar_like(x, 1));
    wg_tensor *y = wg_where(ok, wg_log(safe), zero), *nan = wg_div(zero, zero);
    double v[3] = { -1, 0, 2 }, got[3];
    wg_feed feed = { "x", WG_F64_ARRAY(v, 3) };

    value_of(wg_grad1(total(y), x), 1, &feed, 3, got);
    CLOSE(got, ((double[]){ 0, 0, 0.5 }), 3, 0, 0);
    value_of(wg_grad1(total(wg_where(ok, wg_square(x), nan)), x), 1, &feed, 3, got);
    CLOSE(got, ((double[]){ 0, 0, 4 }), 3, 0, 0);
    wg_graph_free(g);
}

/* As documented: max to the first of equals, maximum and minimum to a, relu and abs 0 at 0, clip inside its
 * closed interval. */
static void ties(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = vector_in(g, "x", 4), *z = vector_in(g, "z", 4), *grad[2];
    double v[4] = { 1, 7, 7, 0 }, got[4];
    wg_feed feeds[] = { { "x", WG_F64_ARRAY(v, 4) }, { "z", WG_F64_ARRAY(v, 4) } };

    value_of(wg_grad1(wg_max(x, WG_ALL_AXES, false), x), 1, feeds, 4, got);
    CLOSE(got, ((double[]){ 0, 1, 0, 0 }), 4, 0, 0);
    value_of(wg_grad1(wg_min(wg_neg(x), WG_ALL_AXES, false), x), 1, feeds, 4, got);
    CLOSE(got, ((double[]){ 0, -1, 0, 0 }), 4, 0, 0);

    for (int k = 0; k < 2; k++) {
        wg_tensor *m = k ? wg_minimum(x, z) : wg_maximum(x, z);

        wg_grad(total(m), 2, (wg_tensor *[]){ x, z }, grad);
        value_of(grad[0], 2, feeds, 4, got);
        CLOSE(got, ((double[]){ 1, 1, 1, 1 }), 4, 0, 0);
        value_of(grad[1], 2, feeds, 4, got);
        CLOSE(got, ((double[]){ 0, 0, 0, 0 }), 4, 0, 0);
    }
    value_of(wg_grad1(total(wg_relu(x)), x), 1, feeds, 4, got);
    CLOSE(got, ((double[]){ 1, 1, 1, 0 }), 4, 0, 0);
    value_of(wg_grad1(total(wg_abs(x)), x), 1, feeds, 4, got);
    CLOSE(got, ((double[]){ 1, 1, 1, 0 }), 4, 0, 0);
    value_of(wg_grad1(total(wg_clip(x, 0, 1)), x), 1, feeds, 4, got);
    CLOSE(got, ((double[]){ 1, 0, 0, 1 }), 4, 0, 0);
    wg_graph_free(g);
}

static void power_at_zero(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *a = vector_in(g, "a", 3), *b = vector_in(g, "b", 3), *grad[2];
    double av[3] = { 0, 0, 2 }, bv[3] = { 2, 1, 3 }, got[3];
    wg_feed feeds[] = { { "a", WG_F64_ARRAY(av, 3) }, { "b", WG_F64_ARRAY(bv, 3) } };

    wg_grad(total(wg_pow(a, b)), 2, (wg_tensor *[]){ a, b }, grad);
    value_of(grad[0], 2, feeds, 3, got);
    CLOSE(got, ((double[]){ 0, 1, 12 }), 3, 1e-15, 0);
    value_of(grad[1], 2, feeds, 3, got);
    CLOSE(got, ((double[]){ 0, 0, 8 * log(2) }), 3, 1e-15, 0);
    wg_graph_free(g);
}

/* ---- the shape of the gradient's graph ---- */

static int64_t entries_of(wg_tensor *t, const char *op)
{
    wg_tensor **order;
    int64_t n = wg_order(1, &t, &order), found = 0;

    for (int64_t i = 0; i < n; i++) found += !op || strcmp(wg_tensor_op(order[i]), op) == 0;
    wg_free(order);
    return found;
}

/* Gradients of the slices of one tensor become one entry, where they add up too. */
static void parts_become_one(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F64, WG_SHAPE(2, 4)), *loss = NULL, *d;
    double v[8] = { 1, 2, 3, 4, 5, 6, 7, 8 }, got[8];
    wg_feed feed = { "x", WG_F64_ARRAY(v, 2, 4) };

    for (int i = 0; i < 3; i++) {
        wg_tensor *term = total(wg_square(wg_slice_axis(x, 1, i, i + 2, 1)));

        loss = loss ? wg_add(loss, term) : term;
    }
    d = wg_grad1(loss, x);
    EQ_INT(entries_of(d, "assemble_like"), 1);
    EQ_INT(entries_of(d, "pad_like"), 0);
    value_of(d, 1, &feed, 8, got);
    CLOSE(got, ((double[]){ 2, 8, 12, 8, 10, 24, 28, 16 }), 8, 0, 0);
    wg_graph_free(g);
}

/* steps states h = tanh(h w + x_i), each with the weight w[i]. */
static wg_tensor *recurrence(wg_tensor *x, int steps, wg_tensor *const *w)
{
    wg_tensor *h = wg_select(x, 0, 0);

    for (int i = 0; i < steps; i++)
        h = wg_tanh(wg_add(wg_matmul_t(h, w[i], false, i % 2), wg_select(x, 0, i)));
    return total(wg_square(h));
}

/* What a weight gets from many products is one product, with the value of the sum; fewer are
 * added. */
static void products_of_a_weight_become_one(void)
{
    enum { STEPS = 6 };
    double x[STEPS * 6], w[9], got[9], want[9];
    wg_graph *g = wg_graph_new();
    wg_tensor *xs = wg_input(g, "x", WG_F64, WG_SHAPE(STEPS, 2, 3)), *same[STEPS], *own[STEPS],
              *grad[STEPS], *d;
    wg_feed feed[2 + STEPS] = { { "w", WG_F64_ARRAY(w, 3, 3) },
                                { "x", WG_F64_ARRAY(x, STEPS, 2, 3) } };
    static const char *const names[STEPS] = { "w0", "w1", "w2", "w3", "w4", "w5" };
    wg_check_report report;

    for (int i = 0; i < STEPS * 6; i++) x[i] = sin(1 + 3.7 * i);
    for (int i = 0; i < 9; i++) w[i] = cos(2 + 1.3 * i);
    for (int i = 0; i < STEPS; i++) {
        same[i] = wg_input(g, "w", WG_F64, WG_SHAPE(3, 3));
        own[i] = wg_input(g, names[i], WG_F64, WG_SHAPE(3, 3));
        feed[2 + i] = (wg_feed){ names[i], WG_F64_ARRAY(w, 3, 3) };
    }
    d = wg_grad1(recurrence(xs, 3, same), same[0]);
    EQ_INT(entries_of(d, "concat"), 0);
    d = wg_grad1(recurrence(xs, STEPS, same), same[0]);
    EQ_INT(entries_of(d, "concat"), 2);
    EQ_INT(entries_of(d, "matmul"), STEPS + STEPS - 1 + 1); /* there, back, and for the weight */
    wg_grad(recurrence(xs, STEPS, own), STEPS, own, grad);
    for (int i = 1; i < STEPS; i++) grad[0] = wg_add(grad[0], grad[i]);
    value_of(grad[0], 1 + STEPS, feed + 1, 9, want);
    value_of(d, 2, feed, 9, got);
    CLOSE(got, want, 9, 1e-13, 1e-15);
    EQ_INT(wg_check_grad(total(wg_mul(d, wg_sin(same[0]))), NULL, 2, feed, NULL, &report, NULL),
           WG_OK);
    CHECK(report.pass);
    wg_check_free(&report);
    wg_graph_free(g);
}

static bool last_two_infer(const wg_sig *s, wg_type *out)
{
    *out = (wg_type){ s->in[0]->dtype, { 0, { 0 } } };
    return true;
}

static void last_two_eval(const wg_call *c)
{
    *(double *)c->y = 0;
}

/* A rule that gives operand 0 a product of rows of its own making. */
static void last_two_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_matmul_t(v->x[1], v->x[2], true, false);
}

static const wg_op last_two = { .name = "last_two",
                                .doc = "zero",
                                .n_in = 3,
                                .infer = last_two_infer,
                                .eval = WG_EVAL_KERNELS({ [WG_F64] = { last_two_eval } }),
                                .vjp = last_two_vjp };

/* Products of rows for what x was broadcast to, of other extents each: they stay apart. */
static void products_of_other_extents_are_added(void)
{
    enum { USES = 5 };
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F64, WG_SHAPE(1, 3)), *one = wg_scalar(g, WG_F64, 1),
              *loss = NULL;
    double v[3] = { 0, 0, 0 }, got[3];
    wg_feed feed = { "x", WG_F64_ARRAY(v, 1, 3) };

    for (int i = 1; i <= USES; i++) {
        wg_tensor *in[] = { wg_add(x, wg_expand(one, WG_SHAPE(i, 3))),
                            wg_expand(one, WG_SHAPE(2, i)), wg_expand(one, WG_SHAPE(2, 3)) };
        wg_tensor *f = wg_record(&last_two, NULL, 3, in);

        loss = loss ? wg_add(loss, f) : f;
    }
    value_of(wg_grad1(loss, x), 1, &feed, 3, got);
    NO_ERROR(wg_graph_error(g));
    for (int i = 0; i < 3; i++) CLOSE1(got[i], 2 * (1 + 2 + 3 + 4 + 5), 0, 0);
    wg_graph_free(g);
}

/* A tensor used whole and in parts: all contributions count. */
static void parts_beside_the_whole(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = vector_in(g, "x", 3), *whole = total(wg_square(x));
    wg_tensor *first = total(wg_slice_axis(x, 0, 0, 2, 1)),
              *last = total(wg_slice_axis(x, 0, 2, 3, 1));
    wg_tensor *d = wg_grad1(wg_add(wg_add(first, whole), wg_mul(last, last)), x);
    double v[3] = { 1, 2, 3 }, got[3];
    wg_feed feed = { "x", WG_F64_ARRAY(v, 3) };

    value_of(d, 1, &feed, 3, got);
    CLOSE(got, ((double[]){ 3, 5, 12 }), 3, 0, 0);
    wg_graph_free(g);
}

/* Only rules on the way to what is asked for run. */
static void nothing_else_is_recorded(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = scalar_in(g, "x"), *deep = scalar_in(g, "z"), *loss;
    int64_t before;

    for (int i = 0; i < 100; i++) deep = wg_exp(deep);
    loss = wg_mul(x, deep);
    before = wg_graph_count(g);
    wg_grad1(loss, x);
    CHECK(wg_graph_count(g) - before < 10);
    wg_graph_free(g);
}

/* Contributions are added in an order that the graph alone decides: recording operands in another order, as
 * another compiler would, changes no line of the listing and no bit. */
static void order_of_recording_does_not_matter(void)
{
    char text[2][16384] = { "", "" };
    double v[3] = { 0.1, 0.2, 0.3 }, got[2][3];
    wg_feed feed = { "x", WG_F64_ARRAY(v, 3) };

    for (int k = 0; k < 2; k++) {
        wg_graph *g = wg_graph_new();
        wg_tensor *x = vector_in(g, "x", 3), *b = k ? wg_exp(x) : NULL, *a = wg_sin(x), *d;
        FILE *f = fmemopen(text[k], sizeof text[k] - 1, "w");

        if (!b) b = wg_exp(x);
        d = wg_grad1(total(wg_mul(wg_add(a, b), wg_mul(a, x))), x);
        d = wg_grad1(total(wg_mul(d, x)), x);
        NO_ERROR(wg_graph_error(g));
        value_of(d, 1, &feed, 3, got[k]);
        wg_print(1, &d, f);
        fclose(f);
        /* the lines of recording differ, the rest must not */
        for (char *s = strstr(text[k], "test_grad.c:"); s; s = strstr(s + 12, "test_grad.c:"))
            for (char *c = s + 12; *c >= '0' && *c <= '9'; c++) *c = '#';
        wg_graph_free(g);
    }
    CHECK(strlen(text[0]) > 500);
    EQ_STR(text[1], text[0]);
    SAME_BITS(got[1], got[0], sizeof got[0]);
}

/* ---- provenance ---- */

static void derived_entries_know_their_line_and_scope(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x, *y, *d, **order;
    char line[64];
    int64_t n, seen = 0;

    x = vector_in(g, "x", 3);
    wg_scope_begin(g, "layer%d", 1);
    y = wg_tanh(x);
    snprintf(line, sizeof line, "test_grad.c:%d", __LINE__ - 1);
    wg_scope_end(g);
    CHECK(!wg_tensor_derived(y) && !wg_tensor_derived(NULL));
    d = wg_grad1(total(y), x);
    n = wg_order(1, &d, &order);
    for (int64_t i = 0; i < n; i++) {
        if (wg_tensor_id(order[i]) <= wg_tensor_id(y) + 1 ||
            strcmp(wg_tensor_scope(order[i]), "layer1") != 0)
            continue;
        seen++;
        CHECK(wg_tensor_derived(order[i]));
        EQ_STR(harness_base(wg_tensor_site(order[i])), line);
    }
    CHECK(seen >= 2);
    wg_free(order);
    wg_graph_free(g);
}

TESTS(TEST(up_to_the_fourth_order), TEST(hessian_products), TEST(jacobian_products),
      TEST(product_of_an_independent_result), TEST(independent_tensors_get_zeros),
      TEST(intermediate_duplicate_and_loss_itself), TEST(detach_stops_the_walk),
      TEST(integers_cut_the_walk), TEST(a_batch_of_one_hides_nothing), TEST(product_with_zeros),
      TEST(norm_at_zero), TEST(where_selects_past_nan), TEST(ties), TEST(power_at_zero),
      TEST(parts_become_one), TEST(products_of_a_weight_become_one),
      TEST(products_of_other_extents_are_added), TEST(parts_beside_the_whole),
      TEST(nothing_else_is_recorded), TEST(order_of_recording_does_not_matter),
      TEST(derived_entries_know_their_line_and_scope))
