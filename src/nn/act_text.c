/* act_text.c: activations as text: reading "Name(arg=value, ...)", printing what numpy-ml
 * prints. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "wengert/nn.h"
#include "wengert/op.h"
#include "act.h"
#include "spell.h"

static const char function[] = "act";

/* ---- reading ---- */

struct reader {
    const char *text, *at;
    wg_error *error;
};

static const struct act *no_such(const struct reader *r, const char *name, int length)
{
    const char *known[16];
    char list[160] = "", wrong[64];

    snprintf(wrong, sizeof wrong, "%.*s", length, name);
    for (int i = 0; i < wg__n_acts; i++) {
        size_t n = strlen(list);

        known[i] = wg__acts[i].name;
        snprintf(list + n, sizeof list - n, "%s%s", i ? ", " : "", known[i]);
    }
    wg_fail(r->error, WG_ENAME, function,
            "unknown activation \"%s\", nearest is \"%s\": known are %s", wrong,
            wg__nearest(wrong, wg__n_acts, known), list);
    return NULL;
}

static const struct act *wanted(const struct reader *r, const char *what)
{
    wg_fail(r->error, WG_EARG, function, "\"%.120s\", column %d: wanted %s", r->text,
            (int)(r->at - r->text) + 1, what);
    return NULL;
}

static bool skipped(char c)
{
    return c == ' ' || c == '_' || c == '-';
}

/* Equal but for letter case, blanks, '_' and '-'. */
static bool same_name(const char *s, const char *end, const char *name)
{
    for (;; s++, name++) {
        while (s < end && skipped(*s)) s++;
        while (skipped(*name)) name++;
        if (s == end || !*name) return s == end && !*name;
        if (tolower((unsigned char)*s) != tolower((unsigned char)*name)) return false;
    }
}

static void blanks(struct reader *r)
{
    while (*r->at == ' ') r->at++;
}

/* True or False in any case; a whole number 0 or 1 is left to the reader of numbers. */
static bool read_bool(struct reader *r, double *v)
{
    static const char *const words[] = { "false", "true" };

    for (int i = 0; i < 2; i++) {
        size_t n = strlen(words[i]), k = 0;

        while (k < n && tolower((unsigned char)r->at[k]) == words[i][k]) k++;
        if (k < n || isalnum((unsigned char)r->at[k])) continue;
        r->at += n;
        *v = i;
        return true;
    }
    return false;
}

static bool read_value(struct reader *r, const struct act *act, int i, double *v)
{
    static const char *const what[] = { "a number for %s", "a number for %s",
                                        "True or False for %s" };
    enum act_kind kind = act->arg[i].kind;
    const char *start = r->at, *after;
    char text[64];
    bool ok;

    blanks(r);
    start = r->at;
    if (kind == ACT_BOOL && read_bool(r, v)) return true;
    after = wg__read_double(r->at, v);
    if (after) r->at = after;
    ok = after && isfinite(*v) && (kind != ACT_BOOL || *v == 0 || *v == 1);
    if (ok) return true;
    r->at = start;
    snprintf(text, sizeof text, what[kind], act->arg[i].name);
    wanted(r, text);
    return false;
}

static int n_args(const struct act *act)
{
    int n = 0;

    while (n < ACT_MAX_ARGS && act->arg[n].name) n++;
    return n;
}

/* The argument named at r, or -1 after an error. */
static int read_key(struct reader *r, const struct act *act)
{
    const char *key, *names[ACT_MAX_ARGS];
    int n = n_args(act), length;
    char wrong[64];

    blanks(r);
    key = r->at;
    while (isalnum((unsigned char)*r->at) || *r->at == '_') r->at++;
    length = (int)(r->at - key);
    if (length == 0) {
        wanted(r, n ? "an argument" : "')'");
        return -1;
    }
    for (int i = 0; i < n; i++) {
        names[i] = act->arg[i].name;
        if ((int)strlen(names[i]) == length && strncmp(names[i], key, (size_t)length) == 0)
            return i;
    }
    snprintf(wrong, sizeof wrong, "%.*s", length, key);
    if (n == 0)
        wg_fail(r->error, WG_EARG, function, "%s takes no argument \"%s\"", act->name, wrong);
    else
        wg_fail(r->error, WG_EARG, function, "%s has no argument \"%s\", nearest is \"%s\"",
                act->name, wrong, wg__nearest(wrong, n, names));
    return -1;
}

