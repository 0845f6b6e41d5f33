/*
 * test_layer_mistakes.c: layers asked for nonsense. Hyperparameters, operands and summaries are
 * mutilated at random, many thousand times from fixed seeds: every call either works or fails with a
 * text, and a layer that has failed can be freed. What crashes or leaks shows under the sanitizers.
 */
#include <wengert.h>
#include <wengert/layer.h>

#include "harness.h"
#include "layer_samples.h"

static uint64_t state;

static uint64_t next(void)
{
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return state >> 33;
}

static int pick(int n)
{
    return (int)(next() % (uint64_t)n);
}

/* ---- texts ---- */

/* Values that stand where a sample has a number or a string. */
static const char *const odd[] = { "-1",    "0",   "1",     "2",        "3",
                                   "7",     "1.5", "1e300", "null",     "[]",
                                   "[1]",   "{}",  "\"\"",  "\"same\"", "true",
                                   "false", "-0",  "[1,2]", "\"Tanh\"", "4611686018427387904" };

/* The end of the value that begins at `at`: up to a comma, bracket or brace outside of strings. */
static const char *value_end(const char *at)
{
    bool quoted = false;
    int depth = 0;

    for (; *at; at++) {
        if (*at == '\\' && at[1]) at++;
        else if (*at == '"') quoted = !quoted;
        else if (quoted) continue;
        else if (*at == '[' || *at == '{') depth++;
        else if (*at == ']' || *at == '}') {
            if (depth == 0) return at;
            depth--;
        } else if (*at == ',' && depth == 0) return at;
    }
    return at;
}

/* One value of the text becomes another, or one of its characters does. */
static void mutilate(const char *text, char *to, size_t room)
{
    size_t n = strlen(text);
    int colons = 0, which;
    const char *at = text;

    for (const char *p = text; *p; p++) colons += *p == ':';
    if (colons == 0 || pick(4) == 0) {
        snprintf(to, room, "%s", text);
        if (n) to[pick((int)n)] = "{}[]\",:0129.-eax \\"[pick(18)];
        return;
    }
    which = pick(colons);
    for (at = strchr(text, ':'); which > 0; which--) at = strchr(at + 1, ':');
    at++;
    snprintf(to, room, "%.*s %s%s", (int)(at - text), text,
             odd[pick((int)(sizeof odd / sizeof *odd))], value_end(at));
}

/* ---- operands ---- */

static wg_array operand_of(const operand *o, bool strange)
{
    static const wg_dtype dtypes[] = { WG_F64, WG_F32, WG_I64, WG_BOOL };
    wg_shape shape = wg_shape_of(o->rank, o->dim);
    wg_dtype dtype = o->below ? WG_I64 : WG_F64;
    wg_array a;
    int64_t n;

    for (int k = 0; k < shape.rank; k++)
        if (shape.dim[k] < 0) shape.dim[k] = 2;
    if (strange && pick(2)) dtype = dtypes[pick(4)];
    if (strange && pick(2)) shape.rank = pick(6);
    for (int k = 0; k < shape.rank && strange; k++)
        if (k >= o->rank || pick(3) == 0) shape.dim[k] = pick(5);
    n = wg_shape_count(&shape);
    a = wg_array_of(dtype, shape, calloc((size_t)n + 1, 8));
    for (int64_t i = 0; i < n; i++) {
        if (dtype == WG_I64)
            ((int64_t *)a.data)[i] = strange && pick(8) == 0 ? pick(20) - 9 : pick(2);
        else if (dtype == WG_F32) ((float *)a.data)[i] = (float)pick(100) / 100;
        else if (dtype == WG_F64) ((double *)a.data)[i] = pick(100) / 100.0;
    }
    return a;
}

static void expect_text(const wg_layer *l, wg_status status, const char *what)
{
    if (status == WG_OK) return;
    harness_check(wg_layer_error(l)->code == status && wg_layer_error(l)->text[0], __FILE__,
                  __LINE__, "%s: %s fails with %s and code %s", wg_layer_kind(l), what,
                  wg_layer_error(l)->text, wg_status_name(status));
}

