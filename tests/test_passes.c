/*
 * test_passes.c: real training steps run the same way however they are compiled: passes on, off,
 * each alone and each left out; any threads, block, grain; large values past the caches; within
 * fewer bytes; kept and checked. Two runs, other batches with the same plan, the first again.
 * `PASSES_ALL=1` in the environment tries every way with every model in both real types,
 * otherwise ways take turns.
 */
#include <limits.h>

#include "graph/plan.h"
#include "passes_models.h"

enum { RUNS = 6, PASSES = 22, TURNS = 6 };

_Static_assert(WG_PASS_ALL == (1 << PASSES) - 1, "every pass is tried alone and left out");

static const int64_t batches[RUNS] = { 3, 3, 1, 6, 2, 3 };
static const int seeds[RUNS] = { 1, 1, 2, 3, 4, 1 };

/* All that a plan gave: outputs of each run, then the store. */
typedef struct {
    char *bytes;
    size_t n, room;
    const char *not_finite; /* an output that is not */
    int64_t streamed, bundles, recomputed, arena;
} result;

static void append(result *r, const wg_array *a)
{
    size_t bytes = (size_t)wg_type_bytes(&a->type);

    if (r->n + bytes > r->room) {
        r->room = 2 * (r->n + bytes) + 4096;
        r->bytes = realloc(r->bytes, r->room);
    }
    if (bytes > 0) memcpy(r->bytes + r->n, a->data, bytes);
    r->n += bytes;
}

static void count(result *r, const wg_spec *s)
{
    for (int64_t i = 0; i < s->n_instr; i++)
        r->streamed += s->instr[i].kind == WG_I_BLOCKS && s->instr[i].as.blocks->streams;
    r->bundles += s->stats.bundles;
    r->recomputed += s->stats.recomputed;
    if (s->stats.arena_bytes > r->arena) r->arena = s->stats.arena_bytes;
}

/* Which NaN an operation passes on is the processor's business: there are to be none. */
static bool all_finite(const wg_array *a)
{
    for (int64_t i = 0; i < wg_shape_count(&a->type.shape); i++)
        if (!isfinite(harness_number(a->data, a->type.dtype, i))) return false;
    return true;
}

/* One run; false with the plan's error. */
static bool run_once(const model *m, wg_plan *p, int64_t batch, int seed)
{
    wg_array x[MOST_IN];
    bool ok = true;

    for (int i = 0; i < m->n_in; i++) {
        x[i] = model_data(m, i, batch, seed);
        ok = ok && wg_plan_feed(p, input_name[i], x[i]) == WG_OK;
    }
    ok = ok && wg_plan_run(p) == WG_OK;
    for (int i = 0; i < m->n_in; i++) free(x[i].data); /* fed anew before the next run */
    return ok;
}

static result run_way(const model *m, wg_plan_options o, wg_error *error)
{
    wg_params *store = wg_params_copy(m->w, WG_N_DTYPES);
    wg_plan *p;
    result r = { 0 };
    bool ok;

    o.passes_off |= WG_PASS_WINOGRAD; /* has bits of its own: test_winograd.c */
    p = wg_plan_new_error(m->g, store, "step", &o, error);
    ok = p != NULL;
    if (p) error->code = WG_OK;
    for (int run = 0; ok && run < RUNS; run++) {
        ok = run_once(m, p, batches[run], seeds[run]);
        if (!ok) break;
        for (int i = 0; i < wg_function_n_outputs(m->g, 0); i++) {
            append(&r, wg_plan_value_at(p, i));
            if (!all_finite(wg_plan_value_at(p, i)))
                r.not_finite = wg_function_output_name(m->g, 0, i);
        }
        count(&r, p->now);
    }
    if (p && !ok) *error = *wg_plan_error(p);
    for (int i = 0; ok && i < wg_params_count(store); i++)
        append(&r, &wg_params_at(store, i)->value);
    wg_plan_free(p);
    wg_params_free(store);
    return r;
}

/* What stands at byte `at` of a result. */
static void where(const model *m, size_t at, char text[200])
{
    wg_params *store = m->w;
    size_t n = 0;

    for (int run = 0; run < RUNS; run++)
        for (int i = 0; i < wg_function_n_outputs(m->g, 0); i++) {
            wg_type t = *wg_tensor_type(wg_function_output(m->g, 0, i));

            if (t.shape.rank > 0 && t.shape.dim[0] == EXAMPLE) t.shape.dim[0] = batches[run];
            n += (size_t)wg_type_bytes(&t);
            if (n > at) {
                snprintf(text, 200, "about run %d, output %s", run,
                         wg_function_output_name(m->g, 0, i));
                return;
            }
        }
    for (int i = 0; i < wg_params_count(store); i++) {
        n += (size_t)wg_type_bytes(&wg_params_at(store, i)->value.type);
        if (n > at) {
            snprintf(text, 200, "store entry %s", wg_params_at(store, i)->name);
            return;
        }
    }
    snprintf(text, 200, "byte %zu", at);
}

