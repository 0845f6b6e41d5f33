/* test_train_show.c: what a run tells: lines, a bar on a terminal, JSON lines. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "harness.h"
#include "temp.h"
#include "train_world.h"

static world o;

/* Digits become 9, one for any number of them, and a sign goes: "9/9 loss 9.9". */
static void mask(char *text)
{
    char *to = text;

    for (const char *at = text; *at; at++) {
        bool digit = *at >= '0' && *at <= '9';

        if (digit && to > text && to[-1] == '9') continue;
        if ((*at == '-' || *at == '+') && at[1] >= '0' && at[1] <= '9') continue;
        *to++ = digit ? '9' : *at;
    }
    *to = '\0';
}

/* What a run writes to a file. */
static void told(const wg_train_options *options, int64_t max_steps, char *text, size_t n)
{
    wg_error error = { WG_OK, NULL, NULL, "", "" };
    wg_train_options with = *options;
    wg_train *t;

    with.to = tmpfile();
    with.max_steps = max_steps;
    t = wg_train_new(o.g, o.w, &with, &error);
    if (CHECK(t != NULL)) EQ_INT(wg_train_run(t, &error), WG_OK);
    NO_ERROR(&error);
    wg_train_free(t);
    rewind(with.to);
    text[fread(text, 1, n - 1, with.to)] = '\0';
    fclose(with.to);
}

static void plain_lines(void)
{
    char text[2000];
    wg_train_options options;

    for (int verbose = -1; verbose <= 1; verbose++) {
        world_open(&o, 6, "Adam(lr=0.002)");
        options = world_options(&o);
        options.verbose = verbose;
        options.epochs = 3;
        told(&options, 0, text, sizeof text);
        if (verbose >= 0) {
            CHECK(strstr(text, "epoch 1/3  loss ") == text);
            CHECK(strstr(text, "\nepoch 3/3  loss ") != NULL);
            CHECK(strstr(text, " (-0.") != NULL && strstr(text, "  lr 0.002  ") != NULL);
        }
        mask(text);
        EQ_STR(text, verbose < 0 ? ""
                                 : "epoch 9/9  loss 9.9  lr 9.9  9 examples/s  9:9\n"
                                   "epoch 9/9  loss 9.9 (9.9)  lr 9.9  9 examples/s  9:9\n"
                                   "epoch 9/9  loss 9.9 (9.9)  lr 9.9  9 examples/s  9:9\n");
        world_close(&o);
    }
}

static void ends_and_beginnings(void)
{
    char text[2000], in[200], want[600];
    wg_train_options options;

    world_open(&o, 6, "Adam(lr=0.002)");
    options = world_options(&o);
    snprintf(in, sizeof in, "%s/ends", temp_dir());
    options.folder = in;
    options.resume = true;
    options.verbose = 0;
    options.epochs = 40;
    options.patience = 2;
    options.min_delta = 100;
    options.validation_split = 0.3;
    told(&options, 9, text, sizeof text);
    snprintf(want, sizeof want,
             "\nsaved %s/checkpoint-000000009.json; go on with the same call and resume\n", in);
    CHECK(strstr(text, "validation ") != NULL && strstr(text, want) != NULL);
    CHECK(strstr(text, "\nthe bound of steps is reached after step 9, in epoch 2: mean loss ") !=
          NULL);
    told(&options, 0, text, sizeof text);
    snprintf(want, sizeof want,
             "going on after step 9, from %s/checkpoint-000000009.json\nepoch 2/40", in);
    CHECK(strstr(text, want) == text);
    CHECK(strstr(text, "\nno better for 2 epochs: the weights of epoch 1 are back\n") != NULL);
    world_close(&o);
}

