/*
 * test_protocol.c: what every layer class promises, asked of each: properties before the first
 * forward, many steps, other batches, summaries that make an equal layer, retained forwards,
 * freezing, training functions that are saved and go on, float against double, second order. A class
 * without a sample here fails.
 */
#include <wengert.h>
#include <wengert/layer.h>

#include "harness.h"
#include "layer_samples.h"
#include "temp.h"

/* ---- inputs ---- */

typedef struct {
    wg_array x[MOST_IN];
    int n;
} batch;

/* Fixed numbers in (0, 1), other ones for every element and `seed`. */
static batch make_batch(const sample *s, int64_t n, wg_dtype real, unsigned seed)
{
    batch b = { .n = s->n };

    for (int i = 0; i < s->n; i++) {
        wg_shape shape = wg_shape_of(s->in[i].rank, s->in[i].dim);
        wg_dtype dtype = s->in[i].below ? WG_I64 : real;
        int64_t count;

        for (int k = 0; k < shape.rank; k++)
            if (shape.dim[k] < 0) shape.dim[k] = n;
        count = wg_shape_count(&shape);
        b.x[i] = wg_array_of(dtype, shape, calloc((size_t)count + 1, 8));
        for (int64_t k = 0; k < count; k++) {
            double v = fmod(0.618033988749895 * (double)(k + 1 + 100 * i + 1000 * (int)seed), 1);

            if (dtype == WG_I64)
                ((int64_t *)b.x[i].data)[k] = (int64_t)(v * (double)s->in[i].below);
            else if (dtype == WG_F32) ((float *)b.x[i].data)[k] = (float)v;
            else ((double *)b.x[i].data)[k] = v;
        }
    }
    return b;
}

static void free_batch(batch *b)
{
    for (int i = 0; i < b->n; i++) free(b->x[i].data);
}

static bool layer_ok(wg_status status, const wg_layer *l, const char *what, int line)
{
    return harness_check(status == WG_OK, __FILE__, line, "%s: %s: %s", wg_layer_kind(l), what,
                         wg_layer_error(l)->text);
}
#define OK(call, l) layer_ok((call), (l), #call, __LINE__)

static wg_layer *make(const sample *s, wg_params *w, const char *name)
{
    wg_error error = { .code = WG_OK };
    wg_layer *l = wg_layer_make(w, name, s->kind, s->json, &error);

    harness_check(l != NULL, __FILE__, __LINE__, "%s: %s", s->kind, error.text);
    return l;
}

/* ---- verbs ---- */

static wg_array dy_memory[MOST_OUT];

/* The gradient of sum y^2 / 2 is y. */
static void squares(const wg_layer *l, const wg_array *y, wg_array *dy)
{
    for (int k = 0; k < wg_layer_n_out(l); k++) {
        int64_t bytes = wg_type_bytes(&y[k].type);

        free(dy_memory[k].data);
        dy_memory[k] = y[k];
        dy_memory[k].data = malloc((size_t)bytes + 1);
        memcpy(dy_memory[k].data, y[k].data, (size_t)bytes);
        dy[k] = dy_memory[k];
    }
}

static bool step(wg_layer *l, const batch *b, double *sum)
{
    wg_array y[MOST_OUT], dy[MOST_OUT];
    bool ok = OK(wg_layer_forward(l, b->n, b->x, true, y), l);

    *sum = 0;
    if (!ok) return false;
    for (int64_t i = 0; i < wg_shape_count(&y[0].type.shape); i++)
        *sum += harness_number(y[0].data, y[0].type.dtype, i);
    squares(l, y, dy);
    ok = OK(wg_layer_backward(l, 1, dy, true, NULL), l);
    return OK(wg_layer_update(l, 0.5), l) && ok;
}

static void before_the_first_forward(const sample *s)
{
    wg_params *w = wg_params_new(WG_F64, 5);
    wg_layer *l = make(s, w, "l");
    char *summary = wg_layer_summary(l), *hyper = wg_layer_hyperparameters(l);

    CHECK(summary && hyper && strstr(hyper, s->kind));
    CHECK(wg_layer_gradient(l, "W").data == NULL && wg_layer_derived(l, "Z").data == NULL);
    CHECK(wg_layer_trainable(l) && wg_layer_error(l)->code == WG_OK);
    wg_layer_freeze(l);
    wg_layer_unfreeze(l);
    wg_layer_flush_gradients(l);
    OK(wg_layer_set_params(l, summary), l);
    wg_free(summary);
    wg_free(hyper);
    wg_layer_free(l);
    wg_params_free(w);
}

