/* mistakes_shape.c: rearranging, indexing, windows. */
#include "mistakes.h"

static const int64_t zeros[2] = { 0, 0 }, ones[2] = { 1, 1 }, minus[1] = { -1 };
static const int64_t ends[2] = { WG_SLICE_END, WG_SLICE_END }, ones6[6] = { 0, 9, 1, 0, 3, 1 };
static const wg_window plain = { 0 }, pool = { .kernel = { 2, 2 }, .stride = { 2, 2 } };

/* The first part of a split. */
static wg_tensor *split(wg_tensor *x, int axis, int n, const int64_t *size)
{
    wg_tensor *part[4] = { NULL };

    (wg_split)(x, axis, n, size, part);
    return part[0];
}
#define split(...) wg_at(WG_SITE, split(__VA_ARGS__))

static const wg_op *detach(void)
{
    wg_op_list ops = wg_std_ops();

    return wg_op_find(&ops, "detach");
}

void shapes(void)
{
    MISTAKE(wg_reshape(F(2, 3), WG_SHAPE(4, 2)));
    REFUSED(WG_ESHAPE, "reshape: f32[2 x 3] has 6 elements, f32[4 x 2] has 8");
    MISTAKE(wg_reshape(F(2, 3), WG_SHAPE(-1, -1)));
    REFUSED(WG_EARG, "reshape: two extents of f32[-1 x -1] are -1");
    MISTAKE(wg_reshape(F(2, 3), WG_SHAPE(-1, 4)));
    REFUSED(WG_ESHAPE, "reshape: f32[2 x 3] does not divide into f32[-1 x 4]");
    MISTAKE(wg_reshape(F(2, 3), WG_SHAPE(6, 1, 0)));
    REFUSED(WG_EARG, "reshape: extent 0 of axis 2 copies an axis that f32[2 x 3] does not have");
    MISTAKE(wg_reshape(F(2, 3), WG_SHAPE(-2)));
    REFUSED(WG_EARG, "reshape: extent -2 of f32[-2] is negative");
    MISTAKE(wg_reshape_like(F(2, 3), F(5)));
    REFUSED(WG_ESHAPE, "reshape_like: f32[2 x 3] has 6 elements, f32[5] has 5");
    MISTAKE(wg_collapse(F(2, 3), 1, 0));
    REFUSED(WG_EARG, "collapse: axis 1 comes after axis 0: f32[2 x 3]");
    MISTAKE(wg_collapse(F(2, 3), 0, 2));
    REFUSED(WG_EARG, "collapse: axis 2 is out of range for rank 2: f32[2 x 3]");
    MISTAKE(wg_permute(F(2, 3), WG_AXES(0)));
    REFUSED(WG_EARG, "permute: 1 axes given, f32[2 x 3] has 2");
    MISTAKE(wg_permute(F(2, 3), WG_AXES(0, 0)));
    REFUSED(WG_EARG, "permute: axis 0 is named twice");
    MISTAKE(wg_transpose(F(2, 3), 0, 2));
    REFUSED(WG_EARG, "permute: axis 2 is out of range for rank 2: f32[2 x 3]");
    MISTAKE(wg_squeeze(F(2, 1), WG_AXES(0)));
    REFUSED(WG_ESHAPE, "squeeze: axis 0 of f32[2 x 1] has not extent 1");
    MISTAKE(wg_squeeze(F(2, 1), WG_AXES(2)));
    REFUSED(WG_EARG, "squeeze: axis 2 is out of range for rank 2: f32[2 x 1]");
    MISTAKE(wg_unsqueeze(F(2), WG_AXES(0, 0)));
    REFUSED(WG_EARG, "unsqueeze: axis 0 is named twice");
    MISTAKE(wg_unsqueeze(F(1, 1, 1, 1, 1, 1, 1, 1), WG_AXES(0)));
    REFUSED(WG_EARG,
            "unsqueeze: 1 more axes than f32[1 x 1 x 1 x 1 x 1 x 1 x 1 x 1] has are above rank 8");
    MISTAKE(wg_expand(F(2, 3), WG_SHAPE(2, 4)));
    REFUSED(WG_ESHAPE, "expand: f32[2 x 3] does not broadcast to f32[2 x 4]");
    MISTAKE(wg_expand(F(2, 3), WG_SHAPE(3)));
    REFUSED(WG_ESHAPE, "expand: f32[2 x 3] has a higher rank than f32[3]");
    MISTAKE(wg_slice(F(5), 2, zeros, ends, ones));
    REFUSED(WG_EARG, "slice: 2 axes given, f32[5] has 1");
    MISTAKE(wg_slice(F(5), 1, zeros, ends, zeros));
    REFUSED(WG_EARG, "slice: step 0 of axis 0 is below 1: wg_flip turns an axis around");
    MISTAKE(wg_slice_axis(F(5), 1, 0, 2, 1));
    REFUSED(WG_EARG, "slice_axis: axis 1 is out of range for rank 1: f32[5]");
    MISTAKE(wg_pad_like(F(2, 2), F(2, 5), 2, zeros, ends, ones));
    REFUSED(WG_ESHAPE, "pad_like: f32[2 x 2] does not fit the part f32[2 x 5] of f32[2 x 5]");
    MISTAKE(wg_select(F(2, 3), 1, 3));
    REFUSED(WG_EINDEX, "select: index 3 is out of range for axis 1 of f32[2 x 3]");
    MISTAKE(wg_select(F(2, 3), 2, 0));
    REFUSED(WG_EARG, "select: axis 2 is out of range for rank 2: f32[2 x 3]");
    MISTAKE(wg_pad(F(2, 3), 1, ones, ones, 0));
    REFUSED(WG_EARG, "pad: numbers for 1 and 1 axes given, f32[2 x 3] has 2");
    MISTAKE(wg_pad(F(2), 1, minus, ones, 0));
    REFUSED(WG_EARG, "pad: -1 elements before and 1 after axis 0 of f32[2]: wanted none below 0");
    MISTAKE(wg_dilate(F(3), WG_AXES(0), -1));
    REFUSED(WG_EARG, "dilate: -1 zeros between neighbours: wanted 0 or more");
    MISTAKE(wg_dilate(F(3), WG_AXES(1), 1));
    REFUSED(WG_EARG, "dilate: axis 1 is out of range for rank 1: f32[3]");
    MISTAKE(wg_concat(2, (wg_tensor *[]){ F(2, 3), F(3, 2) }, 0));
    REFUSED(WG_ESHAPE,
            "concat: f32[3 x 2] does not go with f32[2 x 3] along axis 0: other extents differ");
    MISTAKE(wg_concat(2, (wg_tensor *[]){ F(2), D(2) }, 0));
    REFUSED(WG_EDTYPE, "concat: element types differ: f32[2] and f64[2]: convert one with wg_cast");
    MISTAKE(wg_concat(2, (wg_tensor *[]){ F(2), F(2, 2) }, 0));
    REFUSED(WG_ESHAPE,
            "concat: f32[2 x 2] does not go with f32[2] along axis 0: other extents differ");
    MISTAKE(wg_concat(1, (wg_tensor *[]){ F(2) }, 1));
    REFUSED(WG_EARG, "concat: axis 1 is out of range for rank 1: f32[2]");
    MISTAKE(wg_stack(2, (wg_tensor *[]){ F(2), F(3) }, 0));
    REFUSED(WG_ESHAPE,
            "concat: f32[1 x 3] does not go with f32[1 x 2] along axis 0: other extents differ");
    MISTAKE(wg_stack(2, (wg_tensor *[]){ F(2), F(2) }, 3));
    REFUSED(WG_EARG, "unsqueeze: axis 3 is out of range for rank 2: f32[2]");
    MISTAKE(wg_flip(F(2), WG_AXES(1)));
    REFUSED(WG_EARG, "flip: axis 1 is out of range for rank 1: f32[2]");
    MISTAKE(wg_at(WG_SITE, wg_record(detach(), NULL, 2, (wg_tensor *[]){ F(2), F(2) })));
    REFUSED(WG_EARG, "detach: 2 operands given, wanted 1");
    MISTAKE(split(F(2, 4), 1, 2, (const int64_t[]){ 3, 2 }));
    REFUSED(WG_ESHAPE, "split: 2 pieces have 5 in all, axis 1 of f32[2 x 4] has 4");
    MISTAKE(split(F(2, 4), 2, 1, (const int64_t[]){ 4 }));
    REFUSED(WG_EARG, "split: axis 2 is out of range for rank 2: f32[2 x 4]");
    MISTAKE(wg_part_like(F(2, 5), F(2, 2), F(), 1));
    REFUSED(WG_EDTYPE, "part_like: the offset is f32[], wanted i64[]");
    MISTAKE(wg_part_like(F(2, 5), F(3, 2), I(), 1));
    REFUSED(WG_ESHAPE,
            "part_like: f32[3 x 2] does not go with f32[2 x 5] along axis 1: other extents differ");
    MISTAKE(wg_place_like(F(2, 2), F(3, 5), I(), 1));
    REFUSED(
        WG_ESHAPE,
        "place_like: f32[2 x 2] does not go with f32[3 x 5] along axis 1: other extents differ");
    MISTAKE(wg_place_like(F(2, 2), F(2, 5), I(1), 1));
    REFUSED(WG_EDTYPE, "place_like: the offset is i64[1], wanted i64[]");
    MISTAKE(wg_assemble_like(F(2, 5), 1, (wg_tensor *[]){ F(2, 2) }, (wg_i64s){ 6, ones6 }));
    REFUSED(WG_ESHAPE,
            "assemble_like: part 0 is f32[2 x 2], its place in f32[2 x 5] is f32[2 x 3]");
    MISTAKE(wg_assemble_like(F(2, 5), 1, (wg_tensor *[]){ F(2, 2) }, (wg_i64s){ 3, ones6 }));
    REFUSED(
        WG_EARG,
        "assemble_like: 3 numbers for 1 parts of f32[2 x 5]: wanted 3 for each axis of each part");
    MISTAKE(wg_assemble_at(F(2, 5), 1, (wg_tensor *[]){ F(2, 2) }, (wg_tensor *[]){ F() }, 1));
    REFUSED(WG_EDTYPE, "assemble_at: offset 0 is f32[], wanted i64[]");
    MISTAKE(wg_assemble_at(F(2, 5), 1, (wg_tensor *[]){ F(3, 2) }, (wg_tensor *[]){ I() }, 1));
    REFUSED(WG_ESHAPE,
            "assemble_at: part 0, f32[3 x 2], does not fit into f32[2 x 5] along axis 1");
}

