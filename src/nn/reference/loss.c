/* loss.c: losses and their gradients. */
#include "wengert/reference_loss.h"

#include <float.h>
#include <math.h>
#include <string.h>

double wg_ref_squared_error(int64_t n, const double *y, const double *y_pred)
{
    double sum = 0;

    for (int64_t i = 0; i < n; i++) sum += (y_pred[i] - y[i]) * (y_pred[i] - y[i]);
    return 0.5 * sum;
}

void wg_ref_squared_error_grad(wg_ref_act act, int64_t n, const double *y, const double *y_pred,
                               const double *z, double *dz)
{
    for (int64_t i = 0; i < n; i++) dz[i] = (y_pred[i] - y[i]) * wg_ref_act_grad(act, z[i]);
}

/* log sum_c e^z_c, with the largest z taken out so that no term overflows */
static double log_sum_exp(int64_t C, const double *z)
{
    double top = -INFINITY, sum = 0;

    for (int64_t c = 0; c < C; c++) top = fmax(top, z[c]);
    if (isinf(top)) return top;
    for (int64_t c = 0; c < C; c++) sum += exp(z[c] - top);
    return top + log(sum);
}

double wg_ref_cross_entropy(int64_t N, int64_t C, const double *y, const double *z)
{
    double sum = 0;

    for (int64_t i = 0; i < N; i++, y += C, z += C) {
        double all = log_sum_exp(C, z);

        for (int64_t c = 0; c < C; c++)
            if (y[c] != 0) sum += y[c] * (all - z[c]);
    }
    return sum;
}

void wg_ref_cross_entropy_grad(int64_t N, int64_t C, const double *y, const double *y_pred,
                               double *dz)
{
    for (int64_t i = 0; i < N; i++, y += C, y_pred += C, dz += C) {
        double total = 0;

        for (int64_t c = 0; c < C; c++) total += y[c];
        for (int64_t c = 0; c < C; c++) dz[c] = y_pred[c] * total - y[c];
    }
}

double wg_ref_cross_entropy_index(int64_t N, int64_t C, const int64_t *label, const double *z)
{
    double sum = 0;

    for (int64_t i = 0; i < N; i++, z += C) sum += log_sum_exp(C, z) - z[label[i]];
    return sum;
}

void wg_ref_cross_entropy_index_grad(int64_t N, int64_t C, const int64_t *label,
                                     const double *y_pred, double *dz)
{
    memcpy(dz, y_pred, (size_t)(N * C) * sizeof *dz);
    for (int64_t i = 0; i < N; i++) dz[i * C + label[i]] -= 1;
}

static double clipped(double p)
{
    return fmin(fmax(p, DBL_EPSILON), 1 - DBL_EPSILON);
}

double wg_ref_vae_loss(int64_t N, int64_t D, int64_t T, const double *y, const double *y_pred,
                       const double *t_mean, const double *t_log_var)
{
    double sum = 0;

    for (int64_t i = 0; i < N * D; i++) {
        double p = clipped(y_pred[i]);

        sum -= y[i] * log(p) + (1 - y[i]) * log1p(-p);
    }
    for (int64_t i = 0; i < N * T; i++)
        sum -= 0.5 * (1 + t_log_var[i] - t_mean[i] * t_mean[i] - exp(t_log_var[i]));
    return sum / (double)N;
}

void wg_ref_vae_loss_grad(int64_t N, int64_t D, int64_t T, const double *y, const double *y_pred,
                          const double *t_mean, const double *t_log_var, double *dY_pred,
                          double *dLogVar, double *dMean)
{
    for (int64_t i = 0; i < N * D; i++) {
        double p = y_pred[i];

        dY_pred[i] = p == clipped(p) ? ((1 - y[i]) / (1 - p) - y[i] / p) / (double)N : 0;
    }
    for (int64_t i = 0; i < N * T; i++) {
        dLogVar[i] = expm1(t_log_var[i]) / (2 * (double)N);
        dMean[i] = t_mean[i] / (double)N;
    }
}

static double mean(int64_t n, const double *x)
{
    double sum = 0;

    for (int64_t i = 0; i < n; i++) sum += x[i];
    return sum / (double)n;
}

