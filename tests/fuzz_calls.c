/*
 * fuzz_calls.c: sequences of API calls, right and wrong ones, made from bytes. Whatever they are: no crash, no leak, an error
 * with a text where something is refused; a sound graph verifies, runs, and survives saving and loading.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <wengert.h>
#include <wengert/op.h>

enum { TENSORS = 24, LARGEST = 1 << 14 };

typedef struct {
    const uint8_t *p, *end;
    wg_graph *g;
    wg_params *w;
    wg_tensor *t[TENSORS];
    int n;
} state;

static int byte(state *s)
{
    return s->p < s->end ? *s->p++ : 0;
}

/* Mostly small legal numbers, now and then a wild one. */
static int64_t number(state *s)
{
    static const int64_t wild[] = { -1, -2, INT64_MIN, INT64_MAX, 1 << 20,
                                    -9, 8,  100,       INT32_MAX, 1ll << 40 };
    int b = byte(s);

    return b < 220 ? b % 5 : wild[b % (int)(sizeof wild / sizeof wild[0])];
}

static double real(state *s)
{
    static const double some[] = { 0,          1, -1, 0.5, 2, 1e30, -1e30, 1e-30, (double)INFINITY,
                                   (double)NAN };

    return some[byte(s) % (int)(sizeof some / sizeof some[0])];
}

static wg_shape shape(state *s)
{
    int64_t dim[9];
    int rank = byte(s) % 40;

    rank = rank < 36 ? rank % 5 : rank == 36 ? 8 : rank == 37 ? 9 : 0;
    for (int i = 0; i < rank; i++) dim[i] = number(s);
    return wg_shape_of(rank, dim);
}

static wg_axes axes(state *s)
{
    int axis[9], n = byte(s) % 6 - 1;

    for (int i = 0; i < n; i++) axis[i] = (int)number(s) - (byte(s) & 1);
    return wg_axes_of(n, axis);
}

static wg_tensor *some(state *s)
{
    return s->n ? s->t[byte(s) % (s->n < TENSORS ? s->n : TENSORS)] : NULL;
}

static void keep(state *s, wg_tensor *t)
{
    if (!t || wg_graph_error(s->g) || wg_shape_count(&wg_tensor_type(t)->shape) > LARGEST) return;
    s->t[s->n++ % TENSORS] = t;
}

static wg_dtype dtype(state *s)
{
    int b = byte(s);

    return b < 128   ? WG_F32
           : b < 170 ? WG_F64
           : b < 210 ? WG_I64
           : b < 250 ? WG_BOOL
                     : (wg_dtype)(b - 200);
}

typedef wg_tensor *unary_fn(wg_tensor *);
typedef wg_tensor *binary_fn(wg_tensor *, wg_tensor *);
typedef wg_tensor *reduce_fn(wg_tensor *, wg_axes, bool);

static unary_fn *const unary[] = {
    wg_neg,       wg_square, wg_sqrt,       wg_rsqrt,    wg_reciprocal, wg_abs,   wg_sign,
    wg_exp,       wg_expm1,  wg_log,        wg_log1p,    wg_sin,        wg_cos,   wg_tanh,
    wg_sigmoid,   wg_erf,    wg_softplus,   wg_relu,     wg_floor,      wg_round, wg_logical_not,
    wg_is_finite, wg_detach, wg_zeros_like, wg_ones_like, wg_normal_cdf, wg_normal_pdf
};
static binary_fn *const binary[] = {
    wg_add,          wg_sub,         wg_mul,    wg_div,         wg_pow,
    wg_maximum,      wg_minimum,     wg_eq,     wg_ne,          wg_lt,
    wg_le,           wg_gt,          wg_ge,     wg_logical_and, wg_logical_or,
    wg_logical_xor,  wg_cast_like,   wg_matmul, wg_sum_to_like, wg_broadcast_like,
    wg_reshape_like, wg_one_hot_like, wg_mul_no_nan
};
static reduce_fn *const reduce[] = {
    wg_sum, wg_mean, wg_prod, wg_max, wg_min, wg_logsumexp, wg_norm
};

#define PICK(list) (list)[byte(s) % (int)(sizeof(list) / sizeof((list)[0]))]

static wg_window window(state *s)
{
    wg_window w;

    for (int i = 0; i < 2; i++)
        w.kernel[i] = number(s), w.stride[i] = number(s), w.dilation[i] = number(s) / 2;
    w.pad_mode = byte(s) % 8 ? byte(s) % 3 : number(s);
    for (int i = 0; i < 4; i++) w.pad[i] = number(s) % 4;
    return w;
}

