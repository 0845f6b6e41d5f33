/* golden_loss.c: runs the cases of golden/loss_*.json. */
#include "golden_run.h"

static wg_tensor *act_of(golden_run *r, wg_tensor *z)
{
    const char *act_fn = golden_string(r->c, "act_fn");

    return wg_act(act_fn, z);
}

/* The documented gradient is by z, the input of the activation. */
static bool golden_squared_error(const json_t *c, double *worst)
{
    golden_run r = golden_begin(c);
    wg_tensor *y = golden_input(&r, "y"), *z = golden_input(&r, "z"), *p = act_of(&r, z);
    wg_tensor *loss = wg_squared_error(y, p);

    golden_expect(&r, p, "outputs", "y_pred", 1e-9);
    golden_expect(&r, loss, "outputs", "loss", 1e-9);
    golden_expect(&r, wg_loss_grad(loss, z), "input_grads", "z", 1e-9);
    return golden_end(&r, worst);
}

/* What numpy-ml's guard, log(p + 2^-52) for log p, takes from the value of this case. */
static double guard(const json_t *c)
{
    wg_array y = golden_array(c, "inputs", "y"), p = golden_array(c, "outputs", "y_pred");
    double sum = 0;

    if (y.data && p.data && wg_shape_equal(&y.type.shape, &p.type.shape))
        for (int64_t i = 0; i < wg_shape_count(&y.type.shape); i++) {
            double weight = harness_number(y.data, y.type.dtype, i);

            if (weight > 0) sum += weight * log1p(0x1p-52 / ((const double *)p.data)[i]);
        }
    free(y.data);
    free(p.data);
    return sum;
}

/* From probabilities, from the softmax input, and where y is one-hot from class indices: one loss,
 * one gradient. */
static bool golden_cross_entropy(const json_t *c, double *worst)
{
    bool ok = true;

    for (int way = 0; way < 3 && ok; way++) {
        wg_array labels = golden_array(c, "inputs", "y");
        bool one_hot = labels.data != NULL;
        golden_run r;
        wg_tensor *y, *z, *loss;

        for (int64_t i = 0; one_hot && i < wg_shape_count(&labels.type.shape); i++) {
            double v = harness_number(labels.data, labels.type.dtype, i);

            one_hot = v == 0 || v == 1;
        }
        free(labels.data);
        if (way == 2 && !one_hot) break;
        r = golden_begin(c);
        y = golden_input(&r, "y");
        z = golden_input(&r, "z");
        if (way == 0) loss = wg_cross_entropy(y, wg_softmax(z, -1));
        else if (way == 1) loss = wg_cross_entropy_logits(y, z);
        else loss = wg_cross_entropy_index(wg_argmax(y, -1, false), z);
        golden_expect(&r, wg_softmax(z, -1), "outputs", "y_pred", 1e-9);
        /* without probabilities there is nothing to guard */
        golden_expect(&r, way == 0 ? loss : wg_sub(loss, wg_scalar_like(loss, guard(c))), "outputs",
                      "loss", 1e-9);
        golden_expect(&r, wg_loss_grad(loss, z), "input_grads", "z", 1e-9);
        ok = golden_end(&r, worst);
    }
    return ok;
}

static bool golden_vae(const json_t *c, double *worst)
{
    golden_run r = golden_begin(c);
    wg_tensor *y = golden_input(&r, "y"), *p = golden_input(&r, "y_pred");
    wg_tensor *mean = golden_input(&r, "t_mean"), *log_var = golden_input(&r, "t_log_var");
    wg_tensor *loss = wg_vae_loss(y, p, mean, log_var);

    golden_expect(&r, loss, "outputs", "loss", 1e-9);
    golden_expect(&r, wg_loss_grad(loss, p), "input_grads", "y_pred", 1e-9);
    golden_expect(&r, wg_loss_grad(loss, mean), "input_grads", "t_mean", 1e-9);
    golden_expect(&r, wg_loss_grad(loss, log_var), "input_grads", "t_log_var", 1e-9);
    return golden_end(&r, worst);
}

