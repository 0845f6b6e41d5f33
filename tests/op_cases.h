/*
 * op_cases.h: one row for every op: how to record it, what to feed it, and what must come out, by a
 * reference in plain C that shares nothing with the library. test_ops.c, test_plants.c and
 * test_golden_ops.c drive the rows. To add an op, add a row to the table of its file.
 */
#ifndef OP_CASES_H
#define OP_CASES_H

#include <wengert.h>
#include <wengert/op.h>

/* ---- arrays of the references: row-major, every element type as double ---- */

typedef struct nd {
    int rank;
    int64_t dim[WG_MAX_RANK];
    double *v;
} nd;

void *room(int64_t n, size_t size);      /* calloc, or the program ends */
nd nd_new(int rank, const int64_t *dim); /* zeros */
nd nd_of(int rank, ...);                 /* zeros; extents as int */
void nd_free(nd *a);
int64_t nd_count(const nd *a);
int64_t nd_at(const nd *a, ...); /* position of an index tuple of ints */

/* f applied to the elements of n operands, broadcast as numpy does. */
typedef double nd_map_fn(const double *a);
nd nd_map(nd_map_fn *f, int n, const nd *x);

/* The elements of each group that differ along the axes of `set` only, in row-major order, become one. */
typedef double nd_fold_fn(const double *line, int64_t n);
nd nd_fold(const nd *x, unsigned set, bool keep, nd_fold_fn *f);

/* ---- rows ---- */

enum { B = -1 }; /* an extent that is the batch: recorded as 1, run as 1, 2 and 5 */

typedef enum {
    NONE,
    REAL, /* uniform in [lo, hi], f32 or f64 as the run wants */
    GRID, /* real, odd multiples of 1/16 in [lo, hi], no two equal while there are enough: far from
               zero, halves, integers and each other */
    SIGNED, /* real, lo <= |x| <= hi, either sign */
    INT,    /* i64, lo..hi */
    MASK    /* bool */
} op_kind;

typedef struct {
    op_kind kind;
    int64_t dim[6]; /* ends at 0: { 0 } is rank 0 */
    double lo, hi;
} op_operand;

enum {
    VALUE_ONLY =
        1 << 0, /* no gradient to test: the result is no real number or the op has none by nature */
    THIRD = 1 << 1,  /* third derivative too */
    LINEAR = 1 << 2, /* its second derivative is zero, exactly */
    DRAWS = 1 << 3   /* random: its values are tested elsewhere */
};

typedef struct {
    const char *name; /* "sum", "sum keepdims": the record, and after a blank which case */
    wg_tensor *(*build)(wg_graph *g, wg_tensor *const *x);
    nd_map_fn *map;         /* the reference: element-wise, */
    nd (*ref)(const nd *x); /* or of whole arrays */
    unsigned flags;
    op_operand in[5];
} op_case;

/* The pieces of a row: BUILD names how to record it; then in the table
 * MAP(add, " broadcast", LINEAR, REAL(-2, 2, B, 3), REAL(-2, 2, 3)). */
#define BUILD(name, ...)                                                                           \
    static wg_tensor *name##_build(wg_graph *g, wg_tensor *const *x)                               \
    {                                                                                              \
        (void)g, (void)x;                                                                          \
        return __VA_ARGS__;                                                                        \
    }
