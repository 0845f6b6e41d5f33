/*
 * harness.h: what every test file shares. A file defines `static void name(void)` functions and ends
 * with TESTS(TEST(first), TEST(second), ...), which is its main. CUnit runs and counts; a failed check
 * prints file:line with the values it saw. Arguments pick tests by name, `--list` prints the names.
 *
 * The last two lines of a run, from CUnit's own run summary:
 *     asserts: 812 passed, 0 failed
 *     tests: 14 passed, 0 failed
 * The exit status is 1 when a test failed or none ran. A test that checks nothing fails.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <CUnit/Basic.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wengert/base.h>

/* ---- checks ---- */

/* One check with a text of its own. Returns ok, so that a test may leave when it fails. */
static inline bool harness_check(bool ok, const char *file, int line, const char *fmt, ...)
    WG_PRINTF(4, 5);

/* CHECK(cond): true, or a failure that quotes it. */
#define CHECK(cond) harness_check((cond), __FILE__, __LINE__, "%s", #cond)

/* REQUIRE(cond): the same, and the test ends here when it does not hold. */
#define REQUIRE(cond)                                                                              \
    do {                                                                                           \
        if (!CHECK(cond)) return;                                                                  \
    } while (0)

/* EQ_INT(got, want), EQ_STR(got, want): equal, or both are printed. Strings may be NULL. */
#define EQ_INT(got, want) harness_eq_int((int64_t)(got), (int64_t)(want), #got, __FILE__, __LINE__)
#define EQ_STR(got, want) harness_eq_str((got), (want), #got, __FILE__, __LINE__)

/* CLOSE(a, b, n, rtol, atol): |a[i] - b[i]| <= atol + rtol |b[i]| for n elements. a and b point to
 * float, double, int64_t or bool, each its own; equal infinities and NaN beside NaN are close.
 * Prints the first index that is not, both values, both types, and how many there are. */
