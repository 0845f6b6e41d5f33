/* test_reference_oom.c: whichever allocation fails, a reference says so and leaks nothing. The
 * calls that allocate are defined here too, so that each can fail in turn. */
#include <wengert/reference.h>

#include "harness.h"
#include "ref_subjects.h"

/* ---- memory, with faults ---- */

/* A sanitizer has an allocator of its own, which cannot be stood in for; there the subjects run,
 * and its check for leaks sees what they leave. */
#if defined(__SANITIZE_ADDRESS__)
#define OWN_ALLOCATOR 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OWN_ALLOCATOR 0
#endif
#endif
#if !defined(OWN_ALLOCATOR) && defined(__GLIBC__)
#define OWN_ALLOCATOR 1
#elif !defined(OWN_ALLOCATOR)
#define OWN_ALLOCATOR 0
#endif

enum { MOST_LIVE = 4096 };

static struct {
    bool watching;
    int count, stop; /* allocations seen; the one that fails, 0: none */
    int n_live;
    void *live[MOST_LIVE];
} gate;

#if OWN_ALLOCATOR
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);
extern void __libc_free(void *p);

static bool fails(void)
{
    return gate.watching && ++gate.count == gate.stop;
}

static void *note(void *p)
{
    if (gate.watching && p && gate.n_live < MOST_LIVE) gate.live[gate.n_live++] = p;
    return p;
}

static void forget(const void *p)
{
    for (int k = 0; k < gate.n_live && p; k++)
        if (gate.live[k] == p) {
            gate.live[k] = gate.live[--gate.n_live];
            return;
        }
}

void *malloc(size_t size)
{
    return fails() ? NULL : note(__libc_malloc(size));
}

void *calloc(size_t n, size_t size)
{
    return fails() ? NULL : note(__libc_calloc(n, size));
}

void *realloc(void *p, size_t size)
{
    void *q;

    if (fails() || !(q = __libc_realloc(p, size))) return NULL;
    forget(p);
    return note(q);
}

void free(void *p)
{
    forget(p);
    __libc_free(p);
}
#endif

/* ---- subjects ---- */

/* One pass of a case with the stop-th allocation failing; what it returned. *live: left behind. */
static bool pass(bool (*run)(const gcase *c, gresult *r), const gcase *c, int stop, int *live)
{
    gresult r = { 0 };
    bool ok;

    gate.n_live = gate.count = 0;
    gate.stop = stop;
    gate.watching = true;
    ok = run(c, &r);
    g_result_free(&r);
    gate.watching = false;
    *live = gate.n_live;
    return ok;
}

static void every_allocation(bool (*run)(const gcase *c, gresult *r), const gcase *c,
                             const char *what)
{
    int live, n;

    harness_check(pass(run, c, 0, &live), __FILE__, __LINE__, "%s: %s fails", c->name, what);
    n = gate.count;
    harness_check(live == 0 && n < 2000, __FILE__, __LINE__, "%s: %s: %d of %d stay", c->name, what,
                  live, n);
    for (int k = 1; k <= n; k++) {
        bool ok = pass(run, c, k, &live);

        harness_check(!ok && live == 0, __FILE__, __LINE__,
                      "%s: %s with allocation %d of %d failing: %s, %d stay", c->name, what, k, n,
                      ok ? "not noticed" : "noticed", live);
    }
}

static bool has_gradients(const gcase *c)
{
    return c->section[G_OUTPUT_GRAD].n + c->section[G_INPUT_GRAD].n + c->section[G_PARAM_GRAD].n >
           0;
}

/* The first cases of golden/NAME.json through the rows of a table; by_layer: one case for each. */
static void out_of_memory(const char *name, const gsubject *table, bool by_layer)
{
    char path[256], text[300] = "";
    gfile file;
    int ran = 0;

    snprintf(path, sizeof path, "golden/%s.json", name);
    if (harness_check(g_file_load(path, &file, text), __FILE__, __LINE__, "%s", text))
        for (int k = 0; k < file.n && (by_layer || ran < 4); k++) {
            const gcase *c = &file.cases[k];
            const gsubject *s = g_subject(table, by_layer ? g_str(c, "layer", "") : c->subject);

            if (!s) continue;
            every_allocation(s->forward, c, "forward");
            if (s->backward && has_gradients(c)) every_allocation(s->backward, c, "backward");
            ran++;
        }
    CHECK(ran > 0);
    g_file_free(&file);
}

static void convolutions(void)
{
    static const char *const files[] = { "layer_conv1d", "layer_conv2d", "layer_deconv2d" };

    for (size_t k = 0; k < sizeof files / sizeof files[0]; k++) {
        out_of_memory(files[k], ref_subjects_conv, false);
        out_of_memory(files[k], ref_subjects_naive, false);
    }
    out_of_memory("layer_pool2d", ref_subjects_conv, false);
    out_of_memory("double_backward", ref_subjects_second_more, true);
}

static void recurrent_layers(void)
{
    out_of_memory("layer_rnncell", ref_subjects_seq, false);
    out_of_memory("layer_lstmcell", ref_subjects_seq, false);
    out_of_memory("layer_rnn", ref_subjects_seq, false);
    out_of_memory("layer_lstm", ref_subjects_seq, false);
    out_of_memory("module_bidirectional_lstm", ref_subjects_seq, false);
}

static void modules(void)
{
    out_of_memory("module_wavenet_residual", ref_subjects_module, false);
    out_of_memory("module_skip_identity", ref_subjects_module, false);
    out_of_memory("module_skip_conv", ref_subjects_module, false);
    out_of_memory("module_multi_headed_attention", ref_subjects_module, false);
}

static void models(void)
{
    out_of_memory("model_bernoulli_vae", ref_subjects_model, false);
    out_of_memory("model_wgan_gp", ref_subjects_model, false);
    out_of_memory("model_word2vec", ref_subjects_model, false);
}

static void dense_layers_losses_and_norms(void)
{
    static const char *const dense[] = { "layer_fully_connected", "layer_fully_connected_bwd2",
                                         "layer_sparse_evolution", "wrapper_dropout" };
    static const char *const combine[] = { "layer_softmax",  "layer_embedding", "layer_add",
                                           "layer_multiply", "layer_flatten",   "layer_rbm" };
    static const char *const loss[] = { "loss_cross_entropy", "loss_nce", "loss_squared_error",
                                        "loss_vae", "loss_wgan_gp" };
    static const char *const norm[] = { "layer_batchnorm1d", "layer_layernorm2d",
                                        "layer_dot_product_attention" };

    for (size_t k = 0; k < sizeof dense / sizeof dense[0]; k++)
        out_of_memory(dense[k], ref_subjects_dense, false);
    for (size_t k = 0; k < sizeof combine / sizeof combine[0]; k++)
        out_of_memory(combine[k], ref_subjects_combine, false);
    for (size_t k = 0; k < sizeof loss / sizeof loss[0]; k++)
        out_of_memory(loss[k], ref_subjects_loss, false);
    for (size_t k = 0; k < sizeof norm / sizeof norm[0]; k++)
        out_of_memory(norm[k], ref_subjects_norm, false);
    out_of_memory("double_backward", ref_subjects_second, true);
}

TESTS(TEST(convolutions), TEST(recurrent_layers), TEST(modules), TEST(models),
      TEST(dense_layers_losses_and_norms))
