/*
 * op.h: for authors of ops. One op is one static record: name, attributes as a plain struct with a
 * field table, shape rule, kernels, gradient rule. A user's own record is the equal of ours: see
 * examples/custom_op.c.
 */
#ifndef WENGERT_OP_H
#define WENGERT_OP_H

#include "base.h"
#include "graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- attributes: a struct states each type once, a table names each member once ---- */

typedef enum {
    WG_A_BOOL,
    WG_A_I64,
    WG_A_F64,
    WG_A_AXES,
    WG_A_SHAPE,
    WG_A_DTYPE,
    WG_A_STR,
    WG_A_I64N,  /* int64_t f[k], all k values count */
    WG_A_I64S,  /* wg_i64s: a list of any length */
    WG_A_ARRAY, /* wg_array: a constant's type and elements */
    WG_A_CHOICE /* int64_t: an index into `choices` */
} wg_attr_kind;

typedef struct {
    const char *name;
    wg_attr_kind kind;
    uint16_t offset, size; /* in a struct of less than 64 KiB */
    const char *const *choices; /* WG_A_CHOICE: names, NULL-terminated */
    double number;              /* default of hyperparameter fields: bool, i64, f64, choice */
    const char *string;         /* default of hyperparameter fields: strings */
} wg_field;

#ifndef __cplusplus
#define WG_FIELD_KIND(T, f)                                                                        \
    _Generic(((T *)0)->f, bool: WG_A_BOOL, int64_t: WG_A_I64, double: WG_A_F64,                    \
             wg_axes: WG_A_AXES, wg_shape: WG_A_SHAPE, wg_dtype: WG_A_DTYPE,                       \
             const char *: WG_A_STR, int64_t *: WG_A_I64N, wg_i64s: WG_A_I64S,                     \
             wg_array: WG_A_ARRAY)
#define WG_FIELD(T, f)                                                                             \
    {                                                                                              \
#f, WG_FIELD_KIND(T, f), offsetof(T, f), sizeof(((T *)0)->f), NULL, 0, NULL                \
    }
/* with a default, for hyperparameters */
#define WG_FIELD_NUM(T, f, v)                                                                      \
    {                                                                                              \
#f, WG_FIELD_KIND(T, f), offsetof(T, f), sizeof(((T *)0)->f), NULL, v, NULL                \
    }
#define WG_FIELD_STR(T, f, v)                                                                      \
    {                                                                                              \
#f, WG_FIELD_KIND(T, f), offsetof(T, f), sizeof(((T *)0)->f), NULL, 0, v                   \
    }
/* an int64_t that is an index into a NULL-terminated list of names */
#define WG_CHOICE(T, f, names)                                                                     \
    {                                                                                              \
#f, WG_A_CHOICE, offsetof(T, f), sizeof(((T *)0)->f), names, 0, NULL                       \
    }
#define WG_FIELDS_END                                                                              \
    {                                                                                              \
        NULL, WG_A_BOOL, 0, 0, NULL, 0, NULL                                                       \
    }
#endif

/* ---- where errors are born ---- */

/** Fills *error (may be NULL) unless it holds one already: the first one wins. `op` is static
 * storage. Always returns code. A breakpoint here gives the stack of the caller's mistake. */
WG_API wg_status wg_fail(wg_error *error, wg_status code, const char *op, const char *fmt, ...)
    WG_PRINTF(4, 5);

/* ---- what a shape rule may look at: types and attributes ---- */

typedef struct wg_sig {
    const wg_op *op;
    const void *attr;
    int n_in;
    const wg_type *const *in;
    wg_error *error;
} wg_sig;

/** Reports that the operands do not fit; returns false, so that a rule can `return
 * wg_sig_fail(...)`. The text has no function name, no full stop, and shows operand types
 * (WG_TYPE_STR). */
WG_API bool wg_sig_fail(const wg_sig *s, wg_status code, const char *fmt, ...) WG_PRINTF(3, 4);

/** Axis `axis` (may count from the end) of a tensor of rank `rank`, as 0..rank-1 in *out. WG_EARG
 * otherwise. */
WG_API bool wg_sig_axis(const wg_sig *s, int64_t axis, int rank, int *out);

/** Axes as a bit set; every axis at most once. WG_EARG otherwise. */
WG_API bool wg_sig_axes(const wg_sig *s, const wg_axes *axes, int rank, unsigned *set);

/** Operand i must be f32 or f64. WG_EDTYPE otherwise, with the remedy (wg_cast). */
WG_API bool wg_sig_real(const wg_sig *s, int i);

/** All operands must have the element type of operand 0. WG_EDTYPE otherwise; the text names
 * wg_cast. */
