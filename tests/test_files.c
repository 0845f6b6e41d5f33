/* test_files.c: programs as files: their names, what a load refuses to read, where a save refuses to write. */
#include <fcntl.h>

#include "graph/internal.h"
#include "graph/program.h"
#include "saved.h"

static bool put_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");
    bool ok = f && fwrite(text, 1, strlen(text), f) == strlen(text);

    return f && fclose(f) == 0 && ok;
}

/* Bytes of a file, as new memory. */
static char *bytes_of(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    char *text = calloc(1, 1 << 17);

    *n = f ? fread(text, 1, (1 << 17) - 1, f) : 0;
    if (f) fclose(f);
    return text;
}

/* The name of the weights that the JSON at path states. */
static void weights_of(const char *path, char name[64])
{
    size_t n;
    char *text = bytes_of(path, &n), *at_file = strstr(text, "\"file\": \"");

    name[0] = '\0';
    if (at_file) snprintf(name, 64, "%.*s", (int)strcspn(at_file + 9, "\""), at_file + 9);
    free(text);
}

/* ---- names ---- */

static void beside_and_inline(void)
{
    const char *in = folder();
    char first[64], second[64], target[64] = "", path[300], *text;
    wg_error error = { 0 };
    uint64_t sum;
    wg_checksum check;
    size_t n;

    snprintf(path, sizeof path, "%s/m.json", in);
    EQ_INT(save_step(path, 1, 0, &error), WG_OK);
    weights_of(path, first);
    EQ_INT(count_names(in, ""), 3);
    CHECK(readlink(at(in, "m.safetensors"), target, sizeof target - 1) > 0);
    EQ_STR(target, first);
    /* The name is the stem, a dash, and the XXH64 of the bytes. */
    text = bytes_of(at(in, first), &n);
    wg__checksum_begin(&check);
    wg__checksum_add(&check, text, n);
    free(text);
    CHECK(sscanf(first, "m-%16" SCNx64 ".safetensors", &sum) == 1 &&
          sum == wg__checksum_end(&check));
    EQ_INT(loaded_step(path, &error), 1);
    NO_ERROR(&error);

    EQ_INT(save_step(path, 2, 0, &error), WG_OK);
    weights_of(path, second);
    CHECK(strcmp(first, second) != 0);
    EQ_INT(count_names(in, ""), 3);
    EQ_INT(loaded_step(path, &error), 2);

    /* A copy of the JSON keeps its weights; a name that only looks like ours stays too. */
    text = bytes_of(path, &n);
    CHECK(put_file(at(in, "copy.json"), text));
    CHECK(put_file(at(in, "m-0123.safetensors"), "x") &&
          put_file(at(in, "m-0123456789abcdeg.safetensors"), "x"));
    CHECK(put_file(at(in, "mm-0123456789abcdef.safetensors"), "x") &&
          put_file(at(in, "m-0123456789abcdef.safetensors"), "x"));
    CHECK(put_file(at(in, ".m.tmp-1-0"), "x") && put_file(at(in, ".m.tmp-note"), "x"));
    free(text);
    EQ_INT(save_step(path, 3, 0, &error), WG_OK);
    EQ_INT(loaded_step(at(in, "copy.json"), &error), 2);
    EQ_INT(loaded_step(path, &error), 3);
    EQ_INT(count_names(in, ".safetensors"), 6);
    EQ_INT(count_names(in, ".m.tmp-1-0"), 0);
    EQ_INT(count_names(in, ".m.tmp-note"), 1);
    CHECK(access(at(in, "m-0123456789abcdef.safetensors"), F_OK) != 0);

    /* Inline again: no weights of its own are left, nor the link. */
    EQ_INT(save_step(path, 4, 1 << 20, &error), WG_OK);
    EQ_INT(loaded_step(path, &error), 4);
    EQ_INT(count_names(in, ".safetensors"), 4);
    CHECK(lstat(at(in, "m.safetensors"), &(struct stat){ 0 }) != 0);
    NO_ERROR(&error);
}

static void same_files_again(void)
{
    const char *in = folder();
    char path[300], name[64], *a, *b;
    wg_error error = { 0 };
    wg_program p;
    size_t n, m;

    snprintf(path, sizeof path, "%s/m.json", in);
    EQ_INT(save_step(path, 5, 0, &error), WG_OK);
    weights_of(path, name);
    a = bytes_of(path, &n);
    REQUIRE(wg_load(path, NULL, &p, &error) == WG_OK);
    EQ_INT(wg_save(path, p.graph, p.params, NULL, &error), WG_OK);
    b = bytes_of(path, &m);
    EQ_INT(m, n);
    EQ_STR(b, a);
    CHECK(access(at(in, name), F_OK) == 0);
    free(a);
    free(b);
    wg_program_free(&p);
}