/* From behind '(' to behind ')'. */
static bool read_args(struct reader *r, const struct act *act, double *a)
{
    bool given[ACT_MAX_ARGS] = { false };

    blanks(r);
    if (*r->at == ')') {
        r->at++;
        return true;
    }
    for (;;) {
        int i = read_key(r, act);

        if (i < 0) return false;
        if (given[i]) {
            wg_fail(r->error, WG_EARG, function, "%s: argument \"%s\" is given twice", act->name,
                    act->arg[i].name);
            return false;
        }
        given[i] = true;
        blanks(r);
        if (*r->at != '=') return wanted(r, "'='") != NULL;
        r->at++;
        if (!read_value(r, act, i, &a[i])) return false;
        blanks(r);
        if (*r->at == ')') {
            r->at++;
            return true;
        }
        if (*r->at != ',') return wanted(r, "',' or ')'") != NULL;
        r->at++;
    }
}

const struct act *wg__act_parse(const char *text, double a[ACT_MAX_ARGS], wg_error *error)
{
    struct reader r = { text && *text ? text : "Identity", NULL, error };
    const struct act *act = NULL;

    r.at = r.text;
    while (isalnum((unsigned char)*r.at) || skipped(*r.at)) r.at++;
    for (int i = 0; i < wg__n_acts && !act; i++)
        if (same_name(r.text, r.at, wg__acts[i].name)) act = &wg__acts[i];
    if (!act) {
        const char *end = r.at > r.text ? r.at : r.text + strlen(r.text);

        return no_such(&r, r.text, (int)(end - r.text));
    }
    for (int i = 0; i < ACT_MAX_ARGS; i++) a[i] = act->arg[i].preset;
    if (*r.at == '\0') return act;
    if (*r.at != '(') return wanted(&r, "'(' or the end");
    r.at++;
    if (!read_args(&r, act, a)) return NULL;
    blanks(&r);
    return *r.at ? wanted(&r, "the end") : act;
}

bool wg_act_known(const char *act_fn, wg_error *error)
{
    double a[ACT_MAX_ARGS];

    return wg__act_parse(act_fn, a, error) != NULL;
}

/* ---- printing ---- */

static const char *value_text(double v, enum act_kind kind, char buf[WG__DOUBLE_TEXT])
{
    size_t n;

    if (kind == ACT_BOOL) return v != 0 ? "True" : "False";
    wg__double_text(v, buf);
    n = strlen(buf);
    if (kind == ACT_WHOLE && n > 2 && strcmp(buf + n - 2, ".0") == 0) buf[n - 2] = '\0';
    return buf;
}

char *wg_act_text(const char *act_fn, wg_error *error)
{
    double a[ACT_MAX_ARGS];
    const struct act *act = wg__act_parse(act_fn, a, error);
    char text[160], *copy;
    size_t n;

    if (!act) return NULL;
    n = (size_t)snprintf(text, sizeof text, "%s", act->name);
    for (int i = 0; i < n_args(act); i++) {
        char buf[WG__DOUBLE_TEXT];

        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s=%s%s", i ? ", " : "(",
                              act->arg[i].name, value_text(a[i], act->arg[i].kind, buf),
                              i + 1 == n_args(act) ? ")" : "");
    }
    copy = wg_text_copy(text);
    if (!copy) wg_fail(error, WG_ENOMEM, function, "out of memory");
    return copy;
}
