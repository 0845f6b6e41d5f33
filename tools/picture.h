/* picture.h: small pictures of pixels: images of data sets side by side, points in a plane;
 * written as PNG. */
#ifndef PICTURE_H
#define PICTURE_H

#include <wengert.h>

typedef struct {
    int width, height;
    int channels;         /* 1: grey, 3: red, green, blue */
    unsigned char *pixel; /* owned: rows from the top, pixels from the left */
} picture;

/* A part of a plane on a part of a picture. */
typedef struct {
    double left, right, bottom, top; /* of the plane */
    int x, y, width, height;         /* of the picture: x, y its upper left corner */
} picture_frame;

/** A picture of one shade, 0 black to 255 white; the caller frees it with picture_free. False with
 * WG_EARG for extents below 1 or above 32768 and other channels than 1 and 3, or WG_ENOMEM. */
bool picture_new(picture *p, int width, int height, int channels, int shade, wg_error *error);

/** NULL is allowed. */
void picture_free(picture *p);

/** Paints a rectangle, cut at the borders. A grey picture takes the first of the three numbers. */
void picture_fill(picture *p, int x, int y, int width, int height, const unsigned char colour[3]);

/** Paints a grey image of rows x cols values, 0 black to 1 white, each as zoom x zoom pixels. */
void picture_grey(picture *p, int x, int y, int zoom, int rows, int cols, const float *value);

/** n grey images in rows of `columns`, from the upper left, `gap` pixels apart and from the border:
 * a new picture. */
bool picture_grid(picture *p, int64_t n, int columns, int gap, int zoom, int rows, int cols,
                  const float *value, wg_error *error);

/** A disc of a radius in pixels, with soft edges, laid over what is there with this opacity, 0 to
 * 1, round the place that (x, y) of the plane has; nothing outside of the frame. */
void picture_point(picture *p, const picture_frame *f, double x, double y, double radius,
                   const unsigned char colour[3], double opacity);

/** n points: xy holds x and y of each. */
void picture_points(picture *p, const picture_frame *f, int64_t n, const float *xy, double radius,
                    const unsigned char colour[3], double opacity);

/** Writes a PNG file, aside and renamed. Errors: those of wg_file_write, WG_ENOMEM. Source: the PNG
 * specification, ISO/IEC 15948. */
bool picture_write(const picture *p, const char *path, wg_error *error);

#endif
