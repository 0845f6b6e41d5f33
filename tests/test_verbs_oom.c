/* test_verbs_oom.c: every allocation refused in turn while a layer is made, steps, and is read back
 * from its summary: an error that says so, and nothing left behind. */
#include <wengert.h>
#include <wengert/layer.h>

#include "gate.h"
#include "layer_samples.h"

static wg_array operand_of(const operand *o, double *memory, int64_t *indices)
{
    wg_shape shape = wg_shape_of(o->rank, o->dim);

    for (int k = 0; k < shape.rank; k++)
        if (shape.dim[k] < 0) shape.dim[k] = 2;
    if (o->below) return wg_array_of(WG_I64, shape, indices);
    return wg_array_of(WG_F64, shape, memory);
}

static wg_status use(wg_layer *l, const sample *s)
{
    static double memory[256];
    static int64_t indices[256];
    wg_array x[MOST_IN], y[8], dy[8] = { { .data = NULL } }, dx[MOST_IN];
    char *summary;

    for (int i = 0; i < 256; i++) memory[i] = 0.01 * i - 1;
    for (int i = 0; i < s->n; i++) x[i] = operand_of(&s->in[i], memory, indices);
    if (wg_layer_set_optimizer(l, "Adam(lr=0.01)") != WG_OK ||
        wg_layer_forward(l, s->n, x, true, y) != WG_OK)
        return wg_layer_error(l)->code;
    dy[0] = y[0];
    if (wg_layer_backward(l, 1, dy, true, dx) != WG_OK || wg_layer_update(l, 0.5) != WG_OK)
        return wg_layer_error(l)->code;
    summary = wg_layer_summary(l);
    if (!summary) return WG_ENOMEM;
    if (wg_layer_set_params(l, summary) != WG_OK) {
        wg_free(summary);
        return wg_layer_error(l)->code;
    }
    wg_free(summary);
    return WG_OK;
}

static wg_status job(void *arg, wg_error *error)
{
    const sample *s = arg;
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_status status = WG_ENOMEM;
    wg_layer *l;

    if (!w) return wg_fail(error, WG_ENOMEM, "params", "out of memory");
    l = wg_layer_make(w, "l", s->kind, s->json, error);
    if (l) {
        status = use(l, s);
        if (status != WG_OK)
            wg_fail(error, status, "layer", "%s",
                    wg_layer_error(l)->text[0] ? wg_layer_error(l)->text : "out of memory");
    } else if (error->code != WG_OK) status = error->code;
    wg_layer_free(l);
    wg_params_free(w);
    return status;
}

static void refused(const char *kind)
{
    const sample *s = sample_of(kind);

    REQUIRE(s != NULL);
    gate_every_allocation(job, (void *)(uintptr_t)s, kind);
}

static void dense(void)
{
    refused("FullyConnected");
}
static void normalised(void)
{
    refused("BatchNorm1D");
}
static void stepping(void)
{
    refused("RNNCell");
}
static void wrapped(void)
{
    refused("Dropout");
}
static void indexed(void)
{
    refused("Embedding");
}

TESTS(TEST(dense), TEST(normalised), TEST(stepping), TEST(wrapped), TEST(indexed))
