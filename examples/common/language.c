/* language.c: see language.h. */
#include "language.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <wengert/op.h>

#include "progress.h"
#include "training.h"

enum { AT_ONCE = 50 }; /* windows a run where nothing is learned */

/* With WENGERT_MAX_STEPS a program is to show that it works, not how well: it measures so many
 * windows and writes so many characters. */
enum { SHORT_WINDOWS = 200, SHORT_SAMPLE = 60 };

bool language_record(const language *m, wg_optim *optim,
                     wg_tensor *(*apply)(const void *network, wg_tensor *in), const void *network,
                     wg_error *error)
{
    wg_graph *g = m->graph;
    wg_tensor *in = wg_input(g, "in", WG_I64, WG_SHAPE(1, m->window));
    wg_tensor *out = wg_input(g, "out", WG_I64, WG_SHAPE(1, m->window)), *z, *loss;
    int64_t half = m->window / 2;

    wg_begin(g, "train", WG_TRAIN);
    z = apply(network, in);
    loss = wg_cross_entropy_index(out, z);
    loss = wg_div(loss, wg_count(wg_select(z, -1, 0), WG_ALL_AXES));
    wg_minimize(optim, wg_output("loss", loss));
    wg_end(g);

    wg_begin(g, "test", WG_PREDICT);
    z = wg_slice_axis(apply(network, in), 1, half, WG_SLICE_END, 1);
    wg_output("loss", wg_cross_entropy_index(wg_slice_axis(out, 1, half, WG_SLICE_END, 1), z));
    wg_end(g);

    wg_begin(g, "next", WG_PREDICT);
    wg_output("z", wg_select(apply(network, in), 1, -1));
    wg_end(g);
    if (wg_graph_error(g)) *error = *wg_graph_error(g);
    return !wg_graph_error(g);
}

/* ---- one function over windows of the text ---- */

typedef struct {
    const corpus *text;
    wg_plan *plan;
    int64_t window, *in, *out;
    bool next; /* no input "out" */
} windows;

static void windows_close(windows *v)
{
    wg_plan_free(v->plan);
    free(v->in);
    free(v->out);
}

static bool windows_open(windows *v, const language *m, const char *function, int64_t batch,
                         wg_error *error)
{
    size_t bytes = (size_t)(batch * m->window) * sizeof(int64_t);

    *v = (windows){ .text = m->text,
                    .window = m->window,
                    .in = malloc(bytes),
                    .out = malloc(bytes),
                    .next = strcmp(function, "next") == 0 };
    if (!v->in || !v->out) return wg_fail(error, WG_ENOMEM, "language", "out of memory") == WG_OK;
    v->plan = wg_plan_new_error(m->graph, m->params, function, NULL, error);
    return v->plan != NULL;
}

static bool feed_and_run(windows *v, int64_t n, wg_error *error)
{
    if (wg_plan_feed(v->plan, "in", WG_I64_ARRAY(v->in, n, v->window)) == WG_OK &&
        (v->next || wg_plan_feed(v->plan, "out", WG_I64_ARRAY(v->out, n, v->window)) == WG_OK) &&
        wg_plan_run(v->plan) == WG_OK)
        return true;
    *error = *wg_plan_error(v->plan);
    return false;
}

/* Row k is the window that begins at id[first + start[k] * by]. */
static bool windows_run(windows *v, int64_t n, int64_t first, int64_t by, const int64_t *start,
                        wg_error *error)
{
    for (int64_t k = 0; k < n; k++)
        for (int64_t i = 0; i < v->window; i++) {
            const unsigned char *id = v->text->id + first + start[k] * by + i;

            v->in[k * v->window + i] = id[0];
            v->out[k * v->window + i] = id[1];
        }
    return feed_and_run(v, n, error);
}

/* ---- training ---- */

/* Round number `round` over the text: the windows in another order, and cut elsewhere. */
static int64_t next_round(const language *m, uint64_t round, int64_t *shift, int64_t *order)
{
    int64_t n;

    *shift = (int64_t)(5 * round % 8) * m->window / 8;
    n = (m->text->train - 1 - *shift) / m->window;
    wg_shuffled(wg_params_seed(m->params), round, n, order);
    return n;
}

bool language_train(const language *m, int64_t steps, wg_error *error)
{
    int64_t most = train_max_steps(), shift = 0, n = 0, at = 0;
    int64_t *order = malloc((size_t)(m->text->train / m->window) * sizeof *order);
    uint64_t round = 0;
    windows v;
    progress bar;
    bool ok = windows_open(&v, m, "train", m->batch, error);

    if (!order) ok = wg_fail(error, WG_ENOMEM, "language", "out of memory") == WG_OK;
    if (steps > most) steps = most;
    progress_start(&bar, NULL, "training", steps * m->batch * m->window);
    bar.unit = "characters";
    for (int64_t i = 0; ok && i < steps; i++, at += m->batch) {
        if (at + m->batch > n) {
            n = next_round(m, round++, &shift, order);
            at = 0;
        }
        ok = windows_run(&v, m->batch, shift, m->window, order + at, error);
        if (ok)
            progress_step(&bar, m->batch * m->window, wg_item(wg_plan_value(v.plan, "loss")), NAN);
    }
    progress_end(&bar);
    free(order);
    windows_close(&v);
    return ok;
}

