/* test_plan_memory.c: a plan's memory: reuse, no allocation in a repeated run, a million entries. */
#include <limits.h>
#include <stdlib.h>

#include "graph/internal.h"
#include "growth.h"
#include "plan_world.h"

static float fa[1 << 18], fb[1];

/* ---- allocations by anyone in this program, counted ---- */

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) ||                         \
    __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define SANITIZED 1
#endif

static long calls;

#ifndef SANITIZED
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void *__libc_memalign(size_t align, size_t n);

void *malloc(size_t n)
{
    __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
    return __libc_realloc(p, n);
}

void *aligned_alloc(size_t align, size_t n)
{
    __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
    return __libc_memalign(align, n);
}

int posix_memalign(void **p, size_t align, size_t n)
{
    __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
    *p = __libc_memalign(align, n);
    return *p ? 0 : 12;
}
#endif

/* ---- memory ---- */

/* A long function of many sizes: values must not meet in memory. */
static uint64_t tangle(wg_plan_options options, wg_plan_stats *stats)
{
    struct world o = world_make();
    wg_tensor *v[64], *x = wg_input(o.g, "x", WG_F32, WG_SHAPE(8));
    uint64_t seed = 12345, hash = 0;
    wg_plan *p;

    wg_begin(o.g, "f", WG_TRAIN);
    for (int i = 0; i < 64; i++) v[i] = p_add(x, wg_scalar(o.g, WG_F32, i));
    for (int i = 0; i < 3000; i++) {
        wg_tensor *a, *b;
        int to;

        seed = seed * 6364136223846793005u + 1442695040888963407u;
        a = v[seed >> 33 & 63];
        b = v[seed >> 40 & 63];
        to = (int)(seed >> 47 & 63);
        switch (seed >> 55 & 7) {
        case 0:
            v[to] = p_add(x, p_total(a));
            break;
        case 1:
            v[to] = p_pick(p_less(a, b), a, b);
            break;
        case 2:
            v[to] = p_mul(p_add(a, b), wg_scalar(o.g, WG_F32, 0.25));
            break;
        default:
            v[to] = p_sub(p_mul(a, wg_scalar(o.g, WG_F32, 0.5)),
                          p_mul(b, wg_scalar(o.g, WG_F32, 0.25)));
        }
    }
    for (int i = 0; i < 64; i++) {
        char name[8];

        snprintf(name, sizeof name, "o%d", i);
        wg_output(name, v[i]);
        entry(&o, name, 8, (float)i);
        if (i < 32) wg_update(name, p_add(wg_param_leaf(o.g, o.w, name), v[i]));
    }
    wg_end(o.g);
    NO_ERROR(wg_graph_error(o.g));
    p = plan_with(&o, options);
    for (int i = 0; i < 8; i++) fa[i] = (float)i / 8;
    for (int round = 0; p && round < 3; round++) {
        wg_plan_feed(p, "x", WG_F32_ARRAY(fa, 8));
        CHECK(wg_plan_run(p) == WG_OK);
        for (int i = 0; i < 64; i++) hash = wg__hash_bytes(hash, wg_plan_value_at(p, i)->data, 32);
        for (int i = 0; i < wg_params_count(o.w); i++)
            hash = wg__hash_bytes(hash, wg_params_at(o.w, i)->value.data,
                                  (size_t)wg_type_bytes(&wg_params_at(o.w, i)->value.type));
    }
    if (p) wg_plan_report(p, stats);
    wg_plan_free(p);
    world_free(&o);
    return hash;
}

