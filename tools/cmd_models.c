/* cmd_models.c: numpy-ml's generative models, trained on data files: train-vae, train-wgan. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <wengert/fit.h>

#include "commands.h"
#include "output.h"

/* Hyperparameters are texts that become members of one JSON object: the library checks them. */
typedef struct {
    const char *T, *latent_dim, *conv1_pad, *conv2_pad, *conv1_out, *conv2_out, *conv1_stride,
        *pool1_stride, *conv2_stride, *pool2_stride, *conv1_kernel, *pool1_kernel, *conv2_kernel,
        *pool2_kernel, *optimizer, *init, *g_hidden, *lambda, *c_updates;
    const char *output, *from, *folder, *log;
    int64_t epochs, steps, batchsize, seed, max_updates;
    double scale;
    bool resume, plain, quiet;
} model_options;

#define T_ model_options
#define HYPER(member, name, value, otherwise, help)                                                \
    OPT(T_, member, OPTION_TEXT, 0, name, value, otherwise, help)
#define COMMON                                                                                     \
    OPT(T_, output, OPTION_TEXT, 'o', "output", "FILE.json", NULL,                                 \
        "where the trained model goes; nowhere when not given"),                                   \
        OPT(T_, from, OPTION_TEXT, 0, "from", "MODEL.json", NULL,                                  \
            "go on with a model that was saved; its hyperparameters stay"),                        \
        OPT_RANGE(T_, batchsize, OPTION_WHOLE, "batchsize", "N", NULL,                             \
                  "examples an update; 128 when not given", 1, 1e9),                               \
        OPT_RANGE(T_, scale, OPTION_REAL, "scale", "X", NULL, "what the values are multiplied by", \
                  -1e30, 1e30),                                                                    \
        OPT_RANGE(T_, seed, OPTION_WHOLE, "seed", "N", "1", "of weights, draws and order", 0,      \
                  9e15),                                                                           \
        OPT(T_, folder, OPTION_TEXT, 0, "checkpoints", "FOLDER", NULL,                             \
            "save the run there, so that it can be resumed"),                                      \
        OPT_FLAG(T_, resume, 'r', "resume", "go on from the newest checkpoint of the folder"),     \
        OPT_RANGE(T_, max_updates, OPTION_WHOLE, "max-updates", "N", NULL,                         \
                  "stop after so many; the environment's WENGERT_MAX_STEPS lowers it", 1, 9e15),   \
        OPT(T_, log, OPTION_TEXT, 0, "log", "FILE.jsonl", NULL,                                    \
            "a JSON line for each update and epoch; `wengert plot` draws it"),                     \
        OPT_FLAG(T_, plain, 0, "plain", "plain lines and no bar"),                                 \
        OPT_FLAG(T_, quiet, 'q', "quiet", "tell nothing but errors"), OPTIONS_END

static const option vae_table[] = {
    HYPER(T, "T", "N", "5", "dimensions of the code"),
    HYPER(latent_dim, "latent-dim", "N", "256", "width of the hidden layers"),
    HYPER(conv1_out, "enc-conv1-out-ch", "N", "32", "channels of the first convolution"),
    HYPER(conv2_out, "enc-conv2-out-ch", "N", "64", "channels of the second convolution"),
    HYPER(conv1_kernel, "enc-conv1-kernel-shape", "R,C", "5,5", "its window"),
    HYPER(conv2_kernel, "enc-conv2-kernel-shape", "R,C", "5,5", "its window"),
    HYPER(conv1_stride, "enc-conv1-stride", "N", "1", "its stride"),
    HYPER(conv2_stride, "enc-conv2-stride", "N", "1", "its stride"),
    HYPER(conv1_pad, "enc-conv1-pad", "PAD", "0", "its padding: N, R,C, T,B,L,R or same"),
    HYPER(conv2_pad, "enc-conv2-pad", "PAD", "0", "its padding: N, R,C, T,B,L,R or same"),
    HYPER(pool1_kernel, "enc-pool1-kernel-shape", "R,C", "2,2", "window of the first pooling"),
    HYPER(pool2_kernel, "enc-pool2-kernel-shape", "R,C", "2,2", "window of the second pooling"),
    HYPER(pool1_stride, "enc-pool1-stride", "N", "2", "its stride"),
    HYPER(pool2_stride, "enc-pool2-stride", "N", "1", "its stride"),
    HYPER(optimizer, "optimizer", "TEXT", "RMSProp(lr=0.0001)", "in numpy-ml's form"),
    HYPER(init, "init", "NAME", "glorot_uniform", "of weights"),
    OPT_RANGE(T_, epochs, OPTION_WHOLE, "epochs", "N", "20", "epochs of this run", 1, 1e9),
    COMMON
};

