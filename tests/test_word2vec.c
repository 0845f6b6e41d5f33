/* test_word2vec.c: Word2Vec on a corpus: what it learns, second fits, embeddings, mistakes. */
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

/* Plain SGD touches the rows of a step alone; a clip_norm that is never reached multiplies the whole
 * gradient by one. */
static void used_rows_are_enough(void)
{
    for (int skip = 0; skip < 2; skip++) {
        wg_word2vec_fit_options o = { .n_epochs = 2, .batchsize = 24 };
        wg_word2vec_hyper h = small(skip);
        wg_word2vec_model *rows = model(h, WG_F64), *whole;

        h.optimizer = "SGD(lr=0.05, clip_norm=1e30)";
        whole = model(h, WG_F64);
        fit(rows, two_subjects(), o);
        fit(whole, two_subjects(), o);
        CLOSE((const double *)weights(rows).data, (const double *)weights(whole).data, 15 * 8, 0,
              1e-12);
        wg_word2vec_model_free(rows);
        wg_word2vec_model_free(whole);
    }
}

/* Fewer examples, and the same bits from the same call. */
static void frequent_words_are_thinned_out(void)
{
    wg_word2vec_fit_options o = { .n_epochs = 1, .sample = 0.01 };
    wg_word2vec_model *a = model(small(false), WG_F32), *b = model(small(false), WG_F32);
    wg_word2vec_progress p = { 0 };

    o.on_epoch = record;
    o.data = &p;
    fit(a, two_subjects(), o);
    fit(b, two_subjects(), o);
    CHECK(p.examples > 0 && p.examples < VERSES * 5 / 2);
    SAME_BITS(weights(a).data, weights(b).data, weight_bytes(a));
    wg_word2vec_model_free(a);
    wg_word2vec_model_free(b);
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
    CHECK(strncmp(line[0], "epoch 1/2  loss ", 16) == 0);
    CHECK(strstr(line[0], " examples/s") != NULL);
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

/* ---- mistakes ---- */

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
    CHECK(strstr(error.text, " (epoch 1): the loss is ") != NULL);
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
      TEST(used_rows_are_enough), TEST(frequent_words_are_thinned_out),
      TEST(batches_are_of_one_size), TEST(steps_are_bounded), TEST(lines_for_epochs),
      TEST(layer_and_program), TEST(embeddings), TEST(bad_corpora), TEST(bad_calls),
      TEST(a_loss_that_is_not_finite), TEST(every_allocation_may_fail))
