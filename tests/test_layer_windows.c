/* test_layer_windows.c: convolving and pooling layers at a few hundred random sizes, pads, strides
 * and dilations, by the verbs, against the references: values and all gradients. One layer is used
 * for two image sizes. */
#include <wengert.h>
#include <wengert/layer.h>
#include <wengert/reference_conv.h>

#include "harness.h"

enum { MOST = 4096 };

/* Integers from a counter: lo..hi. */
static int64_t pick(int *at, int64_t lo, int64_t hi)
{
    double u;

    wg_random_uniform(17, 4, 0, (*at)++, 1, WG_F64, &u);
    return lo + (int64_t)(u * (double)(hi - lo + 1));
}

static void fill(double *to, int64_t n, uint64_t run)
{
    wg_random_normal(18, 5, run, 0, n, WG_F64, to);
}

static void equal(const double *got, const double *want, int64_t n, const char *json,
                  const char *what)
{
    double worst = 0, most = 0;

    for (int64_t i = 0; i < n; i++) {
        most = fmax(most, fabs(want[i]));
        if (!(fabs(got[i] - want[i]) <= worst)) worst = fabs(got[i] - want[i]);
    }
    harness_check(worst <= 1e-10 * (1 + most), __FILE__, __LINE__, "%s: %s is off by %g", json,
                  what, worst);
}

typedef enum { CONV, DECONV, MAX, AVERAGE, KINDS } kind;

/* A pad as text and as numbers. */
static void draw_pad(int *at, kind k, wg_ref_conv2d *h, char *json, size_t n)
{
    wg_ref_pad p;

    switch (pick(at, 0, 3)) {
    case 0:
        p.top = p.bottom = p.left = p.right = pick(at, 0, 3);
        snprintf(json, n, "%d", (int)p.top);
        break;
    case 1:
        p.top = p.bottom = pick(at, 0, 3);
        p.left = p.right = pick(at, 0, 3);
        snprintf(json, n, "[%d, %d]", (int)p.top, (int)p.left);
        break;
    case 2:
        p = (wg_ref_pad){ pick(at, 0, 3), 0, 0, 0 };
        p.bottom = pick(at, 0, 3);
        p.left = pick(at, 0, 3);
        p.right = pick(at, 0, 3);
        snprintf(json, n, "[%d, %d, %d, %d]", (int)p.top, (int)p.bottom, (int)p.left, (int)p.right);
        break;
    default:
        p = k == DECONV ? wg_ref_deconv2d_same(h) : wg_ref_pad_same2d(h);
        snprintf(json, n, "\"same\"");
    }
    h->pad = p;
}

typedef struct {
    double x[MOST], y[MOST], z[MOST], dy[MOST], dx[MOST], W[MOST], dW[MOST], b[8], db[8];
} arrays;

static void reference(kind k, const wg_ref_conv2d *h, arrays *a)
{
    switch (k) {
    case CONV:
        CHECK(wg_ref_conv2d_forward(h, a->x, a->W, a->b, a->z, a->y));
        CHECK(wg_ref_conv2d_backward(h, a->x, a->W, a->z, a->dy, a->dx, a->dW, a->db));
        break;
    case DECONV:
        CHECK(wg_ref_deconv2d_forward(h, a->x, a->W, a->b, a->z, a->y));
        CHECK(wg_ref_deconv2d_backward(h, a->x, a->W, a->z, a->dy, a->dx, a->dW, a->db));
        break;
    case MAX:
        wg_ref_pool2d_max_forward(h, a->x, a->y);
        wg_ref_pool2d_max_backward(h, a->x, a->dy, a->dx);
        break;
    default:
        wg_ref_pool2d_average_forward(h, a->x, a->y);
        wg_ref_pool2d_average_backward(h, a->dy, a->dx);
    }
}