#define CLOSE(a, b, n, rtol, atol)                                                                 \
    harness_close((a), HARNESS_DTYPE(a), (b), HARNESS_DTYPE(b), (int64_t)(n), (rtol), (atol), #a,  \
                  #b, __FILE__, __LINE__)

/* CLOSE1(a, b, rtol, atol): the same for two numbers. */
#define CLOSE1(a, b, rtol, atol)                                                                   \
    harness_close(&(double){ (a) }, WG_F64, &(double){ (b) }, WG_F64, 1, (rtol), (atol), #a, #b,   \
                  __FILE__, __LINE__)

/* CLOSE_ARRAY(a, b, n, rtol, atol): a is a const wg_array *, not NULL and of n elements. */
#define CLOSE_ARRAY(a, b, n, rtol, atol)                                                           \
    harness_close_array((a), (b), HARNESS_DTYPE(b), (int64_t)(n), (rtol), (atol), #a, #b,          \
                        __FILE__, __LINE__)

/* SAME_BITS(a, b, bytes): memory equal to the bit; prints the offset of the first difference. */
#define SAME_BITS(a, b, bytes)                                                                     \
    harness_same_bits((a), (b), (size_t)(bytes), #a, #b, __FILE__, __LINE__)

/* ERROR_IS(error, code, "op: text", "file.c:42"): a const wg_error * with this code, this message
 * to the letter ("text" alone when the error names no op) and this site; folders in the site are
 * left out, NULL means the error has none. */
#define ERROR_IS(error, code, message, site)                                                       \
    harness_error_is((error), (code), (message), (site), __FILE__, __LINE__)

/* NO_ERROR(error): NULL or WG_OK; otherwise the error is printed whole. */
#define NO_ERROR(error) harness_no_error((error), __FILE__, __LINE__)

/* The site of the line it stands on, and of the line above, to hand to ERROR_IS. */
#define HERE  harness_site((char[64]){ 0 }, __FILE__, __LINE__)
#define ABOVE harness_site((char[64]){ 0 }, __FILE__, __LINE__ - 1)

/* Under a sanitizer or valgrind (WENGERT_SLOW is set): times say nothing there, and large sizes take
 * minutes. A test that asks still checks the same property, at a smaller size or without a clock. */
static inline bool harness_slow(void);

#define HARNESS_DTYPE(p)                                                                           \
    _Generic((p), float *: WG_F32, const float *: WG_F32, double *: WG_F64, const double *: WG_F64,\
             int64_t *: WG_I64, const int64_t *: WG_I64, bool *: WG_BOOL, const bool *: WG_BOOL)

/* ---- the main of a test file ---- */

typedef struct {
    const char *name;
    void (*run)(void);
} harness_test;

#define TEST(f)                                                                                    \
    {                                                                                              \
#f, f                                                                                      \
    }
#define TESTS(...)                                                                                 \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        static const harness_test list[] = { __VA_ARGS__ };                                        \
        return harness_main(argc, argv, __FILE__, list, (int)(sizeof list / sizeof list[0]));      \
    }

/* ---- how it is done ---- */

static inline const char *harness_base(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static inline const char *harness_site(char buf[64], const char *file, int line)
{
    snprintf(buf, 64, "%s:%d", harness_base(file), line);
    return buf;
}

static inline bool harness_check(bool ok, const char *file, int line, const char *fmt, ...)
{
    char text[1400];
    va_list args;

    if (ok) {
        CU_assertImplementation(CU_TRUE, (unsigned)line, "", file, "", CU_FALSE);
        return true;
    }
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    /* At once too: CUnit prints its list at the end of the suite, which a crash would prevent. */
    fprintf(stderr, "%s:%d: %s\n", harness_base(file), line, text);
    CU_assertImplementation(CU_FALSE, (unsigned)line, text, harness_base(file), "", CU_FALSE);
    return false;
}

static inline bool harness_slow(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
    return true;
#endif
#endif
    return getenv("WENGERT_SLOW") != NULL;
}

static inline bool harness_eq_int(int64_t got, int64_t want, const char *expr, const char *file,
                                  int line)
{
    return harness_check(got == want, file, line, "%s is %" PRId64 ", not %" PRId64, expr, got,
                         want);
}

static inline bool harness_eq_str(const char *got, const char *want, const char *expr,
                                  const char *file, int line)
{
    bool same = got == want || (got && want && strcmp(got, want) == 0);

    return harness_check(same, file, line, "%s\n    is  %s\n    not %s", expr, got ? got : "NULL",
                         want ? want : "NULL");
}

static inline double harness_number(const void *p, wg_dtype dtype, int64_t i)
{
    switch (dtype) {
    case WG_F32:
        return ((const float *)p)[i];
    case WG_F64:
        return ((const double *)p)[i];
    case WG_I64:
        return (double)((const int64_t *)p)[i];
    default:
        return ((const unsigned char *)p)[i];
    }
}

static inline const char *harness_value(const void *p, wg_dtype dtype, int64_t i, char buf[32])
{
    if (dtype == WG_I64) snprintf(buf, 32, "%" PRId64, ((const int64_t *)p)[i]);
    else snprintf(buf, 32, "%.17g", harness_number(p, dtype, i));
    return buf;
}

static inline bool harness_close(const void *a, wg_dtype a_dtype, const void *b, wg_dtype b_dtype,
                                 int64_t n, double rtol, double atol, const char *a_expr,
                                 const char *b_expr, const char *file, int line)
{
    int64_t first = -1, wrong = 0;

    if ((!a || !b) && n > 0)
        return harness_check(false, file, line, "%s is NULL", a ? b_expr : a_expr);
    for (int64_t i = 0; i < n; i++) {
        double x = harness_number(a, a_dtype, i), y = harness_number(b, b_dtype, i);
        bool ok;

        /* Two i64 are compared as such: a double cannot tell large neighbours apart. */
        if (a_dtype == WG_I64 && b_dtype == WG_I64 && rtol == 0 && atol == 0)
            ok = ((const int64_t *)a)[i] == ((const int64_t *)b)[i];
        else if (isnan(x) || isnan(y) || isinf(x) || isinf(y))
            ok = x == y || (isnan(x) && isnan(y));
        else ok = fabs(x - y) <= atol + rtol * fabs(y);
        if (ok) continue;
        if (first < 0) first = i;
        wrong++;
    }
    if (wrong == 0) return harness_check(true, file, line, "close");
    return harness_check(
        false, file, line,
        "%s[%" PRId64 "] is %s (%s), %s[%" PRId64 "] is %s (%s): off by %.3g; %" PRId64
        " of %" PRId64 " differ (rtol %g, atol %g)",
        a_expr, first, harness_value(a, a_dtype, first, (char[32]){ 0 }), wg_dtype_name(a_dtype),
        b_expr, first, harness_value(b, b_dtype, first, (char[32]){ 0 }), wg_dtype_name(b_dtype),
        harness_number(a, a_dtype, first) - harness_number(b, b_dtype, first), wrong, n, rtol,
        atol);
}

static inline bool harness_close_array(const wg_array *a, const void *b, wg_dtype b_dtype,
                                       int64_t n, double rtol, double atol, const char *a_expr,
                                       const char *b_expr, const char *file, int line)
{
    if (!a) return harness_check(false, file, line, "%s is NULL", a_expr);
    if (wg_shape_count(&a->type.shape) != n) {
        char type[WG_TYPE_TEXT];

        return harness_check(false, file, line, "%s is %s, not of %" PRId64 " elements", a_expr,
                             wg_type_text(&a->type, type), n);
    }
    return harness_close(a->data, a->type.dtype, b, b_dtype, n, rtol, atol, a_expr, b_expr, file,
                         line);
}

static inline bool harness_same_bits(const void *a, const void *b, size_t bytes, const char *a_expr,
                                     const char *b_expr, const char *file, int line)
{
    const unsigned char *x = a, *y = b;
    size_t i = 0;

    if ((!a || !b) && bytes > 0)
        return harness_check(false, file, line, "%s is NULL", a ? b_expr : a_expr);
    while (i < bytes && x[i] == y[i]) i++;
    if (i == bytes) return harness_check(true, file, line, "same");
    return harness_check(false, file, line, "%s and %s differ at byte %zu of %zu: %02x, %02x",
                         a_expr, b_expr, i, bytes, x[i], y[i]);
}

static inline bool harness_error_is(const wg_error *error, wg_status code, const char *message,
                                    const char *site, const char *file, int line)
{
    char got[400];
    const char *at;
    bool ok;

    if (!error) return harness_check(false, file, line, "no error; wanted: %s", message);
    snprintf(got, sizeof got, "%s%s%s", error->op ? error->op : "",
             error->op && error->op[0] ? ": " : "", error->text);
    at = error->site ? harness_base(error->site) : NULL;
    ok = harness_check(error->code == code, file, line, "code %s, not %s (%s)",
                       wg_status_name(error->code), wg_status_name(code), got);
    ok &= harness_check(strcmp(got, message) == 0, file, line, "message\n    is  %s\n    not %s",
                        got, message);
    ok &= harness_check(at == site || (at && site && strcmp(at, harness_base(site)) == 0), file,
                        line, "site %s, not %s", at ? at : "NULL", site ? site : "NULL");
    return ok;
}

static inline bool harness_no_error(const wg_error *error, const char *file, int line)
{
    char text[600];

    if (!error || error->code == WG_OK) return harness_check(true, file, line, "no error");
    wg_error_text(error, text, sizeof text);
    return harness_check(false, file, line, "error: %s", text);
}

/* CUnit calls tests in the order they were added: each registered function is this one, which runs
 * the next of the list and sees to it that it checked something. */
static struct {
    const harness_test *list[1024];
    int n, next;
} harness;

static inline void harness_run_next(void)
{
    const harness_test *t = harness.list[harness.next++];
    unsigned before = CU_get_number_of_asserts();

    t->run();
    if (CU_get_number_of_asserts() == before) harness_check(false, t->name, 0, "checks nothing");
}

static inline bool harness_chosen(int argc, char **argv, const char *name)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], name) == 0) return true;
    return argc < 2;
}

static inline int harness_main(int argc, char **argv, const char *file, const harness_test *list,
                               int n)
{
    unsigned ran, failed;
    CU_pSuite suite;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (int i = 0; i < n; i++) puts(list[i].name);
        return 0;
    }
    if (CU_initialize_registry() != CUE_SUCCESS) return 1;
    suite = CU_add_suite(harness_base(file), NULL, NULL);
    for (int i = 0; i < n && suite; i++) {
        if (!harness_chosen(argc, argv, list[i].name)) continue;
        if (harness.n == (int)(sizeof harness.list / sizeof harness.list[0]) ||
            !CU_add_test(suite, list[i].name, harness_run_next)) {
            fprintf(stderr, "%s: cannot add %s\n", harness_base(file), list[i].name);
            return 1;
        }
        harness.list[harness.n++] = &list[i];
    }
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    ran = CU_get_number_of_tests_run();
    failed = CU_get_number_of_tests_failed();
    printf("asserts: %u passed, %u failed\n", CU_get_number_of_successes(),
           CU_get_number_of_failures());
    printf("tests: %u passed, %u failed\n", ran - failed, failed);
    fflush(stdout);
    CU_cleanup_registry();
    return ran == 0 || failed > 0;
}

#endif
