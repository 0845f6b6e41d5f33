/* test_optim.c: optimisers against golden trajectories; layers and optimisers together; what
 * optimisers refuse. */
#include <math.h>

#include <wengert.h>

#include "golden_kinds.h"

/* ---- the golden files ---- */

static void golden_optimisers(void)
{
    golden_run_file("optim_sgd", golden_kinds_optim);
    golden_run_file("optim_adagrad", golden_kinds_optim);
    golden_run_file("optim_rmsprop", golden_kinds_optim);
    golden_run_file("optim_adam", golden_kinds_optim);
}

/* ---- layers and optimisers together ---- */

static const float xor_x[4][2] = { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 } },
                   xor_y[4] = { 0, 1, 1, 0 };

static void learns_xor(void)
{
    wg_params *w = wg_params_new(WG_F32, 7);
    wg_graph *g = wg_graph_new();
    wg_layer *fc1 = wg_fully_connected(w, "fc1", (wg_fc_hyper){ .n_out = 8, .act_fn = "Tanh" });
    wg_layer *fc2 = wg_fully_connected(w, "fc2", (wg_fc_hyper){ .n_out = 1 });
    wg_adam_hyper h = wg_adam_defaults();
    wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(1, 2)),
              *y = wg_input(g, "y", WG_F32, WG_SHAPE(1, 1));
    wg_optim *o;
    wg_plan *step;

    h.lr = 0.05;
    o = wg_adam(w, "adam", &h);
    wg_begin(g, "train", WG_TRAIN);
    wg_minimize(o, wg_output("loss", wg_squared_error(y, wg_apply(fc2, wg_apply(fc1, x)))));
    wg_end(g);
    step = wg_plan_new(g, w, "train", NULL);
    NO_ERROR(wg_graph_error(g));
    REQUIRE(step != NULL);
    wg_plan_feed(step, "x", WG_F32_ARRAY(xor_x, 4, 2));
    wg_plan_feed(step, "y", WG_F32_ARRAY(xor_y, 4, 1));
    for (int i = 0; i < 400; i++) REQUIRE(wg_plan_run(step) == WG_OK);
    CHECK(wg_item(wg_plan_value(step, "loss")) < 1e-3);
    EQ_INT(wg_item(&wg_params_find(w, "adam/step")->value), 400);
    CHECK(wg_params_find(w, "fc1/W/adam_m") && !wg_params_find(w, "fc1/W/adam_m")->trainable);
    wg_plan_free(step);
    wg_optim_free(o);
    wg_layer_free(fc1);
    wg_layer_free(fc2);
    wg_graph_free(g);
    wg_params_free(w);
}

/* A frozen layer keeps its weights; thawing it does not make moments or statistics trainable. */
static void frozen(void)
{
    wg_params *w = wg_params_new(WG_F64, 7);
    wg_graph *g = wg_graph_new();
    wg_layer *a = wg_fully_connected(w, "a", (wg_fc_hyper){ .n_out = 3, .act_fn = "Tanh" });
    wg_layer *b = wg_fully_connected(w, "b", (wg_fc_hyper){ .n_out = 1 });
    wg_optim *o = wg_adam(w, "adam", NULL);
    static const double one[2] = { 1, -1 };
    wg_tensor *x = wg_input(g, "x", WG_F64, WG_SHAPE(1, 2));
    double before[6], after[6], b_before[3];
    wg_plan *step;

    for (int round = 0; round < 2; round++) {
        const char *name = round == 0 ? "frozen" : "thawed";

        if (round == 0) wg_layer_freeze(a);
        else wg_layer_unfreeze(a);
        wg_begin(g, name, WG_TRAIN);
        wg_minimize(o, wg_sum(wg_apply(b, wg_apply(a, x)), WG_ALL_AXES, false));
        wg_end(g);
        step = wg_plan_new(g, w, name, NULL);
        NO_ERROR(wg_graph_error(g));
        REQUIRE(step != NULL);
        memcpy(before, wg_params_find(w, "a/W")->value.data, sizeof before);
        memcpy(b_before, wg_params_find(w, "b/W")->value.data, sizeof b_before);
        wg_plan_feed(step, "x", WG_F64_ARRAY(one, 1, 2));
        CHECK(wg_plan_run(step) == WG_OK);
        memcpy(after, wg_params_find(w, "a/W")->value.data, sizeof after);
        CHECK((memcmp(before, after, sizeof after) == 0) == (round == 0));
        CHECK(memcmp(b_before, wg_params_find(w, "b/W")->value.data, sizeof b_before) != 0);
        wg_plan_free(step);
    }
    wg_layer_freeze(a);
    wg_layer_unfreeze(a);
    CHECK(wg_params_find(w, "a/W")->trainable && wg_params_find(w, "a/b")->trainable);
    CHECK(!wg_params_find(w, "a/W/adam_v")->trainable);
    wg_optim_free(o);
    wg_layer_free(a);
    wg_layer_free(b);
    wg_graph_free(g);
    wg_params_free(w);
}

