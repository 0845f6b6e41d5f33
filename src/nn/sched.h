/* sched.h: what optimisers and schedulers share: a scheduler records its rule in either's graph. */
#ifndef WG_NN_SCHED_H
#define WG_NN_SCHED_H

#include "entries.h"
#include "hyper.h"
#include "wengert/sched.h"

/* Where a rule is recorded: its state are entries of `at`. */
typedef struct {
    const wg_sched *sched;
    wg__entries *at;
    wg_graph *g;
    wg_tensor *step;  /* i64 scalar */
    wg_tensor *loss;  /* f64 scalar; NULL for rules that do not want it */
    wg_tensor *apply; /* bool scalar: state changes only where it is true; NULL: always */
    bool show;        /* make what is asked for by name outputs of the function */
} wg__ticks;

/* One entry of a rule's state besides "lr" and "initial_lr": a scalar, or one element a loss. */
typedef struct {
    const char *key;
    wg_dtype dtype;
    bool history;
} wg__sched_state;

typedef struct wg__sched_class {
    const char *name, *other; /* other: a further name it is known by, or NULL */
    int n;
    const wg__hyper_field *field;
    int rate; /* index of the field with the starting rate; -1: none */
    bool wants_loss;
    const wg__sched_state *state; /* ends with a NULL key; NULL: none */
    /* what ranges cannot say; NULL: nothing */
    bool (*check)(const wg__hyper_value *value, wg_error *error);
    wg_tensor *(*record)(const wg__ticks *t, const wg__hyper_value *value); /* the rate, f64 */
} wg__sched_class;

struct wg_sched {
    const wg__sched_class *kind;
    wg__hyper_value value[WG__MAX_HYPER];
    wg__entries at; /* state of a scheduler that is asked by itself; begun at first use */
    wg_graph *graph;
    struct wg_plan *plan;
    bool asked;
};

extern const wg__sched_class wg__constant, wg__exponential, wg__noam, wg__king, wg__cosine,
    wg__plateau;

/* Records the rate: a scalar f64. NAME/lr holds the rate of the last step. */
wg_tensor *wg__sched_record(const wg__ticks *t);

/* State of a rule: the leaf of NAME/key, and its update. */
wg_tensor *wg__tick_state(const wg__ticks *t, const char *key, wg_dtype dtype, wg_shape shape,
                          double first);
void wg__tick_keep(const wg__ticks *t, const char *key, wg_tensor *value);

/* A scheduler from a parsed text (NULL: the constant one) or from JSON. */
wg_sched *wg__sched_from_call(const wg__call *c, wg_error *error);
wg_sched *wg__sched_from_json(const json_t *v, wg_error *error);

/* Changes the values of `s` alone, all or none. `from` is a JSON object of hyperparameters. */
bool wg__sched_read(wg_sched *s, const json_t *from, wg_error *error);

/* The starting rate, for a scheduler that was given none (or a constant one when `always`). */
void wg__sched_set_rate(wg_sched *s, double lr, bool whole, bool always);
double wg__sched_rate(const wg_sched *s, double otherwise);

/* The type of the entry NAME/key that this scheduler keeps; false when it keeps none. */
bool wg__sched_state_type(const wg_sched *s, const char *key, wg_type *type);

void wg__sched_print(const wg_sched *s, wg__str *t);

/* King: most losses kept; 0 for other classes. */
int64_t wg__sched_history(const wg_sched *s);

/* Copies the newest losses of a King's history from one set of entries to another. */
bool wg__king_move(const wg_sched *s, wg__entries *to, const wg__entries *from, wg_error *error);

#endif
