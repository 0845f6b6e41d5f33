/* test_tensors.c: stores as safetensors: the bytes to the letter, modes, prefixes, checksums, bad files. */
#include <dirent.h>
#include <sys/stat.h>
#include <wengert.h>

#include "graph/internal.h"
#include "graph/program.h"
#include "harness.h"
#include "temp.h"

static wg_params *small_store(void)
{
    wg_params *w = wg_params_new(WG_F32, 1);

    wg_params_add(w, "W", WG_F32, WG_SHAPE(2, 2), true, NULL, NULL);
    wg_params_add(w, "n", WG_I64, WG_SHAPE_SCALAR, true, NULL, NULL);
    wg_params_add(w, "m", WG_BOOL, WG_SHAPE(3), true, NULL, NULL);
    return w;
}

/* ---- the checksum, against published values ---- */

static uint64_t sum_of(const char *s, size_t n, size_t step)
{
    wg_checksum sum;

    wg__checksum_begin(&sum);
    for (size_t i = 0; i < n; i += step) wg__checksum_add(&sum, s + i, n - i < step ? n - i : step);
    return wg__checksum_end(&sum);
}

static void checksum_is_xxh64(void)
{
    static const char text[] = "Nobody inspects the spammish repetition";
    char long_text[1000];

    for (size_t i = 0; i < sizeof long_text; i++) long_text[i] = (char)(i * 7);
    CHECK(sum_of("", 0, 1) == 0xef46db3751d8e999u);
    CHECK(sum_of("a", 1, 1) == 0xd24ec4f1a98c6e5bu);
    CHECK(sum_of("abc", 3, 3) == 0x44bc2cf5ad770999u);
    CHECK(sum_of(text, strlen(text), strlen(text)) == 0xfbcea83c8a378bf1u);
    for (size_t step = 1; step < 100; step++)
        CHECK(sum_of(long_text, sizeof long_text, step) ==
              sum_of(long_text, sizeof long_text, sizeof long_text));
}

/* ---- a file made by hand after the format's description ---- */

static const char hand_header[] =
    "{\"__metadata__\":{\"format\":\"wengert\"},"
    "\"n\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
    "\"W\":{\"dtype\":\"F32\",\"shape\":[2, 2],\"data_offsets\":[8,24]},"
    "\"m\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[24,27]}}";
static const unsigned char hand_elements[] = {
    0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, /* -2 */
    0,    0,    0x80, 0x3f, 0,    0,    0,    0x80,
    0,    0,    0x80, 0x7f, 0,    0,    0xc0, 0xff, /* 1, -0, inf, -nan */
    1,    0,    1
};

static size_t by_hand(unsigned char *to)
{
    size_t n = strlen(hand_header), padded = (n + 7) / 8 * 8;

    memset(to, 0, 8);
    to[0] = (unsigned char)padded;
    to[1] = (unsigned char)(padded >> 8);
    memcpy(to + 8, hand_header, n);
    memset(to + 8 + n, ' ', padded - n);
    memcpy(to + 8 + padded, hand_elements, sizeof hand_elements);
    return 8 + padded + sizeof hand_elements;
}

static void bytes_to_the_letter(void)
{
    static const uint32_t W[] = { 0x3f800000, 0x80000000, 0x7f800000, 0xffc00000 };
    unsigned char want[600];
    size_t n = by_hand(want), length = 0;
    wg_params *w = wg__params_empty(WG_F32, 1), *v = wg__params_empty(WG_F32, 1);
    wg_error error = { 0 };
    void *data = NULL;
    int loaded;

    wg_params_add(w, "m", WG_BOOL, WG_SHAPE(3), true, NULL, NULL);
    wg_params_add(w, "W", WG_F32, WG_SHAPE(2, 2), true, NULL, NULL);
    wg_params_add(w, "n", WG_I64, WG_SHAPE_SCALAR, true, NULL, NULL);
    wg_params_set(w, "m", WG_BOOL_ARRAY(((bool[]){ true, false, true }), 3), NULL);
    wg_params_set(w, "n", wg_array_of(WG_I64, WG_SHAPE_SCALAR, &(int64_t){ -2 }), NULL);
    memcpy(wg_params_find(w, "W")->value.data, W, sizeof W);
    EQ_INT(wg_params_save_buffer(w, NULL, &data, &length, &error), WG_OK);
    EQ_INT(length, n);
    SAME_BITS(data, want, length < n ? length : n);

    wg_params_add(v, "W", WG_F32, WG_SHAPE(2, 2), true, NULL, NULL);
    wg_params_add(v, "n", WG_I64, WG_SHAPE_SCALAR, true, NULL, NULL);
    wg_params_add(v, "m", WG_BOOL, WG_SHAPE(3), true, NULL, NULL);
    EQ_INT(wg_params_load_buffer(want, n, v, WG_LOAD_STRICT, NULL, NULL, &loaded, &error), WG_OK);
    NO_ERROR(&error);
    EQ_INT(loaded, 3);
    SAME_BITS(wg_params_find(v, "W")->value.data, W, sizeof W);
    EQ_INT(*(int64_t *)wg_params_find(v, "n")->value.data, -2);
    wg_free(data);
    wg_params_free(v);
    wg_params_free(w);
}

