/* names_kit.h: the classes that golden/NAMES.md speaks of, and what the library says of each. */
#ifndef NAMES_KIT_H
#define NAMES_KIT_H

#include <wengert.h>
#include <wengert/layer.h>

#include "golden.h"
#include "names_md.h"

/* The table's shorter names of classes. */
static inline const char *full_name(const char *name)
{
    static const char *const names[][2] = {
        { "Wavenet", "WavenetResidualModule" },
        { "SkipIdentity", "SkipConnectionIdentityModule" },
        { "SkipConv", "SkipConnectionConvModule" },
        { "MultiHeadedAttention", "MultiHeadedAttentionModule" },
        { "Constant", "ConstantScheduler" },
        { "Exponential", "ExponentialScheduler" },
        { "Noam", "NoamScheduler" },
        { "King", "KingScheduler" },
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(names[i][0], name)) return names[i][1];
    return name;
}

/* What the classes that want something must be told; all else is its default. */
static inline const char *required_of(const char *kind)
{
    static const char *const told[][2] = {
        { "WavenetResidualModule",
          "{\"ch_residual\": 2, \"ch_dilation\": 3, \"dilation\": 1, \"kernel_width\": 2}" },
        { "SkipConnectionIdentityModule",
          "{\"out_ch\": 3, \"kernel_shape1\": [2, 3], \"kernel_shape2\": [3, 2]}" },
        { "SkipConnectionConvModule",
          "{\"out_ch1\": 2, \"out_ch2\": 3, \"kernel_shape1\": [2, 2], \"kernel_shape2\": [2, 3], "
          "\"kernel_shape_skip\": [2, 2]}" },
        { "BidirectionalLSTM", "{\"n_out\": 2}" },
        { "Word2Vec", "{\"vocab_size\": 900}" },
    };

    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (!strcmp(told[i][0], kind)) return told[i][1];
    return NULL;
}

static inline bool is_sched(const char *name)
{
    return strstr(name, "Scheduler") != NULL;
}

/* ---- what the library says of a class ---- */

/* A class's hyperparameters as an object: json_decref. Layers are asked before any input. */
static inline json_t *hyper_of(const char *name)
{
    wg_error error = { .code = WG_OK };
    char *text = NULL;
    json_t *root, *object;

    if (wg_layer_class_find(name)) {
        wg_params *w = wg_params_new(WG_F64, 1);
        wg_layer *l = wg_layer_make(w, "m", name, required_of(name), &error);

        text = wg_layer_hyperparameters(l);
        wg_layer_free(l);
        wg_params_free(w);
    } else if (is_sched(name)) {
        wg_sched *s = wg_sched_from_text(name, &error);

        text = wg_sched_summary(s);
        wg_sched_free(s);
    } else {
        wg_optim *o = wg_optim_from_text(NULL, "o", name, &error);

        text = wg_optim_summary(o);
        wg_optim_free(o);
    }
    NO_ERROR(&error);
    root = text ? json_loads(text, 0, NULL) : NULL;
    wg_free(text);
    if (!harness_check(root != NULL, __FILE__, __LINE__, "%s is nowhere", name)) return NULL;
    if (wg_layer_class_find(name)) return root;
    object = json_incref(json_object_get(root, "hyperparameters"));
    json_decref(root);
    return object;
}

/* A row may speak of several classes, "SGD / AdaGrad". */
static inline int classes_of(const md_row *row, char *memory, char **name)
{
    snprintf(memory, MD_CELL, "%s", row->name);
    return md_split(memory, '/', name);
}

#endif
