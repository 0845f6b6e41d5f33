/*
 * plan.h: what the rooms of the plan share. A plan holds the live entries of its roots in
 * post-order and speaks of them by position in that list. For the extents fed it builds a
 * specialisation: passes over arrays indexed by position, one after another (build -> simplify ->
 * repeat -> fuse -> schedule -> lanes -> place -> memory -> emit), which leave a list of
 * instructions with every pointer in place; a run is a loop over those. Between memory and emit
 * another list of entries may take the plan's place (remake, recompute), which is fused and laid
 * out anew.
 */
#ifndef WG_GRAPH_PLAN_H
#define WG_GRAPH_PLAN_H

#include "instr.h"
#include "internal.h"

enum {
    WG_SPECS = 4,          /* specialisations kept */
    WG_MOST_THREADS = 256, /* libgomp keeps a team's records on the stack: a large one ends it */
    WG_BLOCK = 512,        /* elements of a block */
    WG_SUM_BLOCK = 512,    /* elements whose sum is one of those that a tree joins (vec.h) */
    WG_ALIGN = 64,         /* bytes every value starts at a multiple of */
    WG_MAX_MEMBERS = 128,  /* entries of one step: bounds its block buffers */
    WG_FOLD_BYTES = 4096,  /* largest derived value that is kept as a constant */
    WG_LINE_BLOCKS = 8,    /* a line of a step is at most so many blocks long */
    WG_UNIT_ROWS = 512,    /* rows whose sum is one of those that a tree joins (vec.h) */
    WG_ROW_LANES = 16,     /* and the rows of sums it is made of */
    WG_COLUMN_BYTES = 1 << 17, /* most bytes those of one sum take */
    WG_AHEAD = 1 << 18,        /* least bytes of an operand whose next block is asked for */
    WG_CHUNK = 16,             /* least floats of blocks that go through chains */
    WG_CHAIN_MEMBERS = 64,     /* of one chain: its order is worked out in words of as many bits */
    WG_CHAIN_ASKED = 8,        /* operands read elsewhere that one chain asks for */
    /* pointers of one chain: operands, result, stream */
    WG_CHAIN_FRAME = (WG_LANE_OPERANDS + 2) * WG_CHAIN_MEMBERS + WG_CHAIN_ASKED,
    WG_INLINE_OPERANDS = 4, /* most operands of an entry that takes part in WG_PASS_INLINE */
    WG_TURN_OPERANDS = 2    /* and in WG_PASS_TURN */
};

/* Elements times entries of a step for which a thread is started. A kernel takes about 0.08 ns an
 * element (Adam's twelve entries, one core), so this is 5 us of work; entering a parallel region
 * alone takes 0.35 us. */
#define WG_GRAIN ((int64_t)1 << 16)

/* The most: costs are compared with multiples of the grain. */
#define WG_GRAIN_MOST ((int64_t)1 << 48)

/* Bytes that all values of a plan may have together: sums of a few times as many can be counted. */
#define WG_MOST_BYTES ((int64_t)1 << 56)

/* Bytes after which a value is taken to have left the caches. */
#define WG_CACHE ((int64_t)32 << 20)

/* ---- a specialisation ---- */

typedef struct {
    int64_t entries, needed, aliased, merged, folded, absorbed, repeated, inlined, computed, steps,
        fused_steps, fused_entries;
    int64_t bundles, placed, in_place, into_store, turned, split;
    int64_t naive_bytes, peak_bytes, arena_bytes, param_bytes;
    int64_t recomputed; /* entries computed a second time, to need fewer bytes */
    bool rescheduled;   /* steps run in another order than the tape's */
    double flops, recompute_flops;
    int64_t outside_steps, outside_bytes; /* done by a library; bytes a thread that it keeps */
} wg_spec_stats;

