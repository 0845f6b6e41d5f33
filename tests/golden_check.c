/* golden_check.c: the measures of golden_case.h. */
#include "golden_case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double number(const garray *a, int64_t k)
{
    return a->dtype == G_I64 ? (double)a->i[k] : a->f[k];
}

/* Integers may come as i64 or as doubles of the same value. */
static bool same_integers(const garray *a, const garray *b, int64_t n, int64_t *worst)
{
    for (*worst = 0; *worst < n; ++*worst) {
        bool ok = a->dtype == G_I64 && b->dtype == G_I64 ? a->i[*worst] == b->i[*worst]
                                                         : number(a, *worst) == number(b, *worst);

        if (!ok) return false;
    }
    return true;
}

/* The error of one array against b and the element it is at; extreme: relative to each element. */
static double array_error(const garray *a, const garray *b, bool extreme, int64_t *worst)
{
    double largest = 0, error = 0;
    int64_t n = g_count(b);

    *worst = 0;
    if (b->dtype == G_I64) {
        if (!same_integers(a, b, n, worst)) return INFINITY;
        *worst = 0; /* an element to show, not the end */
        return 0;
    }
    for (int64_t k = 0; k < n; k++)
        if (isfinite(b->f[k])) largest = fmax(largest, fabs(b->f[k]));
    for (int64_t k = 0; k < n; k++) {
        double x = number(a, k), y = b->f[k], e;

        if (x == y) continue;
        e = fabs(x - y) / (extreme ? fabs(y) + 1e-6 : 1 + largest);
        if (!isfinite(e)) e = INFINITY;
        if (e <= error) continue;
        error = e;
        *worst = k;
    }
    return error;
}

double g_error(const garray *a, const garray *b)
{
    int64_t worst;

    return g_same_shape(a, b) ? array_error(a, b, false, &worst) : INFINITY;
}

gcheck g_worse(gcheck a, gcheck b)
{
    gcheck w = b.error > a.error || !a.where[0] ? b : a;

    w.count = a.count + b.count;
    w.over = fmax(a.over, b.over);
    return w;
}

static char *shape_text(const garray *a, char *text, size_t size)
{
    size_t at = (size_t)snprintf(text, size, "[");

    for (int k = 0; k < a->rank && at < size; k++)
        at +=
            (size_t)snprintf(text + at, size - at, "%s%lld", k ? " x " : "", (long long)a->dim[k]);
    if (at < size) snprintf(text + at, size - at, "]");
    return text;
}

static gcheck compare(const garray *a, const garray *b, bool extreme)
{
    gcheck check = { 0, 0, g_count(b), "" };
    char x[80], y[80];
    int64_t worst;

    if (!a) {
        check.error = INFINITY;
        snprintf(check.where, sizeof check.where, "%s is missing", b->name);
    } else if (!g_same_shape(a, b)) {
        check.error = INFINITY;
        snprintf(check.where, sizeof check.where, "%s is %s, not %s", b->name,
                 shape_text(a, x, sizeof x), shape_text(b, y, sizeof y));
    } else {
        check.error = array_error(a, b, extreme, &worst);
        if (check.count > 0)
            snprintf(check.where, sizeof check.where, "%s[%lld] is %.17g, wanted %.17g", b->name,
                     (long long)worst, number(a, worst), number(b, worst));
    }
    return check;
}

static gcheck failed(const char *what, const char *name)
{
    gcheck check = { INFINITY, INFINITY, 0, "" };

    snprintf(check.where, sizeof check.where, what, name);
    return check;
}

static bool is_extreme(const gcase *c)
{
    return strstr(c->name, "extreme magnitudes") || strstr(c->note, "1e-9*|b| + 1e-15");
}

gcheck g_check_golden(const gcase *c, const gresult *r, gsection s)
{
    const glist *a = &r->section[s], *b = &c->section[s];
    gcheck check = { 0, 0, 0, "" };

    for (int k = 0; k < b->n; k++) {
        gcheck one = compare(g_find(a, b->at[k].name), &b->at[k], is_extreme(c));

        one.over = one.error / g_tolerance(c, s);
        check = g_worse(check, one);
    }
    return check;
}

