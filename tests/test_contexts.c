/* test_contexts.c: the windows around words, batch by batch, from files and from lines. */
#include "chi_square.h"
#include "corpus.h"
#include "gate.h"

/* All batches as text: "3 4>7, ..." with ";" between batches. */
static const char *walked(wg_contexts *c)
{
    static char text[8000];
    wg_contexts_batch b;
    size_t at = 0;
    wg_error error = { 0 };

    text[0] = 0;
    for (;;) {
        wg_contexts_next(c, &b, &error);
        NO_ERROR(&error);
        if (b.n == 0) break;
        for (int64_t k = 0; k < b.n && at < sizeof text - 200; k++) {
            for (int64_t i = b.offset[k]; i < b.offset[k + 1]; i++)
                at += (size_t)snprintf(text + at, sizeof text - at, "%s%lld",
                                       i > b.offset[k] ? " " : "", (long long)b.id[i]);
            at += (size_t)snprintf(text + at, sizeof text - at, ">%lld%s", (long long)b.target[k],
                                   k + 1 < b.n ? ", " : "; ");
        }
    }
    wg_contexts_free(c);
    return text;
}

/* Unknown words go before windows are taken; no window crosses a line; words alone are left out. */
static void windows(void)
{
    static const char *const lines[] = { "wheel zebra turns stone", "river", "Wheel grain lynx" };
    static const int64_t wide[] = { 2, 2, 2, 2, 2, 2 }, none[] = { 0, 1, 0, 5, 1, 1 };
    wg_vocabulary *v = fitted(NULL, wg_corpus_lines(2, mill));
    wg_corpus corpus = wg_corpus_lines(3, lines);
    wg_contexts_options o = { .batchsize = 2, .radius = wide, .n_radii = 6 };
    wg_contexts *c;
    wg_contexts_batch b;

    /* river 3, turns 4, wheel 5, stone 6, grain 9 */
    EQ_STR(walked(wg_contexts_new(v, &corpus, &o, NULL)), "4 6>5, 5 6>4; 5 4>6, 9>5; 5>9; ");
    o.skip_gram = true;
    EQ_STR(walked(wg_contexts_new(v, &corpus, &o, NULL)),
           "5>4, 5>6; 4>5, 4>6; 6>5, 6>4; 5>9, 9>5; ");
    o.radius = none;
    EQ_STR(walked(wg_contexts_new(v, &corpus, &o, NULL)), "4>5, 4>6; 5>9, 9>5; ");
    c = wg_contexts_new(v, &corpus, &o, NULL);
    EQ_INT(wg_contexts_next(c, &b, NULL), WG_OK);
    EQ_INT(wg_contexts_n_words(c), 2);
    EQ_INT(wg_contexts_n_read(c), 4);
    wg_contexts_free(c);
    wg_vocabulary_free(v);
}

/* How often each of two words is a target, over some runs. */
static void count_targets(const wg_vocabulary *v, const wg_corpus *corpus, double sample,
                          int64_t runs, int64_t *common, int64_t *rare)
{
    int64_t index = wg_vocabulary_index(v, "common", 6);
    wg_error error = { 0 };

    *common = *rare = 0;
    for (int64_t run = 0; run < runs; run++) {
        wg_contexts_options o = { .run = (uint64_t)run, .sample = sample };
        wg_contexts *c = wg_contexts_new(v, corpus, &o, &error);
        wg_contexts_batch b = { 1, NULL, NULL, NULL };

        for (; b.n > 0 && wg_contexts_next(c, &b, &error) == WG_OK;)
            for (int64_t k = 0; k < b.n; k++) ++*(b.target[k] == index ? common : rare);
        wg_contexts_free(c);
    }
    NO_ERROR(&error);
}

