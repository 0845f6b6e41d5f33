/*
 * test_lane.c: the instructions that graph/lane.c reads from the texts of element-wise records, done one by one in plain
 * C, give the bits of the records' row kernels at AVX-512; what cannot be read is refused.
 */
#include <locale.h>

#include "harness.h"
#include "levels.h"
#include "temp.h"
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
    case WG_LANE_ADD:
        return bits_of(f(a) + f(b));
    case WG_LANE_SUB:
        return bits_of(f(a) - f(b));
    case WG_LANE_MUL:
        return bits_of(f(a) * f(b));
    case WG_LANE_DIV:
        return bits_of(f(a) / f(b));
    case WG_LANE_MIN:
        return f(a) < f(b) ? a : b;
    case WG_LANE_MAX:
        return f(a) > f(b) ? a : b;
    case WG_LANE_FMA:
        return bits_of(fmaf(f(a), f(b), f(c)));
    case WG_LANE_FNMA:
        return bits_of(fmaf(-f(a), f(b), f(c)));
    case WG_LANE_SQRT:
        return bits_of(sqrtf(f(a)));
    case WG_LANE_ROUND:
        return bits_of(rintf(f(a)));
    case WG_LANE_FLOOR:
        return bits_of(floorf(f(a)));
    case WG_LANE_SCALE:
        return bits_of(scaled(f(a), f(b)));
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
    case WG_LANE_SHR:
        return a >> s->imm;
    case WG_LANE_LT:
        return f(a) < f(b);
    case WG_LANE_LE:
        return f(a) <= f(b);
    case WG_LANE_EQ:
        return f(a) == f(b);
    case WG_LANE_NE:
        return f(a) != f(b);
    case WG_LANE_BOTH:
        return a & b;
    case WG_LANE_EITHER:
        return a | b;
    case WG_LANE_NOT:
        return !a;
    case WG_LANE_SELECT:
        return a ? b : c;
    case WG_N_LANE_OPS:
        break;
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
        if (!harness_check(
                wrong == 0, __FILE__, __LINE__,
                "%s: %d of %d differ, first for 0x%08x 0x%08x 0x%08x: 0x%08x, not 0x%08x", op->name,
                wrong, N, in[0][at], in[1][at], in[2][at],
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

/* ---- texts of others ---- */

struct attr {
    double limit;
    int64_t count;
    bool flag;
};
static const wg_field fields[] = { WG_FIELD(struct attr, limit), WG_FIELD(struct attr, count),
                                   WG_FIELD(struct attr, flag), WG_FIELDS_END };

static bool reads(const char *text, int n_in, wg_lane *l)
{
    static const struct attr attr = { 0.1, -3, true };
    const wg_op op = { .name = "own", .n_in = n_in, .fields = fields, .lane = text };
    bool fine = wg__lane_read(&op, &attr, l);

    if (fine) in_order(&op, l);
    return fine;
}

/* The result of a text for up to three numbers; NaN where it is not read. */
static float of(const char *text, int n_in, float a, float b, float c)
{
    wg_lane l;

    if (!reads(text, n_in, &l)) return NAN;
    return f(run(&l, (uint32_t[]){ bits_of(a), bits_of(b), bits_of(c) }));
}

static void own_texts(void)
{
    EQ_INT(bits_of(of("x+0.1", 1, 0, 0, 0)), bits_of((float)0.1));
    EQ_INT(bits_of(of("x + 0.1f", 1, 0, 0, 0)), bits_of(0.1f));
    EQ_INT(bits_of(of("x + .1e+0", 1, 0, 0, 0)), bits_of((float)0.1));
    EQ_INT(bits_of(of("x + 0x1.8p-1", 1, 0, 0, 0)), bits_of(0.75f));
    EQ_INT(bits_of(of("x + 0X1.8P-1f", 1, 0, 0, 0)), bits_of(0.75f));
    EQ_INT(bits_of(of("x + 0x10", 1, 0, 0, 0)), bits_of(16));
    EQ_INT(bits_of(of("x + 1e-45", 1, 0, 0, 0)), 1);
    EQ_INT(bits_of(of("x * 1e300", 1, 1, 0, 0)), 0x7f800000);
    /* As C has them: an integer has no -0; a double and a cast have. */
    EQ_INT(bits_of(of("vcopysign(x, vset(x, -0))", 1, 1, 0, 0)), bits_of(1));
    EQ_INT(bits_of(of("vcopysign(x, vset(x, -0.0))", 1, 1, 0, 0)), bits_of(-1));
    EQ_INT(bits_of(of("vcopysign(x, vset(x, -(REAL)0))", 1, 1, 0, 0)), bits_of(-1));
    /* What binds more, and what comes first. */
    CHECK(of("a - b - 2 * a", 2, 3, 5, 0) == -8);
    CHECK(of("a / b / 2 + a * -b", 2, 12, 3, 0) == -34);
    CHECK(of("-(a - b) * (((REAL)3))", 2, 3, 5, 0) == 6);
    CHECK(of("vsel(m, a, b)", 3, 0, 5, 7) == 7);
    CHECK(of("vsel(vand(vlt(a, b), vnot(vge(a, vset(a, 2)))), a, b)", 2, 1, 5, 0) == 1);
    CHECK(of("t = a + b; u = t * t; t = t - b; u / t", 2, 2, 4, 0) == 18);
    /* Signs of products go into the instruction. */
    CHECK(of("vfma(-a, b, -a)", 2, 2, 4, 0) == -10);
    CHECK(of("vfma(-a, -b, a)", 2, 2, 4, 0) == 10);
    CHECK(of("vfma(a, -b, a)", 2, 2, 4, 0) == -6);
    CHECK(of("vfma(-a, a, -a)", 1 + 1, 2, 0, 0) == -6);
    /* Attributes. */
    EQ_INT(bits_of(of("x + ATTR(limit)", 1, 0, 0, 0)), bits_of((float)0.1));
    CHECK(of("x * ATTR(count) + (REAL)ATTR(limit)", 1, 2, 0, 0) == -6 + (float)0.1);
}

static void few_steps(void)
{
    wg_lane l;

    REQUIRE(reads("vfma(-a, b, a + a) * (a + a) + vset(a, 2) / vset(b, 2.0)", 2, &l));
    EQ_INT(l.n_steps, 5); /* a + a once, no -a; 2 / 2 is left to the processor */
    EQ_INT(l.n_constants, 1);
    REQUIRE(reads("t = vexp(a); u = a * b; a - b", 2, &l));
    EQ_INT(l.n_steps, 1);
    EQ_INT(l.n_constants, 0);
    REQUIRE(reads("x", 1, &l));
    EQ_INT(l.n_steps, 0);
    EQ_INT(l.result, 0);
    REQUIRE(reads("vsel(vlt(vexp(x), vset(x, 1)), x, x)", 1, &l));
    REQUIRE(reads("vnot(m)", 1, &l));
    EQ_INT(l.step[0].op, WG_LANE_NOT);
}

static void refused_texts(void)
{
    static const struct {
        int n_in;
        const char *text;
    } bad[] = {
        { 1, "" },
        { 1, " " },
        { 1, "y" },
        { 1, "xx" },
        { 1, "a" },
        { 2, "x + a" },
        { 2, "a + c" },
        { 3, "m + a" },
        { 3, "vsel(a, a, b)" },
        { 0, "1" },
        { 4, "a + b" },
        { -1, "x" },
        { 1, "1" },
        { 1, "vset(x, 1)" },
        { 1, "vset(x, x)" },
        { 1, "vset(x)" },
        { 1, "x +" },
        { 1, "x + 1 2" },
        { 1, "x x" },
        { 1, "(x" },
        { 1, "x)" },
        { 1, "()" },
        { 1, "(REAL)" },
        { 1, "(double)x" },
        { 1, "x + (1 / 2)" },
        { 1, "x + 1 / 2" },
        { 1, "x + 010" },
        { 1, "x + 1u" },
        { 1, "x + 1f" },
        { 1, "x + 1.0L" },
        { 1, "x + 0x" },
        { 1, "x + 0x1.8" },
        { 1, "x + 1e" },
        { 1, "x + 1e+" },
        { 1, "x + 1e99999" },
        { 1, "x + 1.2.3" },
        { 1, "x + 9007199254740993" },
        { 1, "x + 1.00000000000000000000000000000000000000000000000000000000000000" },
        { 1, "x + ." },
        { 1, "x % x" },
        { 1, "+x" },
        { 1, "x; x" },
        { 1, "t = x" },
        { 1, "t = x;" },
        { 1, "= x; x" },
        { 1, "t = u; t" },
        { 1, "vexp" },
        { 1, "vexp(" },
        { 1, "vexp()" },
        { 1, "vexp(x" },
        { 1, "vexp(x,)" },
        { 1, "vexp(x, x)" },
        { 1, "vexq(x)" },
        { 1, "vex(x)" },
        { 1, "x(x)" },
        { 1, "vsin(x)" },
        { 1, "vfma(x, x)" },
        { 1, "vfma(x, x, x, x)" },
        { 1, "vlt(x, x) + x" },
        { 1, "-vlt(x, x)" },
        { 1, "vsqrt(vlt(x, x))" },
        { 1, "vand(x, x)" },
        { 1, "vnot(x)" },
        { 1, "vsel(x, x, x)" },
        { 1, "vsel(vlt(x, x), vlt(x, x), x)" },
        { 1, "vsel(m, x, x)" },
        { 2, "vsel(m, a, b)" },
        { 1, "ATTR()" },
        { 1, "x + ATTR(limi)" },
        { 1, "x + ATTR(limits)" },
        { 1, "x + ATTR(flag)" },
        { 1, "x + ATTR(limit" },
        { 1, "x + ATTR" },
        { 1, "poly(none, x)" },
        { 1, "poly(exp)" },
        { 1, "poly(exp, vlt(x, x))" },
        { 1, "shl(x, x)" },
        { 1, "shl(x, 32)" },
        { 1, "shl(x, -1)" },
        { 1, "bits(-1) + x" },
        { 1, "bits(0.5) + x" },
        { 1, "bits(4294967296) + x" },
        { 1, "x + \xff" },
        { 1, "x + \n1" },
    };
    wg_lane l;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        harness_check(!reads(bad[i].text, bad[i].n_in, &l), __FILE__, __LINE__,
                      "\"%s\" of %d operands was read", bad[i].text, bad[i].n_in);
    CHECK(!reads(NULL, 1, &l));
    CHECK(!wg__lane_read(&(wg_op){ .n_in = 1, .fields = fields, .lane = "x + ATTR(limit)" }, NULL,
                         &l));
    CHECK(
        !wg__lane_read(&(wg_op){ .n_in = 1, .lane = "x + ATTR(limit)" }, &(struct attr){ 0 }, &l));
}

/* n times a text, then an end; the caller frees. */
static char *repeated(const char *piece, int n, const char *end)
{
    size_t length = strlen(piece);
    char *text = malloc((size_t)n * length + strlen(end) + 1);

    for (int i = 0; i < n; i++) memcpy(text + (size_t)i * length, piece, length);
    strcpy(text + (size_t)n * length, end);
    return text;
}

static void long_and_deep_texts(void)
{
    static const struct {
        const char *piece, *end;
        int most; /* at least 5 times are read, so many are not */
    } texts[] = {
        { "x * x * x - ", "x", 100000 }, { "(", "x", 100000 },     { "-", "x", 100000 },
        { "(REAL)", "x", 100000 },       { "vabs(", "x", 100000 }, { "vexp(", "x", 100000 },
        { "t = x;", "x", 100 },          { "vsel(", "x", 100 },
    };
    wg_lane l;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char *text = repeated(texts[i].piece, texts[i].most, texts[i].end);
        bool open = strchr(texts[i].piece, '(') && !strchr(texts[i].piece, ')');
        char *close = repeated(")", open ? texts[i].most : 0, ""), *both;

        both = malloc(strlen(text) + strlen(close) + 1);
        strcpy(stpcpy(both, text), close);
        CHECK(!reads(both, 1, &l) || l.n_steps <= 2); /* x - x - x ... is few steps */
        if (open) CHECK(!reads(text, 1, &l));
        free(text);
        free(close);
        free(both);
    }
    for (int n = 1; n < 200; n++) { /* more and more constants, then steps */
        char text[4000];
        size_t at = 1;

        strcpy(text, "x");
        for (int i = 0; i < n; i++)
            at += (size_t)snprintf(text + at, sizeof text - at, " * %d.5", n < 100 ? i : i % 4);
        EQ_INT(reads(text, 1, &l), n < 100 ? n <= WG_LANE_CONSTANTS : false);
    }
}

/* Any text at all: borders of texts that are fine, and such with a character changed. */
static void damaged_texts(void)
{
    wg_op_list list = wg_std_ops();
    const double clip[2] = { -1, 2 };
    uint64_t state = 3;
    int read = 0;

    for (int i = 0; i < list.n; i++) {
        wg_op op = *list.op[i];
        size_t length = op.lane ? strlen(op.lane) : 0;

        for (size_t k = 0; k < 200 * (length > 0); k++) {
            char *text = strdup(list.op[i]->lane), *copy;
            wg_lane l;

            state = state * 6364136223846793005u + 1442695040888963407u;
            if (k < length) text[k] = '\0';
            else text[(state >> 40) % length] = " ()+-*/,;=.0x7eabmvp_f"[(state >> 33) % 22];
            copy = strdup(text); /* its end is the end of its memory */
            op.lane = copy;
            read += wg__lane_read(&op, clip, &l);
            free(text);
            free(copy);
        }
    }
    CHECK(read > 100 && read < 4000);
}

static void decimal_comma(void)
{
    char *before = strdup(setlocale(LC_NUMERIC, NULL)), command[300];

    snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 >/dev/null 2>&1",
             temp_dir());
    setenv("LOCPATH", temp_dir(), 1);
    if (system(command) != 0 || !setlocale(LC_NUMERIC, "de_DE.UTF-8"))
        fprintf(stderr, "no locale with a decimal comma can be made here: read with a point\n");
    EQ_INT(bits_of(of("x + 0.75", 1, 0, 0, 0)), bits_of(0.75f));
    EQ_INT(bits_of(of("x + 0x1.8p-1f", 1, 0, 0, 0)), bits_of(0.75f));
    EQ_INT(bits_of(of("x + 0.1f", 1, 0, 0, 0)), bits_of(0.1f));
    setlocale(LC_NUMERIC, before);
    unsetenv("LOCPATH");
    free(before);
}

TESTS(TEST(records_as_their_kernels), TEST(own_texts), TEST(few_steps), TEST(refused_texts),
      TEST(long_and_deep_texts), TEST(damaged_texts), TEST(decimal_comma))
