/* test_ops.c: every row of op_cases: values, derivatives, types, batches, copies, files, passes. */
#include <stddef.h>

#include "harness.h"
#include "op_cases.h"

#define SAY(ok, ...) harness_check((ok), __FILE__, __LINE__, __VA_ARGS__)

static const int batches[] = { 1, 2, 5 };

static bool has_gradient(const op_case *c)
{
    return !(c->flags & (VALUE_ONLY | DRAWS));
}

static int orders_of(const op_case *c)
{
    return !has_gradient(c) ? 0 : c->flags & THIRD ? 3 : 2;
}

/* Records the row or says why not. */
static bool record(op_record *r, const op_case *c, wg_dtype real, int orders)
{
    const wg_error *e;
    char text[600];

    op_record_make(r, c, real, 1, orders, NULL, NULL);
    e = wg_graph_error(r->g);
    if (!e) return true;
    wg_error_text(e, text, sizeof text);
    SAY(false, "%s: %s", c->name, text);
    op_record_free(r);
    return false;
}

static bool run(op_plan *p, const op_record *r, const wg_plan_options *options, int batch)
{
    char text[600];

    if (op_plan_make(p, r, false, options) && op_plan_feed(p, r, batch) && op_plan_run(p))
        return true;
    wg_error_text(&p->error, text, sizeof text);
    SAY(false, "%s at batch %d: %s", r->c->name, batch, text);
    op_plan_free(p);
    return false;
}

static double element(const wg_array *a, int64_t i)
{
    return harness_number(a->data, a->type.dtype, i);
}

/* got against want; tolerance relative to the size of want. */
static void compare(const op_case *c, int batch, const char *what, const wg_array *got,
                    const nd *want, double tol)
{
    double size = 0;
    int64_t n = nd_count(want);

    if (!SAY(got && got->type.shape.rank == want->rank, "%s at batch %d: rank of %s is %d, not %d",
             c->name, batch, what, got ? got->type.shape.rank : -1, want->rank))
        return;
    for (int i = 0; i < want->rank; i++)
        if (!SAY(got->type.shape.dim[i] == want->dim[i],
                 "%s at batch %d: extent %d of %s is %d, not %d", c->name, batch, i, what,
                 (int)got->type.shape.dim[i], (int)want->dim[i]))
            return;
    for (int64_t i = 0; i < n; i++) size = fmax(size, fabs(want->v[i]));
    for (int64_t i = 0; i < n; i++)
        if (!SAY(fabs(element(got, i) - want->v[i]) <= tol * (1 + size),
                 "%s at batch %d: %s[%d] is %.17g, not %.17g", c->name, batch, what, (int)i,
                 element(got, i), want->v[i]))
            return;
}

/* ---- each record has a row, each row its record ---- */

static void every_record_has_a_row(void)
{
    wg_op_list ops = wg_std_ops();

    for (int k = 0; k < ops.n; k++) {
        bool found = false;
        char name[64];

        for (int i = 0; i < op_case_count() && !found; i++)
            found = strcmp(op_case_op(op_case_at(i), name), ops.op[k]->name) == 0;
        SAY(found, "the record %s has no row in op_cases", ops.op[k]->name);
    }
}

static void rows_are_about_their_record(void)
{
    wg_op_list ops = wg_std_ops();

    for (int i = 0; i < op_case_count(); i++) {
        const op_case *c = op_case_at(i);
        op_record r;
        wg_tensor **order;
        bool found = false;
        char name[64];
        int64_t n;

        op_case_op(c, name);
        if (!wg_op_find(&ops, name))
            continue; /* composed of others: its values and derivatives count */
        if (!record(&r, c, WG_F32, 0)) continue;
        n = wg_order(1, &r.y, &order);
        for (int64_t k = 0; k < n; k++) found |= strcmp(wg_tensor_op(order[k]), name) == 0;
        SAY(found, "the row \"%s\" does not record %s", c->name, name);
        wg_free(order);
        op_record_free(&r);
    }
}

static void names_are_unique(void)
{
    for (int i = 0; i < op_case_count(); i++)
        SAY(op_case_find(op_case_at(i)->name) == op_case_at(i), "two rows are named \"%s\"",
            op_case_at(i)->name);
}

/* ---- records themselves ---- */