static wg_tensor *leaf(state *s)
{
    static const char *const names[] = { "a", "b", "c", "d", "" };
    const char *name = PICK(names);
    wg_dtype d = dtype(s);
    wg_shape sh = shape(s);
    wg_type type = { d, sh };
    int64_t bytes = wg_type_bytes(&type);
    wg_tensor *t = NULL;
    void *data;

    switch (byte(s) % 6) {
    case 0:
    case 1:
        return wg_input(s->g, name, d, sh);
    case 2:
        if (bytes >= 0 && bytes <= LARGEST)
            wg_params_add(s->w, name, d, sh, byte(s) & 1, NULL, NULL);
        return wg_params_find(s->w, name) ? wg_param_leaf(s->g, s->w, name) : NULL;
    case 3:
        return wg_scalar(s->g, d, real(s));
    case 4:
        return wg_arange(s->g, d, real(s), (double)(number(s) % 50), real(s));
    default:
        data = bytes >= 0 && bytes <= LARGEST ? calloc(1, (size_t)bytes + 1) : NULL;
        if (data) t = wg_constant(s->g, wg_array_of(d, sh, data));
        free(data);
        return t;
    }
}

static wg_tensor *rearrange(state *s)
{
    wg_tensor *x = some(s), *list[3];
    int64_t a[3][8];
    int n = byte(s) % 4;

    for (int k = 0; k < 3; k++)
        for (int i = 0; i < 8; i++) a[k][i] = number(s);
    for (int i = 0; i < 3; i++) list[i] = some(s);
    switch (byte(s) % 17) {
    case 0:
        return wg_reshape(x, shape(s));
    case 1:
        return wg_permute(x, axes(s));
    case 2:
        return wg_transpose(x, (int)number(s), (int)number(s));
    case 3:
        return wg_squeeze(x, axes(s));
    case 4:
        return wg_unsqueeze(x, axes(s));
    case 5:
        return wg_expand(x, shape(s));
    case 6:
        return wg_slice(x, n, a[0], a[1], a[2]);
    case 7:
        return wg_pad_like(x, some(s), n, a[0], a[1], a[2]);
    case 8:
        return wg_select(x, (int)number(s), number(s));
    case 9:
        return wg_pad(x, n, a[0], a[1], real(s));
    case 10:
        return wg_dilate(x, axes(s), number(s));
    case 11:
        return wg_concat(1 + n % 3, list, (int)number(s));
    case 12:
        return wg_stack(1 + n % 3, list, (int)number(s));
    case 13:
        return wg_flip(x, axes(s));
    case 14:
        return wg_collapse(x, (int)number(s), (int)number(s));
    case 15:
        return wg_part_like(x, some(s), some(s), (int)number(s));
    default:
        return wg_place_like(x, some(s), some(s), (int)number(s));
    }
}

static wg_tensor *index_or_window(state *s)
{
    wg_tensor *x = some(s), *y = some(s), *z = some(s);
    wg_window w = window(s);
    int axis = (int)number(s);

    switch (byte(s) % 18) {
    case 0:
        return wg_gather(x, y, axis);
    case 1:
        return wg_scatter_add_like(x, y, z, axis);
    case 2:
        return wg_scatter_add(x, y, z, axis);
    case 3:
        return wg_take_along_axis(x, y, axis);
    case 4:
        return wg_scatter_along_like(x, y, z, axis);
    case 5:
        return wg_one_hot(x, number(s), dtype(s));
    case 6:
        return wg_conv2d(x, y, w);
    case 7:
        return wg_conv2d_dx(x, y, byte(s) & 1 ? z : NULL, w);
    case 8:
        return wg_conv2d_dw(x, y, z, w);
    case 9:
        return wg_avg_pool2d(x, w);
    case 10:
        return wg_max_pool2d(x, w);
    case 11:
        return wg_im2col(x, w);
    case 12:
        return wg_col2im_like(x, y, w);
    case 13:
        return wg_avg_spread(x, y, w);
    case 14:
        return wg_pool_scatter(x, y, w);
    case 15:
        return wg_pool_pick(x, y, w);
    case 16:
        return wg_conv1d(x, y, w);
    default:
        return wg_matmul_t(x, y, byte(s) & 1, byte(s) & 1);
    }
}

static wg_tensor *other(state *s)
{
    static const char *const names[] = { "u", "v", "x/y", "" };
    wg_tensor *x = some(s), *y = some(s);

    switch (byte(s) % 16) {
    case 0:
        return wg_clip(x, real(s), real(s));
    case 1:
        return wg_where(x, y, some(s));
    case 2:
        return wg_cast(x, dtype(s));
    case 3:
        return wg_argmax(x, (int)number(s), byte(s) & 1);
    case 4:
        return wg_argmin(x, (int)number(s), byte(s) & 1);
    case 5:
        return wg_cumsum(x, (int)number(s), byte(s) & 1);
    case 6:
        return wg_softmax(x, (int)number(s));
    case 7:
        return wg_log_softmax(x, (int)number(s));
    case 8:
        return wg_expand_like(x, y, axes(s), byte(s) & 1);
    case 9:
        return wg_extent(x, (int)number(s));
    case 10:
        return wg_count(x, axes(s));
    case 11:
        return wg_arange_like(x, (int)number(s));
    case 12:
        return wg_uniform_like(x, PICK(names), real(s), real(s));
    case 13:
        return wg_bernoulli_like(x, PICK(names), real(s));
    case 14:
        return wg_var(x, axes(s), (int)number(s), byte(s) & 1);
    default:
        return wg_name(x, PICK(names));
    }
}

