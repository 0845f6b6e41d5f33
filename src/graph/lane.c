/*
 * lane.c: reads the text of an element-wise op (lane.h) into single instructions.
 *
 * A text is an expression, or assignments `name = expression;` before one. Functions that are not
 * an instruction of their own are texts too, which ops/lanes.c has: their operands are called x, or
 * a, b, c. A number becomes a float as C does it for a vector of floats: once, from a double.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lane.h"

enum { DEPTH = 40, NAMES = 12, DIGITS = 40 };

enum { NUMBER, VECTOR, MASK };

typedef struct {
    double number; /* converted when it meets a vector */
    int16_t value; /* of a vector or mask */
    uint8_t kind;
    bool whole; /* a number that C takes as an integer: it has no -0 */
} item;

/* Names that a text sees. */
typedef struct {
    int n;
    struct {
        const char *name;
        size_t length;
        item is;
    } names[NAMES];
} scope;

typedef struct {
    const char *p; /* what is left; "" once something was wrong */
    bool wrong;
    int depth;
    const wg_op *op;
    const void *attr;
    scope *scope;
    wg_lane *out;
    unsigned char seen[3]; /* kinds that operands were read as, a bit each */
} reader;

static const item nothing = { .kind = NUMBER };

static item refuse(reader *r)
{
    r->wrong = true;
    r->p = "";
    return nothing;
}

/* ---- what is made ---- */

/* How many operands each instruction has. */
static const unsigned char takes[WG_N_LANE_OPS] = {
    [WG_LANE_ADD] = 2,  [WG_LANE_SUB] = 2,    [WG_LANE_MUL] = 2,   [WG_LANE_DIV] = 2,
    [WG_LANE_MIN] = 2,  [WG_LANE_MAX] = 2,    [WG_LANE_FMA] = 3,   [WG_LANE_FNMA] = 3,
    [WG_LANE_SQRT] = 1, [WG_LANE_ROUND] = 1,  [WG_LANE_FLOOR] = 1, [WG_LANE_SCALE] = 2,
    [WG_LANE_AND] = 2,  [WG_LANE_XOR] = 2,    [WG_LANE_OR] = 2,    [WG_LANE_SIGN] = 2,
    [WG_LANE_IADD] = 2, [WG_LANE_ISUB] = 2,   [WG_LANE_SHL] = 1,   [WG_LANE_SHR] = 1,
    [WG_LANE_LT] = 2,   [WG_LANE_LE] = 2,     [WG_LANE_EQ] = 2,    [WG_LANE_NE] = 2,
    [WG_LANE_BOTH] = 2, [WG_LANE_EITHER] = 2, [WG_LANE_NOT] = 1,   [WG_LANE_SELECT] = 3,
};

static item constant(reader *r, uint32_t bits)
{
    wg_lane *l = r->out;
    int i = 0;

    while (i < l->n_constants && l->constant[i] != bits) i++;
    if (i == WG_LANE_CONSTANTS) return refuse(r);
    if (i == l->n_constants) l->constant[l->n_constants++] = bits;
    return (item){ .kind = VECTOR, .value = (int16_t)(-1 - i) };
}

static item vector(reader *r, item it)
{
    float f = (float)it.number;
    uint32_t bits;

    if (it.kind == VECTOR) return it;
    if (it.kind == MASK) return refuse(r);
    memcpy(&bits, &f, sizeof bits);
    return constant(r, bits);
}

/* One instruction, or the equal one that is there already. */
static item step(reader *r, wg_lane_op op, int imm, const item *x)
{
    wg_lane *l = r->out;
    wg_lane_step s = { (uint8_t)op, (uint8_t)imm, 0, 0, 0 };
    int16_t *to[] = { &s.a, &s.b, &s.c };
    int i = 0;

    for (int o = 0; o < takes[op]; o++) {
        bool mask = op >= WG_LANE_BOTH && (op < WG_LANE_SELECT || o == 0);

        if (mask && x[o].kind != MASK) return refuse(r);
        *to[o] = mask ? x[o].value : vector(r, x[o]).value;
    }
    while (i < l->n_steps && memcmp(&l->step[i], &s, sizeof s) != 0) i++;
    if (r->wrong || i == WG_LANE_STEPS) return refuse(r);
    if (i == l->n_steps) l->step[l->n_steps++] = s;
    return (item){ .kind = op >= WG_LANE_LT && op < WG_LANE_SELECT ? MASK : VECTOR,
                   .value = (int16_t)(l->n_in + i) };
}

static item negative(reader *r, item it)
{
    item x[2] = { it };

    if (it.kind == NUMBER) {
        if (!it.whole || it.number != 0) it.number = -it.number;
        return it;
    }
    x[1] = constant(r, 0x80000000u);
    return step(r, WG_LANE_XOR, 0, x);
}

