/*
 * plan_list.c: another list of entries in the place of the plan's own, for one specialisation: the
 * entries in the order in which their steps run, some of them twice. What is read after `cut` reads
 * the second copy, which stands right before its first reader, and before it whatever of its
 * operands is gone by then. The passes behind see an ordinary list.
 */
#include <string.h>

#include "plan.h"

enum {
    NEAR = 8, /* steps for which a second copy that nobody asked for is read again */
    SMALL = 8 /* an operand this many times smaller than what is made of it lives on */
};

/* An entry of the new list. */
struct made {
    int32_t base, owner, first;
    uint8_t mark, again;
};

struct making {
    const wg_build *b;   /* simplified and arranged: what is copied */
    const int32_t *last; /* by owner: the step that reads it last */
    const int32_t *cut;  /* by owner: the last step that reads the first copy; WG_NO_CUT: all */
    int32_t *at;         /* by owner: where its copy of now stands, -1 */
    int32_t *again;      /* by owner: the step that the copy was made for, -1: the first one */
    int32_t *view;    /* by entry that is another's memory, or only a type: where it stands, -1 */
    int32_t *view_of; /* and of which copy */
    struct made *list;
    int64_t n, cap, most;
    int32_t *in;
    int64_t n_in, in_cap;
    int32_t *stack;
    int64_t stack_cap;
    int32_t *operand; /* room for those of one entry */
    bool each;        /* a copy is for one step */
    bool too_many;
};

bool wg__can_repeat(const wg_build *b, int32_t e)
{
    const wg_op *op = wg__op_at(b, e);
    bool reads = false;

    if (!wg__computed(b, e) || (b->mark[e] & WG_ROOT) || wg__more(op)->check) return false;
    if (!(op->flags & WG_OP_RANDOM)) return true;
    /* a draw is a function of its counter, which is an operand */
    for (int k = 0; k < wg__n_in(b->p, e); k++) reads |= !wg__lends_type(op, k);
    return reads;
}

/* Whether operand x is there to be read at step k, for a second copy of v; v -1: for a reader. */
static bool available(const struct making *m, int32_t x, int32_t k, int32_t v)
{
    const wg_build *b = m->b;

    if (b->mark[x] & (WG_LEAF | WG_FIXED)) return true;
    if (m->cut[x] != WG_NO_CUT)
        return k <= m->cut[x] || (m->each ? m->again[x] == k : m->again[x] >= 0);
    if (m->each || v < 0 || (b->mark[x] & WG_ROOT) || k <= m->last[x] || !wg__can_repeat(b, x))
        return true;
    if (wg_type_bytes(b->type[x]) <= wg_type_bytes(b->type[v]) / SMALL) return true;
    return m->again[x] >= 0 && k - m->again[x] <= (b->mark[x] & WG_ROW ? 0 : NEAR);
}

/* Appends an entry with n operands from m->operand; -1: out of memory, or too many. */
static int32_t add(struct making *m, int32_t base, int32_t owner, uint8_t mark, int n)
{
    struct made *list;
    int32_t *in;

    m->too_many |= m->n >= m->most;
    if (m->too_many) return -1;
    list = wg__grow(m->list, &m->cap, m->n + 1, sizeof *list);
    if (!list) return -1;
    m->list = list;
    in = wg__grow(m->in, &m->in_cap, m->n_in + n, sizeof *in);
    if (!in && m->n_in + n > 0) return -1;
    m->in = in;
    list[m->n] =
        (struct made){ base, owner < 0 ? (int32_t)m->n : owner, (int32_t)m->n_in, mark, 0 };
    for (int k = 0; k < n; k++) in[m->n_in++] = m->operand[k];
    return (int32_t)m->n++;
}

/* Where the value that entry x reads stands now. */
static int32_t value_of(struct making *m, int32_t x)
{
    const wg_build *b = m->b;
    int32_t owner = b->owner[x];

    if (owner == x) return m->at[x];
    if (m->view[x] >= 0 && m->view_of[x] == m->at[owner]) return m->view[x];
    m->view[x] = add(m, x, m->at[owner], b->mark[x], 0);
    m->view_of[x] = m->at[owner];
    return m->view[x];
}

