/* train_impl.h: what the parts of the training kit share. */
#ifndef WG_NN_TRAIN_IMPL_H
#define WG_NN_TRAIN_IMPL_H

#include "wengert/train.h"

/* ---- train_feed.c: a function whose inputs are bound to data ---- */

typedef struct {
    const wg_train_feed *from;
    const char *name;
    wg_array batch; /* what is fed; owned */
} wg__bound;

typedef struct {
    const char *name; /* of the function */
    int f, loss;      /* function, output */
    wg_plan *plan;
    int n;
    wg__bound *bound;
    int64_t examples; /* in the data; -1: none is bound */
} wg__side;

/* Finds function and loss output. mode: of the function when no name is given. */
wg_status wg__side_open(wg__side *s, wg_graph *g, wg_params *w, const char *function,
                        const char *loss, wg_mode mode, const wg_plan_options *plan,
                        wg_error *error);

/* Binds feeds to inputs; `rest`: inputs without one are somebody else's; `spare`: feeds of other
 * names are too. */
wg_status wg__side_bind(wg__side *s, const wg_graph *g, int n, const wg_train_feed *feed,
                        int64_t batchsize, bool rest, bool spare, wg_error *error);
/* Takes the n rows (NULL: from `first` on) and feeds them to the plan. */
wg_status wg__side_feed(wg__side *s, wg_plan *plan, const int64_t *row, int64_t first, int64_t n,
                        wg_error *error);
double wg__side_loss(const wg__side *s, wg_plan *plan);
void wg__side_close(wg__side *s);

/* ---- the trainer ---- */

typedef struct {
    int64_t epoch, batch, step;
} wg__place_in_run;

struct wg_train {
    wg_graph *g;
    wg_params *w;
    wg_train_options o;
    wg_train_state s;
    double sum; /* of losses times examples in this epoch */
    wg__side train, validation;
    wg_batches *batches; /* NULL: a source */
    int64_t *whole;      /* 0, 1, ...: rows of a validation set of its own */
    const double *lr;    /* in the store; NULL: none */
    wg_plan *check;      /* made when it is needed */

    wg_params *held; /* the store some steps ago */
    wg__place_in_run held_at;
    double held_since, hold_cost; /* seconds */
    wg_params *best;
    int64_t best_written; /* the epoch whose best weights are in the folder */

    char print[17];     /* of the function; "" until it is needed */
    char *saved;        /* path of the newest checkpoint */
    int64_t saved_step; /* -1: none */
    double saved_at;    /* seconds */
    double began;       /* wg_train_run */
    int64_t began_step;

    /* train_show.c */
    bool terminal, bar_drawn;
    double drawn, epoch_began;
    int64_t shown_from; /* examples of this epoch when its clock was started */
    FILE *log;
    double log_seconds; /* of the runs before this one */
};

double wg__train_now(void);
/* Values of one store into another with the same entries. */
void wg__train_copy(wg_params *to, const wg_params *from);

/* Feeds the batch at hand and runs. *n: its examples; 0: the epoch has ended before it. */
wg_status wg__run_batch(wg_train *t, wg_plan *plan, int64_t *n, wg_error *error);
/* Calls a callback, which may be NULL; FAIL leaves an error. */
wg_train_act wg__tell(wg_train *t, wg_train_callback *callback, wg_error *error);

/* ---- train_origin.c: where a loss ceased to be finite ---- */

void wg__hold(wg_train *t); /* a copy of the store */
bool wg__hold_due(const wg_train *t);
/* The loss of the step at hand, or of a validation batch, is not finite: the error that says where.
 */
wg_status wg__find_origin(wg_train *t, double loss, wg_error *error);
wg_status wg__find_in_validation(wg_train *t, const int64_t *row, int64_t first, int64_t n,
                                 double loss, wg_error *error);

/* ---- train_state.c: the state as text, and which program it belongs to ---- */

extern const char wg__train_key[]; /* of the metadata */

/* Sees to t->print: 16 hexadecimal digits that depend on all that the function records. */
wg_status wg__train_print(wg_train *t, wg_error *error);
char *wg__train_state_text(const wg_train *t); /* wg_free; NULL: out of memory */
wg_status wg__train_state_read(wg_train *t, const char *text, const char *file, wg_error *error);

/* ---- train_keep.c: checkpoints in the folder ---- */

wg_status wg__train_resume(wg_train *t, wg_error *error);

/* ---- train_show.c: progress and log ---- */

wg_status wg__show_open(wg_train *t, wg_error *error);
void wg__show_close(wg_train *t);
void wg__show_run(wg_train *t);
void wg__show_step(wg_train *t);
void wg__show_epoch(wg_train *t);
void wg__show_end(wg_train *t);
void wg__show_line(wg_train *t, const char *fmt, ...) WG_PRINTF(2, 3);
/* The bar on its line of a terminal: label, how far (0 to 1; below 0: not known) and figures. Of a
 * run that is told of by a fit of its own: while it is due. */
void wg__show_bar(wg_train *t, const char *label, double share, const char *figures);
bool wg__show_bar_due(const wg_train *t); /* on a terminal, and the last one is old enough */
void wg__show_wipe(wg_train *t);          /* before anything else is written there */
const char *wg__clock_text(double seconds, char buf[24]); /* 75 -> "1:15" */
wg_status wg__show_flush(wg_train *t, wg_error *error);   /* the log, to the disk */

#endif
