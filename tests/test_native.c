/*
 * test_native.c: machine code for random steps against an interpreter, element by element: every
 * kind of step and operand, more values than there are registers, more masks, sums, any first and
 * last element. Equal steps share their code.
 */
#include <math.h>

#include "../src/graph/native.h"
#include "harness.h"

enum {
    N = 16 * 11, /* elements an array has */
    ARRAYS = 12, /* of which the last WRITTEN are written */
    WRITTEN = 4,
    BOOLS = 2,
    ONES = 3,
    FRAME = ARRAYS + BOOLS + ONES,
    STEPS = 320,
    ROUNDS = 6000
};

/* unsure: a bit pattern, or a choice, that hangs on which NaN an instruction passes on. */
struct memory {
    _Alignas(64) float array[ARRAYS][N];
    _Alignas(64) uint8_t bools[BOOLS][N];
    float sum[WG_NATIVE_SUMS][16];
    bool unsure[ARRAYS][N], unsure_bool[BOOLS][N], unsure_sum[WG_NATIVE_SUMS][16];
};

static struct memory got, want;
static float one[ONES];
static wg_native_step step[STEPS];
static uint32_t constant[16];
static wg_native program = { .step = step, .constant = constant, .n_pointers = FRAME };
static int32_t value[STEPS], mask[STEPS], n_values, n_masks, sign, bytes;
static uint64_t state;

static int32_t below(int32_t n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (int32_t)((state >> 33) % (uint64_t)n);
}

static float number(int32_t range)
{
    return (float)(below(2 * range) - range) / 300;
}

/* ---- programs ---- */

static bool makes_mask(int op)
{
    return (op >= WG_LANE_LT && op <= WG_LANE_NOT) || op == WG_NATIVE_TEST;
}

static bool takes_mask(int op)
{
    return (op >= WG_LANE_BOTH && op <= WG_LANE_SELECT) || op == WG_NATIVE_BOOLS;
}

static int32_t some_operand(void)
{
    int32_t k = below(10);

    if (k < 7 && n_values > 0)
        return value[below(3) ? n_values - 1 - below(n_values < 6 ? n_values : 6)
                              : below(n_values)];
    if (k < 8) return WG_AT_CONSTANT | below(sign);
    return k < 9 ? WG_AT_MEMORY | below(ARRAYS - WRITTEN)
                 : WG_AT_ONE | (ARRAYS + BOOLS + below(ONES));
}

static void put(int op)
{
    wg_native_step *s = &step[program.n_steps];

    *s = (wg_native_step){ (int16_t)op, (int16_t)below(31), some_operand(), some_operand(),
                           some_operand() };
    if (takes_mask(op)) s->a = mask[n_masks - 1 - below(n_masks < 2 ? n_masks : 2)];
    if (op == WG_LANE_BOTH || op == WG_LANE_EITHER) s->b = mask[n_masks - 1];
    if (op == WG_LANE_SIGN) s->c = WG_AT_CONSTANT | sign;
    if (op == WG_NATIVE_STORE) s->b = ARRAYS - 1 - below(WRITTEN);
    if (op == WG_NATIVE_AHEAD) *s = (wg_native_step){ (int16_t)op, 0, 0, below(ARRAYS), 6400 };
    if (op == WG_NATIVE_TEST || op == WG_NATIVE_BOOLS) s->b = ARRAYS + below(BOOLS);
    if (op == WG_NATIVE_BOOLS) s->c = WG_AT_CONSTANT | bytes;
    if (op == WG_NATIVE_SUM) s->b = program.n_sums++;
    if (makes_mask(op)) mask[n_masks++] = program.n_steps;
    else if (op < WG_N_LANE_OPS) value[n_values++] = program.n_steps;
    program.n_steps++;
}

static void make_program(int32_t length)
{
    program.n_steps = program.n_constants = program.n_sums = n_values = n_masks = 0;
    for (sign = 0; sign < 1 + below(6); sign++) {
        float c = number(1000);

        memcpy(&constant[sign], &c, sizeof c);
    }
    constant[sign] = 0x80000000u;
    bytes = sign + 1;
    for (int i = 0; i < 4; i++) constant[bytes + i] = 0x01010101;
    program.n_constants = bytes + 4;
    while (program.n_steps < length) {
        int op = below(WG_NATIVE_SUM + 1);

        if (op == WG_NATIVE_SUM && program.n_sums == WG_NATIVE_SUMS) continue;
        if (op == WG_NATIVE_STREAM || (takes_mask(op) && n_masks == 0)) continue;
        if (makes_mask(op) && n_masks > 0 && below(2)) continue;
        put(op);
    }
    for (int32_t i = 0; i < WRITTEN && n_values > 0; i++) {
        put(WG_NATIVE_STORE);
        step[program.n_steps - 1].b = ARRAYS - WRITTEN + i;
    }
}

