/*
 * native.c: from the steps of a chain to machine code. A pass over the steps gives each value a
 * register when it is made and takes it back after its last use. The steps of several vectors go
 * side by side, so that the processor finds work while one waits: as many as have room in registers.
 * When there is none left the value that is read last goes to memory.
 */
#include <string.h>

#include "native.h"
#include "x86.h"

enum { ZMM = 32, MASKS = 7, TAIL = 7, GROUP = 4, LEAST = 2, IN_REGISTERS = 9 };

/* Who is in a register: nobody, an operand loaded for this step alone, or a constant or value. */
enum { FREE = -1, LOADED = -2 };

struct maker {
    const wg_native *n;
    wg_code code;
    int32_t *last;      /* by step: the last one that reads its result; -1 */
    int16_t *at;        /* by step and lane: the register; -1 */
    int16_t *spilled;   /* likewise: the place in memory; -1 */
    int n_zmm;          /* vector registers; sums are in those above */
    int32_t owner[ZMM]; /* step times GROUP + lane; constants behind all of them */
    bool pinned[ZMM];
    int32_t mask_owner[MASKS];
    int32_t i, lane; /* worked on */
    int tail;        /* mask of the last elements, which fill no vector; 0 */
    int32_t n_spills, spills_of_group;
    bool failed;
};

/* Pointers that stay in registers; the first ones of the frame. R11 is for the others. */
static const int8_t pointer_register[IN_REGISTERS] = { WG_R8, WG_R9, 10, WG_RBX, WG_RBP,
                                                       12,    13,    14, 15 };

static const wg_x86_op lane_op[] = {
    [WG_LANE_ADD] = { 1, 0, 0x58, 6, 2 },   [WG_LANE_SUB] = { 1, 0, 0x5c, 6, 2 },
    [WG_LANE_MUL] = { 1, 0, 0x59, 6, 2 },   [WG_LANE_DIV] = { 1, 0, 0x5e, 6, 2 },
    [WG_LANE_MIN] = { 1, 0, 0x5d, 6, 2 },   [WG_LANE_MAX] = { 1, 0, 0x5f, 6, 2 },
    [WG_LANE_FMA] = { 2, 1, 0x98, 6, 2 },   [WG_LANE_FNMA] = { 2, 1, 0x9c, 6, 2 },
    [WG_LANE_SQRT] = { 1, 0, 0x51, 6, 2 },  [WG_LANE_ROUND] = { 3, 1, 0x08, 6, 2 },
    [WG_LANE_FLOOR] = { 3, 1, 0x08, 6, 2 }, [WG_LANE_SCALE] = { 2, 1, 0x2c, 6, 2 },
    [WG_LANE_AND] = { 1, 1, 0xdb, 6, 2 },   [WG_LANE_XOR] = { 1, 1, 0xef, 6, 2 },
    [WG_LANE_OR] = { 1, 1, 0xeb, 6, 2 },    [WG_LANE_SIGN] = { 3, 1, 0x25, 6, 2 },
    [WG_LANE_IADD] = { 1, 1, 0xfe, 6, 2 },  [WG_LANE_ISUB] = { 1, 1, 0xfa, 6, 2 },
    [WG_LANE_SHL] = { 1, 1, 0x72, 6, 2 },   [WG_LANE_SHR] = { 1, 1, 0x72, 6, 2 },
    [WG_LANE_LT] = { 1, 0, 0xc2, 6, 2 },    [WG_LANE_LE] = { 1, 0, 0xc2, 6, 2 },
    [WG_LANE_EQ] = { 1, 0, 0xc2, 6, 2 },    [WG_LANE_NE] = { 1, 0, 0xc2, 6, 2 },
    [WG_LANE_SELECT] = { 2, 1, 0x65, 6, 2 },
};
static const wg_x86_op load_op = { 1, 0, 0x10, 6, 2 }, store_op = { 1, 0, 0x11, 6, 2 },
                       stream_op = { 1, 0, 0x2b, 6, 2 }, copy_op = { 1, 0, 0x28, 6, 2 },
                       spread_op = { 2, 1, 0x18, 2, 2 }, bytes_op = { 1, 3, 0x6f, 4, 0 },
                       put_bytes_op = { 1, 3, 0x7f, 4, 0 },
                       test_op = { 2, 1, 0x26, 4, 0 };