/* Of a word with the share f of all, sqrt(t/f) + t/f are kept: here f is 0.8, t 0.05. */
static void frequent_words_are_thinned_out(void)
{
    enum { LINES = 50, RUNS = 40 };
    const char *lines[LINES];
    wg_corpus corpus = wg_corpus_lines(LINES, lines);
    double share = sqrt(0.05 / 0.8) + 0.05 / 0.8, n = RUNS * LINES * 8;
    int64_t common, rare, again[2];
    wg_vocabulary *v;
    wg_error error = { 0 };
    wg_contexts_options o = { .sample = -1 };

    for (int i = 0; i < LINES; i++)
        lines[i] = "common common common common common rare seldom common common common";
    v = fitted(NULL, corpus);
    count_targets(v, &corpus, 0, 1, &common, &rare);
    EQ_INT(common, 8 * LINES);
    EQ_INT(rare, 2 * LINES);
    /* rare ones have the share 0.1, and lose sqrt(0.5) + 0.5 > 1: nothing */
    count_targets(v, &corpus, 0.05, RUNS, &common, &rare);
    EQ_INT(rare, 2 * LINES * RUNS);
    CLOSE1((double)common, share * n, 0, 4 * sqrt(n * share * (1 - share)));
    count_targets(v, &corpus, 0.05, RUNS, &again[0], &again[1]);
    EQ_INT(again[0], common);
    CHECK(wg_contexts_new(v, &corpus, &o, &error) == NULL);
    ERROR_IS(&error, WG_EARG, "wg_contexts_new: sample is -1, wanted 0 or more", NULL);
    error.code = WG_OK;
    o.sample = 0.1;
    CHECK(wg_contexts_of_ids(0, NULL, &o, &error) == NULL);
    ERROR_IS(&error, WG_EARG, "wg_contexts_of_ids: sample is 0.1: lines of indices have no counts",
             NULL);
    wg_vocabulary_free(v);
}

/* Literal names of special tokens are no words. */
static void special_tokens_are_no_words(void)
{
    static const char *const lines[] = { "wheel <unk> stone <bol>", "<eol> grain" };
    static const int64_t wide[] = { 3, 3, 3, 3, 3, 3 };
    wg_vocabulary_hyper h = wg_vocabulary_defaults();
    wg_corpus corpus = wg_corpus_lines(2, lines);
    wg_contexts_options o = { .radius = wide, .n_radii = 6 };
    wg_vocabulary *v;

    h.tokenizer = "whitespace";
    h.filter_punctuation = false;
    v = fitted(&h, corpus);
    EQ_STR(listed(v), "<bol>3 <eol>3 <unk>1 wheel1 stone1 grain1");
    EQ_STR(walked(wg_contexts_new(v, &corpus, &o, NULL)), "4>3, 3>4; ");
    wg_vocabulary_free(v);
}

/* Radii are uniform in 1..context_len, both ends among them, and the same again for (seed, run);
 * a line so long that no window is cut shows them. */
static void erratum_D8_radius_reaches_context_len(void)
{
    enum { N = 20000, LEN = 5 };
    int64_t *ids = malloc(N * sizeof *ids), *first = malloc(N * sizeof *first);
    wg_i64s line = { N, ids };
    double p[LEN];

    for (int64_t i = 0; i < N; i++) ids[i] = i % 1000;
    for (int i = 0; i < LEN; i++) p[i] = 1.0 / LEN;
    for (int round = 0; round < 3; round++) {
        wg_contexts_options o = { .batchsize = 512, .seed = 4, .run = round == 2 };
        wg_contexts *c = wg_contexts_of_ids(1, &line, &o, NULL);
        wg_contexts_batch b;
        int64_t count[LEN] = { 0 }, at = 0, differ = 0, small = 0;

        REQUIRE(c != NULL);
        while (wg_contexts_next(c, &b, NULL) == WG_OK && b.n > 0) {
            small += b.n != 512;
            for (int64_t k = 0; k < b.n; k++, at++) {
                int64_t n = b.offset[k + 1] - b.offset[k];

                if (at >= LEN && at < N - LEN && n % 2 == 0 && n >= 2 && n <= 2 * LEN)
                    count[n / 2 - 1]++;
                if (round == 0) first[at] = n;
                else differ += first[at] != n;
            }
        }
        EQ_INT(at, N);
        EQ_INT(small, 1);
        CHECK(chi_square_p(LEN, count, p) > 1e-6);
        CHECK((differ > 0) == (round == 2));
        wg_contexts_free(c);
    }
    {
        wg_contexts_options o = { .context_len = 1 };
        wg_i64s three = { 3, ids };

        EQ_STR(walked(wg_contexts_of_ids(1, &three, &o, NULL)), "1>0, 0 2>1, 1>2; ");
    }
    free(ids);
    free(first);
}

/* Skip-gram batches have at least batchsize examples, fewer than a whole context more, and only
 * the last is smaller. */