/* wg_params_save to the link's name replaces the link: the program it led to stays whole. */
static void link_is_not_written_through(void)
{
    const char *in = folder();
    char path[300];
    wg_error error = { 0 };
    wg_params *w = store_of(9);
    struct stat st;

    snprintf(path, sizeof path, "%s/m.json", in);
    EQ_INT(save_step(path, 1, 0, &error), WG_OK);
    EQ_INT(wg_params_save(at(in, "m.safetensors"), w, NULL, &error), WG_OK);
    CHECK(lstat(at(in, "m.safetensors"), &st) == 0 && S_ISREG(st.st_mode));
    EQ_INT(loaded_step(path, &error), 1);
    /* The other way round: a file of one's own at the link's name stays, and the program is whole without the link. */
    EQ_INT(save_step(path, 1, 0, &error), WG_OK);
    CHECK(lstat(at(in, "m.safetensors"), &st) == 0 && S_ISREG(st.st_mode));
    EQ_INT(loaded_step(path, &error), 1);
    /* Another's link is followed, as by any program. */
    CHECK(symlink("m.json", at(in, "latest.json")) == 0);
    EQ_INT(save_step(at(in, "latest.json"), 2, 0, &error), WG_OK);
    CHECK(lstat(at(in, "latest.json"), &st) == 0 && S_ISLNK(st.st_mode));
    EQ_INT(loaded_step(path, &error), 2);
    EQ_INT(loaded_step(at(in, "latest.json"), &error), 2);
    NO_ERROR(&error);
    wg_params_free(w);
}

/* ---- what a load refuses ---- */

static void refuses(const char *path, wg_status code, const char *fmt, ...) WG_PRINTF(3, 4);
static void refuses(const char *path, wg_status code, const char *fmt, ...)
{
    char want[300];
    wg_error error = { 0 };
    size_t live = wg__live_bytes();
    va_list args;

    va_start(args, fmt);
    vsnprintf(want, sizeof want, fmt, args);
    va_end(args);
    EQ_INT(loaded_step(path, &error), -1);
    ERROR_IS(&error, code, want, NULL);
    EQ_INT(wg__live_bytes(), live);
}

static void weights_that_are_not_right(void)
{
    const char *in = folder();
    char path[300], name[64], weights[300], other[300];
    wg_error error = { 0 };
    wg_load_options alone = { .no_params = true };
    wg_program p;
    FILE *f;

    snprintf(path, sizeof path, "%s/m.json", in);
    snprintf(other, sizeof other, "%s/other", in);
    EQ_INT(save_step(path, 1, 0, &error), WG_OK);
    weights_of(path, name);
    snprintf(weights, sizeof weights, "%s/%s", in, name);
    CHECK(rename(weights, other) == 0);
    refuses(path, WG_EIO, "%s: cannot open: No such file or directory", name);
    CHECK(symlink("other", weights) == 0);
    refuses(path, WG_EIO, "%s: is a link: it might leave the folder", name);
    CHECK(unlink(weights) == 0 && link(other, weights) == 0);
    refuses(path, WG_EIO, "%s: has a second name elsewhere (a hard link): copy it", name);
    CHECK(unlink(weights) == 0 && mkdir(weights, 0777) == 0);
    refuses(path, WG_EIO, "%s: is a folder", name);
    CHECK(rmdir(weights) == 0 && mkfifo(weights, 0666) == 0);
    refuses(path, WG_EIO, "%s: is no regular file", name);
    CHECK(unlink(weights) == 0 && rename(other, weights) == 0);
    EQ_INT(loaded_step(path, &error), 1);
    /* One bit, with the size as it was. */
    f = fopen(weights, "r+b");
    REQUIRE(f != NULL);
    fseek(f, -1, SEEK_END);
    fputc(1, f);
    fclose(f);
    {
        size_t n;
        char *text = bytes_of(weights, &n);
        wg_checksum sum;

        wg__checksum_begin(&sum);
        wg__checksum_add(&sum, text, n);
        refuses(path, WG_EFORMAT, "%s: its checksum is %016" PRIx64 ", the program's %.16s", name,
                wg__checksum_end(&sum), name + 2);
        free(text);
    }
    CHECK(truncate(weights, 100) == 0);
    {
        size_t n;
        char *text = bytes_of(path, &n), *size = strstr(text, "\"bytes\": ") + 9;

        refuses(path, WG_EFORMAT, "%s: has 100 bytes, the program says %d", name, atoi(size));
        free(text);
    }
    /* Without its weights a program still opens, with zeros, when asked so. */
    REQUIRE(wg_load(path, &alone, &p, &error) == WG_OK);
    CLOSE1(wg_item(&wg_params_find(p.params, "A")->value), 0, 0, 0);
    wg_program_free(&p);
    alone.max_bytes = 20000;
    EQ_INT(wg_load(path, &alone, &p, &error), WG_ELIMIT);
    ERROR_IS(&error, WG_ELIMIT, "m.json: entry \"B\": the store has more bytes than are allowed",
             NULL);
}

