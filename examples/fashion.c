/*
 * fashion.c: a small convolutional network learns Fashion-MNIST: 60,000 photographs of clothes in
 * ten kinds. Defines the network as a graph, checks its gradient, trains it, says how well it does
 * on 10,000 photographs it has not seen, and saves everything that resume.c needs to go on without
 * knowing the network.
 *
 *     fashion [FOLDER [EPOCHS]]     results go to FOLDER (default "out")
 */
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <wengert.h>
#include <wengert/op.h>

#include "../tools/chart.h"
#include "common/training.h"

extern char **environ;

enum { KINDS = 10, SIDE = 28, BATCH = 100, SEED = 1 };

#define DATA "/usr/share/datasets/fashion-mnist/"

static const char *const kinds[KINDS] = { "T-shirt", "trouser", "pullover", "dress", "coat",
                                          "sandal",  "shirt",   "sneaker",  "bag",   "boot" };

/* ---- the network ---- */

typedef struct {
    wg_layer *conv1, *pool1, *conv2, *pool2, *flat, *fc1, *fc2;
} network;

static network network_new(wg_params *w)
{
    wg_conv2d_hyper conv = { .out_ch = 16,
                             .kernel_shape = { 3, 3 },
                             .pad_mode = WG_PAD_SAME,
                             .act_fn = "ReLU",
                             .init = "he_uniform" };
    wg_pool2d_hyper pool = { .kernel_shape = { 2, 2 }, .stride = 2 };
    network n;

    n.conv1 = wg_conv2d_layer(w, "conv1", conv);
    n.pool1 = wg_pool2d(w, "pool1", pool);
    conv.out_ch = 32;
    n.conv2 = wg_conv2d_layer(w, "conv2", conv);
    n.pool2 = wg_pool2d(w, "pool2", pool);
    n.flat = wg_flatten(w, "flatten", (wg_flatten_hyper){ .keep_dim = "first" });
    n.fc1 = wg_fully_connected(
        w, "fc1", (wg_fc_hyper){ .n_out = 128, .act_fn = "ReLU", .init = "he_uniform" });
    n.fc2 = wg_fully_connected(w, "fc2", (wg_fc_hyper){ .n_out = KINDS });
    return n;
}

static void network_free(network *n)
{
    wg_layer *all[] = { n->conv1, n->pool1, n->conv2, n->pool2, n->flat, n->fc1, n->fc2 };

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) wg_layer_free(all[i]);
}

/* Images [n, 28, 28, 1] -> one number for each kind, [n, 10]; the largest wins. */
static wg_tensor *network_apply(const network *n, wg_tensor *x)
{
    wg_tensor *h = wg_apply(n->pool1, wg_apply(n->conv1, x));

    h = wg_apply(n->pool2, wg_apply(n->conv2, h));
    return wg_apply(n->fc2, wg_apply(n->fc1, wg_apply(n->flat, h)));
}

static wg_tensor *count_correct(wg_tensor *z, wg_tensor *label)
{
    return wg_sum(wg_cast(wg_eq(wg_argmax(z, -1, false), label), WG_I64), WG_ALL_AXES, false);
}

/* Two functions over one store: "train" makes a step, "test" looks. Recorded with one image; any
 * number may be fed. */
static wg_tensor *record(wg_graph *g, const network *n, wg_optim *adam)
{
    wg_tensor *x = wg_input(g, "image", WG_F32, WG_SHAPE(1, SIDE, SIDE, 1));
    wg_tensor *label = wg_input(g, "label", WG_I64, WG_SHAPE(1)), *z, *loss;

    wg_begin(g, "train", WG_TRAIN);
    z = network_apply(n, x);
    loss = wg_cross_entropy_index(label, z);
    loss = wg_output("loss", wg_div(loss, wg_count(wg_sum(z, WG_AXES(1), false), WG_ALL_AXES)));
    wg_output("correct", count_correct(z, label));
    wg_minimize(adam, loss);
    wg_end(g);

    wg_begin(g, "test", WG_PREDICT);
    z = network_apply(n, x);
    wg_output("loss", wg_cross_entropy_index(label, z));
    wg_output("correct", count_correct(z, label));
    wg_output("kind", wg_argmax(z, -1, false));
    wg_end(g);

    wg_metadata_set(g, "name", "Fashion-MNIST, two convolutions");
    wg_metadata_set(g, "data.train.image",
                    "idx " DATA "train-images-idx3-ubyte.gz 0.00392156862745098");
    wg_metadata_set(g, "data.train.label", "idx " DATA "train-labels-idx1-ubyte.gz 1");
    wg_metadata_set(g, "data.test.image",
                    "idx " DATA "t10k-images-idx3-ubyte.gz 0.00392156862745098");
    wg_metadata_set(g, "data.test.label", "idx " DATA "t10k-labels-idx1-ubyte.gz 1");
    wg_metadata_set(g, "batch", "100");
    wg_metadata_set(g, "shuffle_seed", "1");
    return loss;
}