/* What `it` is the negative of; false where it is no such value. */
static bool is_negative(const reader *r, item *it)
{
    const wg_lane *l = r->out;
    const wg_lane_step *s;

    if (it->kind != VECTOR || it->value < l->n_in) return false;
    s = &l->step[it->value - l->n_in];
    if (s->op != WG_LANE_XOR || s->b >= 0 || l->constant[-1 - s->b] != 0x80000000u) return false;
    it->value = s->a;
    return true;
}

/* Signs of a product go into the instruction; the steps that made them fall away. */
static item multiply_add(reader *r, item *x)
{
    bool minus = is_negative(r, &x[0]) != is_negative(r, &x[1]);

    return step(r, minus ? WG_LANE_FNMA : WG_LANE_FMA, 0, x);
}

/* ---- words ---- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char next(reader *r)
{
    while (*r->p == ' ') r->p++;
    return *r->p;
}

static bool take(reader *r, char c)
{
    if (next(r) != c) return false;
    r->p++;
    return true;
}

static void want(reader *r, char c)
{
    if (!take(r, c)) refuse(r);
}

static size_t word(reader *r, const char **name)
{
    next(r);
    *name = r->p;
    if (is_letter(*r->p))
        while (is_letter(*r->p) || is_digit(*r->p)) r->p++;
    return (size_t)(r->p - *name);
}

static bool same(const char *name, size_t n, const char *as)
{
    return strncmp(name, as, n) == 0 && as[n] == '\0';
}

/* As C reads it. strtod gets the digits without a point, which is the locale's. */
static item number(reader *r)
{
    char text[DIGITS + 32];
    const char *p = r->p;
    bool hex = p[0] == '0' && (p[1] | 32) == 'x', point = false, zero = *p == '0';
    int n = 0, first, exponent = 0, sign = 1, given = 0;
    item it = { .whole = true };

    if (hex) {
        text[n++] = *p++;
        text[n++] = *p++;
    }
    first = n;
    for (;; p++) {
        if (*p == '.' && !point) {
            point = true;
        } else if (is_digit(*p) || (hex && (*p | 32) >= 'a' && (*p | 32) <= 'f')) {
            if (n == DIGITS) return refuse(r);
            text[n++] = *p;
            if (point) exponent -= hex ? 4 : 1;
        } else {
            break;
        }
    }
    if (n == first) return refuse(r);
    if ((*p | 32) == (hex ? 'p' : 'e')) {
        it.whole = false;
        p++;
        if (*p == '-') sign = -1;
        if (*p == '-' || *p == '+') p++;
        if (!is_digit(*p)) return refuse(r);
        for (; is_digit(*p); p++)
            if ((given = 10 * given + (*p - '0')) > 9999) return refuse(r);
    } else if (point && hex) {
        return refuse(r);
    }
    it.whole = it.whole && !point;
    if (it.whole && !hex && zero && n > 1) return refuse(r); /* C says octal */
    snprintf(text + n, sizeof text - (size_t)n, "%c%d", hex ? 'p' : 'e', exponent + sign * given);
    if (!it.whole && (*p | 32) == 'f') {
        it.number = (double)strtof(text, NULL);
        p++;
    } else {
        it.number = strtod(text, NULL);
    }
    if (is_letter(*p) || is_digit(*p) || *p == '.') return refuse(r);
    if (it.whole && it.number >= 0x1p53) return refuse(r); /* two roundings to a float */
    r->p = p;
    return it;
}

/* ---- functions ---- */

static item expression(reader *r);
static item statements(reader *r);

/* ATTR(member): a number of the attributes. */
static item attribute(reader *r)
{
    const char *name;
    size_t n = word(r, &name);
    const wg_field *f = r->op->fields;
    const char *at = r->attr;
    item it = nothing;

    while (f && f->name && !same(name, n, f->name)) f++;
    if (n == 0 || !f || !f->name || !at) return refuse(r);
    at += f->offset;
    if (f->kind == WG_A_F64) {
        memcpy(&it.number, at, sizeof it.number);
    } else if (f->kind == WG_A_I64) {
        int64_t v;

        memcpy(&v, at, sizeof v);
        it.number = (float)v; /* rounded once */
        it.whole = true;
    } else {
        return refuse(r);
    }
    want(r, ')');
    return it;
}

/* poly(name, x): Horner's rule over a table of coefficients. */
static item poly(reader *r)
{
    const char *name;
    size_t n = word(r, &name);
    const float *c = NULL;
    int terms = 0;
    item x[3], y;

    wg__lane_function(name, n, &c, &terms);
    want(r, ',');
    x[1] = expression(r);
    want(r, ')');
    if (!c) return refuse(r);
    y = (item){ .number = c[terms - 1] };
    for (int i = terms - 2; i >= 0; i--) {
        x[0] = y;
        x[2] = (item){ .number = c[i] };
        y = step(r, WG_LANE_FMA, 0, x);
    }
    return y;
}

