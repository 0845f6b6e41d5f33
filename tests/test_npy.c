/* test_npy.c: .npy files, good and bad, of every version and order; any data file told by its
 * content. */
#include "gate.h"
#include "temp.h"

#include <wengert/data.h>
#include <zlib.h>

static void put(const char *name, const void *bytes, size_t n)
{
    FILE *f = fopen(name, "wb");

    CHECK(f != NULL);
    CHECK(fwrite(bytes, 1, n, f) == n);
    CHECK(fclose(f) == 0);
}

/* A file of this version with this header text and these elements. Returns its length. */
static size_t put_npy(const char *name, int version, const char *text, const void *data, size_t n)
{
    unsigned char bytes[2000] = "\x93NUMPY";
    size_t length = strlen(text), at = 8;

    bytes[6] = (unsigned char)version;
    bytes[at++] = (unsigned char)(length & 255);
    bytes[at++] = (unsigned char)(length >> 8);
    if (version > 1) at += 2;
    memcpy(bytes + at, text, length);
    if (n) memcpy(bytes + at + length, data, n);
    put(name, bytes, at + length + n);
    return at + length + n;
}

static void reads_every_type(void)
{
    static const float f4[] = { 1, -2.5f, 3, 4, 5, 6 };
    static const double f8[] = { 0.1, -0.2 };
    static const unsigned char i8[] = { 1,    0,   0,   0,   0,   0,   0,   0,
                                        0xfe, 255, 255, 255, 255, 255, 255, 255 };
    static const unsigned char i4[] = { 2, 1, 0, 0, 0xff, 255, 255, 255 };
    wg_data d;
    wg_error error = { 0 };

    temp_enter();
    for (int version = 1; version <= 3; version++) {
        put_npy("a.npy", version,
                "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }         \n", f4, 24);
        EQ_INT(wg_data_read("a.npy", NULL, &d, &error), WG_OK);
        EQ_INT(d.kind, WG_DATA_F32);
        EQ_INT(d.shape.rank, 2);
        EQ_INT(d.shape.dim[1], 3);
        EQ_INT(wg_data_example(&d), 3);
        SAME_BITS(d.data, f4, 24);
        wg_data_free(&d);
    }
    NO_ERROR(&error);
    put_npy("b.npy", 1, "{'shape': (2L,), 'descr': \"<f8\", 'fortran_order': True}", f8, 16);
    EQ_INT(wg_npy_read("b.npy", &d, &error), WG_OK);
    EQ_INT(d.kind, WG_DATA_F64);
    SAME_BITS(d.data, f8, 16);
    wg_data_free(&d);
    put_npy("c.npy", 1, "{'descr': '<i8', 'fortran_order': False, 'shape': (2,)}", i8, 16);
    EQ_INT(wg_npy_read("c.npy", &d, &error), WG_OK);
    CLOSE((const int64_t *)d.data, ((const int64_t[]){ 1, -2 }), 2, 0, 0);
    wg_data_free(&d);
    put_npy("d.npy", 1, "{'descr': '<i4', 'fortran_order': False, 'shape': (2,)}", i4, 8);
    EQ_INT(wg_npy_read("d.npy", &d, &error), WG_OK);
    EQ_INT(d.kind, WG_DATA_I32);
    EQ_INT(((const int32_t *)d.data)[0], 258);
    EQ_INT(((const int32_t *)d.data)[1], -1);
    wg_data_free(&d);
    put_npy("e.npy", 1, "{'descr': '|b1', 'fortran_order': False, 'shape': (3,)}", "\1\0\7", 3);
    EQ_INT(wg_npy_read("e.npy", &d, &error), WG_OK);
    SAME_BITS(d.data, "\1\0\1", 3);
    wg_data_free(&d);
    put_npy("f.npy", 1, "{'descr': '|u1', 'fortran_order': False, 'shape': ()}", "\xc8", 1);
    EQ_INT(wg_npy_read("f.npy", &d, &error), WG_OK);
    EQ_INT(d.shape.rank, 0);
    EQ_INT(*(unsigned char *)d.data, 200);
    EQ_INT(wg_data_example(&d), -1);
    wg_data_free(&d);
    put_npy("g.npy", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3)}", "", 0);
    EQ_INT(wg_npy_read("g.npy", &d, &error), WG_OK);
    EQ_INT(d.shape.dim[0], 0);
    wg_data_free(&d);
    wg_data_free(NULL);
    NO_ERROR(&error);
}

