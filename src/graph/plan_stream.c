/*
 * plan_stream.c: which results go past the caches. A result that is read again only after more
 * bytes than a cache holds have gone by would be thrown out before that, and to write it through
 * the cache each of its lines is first read: memory would move three bytes where two do.
 */
#include "plan.h"

/* The first step that reads each value, and how many bytes steps touch: by owner and by step. */
struct reach {
    int32_t *reader, *seen;
    int64_t *bytes; /* of the steps before k */
};

static void touch(const wg_build *b, struct reach *r, int32_t owner, int32_t k)
{
    if (r->seen[owner] == k) return;
    r->seen[owner] = k;
    if (!wg__add(r->bytes[k + 1], wg_type_bytes(b->type[owner]), &r->bytes[k + 1]))
        r->bytes[k + 1] = INT64_MAX;
}

static void walk_steps(const wg_build *b, struct reach *r)
{
    const wg_plan *p = b->p;

    r->bytes[0] = 0;
    for (int32_t k = 0; k < b->n_steps; k++) {
        r->bytes[k + 1] = r->bytes[k];
        for (int32_t m = b->first_member[k]; m < b->first_member[k + 1]; m++) {
            int32_t e = b->member[m];

            if (b->mark[e] & WG_STORED) touch(b, r, e, k);
            for (int32_t i = p->first[e]; i < p->first[e + 1]; i++) {
                int32_t owner = b->owner[b->in[i]];

                if (wg__lends_type(wg__op_at(b, e), i - p->first[e])) continue;
                if (wg__computed(b, owner) && b->step[owner] == k) continue;
                touch(b, r, owner, k);
                if (r->reader[owner] > k) r->reader[owner] = k;
            }
        }
    }
}

bool wg__plan_stream(wg_build *b)
{
    const wg_plan *p = b->p;
    struct reach r = { NULL, NULL, NULL };
    bool ok;

    b->stream = wg__zalloc((size_t)p->n);
    if (!b->stream) return false;
    if (!(p->passes & WG_PASS_STREAM)) return true;
    r.reader = wg__array(p->n, sizeof *r.reader);
    r.seen = wg__array(p->n, sizeof *r.seen);
    r.bytes = wg__array((int64_t)b->n_steps + 1, sizeof *r.bytes);
    ok = r.reader && r.seen && r.bytes;
    if (ok) {
        for (int64_t i = 0; i < p->n; i++) {
            r.reader[i] = b->n_steps;
            r.seen[i] = -1;
        }
        walk_steps(b, &r);
        for (int32_t e = 0; e < p->n; e++)
            if (wg__computed(b, e) && (b->mark[e] & (WG_ROW | WG_STORED)) == (WG_ROW | WG_STORED) &&
                !wg__narrow(b, e) && !wg__sums_rows(b, e))
                b->stream[e] = r.bytes[r.reader[e]] - r.bytes[b->step[e]] > p->options.cache;
    }
    wg__release(r.reader);
    wg__release(r.seen);
    wg__release(r.bytes);
    return ok;
}
