/* test_word_vectors.c: words with their vectors: the text format, neighbours, mistakes. */
#include <wengert.h>

#include "corpus.h"

static const char *saved(const char *name, const char *text)
{
    return written(name, text, strlen(text));
}

static const char *const fruit[] = { "apple", "pear", "plum", "stone" };

static wg_word_vectors *fruits(void)
{
    static const float row[4][3] = { { 1, 0.1f, -0.25f },
                                     { 2, 0.3f, -0.5f },
                                     { 1.1754944e-38f, 3.4028235e38f, 1e-45f },
                                     { 0, 0, 0 } };
    wg_error error = { .code = WG_OK };
    wg_word_vectors *v =
        wg_word_vectors_new(4, fruit, wg_array_of(WG_F32, WG_SHAPE(4, 3), (void *)row), &error);

    NO_ERROR(&error);
    return v;
}

static void file_round_trip(void)
{
    wg_word_vectors *v = fruits(), *back;
    wg_error error = { .code = WG_OK };
    char path[200], first[64] = "";
    FILE *f;

    snprintf(path, sizeof path, "%s/fruit.txt", temp_dir());
    wg_word_vectors_write(v, path, &error);
    back = wg_word_vectors_read(path, &error);
    NO_ERROR(&error);
    REQUIRE(back != NULL);
    EQ_INT(wg_word_vectors_count(back), 4);
    EQ_INT(wg_word_vectors_dim(back), 3);
    for (int i = 0; i < 4; i++) {
        EQ_STR(wg_word_vectors_word(back, i), fruit[i]);
        EQ_INT(wg_word_vectors_find(back, fruit[i]), i);
        SAME_BITS(wg_word_vectors_row(back, i), wg_word_vectors_row(v, i), 12);
    }
    CHECK(wg_word_vectors_word(back, 4) == NULL);
    CHECK(wg_word_vectors_row(back, -1) == NULL);
    EQ_INT(wg_word_vectors_find(back, "peach"), -1);
    f = fopen(path, "r");
    REQUIRE(f != NULL);
    CHECK(fgets(first, sizeof first, f) != NULL);
    EQ_STR(first, "4 3\n");
    CHECK(fgets(first, sizeof first, f) != NULL);
    EQ_STR(first, "apple 1 0.100000001 -0.25\n");
    fclose(f);
    wg_word_vectors_free(v);
    wg_word_vectors_free(back);
}

/* As the first word2vec wrote it: a blank at the end of each line; and with a carriage return. */
static void other_writers(void)
{
    const char *path = saved("other.vec", "2 2\r\nla\xc3\xa7o 1 -2.5e-1 \r\nb +3 4.\n");
    wg_error error = { .code = WG_OK };
    wg_word_vectors *v = wg_word_vectors_read(path, &error);

    NO_ERROR(&error);
    REQUIRE(v != NULL);
    CLOSE(wg_word_vectors_row(v, 0), ((const float[]){ 1, -0.25f, 3, 4 }), 4, 0, 0);
    EQ_STR(wg_word_vectors_word(v, 0), "la\xc3\xa7o");
    wg_word_vectors_free(v);
}

static void neighbours(void)
{
    wg_word_vectors *v = fruits();
    wg_error error = { .code = WG_OK };
    wg_neighbour near[5];
    int64_t n;

    wg_word_vectors_nearest(v, "apple", 5, near, &n, &error);
    NO_ERROR(&error);
    EQ_INT(n, 3);
    EQ_STR(near[0].word, "pear");
    CLOSE1(near[0].cosine, (2 + 0.03 + 0.125) / sqrt((1 + 0.01 + 0.0625) * (4 + 0.09 + 0.25)), 1e-6,
           0);
    EQ_STR(near[1].word, "plum");
    EQ_STR(near[2].word, "stone");
    CLOSE1(near[2].cosine, 0, 0, 0);
    wg_word_vectors_nearest(v, "apple", 1, near, &n, &error);
    EQ_INT(n, 1);
    EQ_INT(near[0].index, 1);
    wg_word_vectors_nearest(v, "appel", 1, near, &n, &error);
    ERROR_IS(&error, WG_ENAME,
             "wg_word_vectors_nearest: the table lacks the word \"appel\", the nearest is "
             "\"apple\"",
             NULL);
    error.code = WG_OK;
    wg_word_vectors_nearest(v, "apple", 0, near, &n, &error);
    ERROR_IS(&error, WG_EARG, "wg_word_vectors_nearest: k is 0, wanted 1 or more", NULL);
    wg_word_vectors_free(v);
}