/* The bar redraws on its line and leaves one line an epoch. */
static void a_bar_on_a_terminal(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY), widths[] = { 100, 72 };

    REQUIRE(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    for (int i = 0; i < 2; i++) {
        struct winsize size = { 24, 0, 0, 0 };
        wg_error error = { WG_OK, NULL, NULL, "", "" };
        char text[8000], *frame, *bar;
        wg_train_options options;
        wg_train *t;
        ssize_t n, used;

        size.ws_col = (unsigned short)widths[i];
        world_open(&o, 6, "Adam(lr=0.002)");
        options = world_options(&o);
        options.verbose = 1;
        options.epochs = 1;
        options.to = fopen(ptsname(master), "w");
        REQUIRE(options.to != NULL && ioctl(fileno(options.to), TIOCSWINSZ, &size) == 0);
        t = wg_train_new(o.g, o.w, &options, &error);
        EQ_INT(wg_train_run(t, &error), WG_OK);
        wg_train_free(t);
        fclose(options.to);
        for (used = 0; used < (ssize_t)sizeof text - 1; used += n) {
            n = read(master, text + used, sizeof text - 1 - (size_t)used);
            if (n <= 0) break;
        }
        text[used] = '\0';
        frame = strstr(text, "\repoch 1/1  ");
        REQUIRE(frame == text);
        bar = strstr(text, "\033[K");
        REQUIRE(bar != NULL);
        CHECK(bar - frame <= widths[i]);
        CHECK((strstr(text, "=>..") != NULL && strstr(text, "..]") != NULL) == (i == 0));
        CHECK(strstr(text, "smoothed ") != NULL && strstr(text, " left") != NULL);
        CHECK(strstr(text, "\r\033[Kepoch 1/1  loss ") != NULL);
        world_close(&o);
    }
    close(master);
}

static int lines_with(const char *text, const char *what)
{
    int n = 0;

    for (const char *at = text; (at = strstr(at, what)); at++) n++;
    return n;
}

static void read_text(const char *path, char *text, size_t n)
{
    FILE *f = fopen(path, "rb");

    text[f ? fread(text, 1, n - 1, f) : 0] = '\0';
    if (f) fclose(f);
}

static void a_log_for_machines(void)
{
    char text[20000], log[200], in[200];
    wg_train_options options;

    snprintf(log, sizeof log, "%s/log", temp_dir());
    snprintf(in, sizeof in, "%s/logged", temp_dir());
    world_open(&o, 6, "Adam(lr=0.002)");
    options = world_options(&o);
    options.log = log;
    options.epochs = 2;
    options.validation_split = 0.3;
    told(&options, 0, text, sizeof text);
    read_text(log, text, sizeof text);
    EQ_INT(lines_with(text, "\n"), 16);
    EQ_INT(lines_with(text, "\"mean\": "), 2);
    CHECK(strstr(text, "{\"step\": 1, \"epoch\": 1, \"loss\": ") == text);
    CHECK(strstr(text, "{\"step\": 14, \"epoch\": 2, \"mean\": ") != NULL);
    text[strcspn(text, "\n")] = '\0';
    mask(text);
    EQ_STR(text, "{\"step\": 9, \"epoch\": 9, \"loss\": 9.9, \"smoothed\": 9.9, \"lr\": 9.9, "
                 "\"seconds\": 9.9}");
    /* A checkpoint after step 5, and lines of steps that were not saved: they are made again. */
    options.folder = in;
    options.resume = true;
    told(&options, 5, text, sizeof text);
    {
        FILE *f = fopen(log, "a");

        REQUIRE(f != NULL);
        fputs("{\"step\": 6, \"epoch\": 1, \"loss\": 0.0, \"seconds\": 99.0}\n{\"step\": 7, \"ep",
              f);
        fclose(f);
    }
    told(&options, 0, text, sizeof text);
    read_text(log, text, sizeof text);
    EQ_INT(lines_with(text, "\n"), 16);
    for (int step = 1; step <= 14; step++) {
        char want[40];

        snprintf(want, sizeof want, "{\"step\": %d, \"epoch\": %d, \"loss\"", step, 1 + step / 8);
        EQ_INT(lines_with(text, want), 1);
    }
    CHECK(strstr(text, "99.0") == NULL);
    world_close(&o);
}

static void checkpoints_by_time(void)
{
    char in[200];
    wg_error error = { WG_OK, NULL, NULL, "", "" };
    wg_train_options options;
    wg_train *t;

    snprintf(in, sizeof in, "%s/timed", temp_dir());
    world_open(&o, 6, "Adam(lr=0.002)");
    options = world_options(&o);
    options.folder = in;
    options.every_seconds = 1e-9;
    options.keep = 1000;
    options.epochs = 1;
    t = wg_train_new(o.g, o.w, &options, &error);
    EQ_INT(wg_train_run(t, &error), WG_OK);
    NO_ERROR(&error);
    wg_train_free(t);
    for (int step = 1; step <= 9; step++) {
        char path[300];

        snprintf(path, sizeof path, "%s/checkpoint-%09d.json", in, step);
        CHECK(access(path, F_OK) == 0);
    }
    world_close(&o);
}

TESTS(TEST(plain_lines), TEST(ends_and_beginnings), TEST(a_bar_on_a_terminal),
      TEST(a_log_for_machines), TEST(checkpoints_by_time))
