/*
 * word2vec.c: words of the King James Bible as vectors. Writes the text that Debian's package
 * bible-kjv prints to a file, trains Word2Vec on that file, line by line, shows the nearest
 * neighbours of a few words, and writes all vectors in word2vec's text format, which gensim's
 * KeyedVectors.load_word2vec_format reads.
 *
 *     word2vec [options] [FOLDER]
 *
 * FOLDER (default "out") gets kjv-text.txt, the text, and kjv.txt, the vectors. Options: --help.
 *
 * Measured: 10 epochs of CBOW take 7.6 s of one core, and bread is beside drink, unleavened, corn,
 * eat; water beside washed, bathe, wash, clothes. docs/word2vec.md compares the vectors with
 * gensim's.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <wengert.h>

static const char usage[] =
    "usage: word2vec [options] [FOLDER]\n"
    "  --skip-gram      predict the words around a word, not the word from them (CBOW)\n"
    "  --text FILE      train on this file instead of the King James text\n"
    "  --epochs N       times the text is read (10)\n"
    "  --dim N          numbers of a vector (100)\n"
    "  --context N      most words on either side (5)\n"
    "  --negatives N    noise words a step (15)\n"
    "  --batch N        examples a step (32)\n"
    "  --min-count N    words seen less often are left out (5)\n"
    "  --sample T       thin out words of a share above T of all, 0: none (0.001)\n"
    "  --stop-words     keep \"the\", \"and\" and the like\n"
    "  --optimizer TEXT \"SGD(lr=0.01)\" or another in that form\n"
    "  --seed N         (1)\n"
    "  --words A,B,...  whose neighbours are shown (king,lord,bread,son,water,heart)\n"
    "The environment's WENGERT_MAX_STEPS ends the training after so many steps.\n";

typedef struct {
    const char *folder, *text, *words;
    int64_t epochs, batch, seed;
    double sample;
    wg_word2vec_hyper hyper;
} settings;

static bool number(const char *text, int64_t least, int64_t *v)
{
    char *end;

    errno = 0;
    *v = strtoll(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && *v >= least) return true;
    fprintf(stderr, "word2vec: \"%s\" is no number from %lld\n", text, (long long)least);
    return false;
}

static bool fraction(const char *text, double *v)
{
    char *end;

    *v = strtod(text, &end);
    if (end != text && *end == '\0' && *v >= 0 && *v <= 1) return true;
    fprintf(stderr, "word2vec: \"%s\" is no number from 0 to 1\n", text);
    return false;
}

static bool settings_read(int argc, char **argv, settings *s)
{
    enum {
        SKIP,
        TEXT,
        EPOCHS,
        DIM,
        CONTEXT,
        NEGATIVES,
        BATCH,
        MIN,
        STOP,
        OPTIMIZER,
        SEED,
        WORDS,
        SAMPLE
    };
    static const struct option options[] = { { "skip-gram", 0, NULL, SKIP },
                                             { "text", 1, NULL, TEXT },
                                             { "epochs", 1, NULL, EPOCHS },
                                             { "dim", 1, NULL, DIM },
                                             { "context", 1, NULL, CONTEXT },
                                             { "negatives", 1, NULL, NEGATIVES },
                                             { "batch", 1, NULL, BATCH },
                                             { "min-count", 1, NULL, MIN },
                                             { "stop-words", 0, NULL, STOP },
                                             { "optimizer", 1, NULL, OPTIMIZER },
                                             { "seed", 1, NULL, SEED },
                                             { "words", 1, NULL, WORDS },
                                             { "sample", 1, NULL, SAMPLE },
                                             { "sample", 1, NULL, SAMPLE },
                                             { NULL, 0, NULL, 0 } };
    bool ok = true;

    for (int c; ok && (c = getopt_long(argc, argv, "", options, NULL)) != -1;) switch (c) {
        case SKIP:
            s->hyper.skip_gram = true;
            break;
        case STOP:
            s->hyper.keep_stopwords = true;
            break;
        case TEXT:
            s->text = optarg;
            break;
        case SAMPLE:
            ok = fraction(optarg, &s->sample);
            break;
        case WORDS:
            s->words = optarg;
            break;
        case OPTIMIZER:
            s->hyper.optimizer = optarg;
            break;
        case EPOCHS:
            ok = number(optarg, 1, &s->epochs);
            break;
        case DIM:
            ok = number(optarg, 1, &s->hyper.embedding_dim);
            break;
        case CONTEXT:
            ok = number(optarg, 1, &s->hyper.context_len);
            break;
        case NEGATIVES:
            ok = number(optarg, 1, &s->hyper.num_negative_samples);
            break;
        case BATCH:
            ok = number(optarg, 1, &s->batch);
            break;
        case MIN:
            ok = number(optarg, 0, &s->hyper.min_count);
            break;
        case SEED:
            ok = number(optarg, 0, &s->seed);
            break;
        default:
            ok = false;
        }
    if (ok && optind < argc) s->folder = argv[optind++];
    if (ok && optind == argc) return true;
    fputs(usage, stderr);
    return false;
}

/* ---- the text ---- */