WG_API bool wg_sig_same_dtype(const wg_sig *s);

/** The numpy broadcast of all operands' extents. WG_ESHAPE otherwise. */
WG_API bool wg_sig_broadcast(const wg_sig *s, wg_shape *out);

/* Whole rules that many records share. */
WG_API bool wg_infer_same(const wg_sig *s, wg_type *out); /* one real operand: its type */
WG_API bool wg_infer_same_any(const wg_sig *s,
                              wg_type *out); /* one operand of any type: its type */
WG_API bool wg_infer_broadcast(const wg_sig *s, wg_type *out); /* same dtype, broadcast extents */

/* A type as text inside an expression: lives to the end of the enclosing block. */
#define WG_TYPE_STR(type) wg_type_text((type), (char[WG_TYPE_TEXT]){ 0 })

/* ---- what a kernel may look at: memory, types, attributes ---- */

typedef struct wg_call {
    const wg_op *op;
    const void *attr;
    int n_in;
    const wg_type *const *tx;
    const void *const *x; /* NULL where the operand lends its type only */
    const wg_type *ty;
    void *y;         /* overlaps no operand, unless the record has `check`: then y may be x[0] */
    void *scratch;   /* of the size the record asked for, 64-byte aligned; an address even for 0 */
    int threads;     /* most threads wg_parallel may use */
    wg_error *error; /* wg_call_fail: the run ends, nothing is committed */
    const void *state; /* what the record's `prepare` left; NULL without */
} wg_call;

/** A kernel's failure for the values at hand (an index out of range). */
WG_API void wg_call_fail(const wg_call *c, wg_status code, const char *fmt, ...) WG_PRINTF(3, 4);

/* Kernels, of three kinds. Several threads may be inside of one at once, in parts of one entry, and
 * in steps that do not depend on each other (WG_PASS_LANES; run by one thread, these take turns).
 * So a kernel writes its result, its scratch and what wg_call_fail writes, and keeps nothing
 * elsewhere; it may count on its operands and attributes to stay as they are while it runs. */

/* An element-wise op: n elements; operand i advances by step[i] (0 or 1) elements; y may be the
 * same pointer as an operand of step 1, and overlaps none otherwise. It cannot fail. */
typedef void wg_row_fn(const void *attr, int64_t n, const void *const *x, const int *step, void *y);

/* An op that goes line by line: `lines` lines of n elements of operand 0, one after the other, make
 * one element each, or n; then y may be the same pointer as x, and overlaps it never otherwise. It
 * cannot fail, and gives the bits of the record's eval. */
typedef void wg_line_fn(const void *attr, int64_t lines, int64_t n, const void *x, void *y);

/* Any other op: the whole tensor. Zero-size tensors reach kernels too. */
typedef void wg_eval_fn(const wg_call *c);

/** Runs body(arg, lo, hi) over disjoint ranges that cover 0..n, on at most `threads` threads; below
 * `grain` items per thread fewer. Borders are multiples of `grain`. A thread may be given several
 * ranges, and which ones must not matter for the result. */
WG_API void wg_parallel(int threads, int64_t n, int64_t grain,
                        void (*body)(void *arg, int64_t lo, int64_t hi), void *arg);

/** The same, and body is told which of the at most `threads` workers runs it, from 0: no two at once
 * are the same one, so it may have a place of its own in scratch. */
WG_API void wg_parallel_workers(int threads, int64_t n, int64_t grain,
                                void (*body)(void *arg, int worker, int64_t lo, int64_t hi),
                                void *arg);

/** Runs body(arg) so that a library that uses OpenMP inside of it keeps to the calling thread. */
WG_API void wg_on_one_thread(void (*body)(void *arg), void *arg);

/* ---- what a gradient rule may look at: tensors, ranks, element types, attributes; no extents
 * ---- */

typedef struct wg_vjp {
    wg_tensor *y, *dy; /* result, and gradient of its type */
    int n_in;
    wg_tensor *const *x;
    const bool *need; /* need[i]: the gradient of operand i is wanted; others may be skipped */
    const void *attr;
} wg_vjp;

/** Rank and element type: fixed when recorded, so a rule may depend on them. */
WG_API int wg_rank(const wg_tensor *t);
WG_API wg_dtype wg_dtype_of(const wg_tensor *t);

/* ---- the record ---- */

enum { WG_LEVEL_PLAIN, WG_LEVEL_AVX2, WG_LEVEL_AVX512, WG_N_LEVELS };

enum { WG_STATE = 128 }; /* bytes a record may prepare */

