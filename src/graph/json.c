/* json.c: what was read of JSON: values, and how they are asked. */
#include <string.h>

#include "json.h"

void wg__json_free(wg_json *v)
{
    wg_arena arena;

    if (!v) return;
    /* The arena holds the document itself. */
    arena = ((struct wg_document *)v)->arena;
    wg__arena_free(&arena);
}

wg_json_kind wg__json_kind(const wg_json *v)
{
    return v->kind;
}

const char *wg__json_what(const wg_json *v)
{
    static const char *const what[] = { "null",     "a truth value", "an integer", "a real number",
                                        "a string", "a list",        "an object" };

    return v ? what[v->kind] : "missing";
}

int64_t wg__json_count(const wg_json *v)
{
    return v && v->kind >= WG_JSON_LIST ? v->n : 0;
}

const wg_json *wg__json_at(const wg_json *v, int64_t i)
{
    return v && v->kind == WG_JSON_LIST && i >= 0 && i < v->n ? &v->as.item[i] : NULL;
}

int32_t *wg__json_slot(const wg_member *m, int64_t n, int32_t *slots, const char *key)
{
    int64_t cap = wg__json_slots(n), i;

    i = (int64_t)(wg__hash_bytes(0, key, strlen(key)) & (uint64_t)(cap - 1));
    while (slots[i] >= 0 && strcmp(m[slots[i]].key, key) != 0) i = (i + 1) & (cap - 1);
    return &slots[i];
}

const wg_json *wg__json_get(const wg_json *v, const char *key)
{
    const wg_member *m;

    if (!v || v->kind != WG_JSON_OBJECT) return NULL;
    m = v->as.member;
    if (v->n > WG_FEW_MEMBERS) {
        int32_t at = *wg__json_slot(m, v->n, (int32_t *)(uintptr_t)(m + v->n), key);

        return at < 0 ? NULL : &m[at].value;
    }
    for (int32_t i = 0; i < v->n; i++)
        if (strcmp(m[i].key, key) == 0) return &m[i].value;
    return NULL;
}

const char *wg__json_text(const wg_json *v)
{
    return v && v->kind == WG_JSON_TEXT ? v->as.text : NULL;
}

bool wg__json_int(const wg_json *v, int64_t *out)
{
    if (!v || v->kind != WG_JSON_INT) return false;
    *out = v->as.integer;
    return true;
}

bool wg__json_number(const wg_json *v, double *out)
{
    if (!v || (v->kind != WG_JSON_INT && v->kind != WG_JSON_REAL)) return false;
    *out = v->kind == WG_JSON_INT ? (double)v->as.integer : v->as.real;
    return true;
}

bool wg__json_bool(const wg_json *v, bool *out)
{
    if (!v || v->kind != WG_JSON_BOOL) return false;
    *out = v->as.truth;
    return true;
}

bool wg__json_next(wg_json_walk *w)
{
    const wg_json *v = w->object;

    if (!v || v->kind != WG_JSON_OBJECT || w->at >= v->n) return false;
    w->key = v->as.member[w->at].key;
    w->value = &v->as.member[w->at++].value;
    return true;
}

/* Recursion ends: what was parsed is at most WG_JSON_DEPTH deep. */
void wg__put_value(wg_text *t, const wg_json *v)
{
    wg_json_walk w = { .object = v };
    bool first = true;

    switch (wg__json_kind(v)) {
    case WG_JSON_NULL:
        wg__put(t, "null");
        break;
    case WG_JSON_BOOL:
        wg__put(t, v->as.truth ? "true" : "false");
        break;
    case WG_JSON_INT:
        wg__put_int(t, v->as.integer);
        break;
    case WG_JSON_REAL:
        wg__put_real(t, v->as.real);
        break;
    case WG_JSON_TEXT:
        wg__put_string(t, v->as.text);
        break;
    case WG_JSON_LIST:
        wg__put(t, "[");
        for (int64_t i = 0; i < wg__json_count(v); i++) {
            if (i > 0) wg__put(t, ", ");
            wg__put_value(t, wg__json_at(v, i));
        }
        wg__put(t, "]");
        break;
    case WG_JSON_OBJECT:
        wg__put(t, "{");
        for (; wg__json_next(&w); first = false) {
            if (!first) wg__put(t, ", ");
            wg__put_string(t, w.key);
            wg__put(t, ": ");
            wg__put_value(t, w.value);
        }
        wg__put(t, "}");
        break;
    }
}
