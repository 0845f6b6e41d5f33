/* native_step.c: what a step of machine code reads and makes. */
#include "native.h"

bool wg__native_makes_mask(const wg_native_step *s)
{
    return (s->op >= WG_LANE_LT && s->op <= WG_LANE_NOT) || s->op == WG_NATIVE_TEST;
}

/* How many of a, b, c a step reads; what it writes to is none. */
int wg__native_reads(const wg_native_step *s)
{
    switch (s->op) {
    case WG_LANE_FMA:
    case WG_LANE_FNMA:
    case WG_LANE_SIGN:
    case WG_LANE_SELECT: return 3;
    case WG_LANE_SQRT:
    case WG_LANE_ROUND:
    case WG_LANE_FLOOR:
    case WG_LANE_SHL:
    case WG_LANE_SHR:
    case WG_LANE_NOT:
    case WG_NATIVE_STORE:
    case WG_NATIVE_STREAM:
    case WG_NATIVE_BOOLS:
    case WG_NATIVE_SUM: return 1;
    case WG_NATIVE_AHEAD:
    case WG_NATIVE_TEST: return 0;
    default: return 2;
    }
}

int32_t wg__native_operand(const wg_native_step *s, int j)
{
    return j == 0 ? s->a : j == 1 ? s->b : s->c;
}
