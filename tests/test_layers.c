/* test_layers.c: what holds for every feed-forward layer: any batch, both modes, frozen, the verbs,
 * files, differences of first and second order. */
#include "layer_rows.h"

/* ---- differences ---- */

static void differences(void)
{
    for (int i = 0; i < 2 * N_LAYER_ROWS; i++) {
        const layer_row *row = &layer_rows[i / 2];
        wg_mode mode = i % 2 ? WG_PREDICT : WG_TRAIN;
        wg_error error = { .code = WG_OK };
        wg_check_report report = { 0 };
        wg_feed feeds[ROW_OPERANDS];
        wg_array a[ROW_OPERANDS];
        static const char *const names[] = { "x0", "x1", "x2" };
        row_program p;

        if (mode == WG_PREDICT && !row->moody) continue; /* it would be the same again */
        row_begin(&p, row, WG_F64);
        row_record(&p, row, 3, mode, false);
        NO_ERROR(wg_graph_error(p.g));
        for (int k = 0; k < row->n; k++) {
            a[k] = row_array(row, k, 3, WG_F64, 0);
            feeds[k] = (wg_feed){ names[k], a[k] };
        }
        wg_check_grad(p.loss, p.w, row->n, feeds, NULL, &report, &error);
        NO_ERROR(&error);
        harness_check(report.pass && report.n > 0, __FILE__, __LINE__, "%s (row %d)", row->kind,
                      i / 2);
        if (!report.pass) wg_check_print(&report, stderr);
        wg_check_free(&report);
        for (int k = 0; k < row->n; k++) free(a[k].data);
        row_free(&p);
    }
}

/* ---- any batch ---- */

/* Recorded at batch 1 and run at others: what is recorded at those gives, to the bit. */
static void any_batch(void)
{
    for (int i = 0; i < N_LAYER_ROWS; i++)
        for (int mode = 0; mode < 2; mode++) {
            const layer_row *row = &layer_rows[i];
            row_program p, q;
            wg_plan *plan;

            row_begin(&p, row, WG_F64);
            row_record(&p, row, 1, mode ? WG_PREDICT : WG_TRAIN, false);
            NO_ERROR(wg_graph_error(p.g));
            plan = wg_plan_new(p.g, p.w, "f", NULL);
            for (int64_t batch = 1; batch <= 5; batch += 1 + (batch > 1) * 2) {
                wg_plan *other;

                row_begin(&q, row, WG_F64);
                row_record(&q, row, batch, mode ? WG_PREDICT : WG_TRAIN, false);
                other = wg_plan_new(q.g, q.w, "f", NULL);
                /* the draws of a run have its number: keep to that of the first */
                *(int64_t *)wg_params_find(p.w, "rng/run")->value.data = 0;
                if (row->moody && !mode) {
                    /* running statistics are where a first run finds them */
                    wg_params_fill(p.w, "l/running_mean", 0, NULL);
                    wg_params_fill(p.w, "l/running_var", 1, NULL);
                }
                if (row_run(plan, row, batch, WG_F64, 1) && row_run(other, row, batch, WG_F64, 1)) {
                    same_array(wg_plan_value(plan, "y"), wg_plan_value(other, "y"), 0, row->kind,
                               "y at another batch");
                    if (!row->x[0].below)
                        same_array(wg_plan_value(plan, "d0"), wg_plan_value(other, "d0"), 0,
                                   row->kind, "dx at another batch");
                }
                wg_plan_free(other);
                row_free(&q);
            }
            wg_plan_free(plan);
            row_free(&p);
        }
}

/* ---- float beside double ---- */