static const option wgan_table[] = {
    HYPER(g_hidden, "g-hidden", "N", "512", "width of the hidden layers"),
    HYPER(lambda, "lambda", "X", "10", "weight of the gradient penalty"),
    HYPER(c_updates, "c-updates-per-epoch", "N", "5",
          "critic updates before each generator update"),
    HYPER(optimizer, "optimizer", "TEXT", "RMSProp(lr=0.0001)", "in numpy-ml's form"),
    HYPER(init, "init", "NAME", "he_uniform", "of weights"),
    OPT_RANGE(T_, steps, OPTION_WHOLE, "n-steps", "N", "1000", "generator updates of this run", 1,
              1e9),
    COMMON
};

/* ---- the layer ---- */

typedef struct {
    size_t offset;
    const char *key;
} member;

static const member vae_members[] = {
    { offsetof(T_, T), "T" },
    { offsetof(T_, latent_dim), "latent_dim" },
    { offsetof(T_, conv1_out), "enc_conv1_out_ch" },
    { offsetof(T_, conv2_out), "enc_conv2_out_ch" },
    { offsetof(T_, conv1_kernel), "enc_conv1_kernel_shape" },
    { offsetof(T_, conv2_kernel), "enc_conv2_kernel_shape" },
    { offsetof(T_, conv1_stride), "enc_conv1_stride" },
    { offsetof(T_, conv2_stride), "enc_conv2_stride" },
    { offsetof(T_, conv1_pad), "enc_conv1_pad" },
    { offsetof(T_, conv2_pad), "enc_conv2_pad" },
    { offsetof(T_, pool1_kernel), "enc_pool1_kernel_shape" },
    { offsetof(T_, pool2_kernel), "enc_pool2_kernel_shape" },
    { offsetof(T_, pool1_stride), "enc_pool1_stride" },
    { offsetof(T_, pool2_stride), "enc_pool2_stride" },
    { offsetof(T_, optimizer), "optimizer" },
    { offsetof(T_, init), "init" },
    { 0, NULL },
};

static const member wgan_members[] = {
    { offsetof(T_, g_hidden), "g_hidden" },
    { offsetof(T_, lambda), "lambda_" },
    { offsetof(T_, c_updates), "c_updates_per_epoch" },
    { offsetof(T_, optimizer), "optimizer" },
    { offsetof(T_, init), "init" },
    { 0, NULL },
};

/* "5" is a number, "5,5" a list, all else a text. */
static json_t *value_of(const char *text)
{
    char list[256];
    json_t *v;

    snprintf(list, sizeof list, strchr(text, ',') && !strchr(text, '(') ? "[%s]" : "%s", text);
    v = json_loads(list, JSON_DECODE_ANY, NULL);
    return v ? v : json_string(text);
}

static char *hyper_text(const model_options *o, const member *members)
{
    json_t *object = json_object();
    char *text;

    for (; members->key && object; members++) {
        const char *given = *(const char *const *)((const char *)o + members->offset);

        if (given) json_object_set_new(object, members->key, value_of(given));
    }
    text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    return text;
}

static wg_layer *make(const model_options *o, const char *kind, const member *members,
                      wg_params **store, wg_error *error)
{
    char *text;
    wg_layer *l;

    if (o->from) {
        l = wg_model_load(o->from, store, error);
        if (!l || strcmp(wg_layer_kind(l), kind) == 0) return l;
        wg_fail(error, WG_EARG, "from", "%s holds a %s, wanted %s", o->from, wg_layer_kind(l),
                kind);
        wg_layer_free(l);
        return NULL;
    }
    *store = wg_params_new(WG_F32, (uint64_t)o->seed);
    text = hyper_text(o, members);
    l = *store && text ? wg_layer_make(*store, "model", kind, text, error) : NULL;
    if (!l) wg_fail(error, WG_ENOMEM, "model", "out of memory");
    free(text);
    return l;
}

/* ---- training ---- */

