/* check_diff.h: the derivative of a function of one number, by differences. */
#ifndef WG_OPS_CHECK_DIFF_H
#define WG_OPS_CHECK_DIFF_H

#include <stdbool.h>

/* The function; a value that is not finite means that it is not defined there. */
typedef double wg__line_fn(void *arg, double t);

typedef struct {
    double value,
        estimate; /* derivative at 0 and its estimated error; infinite when no step worked */
    double jump, jump_estimate; /* derivative to the right minus derivative to the left, likewise */
} wg__slope;

/* at0 is f(0); steps start well below `scale`. Shorter steps are tried until both estimates are
 * below atol + rtol |value|, or no shorter step helps. */
wg__slope wg__slope_at(wg__line_fn *f, void *arg, double at0, double scale, double rtol,
                       double atol);

#endif