typedef struct wg_spec {
    wg_arena mem; /* everything below that is a pointer */
    wg_type *fed; /* the key: types fed, by feed; rank -1: a draw that is not fed */
    /* the key: fed memory overlaps updated store entries, so nothing is written there early */
    bool apart;
    uint64_t used;
    char *base; /* arena the pointers point into */
    size_t arena_bytes;
    wg_instr *instr;
    int64_t n_instr;
    wg_bundle *bundle; /* ascending */
    int64_t n_bundles;
    wg_error lane_error[2]; /* of the kernels of a bundle */
    wg_commit *commit;
    int64_t n_commits;
    wg_array *output;
    wg_array *value; /* options keep and check: by position; data NULL where there is none */
    int64_t
        *patch_first; /* by feed: patch[patch_first[i]..patch_first[i + 1]) hold its data pointer */
    const void ***patch;
    const void **bound; /* what they hold now */
    double *seconds;    /* option timing: by instruction */
    uint8_t *code;      /* of chains */
    size_t code_bytes;
    int64_t runs;
    wg_spec_stats stats;
} wg_spec;

/* ---- a plan ---- */

typedef struct {
    const char *name;
    int32_t at;  /* position */
    bool random; /* a draw, which need not be fed */
    bool fed;
    wg_array value;
    void *own; /* copy of fed memory that lay in the plan's own arena */
    size_t own_bytes;
} wg_plan_input;

/* The entry at position `at` can be made by those that stand before it, from `first` on. */
typedef struct {
    int32_t first, at;
} wg_whole;

struct wg_plan {
    wg_graph *graph;
    wg_params *params;
    wg_plan_options options; /* zeros replaced by what they stand for */
    unsigned passes;
    int level;
    wg_arena mem;
    wg_tensor **live;
    int64_t n;
    int32_t *first, *in; /* operands of entry i: in[first[i]..first[i + 1]), positions */
    int64_t n_outputs, n_updates;
    int32_t *turned; /* positions of entries of the plan's own, ascending (WG_PASS_TURN) */
    int64_t n_turned;
    wg_whole *split; /* ascending (WG_PASS_PARTS) */
    int64_t n_split;
    int64_t n_own; /* entries of the plan's own */
    int32_t *root;            /* positions of outputs, then of updates */
    const char **output_name; /* NULL in a plan of tensors */
    wg_param **updated;       /* store entries, by name */
    wg_param **by_address;    /* the same, by address of their memory */
    int32_t *updated_at;      /* positions of their leaves, -1 */
    wg_plan_input *input;
    int64_t n_inputs;
    wg_table input_names, output_names;
    wg_table names; /* option keep: full name -> position */
    int32_t *at_id; /* option keep: tape id -> position, -1 */
    int64_t n_ids;
    wg_spec *spec[WG_SPECS], *now;
    uint64_t clock;
    char *arena; /* aligned, inside arena_block */
    void *arena_block;
    size_t arena_bytes;
    bool changed; /* fed since the last run */
    bool ran;     /* outputs hold the last run's values */
    int64_t runs;
    double seconds;
    wg_error error;
};

/* ---- a specialisation being built ---- */

enum {
    WG_NEEDED = 1 << 0, /* its value is used */
    WG_LEAF = 1 << 1,   /* fed or in the store */
    WG_FIXED = 1 << 2,  /* a constant, computed already: data holds it */
    WG_ROW = 1 << 3,    /* has a row kernel */
    WG_ROOT = 1 << 4,   /* an output's or update's value */
    WG_STORED = 1 << 5, /* has memory in the arena: a value read outside of its step, or a copy */
    WG_DIRECT = 1 << 6, /* written straight into its store entry */
    WG_TAIL = 1 << 7    /* used by updates only, through row kernels; or an update with `check` */
};

/* Of wg_build's `around`. */
enum {
    WG_AROUND = 1, /* others lie in it */
    WG_JOINED = 2, /* pieces that lie in it are all of it; what does not is copied */
    WG_PART = 4    /* it lies in its operand */
};

/* plan_list.c: a list of entries that stands in the place of the plan's own, as arrays by position
 * in it. */
typedef struct {
    int64_t n;
    wg_tensor **live;           /* NULL: no list */
    int32_t *first, *in, *from; /* from: position in the plan's own list */
    const wg_type **type;
    const void **attr;
    int32_t *owner;
    uint8_t *mark, *again; /* again: it is computed a second time */
    void **data;
    int32_t *root, *updated_at, *input_at;
} wg_list;
/* What steps of row kernels go over: `count` elements, the results of wide members; with line > 0
 * in lines of so many, each of which makes one element of a narrow member's result. */
