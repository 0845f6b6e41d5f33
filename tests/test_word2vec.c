/* test_word2vec.c: Word2Vec on a corpus, and tables of words: what it learns, second fits,
 * embeddings, the text format, neighbours, mistakes. */
#include <wengert.h>
#include <wengert/op.h>

#include "corpus.h"
#include "gate.h"

static const char *saved(const char *name, const char *text)
{
    return written(name, text, strlen(text));
}

/* ---- a language of two subjects ---- */

enum { VERSES = 400, GROUP = 6 };

static const char *const subject[2][GROUP] = {
    { "river", "rain", "cloud", "lake", "snow", "spring" },
    { "iron", "hammer", "anvil", "furnace", "steel", "forge" },
};

/* Lines of five different words, each of one subject. */
static const char *two_subjects(void)
{
    static char text[VERSES * 64];
    size_t at = 0;

    for (int i = 0; i < VERSES; i++) {
        for (int k = 0; k < 5; k++)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", k ? " " : "",
                                   subject[i % 2][(i / 2 * 5 + k * (1 + i % 3)) % GROUP]);
        text[at++] = '\n';
    }
    return written("subjects.txt", text, at);
}

static wg_word2vec_hyper small(bool skip_gram)
{
    return (wg_word2vec_hyper){ .skip_gram = skip_gram,
                                .embedding_dim = 8,
                                .context_len = 2,
                                .num_negative_samples = 4,
                                .optimizer = "SGD(lr=0.05)" };
}

static wg_word2vec_model *model(wg_word2vec_hyper h, wg_dtype dtype)
{
    wg_error error = { .code = WG_OK };
    wg_word2vec_model *m = wg_word2vec_model_new(h, dtype, 5, &error);

    NO_ERROR(&error);
    return m;
}

static void fit(wg_word2vec_model *m, const char *path, wg_word2vec_fit_options o)
{
    wg_corpus corpus = wg_corpus_file(&path);
    wg_error error = { .code = WG_OK };

    o.quiet = true;
    EQ_INT(wg_word2vec_fit(m, &corpus, &o, &error), WG_OK);
    NO_ERROR(&error);
}

static bool record(void *data, const wg_word2vec_progress *p)
{
    wg_word2vec_progress *to = data;

    to[p->epoch - 1] = *p;
    return true;
}

/* The nearest neighbour of every word is of its own subject. */
static void subjects_are_told_apart(const wg_word2vec_model *m)
{
    wg_error error = { .code = WG_OK };
    wg_word_vectors *v = wg_word2vec_model_vectors(m, &error);

    NO_ERROR(&error);
    EQ_INT(wg_word_vectors_count(v), 2 * GROUP);
    for (int s = 0; s < 2; s++)
        for (int k = 0; k < GROUP; k++) {
            wg_neighbour near[1] = { { 0 } };
            int64_t n;
            bool same = false;

            wg_word_vectors_nearest(v, subject[s][k], 1, near, &n, &error);
            NO_ERROR(&error);
            for (int i = 0; i < GROUP; i++) same |= strcmp(near[0].word, subject[s][i]) == 0;
            harness_check(same, __FILE__, __LINE__, "%s is beside %s", near[0].word, subject[s][k]);
        }
    wg_word_vectors_free(v);
}

/* Who knows a word's subject alone gives the five others of it sigma, the share of the target's 1/5
 * in that and the noise's 4/12, and no other word anything. */
static void learns(bool skip_gram, wg_dtype dtype)
{
    double target = 1.0 / 5, noise = 4.0 / 12, sigma = target / (target + noise);
    double known = -log(sigma) - 5 * noise * log(1 - sigma);
    wg_word2vec_model *m = model(small(skip_gram), dtype);
    wg_word2vec_progress p[12] = { { 0 } };

    fit(m, two_subjects(),
        (wg_word2vec_fit_options){
            .n_epochs = 12, .batchsize = 16, .on_epoch = record, .data = p });
    CHECK(p[0].loss > 1.1 * known);
    CHECK(p[11].loss < 1.05 * known);
    CLOSE1(p[11].previous, p[10].loss, 0, 0);
    CHECK(isnan(p[0].previous));
    EQ_INT(p[11].words, VERSES * 5);
    if (!skip_gram) EQ_INT(p[11].examples, VERSES * 5);
    subjects_are_told_apart(m);
    wg_word2vec_model_free(m);
}

static void cbow_learns(void)
{
    learns(false, WG_F32);
}
static void cbow_learns_in_f64(void)
{
    learns(false, WG_F64);
}
static void skip_gram_learns(void)
{
    learns(true, WG_F32);
}

/* ---- fits ---- */

