/* optim.h: what the files of the optimisers share. */
#ifndef WG_NN_OPTIM_H
#define WG_NN_OPTIM_H

#include "entries.h"
#include "hyper.h"
#include "sched.h"
#include "wengert/optim.h"
#include "wengert/plan.h"

/* Hyperparameters every optimiser has come first in its table; its own follow. */
enum { WG__LR, WG__CLIP, WG__CLIP_ALL, WG__WEIGHT_DECAY, WG__ACCUMULATE, WG__OWN };

enum { WG__MAX_SLOTS = 2 };

/* What a step shares among weights: scalars. */
typedef struct {
    wg_graph *g;
    const wg__hyper_value *value;
    wg_tensor *lr;         /* f64 */
    wg_tensor *t;          /* f64: the number of this step, from 1 */
    wg_tensor *decay;      /* f64: weight_decay of these weights; NULL: none */
    wg_tensor *scale;      /* f64: what all gradients are multiplied by; NULL: 1 */
    wg_tensor *apply;      /* bool: whether gradients are applied in this run; NULL: always */
    wg_tensor *rate, *eps; /* prepared by the class */
} wg__step;

/* The tensors of one weight before or after a step. */
typedef struct {
    wg_tensor *w, *slot[WG__MAX_SLOTS], *sum;
} wg__weight;

typedef struct {
    const char *name;
    int n;
    const wg__hyper_field *field;
    int n_slots;
    const char *slot[WG__MAX_SLOTS];  /* of entry names: W/NAME_m */
    const char *cache[WG__MAX_SLOTS]; /* numpy-ml's keys, "mean" */
    bool counts;                      /* bias corrections need a step count for each weight */
    void (*begin)(wg__step *s);       /* NULL: rate is lr */
    wg_tensor *(*one)(const wg__step *s, const wg__weight *old, wg_tensor *g, wg__weight *next);
} wg__optim_class;

typedef struct {
    char *pattern;
    double lr, decay;
} wg__group;

struct wg__updates; /* optim_update.c */

struct wg_optim {
    const wg__optim_class *kind;
    wg__hyper_value value[WG__MAX_HYPER];
    wg_sched *sched; /* its values; the state lies in `at` */
    wg__entries at;
    wg__group *group;
    int n_groups;
    struct wg__updates *updates; /* of wg_optim_update; NULL until then */
    wg_error error;              /* of the constructor */
};

extern const wg__optim_class wg__sgd, wg__adagrad, wg__rmsprop, wg__adam, wg__adamw;

/* The class of a name; NULL after an error that names the nearest. */
const wg__optim_class *wg__optim_find(const char *name, int at, wg_error *error);

/* An optimiser with all defaults and no scheduler yet; w NULL: over a private store. */
wg_optim *wg__optim_make(const wg__optim_class *kind, wg_params *w, const char *name);

/* SGD as "Nesterov()" means it: nesterov, and momentum 0.9 unless another is given. */
void wg__optim_nesterov(wg_optim *o);

/* How many slots it has: a plain SGD has none. */
int wg__optim_slots(const wg_optim *o);
int64_t wg__accumulate(const wg_optim *o);

/* The one composition: new weights, slots and sum from old ones and a gradient. begin first. */
void wg__optim_begin(const wg_optim *o, wg__step *s);
void wg__optim_one(const wg_optim *o, const wg__step *s, const wg__weight *old, wg_tensor *g,
                   wg__weight *next);

/* The new weights of a plain SGD whose gradient is rows added at indices, as that of a table that
 * was gathered from: W with rate times those rows subtracted, and no other row read or written.
 * NULL: the optimiser or the gradient is another. */
wg_tensor *wg__optim_rows(const wg_optim *o, const wg__step *s, wg_tensor *w, wg_tensor *g);

/* clip_global_norm / norm, or 1 when the norm is smaller; norm f64. */
wg_tensor *wg__clip_scale(wg_tensor *norm, double clip);

/* The factors of the last group whose pattern fits the name; 1 and 1 without. */
wg__group wg__optim_group_of(const wg_optim *o, const char *name);

/* wg_optim_step and wg_optim_update_n in one: a step whose loss is missing is not counted either.
 */
wg_status wg__optim_whole_step(wg_optim *o, int n, const char *const *name, const wg_array *param,
                               const wg_array *grad, double cur_loss, wg_error *error);

/* Forgets what was recorded for wg_optim_update: hyperparameters or entries have changed. */
void wg__updates_drop(wg_optim *o);
bool wg__updates_copy(wg_optim *to, const wg_optim *from);

/* "W/NAME_suffix" */
bool wg__slot_name(const wg_optim *o, const char *entry, const char *suffix,
                   char buf[WG__ENTRY_TEXT]);

/* The members of a parameter's cache, from 0: numpy-ml's key, suffix of the entry, whether it is a
 * counter; false past the last. */
bool wg__optim_member(const wg_optim *o, int i, const char **key, const char **suffix,
                      bool *counter);

/* The JSON object of a text; NULL after an error. */
json_t *wg__optim_json(const char *text, wg_error *error);

#endif