/* Column-major elements come back row by row, whatever the rank. */
static void turns_fortran_order(void)
{
    unsigned char bytes[24];
    wg_data d;

    temp_enter();
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 3; j++)
            for (int k = 0; k < 4; k++)
                bytes[i + 2 * (j + 3 * k)] = (unsigned char)(100 * i + 10 * j + k);
    put_npy("t.npy", 2, "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 4)}", bytes, 24);
    REQUIRE(wg_npy_read("t.npy", &d, NULL) == WG_OK);
    for (int i = 0; i < 24; i++)
        EQ_INT(((unsigned char *)d.data)[i], 100 * (i / 12) + 10 * (i / 4 % 3) + i % 4);
    wg_data_free(&d);
}

static void writes_what_it_reads(void)
{
    static const float f[6] = { 1.5f, -0.0f, 3e-40f, 4, INFINITY, 6 };
    static const int64_t i[2] = { INT64_MIN, INT64_MAX };
    static const bool b[3] = { true, false, true };
    static const double one = 0.1;
    const wg_array arrays[] = { WG_F32_ARRAY(f, 3, 2, 1), WG_I64_ARRAY(i, 2), WG_BOOL_ARRAY(b, 3),
                                wg_array_of(WG_F64, WG_SHAPE_SCALAR, &one),
                                wg_array_of(WG_F32, WG_SHAPE(0, 5), NULL) };
    wg_error error = { 0 };
    char head[129] = "";
    wg_data d;
    FILE *file;

    temp_enter();
    for (size_t k = 0; k < sizeof arrays / sizeof arrays[0]; k++) {
        EQ_INT(wg_npy_write("w.npy", arrays[k], &error), WG_OK);
        EQ_INT(wg_npy_read("w.npy", &d, &error), WG_OK);
        NO_ERROR(&error);
        EQ_STR(wg_data_kind_name(d.kind), wg_dtype_name(arrays[k].type.dtype));
        CHECK(wg_shape_equal(&d.shape, &arrays[k].type.shape));
        if (arrays[k].data) SAME_BITS(d.data, arrays[k].data, wg_type_bytes(&arrays[k].type));
        wg_data_free(&d);
    }
    EQ_INT(wg_npy_write("w.npy", arrays[0], &error), WG_OK);
    file = fopen("w.npy", "rb");
    EQ_INT(fread(head, 1, 128, file), 128);
    fclose(file);
    SAME_BITS(head, "\x93NUMPY\1\0\x76\0", 10);
    EQ_STR(head + 10, "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2, 1), }"
                      "                                                       \n");
    EQ_INT(wg_npy_write("/nowhere/w.npy", arrays[0], &error), WG_EIO);
    ERROR_IS(&error, WG_EIO, "w.npy: cannot open its folder: No such file or directory", NULL);
    error = (wg_error){ 0 };
    EQ_INT(wg_npy_write("/dev/full", arrays[0], &error), WG_EIO);
    ERROR_IS(&error, WG_EIO, "full: cannot write: No space left on device", NULL);
    EQ_INT(wg_npy_write(NULL, arrays[0], NULL), WG_EARG);
    EQ_INT(wg_npy_write("w.npy", wg_array_of(WG_F32, WG_SHAPE(2), NULL), NULL), WG_EARG);
}

/* What a file gives: the code and the message, to the letter. */
static void refused(wg_status code, const char *message)
{
    wg_error error = { 0 };
    wg_data d;

    EQ_INT(wg_npy_read("bad.npy", &d, &error), code);
    ERROR_IS(&error, code, message, NULL);
    CHECK(d.data == NULL && d.shape.rank == 0);
    EQ_INT(wg_npy_read("bad.npy", &d, NULL), code);
}

static void refuses(const char *text, size_t n, wg_status code, const char *message)
{
    static const unsigned char data[64];
    char whole[300];

    put_npy("bad.npy", 1, text, data, n);
    snprintf(whole, sizeof whole, "wg_npy_read: bad.npy: %s", message);
    refused(code, whole);
}