/* Where a function is one instruction. Those without a v are for the texts of ops/lanes.c. */
static const struct {
    char name[11];
    unsigned char op;
} instructions[] = {
    { "vmin_raw", WG_LANE_MIN }, { "vmax_raw", WG_LANE_MAX },   { "vsqrt", WG_LANE_SQRT },
    { "vround", WG_LANE_ROUND }, { "vfloor", WG_LANE_FLOOR },   { "vlt", WG_LANE_LT },
    { "vle", WG_LANE_LE },       { "veq", WG_LANE_EQ },         { "vne", WG_LANE_NE },
    { "vand", WG_LANE_BOTH },    { "vor", WG_LANE_EITHER },     { "vnot", WG_LANE_NOT },
    { "vsel", WG_LANE_SELECT },  { "vcopysign", WG_LANE_SIGN }, { "vfma", WG_LANE_FMA },
    { "scale", WG_LANE_SCALE },  { "and", WG_LANE_AND },        { "or", WG_LANE_OR },
    { "iadd", WG_LANE_IADD },    { "isub", WG_LANE_ISUB },      { "shl", WG_LANE_SHL },
    { "shr", WG_LANE_SHR },
};

/* A function that is a text: its operands are its names. */
static item body(reader *r, const char *text, int n, const item *x)
{
    scope inner = { n, { { NULL, 0, nothing } } }, *outer = r->scope;
    const char *p = r->p;
    item y;

    for (int i = 0; i < n; i++) {
        inner.names[i].name = n == 1 ? "x" : &"abc"[i];
        inner.names[i].length = 1;
        inner.names[i].is = x[i];
    }
    r->scope = &inner;
    r->p = text;
    y = statements(r);
    r->scope = outer;
    if (!r->wrong) r->p = p;
    return y;
}

static item call(reader *r, const char *name, size_t length)
{
    const char *text;
    item x[3];
    int n = 0;

    if (same(name, length, "ATTR")) return attribute(r);
    if (same(name, length, "poly")) return poly(r);
    do {
        if (n == 3) return refuse(r);
        x[n++] = expression(r);
    } while (take(r, ','));
    want(r, ')');
    if (r->wrong) return nothing;
    if (same(name, length, "vset") && n == 2 && x[1].kind == NUMBER) return vector(r, x[1]);
    if (same(name, length, "bits") && n == 1 && x[0].whole && x[0].number >= 0 &&
        x[0].number <= UINT32_MAX)
        return constant(r, (uint32_t)x[0].number);
    for (size_t i = 0; i < sizeof instructions / sizeof instructions[0]; i++) {
        wg_lane_op op = (wg_lane_op)instructions[i].op;

        if (!same(name, length, instructions[i].name)) continue;
        if (op == WG_LANE_SHL || op == WG_LANE_SHR) {
            if (n != 2 || !x[1].whole || x[1].number < 0 || x[1].number > 31) return refuse(r);
            return step(r, op, (int)x[1].number, x);
        }
        if (n != takes[op]) return refuse(r);
        return op == WG_LANE_FMA ? multiply_add(r, x) : step(r, op, 0, x);
    }
    text = wg__lane_function(name, length, NULL, NULL);
    return text ? body(r, text, n, x) : refuse(r);
}

/* ---- expressions ---- */

static item named(reader *r, const char *name, size_t length)
{
    const scope *s = r->scope;

    if (take(r, '(')) return call(r, name, length);
    for (int i = s->n - 1; i >= 0; i--) {
        item it = s->names[i].is;

        if (length != s->names[i].length || memcmp(name, s->names[i].name, length) != 0) continue;
        if (it.kind != NUMBER && it.value >= 0 && it.value < r->out->n_in) {
            unsigned char *seen = &r->seen[it.value];

            *seen |= (unsigned char)(1 << it.kind);
            if (*seen == (1 << VECTOR | 1 << MASK)) return refuse(r);
        }
        return it;
    }
    if (same(name, length, "INFINITY")) return (item){ .number = __builtin_inf() };
    if (same(name, length, "NAN")) return (item){ .number = __builtin_nan("") };
    return refuse(r);
}

static item unary(reader *r)
{
    const char *name;
    size_t length;
    item it;

    if (++r->depth > DEPTH) return refuse(r);
    if (take(r, '-')) {
        it = negative(r, unary(r));
    } else if (take(r, '(')) {
        const char *p = r->p;

        length = word(r, &name);
        if (same(name, length, "REAL") && take(r, ')')) {
            it = unary(r);
            if (it.kind == NUMBER) {
                it.number = (float)it.number;
                it.whole = false;
            }
        } else {
            if (!r->wrong) r->p = p;
            it = expression(r);
            want(r, ')');
        }
    } else if (is_digit(next(r)) || *r->p == '.') {
        it = number(r);
    } else {
        length = word(r, &name);
        it = length ? named(r, name, length) : refuse(r);
    }
    r->depth--;
    return it;
}

