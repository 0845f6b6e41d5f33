/* act.h: the table of activations, shared by their texts (act_text.c) and compositions (act.c). */
#ifndef NN_ACT_H
#define NN_ACT_H

#include "wengert/graph.h"

enum { ACT_MAX_ARGS = 2 };

/* How an argument is printed: as Python prints the number numpy-ml's default is. */
enum act_kind { ACT_FLOAT, ACT_WHOLE, ACT_BOOL };

typedef wg_tensor *act_part(wg_tensor *x, const double *a);

struct act {
    const char *name; /* as numpy-ml prints it */
    act_part *apply;
    /* first and second derivative where the recorded one loses the tail; NULL: recorded */
    act_part *grad, *grad2;
    struct {
        const char *name;
        enum act_kind kind;
        double preset;
    } arg[ACT_MAX_ARGS];
};

extern const struct act wg__acts[];
extern const int wg__n_acts;

/* The activation of this text, its arguments in a[]; NULL with the reason in *error. */
const struct act *wg__act_parse(const char *text, double a[ACT_MAX_ARGS], wg_error *error);

#endif