static bool is_value(int32_t operand)
{
    return operand < WG_AT_CONSTANT;
}

static void find_last(struct maker *m)
{
    for (int32_t i = 0; i < m->n->n_steps; i++) {
        const wg_native_step *s = &m->n->step[i];

        m->last[i] = -1;
        for (int j = 0; j < wg__native_reads(s); j++)
            if (is_value(wg__native_operand(s, j))) m->last[wg__native_operand(s, j)] = i;
    }
}

/* ---- registers ---- */

static bool is_constant(const struct maker *m, int32_t owner)
{
    return owner / GROUP >= m->n->n_steps;
}

static int32_t next_use(const struct maker *m, int32_t owner)
{
    int32_t value = owner / GROUP;

    for (int32_t i = m->i + (owner % GROUP < m->lane); i < m->n->n_steps; i++)
        for (int j = 0; j < wg__native_reads(&m->n->step[i]); j++)
            if (wg__native_operand(&m->n->step[i], j) == value) return i;
    return INT32_MAX;
}

static wg_x86_rm in_register(int reg)
{
    return (wg_x86_rm){ .kind = WG_X86_REG, .reg = reg };
}

static wg_x86_rm in_spill(int32_t place)
{
    return (wg_x86_rm){ .kind = WG_X86_MEM, .base = WG_RCX, .index = -1, .disp = place * 64 };
}

/* The register is wanted: a value that no memory has yet goes there. */
static void put_away(struct maker *m, int reg)
{
    int32_t owner = m->owner[reg];

    m->at[owner] = -1;
    if (is_constant(m, owner) || m->spilled[owner] >= 0) return;
    m->failed = m->failed || m->n_spills == WG_NATIVE_SPILLS;
    m->spilled[owner] = (int16_t)(m->n_spills++ % WG_NATIVE_SPILLS);
    wg_x86_rm to = in_spill(m->spilled[owner]);
    wg__x86_evex(&m->code, &store_op, reg, 0, &to, 0, false, -1);
}

/* A free register, or that of a constant, or of the value that is read last. */
static int take(struct maker *m, int32_t owner)
{
    int best = -1;

    for (int r = 0; r < m->n_zmm && (best < 0 || m->owner[best] != FREE); r++)
        if (m->owner[r] == FREE || (!m->pinned[r] && is_constant(m, m->owner[r]))) best = r;
    if (best < 0) {
        int32_t farthest = -1;

        for (int r = 0; r < m->n_zmm; r++) {
            int32_t use = m->pinned[r] ? -1 : next_use(m, m->owner[r]);

            if (use <= farthest) continue;
            farthest = use;
            best = r;
        }
    }
    if (m->owner[best] >= 0) put_away(m, best);
    m->owner[best] = owner;
    m->pinned[best] = true;
    if (owner >= 0) m->at[owner] = (int16_t)best;
    return best;
}

static wg_x86_rm at_pointer(struct maker *m, int32_t pointer, int32_t bytes, bool moving)
{
    wg_x86_rm rm = { .kind = WG_X86_MEM, .index = moving ? WG_RAX : -1 };

    if (pointer < IN_REGISTERS) {
        rm.base = pointer_register[pointer];
    } else {
        rm.base = WG_R11;
        wg__x86_load(&m->code, WG_R11, WG_RDI, pointer * (int32_t)sizeof(void *));
    }
    if (moving) rm.disp = m->lane * 16 * bytes;
    rm.scale = bytes == 4 ? 2 : 0;
    rm.one = !moving;
    return rm;
}

static wg_x86_rm constant(int32_t i)
{
    return (wg_x86_rm){ .kind = WG_X86_CODE, .disp = i * 4, .one = true };
}

static int32_t instance(const struct maker *m, int32_t x)
{
    return (is_value(x) ? x : m->n->n_steps + (x - WG_AT_CONSTANT)) * GROUP +
           (is_value(x) ? m->lane : 0);
}