/* One layer on images of this size. `text` is not "same" when the size is drawn anew. */
static void compare(wg_layer *l, kind k, const wg_ref_conv2d *h, arrays *a, const char *json)
{
    int64_t rows = k == DECONV ? wg_ref_deconv2d_rows(h) : wg_ref_conv2d_rows(h),
            cols = k == DECONV ? wg_ref_deconv2d_cols(h) : wg_ref_conv2d_cols(h),
            ch = k == CONV || k == DECONV ? h->out_ch : h->in_ch;
    wg_array x = WG_F64_ARRAY(a->x, h->n_ex, h->in_rows, h->in_cols, h->in_ch), y, dx,
             dy = WG_F64_ARRAY(a->dy, h->n_ex, rows, cols, ch), W;
    int64_t n = wg_shape_count(&x.type.shape), m = wg_shape_count(&dy.type.shape);
    bool learns = k == CONV || k == DECONV;

    fill(a->x, n, 1);
    fill(a->dy, m, 2);
    if (!harness_check(wg_layer_forward(l, 1, &x, true, &y) == WG_OK, __FILE__, __LINE__, "%s: %s",
                       json, wg_layer_error(l)->text))
        return;
    W = wg_layer_parameter(l, "W");
    if (learns) {
        memcpy(a->W, W.data, (size_t)wg_type_bytes(&W.type));
        memset(a->dW, 0, sizeof a->dW);
        memset(a->b, 0, sizeof a->b);
        memset(a->db, 0, sizeof a->db);
    }
    reference(k, h, a);
    if (!harness_check(wg_type_equal(&y.type, &dy.type), __FILE__, __LINE__, "%s: %s, wanted %s",
                       json, wg_type_text(&y.type, (char[WG_TYPE_TEXT]){ 0 }),
                       wg_type_text(&dy.type, (char[WG_TYPE_TEXT]){ 0 })))
        return;
    equal(y.data, a->y, m, json, "y");
    CHECK(wg_layer_backward(l, 1, &dy, true, &dx) == WG_OK);
    equal(dx.data, a->dx, n, json, "dx");
    if (learns) {
        equal(wg_layer_gradient(l, "W").data, a->dW, wg_shape_count(&W.type.shape), json, "dW");
        equal(wg_layer_gradient(l, "b").data, a->db, ch, json, "db");
    }
    wg_layer_flush_gradients(l);
}

static bool makes_something(kind k, const wg_ref_conv2d *h)
{
    return k == DECONV ? wg_ref_deconv2d_rows(h) > 0 && wg_ref_deconv2d_cols(h) > 0
                       : wg_ref_conv2d_rows(h) > 0 && wg_ref_conv2d_cols(h) > 0;
}

static void images(void)
{
    static const char *const names[] = { "Conv2D", "Deconv2D", "Pool2D", "Pool2D" };
    arrays *a = calloc(1, sizeof *a);
    int at = 0;

    REQUIRE(a != NULL);
    for (int i = 0; i < 240; i++) {
        kind k = (kind)(i % KINDS);
        wg_ref_conv2d h = { .n_ex = pick(&at, 1, 2), .in_ch = pick(&at, 1, 3), .act_fn = { 0 } };
        wg_params *w = wg_params_new(WG_F64, (uint64_t)i);
        char json[240], pad[48];
        wg_layer *l;

        h.in_rows = pick(&at, 1, 8);
        h.in_cols = pick(&at, 1, 8);
        h.kernel_rows = pick(&at, 1, 4);
        h.kernel_cols = pick(&at, 1, 4);
        h.out_ch = pick(&at, 1, 3);
        h.stride = pick(&at, 1, 3);
        h.dilation = k == CONV ? pick(&at, 0, 2) : 0;
        draw_pad(&at, k, &h, pad, sizeof pad);
        snprintf(json, sizeof json, "{\"kernel_shape\": [%d, %d], \"stride\": %d, \"pad\": %s",
                 (int)h.kernel_rows, (int)h.kernel_cols, (int)h.stride, pad);
        snprintf(json + strlen(json), sizeof json - strlen(json),
                 k == CONV     ? ", \"out_ch\": %d, \"dilation\": %d}"
                 : k == DECONV ? ", \"out_ch\": %d}"
                 : k == MAX    ? "}"
                               : ", \"mode\": \"average\"}",
                 (int)h.out_ch, (int)h.dilation);
        l = wg_layer_make(w, "l", names[k], json, NULL);
        REQUIRE(l != NULL);
        if (makes_something(k, &h)) {
            compare(l, k, &h, a, json);
            h.in_rows += pick(&at, 0, 3); /* another size */
            h.in_cols += pick(&at, 0, 3);
            if (pad[0] == '"' && k != DECONV) h.pad = wg_ref_pad_same2d(&h);
            compare(l, k, &h, a, json);
        } else {
            static const double zeros[MOST];
            wg_array x = WG_F64_ARRAY(zeros, h.n_ex, h.in_rows, h.in_cols, h.in_ch), y;

            /* a kernel larger than the padded image, a crop of everything */
            EQ_INT(wg_layer_forward(l, 1, &x, true, &y), WG_ESHAPE);
            EQ_STR(wg_layer_error(l)->scope, "l");
        }
        wg_layer_free(l);
        wg_params_free(w);
    }
    free(a);
}