static void empty_and_zero_size(void)
{
    wg_params *w = wg__params_empty(WG_F32, 1);
    wg_error error = { 0 };
    void *data;
    size_t n;
    int loaded = -1;

    EQ_INT(wg_params_save_buffer(w, NULL, &data, &n, &error), WG_OK);
    EQ_INT(wg_params_load_buffer(data, n, w, WG_LOAD_STRICT, NULL, NULL, &loaded, &error), WG_OK);
    EQ_INT(loaded, 0);
    wg_free(data);
    wg_params_add(w, "none", WG_F64, WG_SHAPE(3, 0, 5), true, NULL, NULL);
    wg_params_add(w, "also none", WG_F64, WG_SHAPE(0), true, NULL, NULL);
    EQ_INT(wg_params_save_buffer(w, NULL, &data, &n, &error), WG_OK);
    EQ_INT(wg_params_load_buffer(data, n, w, WG_LOAD_STRICT, NULL, NULL, &loaded, &error), WG_OK);
    EQ_INT(loaded, 2);
    NO_ERROR(&error);
    wg_free(data);
    wg_params_free(w);
}

/* ---- modes and prefixes ---- */

static wg_params *store_of(int n, const char *const *names, double value)
{
    wg_params *w = wg__params_empty(WG_F32, 1);

    for (int i = 0; i < n; i++) {
        wg_params_add(w, names[i], WG_F32, WG_SHAPE(2), true, NULL, NULL);
        wg_params_fill(w, names[i], value + i, NULL);
    }
    return w;
}

static double value_of(const wg_params *w, const char *name)
{
    return wg_item(&wg_params_find(w, name)->value);
}

#define STORE(value, ...)                                                                          \
    store_of(WG_N_ARGS(const char *, __VA_ARGS__), (const char *const[]){ __VA_ARGS__ }, value)

/* Loads what `from` holds into w; the store must be untouched when it fails. */
static wg_status move(const wg_params *from, const char *below, wg_params *w, wg_load_mode mode,
                      const char *old, const char *new, int *loaded, wg_error *error)
{
    wg_params *before = wg_params_copy(w, WG_N_DTYPES);
    void *data;
    size_t n;
    wg_status status;

    *error = (wg_error){ 0 };
    if (!CHECK(wg_params_save_buffer(from, below, &data, &n, error) == WG_OK)) return WG_EARG;
    status = wg_params_load_buffer(data, n, w, mode, old, new, loaded, error);
    for (int i = 0; status != WG_OK && i < wg_params_count(w); i++)
        SAME_BITS(wg_params_at(w, i)->value.data, wg_params_at(before, i)->value.data,
                  wg_type_bytes(&wg_params_at(w, i)->value.type));
    wg_free(data);
    wg_params_free(before);
    return status;
}

static void strict_and_partial(void)
{
    wg_params *a = STORE(1, "x", "y"), *b = STORE(10, "y", "z"), *c = STORE(20, "y", "x", "z");
    wg_error error;
    int n;

    EQ_INT(move(a, NULL, b, WG_LOAD_STRICT, NULL, NULL, &n, &error), WG_ENAME);
    ERROR_IS(&error, WG_ENAME, "buffer: tensor \"x\": the store has no entry \"x\"", NULL);
    EQ_INT(n, 0);
    EQ_INT(move(a, NULL, c, WG_LOAD_STRICT, NULL, NULL, &n, &error), WG_ENAME);
    ERROR_IS(&error, WG_ENAME, "buffer: has no tensor for the store's \"z\"", NULL);
    EQ_INT(move(a, NULL, b, WG_LOAD_PARTIAL, NULL, NULL, &n, &error), WG_OK);
    EQ_INT(n, 1);
    CLOSE1(value_of(b, "y"), 2, 0, 0);
    CLOSE1(value_of(b, "z"), 11, 0, 0);
    EQ_INT(move(a, NULL, c, WG_LOAD_PARTIAL, NULL, NULL, &n, &error), WG_OK);
    EQ_INT(n, 2);
    wg_params_free(a);
    wg_params_free(b);
    wg_params_free(c);
    a = STORE(1, "x");
    b = wg__params_empty(WG_F32, 1);
    wg_params_add(b, "x", WG_F64, WG_SHAPE(2), true, NULL, NULL);
    EQ_INT(move(a, NULL, b, WG_LOAD_PARTIAL, NULL, NULL, &n, &error), WG_EDTYPE);
    ERROR_IS(&error, WG_EDTYPE, "buffer: tensor \"x\" is f32[2], the store's \"x\" f64[2]", NULL);
    wg_params_free(a);
    wg_params_free(b);
}