static double norm(int64_t m, const double *x)
{
    double sum = 0;

    for (int64_t i = 0; i < m; i++) sum += x[i] * x[i];
    return sqrt(sum);
}

double wg_ref_wgan_gp_critic(int64_t n_fake, int64_t n_real, int64_t n, int64_t m, double lambda_,
                             const double *Y_fake, const double *Y_real, const double *gradInterp)
{
    double loss = mean(n_fake, Y_fake) - mean(n_real, Y_real), penalty = 0;

    if (!gradInterp) return loss;
    for (int64_t i = 0; i < n; i++) {
        double off = norm(m, gradInterp + i * m) - 1;

        penalty += off * off;
    }
    return loss + lambda_ * penalty / (double)n;
}

void wg_ref_wgan_gp_critic_grad(int64_t n_fake, int64_t n_real, int64_t n, int64_t m,
                                double lambda_, const double *gradInterp, double *dY_fake,
                                double *dY_real, double *dGradInterp)
{
    for (int64_t i = 0; dY_fake && i < n_fake; i++) dY_fake[i] = 1 / (double)n_fake;
    for (int64_t i = 0; dY_real && i < n_real; i++) dY_real[i] = -1 / (double)n_real;
    for (int64_t i = 0; dGradInterp && i < n; i++) {
        double length = norm(m, gradInterp + i * m),
               k = length > 0 ? 2 * lambda_ * (1 - 1 / length) / (double)n : 0;

        for (int64_t j = i * m; j < (i + 1) * m; j++) dGradInterp[j] = k * gradInterp[j];
    }
}

double wg_ref_wgan_gp_generator(int64_t n, const double *Y_fake)
{
    return -mean(n, Y_fake);
}

void wg_ref_wgan_gp_generator_grad(int64_t n, double *dY_fake)
{
    for (int64_t i = 0; i < n; i++) dY_fake[i] = -1 / (double)n;
}

/* ---- noise contrastive estimation ---- */

static double nce_logit(const wg_ref_nce *t, const double *x, int64_t c)
{
    double z = t->b[c] - (t->log_q ? t->log_q[c] : 0);

    for (int64_t j = 0; j < t->D; j++) z += x[j] * t->W[c * t->D + j];
    return z;
}

double wg_ref_nce_loss(const wg_ref_nce *t, double *y_pred)
{
    double sum = 0;

    for (int64_t i = 0; i < t->N * t->C; i++) {
        const double *x = t->X + i * t->D;
        double z = nce_logit(t, x, t->target[i / t->C]);

        sum += wg_ref_softplus(-z);
        if (y_pred) y_pred[i] = wg_ref_sigmoid(z);
        for (int64_t k = 0; k < t->K; k++) sum += wg_ref_softplus(nce_logit(t, x, t->neg[k]));
    }
    return sum;
}

/* What one logit's gradient dz gives to its operands. */
static void nce_term(const wg_ref_nce *t, int64_t i, int64_t c, double dz, double *dX, double *dW,
                     double *db)
{
    for (int64_t j = 0; j < t->D; j++) {
        if (dX) dX[i * t->D + j] += dz * t->W[c * t->D + j];
        if (dW) dW[c * t->D + j] += dz * t->X[i * t->D + j];
    }
    if (db) db[c] += dz;
}

void wg_ref_nce_loss_grad(const wg_ref_nce *t, double *dX, double *dW, double *db)
{
    if (dX) memset(dX, 0, (size_t)(t->N * t->C * t->D) * sizeof *dX);
    for (int64_t i = 0; i < t->N * t->C; i++) {
        const double *x = t->X + i * t->D;
        int64_t target = t->target[i / t->C];

        /* s(z) - 1 = -s(-z), which does not cancel */
        nce_term(t, i, target, -wg_ref_sigmoid(-nce_logit(t, x, target)), dX, dW, db);
        for (int64_t k = 0; k < t->K; k++)
            nce_term(t, i, t->neg[k], wg_ref_sigmoid(nce_logit(t, x, t->neg[k])), dX, dW, db);
    }
}
