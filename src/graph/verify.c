/* verify.c: re-infers every entry and compares: what a loaded or cloned graph must withstand. */
#include <inttypes.h>

#include "internal.h"

static wg_status fault(wg_error *error, const wg_tensor *t, wg_status code, const char *text)
{
    return wg_fail(error, code, t->op->name, "node %" PRId32 ": %s", t->id, text);
}

static wg_status verify_entry(const wg_tensor *t, const wg_type **in, wg_error *error)
{
    char text[96];
    wg_type out;
    wg_error inner;

    if (t->op->n_in < 0 ? t->n_in < 1 && !(t->op->flags & (WG_OP_FEED | WG_OP_PARAM | WG_OP_CONST))
                        : t->n_in != t->op->n_in)
        return fault(error, t, WG_EARG, "wrong number of operands");
    for (int i = 0; i < t->n_in; i++) {
        if (t->in[i]->graph != t->graph)
            return fault(error, t, WG_EARG, "an operand belongs to another graph");
        if (t->in[i]->id < 0 || t->in[i]->id >= t->id)
            return fault(error, t, WG_EARG, "an operand is not an earlier node");
        in[i] = t->in[i]->type;
    }
    if (t->attr && !wg__attr_check(t->op->fields, t->attr, text, sizeof text))
        return fault(error, t, WG_EARG, text);
    wg__error_clear(&inner);
    if (!wg__infer(t->op, t->attr, t->n_in, in, &out, &inner))
        return fault(error, t, inner.code, inner.text);
    if (!wg_type_equal(&out, t->type))
        return wg_fail(error, WG_ESHAPE, t->op->name,
                       "node %" PRId32 ": recorded as %s, inferred as %s", t->id,
                       WG_TYPE_STR(t->type), WG_TYPE_STR(&out));
    return WG_OK;
}

wg_status wg_verify(const wg_graph *g, wg_error *error)
{
    int64_t widest = 1;
    const wg_type **in;
    wg_status status = WG_OK;

    if (!g) return wg_fail(error, WG_EARG, "verify", "the graph is NULL");
    if (g->error.code != WG_OK) {
        if (error && error->code == WG_OK) *error = g->error;
        return g->error.code;
    }
    for (int64_t i = 0; i < g->n; i++)
        if (g->tape[i]->n_in > widest) widest = g->tape[i]->n_in;
    in = wg__array(widest, sizeof *in);
    if (!in) return wg_fail(error, WG_ENOMEM, "verify", "out of memory");
    for (int64_t i = 0; i < g->n && status == WG_OK; i++) {
        if (g->tape[i]->id != i)
            status = fault(error, g->tape[i], WG_EARG, "stands at another place of the tape");
        else status = verify_entry(g->tape[i], in, error);
    }
    wg__release(in);
    return status;
}
