/*
 * test_rows.c: row kernels of every record that has them: any length, steps and level give each element the bits it has
 * alone, in place too; and the values that arithmetic, comparisons, choice and conversion promise at their borders.
 */
#include "harness.h"
#include "levels.h"
#include "ops/op.h"

enum { N = 100, GUARD = 64 };

/* Operand number `which` of a test: borders first, then what a fixed generator draws. */
static void fill(wg_dtype dtype, int which, void *data)
{
    static const double borders[] = { 0,  -0.0, NAN, INFINITY, -INFINITY, 1,
                                      -1, 2,    0.5, -0.5,     1e-30,     -7 };
    static const int64_t whole[] = { 0, -1, 1, INT64_MIN, INT64_MAX, 7, -7, 1 << 20 };
    uint64_t state = 11u + (uint64_t)which;

    for (int i = 0; i < N; i++) {
        int k = which ? i / 3 : i;
        double x;

        state = state * 6364136223846793005u + 1442695040888963407u;
        x = k < 12 ? borders[(k + i) % 12] : (double)(int64_t)(state >> 33) * 0x1p-29 - 2;
        switch (dtype) {
        case WG_F32:
            ((float *)data)[i] = (float)x;
            break;
        case WG_F64:
            ((double *)data)[i] = x;
            break;
        case WG_I64:
            ((int64_t *)data)[i] = k < 8 ? whole[(k + i) % 8] : (int64_t)(state >> 60) - 8;
            break;
        default:
            ((unsigned char *)data)[i] = (unsigned char)(state >> 63);
            break;
        }
    }
}

/* A record with the operands of one test. */
struct kernel {
    const wg_op *op;
    const void *attr;
    wg_row_fn *row;
    wg_dtype in[3], out;
    const void *x[3];
};

static void any_length_and_step(const struct kernel *k, int level)
{
    static const int lengths[] = { 0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 64, N };
    static unsigned char whole[N * 8], part[N * 8 + GUARD];
    size_t size = wg_dtype_size(k->out);

    for (int steps = 0; steps < 1 << k->op->n_in; steps++) {
        int step[3] = { steps & 1, steps >> 1 & 1, steps >> 2 & 1 };

        for (int i = 0; i < N; i++) { /* each element alone */
            const void *x[3] = { NULL, NULL, NULL };

            for (int o = 0; o < k->op->n_in; o++)
                x[o] = (const char *)k->x[o] + (size_t)(step[o] * i) * wg_dtype_size(k->in[o]);
            k->row(k->attr, 1, x, step, whole + (size_t)i * size);
        }
        for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
            size_t bytes = (size_t)lengths[l] * size, wrong = 0;

            memset(part, 0x55, sizeof part);
            k->row(k->attr, lengths[l], k->x, step, part);
            harness_check(memcmp(part, whole, bytes) == 0, __FILE__, __LINE__,
                          "%s of %s, level %d, n %d, steps %d: other bits than alone", k->op->name,
                          wg_dtype_name(k->in[k->op->n_in - 1]), level, lengths[l], steps);
            for (size_t b = bytes; b < sizeof part; b++) wrong += part[b] != 0x55;
            harness_check(wrong == 0, __FILE__, __LINE__, "%s level %d n %d writes beyond its end",
                          k->op->name, level, lengths[l]);
            for (int o = 0; o < k->op->n_in; o++) { /* over each operand that moves */
                const void *x[3] = { k->x[0], k->x[1], k->x[2] };

                if (!step[o] || k->in[o] != k->out) continue;
                memcpy(part, k->x[o], N * size);
                x[o] = part;
                k->row(k->attr, lengths[l], x, step, part);
                harness_check(memcmp(part, whole, bytes) == 0, __FILE__, __LINE__,
                              "%s level %d n %d steps %d: other bits in place of operand %d",
                              k->op->name, level, lengths[l], steps, o);
            }
        }
    }
}

static void rows_of_all_records(void)
{
    static double data[3][N];
    wg_op_list list = wg_std_ops();
    double clip[2] = { -1, 2 };
    int kernels = 0;

    for (int i = 0; i < list.n; i++) {
        const wg_op *op = list.op[i];

        if (op->n_in < 1 || op->n_in > 3) continue;
        for (int dtype = 0; dtype < WG_N_DTYPES; dtype++) {
            for (int level = 0; level < levels(); level++) {
                struct kernel k = { .op = op,
                                    .attr = clip,
                                    .row = op->row ? op->row[dtype][level] : NULL };
                wg_type type[3], out;
                const wg_type *in[3] = { &type[0], &type[1], &type[2] };
                wg_error error = { .code = WG_OK };
                wg_sig s = { op, clip, op->n_in, in, &error };

                if (!k.row || op->attr_size > sizeof clip) continue;
                for (int o = 0; o < op->n_in; o++) {
                    k.in[o] = op == &wg_op_where && o == 0 ? WG_BOOL : (wg_dtype)dtype;
                    type[o] = (wg_type){ k.in[o], WG_SHAPE(N) };
                    fill(k.in[o], o, data[o]);
                    k.x[o] = data[o];
                }
                if (!CHECK(op->infer(&s, &out))) continue;
                k.out = out.dtype;
                any_length_and_step(&k, level);
                kernels++;
            }
        }
    }
    CHECK(kernels >= 35 * 2 * levels());
}

