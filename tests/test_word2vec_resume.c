/* test_word2vec_resume.c: Word2Vec saved and loaded, stopped and resumed: the bits of a run that
 * was neither. */
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wengert.h>

#include "corpus.h"
#include "gate.h"

enum { LINES = 40, BATCH = 8 };

/* Lines of five words, none of them twice in the same order. */
static const char *text(const char *name, int shift)
{
    static const char *const word[] = { "river", "rain",  "cloud",   "lake",  "snow",
                                        "iron",  "anvil", "furnace", "steel", "forge" };
    char all[LINES * 48];
    size_t at = 0;

    for (int i = 0; i < LINES; i++) {
        for (int k = 0; k < 5; k++)
            at += (size_t)snprintf(all + at, sizeof all - at, "%s%s", k ? " " : "",
                                   word[(i * 3 + i / 5 + k * (1 + i % 3) + shift) % 10]);
        all[at++] = '\n';
    }
    return written(name, all, at);
}

static wg_word2vec_hyper small(bool skip_gram)
{
    return (wg_word2vec_hyper){ .skip_gram = skip_gram,
                                .embedding_dim = 6,
                                .context_len = 2,
                                .num_negative_samples = 3,
                                .optimizer =
                                    skip_gram ? "SGD(lr=0.05, momentum=0.9)" : "SGD(lr=0.05)" };
}

static wg_word2vec_model *model(wg_word2vec_hyper h, wg_dtype dtype)
{
    wg_error error = { .code = WG_OK };
    wg_word2vec_model *m = wg_word2vec_model_new(h, dtype, 5, &error);

    NO_ERROR(&error);
    return m;
}

static wg_status fit(wg_word2vec_model *m, const char *path, wg_word2vec_fit_options o,
                     wg_error *error)
{
    wg_corpus corpus = wg_corpus_file(&path);

    o.quiet = true;
    if (o.batchsize == 0) o.batchsize = BATCH;
    return wg_word2vec_fit(m, &corpus, &o, error);
}

static void fits(wg_word2vec_model *m, const char *path, wg_word2vec_fit_options o)
{
    wg_error error = { .code = WG_OK };

    fit(m, path, o, &error);
    NO_ERROR(&error);
}

/* Stores of the same entries with the same bits, and the same words. */
static void same(const wg_word2vec_model *a, const wg_word2vec_model *b)
{
    const wg_params *v = wg_word2vec_model_params(a), *w = wg_word2vec_model_params(b);
    const wg_vocabulary *x = wg_word2vec_model_vocabulary(a), *y = wg_word2vec_model_vocabulary(b);

    REQUIRE(v != NULL && w != NULL && x != NULL && y != NULL);
    EQ_INT(wg_params_count(v), wg_params_count(w));
    for (int i = 0; i < wg_params_count(v); i++) {
        const wg_param *p = wg_params_at(v, i), *q = wg_params_find(w, p->name);

        REQUIRE(q != NULL);
        harness_check(memcmp(p->value.data, q->value.data, (size_t)wg_type_bytes(&p->value.type)) ==
                          0,
                      __FILE__, __LINE__, "%s differs", p->name);
    }
    EQ_INT(wg_vocabulary_n_tokens(x), wg_vocabulary_n_tokens(y));
    EQ_INT(wg_vocabulary_n_words(x), wg_vocabulary_n_words(y));
    EQ_INT(wg_vocabulary_bol(x), wg_vocabulary_bol(y));
    EQ_INT(wg_vocabulary_eol(x), wg_vocabulary_eol(y));
    EQ_INT(wg_vocabulary_unk(x), wg_vocabulary_unk(y));
    for (int64_t i = 0; i < wg_vocabulary_n_tokens(x); i++) {
        EQ_STR(wg_vocabulary_word(x, i).text, wg_vocabulary_word(y, i).text);
        EQ_INT(wg_vocabulary_count(x, i), wg_vocabulary_count(y, i));
    }
}

static const char *place(const char *name)
{
    static char path[4][300];
    static int next;
    char *p = path[next++ % 4];

    snprintf(p, sizeof path[0], "%s/%s", temp_dir(), name);
    return p;
}

/* ---- saved and loaded ---- */

