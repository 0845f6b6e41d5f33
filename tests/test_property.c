/*
 * test_property.c: random functions run the same way however they are compiled: all passes on, all off, each
 * number of threads, other block sizes. A failure prints the seed of its function; `PROPERTY_SEED=n` in the
 * environment runs that one alone, `PROPERTY_GRAPHS=n` so many, `PROPERTY_FIRST=n` from there on.
 */
#include "graph/plan.h"
#include "property_chain.h"
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
    { gen_partners, 6 }, { gen_table, 8 },   { gen_chain, 3 },    { gen_columns, 3 },
    { gen_steps, 3 },
};

static const wg_plan_options ways[] = {
    { .passes_off = WG_PASS_ALL, .threads = 1 }, /* the one to compare with */
    { .passes_off = WG_PASS_TRANSPOSE },
    { .passes_off = WG_PASS_TRANSPOSE, .threads = 1 },
    { .passes_off = WG_PASS_TRANSPOSE, .threads = 2, .grain = 1, .block = 7 },
    { .passes_off = WG_PASS_TRANSPOSE, .threads = 2, .grain = 1, .block = 9, .cache = 1 },
    { .passes_off = WG_PASS_ALL & ~(WG_PASS_FUSE | WG_PASS_STREAM), .block = 16, .cache = 1 },
    { .passes_off = WG_PASS_ALL & ~WG_PASS_FUSE, .threads = 2, .grain = 1 },
    { .passes_off = WG_PASS_ALL & ~WG_PASS_REPEAT, .threads = 1 },
    { .passes_off = WG_PASS_ALL & ~WG_PASS_PREPARE, .threads = 1 },
    { .passes_off = WG_PASS_ALL & ~WG_PASS_LANES, .threads = 2, .grain = 1 },
    { .passes_off = WG_PASS_TRANSPOSE | WG_PASS_FUSE, .threads = 2, .grain = 1 },
    { .passes_off = WG_PASS_ALL & ~(WG_PASS_FUSE | WG_PASS_LINES), .threads = 2, .grain = 1 },
    { .passes_off = WG_PASS_TRANSPOSE, .threads = 1, .block = 3 },
    { .passes_off = WG_PASS_ALL & ~(WG_PASS_FUSE | WG_PASS_REUSE | WG_PASS_REMAKE), .cache = 1 },
    { .passes_off = WG_PASS_ALL & ~WG_PASS_INLINE, .threads = 2, .grain = 1 },
    { .passes_off = WG_PASS_ALL & ~WG_PASS_PLACE, .threads = 1 },
    { .passes_off = WG_PASS_ALL & ~WG_PASS_TURN, .threads = 1 },
    { .passes_off =
          WG_PASS_ALL & ~(WG_PASS_PLACE | WG_PASS_REUSE | WG_PASS_IN_PLACE | WG_PASS_LANES),
      .threads = 2,
      .grain = 1 },
    { .passes_off = WG_PASS_TRANSPOSE | WG_PASS_FUSE | WG_PASS_IN_PLACE, .threads = 2 },
    { .passes_off = WG_PASS_ALL & ~(WG_PASS_FUSE | WG_PASS_CHAIN), .threads = 2, .grain = 1 },
    { .passes_off = WG_PASS_TRANSPOSE, .block = 128, .threads = 2, .grain = 1, .cache = 1 },
    { .passes_off = WG_PASS_TRANSPOSE | WG_PASS_CHAIN, .threads = 1 },
    { .passes_off = WG_PASS_ALL & ~(WG_PASS_FUSE | WG_PASS_COLUMNS), .threads = 2, .grain = 1 },
    { .threads = 2 }, /* compared where no transpose was absorbed */
};

static int64_t occurred[400], graphs, absorbed, elements, not_finite, repeated, streamed, bundles,
    by_lines, inlined, remade, placed, chained, summed, turned;
static int64_t budgets, recomputing, recomputed, unmet; /* see try_budget */

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
        d = wg_rank(t) == 2 && count_of(t) > 0 && chance(r, 30) ? added_rows(r, t, false)
                                                                : wg_sub(t, d);
        wg_update(*(const char *const *)wg_tensor_attr(t), d);
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

