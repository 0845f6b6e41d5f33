/* The kernels of hand.c, in f32, for one level: included through each_real.h only. Lines have LINE
 * elements, a multiple of 4 vectors, and start at multiples of 64 bytes. */
#if BITS == 32

#if LEVEL == 2
#define STREAM(p, v) _mm512_stream_ps(p, v)
#elif LEVEL == 1
#define STREAM(p, v) _mm256_stream_ps(p, v)
#elif WG_X86
#define STREAM(p, v) _mm_stream_ps(p, v)
#else
#define STREAM(p, v) VSTORE(p, v)
#endif

/* In each loop over a line four vectors go side by side; `w` counts them. */
#define EACH4                                                                                      \
    WG_UNROLL                                                                                      \
    for (int w = 0; w < 4; w++)
#define AT(p)     VLOAD((p) + i + w * VN)
#define TO(p, v)  VSTORE((p) + i + w * VN, v)
#define OUT(p, v) STREAM((p) + i + w * VN, v)
/* What lies two lines ahead comes into the cache meanwhile. */
#define ASK(p) __builtin_prefetch((p) + i + w * VN + 2 * LINE)

static REAL FN(across)(const V *x)
{
    REAL lane[VN], sum = 0;

    VSTORE(lane, (x[0] + x[1]) + (x[2] + x[3]));
    for (int i = 0; i < VN; i++) sum += lane[i];
    return sum;
}

/* y = softmax(x), dx = y (dy - sum(dy y)). */
static void FN(softmax_lines)(const REAL *x, const REAL *dy, REAL *y, REAL *dx, int64_t lines)
{
    _Alignas(64) REAL e[LINE];

    for (; lines > 0; lines--, x += LINE, dy += LINE, y += LINE, dx += LINE) {
        V top[4], sum[4], scale;
        REAL lane[VN], most;

        for (int w = 0; w < 4; w++) top[w] = VLOAD(x + w * VN), sum[w] = VSPLAT(0);
        for (int i = 4 * VN; i < LINE; i += 4 * VN) EACH4 top[w] = vmax_raw(top[w], AT(x));
        VSTORE(lane, vmax_raw(vmax_raw(top[0], top[1]), vmax_raw(top[2], top[3])));
        most = lane[0];
        for (int i = 1; i < VN; i++) most = lane[i] > most ? lane[i] : most;
        for (int i = 0; i < LINE; i += 4 * VN) {
            EACH4
            {
                V v = FN(vexp)(AT(x) - most);

                ASK(x);
                TO(e, v);
                sum[w] += v;
            }
        }
        scale = VSPLAT(1 / FN(across)(sum));
        for (int w = 0; w < 4; w++) sum[w] = VSPLAT(0);
        for (int i = 0; i < LINE; i += 4 * VN) {
            EACH4
            {
                V v = AT(e) * scale;

                ASK(dy);
                TO(e, v);
                OUT(y, v);
                sum[w] = FN(vfma)(v, AT(dy), sum[w]);
            }
        }
        scale = VSPLAT(FN(across)(sum));
        for (int i = 0; i < LINE; i += 4 * VN) EACH4 OUT(dx, AT(e) * (AT(dy) - scale));
    }
}

/* y = gelu(n g + b), where n = (s - mean s) / sqrt(var s + 1e-5) and s = x + r; ds, which is the
 * gradient by x and by r; sums of those by g and b are added to dg and db. Without `functions` erf z
 * and e^z are taken to be z: what the rest costs. */