static void loaded_goes_on(wg_word2vec_hyper h, wg_dtype dtype, int64_t max_steps)
{
    wg_word2vec_fit_options first = { .n_epochs = 2, .sample = 0.05, .max_steps = max_steps };
    wg_word2vec_fit_options then = { .n_epochs = 2, .sample = 0.05, .keep = true };
    const char *corpus = text("saved.txt", 0), *path = place("saved.json");
    wg_word2vec_model *m = model(h, dtype), *back;
    wg_error error = { .code = WG_OK };

    fits(m, corpus, first);
    wg_word2vec_model_save(path, m, &error);
    NO_ERROR(&error);
    back = wg_word2vec_model_load(path, &error);
    NO_ERROR(&error);
    REQUIRE(back != NULL);
    same(m, back);
    fits(m, corpus, then);
    fits(back, corpus, then);
    same(m, back);
    first.keep = false; /* hyperparameters and seed came back too */
    fits(m, corpus, first);
    fits(back, corpus, first);
    same(m, back);
    wg_word2vec_model_free(back);
    wg_word2vec_model_free(m);
}

static void a_loaded_model_goes_on(void)
{
    wg_word2vec_hyper h = small(false);

    loaded_goes_on(small(false), WG_F32, 0);
    loaded_goes_on(small(true), WG_F64, 0);
    loaded_goes_on(small(true), WG_F32, 7);
    h.min_count = 2;
    h.max_tokens = 9;
    h.noise_dist_power = 0.5;
    h.keep_stopwords = true;
    loaded_goes_on(h, WG_F64, 0);
}

static void load_refused(const char *path, wg_status code, const char *part)
{
    wg_error error = { .code = WG_OK };

    CHECK(wg_word2vec_model_load(path, &error) == NULL);
    EQ_INT(error.code, code);
    harness_check(strstr(error.text, part) != NULL, __FILE__, __LINE__, "\"%s\" lacks \"%s\"",
                  error.text, part);
}

/* The program of a fit with this text in the place of its words. */
static void damaged(const wg_word2vec_model *m, const char *words, const char *part)
{
    wg_graph *g = wg_word2vec_model_graph(m);
    char *own = wg_text_copy(wg_metadata_get(g, "word2vec.model"));

    wg_metadata_set(g, "word2vec.model", words);
    EQ_INT(wg_word2vec_model_save(place("damaged.json"), m, NULL), WG_OK);
    wg_metadata_set(g, "word2vec.model", own);
    wg_free(own);
    load_refused(place("damaged.json"), WG_EFORMAT, part);
}

#define HYPER                                                                                      \
    "{\"dtype\":\"f32\",\"seed\":\"5\",\"context_len\":2,\"skip_gram\":false,\"embedding_dim\":6," \
    "\"num_negative_samples\":3,\"noise_dist_power\":0.75,\"min_count\":0,\"max_tokens\":0,"       \
    "\"keep_stopwords\":false,\"optimizer\":\"SGD(lr=0.05)\",\"init\":\"glorot_uniform\","

static void what_cannot_be_loaded(void)
{
    wg_word2vec_model *m = model(small(false), WG_F32);
    wg_error error = { .code = WG_OK };

    load_refused("/nowhere/at.all", WG_EIO, "at.all: cannot open");
    EQ_INT(wg_word2vec_model_save(place("none.json"), m, &error), WG_ESTATE);
    ERROR_IS(&error, WG_ESTATE, "wg_word2vec_model_save: the model has no words before a fit",
             NULL);
    fits(m, text("saved.txt", 0), (wg_word2vec_fit_options){ .n_epochs = 1 });
    damaged(m, NULL, "holds no Word2Vec with its words");
    damaged(m, "[1", "the text about its words is damaged");
    damaged(m, "{}", "the hyperparameters are damaged");
    damaged(m, HYPER "\"words\":[],\"counts\":[]}", "the words or their counts are damaged");
    damaged(m, HYPER "\"words\":[\"a\"],\"counts\":[1,2]}", "the words or their counts are");
    damaged(m, HYPER "\"words\":[\"a\",\"a\"],\"counts\":[1,2]}", "\"a\", comes twice");
    damaged(m, HYPER "\"words\":[\"a\",\"b\"],\"counts\":[1,-2]}", "\"b\", comes twice or -2");
    wg_word2vec_model_free(m);
}

/* ---- stopped and resumed ---- */