static void float_beside_double(void)
{
    for (int i = 0; i < N_LAYER_ROWS; i++) {
        const layer_row *row = &layer_rows[i];
        row_program p, q;
        /* a draw has other bits in float: dropout is compared without one */
        wg_mode mode = strcmp(row->kind, "Dropout") == 0 ? WG_PREDICT : WG_TRAIN;
        wg_plan *single, *twice;

        row_begin(&p, row, WG_F32);
        row_record(&p, row, 4, mode, false);
        NO_ERROR(wg_graph_error(p.g));
        row_begin(&q, row, WG_F64);
        row_record(&q, row, 4, mode, false);
        for (int k = 0; k < wg_params_count(q.w);
             k++) { /* the same weights, not only their draws */
            const wg_param *to = wg_params_at(q.w, k), *from = wg_params_find(p.w, to->name);
            int64_t n = wg_shape_count(&to->value.type.shape);

            if (to->value.type.dtype == WG_F64)
                for (int64_t m = 0; m < n; m++)
                    ((double *)to->value.data)[m] = (double)((float *)from->value.data)[m];
        }
        single = wg_plan_new(p.g, p.w, "f", NULL);
        twice = wg_plan_new(q.g, q.w, "f", NULL);
        if (row_run(single, row, 4, WG_F32, 2) && row_run(twice, row, 4, WG_F64, 2)) {
            const wg_array *y = wg_plan_value(twice, "y"), *got = wg_plan_value(single, "y");
            int64_t n = wg_shape_count(&y->type.shape);

            for (int64_t k = 0; k < n; k++) {
                double a = (double)((float *)got->data)[k], b = ((double *)y->data)[k];

                harness_check(fabs(a - b) <= 2e-5 * (1 + fabs(b)), __FILE__, __LINE__,
                              "%s: f32 %g, f64 %g", row->kind, a, b);
            }
        }
        wg_plan_free(single);
        wg_plan_free(twice);
        row_free(&p);
        row_free(&q);
    }
}

/* ---- the verbs ---- */

static void free_arrays(int n, wg_array *a)
{
    for (int i = 0; i < n; i++) free(a[i].data);
}

/* sum(dy y) by one graph: y, dx, dW for two uses of the layer; then by the verbs. The second use
 * has another batch. */
static void verbs_as_recorded(void)
{
    for (int i = 0; i < N_LAYER_ROWS; i++) {
        const layer_row *row = &layer_rows[i];
        row_program p;
        wg_array x[2][ROW_OPERANDS], y, dy[2] = { { .data = NULL } }, dx[2 * ROW_OPERANDS];
        wg_array keep[2], dw = { .data = NULL };
        wg_layer *inner;

        if (row->moody && row->x[0].rank == 2 && strcmp(row->kind, "Dropout") == 0) continue;
        row_begin(&p, row, WG_F64);
        for (int f = 0; f < 2; f++) {
            for (int k = 0; k < row->n; k++) x[f][k] = row_array(row, k, 2 + f, WG_F64, f);
            if (!CHECK(wg_layer_forward(p.l, row->n, x[f], true, &y) == WG_OK)) {
                NO_ERROR(wg_layer_error(p.l));
                continue;
            }
            keep[f] = y;
            dy[f] = y;
            keep[f].data = malloc((size_t)wg_type_bytes(&y.type) + 1);
            memcpy(keep[f].data, y.data, (size_t)wg_type_bytes(&y.type));
            dy[f].data = calloc((size_t)wg_shape_count(&y.type.shape) + 1, 8);
            wg_random_normal(3, 3, (uint64_t)f, 0, wg_shape_count(&y.type.shape), WG_F64,
                             dy[f].data);
        }
        CHECK(wg_layer_backward(p.l, 2, dy, true, dx) == WG_OK);
        NO_ERROR(wg_layer_error(p.l));
        inner = p.l;
        for (int f = 0; f < 2; f++) {
            wg_tensor *t[ROW_OPERANDS], *s, *d;
            wg_graph *g = wg_graph_new();
            wg_feed feeds[ROW_OPERANDS + 1];
            static const char *const names[] = { "x0", "x1", "x2" };
            wg_error error = { .code = WG_OK };
            wg_array got;

            wg_begin(g, "f", WG_TRAIN);
            for (int k = 0; k < row->n; k++) {
                t[k] = wg_input(g, names[k], x[f][k].type.dtype, x[f][k].type.shape);
                feeds[k] = (wg_feed){ names[k], x[f][k] };
            }
            s = wg_apply_n(p.l, row->n, t);
            /* the recording commits nothing: entries stay as the verbs left them */
            wg_read(s, p.w, row->n, feeds, &got, &error);
            NO_ERROR(&error);
            same_array(&keep[f], &got, 1e-14, row->kind, "y by the verbs");
            wg_free(got.data);
            d = wg_input(g, "dy", WG_F64, dy[f].type.shape);
            feeds[row->n] = (wg_feed){ "dy", dy[f] };
            s = wg_sum(wg_mul(s, d), WG_ALL_AXES, false);
            for (int k = 0; k < row->n; k++) {
                if (row->x[k].below) {
                    CHECK(dx[f * row->n + k].data == NULL);
                    continue;
                }
                wg_read(wg_grad1(s, t[k]), p.w, row->n + 1, feeds, &got, &error);
                NO_ERROR(&error);
                same_array(&dx[f * row->n + k], &got, 1e-13, row->kind, "dx by the verbs");
                wg_free(got.data);
            }
            if (wg_layer_parameter(inner, "W").data) {
                wg_array one = { .data = NULL };

                wg_read(wg_grad1(s, wg_param_leaf(g, p.w, "l/W")), p.w, row->n + 1, feeds, &one,
                        &error);
                NO_ERROR(&error);
                if (!dw.data) dw = one;
                else {
                    for (int64_t m = 0; m < wg_shape_count(&dw.type.shape); m++)
                        ((double *)dw.data)[m] += ((double *)one.data)[m];
                    wg_free(one.data);
                }
            }
            wg_end(g);
            wg_graph_free(g);
        }
        if (dw.data) {
            wg_array got = wg_layer_gradient(inner, "W");

            same_array(&got, &dw, 1e-13, row->kind, "dW of two forwards");
            wg_free(dw.data);
        }
        /* without retain_grads nothing accumulates */
        wg_layer_flush_gradients(p.l);
        CHECK(wg_layer_gradient(inner, "W").data == NULL);
        CHECK(wg_layer_forward(p.l, row->n, x[0], true, &y) == WG_OK);
        CHECK(wg_layer_backward(p.l, 1, dy, false, NULL) == WG_OK);
        CHECK(wg_layer_gradient(inner, "W").data == NULL);
        for (int f = 0; f < 2; f++) {
            free_arrays(row->n, x[f]);
            free(keep[f].data);
            free(dy[f].data);
        }
        row_free(&p);
    }
}

