/*
 * sampler.h: draws from a table of probabilities, each from (seed, name, run) and its number alone:
 * a run that is resumed draws what it would have drawn, and only the step has to be saved.
 */
#ifndef WENGERT_SAMPLER_H
#define WENGERT_SAMPLER_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wg_discrete_sampler wg_discrete_sampler;

/** A sampler of the values 0..n-1 with P(i) = probs[i], by the alias method: a draw takes constant
 * time. n in 1..2^31 - 1; probs are copied. `log`: they are natural logarithms, -inf for 0.
 * Without replacement the values of one call are distinct: drawn one by one, the rest rescaled to
 * sum one. The sum may differ from 1 by at most 1e-8; it is divided out. The caller owns the
 * result: wg_discrete_sampler_free. NULL on error: WG_EARG for n, for a number that is negative,
 * infinite, NaN or, with `log`, no logarithm of a probability, or when the sum is not 1; WG_ENOMEM.
 * Source: numpy-ml data_structures.py, DiscreteSampler; Walker 1977; Vose 1991. */
WG_API wg_discrete_sampler *wg_discrete_sampler_new(int64_t n, const double *probs, bool log,
                                                    bool with_replacement, wg_error *error);

/** NULL is allowed. */
WG_API void wg_discrete_sampler_free(wg_discrete_sampler *s);

/** Fills samples[0..n_samples-1] with values that depend on (seed, name, run), n_samples and the
 * probabilities alone; another `run` (the step) gives an independent draw. Allocates nothing; one
 * thread at a time for a sampler without replacement. Errors: WG_EARG for a NULL sampler or name,
 * n_samples below 0, or more samples without replacement than there are values of a probability
 * above 0, where numpy-ml never returns. */
WG_API wg_status wg_discrete_sampler_draw(wg_discrete_sampler *s, uint64_t seed, const char *name,
                                          uint64_t run, int64_t n_samples, int64_t *samples,
                                          wg_error *error);

/** The number of values, and of those with a probability above 0. */
WG_API int64_t wg_discrete_sampler_n(const wg_discrete_sampler *s);
WG_API int64_t wg_discrete_sampler_n_possible(const wg_discrete_sampler *s);

/** P(i), rescaled to sum one; 0 for an i out of range. */
WG_API double wg_discrete_sampler_prob(const wg_discrete_sampler *s, int64_t i);

/** log P(i), whether the sampler was given probabilities or logarithms; -inf where P(i) is 0. */
WG_API double wg_discrete_sampler_log_prob(const wg_discrete_sampler *s, int64_t i);

/** The alias method's tables, [n] each, for as long as the sampler lives: a cell c drawn uniformly
 * and u in [0, 1) give c if u < prob_table[c], else alias_table[c]. */
WG_API const double *wg_discrete_sampler_prob_table(const wg_discrete_sampler *s);
WG_API const int64_t *wg_discrete_sampler_alias_table(const wg_discrete_sampler *s);

/** Noise words of a corpus: probs[i] = counts[i]^power / Z, 0 for the n_special words listed in
 * `special` (indices; others than 0..n-1 are ignored), Z so that the sum is 1. power 1 is the
 * distribution of the words, 0 the uniform one. Errors: WG_EARG for a negative count, a power that
 * is not finite, or when nothing is left to draw. Source: numpy-ml w2v.py, noise distribution;
 * Mikolov et al. 2013 (power 0.75). */
WG_API wg_status wg_noise_distribution(int64_t n, const int64_t *counts, int64_t n_special,
                                       const int64_t *special, double power, double *probs,
                                       wg_error *error);

#ifdef __cplusplus
}
#endif

#endif
