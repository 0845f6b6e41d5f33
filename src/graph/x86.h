/*
 * x86.h: the bytes of the instructions native.c needs: AVX-512 on 16 floats, masks, and the few
 * others of a loop. Registers are numbered as the processor does: zmm 0-31, masks 0-7, general ones
 * 0-15 (rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 and on).
 *
 * Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2.
 */
#ifndef WG_GRAPH_X86_H
#define WG_GRAPH_X86_H

#include "internal.h"

/* Code being made; what lies beyond `room` is counted, not written. */
typedef struct {
    uint8_t *at;
    size_t n, room;
} wg_code;

enum { WG_RAX, WG_RCX, WG_RDX, WG_RBX, WG_RSP, WG_RBP, WG_RSI, WG_RDI, WG_R8, WG_R9, WG_R11 = 11 };

/* The operand that may lie in memory. */
typedef struct {
    enum { WG_X86_REG, WG_X86_MEM, WG_X86_CODE } kind;
    int reg;          /* REG: the vector, or mask */
    int base, index;  /* MEM: general registers; index -1: none */
    int scale;        /* of the index: 0 for 1, 2 for 4 */
    int32_t disp;     /* bytes; CODE: from the first byte of the code */
    bool one;         /* one float, for all lanes */
} wg_x86_rm;

typedef struct {
    uint8_t map; /* 1: 0F, 2: 0F 38, 3: 0F 3A */
    uint8_t pp;  /* 0: none, 1: 66, 2: F3, 3: F2 */
    uint8_t opcode;
    uint8_t bytes; /* of the operand in memory as a power of two: 6, 4 or 2 */
    uint8_t size;  /* 2: vectors of 64 bytes, 0: of 16 */
} wg_x86_op;

/* reg, v, rm as the manual names operands; v 0 where there is none; mask k (0: all lanes), zero: the
 * other lanes become 0; imm -1: none. */
void wg__x86_evex(wg_code *c, const wg_x86_op *op, int reg, int v, const wg_x86_rm *rm, int k,
                  bool zero, int imm);
/* Masks: k = a op b of 16 lanes; wide: two operands. */
void wg__x86_mask(wg_code *c, int opcode, bool wide, int k, int a, int b);
void wg__x86_load(wg_code *c, int reg, int base, int32_t disp); /* 8 bytes */
void wg__x86_push(wg_code *c, int reg);
void wg__x86_pop(wg_code *c, int reg);
void wg__x86_move(wg_code *c, int reg, int from);
void wg__x86_add(wg_code *c, int reg, int32_t imm);
void wg__x86_compare(wg_code *c, int a, int b);
void wg__x86_set_mask(wg_code *c, int k, int reg); /* reg: r8 or above */
/* Jumps if the first one compared was below (below) or not (!below); returns where the distance is,
 * for wg__x86_land once the target is reached, or to the place `to` when that is not negative. */
size_t wg__x86_jump(wg_code *c, bool below, int64_t to);
size_t wg__x86_jump_none(wg_code *c, int k); /* if the mask is empty */
void wg__x86_land(wg_code *c, size_t jump);
void wg__x86_ask(wg_code *c, const wg_x86_rm *rm);
void wg__x86_begin(wg_code *c);
void wg__x86_end(wg_code *c);

#endif
