/*
 * golden_kinds.h: which function runs a case of a golden file, by the file's subject. A runner puts
 * the tables together and runs files it has never seen: nothing here may depend on the shapes,
 * seeds or hyperparameters of the cases at hand.
 */
#ifndef GOLDEN_KINDS_H
#define GOLDEN_KINDS_H

#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "golden.h"

typedef struct {
    const char *subject;
    /* Runs the case, prints what is wrong to stderr and returns whether it passed. Raises *worst to
     * the largest |a - b| / (1 + max|b|) seen. */
    bool (*run)(const json_t *case_, double *worst);
} golden_kind;

/* Each ends with an entry whose subject is NULL. */
extern const golden_kind golden_kinds_optim[];
extern const golden_kind golden_kinds_model[];
extern const golden_kind golden_kinds_utils[];
extern const golden_kind golden_kinds_text[];
extern const golden_kind golden_kinds_sampler[];
extern const golden_kind golden_kinds_act[];
extern const golden_kind golden_kinds_init[];
extern const golden_kind golden_kinds_loss[];

/* A failure, with the name of the case; false. */
static inline bool golden_wrong(const json_t *c, const char *fmt, ...) WG_PRINTF(2, 3);
static inline bool golden_wrong(const json_t *c, const char *fmt, ...)
{
    const char *name = golden_name(c);
    va_list args;

    fprintf(stderr, "%s: ", name ? name : "a case without a name");
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    return false;
}

/* An error that was not wanted; false. */
static inline bool golden_error(const json_t *c, const wg_error *error)
{
    char text[600];

    wg_error_text(error, text, sizeof text);
    return golden_wrong(c, "%s", text);
}

/* The measure of golden/README.md for two arrays; raises *worst. */
static inline bool golden_near(const json_t *c, const char *what, const wg_array *a,
                               const wg_array *b, double tol, double *worst)
{
    char x[WG_TYPE_TEXT], y[WG_TYPE_TEXT];
    double largest = 0, off = 0;
    int64_t n = wg_shape_count(&b->type.shape);

    if (!b->data) return golden_wrong(c, "the case has no %s", what);
    if (!a->data || !wg_shape_equal(&a->type.shape, &b->type.shape))
        return golden_wrong(c, "%s is %s, not %s", what, wg_type_text(&a->type, x),
                            wg_type_text(&b->type, y));
    for (int64_t i = 0; i < n; i++) {
        double got = harness_number(a->data, a->type.dtype, i),
               want = harness_number(b->data, b->type.dtype, i), d = fabs(got - want);

        if (got == want) d = 0; /* equal infinities */
        largest = fmax(largest, fabs(want));
        off = d != d ? INFINITY : fmax(off, d);
    }
    off /= 1 + largest;
    if (off > *worst) *worst = off;
    return off <= tol || golden_wrong(c, "%s is off by %g, tolerance %g", what, off, tol);
}

/* Equal integers: `got` beside the i64 tensor outputs/key. */
static inline bool golden_ints(const json_t *c, const char *key, const int64_t *got, int64_t n)
{
    wg_array want = golden_array(c, "outputs", key);
    bool ok = want.data && wg_shape_count(&want.type.shape) == n;

    if (!ok) golden_wrong(c, "outputs/%s does not hold %lld numbers", key, (long long)n);
    for (int64_t i = 0; ok && i < n; i++)
        if (harness_number(want.data, want.type.dtype, i) != (double)got[i])
            ok = golden_wrong(c, "%s[%lld] is %lld, not %g", key, (long long)i, (long long)got[i],
                              harness_number(want.data, want.type.dtype, i));
    free(want.data);
    return ok;
}

/* Runs every case of tests/golden/FILE.json by the table that knows its subject. */
static inline void golden_run_file(const char *file, const golden_kind *kinds)
{
    double worst = 0;
    size_t i;
    json_t *root = golden_load(file), *c;
    const char *subject = json_string_value(json_object_get(root, "subject"));

    while (kinds->subject && subject && strcmp(kinds->subject, subject) != 0) kinds++;
    if (harness_check(kinds->subject != NULL, __FILE__, __LINE__, "%s: no subject \"%s\"", file,
                      subject ? subject : "")) {
        json_array_foreach(json_object_get(root, "cases"), i, c) harness_check(
            kinds->run(c, &worst), __FILE__, __LINE__, "%s: %s", file, golden_name(c));
        harness_check(i > 0, __FILE__, __LINE__, "%s: no cases", file);
        fprintf(stderr, "%s: %zu cases, largest difference %g\n", file, i, worst);
    }
    json_decref(root);
}

#endif
