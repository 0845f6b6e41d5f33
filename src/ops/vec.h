/*
 * Vectors of float and double, one source for every processor level.
 *
 * V holds as many elements as the level's registers (VN of them: 16, 32 or 64 bytes). The operators
 * + - * / work on V as on numbers, also between a V and a number of its element type; everything
 * else is a function below, picked by the type of its first operand, so that the same expression
 * can be compiled for every type and level:
 *
 *   vset(x, c)                the number c in every lane, as a vector like x
 *   vfma(a, b, c)             a b + c, rounded once at levels 1 and 2, twice at level 0
 *   vsqrt vabs vfloor vround  correctly rounded; vround: half to even
 *   vmin vmax                 NaN if either is; the second where they are equal
 *   vlt vle vgt vge veq vne   -> M, a mask; false with NaN, but vne true
 *   vand vor vnot             of masks (vand, vor: two; vnot: one)
 *   vsel(m, a, b)             a where m, else b: never mixes, so a NaN in the other does no harm
 *   vany(m)                   1 if any lane of m is set
 *   vcopysign(a, s)           |a| with the sign of s
 *
 * Only inside a template of each_real.h, where the level is known, memory is read and written:
 *
 *   V x = VLOAD(p); VSTORE(p, x);            VN elements, p aligned for one element
 *   V x = VLOAD_N(p, n); VSTORE_N(p, x, n);  the first n < VN; lanes beyond read 0, are not touched
 *   V x = VSPLAT(c);
 *
 * Tails go through the same code as full vectors, so that the bits of an element depend on its
 * value and the level only. No function that is not inlined may take or return a V.
 */
#ifndef WG_VEC_H
#define WG_VEC_H

#include <string.h>
#include "each_real.h"

#define V        FN(wg_v)
#define VI       FN(wg_vi) /* lanes of INT */
#define VU       FN(wg_vu) /* lanes of UINT */
#define M        FN(wg_vm)
#define VN       ((int)(sizeof(V) / sizeof(REAL)))
#define VLOAD    FN(vload)
#define VSTORE   FN(vstore)
#define VLOAD_N  FN(vload_n)
#define VSTORE_N FN(vstore_n)
#define VSPLAT   FN(vsplat)

/* clang-format off */
/* The function f of the type and level of x; masks have types of their own for each level. */
#if WG_X86
#define WG_PICK(f, x)                                                                              \
    _Generic((x),                                                                                  \
        wg_v_f32_0: f##_f32_0, wg_v_f32_1: f##_f32_1, wg_v_f32_2: f##_f32_2,                       \
        wg_v_f64_0: f##_f64_0, wg_v_f64_1: f##_f64_1, wg_v_f64_2: f##_f64_2)
#define WG_PICK_M(f, m)                                                                            \
    _Generic((m),                                                                                  \
        wg_vm_f32_0: f##_f32_0, wg_vm_f32_1: f##_f32_1, wg_vm_f32_2: f##_f32_2,                    \
        wg_vm_f64_0: f##_f64_0, wg_vm_f64_1: f##_f64_1, wg_vm_f64_2: f##_f64_2)
#else
#define WG_PICK(f, x)   _Generic((x), wg_v_f32_0: f##_f32_0, wg_v_f64_0: f##_f64_0)
#define WG_PICK_M(f, m) _Generic((m), wg_vm_f32_0: f##_f32_0, wg_vm_f64_0: f##_f64_0)
#endif
/* clang-format on */

#define vset(x, c)      WG_PICK(vset, x)(x, c)
#define vfma(a, b, c)   WG_PICK(vfma, a)(a, b, c)
#define vsqrt(x)        WG_PICK(vsqrt, x)(x)
#define vabs(x)         WG_PICK(vabs, x)(x)
#define vfloor(x)       WG_PICK(vfloor, x)(x)
#define vround(x)       WG_PICK(vround, x)(x)
#define vmin(a, b)      WG_PICK(vmin, a)(a, b)
#define vmax(a, b)      WG_PICK(vmax, a)(a, b)
#define vlt(a, b)       WG_PICK(vlt, a)(a, b)
#define vle(a, b)       WG_PICK(vle, a)(a, b)
#define vgt(a, b)       WG_PICK(vlt, a)(b, a)
#define vge(a, b)       WG_PICK(vle, a)(b, a)
#define veq(a, b)       WG_PICK(veq, a)(a, b)
#define vne(a, b)       WG_PICK(vne, a)(a, b)
#define vcopysign(a, s) WG_PICK(vcopysign, a)(a, s)
#define vsel(m, a, b)   WG_PICK(vsel, a)(m, a, b)
#define vand(m, n)      WG_PICK_M(vand, m)(m, n)
#define vor(m, n)       WG_PICK_M(vor, m)(m, n)
#define vnot(m)         WG_PICK_M(vnot, m)(m)
#define vany(m)         WG_PICK_M(vany, m)(m)

/* For vmath only: like vmin, vmax where a is not NaN; where b is, the result is b. */
#define vmin_raw(a, b) WG_PICK(vmin_raw, a)(a, b)
#define vmax_raw(a, b) WG_PICK(vmax_raw, a)(a, b)

#define WG_TEMPLATE "vec_real.h"
#include "each_real.h"

/* ---- sums ----
 *
 * A sum of n numbers has one order, whatever computes it: blocks of 512; in a block, lane l of 16
 * adds the elements l, l + 16, l + 32, ... one after the other; the lanes are added 8 + 8, 4 + 4, 2
 * + 2, 1 + 1; the sums of the blocks by a tree whose left half is the largest power of two below
 * their number. So the bits depend on n and the values only: not on level, threads, or the pieces
 * it was done in.
 *
 *   REAL FN(vsum)(x, n)                      the sum of n numbers
 *   REAL FN(vsum_block)(x, n)                of one block, n <= WG_BLOCK; 0 for n 0
 *   void FN(vsum_columns)(y, x, n, step, m)  y[j] = the sum of x[i step + j] over i < n, for j < m
 *
 * Who computes the terms as he goes, or shares blocks among threads, adds block sums in order:
 *
 *   FN(wg_tree) t = { 0 };
 *   for each block: FN(tree_add)(&t, FN(vsum_block)(terms, count));
 *   total = FN(tree_total)(&t);
 *
 * or keeps all block sums and calls FN(tree_of)(sums, blocks).
 */
#define WG_BLOCK 512

#define WG_TEMPLATE "vec_sum.h"
#include "each_real.h"

#endif
