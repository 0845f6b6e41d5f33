/* check.h: is a gradient right? Signed comparison with central differences, first and second
 * order. */
#ifndef WENGERT_CHECK_H
#define WENGERT_CHECK_H

#include "graph.h"
#include "params.h"
#include "plan.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int order;         /* 1 or 2; 0 means 2 */
    double rtol, atol; /* 0: 1e-6 and 1e-9 (values are f64) */
    /* parameters up to this many elements: every entry; above: random directions. 0: 64 */
    int64_t every;
    int directions; /* random directions for larger ones; 0: 8 */
    uint64_t seed;  /* of the directions */
} wg_check_options;

/* The verdict on one parameter or real input, at one order. */
typedef struct {
    const char *name; /* store entry or input */
    int order;
    bool pass;
    bool kink;     /* the point is too close to a kink to judge: the difference quotients of
                               shrinking steps do not settle */
    int64_t index; /* worst entry, or worst direction when by_direction */
    bool by_direction;
    double analytic, numeric, error, tolerance; /* there; error = analytic - numeric, signed */
    double estimate;                            /* estimated error of the numeric value */
    const char *op, *site; /* the entry nearest to the parameter on the way to the loss */
} wg_check_item;

typedef struct {
    bool pass; /* every item passed */
    int n;
    wg_check_item *item;
} wg_check_report;

/** Checks the gradient of `loss` (one element) with respect to every real store entry and every
 * real input it depends on: recorded gradient against central differences with Richardson
 * extrapolation and an error estimate, on an f64 clone of graph and store. The graph and the store
 * stay as they are; random draws hold still. Fills *report (wg_check_free). WG_OK when the check
 * could be made, whatever it found. */
WG_API wg_status wg_check_grad(wg_tensor *loss, const wg_params *w, int n_feeds,
                               const wg_feed *feeds, const wg_check_options *options,
                               wg_check_report *report, wg_error *error);

/** A table: name, order, worst entry, analytic, numeric, error, tolerance, verdict. */
WG_API void wg_check_print(const wg_check_report *report, FILE *to);

WG_API void wg_check_free(wg_check_report *report);

#ifdef __cplusplus
}
#endif

#endif
