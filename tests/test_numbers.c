/* test_numbers.c: numbers as JSON text: every bit survives, no digit is wasted, no locale shows. */
#include <locale.h>
#include <wengert.h>
#include <wengert/op.h>

#include "graph/internal.h"
#include "graph/program.h"
#include "harness.h"
#include "temp.h"

static uint64_t next(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

/* Random bits: every exponent, denormals, both kinds of NaN with any payload. */
static void every_bit_survives(void)
{
    wg_params *w = wg_params_new(WG_F32, UINT64_MAX);
    wg_graph *g = wg_graph_new();
    uint64_t seed = 0x1234567;
    int count = getenv("WENGERT_SLOW") ? 1000 : 20000;
    wg_error error = { 0 };
    wg_program p = { NULL, NULL };
    char *text = NULL;
    size_t n;

    wg_params_add(w, "f", WG_F32, WG_SHAPE(count), true, NULL, NULL);
    wg_params_add(w, "d", WG_F64, WG_SHAPE(count), true, NULL, NULL);
    wg_params_add(w, "i", WG_I64, WG_SHAPE(count), true, NULL, NULL);
    wg_params_add(w, "b", WG_BOOL, WG_SHAPE(count), true, NULL, NULL);
    for (int k = 0; k < count; k++) {
        uint32_t half = (uint32_t)next(&seed);
        uint64_t word = next(&seed);
        bool b = next(&seed) >> 40 & 1;

        memcpy((uint32_t *)wg_params_find(w, "f")->value.data + k, &half, 4);
        memcpy((uint64_t *)wg_params_find(w, "d")->value.data + k, &word, 8);
        memcpy((uint64_t *)wg_params_find(w, "i")->value.data + k, &word, 8);
        memcpy((bool *)wg_params_find(w, "b")->value.data + k, &b, 1);
    }
    wg_begin(g, "f", WG_PREDICT);
    wg_output("y", wg_input(g, "x", WG_F32, WG_SHAPE(2, 3)));
    wg_end(g);
    REQUIRE(wg_save_text(g, w, NULL, &text, &n, &error) == WG_OK);
    EQ_INT(wg_load_text(text, n, NULL, &p, &error), WG_OK);
    NO_ERROR(&error);
    REQUIRE(p.params != NULL);
    SAME_BITS(wg_params_find(p.params, "f")->value.data, wg_params_find(w, "f")->value.data,
              count * 4);
    SAME_BITS(wg_params_find(p.params, "d")->value.data, wg_params_find(w, "d")->value.data,
              count * 8);
    SAME_BITS(wg_params_find(p.params, "i")->value.data, wg_params_find(w, "i")->value.data,
              count * 8);
    SAME_BITS(wg_params_find(p.params, "b")->value.data, wg_params_find(w, "b")->value.data, count);
    CHECK(wg_params_seed(p.params) == UINT64_MAX);
    wg_free(text);
    wg_program_free(&p);
    wg_graph_free(g);
    wg_params_free(w);
}

/* Few digits where few will do, and the neighbours of powers of two, where the shortest text is hardest. */
static void shortest_numbers(void)
{
    static const struct {
        double v;
        const char *text;
    } cases[] = { { 0.1, "0.1" },
                  { 1e22, "1e+22" },
                  { 1.0 / 3, "0.3333333333333333" },
                  { 5e-324, "4.94065645841247e-324" },
                  { 123456789, "123456789" },
                  { 0, "0" },
                  { -0.0, "-0.0" },
                  { 1e300, "1e+300" },
                  { INFINITY, "\"inf\"" },
                  { -INFINITY, "\"-inf\"" },
                  { NAN, "\"nan\"" },
                  { 0x1.fffffffffffffp1023, "1.7976931348623157e+308" } };
    int wrong = 0;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        wg_text t = { NULL, 0, 0, false, NULL };

        wg__put_f64(&t, cases[i].v);
        wg__putn(&t, "", 1);
        EQ_STR(t.text, cases[i].text);
        wg__release(t.text);
    }
    for (int e = -1074; e < 1024; e++)
        for (int side = -1; side <= 1; side++) {
            double v = nextafter(ldexp(1, e), side < 0 ? 0 : INFINITY);
            wg_text t = { NULL, 0, 0, false, NULL };

            if (side == 0) v = ldexp(1, e);
            wg__put_f64(&t, v);
            wg__putn(&t, "", 1);
            wrong += strtod(t.text, NULL) != v;
            wg__release(t.text);
        }
    EQ_INT(wrong, 0);
}

/* A decimal comma in the program's locale must not reach the file, nor be needed to read one. */
static void decimal_comma(void)
{
    static const double v[] = { 0.5, -1234.25, 1e-7 };
    char command[300], *before = strdup(setlocale(LC_NUMERIC, NULL));
    wg_graph *g = wg_graph_new();
    wg_program p = { NULL, NULL };
    wg_error error = { 0 };
    char *text = NULL, number[16];
    size_t n;

    temp_dir();
    snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 >/dev/null 2>&1",
             temp_dir());
    setenv("LOCPATH", temp_dir(), 1);
    if (system(command) != 0 || !setlocale(LC_NUMERIC, "de_DE.UTF-8"))
        fprintf(stderr, "no locale with a decimal comma can be made here: checked with a point\n");
    snprintf(number, sizeof number, "%g", 0.5);
    wg_begin(g, "f", WG_PREDICT);
    wg_output("y", wg_constant(g, WG_F64_ARRAY(v, 3)));
    wg_end(g);
    EQ_INT(wg_save_text(g, NULL, NULL, &text, &n, &error), WG_OK);
    CHECK(text && strstr(text, "\"data\": [0.5, -1234.25, 1e-07]") != NULL);
    EQ_INT(wg_load_text(text, n, NULL, &p, &error), WG_OK);
    NO_ERROR(&error);
    if (p.graph)
        SAME_BITS(((const wg_array *)wg_tensor_attr(wg_graph_at(p.graph, 0)))->data, v, sizeof v);
    wg_free(text);
    wg_program_free(&p);
    setlocale(LC_NUMERIC, before);
    unsetenv("LOCPATH");
    fprintf(stderr, "0.5 was written %s by printf\n", number);
    free(before);
    wg_graph_free(g);
}

TESTS(TEST(every_bit_survives), TEST(shortest_numbers), TEST(decimal_comma))
