/* call_text.c: a parser for calls with keyword arguments, by recursive descent. */
#include "call_text.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "spell.h"
#include "wengert/op.h"

enum { MAX_DEPTH = 8 };

struct reader {
    const char *text, *p;
    const char *op;
    wg_error *error;
    bool failed;
};

static bool refuse(struct reader *r, const char *at, const char *wanted)
{
    if (!r->failed)
        wg_fail(r->error, WG_EARG, r->op, "\"%.120s\": wanted %s at character %d", r->text, wanted,
                (int)(at - r->text) + 1);
    r->failed = true;
    return false;
}

static bool no_memory(struct reader *r)
{
    if (!r->failed) wg_fail(r->error, WG_ENOMEM, r->op, "out of memory");
    r->failed = true;
    return false;
}

static void blanks(struct reader *r)
{
    while (isspace((unsigned char)*r->p)) r->p++;
}

static char *copy_part(struct reader *r, const char *from, const char *to)
{
    char *s = wg_alloc(to - from + 1, 1);

    if (!s) no_memory(r);
    else if (to > from) memcpy(s, from, (size_t)(to - from));
    return s;
}

/* A word with inner blanks: "Leaky ReLU". NULL and an error where none stands. */
static char *name(struct reader *r, const char *wanted)
{
    const char *first, *end;

    blanks(r);
    first = end = r->p;
    if (!isalpha((unsigned char)*first) && *first != '_') {
        refuse(r, first, wanted);
        return NULL;
    }
    for (; isalnum((unsigned char)*r->p) || (*r->p && strchr("_- ", *r->p)); r->p++)
        if (*r->p != ' ') end = r->p + 1;
    return copy_part(r, first, end);
}

static wg__call *call(struct reader *r, int depth, const char *wanted);

static bool word_value(wg__arg *a)
{
    a->kind = WG__ARG_NONE;
    if (wg__same_name(a->text, "none")) return true;
    a->kind = WG__ARG_BOOL;
    a->number = wg__same_name(a->text, "true");
    if (a->number != 0 || wg__same_name(a->text, "false")) return true;
    a->kind = WG__ARG_NUMBER;
    a->number = (double)INFINITY;
    return wg__same_name(a->text, "inf");
}

static bool value(struct reader *r, wg__arg *a, int depth)
{
    static const char wanted[] = "a number, a text, None, True, False or NAME(...)";
    const char *first, *end;

    blanks(r);
    first = r->p;
    if (*first == '\'' || *first == '"') {
        end = strchr(first + 1, *first);
        if (!end) return refuse(r, first, "a closing quote for the one");
        r->p = end + 1;
        a->kind = WG__ARG_TEXT;
        return (a->text = copy_part(r, first + 1, end)) != NULL;
    }
    if (!isalpha((unsigned char)*first)) {
        end = wg__read_double(first, &a->number);
        if (!end) return refuse(r, first, wanted);
        a->kind = WG__ARG_NUMBER;
        a->whole = true;
        for (const char *p = first; p < end; p++) a->whole &= !strchr(".eE", *p);
        r->p = end;
        return (a->text = copy_part(r, first, end)) != NULL;
    }
    a->call = call(r, depth + 1, wanted);
    if (!a->call || !(a->text = copy_part(r, first, r->p))) return false;
    if (a->call->n == 0 && !strchr(a->text, '(') && word_value(a)) return true;
    a->number = 0;
    a->kind = WG__ARG_CALL;
    return true;
}

static bool add_argument(struct reader *r, wg__call *c)
{
    if ((c->n & (c->n - 1)) == 0) { /* room grows by doubling */
        wg__arg *list = wg_alloc(c->n ? 2 * c->n : 1, sizeof *list);

        if (!list) return no_memory(r);
        if (c->n) memcpy(list, c->arg, (size_t)c->n * sizeof *list);
        wg_free(c->arg);
        c->arg = list;
    }
    c->n++;
    return true;
}

static bool argument(struct reader *r, wg__call *c, int depth)
{
    wg__arg *a;

    if (!add_argument(r, c)) return false;
    a = &c->arg[c->n - 1];
    blanks(r);
    a->at = (int)(r->p - r->text) + 1;
    if (!(a->key = name(r, "an argument's name"))) return false;
    blanks(r);
    if (*r->p != '=') return refuse(r, r->p, "'='");
    r->p++;
    for (int i = 0; i < c->n - 1; i++)
        if (wg__same_name(c->arg[i].key, a->key)) {
            wg_fail(r->error, WG_EARG, r->op,
                    "\"%.120s\": \"%.40s\" is given twice, at character %d", r->text, a->key,
                    a->at);
            r->failed = true;
            return false;
        }
    return value(r, a, depth);
}

static bool arguments(struct reader *r, wg__call *c, int depth)
{
    if (depth > MAX_DEPTH) return refuse(r, r->p, "fewer calls inside of each other");
    r->p++;
    blanks(r);
    while (*r->p != ')') {
        if (!argument(r, c, depth)) return false;
        blanks(r);
        if (*r->p != ',' && *r->p != ')') return refuse(r, r->p, "',' or ')'");
        if (*r->p == ',') r->p++;
        blanks(r);
    }
    r->p++;
    return true;
}

static wg__call *call(struct reader *r, int depth, const char *wanted)
{
    wg__call *c = wg_alloc(1, sizeof *c);

    if (!c) {
        no_memory(r);
        return NULL;
    }
    blanks(r);
    c->at = (int)(r->p - r->text) + 1;
    if ((c->name = name(r, wanted)) && (*r->p != '(' || arguments(r, c, depth))) return c;
    wg__call_free(c);
    return NULL;
}

wg__call *wg__call_parse(const char *text, const char *op, wg_error *error)
{
    struct reader r = { text, text, op, error, false };
    wg__call *c = call(&r, 0, "a name");

    blanks(&r);
    if (!c || *r.p == '\0') return c;
    refuse(&r, r.p, c->n == 0 && r.p[-1] != ')' ? "'(' or the end" : "the end");
    wg__call_free(c);
    return NULL;
}

void wg__call_free(wg__call *c)
{
    if (!c) return;
    for (int i = 0; i < c->n; i++) {
        wg_free(c->arg[i].key);
        wg_free(c->arg[i].text);
        wg__call_free(c->arg[i].call);
    }
    wg_free(c->arg);
    wg_free(c->name);
    wg_free(c);
}

bool wg__same_name(const char *a, const char *b)
{
    for (;; a++, b++) {
        while (*a && strchr(" _-", *a)) a++;
        while (*b && strchr(" _-", *b)) b++;
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b)) return false;
        if (*a == '\0') return true;
    }
}

void wg__str_add(wg__str *t, const char *fmt, ...)
{
    va_list args, again;
    int more;

    if (t->failed) return;
    va_start(args, fmt);
    va_copy(again, args);
    more = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (more >= 0 && t->n + (size_t)more + 1 > t->cap) {
        size_t cap = 2 * (t->n + (size_t)more) + 64;
        char *s = wg_alloc((int64_t)cap, 1);

        if (s && t->n) memcpy(s, t->s, t->n);
        wg_free(t->s);
        t->s = s;
        t->cap = cap;
    }
    t->failed = more < 0 || !t->s;
    if (!t->failed) t->n += (size_t)vsnprintf(t->s + t->n, t->cap - t->n, fmt, again);
    va_end(again);
}