/* Three steps, a summary, and a fresh layer that goes on as the old one. */
static void summary_makes_an_equal_layer(const sample *s)
{
    wg_params *a = wg_params_new(WG_F64, 5), *b = wg_params_new(WG_F64, 5);
    wg_layer *l = make(s, a, "l"), *m = make(s, b, "l");
    batch x = make_batch(s, 3, WG_F64, 1);
    double was, is;
    char *text, *again;

    OK(wg_layer_set_optimizer(l, "Adam(lr=0.01)"), l);
    for (int i = 0; i < 3; i++) REQUIRE(step(l, &x, &was));
    text = wg_layer_summary(l);
    OK(wg_layer_set_params(m, text), m);
    again = wg_layer_summary(m);
    EQ_STR(again, text);
    wg_params_set(b, "rng/run", wg_params_find(a, "rng/run")->value, NULL);
    for (int i = 0; i < 2; i++) {
        REQUIRE(step(l, &x, &was) && step(m, &x, &is));
        harness_check(was == is, __FILE__, __LINE__, "%s: %.17g is not %.17g", s->kind, is, was);
    }
    wg_free(again);
    wg_free(text);
    free_batch(&x);
    wg_layer_free(l);
    wg_layer_free(m);
    wg_params_free(a);
    wg_params_free(b);
}

static void other_batches(const sample *s)
{
    static const int64_t sizes[] = { 2, 5, 1, 2, 3 };
    wg_params *w = wg_params_new(WG_F64, 5);
    wg_layer *l = make(s, w, "l");
    wg_array y[MOST_OUT];
    double sum;

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        batch x = make_batch(s, sizes[i], WG_F64, (unsigned)i);

        step(l, &x, &sum);
        harness_check(isfinite(sum), __FILE__, __LINE__, "%s: batch %d gives %g", s->kind,
                      (int)sizes[i], sum);
        OK(wg_layer_forward(l, x.n, x.x, false, y), l);
        wg_layer_flush_gradients(l);
        free_batch(&x);
    }
    wg_layer_free(l);
    wg_params_free(w);
}

static bool has_gradient(const wg_layer *l)
{
    for (int i = 0; i < wg_layer_n_params(l); i++)
        if (wg_layer_gradient(l, wg_layer_param_key(l, i)).data) return true;
    for (int i = 0; i < wg_layer_n_components(l); i++)
        if (has_gradient(wg_layer_component_at(l, i))) return true;
    return false;
}

static void shift_params(wg_layer *l)
{
    for (int i = 0; i < wg_layer_n_params(l); i++) {
        wg_array v = wg_layer_param_value(l, i);

        for (int64_t k = 0; k < wg_shape_count(&v.type.shape); k++) ((double *)v.data)[k] += 0.5;
    }
    for (int i = 0; i < wg_layer_n_components(l); i++) shift_params(wg_layer_component_at(l, i));
}

static void retained_and_frozen(const sample *s)
{
    wg_params *w = wg_params_new(WG_F64, 5);
    wg_layer *l = make(s, w, "l");
    batch x = make_batch(s, 3, WG_F64, 2);
    wg_array y[MOST_OUT], dy[MOST_OUT], dx[MOST_IN];
    double *before[MOST_IN] = { NULL };
    bool cell = wg_layer_class_find(s->kind)->n_state > 0;

    REQUIRE(OK(wg_layer_forward(l, x.n, x.x, true, y), l));
    squares(l, y, dy);
    OK(wg_layer_backward(l, 1, dy, false, dx), l);
    harness_check(!has_gradient(l), __FILE__, __LINE__, "%s: gradients without retain_grads",
                  s->kind);
    for (int i = 0; i < x.n; i++)
        if (dx[i].data) {
            before[i] = malloc((size_t)wg_type_bytes(&dx[i].type) + 1);
            memcpy(before[i], dx[i].data, (size_t)wg_type_bytes(&dx[i].type));
        }
    if (!cell) {
        shift_params(l);
        OK(wg_layer_backward(l, 1, dy, true, dx), l);
        for (int i = 0; i < x.n; i++)
            if (dx[i].data) SAME_BITS(dx[i].data, before[i], wg_type_bytes(&dx[i].type));
    }
    wg_layer_freeze(l);
    wg_layer_flush_gradients(l);
    OK(wg_layer_forward(l, x.n, x.x, true, y), l);
    squares(l, y, dy);
    OK(wg_layer_backward(l, 1, dy, true, dx), l);
    harness_check(!has_gradient(l), __FILE__, __LINE__, "%s: gradients though frozen", s->kind);
    CHECK(wg_layer_update(l, 0.5) == WG_ESTATE);
    for (int i = 0; i < x.n; i++) free(before[i]);
    free_batch(&x);
    wg_layer_free(l);
    wg_params_free(w);
}

/* ---- recorded ---- */

