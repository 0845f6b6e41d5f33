/* rows.c: what row kernels leave to others, once for all of them. */
#include "rows.h"

enum { CHUNK = 128 }; /* elements that an operand is spread over at a time */

/* n copies of the first element; the sizes are those of bool, float, double. */
static void spread(void *to, const void *from, int size, int64_t n)
{
    double eight;
    float four;

    switch (size) {
    case 1:
        memset(to, *(const uint8_t *)from, (size_t)n);
        break;
    case 4:
        memcpy(&four, from, sizeof four);
        for (int64_t i = 0; i < n; i++) ((float *)to)[i] = four;
        break;
    default:
        memcpy(&eight, from, sizeof eight);
        for (int64_t i = 0; i < n; i++) ((double *)to)[i] = eight;
    }
}

void wg__row_edges(const void *attr, int64_t n, const void *const *xs, const int *step, void *y,
                   wg_row_fn *row, const wg__row_shape *s)
{
    static const int moves[3] = { 1, 1, 1 };
    double store[4][CHUNK]; /* three operands, the result */
    const void *x[3] = { NULL, NULL, NULL };
    int64_t most = 0, all = (n + s->lanes - 1) / s->lanes * s->lanes;
    bool still = false;

    if (n <= 0) return;
    for (int i = 0; i < s->n_in; i++) {
        if (step[i]) continue;
        spread(store[i], xs[i], s->size[i], all < CHUNK ? all : CHUNK);
        still = true;
    }
    for (int64_t done = 0; done < n; done += most) {
        void *out = (char *)y + done * s->out;
        bool rest;

        most = n - done - (n - done) % s->lanes;
        if (still && most > CHUNK) most = CHUNK;
        rest = most == 0; /* elements that fill no vector: all that was read before is written */
        if (rest) most = n - done;
        for (int i = 0; i < s->n_in; i++) {
            const char *from = (const char *)xs[i] + done * s->size[i];

            x[i] = step[i] && !rest ? (const void *)from : store[i];
            if (!step[i] || !rest) continue;
            memset(store[i], 0, (size_t)(s->lanes * s->size[i]));
            memcpy(store[i], from, (size_t)(most * s->size[i]));
        }
        row(attr, rest ? s->lanes : most, x, moves, rest ? store[3] : out);
        if (rest) memcpy(out, store[3], (size_t)(most * s->out));
    }
}
