/*
 * conv_strip.c: the places of a convolution cut into units, and the strip of the operand under each
 * unit.
 *
 * No window is ever copied out: rows of a strip lie as in the image, so a window's row is a stretch
 * of memory, and the product's inner loop reads it through pointers. Only what sticks out of the
 * image costs a copy: of the strip, once, not of its windows.
 */
#include "conv.h"

wg__part wg__part_forwards(const wg__axis_window *a)
{
    return (wg__part){ .n = a->n,
                       .grid = a->out,
                       .to_step = 1,
                       .from = -a->before,
                       .from_step = a->stride,
                       .taps = a->taps,
                       .tap_step = 1,
                       .reach = a->step };
}

static int64_t gcd(int64_t a, int64_t b)
{
    while (b) {
        int64_t t = a % b;

        a = b;
        b = t;
    }
    return a;
}

/*
 * Place i of the image is seen by tap t of window o when o * stride = i + before - t * step. For
 * places i = first + g * stride that is the same taps, t0, t0 + apart, ..., at o = g + (first +
 * before - t * step) / stride. The last of them comes first, so that o grows.
 */
wg__part wg__part_adjoint(const wg__axis_window *a, int64_t first)
{
    int64_t apart = a->stride / gcd(a->stride, a->step), t = 0, last;
    int64_t most = a->taps < apart ? a->taps : apart;
    wg__part p = { .n = a->out,
                   .grid = (a->n - first + a->stride - 1) / a->stride,
                   .first = first,
                   .to_step = a->stride,
                   .from_step = 1 };

    while (t < most && (first + a->before - t * a->step) % a->stride) t++;
    if (t == most) return p; /* between the windows */
    p.taps = (a->taps - 1 - t) / apart + 1;
    last = t + (p.taps - 1) * apart;
    p.tap = last;
    p.tap_step = -apart;
    p.from = (first + a->before - last * a->step) / a->stride;
    p.reach = apart * a->step / a->stride;
    return p;
}

wg__units wg__units_of(int64_t n, const wg__part part[2], int64_t most)
{
    int64_t rows = part[0].grid, columns = part[1].grid;
    wg__units u = { 1, rows, columns, 1, 1, 0 };

    if (n == 0 || rows == 0 || columns == 0) return u;
    if (columns > most) {
        u.across = (columns + most - 1) / most;
        u.columns = (columns + u.across - 1) / u.across;
        u.rows = 1;
    } else if (rows * columns > most) {
        int64_t bands = (rows + most / columns - 1) / (most / columns);

        u.rows = (rows + bands - 1) / bands;
    } else {
        u.images = most / (rows * columns);
        u.count = (n + u.images - 1) / u.images;
        return u;
    }
    u.across = (columns + u.columns - 1) / u.columns;
    u.per_image = (rows + u.rows - 1) / u.rows * u.across;
    u.count = n * u.per_image;
    return u;
}

wg__unit wg__unit_at(const wg__units *u, int64_t n, const wg__part part[2], int64_t i)
{
    wg__unit t = { i / u->per_image,           1, i % u->per_image / u->across * u->rows, 0,
                   i % u->across * u->columns, 0 };

    if (u->per_image == 1) {
        t.image = i * u->images;
        t.images = wg__least(u->images, n - t.image);
    }
    t.rows = wg__least(u->rows, part[0].grid - t.row);
    t.columns = wg__least(u->columns, part[1].grid - t.column);
    return t;
}

/* Places of the operand under n places of the grid. */
static int64_t span(const wg__part *p, int64_t n)
{
    return p->taps ? (n - 1) * p->from_step + (p->taps - 1) * p->reach + 1 : 0;
}

wg__strip wg__strip_of(const wg__units *u, const wg__part part[2])
{
    const wg__part *c = &part[1];
    wg__strip s = { span(&part[0], u->rows), span(c, u->columns), false };

    s.whole_rows = c->from >= 0 && c->from + span(c, c->grid) <= c->n;
    if (s.whole_rows) s.columns = c->n;
    return s;
}

wg__conv wg__conv_laid(const wg__conv *v)
{
    const wg__axis_window *c = &v->g.axis[1];
    wg__conv t = *v;

    if (c->n != 1 || c->out != 1 || c->taps != 1) return t;
    t.g.axis[0] = v->g.axis[1];
    t.g.axis[1] = v->g.axis[0];
    return t;
}

const void *wg__strip_put(const wg__strip *s, const wg__part part[2], const wg__unit *u,
                          size_t place, const void *x, void *room, int64_t *apart)
{
    const wg__part *r = &part[0], *c = &part[1];
    int64_t top = r->from + u->row * r->from_step, left = c->from + u->column * c->from_step;
    int64_t high = span(r, u->rows), start = s->whole_rows ? 0 : left;
    int64_t before = start < 0 ? -start : 0, end = wg__least(s->columns, c->n - start);
    size_t line = (size_t)s->columns * place;
    const char *image = x;
    char *to = room;

    *apart = r->n * c->n;
    image += (size_t)(u->image * *apart) * place;
    if (high == 0 || span(c, u->columns) == 0) return image; /* no tap: nothing is read */
    if (s->whole_rows && top >= 0 && top + high <= r->n)
        return image + (size_t)(top * c->n + left) * place;
    /* a strip of one row needs no other row at a distance of its own */
    if (s->rows == 1 && top >= 0 && top < r->n && left >= 0 && left + span(c, u->columns) <= c->n)
        return image + (size_t)(top * c->n + left) * place;
    for (int64_t i = 0; i < u->images; i++, image += (size_t)*apart * place)
        for (int64_t q = top; q < top + s->rows; q++, to += line) {
            size_t from = (size_t)before * place, till = (size_t)end * place;

            if (q < 0 || q >= r->n || before >= end) {
                memset(to, 0, line);
                continue;
            }
            memset(to, 0, from);
            memcpy(to + from, image + (size_t)(q * c->n + start + before) * place, till - from);
            memset(to + till, 0, line - till);
        }
    *apart = s->rows * s->columns;
    return (char *)room + (s->whole_rows ? (size_t)left * place : 0);
}