/* An entry of x's type. */
static int32_t type_of(struct making *m, int32_t x)
{
    if (m->b->owner[x] == x && m->at[x] >= 0) return m->at[x];
    if (m->view[x] < 0) m->view[x] = add(m, x, -1, 0, 0);
    return m->view[x];
}

static bool copy_entry(struct making *m, int32_t e, int32_t step)
{
    const wg_build *b = m->b;
    const wg_plan *p = b->p;
    int n = wg__n_in(p, e);

    for (int k = 0; k < n; k++) {
        int32_t x = b->in[p->first[e] + k];
        int32_t to = wg__lends_type(wg__op_at(b, e), k) ? type_of(m, x) : value_of(m, x);

        if (to < 0) return false;
        m->operand[k] = to;
    }
    m->at[e] = add(m, e, -1, b->mark[e] & (step < 0 ? WG_NEEDED | WG_ROOT : WG_NEEDED), n);
    m->again[e] = step;
    if (m->at[e] >= 0) m->list[m->at[e]].again = step >= 0;
    return m->at[e] >= 0;
}

static bool push(struct making *m, int64_t *n, int32_t e)
{
    int32_t *stack = wg__grow(m->stack, &m->stack_cap, *n + 1, sizeof *stack);

    if (!stack) return false;
    m->stack = stack;
    stack[(*n)++] = e;
    return true;
}

/* A second copy of v before step k, and of what it needs. */
static bool repeat(struct making *m, int32_t v, int32_t k)
{
    const wg_build *b = m->b;
    const wg_plan *p = b->p;
    int64_t n = 0;

    if (!push(m, &n, v)) return false;
    while (n > 0) {
        int32_t x = m->stack[n - 1];
        int64_t before = n;

        if (m->again[x] == k) { /* by way of another reader */
            n--;
            continue;
        }
        for (int32_t i = p->first[x + 1]; i-- > p->first[x];) {
            int32_t owner = b->owner[b->in[i]];

            if (wg__lends_type(wg__op_at(b, x), i - p->first[x]) || available(m, owner, k, x))
                continue;
            if (!push(m, &n, owner)) return false;
        }
        if (n > before) {
            m->too_many |= n > m->most;
            if (m->too_many) return false;
            continue;
        }
        if (!copy_entry(m, x, k)) return false;
        n--;
    }
    return true;
}

/* Leaves and constants come first; a draw that is not fed keeps a place among the inputs, which
 * are found by it. */
static bool copy_leaves(struct making *m, wg_list *o)
{
    const wg_build *b = m->b;
    const wg_plan *p = b->p;
    int64_t input = 0;

    for (int32_t e = 0; e < p->n; e++) {
        bool is_input = input < p->n_inputs && p->input[input].at == e, leaf, fixed;
        int32_t to = -1;

        leaf = (b->mark[e] & WG_LEAF) != 0;
        fixed = (b->mark[e] & (WG_FIXED | WG_NEEDED)) == (WG_FIXED | WG_NEEDED) && b->canon[e] == e;
        if (leaf || fixed) to = m->at[e] = add(m, e, -1, b->mark[e] & (uint8_t)~WG_STORED, 0);
        else if (is_input) to = add(m, e, -1, 0, 0);
        if (to < 0 && (leaf || fixed || is_input)) return false;
        if (is_input) o->input_at[input++] = to;
    }
    return true;
}

static bool copy_steps(struct making *m)
{
    const wg_build *b = m->b;
    const wg_plan *p = b->p;

    for (int32_t k = 0; k < b->n_steps; k++) {
        for (int32_t i = b->first_member[k]; i < b->first_member[k + 1]; i++) {
            int32_t e = b->member[i];

            for (int32_t j = p->first[e]; j < p->first[e + 1]; j++) {
                int32_t owner = b->owner[b->in[j]];

                if (!wg__lends_type(wg__op_at(b, e), j - p->first[e]) &&
                    !available(m, owner, k, -1) && !repeat(m, owner, k))
                    return false;
            }
        }
        for (int32_t i = b->first_member[k]; i < b->first_member[k + 1]; i++)
            if (!copy_entry(m, b->member[i], -1)) return false;
    }
    return true;
}

