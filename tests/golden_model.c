/* golden_model.c: golden cases of the models: values and gradients of a step, and the parameters
 * after the recorded training function has run once. */
#include "golden_kinds.h"
#include "layer_kit.h"

enum { MOST_OUT = 48 };

/* A case at work: the layer is called "layer". */
typedef struct {
    const json_t *c;
    wg_dtype real;
    wg_params *w;
    wg_layer *l;
    wg_graph *g;
    double *worst, tol_value, tol_grad;
    int n_feeds;
    char feed_name[6][40];
    wg_array feed[6];
    bool ok;
} step;

static void feed(step *s, const char *golden, const char *name)
{
    wg_array a = kit_array(s->c, "inputs", golden, s->real);

    if (!a.data) return;
    snprintf(s->feed_name[s->n_feeds], sizeof s->feed_name[0], "%s", name);
    s->feed[s->n_feeds++] = a;
}

static void near(step *s, const wg_array *got, const char *section, const char *key, double tol)
{
    wg_array want = golden_array(s->c, section, key), none = { .data = NULL };
    double ignored = 0;

    if (!golden_near(s->c, key, got ? got : &none, &want, tol,
                     s->real == WG_F64 ? s->worst : &ignored))
        s->ok = false;
    free(want.data);
}

static bool run_plan(step *s, wg_plan *p)
{
    bool ok = p != NULL;

    for (int i = 0; i < s->n_feeds && p; i++)
        if (wg_plan_feed(p, s->feed_name[i], s->feed[i]) != WG_OK &&
            wg_plan_error(p)->code != WG_ENAME)
            ok = golden_error(s->c, wg_plan_error(p));
    if (ok && wg_plan_run(p) != WG_OK) ok = golden_error(s->c, wg_plan_error(p));
    return s->ok = s->ok && ok;
}

/* The gradients of `loss` by X (may be NULL) and by the parameters of the case, as one function. */
static void gradients(step *s, wg_tensor *loss, wg_tensor *X)
{
    json_t *all = json_object_get(s->c, "parameter_grads"), *one;
    const char *key, *keys[MOST_OUT];
    wg_tensor *wrt[MOST_OUT], *grad[MOST_OUT];
    wg_error error = { .code = WG_OK };
    char entry[128];
    wg_plan *p;
    int n = 0, n_x;

    if (X) {
        wrt[n] = X;
        keys[n++] = "X";
    }
    n_x = n;
    json_object_foreach(all, key, one)
    {
        wrt[n] = wg_param_leaf(s->g, s->w, kit_entry(key, entry));
        keys[n++] = key;
    }
    wg_grad(loss, n, wrt, grad);
    wg_output("loss", loss);
    wg_end(s->g);
    p = wg_graph_error(s->g) ? NULL : wg_plan_of(n, grad, s->w, NULL, &error);
    if (!p) s->ok = golden_error(s->c, wg_graph_error(s->g) ? wg_graph_error(s->g) : &error);
    if (p && run_plan(s, p))
        for (int i = 0; i < n; i++)
            near(s, wg_plan_value_at(p, i), i < n_x ? "input_grads" : "parameter_grads", keys[i],
                 s->tol_grad);
    wg_plan_free(p);
}

/* A recorded training function: its outputs, and the parameters after the run. */
static void train(step *s, const char *function)
{
    json_t *all = json_object_get(s->c, "outputs"), *one;
    wg_error error = { .code = WG_OK };
    const char *key;
    char entry[128];
    wg_plan *p = wg_plan_new_error(s->g, s->w, function, NULL, &error);

    if (!p) s->ok = golden_error(s->c, &error);
    if (!p || !run_plan(s, p)) {
        wg_plan_free(p);
        return;
    }
    json_object_foreach(all, key, one) near(s, wg_plan_value(p, key), "outputs", key, s->tol_value);
    json_object_foreach(json_object_get(s->c, "updated_parameters"), key, one)
    {
        const wg_param *param = wg_params_find(s->w, kit_entry(key, entry));

        near(s, param ? &param->value : NULL, "updated_parameters", key,
             s->real == WG_F64 ? 1e-9 : 1e-4);
    }
    wg_plan_free(p);
}

static int64_t extent(const json_t *c, const char *input, size_t axis)
{
    const json_t *t = json_object_get(json_object_get(c, "inputs"), input);

    return json_integer_value(json_array_get(json_object_get(t, "shape"), axis));
}

/* ---- the three ---- */