gcheck g_check_results(const gresult *a, const gresult *b, gsection s)
{
    const glist *from = &b->section[s];
    gcheck check = { 0, 0, 0, "" };

    for (int k = 0; k < from->n; k++)
        check =
            g_worse(check, compare(g_find(&a->section[s], from->at[k].name), &from->at[k], false));
    return check;
}

gcheck g_check_between(const gcase *c, const gresult *a, const gresult *b, gsection s)
{
    gcheck check = { 0, 0, 0, "" };

    for (int k = 0; k < c->section[s].n; k++) {
        const char *name = c->section[s].at[k].name;
        const garray *to = g_find(&b->section[s], name);

        check = g_worse(check, to ? compare(g_find(&a->section[s], name), to, is_extreme(c))
                                  : failed("%s is missing", name));
    }
    return check;
}

double g_tolerance(const gcase *c, gsection s)
{
    /* Second derivatives, and sums that run through several batch norms. */
    static const char *const loose[] = { "double backward", "second-order", "BernoulliVAE",
                                         "SkipConnection" };

    if (strcmp(c->subject, "schedulers") == 0) return 1e-12;
    if (s == G_OUTPUT) return 1e-9;
    if (strcmp(c->subject, "WGAN_GP") == 0) return 1e-8;
    for (size_t k = 0; k < sizeof loose / sizeof loose[0]; k++)
        if (strstr(c->subject, loose[k])) return 1e-8;
    return 1e-9;
}

/* ---- central differences ---- */

/* S at one end of a step minus S at the other, taken element by element: what is equal in both
 * leaves no rounding behind. False when a forward fails or gives what the case has no shape for. */
static bool difference(const gsubject *s, gcase *c, double *x, double h, double *d)
{
    gresult up = { 0 }, down = { 0 };
    double at = *x, from, to;
    long double sum = 0;
    bool ok;

    *x = to = at + h;
    ok = s->forward(c, &up);
    *x = from = at - h;
    ok = ok && s->forward(c, &down);
    *x = at;
    for (int k = 0; ok && k < c->section[G_OUTPUT_GRAD].n; k++) {
        const garray *g = &c->section[G_OUTPUT_GRAD].at[k];
        const garray *a = g_find(&up.section[G_OUTPUT], g->name);
        const garray *b = g_find(&down.section[G_OUTPUT], g->name);

        ok = a && b && a->f && b->f && g->f && g_same_shape(a, g) && g_same_shape(b, g);
        for (int64_t i = 0; ok && i < g_count(g); i++)
            sum += (long double)g->f[i] * ((long double)a->f[i] - (long double)b->f[i]);
    }
    *d = (double)(sum / ((long double)to - (long double)from));
    g_result_free(&up);
    g_result_free(&down);
    return ok;
}

/*
 * dS/dx by Richardson's extrapolation of two central differences, with a step that shrinks until
 * both agree: a kink within the step, or a third derivative too large for it, keeps them apart.
 * Nothing here looks at the gradient under test. When none agrees, that of the closest pair.
 */
static bool derivative(const gsubject *s, gcase *c, double *x, double *d)
{
    double best = INFINITY, scale = fmax(fabs(*x), 0.1);

    *d = NAN;
    for (double step = 1e-3; step > 5e-8; step /= 10) {
        double whole, half, apart;

        if (!difference(s, c, x, step * scale, &whole) ||
            !difference(s, c, x, step * scale / 2, &half))
            return false;
        apart = fabs(half - whole);
        if (!(apart < best)) continue;
        best = apart;
        *d = (4 * half - whole) / 3;
        if (apart <= 1e-6 * (1 + fabs(half))) break;
    }
    return true;
}

/*
 * Whether S has a kink at x itself, as at equal elements under a maximum: the slopes to both sides
 * differ by as much in a hundredth of the step, where those of a smooth function would differ by a
 * hundredth. There is no derivative then, and a gradient is right between the two slopes.
 */
