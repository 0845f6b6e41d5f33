/*
 * test_reference_optim.c: the engine's optimisers and schedulers against the plain ones, over long
 * runs with gradients that are at times large, at times none.
 */
#include <wengert.h>
#include <wengert/reference.h>

#include "harness.h"
#include "ref_slope.h"

enum { N = 7, STEPS = 60 };

/* The state of a plain optimiser, and how it makes a step. */
typedef struct {
    double param[N], a[N], b[N];
} plain;

typedef struct {
    const char *text;
    void (*update)(plain *s, int64_t t, double lr, const double *grad);
    double (*rate)(int64_t step); /* NULL: 0.05 */
} row;

static void sgd(plain *s, int64_t t, double lr, const double *grad)
{
    (void)t;
    wg_ref_sgd(N, lr, 0, 0, grad, s->param, s->a);
}

static void momentum(plain *s, int64_t t, double lr, const double *grad)
{
    (void)t;
    wg_ref_sgd(N, lr, 0.9, 1.5, grad, s->param, s->a);
}

static void nesterov(plain *s, int64_t t, double lr, const double *grad)
{
    (void)t;
    wg_ref_nesterov(N, lr, 0.8, 1.2, grad, s->param, s->a);
}

static void adagrad(plain *s, int64_t t, double lr, const double *grad)
{
    (void)t;
    wg_ref_adagrad(N, lr, 1e-6, 0, grad, s->param, s->a);
}

static void rmsprop(plain *s, int64_t t, double lr, const double *grad)
{
    (void)t;
    wg_ref_rmsprop(N, lr, 0.8, 1e-5, 2, grad, s->param, s->a);
}

static void adam(plain *s, int64_t t, double lr, const double *grad)
{
    wg_ref_adam(N, t, lr, 0.8, 0.95, 1e-6, 0, grad, s->param, s->a, s->b);
}

static void adam_clipped(plain *s, int64_t t, double lr, const double *grad)
{
    wg_ref_adam(N, t, lr, 0.9, 0.999, 1e-7, 0.7, grad, s->param, s->a, s->b);
}

static void adamw(plain *s, int64_t t, double lr, const double *grad)
{
    wg_ref_adamw(N, t, lr, 0.9, 0.999, 1e-7, 0.03, 0, grad, s->param, s->a, s->b);
}

static double staircase(int64_t step)
{
    return wg_ref_exponential_lr(step, 0.1, 7, true, 0.6);
}

static double noam(int64_t step)
{
    return wg_ref_noam_lr(step, 16, 2, 20);
}

static const row rows[] = {
    { "SGD(lr=0.05)", sgd, NULL },
    { "SGD(lr=0.05, momentum=0.9, clip_norm=1.5)", momentum, NULL },
    { "SGD(lr=0.05, momentum=0.8, clip_norm=1.2, nesterov=True)", nesterov, NULL },
    { "SGD(lr_scheduler=ExponentialScheduler(initial_lr=0.1, stage_length=7, staircase=True, "
      "decay=0.6))",
      sgd, staircase },
    { "AdaGrad(lr=0.05, eps=1e-6)", adagrad, NULL },
    { "RMSProp(lr=0.05, decay=0.8, eps=1e-5, clip_norm=2)", rmsprop, NULL },
    { "Adam(lr=0.05, decay1=0.8, decay2=0.95, eps=1e-6)", adam, NULL },
    { "Adam(lr=0.05, clip_norm=0.7)", adam_clipped, NULL },
    { "Adam(decay1=0.8, decay2=0.95, eps=1e-6, lr_scheduler=NoamScheduler(model_dim=16, "
      "scale_factor=2, warmup_steps=20))",
      adam, noam },
    { "AdamW(lr=0.05, weight_decay=0.03)", adamw, NULL },
};

static void optimisers(void)
{
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        double param[N], grad[N], worst = 0;
        wg_error error = { 0 };
        wg_optim *o = wg_optim_from_text(NULL, "o", rows[k].text, &error);
        plain s = { { 0 }, { 0 }, { 0 } };

        NO_ERROR(&error);
        REQUIRE(o != NULL);
        slope_fill(N, param, 100 + k);
        memcpy(s.param, param, sizeof param);
        for (int64_t t = 1; t <= STEPS; t++) {
            double lr = rows[k].rate ? rows[k].rate(t) : 0.05;

            slope_fill(N, grad, (uint64_t)(1000 * k) + (uint64_t)t);
            for (int i = 0; i < N; i++) grad[i] *= t % 9 == 0 ? 30 : t % 5 == 0 ? 0 : 1;
            rows[k].update(&s, t, lr, grad);
            wg_optim_step(o, &error);
            wg_optim_update(o, "w", WG_F64_ARRAY(param, N), WG_F64_ARRAY(grad, N), NAN, &error);
            NO_ERROR(&error);
            CLOSE1(wg_optim_lr(o), lr, 1e-14, 0);
            for (int i = 0; i < N; i++)
                worst = fmax(worst, fabs(param[i] - s.param[i]) / (1 + fabs(s.param[i])));
        }
        harness_check(worst <= 1e-10, __FILE__, __LINE__, "%s: off by %g", rows[k].text, worst);
        printf("    %.60s: %.1e\n", rows[k].text, worst);
        wg_optim_free(o);
    }
}

