/* ref_geometry.h: the geometry of convolutions in golden cases: kernels, strides, pads. */
#ifndef REF_GEOMETRY_H
#define REF_GEOMETRY_H

#include <string.h>
#include <wengert/reference.h>

#include "golden_case.h"

static inline const json_t *ref_hyper(const gcase *c, const char *key)
{
    return json_object_get(c->hyper, key);
}

/* An element of a list among the hyperparameters, or of a number that stands for all. */
static inline int64_t ref_item(const json_t *v, size_t k)
{
    return json_integer_value(json_is_array(v) ? json_array_get(v, k) : v);
}

/* Sets h->pad from an int, a list of two or four, or 'same' (as `same` makes it). */
static inline bool ref_set_pad(wg_ref_conv2d *h, const json_t *v,
                               wg_ref_pad (*same)(const wg_ref_conv2d *))
{
    bool four = json_array_size(v) == 4;

    if (!v) return true; /* the default, 0 */
    if (json_is_string(v)) {
        h->pad = same(h);
        return strcmp(json_string_value(v), "same") == 0;
    }
    h->pad = (wg_ref_pad){ ref_item(v, 0), ref_item(v, four ? 1 : 0), ref_item(v, four ? 2 : 1),
                           ref_item(v, four ? 3 : 1) };
    return json_is_integer(v) || json_array_size(v) == 2 || four;
}

/* Input extents of h from an image array. */
static inline void ref_set_image(wg_ref_conv2d *h, const garray *X)
{
    h->n_ex = g_dim(X, 0);
    h->in_rows = g_dim(X, 1);
    h->in_cols = g_dim(X, 2);
    h->in_ch = g_dim(X, 3);
}

/* Kernel extents of h from a kernel array. */
static inline void ref_set_kernel(wg_ref_conv2d *h, const garray *W)
{
    h->kernel_rows = g_dim(W, 0);
    h->kernel_cols = g_dim(W, 1);
    h->out_ch = g_dim(W, 3);
}

/* An array to be written, of these extents; *ok turns false when there is no memory. */
static inline double *ref_put(gresult *r, gsection s, const char *name, int rank,
                              const int64_t *dim, bool *ok)
{
    double *a = g_put(r, s, name, rank, dim, NULL);

    *ok = *ok && a;
    return a;
}

static inline double *ref_put_like(gresult *r, gsection s, const char *name, const garray *like,
                                   bool *ok)
{
    double *a = g_put_like(r, s, name, like, NULL);

    *ok = *ok && a;
    return a;
}

/* The same for a parameter of the case, NULL when it has none of that name. */
static inline double *ref_put_param(gresult *r, const gcase *c, const char *name, bool *ok)
{
    return g_param(c, name) ? ref_put_like(r, G_PARAM_GRAD, name, g_param(c, name), ok) : NULL;
}

/* The memory of a parameter of the case; the references read it through pointers to double. */
static inline double *ref_param(const gcase *c, const char *name)
{
    return g_param(c, name) ? g_param(c, name)->f : NULL;
}

#endif