/* The sum of all real results squared, halved; operands by name x0, x1, ...; states start at zero. */
static wg_tensor *record(const sample *s, wg_graph *g, wg_layer *l, const batch *b)
{
    const wg_layer_class *kind = wg_layer_class_find(s->kind);
    static const double zeros[4096];
    wg_tensor *x[MOST_IN + MOST_OUT], *y[MOST_OUT], *loss = NULL;
    const wg_type *types[MOST_IN];
    char name[8];

    for (int i = 0; i < b->n; i++) {
        snprintf(name, sizeof name, "x%d", i);
        x[i] = wg_input(g, name, b->x[i].type.dtype, b->x[i].type.shape);
        types[i] = wg_tensor_type(x[i]);
    }
    for (int i = 0; i < kind->n_state; i++) {
        wg_shape shape = kind->state(l, types, i);

        x[b->n + i] = wg_constant(g, wg_array_of(types[0]->dtype, shape, zeros));
    }
    wg_apply_all(l, b->n + kind->n_state, x, y);
    for (int k = 0; k < wg_layer_n_out(l); k++) {
        wg_tensor *part = wg_sum(wg_square(y[k]), WG_ALL_AXES, false);

        loss = loss ? wg_add(loss, part) : part;
    }
    return wg_mul(loss, wg_scalar_like(loss, 0.5));
}

static bool run(wg_plan *p, const batch *b, double *loss)
{
    char name[8];

    for (int i = 0; i < b->n; i++) {
        snprintf(name, sizeof name, "x%d", i);
        if (wg_plan_feed(p, name, b->x[i]) != WG_OK && wg_plan_error(p)->code != WG_ENAME)
            return false;
    }
    if (wg_plan_run(p) != WG_OK) return false;
    *loss = wg_item(wg_plan_value_at(p, 0));
    return true;
}

/* Recorded at batch 1, trained at others, saved, loaded, and trained on: the bits of a run that was
 * never saved. */
static void saved_training_goes_on(const sample *s)
{
    wg_params *w = wg_params_new(WG_F64, 5);
    wg_graph *g = wg_graph_new();
    wg_layer *l = make(s, w, "l");
    wg_optim *o = wg_adam(w, "adam", NULL);
    bool cell = wg_layer_class_find(s->kind)->n_state > 0;
    batch one = make_batch(s, cell ? 3 : 1, WG_F64, 3), three = make_batch(s, 3, WG_F64, 4);
    char path[256];
    wg_program program = { .graph = NULL };
    wg_error error = { .code = WG_OK };
    wg_plan *p, *q = NULL;
    double was = NAN, is = NAN;
    wg_tensor *loss;

    wg_begin(g, "train", WG_TRAIN);
    loss = wg_output("loss", record(s, g, l, &one));
    if (wg_layer_n_params(l) || wg_layer_n_components(l))
        for (int i = 0; i < wg_params_count(w); i++)
            if (wg_params_at(w, i)->trainable) {
                wg_minimize(o, loss);
                break;
            }
    wg_end(g);
    p = wg_plan_new_error(g, w, "train", NULL, &error);
    harness_check(p != NULL, __FILE__, __LINE__, "%s: %s", s->kind, error.text);
    for (int i = 0; i < 2 && p; i++)
        harness_check(run(p, &three, &was), __FILE__, __LINE__, "%s: %s", s->kind,
                      wg_plan_error(p)->text);
    snprintf(path, sizeof path, "%s/%s.json", temp_dir(), s->kind);
    if (p && CHECK(wg_save(path, g, w, NULL, &error) == WG_OK) &&
        CHECK(wg_load(path, NULL, &program, &error) == WG_OK))
        q = wg_plan_new_error(program.graph, program.params, "train", NULL, &error);
    harness_check(q != NULL, __FILE__, __LINE__, "%s: %s", s->kind, error.text);
    for (int i = 0; i < 2 && q; i++) {
        CHECK(run(p, &three, &was) && run(q, &three, &is));
        harness_check(was == is && isfinite(was), __FILE__, __LINE__,
                      "%s: loaded %.17g, unsaved %.17g", s->kind, is, was);
    }
    wg_plan_free(p);
    wg_plan_free(q);
    wg_program_free(&program);
    wg_optim_free(o);
    wg_layer_free(l);
    wg_graph_free(g);
    wg_params_free(w);
    free_batch(&one);
    free_batch(&three);
}

