/*
 * reduce_vec.h: joining many elements into one, for every type and level; the language is vec.h's:
 *
 *   V    FN(join)(op, a, b)    lane by lane: sum, product, the larger, the smaller (NaN if either)
 *   REAL FN(join1)(op, a, b)   the same for two numbers
 *   REAL FN(row)(op, x, n)     n >= 1 elements joined; WG_JOIN_SUM in the canonical order
 *   FN(sum_columns), FN(join_columns)   the same for columns of a block of rows
 *
 * `op` is a constant wherever these are called, so that nothing is left of the choice.
 */
#ifndef WG_OPS_REDUCE_VEC_H
#define WG_OPS_REDUCE_VEC_H

#include <math.h>

#include "vec.h"

enum { WG_JOIN_SUM, WG_JOIN_PROD, WG_JOIN_MAX, WG_JOIN_MIN };

#define WG_TEMPLATE "reduce_real.h"
#include "each_real.h"

#endif
