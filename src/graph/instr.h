/* instr.h: the instructions of a plan, as plan_emit.c makes them and plan_run.c runs them. */
#ifndef WG_GRAPH_INSTR_H
#define WG_GRAPH_INSTR_H

#include "internal.h"
#include "native.h"

/* How an operand that broadcasts lies beside the result: collapsed axes, stride 0 where it
 * repeats. */
typedef struct {
    int rank;
    int size;       /* bytes an element */
    int64_t period; /* > 0: the operand is repeated as a whole, this many elements */
    int64_t dim[WG_MAX_RANK], stride[WG_MAX_RANK]; /* strides in elements */
} wg_spread;

/* One entry of a step that goes block by block: its operands are refs first..first+n-1, its result
 * the next. With `stream` > 0, the bytes of an element, the result is made in a buffer and goes
 * from there past the caches to the ref behind. */
typedef struct {
    wg_row_fn *row;
    const void *attr;
    const int *step;
    int32_t first, n;
    int32_t stream;
    bool narrow; /* one element a line */
} wg_member;

/* What the entries of a member that goes by lines need: a line kernel with its attributes, or the
 * bytes of elements that are repeated along lines. */
typedef struct {
    wg_line_fn *fn;
    const void *attr;
    int64_t n; /* elements of a line */
    int size;
} wg_line;

/* A pointer that moves along with the blocks, or into a slice's own memory. */
typedef struct {
    const void *base; /* of element 0, unless `local` */
    int64_t local;    /* offset in the slice's memory; -1 */
    int64_t stride;   /* bytes an element; 0: stays */
    bool narrow;      /* of an element a line */
} wg_ref;

/* A pointer that goes on with each block: by `block` bytes after one of full length. */
typedef struct {
    int32_t ref;
    bool narrow;
    int64_t stride, block;
} wg_moving;

/* An operand that is spread out into a buffer of one block; of period + block elements when it has
 * a period; that needs no buffer when a block has one element of it. */
typedef struct {
    const wg_spread *how;
    const void *from;
    int64_t local; /* -1: no buffer */
} wg_spread_use;

/* Ref `ref` points at what spread `use` made for the block. */
typedef struct {
    int32_t ref, use;
} wg_spread_ref;

/* A sum of rows: of the step's rows, row i is added to row i % 16 of `lanes` in the slice's memory;
 * after 512 rows those give one row of the `partial` sums behind the slices, which are added once
 * all slices have run. */
typedef struct {
    wg_row_fn *add;
    int size;             /* bytes an element */
    int32_t lane[2], sum; /* refs: the row of lanes, as operand and result; where the sum goes */
    int64_t lanes, partial;
} wg_column;

/* Copies bytes to memory that is not read soon. */
typedef void wg_stream_fn(void *to, const void *from, size_t bytes);

/* Members that run as one chain; what fills no vector at the end of a block goes to the members
 * themselves. */
typedef struct {
    int32_t first, n;           /* members */
    int32_t n_streams, n_frame; /* pointers: those past the caches come first */
    int32_t n_sums;             /* over all elements the chain runs over */
    int32_t group;              /* vectors that go side by side */
    const int32_t *ref;         /* of the pointers; then of the sums */
    int64_t entry;              /* in the code of the specialisation */
    wg_native_fn *fn;
} wg_chained;

/* Row kernels that run block by block. */
typedef struct {
    int32_t n_members, n_refs, n_uses, n_pairs, slices;
    int32_t n_ahead;
    int32_t n_asks;    /* members that are in no chain and not narrow */
    bool streams;      /* some member's result goes past the caches */
    int32_t n_entries; /* members that compute entries; others repeat narrow values */
    int64_t count, block;
    int64_t row;  /* > 0: no block goes beyond a row of so many elements */
    int64_t line; /* > 0: blocks are whole lines of so many elements */
    int64_t unit; /* slices begin at multiples of so many elements */
    int32_t n_columns;
    wg_column *column;
    wg_member *member;
    wg_ref *ref;
    wg_moving *moving;
    int32_t n_moving;
    wg_spread_use *use;
    wg_spread_ref *pair;
    int32_t *ahead;     /* refs whose next block is asked for while this one is worked on */
    wg_stream_fn *past; /* how results go past the caches */
    wg_chained *chain;  /* ascending */
    int32_t n_chains;
    bool one_chain;     /* all there is: it needs no blocks */
    char *memory;       /* slices times slice_bytes */
    size_t slice_bytes; /* block buffers, then n_refs pointers at pointers_at */
    size_t pointers_at;
} wg_blocks;

typedef enum { WG_I_ROW, WG_I_EVAL, WG_I_BLOCKS, WG_I_SPREAD, WG_I_COPY } wg_instr_kind;

typedef struct {
    union {
        struct {
            wg_row_fn *fn;
            const void *attr;
            int64_t n;
            const void **x;
            const int *step;
            void *y;
        } row;
        struct {
            wg_eval_fn *fn;
            wg_call *call;
        } eval;
        wg_blocks *blocks;
        struct {
            const wg_spread *how;
            const void *from;
            void *to;
            int64_t n;
        } spread;
        struct {
            const void *from;
            void *to;
            size_t bytes;
        } copy;
    } as;
    int32_t entry; /* position it computes (the last one of several), or copies */
    int32_t step;
    wg_instr_kind kind;
} wg_instr;

typedef struct {
    void *to;
    const void *from;
    size_t bytes;
} wg_commit;

/* Two lanes, which may run at once: first..split - 1 and split..end - 1, steps while a
 * specialisation is being built, then instructions. */
typedef struct {
    int64_t first, split, end;
} wg_bundle;

#endif