/* Forward, backward, update, with operands that may be strange; the layer stays usable. */
static bool use(wg_layer *l, const sample *s, bool strange)
{
    wg_array x[MOST_IN + 1] = { { .data = NULL } }, y[8], dx[MOST_IN + 1];
    int n = strange && pick(6) == 0 ? pick(s->n + 2) : s->n;
    wg_status status;

    for (int i = 0; i < n; i++) x[i] = operand_of(&s->in[i < s->n ? i : 0], strange && pick(2));
    status = wg_layer_forward(l, n, x, pick(4) > 0, y);
    expect_text(l, status, "forward");
    if (status == WG_OK) {
        wg_array dy[8];

        for (int k = 0; k < wg_layer_n_out(l); k++)
            dy[k] = strange && pick(4) == 0 ? x[0] : (wg_array){ .data = NULL };
        expect_text(l, wg_layer_backward(l, 1 + (strange && pick(8) == 0), dy, pick(2), dx),
                    "backward");
        expect_text(l, wg_layer_update(l, 0.5), "update");
    }
    for (int i = 0; i < n; i++) free(x[i].data);
    return status == WG_OK;
}

/* ---- what is tried ---- */

static void hyperparameters_of(const sample *s, int times)
{
    char text[1024];

    for (int i = 0; i < times; i++) {
        wg_params *w = wg_params_new(WG_F64, 3);
        wg_error error = { .code = WG_OK };
        wg_layer *l;

        mutilate(s->json, text, sizeof text);
        l = wg_layer_make(w, "l", s->kind, text, &error);
        if (l) use(l, s, pick(2));
        else
            harness_check(error.code != WG_OK && error.text[0], __FILE__, __LINE__,
                          "%s of %s: no layer and no error", s->kind, text);
        wg_layer_free(l);
        wg_params_free(w);
    }
}

static void operands_of(const sample *s, int times)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = wg_layer_make(w, "l", s->kind, s->json, NULL);

    REQUIRE(l != NULL);
    harness_check(use(l, s, false), __FILE__, __LINE__, "%s: %s", s->kind, wg_layer_error(l)->text);
    for (int i = 0; i < times; i++) use(l, s, true);
    wg_layer_flush_gradients(l);
    harness_check(use(l, s, false), __FILE__, __LINE__, "%s after bad operands: %s", s->kind,
                  wg_layer_error(l)->text);
    wg_layer_free(l);
    wg_params_free(w);
}

/* A summary with one wrong value leaves the layer as it was, or makes one that works or says why. */
static void summaries_of(const sample *s, int times)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = wg_layer_make(w, "l", s->kind, s->json, NULL);
    char *summary, *broken;

    REQUIRE(l != NULL);
    use(l, s, false);
    summary = wg_layer_summary(l);
    broken = malloc(strlen(summary) + 64);
    for (int i = 0; i < times; i++) {
        char *before = wg_layer_summary(l), *after;
        wg_status status;

        mutilate(summary, broken, strlen(summary) + 64);
        status = wg_layer_set_params(l, broken);
        after = wg_layer_summary(l);
        expect_text(l, status, "set_params");
        harness_check(status == WG_OK || !strcmp(before, after), __FILE__, __LINE__,
                      "%s: set_params failed (%s) and changed the layer", s->kind,
                      wg_layer_error(l)->text);
        wg_free(before);
        wg_free(after);
        if (status == WG_OK) {
            wg_layer_flush_gradients(l);
            use(l, s, false);
        }
    }
    free(broken);
    wg_free(summary);
    wg_layer_free(l);
    wg_params_free(w);
}

/* WENGERT_SEED in the environment: other mistakes, for a longer hunt. */
static void each(void (*ask)(const sample *s, int times), int times)
{
    const char *seed = getenv("WENGERT_SEED");

    for (int i = 0; i < SAMPLES; i++) {
        state = (uint64_t)i + 1 + 1000 * (seed ? strtoull(seed, NULL, 10) : 0);
        ask(&samples[i], harness_slow() ? times / 4 : times);
    }
}

static void hyperparameters(void)
{
    each(hyperparameters_of, 120);
}

static void operands(void)
{
    each(operands_of, 120);
}

static void summaries(void)
{
    each(summaries_of, 60);
}

TESTS(TEST(hyperparameters), TEST(operands), TEST(summaries))
