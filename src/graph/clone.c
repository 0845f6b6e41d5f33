/* clone.c: copies what some outputs depend on, replacing tensors and, if asked, the real element
 * type. */
#include <string.h>

#include "internal.h"

#undef wg_clone

static wg_dtype real_of(wg_dtype dtype, wg_dtype real)
{
    return wg_dtype_is_real(real) && wg_dtype_is_real(dtype) ? real : dtype;
}

/* New elements for a constant of another real type; NULL when out of memory. */
static void *converted(const wg_array *from, wg_dtype to)
{
    int64_t n = wg_shape_count(&from->type.shape);
    void *data = wg__array(n, wg_dtype_size(to));

    for (int64_t i = 0; data && i < n; i++)
        if (to == WG_F64) ((double *)data)[i] = ((const float *)from->data)[i];
        else ((float *)data)[i] = (float)((const double *)from->data)[i];
    return data;
}

/* The attributes of t with their real types exchanged, in *attr (memory of `copy`, grown as
 * needed); elements that were converted go to *elements. */
static bool convert_attr(const wg_tensor *t, wg_dtype real, unsigned char *copy, void **elements)
{
    *elements = NULL;
    if (t->op->attr_size == 0) return true;
    memcpy(copy, t->attr, t->op->attr_size);
    for (const wg_field *f = t->op->fields; f && f->name; f++) {
        if (f->kind == WG_A_DTYPE) {
            wg_dtype *d = (wg_dtype *)(void *)(copy + f->offset);

            *d = real_of(*d, real);
        } else if (f->kind == WG_A_ARRAY) {
            wg_array *a = (wg_array *)(void *)(copy + f->offset);
            wg_dtype to = real_of(a->type.dtype, real);

            if (to == a->type.dtype) continue;
            *elements = converted(a, to);
            if (!*elements) return false;
            a->data = *elements;
            a->type.dtype = to;
        }
    }
    return true;
}

/* A copy of t over the copies of its operands. */
static wg_tensor *copy_entry(wg_graph *to, const wg_tensor *t, wg_dtype real,
                             wg_tensor *const *mapped)
{
    max_align_t room[32];
    unsigned char *attr =
        t->op->attr_size > sizeof room ? wg__alloc(t->op->attr_size) : (unsigned char *)room;
    wg_tensor *few[8], **in = t->n_in > 8 ? wg__array(t->n_in, sizeof *in) : few, *copy = NULL;
    void *elements = NULL;

    /* sites are the program's text, so an error that carries one may outlive both graphs */
    if (attr && in && convert_attr(t, real, attr, &elements)) {
        for (int i = 0; i < t->n_in; i++) in[i] = mapped[t->in[i]->id];
        copy = t->n_in > 0 || !(t->op->flags & (WG_OP_FEED | WG_OP_PARAM))
                   ? wg__replay(to, t->op, t->op->attr_size ? attr : NULL, t->n_in, in, t->site,
                                t->scope, t->name, t->derived)
                   : wg_record_leaf(to, t->op, attr);
    } else {
        wg__graph_fail(to, WG_ENOMEM, "clone", "out of memory");
        copy = &to->poison;
    }
    wg__release(elements);
    if (in != few) wg__release(in);
    if (attr != (unsigned char *)room) wg__release(attr);
    return copy;
}

wg_graph *wg_clone(wg_graph *to, int n, wg_tensor *const *outputs, const wg_clone_options *options,
                   wg_tensor **copy)
{
    static const wg_clone_options defaults = { 0, NULL, NULL, WG_N_DTYPES };
    const wg_clone_options *o = options ? options : &defaults;
    wg_tensor **order = NULL, **mapped = NULL;
    int64_t count, top = 0;

    for (int i = 0; to && copy && i < n; i++) copy[i] = &to->poison;
    if (!to || to->error.code != WG_OK) return to;
    if ((n > 0 && (!outputs || !copy)) || (o->n_sub > 0 && (!o->from || !o->with))) {
        wg__graph_fail(to, WG_EARG, "clone", "an array is NULL: outputs, copy, from or with");
        return to;
    }
    for (int i = 0; i < n; i++) {
        if (!outputs[i] || outputs[i]->id < 0 || outputs[i]->graph != outputs[0]->graph) {
            wg__graph_fail(to, WG_EARG, "clone",
                           "output %d is NULL, of a graph in error, or of another graph", i);
            return to;
        }
    }
    count = wg_order(n, outputs, &order);
    for (int64_t i = 0; i < count; i++)
        if (order[i]->id >= top) top = order[i]->id + 1;
    mapped = count < 0 ? NULL : wg__zalloc((size_t)top * sizeof *mapped);
    if (!mapped) {
        wg__graph_fail(to, WG_ENOMEM, "clone", "out of memory");
        goto done;
    }
    for (int i = 0; i < o->n_sub; i++) {
        if (n > 0 && o->from[i] && o->from[i]->graph != outputs[0]->graph) {
            wg__graph_fail(to, WG_EARG, "clone",
                           "replaced tensor %d is not of the graph of the outputs", i);
            goto done;
        }
        if (!o->from[i] || !o->with[i] || o->with[i]->graph != to) {
            wg__graph_fail(to, WG_EARG, "clone",
                           "replacement %d is NULL or not of the graph copied to", i);
            goto done;
        }
        if (o->from[i]->id >= 0 && o->from[i]->id < top) mapped[o->from[i]->id] = o->with[i];
    }
    for (int64_t i = 0; i < count && to->error.code == WG_OK; i++)
        if (!mapped[order[i]->id]) mapped[order[i]->id] = copy_entry(to, order[i], o->real, mapped);
    for (int i = 0; i < n && to->error.code == WG_OK; i++) copy[i] = mapped[outputs[i]->id];
done:
    wg__release(order);
    wg__release(mapped);
    return to;
}