static bool golden_wgan_gp(const json_t *c, double *worst)
{
    const char *module = golden_string(c, "module");
    bool critic = module && module[0] == 'C';
    golden_run r = golden_begin(c);
    wg_tensor *fake = golden_input(&r, "Y_fake"), *real, *grad, *loss;

    if (!critic) {
        loss = wg_wgan_gp_generator_loss(fake);
        golden_expect(&r, loss, "outputs", "G_loss", 1e-9);
        golden_expect(&r, wg_loss_grad(loss, fake), "input_grads", "Y_fake", 1e-9);
        return golden_end(&r, worst);
    }
    real = golden_input(&r, "Y_real");
    grad = golden_input(&r, "gradInterp");
    loss = wg_wgan_gp_critic_loss(fake, real, grad, golden_number(c, "lambda_", 10));
    golden_expect(&r, loss, "outputs", "C_loss", 1e-9);
    golden_expect(&r, wg_loss_grad(loss, fake), "input_grads", "Y_fake", 1e-9);
    golden_expect(&r, wg_loss_grad(loss, real), "input_grads", "Y_real", 1e-9);
    golden_expect(&r, wg_loss_grad(loss, grad), "input_grads", "gradInterp", 1e-9);
    return golden_end(&r, worst);
}

static wg_tensor *noise_probs(golden_run *r)
{
    const json_t *list = golden_hyper(r->c, "noise_probs");
    int64_t n = (int64_t)json_array_size(list);
    double *q = calloc((size_t)n + 1, sizeof *q);
    wg_tensor *t;

    for (int64_t i = 0; i < n; i++) q[i] = json_number_value(json_array_get(list, (size_t)i));
    t = wg_constant(r->g, wg_array_of(WG_F64, wg_shape_of(1, &n), q));
    free(q);
    return t;
}

/* In evaluation mode the layer is frozen; its golden gradients are those of that loss. */
static bool golden_nce(const json_t *c, double *worst)
{
    golden_run r = golden_begin(c);
    bool subtract = !json_is_false(golden_hyper(c, "subtract_log_label_prob"));
    wg_layer *l =
        wg_nce_loss(r.store, "loss",
                    (wg_nce_hyper){ .n_classes = (int64_t)golden_number(c, "n_classes", 0),
                                    .num_negative_samples =
                                        (int64_t)golden_number(c, "num_negative_samples", 0),
                                    .keep_log_label_prob = !subtract });
    wg_tensor *x[4], *y[2];
    bool ok;

    if (json_is_false(golden_hyper(c, "trainable"))) wg_layer_freeze(l);
    wg_begin(r.g, "loss", WG_TRAIN);
    x[0] = golden_input(&r, "X");
    x[1] = golden_input(&r, "target");
    x[2] = golden_input(&r, "neg_samples");
    x[3] = noise_probs(&r);
    wg_apply_all(l, subtract ? 4 : 3, x, y);
    wg_output("loss", y[0]);
    if (wg_graph_error(r.g)) {
        wg_layer_free(l);
        return golden_end(&r, worst);
    }
    golden_parameter(&r, "W", "loss/W");
    golden_parameter(&r, "b", "loss/b");
    golden_expect(&r, y[0], "outputs", "loss", 1e-9);
    golden_expect(&r, y[1], "outputs", "y_pred", 1e-9);
    golden_expect(&r, wg_loss_grad(y[0], x[0]), "input_grads", "X", 1e-9);
    golden_expect(&r, wg_loss_grad(y[0], wg_param_leaf(r.g, r.store, "loss/W")), "parameter_grads",
                  "W", 1e-9);
    golden_expect(&r, wg_loss_grad(y[0], wg_param_leaf(r.g, r.store, "loss/b")), "parameter_grads",
                  "b", 1e-9);
    wg_end(r.g);
    ok = golden_end(&r, worst);
    wg_layer_free(l);
    return ok;
}

const golden_kind golden_kinds_loss[] = {
    { "SquaredError", golden_squared_error },
    { "CrossEntropy", golden_cross_entropy },
    { "VAELoss", golden_vae },
    { "WGAN_GPLoss", golden_wgan_gp },
    { "NCELoss", golden_nce },
    { NULL, NULL },
};
