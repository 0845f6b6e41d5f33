/* picture.c: see picture.h. */
#include "picture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <wengert/op.h>
#include <zlib.h>

bool picture_new(picture *p, int width, int height, int channels, int shade, wg_error *error)
{
    enum { MOST = 32768 };
    size_t bytes;

    *p = (picture){ .width = width, .height = height, .channels = channels };
    if (width < 1 || height < 1 || width > MOST || height > MOST ||
        (channels != 1 && channels != 3)) {
        wg_fail(error, WG_EARG, "picture", "%d x %d pixels of %d channels", width, height,
                channels);
        return false;
    }
    bytes = (size_t)width * (size_t)height * (size_t)channels;
    p->pixel = malloc(bytes);
    if (!p->pixel) {
        wg_fail(error, WG_ENOMEM, "picture", "out of memory");
        return false;
    }
    memset(p->pixel, shade, bytes);
    return true;
}

void picture_free(picture *p)
{
    if (!p) return;
    free(p->pixel);
    *p = (picture){ .pixel = NULL };
}

/* ---- painting ---- */

static unsigned char *at(picture *p, int x, int y)
{
    return p->pixel + ((size_t)y * (size_t)p->width + (size_t)x) * (size_t)p->channels;
}

void picture_fill(picture *p, int x, int y, int width, int height, const unsigned char colour[3])
{
    int right = x + width < p->width ? x + width : p->width;
    int bottom = y + height < p->height ? y + height : p->height;

    for (int r = y > 0 ? y : 0; r < bottom; r++)
        for (int c = x > 0 ? x : 0; c < right; c++)
            memcpy(at(p, c, r), colour, (size_t)p->channels);
}

void picture_grey(picture *p, int x, int y, int zoom, int rows, int cols, const float *value)
{
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < cols; c++) {
            double v = (double)value[r * cols + c];
            unsigned char shade = (unsigned char)(255 * (v > 0 ? v < 1 ? v : 1 : 0) + 0.5);

            picture_fill(p, x + c * zoom, y + r * zoom, zoom, zoom,
                         (const unsigned char[3]){ shade, shade, shade });
        }
}

bool picture_grid(picture *p, int64_t n, int columns, int gap, int zoom, int rows, int cols,
                  const float *value, wg_error *error)
{
    int lines = (int)((n + columns - 1) / columns);
    int dx = cols * zoom + gap, dy = rows * zoom + gap;

    if (!picture_new(p, gap + columns * dx, gap + lines * dy, 1, 255, error)) return false;
    for (int64_t i = 0; i < n; i++)
        picture_grey(p, gap + (int)(i % columns) * dx, gap + (int)(i / columns) * dy, zoom, rows,
                     cols, value + i * rows * cols);
    return true;
}

void picture_point(picture *p, const picture_frame *f, double x, double y, double radius,
                   const unsigned char colour[3], double opacity)
{
    double cx = f->x + f->width * (x - f->left) / (f->right - f->left);
    double cy = f->y + f->height * (f->top - y) / (f->top - f->bottom);
    int reach = (int)ceil(radius) + 1;

    if (!(cx >= f->x && cx < f->x + f->width && cy >= f->y && cy < f->y + f->height)) return;
    for (int r = (int)cy - reach; r <= (int)cy + reach; r++)
        for (int c = (int)cx - reach; c <= (int)cx + reach; c++) {
            double cover = radius + 0.5 - hypot(c + 0.5 - cx, r + 0.5 - cy);

            if (r < f->y || c < f->x || r >= f->y + f->height || c >= f->x + f->width) continue;
            if (r < 0 || c < 0 || r >= p->height || c >= p->width || cover <= 0) continue;
            cover = opacity * (cover < 1 ? cover : 1);
            for (int k = 0; k < p->channels; k++) {
                unsigned char *v = at(p, c, r) + k;

                *v = (unsigned char)((1 - cover) * *v + cover * colour[k] + 0.5);
            }
        }
}

void picture_points(picture *p, const picture_frame *f, int64_t n, const float *xy, double radius,
                    const unsigned char colour[3], double opacity)
{
    for (int64_t i = 0; i < n; i++)
        picture_point(p, f, (double)xy[2 * i], (double)xy[2 * i + 1], radius, colour, opacity);
}

/* ---- PNG ---- */

static void put32(unsigned char *to, uint32_t v)
{
    for (int i = 0; i < 4; i++) to[i] = (unsigned char)(v >> (24 - 8 * i));
}

enum { AROUND = 12 }; /* bytes of a chunk besides its data */

/* A chunk: length, type, data, check. Returns where the next one begins. */
static unsigned char *put_chunk(unsigned char *to, const char *type, const unsigned char *data,
                                size_t n)
{
    put32(to, (uint32_t)n);
    memcpy(to + 4, type, 4);
    if (n) memcpy(to + 8, data, n);
    put32(to + 8 + n, (uint32_t)crc32(crc32(0, NULL, 0), to + 4, (uInt)(n + 4)));
    return to + AROUND + n;
}

/* Every line is led by the number of its filter: 1, the difference from the pixel to the left. */
static void filter(const picture *p, unsigned char *to)
{
    size_t line = (size_t)p->width * (size_t)p->channels, step = (size_t)p->channels;

    for (int r = 0; r < p->height; r++) {
        const unsigned char *from = p->pixel + (size_t)r * line;

        *to++ = 1;
        for (size_t i = 0; i < line; i++)
            *to++ = (unsigned char)(from[i] - (i < step ? 0 : from[i - step]));
    }
}

bool picture_write(const picture *p, const char *path, wg_error *error)
{
    static const unsigned char magic[8] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
    size_t raw = ((size_t)p->width * (size_t)p->channels + 1) * (size_t)p->height;
    uLongf packed = compressBound((uLong)raw);
    unsigned char *lines = malloc(raw), *data = malloc(packed), head[13] = { 0 };
    unsigned char *file = malloc(packed + sizeof magic + sizeof head + (size_t)3 * AROUND), *end;
    bool ok = lines && data && file;

    if (ok) {
        filter(p, lines);
        ok = compress2(data, &packed, lines, (uLong)raw, 9) == Z_OK;
    }
    if (ok) {
        put32(head, (uint32_t)p->width);
        put32(head + 4, (uint32_t)p->height);
        head[8] = 8; /* bits */
        head[9] = p->channels == 3 ? 2 : 0;
        memcpy(file, magic, sizeof magic);
        end = put_chunk(file + sizeof magic, "IHDR", head, sizeof head);
        end = put_chunk(end, "IDAT", data, packed);
        end = put_chunk(end, "IEND", NULL, 0);
        ok = wg_file_write(path, 1, &(wg_bytes){ file, (size_t)(end - file) }, error) == WG_OK;
    } else {
        wg_fail(error, WG_ENOMEM, "picture", "out of memory");
    }
    free(lines);
    free(data);
    free(file);
    return ok;
}
