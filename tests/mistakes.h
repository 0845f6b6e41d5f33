/*
 * mistakes.h: for test_errors.c and its parts: a call that recording must refuse, with its code, its text to
 * the letter and the line it was made on.
 */
#ifndef MISTAKES_H
#define MISTAKES_H

#include "harness.h"

#include <wengert.h>
#include <wengert/op.h>

/* The mistake at hand: its graph, what the call returned, the line it begins on. */
extern wg_graph *g;
extern wg_tensor *result;
extern int first_line;

void mistake_open(int line);

/* An input of its own name. */
wg_tensor *in(wg_dtype dtype, wg_shape shape);

/* F(2, 3) is an input f32[2 x 3], F() is f32[]; D f64, I i64, M bool */
#define SHAPE_OF(...)                                                                              \
    wg_shape_of(WG_N_ARGS(int64_t, 0, __VA_ARGS__) - 1, (const int64_t[]){ 0, __VA_ARGS__ } + 1)
#define F(...) in(WG_F32, SHAPE_OF(__VA_ARGS__))
#define D(...) in(WG_F64, SHAPE_OF(__VA_ARGS__))
#define I(...) in(WG_I64, SHAPE_OF(__VA_ARGS__))
#define M(...) in(WG_BOOL, SHAPE_OF(__VA_ARGS__))

/* A call that must be refused, in a graph of its own; on the line below REFUSED says how, or FAILED for a
 * call that returns the graph. */
#define MISTAKE(...)                                                                               \
    do {                                                                                           \
        mistake_open(__LINE__);                                                                    \
        result = __VA_ARGS__;                                                                      \
    } while (0)
#define MISTAKEN(...)                                                                              \
    do {                                                                                           \
        mistake_open(__LINE__);                                                                    \
        __VA_ARGS__;                                                                               \
    } while (0)
#define REFUSED(code, text) refused(code, text, __LINE__)
#define FAILED(code, text)  failed(code, text, __LINE__)

/* Refused: the result is the poison, the first error is kept, later calls return the poison and record
 * nothing. Failed: the error alone. */
void refused(wg_status code, const char *text, int line);
void failed(wg_status code, const char *text, int line);

/* Whether a record of this name has refused something. */
bool has_refused(const char *op);

/* The mistakes, by header. */
void leaves(void);
void arithmetic(void);
void comparisons(void);
void reductions(void);
void shapes(void);
void indexing(void);
void windows(void);

#endif
