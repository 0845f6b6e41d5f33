/* ops.h: every constructor. Each returns the recorded tensor, or the graph's poison after an
 * error. */
#ifndef WENGERT_OPS_H
#define WENGERT_OPS_H

#include "ops_leaf.h"
#include "ops_math.h"
#include "ops_reduce.h"
#include "ops_shape.h"
#include "ops_index.h"
#include "ops_window.h"

#endif
