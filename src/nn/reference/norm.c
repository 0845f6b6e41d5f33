/* norm.c: batch and layer normalisation, to the second order. */
#include "wengert/reference_norm.h"

#include <math.h>
#include <string.h>

void wg_ref_batchnorm_stats(int64_t M, int64_t C, const double *X, double *mean, double *var)
{
    for (int64_t c = 0; c < C; c++) {
        double sum = 0, square = 0;

        for (int64_t i = 0; i < M; i++) sum += X[i * C + c];
        mean[c] = sum / (double)M;
        for (int64_t i = 0; i < M; i++)
            square += (X[i * C + c] - mean[c]) * (X[i * C + c] - mean[c]);
        var[c] = square / (double)M;
    }
}

void wg_ref_batchnorm(int64_t M, int64_t C, double epsilon, const double *X, const double *mean,
                      const double *var, const double *scaler, const double *intercept, double *Y)
{
    for (int64_t c = 0; c < C; c++) {
        double s = sqrt(var[c] + epsilon);

        for (int64_t i = c; i < M * C; i += C)
            Y[i] = scaler[c] * ((X[i] - mean[c]) / s) + intercept[c];
    }
}

void wg_ref_batchnorm_running(int64_t M, int64_t C, double momentum, bool unbiased,
                              const double *mean, const double *var, double *running_mean,
                              double *running_var)
{
    double factor = unbiased ? (double)M / (double)(M - 1) : 1;

    for (int64_t c = 0; c < C; c++) {
        running_mean[c] = momentum * running_mean[c] + (1 - momentum) * mean[c];
        running_var[c] = momentum * running_var[c] + (1 - momentum) * factor * var[c];
    }
}

/* One group of m elements, `step` apart, normalised by mean and s; g = dy scaler, where the scaler
 * advances by scaler_step (0: one for the group). */
static void group_backward(int64_t m, int64_t step, double mean, double s, const double *x,
                           const double *scaler, int64_t scaler_step, const double *dy, double *dx)
{
    double g_sum = 0, gx_sum = 0;

    for (int64_t k = 0; k < m; k++) {
        double g = dy[k * step] * scaler[k * scaler_step];

        g_sum += g;
        gx_sum += g * (x[k * step] - mean) / s;
    }
    for (int64_t k = 0; k < m; k++) {
        double g = dy[k * step] * scaler[k * scaler_step], xh = (x[k * step] - mean) / s;

        dx[k * step] = (g - g_sum / (double)m - xh * gx_sum / (double)m) / s;
    }
}

static void add_parameters(int64_t M, int64_t C, double epsilon, const double *X,
                           const double *mean, const double *var, const double *dY, double *dscaler,
                           double *dintercept)
{
    for (int64_t c = 0; c < C; c++) {
        double s = sqrt(var[c] + epsilon);

        for (int64_t i = c; i < M * C; i += C) {
            if (dscaler) dscaler[c] += dY[i] * (X[i] - mean[c]) / s;
            if (dintercept) dintercept[c] += dY[i];
        }
    }
}

void wg_ref_batchnorm1d_backward(int64_t N, int64_t n_in, double epsilon, const double *X,
                                 const double *mean, const double *var, const double *scaler,
                                 const double *dY, double *dX, double *dscaler, double *dintercept)
{
    add_parameters(N, n_in, epsilon, X, mean, var, dY, dscaler, dintercept);
    for (int64_t c = 0; dX && c < n_in; c++)
        group_backward(N, n_in, mean[c], sqrt(var[c] + epsilon), X + c, scaler + c, 0, dY + c,
                       dX + c);
}

void wg_ref_batchnorm2d_backward(int64_t N, int64_t rows, int64_t cols, int64_t C, double epsilon,
                                 const double *X, const double *mean, const double *var,
                                 const double *scaler, const double *dY, double *dX,
                                 double *dscaler, double *dintercept)
{
    wg_ref_batchnorm1d_backward(N * rows * cols, C, epsilon, X, mean, var, scaler, dY, dX, dscaler,
                                dintercept);
}

void wg_ref_batchnorm_inference_backward(int64_t M, int64_t C, double epsilon, const double *X,
                                         const double *running_mean, const double *running_var,
                                         const double *scaler, const double *dY, double *dX,
                                         double *dscaler, double *dintercept)
{
    add_parameters(M, C, epsilon, X, running_mean, running_var, dY, dscaler, dintercept);
    for (int64_t c = 0; dX && c < C; c++)
        for (int64_t i = c; i < M * C; i += C)
            dX[i] = dY[i] * scaler[c] / sqrt(running_var[c] + epsilon);
}

