/* engine_exprs.c: golden cases that are expressions: activations, losses, second-order backwards. */
#include <stdlib.h>
#include <string.h>
#include <wengert/layer.h>

#include "engine.h"

static bool record_act(engine *k)
{
    wg_tensor *x = engine_in(k, "X");
    const char *act = g_str(k->c, "act_fn", NULL);

    if (!x) return false;
    engine_out(k, "Y", wg_act(act, x));
    engine_out(k, "grad", wg_act_grad(act, x));
    engine_out(k, "grad2", wg_act_grad2(act, x));
    return true;
}

static bool record_squared_error(engine *k)
{
    wg_tensor *y = engine_in(k, "y"), *z = engine_in(k, "z"), *p;

    if (!y || !z) return false;
    p = wg_act(g_str(k->c, "act_fn", NULL), z);
    engine_out(k, "y_pred", p);
    engine_out(k, "loss", wg_squared_error(y, p));
    return true;
}

/* The loss of probabilities, as documented, with the gradient at the softmax input. */
static bool record_cross_entropy(engine *k)
{
    wg_tensor *y = engine_in(k, "y"), *z = engine_in(k, "z"), *p;

    if (!y || !z) return false;
    p = wg_softmax(z, -1);
    engine_out(k, "y_pred", p);
    engine_out(k, "loss", wg_cross_entropy(y, p));
    return true;
}

static bool record_vae_loss(engine *k)
{
    wg_tensor *y = engine_in(k, "y"), *p = engine_in(k, "y_pred"), *mean = engine_in(k, "t_mean"),
              *log_var = engine_in(k, "t_log_var");

    if (!y || !p || !mean || !log_var) return false;
    engine_out(k, "loss", wg_vae_loss(y, p, mean, log_var));
    return true;
}

static bool record_wgan_loss(engine *k)
{
    wg_tensor *fake = engine_in(k, "Y_fake"), *real = engine_in(k, "Y_real"),
              *grad = engine_in(k, "gradInterp");

    if (!fake) return false;
    if (!strcmp(g_str(k->c, "module", "C"), "G")) {
        engine_out(k, "G_loss", wg_wgan_gp_generator_loss(fake));
        return true;
    }
    if (!real || !grad) return false;
    engine_out(k, "C_loss", wg_wgan_gp_critic_loss(fake, real, grad, g_num(k->c, "lambda_", 10)));
    return true;
}

/* noise_probs is a hyperparameter: an operand as a constant. */
static wg_tensor *noise_probs(engine *k)
{
    const json_t *list = json_object_get(k->c->hyper, "noise_probs");
    garray a = { .dtype = G_F64, .rank = 1, .dim = { (int64_t)json_array_size(list) } };
    wg_tensor *t;
    wg_array v;

    a.f = calloc((size_t)a.dim[0] + 1, sizeof *a.f);
    for (int64_t i = 0; i < a.dim[0]; i++)
        a.f[i] = json_number_value(json_array_get(list, (size_t)i));
    v = engine_array(&a, k->real);
    t = wg_constant(k->g, v);
    free(v.data);
    free(a.f);
    return t;
}

static bool record_nce(engine *k)
{
    bool subtract = g_bool(k->c, "subtract_log_label_prob", true);
    wg_tensor *x[4], *y[2];
    wg_layer *l =
        wg_nce_loss(k->w, "L",
                    (wg_nce_hyper){ .n_classes = g_int(k->c, "n_classes", 0),
                                    .num_negative_samples = g_int(k->c, "num_negative_samples", 0),
                                    .keep_log_label_prob = !subtract });

    if (!g_bool(k->c, "trainable", true)) wg_layer_freeze(l);
    x[0] = engine_in(k, "X");
    x[1] = engine_in(k, "target");
    x[2] = engine_in(k, "neg_samples");
    x[3] = subtract ? noise_probs(k) : NULL;
    if (!x[0] || !x[1] || !x[2]) return false;
    wg_apply_all(l, subtract ? 4 : 3, x, y);
    engine_value(k, "W");
    engine_value(k, "b");
    engine_out(k, "loss", y[0]);
    engine_out(k, "y_pred", y[1]);
    wg_layer_free(l);
    return true;
}

const engine_expr engine_exprs[] = {
    { "Affine", record_act },
    { "ELU", record_act },
    { "Exponential", record_act },
    { "GELU", record_act },
    { "HardSigmoid", record_act },
    { "Identity", record_act },
    { "LeakyReLU", record_act },
    { "ReLU", record_act },
    { "SELU", record_act },
    { "Sigmoid", record_act },
    { "SoftPlus", record_act },
    { "Tanh", record_act },
    { "SquaredError", record_squared_error },
    { "CrossEntropy", record_cross_entropy },
    { "VAELoss", record_vae_loss },
    { "WGAN_GPLoss", record_wgan_loss },
    { "NCELoss", record_nce },
    { NULL, NULL },
};

const engine_expr *engine_expr_of(const char *subject)
{
    static const engine_expr *const tables[] = { engine_exprs, engine_models };

    for (int i = 0; i < 2; i++)
        for (const engine_expr *e = tables[i]; e->subject; e++)
            if (!strcmp(e->subject, subject)) return e;
    return NULL;
}

bool engine_run_expr(const engine_expr *expr, const gcase *c, wg_dtype real, gresult *r, char *text)
{
    engine k;
    bool ok;

    text[0] = '\0';
    engine_begin(&k, c, real, WG_TRAIN);
    if (expr->record(&k)) {
        ok = engine_end(&k, r, text);
    } else {
        snprintf(text, 400, "the case lacks an input");
        wg_graph_free(k.g);
        ok = false;
    }
    wg_params_free(k.w);
    return ok;
}
