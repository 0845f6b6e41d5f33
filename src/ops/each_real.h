/*
 * Includes the file named by WG_TEMPLATE once for each real element type and processor level, so
 * that one kernel source serves them all and keeps its own line numbers in a debugger. While it is
 * included:
 *
 *   REAL    float or double          INT, UINT   integers of the same size
 *   LEVEL   0 plain, 1 AVX2 and FMA, 2 AVX-512 (f, bw, dq, vl)
 *   BITS    32 or 64                 FN(x)       x_f32_0, x_f64_0, ... x_f64_2
 *
 * double comes first, so that a float kernel may call the double one of its level. A file that
 * defines WG_ONE_LEVEL before gets level 0 only: for kernels whose time does not matter; one that
 * defines WG_NARROW before it names its template gets no AVX-512 for double, whose bits are
 * those of AVX2; one that defines WG_PLAIN_DOUBLE has double at level 0 only: for kernels that wait
 * for memory, or whose doubles are not what time is spent in; one that defines WG_NO_AVX512 has none
 * of that at all. Processors other than x86-64 have level 0 only. Slots of a record that have no
 * kernel stay NULL: an empty level falls to the one below.
 *
 * Single precision at levels 1 and 2 is what time is spent in: with WG_FOR_SIZE all else is
 * compiled for size where the processor has those levels.
 */
#ifndef WG_EACH_REAL_H
#define WG_EACH_REAL_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__x86_64__) && !defined(WG_PLAIN_ONLY) /* fuzzing looks at shapes, not at speed */
#define WG_X86 1
#include <immintrin.h>
#else
#define WG_X86 0
#endif

#define WG_ISA_1 "avx2,fma"
#define WG_ISA_2 "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl"