void indexing(void)
{
    MISTAKE(wg_gather(F(3, 2), F(2), 0));
    REFUSED(WG_EDTYPE, "gather: the indices are f32[2], wanted i64: convert them with wg_cast");
    MISTAKE(wg_gather(F(3, 2), I(2), 2));
    REFUSED(WG_EARG, "gather: axis 2 is out of range for rank 2: f32[3 x 2]");
    MISTAKE(wg_gather(F(1, 1, 1, 1, 1), I(1, 1, 1, 1, 1), 0));
    REFUSED(WG_EARG, "gather: axis 0 of f32[1 x 1 x 1 x 1 x 1] replaced by those of i64[1 x 1 x 1 "
                     "x 1 x 1] makes rank 9, above 8");
    MISTAKE(wg_scatter_add_like(F(2, 3), I(3), F(4, 3), 0));
    REFUSED(
        WG_ESHAPE,
        "scatter_add_like: f32[2 x 3] added to f32[4 x 3] at indices i64[3]: wanted f32[3 x 3]");
    MISTAKE(wg_scatter_add_like(F(2, 3), I(2), D(4, 3), 0));
    REFUSED(WG_EDTYPE, "scatter_add_like: element types differ: f64[4 x 3] and f32[2 x 3]: convert "
                       "one with wg_cast");
    MISTAKE(wg_scatter_add(F(4, 3), I(2), F(2, 2), 0));
    REFUSED(WG_ESHAPE,
            "scatter_add: f32[2 x 2] added to f32[4 x 3] at indices i64[2]: wanted f32[2 x 3]");
    MISTAKE(wg_take_along_axis(F(2, 3), I(2), 1));
    REFUSED(WG_ESHAPE,
            "take_along_axis: indices i64[2] along axis 1 of f32[2 x 3]: other extents differ");
    MISTAKE(wg_take_along_axis(F(2, 3), I(3, 3), 1));
    REFUSED(WG_ESHAPE,
            "take_along_axis: indices i64[3 x 3] along axis 1 of f32[2 x 3]: other extents differ");
    MISTAKE(wg_scatter_along_like(F(2, 3), I(2, 2), F(2, 4), 1));
    REFUSED(WG_ESHAPE,
            "scatter_along_like: f32[2 x 3] has not the extents of its indices i64[2 x 2]");
    MISTAKE(wg_one_hot(F(3), 4, WG_F32));
    REFUSED(WG_EDTYPE, "one_hot: the indices are f32[3], wanted i64: convert them with wg_cast");
    MISTAKE(wg_one_hot(I(3), -1, WG_F32));
    REFUSED(WG_EARG, "one_hot: depth -1 is negative");
    MISTAKE(wg_one_hot_like(I(3), F()));
    REFUSED(WG_ESHAPE, "one_hot_like: f32[] has no last axis to take the depth from");
    MISTAKE(wg_one_hot_like(F(3), F(2)));
    REFUSED(WG_EDTYPE,
            "one_hot_like: the indices are f32[3], wanted i64: convert them with wg_cast");
}