static void resumed(wg_word2vec_hyper h, wg_dtype dtype, int64_t stops)
{
    const char *corpus = text("run.txt", 0);
    char folder[40];
    wg_word2vec_model *whole = model(h, dtype), *part;
    wg_train_options kit = { .resume = true };
    wg_word2vec_fit_options o = { .n_epochs = 3, .sample = 0.1 };

    snprintf(folder, sizeof folder, "run-%d-%d-%d", h.skip_gram, (int)dtype, (int)stops);
    kit.folder = place(folder);
    fits(whole, corpus, o);
    o.train = &kit;
    o.max_steps = stops;
    for (int i = 0; i < 400; i++) {
        const wg_param *steps, *all;

        part = model(h, dtype); /* a new process has no more */
        fits(part, corpus, o);
        steps = wg_params_find(wg_word2vec_model_params(part), "word2vec/steps");
        all = wg_params_find(wg_word2vec_model_params(whole), "word2vec/steps");
        REQUIRE(steps != NULL && all != NULL);
        if (*(const int64_t *)steps->value.data == *(const int64_t *)all->value.data) break;
        EQ_INT(*(const int64_t *)steps->value.data, (i + 1) * stops);
        wg_word2vec_model_free(part);
    }
    /* all steps; the last epoch may not know that it has ended */
    fits(part, corpus, o);
    same(whole, part);
    wg_word2vec_model_free(part);
    wg_word2vec_model_free(whole);
}

static void resumed_is_uninterrupted(void)
{
    resumed(small(false), WG_F32, 1);
    resumed(small(false), WG_F64, 5);
    resumed(small(true), WG_F32, 7);
    resumed(small(true), WG_F64, 100);
}

static bool dies(void *data, const wg_word2vec_progress *p)
{
    (void)data;
    if (p->epoch == 2) _exit(9);
    return true;
}

/* A process that ends without a word, some steps after its last checkpoint. */
static void killed_and_resumed(void)
{
    const char *corpus = text("kill.txt", 0);
    wg_train_options kit = { .folder = place("killed"), .every_steps = 7, .resume = true };
    wg_word2vec_fit_options o = { .n_epochs = 3 };
    wg_word2vec_model *whole = model(small(false), WG_F32), *part = model(small(false), WG_F32);
    int status = 0;
    pid_t child;

    fflush(NULL);
    child = fork();
    o.train = &kit;
    if (child == 0) {
        o.on_epoch = dies;
        fit(part, corpus, o, NULL);
        _exit(1);
    }
    waitpid(child, &status, 0);
    EQ_INT(WEXITSTATUS(status), 9);
    fits(part, corpus, o);
    o.train = NULL;
    fits(whole, corpus, o);
    same(whole, part);
    wg_word2vec_model_free(part);
    wg_word2vec_model_free(whole);
}

/* Fits that keep the weights have runs of their own: a loaded model, stopped and resumed. */
static void stopped_by_a_flag(void)
{
    const char *corpus = text("flag.txt", 0), *path = place("flag.json");
    volatile int stop = 1;
    wg_train_options kit = { .folder = place("flag"), .resume = true, .stop = &stop };
    wg_word2vec_fit_options o = { .n_epochs = 2, .keep = true };
    wg_word2vec_model *whole = model(small(true), WG_F32), *part;
    wg_error error = { .code = WG_OK };

    fits(whole, corpus, o);
    wg_word2vec_model_save(path, whole, &error);
    part = wg_word2vec_model_load(path, &error);
    NO_ERROR(&error);
    REQUIRE(part != NULL);
    fits(whole, corpus, o);
    o.train = &kit;
    fits(part, corpus, o);
    wg_word2vec_model_free(part);
    stop = 0;
    part = wg_word2vec_model_load(place("flag/checkpoint-000000001.json"), &error);
    NO_ERROR(&error);
    wg_word2vec_model_free(part);
    part = wg_word2vec_model_load(path, &error);
    fits(part, corpus, o);
    same(whole, part);
    wg_word2vec_model_free(part);
    wg_word2vec_model_free(whole);
}

/* What is told after a resume is what an uninterrupted run tells. */
static bool last(void *data, const wg_word2vec_progress *p)
{
    *(wg_word2vec_progress *)data = *p;
    return true;
}

