/* test_vocabulary.c: the vocabulary, from files and from lines. */
#include <wengert/op.h>

#include "corpus.h"
#include "gate.h"

/* ---- the vocabulary ---- */

static void before_a_fit(void)
{
    wg_vocabulary *v = wg_vocabulary_new(NULL, NULL);
    int64_t index[2];
    const char *kept[1];

    REQUIRE(v != NULL);
    EQ_INT(wg_vocabulary_n_tokens(v), 0);
    EQ_INT(wg_vocabulary_n_words(v), 0);
    EQ_INT(wg_vocabulary_index(v, "river", 5), -1);
    EQ_INT(wg_vocabulary_unk(v), -1);
    EQ_STR(wg_vocabulary_word(v, 0).text, "<unk>");
    CHECK(!wg_vocabulary_has(v, "<unk>", 5));
    EQ_INT(wg_vocabulary_most_common(v, 2, index), 0);
    EQ_INT(wg_vocabulary_words_with_count(v, 0, 2, index), 0);
    EQ_INT(wg_vocabulary_filter(v, 1, (const char *[]){ "x" }, true, kept), 1);
    EQ_STR(kept[0], "<unk>");
    EQ_STR(wg_vocabulary_hyperparameters(v)->tokenizer, "words");
    wg_vocabulary_free(v);
    wg_vocabulary_free(NULL);
}

/* A second fit begins anew; one that fails changes nothing. */
static void fits_anew(void)
{
    wg_vocabulary *v = fitted(NULL, wg_corpus_lines(2, mill));
    wg_corpus other = wg_corpus_lines(1, (const char *[]){ "river, river" }),
              none = wg_corpus_lines(1, (const char *[]){ "...\n" });
    wg_error error = { 0 };

    EQ_STR(listed(v), "<bol>2 <eol>2 <unk>0 river1 turns3 wheel3 stone1 stones1 grind1 grain1");
    EQ_INT(wg_vocabulary_fit(v, &other, NULL), WG_OK);
    EQ_STR(listed(v), "<bol>1 <eol>1 <unk>0 river2");
    wg_vocabulary_fit(v, &none, &error);
    ERROR_IS(&error, WG_EARG, "wg_vocabulary_fit: the corpus has no words in 1 lines", NULL);
    EQ_STR(listed(v), "<bol>1 <eol>1 <unk>0 river2");
    wg_vocabulary_free(v);
}

/* Files one after the other, with every kind of line end, and the lines after them. */
static void files_and_lines(void)
{
    const char *file[] = { written("a.txt", "one\r\ntwo\rtwo\n\nthree", 20),
                           written("b.txt", "", 0), written("c.txt", "\r\n\r", 3),
                           written("d.txt", "four\n", 5) };
    wg_vocabulary_hyper h = wg_vocabulary_defaults();
    wg_corpus corpus = { 4, file, NULL, 1, mill };
    wg_vocabulary *v;

    h.filter_stopwords = false;
    h.tokenizer = "whitespace";
    h.filter_punctuation = false;
    v = fitted(&h, corpus);
    /* five lines, none, two, one; one in memory */
    EQ_INT(wg_vocabulary_count(v, wg_vocabulary_bol(v)), 9);
    EQ_STR(listed(v),
           "<bol>9 <eol>9 <unk>0 one1 two2 three1 four1 the4 river1 turns2 wheel,1 wheel1 "
           "stone.1");
    wg_vocabulary_free(v);
}

/* Lines that end at, before and after the border of the reader's buffer. */
static void lines_across_the_buffer(void)
{
    enum { N = 300000 };
    char *text = malloc(N + 16);
    wg_vocabulary_hyper h = wg_vocabulary_defaults();

    h.filter_stopwords = false;
    for (int shift = -3; shift <= 3; shift++)
        for (int end = 0; end < 3; end++) {
            static const char *const ends[] = { "\n", "\r", "\r\n" };
            size_t n = 0, lines = 0;
            const char *path;
            wg_vocabulary *v;

            memset(text, 'x', (size_t)(65536 + shift));
            n = (size_t)(65536 + shift);
            while (n < N) {
                memcpy(text + n, ends[end], strlen(ends[end]));
                n += strlen(ends[end]);
                memcpy(text + n, "yy zz", 5);
                n += 5;
                lines++;
            }
            path = written("border.txt", text, n);
            v = fitted(&h, wg_corpus_file(&path));
            EQ_INT(wg_vocabulary_n_tokens(v), 6);
            EQ_INT(wg_vocabulary_count(v, 0), lines + 1);
            EQ_INT(wg_vocabulary_count(v, 3), 1);
            EQ_INT(wg_vocabulary_word(v, 3).length, 65536 + shift);
            EQ_INT(wg_vocabulary_count(v, 4), lines);
            EQ_INT(wg_vocabulary_count(v, 5), lines);
            wg_vocabulary_free(v);
        }
    free(text);
}

