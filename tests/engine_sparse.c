/* engine_sparse.c: golden cases of SparseEvolution without a forward pass: what an evolution step
 * cuts, and how dense the first connections are. */
#include <stdlib.h>

#include "engine.h"

/* n_connections is what a step leaves: as many are grown as were cut. */
static bool pruning(const gcase *c, wg_dtype real, gresult *r)
{
    const garray *w = g_in(c, "W"), *m = g_in(c, "W_mask");
    wg_array weight = engine_array(w, real), mask;
    int64_t n = g_count(w), cut = 0, left = 0, k, *after, *dropped;
    garray as_real = *m;

    as_real.dtype = G_F64;
    as_real.f = calloc((size_t)n + 1, sizeof *as_real.f);
    for (int64_t i = 0; i < n; i++) as_real.f[i] = m->i ? (double)m->i[i] : m->f[i];
    mask = engine_array(&as_real, real);
    k = wg_sparse_prune(weight, mask, g_num(c, "zeta", 0.3));
    after = g_put_i(r, G_OUTPUT, "mask_after_pruning", m->rank, m->dim, NULL);
    dropped = g_put_i(r, G_OUTPUT, "dropped_flat_indices", 1, &k, NULL);
    for (int64_t i = 0; i < n && after && dropped; i++) {
        double one = real == WG_F32 ? (double)((float *)mask.data)[i] : ((double *)mask.data)[i];

        after[i] = one != 0;
        left += one != 0;
        if (as_real.f[i] != 0 && one == 0) dropped[cut++] = i;
    }
    left += cut;
    free(as_real.f);
    free(weight.data);
    free(mask.data);
    return after && dropped && cut == k && g_put_i(r, G_OUTPUT, "n_rewired", 0, NULL, &k) &&
           g_put_i(r, G_OUTPUT, "n_connections", 0, NULL, &left);
}

bool engine_sparse(const gcase *c, wg_dtype real, gresult *r)
{
    if (g_in(c, "W") && g_in(c, "W_mask")) return pruning(c, real, r);
    return g_put_num(
        r, G_OUTPUT, "p",
        wg_sparse_density(g_num(c, "epsilon", 20), g_int(c, "n_in", 0), g_int(c, "n_out", 0)));
}
