/*
 * lane.h: what an element-wise op does to a vector of floats, as single instructions, read from the
 * text of the very expression its row kernels are compiled from (rows.h). native.c makes machine
 * code of it for WG_PASS_CHAIN.
 */
#ifndef WG_GRAPH_LANE_H
#define WG_GRAPH_LANE_H

#include "internal.h"

enum { WG_LANE_OPERANDS = 3, WG_LANE_STEPS = 96, WG_LANE_CONSTANTS = 48 };

/* Each as the instruction of AVX-512 does it, bit for bit, lane by lane. */
typedef enum {
    WG_LANE_ADD,    /* a + b */
    WG_LANE_SUB,
    WG_LANE_MUL,
    WG_LANE_DIV,
    WG_LANE_MIN,    /* a < b ? a : b */
    WG_LANE_MAX,    /* a > b ? a : b */
    WG_LANE_FMA,    /* a b + c */
    WG_LANE_FNMA,   /* c - a b */
    WG_LANE_SQRT,   /* of a */
    WG_LANE_ROUND,  /* a to the nearest integer, half to even */
    WG_LANE_FLOOR,
    WG_LANE_SCALE,  /* a 2^floor(b) */
    WG_LANE_AND,    /* bits */
    WG_LANE_XOR,
    WG_LANE_OR,
    WG_LANE_SIGN,   /* |a| with the sign of b */
    WG_LANE_IADD,   /* lanes of 32 bits as integers */
    WG_LANE_ISUB,
    WG_LANE_SHL,    /* a by imm bits */
    WG_LANE_SHR,
    WG_LANE_LT,     /* from here on to NE the result is a mask */
    WG_LANE_LE,
    WG_LANE_EQ,
    WG_LANE_NE,     /* true where either is NaN */
    WG_LANE_BOTH,   /* masks a, b: of two, either, not a */
    WG_LANE_EITHER,
    WG_LANE_NOT,
    WG_LANE_SELECT, /* mask a ? b : c */
    WG_N_LANE_OPS
} wg_lane_op;

/* Operands are numbers of values: the op's operands first, then the results of the steps; -1 - i is
 * constant i, the same in all lanes. Operands that the instruction lacks are 0. */
typedef struct {
    uint8_t op, imm;
    int16_t a, b, c;
} wg_lane_step;

typedef struct {
    int n_in, n_steps, n_constants;
    int result; /* the value that is the op's; an operand where there are no steps */
    wg_lane_step step[WG_LANE_STEPS];
    uint32_t constant[WG_LANE_CONSTANTS]; /* bits of floats, each once */
} wg_lane;

/* The steps of a record's lane with these attributes (NULL where it has none). false: it has no
 * lane, or says what cannot be read, or is too long. */
bool wg__lane_read(const wg_op *op, const void *attr, wg_lane *out);

/* ops/lanes.c, which declares the same: the text of a function of vec.h or vmath.h, NULL if there
 * is none; or, in *c and *terms unless NULL, a polynomial's coefficients, lowest power first. */
const char *wg__lane_function(const char *name, size_t length, const float **c, int *terms);

#endif