static void structure(state *s)
{
    static const char *const names[] = { "f", "g", "a", "" };
    const char *name = PICK(names);

    switch (byte(s) % 6) {
    case 0:
        wg_begin(s->g, name, (wg_mode)(byte(s) % 2));
        break;
    case 1:
        wg_end(s->g);
        break;
    case 2:
        wg_output(name, some(s));
        break;
    case 3:
        wg_update(name, some(s));
        break;
    case 4:
        wg_scope_begin(s->g, "%s", name);
        break;
    default:
        wg_scope_end(s->g);
        break;
    }
}

static void differentiate(state *s)
{
    wg_tensor *y = some(s), *x = some(s);

    if (!y || !x || wg_graph_error(s->g)) return;
    if (wg_dtype_is_real(wg_tensor_type(y)->dtype) && byte(s) % 8)
        y = wg_sum(wg_mul(y, y), WG_ALL_AXES, false);
    keep(s, wg_grad1(y, x));
}

/* Runs whatever has been recorded last, feeding zeros of the example types. */
static void run(state *s)
{
    static const float zeros[LARGEST * 2];
    wg_tensor *t = some(s), **order;
    wg_error error = { .code = WG_OK };
    wg_plan_options options = { .threads = 1 + byte(s) % 2,
                                .check = byte(s) & 1,
                                .keep = byte(s) & 1,
                                .passes_off = (unsigned)byte(s) & WG_PASS_ALL,
                                .block = byte(s) % 9 };
    wg_plan *p;
    int64_t n;

    if (!t || wg_graph_error(s->g)) return;
    n = wg_order(1, &t, &order);
    p = wg_plan_of(1, &t, s->w, &options, &error);
    for (int64_t i = 0; p && i < n; i++)
        if (wg_tensor_record(order[i])->flags & WG_OP_FEED)
            wg_plan_feed(p, wg_tensor_leaf_name(order[i]),
                         wg_array_of(wg_tensor_type(order[i])->dtype,
                                     wg_tensor_type(order[i])->shape, zeros));
    if (p && wg_plan_run(p) == WG_OK && !wg_plan_value_at(p, 0)) abort();
    if (p && wg_plan_error(p)->code != WG_OK && !wg_plan_error(p)->text[0]) abort();
    wg_plan_free(p);
    wg_free(order);
}

/* A sound graph verifies; what it saves loads, and saves to the same bytes. */
static void round_trip(state *s)
{
    wg_program p;
    char *text, *again;
    size_t length, length_again;
    wg_error error = { .code = WG_OK };

    if (wg_graph_error(s->g)) return;
    if (wg_verify(s->g, &error) != WG_OK) abort();
    if (wg_save_text(s->g, s->w, NULL, &text, &length, &error) != WG_OK) return;
    if (wg_load_text(text, length, NULL, &p, &error) != WG_OK) {
        wg_error_print(&error, stderr);
        abort();
    }
    if (wg_save_text(p.graph, p.params, NULL, &again, &length_again, &error) != WG_OK) abort();
    if (length != length_again || memcmp(text, again, length) != 0) abort();
    wg_free(text);
    wg_free(again);
    wg_program_free(&p);
}

static void start(state *s)
{
    s->g = wg_graph_new();
    s->w = wg_params_new(WG_F32, 1);
    s->n = 0;
    if (!s->g || !s->w) abort();
}

static void finish(state *s)
{
    const wg_error *error = wg_graph_error(s->g);

    if (error && (!error->text[0] || error->code >= WG_N_STATUSES)) abort();
    round_trip(s);
    wg_graph_free(s->g);
    wg_params_free(s->w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    state s = { .p = data, .end = data + (size < 400 ? size : 400) };

    start(&s);
    while (s.p < s.end) {
        if (wg_graph_error(s.g)) {
            finish(&s);
            start(&s);
        }
        switch (byte(&s) % 12) {
        case 0:
        case 1:
            keep(&s, leaf(&s));
            break;
        case 2: {
            unary_fn *f = unary[byte(&s) % (int)(sizeof unary / sizeof unary[0])];

            keep(&s, f(some(&s)));
            break;
        }
        case 3:
        case 4: {
            binary_fn *f = binary[byte(&s) % (int)(sizeof binary / sizeof binary[0])];
            wg_tensor *a = some(&s), *b = some(&s);

            keep(&s, f(a, b));
            break;
        }
        case 5: {
            reduce_fn *f = reduce[byte(&s) % (int)(sizeof reduce / sizeof reduce[0])];
            wg_tensor *a = some(&s);
            wg_axes ax = axes(&s);

            keep(&s, f(a, ax, byte(&s) & 1));
            break;
        }
        case 6:
            keep(&s, rearrange(&s));
            break;
        case 7:
            keep(&s, index_or_window(&s));
            break;
        case 8:
            keep(&s, other(&s));
            break;
        case 9:
            structure(&s);
            break;
        case 10:
            differentiate(&s);
            break;
        default:
            run(&s);
            break;
        }
    }
    finish(&s);
    return 0;
}