/* Steps some of whose results go past the caches. */
static int64_t count_streams(const wg_spec *s)
{
    int64_t n = 0;

    for (int64_t i = 0; i < s->n_instr; i++)
        n += s->instr[i].kind == WG_I_BLOCKS && s->instr[i].as.blocks->streams;
    return n;
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
    wg_plan_options o = ways[way];
    wg_plan *p;

    o.passes_off |= WG_PASS_WINOGRAD; /* has bits of its own: test_winograd.c */
    p = wg_plan_new_error(r->g, store, "f", &o, &error);

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

/* A second function, whose values live long: a sum of whatever was made, and its gradients. */
static void record_gradients(gen *r)
{
    wg_tensor *sum = NULL, *d[3];
    char name[24];
    int n = 0;

    wg_begin(r->g, "g", WG_PREDICT);
    for (int i = 0; i < r->n; i++) {
        if (!is_real(r->pool[i]) || count_of(r->pool[i]) == 0 || chance(r, 30)) continue;
        d[0] = wg_cast(wg_sum(wg_tanh(r->pool[i]), WG_ALL_AXES, false), WG_F64);
        sum = sum ? wg_tanh(wg_add(sum, d[0])) : d[0];
    }
    if (!sum) sum = wg_scalar(r->g, WG_F64, 1);
    wg_output("sum", sum);
    for (int i = 0; i < r->n_leaves && n < 3; i++) {
        d[n] = wg_grad1(sum, r->leaf[i]);
        snprintf(name, sizeof name, "d%d", n);
        wg_output(name, wg_sum(wg_tanh(d[n++]), WG_ALL_AXES, false));
    }
    wg_end(r->g);
}

/* A plan of it that may use so many bytes; NULL when it may not be had, with the least that can in
 * *least; -1 there for another error, which was told. */
static wg_plan *run_within(const gen *r, wg_params *store, wg_plan_options o, int64_t *least,
                           uint64_t seed)
{
    wg_error error;
    wg_plan *p = wg_plan_new_error(r->g, store, "g", &o, &error);
    long long needs, can;

    for (int i = 0; p && i < r->n_feeds; i++) /* not all are read here */
        if (wg_plan_feed(p, r->feed[i].name, r->feed[i].value) != WG_OK)
            CHECK(wg_plan_error(p)->code == WG_ENAME);
    if (p && wg_plan_run(p) != WG_OK) {
        error = *wg_plan_error(p);
        wg_plan_free(p);
        p = NULL;
    }
    *least = -1;
    if (!p && error.code == WG_ELIMIT &&
        sscanf(error.text, "the values need %lld bytes, %lld when", &needs, &can) == 2)
        *least = can;
    else if (!p)
        harness_check(false, __FILE__, __LINE__, "seed %" PRIu64 ", %" PRId64 " bytes: %s: %s",
                      seed, o.max_bytes, error.op, error.text);
    return p;
}

/* Some part of the bytes that a plan without a bound uses; when that cannot be had, the least that
 * can. */
static bool try_budget(const gen *r, uint64_t seed)
{
    wg_plan_options o = { .passes_off = WG_PASS_ALL, .threads = 1 };
    int64_t least;
    wg_plan *want = run_within(r, r->w, o, &least, seed), *p;
    bool ok = true;

    o = (wg_plan_options){ .passes_off = WG_PASS_TRANSPOSE | WG_PASS_WINOGRAD,
                           .threads = 1 + (int)(seed / 24 % 2),
                           .grain = seed / 24 % 3 == 0,
                           .cache = seed / 24 % 5 < 3 };
    p = run_within(r, r->w, o, &least, seed);
    if (!want || !p) {
        wg_plan_free(want);
        wg_plan_free(p);
        return false;
    }
    o.max_bytes = p->now->stats.arena_bytes * (20 + (int64_t)(seed * 7 / 24 % 80)) / 100 + 1;
    wg_plan_free(p);
    p = run_within(r, r->w, o, &least, seed);
    if (!p && least >= 0) {
        unmet++;
        ok = harness_check(least > o.max_bytes, __FILE__, __LINE__,
                           "seed %" PRIu64 ": refused %" PRId64 " bytes, yet the least is %" PRId64,
                           seed, o.max_bytes, least);
        o.max_bytes = least;
        p = run_within(r, r->w, o, &least, seed);
    }
    budgets++;
    ok = ok && p;
    if (p) {
        recomputing += p->now->stats.recomputed > 0;
        recomputed += p->now->stats.recomputed;
        ok = harness_check(p->now->stats.arena_bytes <= o.max_bytes, __FILE__, __LINE__,
                           "seed %" PRIu64 ": %" PRId64 " bytes, allowed %" PRId64, seed,
                           p->now->stats.arena_bytes, o.max_bytes) &&
             ok;
    }
    for (int i = 0; p && i < wg_function_n_outputs(r->g, 1); i++)
        ok = harness_check(same_values(wg_plan_value_at(p, i), wg_plan_value_at(want, i)), __FILE__,
                           __LINE__, "seed %" PRIu64 ", %" PRId64 " bytes: output %s differs", seed,
                           o.max_bytes, wg_function_output_name(r->g, 1, i)) &&
             ok;
    wg_plan_free(p);
    wg_plan_free(want);
    return ok;
}

/* Steps that go by lines. */
static int64_t count_by_lines(const wg_spec *s)
{
    int64_t n = 0;

    for (int64_t i = 0; i < s->n_instr; i++)
        n += s->instr[i].kind == WG_I_BLOCKS && s->instr[i].as.blocks->line > 0;
    return n;
}

/* Members that run in chains. */
static int64_t count_chained(const wg_spec *s)
{
    int64_t n = 0;

    for (int64_t i = 0; i < s->n_instr; i++)
        for (int32_t c = 0; s->instr[i].kind == WG_I_BLOCKS && c < s->instr[i].as.blocks->n_chains;
             c++)
            n += s->instr[i].as.blocks->chain[c].n;
    return n;
}

/* Sums of rows made inside steps. */
static int64_t count_summed(const wg_spec *s)
{
    int64_t n = 0;

    for (int64_t i = 0; i < s->n_instr; i++)
        if (s->instr[i].kind == WG_I_BLOCKS) n += s->instr[i].as.blocks->n_columns;
    return n;
}

static bool try_seed(uint64_t seed)
{
    gen r = gen_make(seed);
    wg_params *first = NULL;
    wg_plan *want = NULL;
    bool ok = true, budget = seed % 24 == 0 || getenv("PROPERTY_SEED"); /* lays out many times */

    record_function(&r);
    if (budget) record_gradients(&r);
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
        if (p) streamed += count_streams(p->now);
        if (p) bundles += p->now->stats.bundles;
        if (p) by_lines += count_by_lines(p->now);
        if (p) inlined += p->now->stats.inlined;
        if (p) remade += p->now->stats.recomputed;
        if (p) placed += p->now->stats.placed;
        if (p) turned += p->now->stats.turned;
        if (p) chained += count_chained(p->now);
        if (p) summed += count_summed(p->now);
        if (p && p->now->stats.absorbed > 0) absorbed++;
        else if (p) ok = compare(&r, way, p, want, store, first, seed);
        wg_plan_free(p);
        wg_params_free(store);
    }
    if (budget) ok = ok && try_budget(&r, seed);
    wg_plan_free(want);
    wg_params_free(first);
    gen_free(&r);
    return ok;
}

