/*
 * plan.h: running. A plan is made from one function of a graph (or from tensors) and a store; feed
 * it, run it, read its outputs. It re-specialises by itself when other extents are fed, and
 * allocates nothing in a repeated run.
 */
#ifndef WENGERT_PLAN_H
#define WENGERT_PLAN_H

#include "graph.h"
#include "params.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wg_plan wg_plan;

/* passes that can be turned off; results keep their bits, except where a product's transpose
 * flags change (WG_PASS_TRANSPOSE), where convolutions take another algorithm
 * (WG_PASS_WINOGRAD), and which of two NaN is passed on (WG_PASS_CHAIN) */
enum {
    WG_PASS_ALIAS = 1 << 0,     /* reshapes and the like share memory with their operand */
    WG_PASS_FOLD = 1 << 1,      /* constants are computed once per specialisation */
    WG_PASS_MERGE = 1 << 2,     /* equal entries are computed once */
    WG_PASS_TRANSPOSE = 1 << 3, /* a transpose of the last two axes becomes a flag of the product */
    WG_PASS_FUSE = 1 << 4,      /* element-wise runs go block by block through the cache */
    WG_PASS_REUSE = 1 << 5,     /* values share arena memory after their last use */
    WG_PASS_IN_PLACE =
        1 << 6, /* row kernels write over a dying operand; updates over their entry */
    /* values that repeat an operand are not written out where only row kernels read them */
    WG_PASS_REPEAT = 1 << 7,
    WG_PASS_PREPARE = 1 << 8,   /* what kernels find out from extents is found out once */
    WG_PASS_RECOMPUTE = 1 << 9, /* with max_bytes: values are computed again instead of kept */
    WG_PASS_STREAM = 1 << 10,   /* large values go past the caches, and are asked for early */
    /* with two threads, small steps that do not depend on each other run side by side; not with
     * the options check and max_bytes */
    WG_PASS_LANES = 1 << 11,
    WG_PASS_LINES = 1 << 12, /* reductions of lines and softmax run inside fused steps */
    /* values with one reader are made inside its kernel, where that has one for both: rows that are
     * gathered or scattered, products of matrices that are added to what lies in memory */
    WG_PASS_INLINE = 1 << 13,
    /* steps that give memory back run as soon as they can; not with the option check */
    WG_PASS_SCHEDULE = 1 << 14,
    /* 3x3 convolutions of stride 1, f32 and with enough channels, by an algorithm with fewer
     * multiplications: not the bits of the direct form, but within a bound (wg_conv2d) */
    WG_PASS_WINOGRAD = 1 << 15,
    /* large element-wise values are made again where they are read, instead of kept, where that
     * costs next to no time; not with the options check and keep */
    WG_PASS_REMAKE = 1 << 16,
    /* what is cut out of a value in one piece is read where it lies, pieces that are joined end to
     * end are made in their place, where that takes at most an eighth more memory, and none with
     * max_bytes; not with the options check and keep */
    WG_PASS_PLACE = 1 << 17,
    /* f32 entries of a fused step that follow one another run as one function in machine code, made
     * when the plan is compiled, and hand values on in registers (AVX-512 only, and where the system
     * lets a process make code; elsewhere each entry's own kernel runs) */
    WG_PASS_CHAIN = 1 << 18,
    /* sums of rows are made inside the fused step that makes the rows */
    WG_PASS_COLUMNS = 1 << 19,
    /* a matrix that many small products read transposed is transposed once; not with the options
     * check and keep */
    WG_PASS_TURN = 1 << 20,
    /* softmax of long lines runs as the simple entries it is made of, in the chains of its step; not
     * with the options check and keep */
    WG_PASS_PARTS = 1 << 21,
    WG_PASS_ALL = (1 << 22) - 1
};

typedef struct {
    int threads; /* 0 or less: as many as OpenMP would use; never more than 256 */
    /* most arena bytes; 0: no bound. A specialisation that needs more drops values between readers
     * that lie far apart and computes them again (not with check or keep): the same bits, for more
     * operations; WG_ELIMIT, naming the least it can do, when even that needs more */
    int64_t max_bytes;
    /* finite check: the run fails at the first entry, in post-order, that is not finite;
     * constants may be anything. Slower: entries run one by one */
    bool check;
    bool keep;           /* keep every intermediate for wg_plan_value */
    bool timing;         /* time every step, for wg_plan_report */
    unsigned passes_off; /* WG_PASS_... bits */
    int block;           /* elements a fused block; 0: 512. For tests: small values */
    int64_t grain;       /* least elements a thread is started for; 0: measured default */
    /* a value goes past the caches when a run touches more bytes than these before it is read;
     * 0: measured default. For tests: small values */
    int64_t cache;
} wg_plan_options;

/** A plan of function `name`: its outputs and updates. Graph and store are borrowed; the graph
 * lives at least as long as its plans. NULL options: defaults. Returns NULL on error: recording
 * errors of the graph, WG_ENAME for an unknown function or a parameter the store lacks, WG_ESHAPE /
 * WG_EDTYPE when a store entry does not fit its leaf or update; then *error (may be NULL) is
 * filled. */
