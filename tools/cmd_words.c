/* cmd_words.c: numpy-ml's Word2Vec on text files: train-w2v. */
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <wengert/word2vec.h>

#include "commands.h"
#include "output.h"

typedef struct {
    text_list nearest;
    const char *output, *program, *optimizer, *init, *encoding, *from, *folder, *log;
    int64_t context_len, dim, negatives, min_count, max_tokens, epochs, batchsize, seed, max_steps;
    double power, sample, every_seconds;
    bool skip_gram, keep_stopwords, resume, plain, quiet;
} words_options;

#define T words_options
static const option table_of_options[] = {
    OPT_FLAG(T, skip_gram, 0, "skip-gram", "a word tells its neighbours; CBOW when not given"),
    OPT_RANGE(T, context_len, OPTION_WHOLE, "context-len", "N", "5", "words on either side", 1,
              1e6),
    OPT_RANGE(T, dim, OPTION_WHOLE, "embedding-dim", "N", "300", "numbers a word", 1, 1e6),
    OPT_RANGE(T, negatives, OPTION_WHOLE, "num-negative-samples", "N", "64", "negatives a step", 1,
              1e9),
    OPT_RANGE(T, power, OPTION_REAL, "noise-dist-power", "X", "0.75",
              "power of the counts that negatives are drawn by", 1e-9, 100),
    OPT_RANGE(T, min_count, OPTION_WHOLE, "min-count", "N", NULL,
              "words that come less often are <unk>", 1, 9e15),
    OPT_RANGE(T, max_tokens, OPTION_WHOLE, "max-tokens", "N", NULL, "only so many words are kept",
              1, 9e15),
    OPT_FLAG(T, keep_stopwords, 0, "keep-stopwords",
             "do not leave out \"the\", \"of\" and their kind"),
    OPT(T, optimizer, OPTION_TEXT, 0, "optimizer", "TEXT", "SGD(lr=0.1)", "in numpy-ml's form"),
    OPT(T, init, OPTION_TEXT, 0, "init", "NAME", "glorot_uniform", "of weights"),
    OPT(T, encoding, OPTION_CHOICE, 0, "encoding", "utf-8-sig|utf-8", "utf-8-sig",
        "of the files; -sig leaves out a byte order mark"),
    OPT_RANGE(T, epochs, OPTION_WHOLE, "epochs", "N", "20", "times through the text", 1, 1e9),
    OPT_RANGE(T, batchsize, OPTION_WHOLE, "batchsize", "N", "128", "examples a step", 1, 1e9),
    OPT_RANGE(T, sample, OPTION_REAL, "sample", "X", NULL,
              "thin out words of a larger share of the text than this", 0, 1),
    OPT_RANGE(T, seed, OPTION_WHOLE, "seed", "N", "1", "of weights, windows and negatives", 0,
              9e15),
    OPT_RANGE(T, max_steps, OPTION_WHOLE, "max-steps", "N", NULL,
              "stop after so many steps; the environment's WENGERT_MAX_STEPS lowers it", 1, 9e15),
    OPT(T, from, OPTION_TEXT, 0, "from", "MODEL.json", NULL,
        "go on with a model that was saved; its words and hyperparameters stay"),
    OPT(T, folder, OPTION_TEXT, 0, "checkpoints", "FOLDER", NULL,
        "save the run there after each epoch, so that it can be resumed"),
    OPT_RANGE(T, every_seconds, OPTION_REAL, "every-seconds", "X", NULL, "save so often instead",
              0.1, 1e9),
    OPT_FLAG(T, resume, 'r', "resume", "go on from the newest checkpoint of the folder"),
    OPT(T, log, OPTION_TEXT, 0, "log", "FILE.jsonl", NULL,
        "a JSON line for each step and epoch; `wengert plot` draws it"),
    OPT(T, output, OPTION_TEXT, 'o', "output", "FILE.txt", NULL,
        "the words with their vectors, in word2vec's text format"),
    OPT(T, program, OPTION_TEXT, 0, "program", "FILE.json", NULL,
        "the trained program, for the other commands and --from"),
    OPT(T, nearest, OPTION_MANY, 'n', "nearest", "WORD", NULL,
        "tell its ten nearest words at the end"),
    OPT_FLAG(T, plain, 0, "plain", "plain lines and no bar"),
    OPT_FLAG(T, quiet, 'q', "quiet", "no line an epoch"),
    OPTIONS_END
};
#undef T

