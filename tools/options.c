/* options.c: see options.h. */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the nearest name ---- */

enum { WORD_MAX = 63 };

/* Optimal string alignment: insertions, deletions, changes, exchanged neighbours. */
static int distance(const char *a, const char *b)
{
    int row[3][WORD_MAX + 2], n = (int)strlen(a), m = (int)strlen(b);

    if (n > WORD_MAX || m > WORD_MAX) return WORD_MAX;
    for (int j = 0; j <= m; j++) row[0][j] = j, row[1][j] = row[2][j] = 0;
    for (int i = 1; i <= n; i++) {
        int *was = row[(i - 1) % 3], *now = row[i % 3], *before = row[(i + 1) % 3];

        now[0] = i;
        for (int j = 1; j <= m; j++) {
            int change =
                was[j - 1] + (tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]));
            int best = was[j] + 1 < now[j - 1] + 1 ? was[j] + 1 : now[j - 1] + 1;

            if (change < best) best = change;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
    }
    return row[n % 3][m];
}

const char *nearest_name(const char *word, int n, const char *(*name)(const void *arg, int k),
                         const void *arg)
{
    const char *best = NULL;
    int least = (int)strlen(word) / 3 + 1;

    for (int k = 0; k < n; k++) {
        const char *candidate = name(arg, k);
        int d = distance(word, candidate);

        if (strlen(word) >= 3 && strncmp(word, candidate, strlen(word)) == 0) d = 1;
        if (d < least) best = candidate, least = d;
    }
    return best;
}

static int count(const option *o)
{
    int n = 0;

    while (o && o[n].name) n++;
    return n;
}

/* The table's names, and behind them the one every command has. */
static const char *option_name(const void *arg, int k)
{
    const option *o = arg;

    return k < count(o) ? o[k].name : "help";
}

/* ---- values ---- */

static int complain(const command_spec *c, const char *text, const char *a, const char *b)
{
    fprintf(stderr, "wengert %s: ", c->name);
    fprintf(stderr, text, a, b);
    fprintf(stderr, "\n  `wengert %s --help` lists the options\n", c->name);
    return OPTIONS_BAD;
}

static bool is_word(const char *words, const char *text)
{
    size_t n = strlen(text);

    for (const char *w = words; w; w = strchr(w, '|'), w = w ? w + 1 : NULL)
        if (strncmp(w, text, n) == 0 && (w[n] == '|' || w[n] == '\0') && n > 0) return true;
    return false;
}

static bool read_number(const option *o, const char *text, double *real, int64_t *whole)
{
    char *end;

    errno = 0;
    if (o->kind == OPTION_WHOLE) {
        long long v = strtoll(text, &end, 10);

        *whole = v;
        *real = (double)v;
    } else {
        *real = strtod(text, &end);
    }
    return end != text && *end == '\0' && errno == 0 && isfinite(*real) &&
           ((o->low == 0 && o->high == 0) || (*real >= o->low && *real <= o->high));
}

static int bad_number(const command_spec *c, const option *o, const char *text)
{
    const char *kind = o->kind == OPTION_WHOLE ? "a whole number" : "a number";
    char range[96] = "";

    if (o->low != 0 || o->high != 0) {
        if (o->high >= 1e15) snprintf(range, sizeof range, ", %g or more", o->low);
        else snprintf(range, sizeof range, " from %g to %g", o->low, o->high);
    }
    fprintf(stderr, "wengert %s: --%s takes %s%s, not \"%s\"\n", c->name, o->name, kind, range,
            text);
    return OPTIONS_BAD;
}

static int append(const command_spec *c, text_list *list, const char *text)
{
    const char **more = realloc(list->item, ((size_t)list->n + 1) * sizeof *more);

    if (!more) return complain(c, "out of memory%s%s", "", "");
    more[list->n++] = text;
    list->item = more;
    return OPTIONS_GOOD;
}

static int store(const command_spec *c, const option *o, const char *text, void *given)
{
    char *at = (char *)given + o->offset;
    double real;
    int64_t whole = 0;

    switch (o->kind) {
    case OPTION_FLAG:
        *(bool *)(void *)at = true;
        return OPTIONS_GOOD;
    case OPTION_CHOICE:
        if (!is_word(o->value, text)) {
            fprintf(stderr, "wengert %s: --%s is one of %s, not \"%s\"\n", c->name, o->name,
                    o->value, text);
            return OPTIONS_BAD;
        }
        *(const char **)(void *)at = text;
        return OPTIONS_GOOD;
    case OPTION_TEXT:
        *(const char **)(void *)at = text;
        return OPTIONS_GOOD;
    case OPTION_MANY:
        return append(c, (text_list *)(void *)at, text);
    case OPTION_WHOLE:
    case OPTION_REAL:
        if (!read_number(o, text, &real, &whole)) return bad_number(c, o, text);
        if (o->kind == OPTION_WHOLE) *(int64_t *)(void *)at = whole;
        else *(double *)(void *)at = real;
        return OPTIONS_GOOD;
    }
    return OPTIONS_BAD;
}

