/* show.h: what `show` tells of a program, for its tables and for its JSON. */
#ifndef WENGERT_TOOLS_SHOW_H
#define WENGERT_TOOLS_SHOW_H

#include "view.h"

/* What the store holds below a path. */
typedef struct {
    int64_t weights, bytes; /* trainable elements, bytes of all entries */
    int entries;
} holding;

/** "" is all of the store. */
holding held(const wg_params *w, const char *path);

/** Whether a group is a scope of the forward pass, a layer. */
bool is_layer(const view *v, int g);

/** The last forward entry below a group: what the layer gives. NULL: nothing. */
const wg_type *result_of(const view *v, int g);

/** Entries the gradient rules recorded for a layer. */
int64_t gradient_entries(const view *v, const char *path);

typedef struct {
    const wg_op *op;
    int64_t forward, gradient;
    int64_t bytes; /* of their results */
} op_count;

enum { OPS_MAX = 256 };

/** How often each operation occurs, in order of first use, into count[OPS_MAX]. Returns how many
 * operations there are. */
int count_ops(const view *v, op_count *count);

/** What a plan of function f needs. Returns the exit status. */
int plan_stats(const program *p, int f, wg_plan_stats *stats);

/** All of it; NULL when out of memory. */
json_t *show_json(const program *p, const view *v);

#endif
