/* test_data.c: idx files, good and bad, plain and compressed; batches of them. */
#include "harness.h"
#include "temp.h"

#include <wengert/data.h>
#include <zlib.h>

/* 3 examples of 2 x 2. */
static const unsigned char good[] = { 0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0,  2,  0,  0,
                                      0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 10, 20, 30, 255 };

static void put(const char *name, const void *bytes, size_t n)
{
    FILE *f = fopen(name, "wb");

    CHECK(f != NULL);
    CHECK(fwrite(bytes, 1, n, f) == n);
    CHECK(fclose(f) == 0);
}

static size_t put_gz(const char *name, const void *bytes, size_t n)
{
    gzFile f = gzopen(name, "wb");
    unsigned char back[4096];
    size_t size;
    FILE *file;

    CHECK(gzwrite(f, bytes, (unsigned)n) == (int)n);
    CHECK(gzclose(f) == Z_OK);
    file = fopen(name, "rb");
    size = fread(back, 1, sizeof back, file);
    fclose(file);
    return size;
}

static void reads_plain_and_compressed(void)
{
    static const char *const names[] = { "plain.idx", "packed.idx" };

    temp_enter();
    put(names[0], good, sizeof good);
    put_gz(names[1], good, sizeof good);
    for (int i = 0; i < 2; i++) {
        wg_error error = { 0 };
        wg_idx idx;

        EQ_INT(wg_idx_read(names[i], &idx, &error), WG_OK);
        NO_ERROR(&error);
        EQ_INT(idx.shape.rank, 3);
        EQ_INT(idx.shape.dim[0], 3);
        EQ_INT(idx.shape.dim[1], 2);
        EQ_INT(idx.shape.dim[2], 2);
        SAME_BITS(idx.data, good + 16, 12);
        wg_idx_free(&idx);
        CHECK(idx.data == NULL);
    }
    wg_idx_free(NULL);
}

/* More elements than one chunk of memory, and an extent of zero. */
static void reads_any_size(void)
{
    enum { ROWS = 3, COLS = 1500000 };
    unsigned char header[] = { 0, 0, 8, 2, 0, 0, 0, ROWS, 0, 0, 0, 0 };
    unsigned char *bytes = malloc(sizeof header + ROWS * COLS);
    wg_idx idx;

    temp_enter();
    header[9] = COLS >> 16;
    header[10] = (COLS >> 8) & 255;
    header[11] = COLS & 255;
    memcpy(bytes, header, sizeof header);
    for (int i = 0; i < ROWS * COLS; i++)
        bytes[sizeof header + i] = (unsigned char)(i * 7 + i / 251);
    put_gz("large.idx", bytes, sizeof header + ROWS * COLS);
    EQ_INT(wg_idx_read("large.idx", &idx, NULL), WG_OK);
    EQ_INT(idx.shape.dim[1], COLS);
    SAME_BITS(idx.data, bytes + sizeof header, ROWS * COLS);
    wg_idx_free(&idx);

    put("none.idx", (const unsigned char[]){ 0, 0, 8, 1, 0, 0, 0, 0 }, 8);
    EQ_INT(wg_idx_read("none.idx", &idx, NULL), WG_OK);
    EQ_INT(wg_shape_count(&idx.shape), 0);
    CHECK(idx.data != NULL);
    wg_idx_free(&idx);
    free(bytes);
}

/* What a file of these bytes gives: the code and the message, to the letter. */
static void refused(const void *bytes, size_t n, wg_status code, const char *message)
{
    wg_error error = { 0 };
    wg_idx idx;

    put("bad.idx", bytes, n);
    EQ_INT(wg_idx_read("bad.idx", &idx, &error), code);
    ERROR_IS(&error, code, message, NULL);
    CHECK(idx.data == NULL && idx.shape.rank == 0);
    EQ_INT(wg_idx_read("bad.idx", &idx, NULL), code);
}

#define REFUSED(code, message, ...)                                                                \
    refused((const unsigned char[]){ __VA_ARGS__ }, sizeof((unsigned char[]){ __VA_ARGS__ }),      \
            code, "wg_idx_read: bad.idx: " message)