/* The operands through each level of a record's kernel into got: they give want. */
#define ROW(record, dtype, got, ...)                                                               \
    do {                                                                                           \
        const void *x[3] = { __VA_ARGS__ };                                                        \
                                                                                                   \
        for (int level = 0; level < levels(); level++) {                                           \
            wg_row_fn *row = (record).row[dtype][level];                                           \
                                                                                                   \
            if (row) row(attr, N_OF(want), x, (const int[]){ 1, 1, 1 }, got);                      \
            CLOSE(got, want, N_OF(want), 0, 0);                                                    \
        }                                                                                          \
    } while (0)
#define N_OF(a) ((int)(sizeof(a) / sizeof(a)[0]))

static void integers_at_their_borders(void)
{
    static const int64_t a[] = { 7, -7, 7, INT64_MIN, 5, 0, INT64_MIN, INT64_MAX };
    static const int64_t b[] = { 2, 2, -2, -1, 0, 0, 1, 1 };
    const void *attr = NULL;
    int64_t got[8];

    {
        static const int64_t want[] = { 3, -3, -3, INT64_MIN, 0, 0, INT64_MIN, INT64_MAX };
        ROW(wg_op_div, WG_I64, got, a, b);
    }
    {
        static const int64_t want[] = { 9, -5, 5, INT64_MAX, 5, 0, INT64_MIN + 1, INT64_MIN };
        ROW(wg_op_add, WG_I64, got, a, b);
    }
    {
        static const int64_t want[] = { 5, -9, 9, INT64_MIN + 1, 5, 0, INT64_MAX, INT64_MAX - 1 };
        ROW(wg_op_sub, WG_I64, got, a, b);
    }
    {
        static const int64_t want[] = { 14, -14, -14, INT64_MIN, 0, 0, INT64_MIN, INT64_MAX };
        ROW(wg_op_mul, WG_I64, got, a, b);
    }
    {
        static const int64_t want[] = { -7, 7, -7, INT64_MIN, -5, 0, INT64_MIN, -INT64_MAX };
        ROW(wg_op_neg, WG_I64, got, a, NULL);
    }
    {
        static const int64_t want[] = { 7, 7, 7, INT64_MIN, 5, 0, INT64_MIN, INT64_MAX };
        ROW(wg_op_abs, WG_I64, got, a, NULL);
    }
    {
        static const int64_t want[] = { 1, -1, 1, -1, 1, 0, -1, 1 };
        ROW(wg_op_sign, WG_I64, got, a, NULL);
    }
    {
        static const double limits[2] = { -2.5, 5.5 };
        static const int64_t want[] = { 5, -2, 5, -2, 5, 0, -2, 5 };

        attr = limits;
        ROW(wg_op_clip, WG_I64, got, a, NULL);
    }
    {
        static const double limits[2] = { -INFINITY, INFINITY };
        static const int64_t want[] = { 7, -7, 7, INT64_MIN, 5, 0, INT64_MIN, INT64_MAX };

        attr = limits;
        ROW(wg_op_clip, WG_I64, got, a, NULL);
    }
}

