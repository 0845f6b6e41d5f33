/*
 * test_replay.c: the fuzz harnesses without a fuzzer: over the bad files, and over thousands of cut and bent
 * copies of sound ones. A fault aborts.
 */
#include <dirent.h>
#include <zlib.h>

#include "harness.h"

#define LLVMFuzzerTestOneInput fuzz_json
#include "fuzz_json.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_tensors
#include "fuzz_tensors.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_data
#include "fuzz_data.c"
#undef LLVMFuzzerTestOneInput

typedef int harness_fn(const uint8_t *data, size_t size);

static uint64_t next(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

static int replay_folder(const char *folder, harness_fn *run)
{
    static uint8_t data[1 << 16];
    DIR *all = opendir(folder);
    int n = 0;

    for (struct dirent *d; all && (d = readdir(all));) {
        char path[512];
        FILE *f;

        snprintf(path, sizeof path, "%s/%s/input", folder, d->d_name);
        f = fopen(path, "rb");
        if (!f) continue;
        run(data, fread(data, 1, sizeof data, f));
        fclose(f);
        n++;
    }
    if (all) closedir(all);
    return n;
}

static void bad_files(void)
{
    CHECK(replay_folder("bad_json", fuzz_json) > 100);
    CHECK(replay_folder("bad_tensors", fuzz_tensors) > 40);
}

/* Up to four changes of a kind that text and headers suffer: a byte, a digit, a run removed, doubled or moved. */
static size_t bend(uint8_t *to, const uint8_t *from, size_t n, uint64_t *seed)
{
    static const char often[] = "0123456789-.e\",:[]{}ntf \\u";
    int changes = 1 + (int)(next(seed) % 4);

    memcpy(to, from, n);
    while (changes-- > 0 && n > 8) {
        size_t at = next(seed) % n, run = 1 + next(seed) % 16, other = next(seed) % n;

        if (run > n - at) run = n - at;
        switch (next(seed) % 6) {
        case 0:
            to[at] = (uint8_t)next(seed);
            break;
        case 1:
            to[at] = (uint8_t)often[next(seed) % (sizeof often - 1)];
            break;
        case 2:
            to[at] ^= (uint8_t)(1u << next(seed) % 8);
            break;
        case 3:
            memmove(to + at, to + at + run, n - at - run);
            n -= run;
            break;
        case 4:
            memmove(to + at + run, to + at, n - at);
            n += run;
            break;
        default:
            if (other + run <= n) memmove(to + at, to + other, run);
            break;
        }
    }
    return next(seed) % 16 ? n : next(seed) % (n + 1);
}

static wg_params *make_store(void)
{
    wg_params *w = wg_params_new(WG_F32, 5);

    wg_params_add(w, "W", WG_F32, WG_SHAPE(3, 2), true, NULL, NULL);
    wg_params_add(w, "deep/er/b", WG_F64, WG_SHAPE(2), true, NULL, NULL);
    wg_params_add(w, "m", WG_BOOL, WG_SHAPE(3), false, NULL, NULL);
    wg_params_add(w, "empty", WG_F32, WG_SHAPE(0, 7), false, NULL, NULL);
    wg_params_fill_normal(w, "W", 0, 1, NULL);
    return w;
}

static wg_graph *make_graph(const wg_params *w)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *weight = wg_param_leaf(g, w, "W"), *y;

    wg_begin(g, "train", WG_TRAIN);
    wg_scope_begin(g, "layer");
    y = wg_name(wg_permute(weight, WG_AXES(1, 0)), "Wt");
    wg_scope_end(g);
    wg_output("y", wg_gather(y, wg_constant(g, WG_I64_ARRAY(((const int64_t[]){ 1, 0 }), 2)), 0));
    wg_update("W", wg_reshape(wg_flip(weight, WG_AXES(0, -1)), WG_SHAPE(0, -1)));
    wg_end(g);
    wg_begin(g, "predict", WG_PREDICT);
    wg_output("z", wg_squeeze(wg_slice_axis(y, 0, 0, 1, 1), WG_AXES(0)));
    wg_end(g);
    wg_metadata_set(g, "author", "nobody");
    return g;
}

static void bent_copies(harness_fn *run, const void *whole, size_t n, int copies, uint64_t seed)
{
    uint8_t *bent = malloc(n + 64);

    run(whole, n);
    for (int i = 0; i < copies; i++) run(bent, bend(bent, whole, n, &seed));
    free(bent);
    CHECK(copies > 0);
}

static void bent_programs(void)
{
    wg_params *w = make_store();
    wg_graph *g = make_graph(w);
    wg_error error = { 0 };
    char *text;
    size_t n;

    NO_ERROR(wg_graph_error(g));
    REQUIRE(wg_save_text(g, w, NULL, &text, &n, &error) == WG_OK);
    bent_copies(fuzz_json, text, n, getenv("WENGERT_SLOW") ? 300 : 20000, 77);
    wg_free(text);
    wg_graph_free(g);
    wg_params_free(w);
}

static void bent_stores(void)
{
    wg_params *w = make_store();
    void *data;
    size_t n;

    REQUIRE(wg_params_save_buffer(w, NULL, &data, &n, NULL) == WG_OK);
    bent_copies(fuzz_tensors, data, n, getenv("WENGERT_SLOW") ? 300 : 20000, 78);
    wg_free(data);
    wg_params_free(w);
}

/* Each kind of data file, plain and compressed. */
static void bent_data(void)
{
    static const char npy[] =
        "\x93NUMPY\1\0\x3a\0{'descr': '<f4', 'fortran_order': True, 'shape': (2, 1), }"
        "\0\0\x80\x3f\0\0\0\x40";
    static const char idx[] = "\0\0\10\2\0\0\0\2\0\0\0\2\1\2\3";
    static const char csv[] = "a,\"b\"\n1,-2.5e3\n# no\nnan,inf\n\"3\",4\n";
    const struct {
        const char *bytes;
        size_t n;
    } whole[] = { { npy, sizeof npy - 1 }, { idx, sizeof idx }, { csv, sizeof csv - 1 } };
    int copies = getenv("WENGERT_SLOW") ? 100 : 4000;

    for (int i = 0; i < 3; i++) {
        unsigned char packed[300];
        FILE *f = tmpfile();
        gzFile gz = gzdopen(dup(fileno(f)), "wb");
        size_t n;

        gzwrite(gz, whole[i].bytes, (unsigned)whole[i].n);
        gzclose(gz);
        rewind(f);
        n = fread(packed, 1, sizeof packed, f);
        fclose(f);
        CHECK(n > whole[i].n / 2);
        bent_copies(fuzz_data, whole[i].bytes, whole[i].n, copies, 79 + (uint64_t)i);
        bent_copies(fuzz_data, packed, n, copies, 82 + (uint64_t)i);
    }
}

TESTS(TEST(bad_files), TEST(bent_programs), TEST(bent_stores), TEST(bent_data))
