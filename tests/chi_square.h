/* chi_square.h: Pearson's test that counts follow given probabilities. */
#ifndef CHI_SQUARE_H
#define CHI_SQUARE_H

#include <math.h>
#include <stdint.h>

/* P(X >= x) for X of the chi-square distribution with df >= 1 degrees of freedom: the upper
 * incomplete gamma function, raised from 1/2 or 1 by its recurrence (Abramowitz and Stegun
 * 26.4.4, 26.4.5). */
static inline double chi_square_tail(double x, int64_t df)
{
    double a = df % 2 ? 0.5 : 1, h = x / 2, q = df % 2 ? erfc(sqrt(h)) : exp(-h);

    for (; a + 0.5 < (double)df / 2; a++) q += exp(a * log(h) - h - lgamma(a + 1));
    return q;
}

/* The probability of counts at least as far from n p[i] as these, n their sum. Cells of fewer than
 * five expected counts are put together. A count where p is 0 gives 0. */
static inline double chi_square_p(int64_t cells, const int64_t *count, const double *p)
{
    double n = 0, x = 0, rest_p = 0, rest = 0;
    int64_t df = -1;

    for (int64_t i = 0; i < cells; i++) n += (double)count[i];
    for (int64_t i = 0; i < cells; i++) {
        double want = n * p[i], d = (double)count[i] - want;

        if (p[i] == 0 && count[i] > 0) return 0;
        if (want < 5) {
            rest_p += p[i];
            rest += (double)count[i];
            continue;
        }
        x += d * d / want;
        df++;
    }
    if (n * rest_p >= 5) {
        x += (rest - n * rest_p) * (rest - n * rest_p) / (n * rest_p);
        df++;
    }
    return df < 1 ? 1 : chi_square_tail(x, df);
}

#endif