static void prefixes(void)
{
    wg_params *a = STORE(1, "enc/W", "enc/b", "encore", "enc", "dec/W");
    wg_params *b = STORE(10, "new/W", "new/b", "other");
    wg_params *same = STORE(20, "enc/W", "enc/b", "enc");
    wg_error error;
    int n;

    /* Below a name: the name itself and what follows a slash. */
    EQ_INT(move(a, "enc", same, WG_LOAD_STRICT, NULL, NULL, &n, &error), WG_OK);
    EQ_INT(n, 3);
    CLOSE1(value_of(same, "enc"), 4, 0, 0);
    EQ_INT(move(a, "enc/", b, WG_LOAD_STRICT, "enc/", "new/", &n, &error), WG_OK);
    EQ_INT(n, 2);
    CLOSE1(value_of(b, "new/b"), 2, 0, 0);
    CLOSE1(value_of(b, "other"), 12, 0, 0);
    EQ_INT(move(a, "enc", b, WG_LOAD_STRICT, "enc/", "new/", &n, &error), WG_ENAME);
    ERROR_IS(&error, WG_ENAME, "buffer: tensor \"enc\": the store has no entry \"enc\"", NULL);
    EQ_INT(move(b, "new/", a, WG_LOAD_PARTIAL, "new", "dec", &n, &error), WG_OK);
    EQ_INT(n, 1);
    CLOSE1(value_of(a, "dec/W"), 1, 0, 0);
    wg_params_free(b);
    b = STORE(10, "top/enc/W", "top/enc/b");
    EQ_INT(move(a, "enc/", b, WG_LOAD_STRICT, NULL, "top/", &n, &error), WG_OK);
    EQ_INT(n, 2);
    wg_params_free(b);
    b = STORE(10, "W", "b");
    EQ_INT(move(a, "enc/", b, WG_LOAD_STRICT, "enc/", NULL, &n, &error), WG_OK);
    EQ_INT(n, 2);
    wg_params_free(b);
    b = STORE(10, "dec/W");
    EQ_INT(move(a, NULL, b, WG_LOAD_PARTIAL, "enc/", "dec/", &n, &error), WG_ENAME);
    ERROR_IS(&error, WG_ENAME, "buffer: tensors \"dec/W\" and \"enc/W\" both go to \"dec/W\"",
             NULL);
    error = (wg_error){ 0 };
    EQ_INT(wg_params_save_buffer(a, "nothing", &(void *){ NULL }, &(size_t){ 0 }, &error),
           WG_ENAME);
    ERROR_IS(&error, WG_ENAME, "buffer: the store has no entry below \"nothing\"", NULL);
    wg_params_free(same);
    wg_params_free(b);
    wg_params_free(a);
}

/* ---- files ---- */

static void saves_and_loads_files(void)
{
    wg_params *w = small_store(), *v = small_store(), *odd = STORE(1, "__metadata__");
    wg_error error = { 0 };
    struct stat st;
    char path[600];
    int n;

    wg_params_fill(w, "W", 0.1, NULL);
    snprintf(path, sizeof path, "%s/w.safetensors", temp_dir());
    for (int i = 0; i < 3; i++) EQ_INT(wg_params_save(path, w, NULL, &error), WG_OK);
    EQ_INT(wg_params_load(path, v, WG_LOAD_STRICT, NULL, NULL, &n, &error), WG_OK);
    NO_ERROR(&error);
    EQ_INT(n, 5);
    SAME_BITS(wg_params_find(v, "W")->value.data, wg_params_find(w, "W")->value.data, 16);
    CHECK(lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1);
    EQ_INT(wg_params_save(path, odd, NULL, &error), WG_ENAME);
    ERROR_IS(&error, WG_ENAME, "w.safetensors: no entry may be called __metadata__", NULL);
    error = (wg_error){ 0 };
    EQ_INT(wg_params_load(temp_dir(), v, WG_LOAD_STRICT, NULL, NULL, NULL, &error), WG_EIO);
    CHECK(strstr(error.text, ": is a folder") != NULL);
    error = (wg_error){ 0 };
    EQ_INT(wg_params_save(temp_dir(), v, NULL, &error), WG_EIO);
    CHECK(strstr(error.text, ": is a folder") != NULL);
    error = (wg_error){ 0 };
    EQ_INT(wg_params_load("absent.safetensors", v, WG_LOAD_STRICT, NULL, NULL, NULL, &error),
           WG_EIO);
    ERROR_IS(&error, WG_EIO, "absent.safetensors: cannot open: No such file or directory", NULL);
    error = (wg_error){ 0 };
    EQ_INT(wg_params_save("/nowhere/at/all/w.safetensors", v, NULL, &error), WG_EIO);
    ERROR_IS(&error, WG_EIO, "w.safetensors: cannot open its folder: No such file or directory",
             NULL);
    EQ_INT(wg_params_save(NULL, v, NULL, NULL), WG_EARG);
    EQ_INT(wg_params_load(NULL, v, WG_LOAD_STRICT, NULL, NULL, NULL, NULL), WG_EARG);
    EQ_INT(wg_params_save_buffer(v, NULL, NULL, NULL, NULL), WG_EARG);
    EQ_INT(wg_params_load_buffer(NULL, 0, v, WG_LOAD_STRICT, NULL, NULL, NULL, NULL), WG_EARG);
    wg_params_free(odd);
    wg_params_free(v);
    wg_params_free(w);
}