typedef struct {
    int64_t count, line;
} wg_step_shape;

/* Arrays are by position unless they say otherwise. The value of entry i is that of canon[i], whose
 * memory is that of owner[canon[i]]; both map to themselves for most. */
typedef struct {
    wg_plan *p;
    wg_spec *s;
    wg_error *error;
    const wg_type **type; /* interned: equal types have equal addresses */
    int32_t *in;          /* as the plan's, after simplification: values as canonical entries */
    const wg_op **op;
    const void **attr; /* after absorption */
    int32_t *canon;    /* the entry that stands for this one: same value, same type */
    int32_t *owner;    /* the entry whose memory holds the value */
    uint8_t *mark;
    void **data;     /* of owners: address of the value once it is known */
    int32_t *step;   /* of computed entries, in order of running */
    int32_t *last;   /* of owners: the step that reads it last, -1: none, n_steps: after the last */
    int64_t *offset; /* of owners: in the arena, -1 */
    int32_t n_steps;
    int32_t
        *member; /* entries of step k: member[first_member[k]..first_member[k + 1]), ascending */
    int32_t *first_member;
    wg_bundle *bundle; /* of steps, ascending */
    int64_t n_bundles;
    wg_step_shape *shape; /* by step */
    int32_t *inside;    /* the entry whose kernel makes the value of this one, plus 1; 0: its own */
    int32_t *index;     /* of computed entries: place among the members of their step */
    uint8_t *stream;    /* of computed entries: the value goes past the caches */
    uint8_t *column;    /* of computed entries: it sums rows, and may do so inside a step */
    const wg_type **tx; /* room for the operand types of one entry */
    int64_t n_instr;    /* instructions all steps make */
    int32_t first_direct; /* first step that writes into the store; n_steps: none */
    struct wg_patch {
        int64_t input;
        const void **slot;
    } * patch; /* where fed addresses belong */
    int64_t n_patches, patches_cap;
    /* WG_PASS_PLACE; NULL: no value lies inside another */
    int32_t *whole;      /* of owners: the value it lies in, most in themselves */
    int64_t *shift;      /* and at which byte */
    uint8_t *around;     /* WG_AROUND, WG_JOINED */
    int64_t *scratch;    /* by step: bytes of memory for its own use */
    int64_t *scratch_at; /* by step: in the arena */
    wg_hash types;
    const wg_type **type_list;
    int64_t n_types, types_cap;
    wg_list *list; /* the plan's own list while another stands in its place */
    wg_native_store native;
} wg_build;

static inline bool wg__lends_type(const wg_op *op, int i)
{
    return op->shape_only >> (i < 31 ? i : 31) & 1;
}

static inline const wg_op *wg__op_at(const wg_build *b, int32_t e)
{
    return b->op[e];
}

static inline int wg__n_in(const wg_plan *p, int32_t e)
{
    return p->first[e + 1] - p->first[e];
}

/* An entry that steps compute: it stands for itself, in memory of its own. */
static inline bool wg__computed(const wg_build *b, int32_t e)
{
    return (b->mark[e] & (WG_NEEDED | WG_LEAF | WG_FIXED)) == WG_NEEDED && b->canon[e] == e &&
           b->owner[e] == e;
}

static inline wg_dtype wg__kernel_dtype(const wg_build *b, int32_t e)
{
    int k = wg__op_at(b, e)->decides;

    return k >= 0 && k < wg__n_in(b->p, e) ? b->type[b->in[b->p->first[e] + k]]->dtype
                                           : b->type[e]->dtype;
}

/* The entry a step is named after: that of its kernel, where others are made inside. */
static inline int32_t wg__head(const wg_build *b, int32_t step)
{
    return b->member[b->first_member[step + 1] - 1];
}

/* The value in whose memory that of `owner` lies. */
static inline int32_t wg__whole(const wg_build *b, int32_t owner)
{
    return b->whole ? b->whole[owner] : owner;
}

/* Entry e has no kernel: it lies where its operand does, or its pieces in it. */
static inline bool wg__is_place(const wg_build *b, int32_t e)
{
    return b->whole && !(b->mark[e] & WG_ROW) && (b->around[e] & (WG_JOINED | WG_PART));
}