/* Many different words: the table grows and finds each of them. */
static void many_words(void)
{
    enum { N = 20000 };
    char(*word)[12] = calloc(N, sizeof *word);
    const char **line = calloc(N, sizeof *line);
    wg_vocabulary *v;
    int wrong = 0;

    for (int i = 0; i < N; i++) {
        snprintf(word[i], sizeof *word, "w%dx", (int)((int64_t)i * 7919 % N));
        line[i] = word[i];
    }
    v = fitted(NULL, wg_corpus_lines(N, line));
    EQ_INT(wg_vocabulary_n_tokens(v), N + 3);
    EQ_INT(wg_vocabulary_n_words(v), 3 * N);
    for (int i = 0; i < N; i++) {
        wrong += wg_vocabulary_index(v, word[i], strlen(word[i])) != i + 3;
        word[i][0] = 'W';
        wrong += wg_vocabulary_index(v, word[i], strlen(word[i])) != i + 3;
        wrong += wg_vocabulary_has(v, word[i], strlen(word[i]));
    }
    EQ_INT(wrong, 0);
    wg_vocabulary_free(v);
    free(line);
    free(word);
}

static void limits(void)
{
    wg_vocabulary_hyper h = wg_vocabulary_defaults();
    wg_vocabulary *v;
    int64_t index[3];

    /* the special tokens stay, however rare */
    h.min_count = 3;
    v = fitted(&h, wg_corpus_lines(2, mill));
    EQ_STR(listed(v), "<unk>5 <eol>2 <bol>2 turns3 wheel3");
    EQ_INT(wg_vocabulary_unk(v), 0);
    EQ_INT(wg_vocabulary_eol(v), 1);
    EQ_INT(wg_vocabulary_bol(v), 2);
    EQ_INT(wg_vocabulary_most_common(v, 3, index), 3);
    CHECK(index[0] == 0 && index[1] == 3 && index[2] == 4);
    EQ_INT(wg_vocabulary_words_with_count(v, 2, 1, index), 2);
    EQ_INT(index[0], 1);
    EQ_INT(wg_vocabulary_words_with_count(v, 2, 0, NULL), 2);
    wg_vocabulary_free(v);
    /* as many as there are: nothing is left out and the order stays */
    h.min_count = 0;
    h.max_tokens = 10;
    v = fitted(&h, wg_corpus_lines(2, mill));
    EQ_STR(listed(v), "<bol>2 <eol>2 <unk>0 river1 turns3 wheel3 stone1 stones1 grind1 grain1");
    wg_vocabulary_free(v);
    /* only <unk> */
    h.max_tokens = 1;
    v = fitted(&h, wg_corpus_lines(2, mill));
    EQ_STR(listed(v), "<unk>15");
    EQ_INT(wg_vocabulary_bol(v), -1);
    EQ_INT(wg_vocabulary_index(v, "wheel", 5), 0);
    wg_vocabulary_free(v);
}

/* <unk> beyond the most frequent: what it replaces is gone, and it counts all that is left out. */
static void erratum_T2_unk_takes_the_last_place(void)
{
    wg_vocabulary_hyper h = wg_vocabulary_defaults();
    wg_vocabulary *v;

    h.max_tokens = 4;
    v = fitted(&h, wg_corpus_lines(2, mill));
    EQ_STR(listed(v), "turns3 wheel3 <bol>2 <unk>7");
    CHECK(!wg_vocabulary_has(v, "<eol>", 5) && !wg_vocabulary_has(v, "stone", 5));
    EQ_INT(wg_vocabulary_index(v, "stone", 5), 3);
    EQ_INT(wg_vocabulary_n_words(v), 15);
    wg_vocabulary_free(v);
}

static void erratum_T3_a_word_has_an_index(void)
{
    wg_vocabulary *v = fitted(NULL, wg_corpus_lines(2, mill));

    EQ_INT(wg_vocabulary_index(v, "wheel", 5), 5);
    EQ_INT(wg_vocabulary_index(v, "Wheel", 5), 5);
    EQ_INT(wg_vocabulary_index(v, "wheels", 6), wg_vocabulary_unk(v));
    EQ_INT(wg_vocabulary_index(v, "whee", 4), wg_vocabulary_unk(v));
    EQ_INT(wg_vocabulary_index(v, "\xff", 1), wg_vocabulary_unk(v));
    wg_vocabulary_free(v);
}

