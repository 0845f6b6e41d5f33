/* engine_models.c: golden steps of the models: forward, gradients, and the first optimizer step. */
#include <stdlib.h>
#include <string.h>
#include <wengert/layer.h>

#include "engine.h"

static wg_layer *model_of(engine *k, const char *apart)
{
    json_t *hyper = json_deep_copy(k->c->hyper);
    wg_error error = { .code = WG_OK };
    char *text;
    wg_layer *l;

    if (apart) json_object_del(hyper, apart);
    text = json_dumps(hyper, 0);
    l = wg_layer_make(k->w, "L", k->c->subject, text, &error);
    if (!l) wg_error_print(&error, stderr);
    free(text);
    json_decref(hyper);
    return l;
}

static void take_values(engine *k)
{
    for (int i = 0; i < k->c->section[G_PARAM].n; i++)
        engine_value(k, k->c->section[G_PARAM].at[i].name);
}

/* The draw NAME/`name` takes the case's values. */
static void take_draw(engine *k, const char *name)
{
    const garray *a = g_in(k->c, name);

    for (int64_t id = 0; a && id < wg_graph_count(k->g); id++) {
        const wg_tensor *t = wg_graph_at(k->g, id);
        const char *leaf = wg_tensor_leaf_name(t), *last = leaf ? strrchr(leaf, '/') : NULL;

        if ((wg_tensor_record(t)->flags & WG_OP_RANDOM) && last && !strcmp(last + 1, name))
            engine_draw(k, t, a, -1);
    }
}

/* One step of the optimizer, of what is trainable; the entries are read after the run. */
static void step(engine *k, wg_tensor *loss)
{
    wg_error error = { .code = WG_OK };
    wg_optim *o =
        wg_optim_from_text(k->w, "optim", g_str(k->c, "optimizer", "RMSProp(lr=0.0001)"), &error);

    if (!o) wg_error_print(&error, stderr);
    if (k->c->section[G_UPDATED].n) wg_minimize(o, loss);
    wg_optim_free(o);
}

static bool record_vae(engine *k)
{
    wg_tensor *x = engine_in(k, "X"), *y[4], *loss;
    wg_layer *l = x ? model_of(k, NULL) : NULL;

    if (!l) return false;
    loss = wg_bernoulli_vae_loss(l, x, y);
    take_values(k);
    take_draw(k, "noise");
    engine_out(k, "loss", loss);
    engine_out(k, "X_recon", y[0]);
    engine_out(k, "t_mean", y[1]);
    engine_out(k, "t_log_var", y[2]);
    engine_out(k, "t", y[3]);
    step(k, loss);
    wg_layer_free(l);
    return true;
}

static void critic(engine *k, wg_layer *l)
{
    wg_wgan_gp_values v;

    wg_wgan_gp_critic_step(l, engine_in(k, "X_real"), &v);
    engine_out(k, "C_loss", v.loss);
    engine_out(k, "X_fake", v.X_fake);
    engine_out(k, "Y_real", v.Y_real);
    engine_out(k, "Y_fake", v.Y_fake);
    engine_out(k, "X_interp", v.X_interp);
    engine_out(k, "Y_interp", v.Y_interp);
    engine_out(k, "gradInterp", v.gradInterp);
    wg_layer_freeze(wg_layer_component(l, "generator"));
    step(k, v.loss);
}

static void generator(engine *k, wg_layer *l)
{
    wg_array noise = engine_array(g_in(k->c, "noise"), k->real);
    wg_wgan_gp_values v;

    wg_wgan_gp_generator_step(l, wg_constant(k->g, noise), &v);
    free(noise.data);
    engine_out(k, "G_loss", v.loss);
    engine_out(k, "X_fake", v.X_fake);
    engine_out(k, "Y_fake", v.Y_fake);
    wg_layer_freeze(wg_layer_component(l, "critic"));
    step(k, v.loss);
}

static bool record_wgan(engine *k)
{
    bool of_critic = !strcmp(g_str(k->c, "step", "critic"), "critic");
    wg_layer *l;

    if (!g_in(k->c, "noise") || (of_critic && !g_in(k->c, "X_real"))) return false;
    l = model_of(k, "step");
    if (!l) return false;
    if (of_critic) critic(k, l);
    else generator(k, l);
    take_values(k);
    take_draw(k, "noise");
    take_draw(k, "alpha");
    wg_layer_free(l);
    return true;
}

static bool record_w2v(engine *k)
{
    static const char *const names[] = { "ids", "offsets", "target", "neg_samples" };
    wg_layer *l = model_of(k, NULL);
    wg_tensor *x[4], *y[2];

    for (int i = 0; i < 4 && l; i++)
        if (!(x[i] = engine_in(k, names[i]))) {
            wg_layer_free(l);
            return false;
        }
    if (!l) return false;
    wg_apply_all(l, 4, x, y);
    take_values(k);
    engine_out(k, "loss", y[0]);
    engine_out(k, "y_pred", y[1]);
    step(k, y[0]);
    wg_layer_free(l);
    return true;
}

const engine_expr engine_models[] = {
    { "BernoulliVAE", record_vae },
    { "WGAN_GP", record_wgan },
    { "Word2Vec", record_w2v },
    { NULL, NULL },
};
