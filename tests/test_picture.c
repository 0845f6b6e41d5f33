/* test_picture.c: pictures: what is painted where, and files that a reader of PNG accepts. */
#include "../tools/picture.h"

#include <string.h>
#include <zlib.h>

#include "harness.h"
#include "temp.h"

static const unsigned char red[3] = { 255, 0, 0 };

static int shade(const picture *p, int x, int y)
{
    return p->pixel[(y * p->width + x) * p->channels];
}

static uint32_t get32(const unsigned char *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static long read_all(const char *path, unsigned char *to, size_t room)
{
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(to, 1, room, f) : 0;

    if (f) fclose(f);
    return (long)n;
}

/* A reader by the specification: chunks with their checks, lines with their filters. */
static void same_picture(const picture *p, const char *path)
{
    static unsigned char file[1 << 16], raw[1 << 16], line[1 << 12];
    long n = read_all(path, file, sizeof file), at = 8, step = p->channels;
    uLongf bytes = sizeof raw;
    bool ended = false;

    REQUIRE(n > 8 && memcmp(file, "\x89PNG\r\n\x1a\n", 8) == 0);
    while (at + 12 <= n) {
        uint32_t length = get32(file + at);
        const unsigned char *type = file + at + 4, *data = type + 4;

        REQUIRE(at + 12 + (long)length <= n);
        EQ_INT(get32(data + length), crc32(crc32(0, NULL, 0), type, (uInt)length + 4));
        if (memcmp(type, "IHDR", 4) == 0) {
            EQ_INT(get32(data), p->width);
            EQ_INT(get32(data + 4), p->height);
            EQ_INT(data[8], 8);
            EQ_INT(data[9], p->channels == 3 ? 2 : 0);
        } else if (memcmp(type, "IDAT", 4) == 0) {
            EQ_INT(uncompress(raw, &bytes, data, length), Z_OK);
        }
        ended = memcmp(type, "IEND", 4) == 0;
        at += 12 + (long)length;
    }
    CHECK(ended && at == n);
    EQ_INT(bytes, (p->width * step + 1) * p->height);
    for (int r = 0; r < p->height; r++) {
        const unsigned char *from = raw + r * (p->width * step + 1);

        EQ_INT(from[0], 1);
        for (long i = 0; i < p->width * step; i++)
            line[i] = (unsigned char)(from[1 + i] + (i < step ? 0 : line[i - step]));
        SAME_BITS(line, p->pixel + r * p->width * step, (size_t)(p->width * step));
    }
}

static void files_are_png(void)
{
    char path[128];
    wg_error error = { .code = WG_OK };

    snprintf(path, sizeof path, "%s/a.png", temp_dir());
    for (int channels = 1; channels <= 3; channels += 2) {
        picture p;

        REQUIRE(picture_new(&p, 31, 7, channels, 200, &error));
        for (int i = 0; i < 31 * 7 * channels; i++) p.pixel[i] = (unsigned char)(i * i);
        CHECK(picture_write(&p, path, &error));
        same_picture(&p, path);
        picture_free(&p);
    }
    NO_ERROR(&error);
}

static void rectangles_are_cut(void)
{
    wg_error error = { .code = WG_OK };
    picture p;

    REQUIRE(picture_new(&p, 8, 6, 3, 0, &error));
    picture_fill(&p, -2, 4, 4, 9, red);
    EQ_INT(shade(&p, 1, 5), 255);
    EQ_INT(shade(&p, 2, 5), 0);
    EQ_INT(shade(&p, 1, 3), 0);
    picture_fill(&p, 7, -1, 9, 2, red);
    EQ_INT(shade(&p, 7, 0), 255);
    EQ_INT(shade(&p, 7, 1), 0);
    picture_fill(&p, 20, 20, 3, 3, red);
    picture_free(&p);
    picture_free(NULL);
}

/* Three images in rows of two, magnified, values beyond 0..1 held there. */
static void grids(void)
{
    const float v[3 * 4] = { 0, 1, 0.5f, -3, 2, 0, 0, 0, 1, 1, 1, 1 };
    wg_error error = { .code = WG_OK };
    picture p;

    REQUIRE(picture_grid(&p, 3, 2, 1, 2, 2, 2, v, &error));
    EQ_INT(p.width, 1 + 2 * 5);
    EQ_INT(p.height, 1 + 2 * 5);
    EQ_INT(shade(&p, 0, 0), 255);
    EQ_INT(shade(&p, 1, 1), 0);
    EQ_INT(shade(&p, 4, 2), 255);
    EQ_INT(shade(&p, 2, 3), 128);
    EQ_INT(shade(&p, 3, 4), 0);
    EQ_INT(shade(&p, 6, 1), 255);
    EQ_INT(shade(&p, 8, 1), 0);
    EQ_INT(shade(&p, 4, 9), 255);
    EQ_INT(shade(&p, 8, 8), 255); /* no fourth one */
    picture_free(&p);
}

static void points_in_a_frame(void)
{
    const picture_frame f = { -1, 1, -1, 1, 10, 0, 20, 20 };
    const float xy[6] = { 0, 0, 0.9f, 0.9f, 2, 0 };
    wg_error error = { .code = WG_OK };
    int dark = 0;
    picture p;

    REQUIRE(picture_new(&p, 40, 20, 1, 255, &error));
    picture_points(&p, &f, 3, xy, 2, (const unsigned char[3]){ 0, 0, 0 }, 1);
    EQ_INT(shade(&p, 20, 10), 0);
    EQ_INT(shade(&p, 29, 1), 0); /* up is up */
    for (int y = 0; y < 20; y++)
        for (int x = 0; x < 40; x++) dark += (x < 10 || x >= 30) && shade(&p, x, y) < 255;
    EQ_INT(dark, 0);
    picture_point(&p, &f, -0.5, -0.5, 2, (const unsigned char[3]){ 0, 0, 0 }, 0.5);
    EQ_INT(shade(&p, 15, 15), 128);
    picture_free(&p);
}

static void mistakes(void)
{
    wg_error error = { .code = WG_OK };
    picture p;

    CHECK(!picture_new(&p, 0, 4, 1, 0, &error));
    ERROR_IS(&error, WG_EARG, "picture: 0 x 4 pixels of 1 channels", NULL);
    error.code = WG_OK;
    CHECK(!picture_new(&p, 4, 4, 2, 0, &error));
    ERROR_IS(&error, WG_EARG, "picture: 4 x 4 pixels of 2 channels", NULL);
    picture_free(&p);
    error.code = WG_OK;
    REQUIRE(picture_new(&p, 4, 4, 1, 0, &error));
    CHECK(!picture_write(&p, "/nowhere/at/all.png", &error));
    EQ_INT(error.code, WG_EIO);
    picture_free(&p);
}

TESTS(TEST(files_are_png), TEST(rectangles_are_cut), TEST(grids), TEST(points_in_a_frame),
      TEST(mistakes))
