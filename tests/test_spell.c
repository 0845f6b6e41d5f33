/* test_spell.c: numbers as Python prints them, read back exactly; the nearest name. */
#include <locale.h>
#include <wengert/op.h>

#include "harness.h"
#include "nn/spell.h"

static void printed_as_python_does(void)
{
    static const struct {
        double v;
        const char *text;
    } list[] = {
        { 0, "0.0" },
        { -0.0, "-0.0" },
        { 1, "1.0" },
        { -2.5, "-2.5" },
        { 100, "100.0" },
        { 0.3, "0.3" },
        { 0.1 + 0.2, "0.30000000000000004" },
        { 1e-4, "0.0001" },
        { 0.00012345, "0.00012345" },
        { 1e-5, "1e-05" },
        { 1e-7, "1e-07" },
        { 1.5e-7, "1.5e-07" },
        { 1e15, "1000000000000000.0" },
        { 123456789012345.6, "123456789012345.6" },
        { 1e16, "1e+16" },
        { 1e22, "1e+22" },
        { 1.2345678901234568e17, "1.2345678901234568e+17" },
        { 1.7976931348623157e308, "1.7976931348623157e+308" },
        { 5e-324, "5e-324" },
        { 2.2250738585072014e-308, "2.2250738585072014e-308" },
        { 9007199254740993.0, "9007199254740992.0" },
    };
    char buf[WG__DOUBLE_TEXT];

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        EQ_STR(wg__double_text(list[i].v, buf), list[i].text);
    EQ_STR(wg__double_text((double)NAN, buf), "nan");
    EQ_STR(wg__double_text((double)INFINITY, buf), "inf");
    EQ_STR(wg__double_text((double)-INFINITY, buf), "-inf");
}

/* Any double at all, of any size. */
static void back_to_the_bit(void)
{
    uint64_t state = 1;

    for (int i = 0; i < 20000; i++) {
        char buf[WG__DOUBLE_TEXT];
        uint64_t bits;
        double v, again = 0;
        const char *end;

        state = state * 6364136223846793005u + 1442695040888963407u;
        bits = state ^ state >> 29;
        memcpy(&v, &bits, sizeof v);
        if (!isfinite(v)) continue;
        end = wg__read_double(wg__double_text(v, buf), &again);
        if (!harness_check(end && *end == '\0' && memcmp(&v, &again, sizeof v) == 0, __FILE__,
                           __LINE__, "%.17g is %s, read as %.17g", v, buf, again))
            return;
    }
}

static void what_is_a_number(void)
{
    static const struct {
        const char *text, *rest;
        double v;
    } list[] = {
        { "5.", "", 5 },
        { "-.5e-3,", ",", -0.5e-3 },
        { "+7 ", " ", 7 },
        { "1e5x", "x", 1e5 },
        { "1.2.3", ".3", 1.2 },
        { "1e-2147483648", "", 0 },
        { "1.5e99999999999999", "", INFINITY },
        { "0.1000000000000000055511151231257827021181583404541015625", "", 0.1 },
        { "179769313486231580793728971405301e276", "", 1.7976931348623158e308 },
        { "", NULL, 0 },
        { "e5", NULL, 0 },
        { "1e", NULL, 0 },
        { "1e+", NULL, 0 },
        { ".", NULL, 0 },
        { "-", NULL, 0 },
        { " 1", NULL, 0 },
        { "nan", NULL, 0 },
    };

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        double v = -9;

        EQ_STR(wg__read_double(list[i].text, &v), list[i].rest);
        CLOSE1(v, list[i].rest ? list[i].v : -9, 0, 0);
    }
}

/* More digits than are kept: those left out only scale. */
static void many_digits(void)
{
    char text[2000];
    double v = 0;

    memset(text, '0', sizeof text);
    text[0] = '7';
    snprintf(text + 1500, sizeof text - 1500, "e-1499");
    CHECK(wg__read_double(text, &v) != NULL);
    CLOSE1(v, 7, 0, 0);
    memset(text, '0', sizeof text);
    text[1] = '.';
    snprintf(text + 300, sizeof text - 300, "25");
    CHECK(wg__read_double(text, &v) != NULL);
    CLOSE1(v, 25e-300, 0, 0);
}

static void under_a_locale_with_a_comma(void)
{
    static const char *const names[] = { "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE" };
    char buf[WG__DOUBLE_TEXT];
    double v = 0;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (setlocale(LC_ALL, names[i])) break;
    EQ_STR(wg__double_text(0.25, buf), "0.25");
    CHECK(wg__read_double("0.25", &v) != NULL);
    CLOSE1(v, 0.25, 0, 0);
    setlocale(LC_ALL, "C");
}

static void nearest(void)
{
    static const char *const names[] = { "Sigmoid", "ReLU", "Leaky ReLU", "Hard Sigmoid" };

    EQ_STR(wg__nearest("sigmiod", 4, names), "Sigmoid");
    EQ_STR(wg__nearest("leaky_relu", 4, names), "Leaky ReLU");
    EQ_STR(wg__nearest("hardsigmoid()", 4, names), "Hard Sigmoid");
    EQ_STR(wg__nearest("relu6", 4, names), "ReLU");
    EQ_STR(wg__nearest("", 4, names), "ReLU");
    EQ_STR(wg__nearest(NULL, 4, names), "ReLU");
    EQ_STR(wg__nearest("a name far longer than any of those that are known to the list of names "
                       "there is, so long that its end is not looked at",
                       1, names),
           "Sigmoid");
}

TESTS(TEST(printed_as_python_does), TEST(back_to_the_bit), TEST(what_is_a_number),
      TEST(many_digits), TEST(under_a_locale_with_a_comma), TEST(nearest))