/* One layer used twice shares its weights: the gradient is the sum of both uses. */
static void shared(void)
{
    wg_params *w = wg_params_new(WG_F64, 7);
    wg_graph *g = wg_graph_new();
    wg_layer *a = wg_fully_connected(w, "a", (wg_fc_hyper){ .n_out = 2 });
    static const double v[2] = { 2, 5 };
    wg_tensor *x = wg_input(g, "x", WG_F64, WG_SHAPE(1, 2)),
              *y = wg_add(wg_apply(a, x), wg_apply(a, x));
    wg_tensor *dW = wg_grad1(wg_sum(y, WG_ALL_AXES, false), wg_param_leaf(g, w, "a/W"));
    wg_array got = { 0 };
    wg_error error = { .code = WG_OK };

    EQ_INT(wg_params_count(w), 4); /* with the two of the generator */
    wg_read(dW, w, 1, &(wg_feed){ "x", WG_F64_ARRAY(v, 1, 2) }, &got, &error);
    NO_ERROR(&error);
    CLOSE((double *)got.data, ((const double[]){ 4, 4, 10, 10 }), 4, 0, 0);
    EQ_STR(wg_tensor_scope(y), "");
    EQ_STR(wg_tensor_scope(wg_tensor_in(y, 0)), "a");
    wg_free(got.data);
    wg_layer_free(a);
    wg_graph_free(g);
    wg_params_free(w);
}

static void refused_optimisers(void)
{
    wg_params *w = wg_params_new(WG_F32, 1);
    wg_sgd_hyper bad_lr = { .lr = -1 }, bad_momentum = { .lr = 1, .momentum = 1 },
                 bad_clip = { .lr = 1, .clip_norm = (double)INFINITY };
    wg_adam_hyper bad_decay = wg_adam_defaults();
    struct {
        wg_optim *o;
        const char *message;
    } one[] = {
        { wg_sgd(w, "a", &bad_lr), "SGD: lr is -1, wanted a positive number" },
        { wg_sgd(w, "b", &bad_momentum), "SGD: momentum is 1, wanted 0 <= momentum < 1" },
        { NULL, "Adam: decay2 is 1, wanted 0 <= decay2 < 1" },
        { NULL, "minimize: the optimiser is NULL" },
        { wg_sgd(w, "d", NULL), "minimize: the loss depends on no trainable entry of the store" },
        { wg_sgd(w, "e", &bad_clip), "SGD: clip_norm is inf, wanted a positive number or None" },
    };

    bad_decay.decay2 = 1;
    one[2].o = wg_adam(w, "c", &bad_decay);
    for (int i = 0; i < 6; i++) {
        wg_graph *g = wg_graph_new();
        wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE_SCALAR);
        const char *here = harness_site((char[64]){ 0 }, __FILE__, __LINE__ + 3);

        wg_begin(g, "train", WG_TRAIN);
        wg_minimize(one[i].o, x);
        ERROR_IS(wg_graph_error(g), WG_EARG, one[i].message, here);
        wg_graph_free(g);
        wg_optim_free(one[i].o);
    }
    wg_params_free(w);
}

TESTS(TEST(golden_optimisers), TEST(learns_xor), TEST(frozen), TEST(shared),
      TEST(refused_optimisers))