static wg_array weights(const wg_word2vec_model *m)
{
    return wg_layer_parameter(wg_layer_component(wg_word2vec_model_layer(m), "embeddings"), "W");
}

static size_t weight_bytes(const wg_word2vec_model *m)
{
    wg_array w = weights(m);

    return (size_t)wg_type_bytes(&w.type);
}

/* Two epochs, then two more that keep the weights, are four; a fit that does not keep them begins
 * anew, with the vocabulary of its own corpus. */
static void a_second_fit(void)
{
    const char *path = two_subjects();
    wg_word2vec_model *m = model(small(false), WG_F32), *whole = model(small(false), WG_F32);
    size_t bytes;
    void *first;

    fit(m, path, (wg_word2vec_fit_options){ .n_epochs = 2, .batchsize = 32 });
    bytes = weight_bytes(m);
    first = malloc(bytes);
    REQUIRE(first != NULL);
    memcpy(first, weights(m).data, bytes);
    fit(m, path, (wg_word2vec_fit_options){ .n_epochs = 2, .batchsize = 32, .keep = true });
    fit(whole, path, (wg_word2vec_fit_options){ .n_epochs = 4, .batchsize = 32 });
    SAME_BITS(weights(m).data, weights(whole).data, bytes);
    CHECK(memcmp(weights(m).data, first, bytes) != 0);
    fit(m, path, (wg_word2vec_fit_options){ .n_epochs = 2, .batchsize = 32 });
    SAME_BITS(weights(m).data, first, bytes);
    fit(m, saved("other.txt", "one river, two lakes, three clouds, four seas\n"),
        (wg_word2vec_fit_options){ .n_epochs = 1 });
    EQ_INT(weights(m).type.shape.dim[0], wg_vocabulary_n_tokens(wg_word2vec_model_vocabulary(m)));
    CHECK(wg_vocabulary_has(wg_word2vec_model_vocabulary(m), "seas", 4));
    CHECK(!wg_vocabulary_has(wg_word2vec_model_vocabulary(m), "iron", 4));
    free(first);
    wg_word2vec_model_free(m);
    wg_word2vec_model_free(whole);
}

/* An epoch has at most two sizes of batches, so that the plan is specialised twice at most. */
static void batches_are_of_one_size(void)
{
    for (int skip = 0; skip < 2; skip++) {
        wg_word2vec_model *m = model(small(skip), WG_F32);
        wg_word2vec_progress p = { 0 };

        fit(m, two_subjects(),
            (wg_word2vec_fit_options){
                .n_epochs = 1, .batchsize = 48, .on_epoch = record, .data = &p });
        CHECK(p.examples >= VERSES * 5);
        EQ_INT(p.step, (p.examples + 47) / 48);
        wg_word2vec_model_free(m);
    }
}

static void steps_are_bounded(void)
{
    wg_word2vec_model *m = model(small(false), WG_F32);
    wg_word2vec_progress p[2] = { { 0 } };

    fit(m, two_subjects(),
        (wg_word2vec_fit_options){
            .batchsize = 10, .max_steps = 3, .on_epoch = record, .data = p });
    EQ_INT(p[0].step, 3);
    EQ_INT(p[0].examples, 30);
    CHECK(!p[0].whole);
    EQ_INT(p[1].step, 0);
    setenv("WENGERT_MAX_STEPS", "2", 1);
    fit(m, two_subjects(),
        (wg_word2vec_fit_options){
            .batchsize = 10, .max_steps = 3, .on_epoch = record, .data = p });
    unsetenv("WENGERT_MAX_STEPS");
    EQ_INT(p[0].step, 2);
    wg_word2vec_model_free(m);
}

static void lines_for_epochs(void)
{
    wg_word2vec_model *m = model(small(false), WG_F32);
    const char *path = two_subjects();
    wg_corpus corpus = wg_corpus_file(&path);
    FILE *to = tmpfile();
    char line[3][100] = { "" };

    REQUIRE(to != NULL);
    wg_word2vec_fit(m, &corpus, &(wg_word2vec_fit_options){ .n_epochs = 2, .to = to }, NULL);
    rewind(to);
    for (int i = 0; i < 3; i++) CHECK(i == 2 || fgets(line[i], sizeof line[i], to) != NULL);
    CHECK(fgets(line[2], sizeof line[2], to) == NULL);
    CHECK(strncmp(line[0], "epoch 1/2: loss ", 16) == 0);
    CHECK(strstr(line[0], ", 2000 examples, ") != NULL);
    CHECK(strstr(line[1], " (-") != NULL);
    fclose(to);
    wg_word2vec_model_free(m);
}