static int64_t tried, streamed, bundles, recomputed, budgets;

static bool compare(const model *m, int k, wg_plan_options o, const result *want)
{
    wg_error error = { .code = WG_OK };
    result r = run_way(m, o, &error);
    char text[200] = "";
    size_t i = 0;
    bool ok = error.code == WG_OK;

    while (i < r.n && i < want->n && r.bytes[i] == want->bytes[i]) i++;
    if (ok && (i < want->n || r.n != want->n)) where(m, i, text);
    ok = harness_check(ok && i == r.n && r.n == want->n, __FILE__, __LINE__,
                       "%s in %s at %s, off %#x, threads %d, block %d, grain %d, cache %d, "
                       "bytes %" PRId64 ", keep %d, check %d: %s%s",
                       model_name(k), wg_dtype_name(wg_params_dtype(m->w)),
                       error.code ? error.op : "", o.passes_off, o.threads, o.block, (int)o.grain,
                       (int)o.cache, o.max_bytes, o.keep, o.check, text,
                       error.code ? error.text : "");
    tried++;
    streamed += r.streamed;
    bundles += r.bundles;
    recomputed += r.recomputed;
    free(r.bytes);
    return ok;
}

/* The options of way i, without passes; false: no more. */
static bool other_options(int i, wg_plan_options *o)
{
    static const wg_plan_options list[] = {
        { .threads = 1 },
        { .threads = 2 },
        { .threads = 2, .grain = 1 },
        { .threads = 3, .grain = 1, .block = 7 },
        { .threads = 1, .block = 1 },
        { .threads = 2, .grain = 1, .block = 1, .cache = 1 },
        { .threads = 1, .cache = 1 },
        { .threads = 3, .grain = 1, .cache = 1, .block = 512 },
        { .threads = 1, .keep = true },
        { .threads = 2, .grain = 1, .keep = true },
        { .threads = 2, .grain = 1, .check = true },
        { .threads = 1, .check = true, .keep = true, .cache = 1 },
        { .threads = 2, .grain = 1, .timing = true },
    };

    if (i >= (int)(sizeof list / sizeof *list)) return false;
    *o = list[i];
    return true;
}

/* At the least bytes that are named, for whichever batch needs most, and half way to those without
 * a bound. */
static bool within_bytes(const model *m, int k, wg_plan_options o, const result *want)
{
    wg_error error = { .code = WG_OK };
    long long needs = 0, can = 0;
    result r = run_way(m, o, &error);
    int64_t all = r.arena;
    bool ok;

    free(r.bytes);
    o.max_bytes = 1;
    for (int i = 0; i < RUNS; i++) { /* each batch may name its own */
        r = run_way(m, o, &error);
        free(r.bytes);
        if (error.code != WG_ELIMIT) break;
        ok = sscanf(error.text, "the values need %lld bytes, %lld when", &needs, &can) == 2;
        if (!harness_check(ok && can > o.max_bytes, __FILE__, __LINE__, "%s: %" PRId64 " bytes: %s",
                           model_name(k), o.max_bytes, error.text))
            return false;
        o.max_bytes = can;
    }
    budgets++;
    ok = compare(m, k, o, want);
    o.max_bytes = (can + all) / 2;
    return compare(m, k, o, want) && ok;
}