static inline int64_t wg__elements(const wg_type *type)
{
    return wg_shape_count(&type->shape);
}

/* ---- plan_build.c ---- */

/* A specialisation for what is fed now; inputs never fed count with their example extents. NULL
 * with *error. */
wg_spec *wg__spec_build(wg_plan *p, bool apart, wg_error *error);
void wg__spec_free(wg_spec *s);
const wg_type *wg__build_type(wg_build *b, const wg_type *type); /* interned; NULL: out of memory */
/* The arrays that hold what simplification leaves; released with all others. false: b->error. */
bool wg__build_take(wg_build *b);
/* Numbers steps anew: the first n become order[0], order[1], ..., a permutation of them. When
 * values die is found out later. */
bool wg__build_reorder(wg_build *b, const int32_t *order, int32_t n);
void wg__build_release(wg_build *b);
/* From what simplification left to a layout: fuse, memory. */
bool wg__plan_arrange(wg_build *b);
/* Gives an error its site and scope. */
void wg__blame(wg_error *error, const wg_tensor *t);

/* ---- plan_simplify.c, plan_repeat.c, plan_fuse.c, plan_memory.c, plan_emit.c: the passes; false
 * with b->error ---- */

bool wg__plan_simplify(wg_build *b);
bool wg__plan_repeat(wg_build *b);
bool wg__plan_schedule(wg_build *b);
bool wg__plan_fuse(wg_build *b);
bool wg__plan_memory(wg_build *b);
bool wg__plan_emit(wg_build *b);

/* ---- plan_emit.c, plan_emit_rows.c: false and NULL with b->error ---- */

void *wg__emit_take(wg_build *b, int64_t n, size_t size);
/* Puts the address of an entry's value into *slot; that of a fed one later, whenever it changes. */
bool wg__emit_point(wg_build *b, int32_t in, const void **slot);
wg_instr *wg__emit_instr(wg_build *b, wg_instr_kind kind, int32_t e, int32_t step);
bool wg__emit_rows(wg_build *b, int32_t step);

/* ---- plan_turn.c ---- */

/* Puts entries that transpose into the plan's list, for values that many may read so. */
bool wg__turn_entries(wg_plan *p); /* false: out of memory */
/* Lets readers read those, where there are enough of them. false with b->error. */
bool wg__plan_turn(wg_build *b);

/* ---- plan_parts.c ---- */

/* Puts the parts of entries that have some into the plan's list. */
bool wg__parts_entries(wg_plan *p); /* false: out of memory */
/* Whether the parts are to be computed; then the last of them stands for the entry. The type of its
 * operand is known. */
bool wg__parts_choose(wg_build *b, const wg_whole *s);

/* ---- plan_recompute.c, plan_list.c: fewer bytes for more work ---- */

enum { WG_NO_CUT = INT32_MAX };

/* When the layout needs more than max_bytes: another list of entries that does not; with the list
 * in the plan's place and b arranged for it. `simplified`: the numbers before b was arranged. false
 * with b->error: WG_ELIMIT when there is none. */
bool wg__plan_recompute(wg_build *b, const wg_spec_stats *simplified);
/* A list in which what is read after step cut[owner] reads a second copy; of at most `most`
 * entries. b, of list `base`, is arranged. `each`: every step that does has a copy of its own. */
bool wg__list_make(const wg_build *b, const wg_list *base, const int32_t *last, const int32_t *cut,
                   int64_t most, bool each, wg_list *o, bool *too_many);
void wg__list_free(wg_list *o);
/* A build of the list o, which the plan holds, as if it had just been simplified. */
bool wg__list_build(wg_build *b, const wg_list *o);
/* The list of b, which may be the plan's own, gives its place to o, which is left empty. */
void wg__list_put(wg_build *b, wg_list *o);
/* By owner: the step that reads it last, or else makes it. */
void wg__find_last(const wg_build *b, int32_t *last);
/* Bytes at each step, and 0 behind the last. Returns the step of most. */
int32_t wg__find_use(const wg_build *b, const int32_t *last, int64_t *used);
/* Counts what is computed a second time. */
void wg__count_again(wg_build *b);
/* Exchanges the plan's list and o. */
void wg__list_swap(wg_plan *p, wg_list *o);
/* Whether entry e may be computed a second time. */
bool wg__can_repeat(const wg_build *b, int32_t e);

