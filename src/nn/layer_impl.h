/* layer_impl.h: what layer.c, layer_hyper.c, summary.c and verbs*.c share of a layer. */
#ifndef WG_NN_LAYER_IMPL_H
#define WG_NN_LAYER_IMPL_H

#include <jansson.h>

#include "wengert/layer.h"
#include "wengert/optim.h"

enum { WG_KEY_MAX = 48, WG_PATH_MAX = 1024, WG_MOST_OPERANDS = 64, WG_MOST_RESULTS = 8 };

/* An entry of the store that belongs to the layer. */
typedef struct {
    char key[WG_KEY_MAX];
    bool learns;   /* freezing concerns it: running statistics are others */
    bool early;    /* made before the first use: the layer has not said yet what it wants */
    bool valued;   /* early: holds a value, and not zeros to be initialised */
    wg_array grad; /* added up by backward; data NULL: none */
} wg__entry;

/* A value that the verbs read: a derived variable, or where a gradient arrives. */
typedef struct {
    wg_tensor *t;
    char key[WG_KEY_MAX];
    bool grad;
    wg_array value; /* the layer's memory; data NULL: none */
} wg__watch;

typedef struct wg__verbs wg__verbs; /* programs and retained forwards: verbs.h */

struct wg_layer {
    const wg_layer_class *kind;
    wg_params *store;
    char *name;
    const char *id; /* the last part of a component's name; else the name */
    wg_layer *parent;
    void *hyper;
    wg__entry *entries;
    int n_entries;
    wg_layer **components;
    int n_components;
    bool ready; /* init has run */
    bool frozen;
    wg_error broken;         /* of hyperparameters or first use: stays */
    wg_error error;          /* of the last verb */
    const wg_graph *watched; /* while the verbs record: values are noted */
    wg__watch *watches;
    int n_watches;
    wg__verbs *verbs;
    wg_optim *optim;         /* of the topmost layer; made by the first update */
    wg_optim *recorded;      /* of what a model records: its cache lies in the layer's store */
    struct wg__steps *steps; /* of a model: what it has recorded, model.h */
};

/* layer.c */
wg_layer *wg__layer_new(const wg_layer_class *kind, wg_params *w, const char *name,
                        const void *hyper, bool exact); /* exact: zeros are zeros */
wg__entry *wg__layer_entry(const wg_layer *l, const char *key);
wg__entry *wg__layer_new_entry(wg_layer *l, const char *key, bool learns);
bool wg__layer_path(char *full, size_t n, const wg_layer *l, const char *key);
bool wg__layer_ready(wg_layer *l, int n, const wg_type *const *types);
void wg__layer_why(const wg_layer *l, wg_graph *g); /* why it is not ready, as the graph's error */
wg_layer *wg__layer_root(wg_layer *l);
wg_layer *wg__layer_add(wg_layer *l, const char *id, const char *kind, const void *hyper,
                        bool exact);
wg_layer *wg__layer_add_class(wg_layer *l, const char *id, const wg_layer_class *class,
                              const void *hyper,
                              bool exact); /* zeros become defaults, unless `exact` */

/* layer_hyper.c: structs of hyperparameters by their field tables */
/* Zeros become defaults, unless `exact`. */
bool wg__hyper_copy(void *to, const wg_layer_class *kind, const void *from, bool exact);
void wg__hyper_clear(void *hyper, const wg_layer_class *kind);
json_t *wg__hyper_json(const wg_layer_class *kind, const void *hyper);
bool wg__hyper_read(void *hyper, const wg_layer_class *kind, const json_t *from, wg_error *error);

/* verbs.c */
void wg__verbs_free(wg_layer *l);
void wg__verbs_forget(wg_layer *l); /* programs: hyperparameters have changed */

#endif