/* Fill a record's slot [WG_N_DTYPES][WG_N_LEVELS] with the kernels of one template. */
#define WG_REAL_ONE(f)                                                                             \
    {                                                                                              \
        [WG_F32] = { f##_f32_0 }, [WG_F64] = { f##_f64_0 }                                         \
    }
#if WG_X86
#define WG_LEVELS(f)                                                                               \
    {                                                                                              \
        f##_0, f##_1, f##_2                                                                        \
    }
#define WG_LEVELS_NARROW(f)                                                                        \
    {                                                                                              \
        f##_0, f##_1                                                                               \
    }
#else
#define WG_LEVELS(f)                                                                               \
    {                                                                                              \
        f##_0                                                                                      \
    }
#define WG_LEVELS_NARROW(f) WG_LEVELS(f)
#endif
#define WG_REAL(f)                                                                                 \
    {                                                                                              \
        [WG_F32] = WG_LEVELS(f##_f32), [WG_F64] = WG_LEVELS(f##_f64)                               \
    }
/* The same after WG_PLAIN_DOUBLE; after that and WG_NO_AVX512; after WG_NARROW. */
#define WG_REAL_SINGLE(f)                                                                          \
    {                                                                                              \
        [WG_F32] = WG_LEVELS(f##_f32), [WG_F64] = { f##_f64_0 }                                    \
    }
#define WG_REAL_SINGLE_AVX2(f)                                                                     \
    {                                                                                              \
        [WG_F32] = WG_LEVELS_NARROW(f##_f32), [WG_F64] = { f##_f64_0 }                             \
    }
#define WG_REAL_NARROW(f)                                                                          \
    {                                                                                              \
        [WG_F32] = WG_LEVELS(f##_f32), [WG_F64] = WG_LEVELS_NARROW(f##_f64)                        \
    }

/* A template may have nothing for some type or level. */
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wpragma-clang-attribute"
#endif

/* The lanes of one vector are constants to the compiler: loops over them have to vanish. */
#if defined(__clang__)
#define WG_UNROLL _Pragma("clang loop unroll(full)")
#else
#define WG_UNROLL _Pragma("GCC unroll 64")
#endif

/* Between these, or with WG_SMALL, functions are compiled for size: that halves what they take, and
 * costs them a tenth of their speed. Rules and checks in files of kernels are; files without a
 * template include this one for that. With what the whole library is compiled with, which older
 * compilers forget here. */
#if defined(WG_FOR_SIZE) && WG_X86 && defined(__clang__)
#define WG_SMALL_BEGIN                                                                             \
    _Pragma("clang attribute push(__attribute__((minsize)), apply_to = function)")
#define WG_SMALL_END _Pragma("clang attribute pop")
#define WG_SMALL     __attribute__((minsize))
#elif defined(WG_FOR_SIZE) && WG_X86
#if __GNUC__ >= 12
#define WG_LEAST "Oz"
#else
#define WG_LEAST "Os"
#endif
#define WG_PRAGMA_OF(text) _Pragma(#text)
#define WG_PRAGMA(text)    WG_PRAGMA_OF(text)
#define WG_SMALL_BEGIN                                                                             \
    _Pragma("GCC push_options")                                                                    \
        WG_PRAGMA(GCC optimize(WG_LEAST, "no-ivopts", "fp-contract=off", "no-math-errno"))
#define WG_SMALL_END _Pragma("GCC pop_options")
#define WG_SMALL                                                                                   \
    __attribute__((optimize(WG_LEAST, "no-ivopts", "fp-contract=off", "no-math-errno")))
#else
#define WG_SMALL_BEGIN
#define WG_SMALL_END
#define WG_SMALL
#endif

/* Of a template: whether it is compiled that way, and does better without copies of its loops. */
#define WG_IS_SMALL (WG_X86 && (LEVEL == 0 || BITS == 64))

#define WG_RARE(cond) __builtin_expect(!!(cond), 0)
#define WG_INLINE     static inline __attribute__((always_inline))

#endif /* WG_EACH_REAL_H */

#ifdef WG_TEMPLATE

WG_SMALL_BEGIN
#define LEVEL 0
#define REAL  double
#define INT   int64_t
#define UINT  uint64_t
#define BITS  64
#define FN(x) x##_f64_0
#include WG_TEMPLATE
#undef REAL
#undef INT
#undef UINT
#undef BITS
#undef FN
#define REAL  float
#define INT   int32_t
#define UINT  uint32_t
#define BITS  32
#define FN(x) x##_f32_0
#include WG_TEMPLATE
#undef REAL
#undef INT
#undef UINT
#undef BITS
#undef FN
#undef LEVEL
WG_SMALL_END

#if WG_X86 && !defined(WG_ONE_LEVEL)

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
#define LEVEL 1
#ifndef WG_PLAIN_DOUBLE
WG_SMALL_BEGIN
#define REAL  double
#define INT   int64_t
#define UINT  uint64_t
#define BITS  64
#define FN(x) x##_f64_1
#include WG_TEMPLATE
#undef REAL
#undef INT
#undef UINT
#undef BITS
#undef FN
WG_SMALL_END
#endif
#define REAL  float
#define INT   int32_t
#define UINT  uint32_t
#define BITS  32
#define FN(x) x##_f32_1
#include WG_TEMPLATE
#undef REAL
#undef INT
#undef UINT
#undef BITS
#undef FN
#undef LEVEL
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(                                                                      \
    __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")
#endif
#ifndef WG_NO_AVX512
#define LEVEL 2
#if !defined(WG_NARROW) && !defined(WG_PLAIN_DOUBLE)
WG_SMALL_BEGIN
#define REAL  double
#define INT   int64_t
#define UINT  uint64_t
#define BITS  64
#define FN(x) x##_f64_2
#include WG_TEMPLATE
#undef REAL
#undef INT
#undef UINT
#undef BITS
#undef FN
WG_SMALL_END
#endif
#define REAL  float
#define INT   int32_t
#define UINT  uint32_t
#define BITS  32
#define FN(x) x##_f32_2
#include WG_TEMPLATE
#undef REAL
#undef INT
#undef UINT
#undef BITS
#undef FN
#undef LEVEL
#endif
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif /* WG_X86 */

#undef WG_TEMPLATE
#undef WG_NARROW
#undef WG_PLAIN_DOUBLE
#undef WG_NO_AVX512
#endif /* WG_TEMPLATE */