static void reals_at_their_borders(void)
{
    static const double a[] = { 1, NAN, 0, -0.0, INFINITY, -INFINITY, 2.5, -3 };
    static const double b[] = { NAN, 1, 0, 0, INFINITY, 5, 2.5, -4 };
    static const float a32[] = { 1, NAN, 0, -0.0f, INFINITY, -INFINITY, 2.5f, -3 };
    static const float b32[] = { NAN, 1, 0, 0, INFINITY, 5, 2.5f, -4 };
    static const bool pick[] = { true, false, true, false, true, false, true, false };
    const void *attr = NULL;

#define BOTH(record, ...)                                                                          \
    do {                                                                                           \
        static const double want[] = { __VA_ARGS__ };                                              \
        double got[8];                                                                             \
        float got32[8];                                                                            \
                                                                                                   \
        ROW(record, WG_F64, got, a, b);                                                            \
        ROW(record, WG_F32, got32, a32, b32);                                                      \
    } while (0)
#define TRUTH(record, ...)                                                                         \
    do {                                                                                           \
        static const bool want[] = { __VA_ARGS__ };                                                \
        bool got[8];                                                                               \
                                                                                                   \
        ROW(record, WG_F64, got, a, b);                                                            \
        ROW(record, WG_F32, got, a32, b32);                                                        \
    } while (0)
    BOTH(wg_op_maximum, NAN, NAN, 0, 0, INFINITY, 5, 2.5, -3);
    BOTH(wg_op_minimum, NAN, NAN, 0, 0, INFINITY, -INFINITY, 2.5, -4);
    BOTH(wg_op_relu, 1, NAN, 0, 0, INFINITY, 0, 2.5, 0);
    BOTH(wg_op_sign, 1, NAN, 0, 0, 1, -1, 1, -1);
    BOTH(wg_op_abs, 1, NAN, 0, 0, INFINITY, INFINITY, 2.5, 3);
    BOTH(wg_op_round, 1, NAN, 0, 0, INFINITY, -INFINITY, 2, -3);
    {
        static const double limits[2] = { -2, 2 };

        attr = limits;
        BOTH(wg_op_clip, 1, NAN, 0, 0, 2, -2, 2, -2);
    }
    TRUTH(wg_op_eq, 0, 0, 1, 1, 1, 0, 1, 0);
    TRUTH(wg_op_ne, 1, 1, 0, 0, 0, 1, 0, 1);
    TRUTH(wg_op_lt, 0, 0, 0, 0, 0, 1, 0, 0);
    TRUTH(wg_op_le, 0, 0, 1, 1, 1, 1, 1, 0);
    TRUTH(wg_op_gt, 0, 0, 0, 0, 0, 0, 0, 1);
    TRUTH(wg_op_ge, 0, 0, 1, 1, 1, 0, 1, 1);
    TRUTH(wg_op_is_finite, 1, 0, 1, 1, 0, 0, 1, 1);
    {
        static const double want[] = { 1, 1, 0, 0, INFINITY, 5, 2.5, -4 };
        double got[8];
        float got32[8];

        attr = NULL;
        ROW(wg_op_where, WG_F64, got, pick, a, b);
        ROW(wg_op_where, WG_F32, got32, pick, a32, b32);
    }
#undef BOTH
#undef TRUTH
}

/* Bytes other than 0 and 1, as a caller may feed them, count as true; what comes out is 0 or 1. */
static void bools_of_any_byte(void)
{
    static const unsigned char a[] = { 0, 0, 1, 2, 255, 0 }, b[] = { 0, 3, 1, 1, 0, 255 };
    static const struct {
        const wg_op *op;
        unsigned char want[6];
    } cases[] = {
        { &wg_op_logical_and, { 0, 0, 1, 1, 0, 0 } }, { &wg_op_logical_or, { 0, 1, 1, 1, 1, 1 } },
        { &wg_op_logical_xor, { 0, 1, 0, 0, 1, 1 } }, { &wg_op_logical_not, { 1, 1, 0, 0, 0, 1 } },
        { &wg_op_eq, { 1, 0, 1, 1, 0, 0 } },          { &wg_op_ne, { 0, 1, 0, 0, 1, 1 } },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned char got[6];

        cases[i].op->row[WG_BOOL][0](NULL, 6, (const void *[]){ a, b, NULL },
                                     (const int[]){ 1, 1, 1 }, got);
        SAME_BITS(got, cases[i].want, 6);
    }
}

/* Conversions through a whole call, one type to another. */
static void convert(const void *x, wg_dtype from, int n, wg_dtype to, void *y)
{
    wg_type in = { from, WG_SHAPE(n) }, out = { to, WG_SHAPE(n) };
    const wg_type *types[] = { &in };
    struct {
        wg_dtype dtype;
    } attr = { to };
    wg_call c = { .op = &wg_op_cast,
                  .attr = &attr,
                  .n_in = 1,
                  .tx = types,
                  .x = &x,
                  .ty = &out,
                  .y = y,
                  .threads = 1 };

    wg_op_cast.eval[from][0](&c);
}