static void fill(void)
{
    for (int32_t i = 0; i < ARRAYS; i++)
        for (int32_t e = 0; e < N; e++) {
            uint32_t any = (uint32_t)below(INT32_MAX) << 1;

            got.array[i][e] = number(3000);
            if (below(20) == 0) memcpy(&got.array[i][e], &any, sizeof any);
        }
    for (int32_t i = 0; i < BOOLS; i++)
        for (int32_t e = 0; e < N; e++) got.bools[i][e] = (uint8_t)below(2);
    for (int32_t i = 0; i < ONES; i++) one[i] = number(1000);
    memset(got.unsure, 0, sizeof got.unsure);
    memset(got.sum, 0, sizeof got.sum);
    memset(got.unsure_sum, 0, sizeof got.unsure_sum);
    memset(got.unsure_bool, 0, sizeof got.unsure_bool);
    want = got;
}

/* ---- the interpreter ---- */

struct scalar {
    float x;
    bool set, unsure;
};

static struct scalar read_operand(const struct scalar *made, int32_t x, int32_t e)
{
    struct scalar v = { 0 };
    int32_t at = x & (WG_AT_CONSTANT - 1);

    if (x < WG_AT_CONSTANT) return made[x];
    if (x < WG_AT_MEMORY) memcpy(&v.x, &constant[at], sizeof v.x);
    else if (x < WG_AT_ONE) v = (struct scalar){ want.array[at][e], false, want.unsure[at][e] };
    else v.x = one[at - ARRAYS - BOOLS];
    return v;
}

static uint32_t bits(float x)
{
    uint32_t u;

    memcpy(&u, &x, sizeof u);
    return u;
}

static uint32_t on_bits(const wg_native_step *s, uint32_t a, uint32_t b)
{
    switch (s->op) {
    case WG_LANE_AND:
        return a & b;
    case WG_LANE_XOR:
        return a ^ b;
    case WG_LANE_OR:
        return a | b;
    case WG_LANE_SIGN:
        return (a & 0x7fffffffu) | (b & 0x80000000u);
    case WG_LANE_IADD:
        return a + b;
    case WG_LANE_ISUB:
        return a - b;
    case WG_LANE_SHL:
        return a << s->imm;
    default:
        return a >> s->imm;
    }
}

static float on_numbers(int op, float a, float b, float c)
{
    switch (op) {
    case WG_LANE_ADD:
        return a + b;
    case WG_LANE_SUB:
        return a - b;
    case WG_LANE_MUL:
        return a * b;
    case WG_LANE_DIV:
        return a / b;
    case WG_LANE_MIN:
        return a < b ? a : b;
    case WG_LANE_MAX:
        return a > b ? a : b;
    case WG_LANE_FMA:
        return fmaf(a, b, c);
    case WG_LANE_FNMA:
        return fmaf(-a, b, c);
    case WG_LANE_SQRT:
        return sqrtf(a);
    case WG_LANE_ROUND:
        return rintf(a);
    case WG_LANE_FLOOR:
        return floorf(a);
    default:
        return fabsf(b) < 1000 ? ldexpf(a, (int)floorf(b)) : NAN; /* unsure then */
    }
}

static int n_read(int op)
{
    if (op == WG_LANE_FMA || op == WG_LANE_FNMA || op == WG_LANE_SELECT) return 3;
    if (op == WG_LANE_SQRT || op == WG_LANE_ROUND || op == WG_LANE_FLOOR || op == WG_LANE_SHL ||
        op == WG_LANE_SHR || op == WG_LANE_NOT || op == WG_NATIVE_STORE || op == WG_NATIVE_BOOLS ||
        op == WG_NATIVE_SUM)
        return 1;
    return op == WG_NATIVE_TEST || op == WG_NATIVE_AHEAD ? 0 : 2;
}

