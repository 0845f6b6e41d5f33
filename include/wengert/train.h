/*
 * train.h: training a program: epochs of shuffled batches, validation, early stopping, checkpoints,
 * a resume that is exact to the bit, progress on a terminal, a log for machines. It knows nothing
 * of the model: a graph, a store, the name of a function whose updates make one step.
 */
#ifndef WENGERT_TRAIN_H
#define WENGERT_TRAIN_H

#include "data.h"
#include "graph.h"
#include "op.h"
#include "params.h"
#include "plan.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wg_train wg_train;

/* Where an input's values come from. */
typedef struct {
    const char *input;
    /* borrowed. The first axis counts the examples; the others are the input's, or others with as
     * many elements, which are then read as the input's */
    wg_data data;
    double scale;  /* values are multiplied by it; 0: 1 */
    bool constant; /* no axis of examples: every run is fed the whole */
} wg_train_feed;

/* Batches that are not taken from arrays. */
typedef struct {
    /* Feeds the plan batch i of an epoch (both from 0) and returns how many examples it has; 0: the
     * epoch has ended before it; -1: failed, with *error filled. After a resume the first batch
     * asked for may be any, after a loss that is not finite earlier ones are asked for again. */
    int64_t (*next)(void *data, wg_plan *plan, int64_t epoch, int64_t i, wg_error *error);
    void *data;
    int64_t examples; /* of an epoch, for the progress bar; 0: not known */
    bool summed;      /* the loss is a sum over the batch: it is told an example */
    /* what the batches depend on: a run goes on with a source of the same name alone; NULL: any */
    const char *name;
} wg_train_source;

typedef enum {
    WG_TRAIN_NOT_ENDED,
    WG_TRAIN_DONE,       /* all epochs */
    WG_TRAIN_EARLY,      /* no better for `patience` epochs */
    WG_TRAIN_STEPS,      /* max_steps, or the environment's WENGERT_MAX_STEPS */
    WG_TRAIN_STOPPED,    /* a callback said so */
    WG_TRAIN_INTERRUPTED /* *stop was set */
} wg_train_end;

/* How far it is. Numbers that do not exist yet are NaN. */
typedef struct {
    int64_t epoch;    /* epochs completed */
    int64_t batch;    /* batches of the next epoch done; 0 in on_epoch */
    int64_t step;     /* batches in all */
    int64_t examples; /* in this epoch so far; in on_epoch of the whole one */
    double loss;      /* of the last batch */
    double smoothed;  /* 0.99 of what it was + 0.01 loss */
    double mean;     /* of this epoch's losses, weighed by examples; in on_epoch of the whole one */
    double previous; /* of the epoch before */
    double validation;  /* of the last epoch that was validated: mean, weighed by examples */
    double best;        /* lowest validation loss, without validation lowest mean, of an epoch */
    int64_t best_epoch; /* the epoch it was reached in, from 1; 0: none */
    int64_t waited;     /* epochs since then */
    double lr;          /* the entry NAME/lr of the store */
    double seconds;     /* since wg_train_run began */
    bool replaying;     /* steps are made once more, to find where a loss ceased to be finite */
    wg_train_end end;
} wg_train_state;

typedef enum { WG_TRAIN_GO_ON, WG_TRAIN_STOP, WG_TRAIN_FAIL } wg_train_act;

/* STOP ends the run as interrupted runs end; FAIL, with *error filled, as failed ones. In the
 * callback of a batch the values of wg_train_plan may be read. One that changes the store does so
 * when `replaying` too, one that keeps a record does not. */
typedef wg_train_act wg_train_callback(void *data, wg_train *t, const wg_train_state *state,
                                       wg_error *error);