static bool has_instance(int32_t x)
{
    return x < WG_AT_MEMORY;
}

static wg_x86_rm whereabouts(struct maker *m, int32_t x)
{
    if (has_instance(x)) {
        int32_t k = instance(m, x);

        if (m->at[k] >= 0) {
            m->pinned[m->at[k]] = true;
            return in_register(m->at[k]);
        }
        return is_value(x) ? in_spill(m->spilled[k]) : constant(x - WG_AT_CONSTANT);
    }
    return at_pointer(m, x & (WG_AT_CONSTANT - 1), 4, x < WG_AT_ONE);
}

/* From memory element by element, only what the mask has is read. */
static void load(struct maker *m, int reg, const wg_x86_rm *from)
{
    bool one = from->kind != WG_X86_REG && from->one;
    int k = from->kind == WG_X86_MEM && from->index >= 0 ? m->tail : 0;

    wg__x86_evex(&m->code,
                 one ? &spread_op : from->kind == WG_X86_REG ? &copy_op : &load_op, reg, 0,
                 &(wg_x86_rm){ from->kind, from->reg, from->base, from->index, from->scale,
                               from->disp, false },
                 k, k > 0, -1);
}

/* The register operand x is in. */
static int fetch(struct maker *m, int32_t x)
{
    wg_x86_rm from = whereabouts(m, x);
    int reg;

    if (from.kind == WG_X86_REG) return from.reg;
    reg = take(m, has_instance(x) ? instance(m, x) : LOADED);
    load(m, reg, &from);
    return reg;
}

/* Where operand x is, for an instruction that may read it from memory. */
static wg_x86_rm place(struct maker *m, int32_t x)
{
    if (m->tail && x >= WG_AT_MEMORY && x < WG_AT_ONE) return in_register(fetch(m, x));
    return whereabouts(m, x);
}

/* This step is the last that reads x, or x was loaded for it. */
static bool ends(const struct maker *m, int32_t x)
{
    return is_value(x) ? m->last[x] == m->i : !has_instance(x);
}

/* The result goes where operand x, in register reg, was: to a register of its own if x lives on. */
static int take_over(struct maker *m, int32_t x, int reg)
{
    int32_t owner = m->i * GROUP + m->lane;
    int to;

    if (ends(m, x)) {
        if (is_value(x)) m->at[instance(m, x)] = -1;
        m->owner[reg] = owner;
        m->at[owner] = (int16_t)reg;
        return reg;
    }
    to = take(m, owner);
    wg__x86_evex(&m->code, &copy_op, to, 0, &(wg_x86_rm){ .kind = WG_X86_REG, .reg = reg }, 0,
                 false, -1);
    return to;
}

/* Operands that end here give their registers back. */
static void release(struct maker *m)
{
    const wg_native_step *s = &m->n->step[m->i];

    for (int j = 0; j < wg__native_reads(s); j++) {
        int32_t x = wg__native_operand(s, j), k = is_value(x) ? instance(m, x) : -1;

        if (k < 0 || !ends(m, x) || wg__native_makes_mask(&m->n->step[x]) || m->at[k] < 0) continue;
        m->owner[m->at[k]] = FREE;
        m->at[k] = -1;
    }
    for (int r = 0; r < m->n_zmm; r++) {
        m->pinned[r] = false;
        if (m->owner[r] == LOADED) m->owner[r] = FREE;
    }
}

static int sum_register(int32_t sum)
{
    return ZMM - 1 - sum;
}

/* The register of the result. It may be that of an operand, even one that lives on in memory: the
 * instruction reads before it writes. */
static int result(struct maker *m)
{
    release(m);
    return take(m, m->i * GROUP + m->lane);
}

/* ---- masks ---- */

static int take_mask(struct maker *m)
{
    int32_t owner = m->i * GROUP + m->lane;

    for (int k = 1; k < MASKS; k++) {
        if (m->mask_owner[k] != FREE) continue;
        m->mask_owner[k] = owner;
        m->at[owner] = (int16_t)k;
        return k;
    }
    m->failed = true;
    m->at[owner] = 1;
    return 1;
}

