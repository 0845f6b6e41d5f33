/*
 * hessian.c: Newton's method on Rosenbrock's function f(x, y) = (1 - x)^2 + 100 (y - x^2)^2, with
 * the Hessian made of two Hessian-vector products: a gradient is a tensor like any other, so it is
 * differentiated again.
 */
#include <math.h>
#include <stdio.h>
#include <wengert.h>

/* f at p = (x, y), one element */
static wg_tensor *rosenbrock(wg_tensor *p)
{
    wg_tensor *x = wg_select(p, 0, 0), *y = wg_select(p, 0, 1);
    wg_tensor *valley = wg_square(wg_sub(y, wg_square(x))),
              *slope = wg_square(wg_sub(wg_scalar_like(x, 1), x));

    return wg_add(slope, wg_mul(wg_scalar_like(x, 100), valley));
}

int main(void)
{
    static const double unit[2][2] = { { 1, 0 }, { 0, 1 } };
    double at[2] = { -1.2, 1 };
    wg_graph *g = wg_graph_new();
    wg_tensor *p = wg_input(g, "p", WG_F64, WG_SHAPE(2)), *f = rosenbrock(p), *out[4];
    wg_plan *plan;
    wg_error error = { .code = WG_OK };

    out[0] = f;
    out[1] = wg_grad1(f, p);
    for (int i = 0; i < 2; i++) {
        wg_tensor *v = wg_constant(g, WG_F64_ARRAY(unit[i], 2));

        wg_hvp(f, 1, &p, &v, &out[2 + i]);
    }
    plan = wg_plan_of(4, out, NULL, NULL, &error);
    if (!plan) {
        wg_error_print(&error, stderr);
        return 1;
    }
    printf("step         x         y             f      |gradient|\n");
    for (int step = 0; step < 12; step++) {
        const double *d, *h0, *h1;
        double det;

        wg_plan_feed(plan, "p", WG_F64_ARRAY(at, 2));
        if (wg_plan_run(plan) != WG_OK) {
            wg_error_print(wg_plan_error(plan), stderr);
            return 1;
        }
        d = wg_plan_value_at(plan, 1)->data;
        h0 = wg_plan_value_at(plan, 2)->data;
        h1 = wg_plan_value_at(plan, 3)->data;
        printf("%4d  %8.5f  %8.5f  %12.4e  %12.4e\n", step, at[0], at[1],
               wg_item(wg_plan_value_at(plan, 0)), hypot(d[0], d[1]));
        if (hypot(d[0], d[1]) < 1e-12) break;
        det = h0[0] * h1[1] - h0[1] * h1[0];
        at[0] -= (h1[1] * d[0] - h1[0] * d[1]) / det;
        at[1] -= (h0[0] * d[1] - h0[1] * d[0]) / det;
    }
    printf("minimum at (%.6f, %.6f)\n", at[0], at[1]);
    wg_plan_free(plan);
    wg_graph_free(g);
    return fabs(at[0] - 1) < 1e-9 && fabs(at[1] - 1) < 1e-9 ? 0 : 1;
}