static void refuses_bad_headers(void)
{
    temp_enter();
    refuses("{'descr': '>f4', 'fortran_order': False, 'shape': (2,)}", 8, WG_EFORMAT,
            "elements of type '>f4' are big-endian, wanted '<f4'");
    refuses("{'descr': '|O', 'fortran_order': False, 'shape': (2,)}", 8, WG_EFORMAT,
            "elements of type '|O', wanted f4, f8, i8, i4, u1 or b1");
    refuses("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", 8, WG_EFORMAT,
            "elements are records, wanted f4, f8, i8, i4, u1 or b1");
    refuses("{'descr': 4, 'fortran_order': False, 'shape': (2,)}", 8, WG_EFORMAT,
            "its header is damaged: 'descr' is no text");
    refuses("{'descr': '<f4', 'fortran_order': 1, 'shape': (2,)}", 8, WG_EFORMAT,
            "its header is damaged: 'fortran_order' is neither True nor False");
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': 2}", 8, WG_EFORMAT,
            "its header is damaged: 'shape' is no tuple");
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}", 8, WG_EFORMAT,
            "its header is damaged: an extent is no number");
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (2", 8, WG_EFORMAT,
            "its header is damaged: 'shape' has no end");
    refuses("{'descr': '<f4', 'fortran_order': False}", 8, WG_EFORMAT,
            "its header is damaged: a key is missing");
    refuses("{'descr': '<f4', 'descr': '<f4'}", 8, WG_EFORMAT,
            "its header is damaged: a key comes twice");
    refuses("{'descr': '<f4', 'order': False}", 8, WG_EFORMAT,
            "its header is damaged: an unknown key");
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x", 8, WG_EFORMAT,
            "its header is damaged: text after its end");
    refuses("", 8, WG_EFORMAT, "its header is damaged: no dictionary");
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1, 1, 1)}", 4,
            WG_EFORMAT, "more than 8 axes");
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", 8,
            WG_ELIMIT, "an extent exceeds 2^63 elements");
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (4398046511105, 4194304)}", 8,
            WG_ELIMIT, "its extents exceed 2^63 bytes");
}

static void refuses_other_lengths(void)
{
    unsigned char whole[300];
    size_t n;
    FILE *f;

    temp_enter();
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", 11, WG_EFORMAT,
            "ends after 11 of 12 bytes");
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", 13, WG_EFORMAT,
            "bytes left over after 3 elements");
    /* Claims four exabytes: refused when the bytes end, not when memory does. */
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (1152921504606846976,)}", 4,
            WG_EFORMAT, "ends after 4 of 4611686018427387904 bytes");
    put("bad.npy", "\x93NUMPY\4\0\0\0\0\0", 12);
    refused(WG_EVERSION, "wg_npy_read: bad.npy: version 4 of the format, wanted 1 to 3");
    put("bad.npy", "\x93NUMPX\1\0\0\0\0\0", 12);
    refused(WG_EFORMAT, "wg_npy_read: bad.npy: not a .npy file");
    put("bad.npy", "\x93NUMPY\2\0\0\0\0\1", 12);
    refused(WG_ELIMIT, "wg_npy_read: bad.npy: a header of 16777216 bytes, at most 65536");
    put("bad.npy", "\x93NUMPY\1\0\4\0{\0}\0", 14);
    refused(WG_EFORMAT, "wg_npy_read: bad.npy: its header is damaged: a zero byte");
    put("bad.npy", "", 0);
    refused(WG_EFORMAT, "wg_npy_read: bad.npy: not a .npy file");
    /* Cut at every length: never read as whole. */
    n = put_npy("bad.npy", 3, "{'descr': '<i4', 'fortran_order': False, 'shape': (3,)}",
                "abcdefghijkl", 12);
    f = fopen("bad.npy", "rb");
    EQ_INT(fread(whole, 1, sizeof whole, f), n);
    fclose(f);
    for (size_t cut = 0; cut < n; cut++) {
        wg_data d;

        put("bad.npy", whole, cut);
        EQ_INT(wg_npy_read("bad.npy", &d, NULL), WG_EFORMAT);
    }
    {
        wg_error error = { 0 };
        wg_data d;

        EQ_INT(wg_npy_read("absent.npy", &d, &error), WG_EIO);
        ERROR_IS(&error, WG_EIO, "wg_npy_read: absent.npy: No such file or directory", NULL);
    }
    EQ_INT(wg_npy_read(NULL, &(wg_data){ 0 }, NULL), WG_EARG);
    EQ_INT(wg_npy_read("bad.npy", NULL, NULL), WG_EARG);
}

