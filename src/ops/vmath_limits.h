/* The numbers of vmath_real.h for one type; no guard, for it undefines them when it is done. */
#if BITS == 32
#define MANTISSA  23
#define BIAS      127
#define MAGIC     0x1.8p23f /* x + MAGIC has the integer nearest to x in its low bits */
#define LN2_HI    0x1.62e4p-1f
#define LN2_LO    0x1.7f7d1cp-20f
#define EXP_MAX   89.0f
#define EXP_MIN   -104.0f    /* below is less than half the smallest number */
#define EXPM1_MIN -18.0f     /* below, e^x - 1 rounds to -1 */
#define LEAST     0x1p-126f  /* the smallest normal number */
#define ROOT_HALF 0x3f3504f3 /* bits of sqrt(1/2) */
#define LARGE     0x1p60f    /* 1 + x = x */
#define TANH_MAX  9.1f       /* tanh rounds to 1 */
#define ERF_MAX   3.95f      /* likewise */
#else
#define MANTISSA  52
#define BIAS      1023
#define MAGIC     0x1.8p52
#define LN2_HI    0x1.62e42fefap-1
#define LN2_LO    0x1.cf79abc9e3b3ap-40
#define EXP_MAX   710.0
#define EXP_MIN   -746.0
#define EXPM1_MIN -38.0
#define LEAST     0x1p-1022
#define ROOT_HALF 0x3fe6a09e667f3bcd
#define LARGE     0x1p100
#define TANH_MAX  19.1
#define ERF_MAX   6.0
#endif
