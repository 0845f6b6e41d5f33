/* The kernels of limits.c, in f32, for one level: included through each_real.h only. */
#if BITS == 32

/* Stores that go past the cache. */
#if LEVEL == 2
#define STREAM(p, v) _mm512_stream_ps(p, v)
#elif LEVEL == 1
#define STREAM(p, v) _mm256_stream_ps(p, v)
#elif WG_X86
#define STREAM(p, v) _mm_stream_ps(p, v)
#else
#define STREAM(p, v) VSTORE(p, v)
#endif

enum { FN(chains) = 12, FN(wide) = 8 };

/* n times as many multiplications and additions as fit in `chains` vectors, none waiting for
 * another of its round. */
static void FN(peak)(REAL *keep, int64_t n)
{
    V x[FN(chains)], sum = VSPLAT(0), a = VSPLAT((REAL)0.999), b = VSPLAT(keep[0]);

    for (int i = 0; i < FN(chains); i++) x[i] = VSPLAT(keep[i]);
    for (; n > 0; n--) {
        WG_UNROLL
        for (int i = 0; i < FN(chains); i++) x[i] = FN(vfma)(x[i], a, b);
    }
    for (int i = 0; i < FN(chains); i++) sum += x[i];
    VSTORE(keep, sum);
}

/* Operations of one round. */
static int64_t FN(peak_ops)(void)
{
    return (int64_t)FN(chains) * VN * 2;
}

/* ---- memory: n elements, a multiple of 8 vectors, of aligned arrays ---- */

/* From four places at a time. */
static void FN(read)(REAL *y, REAL *a, REAL *b, int64_t n)
{
    V sum[FN(wide)], total = VSPLAT(0);
    int64_t quarter = n / 4;

    (void)b;
    for (int k = 0; k < FN(wide); k++) sum[k] = VSPLAT(0);
    for (int64_t i = 0; i < quarter; i += 2 * VN) {
        WG_UNROLL
        for (int k = 0; k < FN(wide); k++) sum[k] += VLOAD(a + i + k / 2 * quarter + k % 2 * VN);
    }
    for (int k = 0; k < FN(wide); k++) total += sum[k];
    VSTORE(y, total);
}

static void FN(write)(REAL *y, REAL *a, REAL *b, int64_t n)
{
    V c = VSPLAT(a[0]);

    (void)b;
    for (int64_t i = 0; i < n; i += FN(wide) * VN) {
        WG_UNROLL
        for (int k = 0; k < FN(wide); k++) STREAM(y + i + k * VN, c);
    }
}

static void FN(copy)(REAL *y, REAL *a, REAL *b, int64_t n)
{
    (void)b;
    for (int64_t i = 0; i < n; i += FN(wide) * VN) {
        WG_UNROLL
        for (int k = 0; k < FN(wide); k++) STREAM(y + i + k * VN, VLOAD(a + i + k * VN));
    }
}

static void FN(triad)(REAL *y, REAL *a, REAL *b, int64_t n)
{
    for (int64_t i = 0; i < n; i += FN(wide) * VN) {
        WG_UNROLL
        for (int k = 0; k < FN(wide); k++)
            STREAM(y + i + k * VN, VLOAD(a + i + k * VN) + VLOAD(b + i + k * VN));
    }
}

/* Written where it was read, as an optimiser does. */
static void FN(update)(REAL *y, REAL *a, REAL *b, int64_t n)
{
    V c = VSPLAT((REAL)1e-6);

    (void)b;
    for (int64_t i = 0; i < n; i += FN(wide) * VN) {
        WG_UNROLL
        for (int k = 0; k < FN(wide); k++)
            VSTORE(y + i + k * VN, FN(vfma)(VLOAD(a + i + k * VN), c, VLOAD(y + i + k * VN)));
    }
}

/* ---- elementary functions ---- */