enum {
    WG_OP_BROADCASTS =
        1 << 0,             /* operands broadcast: the reverse pass sums each dx to its operand */
    WG_OP_NO_GRAD = 1 << 1, /* gradient zero by nature */
    WG_OP_ALIAS = 1 << 2,  /* whenever the result has as many elements as operand 0, and its element
                                   type, it is operand 0's bytes */
    WG_OP_RANDOM = 1 << 3, /* never merged with an equal entry; may be fed by name */
    WG_OP_FEED = 1 << 4,   /* value comes from wg_plan_feed; type follows the fed array */
    WG_OP_PARAM = 1 << 5,  /* value is a store entry */
    WG_OP_CONST = 1 << 6,  /* value depends on attributes only */
    WG_OP_COMMUTES = 1 << 7, /* two operands whose order does not change the value's bits */
    WG_OP_GRAD_PART =
        1 << 8 /* a part of a gradient that the reverse pass may assemble (see grad.c) */,
    WG_OP_LIKE_DTYPE = 1 << 9, /* operands that lend their type lend the element type alone */
    WG_OP_LIGHT = 1 << 10 /* row kernels of one or two instructions a vector: an element is made as
                             fast as it is read from memory (WG_PASS_REMAKE) */
};
/* Records with WG_OP_FEED, WG_OP_PARAM or WG_OP_RANDOM have attributes whose first member is
 * `const char *name`. */

#define WG_SHAPE_ONLY(i)      (1u << (i))
#define WG_SHAPE_ONLY_FROM_31 (1u << 31) /* operand 31 and all later */

/* One entry that reads the value of another, which nobody else reads, and may compute it inside its
 * own kernel. */
typedef struct wg_inlined {
    const wg_sig *sig; /* the entry: record, attributes, operand types */
    const wg_type *out;
    wg_dtype by; /* picks among kernels, as for eval */
    int level, threads;
    int n; /* entries inside: part[0] is operand part[0].operand of the entry, part[1] of part[0] */
    struct {
        int operand;
        const wg_sig *sig;
        const wg_type *out;
    } part[2];
    /* filled in; calls get the operands of the entry, then those of part[0], then of part[1] */
    void *state;       /* WG_STATE bytes, which the call sees as c->state */
    wg_eval_fn *fn;
    size_t scratch;    /* bytes that fn wants */
    wg_eval_fn *check; /* of the last part, on its operands: what can make it fail; or NULL */
} wg_inlined;

/* Tables of kernels, for a record at file scope: .row = WG_ROW_KERNELS({ [WG_F32] = { square } }),
 * say. Types and levels that are not named have none. */
#define WG_ROW_KERNELS(...)  (wg_row_fn *const[WG_N_DTYPES][WG_N_LEVELS]) __VA_ARGS__
#define WG_EVAL_KERNELS(...) (wg_eval_fn *const[WG_N_DTYPES][WG_N_LEVELS]) __VA_ARGS__

/* One of the entries that a record's value is made of, one after the other. Operands are numbers of
 * parts before it, or the record's own. */
enum { WG_PART_OPERAND = -1 };
typedef struct wg_part {
    const wg_op *op;
    int in[2];
} wg_part;

typedef struct wg_op_more wg_op_more;

struct wg_op {
    const char *name, *doc; /* name is the JSON tag: it never changes */
    int n_in;               /* -1: one or more */
    unsigned flags;
    unsigned shape_only; /* bit i: operand i lends its type, never its values */
    size_t attr_size;
    const wg_field *fields;                       /* one entry a member of the attribute struct */
    bool (*infer)(const wg_sig *s, wg_type *out); /* pure; may be called with any extents */
    /* Kernels for each element type of the deciding operand and each level, in one of two tables
     * (WG_ROW_KERNELS, WG_EVAL_KERNELS); an empty level falls to the one below. */
    wg_row_fn *const (*row)[WG_N_LEVELS];
    wg_eval_fn *const (*eval)[WG_N_LEVELS];
    size_t (*scratch)(const wg_sig *s, const wg_type *out, int threads); /* bytes; NULL: none */
    int decides; /* the operand whose element type picks the kernel; -1: the result's */
    void (*vjp)(const wg_vjp *v, wg_tensor **dx);         /* records; dx[i] may stay NULL: zero */
    double (*flops)(const wg_sig *s, const wg_type *out); /* NULL: one an element of the result */
    /* Optional, with a row kernel of f32, or of bools alone: what it does to one element of each
     * operand at AVX-512, bit for bit (but for which NaN), as an expression of C that
     * WG_PASS_CHAIN makes machine code of. NULL, or a text that cannot be read: none. The operand
     * of one is x; of two a, b; of three m, a, b. Bools are m, or m and n. There are numbers,
     * decimal and hexadecimal; + - * /, each rounded; parentheses; ATTR(member), an f64 or i64 of
     * the attributes; assignments before it, as in `t = x + 1; t / (t - x)`; and
     *
     *   vset(x, c)                  the number c
     *   vfma(a, b, c)               a b + c, rounded once
     *   vsqrt vrsqrt vabs vfloor vround vcopysign(a, sign)
     *   vmin vmax                   NaN if either is
     *   vmin_raw vmax_raw           a < b ? a : b, a > b ? a : b
     *   vlt vle vgt vge veq vne     bools, of two numbers
     *   vand(m, n) vor(m, n) vnot(m)
     *   vsel(m, a, b)               a where m, else b
     *   vexp vexpm1 vlog vlog1p vtanh vsigmoid verf vsoftplus
     */
    const char *lane;
    const wg_op_more *more; /* what few records have: WG_OP_MORE(.check = ...); or NULL */
};