static void every_record_has_a_rule_or_none(void)
{
    wg_op_list ops = wg_std_ops();

    for (int k = 0; k < ops.n; k++) {
        const wg_op *op = ops.op[k];
        bool leaf = op->n_in == 0, flagged = op->flags & WG_OP_NO_GRAD;

        SAY(leaf || (op->vjp != NULL) != flagged, "%s has %s", op->name,
            flagged ? "a rule and the flag NO_GRAD" : "neither a rule nor the flag NO_GRAD");
        SAY(op->doc && op->doc[0], "%s has no doc", op->name);
        SAY(op->infer != NULL, "%s has no shape rule", op->name);
        SAY(wg_op_find(&ops, op->name) == op, "%s is listed twice", op->name);
    }
}

/* Fields cover the attribute struct but for padding: a forgotten member would leave a hole of its size. */
static void fields_cover_attributes(void)
{
    wg_op_list ops = wg_std_ops();

    for (int k = 0; k < ops.n; k++) {
        const wg_op *op = ops.op[k];
        size_t at = 0;
        int n = 0;

        while (op->fields && op->fields[n].name) n++;
        SAY((op->attr_size > 0) == (n > 0), "%s: %d fields for %zu bytes of attributes", op->name,
            n, op->attr_size);
        for (int done = 0; done < n; done++) {
            const wg_field *next = NULL;

            for (int i = 0; i < n; i++)
                if (op->fields[i].offset >= at && (!next || op->fields[i].offset < next->offset))
                    next = &op->fields[i];
            if (!SAY(next != NULL, "%s: fields overlap", op->name)) break;
            SAY(next->offset - at < 8 && (next->size >= 8 || next->offset - at < next->size),
                "%s: %zu bytes before %s belong to no field", op->name, next->offset - at,
                next->name);
            at = next->offset + next->size;
        }
        SAY(op->attr_size - at < 8, "%s: %zu bytes at the end belong to no field", op->name,
            op->attr_size - at);
    }
}

/* ---- values ---- */

static void values_at(wg_dtype real, double tol)
{
    for (int i = 0; i < op_case_count(); i++) {
        const op_case *c = op_case_at(i);
        op_record r;

        if (c->flags & DRAWS || !record(&r, c, real, 0)) continue;
        for (int b = 0; b < 3; b++) {
            nd x[MAX_IN] = { 0 }, want;
            op_plan p;

            if (!run(&p, &r, NULL, batches[b])) break;
            op_values(c, batches[b], x);
            want = op_reference(c, x);
            compare(c, batches[b], "y", wg_plan_value_at(p.plan, 0), &want, tol);
            nd_free(&want);
            for (int k = 0; k < MAX_IN; k++) nd_free(&x[k]);
            op_plan_free(&p);
        }
        op_record_free(&r);
    }
}

static void values_f64(void)
{
    values_at(WG_F64, 4e-15);
}

static void values_f32(void)
{
    values_at(WG_F32, 2e-6);
}

/* ---- derivatives ---- */

/* Recorded at batch 1, compared with differences at 1, 2 and 5. */
static void derivatives(void)
{
    for (int i = 0; i < op_case_count(); i++) {
        const op_case *c = op_case_at(i);
        op_record r;
        char text[300];

        if (!has_gradient(c) || !record(&r, c, WG_F64, orders_of(c))) continue;
        SAY(r.n_wrt > 0 && r.orders == orders_of(c), "%s: no derivative recorded", c->name);
        for (int b = 0; b < 3; b++)
            if (!SAY(op_derivatives_agree(&r, batches[b], -1, text), "%s", text)) break;
        op_record_free(&r);
    }
}

/* Bilinear forms aside, an op said to be linear has second derivatives that are zero, not just small. */
static void linear_ops_have_no_curvature(void)
{
    for (int i = 0; i < op_case_count(); i++) {
        const op_case *c = op_case_at(i);
        op_record r;
        op_plan p;

        if (!has_gradient(c) || !(c->flags & LINEAR) || !record(&r, c, WG_F64, 2)) continue;
        if (run(&p, &r, NULL, 2)) {
            for (int k = 0; k < r.n_wrt; k++) {
                const wg_array *h = wg_plan_value_at(p.plan, 1 + r.orders + r.n_wrt + k);
                bool zero = h != NULL;

                for (int64_t e = 0; zero && e < wg_shape_count(&h->type.shape); e++)
                    zero = element(h, e) == 0;
                SAY(zero || strcmp(c->name, "detach") == 0,
                    "%s: operand %d has a second derivative", c->name, r.wrt[k]);
            }
            op_plan_free(&p);
        }
        op_record_free(&r);
    }
}

