/* test_csv.c: tables of numbers as text, good and bad. */
#include "harness.h"
#include "temp.h"

#include <locale.h>
#include <wengert/data.h>

static void put(const char *bytes, size_t n)
{
    FILE *f = fopen("t.csv", "wb");

    CHECK(f != NULL);
    CHECK(fwrite(bytes, 1, n, f) == n);
    CHECK(fclose(f) == 0);
}

static void gives(const char *text, const wg_data_options *options, int64_t rows, int64_t columns,
                  const double *want)
{
    wg_error error = { 0 };
    wg_data d;

    put(text, strlen(text));
    if (!CHECK(wg_csv_read("t.csv", options, &d, &error) == WG_OK)) {
        wg_error_print(&error, stderr);
        return;
    }
    EQ_INT(d.kind, WG_DATA_F64);
    EQ_INT(d.shape.rank, columns == 1 ? 1 : 2);
    EQ_INT(d.shape.dim[0], rows);
    if (columns > 1) EQ_INT(d.shape.dim[1], columns);
    CLOSE((const double *)d.data, want, rows * columns, 0, 0);
    wg_data_free(&d);
}

static void reads_tables(void)
{
    static const double v[] = { 1, -2.5, 3e-5, 4, 5, 6 };
    wg_data_options options = { .header = WG_HEADER_NO };

    temp_enter();
    gives("1,-2.5,3e-5\n4,5,6\n", NULL, 2, 3, v);
    gives("1,-2.5,3e-5\r\n4,5,6", NULL, 2, 3, v);
    gives("a,b,\"c, d\"\n1, -2.5 ,3e-5\n\n# a remark\n4,\"5\",+6\n", NULL, 2, 3, v);
    gives("\xef\xbb\xbf"
          "1;-2.5;3e-5\n4;5;6\n",
          NULL, 2, 3, v);
    gives("1\t-2.5\t3e-5\n4\t5\t6\n", NULL, 2, 3, v);
    gives("  1 -2.5   3e-5 \n4 5\t6\n", NULL, 2, 3, v);
    gives("x\n1\n-2.5\n", NULL, 2, 1, v);
    gives("7,8,9\n1,-2.5,3e-5\n4,5,6\n", &(wg_data_options){ .header = WG_HEADER_YES }, 2, 3, v);
    gives("1|-2.5|.00003\n4|5.|6\n", &(wg_data_options){ .separator = '|' }, 2, 3, v);
    gives("007,999999999999999,9999999999999999\n", NULL, 1, 3,
          (const double[]){ 7, 999999999999999, 1e16 });
    options.allow_nan = true;
    gives("1,nan,-inf\n,NA,6\n", &options, 2, 3,
          (const double[]){ 1, NAN, -INFINITY, NAN, NAN, 6 });
}

/* More than a chunk and more than the first memory. */
static void reads_any_size(void)
{
    enum { ROOM = 24 };
    int rows = getenv("WENGERT_SLOW") ? 4000 : 20000;
    char *text = malloc((size_t)rows * ROOM);
    double *want = malloc(2 * (size_t)rows * sizeof *want);
    size_t n = 0;

    temp_enter();
    for (int i = 0; i < rows; i++) {
        want[2 * i] = i;
        want[2 * i + 1] = (double)i / 7;
        n += (size_t)snprintf(text + n, ROOM, "%d,%.12g\n", i, (double)i / 7);
        want[2 * i + 1] = strtod(strrchr(text, ',') + 1, NULL);
    }
    gives(text, NULL, rows, 2, want);
    free(text);
    free(want);
}

static void reads_alike_in_any_locale(void)
{
    static const double v[] = { 1.5, 2.25 };

    temp_enter();
    if (!setlocale(LC_ALL, "de_DE.UTF-8")) CHECK(setlocale(LC_ALL, "C.UTF-8") != NULL);
    gives("1.5;2.25\n1.5;2.25\n", NULL, 2, 2, (const double[]){ v[0], v[1], v[0], v[1] });
    setlocale(LC_ALL, "C");
}

static void refused(const char *text, size_t n, const wg_data_options *options, wg_status code,
                    const char *message)
{
    wg_error error = { 0 };
    wg_data d;
    char whole[300];

    put(text, n);
    EQ_INT(wg_csv_read("t.csv", options, &d, &error), code);
    snprintf(whole, sizeof whole, "wg_csv_read: t.csv: %s", message);
    ERROR_IS(&error, code, whole, NULL);
    CHECK(d.data == NULL);
}

#define REFUSED(text, code, message) refused(text, sizeof(text) - 1, NULL, code, message)

static void says_where(void)
{
    temp_enter();
    REFUSED("1,2\n3,abc\n", WG_EFORMAT, "line 2, column 2: \"abc\" is no number");
    REFUSED("a,b\n1,2\n3,4x\n", WG_EFORMAT, "line 3, column 2: \"4x\" is no number");
    REFUSED("1,2\n3,4,5\n", WG_EFORMAT, "line 2 has 3 columns, those before have 2");
    REFUSED("1,2\n\n3\n", WG_EFORMAT, "line 3 has 1 columns, those before have 2");
    REFUSED("1,2\n3,\n", WG_ENONFINITE, "line 2, column 2 is empty");
    REFUSED("1,2\nNaN,3\n", WG_ENONFINITE, "line 2, column 1: \"NaN\" is not finite");
    REFUSED("1,2\n3,1e999\n", WG_ENONFINITE, "line 2, column 2: \"1e999\" is not finite");
    REFUSED("1,2\n3,\xe4\xb8\x80\xe4\xb8\x80\x01 and a long field\n", WG_EFORMAT,
            "line 2, column 2: \"??????? and a long field\" is no number");
    REFUSED("1,2\n3,a field that does not end soon\n", WG_EFORMAT,
            "line 2, column 2: \"a field that does not en...\" is no number");
    REFUSED("a,b\n", WG_EFORMAT, "no line of numbers");
    REFUSED("", WG_EFORMAT, "no line of numbers");
    REFUSED("\xff\xfe"
            "1\0,\0",
            WG_EFORMAT, "text in UTF-16: save it as UTF-8");
    REFUSED("1,2\n3,\0004\n", WG_EFORMAT, "line 2: a zero byte: this is no text in UTF-8");
    refused("1,2\nx,y\n", 8, &(wg_data_options){ .header = WG_HEADER_NO }, WG_EFORMAT,
            "line 2, column 1: \"x\" is no number");
    REFUSED("0x10\n", WG_EFORMAT, "no line of numbers");
}

TESTS(TEST(reads_tables), TEST(reads_any_size), TEST(reads_alike_in_any_locale), TEST(says_where))