/* The weights file lists what the program does not, or as another type. */
static void weights_of_another_program(void)
{
    static const char text[] =
        "{\"wengert\": 1, \"functions\": {\"f\": {\"mode\": \"predict\", \"outputs\": {\"y\": 0}, "
        "\"updates\": {}}},\n"
        "\"nodes\": [{\"op\": \"input\", \"in\": [], \"attr\": {\"name\": \"x\", \"shape\": [], "
        "\"dtype\": \"f32\"}}],\n"
        "\"store\": {\"dtype\": \"f32\", \"seed\": \"1\"}, \"weights\": {\"file\": \"w\", "
        "\"bytes\": %d, \"xxh64\": \"0000000000000000\"},\n"
        "\"params\": {%s}}\n";
    const char *in = folder();
    wg_params *w = wg__params_empty(WG_F32, 1);
    char json[1000];
    struct stat st;

    wg_params_add(w, "A", WG_F32, WG_SHAPE(2), true, NULL, NULL);
    CHECK(wg_params_save(at(in, "w"), w, NULL, NULL) == WG_OK && stat(at(in, "w"), &st) == 0);
    snprintf(json, sizeof json, text, (int)st.st_size,
             "\"A\": {\"dtype\": \"f64\", \"shape\": [2], \"trainable\": true}");
    put_file(at(in, "p.json"), json);
    refuses(at(in, "p.json"), WG_EFORMAT,
            "p.json: entry \"A\": f64[2], in the weights file f32[2]");
    snprintf(json, sizeof json, text, (int)st.st_size,
             "\"B\": {\"dtype\": \"f32\", \"shape\": [2], \"trainable\": true}");
    put_file(at(in, "p.json"), json);
    refuses(at(in, "p.json"), WG_EFORMAT,
            "p.json: entry \"B\": the weights file has no such tensor");
    snprintf(json, sizeof json, text, (int)st.st_size, "");
    put_file(at(in, "p.json"), json);
    refuses(at(in, "p.json"), WG_EFORMAT, "p.json: tensor \"A\" of the weights file is no entry");
    snprintf(json, sizeof json, text, (int)st.st_size,
             "\"A\": {\"dtype\": \"f32\", \"shape\": [2], \"trainable\": true, \"data\": [1, 2]}");
    put_file(at(in, "p.json"), json);
    refuses(at(in, "p.json"), WG_EFORMAT, "p.json: entry \"A\": 'data' beside a weights file");
    snprintf(json, sizeof json, text, (int)st.st_size,
             "\"A\": {\"dtype\": \"f32\", \"shape\": [2], \"trainable\": true}");
    put_file(at(in, "p.json"), json);
    {
        char name[64];
        wg_checksum sum;
        size_t n;
        char *bytes = bytes_of(at(in, "w"), &n);

        wg__checksum_begin(&sum);
        wg__checksum_add(&sum, bytes, n);
        snprintf(name, sizeof name, "%016" PRIx64, wg__checksum_end(&sum));
        refuses(at(in, "p.json"), WG_EFORMAT,
                "w: its checksum is %s, the program's 0000000000000000", name);
        free(bytes);
    }
    wg_params_free(w);
}

