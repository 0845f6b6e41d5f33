/* engine_layer.h: what engine_layers.c (recorded) and engine_verbs.c share of a layer's case. */
#ifndef ENGINE_LAYER_H
#define ENGINE_LAYER_H

#include "engine.h"

/* Operands of one forward: "X", or "X1" of forward 1 where a case has several, or X0, X1, ... */
typedef struct {
    const engine_layer *row;
    int forwards, n; /* n operands each */
    bool numbered;
} shape_of_case;

typedef struct {
    engine e;
    wg_layer *l;
    shape_of_case s;
} layer_run;

/* Word i of a list separated by blanks, into to[G_NAME]; false when there are fewer. */
bool engine_word(const char *list, int i, char *to);
void engine_operand(const shape_of_case *s, int forward, int i, char *to);
void engine_result(const shape_of_case *s, int forward, int k, char *to);

bool engine_verbs(layer_run *k, gresult *r, char *text);
bool engine_verbs_cell(layer_run *k, gresult *r, char *text);

#endif
