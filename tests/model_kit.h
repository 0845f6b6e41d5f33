/* model_kit.h: plans of recorded models in tests. */
#ifndef MODEL_KIT_H
#define MODEL_KIT_H

#include "golden_kinds.h"
#include "layer_kit.h"

#define REQUIRE_PLAN(p, g) REQUIRE(((p) ? true : (NO_ERROR(wg_graph_error(g)), false)))

static inline void step_ok(wg_plan *p)
{
    EQ_INT(wg_plan_run(p), WG_OK);
    NO_ERROR(wg_plan_error(p));
}

static inline double loss_of(wg_plan *p, const char *name)
{
    const wg_array *a = wg_plan_value(p, name);

    return a ? *(const double *)a->data : NAN;
}

#endif