WG_API wg_plan *wg_plan_new_error(wg_graph *g, wg_params *w, const char *name,
                                  const wg_plan_options *options, wg_error *error);

/** The same; the error goes to the graph when it has none yet: wg_graph_error(g). */
WG_API wg_plan *wg_plan_new(wg_graph *g, wg_params *w, const char *name,
                            const wg_plan_options *options);

/** A plan of n tensors, without updates; outputs are read by wg_plan_value_at. w may be NULL when
 * no parameter is needed. */
WG_API wg_plan *wg_plan_of(int n, wg_tensor *const *outputs, wg_params *w,
                           const wg_plan_options *options, wg_error *error);

/** NULL is allowed. */
WG_API void wg_plan_free(wg_plan *p);

/** Feeds an input (or a random entry, by its full name, instead of drawing). The memory is borrowed
 * until something else is fed and read by every run until then; an output of this very plan is
 * copied at once. A NULL data pointer with rank 0, as in (wg_array){ 0 }, unfeeds. Errors:
 * WG_ENAME, WG_EDTYPE, WG_ESHAPE for another rank or bad extents, WG_EARG for NULL data with
 * elements, WG_ENOMEM. After an error the input is as before. */
WG_API wg_status wg_plan_feed(wg_plan *p, const char *name, wg_array value);

/** Runs once: computes all outputs, then commits all updates. Every output and every update is made
 * from the store as it was before the run: two entries can be exchanged, and an output that is a
 * parameter shows its old value. On any error the store is bit for bit as it was. Errors: WG_ESTATE
 * when an input was never fed; WG_ESHAPE and others for the extents fed; WG_EINDEX; WG_ENONFINITE
 * with the option check; WG_ENOMEM; WG_ELIMIT. Detail: wg_plan_error. */
WG_API wg_status wg_plan_run(wg_plan *p);

/** The error of the last call on the plan; code WG_OK when it succeeded. The plan's. */
WG_API const wg_error *wg_plan_error(const wg_plan *p);

/** An output by name (with the option keep, any named or scoped tensor "scope/name") after a run.
 * Valid until the next run. NULL otherwise, with WG_ENAME in wg_plan_error, WG_ESTATE before a run
 * or after one that failed, WG_EARG for a tensor of which only the type is used. */
WG_API const wg_array *wg_plan_value(wg_plan *p, const char *name);

/** Output i, in declared order; NULL when out of range or before a run. */
WG_API const wg_array *wg_plan_value_at(wg_plan *p, int i);

/** The value of any tensor the plan computes: outputs, or with the option keep all. NULL
 * otherwise. */
WG_API const wg_array *wg_plan_value_of(wg_plan *p, const wg_tensor *t);

typedef struct {
    int64_t entries;       /* entries the function depends on */
    int64_t computed;      /* entries left after simplification */
    int64_t steps;         /* steps of a run */
    int64_t fused_steps;   /* steps that run more than one entry */
    int64_t fused_entries; /* entries in those */
    int64_t arena_bytes;   /* memory of all intermediates together */
    int64_t naive_bytes;   /* the same if each had its own */
    int64_t param_bytes;   /* store entries the function reads or updates */
    /* all that the plan has taken from the allocator: arena_bytes of the largest specialisation,
     * their alignment, and the plan's own parts. Products use buffers on the stack besides, and
     * the largest outside_bytes */
    int64_t held_bytes;
    double flops;           /* floating-point operations of a run */
    int64_t recomputed;     /* entries computed a second time, to need fewer bytes */
    double recompute_flops; /* operations of those; in flops too */
    int64_t runs;
    double seconds;        /* with the option timing: of all runs */
    int specialisations;   /* held now */
    int64_t outside_steps; /* steps of a run that OpenBLAS does */
    int64_t outside_bytes; /* most that its own buffers then hold, all threads together; 0: none */
    int64_t code_bytes;    /* of machine code (WG_PASS_CHAIN), beside held_bytes */
} wg_plan_stats;

/** Numbers of the specialisation last used (of the example extents before the first run). */
WG_API wg_status wg_plan_report(wg_plan *p, wg_plan_stats *stats);

/** The same as text; with the option timing also time per step and per op. After each pass with
 * `passes` true: what each pass left. */
WG_API wg_status wg_plan_report_print(wg_plan *p, bool passes, FILE *to);

/* One fed value of a throw-away plan. */
typedef struct {
    const char *name;
    wg_array value;
} wg_feed;

/** Computes one tensor once: a throw-away plan. value->data is new memory for the caller:
 * wg_free. */
WG_API wg_status wg_read(wg_tensor *t, wg_params *w, int n_feeds, const wg_feed *feeds,
                         wg_array *value, wg_error *error);

/** The processor level kernels run at: WG_LEVEL_PLAIN and so on; the environment variable
 * WENGERT_LEVEL (0, 1, 2) lowers it. Read when a plan is made. */
WG_API int wg_level(void);

#ifdef __cplusplus
}
#endif

#endif