#define MAP(f)                                                                                     \
    static void FN(map_##f)(REAL * y, const REAL *x, int n)                                        \
    {                                                                                              \
        for (int i = 0; i < n; i += VN) VSTORE(y + i, FN(v##f)(VLOAD(x + i)));                     \
    }
MAP(exp)
MAP(log)
MAP(log1p)
MAP(tanh)
MAP(sigmoid)
MAP(erf)
#undef MAP

/* ---- the step of tiny_mlp by hand ---- */

#define HIDDEN   16
#define PIECES   (HIDDEN / VN)
#define AT(p)    VLOAD((p) + k * VN)
#define PIECE    for (int k = 0; k < PIECES; k++)
#define TO(p, v) VSTORE((p) + k * VN, v)

/* Numbers lie as `tiny_weights` says; of the middle weights there is a transposed copy, kept up to
 * date as they are, so that no sum goes across a vector. Returns the loss before the step. */
static REAL FN(tiny_step)(void *weights, const void *x_of, double target, double rate)
{
    REAL *w = weights, *W1 = w, *b1 = W1 + 3 * HIDDEN, *W2 = b1 + HIDDEN,
         *T2 = W2 + HIDDEN * HIDDEN, *b2 = T2 + HIDDEN * HIDDEN, *W3 = b2 + HIDDEN,
         *b3 = W3 + HIDDEN, h1[HIDDEN], dz2[HIDDEN], y = 0, d, lane[VN];
    const REAL *x = x_of;
    V z[PIECES], h[PIECES], g[PIECES], s = VSPLAT(0), step = VSPLAT((REAL)-rate);

    WG_UNROLL
    PIECE
    {
        V v = FN(vfma)(AT(W1), VSPLAT(x[0]), AT(b1));

        v = FN(vfma)(AT(W1 + HIDDEN), VSPLAT(x[1]), v);
        z[k] = FN(vtanh)(FN(vfma)(AT(W1 + 2 * HIDDEN), VSPLAT(x[2]), v));
        TO(h1, z[k]);
    }
    WG_UNROLL
    PIECE
    {
        V even = AT(b2), odd = VSPLAT(0);

        WG_UNROLL
        for (int i = 0; i < HIDDEN; i += 2) {
            even = FN(vfma)(AT(W2 + i * HIDDEN), VSPLAT(h1[i]), even);
            odd = FN(vfma)(AT(W2 + (i + 1) * HIDDEN), VSPLAT(h1[i + 1]), odd);
        }
        h[k] = FN(vtanh)(even + odd);
        s += h[k] * AT(W3);
    }
    VSTORE(lane, s);
    WG_UNROLL
    for (int n = VN / 2; n > 0; n /= 2)
        for (int i = 0; i < n; i++) lane[i] += lane[i + n];
    y = lane[0] + b3[0];
    d = 2 * (y - (REAL)target);

    WG_UNROLL
    PIECE
    {
        g[k] = AT(W3) * VSPLAT(d) * (VSPLAT(1) - h[k] * h[k]);
        TO(dz2, g[k]);
        TO(W3, FN(vfma)(h[k] * VSPLAT(d), step, AT(W3)));
        TO(b2, FN(vfma)(g[k], step, AT(b2)));
    }
    b3[0] -= (REAL)rate * d;
    WG_UNROLL
    PIECE
    {
        V even = VSPLAT(0), odd = VSPLAT(0), by_h = z[k] * step, by_g = g[k] * step;

        WG_UNROLL
        for (int i = 0; i < HIDDEN; i += 2) {
            V a = AT(T2 + i * HIDDEN), b = AT(T2 + (i + 1) * HIDDEN);

            even = FN(vfma)(a, VSPLAT(dz2[i]), even);
            odd = FN(vfma)(b, VSPLAT(dz2[i + 1]), odd);
            TO(T2 + i * HIDDEN, FN(vfma)(by_h, VSPLAT(dz2[i]), a));
            TO(T2 + (i + 1) * HIDDEN, FN(vfma)(by_h, VSPLAT(dz2[i + 1]), b));
        }
        WG_UNROLL
        for (int i = 0; i < HIDDEN; i++)
            TO(W2 + i * HIDDEN, FN(vfma)(by_g, VSPLAT(h1[i]), AT(W2 + i * HIDDEN)));
        even = (even + odd) * (VSPLAT(1) - z[k] * z[k]);
        TO(b1, FN(vfma)(even, step, AT(b1)));
        for (int i = 0; i < 3; i++)
            TO(W1 + i * HIDDEN, FN(vfma)(even * VSPLAT(x[i]), step, AT(W1 + i * HIDDEN)));
    }
    d = y - (REAL)target;
    return d * d;
}

#undef HIDDEN
#undef PIECES
#undef AT
#undef PIECE
#undef TO
#undef STREAM
#endif
