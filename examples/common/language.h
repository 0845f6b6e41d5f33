/*
 * language.h: training, measuring and sampling a language model over characters, whatever network
 * it is. Its graph has three functions of windows of text, each n rows of `window` characters
 * (i64):
 *
 *     train   in, out [n, window] -> "loss": mean -log p(out[i] | in[..i]) in nats
 *     test    in, out [n, window] -> "loss": the sum over the second half of each window, so that
 *             every character counted has half a window before it at least
 *     next    in [n, window] -> "z" [n, kinds]: p(the character after the window) = softmax(z)
 */
#ifndef EXAMPLES_LANGUAGE_H
#define EXAMPLES_LANGUAGE_H

#include "corpus.h"

typedef struct {
    wg_graph *graph;
    wg_params *params; /* their seed is that of order and sample, too */
    const corpus *text;
    int64_t window, batch; /* characters; windows a step */
} language;

/** Records "train", "test" and "next" for a network: `apply` makes z [n, window, kinds] of in [n,
 * window]. Like those below false, with *error filled, after an error. */
bool language_record(const language *m, wg_optim *optim,
                     wg_tensor *(*apply)(const void *network, wg_tensor *in), const void *network,
                     wg_error *error);

/** Trains for `steps` steps on windows of the text to learn from: on all of them once, in random
 * order, before they are cut elsewhere and come again. The environment's WENGERT_MAX_STEPS ends it
 * sooner. */
bool language_train(const language *m, int64_t steps, wg_error *error);

/** Saves the program, with the window and the characters in its metadata, and says so. */
bool language_save(const language *m, const char *path, wg_error *error);

/** Prints the bits a character of the held-out text, and those of the trigram model. */
bool language_measure(const language *m, wg_error *error);

/** Goes on from the first window of the held-out text: prints `length` characters, each drawn from
 * softmax(z / temperature). */
bool language_sample(const language *m, int64_t length, double temperature, wg_error *error);

#endif
