/* own.h: elements of arrays, and arrays with memory of their own. */
#ifndef WG_NN_OWN_H
#define WG_NN_OWN_H

#include "wengert/base.h"

/* Frees the memory; data becomes NULL. */
void wg__array_drop(wg_array *a);

/* New memory of this type, zeros; an address even for no elements. false: out of memory. */
bool wg__array_fresh(wg_array *a, const wg_type *type);
bool wg__array_copy(wg_array *to, const wg_array *from);

/* to takes the value of from, in its memory where that is of the same type. */
bool wg__array_keep(wg_array *to, const wg_array *from);

/* Element i of a real array. */
static inline double wg__array_at(const wg_array *a, int64_t i)
{
    return a->type.dtype == WG_F32 ? (double)((const float *)a->data)[i]
                                   : ((const double *)a->data)[i];
}

/* sum += x: real, of one type. */
void wg__array_add_to(const wg_array *sum, const wg_array *x);

#endif
