/* pool.c: Pool2D: windows reduced to their largest element or their mean. */
#include <string.h>

#include "classes.h"
#include "wengert/ops.h"

static const char *const pad_modes[] = { "explicit", "same", NULL };
static const wg_field pool2d_fields[] = {
    WG_FIELD(wg_pool2d_hyper, kernel_shape),         WG_FIELD_NUM(wg_pool2d_hyper, stride, 1),
    WG_CHOICE(wg_pool2d_hyper, pad_mode, pad_modes), WG_FIELD(wg_pool2d_hyper, pad),
    WG_FIELD_STR(wg_pool2d_hyper, mode, "max"),      WG_FIELDS_END
};

static bool pool2d_make(wg_layer *l)
{
    const wg_pool2d_hyper *h = wg_layer_hyper(l);

    if (strcmp(h->mode, "max") != 0 && strcmp(h->mode, "average") != 0)
        return wg_layer_fail(l, WG_ENAME, "unknown mode \"%.60s\": known are max and average",
                             h->mode);
    if (h->kernel_shape[0] < 1 || h->kernel_shape[1] < 1)
        return wg_layer_fail(l, WG_EARG, "kernel_shape (%lld, %lld) must be at least 1",
                             (long long)h->kernel_shape[0], (long long)h->kernel_shape[1]);
    if (!wg__at_least(l, "stride", h->stride, 1)) return false;
    if (h->pad_mode != WG_PAD_EXPLICIT && h->pad_mode != WG_PAD_SAME)
        return wg_layer_fail(l, WG_EARG, "pad_mode %lld is neither explicit nor same",
                             (long long)h->pad_mode);
    for (int i = 0; i < 4; i++)
        if (h->pad[i] < 0)
            return wg_layer_fail(l, WG_EARG, "pad is %lld, wanted at least 0",
                                 (long long)h->pad[i]);
    return true;
}

static wg_tensor *pool2d_apply(wg_layer *l, int n, wg_tensor *const *x)
{
    const wg_pool2d_hyper *h = wg_layer_hyper(l);
    wg_window window = { .kernel = { h->kernel_shape[0], h->kernel_shape[1] },
                         .stride = { h->stride, h->stride },
                         .pad_mode = h->pad_mode };

    (void)n;
    for (int i = 0; i < 4; i++) window.pad[i] = h->pad[i];
    return strcmp(h->mode, "max") == 0 ? wg_max_pool2d(x[0], window) : wg_avg_pool2d(x[0], window);
}

const wg_layer_class wg_class_pool2d = { .name = "Pool2D",
                                         .hyper_size = sizeof(wg_pool2d_hyper),
                                         .hyper = pool2d_fields,
                                         .n_in = 1,
                                         .make = pool2d_make,
                                         .apply = pool2d_apply };

wg_layer *wg_pool2d(wg_params *w, const char *name, wg_pool2d_hyper hyper)
{
    return wg_layer_new(&wg_class_pool2d, w, name, &hyper);
}