/* What a plan makes use of where a record has it; each is optional. */
#define WG_OP_MORE(...) (&(const wg_op_more){ __VA_ARGS__ })

struct wg_op_more {
    /* Operand i comes from a record `of` with attributes of_attr, whose operand 0 has
     * this rank: true when the entry may read that operand 0 instead, once `attr` (a copy, to be
     * changed here) says so. How a product takes a transpose as its flag (WG_PASS_TRANSPOSE). */
    bool (*absorb)(void *attr, int i, const wg_op *of, const void *of_attr, int rank);
    /* For a record that changes little of operand 0 and may write its result over it:
     * everything that can make eval fail, found from the values of its i64 operands alone. The plan
     * asks before anything is written, and then lets y be x[0], in the store. */
    wg_eval_fn *check;
    /* For a record whose result repeats the elements of operand 0: *as, the type with as
     * many elements as operand 0 whose broadcast to the extents of the result it is. Row kernels
     * then read operand 0 itself (WG_PASS_REPEAT). */
    void (*repeats)(const wg_sig *s, const wg_type *out, wg_type *as);
    /* For records of two operands: where one whose bit is set here is `unit`, +0 or
     * another number, in every element, the result is the other operand (WG_PASS_FOLD). */
    unsigned unit_of;
    double unit;
    /* Fills in `fn` when there is a kernel for the entry and its parts together, with the
     * bits that they give one after the other (WG_PASS_INLINE). Parts with a row kernel cannot
     * fail; neither must others, but by `check`. An entry with a row kernel leaves its fused step
     * for it. */
    bool (*inlines)(wg_inlined *in);
    /* A kernel for these very types, which takes the place of eval and gives the same
     * bits; NULL: none. What it needs to know beyond them is written to `state`, WG_STATE bytes,
     * once; calls see it as c->state. `by` and `level` pick among kernels, as they do for eval
     * (WG_PASS_PREPARE). */
    wg_eval_fn *(*prepare)(const wg_sig *s, const wg_type *out, wg_dtype by, int level,
                           void *state);
    /* Elements of a line when the result is made line by line of operand 0, the only one
     * whose values count; 0: not with these axes or extents. */
    int64_t (*line)(const wg_sig *s, const wg_type *out);
    wg_line_fn *const (*by_line)[WG_N_LEVELS]; /* with `line`: for each element type, as eval */
    /* With `line`, for a record of one operand whose type its result has: the same bits, made by
     * parts, of which the last is the result (WG_PASS_PARTS). part_attr fills in what attributes
     * part i has, given zeroed. */
    const wg_part *parts;
    int n_parts;
    void (*part_attr)(const void *attr, int i, void *part_attr);
    /* Elements of a row when the result is the sum of operand 0's rows, in the order of
     * `sum`; 0: not with these axes or extents (WG_PASS_COLUMNS). */
    int64_t (*columns)(const wg_sig *s, const wg_type *out);
    /* With `columns`: the record whose row kernel adds a row to another. With `line` as well, what
     * is made of a line is its sum, in the order of `sum`. */
    const wg_op *adds;
    /* A faster kernel for these very types, which takes the place of eval and whose
     * results differ from eval's within a bound that the record's constructor states; NULL: none.
     * *scratch: the bytes it wants. Chosen by extents alone, whatever the threads
     * (WG_PASS_WINOGRAD). Not together with `prepare`, which may choose another kernel. */
    wg_eval_fn *(*fast)(const wg_sig *s, const wg_type *out, wg_dtype by, int level, int threads,
                        size_t *scratch);
    /* For a record whose result can be elements of operand 0 as they lie there, one after
     * the other: the first of them; -1: not with these attributes, extents and values. x: values
     * of other operands, NULL where they are not known before the run (WG_PASS_PLACE). */
    int64_t (*part)(const wg_sig *s, const wg_type *out, const void *const *x);
    /* For a record whose result can be the elements of its operands one after the other:
     * whether it is, with these attributes and extents (WG_PASS_PLACE). */
    bool (*joins)(const wg_sig *s, const wg_type *out);
    /* With `absorb`: the record, of one operand, whose result had better be read in place
     * of operand i, because a kernel would make it anew each time (WG_PASS_TURN); `absorb` of it
     * then changes the attributes. Of up to two operands; *attr: its attributes, for as long as the
     * program runs. NULL: operand i is read as it lies. The bits stay. */
    const wg_op *(*turns)(const wg_sig *s, const wg_type *out, int i, const void **attr);
    /* Bytes for each thread that a library behind eval keeps for itself, outside of the
     * plan's memory, with these extents at this level; 0: none. The report adds them up. */
    size_t (*outside)(const wg_sig *s, const wg_type *out, int level);
};