/* Of two operands one is a vector: what C makes of two numbers depends on their types. */
static item arithmetic(reader *r, wg_lane_op op, item a, item b)
{
    item x[2] = { a, b };

    return a.kind == NUMBER && b.kind == NUMBER ? refuse(r) : step(r, op, 0, x);
}

static item product(reader *r)
{
    item it = unary(r);

    for (;;) {
        if (take(r, '*')) it = arithmetic(r, WG_LANE_MUL, it, unary(r));
        else if (take(r, '/')) it = arithmetic(r, WG_LANE_DIV, it, unary(r));
        else return it;
    }
}

static item expression(reader *r)
{
    item it = product(r);

    for (;;) {
        if (take(r, '+')) it = arithmetic(r, WG_LANE_ADD, it, product(r));
        else if (take(r, '-')) it = arithmetic(r, WG_LANE_SUB, it, product(r));
        else return it;
    }
}

/* A whole text. */
static item statements(reader *r)
{
    scope *s = r->scope;
    item it;

    for (;;) {
        const char *p, *name;
        size_t length;

        next(r);
        p = r->p;
        length = word(r, &name);
        if (length == 0 || !take(r, '=')) {
            if (!r->wrong) r->p = p;
            break;
        }
        it = expression(r);
        want(r, ';');
        if (r->wrong || s->n == NAMES) return refuse(r);
        s->names[s->n].name = name;
        s->names[s->n].length = length;
        s->names[s->n++].is = it;
    }
    it = expression(r);
    return next(r) ? refuse(r) : it;
}

/* ---- the whole ---- */

/* Leaves only steps and constants that count. */
static void drop_unused(wg_lane *l)
{
    int16_t to[WG_LANE_STEPS] = { 0 }, of[WG_LANE_CONSTANTS] = { 0 };
    wg_lane_step kept;
    int n = 0, constants = 0;

    to[l->result - l->n_in] = 1;
    for (int i = l->n_steps - 1; i >= 0; i--) {
        const int16_t x[] = { l->step[i].a, l->step[i].b, l->step[i].c };

        for (int o = 0; to[i] && o < takes[l->step[i].op]; o++) {
            if (x[o] < 0) of[-1 - x[o]] = 1;
            else if (x[o] >= l->n_in) to[x[o] - l->n_in] = 1;
        }
    }
    for (int i = 0; i < l->n_constants; i++) {
        if (!of[i]) continue;
        l->constant[constants] = l->constant[i];
        of[i] = (int16_t)(-1 - constants++);
    }
    l->n_constants = constants;
    for (int i = 0; i < l->n_steps; i++) {
        int16_t *x[] = { &kept.a, &kept.b, &kept.c };

        if (!to[i]) continue;
        kept = l->step[i];
        for (int o = 0; o < takes[kept.op]; o++) {
            if (*x[o] < 0) *x[o] = of[-1 - *x[o]];
            else if (*x[o] >= l->n_in) *x[o] = to[*x[o] - l->n_in];
        }
        to[i] = (int16_t)(l->n_in + n);
        l->step[n++] = kept;
    }
    l->result = to[l->result - l->n_in];
    l->n_steps = n;
}

bool wg__lane_read(const wg_op *op, const void *attr, wg_lane *out)
{
    /* Names of operands, for one, two and three of them; capitals are masks. */
    static const char names[3][5] = { "xM", "abMN", "Mab" };
    static const unsigned char operand[3][4] = { { 0, 0 }, { 0, 1, 0, 1 }, { 0, 1, 2 } };
    static const char spelling[] = "abxmn";
    scope outer = { 0 };
    reader r = { .p = op->lane, .op = op, .attr = attr, .scope = &outer, .out = out };
    item it;

    memset(out, 0, sizeof *out);
    if (!op->lane || op->n_in < 1 || op->n_in > 3) return false;
    out->n_in = op->n_in;
    for (const char *c = names[op->n_in - 1]; *c; c++) {
        outer.names[outer.n].name = strchr(spelling, *c | 32);
        outer.names[outer.n].length = 1;
        outer.names[outer.n].is.kind = *c < 'a' ? MASK : VECTOR;
        outer.names[outer.n].is.value = operand[op->n_in - 1][outer.n];
        outer.n++;
    }
    it = statements(&r);
    if (r.wrong || it.kind == NUMBER || it.value < 0) return false;
    out->result = it.value;
    if (it.value >= op->n_in) drop_unused(out);
    else out->n_steps = out->n_constants = 0;
    return true;
}