/* ---- plan_remake.c ---- */

/* Large values that are cheap to make again are made in each step that reads them: another list in
 * the plan's place and b arranged for it, when that needs fewer bytes. `simplified`: the numbers
 * before b was arranged. false with b->error. */
bool wg__plan_remake(wg_build *b, const wg_spec_stats *simplified);

/* ---- plan_direct.c ---- */

/* Whether value `owner` may be overwritten by entry e, as far as types go. An operand of as many
 * elements as a step goes over is read element by element, or line by line, by all of its members;
 * but one of as many as a narrow member has may be read by others in another order. */
bool wg__same_elements(const wg_build *b, int32_t owner, int32_t e);
/* Marks updates that are written straight into their store entry, once lives are known. false: out
 * of memory. */
bool wg__plan_direct(wg_build *b);

/* ---- plan_place.c: values that lie inside others ---- */

/* Once lives are known: what lies where, and the longer lives; alone: those as they were. */
bool wg__plan_place(wg_build *b, int32_t *alone); /* false: out of memory */
void wg__place_drop(wg_build *b);                 /* nothing lies inside another */
/* The next operand behind *k that is copied to byte *at of e; false: none. Starts at -1 and 0. */
bool wg__place_next(const wg_build *b, int32_t e, int32_t *k, int64_t *at);

/* ---- plan_stream.c ---- */

/* Marks values that go past the caches; a value made in place is taken out later. false: out of
 * memory. */
bool wg__plan_stream(wg_build *b);

/* ---- stream.c ---- */

wg_stream_fn *wg__stream_copy(int level);
void wg__stream_end(void); /* what this thread sent past the caches is there for others */
/* ---- chain.c ---- */

/* The n elements of a block, by pointers x of the refs. false: its members must run. */
bool wg__chain_run(const wg_chained *c, const void *const *x, int64_t n);

/* ---- plan_lines.c: members that go line by line ---- */

/* By entry: the line length it brings along; 0: none. Row kernels are marked. */
void wg__find_lines(wg_build *b, int64_t *line);
/* The line length a step of count elements and this line length has with member e, which brings
 * along `own`; -1: e does not fit in. */
int64_t wg__line_joined(const wg_build *b, int32_t e, int64_t own, int64_t count, int64_t line);
bool wg__narrow(const wg_build *b, int32_t e); /* once steps are known */
bool wg__one_a_line(const wg_type *from, const wg_type *to);
wg_row_fn wg__run_line, wg__repeat_narrow; /* attr: a wg_line */

/* ---- plan_columns.c: members that sum the rows of a step ---- */

/* Elements of the rows that entry e sums, when it may do so inside a step; 0. */
int64_t wg__own_columns(wg_build *b, int32_t e);
bool wg__sums_rows(const wg_build *b, int32_t e); /* once steps are known */
wg_row_fn *wg__add_rows(const wg_build *b, int32_t e);
void wg__columns_begin(const wg_blocks *k, char *memory);
void wg__columns_move(const wg_blocks *k, char *memory, const void **x, int64_t lo);
/* Behind the block that ends at `hi`. */
void wg__columns_flush(const wg_blocks *k, char *memory, int64_t hi);
void wg__columns_end(const wg_blocks *k);

/* ---- plan_lanes.c ---- */

/* Which steps run side by side, and the order that follows; false: out of memory. */
bool wg__plan_lanes(wg_build *b);

/* plan_inline.c, part of wg__plan_fuse: chooses values that are made inside their reader's kernel.
 * wg__inline_parts: those inside entry e, the second inside the first; *in, where given, gets what
 * the record said. Returns how many. */
bool wg__plan_inline(wg_build *b);
int wg__inline_parts(const wg_build *b, int32_t e, int32_t part[2], wg_inlined *in);

/* ---- plan_rows.c: how a step of row kernels goes about its elements ---- */

typedef struct {
    int32_t in; /* canonical entry */
    const wg_type *to;
    const wg_spread *how;
    bool whole; /* one element a row, and blocks end at rows: it is read in place, with step 0 */
    int64_t local;
} wg_rows_use;

