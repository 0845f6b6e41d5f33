/*
 * test_property.c: random functions run the same way however they are compiled: all passes on, all off, each
 * number of threads, other block sizes. A failure prints the seed of its function; `PROPERTY_SEED=n` in the
 * environment runs that one alone, `PROPERTY_GRAPHS=n` so many.
 */
#include "graph/plan.h"
#include "property_ops.h"

enum { GRAPHS = 4000, STEPS = 14, RUNS = 2, LEAST = 50 };

static const struct {
    generator *make;
    int weight;
} kinds[] = {
    { gen_unary, 30 },   { gen_binary, 20 }, { gen_integers, 8 }, { gen_compare, 10 },
    { gen_logic, 8 },    { gen_where, 4 },   { gen_cast, 6 },     { gen_leaf, 12 },
    { gen_random, 6 },   { gen_reduce, 20 }, { gen_like, 6 },     { gen_reshape, 12 },
    { gen_permute, 8 },  { gen_slice, 10 },  { gen_pad, 8 },      { gen_join, 10 },
    { gen_index, 12 },   { gen_product, 8 }, { gen_window, 12 },  { gen_gradient, 10 },
    { gen_partners, 6 },
};

static const wg_plan_options ways[] = {
    { .passes_off = WG_PASS_ALL, .threads = 1 }, /* the one to compare with */
    { .passes_off = WG_PASS_TRANSPOSE },
    { .passes_off = WG_PASS_TRANSPOSE, .threads = 1 },
    { .passes_off = WG_PASS_TRANSPOSE, .threads = 2, .grain = 1, .block = 7 },
    { .passes_off = WG_PASS_ALL & ~WG_PASS_FUSE, .threads = 2, .grain = 1 },
    { .passes_off = WG_PASS_ALL & ~WG_PASS_REPEAT, .threads = 1 },
    { .passes_off = WG_PASS_ALL & ~WG_PASS_PREPARE, .threads = 1 },
    { .passes_off = WG_PASS_TRANSPOSE | WG_PASS_FUSE | WG_PASS_IN_PLACE, .threads = 2 },
    { .threads = 2 }, /* compared where no transpose was absorbed */
};

static int64_t occurred[400], graphs, absorbed, elements, not_finite, repeated;

static wg_tensor *one(gen *r)
{
    int total = 0, at;

    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) total += kinds[k].weight;
    at = (int)below(r, total);
    for (size_t k = 0;; k++) {
        if (at < kinds[k].weight) return kinds[k].make(r);
        at -= kinds[k].weight;
    }
}

static void record_function(gen *r)
{
    char name[24];
    int n = 0, updates = 0;

    wg_begin(r->g, "f", chance(r, 70) ? WG_TRAIN : WG_PREDICT);
    for (int i = 0; i < STEPS && !wg_graph_error(r->g); i++) put(r, one(r));
    for (int i = r->n - 1; i >= 0 && n < 12 && !wg_graph_error(r->g); i--)
        if (i > r->n - 4 || chance(r, 60)) {
            snprintf(name, sizeof name, "o%d", n++);
            wg_output(name, r->pool[i]);
        }
    for (int i = 0; i < r->n_leaves && updates < 4 && !wg_graph_error(r->g); i++) {
        wg_tensor *t = r->leaf[i], *d;

        if (!(wg_tensor_record(t)->flags & WG_OP_PARAM) || chance(r, 30)) continue;
        d = wg_sum_to_like(wg_mul(t, wg_scalar_like(t, 0.5)), t);
        for (int k = 0; k < r->n_leaves; k++) /* others' old values */
            if (wg_type_equal(wg_tensor_type(r->leaf[k]), wg_tensor_type(t)) && chance(r, 70))
                d = wg_add(d, wg_sin(r->leaf[k]));
        if (chance(r, 30))
            d = wg_add(d, wg_tanh(wg_grad1(wg_sum(wg_tanh(real(r)), WG_ALL_AXES, false), t)));
        wg_update(*(const char *const *)wg_tensor_attr(t), wg_sub(t, d));
        updates++;
    }
    wg_end(r->g);
}

static void count_records(const gen *r)
{
    wg_op_list list = wg_std_ops();
    wg_tensor **roots, **order;
    int64_t n = wg__function_roots(r->g, 0, &roots, NULL);

    n = wg_order((int)n, roots, &order);
    for (int64_t i = 0; i < n; i++)
        for (int k = 0; k < list.n; k++) occurred[k] += list.op[k] == wg_tensor_record(order[i]);
    wg_free(roots);
    wg_free(order);
}

/* Equal bits, or both not a number: which NaN an operation passes on is the processor's business. */
static bool same_values(const wg_array *a, const wg_array *b)
{
    int64_t n = wg_shape_count(&a->type.shape);
    size_t size = wg_dtype_size(a->type.dtype);

    if (!wg_type_equal(&a->type, &b->type)) return false;
    for (int64_t i = 0; i < n; i++) {
        const char *x = (const char *)a->data + (size_t)i * size,
                   *y = (const char *)b->data + (size_t)i * size;

        if (memcmp(x, y, size) == 0) continue;
        if (a->type.dtype == WG_F32 && isnan(*(const float *)(const void *)x) &&
            isnan(*(const float *)(const void *)y))
            continue;
        if (a->type.dtype == WG_F64 && isnan(*(const double *)(const void *)x) &&
            isnan(*(const double *)(const void *)y))
            continue;
        return false;
    }
    return true;
}

