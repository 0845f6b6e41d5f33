/*
 * test_startup.c: a program that was saved is loaded and has run its first step within 50 ms, in a
 * process of its own, from its beginning to its end: a training step of a small perceptron (its
 * weights inline), of one with Adam, whose weights lie beside the program, and of an LSTM over 32
 * steps of time, which is recorded step by step. On one thread: a team waits for its members while
 * others use the processor; with two it has to run.
 */
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <wengert.h>

#include "harness.h"
#include "temp.h"

enum { TRIES = 10, KINDS = 63, WINDOW = 32 };
static const double WITHIN = 0.05;

struct made {
    const char *name, *optim, *bias;
    int64_t batch, width[4]; /* of the perceptrons; batch 0: the LSTM */
    const char *act;
};

static const struct made models[] = {
    { "small.json", "SGD(lr=1e-3)", "fc2/b", 1, { 3, 16, 16, 1 }, "Tanh" },
    { "wide.json", "Adam(lr=1e-3)", "fc2/b", 128, { 784, 512, 512, 10 }, "ReLU" },
    { "long.json", "Adam(lr=1e-3)", "lstm/bc", 0, { 0 }, NULL },
};
enum { MODELS = sizeof models / sizeof *models };

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Layers of the model in order, at most three; x becomes what they make of it. */
static void record_layers(const struct made *m, wg_params *w, wg_layer **layer, wg_tensor **x)
{
    for (int i = 0; m->batch && i < 3; i++) {
        char name[8];

        snprintf(name, sizeof name, "fc%d", i);
        layer[i] = wg_fully_connected(
            w, name, (wg_fc_hyper){ .n_out = m->width[i + 1], .act_fn = i < 2 ? m->act : NULL });
        *x = wg_apply(layer[i], *x);
    }
    if (m->batch) return;
    layer[0] =
        wg_embedding(w, "embedding", (wg_embedding_hyper){ .n_out = 32, .vocab_size = KINDS });
    layer[1] = wg_lstm(w, "lstm", (wg_lstm_hyper){ .n_out = 256 });
    layer[2] = wg_fully_connected(w, "fc", (wg_fc_hyper){ .n_out = KINDS });
    *x = wg_apply(layer[1], wg_permute(wg_apply(layer[0], *x), WG_AXES(0, 2, 1)));
    *x = wg_apply(layer[2], wg_permute(*x, WG_AXES(0, 2, 1)));
}

static wg_type input_type(const struct made *m)
{
    return m->batch ? (wg_type){ WG_F32, WG_SHAPE(m->batch, m->width[0]) }
                    : (wg_type){ WG_I64, WG_SHAPE(1, WINDOW) };
}

/* Records the model and writes its program. */
static bool save(const struct made *m, const char *path)
{
    wg_graph *g = wg_graph_new();
    wg_params *w = wg_params_new(WG_F32, 1);
    wg_type type = input_type(m);
    wg_tensor *x = wg_input(g, "x", type.dtype, type.shape);
    wg_layer *layer[3];
    wg_error error = { .code = WG_OK };
    wg_optim *optim = wg_optim_from_text(w, "optim", m->optim, &error);
    bool ok;

    wg_begin(g, "step", WG_TRAIN);
    record_layers(m, w, layer, &x);
    wg_minimize(optim, wg_output("loss", wg_mean(wg_square(x), WG_ALL_AXES, false)));
    wg_end(g);
    ok = wg_save(path, g, w, NULL, &error) == WG_OK;
    NO_ERROR(&error);
    wg_optim_free(optim);
    for (int i = 0; i < 3; i++) wg_layer_free(layer[i]);
    wg_graph_free(g);
    wg_params_free(w);
    return ok;
}

/* What the new process does; 0: it loaded, ran a step, and the step changed the weights. */
static int load_and_run(const struct made *m, const char *path, int threads)
{
    wg_error error = { .code = WG_OK };
    wg_program program;
    wg_type type = input_type(m);
    int64_t n = wg_shape_count(&type.shape);
    void *x = malloc((size_t)n * sizeof(int64_t));
    float before, loss;
    wg_plan *p;
    const wg_param *weight;

    if (!x || wg_load(path, NULL, &program, &error) != WG_OK) return 2;
    weight = wg_params_find(program.params, m->bias);
    if (!weight) return 2;
    before = ((const float *)weight->value.data)[0];
    for (int64_t i = 0; i < n; i++) {
        if (m->batch) ((float *)x)[i] = (float)(i % 17) / 17;
        else ((int64_t *)x)[i] = i % KINDS;
    }
    p = wg_plan_new_error(program.graph, program.params, "step",
                          &(wg_plan_options){ .threads = threads }, &error);
    if (!p || wg_plan_feed(p, "x", wg_array_of(type.dtype, type.shape, x)) != WG_OK) return 3;
    if (wg_plan_run(p) != WG_OK) return 4;
    loss = (float)wg_item(wg_plan_value(p, "loss"));
    if (!(loss > 0) || before == ((const float *)weight->value.data)[0]) return 5;
    wg_plan_free(p);
    wg_program_free(&program);
    free(x);
    return 0;
}

static const char *self;

static double of(struct timeval t)
{
    return (double)t.tv_sec + 1e-6 * (double)t.tv_usec;
}

/* Seconds of a new process, begun and ended: by the clock, or of processor time where that is
 * less, as it is when others use the processor. */
static double once(int k, const char *path, const char *threads)
{
    char model[2] = { (char)('0' + k), 0 };
    double begin = seconds();
    struct rusage used = { 0 };
    pid_t child = fork();
    int status = 1;

    if (child == 0) {
        execl(self, self, "--load", model, path, threads, (char *)NULL);
        _exit(127);
    }
    if (child > 0) wait4(child, &status, 0, &used);
    CHECK(child > 0 && WIFEXITED(status));
    EQ_INT(WEXITSTATUS(status), 0);
    return fmin(seconds() - begin, of(used.ru_utime) + of(used.ru_stime));
}

/* A busy machine is slow, so the least of several counts. */
static void a_saved_program_starts_quickly(void)
{
    for (int k = 0; k < MODELS; k++) {
        double least = INFINITY;
        char path[200];

        snprintf(path, sizeof path, "%s/%s", temp_dir(), models[k].name);
        REQUIRE(save(&models[k], path));
        for (int i = 0; i < TRIES && (i == 0 || (least > WITHIN && !harness_slow())); i++)
            least = fmin(least, once(k, path, "1"));
        printf("    %s: %.1f ms\n", models[k].name, 1e3 * least);
        harness_check(least <= WITHIN || harness_slow(), __FILE__, __LINE__,
                      "%s took %.1f ms to load and run", models[k].name, 1e3 * least);
        once(k, path, "2");
    }
}

int main(int argc, char **argv)
{
    static const harness_test list[] = { TEST(a_saved_program_starts_quickly) };

    self = argv[0];
    if (argc == 5 && !strcmp(argv[1], "--load"))
        return load_and_run(&models[(argv[2][0] - '0') % MODELS], argv[3], atoi(argv[4]));
    return harness_main(argc, argv, __FILE__, list, 1);
}