/* Frozen: input gradients only. What does not depend on the mode is as before. */
static void frozen(void)
{
    for (int i = 0; i < N_LAYER_ROWS; i++) {
        const layer_row *row = &layer_rows[i];
        wg_array x[ROW_OPERANDS], y, dy, dx[ROW_OPERANDS], predicted;
        row_program p;

        row_begin(&p, row, WG_F64);
        for (int k = 0; k < row->n; k++) x[k] = row_array(row, k, 3, WG_F64, 4);
        wg_layer_freeze(p.l);
        CHECK(!wg_layer_trainable(p.l));
        CHECK(wg_layer_forward(p.l, row->n, x, false, &y) == WG_OK);
        NO_ERROR(wg_layer_error(p.l));
        predicted = y;
        predicted.data = malloc((size_t)wg_type_bytes(&y.type) + 1);
        memcpy(predicted.data, y.data, (size_t)wg_type_bytes(&y.type));
        CHECK(wg_layer_forward(p.l, row->n, x, true, &y) == WG_OK);
        same_array(&y, &predicted, 1e-15, row->kind, "a frozen layer's y");
        dy = predicted;
        CHECK(wg_layer_backward(p.l, 1, &dy, true, dx) == WG_OK);
        NO_ERROR(wg_layer_error(p.l));
        for (int k = 0; k < row->n; k++) CHECK(row->x[k].below || dx[k].data != NULL);
        for (int k = 0; k < wg_layer_n_params(p.l); k++)
            CHECK(wg_layer_gradient(p.l, wg_layer_param_key(p.l, k)).data == NULL);
        wg_layer_unfreeze(p.l);
        CHECK(wg_layer_trainable(p.l));
        CHECK(wg_layer_forward(p.l, row->n, x, true, &y) == WG_OK);
        if (!row->moody) same_array(&y, &predicted, 1e-15, row->kind, "y once it trains again");
        free(predicted.data);
        free_arrays(row->n, x);
        row_free(&p);
    }
}

/* ---- files ---- */

static bool same_stores(const wg_params *a, const wg_params *b, const char *kind)
{
    bool ok = CHECK(wg_params_count(a) == wg_params_count(b));

    for (int k = 0; k < wg_params_count(a); k++) {
        const wg_param *p = wg_params_at(a, k), *q = wg_params_find(b, p->name);

        ok &= harness_check(
            q && wg_type_equal(&p->value.type, &q->value.type) &&
                memcmp(p->value.data, q->value.data, (size_t)wg_type_bytes(&p->value.type)) == 0,
            __FILE__, __LINE__, "%s: %s differs", kind, p->name);
    }
    return ok;
}