WG_INLINE void FN(layernorm)(const bool functions, const REAL *x, const REAL *r, const REAL *g,
                             const REAL *b, const REAL *dy, REAL *y, REAL *ds, REAL *dg, REAL *db,
                             int64_t lines)
{
    _Alignas(64) REAL n[LINE], dn[LINE];

    for (; lines > 0; lines--, x += LINE, r += LINE, dy += LINE, y += LINE, ds += LINE) {
        V sum[4], dot[4], mean, scale;

        for (int w = 0; w < 4; w++) sum[w] = dot[w] = VSPLAT(0);
        for (int i = 0; i < LINE; i += 4 * VN) {
            EACH4
            {
                V s = AT(x) + AT(r);

                ASK(x);
                TO(n, s);
                sum[w] += s;
            }
        }
        mean = VSPLAT(FN(across)(sum) / LINE);
        for (int i = 0; i < LINE; i += 4 * VN) {
            EACH4
            {
                V s = AT(n) - mean;

                ASK(r);
                TO(n, s);
                dot[w] = FN(vfma)(s, s, dot[w]);
            }
        }
        scale = VSPLAT(1 / sqrtf(FN(across)(dot) / LINE + 1e-5f));
        for (int w = 0; w < 4; w++) sum[w] = dot[w] = VSPLAT(0);
        for (int i = 0; i < LINE; i += 4 * VN) {
            EACH4
            {
                V v = AT(n) * scale, z = FN(vfma)(v, AT(g), AT(b)),
                  half = z * (REAL)0.70710678118654752, square = z * z * (REAL)-0.5, up = AT(dy),
                  part, slope;

                ASK(dy);
                part = (functions ? FN(verf)(half) : half) * (REAL)0.5 + (REAL)0.5;
                slope = (functions ? FN(vexp)(square) : square) * (REAL)0.39894228040143268;
                OUT(y, z * part);
                up = up * FN(vfma)(z, slope, part);
                TO(n, v);
                TO(dg, FN(vfma)(up, v, AT(dg)));
                TO(db, AT(db) + up);
                up = up * AT(g);
                TO(dn, up);
                sum[w] += up;
                dot[w] = FN(vfma)(up, v, dot[w]);
            }
        }
        mean = VSPLAT(FN(across)(sum) / LINE);
        {
            V by = VSPLAT(FN(across)(dot) / LINE);

            for (int i = 0; i < LINE; i += 4 * VN)
                EACH4 OUT(ds, scale * ((AT(dn) - mean) - AT(n) * by));
        }
    }
}

static void FN(layernorm_lines)(bool functions, const REAL *x, const REAL *r, const REAL *g,
                                const REAL *b, const REAL *dy, REAL *y, REAL *ds, REAL *dg,
                                REAL *db, int64_t lines)
{
    if (functions) FN(layernorm)(true, x, r, g, b, dy, y, ds, dg, db, lines);
    else FN(layernorm)(false, x, r, g, b, dy, y, ds, dg, db, lines);
}

/* Two results of two operands, or of three: reading and writing alone. */
static void FN(bare_lines)(const REAL *x, const REAL *r, const REAL *dy, REAL *y, REAL *dx,
                           int64_t lines)
{
    for (; lines > 0; lines--, x += LINE, dy += LINE, y += LINE, dx += LINE, r += r ? LINE : 0) {
        for (int i = 0; i < LINE; i += 4 * VN) {
            EACH4
            {
                V a = r ? AT(x) + AT(r) : AT(x), b = AT(dy);

                OUT(y, a + b);
                OUT(dx, a - b);
            }
        }
    }
}

/* ---- rows of tables, n numbers each ---- */

/* y = factor times the sum of `count` rows of the table; the rows of `next` are asked for. */
static void FN(sum_rows)(const REAL *table, const int64_t *row, const int64_t *next, int count,
                         REAL factor, REAL *y, int64_t n)
{
    int64_t i = 0;

    for (; i < n; i += VN) {
        int here = n - i < VN ? (int)(n - i) : VN;
        V sum = VSPLAT(0);

        for (int k = 0; k < count; k++) {
            sum += VLOAD_N(table + row[k] * n + i, here);
            if (next) __builtin_prefetch(table + next[k] * n + i);
        }
        VSTORE_N(y + i, sum * factor, here);
    }
}

static REAL FN(dot)(const REAL *a, const REAL *b, int64_t n)
{
    V sum[4] = { VSPLAT(0), VSPLAT(0), VSPLAT(0), VSPLAT(0) };

    for (int64_t i = 0; i < n; i += VN) {
        int here = n - i < VN ? (int)(n - i) : VN;

        sum[i / VN % 4] = FN(vfma)(VLOAD_N(a + i, here), VLOAD_N(b + i, here), sum[i / VN % 4]);
    }
    return FN(across)(sum);
}

/* y += factor x */
static void FN(add_row)(REAL factor, const REAL *x, REAL *y, int64_t n)
{
    V by = VSPLAT(factor);

    for (int64_t i = 0; i < n; i += VN) {
        int here = n - i < VN ? (int)(n - i) : VN;
        V v = FN(vfma)(VLOAD_N(x + i, here), by, VLOAD_N(y + i, here));

        if (here == VN) VSTORE(y + i, v);
        else VSTORE_N(y + i, v, here);
    }
}

/* Of n numbers z: z becomes 1 / (1 + e^-z). Returns the sum of log(1 + e^z). */
static REAL FN(noise)(REAL *z, int64_t n)
{
    V sum[4] = { VSPLAT(0), VSPLAT(0), VSPLAT(0), VSPLAT(0) };

    for (int64_t i = 0; i < n; i += VN) {
        V v = VLOAD(z + i);

        sum[0] += FN(vsoftplus)(v);
        VSTORE(z + i, FN(vsigmoid)(v));
    }
    return FN(across)(sum);
}

#undef EACH4
#undef AT
#undef TO
#undef OUT
#undef ASK
#undef STREAM
#endif