/* ---- bad files: each folder of bad_tensors holds an input and what must be said of it ---- */

static size_t read_file(const char *path, char *to, size_t most)
{
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(to, 1, most - 1, f) : 0;

    if (f) fclose(f);
    to[n] = '\0';
    return n;
}

static void check_bad(const char *folder)
{
    static char data[8192];
    char path[600], want[400] = "", got[400];
    wg_params *w = small_store();
    wg_error error = { 0 };
    size_t n, live = wg__live_bytes();
    int loaded = -1;

    snprintf(path, sizeof path, "%s/error", folder);
    n = read_file(path, want, sizeof want);
    if (n > 0 && want[n - 1] == '\n') want[n - 1] = '\0';
    snprintf(path, sizeof path, "%s/input", folder);
    wg_params_load(path, w, WG_LOAD_PARTIAL, NULL, NULL, &loaded, &error);
    snprintf(got, sizeof got, "%s\n%s", wg_status_name(error.code), error.text);
    if (!EQ_STR(got, want)) fprintf(stderr, "    in %s\n", folder);
    EQ_INT(loaded, 0);
    n = read_file(path, data, sizeof data);
    error = (wg_error){ 0 };
    wg_params_load_buffer(data, n, w, WG_LOAD_PARTIAL, NULL, NULL, &loaded, &error);
    EQ_STR(error.text + strlen("buffer: "), strchr(want, '\n') + strlen("\ninput: "));
    CLOSE((float *)wg_params_find(w, "W")->value.data, ((float[]){ 0, 0, 0, 0 }), 4, 0, 0);
    EQ_INT(wg__live_bytes(), live);
    wg_params_free(w);
}

static void bad_files(void)
{
    DIR *all = opendir("bad_tensors");
    int n = 0;

    REQUIRE(all != NULL);
    for (struct dirent *d; (d = readdir(all));) {
        char path[512];

        if (d->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "bad_tensors/%s", d->d_name);
        check_bad(path);
        n++;
    }
    closedir(all);
    CHECK(n >= 50);
}

/* A file cut anywhere, or with any bit of its header turned, is refused or loads a legal value; never more than that. */
static void cut_or_bent(void)
{
    unsigned char whole[600], bent[600];
    size_t n = by_hand(whole), live, header = n - sizeof hand_elements;
    wg_params *w = small_store();
    int accepted = 0;

    live = wg__live_bytes();
    for (size_t cut = 0; cut < n; cut++)
        accepted +=
            wg_params_load_buffer(whole, cut, w, WG_LOAD_PARTIAL, NULL, NULL, NULL, NULL) == WG_OK;
    EQ_INT(accepted, 0);
    for (size_t bit = 0; bit < header * 8; bit++) {
        int loaded;
        wg_status status;

        memcpy(bent, whole, n);
        bent[bit / 8] ^= (unsigned char)(1 << bit % 8);
        status = wg_params_load_buffer(bent, n, w, WG_LOAD_PARTIAL, NULL, NULL, &loaded, NULL);
        accepted += status == WG_OK && loaded == 3;
    }
    /* Turned bits in the padding, in the metadata's strings. */
    CHECK(accepted < 200);
    EQ_INT(wg__live_bytes(), live);
    wg_params_free(w);
}

TESTS(TEST(checksum_is_xxh64), TEST(bytes_to_the_letter), TEST(empty_and_zero_size),
      TEST(strict_and_partial), TEST(prefixes), TEST(saves_and_loads_files), TEST(bad_files),
      TEST(cut_or_bent))