static void interpret(int32_t first, int32_t e)
{
    int32_t lane = (e - first) % 16;

    static struct scalar made[STEPS];

    for (int32_t i = 0; i < program.n_steps; i++) {
        const wg_native_step *s = &step[i];
        struct scalar v[3] = { { 0 } }, y = { 0 };
        int32_t x[] = { s->a, s->b, s->c };

        for (int j = 0; j < n_read(s->op); j++) {
            v[j] = read_operand(made, x[j], e);
            y.unsure = y.unsure || v[j].unsure;
        }
        if (s->op >= WG_LANE_AND && s->op <= WG_LANE_SHR) {
            uint32_t u = on_bits(s, bits(v[0].x), bits(v[1].x));

            memcpy(&y.x, &u, sizeof u);
            y.unsure = y.unsure || isnan(v[0].x) || isnan(v[1].x);
        } else if (s->op < WG_LANE_LT) {
            y.x = on_numbers(s->op, v[0].x, v[1].x, v[2].x);
            y.unsure = y.unsure || (s->op == WG_LANE_SCALE && !(fabsf(v[1].x) < 1000));
        } else if (s->op == WG_LANE_SELECT) {
            y.x = v[0].set ? v[1].x : v[2].x;
        } else if (s->op == WG_NATIVE_STORE) {
            want.array[s->b][e] = v[0].x;
            want.unsure[s->b][e] = v[0].unsure;
        } else if (s->op == WG_NATIVE_SUM) {
            want.sum[s->b][lane] += v[0].x;
            want.unsure_sum[s->b][lane] = want.unsure_sum[s->b][lane] || v[0].unsure;
        } else if (s->op == WG_NATIVE_BOOLS) {
            want.bools[s->b - ARRAYS][e] = v[0].set;
            want.unsure_bool[s->b - ARRAYS][e] = v[0].unsure;
        } else if (s->op == WG_NATIVE_TEST) {
            y.set = want.bools[s->b - ARRAYS][e];
            y.unsure = want.unsure_bool[s->b - ARRAYS][e];
        } else {
            y.set = s->op == WG_LANE_LT       ? v[0].x < v[1].x
                    : s->op == WG_LANE_LE     ? v[0].x <= v[1].x
                    : s->op == WG_LANE_EQ     ? v[0].x == v[1].x
                    : s->op == WG_LANE_NE     ? !(v[0].x == v[1].x)
                    : s->op == WG_LANE_BOTH   ? v[0].set && v[1].set
                    : s->op == WG_LANE_EITHER ? v[0].set || v[1].set
                                              : !v[0].set;
        }
        made[i] = y;
    }
}

static int64_t count_wrong(void)
{
    int64_t wrong = 0;

    for (int32_t i = 0; i < ARRAYS; i++)
        for (int32_t e = 0; e < N; e++) {
            float a = got.array[i][e], b = want.array[i][e];

            wrong += !want.unsure[i][e] && bits(a) != bits(b) && !(isnan(a) && isnan(b));
        }
    for (int32_t i = 0; i < BOOLS; i++)
        for (int32_t e = 0; e < N; e++)
            wrong += !want.unsure_bool[i][e] && got.bools[i][e] != want.bools[i][e];
    for (int32_t i = 0; i < program.n_sums; i++)
        for (int32_t k = 0; k < 16; k++) {
            float a = got.sum[i][k], b = want.sum[i][k];

            wrong += !want.unsure_sum[i][k] && bits(a) != bits(b) && !(isnan(a) && isnan(b));
        }
    return wrong;
}

/* ---- tests ---- */

static void run(const uint8_t *code, const wg_native_code *c, int32_t first, int32_t end)
{
    static wg_native_memory memory;
    wg_native_fn *fn = (wg_native_fn *)(uintptr_t)(code + c->entry);
    int64_t vectors = end - (end - first) % 16;
    const void *frame[FRAME];

    for (int32_t i = 0; i < ARRAYS; i++) frame[i] = got.array[i];
    for (int32_t i = 0; i < BOOLS; i++) frame[ARRAYS + i] = got.bools[i];
    for (int32_t i = 0; i < ONES; i++) frame[ARRAYS + BOOLS + i] = &one[i];
    fn(frame, vectors - (vectors - first) % (16 * c->group), vectors, &memory,
       ((uint64_t)1 << (end - vectors)) - 1, first);
    memcpy(got.sum, memory.sum, sizeof got.sum);
}

static void as_the_interpreter(void)
{
    int64_t groups[5] = { 0 }, none = 0, sums = 0;

    for (int32_t round = 0; round < ROUNDS && wg_level() >= WG_LEVEL_AVX512; round++) {
        wg_native_store s = { 0 };
        wg_native_code c, again;
        size_t mapped = 0;
        uint8_t *code;
        int32_t first, n;

        state = (uint64_t)round * 7919 + 1;
        make_program(3 + below(round % 3 == 0 ? 300 : 40));
        fill();
        n = below(N + 1);
        first = below(2) ? 0 : below(n + 1);
        if (wg__native_add(&s, &program, &c)) {
            CHECK(wg__native_add(&s, &program, &again) && again.entry == c.entry);
            code = wg__native_map(&s, &mapped);
            if (code) {
                for (int32_t e = first; e < n; e++) interpret(first, e);
                run(code, &c, first, n);
                sums += program.n_sums;
                harness_check(count_wrong() == 0, __FILE__, __LINE__, "round %d, %d steps", round,
                              program.n_steps);
                groups[c.group]++;
            }
            wg__native_unmap(code, mapped);
        } else {
            none++;
        }
        wg__native_release(&s);
    }
    printf("%d, %d and %d programs in groups of 1, 2 and 4; %d with too many masks; %d sums\n",
           (int)groups[1], (int)groups[2], (int)groups[4], (int)none, (int)sums);
    CHECK(wg_level() < WG_LEVEL_AVX512 || (groups[1] > 100 && groups[2] > 100 && groups[4] > 100 &&
                                           none < ROUNDS / 2 && sums > ROUNDS / 2));
}

TESTS(TEST(as_the_interpreter))
