/*
 * test_plants.c: wrong gradient rules, planted mechanically: for every record with a rule, every operand and
 * every kind of mistake. Each must be caught by the differences that test_ops.c takes and by wg_check_grad,
 * in one row of the record at least. The list is printed.
 */
#include "harness.h"
#include "op_cases.h"

typedef enum { SIGN, FACTOR, ZERO, TRANSPOSED, DROPPED, DUPLICATES, N_KINDS } plant_kind;
static const char *const kind_name[N_KINDS] = {
    "sign flipped", "factor 1.001", "zero", "transposed", "a term dropped", "duplicates lost"
};

/* A copy of a record whose rule spoils the gradient of one operand. */
struct plant {
    wg_op op; /* first: the rule finds the plant by its record */
    const wg_op *truth;
    plant_kind kind;
    int operand, term;
    bool applied;
};

/* ---- mistakes ---- */

/* d with its n-th sum or difference replaced by one of the two terms; `first`: entries before it are older
 * than the rule. NULL when there are not that many. */
static wg_tensor *dropped(wg_tensor *d, int n, int64_t first)
{
    wg_tensor **order, **copy, *result;
    int64_t count = wg_order(1, &d, &order);
    bool found = false;

    copy = room(wg_tensor_id(d) + 1, sizeof *copy);
    for (int64_t k = 0; k < count; k++) {
        wg_tensor *t = order[k], *in[8] = { NULL };
        const char *op = wg_tensor_op(t);
        bool moved = false;

        copy[wg_tensor_id(t)] = t;
        if (wg_tensor_id(t) < first || wg_tensor_n_in(t) > 8) continue;
        for (int i = 0; i < wg_tensor_n_in(t); i++) {
            in[i] = copy[wg_tensor_id(wg_tensor_in(t, i))];
            moved |= in[i] != wg_tensor_in(t, i);
        }
        if ((strcmp(op, "add") == 0 || strcmp(op, "sub") == 0) && n-- == 0) {
            found = true;
            copy[wg_tensor_id(t)] = wg_broadcast_like(in[0], t);
        } else if (moved) {
            copy[wg_tensor_id(t)] =
                wg_record(wg_tensor_record(t), wg_tensor_attr(t), wg_tensor_n_in(t), in);
        }
    }
    result = found ? copy[wg_tensor_id(d)] : NULL;
    free(copy);
    wg_free(order);
    return result;
}

/* d with two neighbouring axes of equal extents exchanged; NULL when there are none. */
static wg_tensor *transposed(wg_tensor *d)
{
    const wg_shape *s = &wg_tensor_type(d)->shape;

    for (int a = s->rank - 1; a > 0; a--)
        if (s->dim[a] > 1 && s->dim[a] == s->dim[a - 1]) return wg_transpose(d, a - 1, a);
    return NULL;
}

/* dy with zeros where an index was seen before, for gather along axis 0 by a list and for take_along_axis
 * along axis 1. */
static wg_tensor *first_uses(const wg_vjp *v)
{
    wg_tensor *idx = v->x[1], *equal, *first, *mask;
    int axis = wg_rank(idx) - 1;

    equal = wg_eq(wg_unsqueeze(idx, WG_AXES(axis)), wg_unsqueeze(idx, WG_AXES(axis + 1)));
    first = wg_argmax(wg_cast_like(equal, v->dy), axis + 1, false);
    mask = wg_cast_like(wg_eq(first, wg_arange_like(idx, axis)), v->dy);
    if (wg_rank(mask) < wg_rank(v->dy)) mask = wg_unsqueeze(mask, WG_AXES(1));
    return wg_mul(v->dy, mask);
}

static void planted_vjp(const wg_vjp *v, wg_tensor **dx)
{
    struct plant *p = (struct plant *)(uintptr_t)wg_tensor_record(v->y);
    int64_t first = wg_graph_count(wg_tensor_graph(v->y));
    wg_vjp v2 = *v;
    wg_tensor *d, *spoilt = NULL;

    if (p->kind == DUPLICATES && p->operand == 0) v2.dy = first_uses(v);
    p->truth->vjp(&v2, dx);
    d = p->operand < v->n_in && v->need[p->operand] ? dx[p->operand] : NULL;
    if (!d || wg_graph_error(wg_tensor_graph(d))) return;
    switch (p->kind) {
    case SIGN:
        spoilt = wg_neg(d);
        break;
    case FACTOR:
        spoilt = wg_mul(d, wg_scalar_like(d, 1.001));
        break;
    case ZERO:
        spoilt = wg_zeros_like(d);
        break;
    case TRANSPOSED:
        spoilt = transposed(d);
        break;
    case DROPPED:
        spoilt = dropped(d, p->term, first);
        break;
    case DUPLICATES:
        spoilt = d;
        break;
    default:
        break;
    }
    if (!spoilt) return;
    p->applied = true;
    dx[p->operand] = spoilt;
}