static bool copy_roots(struct making *m, wg_list *o)
{
    const wg_build *b = m->b;
    const wg_plan *p = b->p;

    for (int64_t i = 0; i < p->n_outputs + p->n_updates; i++) {
        o->root[i] = value_of(m, b->canon[p->root[i]]);
        if (o->root[i] < 0) return false;
    }
    for (int64_t i = 0; i < p->n_updates; i++)
        o->updated_at[i] = p->updated_at[i] < 0 ? -1 : m->at[p->updated_at[i]];
    return true;
}

/* First copies that nobody reads, when all who did have copies of their own, are taken out; so is
 * what they alone were made of: a value without readers has no memory, but a step of its own would
 * write it. The first copy that is left counts as the first. */
static bool drop_unread(struct making *m, const wg_list *o)
{
    const wg_build *b = m->b;
    const wg_plan *p = b->p;
    bool *read = wg__zalloc((size_t)m->n * sizeof *read);

    if (!read) return false;
    for (int64_t i = 0; i < p->n_outputs + p->n_updates; i++) read[o->root[i]] = true;
    for (int64_t i = m->n - 1; i >= 0; i--) {
        struct made *e = &m->list[i];
        int64_t end = i + 1 < m->n ? e[1].first : m->n_in;

        if (read[i] && e->owner != i) read[e->owner] = true;
        if (!read[i] && !(e->mark & (WG_LEAF | WG_FIXED))) e->mark &= (uint8_t)~WG_NEEDED;
        for (int64_t k = e->first; read[i] && k < end; k++)
            if (!wg__lends_type(wg__op_at(b, e->base), (int)(k - e->first))) read[m->in[k]] = true;
    }
    for (int64_t i = 0; i < p->n; i++) m->at[i] = 0;
    for (int64_t i = 0; i < m->n; i++) {
        struct made *e = &m->list[i];

        if (e->owner != i || !read[i]) continue;
        if (!m->at[e->base]) e->again = 0;
        m->at[e->base] = 1;
    }
    wg__release(read);
    return true;
}

/* The list as arrays, like those of the plan and of a build that has been simplified. */
static bool copy_list(struct making *m, const wg_list *base, wg_list *o)
{
    const wg_build *b = m->b;
    const wg_plan *p = b->p;

    o->n = m->n;
    o->live = wg__array(m->n, sizeof *o->live);
    o->first = wg__array(m->n + 1, sizeof *o->first);
    o->from = wg__array(m->n, sizeof *o->from);
    o->type = wg__array(m->n, sizeof *o->type);
    o->attr = wg__array(m->n, sizeof *o->attr);
    o->owner = wg__array(m->n, sizeof *o->owner);
    o->mark = wg__array(m->n, sizeof *o->mark);
    o->data = wg__array(m->n, sizeof *o->data);
    o->again = wg__array(m->n, sizeof *o->again);
    o->in = m->in ? m->in : wg__array(0, sizeof *o->in);
    m->in = NULL;
    if (!o->live || !o->first || !o->from || !o->type || !o->attr || !o->owner || !o->mark ||
        !o->data || !o->again || !o->in)
        return false;
    for (int64_t i = 0; i < m->n; i++) {
        int32_t e = m->list[i].base;

        o->live[i] = p->live[e];
        o->first[i] = m->list[i].first;
        o->from[i] = base->from ? base->from[e] : e;
        o->type[i] = b->type[e];
        o->attr[i] = b->attr[e];
        o->owner[i] = m->list[i].owner;
        o->mark[i] = m->list[i].mark;
        o->again[i] = m->list[i].again || (base->again && base->again[e]);
        o->data[i] = m->list[i].mark & (WG_LEAF | WG_FIXED) ? b->data[e] : NULL;
    }
    o->first[m->n] = (int32_t)m->n_in;
    return true;
}

