/* test_golden_ops.c: values and gradients of the rows of op_cases against tests/golden_ops/ops.json, which
 * scripts/golden_ops.py made with PyTorch. */
#include "golden_json.h"
#include "op_cases.h"

/* Feeds what the file gives for the operands and for dy. */
static bool feed(wg_plan *p, const op_record *r, const json_t *c, wg_array *fed, int *n_fed)
{
    bool ok = true;

    for (int k = 0; k < r->n_in && ok; k++) {
        char name[8];

        snprintf(name, sizeof name, "x%d", k);
        fed[*n_fed] =
            golden_array(json_array_get(json_object_get(c, "in"), (size_t)k), wg_dtype_of(r->x[k]));
        ok = wg_plan_feed(p, name, fed[(*n_fed)++]) == WG_OK;
    }
    if (ok && r->orders > 0) {
        fed[*n_fed] = golden_array(json_object_get(c, "dy"), wg_dtype_of(r->y));
        ok = wg_plan_feed(p, "w", fed[(*n_fed)++]) == WG_OK;
    }
    return ok;
}

/* One case: recorded at batch 1, run at the file's batch. */
static void compare(const json_t *c, wg_dtype real, double tol)
{
    const char *row = json_string_value(json_object_get(c, "row"));
    const op_case *oc = op_case_find(row);
    wg_tensor *out[2 + MAX_IN];
    wg_array fed[MAX_IN + 1];
    wg_error error = { .code = WG_OK };
    char what[96];
    op_record r;
    wg_plan *p;
    int n = 0, n_fed = 0;

    if (!harness_check(oc != NULL, __FILE__, __LINE__, "no row is named \"%s\"", row)) return;
    op_record_make(&r, oc, real, 1, 1, NULL, NULL);
    NO_ERROR(wg_graph_error(r.g));
    out[n++] = r.y;
    if (r.orders > 0) out[n++] = r.s[0]; /* so that every input is part of the plan */
    for (int i = 0; i < r.n_wrt && r.orders > 0; i++) out[n++] = r.grad[0][i];
    p = wg_plan_of(n, out, r.store, NULL, &error);
    NO_ERROR(&error);
    if (p && feed(p, &r, c, fed, &n_fed) && wg_plan_run(p) == WG_OK) {
        GOLDEN_CLOSE(row, wg_plan_value_at(p, 0), json_object_get(c, "y"), tol);
        for (int i = 0; i < r.n_wrt && r.orders > 0; i++) {
            snprintf(what, sizeof what, "%s: gradient of operand %d", row, r.wrt[i]);
            GOLDEN_CLOSE(what, wg_plan_value_at(p, 2 + i),
                         json_array_get(json_object_get(c, "grad"), (size_t)r.wrt[i]), tol);
        }
    } else if (p) {
        NO_ERROR(wg_plan_error(p));
    }
    wg_plan_free(p);
    while (n_fed > 0) free(fed[--n_fed].data);
    op_record_free(&r);
}

static void compare_all(wg_dtype real, double tol)
{
    json_t *file = golden_load("golden_ops/ops.json"), *c;
    size_t i;

    REQUIRE(json_array_size(json_object_get(file, "cases")) >= 90);
    json_array_foreach(json_object_get(file, "cases"), i, c) compare(c, real, tol);
    json_decref(file);
}

static void f64_as_pytorch(void)
{
    compare_all(WG_F64, 1e-13);
}

static void f32_as_pytorch(void)
{
    compare_all(WG_F32, 4e-6);
}

TESTS(TEST(f64_as_pytorch), TEST(f32_as_pytorch))