static bool every_way(int k, wg_dtype real, bool all_ways, int turn)
{
    model m;
    result plain = { 0 }, flags = { 0 };
    wg_error error = { .code = WG_OK };
    wg_plan_options o;
    bool ok = model_open(&m, k, real);
    int way = 0;

#define TURN (all_ways || (way++ + turn) % TURNS == 0)
    if (ok) {
        o = (wg_plan_options){ .threads = 1, .passes_off = WG_PASS_ALL };
        plain = run_way(&m, o, &error);
        o.passes_off = WG_PASS_ALL & ~WG_PASS_TRANSPOSE;
        if (error.code == WG_OK) flags = run_way(&m, o, &error);
        ok = harness_check(error.code == WG_OK && !plain.not_finite, __FILE__, __LINE__,
                           "%s: %s; not finite: %s", model_name(k), error.code ? error.text : "",
                           plain.not_finite ? plain.not_finite : "none");
    }
    for (int i = 0; ok && other_options(i, &o); i++) {
        if (TURN) ok = compare(&m, k, o, &flags);
        o.passes_off = WG_PASS_TRANSPOSE;
        if (TURN) ok = compare(&m, k, o, &plain) && ok;
        o.passes_off = WG_PASS_ALL;
        if (TURN) ok = compare(&m, k, o, &plain) && ok;
    }
    for (int pass = 0; ok && pass < PASSES; pass++)
        for (int i = 0; i < 2; i++) {
            o = i ? (wg_plan_options){ .threads = 2, .grain = 1, .cache = 1, .block = 7 }
                  : (wg_plan_options){ .threads = 1 };
            o.passes_off = 1u << pass;
            if (TURN)
                ok = compare(&m, k, o, 1 << pass == WG_PASS_TRANSPOSE ? &plain : &flags) && ok;
            o.passes_off = WG_PASS_TRANSPOSE | 1u << pass;
            if (TURN) ok = compare(&m, k, o, &plain) && ok;
            o.passes_off = WG_PASS_ALL & ~(1u << pass);
            if (TURN)
                ok = compare(&m, k, o, 1 << pass == WG_PASS_TRANSPOSE ? &flags : &plain) && ok;
        }
    o = (wg_plan_options){ .threads = 2, .grain = 1, .passes_off = WG_PASS_TRANSPOSE };
    if (ok && TURN) ok = within_bytes(&m, k, o, &plain);
    if (ok && TURN) ok = within_bytes(&m, k, (wg_plan_options){ .threads = 1 }, &flags);
#undef TURN
    free(plain.bytes);
    free(flags.bytes);
    model_close(&m);
    return ok;
}

static void models_give_the_same(void)
{
    bool all_ways = getenv("PASSES_ALL") != NULL;
    const char *only = getenv("PASSES_MODEL");

    for (int k = 0; k < MODELS; k++) {
        if (all_ways) printf("%s, %" PRId64 "\n", model_name(k), tried);
        if (only && strcmp(only, model_name(k))) continue;
        if (all_ways || k % 2) CHECK(every_way(k, WG_F32, all_ways, k));
        if (all_ways || k % 2 == 0) CHECK(every_way(k, WG_F64, all_ways, k));
    }
    printf("%" PRId64 " ways compared, %" PRId64 " steps past the caches, %" PRId64
           " side by side, %" PRId64 " entries computed again within %" PRId64 " budgets\n",
           tried, streamed, bundles, recomputed, budgets);
    if (only) return;
    CHECK(streamed > 0 && recomputed > 0 && bundles > 0);
}

/* Options out of their range stand for their defaults or the nearest that makes sense. */
static void odd_options(void)
{
    static const wg_plan_options list[] = {
        { .threads = 1 }, /* the one to compare with */
        { .threads = -1 },
        { .threads = INT_MIN },
        { .threads = INT_MAX, .grain = 1, .block = 1 },
        { .threads = 100000, .grain = 1, .block = 1 },
        { .block = -1 },
        { .block = INT_MIN },
        { .block = INT_MAX, .threads = 2, .grain = 1 },
        { .grain = -1 },
        { .grain = INT64_MIN, .threads = 2 },
        { .grain = INT64_MAX, .threads = 2 },
        { .cache = -1 },
        { .cache = INT64_MIN },
        { .cache = INT64_MAX },
        { .max_bytes = -1 },
        { .max_bytes = INT64_MIN },
        { .max_bytes = INT64_MAX },
        { .passes_off = ~0u },
        { .passes_off = ~(unsigned)WG_PASS_ALL },
    };
    enum { SIDE = 370 };
    static float start[SIDE * SIDE], want[SIDE * SIDE];
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(SIDE, SIDE)),
              *y = wg_tanh(wg_mul(wg_matmul(x, wg_sigmoid(x)), x));

    for (int i = 0; i < SIDE * SIDE; i++) start[i] = (float)sin(i);
    y = wg_softmax(wg_sub(y, wg_sum(wg_exp(y), WG_AXES(-1), true)), -1);
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        wg_plan *p = wg_plan_of(1, &y, NULL, &list[i], NULL);

        if (!CHECK(p != NULL)) continue;
        wg_plan_feed(p, "x", WG_F32_ARRAY(start, SIDE, SIDE));
        if (EQ_INT(wg_plan_run(p), WG_OK)) {
            if (i == 0) memcpy(want, wg_plan_value_at(p, 0)->data, sizeof want);
            SAME_BITS(wg_plan_value_at(p, 0)->data, want, sizeof want);
        }
        wg_plan_free(p);
    }
    wg_graph_free(g);
}

TESTS(TEST(models_give_the_same), TEST(odd_options))