static void gradients_f32_as_f64(void)
{
    for (int i = 0; i < op_case_count(); i++) {
        const op_case *c = op_case_at(i);
        op_record single, wide;
        op_plan ps, pw;

        if (!has_gradient(c) || !record(&single, c, WG_F32, 2)) continue;
        if (!record(&wide, c, WG_F64, 2)) {
            op_record_free(&single);
            continue;
        }
        if (run(&ps, &single, NULL, 5)) {
            if (run(&pw, &wide, NULL, 5)) {
                for (int o = 1; o < 3 + 2 * wide.n_wrt; o++) {
                    const wg_array *a = wg_plan_value_at(ps.plan, o),
                                   *b = wg_plan_value_at(pw.plan, o);
                    nd want = { .rank = b->type.shape.rank, .v = b->data };

                    memcpy(want.dim, b->type.shape.dim, sizeof want.dim);
                    compare(c, 5, "a gradient in f32", a, &want, 1e-5);
                }
                op_plan_free(&pw);
            }
            op_plan_free(&ps);
        }
        op_record_free(&single);
        op_record_free(&wide);
    }
}

/* Draws have gradient zero: that of x + draw is that of x. */
static void draws_have_no_gradient(void)
{
    for (int i = 0; i < op_case_count(); i++) {
        const op_case *c = op_case_at(i);
        wg_tensor *g[1], *loss;
        wg_array a = { .data = NULL };
        wg_error error = { .code = WG_OK };
        double x[6] = { 1, 2, 3, 4, 5, 6 };
        op_record r;

        if (!(c->flags & DRAWS) || !record(&r, c, WG_F64, 0)) continue;
        loss = wg_sum(wg_mul(r.y, wg_input(r.g, "z", WG_F64, wg_tensor_type(r.y)->shape)),
                      WG_ALL_AXES, false);
        wg_grad(loss, 1, &r.x[0], g);
        NO_ERROR(wg_graph_error(r.g));
        SAY(wg_read(g[0], r.store, 1, (wg_feed[]){ { "x0", WG_F64_ARRAY(x, 2, 3) } }, &a, &error) ==
                WG_OK,
            "%s: %s", c->name, error.text);
        for (int k = 0; k < 6 && a.data; k++) CHECK(((double *)a.data)[k] == 0);
        wg_free(a.data);
        op_record_free(&r);
    }
}

/* ---- the same program by other ways ---- */

/* Everything two plans of one record give, to the bit. */
static void same_results(const op_case *c, const char *what, op_plan *a, op_plan *b, int n)
{
    for (int o = 0; o < n; o++) {
        const wg_array *p = wg_plan_value_at(a->plan, o), *q = wg_plan_value_at(b->plan, o);
        bool same = p && q && wg_type_equal(&p->type, &q->type) &&
                    memcmp(p->data, q->data, (size_t)wg_type_bytes(&p->type)) == 0;

        if (!SAY(same, "%s: output %d differs %s", c->name, o, what)) return;
    }
}

static void passes_keep_bits(void)
{
    for (int i = 0; i < op_case_count(); i++) {
        const op_case *c = op_case_at(i);
        op_record r;

        if (!record(&r, c, i % 2 ? WG_F32 : WG_F64, orders_of(c) < 2 ? orders_of(c) : 2)) continue;
        for (int pass = 0; pass < 4; pass++) {
            static const wg_plan_options on = { .passes_off = WG_PASS_TRANSPOSE };
            static const wg_plan_options other[] = {
                { .passes_off = WG_PASS_ALL },
                { .passes_off = WG_PASS_ALL & ~WG_PASS_FUSE },
                { .passes_off = WG_PASS_TRANSPOSE, .block = 7 },
                { .passes_off = WG_PASS_TRANSPOSE, .threads = 2, .grain = 1 }
            };
            static const char *const what[] = { "with all passes off", "with fusion alone",
                                                "in blocks of 7",
                                                "on two threads, one element each" };
            op_plan a, b;

            if (!run(&a, &r, &on, 5)) break;
            if (run(&b, &r, &other[pass], 5)) {
                same_results(c, what[pass], &a, &b, 1 + r.orders + r.orders * r.n_wrt);
                op_plan_free(&b);
            }
            op_plan_free(&a);
        }
        op_record_free(&r);
    }
}