static void refuses_what_is_no_idx_file(void)
{
    temp_enter();
    refused("", 0, WG_EFORMAT, "wg_idx_read: bad.idx: not an idx file");
    refused("text, not idx", 13, WG_EFORMAT, "wg_idx_read: bad.idx: not an idx file");
    REFUSED(WG_EFORMAT, "not an idx file", 0, 0, 8);
    REFUSED(WG_EFORMAT, "not an idx file", 0, 0, 8, 0);
    REFUSED(WG_EFORMAT, "elements of type 0x0d, wanted unsigned bytes, 0x08", 0, 0, 13, 1, 0, 0, 0,
            0);
    REFUSED(WG_EFORMAT, "rank 9, at most 8", 0, 0, 8, 9, 0, 0, 0, 1);
    REFUSED(WG_EFORMAT, "ends after 6 of 8 bytes", 0, 0, 8, 1, 0, 0);
    REFUSED(WG_EFORMAT, "ends after 2 of 3 bytes", 0, 0, 8, 1, 0, 0, 0, 3, 7, 7);
    REFUSED(WG_EFORMAT, "bytes left over after 1 elements", 0, 0, 8, 1, 0, 0, 0, 1, 7, 7);
    /* Claims four gigabytes: refused when the bytes end, not when memory does. */
    REFUSED(WG_EFORMAT, "ends after 1 of 4294967295 bytes", 0, 0, 8, 1, 255, 255, 255, 255, 7);
    REFUSED(WG_ELIMIT, "more than 4294967296 elements", 0, 0, 8, 2, 255, 255, 255, 255, 0, 0, 0, 2);
    REFUSED(WG_ELIMIT, "more than 4294967296 elements", 0, 0, 8, 3, 255, 255, 255, 255, 255, 255,
            255, 255, 255, 255, 255, 255);
}

static void refuses_damaged_compression(void)
{
    unsigned char packed[4096];
    wg_error error = { 0 };
    wg_idx idx;
    size_t n;
    FILE *f;

    temp_enter();
    n = put_gz("whole.idx", good, sizeof good);
    f = fopen("whole.idx", "rb");
    EQ_INT(fread(packed, 1, sizeof packed, f), n);
    fclose(f);
    /* Cut at every length: never read as whole, whatever the message. */
    for (size_t cut = 0; cut < n; cut++) {
        put("bad.idx", packed, cut);
        EQ_INT(wg_idx_read("bad.idx", &idx, NULL), WG_EFORMAT);
    }
    refused(packed, n - 4, WG_EFORMAT,
            "wg_idx_read: bad.idx: compressed data ends early, after 12 of 12 bytes");
    packed[n - 6] ^= 1; /* the checksum */
    refused(packed, n, WG_EFORMAT,
            "wg_idx_read: bad.idx: damaged compression: incorrect data check");

    EQ_INT(wg_idx_read("absent.idx", &idx, &error), WG_EIO);
    ERROR_IS(&error, WG_EIO, "wg_idx_read: absent.idx: No such file or directory", NULL);
    error = (wg_error){ 0 };
    EQ_INT(wg_idx_read(".", &idx, &error), WG_EIO);
    ERROR_IS(&error, WG_EIO, "wg_idx_read: .: Is a directory", NULL);
    EQ_INT(wg_idx_read(NULL, &idx, NULL), WG_EARG);
    EQ_INT(wg_idx_read("absent.idx", NULL, NULL), WG_EARG);
}

static void takes_batches(void)
{
    static const int64_t rows[] = { 2, 0 };
    float f[8];
    double d[12];
    int64_t i[4];
    wg_idx idx;

    temp_enter();
    put("good.idx", good, sizeof good);
    EQ_INT(wg_idx_read("good.idx", &idx, NULL), WG_OK);
    EQ_INT(wg_idx_take(&idx, 2, rows, 0.5, WG_F32_ARRAY(f, 2, 2, 2, 1), NULL), WG_OK);
    CLOSE(f, ((const double[]){ 5, 10, 15, 127.5, 0.5, 1, 1.5, 2 }), 8, 0, 0);
    EQ_INT(wg_idx_take(&idx, 3, NULL, 1.0 / 255, WG_F64_ARRAY(d, 3, 4), NULL), WG_OK);
    CLOSE1(d[11], 1, 1e-15, 0);
    CLOSE1(d[4], 5.0 / 255, 1e-15, 0);
    EQ_INT(wg_idx_take(&idx, 1, (const int64_t[]){ 1 }, 1, WG_I64_ARRAY(i, 4), NULL), WG_OK);
    CLOSE(i, ((const int64_t[]){ 5, 6, 7, 8 }), 4, 0, 0);
    EQ_INT(wg_idx_take(&idx, 0, NULL, 1, WG_F32_ARRAY(f, 0, 4), NULL), WG_OK);
    wg_idx_free(&idx);
}

#define REFUSED_BATCH(code, message, ...)                                                          \
    do {                                                                                           \
        wg_error error = { 0 };                                                                    \
        EQ_INT(wg_idx_take(__VA_ARGS__, &error), code);                                            \
        ERROR_IS(&error, code, "wg_idx_take: " message, NULL);                                     \
    } while (0)

