/* health.h: how values and gradients fare on their way through the layers of a program. */
#ifndef WENGERT_TOOLS_HEALTH_H
#define WENGERT_TOOLS_HEALTH_H

#include "feeds.h"
#include "numbers.h"

typedef enum { WELL, NOT_FINITE, NO_GRADIENT, VANISHING, EXPLODING, DEAD, N_VERDICTS } verdict;

/* One scope of the forward pass. Figures that do not exist are NaN. */
typedef struct {
    const char *scope;      /* the graph's */
    figures result;         /* of its last value */
    int64_t not_finite;     /* elements of all its values */
    double gradient;        /* root mean square of the loss's gradient by that value */
    double weights;         /* root mean square of its trainable store entries */
    double weight_gradient; /* of the loss's gradient by them */
    double zeros;           /* share of zeros that its relu and maximum entries give */
    double dead;            /* share of their units (last axis) that are zero for every example */
    verdict says;
} layer_health;

typedef struct {
    double vanishing, exploding; /* times the median of all layers' gradients */
    double dead;                 /* share of dead units */
} health_limits;

typedef struct {
    int n;
    layer_health *layer;
} health;

/** Runs the loss and its gradient by every value on these inputs. Nothing is committed. Returns the
 * exit status; free it in any case. */
int health_measure(health *h, const program *p, wg_tensor *loss, const feeds *fd,
                   const health_limits *limits);

void health_free(health *h);

/** "vanishing" for VANISHING. */
const char *verdict_text(verdict v);

#endif