/** Records one entry: copies attributes, infers the type, appends. n operands in x. Returns the new
 * tensor; the poison when the graph is in error or this call fails; NULL when x[0] is NULL. Errors:
 * whatever infer raises; WG_EARG for operands of two graphs or a wrong number; WG_EDTYPE when there
 * is no kernel for the element type. */
WG_API wg_tensor *wg_record(const wg_op *op, const void *attr, int n, wg_tensor *const *x);
WG_API wg_tensor *wg_record1(const wg_op *op, const void *attr, wg_tensor *a);
WG_API wg_tensor *wg_record2(const wg_op *op, const void *attr, wg_tensor *a, wg_tensor *b);
WG_API wg_tensor *wg_record3(const wg_op *op, const void *attr, wg_tensor *a, wg_tensor *b,
                             wg_tensor *c);

/** Records a leaf: an entry without operands. For FEED and PARAM records the leaf of that name is
 * returned if there is one; WG_ENAME when its attributes differ. */
WG_API wg_tensor *wg_record_leaf(wg_graph *g, const wg_op *op, const void *attr);

/** Puts an error of a composing function on the graph of t, unless there is one already, and
 * returns the poison. `function` is static storage. */
WG_API wg_tensor *wg_record_fail(wg_graph *g, wg_status code, const char *function, const char *fmt,
                                 ...) WG_PRINTF(4, 5);

/** Reserves a full name (scope/name) in the open function, or outside of functions for the whole
 * graph: the key of a random draw. false, with WG_ENAME on the graph, when it is taken. `function`
 * is static storage. */
WG_API bool wg_claim_name(wg_graph *g, const char *function, const char *full_name);

/** Whether a full name is still free there. */
WG_API bool wg_name_is_free(const wg_graph *g, const char *full_name);

/** The attributes and the record of an entry. */
WG_API const void *wg_tensor_attr(const wg_tensor *t);
WG_API const wg_op *wg_tensor_record(const wg_tensor *t);

/** Gradient rules run between these, so that what they record inherits site and scope of `from`. */
WG_API wg_graph *wg_derive_begin(const wg_tensor *from);
WG_API wg_graph *wg_derive_end(wg_graph *g);

/* ---- the list of records as a value ---- */

typedef struct {
    int n;
    const wg_op *const *op;
} wg_op_list;

/** All records of the library. Static storage. A user's own list may hold these and more. */
WG_API wg_op_list wg_std_ops(void);

/** The record of that name; NULL if none. */
WG_API const wg_op *wg_op_find(const wg_op_list *list, const char *name);

/* ---- random bits, for authors of random ops ---- */

/** A 64-bit key from text, by a fixed published hash (FNV-1a followed by a finaliser). */
WG_API uint64_t wg_random_key(const char *text);

/** n draws for indices first..first+n-1 of stream (seed, key, run) into y, from a counter-based
 * generator (Philox4x32-10, Salmon et al. 2011): bits depend on these numbers alone. Uniform in [0,
 * 1) with 24 (f32) or 53 (f64) bits; normal by Box-Muller from two of them with f64 arithmetic.
 * dtype f32 or f64. */
WG_API void wg_random_uniform(uint64_t seed, uint64_t key, uint64_t run, int64_t first, int64_t n,
                              wg_dtype dtype, void *y);
WG_API void wg_random_normal(uint64_t seed, uint64_t key, uint64_t run, int64_t first, int64_t n,
                             wg_dtype dtype, void *y);

#ifdef __cplusplus
}
#endif

#endif
