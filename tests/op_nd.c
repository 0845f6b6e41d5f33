/* op_nd.c: arrays of the references. */
#include "op_cases.h"

#include <stdarg.h>
#include <stdlib.h>

void *room(int64_t n, size_t size)
{
    void *p = calloc((size_t)(n > 0 ? n : 1), size);

    if (!p) {
        fprintf(stderr, "out of memory\n");
        exit(1);
    }
    return p;
}

nd nd_new(int rank, const int64_t *dim)
{
    nd a = { .rank = rank };

    for (int i = 0; i < rank; i++) a.dim[i] = dim[i];
    a.v = room(nd_count(&a), sizeof *a.v);
    return a;
}

nd nd_of(int rank, ...)
{
    int64_t dim[WG_MAX_RANK] = { 0 };
    va_list args;

    va_start(args, rank);
    for (int i = 0; i < rank; i++) dim[i] = va_arg(args, int);
    va_end(args);
    return nd_new(rank, dim);
}

void nd_free(nd *a)
{
    free(a->v);
    a->v = NULL;
}

int64_t nd_count(const nd *a)
{
    int64_t n = 1;

    for (int i = 0; i < a->rank; i++) n *= a->dim[i];
    return n;
}

int64_t nd_at(const nd *a, ...)
{
    int64_t at = 0;
    va_list args;

    va_start(args, a);
    for (int i = 0; i < a->rank; i++) at = at * a->dim[i] + va_arg(args, int);
    va_end(args);
    return at;
}

/* Position in a of the element that broadcasting puts beside index tuple i of a result of this rank. */
static int64_t beside(const nd *a, int rank, const int64_t *i)
{
    int64_t at = 0;

    for (int k = 0; k < a->rank; k++) {
        int64_t ik = i[k + rank - a->rank];

        at = at * a->dim[k] + (a->dim[k] == 1 ? 0 : ik);
    }
    return at;
}

/* The next index tuple in row-major order. */
static void step(int rank, const int64_t *dim, int64_t *i)
{
    for (int k = rank - 1; k >= 0; k--) {
        if (++i[k] < dim[k]) return;
        i[k] = 0;
    }
}

nd nd_map(nd_map_fn *f, int n, const nd *x)
{
    int64_t dim[WG_MAX_RANK] = { 0 }, i[WG_MAX_RANK] = { 0 };
    int rank = 0;
    nd y;

    for (int k = 0; k < n; k++)
        if (x[k].rank > rank) rank = x[k].rank;
    for (int a = 0; a < rank; a++) {
        dim[a] = 1;
        for (int k = 0; k < n; k++) {
            int b = a - (rank - x[k].rank);

            if (b >= 0 && x[k].dim[b] != 1) dim[a] = x[k].dim[b];
        }
    }
    y = nd_new(rank, dim);
    for (int64_t e = 0; e < nd_count(&y); e++, step(rank, dim, i)) {
        double a[MAX_IN] = { 0 };

        for (int k = 0; k < n; k++) a[k] = x[k].v[beside(&x[k], rank, i)];
        y.v[e] = f(a);
    }
    return y;
}

nd nd_fold(const nd *x, unsigned set, bool keep, nd_fold_fn *f)
{
    int64_t group[WG_MAX_RANK], i[WG_MAX_RANK] = { 0 };
    double *line = room(nd_count(x), sizeof *line);
    nd full, y;
    int rank = 0;

    for (int a = 0; a < x->rank; a++) group[a] = set >> a & 1 ? 1 : x->dim[a];
    full = nd_new(x->rank, group);
    for (int64_t e = 0; e < nd_count(&full); e++, step(x->rank, group, i)) {
        int64_t j[WG_MAX_RANK] = { 0 }, n = 0;

        for (int64_t s = 0; s < nd_count(x); s++, step(x->rank, x->dim, j)) {
            bool in = true;

            for (int a = 0; a < x->rank; a++) in &= (set >> a & 1) || i[a] == j[a];
            if (in) line[n++] = x->v[s];
        }
        full.v[e] = f(line, n);
    }
    free(line);
    if (keep) return full;
    y = full;
    for (int a = 0; a < x->rank; a++)
        if (!(set >> a & 1)) y.dim[rank++] = x->dim[a];
    y.rank = rank;
    return y;
}