static int mask(const struct maker *m, int32_t x)
{
    return m->at[instance(m, x)];
}

static void release_masks(struct maker *m)
{
    const wg_native_step *s = &m->n->step[m->i];

    for (int j = 0; j < wg__native_reads(s); j++) {
        int32_t x = wg__native_operand(s, j);

        if (!is_value(x) || !ends(m, x) || !wg__native_makes_mask(&m->n->step[x])) continue;
        if (mask(m, x) >= 0) m->mask_owner[mask(m, x)] = FREE;
    }
}

/* ---- steps ---- */

static bool commutes(int op)
{
    return op == WG_LANE_ADD || op == WG_LANE_MUL || op == WG_LANE_AND || op == WG_LANE_OR ||
           op == WG_LANE_XOR || op == WG_LANE_IADD;
}

static bool in_memory(const struct maker *m, int32_t x)
{
    return !has_instance(x) || m->at[instance(m, x)] < 0;
}

/* a b + c: the result takes the place of one of the three, and one may be read from memory. Forms of
 * the opcode: 0x00: result times memory plus v; 0x10: v times result plus memory; 0x20: v times
 * memory plus result. */
static void fused(struct maker *m, const wg_native_step *s)
{
    wg_x86_op op = lane_op[s->op];
    int32_t a = s->a, b = s->b;
    wg_x86_rm rm;
    int dst, v;

    if (in_memory(m, a)) {
        a = s->b;
        b = s->a;
    }
    v = fetch(m, a);
    if (!in_memory(m, s->c) && (ends(m, s->c) || in_memory(m, b) || !ends(m, a))) {
        int c = fetch(m, s->c);

        rm = place(m, b);
        dst = take_over(m, s->c, c);
        op.opcode += 0x20;
    } else if (ends(m, a) && is_value(a)) { /* a takes the result: b is v, c in memory or not */
        int other = a == b ? v : fetch(m, b);

        rm = place(m, s->c);
        if (rm.kind == WG_X86_REG && a == s->c) rm = in_register(v);
        dst = take_over(m, a, v);
        v = other;
        op.opcode += 0x10;
    } else {
        rm = place(m, s->c);
        dst = take(m, m->i * GROUP + m->lane);
        load(m, dst, &rm);
        rm = place(m, b);
        op.opcode += 0x20;
    }
    wg__x86_evex(&m->code, &op, dst, v, &rm, 0, false, -1);
}

static void compute(struct maker *m, const wg_native_step *s)
{
    static const uint8_t compare[] = { 0x11, 0x12, 0x00, 0x04 };
    const wg_x86_op *op = &lane_op[s->op];
    int32_t a = s->a, b = s->b;
    wg_x86_rm rm;
    int v, k;

    switch (s->op) {
    case WG_LANE_FMA:
    case WG_LANE_FNMA: fused(m, s); break;
    case WG_LANE_SQRT:
    case WG_LANE_ROUND:
    case WG_LANE_FLOOR:
        rm = place(m, a);
        k = s->op == WG_LANE_SQRT ? -1 : s->op == WG_LANE_FLOOR ? 9 : 8;
        wg__x86_evex(&m->code, op, result(m), 0, &rm, 0, false, k);
        break;
    case WG_LANE_SHL:
    case WG_LANE_SHR:
        rm = place(m, a);
        wg__x86_evex(&m->code, op, s->op == WG_LANE_SHL ? 6 : 2, result(m), &rm, 0, false, s->imm);
        break;
    case WG_LANE_SIGN: /* by bits: those of c from b, the others from a */
        v = fetch(m, b);
        k = fetch(m, a);
        rm = place(m, s->c);
        k = take_over(m, a, k);
        wg__x86_evex(&m->code, op, k, v, &rm, 0, false, 0xd8);
        break;
    case WG_LANE_LT:
    case WG_LANE_LE:
    case WG_LANE_EQ:
    case WG_LANE_NE:
        v = fetch(m, a);
        rm = place(m, b);
        wg__x86_evex(&m->code, op, take_mask(m), v, &rm, 0, false, compare[s->op - WG_LANE_LT]);
        break;
    case WG_LANE_BOTH:
    case WG_LANE_EITHER:
    case WG_LANE_NOT:
        v = mask(m, a);
        k = s->op == WG_LANE_NOT ? 0 : mask(m, b);
        release_masks(m);
        wg__x86_mask(&m->code,
                     s->op == WG_LANE_BOTH     ? 0x41
                     : s->op == WG_LANE_EITHER ? 0x45
                                               : 0x44,
                     s->op != WG_LANE_NOT, take_mask(m), v, k);
        return;
    case WG_LANE_SELECT:
        k = mask(m, a);
        v = fetch(m, s->c);
        rm = place(m, b);
        wg__x86_evex(&m->code, op, result(m), v, &rm, k, false, -1);
        break;
    default:
        if (commutes(s->op) && in_memory(m, a)) {
            a = s->b;
            b = s->a;
        }
        v = fetch(m, a);
        rm = place(m, b);
        wg__x86_evex(&m->code, op, result(m), v, &rm, 0, false, -1);
    }
    release_masks(m);
}

