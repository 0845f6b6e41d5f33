/*
 * The product of gemm.c for one element type, REAL: what is the same at every level, and reaches
 * that level through its kit (tiles.c).
 */

typedef struct {
    const KIT *kit;
    const wg__product *p;
    const REAL *a, *b;
    REAL *c;
    split s;
    char *scratch;
} OF(gemm_job);

/* A block of op(a), m rows of k, copied together: ta says along which side it lies. */
static void OF(copy_block)(bool ta, int64_t m, int64_t k, const REAL *a, int64_t lda, REAL *to,
                           int64_t ld)
{
    int64_t rows = ta ? k : m, n = ta ? m : k;

    for (int64_t i = 0; i < rows; i++) memcpy(to + i * ld, a + i * lda, (size_t)n * sizeof(REAL));
}

static void OF(gemm_part)(const OF(gemm_job) * g, int64_t i0, int64_t m, int64_t j0, int64_t n,
                          char *scratch)
{
    const wg__product *p = g->p;
    const REAL *row[ROWS];
    REAL *to[ROWS], *packed = (REAL *)scratch;
    bool bare = wg__gemm_direct(p, m, g->kit->whole);
    /* Columns are read across cache lines, far apart where rows are long; rows that lie a large
     * power of two apart fall on the same few sets of the cache: then a copy is faster. */
    int64_t apart = p->lda * (int64_t)sizeof(REAL);
    bool copied = m > 4 && n > 4 * g->kit->lanes && (p->ta ? apart > 1024 : apart % 2048 == 0);
    size_t behind = copied ? (size_t)packed_count(p, &g->s, sizeof(REAL)) * sizeof(REAL) : 0;
    REAL *copy = (REAL *)(scratch + wg__lines(behind));
    int64_t block = wg__gemm_block(p->k);

    for (int64_t j = 0; j < n; j += COLUMNS)
        for (int64_t k = 0; k < p->k; k += block) {
            wg__run run = { 0, wg__least(p->k - k, block) };
            const REAL *b = g->b + (p->tb ? (j0 + j) * p->ldb + k : k * p->ldb + j0 + j);
            wg__sum s = { 1,
                          &run,
                          p->ta ? p->lda : 1,
                          run.len,
                          wg__least(n - j, COLUMNS),
                          bare ? p->ldb : 0,
                          k > 0,
                          NULL,
                          p->ld_onto };

            if (!bare) g->kit->pack(run.len, s.n, b, p->ldb, p->tb, packed, run.len, 0);
            for (int64_t i = 0; i < m; i += ROWS) {
                int64_t rows = wg__least(m - i, ROWS), next = p->ta ? 1 : p->lda;
                const REAL *a = g->a + (p->ta ? k * p->lda + i0 + i : (i0 + i) * p->lda + k);

                if (copied) {
                    int64_t ld = (p->ta ? rows : run.len) + SLACK;

                    OF(copy_block)(p->ta, rows, run.len, a, p->lda, copy, ld);
                    a = copy;
                    next = p->ta ? 1 : ld;
                    s.step = p->ta ? ld : 1;
                }
                for (int64_t r = 0; r < rows; r++) {
                    row[r] = a + r * next;
                    to[r] = g->c + (i0 + i + r) * p->ldc + j0 + j;
                }
                if (p->onto) s.onto = (const REAL *)p->onto + (i0 + i) * p->ld_onto + j0 + j;
                g->kit->tiles(&s, rows, row, bare ? b : packed, to);
            }
        }
}

static void OF(gemm_at)(const OF(gemm_job) * g, int64_t i, int64_t j, char *scratch)
{
    const wg__product *p = g->p;
    int64_t m = wg__least(p->m - i, g->s.rows), n = wg__least(p->n - j, g->s.columns);

    if (m <= 0 || n <= 0) return;
    if (p->k == 1 && (!p->tb || p->ldb == 1))
        g->kit->outer(m, n, g->a + i * (p->ta ? 1 : p->lda), p->ta ? 1 : p->lda, g->b + j,
                      g->c + i * p->ldc + j, p->ldc, wg__as_dots(p));
    else if (wg__as_dots(p)) g->kit->dots(p, g->a, g->b + j * p->ldb, g->c + j, n);
    else OF(gemm_part)(g, i, m, j, n, scratch);
}

void OF(wg__gemm_one)(const KIT *kit, const wg__product *p, const REAL *a, const REAL *b, REAL *c,
                      void *scratch)
{
    OF(gemm_job) job = { kit, p, a, b, c, { 1, 1, p->m, p->n }, scratch };

    OF(gemm_part)(&job, 0, p->m, 0, p->n, scratch);
}

static void OF(gemm_parts)(void *arg, int64_t lo, int64_t hi)
{
    const OF(gemm_job) *g = arg;
    size_t bytes = part_bytes(g->p, &g->s, sizeof(REAL));

    for (int64_t part = lo; part < hi; part++)
        OF(gemm_at)
        (g, part / g->s.across * g->s.rows, part % g->s.across * g->s.columns,
         g->scratch + (size_t)part * bytes);
}

void OF(wg__gemm)(const KIT *kit, const wg__product *given, const REAL *a, const REAL *b, REAL *c,
                  void *scratch, int threads)
{
    bool turned;
    wg__product p = wg__upright(given, &turned);
    const REAL *left = turned ? b : a, *right = turned ? a : b;
    OF(gemm_job) job = { kit, &p, left, right, c, split_of(&p, sizeof(REAL), threads), scratch };
    int64_t parts = (int64_t)job.s.down * job.s.across;

    if (p.m == 0 || p.n == 0) return;
    if (p.k == 0) {
        for (int64_t i = 0; i < p.m; i++) memset(c + i * p.ldc, 0, (size_t)p.n * sizeof(REAL));
        return;
    }
    if (kit->blas && wg__blas_takes(&p)) {
        wg__blas_gemm(&p, sizeof(REAL), job.a, job.b, c, threads);
        return;
    }
    if (parts == 1)
        OF(gemm_at)(&job, 0, 0, scratch); /* small products: no division is affordable */
    else wg_parallel(threads, parts, 1, OF(gemm_parts), &job);
}