/* Losses that fall, stay and rise, with spikes. */
static double loss_at(int64_t t)
{
    double noise;

    slope_fill(1, &noise, (uint64_t)t);
    return (t < 60    ? 3 - 0.04 * (double)t
            : t < 120 ? 0.6
                      : 0.6 + 0.01 * (double)(t - 120)) +
           0.05 * noise + (t % 17 == 0 ? 2 : 0);
}

/* King's rate and both its probabilities, by patience, with and without forgetting. */
static void king(void)
{
    static const int64_t patience[] = { 3, 8, 19, 28, 100 };

    for (int k = 0; k < 2 * (int)(sizeof patience / sizeof patience[0]); k++) {
        double *history = calloc((size_t)wg_ref_king_room(patience[k / 2]), sizeof *history);
        wg_ref_king plain_king = { .lr = 0.2,
                                   .decay = 0.9,
                                   .patience = patience[k / 2],
                                   .forget = k % 2 == 1,
                                   .history = history };
        wg_error error = { 0 };
        wg_sched *s;
        char text[200];
        int decays = 0;

        snprintf(text, sizeof text,
                 "KingScheduler(initial_lr=0.2, patience=%lld, decay=0.9, clear_history=%s)",
                 (long long)patience[k / 2], k % 2 ? "True" : "False");
        s = wg_sched_from_text(text, &error);
        NO_ERROR(&error);
        REQUIRE(s && history);
        for (int64_t t = 0; t < 300; t++) {
            double lr, before = plain_king.lr, want, p, robust;

            REQUIRE(wg_ref_king_lr(&plain_king, loss_at(t), &want));
            wg_sched_learning_rate(s, t, loss_at(t), &lr, &error);
            wg_sched_p_decreasing(s, &p, &robust, &error);
            NO_ERROR(&error);
            decays += want != before;
            if (!harness_check(fabs(lr - want) <= 1e-12 * want, __FILE__, __LINE__,
                               "%s, step %lld: %.17g, not %.17g", text, (long long)t, lr, want) ||
                !harness_check(fabs(p - plain_king.p) <= 1e-9 &&
                                   fabs(robust - plain_king.p_robust) <= 1e-9,
                               __FILE__, __LINE__, "%s, step %lld: p %g and %g, not %g and %g",
                               text, (long long)t, p, robust, plain_king.p, plain_king.p_robust))
                break;
        }
        harness_check(decays > 0, __FILE__, __LINE__, "%s: never decays", text);
        wg_sched_free(s);
        free(history);
    }
}

static void rates_by_step(void)
{
    static const char *const texts[] = {
        "ExponentialScheduler(initial_lr=0.3, stage_length=11, decay=0.4)",
        "ExponentialScheduler(initial_lr=0.3, stage_length=11, staircase=True, decay=0.4)",
        "NoamScheduler(model_dim=64, scale_factor=0.5, warmup_steps=50)",
        "ConstantScheduler(lr=0.07)",
    };

    for (int k = 0; k < 4; k++) {
        wg_error error = { 0 };
        wg_sched *s = wg_sched_from_text(texts[k], &error);

        NO_ERROR(&error);
        REQUIRE(s != NULL);
        for (int64_t t = 1; t < 200; t += 3) {
            double lr, want = k < 2    ? wg_ref_exponential_lr(t, 0.3, 11, k == 1, 0.4)
                              : k == 2 ? wg_ref_noam_lr(t, 64, 0.5, 50)
                                       : wg_ref_constant_lr(t, 0.07);

            wg_sched_learning_rate(s, t, NAN, &lr, &error);
            CLOSE1(lr, want, 1e-13, 0);
        }
        NO_ERROR(&error);
        wg_sched_free(s);
    }
}

TESTS(TEST(optimisers), TEST(king), TEST(rates_by_step))