void windows(void)
{
    MISTAKE(wg_conv2d(F(1, 5, 5, 3), F(3, 3, 2, 4), plain));
    REFUSED(WG_ESHAPE, "conv2d: channels differ: 3 in f32[1 x 5 x 5 x 3], 2 in f32[3 x 3 x 2 x 4]");
    MISTAKE(wg_conv2d(F(1, 2, 5, 3), F(3, 3, 3, 4), plain));
    REFUSED(WG_ESHAPE, "conv2d: a window that reaches over 3 rows does not fit into f32[1 x 2 x 5 "
                       "x 3] with its padding");
    MISTAKE(wg_conv2d(F(5, 5, 3), F(3, 3, 3, 4), plain));
    REFUSED(WG_ESHAPE,
            "conv2d: operand 0 is f32[5 x 5 x 3]: wanted an image [n, rows, cols, channels]");
    MISTAKE(wg_conv2d(F(1, 5, 5, 3), D(3, 3, 3, 4), plain));
    REFUSED(WG_EDTYPE, "conv2d: element types differ: f32[1 x 5 x 5 x 3] and f64[3 x 3 x 3 x 4]: "
                       "convert one with wg_cast");
    MISTAKE(wg_conv2d(F(1, 5, 5, 3), F(3, 3, 3, 4), ((wg_window){ .stride = { -1, 1 } })));
    REFUSED(WG_EARG, "conv2d: stride -1: wanted 1 to 2147483647, or 0 for 1");
    MISTAKE(wg_conv2d(F(1, 5, 5, 3), F(3, 3, 3, 4), ((wg_window){ .pad = { -1, 0, 0, 0 } })));
    REFUSED(WG_EARG, "conv2d: padding -1: wanted 0 to 2147483647");
    MISTAKE(wg_conv2d(F(1, 5, 5, 3), F(3, 3, 3, 4), ((wg_window){ .dilation = { 0, -1 } })));
    REFUSED(WG_EARG, "conv2d: dilation -1: wanted 0 (an ordinary window) to 2147483646");
    MISTAKE(wg_conv2d(F(1, 5, 5, 3), F(3, 3, 3, 4), ((wg_window){ .pad_mode = 9 })));
    REFUSED(WG_EARG, "conv2d: pad_mode is no legal choice");
    MISTAKE(wg_conv2d_dx(F(1, 3, 3, 4), F(3, 3, 3, 5), F(1, 5, 5, 3), plain));
    REFUSED(WG_ESHAPE,
            "conv2d_dx: channels differ: 4 in f32[1 x 3 x 3 x 4], 5 in f32[3 x 3 x 3 x 5]");
    MISTAKE(wg_conv2d_dx(F(1, 2, 3, 4), F(3, 3, 3, 4), F(1, 5, 5, 3), plain));
    REFUSED(WG_ESHAPE, "conv2d_dx: f32[1 x 5 x 5 x 3] has 1 images of 3 x 3 windows, not those of "
                       "f32[1 x 2 x 3 x 4]");
    MISTAKE(wg_conv2d_dx(F(1, 3, 3, 4), F(3, 3, 3, 5), NULL, plain));
    REFUSED(WG_ESHAPE,
            "conv2d_dx: channels differ: 4 in f32[1 x 3 x 3 x 4], 5 in f32[3 x 3 x 3 x 5]");
    MISTAKE(wg_conv2d_dw(F(1, 5, 5, 3), F(1, 3, 3, 4), F(3, 3, 3, 5), plain));
    REFUSED(WG_ESHAPE,
            "conv2d_dw: channels differ: 4 in f32[1 x 3 x 3 x 4], 5 in f32[3 x 3 x 3 x 5]");
    MISTAKE(wg_conv2d_dw(F(1, 5, 5, 3), F(2, 3, 3, 4), F(3, 3, 3, 4), plain));
    REFUSED(WG_ESHAPE, "conv2d_dw: f32[1 x 5 x 5 x 3] has 1 images of 3 x 3 windows, not those of "
                       "f32[2 x 3 x 3 x 4]");
    MISTAKE(wg_conv1d(F(1, 5, 3), F(3, 2, 4), plain));
    REFUSED(WG_ESHAPE, "conv2d: channels differ: 3 in f32[1 x 5 x 1 x 3], 2 in f32[3 x 1 x 2 x 4]");
    MISTAKE(wg_avg_pool2d(F(1, 5, 5, 3), plain));
    REFUSED(WG_EARG, "avg_pool2d: window of 0 x 0: wanted extents from 1");
    MISTAKE(wg_avg_pool2d(I(1, 5, 5, 3), pool));
    REFUSED(
        WG_EDTYPE,
        "avg_pool2d: operand 0 is i64[1 x 5 x 5 x 3], wanted f32 or f64: convert it with wg_cast");
    MISTAKE(wg_max_pool2d(F(1, 1, 5, 3), pool));
    REFUSED(WG_ESHAPE, "max_pool2d: a window that reaches over 2 rows does not fit into f32[1 x 1 "
                       "x 5 x 3] with its padding");
    MISTAKE(wg_max_pool2d(F(5, 5, 3), pool));
    REFUSED(WG_ESHAPE,
            "max_pool2d: operand 0 is f32[5 x 5 x 3]: wanted an image [n, rows, cols, channels]");
    MISTAKE(wg_im2col(F(1, 1, 1, 3), pool));
    REFUSED(WG_ESHAPE, "im2col: a window that reaches over 2 rows does not fit into f32[1 x 1 x 1 "
                       "x 3] with its padding");
    MISTAKE(wg_col2im_like(F(1, 2, 3, 2, 2, 3), F(1, 5, 5, 3), pool));
    REFUSED(WG_ESHAPE, "col2im_like: the windows of f32[1 x 5 x 5 x 3] are f32[1 x 2 x 2 x 2 x 2 x "
                       "3], not f32[1 x 2 x 3 x 2 x 2 x 3]");
    MISTAKE(wg_avg_spread(F(1, 2, 3, 3), F(1, 4, 4, 3), pool));
    REFUSED(WG_ESHAPE, "avg_spread: the windows of f32[1 x 4 x 4 x 3] are f32[1 x 2 x 2 x 3], not "
                       "f32[1 x 2 x 3 x 3]");
    MISTAKE(wg_pool_scatter(F(1, 2, 3, 3), F(1, 4, 4, 3), pool));
    REFUSED(WG_ESHAPE, "pool_scatter: the windows of f32[1 x 4 x 4 x 3] are f32[1 x 2 x 2 x 3], "
                       "not f32[1 x 2 x 3 x 3]");
    MISTAKE(wg_pool_pick(F(1, 4, 5, 3), F(1, 4, 4, 3), pool));
    REFUSED(WG_ESHAPE, "pool_pick: types differ: f32[1 x 4 x 5 x 3] and f32[1 x 4 x 4 x 3]");
}