static void look_at(const wg_array *a)
{
    for (int64_t i = 0; i < wg_shape_count(&a->type.shape); i++) {
        elements++;
        if (a->type.dtype == WG_F32) not_finite += !isfinite(((const float *)a->data)[i]);
        if (a->type.dtype == WG_F64) not_finite += !isfinite(((const double *)a->data)[i]);
    }
}

/* One way of running: a plan and a store of its own. NULL when something failed, which was told. */
static wg_plan *run_way(const gen *r, size_t way, wg_params *store, uint64_t seed)
{
    wg_error error;
    wg_plan *p = wg_plan_new_error(r->g, store, "f", &ways[way], &error);

    for (int i = 0; p && i < r->n_feeds; i++) wg_plan_feed(p, r->feed[i].name, r->feed[i].value);
    for (int run = 0; p && run < RUNS; run++) {
        if (wg_plan_run(p) == WG_OK) continue;
        error = *wg_plan_error(p);
        wg_plan_free(p);
        p = NULL;
    }
    if (!p) {
        harness_check(false, __FILE__, __LINE__, "seed %" PRIu64 ", way %zu: %s: %s (%s)", seed,
                      way, error.op, error.text, error.site ? error.site : "?");
    }
    return p;
}

static bool compare(const gen *r, size_t way, wg_plan *p, wg_plan *want, wg_params *store,
                    wg_params *want_store, uint64_t seed)
{
    bool ok = true;

    for (int i = 0; i < wg_function_n_outputs(r->g, 0); i++)
        if (!same_values(wg_plan_value_at(p, i), wg_plan_value_at(want, i)))
            ok = harness_check(false, __FILE__, __LINE__,
                               "seed %" PRIu64 ", way %zu: output %s (%s, %s) differs", seed, way,
                               wg_function_output_name(r->g, 0, i),
                               wg_tensor_op(wg_function_output(r->g, 0, i)),
                               wg_tensor_site(wg_function_output(r->g, 0, i)));
    for (int i = 0; i < wg_params_count(store); i++)
        if (!same_values(&wg_params_at(store, i)->value, &wg_params_at(want_store, i)->value))
            ok = harness_check(false, __FILE__, __LINE__,
                               "seed %" PRIu64 ", way %zu: store entry %s differs", seed, way,
                               wg_params_at(store, i)->name);
    return ok;
}

static bool try_seed(uint64_t seed)
{
    gen r = gen_make(seed);
    wg_params *first = NULL;
    wg_plan *want = NULL;
    bool ok = true;

    record_function(&r);
    if (wg_graph_error(r.g)) {
        const wg_error *e = wg_graph_error(r.g);

        ok = harness_check(false, __FILE__, __LINE__, "seed %" PRIu64 ": recording: %s: %s (%s)",
                           seed, e->op, e->text, e->site ? e->site : "?");
    } else {
        count_records(&r);
        graphs++;
        first = wg_params_copy(r.w, WG_N_DTYPES);
        want = run_way(&r, 0, first, seed);
        ok = want != NULL;
    }
    for (int i = 0; ok && i < wg_function_n_outputs(r.g, 0); i++)
        look_at(wg_plan_value_at(want, i));
    for (size_t way = 1; ok && way < sizeof ways / sizeof ways[0]; way++) {
        wg_params *store = wg_params_copy(r.w, WG_N_DTYPES);
        wg_plan *p = run_way(&r, way, store, seed);

        ok = p != NULL;
        if (p) repeated += p->now->stats.repeated;
        if (p && p->now->stats.absorbed > 0) absorbed++;
        else if (p) ok = compare(&r, way, p, want, store, first, seed);
        wg_plan_free(p);
        wg_params_free(store);
    }
    wg_plan_free(want);
    wg_params_free(first);
    gen_free(&r);
    return ok;
}

static void any_way_gives_the_same(void)
{
    const char *only = getenv("PROPERTY_SEED"), *many = getenv("PROPERTY_GRAPHS");
    int64_t n = many ? atoll(many) : GRAPHS, bad = 0;

    if (only) {
        CHECK(try_seed((uint64_t)strtoull(only, NULL, 10)));
        return;
    }
    for (int64_t seed = 1; seed <= n && bad < 10; seed++) bad += !try_seed((uint64_t)seed);
    EQ_INT(bad, 0);
    printf("%" PRId64 " functions, %zu ways each; %" PRId64
           " runs with absorbed transposes not compared; %" PRId64
           " elements, %.2f %% not finite; %" PRId64 " repeated values left out\n",
           graphs, sizeof ways / sizeof ways[0], absorbed, elements,
           elements > 0 ? 100 * (double)not_finite / (double)elements : 0, repeated);
    CHECK(not_finite * 20 <= elements);
    CHECK(repeated >= LEAST);
}

static void every_record_occurred(void)
{
    wg_op_list list = wg_std_ops();

    if (getenv("PROPERTY_SEED") || getenv("PROPERTY_GRAPHS")) {
        CHECK(list.n > 0);
        return;
    }
    for (int k = 0; k < list.n; k++) {
        printf("%-20s %6" PRId64 "\n", list.op[k]->name, occurred[k]);
        harness_check(occurred[k] >= LEAST, __FILE__, __LINE__,
                      "%s occurred %" PRId64 " times, wanted %d", list.op[k]->name, occurred[k],
                      LEAST);
    }
}

TESTS(TEST(any_way_gives_the_same), TEST(every_record_occurred))