/* What fit makes is a layer and a program like any other; the noise lies beside the weights. */
static void layer_and_program(void)
{
    wg_word2vec_model *m = model(small(false), WG_F32);
    char path[200], *text;
    wg_error error = { .code = WG_OK };
    wg_program program;

    CHECK(wg_word2vec_model_layer(m) == NULL);
    CHECK(wg_word2vec_model_graph(m) == NULL);
    fit(m, two_subjects(), (wg_word2vec_fit_options){ .n_epochs = 1 });
    text = wg_layer_hyperparameters(wg_word2vec_model_layer(m));
    REQUIRE(text != NULL);
    CHECK(strstr(text, "\"vocab_size\":15") || strstr(text, "\"vocab_size\": 15"));
    wg_free(text);
    snprintf(path, sizeof path, "%s/w2v.json", temp_dir());
    wg_save(path, wg_word2vec_model_graph(m), wg_word2vec_model_params(m), NULL, &error);
    wg_load(path, NULL, &program, &error);
    NO_ERROR(&error);
    CHECK(wg_params_find(program.params, "word2vec/noise") != NULL);
    SAME_BITS(wg_params_find(program.params, "word2vec/embeddings/W")->value.data, weights(m).data,
              weight_bytes(m));
    wg_program_free(&program);
    wg_word2vec_model_free(m);
}

static void embeddings(void)
{
    wg_word2vec_model *m = model(small(false), WG_F64);
    wg_error error = { .code = WG_OK };
    wg_array a, b;
    const double *table;
    int64_t id[3];

    wg_word2vec_embedding(m, 0, id, &a, &error);
    ERROR_IS(&error, WG_ESTATE, "wg_word2vec_embedding: the model has no words before a fit", NULL);
    fit(m, two_subjects(), (wg_word2vec_fit_options){ .n_epochs = 1 });
    table = weights(m).data;
    for (int i = 0; i < 3; i++)
        id[i] = wg_vocabulary_index(wg_word2vec_model_vocabulary(m), subject[1][i],
                                    strlen(subject[1][i]));
    error.code = WG_OK;
    wg_word2vec_embedding(m, 3, id, &a, &error);
    wg_word2vec_embedding_of(m, 3, subject[1], &b, &error);
    NO_ERROR(&error);
    EQ_INT(a.type.shape.dim[0], 3);
    EQ_INT(a.type.shape.dim[1], 8);
    SAME_BITS(a.data, b.data, wg_type_bytes(&a.type));
    SAME_BITS((double *)a.data + 8, table + id[1] * 8, 8 * sizeof *table);
    wg_free(a.data);
    wg_free(b.data);
    wg_word2vec_embedding_of(m, 1, (const char *[]){ "furnance" }, &a, &error);
    ERROR_IS(&error, WG_ENAME,
             "wg_word2vec_embedding_of: the vocabulary lacks \"furnance\", the nearest is "
             "\"furnace\"",
             NULL);
    CHECK(a.data == NULL);
    error.code = WG_OK;
    wg_word2vec_embedding_of(m, 1, (const char *[]){ "the" }, &a, &error);
    ERROR_IS(&error, WG_ENAME,
             "wg_word2vec_embedding_of: \"the\" is a stop word, which the vocabulary leaves out",
             NULL);
    error.code = WG_OK;
    wg_word2vec_embedding(m, 1, (const int64_t[]){ 15 }, &a, &error);
    ERROR_IS(&error, WG_EINDEX, "wg_word2vec_embedding: index 0 is 15, the vocabulary has 15",
             NULL);
    wg_word2vec_model_free(m);
}

/* ---- tables and their files ---- */

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

static void refused(const char *text, wg_status code, const char *message)
{
    wg_word2vec_model *m = model(small(false), WG_F32);
    const char *path = saved("bad.txt", text);
    wg_corpus corpus = wg_corpus_file(&path);
    wg_error error = { .code = WG_OK };
    char whole[400];

    snprintf(whole, sizeof whole, message, path);
    wg_word2vec_fit(m, &corpus, &(wg_word2vec_fit_options){ .quiet = true }, &error);
    ERROR_IS(&error, code, whole, NULL);
    CHECK(wg_word2vec_model_layer(m) == NULL);
    wg_word2vec_model_free(m);
}

static void bad_corpora(void)
{
    refused("", WG_EARG, "wg_vocabulary_fit: the corpus has no words in 0 lines");
    refused("one two\ncaf\xe9 three\n", WG_EFORMAT,
            "wg_vocabulary_fit: %s:2: byte 0xe9 at 3 is not UTF-8");
    refused(
        "one river two lakes\n", WG_EARG,
        "wg_word2vec_fit: the corpus has 2 words, fewer than the 4 negative samples: more text, "
        "or a smaller num_negative_samples");
    refused("river\nlakes\nrain\nsnow\n", WG_EARG,
            "wg_word2vec_fit: the corpus has no word with another beside it in its line");
}