/* ---- what it does with it ---- */

/* Real images have flat grounds, where pooled pixels tie and relu stands at 0: points without a
 * gradient. Noise moves off them. */
static void add_noise(wg_array image)
{
    int64_t n = wg_shape_count(&image.type.shape);
    float *x = image.data;

    for (int64_t i = 0; i < n; i++) {
        float u;

        wg_random_uniform(SEED, wg_random_key("noise"), 0, i, 1, WG_F32, &u);
        x[i] = 0.5f * (x[i] + u);
    }
}

/* On a handful of images, before the first step: what is trained must be the gradient. */
static bool check(wg_tensor *loss, const wg_params *w, job *j, wg_error *error)
{
    enum { FEW = 4 };
    wg_feed feed[JOB_INPUTS];
    wg_check_report report;
    bool pass;

    if (!job_run(j, 0, NULL, FEW, error)) return false;
    for (int i = 0; i < j->n_inputs; i++) {
        feed[i] = (wg_feed){ j->input[i].name, j->input[i].batch };
        if (feed[i].value.type.dtype == WG_F32) add_noise(feed[i].value);
    }
    if (wg_check_grad(loss, w, j->n_inputs, feed, &(wg_check_options){ .order = 1 }, &report,
                      error) != WG_OK)
        return false;
    printf("gradient of the loss on %d images against central differences:\n", FEW);
    wg_check_print(&report, stdout);
    pass = report.pass;
    wg_check_free(&report);
    return pass || wg_fail(error, WG_EGRAD, "fashion", "the gradient check failed") == WG_OK;
}

static bool confusion(job *j, wg_error *error)
{
    int64_t table[KINDS][KINDS] = { { 0 } };

    for (int64_t first = 0; first < j->examples; first += j->batch) {
        int64_t n = j->examples - first < j->batch ? j->examples - first : j->batch;
        const int64_t *said, *is = NULL;

        if (!job_run(j, first, NULL, n, error)) return false;
        said = wg_plan_value(j->plan, "kind")->data;
        for (int i = 0; i < j->n_inputs; i++)
            if (strcmp(j->input[i].name, "label") == 0) is = j->input[i].batch.data;
        for (int64_t i = 0; i < n; i++) table[is[i]][said[i]]++;
    }
    printf("\nwhat it is \\ what the network says\n%10s", "");
    for (int k = 0; k < KINDS; k++) printf("%9s", kinds[k]);
    printf("\n");
    for (int r = 0; r < KINDS; r++) {
        printf("%10s", kinds[r]);
        for (int k = 0; k < KINDS; k++) printf("%9lld", (long long)table[r][k]);
        printf("\n");
    }
    return true;
}