static void values_do_not_meet(void)
{
    wg_plan_stats all, none, some;
    uint64_t want = tangle((wg_plan_options){ .passes_off = WG_PASS_ALL, .threads = 1 }, &none);

    CHECK(tangle((wg_plan_options){ 0 }, &all) == want);
    CHECK(all.arena_bytes * 10 < none.arena_bytes);
    EQ_INT(none.arena_bytes >= none.naive_bytes, 1);
    for (unsigned off = 1; off < WG_PASS_ALL; off <<= 1) {
        CHECK(tangle((wg_plan_options){ .passes_off = off }, &some) == want);
        CHECK(tangle((wg_plan_options){ .passes_off = WG_PASS_ALL & ~off, .block = 7 }, &some) ==
              want);
    }
    CHECK(tangle((wg_plan_options){ .block = 3, .threads = 4, .grain = 1 }, &some) == want);
    CHECK(tangle((wg_plan_options){ .check = true }, &some) == want);
    CHECK(tangle((wg_plan_options){ .keep = true }, &some) == want);
    CHECK(tangle((wg_plan_options){ .timing = true }, &some) == want);
    CHECK(some.seconds > 0);
}

static void repeated_runs_do_not_allocate(void)
{
    struct world o = world_make();
    wg_plan *p, *q;
    int64_t gate;
    long all;

    wg_begin(o.g, "f", WG_TRAIN);
    momentum(&o, 70000, "W", "M");
    wg_output("y", p_add(p_mul(wg_input(o.g, "z", WG_F32, WG_SHAPE(1, 50)), entry(&o, "r", 50, 1)),
                         wg_scalar(o.g, WG_F32, 1)));
    wg_end(o.g);
    p = plan_with(&o, (wg_plan_options){ .threads = 2, .grain = 1 });
    q = plan_with(&o, (wg_plan_options){ .check = true });
    REQUIRE(p && q);
    wg_plan_feed(q, "x", WG_F32_ARRAY(fb, 1));
    wg_plan_feed(q, "z", WG_F32_ARRAY(fa, 3, 50));
    wg_plan_feed(p, "x", WG_F32_ARRAY(fb, 1));
    fb[0] = 1e-12f;
    for (int i = 0; i < 4; i++) {
        wg_plan_feed(p, "z", WG_F32_ARRAY(fa, 100 << i, 50));
        CHECK(wg_plan_run(p) == WG_OK);
    }
    wg_plan_run(q);
    gate = wg__alloc_count();
    all = calls;
    for (int i = 0; i < 40; i++) {
        wg_plan_feed(p, "z", WG_F32_ARRAY(fa + i, 100 << i % 4, 50));
        wg_plan_run(p);
        wg_plan_run(q);
    }
    EQ_INT(wg__alloc_count(), gate);
#ifndef SANITIZED
    CHECK(calls > 0);
    EQ_INT(calls, all);
#else
    (void)all;
#endif
    wg_plan_free(p);
    wg_plan_free(q);
    world_free(&o);
}

/* Every allocation of making, feeding, running and re-specialising refused in turn. */
static long left;

static void *scarce(void *data, size_t bytes)
{
    (void)data;
    return left-- > 0 ? malloc(bytes) : NULL;
}

static void scarce_free(void *data, void *p, size_t bytes)
{
    (void)data;
    (void)bytes;
    free(p);
}

static bool whole_life(struct world *o)
{
    wg_plan *p = wg_plan_new_error(o->g, o->w, "f",
                                   &(wg_plan_options){ .keep = true, .timing = true }, NULL);
    bool ok = p != NULL;

    for (int n = 1; ok && n < 4; n++) {
        ok = wg_plan_feed(p, "x", WG_F32_ARRAY(fa, n * 200, 1)) == WG_OK && wg_plan_run(p) == WG_OK;
        if (!ok) EQ_INT(wg_plan_error(p)->code, WG_ENOMEM);
    }
    wg_plan_free(p);
    return ok;
}