/* Sequences: the reference of Conv1D, its own paddings. */
static void sequences(void)
{
    arrays *a = calloc(1, sizeof *a);
    int at = 100000;

    REQUIRE(a != NULL);
    for (int i = 0; i < 120; i++) {
        wg_ref_conv1d h = { .n_ex = pick(&at, 1, 3), .in_ch = pick(&at, 1, 3), .act_fn = { 0 } };
        wg_params *w = wg_params_new(WG_F64, (uint64_t)i);
        wg_array x, y, dy, dx, W;
        char json[240], pad[48];
        wg_layer *l;

        h.l_in = pick(&at, 1, 12);
        h.kernel_width = pick(&at, 1, 4);
        h.out_ch = pick(&at, 1, 3);
        h.stride = pick(&at, 1, 3);
        h.dilation = pick(&at, 0, 3);
        switch (pick(&at, 0, 3)) {
        case 0:
            h.left = h.right = pick(&at, 0, 4);
            snprintf(pad, sizeof pad, "%d", (int)h.left);
            break;
        case 1:
            h.left = pick(&at, 0, 4);
            h.right = pick(&at, 0, 4);
            snprintf(pad, sizeof pad, "[%d, %d]", (int)h.left, (int)h.right);
            break;
        case 2:
            wg_ref_pad_same(h.l_in, h.kernel_width, h.stride, h.dilation, &h.left, &h.right);
            snprintf(pad, sizeof pad, "\"same\"");
            break;
        default:
            wg_ref_pad_causal(h.l_in, h.kernel_width, h.stride, h.dilation, &h.left, &h.right);
            snprintf(pad, sizeof pad, "\"causal\"");
        }
        snprintf(json, sizeof json,
                 "{\"out_ch\": %d, \"kernel_width\": %d, \"stride\": %d, \"dilation\": %d, "
                 "\"pad\": %s}",
                 (int)h.out_ch, (int)h.kernel_width, (int)h.stride, (int)h.dilation, pad);
        l = wg_layer_make(w, "l", "Conv1D", json, NULL);
        REQUIRE(l != NULL);
        fill(a->x, h.n_ex * h.l_in * h.in_ch, 1);
        x = WG_F64_ARRAY(a->x, h.n_ex, h.l_in, h.in_ch);
        if (wg_ref_conv1d_length(&h) < 1) {
            EQ_INT(wg_layer_forward(l, 1, &x, true, &y), WG_ESHAPE);
            EQ_STR(wg_layer_error(l)->scope, "l");
        } else if (CHECK(wg_layer_forward(l, 1, &x, true, &y) == WG_OK)) {
            int64_t n = wg_shape_count(&y.type.shape);

            EQ_INT(y.type.shape.dim[1], wg_ref_conv1d_length(&h));
            fill(a->dy, n, 2);
            dy = (wg_array){ y.type, a->dy };
            W = wg_layer_parameter(l, "W");
            memset(a->dW, 0, sizeof a->dW);
            memset(a->db, 0, sizeof a->db);
            CHECK(wg_ref_conv1d_forward(&h, a->x, W.data, NULL, a->z, a->y));
            CHECK(wg_ref_conv1d_backward(&h, a->x, W.data, a->z, a->dy, a->dx, a->dW, a->db));
            equal(y.data, a->y, n, json, "y");
            CHECK(wg_layer_backward(l, 1, &dy, true, &dx) == WG_OK);
            equal(dx.data, a->dx, wg_shape_count(&x.type.shape), json, "dx");
            equal(wg_layer_gradient(l, "W").data, a->dW, wg_shape_count(&W.type.shape), json, "dW");
            equal(wg_layer_gradient(l, "b").data, a->db, h.out_ch, json, "db");
        }
        wg_layer_free(l);
        wg_params_free(w);
    }
    free(a);
}

TESTS(TEST(images), TEST(sequences))
