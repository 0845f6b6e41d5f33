/*
 * test_resume.c: N steps of training are K steps, saving, loading in a fresh process that does not contain the
 * model's code, and N - K steps there: bit for bit, in store and files.
 */
#include <libgen.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wengert/nn.h>
#include <wengert/optim.h>

#include "harness.h"
#include "stepping.h"
#include "temp.h"

enum { STEPS = 20, PART = 7 };

/* Two layers with dropout. Everything an optimiser can leave behind is store entries. */
static wg_tensor *model(wg_graph *g, wg_params *w, wg_dtype dtype)
{
    wg_tensor *x = wg_input(g, "x", dtype, WG_SHAPE(6, 5)),
              *y = wg_input(g, "y", dtype, WG_SHAPE(6, 1)), *h;

    wg_scope_begin(g, "first");
    h = wg_tanh(
        wg_add(wg_matmul(x, wg_param_leaf(g, w, "first/W")), wg_param_leaf(g, w, "first/b")));
    h = wg_mul(h, wg_bernoulli_like(h, "keep", 0.8));
    wg_scope_end(g);
    h = wg_matmul(h, wg_param_leaf(g, w, "second/W"));
    return wg_output("loss", wg_mean(wg_square(wg_sub(h, y)), WG_ALL_AXES, false));
}

static wg_params *store(wg_dtype dtype, int64_t hidden)
{
    wg_params *w = wg_params_new(dtype, 31);

    wg_params_add(w, "first/W", dtype, WG_SHAPE(5, hidden), true, NULL, NULL);
    wg_params_add(w, "first/b", dtype, WG_SHAPE(hidden), true, NULL, NULL);
    wg_params_add(w, "second/W", dtype, WG_SHAPE(hidden, 1), true, NULL, NULL);
    wg_params_fill_normal(w, "first/W", 0, 0.5, NULL);
    wg_params_fill_normal(w, "second/W", 0, 0.5, NULL);
    return w;
}

/* Descent with momentum, written with plain ops. */
static wg_graph *with_plain_ops(wg_params *w, wg_dtype dtype)
{
    static const char *const names[] = { "first/W", "first/b", "second/W" };
    wg_graph *g = wg_graph_new();
    wg_tensor *leaf[3], *grad[3], *lr;

    wg_params_add(w, "lr", dtype, WG_SHAPE_SCALAR, false, NULL, NULL);
    wg_params_fill(w, "lr", 0.05, NULL);
    for (int i = 0; i < 3; i++) {
        char velocity[64];

        snprintf(velocity, sizeof velocity, "%s/v", names[i]);
        wg_params_add(w, velocity, dtype, wg_params_find(w, names[i])->value.type.shape, false,
                      NULL, NULL);
    }
    wg_begin(g, "train", WG_TRAIN);
    lr = wg_param_leaf(g, w, "lr");
    for (int i = 0; i < 3; i++) leaf[i] = wg_param_leaf(g, w, names[i]);
    wg_grad(model(g, w, dtype), 3, leaf, grad);
    for (int i = 0; i < 3; i++) {
        char velocity[64];
        wg_tensor *v;

        snprintf(velocity, sizeof velocity, "%s/v", names[i]);
        v = wg_add(wg_mul(wg_param_leaf(g, w, velocity), wg_scalar(g, dtype, 0.9)), grad[i]);
        wg_update(velocity, v);
        wg_update(names[i], wg_sub(leaf[i], wg_mul(lr, v)));
    }
    wg_update("lr", wg_mul(lr, wg_scalar(g, dtype, 0.99)));
    wg_end(g);
    return g;
}

static wg_graph *with_adam(wg_params *w, wg_dtype dtype)
{
    wg_adam_hyper hyper = wg_adam_defaults();
    wg_optim *adam = wg_adam(w, "adam", &hyper);
    wg_graph *g = wg_graph_new();

    wg_begin(g, "train", WG_TRAIN);
    wg_minimize(adam, model(g, w, dtype));
    wg_end(g);
    wg_optim_free(adam);
    return g;
}

/* Runs go_on, which lies beside this program. */
static int in_fresh_process(const char *path, int first, int end)
{
    char self[500], other[600], a[16], b[16];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    int status = -1;
    pid_t child;

    if (n <= 0) return -1;
    self[n] = '\0';
    snprintf(other, sizeof other, "%s/go_on", dirname(self));
    snprintf(a, sizeof a, "%d", first);
    snprintf(b, sizeof b, "%d", end);
    child = fork();
    if (child == 0) {
        execl(other, other, path, a, b, (char *)NULL);
        _exit(127);
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static char *bytes_of(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = calloc(1, 1 << 20);

    if (f) {
        text[fread(text, 1, (1 << 20) - 1, f)] = '\0';
        fclose(f);
    }
    return text;
}

typedef wg_graph *build_fn(wg_params *w, wg_dtype dtype);

/* hidden decides whether the weights go inline or beside. */
static void resume(build_fn *build, wg_dtype dtype, int64_t hidden)
{
    wg_params *whole = store(dtype, hidden), *part = store(dtype, hidden);
    wg_graph *g = build(whole, dtype), *h = build(part, dtype);
    char straight[600], resumed[600], *a, *b;
    wg_error error = { 0 };
    wg_program p = { NULL, NULL };

    NO_ERROR(wg_graph_error(g));
    snprintf(straight, sizeof straight, "%s/straight", temp_dir());
    snprintf(resumed, sizeof resumed, "%s/resumed", temp_dir());
    mkdir(straight, 0777);
    mkdir(resumed, 0777);
    strcat(straight, "/m.json");
    strcat(resumed, "/m.json");
    CHECK(stepping_train(g, whole, 0, STEPS, &error));
    CHECK(stepping_train(h, part, 0, PART, &error));
    EQ_INT(wg_save(straight, g, whole, NULL, &error), WG_OK);
    EQ_INT(wg_save(resumed, h, part, NULL, &error), WG_OK);
    EQ_INT(in_fresh_process(resumed, PART, STEPS), 0);
    wg_load(resumed, NULL, &p, &error);
    NO_ERROR(&error);
    REQUIRE(p.params != NULL);
    EQ_INT(wg_params_count(p.params), wg_params_count(whole));
    for (int i = 0; i < wg_params_count(whole); i++) {
        const wg_param *want = wg_params_at(whole, i), *got = wg_params_find(p.params, want->name);

        if (CHECK(got && wg_type_equal(&got->value.type, &want->value.type)))
            SAME_BITS(got->value.data, want->value.data, wg_type_bytes(&want->value.type));
    }
    /* The draws went on where they were. */
    EQ_INT(*(int64_t *)wg_params_find(p.params, "rng/run")->value.data, STEPS);
    a = bytes_of(straight);
    b = bytes_of(resumed);
    EQ_STR(b, a);
    CHECK((strstr(a, "\"weights\"") != NULL) == (hidden > 500));
    free(a);
    free(b);
    wg_program_free(&p);
    wg_graph_free(g);
    wg_graph_free(h);
    wg_params_free(whole);
    wg_params_free(part);
}

static void plain_ops_inline(void)
{
    resume(with_plain_ops, WG_F32, 8);
    resume(with_plain_ops, WG_F64, 9);
}

static void plain_ops_beside(void)
{
    resume(with_plain_ops, WG_F32, 700);
}

static void adam_inline_and_beside(void)
{
    resume(with_adam, WG_F32, 8);
    resume(with_adam, WG_F64, 600);
}

TESTS(TEST(plain_ops_inline), TEST(plain_ops_beside), TEST(adam_inline_and_beside))