static void memory_may_end_anywhere(void)
{
    static const wg_allocator gate = { scarce, scarce_free, NULL };
    struct world o;
    size_t live, bytes;
    unsigned char *before;
    long n = 0;

    left = LONG_MAX;
    wg_set_allocator(&gate);
    o = world_make();
    wg_begin(o.g, "f", WG_TRAIN);
    wg_name(p_add(wg_input(o.g, "x", WG_F32, WG_SHAPE(1, 1)), entry(&o, "a", 3, 1)), "sum");
    wg_output("t", p_total(wg_graph_at(o.g, wg_graph_count(o.g) - 1)));
    wg_update("a", p_add(wg_param_leaf(o.g, o.w, "a"), wg_ones_like(wg_param_leaf(o.g, o.w, "a"))));
    wg_end(o.g);
    NO_ERROR(wg_graph_error(o.g));
    live = wg__live_bytes();
    before = snapshot(o.w, &bytes);
    for (bool done = false; !done && n < 2000; n++) {
        memcpy(wg_params_find(o.w, "a")->value.data, before + 16, 12);
        left = n;
        done = whole_life(&o);
        left = LONG_MAX;
        EQ_INT(wg__live_bytes(), live);
    }
    CHECK(n > 50 && n < 2000);
    free(before);
    world_free(&o);
    wg_set_allocator(NULL);
}

/* ---- size ---- */

static double chain(int64_t n, double *run, double *recorded)
{
    struct world o = world_make();
    double start = user_seconds(), made;
    wg_tensor *x = wg_input(o.g, "x", WG_F32, WG_SHAPE(1)), *y = x,
              *one = wg_scalar(o.g, WG_F32, 1);
    wg_plan *p;

    wg_begin(o.g, "f", WG_PREDICT);
    for (int64_t i = 0; i < n; i++) y = p_add(y, i % 3 ? one : x);
    wg_output("y", y);
    wg_end(o.g);
    *recorded = user_seconds() - start;
    p = plan(&o);
    if (!p) return 0;
    fa[0] = 1;
    wg_plan_feed(p, "x", WG_F32_ARRAY(fa, 1));
    CHECK(wg_plan_run(p) == WG_OK);
    made = user_seconds() - start;
    CLOSE1(value(p, "y", 0), (double)(n + 1), 0, 0);
    start = user_seconds();
    CHECK(wg_plan_run(p) == WG_OK);
    *run = user_seconds() - start;
    wg_plan_free(p);
    world_free(&o);
    return made;
}

/* Wide and entangled instead of deep: every entry is used far away. */
static double web(int64_t n)
{
    struct world o = world_make();
    wg_tensor **v = malloc((size_t)n * sizeof *v), *y;
    double start = user_seconds();
    wg_plan *p;

    wg_begin(o.g, "f", WG_PREDICT);
    v[0] = wg_input(o.g, "x", WG_F32, WG_SHAPE(2));
    for (int64_t i = 1; i < n; i++)
        v[i] = i % 7 == 0 ? p_total(v[i / 2])
                          : p_sub(v[i - 1], p_add(v[i / 3], v[i - 1 - i % 5 * (i > 9)]));
    y = v[n - 1];
    for (int64_t i = n / 2; i < n; i += 3) y = p_add(y, v[i]);
    wg_output("y", y);
    wg_end(o.g);
    p = plan(&o);
    if (p) {
        wg_plan_feed(p, "x", WG_F32_ARRAY(fa, 2));
        CHECK(wg_plan_run(p) == WG_OK);
    }
    wg_plan_free(p);
    world_free(&o);
    free(v);
    return user_seconds() - start;
}

static double chained(int64_t n)
{
    double run = 0, recorded = 0, all = chain(n, &run, &recorded);

    if (n == 1000000)
        printf("    chain of %d: recorded in %.3f s, with the first run %.3f s, then %.1f ns an "
               "entry\n",
               (int)n, recorded, all, run * 1e9 / (double)n);
    return all;
}

static void a_million_entries(void)
{
    fa[1] = 0;
    million_grows_linearly(chained, "chain");
    million_grows_linearly(web, "web");
}

TESTS(TEST(values_do_not_meet), TEST(repeated_runs_do_not_allocate), TEST(memory_may_end_anywhere),
      TEST(a_million_entries))