static bool kink(const gsubject *s, gcase *c, double *x, double *low, double *high)
{
    double scale = fmax(fabs(*x), 0.1), at = *x, side[2], jump[2];

    for (int k = 0; k < 2; k++) {
        double step = (k ? 1e-6 : 1e-4) * scale / 2;

        for (int right = 0; right < 2; right++) {
            bool ok;

            *x = right ? at + step : at - step; /* the middle of the step to this side */
            ok = difference(s, c, x, step, &side[right]);
            *x = at;
            if (!ok) return false;
        }
        jump[k] = fabs(side[1] - side[0]);
    }
    *low = fmin(side[0], side[1]);
    *high = fmax(side[0], side[1]);
    return jump[1] > 0.5 * jump[0] && jump[1] > 1e-6 * (1 + fabs(side[0]) + fabs(side[1]));
}

static bool is_constant(const gsubject *s, const char *name)
{
    size_t n = strlen(name);

    for (const char *p = s->constants; p && *p; p += strcspn(p, " ")) {
        p += strspn(p, " ");
        if (strncmp(p, name, n) == 0 && (p[n] == ' ' || p[n] == '\0')) return true;
    }
    return false;
}

/* One gradient of the result against differences in the array of the case it belongs to. */
static gcheck check_gradient(const gsubject *s, gcase *c, gsection from, const garray *grad,
                             uint64_t *seed)
{
    const garray *x = g_find(&c->section[from], grad->name);
    int64_t n = g_count(grad), take = n < 40 ? n : 40;
    gcheck check = { 0, 0, take, "" };
    double largest = 0;

    if (!x || !x->f || !g_same_shape(x, grad))
        return failed("the gradient of %s is of no array of the case", grad->name);
    for (int64_t k = 0; k < n; k++) largest = fmax(largest, fabs(grad->f[k]));
    for (int64_t k = 0; k < take; k++) {
        int64_t at = k;
        double d, e, low, high;

        if (take < n) {
            *seed = *seed * 6364136223846793005u + 1442695040888963407u;
            at = (int64_t)((*seed >> 33) % (uint64_t)n);
        }
        if (!derivative(s, c, &x->f[at], &d)) return failed("forward fails beside %s", x->name);
        e = fabs(grad->f[at] - d) / (1 + largest);
        if (!isfinite(e)) e = INFINITY;
        if (e < check.error) continue;
        if (e > 1e-7 && kink(s, c, &x->f[at], &low, &high)) {
            e = fmax(0, fmax(low - grad->f[at], grad->f[at] - high)) / (1 + largest);
            if (e < check.error) continue;
        }
        check.error = e;
        snprintf(check.where, sizeof check.where, "d%s[%lld] is %.17g, differences give %.17g",
                 x->name, (long long)at, grad->f[at], d);
        if (isinf(e)) break;
    }
    return check;
}

gcheck g_check_differences(const gsubject *s, gcase *c)
{
    static const gsection from[2] = { G_INPUT, G_PARAM }, to[2] = { G_INPUT_GRAD, G_PARAM_GRAD };
    gcheck check = { 0, 0, 0, "" };
    gresult r = { 0 };
    uint64_t seed = 20220108;

    if (c->section[G_OUTPUT_GRAD].n == 0) return check;
    if (!s->backward || !s->backward(c, &r)) {
        g_result_free(&r);
        return failed("%s has no backward for this case", s->subject);
    }
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < c->section[to[k]].n; i++)
            if (!g_find(&r.section[to[k]], c->section[to[k]].at[i].name))
                check = g_worse(check, failed("d%s is missing", c->section[to[k]].at[i].name));
        for (int i = 0; i < r.section[to[k]].n; i++) {
            const garray *grad = &r.section[to[k]].at[i];

            if (from[k] == G_INPUT && is_constant(s, grad->name)) continue;
            check = g_worse(check, check_gradient(s, c, from[k], grad, &seed));
        }
    }
    g_result_free(&r);
    return check;
}
