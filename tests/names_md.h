/* names_md.h: reads the tables of golden/NAMES.md: rows of two cells, lists of names in them,
 * and one class's part of a cell that speaks of several. */
#ifndef NAMES_MD_H
#define NAMES_MD_H

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "harness.h"

enum { MD_ROWS = 32, MD_CELL = 1024, MD_MOST = 64 };

typedef struct {
    char name[MD_CELL], text[MD_CELL];
} md_row;

typedef struct {
    int n;
    md_row row[MD_ROWS];
} md_table;

static inline char *md_trim(char *s)
{
    size_t n;

    while (isspace((unsigned char)*s)) s++;
    n = strlen(s);
    while (n && isspace((unsigned char)s[n - 1])) s[--n] = '\0';
    return s;
}

/* The rows under the heading that begins with `heading`, without the two of the table's head. */
static inline md_table md_read(const char *heading)
{
    FILE *f = fopen("golden/NAMES.md", "r");
    md_table t = { .n = 0 };
    char line[4096];
    bool inside = false;
    int head = 2;

    if (!CHECK(f != NULL)) return t;
    while (fgets(line, sizeof line, f)) {
        char *second;

        if (line[0] == '#') inside = !strncmp(line + strspn(line, "# "), heading, strlen(heading));
        if (!inside || line[0] != '|' || head-- > 0) continue;
        second = strchr(line + 1, '|');
        if (!CHECK(second && t.n < MD_ROWS)) break;
        *second++ = '\0';
        second[strcspn(second, "|\n")] = '\0';
        snprintf(t.row[t.n].name, MD_CELL, "%s", md_trim(line + 1));
        snprintf(t.row[t.n++].text, MD_CELL, "%s", md_trim(second));
    }
    fclose(f);
    harness_check(t.n > 0, __FILE__, __LINE__, "golden/NAMES.md: no table under %s", heading);
    return t;
}

/* Splits at `at` outside of brackets and quotes; the parts are trimmed, in text's own memory. */
static inline int md_split(char *text, char at, char **part)
{
    int n = 0, depth = 0;
    bool quoted = false;

    part[n++] = text;
    for (char *s = text; *s; s++) {
        if (*s == '"') quoted = !quoted;
        if (strchr("([{", *s)) depth++;
        if (strchr(")]}", *s)) depth--;
        if (*s == at && !depth && !quoted && n < MD_MOST) {
            *s = '\0';
            part[n++] = s + 1;
        }
    }
    for (int i = 0; i < n; i++) part[i] = md_trim(part[i]);
    return n;
}

static inline int md_count(const char *s, const char *end, char c)
{
    int n = 0;

    while (s < end) n += *s++ == c;
    return n;
}

/* What a cell about n classes says of class k: "a, (b / c), d" is a, b, d for the first of two,
 * and "id and a / b" is id, a; a cell without n alternatives is about all of them. */
static inline void md_alternative(const char *cell, int k, int n, char *to)
{
    const char *a = cell, *end = cell + strlen(cell), *common = strstr(cell, " and "), *open,
               *close;

    for (open = strchr(cell, '('); open; open = strchr(open + 1, '(')) {
        close = strchr(open, ')');
        if (close && n > 1 && md_count(open, close, '/') == n - 1) {
            a = open + 1;
            end = close;
            break;
        }
    }
    if (n < 2 || md_count(a, end, '/') != n - 1) {
        snprintf(to, MD_CELL, "%s", cell);
        return;
    }
    if (!open && common) a = common + 5;
    *to = '\0';
    if (open) snprintf(to, MD_CELL, "%.*s", (int)(open - cell), cell);
    else if (common) snprintf(to, MD_CELL, "%.*s, ", (int)(common - cell), cell);
    for (; k > 0; k--) a = strchr(a, '/') + 1;
    strncat(to, a, strcspn(a, "/)"));
    if (open) strncat(to, end + 1, MD_CELL - strlen(to) - 1);
}

/* The names in a text, without those in `but` (blank-separated); how many there are. */
static inline int md_names(const char *text, const char *but, char name[][48])
{
    int n = 0;

    while (*text && n < MD_MOST) {
        size_t length = 0;
        char padded[64], all[256];

        while (isalnum((unsigned char)text[length]) || text[length] == '_') length++;
        if (length > 0) {
            snprintf(padded, sizeof padded, " %.*s ", (int)length, text);
            snprintf(all, sizeof all, " %s ", but);
            if (!strstr(all, padded)) snprintf(name[n++], 48, "%.*s", (int)length, text);
        }
        text += length + (length == 0);
    }
    return n;
}

#endif