#define MAP(id, which, flags, ...)                                                                 \
    {                                                                                              \
#id which, id##_build, id##_map, NULL, flags,                                              \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define REF(id, which, flags, ...)                                                                 \
    {                                                                                              \
#id which, id##_build, NULL, id##_ref, flags,                                              \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
/* The same for a row whose functions have another name than its record. */
#define MAP_OF(name, id, flags, ...)                                                               \
    {                                                                                              \
        name, id##_build, id##_map, NULL, flags,                                                   \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define REF_OF(name, id, flags, ...)                                                               \
    {                                                                                              \
        name, id##_build, NULL, id##_ref, flags,                                                   \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define REAL(lo, hi, ...)                                                                          \
    {                                                                                              \
        REAL, { __VA_ARGS__ }, lo, hi                                                              \
    }
#define GRID(lo, hi, ...)                                                                          \
    {                                                                                              \
        GRID, { __VA_ARGS__ }, lo, hi                                                              \
    }
#define SIGNED(lo, hi, ...)                                                                        \
    {                                                                                              \
        SIGNED, { __VA_ARGS__ }, lo, hi                                                            \
    }
#define INT(lo, hi, ...)                                                                           \
    {                                                                                              \
        INT, { __VA_ARGS__ }, lo, hi                                                               \
    }
#define MASK(...)                                                                                  \
    {                                                                                              \
        MASK, { __VA_ARGS__ }, 0, 1                                                                \
    }
#define ROWS(list) const op_case_list list = { rows, (int)(sizeof rows / sizeof rows[0]) }

typedef struct {
    const op_case *row;
    int n;
} op_case_list;

extern const op_case_list op_cases_leaf, op_cases_math, op_cases_compare, op_cases_reduce,
    op_cases_matmul, op_cases_shape, op_cases_index, op_cases_window;
extern const op_case_list *const op_case_lists[]; /* all, NULL at the end */

int op_case_count(void);
const op_case *op_case_at(int i);
const op_case *op_case_find(const char *name);

/* The record a row is about: the name up to the first blank. */
const char *op_case_op(const op_case *c, char buf[64]);

/* ---- one row, recorded ---- */

enum { MAX_ORDER = 3, MAX_IN = 5 };

/* S1 = sum(w0 y), S2 = sum over operands of sum(v1 dS1/dx), S3 from S2 as S2 from S1; w0, v1, v2 are
 * inputs with fixed random values. */
typedef struct {
    const op_case *c;
    wg_graph *g;
    wg_params *store;
    int n_in, n_wrt; /* operands; those with gradients */
    wg_tensor *x[MAX_IN], *y;
    int wrt[MAX_IN]; /* operand numbers */
    int orders;      /* how many of S1, S2, S3 there are */
    wg_tensor *s[MAX_ORDER];
    wg_tensor *grad[MAX_ORDER][MAX_IN];
} op_record;

/* Replaces an entry while a row is recorded again: test_plants exchanges records. */
typedef const wg_op *op_exchange_fn(const wg_op *op, void *arg);

/* Records the row with real operands of dtype `real` and batch extent `batch`, and its derivatives up to
 * `orders`. Check wg_graph_error(r->g). */
void op_record_make(op_record *r, const op_case *c, wg_dtype real, int batch, int orders,
                    op_exchange_fn *exchange, void *arg);
void op_record_free(op_record *r);

/* Values of the operands at a batch size; the same for every dtype up to rounding, and exact in f32. */
void op_values(const op_case *c, int batch, nd x[MAX_IN]);

/* Values for all inputs of a record at a batch extent, in its types: operand k is feed k. */
enum { MAX_FEED = MAX_IN + 1 + (MAX_ORDER - 1) * MAX_IN };
typedef struct {
    int n;
    wg_feed feed[MAX_FEED];
    char name[MAX_FEED][16];
} op_feeds;

void op_feeds_make(op_feeds *f, const op_record *r, int batch);
void op_feeds_free(op_feeds *f);

/* A plan of the record, fed; what it is fed may be changed between runs. `sums`: its outputs are s[] only;
 * otherwise y, then s[], then grad[][]. */
typedef struct {
    wg_plan *plan;
    bool sums;
    op_feeds feeds;
    wg_error error;
} op_plan;

bool op_plan_make(op_plan *p, const op_record *r, bool sums, const wg_plan_options *options);
bool op_plan_feed(op_plan *p, const op_record *r, int batch);
bool op_plan_run(op_plan *p);
void op_plan_free(op_plan *p);

/* Compares derivatives of order 1..r->orders with central differences at the given batch extent: of
 * the reference for the first order, of the recorded order below for the others. Returns whether all
 * agree; otherwise *text says where not. `operand`: only that one; -1: all. */
bool op_derivatives_agree(const op_record *r, int batch, int operand, char text[300]);

/* The value y at this batch extent, by the reference. */
nd op_reference(const op_case *c, const nd x[MAX_IN]);

#endif