static void progress_after_a_resume(void)
{
    const char *corpus = text("told.txt", 0);
    wg_train_options kit = { .folder = place("told"), .resume = true, .log = place("told.jsonl") };
    wg_word2vec_progress a = { 0 }, b = { 0 };
    wg_word2vec_fit_options o = { .n_epochs = 2, .on_epoch = last, .data = &a };
    wg_word2vec_model *whole = model(small(false), WG_F32), *part = model(small(false), WG_F32);
    char line[400];
    int64_t lines = 0;
    FILE *f;

    fits(whole, corpus, o);
    o.data = &b;
    o.train = &kit;
    o.max_steps = 30;
    fits(part, corpus, o);
    EQ_INT(b.epoch, 2);
    EQ_INT(b.step, 30);
    CHECK(!b.whole);
    o.max_steps = 0;
    fits(part, corpus, o);
    EQ_INT(b.epoch, 2);
    EQ_INT(b.step, a.step);
    EQ_INT(b.examples, a.examples);
    EQ_INT(b.words, a.words);
    CHECK(b.whole);
    CLOSE1(b.loss, a.loss, 0, 0);
    CLOSE1(b.previous, a.previous, 0, 0);
    f = fopen(kit.log, "r");
    REQUIRE(f != NULL);
    while (fgets(line, sizeof line, f)) lines++;
    fclose(f);
    EQ_INT(lines, a.step + 2);
    wg_word2vec_model_free(part);
    wg_word2vec_model_free(whole);
}

/* ---- checkpoints of another run ---- */

static void refused(wg_word2vec_model *m, const char *corpus, wg_word2vec_fit_options o,
                    const char *part)
{
    wg_error error = { .code = WG_OK };

    EQ_INT(fit(m, corpus, o, &error), WG_EARG);
    harness_check(strstr(error.text, part) != NULL, __FILE__, __LINE__, "\"%s\" lacks \"%s\"",
                  error.text, part);
    CHECK(wg_word2vec_model_layer(m) == NULL);
    wg_word2vec_model_free(m);
}

static void checkpoints_of_another_run(void)
{
    static const char few[] = "river rain cloud lake snow\n";
    const char *corpus = text("mine.txt", 0);
    wg_train_options kit = { .folder = place("mine"), .resume = true };
    wg_word2vec_fit_options o = { .n_epochs = 2, .max_steps = 3, .train = &kit };
    wg_word2vec_model *m = model(small(false), WG_F32);
    wg_word2vec_hyper h = small(false);

    fits(m, corpus, o);
    wg_word2vec_model_free(m);
    refused(model(small(false), WG_F32), text("theirs.txt", 1), o, "was made with source");
    refused(model(small(false), WG_F32), written("few.txt", few, strlen(few)), o,
            "is of another model");
    h.embedding_dim = 7;
    refused(model(h, WG_F32), corpus, o, "is of another model");
    refused(model(small(false), WG_F64), corpus, o, "is of another model");
    o.sample = 0.5;
    refused(model(small(false), WG_F32), corpus, o, "sample 0.5");
    o.sample = 0;
    o.batchsize = 9;
    refused(model(small(false), WG_F32), corpus, o, "was made with batchsize 8, not 9");
    o.batchsize = 0;
    kit.resume = false;
    refused(model(small(false), WG_F32), corpus, o, "go on from it with resume");
}

/* ---- out of memory ---- */

static wg_status whole_life(void *arg, wg_error *error)
{
    wg_corpus corpus = wg_corpus_lines(2, mill);
    wg_train_options kit = { .folder = arg, .resume = true };
    wg_word2vec_fit_options o = { .n_epochs = 2, .batchsize = 3, .quiet = true, .max_steps = 2 };
    wg_word2vec_model *m = wg_word2vec_model_new(small(false), WG_F32, 1, error), *back = NULL;

    o.train = &kit;
    if (m) wg_word2vec_fit(m, &corpus, &o, error);
    if (error->code == WG_OK) wg_word2vec_model_save(place("life.json"), m, error);
    if (error->code == WG_OK) back = wg_word2vec_model_load(place("life.json"), error);
    o.keep = true;
    o.train = NULL;
    if (back) wg_word2vec_fit(back, &corpus, &o, error);
    wg_word2vec_model_free(back);
    wg_word2vec_model_free(m);
    return error->code;
}

static void every_allocation_may_fail(void)
{
    char folder[300];

    temp_enter();
    snprintf(folder, sizeof folder, "%s", place("life"));
    gate_every_allocation(whole_life, folder, "a life of a saved word2vec");
}

TESTS(TEST(a_loaded_model_goes_on), TEST(what_cannot_be_loaded), TEST(resumed_is_uninterrupted),
      TEST(killed_and_resumed), TEST(stopped_by_a_flag), TEST(progress_after_a_resume),
      TEST(checkpoints_of_another_run), TEST(every_allocation_may_fail))