typedef struct {
    /* what: */
    const char *function; /* NULL: the first of mode WG_TRAIN */
    const char *loss;     /* an output of one element; NULL: "loss", or the only output */
    int n_feeds;          /* each input of the function once, unless a source feeds it */
    const wg_train_feed *feeds;
    const wg_train_source *source; /* NULL: feeds alone */

    /* how long and in which order: */
    int64_t epochs;    /* in all, those before a resume included; 0: 1 */
    int64_t batchsize; /* 0: 32 */
    uint64_t seed;     /* of shuffles and of the validation split */
    bool in_order;     /* not shuffled */
    bool drop_last;    /* without a last batch that is incomplete */
    int64_t max_steps; /* of one wg_train_run; 0: no bound. WENGERT_MAX_STEPS lowers it */

    /* validation after each epoch: with data of its own or a share of the training data */
    const char *validation_function; /* NULL: the first of mode WG_PREDICT with the output */
    const char *validation_loss;     /* an output of one element; NULL as `loss` */
    int n_validation_feeds;
    const wg_train_feed *validation_feeds;
    double validation_split; /* share of the examples kept apart; 0: none */

    /* early stopping; at the end the store becomes what it was after the best epoch */
    int64_t patience; /* epochs without a value below best - min_delta; 0: no early stopping */
    double min_delta;

    /* checkpoints; without either interval after each epoch. The last of a run is always made. */
    const char *folder;     /* NULL: none. Made when it is missing */
    const char *checkpoint; /* their name; NULL: "checkpoint" */
    int64_t every_steps;    /* 0: not by steps */
    double every_seconds;   /* 0: not by time */
    int64_t keep;           /* the last so many stay; 0: 3 */
    bool resume;            /* go on from the newest, if there is one */
    wg_op_list ops;         /* every record a checkpoint may name; n 0: wg_std_ops() */

    /* telling: */
    wg_train_callback *on_batch, *on_epoch;
    void *callback_data;
    int verbose;              /* 0: a line an epoch; 1: a bar too, on a terminal; -1: nothing */
    FILE *to;                 /* NULL: stderr when that is a terminal, else stdout */
    const char *log;          /* a file of JSON lines, one a step and one an epoch; NULL: none */
    const char *go_on;        /* the command that goes on, for the message after an interruption */
    const volatile int *stop; /* or sig_atomic_t; not 0: finish the step, save, return; or NULL */

    wg_plan_options plan; /* all zero: defaults */
} wg_train_options;

/** A trainer of a program. It keeps one copy of the store, with patience two. Graph, store and all
 * that the options point to are borrowed and outlive it. With `resume` the store, and all else that
 * the run depends on, is as it was at the newest checkpoint: the run ends with the same bytes as
 * one that was never stopped, provided that the data are the same. A damaged checkpoint is passed
 * over, with a line that says so, when there is an older one. Returns NULL on error: WG_ENAME for a
 * function, output or input that is not there, with the nearest name, or an input without data;
 * WG_ESHAPE, WG_EDTYPE where data do not fit; WG_EARG for options out of range, for a folder that
 * holds checkpoints when `resume` is not set, for checkpoints of another model or of other batches;
 * those of wg_load and wg_plan_new; WG_EIO; WG_ENOMEM. */
WG_API wg_train *wg_train_new(wg_graph *g, wg_params *w, const wg_train_options *options,
                              wg_error *error);

/** NULL is allowed. */
WG_API void wg_train_free(wg_train *t);

/** Trains until an end, which wg_train_state_of tells; called again it goes on from there. A step
 * allocates nothing once each size of batch was met. Errors: those of wg_plan_run; WG_EDTYPE for
 * data that do not convert; WG_ENONFINITE for a loss that is not finite: steps are then made once
 * more with the plan's option `check`, the error names the entry where it began, and the store is
 * as it was before that step; a validation loss is traced as well; WG_EIO for a checkpoint or a log
 * that cannot be written. After any error the checkpoints made before are whole. */
WG_API wg_status wg_train_run(wg_train *t, wg_error *error);

/** How far it is. The trainer's. */
WG_API const wg_train_state *wg_train_state_of(const wg_train *t);

/** The plan of the function. The trainer's. */
WG_API wg_plan *wg_train_plan(wg_train *t);

/** Saves a checkpoint now: FOLDER/NAME-STEP.json, a whole program that wg_load reads, with the
 * state of the run in its metadata. Callbacks may call it. Errors: WG_ESTATE without a folder;
 * WG_ENONFINITE when a trainable entry is not finite; those of wg_save. */
WG_API wg_status wg_train_save(wg_train *t, wg_error *error);

/** Path of the newest checkpoint this trainer saved or went on from; NULL: none. The trainer's. */
WG_API const char *wg_train_saved(const wg_train *t);

/** "all epochs are done" for WG_TRAIN_DONE. Static storage. */
WG_API const char *wg_train_end_text(wg_train_end end);

/** Has SIGINT (Ctrl-C) set a flag, which is returned for the option `stop`; a second one ends the
 * program as usual. The library installs no handler unless this is called. NULL when the system
 * refuses. */
WG_API const volatile int *wg_train_on_sigint(void);

#ifdef __cplusplus
}
#endif

#endif