static const char *record_vae(step *s)
{
    wg_tensor *X;

    feed(s, "X", "X");
    feed(s, "noise", "layer/noise");
    wg_bernoulli_vae_record(s->l, s->g, extent(s->c, "X", 1), extent(s->c, "X", 2),
                            extent(s->c, "X", 3));
    kit_set_params(s->c, s->w);
    wg_begin(s->g, "golden", WG_TRAIN);
    X = wg_input(s->g, "X", s->real,
                 WG_SHAPE(1, extent(s->c, "X", 1), extent(s->c, "X", 2), extent(s->c, "X", 3)));
    gradients(s, wg_bernoulli_vae_loss(s->l, X, NULL), X);
    return "train";
}

static const char *record_wgan(step *s)
{
    bool critic = strcmp(golden_string(s->c, "step"), "critic") == 0;
    int64_t n_feats = extent(s->c, "noise", 1);
    wg_tensor *X;

    s->tol_grad = s->real == WG_F64 ? 1e-8 : 1e-3;
    feed(s, "X_real", "X_real");
    if (s->n_feeds == 0) feed(s, "noise", "X_real"); /* the generator uses its extents alone */
    feed(s, "noise", "layer/noise");
    feed(s, "alpha", "layer/alpha");
    wg_wgan_gp_record(s->l, s->g, n_feats);
    kit_set_params(s->c, s->w);
    wg_begin(s->g, "golden", WG_TRAIN);
    X = wg_input(s->g, "X_real", s->real, WG_SHAPE(1, n_feats));
    gradients(s,
              critic ? wg_wgan_gp_critic_step(s->l, X, NULL)
                     : wg_wgan_gp_generator_step(s->l, X, NULL),
              NULL);
    return critic ? "critic" : "generator";
}

static const char *record_word2vec(step *s)
{
    static const char *const names[] = { "ids", "offsets", "target", "neg_samples" };
    wg_tensor *x[4], *y[2];

    wg_word2vec_record(s->l, s->g, false);
    kit_set_params(s->c, s->w);
    wg_begin(s->g, "golden", WG_TRAIN);
    for (int i = 0; i < 4; i++) {
        wg_array a = golden_array(s->c, "inputs", names[i]);

        free(a.data);
        feed(s, names[i], names[i]);
        /* as the recorded functions have it: of the example extents that leaf was made with */
        x[i] = wg_input(s->g, names[i], WG_I64, a.type.shape);
    }
    wg_apply_all(s->l, 4, x, y);
    gradients(s, y[0], NULL);
    return "train";
}

static bool run_model(const json_t *c, double *worst, const char *kind,
                      const char *(*record)(step *))
{
    bool ok = true;

    for (int f32 = 0; f32 < 2; f32++) {
        step s = { .c = c,
                   .real = f32 ? WG_F32 : WG_F64,
                   .worst = worst,
                   .tol_value = f32 ? 1e-5 : 1e-9,
                   .tol_grad = f32 ? 1e-4 : 1e-9,
                   .ok = true };
        json_t *hyper = json_copy(json_object_get(c, "hyperparameters"));
        wg_error error = { .code = WG_OK };
        char *text;

        json_object_del(hyper, "step"); /* the case's, not the model's */
        text = json_dumps(hyper, 0);
        s.w = wg_params_new(s.real, 1);
        s.g = wg_graph_new();
        s.l = wg_layer_make(s.w, "layer", kind, text, &error);
        if (s.l) train(&s, record(&s));
        else s.ok = golden_error(c, &error);
        ok = ok && s.ok;
        for (int i = 0; i < s.n_feeds; i++) free(s.feed[i].data);
        free(text);
        json_decref(hyper);
        wg_layer_free(s.l);
        wg_graph_free(s.g);
        wg_params_free(s.w);
    }
    return ok;
}

static bool run_vae(const json_t *c, double *worst)
{
    return run_model(c, worst, "BernoulliVAE", record_vae);
}
static bool run_wgan(const json_t *c, double *worst)
{
    return run_model(c, worst, "WGAN_GP", record_wgan);
}
static bool run_word2vec(const json_t *c, double *worst)
{
    return run_model(c, worst, "Word2Vec", record_word2vec);
}

const golden_kind golden_kinds_model[] = { { "BernoulliVAE", run_vae },
                                           { "WGAN_GP", run_wgan },
                                           { "Word2Vec", run_word2vec },
                                           { NULL, NULL } };