static void files_that_are_not_there(void)
{
    const char *in = folder();
    wg_load_options small = { .max_bytes = 100 };
    wg_error error = { 0 };
    wg_program p;

    refuses(at(in, "absent.json"), WG_EIO, "absent.json: cannot open: No such file or directory");
    CHECK(mkdir(at(in, "folder.json"), 0777) == 0);
    refuses(at(in, "folder.json"), WG_EIO, "folder.json: is a folder");
    CHECK(mkfifo(at(in, "pipe.json"), 0666) == 0);
    refuses(at(in, "pipe.json"), WG_EIO, "pipe.json: is no regular file");
    EQ_INT(save_step(at(in, "m.json"), 1, 0, NULL), WG_OK);
    EQ_INT(wg_load(at(in, "m.json"), &small, &p, &error), WG_ELIMIT);
    CHECK(strstr(error.text, "m.json: has ") == error.text &&
          strstr(error.text, " bytes, more than the 100 allowed") != NULL);
    put_file(at(in, "none.json"), "");
    refuses(at(in, "none.json"), WG_EFORMAT, "none.json: is empty");
}

/* ---- what a save refuses ---- */

static void save_refuses(const char *path, const char *message)
{
    wg_error error = { 0 };

    EQ_INT(save_step(path, 7, 0, &error), WG_EIO);
    ERROR_IS(&error, WG_EIO, message, NULL);
}

static void places_that_cannot_be_written(void)
{
    const char *in = folder();
    char long_name[400], path[600];

    save_refuses("", ": the path is empty");
    save_refuses("/nowhere/at/all.json",
                 "all.json: cannot open its folder: No such file or directory");
    save_refuses("/dev/null/m.json", "m.json: cannot open its folder: Not a directory");
    save_refuses(at(in, "."), ".: is a folder");
    CHECK(mkdir(at(in, "d.json"), 0777) == 0);
    save_refuses(at(in, "d.json"), "d.json: is a folder");
    CHECK(mkdir(at(in, "e.safetensors"), 0777) == 0);
    save_refuses(at(in, "e.json"), "e.safetensors: is a folder");
    memset(long_name, 'n', sizeof long_name);
    long_name[399] = '\0';
    snprintf(path, sizeof path, "%s/%s", in, long_name);
    save_refuses(path, "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn...: cannot "
                       "write: File name too long");
    EQ_INT(count_names(in, ""), 2);
    save_refuses("/dev/full", "full: cannot write: No space left on device");
    CHECK(lstat("/dev/full", &(struct stat){ 0 }) == 0);
    EQ_INT(save_step("/dev/null", 1, 0, NULL), WG_OK);
    EQ_INT(wg_save(NULL, NULL, NULL, NULL, NULL), WG_EARG);
}

/* A program called as the stem alone lies beside one with the ending: its weights are not swept away. */
static void stem_alone(void)
{
    const char *in = folder();

    EQ_INT(save_step(at(in, "m"), 1, 0, NULL), WG_OK);
    EQ_INT(save_step(at(in, "m.json"), 2, 0, NULL), WG_OK);
    EQ_INT(save_step(at(in, "m.json"), 3, 0, NULL), WG_OK);
    EQ_INT(loaded_step(at(in, "m"), NULL), 1);
    EQ_INT(loaded_step(at(in, "m.json"), NULL), 3);
    EQ_INT(save_step(at(in, "m"), 4, 0, NULL), WG_OK);
    EQ_INT(loaded_step(at(in, "m.json"), NULL), 3);
    EQ_INT(count_names(in, ".safetensors"), 3);
}

static void child_without_rights(const char *path)
{
    wg_error error = { 0 };

    if (geteuid() == 0 && setuid(65534) != 0) _exit(98);
    _exit(save_step(path, 2, 0, &error) == WG_EIO &&
                  strstr(error.text, "m.json: cannot write: Permission denied")
              ? 7
              : 8);
}

static void folder_without_rights(void)
{
    const char *in = folder();

    EQ_INT(save_step(at(in, "m.json"), 1, 0, NULL), WG_OK);
    CHECK(chmod(in, 0555) == 0 && chmod(temp_dir(), 0755) == 0);
    EQ_INT(in_child(child_without_rights, at(in, "m.json")), 7);
    EQ_INT(loaded_step(at(in, "m.json"), NULL), 1);
    CHECK(chmod(in, 0755) == 0);
}

TESTS(TEST(beside_and_inline), TEST(same_files_again), TEST(link_is_not_written_through),
      TEST(weights_that_are_not_right), TEST(weights_of_another_program),
      TEST(files_that_are_not_there), TEST(places_that_cannot_be_written),
      TEST(folder_without_rights), TEST(stem_alone))