static wg_status fit(wg_layer *l, const char *kind, wg_data X, const model_options *o,
                     const char *go_on, wg_fit_state *state, wg_error *error)
{
    wg_train_options kit = { .folder = o->folder,
                             .resume = o->resume,
                             .log = o->log,
                             .go_on = go_on,
                             .stop = wg_train_on_sigint() };
    wg_fit_options how = { .n_epochs = o->epochs,
                           .n_steps = o->steps,
                           .batchsize = o->batchsize,
                           .scale = o->scale,
                           .verbose = o->quiet   ? -1
                                      : o->plain ? 0
                                                 : 1,
                           .max_updates = o->max_updates,
                           .train = &kit };

    if (strcmp(kind, "WGAN_GP") != 0) return wg_bernoulli_vae_fit(l, X, &how, state, error);
    /* images are rows of pixels to it */
    X.shape =
        WG_SHAPE(X.shape.dim[0], wg_shape_count(&X.shape) / (X.shape.dim[0] ? X.shape.dim[0] : 1));
    return wg_wgan_gp_fit(l, X, &how, state, error);
}

static int train_model(const char *command, const char *kind, const member *members,
                       const char *path, const model_options *o)
{
    wg_error error = { .code = WG_OK };
    wg_fit_state state = { .end = WG_TRAIN_NOT_ENDED };
    wg_params *store = NULL;
    wg_data X = { .data = NULL };
    wg_layer *l = NULL;
    int status = EXIT_GOOD;

    if (o->resume && !o->folder)
        return misuse(command, NULL, "--resume goes with --checkpoints FOLDER");
    signal(SIGPIPE, SIG_IGN); /* nobody may be left reading, and the training goes on */
    if (wg_data_read(path, NULL, &X, &error) == WG_OK && X.shape.rank >= 1)
        l = make(o, kind, members, &store, &error);
    else wg_fail(&error, WG_ESHAPE, "data", "%s holds one number", path);
    if (!l || fit(l, kind, X, o, "the same command and --resume", &state, &error) != WG_OK)
        status = trouble_of(command,
                            o->folder ? "the checkpoints made before are whole: add "
                                        "--resume to go on from the newest"
                                      : NULL,
                            &error);
    if (status == EXIT_GOOD && o->output && wg_model_save(o->output, l, &error) != WG_OK)
        status = trouble_of(command, "what stood there before is still there", &error);
    if (status == EXIT_GOOD && o->output && !o->quiet) printf("saved %s\n", o->output);
    if (error.code == WG_ENONFINITE && state.end == WG_TRAIN_NOT_ENDED && l) status = EXIT_NEGATIVE;
    if (status == EXIT_GOOD && state.end == WG_TRAIN_INTERRUPTED) status = EXIT_NEGATIVE;
    wg_layer_free(l);
    wg_params_free(store);
    wg_data_free(&X);
    return status;
}

static int train_vae(int argc, char *const *operand, void *given)
{
    (void)argc;
    return train_model("train-vae", "BernoulliVAE", vae_members, operand[0], given);
}

static int train_wgan(int argc, char *const *operand, void *given)
{
    (void)argc;
    return train_model("train-wgan", "WGAN_GP", wgan_members, operand[0], given);
}
#undef T_

const command_spec train_vae_command = {
    "train-vae",
    "IMAGES",
    "trains numpy-ml's BernoulliVAE on images",
    "IMAGES is an npy, idx or CSV file, plain or gzip: [n, rows, cols] or [n, rows, cols, "
    "channels],\n"
    "of values in [0, 1] once they are scaled (bytes: --scale 0.00392156862745098). Told are the\n"
    "bound and its two terms in nats an image. Ctrl-C finishes the update, saves, and ends with\n"
    "status 1.\n\nexamples:\n"
    "  wengert train-vae --scale 0.00392156862745098 --epochs 1 -o vae.json images.idx\n",
    vae_table,
    1,
    1,
    train_vae,
    sizeof(model_options)
};

const command_spec train_wgan_command = {
    "train-wgan",
    "DATA",
    "trains numpy-ml's WGAN_GP on points or images",
    "DATA is an npy, idx or CSV file, plain or gzip: one example along the first axis, all else "
    "its\n"
    "features. Told are the losses, the estimate of Wasserstein's distance and the norm of the\n"
    "critic's gradient, which the penalty draws to 1. Ctrl-C finishes the update, saves, and ends\n"
    "with status 1.\n\nexamples:\n"
    "  wengert train-wgan --n-steps 2 --g-hidden 8 -o wgan.json x.csv\n",
    wgan_table,
    1,
    1,
    train_wgan,
    sizeof(model_options)
};