static void bad_calls(void)
{
    const char *path = "/nowhere/at.all";
    wg_corpus corpus = wg_corpus_file(&path);
    wg_word2vec_model *m = model(small(false), WG_F32);
    wg_word2vec_hyper h = small(false);
    wg_error error = { .code = WG_OK };

    wg_word2vec_fit(m, &corpus, NULL, &error);
    ERROR_IS(&error, WG_EIO, "wg_vocabulary_fit: /nowhere/at.all: No such file or directory", NULL);
    error.code = WG_OK;
    wg_word2vec_fit(m, &corpus, &(wg_word2vec_fit_options){ .batchsize = -1 }, &error);
    ERROR_IS(&error, WG_EARG,
             "wg_word2vec_fit: n_epochs 0, batchsize -1 and max_steps 0 must be 0 or more", NULL);
    error.code = WG_OK;
    CHECK(wg_word2vec_model_vectors(m, &error) == NULL);
    ERROR_IS(&error, WG_ESTATE, "wg_word2vec_model_vectors: the model has no words before a fit",
             NULL);
    wg_word2vec_model_free(m);
    h.optimizer = "SDG()";
    error.code = WG_OK;
    CHECK(wg_word2vec_model_new(h, WG_F32, 1, &error) == NULL);
    ERROR_IS(&error, WG_ENAME,
             "Word2Vec: optim: unknown optimiser \"SDG\" at character 1, the nearest is \"SGD\"",
             NULL);
    h = small(false);
    h.min_count = -1;
    error.code = WG_OK;
    CHECK(wg_word2vec_model_new(h, WG_F32, 1, &error) == NULL);
    ERROR_IS(
        &error, WG_EARG,
        "wg_word2vec_model_new: noise_dist_power 0, min_count -1 and max_tokens 0 must be 0 or "
        "more",
        NULL);
    error.code = WG_OK;
    CHECK(wg_word2vec_model_new(small(false), WG_I64, 1, &error) == NULL);
    ERROR_IS(&error, WG_EDTYPE, "wg_word2vec_model_new: the element type is i64, wanted f32 or f64",
             NULL);
    wg_word2vec_model_free(NULL);
    wg_word_vectors_free(NULL);
}

/* A rate at which the loss leaves the numbers: the fit says where. */
static void a_loss_that_is_not_finite(void)
{
    wg_word2vec_hyper h = small(false);
    const char *path = two_subjects();
    wg_corpus corpus = wg_corpus_file(&path);
    wg_error error = { .code = WG_OK };
    wg_word2vec_model *m;

    h.optimizer = "SGD(lr=1e30)";
    m = model(h, WG_F32);
    wg_word2vec_fit(m, &corpus, &(wg_word2vec_fit_options){ .quiet = true }, &error);
    EQ_INT(error.code, WG_ENONFINITE);
    CHECK(strstr(error.text, "in epoch 1, step ") != NULL);
    wg_word2vec_model_free(m);
}

static wg_status whole_life(void *arg, wg_error *error)
{
    wg_corpus corpus = wg_corpus_lines(2, mill);
    wg_word2vec_model *m = wg_word2vec_model_new(small(false), WG_F32, 1, error);
    wg_word_vectors *v = NULL, *back = NULL;
    wg_neighbour near[2];
    int64_t n;

    (void)arg;
    if (m)
        wg_word2vec_fit(m, &corpus,
                        &(wg_word2vec_fit_options){ .n_epochs = 2, .batchsize = 3, .quiet = true },
                        error);
    if (error->code == WG_OK) v = wg_word2vec_model_vectors(m, error);
    if (v && wg_word_vectors_write(v, "life.vec", error) == WG_OK)
        back = wg_word_vectors_read("life.vec", error);
    if (back) wg_word_vectors_nearest(back, "wheel", 2, near, &n, error);
    wg_word_vectors_free(back);
    wg_word_vectors_free(v);
    wg_word2vec_model_free(m);
    return error->code;
}

static void every_allocation_may_fail(void)
{
    temp_enter();
    gate_every_allocation(whole_life, NULL, "a life of word2vec");
}

TESTS(TEST(cbow_learns), TEST(cbow_learns_in_f64), TEST(skip_gram_learns), TEST(a_second_fit),
      TEST(batches_are_of_one_size), TEST(steps_are_bounded), TEST(lines_for_epochs),
      TEST(layer_and_program), TEST(embeddings), TEST(file_round_trip), TEST(other_writers),
      TEST(neighbours), TEST(table_mistakes), TEST(no_file_is_lost), TEST(bad_corpora),
      TEST(bad_calls), TEST(a_loss_that_is_not_finite), TEST(every_allocation_may_fail))
