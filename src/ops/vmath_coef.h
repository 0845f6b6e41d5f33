/* Written by scripts/fit_vmath.py: polynomials, lowest power first, and split constants. */
/* clang-format off */
#ifndef WG_VMATH_COEF_H
#define WG_VMATH_COEF_H

/* pi/2 in three parts of full length; in short ones and a rest */
static const float half_pi_f32[] = {
    0x1.921fb6p+0f, -0x1.777a5cp-25f, -0x1.ee59dap-50f, 0x1.922p+0f, -0x1.2aeep-18f,
    -0x1.e973dcp-35f,
};

/* exp: expm1(r) = r + r^2 P(r) */
/* largest relative error 2^-26.1 (2^-26.2 before rounding) */
static const float exp_f32[] = {
    0x1.fffffep-2f, 0x1.5554aap-3f, 0x1.555798p-5f, 0x1.122bf6p-7f, 0x1.6acab6p-10f,
};

/* log1p(f) = f - f^2/2 + f^3 P(f) */
/* largest relative error 2^-30.1 (2^-30.1 before rounding) */
static const float log_f32[] = {
    0x1.555544p-2f, -0x1.ffffep-3f, 0x1.99a626p-3f, -0x1.55664ep-3f, 0x1.2327d6p-3f,
    -0x1.fadd0ap-4f, 0x1.e67178p-4f, -0x1.e493c4p-4f, 0x1.1c93a2p-4f,
};

/* sin(r) = r + r^3 P(r^2) */
/* largest relative error 2^-27.9 (2^-28.0 before rounding) */
static const float sin_f32[] = {
    -0x1.555546p-3f, 0x1.110774p-7f, -0x1.9951eap-13f,
};

/* cos(r) = 1 - r^2/2 + r^4 P(r^2) */
/* largest relative error 2^-33.0 (2^-33.0 before rounding) */
static const float cos_f32[] = {
    0x1.55554ap-5f, -0x1.6c0c28p-10f, 0x1.99e80cp-16f,
};

/* erf(x) = -expm1(-x (1 + P(x))), x >= 0: an error of P counts as much as erf(x) feels it */
/* largest relative error 2^-27.0 (2^-31.2 before rounding) */
static const float erf_f32[] = {
    0x1.06eba8p-3f, 0x1.45f308p-1f, 0x1.a4f37ep-4f, -0x1.39396ep-6f, -0x1.095a2p-12f,
    0x1.d7b074p-10f, -0x1.8454f8p-11f, 0x1.5f3b4ep-13f, -0x1.6644aep-16f, 0x1.405208p-20f,
};

/* pi/2 in three parts of full length; in short ones and a rest */
static const double half_pi_f64[] = {
    0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54, -0x1.f1976b7ed9p-110, 0x1.921fb544p+0,
    0x1.0b4611a6p-34, 0x1.3198a2ep-69, 0x1.b839a252049cp-104,
};

/* exp: expm1(r) = r + r^2 P(r) */
/* largest relative error 2^-54.9 (2^-55.6 before rounding) */
static const double exp_f64[] = {
    0x1.0000000000005p-1, 0x1.5555555555543p-3, 0x1.5555555552037p-5, 0x1.111111111583fp-7,
    0x1.6c16c17f7f2e5p-10, 0x1.a01a018c95ae5p-13, 0x1.a019a57e75e64p-16, 0x1.71de5200a0f4bp-19,
    0x1.28a3dde1eccc9p-22, 0x1.aeb7d611df64ep-26,
};

/* log1p(f) = 2 s + s z P(z), s = f / (2 + f), z = s^2 */
/* largest relative error 2^-59.5 (2^-59.5 before rounding) */
static const double log_f64[] = {
    0x1.5555555555592p-1, 0x1.999999997ff62p-2, 0x1.24924941db594p-2, 0x1.c71c521a0b61fp-3,
    0x1.74663ba657e0dp-3, 0x1.39a20b50a0e7bp-3, 0x1.2f0255104efbfp-3,
};

/* sin(r) = r + r^3 P(r^2) */
/* largest relative error 2^-57.9 (2^-57.9 before rounding) */
static const double sin_f64[] = {
    -0x1.5555555555548p-3, 0x1.111111110f73p-7, -0x1.a01a019be920ap-13, 0x1.71de355529bf3p-19,
    -0x1.ae5e4b81fdd85p-26, 0x1.5d8b54db149d7p-33,
};

/* cos(r) = 1 - r^2/2 + r^4 P(r^2) */
/* largest relative error 2^-63.9 (2^-63.9 before rounding) */
static const double cos_f64[] = {
    0x1.555555555554bp-5, -0x1.6c16c16c15005p-10, 0x1.a01a019c8c7dap-16, -0x1.27e4f7ef0dbdfp-22,
    0x1.1ee9d9c6ed05cp-29, -0x1.8fa553caf6575p-37,
};

/* erf(x) = -expm1(-x (1 + P(x))), x >= 0: an error of P counts as much as erf(x) feels it */
/* largest relative error 2^-55.0 (2^-55.4 before rounding) */
static const double erf_f64[] = {
    0x1.06eba8214db68p-3, 0x1.45f306dc9c8cfp-1, 0x1.a4f4e2a1aa726p-4, -0x1.39668590c050dp-6,
    -0x1.b6b6a0d0057ffp-13, 0x1.bca6911bd1d2ep-10, -0x1.3566354e3200ap-11, 0x1.b2986edeaf45ep-16,
    0x1.0e3469e8195d6p-14, -0x1.f03ca56a88edep-16, 0x1.a9d8d6fb3176bp-19, 0x1.a410cbf5353a2p-19,
    -0x1.1114504024945p-19, 0x1.317c76b02268ap-21, -0x1.7715a7cc329p-27, -0x1.1b9e4845ea5cp-24,
    0x1.29d882ea1be38p-25, -0x1.72dcf661154d3p-27, 0x1.44e82130ff75ep-29, -0x1.9dff78d249cbep-32,
    0x1.7ac9c64c20be7p-35, -0x1.d9f75e9262ac5p-39, 0x1.6c09bcbd78b4ap-43, -0x1.0334b76159e97p-48,
};

#endif