static int tell_nearest(const wg_word_vectors *v, const char *word)
{
    wg_error error = { .code = WG_OK };
    wg_neighbour found[10];
    int64_t n = 0;

    if (wg_word_vectors_nearest(v, word, 10, found, &n, &error) != WG_OK)
        return trouble_of("train-w2v", NULL, &error);
    printf("%s:", word);
    for (int64_t i = 0; i < n; i++) printf(" %s %.2f", found[i].word, found[i].cosine);
    printf("\n");
    return EXIT_GOOD;
}

static int results(const wg_word2vec_model *m, const words_options *o)
{
    wg_error error = { .code = WG_OK };
    wg_word_vectors *v = wg_word2vec_model_vectors(m, &error);
    int status = v ? EXIT_GOOD : trouble_of("train-w2v", NULL, &error);

    if (v && o->output && wg_word_vectors_write(v, o->output, &error) != WG_OK)
        status = trouble_of("train-w2v", "what stood there before is still there", &error);
    if (status == EXIT_GOOD && o->program && wg_word2vec_model_save(o->program, m, &error) != WG_OK)
        status = trouble_of("train-w2v", "what stood there before is still there", &error);
    if (status == EXIT_GOOD && o->output && !o->quiet) printf("wrote %s\n", o->output);
    if (status == EXIT_GOOD && o->program && !o->quiet) printf("saved %s\n", o->program);
    for (int i = 0; i < o->nearest.n && v; i++) {
        int told = tell_nearest(v, o->nearest.item[i]);

        if (status == EXIT_GOOD) status = told;
    }
    wg_word_vectors_free(v);
    return status;
}

static wg_word2vec_model *make(const words_options *o, wg_error *error)
{
    wg_word2vec_hyper hyper = { .context_len = o->context_len,
                                .skip_gram = o->skip_gram,
                                .embedding_dim = o->dim,
                                .num_negative_samples = o->negatives,
                                .noise_dist_power = o->power,
                                .min_count = o->min_count,
                                .max_tokens = o->max_tokens,
                                .keep_stopwords = o->keep_stopwords,
                                .optimizer = o->optimizer,
                                .init = o->init };

    if (o->from) return wg_word2vec_model_load(o->from, error);
    return wg_word2vec_model_new(hyper, WG_F32, (uint64_t)o->seed, error);
}

static int train_words(int argc, char *const *operand, void *given)
{
    const words_options *o = given;
    const volatile int *stop = wg_train_on_sigint();
    wg_train_options kit = { .folder = o->folder,
                             .every_seconds = o->every_seconds,
                             .resume = o->resume,
                             .log = o->log,
                             .go_on = o->folder ? "the same command and --resume" : NULL,
                             .stop = stop };
    wg_corpus corpus = { .n_files = argc,
                         .file = (const char *const *)operand,
                         .encoding = o->encoding };
    wg_word2vec_fit_options how = { .n_epochs = o->epochs,
                                    .batchsize = o->batchsize,
                                    .keep = o->from != NULL,
                                    .quiet = o->quiet,
                                    .bar = !o->plain,
                                    .sample = o->sample,
                                    .max_steps = o->max_steps,
                                    .train = &kit };
    wg_error error = { .code = WG_OK };
    wg_word2vec_model *m;
    int status = EXIT_GOOD;

    if (o->resume && !o->folder)
        return misuse("train-w2v", NULL, "--resume goes with --checkpoints FOLDER");
    signal(SIGPIPE, SIG_IGN); /* nobody may be left reading, and the training goes on */
    m = make(o, &error);
    if (!m || wg_word2vec_fit(m, &corpus, &how, &error) != WG_OK)
        status = trouble_of("train-w2v",
                            m && o->folder ? "the checkpoints made before are whole: add "
                                             "--resume to go on from the newest"
                                           : NULL,
                            &error);
    if (status == EXIT_GOOD) status = results(m, o);
    if (error.code == WG_ENONFINITE && m) status = EXIT_NEGATIVE;
    if (status == EXIT_GOOD && stop && *stop) status = EXIT_NEGATIVE;
    wg_word2vec_model_free(m);
    return status;
}

const command_spec train_w2v_command = {
    "train-w2v",
    "TEXT...",
    "trains numpy-ml's Word2Vec on text files",
    "A line of a file is a sentence; files are read line by line in every epoch and never held.\n"
    "gensim's KeyedVectors.load_word2vec_format reads what -o writes. Ctrl-C finishes the step,\n"
    "saves, and ends with status 1.\n\nexamples:\n"
    "  wengert train-w2v --embedding-dim 8 --num-negative-samples 2 --epochs 2 -o words.txt "
    "text.txt\n",
    table_of_options,
    1,
    1 << 20,
    train_words,
    sizeof(words_options)
};