static const option *find(const option *o, const char *name, size_t length)
{
    for (; o && o->name; o++)
        if (strlen(o->name) == length && strncmp(o->name, name, length) == 0) return o;
    return NULL;
}

static int unknown(const command_spec *c, const char *name)
{
    char word[80];
    const char *near;

    snprintf(word, sizeof word, "%.*s", (int)strcspn(name, "="), name);
    near = nearest_name(word, count(c->options) + 1, option_name, c->options);
    if (!near) return complain(c, "there is no option --%s%s", word, "");
    return complain(c, "there is no option --%s; did you mean --%s?", word, near);
}

/* argv[*i] begins with a dash; its value may be the next one. */
static int take(const command_spec *c, int argc, char **argv, int *i, void *given)
{
    const char *word = argv[*i], *value = NULL;
    const option *o = NULL;

    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) return OPTIONS_HELP;
    if (word[1] == '-') {
        size_t length = strcspn(word + 2, "=");

        o = find(c->options, word + 2, length);
        if (!o) return unknown(c, word + 2);
        if (word[2 + length] == '=') value = word + 3 + length;
    } else {
        for (o = c->options; o && o->name; o++)
            if (o->letter && o->letter == word[1]) break;
        if (!o || !o->name) return complain(c, "there is no option %s%s", word, "");
        if (word[2]) value = word + 2 + (word[2] == '=');
    }
    if (o->kind == OPTION_FLAG) {
        if (value) return complain(c, "--%s takes no value%s", o->name, "");
    } else if (!value) {
        if (*i + 1 >= argc) return complain(c, "--%s needs a value: --%s", o->name, o->name);
        value = argv[++*i];
    }
    return store(c, o, value, given);
}

options_verdict options_parse(const command_spec *c, int argc, char **argv, void *given,
                              char **operand, int *n)
{
    bool only_operands = false;
    int verdict = OPTIONS_GOOD;

    memset(given, 0, c->size);
    *n = 0;
    for (const option *o = c->options; o && o->name; o++)
        if (o->otherwise && store(c, o, o->otherwise, given) != OPTIONS_GOOD) return OPTIONS_BAD;
    for (int i = 1; i < argc && verdict == OPTIONS_GOOD; i++) {
        if (!only_operands && strcmp(argv[i], "--") == 0) only_operands = true;
        else if (!only_operands && argv[i][0] == '-' && argv[i][1])
            verdict = take(c, argc, argv, &i, given);
        else operand[(*n)++] = argv[i];
    }
    if (verdict == OPTIONS_GOOD && *n < c->least)
        verdict = complain(c, "%s is missing%s", c->operands, "");
    if (verdict == OPTIONS_GOOD && *n > c->most)
        verdict = complain(c, "\"%s\" is one too many%s", operand[c->most], "");
    return (options_verdict)verdict;
}

void options_free(const command_spec *c, void *given)
{
    for (const option *o = c->options; o && o->name; o++) {
        text_list *list = (text_list *)(void *)((char *)given + o->offset);

        if (o->kind != OPTION_MANY) continue;
        free(list->item);
        *list = (text_list){ 0 };
    }
}

/* ---- help ---- */

enum { HELP_AT = 26, HELP_WIDTH = 80 };

/* Words from column HELP_AT on, in lines of HELP_WIDTH. */
static void put_wrapped(const char *text, int column, FILE *to)
{
    if (column >= HELP_AT) fputc('\n', to), column = 0;
    fprintf(to, "%*s", HELP_AT - column, "");
    column = HELP_AT;
    while (*text) {
        int n = (int)strcspn(text, " ");

        if (column > HELP_AT && column + 1 + n > HELP_WIDTH)
            fprintf(to, "\n%*s", HELP_AT, ""), column = HELP_AT;
        else if (column > HELP_AT) fputc(' ', to), column++;
        fprintf(to, "%.*s", n, text);
        column += n;
        text += n + (text[n] == ' ');
    }
    fputc('\n', to);
}

void options_help(const command_spec *c, FILE *to)
{
    char text[512];

    fprintf(to, "usage: wengert %s [OPTIONS] %s\n%s\n\noptions:\n", c->name, c->operands,
            c->summary);
    for (const option *o = c->options; o && o->name; o++) {
        int n = o->letter ? fprintf(to, "  -%c, --%s", o->letter, o->name)
                          : fprintf(to, "      --%s", o->name);

        if (o->kind != OPTION_FLAG) n += fprintf(to, "=%s", o->value);
        snprintf(text, sizeof text, "%s%s%s%s", o->help, o->otherwise ? " (default " : "",
                 o->otherwise ? o->otherwise : "", o->otherwise ? ")" : "");
        put_wrapped(text, n, to);
    }
    put_wrapped("this page", fprintf(to, "  -h, --help"), to);
    if (c->more) fprintf(to, "\n%s", c->more);
}
