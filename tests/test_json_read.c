/*
 * test_json_read.c: the reader takes what jansson takes, and makes of it what jansson makes: the
 * texts of bad_json, numbers and strings of every form, and all of them with bytes changed, put in
 * and taken out.
 */
#include <dirent.h>
#include <jansson.h>
#include <wengert.h>

#include "graph/internal.h"
#include "graph/program.h"
#include "harness.h"

enum { MOST = 100000, MUTANTS = 60 };

/* ---- two trees ---- */

static bool same(const wg_json *a, const json_t *b)
{
    wg_json_walk w = { .object = a };
    json_t *object = (json_t *)(uintptr_t)b;
    const char *key;
    json_t *value;
    double real;
    int64_t v;
    bool truth;

    switch (json_typeof(b)) {
    case JSON_NULL:
        return wg__json_kind(a) == WG_JSON_NULL;
    case JSON_TRUE:
    case JSON_FALSE:
        return wg__json_bool(a, &truth) && truth == json_is_true(b);
    case JSON_INTEGER:
        return wg__json_int(a, &v) && v == json_integer_value(b);
    case JSON_REAL:
        return wg__json_kind(a) == WG_JSON_REAL && wg__json_number(a, &real) &&
               real == json_real_value(b) && signbit(real) == signbit(json_real_value(b));
    case JSON_STRING:
        return wg__json_text(a) && strcmp(wg__json_text(a), json_string_value(b)) == 0;
    case JSON_ARRAY:
        if (wg__json_kind(a) != WG_JSON_LIST || wg__json_count(a) != (int64_t)json_array_size(b) ||
            wg__json_at(a, wg__json_count(a)) || wg__json_at(a, -1))
            return false;
        for (int64_t i = 0; i < wg__json_count(a); i++)
            if (!same(wg__json_at(a, i), json_array_get(b, (size_t)i))) return false;
        return true;
    case JSON_OBJECT:
        if (wg__json_kind(a) != WG_JSON_OBJECT ||
            wg__json_count(a) != (int64_t)json_object_size(b) || wg__json_get(a, "no such name"))
            return false;
        json_object_foreach(object, key, value)
        {
            if (!wg__json_next(&w) || strcmp(w.key, key) != 0) return false;
            if (wg__json_get(a, key) != w.value || !same(w.value, value)) return false;
        }
        return !wg__json_next(&w);
    }
    return false;
}

static bool both_take(const char *text, size_t n)
{
    wg_error error = { .code = WG_OK };
    json_error_t e;
    json_t *theirs = json_loadb(text, n, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &e);
    wg_json *ours = wg__json_parse(text, n, "text", &error);
    bool alike = !ours == !theirs && (!ours || same(ours, theirs)), taken = ours != NULL;

    /* Bounds of our own, and the character 0, at which jansson may end. */
    if (!ours && (error.code == WG_ELIMIT || memchr(text, 0, n))) alike = true;
    if (!ours && strcmp(error.text, "text: is not JSON") == 0) alike = false;
    if (!ours && (error.code == WG_OK || !error.text[0])) alike = false;
    if (!alike)
        fprintf(stderr, "%zu bytes, ours %s %s, jansson's %s %s:\n%.*s\n", n, ours ? "takes" : "",
                error.text, theirs ? "takes" : "", theirs ? "" : e.text, (int)n, text);
    CHECK(alike);
    wg__json_free(ours);
    json_decref(theirs);
    return taken;
}

/* ---- changed texts ---- */

static uint64_t below(uint64_t *state, uint64_t n)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (*state >> 33) % n;
}

/* Some bytes of the text become others, go, or come twice. */
static size_t changed(const char *text, size_t n, char *to, uint64_t *state)
{
    static const char bytes[] = "{}[]\",:\\u0019-+.eE tfn/ab\n\t\x01\x80\xc3\xa9\xed\xf0\x9f";
    int changes = 1 + (int)below(state, 3);

    memcpy(to, text, n);
    for (int i = 0; i < changes && n > 0; i++) {
        size_t at = (size_t)below(state, n), more = 1 + (size_t)below(state, 8);

        if (more > n - at) more = n - at;
        switch (below(state, 4)) {
        case 0:
            memmove(to + at, to + at + more, n - at - more);
            n -= more;
            break;
        case 1:
            if (n + more > MOST) break;
            memmove(to + at + more, to + at, n - at);
            n += more;
            break;
        default:
            to[at] = bytes[below(state, sizeof bytes - 1)];
        }
    }
    return n;
}

static int hold(const char *text, size_t n, uint64_t *state)
{
    static char to[MOST + 8];
    int taken = both_take(text, n);

    for (int i = 0; i < MUTANTS; i++) {
        size_t m = changed(text, n, to, state);

        if (m > 0) taken += both_take(to, m);
    }
    return taken;
}

