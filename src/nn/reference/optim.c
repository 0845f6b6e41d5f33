/* optim.c: optimiser updates and learning rates. */
#include "wengert/reference_optim.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

double wg_ref_clip_factor(int64_t n, double clip_norm, const double *grad)
{
    double square = 0;

    if (!(clip_norm > 0)) return 1;
    for (int64_t i = 0; i < n; i++) square += grad[i] * grad[i];
    return sqrt(square) > clip_norm ? clip_norm / sqrt(square) : 1;
}

void wg_ref_sgd(int64_t n, double lr, double momentum, double clip_norm, const double *grad,
                double *param, double *c)
{
    double k = wg_ref_clip_factor(n, clip_norm, grad);

    for (int64_t i = 0; i < n; i++) {
        c[i] = momentum * c[i] + lr * k * grad[i];
        param[i] -= c[i];
    }
}

void wg_ref_nesterov(int64_t n, double lr, double momentum, double clip_norm, const double *grad,
                     double *param, double *c)
{
    double k = wg_ref_clip_factor(n, clip_norm, grad);

    for (int64_t i = 0; i < n; i++) {
        c[i] = momentum * c[i] + lr * k * grad[i];
        param[i] -= momentum * c[i] + lr * k * grad[i];
    }
}

void wg_ref_adagrad(int64_t n, double lr, double eps, double clip_norm, const double *grad,
                    double *param, double *c)
{
    double k = wg_ref_clip_factor(n, clip_norm, grad);

    for (int64_t i = 0; i < n; i++) {
        double g = k * grad[i];

        c[i] += g * g;
        param[i] -= lr * g / (sqrt(c[i]) + eps);
    }
}

void wg_ref_rmsprop(int64_t n, double lr, double decay, double eps, double clip_norm,
                    const double *grad, double *param, double *c)
{
    double k = wg_ref_clip_factor(n, clip_norm, grad);

    for (int64_t i = 0; i < n; i++) {
        double g = k * grad[i];

        c[i] = decay * c[i] + (1 - decay) * g * g;
        param[i] -= lr * g / (sqrt(c[i]) + eps);
    }
}

void wg_ref_adamw(int64_t n, int64_t t, double lr, double decay1, double decay2, double eps,
                  double weight_decay, double clip_norm, const double *grad, double *param,
                  double *m, double *v)
{
    double k = wg_ref_clip_factor(n, clip_norm, grad), m_left = 1 - pow(decay1, (double)t),
           v_left = 1 - pow(decay2, (double)t);

    for (int64_t i = 0; i < n; i++) {
        double g = k * grad[i];

        m[i] = decay1 * m[i] + (1 - decay1) * g;
        v[i] = decay2 * v[i] + (1 - decay2) * g * g;
        param[i] -= lr * (m[i] / m_left / (sqrt(v[i] / v_left) + eps) + weight_decay * param[i]);
    }
}

void wg_ref_adam(int64_t n, int64_t t, double lr, double decay1, double decay2, double eps,
                 double clip_norm, const double *grad, double *param, double *m, double *v)
{
    wg_ref_adamw(n, t, lr, decay1, decay2, eps, 0, clip_norm, grad, param, m, v);
}

/* ---- learning rates ---- */

double wg_ref_constant_lr(int64_t step, double lr)
{
    (void)step;
    return lr;
}

double wg_ref_exponential_lr(int64_t step, double initial_lr, int64_t stage_length, bool staircase,
                             double decay)
{
    double stage = (double)step / (double)stage_length;

    return initial_lr * pow(decay, staircase ? floor(stage) : stage);
}

double wg_ref_noam_lr(int64_t step, double model_dim, double scale_factor, int64_t warmup_steps)
{
    double s = (double)step;

    return scale_factor / sqrt(model_dim) * fmin(1 / sqrt(s), s * pow((double)warmup_steps, -1.5));
}

double wg_ref_p_decreasing(int64_t n, const double *loss)
{
    double at = (double)(n - 1) / 2, mean = 0, xx = 0, xy = 0, slope, rss = 0, se;

    for (int64_t i = 0; i < n; i++) mean += loss[i] / (double)n;
    for (int64_t i = 0; i < n; i++) {
        double x = (double)i - at;

        xx += x * x;
        xy += x * (loss[i] - mean);
    }
    slope = xy / xx;
    for (int64_t i = 0; i < n; i++) {
        double off = loss[i] - mean - slope * ((double)i - at);

        rss += off * off;
    }
    se = sqrt(rss / (double)(n - 2) / xx + DBL_EPSILON);
    return 0.5 * erfc(slope / se / sqrt(2));
}

int64_t wg_ref_king_room(int64_t patience)
{
    return (int64_t)ceil(1.1 * (double)(patience + 1));
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The 0.9 quantile, interpolated; sorted is scratch of n. */
static double quantile(int64_t n, const double *x, double *sorted)
{
    double place = 0.9 * (double)(n - 1);
    int64_t below = (int64_t)place;

    memcpy(sorted, x, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, ascending);
    if (below + 1 >= n) return sorted[n - 1];
    return sorted[below] + (sorted[below + 1] - sorted[below]) * (place - (double)below);
}

/* P(slope < 0) over the last `most` of n losses. */
static double p_of_last(int64_t n, const double *loss, int64_t most)
{
    int64_t from = n > most ? n - most : 0;

    return wg_ref_p_decreasing(n - from, loss + from);
}

bool wg_ref_king_lr(wg_ref_king *king, double loss, double *lr)
{
    int64_t room = wg_ref_king_room(king->patience), window = king->patience + 1, kept = 0,
            need = (int64_t)floor(0.9 * (double)(room - 1)) + 1;
    double *scratch = malloc((size_t)room * sizeof *scratch), top;

    if (!scratch) return false;
    if (king->count == room)
        memmove(king->history, king->history + 1, (size_t)--king->count * sizeof *king->history);
    king->history[king->count++] = loss;
    king->p = king->p_robust = -1;
    if (king->count >= king->patience) king->p = p_of_last(king->count, king->history, window);
    if (king->count >= window && king->p < 0.51) {
        top = quantile(king->count, king->history, scratch);
        for (int64_t i = 0; i < king->count; i++)
            if (king->history[i] <= top) scratch[kept++] = king->history[i];
        if (kept >= 3) king->p_robust = p_of_last(kept, scratch, window);
        if (kept >= (need < window ? need : window) && king->p_robust < 0.51) {
            king->lr *= king->decay;
            if (king->forget) king->count = 0;
        }
    }
    free(scratch);
    *lr = king->lr;
    return true;
}