static void conversions(void)
{
    static const double reals[] = { 1.9,     -1.9,  NAN, INFINITY, -INFINITY,           0x1p63,
                                    -0x1p63, 1e300, 0,   -0.0,     0x1.fffffffffffffp62 };
    static const int64_t cut[] = { 1,         -1,        0, INT64_MAX, INT64_MIN,         INT64_MAX,
                                   INT64_MIN, INT64_MAX, 0, 0,         0x7ffffffffffffc00 };
    static const bool truth[] = { 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1 };
    static const unsigned char bytes[] = { 0, 1, 2, 255 };
    static const double ones[] = { 0, 1, 1, 1 };
    enum { K = sizeof reals / sizeof reals[0] };
    float few[K], few_back[K];
    int64_t whole[K];
    double back[K];
    bool set[K];

    convert(reals, WG_F64, K, WG_I64, whole);
    CLOSE(whole, cut, K, 0, 0);
    convert(reals, WG_F64, K, WG_BOOL, set);
    CLOSE(set, truth, K, 0, 0);
    convert(reals, WG_F64, K, WG_F32, few);
    CLOSE1(few[0], (double)1.9f, 0, 0);
    CHECK(isinf(few[7]) && isnan(few[2]));
    convert(few, WG_F32, K, WG_I64, whole);
    CLOSE(whole, cut, K - 1, 0, 0);
    convert(few, WG_F32, K, WG_F64, back);
    CLOSE(back, few, K, 0, 0);
    convert(few, WG_F32, K, WG_F32, few_back);
    SAME_BITS(few, few_back, sizeof few);
    convert(cut, WG_I64, K, WG_F64, back);
    CLOSE1(back[3], 0x1p63, 0, 0);
    convert(cut, WG_I64, K, WG_BOOL, set);
    CHECK(set[0] && !set[2] && set[4]);
    convert(bytes, WG_BOOL, 4, WG_F64, back);
    CLOSE(back, ones, 4, 0, 0);
    convert(bytes, WG_BOOL, 4, WG_F32, few);
    CLOSE(few, ones, 4, 0, 0);
    convert(bytes, WG_BOOL, 4, WG_I64, whole);
    CLOSE(whole, ones, 4, 0, 0);
    convert(bytes, WG_BOOL, 4, WG_BOOL, set);
    CLOSE(set, ones, 4, 0, 0);
}

/* What does not fit is refused while recording, with both types and the remedy. */
static void refusals(void)
{
    static const struct {
        wg_status code;
        const char *message;
    } cases[] = {
        { WG_EDTYPE,
          "add: element types differ: f32[2 x 3] and f64[2 x 3]: convert one with wg_cast" },
        { WG_EDTYPE, "where: the condition is f32[2 x 3], not bool: compare it or use wg_cast" },
        { WG_EDTYPE, "where: branches of two element types, f32[2 x 3] and f64[2 x 3]: convert one "
                     "with wg_cast" },
        { WG_EARG, "clip: lo 2 is not at most hi 1" },
        { WG_EDTYPE, "logical_and: operand 1 is f32[2 x 3], not bool: compare it or use wg_cast" },
        { WG_ESHAPE, "mul: cannot broadcast f32[2 x 3] with f32[2]" },
        { WG_EDTYPE, "exp: operand 0 is i64[4], wanted f32 or f64: convert it with wg_cast" },
        { WG_EARG, "clip: no integer lies between lo 0.25 and hi 0.75" },
        { WG_EDTYPE, "neg: not defined for bool[2 x 3]: convert operands with wg_cast" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        wg_graph *g = wg_graph_new();
        wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(2, 3)),
                  *d = wg_input(g, "d", WG_F64, WG_SHAPE(2, 3));
        wg_tensor *v = wg_input(g, "v", WG_F32, WG_SHAPE(2)),
                  *k = wg_input(g, "k", WG_I64, WG_SHAPE(4));
        wg_tensor *m = wg_input(g, "m", WG_BOOL, WG_SHAPE(2, 3));

        switch (i) {
        case 0:
            wg_add(x, d);
            break;
        case 1:
            wg_where(x, x, x);
            break;
        case 2:
            wg_where(m, x, d);
            break;
        case 3:
            wg_clip(x, 2, 1);
            break;
        case 4:
            wg_logical_and(m, x);
            break;
        case 5:
            wg_mul(x, v);
            break;
        case 6:
            wg_exp(k);
            break;
        case 7:
            wg_clip(k, 0.25, 0.75);
            break;
        default:
            wg_neg(m);
            break;
        }
        if (CHECK(wg_graph_error(g) != NULL)) {
            CHECK(strncmp(harness_base(wg_graph_error(g)->site), "test_rows.c:", 12) == 0);
            ERROR_IS(wg_graph_error(g), cases[i].code, cases[i].message, wg_graph_error(g)->site);
        }
        wg_graph_free(g);
    }
}

TESTS(TEST(rows_of_all_records), TEST(integers_at_their_borders), TEST(reals_at_their_borders),
      TEST(bools_of_any_byte), TEST(conversions), TEST(refusals))
