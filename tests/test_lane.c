/*
 * test_lane.c: the instructions that graph/lane.c reads from the texts of element-wise records, done one by one in plain
 * C, give the bits of the records' row kernels at AVX-512; what cannot be read is refused.
 */
#include <locale.h>

#include "harness.h"
#include "levels.h"
#include "graph/lane.h"
#include "ops/op.h"

enum { N = 1 << 10, ROUNDS = 300 };

/* ---- the instructions ---- */

static float f(uint32_t bits)
{
    float x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t bits_of(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* a 2^floor(b), rounded once. */
static float scaled(float a, float b)
{
    if (isnan(a) || isnan(b)) return NAN;
    if (isinf(b)) return b > 0 ? (a == 0 ? NAN : a * INFINITY) : isinf(a) ? NAN : a * 0;
    return ldexpf(a, (int)fmaxf(-1000, fminf(1000, floorf(b))));
}

/* Masks are 0 or 1. */
static uint32_t instruction(const wg_lane_step *s, uint32_t a, uint32_t b, uint32_t c)
{
    switch ((wg_lane_op)s->op) {
    case WG_LANE_ADD: return bits_of(f(a) + f(b));
    case WG_LANE_SUB: return bits_of(f(a) - f(b));
    case WG_LANE_MUL: return bits_of(f(a) * f(b));
    case WG_LANE_DIV: return bits_of(f(a) / f(b));
    case WG_LANE_MIN: return f(a) < f(b) ? a : b;
    case WG_LANE_MAX: return f(a) > f(b) ? a : b;
    case WG_LANE_FMA: return bits_of(fmaf(f(a), f(b), f(c)));
    case WG_LANE_FNMA: return bits_of(fmaf(-f(a), f(b), f(c)));
    case WG_LANE_SQRT: return bits_of(sqrtf(f(a)));
    case WG_LANE_ROUND: return bits_of(rintf(f(a)));
    case WG_LANE_FLOOR: return bits_of(floorf(f(a)));
    case WG_LANE_SCALE: return bits_of(scaled(f(a), f(b)));
    case WG_LANE_AND: return a & b;
    case WG_LANE_XOR: return a ^ b;
    case WG_LANE_OR: return a | b;
    case WG_LANE_SIGN: return (a & 0x7fffffffu) | (b & 0x80000000u);
    case WG_LANE_IADD: return a + b;
    case WG_LANE_ISUB: return a - b;
    case WG_LANE_SHL: return a << s->imm;
    case WG_LANE_SHR: return a >> s->imm;
    case WG_LANE_LT: return f(a) < f(b);
    case WG_LANE_LE: return f(a) <= f(b);
    case WG_LANE_EQ: return f(a) == f(b);
    case WG_LANE_NE: return f(a) != f(b);
    case WG_LANE_BOTH: return a & b;
    case WG_LANE_EITHER: return a | b;
    case WG_LANE_NOT: return !a;
    case WG_LANE_SELECT: return a ? b : c;
    case WG_N_LANE_OPS: break;
    }
    CHECK(!"an instruction there is");
    return 0;
}

static uint32_t run(const wg_lane *l, const uint32_t *x)
{
    uint32_t value[3 + WG_LANE_STEPS];

    memcpy(value, x, (size_t)l->n_in * sizeof *x);
    for (int i = 0; i < l->n_steps; i++) {
        const wg_lane_step *s = &l->step[i];
        int from[3] = { s->a, s->b, s->c };
        uint32_t v[3];

        for (int o = 0; o < 3; o++) v[o] = from[o] < 0 ? l->constant[-1 - from[o]] : value[from[o]];
        value[l->n_in + i] = instruction(s, v[0], v[1], v[2]);
    }
    return value[l->result];
}

/* ---- records ---- */

static const uint32_t borders[] = {
    0,          0x80000000, 0x7fc00000, 0xffc00001, 0x7f800000, 0xff800000, 0x3f800000, 0xbf800000,
    1,          0x80000001, 0x007fffff, 0x807fffff, 0x00800000, 0x80800000, 0x7f7fffff, 0xff7fffff,
    0x3f7fffff, 0x3f800001, 0xbf7fffff, 0xbf800001, 0x3f000000, 0x40000000, 0xc0400000, 0x42b17218,
    0xc2cff1b5, 0x4b400000, 0x5d800000, 0x7f000000, 0x00ffffff, 0x02000000, 0x3e99999a, 0xc1900000,
};
enum { BORDERS = sizeof borders / sizeof borders[0] };

/* Operands of a round: borders beside each other first, then any bits, or numbers of usual sizes. */
static void fill(int round, int which, uint64_t *state, uint32_t *x)
{
    for (int i = 0; i < N; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        if (round == 0) x[i] = borders[(which ? i / BORDERS : i) % BORDERS];
        else if (round % 2) x[i] = (uint32_t)(*state >> 32);
        else x[i] = bits_of((float)((double)(int64_t)*state * 0x1p-63 * (1 << round % 8)));
    }
}

static bool is_nan(uint32_t bits)
{
    return (bits & 0x7fffffffu) > 0x7f800000u;
}

static bool makes_mask(const wg_lane *l)
{
    wg_lane_op op = (wg_lane_op)(l->n_steps ? l->step[l->result - l->n_in].op : 0);

    return op >= WG_LANE_LT && op < WG_LANE_SELECT;
}

static void as_the_kernel(const wg_op *op, const wg_lane *l, const void *attr)
{
    static uint32_t in[3][N], out[N];
    static unsigned char bytes[3][N];
    bool bools = !op->row[WG_F32][0], mask = makes_mask(l);
    wg_row_fn *row = bools ? op->row[WG_BOOL][0] : op->row[WG_F32][WG_LEVEL_AVX512];
    const int step[3] = { 1, 1, 1 };
    uint64_t state = 5;

    if (!CHECK(row != NULL)) return;
    for (int round = 0; round < ROUNDS; round++) {
        const void *x[3];
        int wrong = 0, at = 0;

        for (int o = 0; o < op->n_in; o++) {
            bool bytewise = bools || (op->n_in == 3 && o == 0);

            fill(round, o, &state, in[o]);
            for (int i = 0; bytewise && i < N; i++) bytes[o][i] = in[o][i] = in[o][i] >> 4 & 1;
            x[o] = bytewise ? (const void *)bytes[o] : in[o];
        }
        row(attr, N, x, step, out);
        for (int i = 0; i < N; i++) {
            uint32_t v[3] = { in[0][i], in[1][i], in[2][i] }, got = run(l, v);
            uint32_t want = mask ? ((const unsigned char *)out)[i] : out[i];

            if (got == want || (!mask && is_nan(got) && is_nan(want))) continue;
            if (wrong++ == 0) at = i;
        }
        if (!harness_check(wrong == 0, __FILE__, __LINE__,
                           "%s: %d of %d differ, first for 0x%08x 0x%08x 0x%08x: 0x%08x, not 0x%08x",
                           op->name, wrong, N, in[0][at], in[1][at], in[2][at],
                           run(l, (uint32_t[]){ in[0][at], in[1][at], in[2][at] }),
                           mask ? ((unsigned char *)out)[at] : out[at]))
            return;
    }
}

/* What lane.h promises of steps and constants. */
static void in_order(const wg_op *op, const wg_lane *l)
{
    bool fine = l->result >= 0 && l->result < l->n_in + l->n_steps;
    int used[3 + WG_LANE_STEPS] = { 0 }, read[WG_LANE_CONSTANTS] = { 0 };

    used[l->result] = 1;
    for (int i = 0; i < l->n_steps; i++) {
        const int x[3] = { l->step[i].a, l->step[i].b, l->step[i].c };

        for (int o = 0; o < 3; o++) {
            fine &= x[o] < l->n_in + i && x[o] >= -l->n_constants;
            if (x[o] < 0) read[-1 - x[o]] = 1;
            else used[x[o]] = 1;
        }
        for (int j = 0; j < i; j++) fine &= memcmp(&l->step[i], &l->step[j], sizeof *l->step) != 0;
    }
    for (int i = 0; i < l->n_steps; i++) fine &= used[l->n_in + i];
    for (int i = 0; i < l->n_constants; i++) {
        fine &= read[i];
        for (int j = 0; j < i; j++) fine &= l->constant[i] != l->constant[j];
    }
    harness_check(fine, __FILE__, __LINE__, "%s: steps out of order, or more than count", op->name);
}

static void records_as_their_kernels(void)
{
    const double clip[2] = { -1, 2 };
    wg_op_list list = wg_std_ops();
    int found = 0;

    for (int i = 0; i < list.n; i++) {
        const wg_op *op = list.op[i];
        wg_lane l;

        if (!op->lane) continue;
        found++;
        if (!harness_check(wg__lane_read(op, op->attr_size ? clip : NULL, &l), __FILE__, __LINE__,
                           "%s: cannot read \"%s\"", op->name, op->lane))
            continue;
        if (getenv("LANE_STEPS"))
            printf("%-14s %2d steps, %2d constants\n", op->name, l.n_steps, l.n_constants);
        in_order(op, &l);
        if (levels() > WG_LEVEL_AVX512) as_the_kernel(op, &l, clip);
    }
    if (levels() <= WG_LEVEL_AVX512) puts("no AVX-512 here: read, but not compared");
    CHECK(found >= 40);
}

TESTS(TEST(records_as_their_kernels))
