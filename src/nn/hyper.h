/*
 * hyper.h: the hyperparameters of optimisers and schedulers: a table names each once, with default
 * and range; texts, JSON and printed forms all come from it.
 */
#ifndef WG_NN_HYPER_H
#define WG_NN_HYPER_H

#include <jansson.h>

#include "call_text.h"

typedef enum {
    WG__HYPER_NUMBER,
    WG__HYPER_WHOLE,   /* an integer */
    WG__HYPER_BOOL,    /* 0 or 1 */
    WG__HYPER_OPTIONAL /* a number or None, which is NaN */
} wg__hyper_kind;

typedef struct {
    const char *key;
    wg__hyper_kind kind;
    double otherwise; /* default */
    bool whole;       /* the default is printed without a point */
    bool extra;       /* numpy-ml has it not: printed only when it is not the default */
    double lo, hi;
    bool above_lo, below_hi; /* the bound itself is out of range */
    const char *wanted;      /* "a positive number" */
} wg__hyper_field;

typedef struct {
    double v;
    bool whole; /* printed without a point, as it was given */
    bool given;
} wg__hyper_value;

enum { WG__MAX_HYPER = 12 };

void wg__hyper_defaults(int n, const wg__hyper_field *field, wg__hyper_value *value);

/* The index of a key; -1 after an error that names the nearest one. `more`: a further key that is
 * none of the table's, or NULL; its index is n. at: character of the text, 0 for none. */
int wg__hyper_find(int n, const wg__hyper_field *field, const char *more, const char *key, int at,
                   const char *op, wg_error *error);

/* Reads one value from an argument or JSON. Errors: WG_EARG with the key, the value and what is
 * wanted. */
bool wg__hyper_from_arg(const wg__hyper_field *field, const wg__arg *a, wg__hyper_value *value,
                        const char *op, wg_error *error);
bool wg__hyper_from_json(const wg__hyper_field *field, const json_t *v, wg__hyper_value *value,
                         const char *op, wg_error *error);

/* Whether the value lies in range; else WG_EARG. */
bool wg__hyper_check(const wg__hyper_field *field, const wg__hyper_value *value, const char *op,
                     wg_error *error);

/* "lr=0.01", after ", " unless it is the first; nothing for an extra one that has its default. */
void wg__hyper_print(const wg__hyper_field *field, const wg__hyper_value *value, bool *first,
                     wg__str *t);

/* object[key] = value; false when out of memory. */
bool wg__hyper_to_json(const wg__hyper_field *field, const wg__hyper_value *value, json_t *object);

#endif
