/*
 * native.h: machine code for chains of element-wise members (WG_PASS_CHAIN): values stay in vector
 * registers from the step that makes them to the last that reads them. plan_chain.c makes the
 * steps; x86.h has the bytes; lane.h what an op is made of.
 */
#ifndef WG_GRAPH_NATIVE_H
#define WG_GRAPH_NATIVE_H

#include "lane.h"

/* Operands of a step: the result of step i; constant i; or what pointer i of the frame shows: the
 * floats of this vector, or one float for all. */
enum { WG_AT_VALUE, WG_AT_CONSTANT = 1 << 24, WG_AT_MEMORY = 2 << 24, WG_AT_ONE = 3 << 24 };

/* Steps beside those of lanes, where WG_LANE_SIGN has the constant 0x80000000 as c. */
enum {
    WG_NATIVE_STORE = WG_N_LANE_OPS, /* a, to pointer b */
    WG_NATIVE_STREAM,                /* past the caches */
    WG_NATIVE_AHEAD,                 /* asks for what lies c bytes behind pointer b */
    WG_NATIVE_TEST,                  /* the bools at pointer b as a mask */
    WG_NATIVE_BOOLS, /* mask a, to pointer b as bools; c: four constants of bytes 1 */
    WG_NATIVE_SUM    /* a, lane by lane added to sum b */
};

typedef struct {
    int16_t op, imm; /* no byte is left between: steps are compared as memory */
    int32_t a, b, c;
} wg_native_step;

/* How many of a, b, c a step reads, what it writes to not counted; the j-th of them; whether it makes
 * a mask. */
int wg__native_reads(const wg_native_step *s);
int32_t wg__native_operand(const wg_native_step *s, int j);
bool wg__native_makes_mask(const wg_native_step *s);

typedef struct {
    const wg_native_step *step;
    const uint32_t *constant;
    int32_t n_steps, n_constants, n_pointers, n_sums;
} wg_native;

/* Memory for values that find no register, and for the 16 lanes of each sum, which begin as +0. */
enum { WG_NATIVE_SPILLS = 64, WG_NATIVE_SUMS = 8 };

typedef struct {
    _Alignas(64) float value[WG_NATIVE_SPILLS][16], sum[WG_NATIVE_SUMS][16];
} wg_native_memory;

/* The function made: elements first..groups - 1 in groups of vectors, then up to `vectors` in vectors
 * of 16, then those whose bit `left` has. */
typedef void wg_native_fn(const void *const *frame, int64_t groups, int64_t vectors,
                          wg_native_memory *memory, uint64_t left, int64_t first);

typedef struct {
    size_t entry, bytes; /* where the function begins; all, constants included */
    int32_t group;
} wg_native_code;

/* Writes at most `room` bytes to `to`. false: values do not find registers; c->bytes > room: not
 * all was written. The code reads its constants, so it may be moved as a whole alone. */
bool wg__native_make(const wg_native *n, uint8_t *to, size_t room, wg_native_code *c);

/* ---- native_store.c: the code of one specialisation, each piece once ---- */

typedef struct {
    uint8_t *code; /* while it is made, on the heap */
    int64_t n, room;
    struct wg_native_known *known;
    int64_t n_known, cap;
    wg_hash by_steps;
} wg_native_store;

/* The code of these steps: c->entry counts from the first byte of all. false: there is none, for
 * want of registers or memory. */
bool wg__native_add(wg_native_store *s, const wg_native *n, wg_native_code *c);
/* The code, where it may be run: *bytes of memory for wg__native_unmap. NULL: there is none, or the
 * system does not let a process make code. */
uint8_t *wg__native_map(const wg_native_store *s, size_t *bytes);
void wg__native_unmap(uint8_t *code, size_t bytes);
void wg__native_release(wg_native_store *s);

#endif