static void any_way_gives_the_same(void)
{
    const char *only = getenv("PROPERTY_SEED"), *many = getenv("PROPERTY_GRAPHS"),
               *from = getenv("PROPERTY_FIRST");
    int64_t n = many ? atoll(many) : GRAPHS, first = from ? atoll(from) : 1, bad = 0,
            few = many ? 1 : LEAST;

    if (only) {
        CHECK(try_seed((uint64_t)strtoull(only, NULL, 10)));
        return;
    }
    for (int64_t seed = first; seed < first + n && bad < 10; seed++)
        bad += !try_seed((uint64_t)seed);
    EQ_INT(bad, 0);
    printf("%" PRId64 " functions, %zu ways each; %" PRId64
           " runs with absorbed transposes not compared; %" PRId64
           " elements, %.2f %% not finite; %" PRId64 " repeated values left out, %" PRId64
           " times steps side by side, %" PRId64 " steps by lines, %" PRId64
           " values made inside others, %" PRId64 " made again where they are read, %" PRId64
           " that lie in others, %" PRId64 " in chains, %" PRId64 " sums of rows in steps, %" PRId64
           " products read a turned matrix\n",
           graphs, sizeof ways / sizeof ways[0], absorbed, elements,
           elements > 0 ? 100 * (double)not_finite / (double)elements : 0, repeated, bundles,
           by_lines, inlined, remade, placed, chained, summed, turned);
    printf("%" PRId64 " budgets: %" PRId64 " met by computing %" PRId64 " entries again, %" PRId64
           " only by the least that was named\n",
           budgets, recomputing, recomputed, unmet);
    CHECK(not_finite * 20 <= elements);
    CHECK(repeated >= few && by_lines >= few && inlined >= few && bundles >= few && remade >= few &&
          placed >= few && turned >= few);
    CHECK(many || recomputing > budgets / 4);
    CHECK(streamed > graphs && summed > graphs);
    CHECK(chained > graphs || wg_level() < WG_LEVEL_AVX512);
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
