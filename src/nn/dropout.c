/* dropout.c: Dropout, a wrapper around any layer of one real input. */
#include "classes.h"
#include "layer_impl.h"
#include "wengert/ops.h"

static const char *const scales[] = { "output", "input", NULL };
static const wg_field dropout_fields[] = {
    WG_FIELD(wg_dropout_hyper, p), WG_CHOICE(wg_dropout_hyper, scale, scales),
    WG_FIELD(wg_dropout_hyper, wrapped), WG_FIELD(wg_dropout_hyper, hyperparameters), WG_FIELDS_END
};

/* The wrapped layer's hyperparameters: those of the text over the defaults. */
static void *read_wrapped(wg_layer *l, const wg_layer_class *kind, const char *text)
{
    void *hyper = wg_alloc(1, kind->hyper_size + 1);
    json_error_t where;
    json_t *json;
    bool ok;

    if (!hyper || !wg__hyper_copy(hyper, kind, NULL, false)) {
        wg_layer_fail(l, WG_ENOMEM, "out of memory");
        if (hyper) wg__hyper_clear(hyper, kind);
        wg_free(hyper);
        return NULL;
    }
    json = json_loads(text ? text : "{}", JSON_REJECT_DUPLICATES, &where);
    if (!json_is_object(json))
        wg_layer_fail(l, WG_EFORMAT, "hyperparameters is no JSON object%s%.80s", json ? "" : ": ",
                      json ? "" : where.text);
    ok = json_is_object(json) && wg__hyper_read(hyper, kind, json, &l->broken);
    json_decref(json);
    if (ok) return hyper;
    wg__hyper_clear(hyper, kind);
    wg_free(hyper);
    return NULL;
}

static bool no_class(wg_layer *l, const char *name)
{
    if (!name) return wg_layer_fail(l, WG_EARG, "wrapped is not given: wanted a class of layers");
    return wg_layer_fail(l, WG_ENAME, "no layer class is called %.60s; the nearest is %s", name,
                         wg__class_nearest(name));
}

static bool dropout_make(wg_layer *l)
{
    const wg_dropout_hyper *h = wg_layer_hyper(l);
    const wg_layer_class *kind = wg_layer_class_find(h->wrapped);
    wg_layer *wrapped;
    void *hyper;

    if (!(h->p >= 0 && h->p < 1))
        return wg_layer_fail(l, WG_EARG, "p is %g, wanted 0 or more, below 1", h->p);
    if (h->scale != WG_DROPOUT_OUTPUT && h->scale != WG_DROPOUT_INPUT)
        return wg_layer_fail(l, WG_EARG, "scale %lld is neither output nor input",
                             (long long)h->scale);
    if (!kind) return no_class(l, h->wrapped);
    if (kind->n_in != 1 || kind->n_out > 1 || kind == l->kind)
        return wg_layer_fail(l, WG_EARG, "%s cannot be wrapped: wanted one input, one result",
                             kind->name);
    hyper = read_wrapped(l, kind, h->hyperparameters);
    if (!hyper) return false;
    wrapped = wg__layer_add(l, "layer", kind->name, hyper, true);
    wg__hyper_clear(hyper, kind);
    wg_free(hyper);
    return wrapped != NULL;
}

/* 1 for what stays, 0 for what is dropped; a name of its own for each use in one function. */
static wg_tensor *draw(const wg_layer *l, wg_tensor *x)
{
    const wg_dropout_hyper *h = wg_layer_hyper(l);
    char name[WG__DRAW_NAME];

    wg__draw_name(wg_tensor_graph(x), "dropout_mask", name);
    return wg_layer_value(l, wg_bernoulli_like(x, name, 1 - h->p), "dropout_mask");
}

static wg_tensor *dropout_apply(wg_layer *l, int n, wg_tensor *const *x)
{
    const wg_dropout_hyper *h = wg_layer_hyper(l);
    wg_layer *wrapped = wg_layer_component(l, "layer");
    wg_tensor *scale, *masked;

    (void)n;
    if (!wg_layer_trains(l, wg_tensor_graph(x[0]))) return wg_apply(wrapped, x[0]);
    if (!wg_dtype_is_real(wg_dtype_of(x[0])))
        return wg_record_fail(wg_tensor_graph(x[0]), WG_EDTYPE, "Dropout",
                              "the input is %s, wanted f32 or f64",
                              WG_TYPE_STR(wg_tensor_type(x[0])));
    masked = wg_mul(draw(l, x[0]), x[0]);
    scale = wg_scalar_like(x[0], 1 / (1 - h->p));
    if (h->scale == WG_DROPOUT_INPUT) return wg_apply(wrapped, wg_mul(masked, scale));
    return wg_mul(wg_apply(wrapped, masked), scale);
}

const wg_layer_class wg_class_dropout = { .name = "Dropout",
                                          .hyper_size = sizeof(wg_dropout_hyper),
                                          .hyper = dropout_fields,
                                          .n_in = 1,
                                          .make = dropout_make,
                                          .apply = dropout_apply };

wg_layer *wg_dropout(wg_params *w, const char *name, wg_dropout_hyper hyper)
{
    return wg_layer_new(&wg_class_dropout, w, name, &hyper);
}