/* A step, saved, loaded, two steps more in both: equal to the bit. */
static void save_and_go_on(void)
{
    for (int i = 0; i < N_LAYER_ROWS; i++) {
        const layer_row *row = &layer_rows[i];
        wg_error error = { .code = WG_OK };
        row_program p;
        wg_program q;
        wg_plan *one, *two;
        char *text = NULL;
        size_t length;

        row_begin(&p, row, WG_F32);
        row_record(&p, row, 3, WG_TRAIN, false);
        if (wg_layer_n_params(p.l) == 0 && wg_layer_n_components(p.l) == 0) {
            row_free(&p); /* nothing to train */
            continue;
        }
        wg_graph_free(p.g);
        row_record(&p, row, 3, WG_TRAIN, true);
        NO_ERROR(wg_graph_error(p.g));
        one = wg_plan_new(p.g, p.w, "f", NULL);
        row_run(one, row, 3, WG_F32, 0);
        CHECK(wg_save_text(p.g, p.w, NULL, &text, &length, &error) == WG_OK);
        CHECK(wg_load_text(text, length, NULL, &q, &error) == WG_OK);
        NO_ERROR(&error);
        if (q.graph) {
            two = wg_plan_new(q.graph, q.params, "f", NULL);
            for (int run = 1; run < 3; run++) {
                row_run(one, row, 2 + run, WG_F32, run);
                row_run(two, row, 2 + run, WG_F32, run);
            }
            same_stores(p.w, q.params, row->kind);
            wg_plan_free(two);
            wg_program_free(&q);
        }
        wg_free(text);
        wg_plan_free(one);
        row_free(&p);
    }
}

/* What hyperparameters writes makes a layer that writes the same, with optimizer and components. */
static void made_from_its_own_text(void)
{
    for (int i = 0; i < N_LAYER_ROWS; i++) {
        const layer_row *row = &layer_rows[i];
        wg_params *w = wg_params_new(WG_F64, 2);
        wg_error error = { .code = WG_OK };
        wg_layer *l = row->make(w), *m;
        char *text, *again;

        CHECK(wg_layer_set_optimizer(l, "Adam(lr=0.5)") == WG_OK);
        text = wg_layer_hyperparameters(l);
        m = wg_layer_make(w, "other", row->kind, text, &error);
        NO_ERROR(&error);
        again = wg_layer_hyperparameters(m);
        EQ_STR(again, text);
        wg_free(text);
        wg_free(again);
        wg_layer_free(m);
        m = wg_layer_make(w, "other", row->kind, "{\"layer\": \"LSTM\"}", &error);
        CHECK(m == NULL && error.code != WG_OK);
        wg_layer_free(m);
        wg_layer_free(l);
        wg_params_free(w);
    }
}

/* One layer twice in one graph: its parameters are shared, gradients add up, nothing collides. */
static void used_twice(void)
{
    for (int i = 0; i < N_LAYER_ROWS; i++) {
        const layer_row *row = &layer_rows[i];
        wg_tensor *y[2];
        row_program p;
        int n;

        row_begin(&p, row, WG_F64);
        p.g = wg_graph_new();
        wg_begin(p.g, "f", WG_TRAIN);
        for (int k = 0; k < row->n; k++) {
            wg_type t = row_type(&row->x[k], 2, WG_F64);

            p.x[k] = wg_input(p.g, k == 0 ? "a" : k == 1 ? "b" : "c", t.dtype, t.shape);
        }
        y[0] = wg_apply_n(p.l, row->n, p.x);
        n = wg_params_count(p.w);
        y[1] = wg_apply_n(p.l, row->n, p.x);
        EQ_INT(wg_params_count(p.w), n);
        wg_output("y", wg_add(y[0], y[1]));
        wg_end(p.g);
        NO_ERROR(wg_graph_error(p.g));
        row_free(&p);
    }
}

TESTS(TEST(differences), TEST(any_batch), TEST(float_beside_double), TEST(verbs_as_recorded),
      TEST(frozen), TEST(save_and_go_on), TEST(made_from_its_own_text), TEST(used_twice))