/* ---- files that cannot be read ---- */

static void fit_fails(wg_corpus corpus, wg_status code, const char *fmt, const char *path)
{
    wg_vocabulary *v = wg_vocabulary_new(NULL, NULL);
    wg_error error = { 0 };
    char message[300];

    snprintf(message, sizeof message, "wg_vocabulary_fit: %s%s", path, fmt);
    EQ_INT(wg_vocabulary_fit(v, &corpus, &error), code);
    ERROR_IS(&error, code, message, NULL);
    EQ_INT(wg_vocabulary_n_tokens(v), 0);
    wg_vocabulary_free(v);
}

static void bad_input(void)
{
    const char *path, *missing = "no/such/file.txt";
    wg_corpus corpus;
    wg_vocabulary_hyper h = wg_vocabulary_defaults();
    wg_error error = { 0 };

    fit_fails(wg_corpus_file(&missing), WG_EIO, ": No such file or directory", missing);
    path = temp_dir();
    fit_fails(wg_corpus_file(&path), WG_EIO, ": Is a directory", path);
    path = written("latin.txt", "river\ncaf\xe9\n", 11);
    fit_fails(wg_corpus_file(&path), WG_EFORMAT, ":2: byte 0xe9 at 3 is not UTF-8", path);
    fit_fails(wg_corpus_lines(2, (const char *[]){ "river", "x\xc3" }), WG_EFORMAT,
              "line 2: byte 0xc3 at 1 is not UTF-8", "");
    path = written("empty.txt", "", 0);
    fit_fails(wg_corpus_file(&path), WG_EARG, "the corpus has no words in 0 lines", "");
    corpus = wg_corpus_file(&path);
    corpus.encoding = "latin-1";
    fit_fails(corpus, WG_ENAME, "unknown encoding \"latin-1\", wanted utf-8 or utf-8-sig", "");
    path = NULL;
    fit_fails(wg_corpus_file(&path), WG_EARG, "file 0 is NULL", "");
    fit_fails(wg_corpus_lines(-1, NULL), WG_EARG, "a corpus of 0 files and -1 lines", "");
    fit_fails(wg_corpus_lines(2, NULL), WG_EARG, "a corpus of 0 files and 2 lines at NULL", "");
    fit_fails(wg_corpus_lines(2, (const char *[]){ "a", NULL }), WG_EARG, "line 1 is NULL", "");
    h.tokenizer = "word";
    CHECK(wg_vocabulary_new(&h, &error) == NULL);
    ERROR_IS(&error, WG_ENAME,
             "wg_vocabulary_new: unknown tokenizer \"word\", the nearest is \"words\"", NULL);
    error.code = WG_OK;
    h.tokenizer = NULL;
    h.max_tokens = -3;
    CHECK(wg_vocabulary_new(&h, &error) == NULL);
    ERROR_IS(&error, WG_EARG,
             "wg_vocabulary_new: max_tokens is -3, wanted 1 or more, or 0 for none", NULL);
    error.code = WG_OK;
    wg_vocabulary_fit(NULL, &corpus, &error);
    ERROR_IS(&error, WG_EARG, "wg_vocabulary_fit: the vocabulary is NULL", NULL);
}

/* ---- memory ---- */

static wg_status fit_one(void *arg, wg_error *error)
{
    const wg_corpus *corpus = arg;
    wg_vocabulary_hyper h = wg_vocabulary_defaults();
    wg_vocabulary *v;
    wg_status status = WG_ENOMEM;
    int64_t index[2];

    h.min_count = 2;
    h.max_tokens = 4;
    v = wg_vocabulary_new(&h, error);
    if (v) status = wg_vocabulary_fit(v, corpus, error);
    if (status == WG_OK && wg_vocabulary_most_common(v, 2, index) < 0)
        status = wg_fail(error, WG_ENOMEM, "test", "most_common");
    wg_vocabulary_free(v);
    return status;
}

static void memory_ends(void)
{
    const char *path = written("small.txt", mill[0], strlen(mill[0]));
    wg_corpus corpus = { 1, &path, NULL, 2, mill };

    gate_every_allocation(fit_one, &corpus, "vocabulary");
}

TESTS(TEST(before_a_fit), TEST(fits_anew), TEST(files_and_lines), TEST(lines_across_the_buffer),
      TEST(many_words), TEST(limits), TEST(erratum_T2_unk_takes_the_last_place),
      TEST(erratum_T3_a_word_has_an_index), TEST(bad_input), TEST(memory_ends))
