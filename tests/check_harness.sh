#!/bin/sh
# check_harness.sh BUILD: the harness sees what it must see. A file of tests that fail in every way it
# knows is compiled and run; its counts, messages and exit status are compared with what is due.
set -eu
build=$1
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT

cat >"$work/planted.c" <<'EOF'
#include "harness.h"
static const double one[] = { 1, 2, 3 }, two[] = { 1, 2.5, NAN };
static const float half[] = { 0.5f, INFINITY };
static void right(void)
{
    CHECK(1 == 1);
    CLOSE(one, one, 3, 0, 0);
    CLOSE(half, ((const double[]){ 0.5, INFINITY }), 2, 0, 0);
    CLOSE1(NAN, NAN, 0, 0);
    CLOSE1(1.0, 1.1, 0.1, 0);
    EQ_STR(NULL, NULL);
}
static void checks_nothing(void) {}
static void condition(void) { CHECK(1 == 2); }
static void required(void) { REQUIRE(1 == 3); abort(); }
static void number(void) { EQ_INT(3, 4); }
static void text(void) { EQ_STR("a", "b"); }
static void no_text(void) { EQ_STR("a", NULL); }
static void element(void) { CLOSE(one, two, 3, 0, 0.25); }
static void infinity(void) { CLOSE1(1.0, INFINITY, 0.5, 0.5); }
static void infinities(void) { CLOSE1(-INFINITY, INFINITY, 0.5, 0.5); }
static void no_memory(void) { CLOSE((const float *)NULL, one, 3, 0, 0); }
static void large_integers(void)
{
    CLOSE(((int64_t[]){ INT64_MAX }), ((int64_t[]){ INT64_MAX - 1 }), 1, 0, 0);
}
static void bits(void) { SAME_BITS("abc", "abd", 3); }
static void array(void) { CLOSE_ARRAY(&WG_F64_ARRAY_OF, one, 2, 0, 0); }
static void absent_error(void) { ERROR_IS(NULL, WG_EARG, "add: text", NULL); }
static const wg_error error = { .code = WG_ESHAPE, .op = "add", .site = "a/b.c:3", .text = "text" };
static void right_error(void) { ERROR_IS(&error, WG_ESHAPE, "add: text", "b.c:3"); }
static void error_code(void) { ERROR_IS(&error, WG_EARG, "add: text", "b.c:3"); }
static void error_text(void) { ERROR_IS(&error, WG_ESHAPE, "add: Text", "b.c:3"); }
static void error_site(void) { ERROR_IS(&error, WG_ESHAPE, "add: text", "b.c:4"); }
static void error_no_site(void) { ERROR_IS(&error, WG_ESHAPE, "add: text", NULL); }
static void an_error(void) { NO_ERROR(&error); }
TESTS(TEST(right), TEST(checks_nothing), TEST(condition), TEST(required), TEST(number), TEST(text),
      TEST(no_text), TEST(element), TEST(infinity), TEST(infinities), TEST(no_memory),
      TEST(large_integers), TEST(bits), TEST(array), TEST(absent_error), TEST(right_error),
      TEST(error_code), TEST(error_text), TEST(error_site), TEST(error_no_site), TEST(an_error))
EOF
sed -i 's/&WG_F64_ARRAY_OF/((const wg_array[]){ WG_F64_ARRAY(one, 3) })/' "$work/planted.c"
${CC:-cc} -std=c11 -D_GNU_SOURCE= -Itests -Iinclude "$work/planted.c" -o "$work/planted" \
    "$build/libwengert.so" -Wl,-rpath,"$(realpath "$build")" -lcunit -lm

status=0
fail() { echo "harness: $*"; status=1; }

code=0
"$work/planted" >"$work/out" 2>"$work/err" || code=$?
[ "$code" = 1 ] || fail "exit status $code of a failing file"
[ "$(tail -n 1 "$work/out")" = "tests: 2 passed, 19 failed" ] || fail "counted: $(tail -n 1 "$work/out")"
for text in "planted.c:19: one\[1\] is 2 (f64), two\[1\] is 2.5 (f64): off by -0.5; 2 of 3 differ" \
    "planted.c:14: 1 == 2" "planted.c:16: 3 is 3, not 4" "checks_nothing:0: checks nothing" \
    "site b.c:3, not b.c:4" "code WG_ESHAPE, not WG_EARG (add: text)" "is 9223372036854775807 (i64)" \
    "differ at byte 2 of 3: 63, 64" \
    "is f64\[3\], not of 2 elements" "    not add: Text" "error: b.c:3: add: text"; do
    grep -q "$text" "$work/err" || fail "missing: $text"
done
"$work/planted" right right_error >"$work/out" 2>&1 || fail "good tests fail: $(cat "$work/out")"
[ "$(tail -n 1 "$work/out")" = "tests: 2 passed, 0 failed" ] || fail "counted: $(tail -n 1 "$work/out")"
! "$work/planted" nonesuch >/dev/null 2>&1 || fail "running no test passes"
[ $status = 0 ] || cat "$work/err"
[ $status != 0 ] || echo "harness: 19 planted failures seen"
exit $status
