/* values.h: arrays as JSON values, exactly: what summaries are made of and set_params reads. */
#ifndef WG_NN_VALUES_H
#define WG_NN_VALUES_H

#include <jansson.h>

#include "wengert/base.h"

/* {"shape": [2, 3], "data": [...]}, row-major, with "dtype": "f32", "i64" or "bool" unless f64.
 * Numbers read back to the same bits; NaN and infinities are "NaN", "Infinity", "-Infinity". NULL
 * when out of memory or for an array that is none. The caller's reference. */
json_t *wg__array_to_json(const wg_array *a);

/* The reverse, into new memory: wg_free(a->data). `op` (static storage) and `what` ("fc1/W") name
 * the value in errors: WG_EFORMAT, WG_ENOMEM; a->data is NULL then. */
bool wg__array_from_json(const json_t *v, wg_array *a, const char *op, const char *what,
                         wg_error *error);

/* The same into memory the caller has, of this very type. Errors: those and WG_ESHAPE, WG_EDTYPE
 * with both types; then the memory is as it was. */
bool wg__array_read_json(const json_t *v, wg_array to, const char *op, const char *what,
                         wg_error *error);

/* One real number, with the same three strings. false when v is none. */
bool wg__real_from_json(const json_t *v, double *x);
json_t *wg__real_to_json(double x);

#endif