/* Steps that write to memory, or ask for it; and bools. */
static void move(struct maker *m, const wg_native_step *s)
{
    wg_x86_rm rm, ones;
    int v;

    switch (s->op) {
    case WG_NATIVE_STORE:
    case WG_NATIVE_STREAM:
        v = fetch(m, s->a);
        rm = at_pointer(m, s->b, 4, true);
        wg__x86_evex(&m->code, s->op == WG_NATIVE_STORE || m->tail ? &store_op : &stream_op, v, 0,
                     &rm, m->tail, false, -1);
        break;
    case WG_NATIVE_AHEAD:
        rm = at_pointer(m, s->b, 4, true);
        rm.disp += s->c;
        wg__x86_ask(&m->code, &rm);
        break;
    case WG_NATIVE_TEST:
        v = take(m, LOADED);
        rm = at_pointer(m, s->b, 1, true);
        wg__x86_evex(&m->code, &bytes_op, v, 0, &rm, m->tail, m->tail > 0, -1);
        rm = in_register(v);
        wg__x86_evex(&m->code, &test_op, take_mask(m), v, &rm, 0, false, -1);
        break;
    case WG_NATIVE_BOOLS:
        v = take(m, LOADED);
        ones = constant(s->c - WG_AT_CONSTANT);
        ones.one = false;
        wg__x86_evex(&m->code, &bytes_op, v, 0, &ones, mask(m, s->a), true, -1);
        rm = at_pointer(m, s->b, 1, true);
        wg__x86_evex(&m->code, &put_bytes_op, v, 0, &rm, m->tail, false, -1);
        release_masks(m);
        break;
    case WG_NATIVE_SUM: /* beyond the last elements nothing is added */
        v = sum_register(s->b);
        rm = place(m, s->a);
        wg__x86_evex(&m->code, &lane_op[WG_LANE_ADD], v, v, &rm, m->tail, false, -1);
        break;
    default: break;
    }
}

/* All steps for a group of vectors. */
static void body(struct maker *m, int32_t lanes)
{
    size_t instances = (size_t)(m->n->n_steps + m->n->n_constants) * GROUP;

    for (size_t k = 0; k < instances; k++) m->at[k] = m->spilled[k] = -1;
    for (int r = 0; r < ZMM; r++) {
        m->owner[r] = FREE;
        m->pinned[r] = false;
    }
    for (int k = 0; k < MASKS; k++) m->mask_owner[k] = FREE;
    m->n_spills = 0;
    for (m->i = 0; m->i < m->n->n_steps; m->i++)
        for (m->lane = 0; m->lane < lanes; m->lane++) {
            const wg_native_step *s = &m->n->step[m->i];

            if (s->op < WG_N_LANE_OPS) compute(m, s);
            else move(m, s);
            release(m);
        }
    wg__x86_add(&m->code, WG_RAX, lanes * 16);
}