static void skip_gram_batches(void)
{
    int64_t ids[997];
    wg_i64s lines[2] = { { 500, ids }, { 497, ids + 500 } };
    wg_contexts_options o = { .skip_gram = true, .batchsize = 64, .seed = 1 };
    wg_contexts *c;
    wg_contexts_batch b;
    int64_t short_ones = 0, last = 0;

    for (int i = 0; i < 997; i++) ids[i] = i;
    c = wg_contexts_of_ids(2, lines, &o, NULL);
    REQUIRE(c != NULL);
    while (wg_contexts_next(c, &b, NULL) == WG_OK && b.n > 0) {
        short_ones += b.n < 64;
        last = b.n;
        if (b.n >= 64 + 10) CHECK(!"a batch goes on after it is full");
        for (int64_t k = 0; k < b.n; k++)
            if (b.id[k] == b.target[k] || llabs(b.id[k] - b.target[k]) > 5 ||
                (b.id[k] < 500) != (b.target[k] < 500))
                CHECK(!"a target outside of the window");
    }
    CHECK(short_ones == 0 || (short_ones == 1 && last < 64));
    EQ_INT(wg_contexts_next(c, &b, NULL), WG_OK);
    EQ_INT(b.n, 0);
    wg_contexts_free(c);
}

/* The path of a file is a path, and what comes from the file is what its lines give. */
static void erratum_D10_a_path_is_no_list_of_letters(void)
{
    wg_vocabulary *v = fitted(NULL, wg_corpus_lines(2, mill));
    const char *path;
    char text[200], from_lines[8000];
    wg_corpus lines = wg_corpus_lines(2, mill), file;
    wg_contexts_options o = { .seed = 3, .batchsize = 4 };

    snprintf(text, sizeof text, "%s%s", mill[0], mill[1]);
    path = written("corpus.txt", text, strlen(text));
    file = wg_corpus_file(&path);
    snprintf(from_lines, sizeof from_lines, "%s", walked(wg_contexts_new(v, &lines, &o, NULL)));
    CHECK(strlen(from_lines) > 40);
    EQ_STR(walked(wg_contexts_new(v, &file, &o, NULL)), from_lines);
    wg_vocabulary_free(v);
}

static void bad_windows(void)
{
    wg_vocabulary *v = wg_vocabulary_new(NULL, NULL);
    wg_corpus corpus = wg_corpus_lines(2, mill);
    wg_contexts_options o = { .context_len = -1 };
    wg_error error = { 0 };
    wg_contexts_batch b;
    wg_contexts *c;
    const char *path;

    CHECK(wg_contexts_new(v, &corpus, NULL, &error) == NULL);
    ERROR_IS(&error, WG_EARG, "wg_contexts_new: the vocabulary was not fitted", NULL);
    error.code = WG_OK;
    CHECK(wg_contexts_new(NULL, &corpus, NULL, &error) == NULL);
    ERROR_IS(&error, WG_EARG, "wg_contexts_new: the vocabulary is NULL", NULL);
    error.code = WG_OK;
    wg_vocabulary_fit(v, &corpus, NULL);
    CHECK(wg_contexts_new(v, NULL, NULL, &error) == NULL);
    ERROR_IS(&error, WG_EARG, "wg_contexts_new: corpus is NULL", NULL);
    error.code = WG_OK;
    CHECK(wg_contexts_new(v, &corpus, &o, &error) == NULL);
    ERROR_IS(&error, WG_EARG, "wg_contexts_new: context_len is -1, wanted 1 or more", NULL);
    error.code = WG_OK;
    o = (wg_contexts_options){ .batchsize = -2 };
    CHECK(wg_contexts_of_ids(0, NULL, &o, &error) == NULL);
    ERROR_IS(&error, WG_EARG, "wg_contexts_of_ids: batchsize is -2, wanted 1 or more", NULL);
    error.code = WG_OK;
    o = (wg_contexts_options){ .radius = (int64_t[]){ 1, -1 }, .n_radii = 2 };
    CHECK(wg_contexts_new(v, &corpus, &o, &error) == NULL);
    ERROR_IS(&error, WG_EARG, "wg_contexts_new: radius 1 is -1, wanted 0 or more", NULL);
    error.code = WG_OK;
    /* an error stays */
    o = (wg_contexts_options){ .radius = (int64_t[]){ 1, 1 }, .n_radii = 2 };
    c = wg_contexts_new(v, &corpus, &o, NULL);
    for (int i = 0; i < 2; i++) {
        error.code = WG_OK;
        EQ_INT(wg_contexts_next(c, &b, &error), WG_EARG);
        ERROR_IS(&error, WG_EARG, "wg_contexts_next: 2 radii for more words", NULL);
        EQ_INT(b.n, 0);
    }
    wg_contexts_free(c);
    path = written("broken.txt", "river wheel\nstone \xff\n", 20);
    corpus = wg_corpus_file(&path);
    c = wg_contexts_new(v, &corpus, NULL, NULL);
    error.code = WG_OK;
    wg_contexts_next(c, &b, &error);
    EQ_INT(error.code, WG_EFORMAT);
    CHECK(strstr(error.text, "broken.txt:2: byte 0xff at 6 is not UTF-8") != NULL);
    wg_contexts_free(c);
    wg_contexts_free(NULL);
    error.code = WG_OK;
    wg_contexts_next(NULL, &b, &error);
    ERROR_IS(&error, WG_EARG, "wg_contexts_next: the iterator is NULL", NULL);
    wg_vocabulary_free(v);
}