/* Exchanges the outputs of a record for those of a copy of its graph. */
static void adopt(op_record *r, wg_graph *g, wg_tensor *const *out)
{
    int n = 0;

    r->y = out[n++];
    for (int o = 0; o < r->orders; o++) r->s[o] = out[n++];
    for (int o = 0; o < r->orders; o++)
        for (int k = 0; k < r->n_wrt; k++) r->grad[o][k] = out[n++];
    r->g = g;
}

static int outputs_of(const op_record *r, wg_tensor **out)
{
    int n = 0;

    out[n++] = r->y;
    for (int o = 0; o < r->orders; o++) out[n++] = r->s[o];
    for (int o = 0; o < r->orders; o++)
        for (int k = 0; k < r->n_wrt; k++) out[n++] = r->grad[o][k];
    return n;
}

static void clones_are_equal(void)
{
    for (int i = 0; i < op_case_count(); i++) {
        const op_case *c = op_case_at(i);
        wg_tensor *out[1 + MAX_ORDER * (1 + MAX_IN)], *copy[1 + MAX_ORDER * (1 + MAX_IN)];
        op_record r, second;
        op_plan a, b;
        wg_graph *g;
        wg_error error = { .code = WG_OK };
        int n;

        if (!record(&r, c, WG_F32, orders_of(c))) continue;
        n = outputs_of(&r, out);
        g = wg_graph_new();
        wg_clone(g, n, out, NULL, copy);
        NO_ERROR(wg_graph_error(g));
        SAY(wg_verify(g, &error) == WG_OK, "%s: %s", c->name, error.text);
        second = r;
        adopt(&second, g, copy);
        if (run(&a, &r, NULL, 2)) {
            if (run(&b, &second, NULL, 2)) {
                same_results(c, "in the clone", &a, &b, n);
                op_plan_free(&b);
            }
            op_plan_free(&a);
        }
        wg_graph_free(g);
        op_record_free(&r);
    }
}

/* Saved as text and loaded: the same results to the bit, and saved again the same bytes. */
static void files_keep_everything(void)
{
    for (int i = 0; i < op_case_count(); i++) {
        const op_case *c = op_case_at(i);
        wg_tensor *out[1 + MAX_ORDER * (1 + MAX_IN)], *copy[1 + MAX_ORDER * (1 + MAX_IN)];
        wg_program program = { NULL, NULL };
        wg_error error = { .code = WG_OK };
        char *text = NULL, *again = NULL, name[16];
        size_t length = 0, length_again = 0;
        op_record r, second;
        op_plan a, b;
        int n;

        if (!record(&r, c, i % 2 ? WG_F64 : WG_F32, orders_of(c))) continue;
        n = outputs_of(&r, out);
        wg_begin(r.g, "all", WG_PREDICT);
        for (int k = 0; k < n; k++) {
            snprintf(name, sizeof name, "o%d", k);
            wg_output(name, out[k]);
        }
        wg_end(r.g);
        NO_ERROR(wg_graph_error(r.g));
        if (SAY(wg_save_text(r.g, r.store, NULL, &text, &length, &error) == WG_OK, "%s: %s",
                c->name, error.text) &&
            SAY(wg_load_text(text, length, NULL, &program, &error) == WG_OK, "%s: %s", c->name,
                error.text) &&
            SAY(wg_save_text(program.graph, program.params, NULL, &again, &length_again, &error) ==
                    WG_OK,
                "%s: %s", c->name, error.text)) {
            SAY(length == length_again && memcmp(text, again, length) == 0,
                "%s: saved, loaded and saved again it is other text", c->name);
            for (int k = 0; k < n; k++) copy[k] = wg_function_output(program.graph, 0, k);
            second = r;
            adopt(&second, program.graph, copy);
            second.store = program.params;
            if (run(&a, &r, NULL, 2)) {
                if (run(&b, &second, NULL, 2)) {
                    same_results(c, "after loading", &a, &b, n);
                    op_plan_free(&b);
                }
                op_plan_free(&a);
            }
        }
        wg_free(text);
        wg_free(again);
        wg_program_free(&program);
        op_record_free(&r);
    }
}

TESTS(TEST(names_are_unique), TEST(every_record_has_a_row), TEST(rows_are_about_their_record),
      TEST(every_record_has_a_rule_or_none), TEST(fields_cover_attributes), TEST(values_f64),
      TEST(values_f32), TEST(derivatives), TEST(linear_ops_have_no_curvature),
      TEST(gradients_f32_as_f64), TEST(draws_have_no_gradient), TEST(passes_keep_bits),
      TEST(clones_are_equal), TEST(files_keep_everything))