static void told_by_content(void)
{
    static const unsigned char idx[] = { 0, 0, 8, 1, 0, 0, 0, 2, 7, 9 };
    static const double nan_at[] = { 1, 2, 3, NAN };
    wg_data_options allow = { .allow_nan = true };
    wg_error error = { 0 };
    gzFile gz;
    wg_data d;

    temp_enter();
    put("some", idx, sizeof idx);
    EQ_INT(wg_data_read("some", NULL, &d, &error), WG_OK);
    EQ_INT(d.kind, WG_DATA_U8);
    SAME_BITS(d.data, idx + 8, 2);
    wg_data_free(&d);
    gz = gzopen("some", "wb");
    EQ_INT(gzwrite(gz, "1,2\n3,4\n", 8), 8);
    gzclose(gz);
    EQ_INT(wg_data_read("some", NULL, &d, &error), WG_OK);
    EQ_INT(d.kind, WG_DATA_F64);
    CLOSE((const double *)d.data, ((const double[]){ 1, 2, 3, 4 }), 4, 0, 0);
    wg_data_free(&d);
    NO_ERROR(&error);
    put_npy("some", 1, "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2)}", nan_at, 32);
    EQ_INT(wg_data_read("some", NULL, &d, &error), WG_ENONFINITE);
    ERROR_IS(&error, WG_ENONFINITE, "wg_data_read: some: element [1, 1] is nan", NULL);
    EQ_INT(wg_data_read("some", &allow, &d, NULL), WG_OK);
    wg_data_free(&d);
    put("some", "", 0);
    error = (wg_error){ 0 };
    EQ_INT(wg_data_read("some", NULL, &d, &error), WG_EFORMAT);
    ERROR_IS(&error, WG_EFORMAT, "wg_data_read: some: is empty", NULL);
    put("some", "ab\0cdefgh", 9);
    error = (wg_error){ 0 };
    EQ_INT(wg_data_read("some", NULL, &d, &error), WG_EFORMAT);
    ERROR_IS(&error, WG_EFORMAT, "wg_data_read: some: neither npy nor idx nor text", NULL);
    error = (wg_error){ 0 };
    EQ_INT(wg_data_read(".", NULL, &d, &error), WG_EIO);
    ERROR_IS(&error, WG_EIO, "wg_data_read: .: Is a directory", NULL);
}

static void takes_and_converts(void)
{
    static const double v[] = { 1, 2, 3, 4.5, 0, 1 };
    static const int64_t rows[] = { 2, 0 };
    wg_data d = wg_data_of(WG_F64_ARRAY(v, 3, 2)), part;
    wg_error error = { 0 };
    float f[4];
    int64_t i[6];
    bool b[2];

    EQ_INT(wg_data_take(&d, 2, rows, 2, WG_F32_ARRAY(f, 2, 2, 1), &error), WG_OK);
    CLOSE(f, ((const double[]){ 0, 2, 2, 4 }), 4, 0, 0);
    EQ_INT(wg_data_take(&d, 2, rows, 1, WG_I64_ARRAY(i, 2, 2), &error), WG_OK);
    CLOSE(i, ((const int64_t[]){ 0, 1, 1, 2 }), 4, 0, 0);
    EQ_INT(wg_data_take(&d, 1, rows, 1, WG_BOOL_ARRAY(b, 1, 2), &error), WG_OK);
    CHECK(!b[0] && b[1]);
    NO_ERROR(&error);
    EQ_INT(wg_data_take(&d, 3, NULL, 1, WG_I64_ARRAY(i, 3, 2), &error), WG_EDTYPE);
    ERROR_IS(&error, WG_EDTYPE,
             "wg_data_take: element [1, 1] is 4.5, no whole number, for a batch of i64", NULL);
    error = (wg_error){ 0 };
    EQ_INT(wg_data_take(&d, 1, NULL, 1, WG_BOOL_ARRAY(b, 1, 2), &error), WG_EDTYPE);
    ERROR_IS(&error, WG_EDTYPE,
             "wg_data_take: element [0, 1] is 2, neither 0 nor 1, for a batch of bool", NULL);
    error = (wg_error){ 0 };
    EQ_INT(wg_data_take(&d, 1, (const int64_t[]){ 3 }, 1, WG_F32_ARRAY(f, 1, 2), &error),
           WG_EINDEX);
    ERROR_IS(&error, WG_EINDEX, "wg_data_take: row 3 of 3", NULL);
    error = (wg_error){ 0 };
    EQ_INT(wg_data_take(&d, 2, NULL, 1, WG_F32_ARRAY(f, 1, 2), &error), WG_ESHAPE);
    ERROR_IS(&error, WG_ESHAPE, "wg_data_take: 2 rows of 2 elements do not fill f32[1 x 2]", NULL);
    EQ_INT(wg_data_take(&d, 1, NULL, 0.5, WG_I64_ARRAY(i, 1, 2), NULL), WG_EARG);
    EQ_INT(wg_data_columns(&d, -1, 1, &part, NULL), WG_OK);
    EQ_INT(part.shape.rank, 1);
    CLOSE((const double *)part.data, ((const double[]){ 2, 4.5, 1 }), 3, 0, 0);
    wg_data_free(&part);
    EQ_INT(wg_data_columns(&d, 0, 2, &part, NULL), WG_OK);
    SAME_BITS(part.data, v, sizeof v);
    wg_data_free(&part);
    error = (wg_error){ 0 };
    EQ_INT(wg_data_columns(&d, 1, 2, &part, &error), WG_EINDEX);
    ERROR_IS(&error, WG_EINDEX, "wg_data_columns: 2 columns from 1 of 2", NULL);
    wg_data_free(&d);
}