static void whatever_jansson_takes(void)
{
    static char text[MOST];
    DIR *all = opendir("bad_json");
    uint64_t state = 7;
    int texts = 0, taken = 0;

    REQUIRE(all != NULL);
    for (struct dirent *d; (d = readdir(all));) {
        char path[600];
        FILE *f;
        size_t n;

        if (d->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "bad_json/%s/input", d->d_name);
        f = fopen(path, "rb");
        REQUIRE(f != NULL);
        n = fread(text, 1, sizeof text, f);
        fclose(f);
        if (n == 0) continue;
        taken += hold(text, n, &state);
        texts++;
    }
    closedir(all);
    CHECK(texts > 100);
    CHECK(taken > 1000);
}

static void forms(void)
{
    static const char *const text[] = {
        "0",
        "-0",
        "-0.0",
        "-1e-400",
        "1e400",
        "1E+2",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "18446744073709551616",
        "99999999999999999999999",
        "9007199254740993.0",
        "9007199254740993e22",
        "4.9406564584124654e-324",
        "2.4703282292062327e-324",
        "1.7976931348623157e308",
        "1.7976931348623159e308",
        "0.1e-22",
        "123456789012345678901234567890e-30",
        "1e22",
        "1e23",
        "3.0e-22",
        "0.000000000000000000000000000000000000000000000001e99999999999999999999",
        "0e99999999999999999999",
        "1e-99999999999999999999",
        "[1.5, -2.25e3, 1e0, 0.1, 1234567.875]",
        "[01]",
        "[1.]",
        "[.5]",
        "[+1]",
        "[1e]",
        "[1e+]",
        "[-]",
        "[0x10]",
        "[1 2]",
        "[1,]",
        "[,1]",
        "[]",
        " [ ] ",
        "{}",
        "{\"a\": 1, \"a\": 2}",
        "{\"a\": 1,}",
        "{a: 1}",
        "{\"a\" 1}",
        "{\"\": {\"\": []}}",
        "{\"\\u0061\": 1, \"a\": 2}",
        "{\"k0\":0,\"k1\":1,\"k2\":2,\"k3\":3,\"k4\":4,\"k5\":5,\"k6\":6,\"k7\":7,\"k8\":8,\"k9\":"
        "9}",
        "{\"k0\":0,\"k1\":1,\"k2\":2,\"k3\":3,\"k4\":4,\"k5\":5,\"k6\":6,\"k7\":7,\"k8\":8,\"k3\":"
        "9}",
        "true",
        "[truefalse]",
        "[nul]",
        "[null, true, false]",
        "\"\"",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\\u00e9\\u20ac\\ud83d\\ude00 \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
        "\"\\ud83d\"",
        "\"\\ud83dx\"",
        "\"\\ud83d\\u0041\"",
        "\"\\ude00\"",
        "\"\\ude00\\ude00\"",
        "\"\\u0000\"",
        "\"\\u12\"",
        "\"\\uFffF\"",
        "\"\\x\"",
        "\"\\",
        "\"a\nb\"",
        "\"\x7f\"",
        "\"\xc0\x80\"",
        "\"\xed\xa0\x80\"",
        "\"\xf4\x90\x80\x80\"",
        "\"\xe2\x82\"",
        "[1]]",
        "[1] 2",
        "1],[2",
        " ",
        "\xef\xbb\xbf[]",
        "[[[[[[[[[[1]]]]]]]]]]",
    };
    uint64_t state = 11;
    int taken = 0;

    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        taken += hold(text[i], strlen(text[i]), &state);
    CHECK(taken > 100);
}

/* Every double that is written with enough digits comes back to the bit. */
static void numbers(void)
{
    uint64_t state = 3;

    for (int i = 0; i < 40000; i++) {
        uint64_t bits = below(&state, UINT64_C(1) << 31) << 33 ^ below(&state, UINT64_C(1) << 31)
                                                                     << 11;
        char text[64];
        double v;

        bits ^= below(&state, 1 << 12);
        memcpy(&v, &bits, sizeof v);
        if (!isfinite(v)) continue;
        /* Powers as they stand in programs, too. */
        if (i % 2) v = ldexp(v, -ilogb(v) + (int)below(&state, 60) - 30);
        snprintf(text, sizeof text, "[%.*e, %.*g]", (int)below(&state, 22), v,
                 1 + (int)below(&state, 20), v);
        both_take(text, strlen(text));
    }
}

int main(int argc, char **argv)
{
    static const harness_test list[] = { TEST(forms), TEST(numbers), TEST(whatever_jansson_takes) };

    return harness_main(argc, argv, __FILE__, list, (int)(sizeof list / sizeof *list));
}
