/* classes.h: the records of all layer classes, wg_class_NAME, and what their files share. */
#ifndef WG_NN_CLASSES_H
#define WG_NN_CLASSES_H

#include "wengert/layer.h"
#include "wengert/layers_more.h"

#define CLASS(name) extern const wg_layer_class wg_class_##name;
#include "classes.def"
#undef CLASS

/* The name of a class that is most like this one. */
const char *wg__class_nearest(const char *name);

/* make: v is `least` or more; else false, with the mistake kept under the name `what`. */
bool wg__at_least(wg_layer *l, const char *what, int64_t v, int64_t least);

/* apply, of a module that records a component's forward pass itself: opens the component's scope,
 * to be closed by wg_scope_end, and at its first use creates its parameters for operands of such
 * types. false after an error, with the graph's error set and no scope open. */
bool wg__layer_begin(wg_layer *l, wg_graph *g, int n, wg_tensor *const *x);

/* A name for a random draw in the open scope: `name`, and where the function has it already, as in
 * a layer's second use, name_2, name_3, ... Returns to. */
enum { WG__DRAW_NAME = 48 };
const char *wg__draw_name(const wg_graph *g, const char *name, char to[WG__DRAW_NAME]);

#endif