/* ---- mistakes ---- */

static void table_mistakes(void)
{
    static const struct {
        const char *text, *message;
    } bad[] = {
        { "", " does not begin with a line of two numbers, of words and of their extents" },
        { "word2vec\n", ":1:  does not begin with a line of two numbers, of words and of their "
                        "extents" },
        { "2 2\na 1 2\n", ":2: the file ends after 1 of 2 words" },
        { "1 2\na 1\n", ":2: the word is not followed by a number 2" },
        { "1 2\na 1 x\n", ":2: the word is not followed by a number 2" },
        { "1 2\na 1 2 3\n", ":2: more numbers than 2" },
        { "1 1\n 1\n", ":2: no word, wanted one and numbers: 1" },
    };
    wg_error error = { .code = WG_OK };
    float row[2] = { 0 };
    wg_array rows = wg_array_of(WG_F32, WG_SHAPE(2, 1), row);
    char message[400];

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *path = saved("bad.vec", bad[i].text);

        error.code = WG_OK;
        CHECK(wg_word_vectors_read(path, &error) == NULL);
        snprintf(message, sizeof message, "wg_word_vectors_read: %s%s", path, bad[i].message);
        if (i > 0) ERROR_IS(&error, WG_EFORMAT, message, NULL);
        EQ_INT(error.code, WG_EFORMAT);
    }
    error.code = WG_OK;
    wg_word_vectors_read("/nowhere/at.all", &error);
    ERROR_IS(&error, WG_EIO, "wg_word_vectors_read: /nowhere/at.all: No such file or directory",
             NULL);
    error.code = WG_OK;
    CHECK(wg_word_vectors_new(2, (const char *[]){ "a", "a" }, rows, &error) == NULL);
    ERROR_IS(&error, WG_EARG, "wg_word_vectors_new: the word \"a\" comes twice", NULL);
    error.code = WG_OK;
    CHECK(wg_word_vectors_new(2, (const char *[]){ "a", "b c" }, rows, &error) == NULL);
    ERROR_IS(&error, WG_EARG, "wg_word_vectors_new: word 1 is \"b c\", wanted one without blanks",
             NULL);
    error.code = WG_OK;
    CHECK(wg_word_vectors_new(1, fruit, rows, &error) == NULL);
    ERROR_IS(&error, WG_ESHAPE,
             "wg_word_vectors_new: the rows are f32[2 x 1], wanted real [1 x dim]", NULL);
}

/* A file that was there before stays when the new one cannot be written. */
static void no_file_is_lost(void)
{
    static float row[1] = { INFINITY };
    const char *path = saved("kept.vec", "1 1\na 7\n");
    wg_error error = { .code = WG_OK };
    wg_word_vectors *v = wg_word_vectors_new(1, fruit, wg_array_of(WG_F32, WG_SHAPE(1, 1), row),
                                             &error),
                    *back;

    wg_word_vectors_write(v, path, &error);
    ERROR_IS(&error, WG_ENONFINITE, "wg_word_vectors_write: number 0 of \"apple\" is not finite",
             NULL);
    wg_word_vectors_free(v);
    error.code = WG_OK;
    back = wg_word_vectors_read(path, &error);
    NO_ERROR(&error);
    EQ_STR(wg_word_vectors_word(back, 0), "a");
    wg_word_vectors_free(back);
}

TESTS(TEST(file_round_trip), TEST(other_writers), TEST(neighbours), TEST(table_mistakes),
      TEST(no_file_is_lost))