typedef struct {
    int32_t step, first, members; /* b->member[first..first + members) */
    int64_t count, block;
    bool streams;
    bool blocks;         /* block by block; otherwise each kernel goes over all elements at once */
    int32_t slices;      /* parts that may run at once */
    int64_t row;         /* see wg_blocks */
    int64_t line, lines; /* elements of a line, 0: none; lines of a block */
    int64_t unit;        /* see wg_blocks */
    int32_t n_columns;
    int64_t lanes_at, lane_bytes, partial_bytes; /* of one sum: in the slice's memory; behind the
                                                  * slices */
    int32_t slot[WG_MAX_MEMBERS];   /* buffer of a value used only inside or streamed, -1; wide and
                                     * narrow ones are counted apart */
    int32_t repeat[WG_MAX_MEMBERS]; /* wide buffer where a narrow value is repeated, -1 */
    int32_t n_slots, n_narrow, n_repeats;
    int64_t narrow_at, narrow_bytes, slot_bytes, n_refs, n_pairs, pointers_at, slice_bytes;
    wg_rows_use *use; /* released by wg__rows_done */
    int64_t n_uses, uses_cap;
} wg_rows;

/* ---- plan_ends.c: members of chains ---- */

const wg_ref *wg__result_ref(const wg_blocks *k, const wg_member *m);
bool wg__same_place(const wg_ref *x, const wg_ref *y);
bool wg__reads_place(const wg_blocks *k, const wg_member *m, const wg_ref *place);
/* Member m, of entry e, sums a line, and a block is one line. */
bool wg__sums_line(const wg_build *b, const wg_blocks *k, const wg_member *m, int32_t e);
bool wg__chain_fits(const wg_build *b, const wg_blocks *k, const wg_member *m, int32_t e);
/* What ends in a chain joins the first one it may; entry[i]: of member i; -1: it repeats a value. */
void wg__move_ends(const wg_build *b, wg_blocks *k, int32_t *entry);

/* plan_chain.c: which members of k run as chains; takes what those ask for out of k->ahead. false:
 * out of memory. */
bool wg__plan_chain(wg_build *b, const wg_rows *r, wg_blocks *k);
/* Once all steps are emitted: where chains are run. Where none may be, their members run. */
void wg__chains_map(wg_build *b);

/* The layout is worked out twice, for its size and for its instructions. false: out of memory. */
bool wg__rows_lay_out(wg_build *b, int32_t step, wg_rows *r);
void wg__rows_done(wg_rows *r);
/* Where the buffer of member m's value lies in a slice's memory; -1: it has none. */
int64_t wg__rows_local(const wg_build *b, const wg_rows *r, int32_t m);
bool wg__rows_scratch(wg_build *b, int32_t step, int64_t *bytes);
/* Index of the use that spreads operand `in` to type `to`; -1. */
int64_t wg__rows_find(const wg_rows *r, int32_t in, const wg_type *to);
/* How an operand lies beside a result it broadcasts to. */
void wg__spread_make(const wg_type *from, const wg_type *to, wg_spread *how);

/* ---- plan_run.c ---- */

void wg__spread(const wg_spread *how, const void *from, int64_t first, int64_t n, void *to);
wg_status wg__spec_run(wg_plan *p, wg_spec *s);
/* Moves every pointer into the arena from the spec's base to `base`. */
void wg__spec_rebase(wg_plan *p, wg_spec *s, char *base);
/* Puts fed addresses in place. */
void wg__spec_bind(wg_plan *p, wg_spec *s);

/* ---- plan_check.c ---- */

/* Looks at entry `last`, which has just run, and at the leaves between *next and it, in post-order;
 * false with the plan's error when one is not finite. */
bool wg__check_finite(wg_plan *p, const wg_spec *s, int32_t *next, int32_t last);

/* ---- plan_spec.c ---- */

/* Chooses or builds the specialisation for what is fed; false with the plan's error. */
bool wg__plan_specialise(wg_plan *p, bool examples);
/* Memory for all values; specialisations share it, as one runs at a time. */
wg_status wg__plan_reserve(wg_plan *p, size_t bytes);

#endif