/* A function's graph as DOT, and as SVG where Graphviz is installed. */
static bool picture(const wg_graph *g, const char *function, const char *folder, const char *name,
                    wg_error *error)
{
    char dot[512], svg[512];
    char *argv[] = { (char *)"dot", (char *)"-Tsvg", (char *)"-o", (char *)svg, (char *)dot, NULL };
    FILE *to;
    wg_status status;
    pid_t child;
    int code = 1;

    snprintf(dot, sizeof dot, "%s/%s.dot", folder, name);
    snprintf(svg, sizeof svg, "%s/%s.svg", folder, name);
    to = fopen(dot, "w");
    if (!to) return wg_fail(error, WG_EIO, "fashion", "%s: %s", dot, strerror(errno)) == WG_OK;
    status = wg_dot_write(g, function, to, error);
    if (fclose(to) != 0 && status == WG_OK)
        status = wg_fail(error, WG_EIO, "fashion", "%s: %s", dot, strerror(errno));
    if (status != WG_OK) return false;
    if (posix_spawnp(&child, "dot", NULL, NULL, argv, environ) != 0)
        printf("no picture of the graph: Graphviz's `dot` is not installed\n");
    else if (waitpid(child, &code, 0) != child || code != 0)
        printf("no picture of the graph: `dot -Tsvg %s` failed\n", dot);
    return true;
}

static bool results(const char *folder, const wg_graph *g, const wg_params *w,
                    const loss_curve *curve, wg_error *error)
{
    char path[512];
    chart_series series = {
        .name = "training loss", .n = curve->n, .x = curve->step, .y = curve->loss
    };

    snprintf(path, sizeof path, "%s/fashion.json", folder);
    if (wg_save(path, g, w, NULL, error) != WG_OK) return false;
    printf("saved %s\n", path);
    snprintf(path, sizeof path, "%s/loss.svg", folder);
    if (!chart_write(path, "Fashion-MNIST", "step", "mean cross entropy of 20 steps", 1, &series))
        return wg_fail(error, WG_EIO, "fashion", "%s: %s", path, strerror(errno)) == WG_OK;
    return picture(g, "test", folder, "fashion", error) &&
           picture(g, "train", folder, "fashion-train", error);
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool work(const char *folder, int epochs, wg_graph *g, wg_params *w, const network *n,
                 wg_optim *adam, job *train, job *test, loss_curve *curve, wg_error *error)
{
    wg_tensor *loss = record(g, n, adam);
    double began = seconds(), accuracy;
    char label[32];

    if (wg_graph_error(g)) {
        *error = *wg_graph_error(g);
        return false;
    }
    if (!job_open(test, g, w, "test", "test", 1000, error) || !check(loss, w, test, error))
        return false;
    if (!job_open(train, g, w, "train", "train", BATCH, error)) return false;
    for (int e = 0; e < epochs && train->steps < train_max_steps(); e++) {
        snprintf(label, sizeof label, "epoch %d/%d", e + 1, epochs);
        if (!train_epoch(train, label, SEED, e, curve, error)) return false;
    }
    snprintf(label, sizeof label, "%d", epochs);
    wg_metadata_set(g, "epochs", label);
    if (!confusion(test, error)) return false;
    accuracy = accuracy_of(test, error);
    if (error->code != WG_OK) return false;
    printf("\ntrained %d epochs in %.0f s\n", epochs, seconds() - began);
    if (!results(folder, g, w, curve, error)) return false;
    printf("test accuracy %.2f %% of %lld images\n", 100 * accuracy, (long long)test->examples);
    return true;
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : "out";
    int epochs = argc > 2 ? atoi(argv[2]) : 8;
    wg_params *w = wg_params_new(WG_F32, SEED);
    wg_graph *g = wg_graph_new();
    network n = network_new(w);
    wg_optim *adam = wg_adam(w, "adam", NULL);
    job train = { 0 }, test = { 0 };
    loss_curve curve = { 0 };
    wg_error error = { .code = WG_OK };
    bool ok;

    if (access(DATA "train-images-idx3-ubyte.gz", R_OK) != 0) {
        fprintf(stderr,
                "Fashion-MNIST is not in %s: install Debian's package dataset-fashion-mnist\n",
                DATA);
        ok = false;
    } else if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "%s: %s\n", folder, strerror(errno));
        ok = false;
    } else {
        ok = work(folder, epochs > 0 ? epochs : 1, g, w, &n, adam, &train, &test, &curve, &error);
        if (!ok) wg_error_print(&error, stderr);
    }
    loss_curve_free(&curve);
    job_close(&train);
    job_close(&test);
    wg_optim_free(adam);
    network_free(&n);
    wg_graph_free(g);
    wg_params_free(w);
    return ok ? 0 : 1;
}
