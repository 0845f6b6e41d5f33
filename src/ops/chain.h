/*
 * chain.h: handlers of element-wise ops for WG_PASS_CHAIN, from the expression of row kernels:
 *
 *   WG_ROW1(neg, -x) WG_CHAIN1(neg)     defines neg_chain: .chain = &neg_chain
 *   WG_ROW2(sub, a - b) WG_CHAIN2(sub)  defines sub_chain
 *
 * A handler works on 128 floats that stay in eight registers from one handler to the next, which it
 * jumps to at its end: the calling convention passes eight vectors in registers. graph/chain.c has
 * the handlers that load and store, and states the same type. Each handler inlines the function of
 * one vector that the row kernel has, so both give the same bits.
 *
 * There are none under clang, which passes vectors of 64 bytes in memory unless the whole file is
 * compiled for AVX-512: then chains would be slower than row kernels.
 */
#ifndef WG_CHAIN_H
#define WG_CHAIN_H

#include "rows.h"

#if WG_X86 && !defined(__clang__)

#define WG_LINK_PARAMS                                                                             \
    const wg_link *l, const void *const *frame, wg_v_f32_2 a0, wg_v_f32_2 a1, wg_v_f32_2 a2,       \
        wg_v_f32_2 a3, wg_v_f32_2 a4, wg_v_f32_2 a5, wg_v_f32_2 a6, wg_v_f32_2 a7
typedef void wg_link_fn(WG_LINK_PARAMS);

/* Operand k of the link: its pointer in the frame. */
#define WG_LINK_AT(k) (*(const float *const *)(const void *)((const char *)frame + l->x[k]))

/* clang-format off */
#define WG_LINK_8(m, name)                                                                         \
    m(name, 0) m(name, 1) m(name, 2) m(name, 3) m(name, 4) m(name, 5) m(name, 6) m(name, 7)

#define WG_LINK(name, form, operands, m)                                                           \
    WG_TARGET_2 static void name##_link_##form(WG_LINK_PARAMS)                                     \
    {                                                                                              \
        operands                                                                                   \
        WG_LINK_8(m, name)                                                                         \
        ((wg_link_fn *)l[1].fn)(l + 1, frame, a0, a1, a2, a3, a4, a5, a6, a7);                     \
    }
/* clang-format on */

#define WG_LINK_M(p, i) vload_f32_2(p + 16 * i)

#define WG_LINK_X_(name, i)  a##i = name##_lane_f32_2(l->attr, a##i);
#define WG_LINK_XM_(name, i) a##i = name##_lane_f32_2(l->attr, a##i, WG_LINK_M(p, i));
#define WG_LINK_MX_(name, i) a##i = name##_lane_f32_2(l->attr, WG_LINK_M(p, i), a##i);
#define WG_LINK_MM_(name, i)                                                                       \
    a##i = name##_lane_f32_2(l->attr, WG_LINK_M(p, i), WG_LINK_M(q, i));
#define WG_LINK_XO_(name, i) a##i = name##_lane_f32_2(l->attr, a##i, o);
#define WG_LINK_OX_(name, i) a##i = name##_lane_f32_2(l->attr, o, a##i);

#define WG_LINK_P const float *p = WG_LINK_AT(0);
#define WG_LINK_Q const float *q = WG_LINK_AT(1);
#define WG_LINK_O wg_v_f32_2 o = vsplat_f32_2(*WG_LINK_AT(0));

#define WG_CHAIN1(name)                                                                            \
    WG_LINK(name, x, , WG_LINK_X_)                                                                 \
    static const wg_chain name##_chain = { { [WG_LINK_X] = (void (*)(void))name##_link_x } };

#define WG_CHAIN2(name)                                                                            \
    WG_LINK(name, xm, WG_LINK_P, WG_LINK_XM_)                                                      \
    WG_LINK(name, mx, WG_LINK_P, WG_LINK_MX_)                                                      \
    WG_LINK(name, mm, WG_LINK_P WG_LINK_Q, WG_LINK_MM_)                                            \
    WG_LINK(name, xo, WG_LINK_O, WG_LINK_XO_)                                                      \
    WG_LINK(name, ox, WG_LINK_O, WG_LINK_OX_)                                                      \
    static const wg_chain name##_chain = { { [WG_LINK_XM] = (void (*)(void))name##_link_xm,        \
                                             [WG_LINK_MX] = (void (*)(void))name##_link_mx,        \
                                             [WG_LINK_MM] = (void (*)(void))name##_link_mm,        \
                                             [WG_LINK_XO] = (void (*)(void))name##_link_xo,        \
                                             [WG_LINK_OX] = (void (*)(void))name##_link_ox } };

#else

#define WG_CHAIN1(name) static const wg_chain name##_chain = { { NULL } };
#define WG_CHAIN2(name) WG_CHAIN1(name)

#endif

#endif