/* The verses, one a line, without "Ge1:1 " before each. */
static bool verses(FILE *from, FILE *to, long *n)
{
    char *line = NULL;
    size_t room = 0;
    bool ok = true;

    for (*n = 0; ok && getline(&line, &room, from) > 0; ++*n) {
        const char *text = strchr(line, ' ');

        ok = fputs(text ? text + 1 : line, to) >= 0;
    }
    free(line);
    return ok;
}

/* Writes the King James text to `path`, under another name until it is whole. */
static bool write_text(const char *path)
{
    char aside[520];
    FILE *to, *from;
    long n = 0;
    bool ok;

    snprintf(aside, sizeof aside, "%s.part", path);
    to = fopen(aside, "w");
    if (!to) {
        fprintf(stderr, "%s: %s\n", aside, strerror(errno));
        return false;
    }
    from = popen("bible -f gen1:1-rev22:21 2>/dev/null", "r");
    ok = from && verses(from, to, &n);
    if (from) pclose(from);
    ok = fclose(to) == 0 && ok;
    if (ok && n > 30000 && rename(aside, path) == 0) return true;
    if (ok && n <= 30000)
        fprintf(stderr,
                "the program `bible` did not print the text: install Debian's package bible-kjv "
                "(apt install bible-kjv), or name a text by --text\n");
    else fprintf(stderr, "%s: %s\n", path, strerror(errno));
    remove(aside);
    return false;
}

/* ---- what it does with it ---- */

typedef struct {
    double seconds;
    int64_t words;
} clocked;

static bool count(void *data, const wg_word2vec_progress *p)
{
    clocked *c = data;

    c->seconds += p->seconds;
    c->words += p->words;
    return true;
}

static bool show(const wg_word_vectors *v, const char *words)
{
    enum { NEAR = 8 };
    char *list = strdup(words), *rest = list;

    printf("\nnearest neighbours by cosine\n");
    for (char *word = strtok_r(rest, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
        wg_neighbour found[NEAR];
        wg_error error = { .code = WG_OK };
        int64_t n;

        if (wg_word_vectors_nearest(v, word, NEAR, found, &n, &error) != WG_OK) {
            printf("%10s  %s\n", word, error.text);
            continue;
        }
        printf("%10s ", word);
        for (int64_t i = 0; i < n; i++) printf(" %s %.2f", found[i].word, found[i].cosine);
        printf("\n");
    }
    free(list);
    return fflush(stdout) == 0;
}

static bool work(wg_word2vec_model *m, const settings *s, const char *text, wg_error *error)
{
    char path[512];
    wg_corpus corpus = wg_corpus_file(&text);
    clocked c = { 0, 0 };
    wg_word2vec_fit_options o = { .n_epochs = s->epochs,
                                  .batchsize = s->batch,
                                  .sample = s->sample,
                                  .on_epoch = count,
                                  .data = &c };
    wg_word_vectors *v;
    bool ok;

    if (wg_word2vec_fit(m, &corpus, &o, error) != WG_OK) return false;
    v = wg_word2vec_model_vectors(m, error);
    if (!v) return false;
    snprintf(path, sizeof path, "%s/kjv.txt", s->folder);
    ok = wg_word_vectors_write(v, path, error) == WG_OK && show(v, s->words);
    if (ok)
        printf("\n%s: %lld words, %lld numbers each\n%.0f words per second\n", path,
               (long long)wg_word_vectors_count(v), (long long)wg_word_vectors_dim(v),
               (double)c.words / c.seconds);
    wg_word_vectors_free(v);
    return ok;
}

int main(int argc, char **argv)
{
    settings s = { .folder = "out",
                   .words = "king,lord,bread,son,water,heart",
                   .epochs = 10,
                   .batch = 32,
                   .seed = 1,
                   .sample = 0.001,
                   .hyper = { .embedding_dim = 100,
                              .num_negative_samples = 15,
                              .min_count = 5,
                              .optimizer = "SGD(lr=0.01)" } };
    wg_error error = { .code = WG_OK };
    wg_word2vec_model *m;
    char text[500];
    bool ok;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) return fputs(usage, stdout) < 0;
    if (!settings_read(argc, argv, &s)) return 2;
    if (mkdir(s.folder, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "%s: %s\n", s.folder, strerror(errno));
        return 1;
    }
    snprintf(text, sizeof text, "%s/kjv-text.txt", s.folder);
    if (!s.text && access(text, R_OK) != 0 && !write_text(text)) return 1;
    m = wg_word2vec_model_new(s.hyper, WG_F32, (uint64_t)s.seed, &error);
    ok = m && work(m, &s, s.text ? s.text : text, &error);
    if (!ok) wg_error_print(&error, stderr);
    wg_word2vec_model_free(m);
    return ok ? 0 : 1;
}