bool wg__list_make(const wg_build *b, const wg_list *base, const int32_t *last, const int32_t *cut,
                   int64_t most, bool each, wg_list *o, bool *too_many)
{
    const wg_plan *p = b->p;
    struct making m = { .b = b, .last = last, .cut = cut, .most = most, .each = each };
    int64_t widest = 0;
    bool ok;

    memset(o, 0, sizeof *o);
    for (int64_t i = 0; i < p->n; i++)
        if (p->first[i + 1] - p->first[i] > widest) widest = p->first[i + 1] - p->first[i];
    m.at = wg__array(p->n, sizeof *m.at);
    m.again = wg__array(p->n, sizeof *m.again);
    m.view = wg__array(p->n, sizeof *m.view);
    m.view_of = wg__array(p->n, sizeof *m.view_of);
    m.operand = wg__array(widest, sizeof *m.operand);
    o->root = wg__array(p->n_outputs + p->n_updates, sizeof *o->root);
    o->updated_at = wg__array(p->n_updates, sizeof *o->updated_at);
    o->input_at = wg__array(p->n_inputs, sizeof *o->input_at);
    ok = m.at && m.again && m.view && m.view_of && m.operand && o->root && o->updated_at &&
         o->input_at;
    for (int64_t i = 0; i < p->n && ok; i++) m.at[i] = m.again[i] = m.view[i] = m.view_of[i] = -1;
    ok = ok && copy_leaves(&m, o) && copy_steps(&m) && copy_roots(&m, o) && drop_unread(&m, o) &&
         copy_list(&m, base, o);
    *too_many = m.too_many;
    wg__release(m.at);
    wg__release(m.again);
    wg__release(m.view);
    wg__release(m.view_of);
    wg__release(m.operand);
    wg__release(m.list);
    wg__release(m.in);
    wg__release(m.stack);
    if (!ok) wg__list_free(o);
    return ok;
}

bool wg__list_build(wg_build *b, const wg_list *o)
{
    size_t n = (size_t)b->p->n;

    if (!wg__build_take(b)) return false;
    if (n == 0) return true;
    memcpy(b->type, o->type, n * sizeof *b->type);
    memcpy(b->attr, o->attr, n * sizeof *b->attr);
    memcpy(b->owner, o->owner, n * sizeof *b->owner);
    memcpy(b->mark, o->mark, n * sizeof *b->mark);
    memcpy(b->data, o->data, n * sizeof *b->data);
    return true;
}

void wg__list_put(wg_build *b, wg_list *o)
{
    wg__list_swap(b->p, b->list);
    wg__list_free(b->list);
    *b->list = *o;
    memset(o, 0, sizeof *o);
    wg__list_swap(b->p, b->list);
}

void wg__list_free(wg_list *o)
{
    wg__release(o->live);
    wg__release(o->first);
    wg__release(o->in);
    wg__release(o->from);
    wg__release(o->type);
    wg__release(o->attr);
    wg__release(o->owner);
    wg__release(o->mark);
    wg__release(o->data);
    wg__release(o->again);
    wg__release(o->root);
    wg__release(o->updated_at);
    wg__release(o->input_at);
    memset(o, 0, sizeof *o);
}

#define SWAP(T, a, b)                                                                              \
    do {                                                                                           \
        T swap = a;                                                                                \
        a = b;                                                                                     \
        b = swap;                                                                                  \
    } while (0)

void wg__list_swap(wg_plan *p, wg_list *o)
{
    if (!o->live) return;
    SWAP(int64_t, p->n, o->n);
    SWAP(wg_tensor **, p->live, o->live);
    SWAP(int32_t *, p->first, o->first);
    SWAP(int32_t *, p->in, o->in);
    SWAP(int32_t *, p->root, o->root);
    SWAP(int32_t *, p->updated_at, o->updated_at);
    for (int64_t i = 0; i < p->n_inputs; i++) SWAP(int32_t, p->input[i].at, o->input_at[i]);
}
#undef SWAP
