/*
 * call_text.h: texts such as `SGD(lr=0.1, lr_scheduler=NoamScheduler(model_dim=16))`, as numpy-ml
 * prints its objects: a name and keyword arguments, which may be calls themselves.
 */
#ifndef WG_NN_CALL_TEXT_H
#define WG_NN_CALL_TEXT_H

#include "wengert/base.h"

typedef enum {
    WG__ARG_NONE,
    WG__ARG_NUMBER,
    WG__ARG_BOOL,
    WG__ARG_TEXT,
    WG__ARG_CALL
} wg__arg_kind;

typedef struct wg__call wg__call;

typedef struct {
    char *key;
    int at; /* character the key stands at, from 1 */
    wg__arg_kind kind;
    double number; /* of a bool: 0 or 1 */
    bool whole;    /* the number was written without point and exponent */
    char *text;    /* what stood between quotes; the value as written for the other kinds */
    wg__call *call;
} wg__arg;

struct wg__call {
    char *name; /* inner blanks as written */
    int at, n;
    wg__arg *arg;
};

/* NAME or NAME(key=value, ...): values are numbers, None, True, False (in any letter case), texts
 * in single or double quotes, and calls. wg__call_free. NULL after an error, which is `op`'s
 * (static storage): WG_EARG with the text and the character, or WG_ENOMEM. */
wg__call *wg__call_parse(const char *text, const char *op, wg_error *error);
void wg__call_free(wg__call *c);

/* Whether two names are the same but for letter case, blanks, '_' and '-'. */
bool wg__same_name(const char *a, const char *b);

/* ---- texts that grow ---- */

typedef struct {
    char *s; /* the finished text: wg_free */
    size_t n, cap;
    bool failed; /* out of memory: s is NULL */
} wg__str;

void wg__str_add(wg__str *t, const char *fmt, ...) WG_PRINTF(2, 3);

#endif