/* The body again and again while the index is below register `end`. */
static void loop(struct maker *m, int32_t lanes, int end)
{
    size_t skip, top;

    wg__x86_compare(&m->code, WG_RAX, end);
    skip = wg__x86_jump(&m->code, false, -1);
    top = m->code.n;
    body(m, lanes);
    wg__x86_compare(&m->code, WG_RAX, end);
    wg__x86_jump(&m->code, true, (int64_t)top);
    wg__x86_land(&m->code, skip);
}

static bool is_saved(int reg)
{
    return reg == WG_RBX || reg == WG_RBP || reg >= 12;
}

static void begin_sums(struct maker *m)
{
    for (int32_t i = 0; i < m->n->n_sums; i++) {
        int r = sum_register(i);
        wg_x86_rm rm = in_register(r);

        wg__x86_evex(&m->code, &lane_op[WG_LANE_XOR], r, r, &rm, 0, false, -1);
    }
}

static void end_sums(struct maker *m)
{
    for (int32_t i = 0; i < m->n->n_sums; i++) {
        wg_x86_rm to = in_spill(WG_NATIVE_SPILLS + i);

        wg__x86_evex(&m->code, &store_op, sum_register(i), 0, &to, 0, false, -1);
    }
}

/* rdi: the frame, rsi: the end of whole groups, rdx: of vectors, rcx: memory, r8: the mask of what is
 * left; rax: the element. */
static void function(struct maker *m, int32_t lanes)
{
    int32_t n = m->n->n_pointers < IN_REGISTERS ? m->n->n_pointers : IN_REGISTERS;

    size_t none_left;

    m->code.n = (size_t)m->n->n_constants * sizeof(uint32_t);
    wg__x86_begin(&m->code);
    wg__x86_set_mask(&m->code, TAIL, WG_R8);
    wg__x86_move(&m->code, WG_RAX, WG_R9);
    for (int32_t i = 0; i < n; i++)
        if (is_saved(pointer_register[i])) wg__x86_push(&m->code, pointer_register[i]);
    for (int32_t i = 0; i < n; i++)
        wg__x86_load(&m->code, pointer_register[i], WG_RDI, i * (int32_t)sizeof(void *));
    begin_sums(m);
    loop(m, lanes, WG_RSI);
    m->spills_of_group = m->n_spills;
    if (lanes > 1) loop(m, 1, WG_RDX);
    none_left = wg__x86_jump_none(&m->code, TAIL);
    m->tail = TAIL;
    body(m, 1);
    m->tail = 0;
    wg__x86_land(&m->code, none_left);
    end_sums(m);
    for (int32_t i = n - 1; i >= 0; i--)
        if (is_saved(pointer_register[i])) wg__x86_pop(&m->code, pointer_register[i]);
    wg__x86_end(&m->code);
}

/* The largest group whose values all find registers, or else pairs. */
bool wg__native_make(const wg_native *n, uint8_t *to, size_t room, wg_native_code *c)
{
    size_t instances = (size_t)(n->n_steps + n->n_constants) * GROUP;
    struct maker m = { .n = n, .n_zmm = ZMM - n->n_sums, .code = { to, 0, room } };
    int16_t *memory = wg__array((int64_t)(2 * instances), sizeof *memory);
    int32_t lanes = GROUP;

    m.last = wg__array(n->n_steps, sizeof *m.last);
    if (!memory || !m.last) {
        wg__release(memory);
        wg__release(m.last);
        return false;
    }
    m.at = memory;
    m.spilled = memory + instances;
    find_last(&m);
    for (;; lanes /= 2) {
        m.failed = false;
        function(&m, lanes);
        if (lanes == 1 || (!m.failed && (m.spills_of_group == 0 || lanes == LEAST))) break;
    }
    if (room >= n->n_constants * sizeof(uint32_t))
        memcpy(to, n->constant, (size_t)n->n_constants * sizeof(uint32_t));
    wg__release(memory);
    wg__release(m.last);
    *c = (wg_native_code){ .entry = (size_t)n->n_constants * sizeof(uint32_t),
                           .bytes = m.code.n,
                           .group = lanes };
    return !m.failed;
}