/* The same weights in float: losses agree to float precision. */
static void float_agrees(const sample *s)
{
    wg_params *w = wg_params_new(WG_F64, 5), *single;
    batch x = make_batch(s, 3, WG_F64, 6), y = make_batch(s, 3, WG_F32, 6);
    double loss[2] = { NAN, NAN };

    for (int k = 0; k < 2; k++) {
        wg_graph *g = wg_graph_new();
        wg_params *store = w;
        wg_layer *l;
        wg_plan *p;
        wg_error error = { .code = WG_OK };

        if (k) {
            single = wg_params_new(WG_F32, 5);
            store = single;
        }
        l = make(s, store, "l");
        wg_begin(g, "f", WG_PREDICT);
        wg_output("loss", record(s, g, l, k ? &y : &x));
        wg_end(g);
        p = wg_plan_new_error(g, store, "f", NULL, &error);
        harness_check(p && run(p, k ? &y : &x, &loss[k]), __FILE__, __LINE__, "%s: %s", s->kind,
                      p ? wg_plan_error(p)->text : error.text);
        wg_plan_free(p);
        wg_layer_free(l);
        wg_graph_free(g);
        if (k) wg_params_free(store);
    }
    harness_check(fabs(loss[0] - loss[1]) <= 1e-4 * (1 + fabs(loss[0])), __FILE__, __LINE__,
                  "%s: f64 %.9g, f32 %.9g", s->kind, loss[0], loss[1]);
    wg_params_free(w);
    free_batch(&x);
    free_batch(&y);
}

static void second_order(const sample *s)
{
    wg_params *w = wg_params_new(WG_F64, 5);
    wg_graph *g = wg_graph_new();
    wg_layer *l = make(s, w, "l");
    batch x = make_batch(s, 2, WG_F64, 7);
    wg_feed feeds[MOST_IN];
    static const char *const names[MOST_IN] = { "x0", "x1", "x2", "x3" };
    wg_check_report report = { .n = 0 };
    wg_error error = { .code = WG_OK };
    wg_tensor *loss;

    wg_begin(g, "f", WG_TRAIN);
    loss = wg_output("loss", record(s, g, l, &x));
    wg_end(g);
    for (int i = 0; i < x.n; i++) feeds[i] = (wg_feed){ names[i], x.x[i] };
    harness_check(wg_check_grad(loss, w, x.n, feeds,
                                &(wg_check_options){ .order = 2, .rtol = 1e-5, .atol = 1e-7 },
                                &report, &error) == WG_OK,
                  __FILE__, __LINE__, "%s: %s", s->kind, error.text);
    for (int i = 0; i < report.n; i++)
        harness_check(report.item[i].pass, __FILE__, __LINE__,
                      "%s: %s at order %d: %.9g, difference quotient %.9g", s->kind,
                      report.item[i].name, report.item[i].order, report.item[i].analytic,
                      report.item[i].numeric);
    CHECK(report.n > 0);
    wg_check_free(&report);
    free_batch(&x);
    wg_layer_free(l);
    wg_graph_free(g);
    wg_params_free(w);
}

/* ---- a mistake first ---- */

/* An input of one axis less or more, where it is refused, leaves a layer that takes the right one. */
static void a_bad_input_first(const sample *s)
{
    for (int how = 0; how < 2; how++) {
        wg_params *w = wg_params_new(WG_F64, 5);
        wg_layer *l = make(s, w, "l");
        batch x = make_batch(s, 3, WG_F64, 8), bad = x;
        wg_shape *shape = &bad.x[0].type.shape;
        wg_array y[MOST_OUT];
        bool refused;

        if (how == 0) shape->dim[shape->rank++] = 1;
        else {
            shape->dim[shape->rank - 2] *= shape->dim[shape->rank - 1];
            shape->rank--;
        }
        refused = wg_layer_forward(l, bad.n, bad.x, true, y) != WG_OK;
        wg_layer_flush_gradients(l);
        if (refused) OK(wg_layer_forward(l, x.n, x.x, true, y), l);
        free_batch(&x);
        wg_layer_free(l);
        wg_params_free(w);
    }
}

/* ---- every class ---- */

static void each(void (*ask)(const sample *s), bool all)
{
    for (int i = 0; i < wg_layer_n_classes(); i++) {
        const char *kind = wg_layer_class_at(i)->name;
        const sample *s = sample_of(kind);

        if (harness_check(s != NULL, __FILE__, __LINE__, "no sample of %s", kind) &&
            (all || !s->no_differences))
            ask(s);
    }
}

static void bad_inputs_first(void)
{
    each(a_bad_input_first, true);
}
static void properties(void)
{
    each(before_the_first_forward, true);
}
static void summaries(void)
{
    each(summary_makes_an_equal_layer, true);
}
static void batches(void)
{
    each(other_batches, true);
}
static void retaining_and_freezing(void)
{
    each(retained_and_frozen, true);
}
static void saving(void)
{
    each(saved_training_goes_on, true);
}
static void single_precision(void)
{
    each(float_agrees, false);
}
static void gradients_of_gradients(void)
{
    each(second_order, false);
    for (int k = 0; k < MOST_OUT; k++) {
        free(dy_memory[k].data);
        dy_memory[k].data = NULL;
    }
}

TESTS(TEST(properties), TEST(bad_inputs_first), TEST(summaries), TEST(batches),
      TEST(retaining_and_freezing), TEST(saving), TEST(single_precision),
      TEST(gradients_of_gradients))