/* ---- memory ---- */

/* What is held at a time, with the sizes the gate is told when it releases. */
static struct {
    int64_t now, most;
} held;

static void *held_alloc(void *data, size_t bytes)
{
    (void)data;
    held.now += (int64_t)bytes;
    if (held.now > held.most) held.most = held.now;
    return malloc(bytes);
}

static void held_release(void *data, void *p, size_t bytes)
{
    (void)data;
    held.now -= (int64_t)bytes;
    free(p);
}

/* Eight megabytes of text, few words: much less is ever held. */
static void files_are_not_held_whole(void)
{
    static const wg_allocator allocator = { held_alloc, held_release, NULL };
    static const char line[] = "the river turns the wheel and the wheel turns the stone\n";
    enum { LINES = 150000 };
    char name[100];
    const char *path = name;
    wg_corpus corpus = wg_corpus_file(&path);
    wg_vocabulary *v;
    wg_contexts *c;
    wg_contexts_batch b;
    int64_t examples = 0;
    FILE *f;

    snprintf(name, sizeof name, "%s/large.txt", temp_dir());
    f = fopen(name, "wb");
    REQUIRE(f != NULL);
    for (int i = 0; i < LINES; i++) fputs(line, f);
    REQUIRE(fclose(f) == 0);
    wg_set_allocator(&allocator);
    v = fitted(NULL, corpus);
    EQ_INT(wg_vocabulary_count(v, 0), LINES);
    c = wg_contexts_new(v, &corpus, NULL, NULL);
    while (wg_contexts_next(c, &b, NULL) == WG_OK && b.n > 0) examples += b.n;
    EQ_INT(examples, 6 * LINES);
    wg_contexts_free(c);
    wg_vocabulary_free(v);
    wg_set_allocator(NULL);
    EQ_INT(held.now, 0);
    CHECK(held.most > 0 && held.most < 200000);
}

static wg_status walk_all(void *arg, wg_error *error)
{
    const wg_corpus *corpus = arg;
    wg_vocabulary *v = wg_vocabulary_new(NULL, error);
    wg_contexts *c = NULL;
    wg_contexts_batch b = { 0, NULL, NULL, NULL };
    wg_status status = v ? wg_vocabulary_fit(v, corpus, error) : WG_ENOMEM;

    if (status == WG_OK) {
        c = wg_contexts_new(v, corpus, &(wg_contexts_options){ .batchsize = 3 }, error);
        status = c ? WG_OK : WG_ENOMEM;
    }
    while (status == WG_OK) {
        status = wg_contexts_next(c, &b, error);
        if (b.n == 0) break;
    }
    wg_contexts_free(c);
    wg_vocabulary_free(v);
    return status;
}

static void memory_ends(void)
{
    const char *path = written("small.txt", mill[0], strlen(mill[0]));
    wg_corpus corpus = { 1, &path, NULL, 2, mill };

    gate_every_allocation(walk_all, &corpus, "windows");
}

TESTS(TEST(windows), TEST(frequent_words_are_thinned_out), TEST(special_tokens_are_no_words),
      TEST(erratum_D8_radius_reaches_context_len), TEST(skip_gram_batches),
      TEST(erratum_D10_a_path_is_no_list_of_letters), TEST(bad_windows),
      TEST(files_are_not_held_whole), TEST(memory_ends))
