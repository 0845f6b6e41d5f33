/*
 * onto.c: a product of matrices added to what is there: a bias, the other terms of a sum
 * (WG_PASS_INLINE). The tiles of the result are added to it before they leave the registers, each
 * element as one number, so the bits are those of the sum that would follow. What is there arrives
 * while the tile is made.
 */
#ifndef REAL
#include "gemm.h"
#include "inlined.h"
#include "op.h"

struct onto_state {
    wg__product p;
    int operand; /* of the sum: what is there */
};
_Static_assert(sizeof(struct onto_state) <= WG_STATE, "fits");

/* Elements of the result from which it pays: the way of small products has less around it, by more
 * than a sum of so few takes. */
enum { LEAST = 64 };

#define WG_TEMPLATE "onto.c"
#include "each_real.h"

WG_SMALL_BEGIN

/* Every row is added to the same one, or each to its own. */
static bool rows_of(const wg_inlined *in, wg__product *p, const wg_type *there)
{
    p->ld_onto = wg_type_equal(there, in->out) ? p->n : 0;
    return p->ld_onto > 0 ||
           (wg__count(there) == p->n && there->shape.dim[there->shape.rank - 1] == p->n);
}

bool wg__inline_onto(wg_inlined *in)
{
    static wg_eval_fn *const fn[WG_N_DTYPES][WG_N_LEVELS] = WG_REAL(onto_eval);
    const wg_sig *s = in->sig, *m = in->part[0].sig;
    struct onto_state *st = in->state;
    int level = in->level;

    *st = (struct onto_state){ .operand = 1 - in->part[0].operand };
    if (in->n != 1 || m->op != &wg_op_matmul || wg__count(in->out) < LEAST ||
        !wg_type_equal(in->part[0].out, in->out) ||
        wg__products(&m->in[0]->shape, &m->in[1]->shape, m->attr, &in->out->shape, &st->p) != 1 ||
        !wg__takes_onto(&st->p) || !rows_of(in, &st->p, s->in[st->operand]))
        return false;
    while (level > 0 && !fn[in->by][level]) level--;
    in->fn = fn[in->by][level];
    in->scratch = wg__gemm_scratch(&st->p, wg_dtype_size(in->out->dtype), in->threads);
    return in->fn != NULL;
}

WG_SMALL_END

#else /* for each type and level */

static void FN(onto_eval)(const wg_call *c)
{
    const struct onto_state *st = c->state;
    wg__product p = st->p;

    p.onto = c->x[st->operand];
#if BITS == 32
    wg__gemm_f32(&FN(wg__gemm_kit), &p, c->x[2], c->x[3], c->y, c->scratch, c->threads);
#else
    wg__gemm_f64(&FN(wg__gemm_kit), &p, c->x[2], c->x[3], c->y, c->scratch, c->threads);
#endif
}
#endif
