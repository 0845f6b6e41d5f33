/* x86.c: see x86.h. */
#include "x86.h"

static void byte(wg_code *c, int value)
{
    if (c->n < c->room) c->at[c->n] = (uint8_t)value;
    c->n++;
}

static void word(wg_code *c, int64_t value)
{
    for (int i = 0; i < 32; i += 8) byte(c, (int)((uint64_t)value >> i & 255));
}

/* The bytes from ModRM on; unit: what a displacement of one byte counts in; tail: bytes of the
 * instruction behind it. */
static void modrm(wg_code *c, int reg, const wg_x86_rm *rm, int32_t unit, int tail)
{
    bool shorter = rm->disp % unit == 0 && rm->disp / unit >= -128 && rm->disp / unit <= 127;

    reg = (reg & 7) << 3;
    if (rm->kind == WG_X86_REG) {
        byte(c, 0xc0 | reg | (rm->reg & 7));
    } else if (rm->kind == WG_X86_CODE) {
        byte(c, reg | 5);
        word(c, rm->disp - ((int64_t)c->n + 4 + tail));
    } else {
        byte(c, (shorter ? 0x40 : 0x80) | reg | 4);
        byte(c, (rm->index < 0 ? 4 << 3 : rm->scale << 6 | (rm->index & 7) << 3) | (rm->base & 7));
        if (shorter) byte(c, rm->disp / unit & 255);
        else word(c, rm->disp);
    }
}

void wg__x86_evex(wg_code *c, const wg_x86_op *op, int reg, int v, const wg_x86_rm *rm, int k,
                  bool zero, int imm)
{
    bool memory = rm->kind == WG_X86_MEM, vector = rm->kind == WG_X86_REG;
    int b = memory ? rm->base >> 3 : vector ? rm->reg >> 3 : 0;
    int x = memory ? rm->index > 0 ? rm->index >> 3 : 0 : vector ? rm->reg >> 4 : 0;

    byte(c, 0x62);
    byte(c, (~reg >> 3 & 1) << 7 | (~x & 1) << 6 | (~b & 1) << 5 | (~reg >> 4 & 1) << 4 | op->map);
    byte(c, (~v & 15) << 3 | 4 | op->pp);
    byte(c, zero << 7 | op->size << 5 | (!vector && rm->one) << 4 | (~v >> 4 & 1) << 3 | k);
    byte(c, op->opcode);
    modrm(c, reg, rm, rm->one ? 4 : 1 << op->bytes, imm >= 0);
    if (imm >= 0) byte(c, imm);
}

void wg__x86_mask(wg_code *c, int opcode, bool wide, int k, int a, int b)
{
    byte(c, 0xc5);
    byte(c, 0x80 | (wide ? (~a & 15) << 3 | 4 : 15 << 3));
    byte(c, opcode);
    byte(c, 0xc0 | k << 3 | (wide ? b : a));
}

/* The prefix of 8-byte instructions. */
static void rex(wg_code *c, int reg, int rm)
{
    byte(c, 0x48 | (reg >> 3) << 2 | rm >> 3);
}

void wg__x86_load(wg_code *c, int reg, int base, int32_t disp)
{
    rex(c, reg, base);
    byte(c, 0x8b);
    modrm(c, reg, &(wg_x86_rm){ .kind = WG_X86_MEM, .base = base, .index = -1, .disp = disp }, 1,
          0);
}

void wg__x86_push(wg_code *c, int reg)
{
    if (reg > 7) byte(c, 0x41);
    byte(c, 0x50 | (reg & 7));
}

void wg__x86_pop(wg_code *c, int reg)
{
    if (reg > 7) byte(c, 0x41);
    byte(c, 0x58 | (reg & 7));
}

static void two(wg_code *c, int opcode, int reg, int rm)
{
    rex(c, reg, rm);
    byte(c, opcode);
    byte(c, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

void wg__x86_move(wg_code *c, int reg, int from)
{
    two(c, 0x89, from, reg);
}

void wg__x86_add(wg_code *c, int reg, int32_t imm)
{
    rex(c, 0, reg);
    byte(c, 0x81);
    byte(c, 0xc0 | (reg & 7));
    word(c, imm);
}

void wg__x86_compare(wg_code *c, int a, int b)
{
    two(c, 0x39, b, a);
}

void wg__x86_set_mask(wg_code *c, int k, int reg)
{
    byte(c, 0xc4);
    byte(c, 0xc1);
    byte(c, 0x78);
    byte(c, 0x92);
    byte(c, 0xc0 | k << 3 | (reg & 7));
}

size_t wg__x86_jump_none(wg_code *c, int k)
{
    wg__x86_mask(c, 0x98, false, k, k, 0);
    byte(c, 0x0f);
    byte(c, 0x84);
    word(c, 0);
    return c->n;
}

size_t wg__x86_jump(wg_code *c, bool below, int64_t to)
{
    byte(c, 0x0f);
    byte(c, below ? 0x82 : 0x83);
    word(c, to >= 0 ? to - ((int64_t)c->n + 4) : 0);
    return c->n;
}

void wg__x86_land(wg_code *c, size_t jump)
{
    wg_code at = { c->at, jump - 4, c->room };

    word(&at, (int64_t)(c->n - jump));
}

void wg__x86_ask(wg_code *c, const wg_x86_rm *rm)
{
    byte(c, 0x40 | (rm->index > 0 ? (rm->index >> 3) << 1 : 0) | rm->base >> 3);
    byte(c, 0x0f);
    byte(c, 0x18);
    modrm(c, 1, rm, 1, 0); /* prefetcht0 */
}

/* A function that may be called through a pointer under control-flow enforcement. */
void wg__x86_begin(wg_code *c)
{
    byte(c, 0xf3);
    byte(c, 0x0f);
    byte(c, 0x1e);
    byte(c, 0xfa);
}

void wg__x86_end(wg_code *c)
{
    byte(c, 0xc5); /* vzeroupper */
    byte(c, 0xf8);
    byte(c, 0x77);
    byte(c, 0xc3);
}