static const wg_op *exchange(const wg_op *op, void *arg)
{
    struct plant *p = arg;

    return op == p->truth ? &p->op : op;
}

/* ---- one plant ---- */

enum { BATCH = 3 }; /* as many rows as columns in most rows: a transposed gradient fits */

struct outcome {
    bool applied, by_differences, by_check;
};

/* Whether the row shows the plant. */
static void try_row(struct plant *p, const op_case *c, struct outcome *out)
{
    wg_check_options options = { .order = 1 };
    wg_check_report report;
    wg_error error;
    op_record r;
    op_feeds feeds;
    char text[300];

    p->applied = false;
    op_record_make(&r, c, WG_F64, BATCH, 1, exchange, p);
    if (p->applied && wg_graph_error(r.g)) {
        /* Refused when recorded: the type of the gradient shows it. */
        out->applied = out->by_differences = out->by_check = true;
    } else if (p->applied) {
        out->applied = true;
        out->by_differences |= !op_derivatives_agree(&r, BATCH, -1, text);
        op_feeds_make(&feeds, &r, BATCH);
        if (wg_check_grad(r.s[0], r.store, feeds.n, feeds.feed, &options, &report, &error) ==
            WG_OK) {
            for (int i = 0; i < report.n; i++)
                out->by_check |= !report.item[i].pass && !report.item[i].kink;
            wg_check_free(&report);
        } else {
            NO_ERROR(&error);
        }
        op_feeds_free(&feeds);
    }
    op_record_free(&r);
}

static struct outcome try_plant(struct plant *p)
{
    struct outcome out = { false, false, false };
    char name[64];

    for (int i = 0; i < op_case_count() && !(out.by_differences && out.by_check); i++) {
        const op_case *c = op_case_at(i);

        if (c->flags & (VALUE_ONLY | DRAWS) || strcmp(op_case_op(c, name), p->truth->name) != 0)
            continue;
        if (p->kind == DUPLICATES && strcmp(c->name, "gather repeated") != 0 &&
            strcmp(c->name, "take_along_axis") != 0)
            continue;
        try_row(p, c, &out);
    }
    return out;
}

/* How many operands a record has in the rows: as many as it says, or those of the widest row. */
static int operands(const wg_op *op)
{
    return op->n_in < 0 ? 3 : op->n_in;
}

static void every_plant_is_caught(void)
{
    wg_op_list ops = wg_std_ops();
    int planted = 0, missed = 0;

    for (int k = 0; k < ops.n; k++) {
        const wg_op *op = ops.op[k];
        int of_record = 0;

        for (int i = 0; op->vjp && i < operands(op); i++) {
            for (plant_kind kind = 0; kind < N_KINDS; kind++) {
                bool indexed =
                    strcmp(op->name, "gather") == 0 || strcmp(op->name, "take_along_axis") == 0;

                if (kind == DUPLICATES && !indexed) continue;
                for (int term = 0; term < (kind == DROPPED ? 20 : 1); term++) {
                    struct plant p = {
                        .op = *op, .truth = op, .kind = kind, .operand = i, .term = term
                    };
                    struct outcome out;
                    bool caught;

                    p.op.vjp = planted_vjp;
                    out = try_plant(&p);
                    if (!out.applied) break;
                    caught = out.by_differences && out.by_check;
                    printf("  %-20s operand %d  %-16s %s\n", op->name, i, kind_name[kind],
                           caught               ? "caught"
                           : out.by_differences ? "MISSED by wg_check_grad"
                           : out.by_check       ? "MISSED by the differences of test_ops"
                                                : "MISSED");
                    harness_check(caught, __FILE__, __LINE__, "%s, operand %d, %s: not caught",
                                  op->name, i, kind_name[kind]);
                    planted++;
                    of_record++;
                    missed += !caught;
                }
            }
        }
        if (op->vjp && !(op->flags & WG_OP_NO_GRAD))
            harness_check(of_record > 0, __FILE__, __LINE__, "no mistake was planted in %s",
                          op->name);
    }
    printf("  %d wrong rules planted, %d caught, %d missed\n", planted, planted - missed, missed);
}

TESTS(TEST(every_plant_is_caught))