/* The second order of group_backward: see wg_ref_layernorm_bwd2. dg is h's place until dx2 is. */
static void group_bwd2(int64_t m, int64_t step, double mean, double s, const double *x,
                       const double *scaler, int64_t scaler_step, const double *dy, const double *v,
                       double *ddy, double *dx2, double *dscaler)
{
    double n = (double)m, g_sum = 0, gx = 0, v_sum = 0, vx = 0, vdx = 0, h_sum = 0, hx = 0;

    for (int64_t k = 0; k < m; k++) {
        double g = dy[k * step] * scaler[k * scaler_step], xh = (x[k * step] - mean) / s;

        g_sum += g;
        gx += g * xh;
        v_sum += v[k * step];
        vx += v[k * step] * xh;
    }
    for (int64_t k = 0; k < m; k++) {
        double g = dy[k * step] * scaler[k * scaler_step], xh = (x[k * step] - mean) / s;
        double dg = (v[k * step] - v_sum / n - xh * vx / n) / s;
        double h = -(vx / n * g + gx / n * v[k * step]) / s;

        vdx += v[k * step] * (g - g_sum / n - xh * gx / n) / s;
        h_sum += h;
        hx += h * xh;
        dx2[k * step] = h;
        ddy[k * step] = dg * scaler[k * scaler_step];
        if (dscaler) dscaler[k * scaler_step] += dg * dy[k * step];
    }
    for (int64_t k = 0; k < m; k++) {
        double xh = (x[k * step] - mean) / s;

        dx2[k * step] = (dx2[k * step] - h_sum / n - xh * hx / n) / s - xh * vdx / n / s;
    }
}

void wg_ref_batchnorm_bwd2(int64_t M, int64_t C, double epsilon, const double *X,
                           const double *mean, const double *var, const double *scaler,
                           const double *dY, const double *G, double *ddY, double *dX2,
                           double *dscaler)
{
    for (int64_t c = 0; c < C; c++)
        group_bwd2(M, C, mean[c], sqrt(var[c] + epsilon), X + c, scaler + c, 0, dY + c, G + c,
                   ddY + c, dX2 + c, dscaler ? dscaler + c : NULL);
}

/* ---- layer normalisation ---- */

/* Mean, and sqrt(var + epsilon) through s, of D numbers. */
static double row_stats(int64_t D, double epsilon, const double *x, double *s)
{
    double sum = 0, square = 0, mean;

    for (int64_t i = 0; i < D; i++) sum += x[i];
    mean = sum / (double)D;
    for (int64_t i = 0; i < D; i++) square += (x[i] - mean) * (x[i] - mean);
    *s = sqrt(square / (double)D + epsilon);
    return mean;
}

void wg_ref_layernorm(int64_t N, int64_t D, double epsilon, const double *X, const double *scaler,
                      const double *intercept, double *Y)
{
    for (int64_t n = 0; n < N; n++, X += D, Y += D) {
        double s, mean = row_stats(D, epsilon, X, &s);

        for (int64_t i = 0; i < D; i++) Y[i] = scaler[i] * ((X[i] - mean) / s) + intercept[i];
    }
}

void wg_ref_layernorm1d_backward(int64_t N, int64_t n_in, double epsilon, const double *X,
                                 const double *scaler, const double *dY, double *dX,
                                 double *dscaler, double *dintercept)
{
    for (int64_t n = 0; n < N; n++) {
        const double *x = X + n * n_in, *dy = dY + n * n_in;
        double s, mean = row_stats(n_in, epsilon, x, &s);

        for (int64_t i = 0; i < n_in; i++) {
            if (dscaler) dscaler[i] += dy[i] * (x[i] - mean) / s;
            if (dintercept) dintercept[i] += dy[i];
        }
        if (dX) group_backward(n_in, 1, mean, s, x, scaler, 1, dy, dX + n * n_in);
    }
}

void wg_ref_layernorm2d_backward(int64_t N, int64_t rows, int64_t cols, int64_t ch, double epsilon,
                                 const double *X, const double *scaler, const double *dY,
                                 double *dX, double *dscaler, double *dintercept)
{
    wg_ref_layernorm1d_backward(N, rows * cols * ch, epsilon, X, scaler, dY, dX, dscaler,
                                dintercept);
}

void wg_ref_layernorm_bwd2(int64_t N, int64_t D, double epsilon, const double *X,
                           const double *scaler, const double *dY, const double *G, double *ddY,
                           double *dX2, double *dscaler)
{
    for (int64_t n = 0; n < N; n++) {
        const double *x = X + n * D;
        double s, mean = row_stats(D, epsilon, x, &s);

        group_bwd2(D, 1, mean, s, x, scaler, 1, dY + n * D, G + n * D, ddY + n * D, dX2 + n * D,
                   dscaler);
    }
}
