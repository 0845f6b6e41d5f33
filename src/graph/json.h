/*
 * json.h: how a value that was read lies in memory; json_read.c makes it, json.c answers from it.
 * A document is one arena: a copy of the text, in which strings are ended and their escapes taken
 * out where they stand, and the items and members of lists and objects.
 */
#ifndef WG_JSON_H
#define WG_JSON_H

#include "program.h"

enum { WG_FEW_MEMBERS = 8 }; /* an object with more is looked up in a table of its names */

typedef struct wg_member wg_member;

struct wg_json {
    wg_json_kind kind;
    int32_t n; /* items, members */
    union {
        bool truth;
        int64_t integer;
        double real;
        const char *text;
        const wg_json *item;
        const wg_member *member; /* then, of more than a few, the table */
    } as;
};

struct wg_member {
    const char *key;
    wg_json value;
};

struct wg_document {
    wg_json root; /* first: what callers hold */
    wg_arena arena;
};

/* The table's size, a power of two and at least twice the members. */
static inline int64_t wg__json_slots(int64_t n)
{
    int64_t cap = 2 * WG_FEW_MEMBERS;

    while (cap < 2 * n) cap *= 2;
    return cap;
}

/* Where the table of n members holds the place of `key`, or -1 for it. */
int32_t *wg__json_slot(const wg_member *m, int64_t n, int32_t *slots, const char *key);

#endif
