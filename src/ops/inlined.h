/* inlined.h: records whose kernels make an operand's elements themselves. */
#ifndef WG_OPS_INLINED_H
#define WG_OPS_INLINED_H

#include "wengert/op.h"

/* Hooks `inlines` of matmul and div, of scatter_add and scatter_add_like, and of add. */
bool wg__inline_gather(wg_inlined *in);
bool wg__inline_scatter(wg_inlined *in);
bool wg__inline_onto(wg_inlined *in);

/* index.c: operand 1 of a gather names places that there are; so does any operand of a call. */
void wg__gather_check(const wg_call *c);
bool wg__indices_fit(const wg_call *c, int operand, int axis, const wg_type *of);

#endif
