/* plan_check.c: the finite check: which entry, in forward order, is the first that is not
 * finite. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "plan.h"

static int64_t first_bad(const wg_array *a)
{
    int64_t n = wg__elements(&a->type);

    if (a->type.dtype == WG_F32) {
        const float *x = a->data;

        for (int64_t i = 0; i < n; i++)
            if (!isfinite(x[i])) return i;
    } else if (a->type.dtype == WG_F64) {
        const double *x = a->data;

        for (int64_t i = 0; i < n; i++)
            if (!isfinite(x[i])) return i;
    }
    return -1;
}

static double element(const wg_array *a, int64_t i)
{
    char *at = (char *)a->data + i * (int64_t)wg_dtype_size(a->type.dtype);

    return wg_item(&(wg_array){ { a->type.dtype, { 0, { 0 } } }, at });
}

/* "[3, 0]" */
static void index_text(const wg_shape *shape, int64_t i, char *text, size_t n)
{
    int64_t index[WG_MAX_RANK];
    size_t at = 0;

    for (int k = shape->rank - 1; k >= 0; k--) {
        index[k] = i % shape->dim[k];
        i /= shape->dim[k];
    }
    at += (size_t)snprintf(text, n, "[");
    for (int k = 0; k < shape->rank && at < n; k++)
        at += (size_t)snprintf(text + at, n - at, "%s%" PRId64, k ? ", " : "", index[k]);
    if (at < n) snprintf(text + at, n - at, "]");
}

/* What the operands of a row kernel were there: "operand was 0", "operands were 1, 0". */
static void row_operands(const wg_plan *p, const wg_spec *s, int32_t e, int64_t i, char *text,
                         size_t n)
{
    const wg_op *op = p->live[e]->op;
    int shown = 0;
    size_t at = 0;

    for (int32_t k = p->first[e]; k < p->first[e + 1] && shown < 3; k++) {
        const wg_array *x = &s->value[p->in[k]];
        wg_spread how;
        double cell;

        if (wg__lends_type(op, k - p->first[e]) || !x->data) continue;
        wg__spread_make(&x->type, &s->value[e].type, &how);
        wg__spread(&how, x->data, i, 1, &cell);
        at += (size_t)snprintf(text + at, n - at, "%s%g", shown++ ? ", " : "",
                               element(&(wg_array){ x->type, &cell }, 0));
        if (at >= n) return;
    }
}

static bool has_row(const wg_plan *p, const wg_spec *s, int32_t e)
{
    const wg_tensor *t = p->live[e];
    int k = t->op->decides;
    const wg_array *by = &s->value[k >= 0 && k < t->n_in ? p->in[p->first[e] + k] : e];

    return wg__row_kernel(t->op, by->type.dtype, p->level) != NULL;
}

static void tell(wg_plan *p, const wg_spec *s, int32_t e, int64_t i)
{
    const wg_tensor *t = p->live[e];
    const wg_array *y = &s->value[e];
    char index[200], operands[120] = "", where[200];
    int values = 0, bad = -1;

    index_text(&y->type.shape, i, index, sizeof index);
    for (int k = 0; k < t->n_in; k++) {
        if (wg__lends_type(t->op, k)) continue;
        values++;
        if (bad < 0 && s->value[p->in[p->first[e] + k]].data &&
            first_bad(&s->value[p->in[p->first[e] + k]]) >= 0)
            bad = k;
    }
    where[0] = '\0';
    if (t->op->flags & WG_OP_PARAM) {
        snprintf(where, sizeof where, ", store entry \"%.80s\"", wg__leaf_name(t));
    } else if (t->op->flags & WG_OP_FEED) {
        snprintf(where, sizeof where, ", fed as \"%.80s\"", wg__leaf_name(t));
    } else if (has_row(p, s, e) && values > 0) {
        row_operands(p, s, e, i, operands, sizeof operands);
        snprintf(where, sizeof where, ", %s %s", values == 1 ? "operand was" : "operands were",
                 operands);
    } else if (bad >= 0) {
        snprintf(where, sizeof where, ", operand %d is not finite: a constant", bad);
    } else if (values > 0) {
        snprintf(where, sizeof where, ", all operands are finite");
    }
    wg_fail(&p->error, WG_ENONFINITE, t->op->name, "first non-finite value at %s of %s%s", index,
            WG_TYPE_STR(&y->type), where);
    wg__blame(&p->error, t);
}

/* Constants that are not finite are meant to be: masks are made of them. */
static bool watched(const wg_tensor *t)
{
    return !(t->op->flags & WG_OP_CONST);
}

bool wg__check_finite(wg_plan *p, const wg_spec *s, int32_t *next, int32_t last)
{
    for (; *next < p->n && *next <= last; ++*next) {
        const wg_tensor *t = p->live[*next];
        int64_t i;

        if (!s->value[*next].data || !watched(t)) continue;
        if (*next != last && !(t->op->flags & (WG_OP_FEED | WG_OP_PARAM | WG_OP_RANDOM))) continue;
        i = first_bad(&s->value[*next]);
        if (i < 0) continue;
        tell(p, s, *next, i);
        return false;
    }
    return true;
}