bool language_save(const language *m, const char *path, wg_error *error)
{
    char window[32], symbols[257] = "";

    snprintf(window, sizeof window, "%lld", (long long)m->window);
    memcpy(symbols, m->text->symbol, (size_t)m->text->kinds);
    wg_metadata_set(m->graph, "window", window);
    /* the file is text: bytes that are none are left out of it */
    if (symbols[0] && m->text->symbol[m->text->kinds - 1] < 128)
        wg_metadata_set(m->graph, "symbols", symbols);
    if (wg_save(path, m->graph, m->params, NULL, error) != WG_OK) return false;
    printf("saved %s\n", path);
    return true;
}

/* ---- measuring ---- */

/* Windows that overlap by half, so that their second halves cover the held-out text. */
static double held_out_bits(const language *m, windows *v, int64_t n, const int64_t *number,
                            wg_error *error)
{
    double nats = 0;

    for (int64_t i = 0; i < n; i += AT_ONCE) {
        int64_t now = n - i < AT_ONCE ? n - i : AT_ONCE;

        if (!windows_run(v, now, m->text->train, m->window / 2, number + i, error)) return NAN;
        nats += wg_item(wg_plan_value(v->plan, "loss"));
    }
    return nats / log(2) / (double)(n * (m->window - m->window / 2));
}

bool language_measure(const language *m, wg_error *error)
{
    int64_t half = m->window / 2, length = m->window - half;
    int64_t n = (m->text->n - 1 - m->text->train - length) / half;
    int64_t *number = n > 0 ? malloc(2 * (size_t)n * sizeof *number) : NULL;
    double bits = NAN, trigram = NAN;
    windows v;

    if (train_max_steps() != INT64_MAX && n > SHORT_WINDOWS) n = SHORT_WINDOWS;
    if (n < 1) return wg_fail(error, WG_EARG, "language", "the text is too short") == WG_OK;
    if (!number) return wg_fail(error, WG_ENOMEM, "language", "out of memory") == WG_OK;
    for (int64_t k = 0; k < n; k++) number[k] = k;
    if (windows_open(&v, m, "test", AT_ONCE, error)) {
        bits = held_out_bits(m, &v, n, number, error);
        /* the characters that the network was asked for: one after those of the window */
        for (int64_t k = 0; k < n; k++) number[k] = m->text->train + k * half + half + 1;
        trigram = corpus_trigram_bits(m->text, n, number, length, error);
    }
    windows_close(&v);
    free(number);
    if (error->code != WG_OK) return false;
    printf("%lld characters held out: %.3f bits a character, a trigram model %.3f\n",
           (long long)(n * length), bits, trigram);
    return true;
}

/* ---- sampling ---- */

/* Draws from softmax(z / temperature). */
static int64_t draw(const float *z, int kinds, double temperature, double u)
{
    double largest = z[0], sum = 0;

    for (int k = 1; k < kinds; k++) largest = fmax(largest, z[k]);
    for (int k = 0; k < kinds; k++) sum += exp((z[k] - largest) / temperature);
    u *= sum;
    for (int k = 0; k < kinds; k++) {
        u -= exp((z[k] - largest) / temperature);
        if (u < 0) return k;
    }
    return kinds - 1;
}

bool language_sample(const language *m, int64_t length, double temperature, wg_error *error)
{
    const unsigned char *symbol = m->text->symbol;
    windows v;
    bool ok = windows_open(&v, m, "next", 1, error);

    if (train_max_steps() != INT64_MAX && length > SHORT_SAMPLE) length = SHORT_SAMPLE;
    for (int64_t i = 0; ok && i < m->window; i++) v.in[i] = m->text->id[m->text->train + i];
    printf("after the words \"");
    for (int64_t i = 0; ok && i < m->window; i++) putchar(symbol[v.in[i]]);
    printf("\", at temperature %g:\n", temperature);
    for (int64_t i = 0; ok && i < length; i++) {
        double u;

        ok = feed_and_run(&v, 1, error);
        if (!ok) break;
        wg_random_uniform(wg_params_seed(m->params), wg_random_key("sample"), 0, i, 1, WG_F64, &u);
        memmove(v.in, v.in + 1, (size_t)(m->window - 1) * sizeof *v.in);
        v.in[m->window - 1] =
            draw(wg_plan_value(v.plan, "z")->data, m->text->kinds, temperature, u);
        putchar(symbol[v.in[m->window - 1]]);
    }
    putchar('\n');
    windows_close(&v);
    return ok;
}
