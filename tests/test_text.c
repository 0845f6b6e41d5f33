/*
 * test_text.c: tokenizers, stop words, the vocabulary and the windows around words
 * (tests/golden/text, vocabulary, word2vec_corpus).
 */
#include <wengert/op.h>
#include <wengert/text.h>

#include "gate.h"
#include "golden_kinds.h"
#include "sha256.h"
#include "temp.h"

static void golden(void)
{
    golden_run_file("text", golden_kinds_text);
    golden_run_file("vocabulary", golden_kinds_text);
    golden_run_file("word2vec_corpus", golden_kinds_text);
}

/* The examples of FIPS 180-4, so that the test of the stop words stands on something. */
static void hash(void)
{
    char hex[65];

    EQ_STR(sha256("abc", 3, hex),
           "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EQ_STR(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, hex),
           "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

/* ---- tokenizers ---- */

/* The tokens of a line with "|" between them. */
static const char *joined(const char *tokenizer, const char *line, size_t n, bool lowercase,
                          bool stop, bool punctuation)
{
    static char text[1000];
    wg_tokenize_options o = { lowercase, stop, punctuation };
    wg_tokens t = { 0 };
    wg_error error = { 0 };
    size_t at = 0;

    text[0] = 0;
    wg_tokenize(tokenizer, line, n, &o, &t, &error);
    NO_ERROR(&error);
    for (int64_t i = 0; i < t.n; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", i ? "|" : "", t.token[i].text);
    wg_tokens_free(&t);
    return text;
}
#define TOKENS(tokenizer, line, lowercase, stop, punctuation)                                      \
    joined(tokenizer, line, sizeof(line) - 1, lowercase, stop, punctuation)

static void characters_beyond_ascii(void)
{
    EQ_STR(TOKENS("words", "Ärger & ÜBERMUT, 3 größere Žluťoučký ΣΊΣΥΦΟΣ ЖУК!", true, false, true),
           "ärger|übermut|größere|žluťoučký|σίσυφοσ|жук");
    EQ_STR(TOKENS("words", "Ärger & №5 «x»…", false, false, false), "Ärger|&|№|5|«|x|»|…");
    /* letters of three and four bytes; blanks that are not ASCII; an accent is no letter */
    EQ_STR(TOKENS("words", "日本語\u3000𝔘𝔫𝔦 cafe\u0301 x\u00a0yz", true, false, true),
           "日本語|𝔘𝔫𝔦|cafe|yz");
    EQ_STR(TOKENS("whitespace", "日本\u3000語,\u2009x\xc2\x85y", true, false, true), "日本|語|x|y");
    EQ_STR(TOKENS("characters", " É—  a,  b\u3000", true, false, true), "é|—| |a| |b");
    /* the one capital whose small letter is two characters */
    EQ_STR(TOKENS("whitespace", "\u0130A", true, false, true), "i\u0307a");
    EQ_STR(TOKENS("words_bytes", "Éa ǅx", true, false, true), "195 169 97|199 134 120");
    /* capitals beyond the first plane, and a small letter longer than its capital */
    EQ_STR(TOKENS("whitespace", "𐐀 \u023a", true, false, true), "𐐨|\u2c65");
}

static void edges_of_lines(void)
{
    EQ_STR(TOKENS("words", "", true, true, true), "");
    EQ_STR(TOKENS("whitespace", " \t \n", true, true, true), "");
    EQ_STR(TOKENS("characters", "  \n", true, true, true), "");
    EQ_STR(TOKENS("characters", "...", true, true, true), "");
    EQ_STR(TOKENS("whitespace", "-- a", true, false, true), "a");
    EQ_STR(TOKENS("whitespace", "-- a", true, false, false), "--|a");
    EQ_STR(TOKENS("characters", "a . b", true, true, true), "a| |b");
    EQ_STR(TOKENS("bytes_raw", "", true, true, true), "");
    EQ_STR(TOKENS("bytes", "a\xff\n", true, true, true), "97|255|10");
    EQ_STR(TOKENS("words", "The THE the", false, true, true), "");
}

/* The tokens' memory is used again: a long line, then a short one. */
static void memory_is_kept(void)
{
    wg_tokens t = { 0 };
    char line[20000];
    const char *before;

    for (size_t i = 0; i < sizeof line; i++) line[i] = i % 5 == 4 ? ' ' : (char)('a' + i % 26);
    EQ_INT(wg_tokenize("whitespace", line, sizeof line, NULL, &t, NULL), WG_OK);
    CHECK(t.n > 3900);
    before = t.memory;
    EQ_INT(wg_tokenize("whitespace", "one quince", 10, NULL, &t, NULL), WG_OK);
    EQ_INT(t.n, 1);
    EQ_STR(t.token[0].text, "quince");
    CHECK(t.memory == before);
    wg_tokens_free(&t);
    CHECK(t.memory == NULL && t.n == 0);
    wg_tokens_free(NULL);
}

/* A 0 byte is a character like any other. */
static void zero_bytes(void)
{
    wg_tokens t = { 0 };

    EQ_INT(wg_tokenize("characters", "a\0b", 3, NULL, &t, NULL), WG_OK);
    EQ_INT(t.n, 3);
    EQ_INT(t.token[1].length, 1);
    EQ_INT(t.token[1].text[0], 0);
    EQ_INT(wg_tokenize("whitespace", "a\0b c", 5, NULL, &t, NULL), WG_OK);
    EQ_INT(t.n, 2);
    EQ_INT(t.token[0].length, 3);
    wg_tokens_free(&t);
}

static void not_utf8(void)
{
    static const struct {
        const char *line;
        size_t n;
        const char *message;
    } cases[] = {
        { "caf\xe9 x", 6, "wg_tokenize: byte 0xe9 at 3 is not UTF-8" },
        { "ab\xc3", 3, "wg_tokenize: byte 0xc3 at 2 is not UTF-8" },
        { "\xc0\xaf", 2, "wg_tokenize: byte 0xc0 at 0 is not UTF-8" },
        { "\xe0\x80\xaf", 3, "wg_tokenize: byte 0xe0 at 0 is not UTF-8" },
        { "\xed\xa0\x80", 3, "wg_tokenize: byte 0xed at 0 is not UTF-8" },
        { "\xf4\x90\x80\x80", 4, "wg_tokenize: byte 0xf4 at 0 is not UTF-8" },
        { "\xf5\x80\x80\x80", 4, "wg_tokenize: byte 0xf5 at 0 is not UTF-8" },
        { "x\x80", 2, "wg_tokenize: byte 0x80 at 1 is not UTF-8" },
        { "\xff", 1, "wg_tokenize: byte 0xff at 0 is not UTF-8" },
    };
    static const char *const names[] = { "words", "whitespace", "characters", "words_bytes" };
    wg_tokens t = { 0 };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
            wg_error error = { 0 };

            wg_tokenize(names[k], cases[i].line, cases[i].n, NULL, &t, &error);
            ERROR_IS(&error, WG_EFORMAT, cases[i].message, NULL);
            EQ_INT(t.n, 0);
        }
    /* the last of two, three and four bytes */
    EQ_STR(TOKENS("whitespace", "\xdf\xbf \xef\xbf\xbf \xf4\x8f\xbf\xbf", false, false, false),
           "\xdf\xbf|\xef\xbf\xbf|\xf4\x8f\xbf\xbf");
    wg_tokens_free(&t);
}

/* Bytes of every kind go through every tokenizer: an error or tokens, never more. */
static void any_bytes(void)
{
    static const char *const names[] = { "words",       "whitespace", "characters",
                                         "words_bytes", "bytes",      "bytes_raw" };
    wg_tokens t = { 0 };
    int fine = 0, refused = 0;

    for (uint64_t run = 0; run < 2000; run++) {
        static const char *const bits[] = { "a",
                                            "B",
                                            ".",
                                            " ",
                                            "\t",
                                            "\xc3\x84",
                                            "\xe2\x80\x94",
                                            "\xf0\x9d\x94\x98",
                                            "\xc3",
                                            "\x80",
                                            "\xf0\x9d",
                                            "",
                                            "\n",
                                            "the",
                                            "_",
                                            "9" };
        char line[100];
        double u[16];
        size_t n = 0;

        wg_random_uniform(3, 5, run, 0, 16, WG_F64, u);
        for (int i = 0; i < 16; i++) {
            const char *s = bits[(int)(u[i] * (run % 2 ? 16 : 8))];

            memcpy(line + n, s, strlen(s));
            n += strlen(s);
        }
        for (size_t k = 0; k < 6; k++) {
            wg_status status = wg_tokenize(names[k], line, n, NULL, &t, NULL);

            if (status == WG_OK) fine++;
            else refused += status == WG_EFORMAT && t.n == 0;
        }
    }
    EQ_INT(fine + refused, 12000);
    CHECK(fine > 6000 && refused > 2000);
    wg_tokens_free(&t);
}

static void refused_names(void)
{
    wg_error error = { 0 };
    wg_tokens t = { 0 };
    char *text;

    wg_tokenize("white_spaces", "a", 1, NULL, &t, &error);
    ERROR_IS(&error, WG_ENAME,
             "wg_tokenize: unknown tokenizer \"white_spaces\", the nearest is \"whitespace\"",
             NULL);
    error.code = WG_OK;
    wg_tokenize(NULL, "a", 1, NULL, &t, &error);
    ERROR_IS(&error, WG_EARG, "wg_tokenize: tokenizer is NULL", NULL);
    error.code = WG_OK;
    wg_tokenize("words", NULL, 1, NULL, &t, &error);
    ERROR_IS(&error, WG_EARG, "wg_tokenize: line is NULL", NULL);
    error.code = WG_OK;
    wg_tokenize_bytes_raw("a", 1, "commas", &t, &error);
    ERROR_IS(&error, WG_ENAME,
             "wg_tokenize_bytes_raw: unknown splitter \"commas\", wanted \"punctuation\" or none",
             NULL);
    error.code = WG_OK;
    wg_bytes_to_chars(2, (int64_t[]){ 97, 256 }, &text, NULL, &error);
    ERROR_IS(&error, WG_EARG, "wg_bytes_to_chars: byte 1 is 256, wanted 0 to 255", NULL);
    error.code = WG_OK;
    wg_bytes_to_chars(2, (int64_t[]){ 97, 233 }, &text, NULL, &error);
    ERROR_IS(&error, WG_EFORMAT, "wg_bytes_to_chars: byte 0xe9 at 1 is not UTF-8", NULL);
    CHECK(text == NULL);
    error.code = WG_OK;
    wg_bytes_to_chars(-1, NULL, &text, NULL, &error);
    ERROR_IS(&error, WG_EARG, "wg_bytes_to_chars: -1 bytes", NULL);
}

static void stop_words(void)
{
    int n;
    const char *const *list = wg_stop_words(&n);

    for (int i = 0; i < n; i++) {
        if (i > 0 && strcmp(list[i - 1], list[i]) >= 0) CHECK(!"the list is not in order");
        if (!wg_is_stop_word(list[i], strlen(list[i]))) CHECK(!"a word is not found");
    }
    CHECK(wg_is_stop_word("Nevertheless", 12) && wg_is_stop_word("A", 1));
    CHECK(!wg_is_stop_word("", 0) && !wg_is_stop_word("river", 5));
    CHECK(!wg_is_stop_word("neverthelessneverthelessnevertheless", 36));
    CHECK(!wg_is_stop_word("the\0", 4) && !wg_is_stop_word("\xff", 1) && !wg_is_stop_word(NULL, 0));
}

/* ---- memory ---- */

static wg_status tokenize_all(void *arg, wg_error *error)
{
    static const char *const names[] = { "words",       "whitespace", "characters",
                                         "words_bytes", "bytes",      "bytes_raw" };
    static const char line[] = "Stones grind grain; a wheel turns.\n";
    wg_tokens t = { 0 };
    wg_status status = WG_OK;
    char *text = NULL;

    (void)arg;
    for (size_t i = 0; status == WG_OK && i < sizeof names / sizeof *names; i++) {
        wg_tokens_free(&t);
        status = wg_tokenize(names[i], line, strlen(line), NULL, &t, error);
    }
    if (status == WG_OK)
        status = wg_tokenize_bytes_raw(line, strlen(line), "punctuation", &t, error);
    if (status == WG_OK) status = wg_bytes_to_chars(2, (int64_t[]){ 97, 98 }, &text, NULL, error);
    wg_free(text);
    wg_tokens_free(&t);
    return status;
}

static void memory_ends(void)
{
    gate_every_allocation(tokenize_all, NULL, "tokenizers");
}

/* ---- where numpy-ml is wrong ---- */

static void erratum_T1_whitespace_strips_punctuation(void)
{
    EQ_STR(TOKENS("whitespace", "Stones, mills!", true, true, true), "stones|mills");
}

static void erratum_T4_single_bytes_without_a_mark(void)
{
    static const char text[] = "\xef\xbb\xbf"
                               "ab\nb\n";
    wg_vocabulary_hyper h = wg_vocabulary_defaults();
    wg_vocabulary *v;
    char name[100];
    const char *path = name;
    wg_corpus corpus = wg_corpus_file(&path);
    FILE *f;

    snprintf(name, sizeof name, "%s/marked.txt", temp_dir());
    f = fopen(name, "wb");
    REQUIRE(f && fwrite(text, 1, sizeof text - 1, f) == sizeof text - 1 && fclose(f) == 0);
    h.tokenizer = "bytes";
    v = wg_vocabulary_new(&h, NULL);
    EQ_INT(wg_vocabulary_fit(v, &corpus, NULL), WG_OK);
    EQ_INT(wg_vocabulary_n_tokens(v), 6);
    EQ_STR(wg_vocabulary_word(v, 3).text, "97");
    EQ_STR(wg_vocabulary_word(v, 4).text, "98");
    EQ_STR(wg_vocabulary_word(v, 5).text, "10");
    EQ_INT(wg_vocabulary_count(v, 4), 2);
    /* utf-8 takes the mark for text, as Python does */
    corpus.encoding = "utf-8";
    EQ_INT(wg_vocabulary_fit(v, &corpus, NULL), WG_OK);
    EQ_INT(wg_vocabulary_n_tokens(v), 9);
    EQ_STR(wg_vocabulary_word(v, 3).text, "239");
    wg_vocabulary_free(v);
}

static void erratum_T5_whole_bytes_of_punctuation(void)
{
    wg_tokens t = { 0 };

    EQ_INT(wg_tokenize_bytes_raw("caf\xc3\xa9!!", 7, "punctuation", &t, NULL), WG_OK);
    EQ_INT(t.n, 5);
    EQ_STR(t.token[0].text, "99 97 102 195 169");
    EQ_STR(t.token[1].text, "33");
    EQ_STR(t.token[2].text, "");
    EQ_STR(t.token[3].text, "33");
    EQ_STR(t.token[4].text, "");
    wg_tokens_free(&t);
}

TESTS(TEST(golden), TEST(hash), TEST(characters_beyond_ascii), TEST(edges_of_lines),
      TEST(memory_is_kept), TEST(zero_bytes), TEST(not_utf8), TEST(any_bytes), TEST(refused_names),
      TEST(stop_words), TEST(memory_ends), TEST(erratum_T1_whitespace_strips_punctuation),
      TEST(erratum_T4_single_bytes_without_a_mark), TEST(erratum_T5_whole_bytes_of_punctuation))