static wg_status read_some(void *name, wg_error *error)
{
    wg_data d;
    wg_status status = wg_data_read(name, NULL, &d, error);

    wg_data_free(&d);
    return status;
}

static void survives_lack_of_memory(void)
{
    char npy[] = "t.npy", csv[] = "t.csv";

    temp_enter();
    put_npy(npy, 1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 1)}", "\0\0\0\0\0\0\0\0",
            8);
    gate_every_allocation(read_some, npy, "npy");
    put(csv, "a,b\n1,2\n", 8);
    gate_every_allocation(read_some, csv, "csv");
}

/* ---- batches ---- */

static void batches(void)
{
    wg_batches_options o = { .batchsize = 4, .seed = 3, .validation = 0.25 };
    int seen[14] = { 0 };
    wg_error error = { 0 };
    wg_batches *b = wg_batches_new(14, &o, &error), *again;
    const int64_t *rows, *kept;
    int64_t n, n_kept, first[10], differ = 0;

    REQUIRE(b != NULL);
    kept = wg_batches_validation(b, &n_kept);
    EQ_INT(n_kept, 4); /* 3.5 rounded up */
    for (int k = 0; k < n_kept; k++) {
        CHECK(k == 0 || kept[k] > kept[k - 1]);
        seen[kept[k]]++;
    }
    EQ_INT(wg_batches_count(b), 3);
    EQ_INT(wg_batches_examples(b), 10);
    for (int i = 0; i < 3; i++) {
        rows = wg_batches_rows(b, 5, i, &n);
        EQ_INT(n, i < 2 ? 4 : 2);
        for (int k = 0; k < n; k++) {
            first[4 * i + k] = rows[k];
            seen[rows[k]]++;
        }
    }
    for (int k = 0; k < 14; k++) EQ_INT(seen[k], 1);
    /* Another object, asked for the second batch alone, after another epoch. */
    again = wg_batches_new(14, &o, NULL);
    rows = wg_batches_rows(again, 4, 0, &n);
    for (int k = 0; k < 4; k++) differ += rows[k] != first[k];
    CHECK(differ > 0);
    rows = wg_batches_rows(again, 5, 1, &n);
    SAME_BITS(rows, first + 4, 4 * sizeof *rows);
    CHECK(wg_batches_rows(b, 0, 3, &n) == NULL && n == 0);
    wg_batches_free(again);
    wg_batches_free(b);
    o = (wg_batches_options){ .batchsize = 4, .in_order = true, .drop_last = true };
    b = wg_batches_new(10, &o, NULL);
    EQ_INT(wg_batches_count(b), 2);
    EQ_INT(wg_batches_examples(b), 8);
    rows = wg_batches_rows(b, 1, 1, &n);
    CLOSE(rows, ((const int64_t[]){ 4, 5, 6, 7 }), 4, 0, 0);
    CHECK(wg_batches_validation(b, &n) == NULL && n == 0);
    wg_batches_free(b);
    CHECK(wg_batches_new(3, &o, &error) == NULL);
    ERROR_IS(&error, WG_EARG, "wg_batches_new: 3 examples, 0 kept apart, make no batch of 4", NULL);
    error = (wg_error){ 0 };
    o.validation = 1;
    CHECK(wg_batches_new(8, &o, &error) == NULL);
    ERROR_IS(&error, WG_EARG, "wg_batches_new: validation is 1, wanted a share from 0 to below 1",
             NULL);
    error = (wg_error){ 0 };
    o.batchsize = 0;
    CHECK(wg_batches_new(8, &o, &error) == NULL);
    ERROR_IS(&error, WG_EARG, "wg_batches_new: batchsize is 0, wanted 1 or more", NULL);
}

TESTS(TEST(reads_every_type), TEST(turns_fortran_order), TEST(writes_what_it_reads),
      TEST(refuses_bad_headers), TEST(refuses_other_lengths), TEST(told_by_content),
      TEST(takes_and_converts), TEST(survives_lack_of_memory), TEST(batches))