static void refuses_bad_batches(void)
{
    static const int64_t past[] = { 0, 3 }, before[] = { -1, 0 };
    wg_idx idx, none = { 0 };
    float f[8];
    int64_t i[8];
    bool b[8];

    temp_enter();
    put("good.idx", good, sizeof good);
    EQ_INT(wg_idx_read("good.idx", &idx, NULL), WG_OK);
    REFUSED_BATCH(WG_EINDEX, "row 3 of 3", &idx, 2, past, 1, WG_F32_ARRAY(f, 2, 4));
    REFUSED_BATCH(WG_EINDEX, "row -1 of 3", &idx, 2, before, 1, WG_F32_ARRAY(f, 2, 4));
    REFUSED_BATCH(WG_ESHAPE, "2 rows of 4 elements do not fill f32[2 x 3]", &idx, 2, NULL, 1,
                  WG_F32_ARRAY(f, 2, 3));
    REFUSED_BATCH(WG_ESHAPE, "4611686018427387904 rows of 4 elements", &idx, INT64_C(1) << 62, NULL,
                  1, WG_F32_ARRAY(f, 0));
    REFUSED_BATCH(WG_EDTYPE, "a batch of bool, wanted f32, f64 or i64", &idx, 2, NULL, 1,
                  WG_BOOL_ARRAY(b, 2, 4));
    REFUSED_BATCH(WG_EARG, "scale 0.5 with i64, which needs 1", &idx, 2, NULL, 0.5,
                  WG_I64_ARRAY(i, 2, 4));
    REFUSED_BATCH(WG_EARG, "-1 rows", &idx, -1, NULL, 1, WG_F32_ARRAY(f, 2, 4));
    REFUSED_BATCH(WG_EARG, "to.data is NULL", &idx, 2, NULL, 1, WG_F32_ARRAY(NULL, 2, 4));
    REFUSED_BATCH(WG_EARG, "nothing was read into idx", &none, 2, NULL, 1, WG_F32_ARRAY(f, 2, 4));
    REFUSED_BATCH(WG_EARG, "nothing was read into idx", NULL, 2, NULL, 1, WG_F32_ARRAY(f, 2, 4));
    wg_idx_free(&idx);
}

/* A permutation each time, the same for the same numbers, another for another run; and over many runs
 * every element comes first about equally often. */
static void shuffles(void)
{
    enum { N = 1000, FEW = 5, RUNS = 5000 };
    int64_t a[N], b[N], first[FEW] = { 0 };
    bool seen[N] = { 0 };
    int moved = 0;

    wg_shuffled(7, 1, N, a);
    for (int i = 0; i < N; i++) {
        REQUIRE(a[i] >= 0 && a[i] < N && !seen[a[i]]);
        seen[a[i]] = true;
        moved += a[i] != i;
    }
    CHECK(moved > 9 * N / 10);
    wg_shuffled(7, 1, N, b);
    SAME_BITS(a, b, sizeof a);
    wg_shuffled(7, 2, N, b);
    CHECK(memcmp(a, b, sizeof a) != 0);
    wg_shuffled(8, 1, N, b);
    CHECK(memcmp(a, b, sizeof a) != 0);

    for (int run = 0; run < RUNS; run++) {
        wg_shuffled(1, (uint64_t)run, FEW, a);
        first[a[0]]++;
    }
    /* Five standard deviations of the binomial distribution. */
    for (int i = 0; i < FEW; i++)
        CLOSE1((double)first[i], RUNS / FEW, 0, 5 * sqrt(RUNS * 0.2 * 0.8));
    a[0] = 42;
    wg_shuffled(1, 1, 0, a);
    EQ_INT(a[0], 42);
}

/* An allocator whose n-th call fails. */
static int calls, failing;

static void *failing_alloc(void *data, size_t bytes)
{
    (void)data;
    return ++calls == failing ? NULL : malloc(bytes);
}

static void failing_release(void *data, void *p, size_t bytes)
{
    (void)data, (void)bytes;
    free(p);
}

static void survives_lack_of_memory(void)
{
    static const wg_allocator gate = { failing_alloc, failing_release, NULL };
    enum { BYTES = 3000000 };
    unsigned char *bytes = calloc(1, 8 + BYTES);
    int refusals = 0;
    wg_idx idx;

    temp_enter();
    bytes[2] = 8;
    bytes[3] = 1;
    bytes[5] = BYTES >> 16;
    bytes[6] = (BYTES >> 8) & 255;
    bytes[7] = BYTES & 255;
    put("large.idx", bytes, 8 + BYTES);
    wg_set_allocator(&gate);
    for (failing = 1;; failing++) {
        wg_error error = { 0 };

        calls = 0;
        if (wg_idx_read("large.idx", &idx, &error) == WG_OK) break;
        ERROR_IS(&error, WG_ENOMEM, "wg_idx_read: large.idx: 3000000 bytes", NULL);
        CHECK(idx.data == NULL);
        refusals++;
    }
    EQ_INT(refusals, 3); /* one, two and nearly three million bytes */
    wg_idx_free(&idx);
    wg_set_allocator(NULL);
    free(bytes);
}

TESTS(TEST(reads_plain_and_compressed), TEST(reads_any_size), TEST(refuses_what_is_no_idx_file),
      TEST(refuses_damaged_compression), TEST(takes_batches), TEST(refuses_bad_batches),
      TEST(shuffles), TEST(survives_lack_of_memory))
