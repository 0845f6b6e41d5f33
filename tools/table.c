/* table.c: see table.h. */
#include "table.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Characters, not bytes: what does not begin a UTF-8 sequence takes no room. */
static int width(const char *s)
{
    int n = 0;

    for (; *s; s++) n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

static void add(table *t, char *text)
{
    if (t->n_cells == t->cap) {
        int cap = t->cap * 2 + 64;
        char **more = realloc(t->cell, (size_t)cap * sizeof *more);

        if (more) t->cell = more, t->cap = cap;
    }
    if (!text || t->n_cells == t->cap) {
        t->failed = true;
        free(text);
        return;
    }
    t->cell[t->n_cells++] = text;
}

void table_begin(table *t, const char *headings)
{
    *t = (table){ 0 };
    while (*headings && t->n_columns < TABLE_COLUMNS) {
        size_t n = strcspn(headings, "|");

        t->right[t->n_columns++] = *headings == '>';
        if (*headings == '>') headings++, n--;
        add(t, strndup(headings, n));
        headings += n + (headings[n] == '|');
    }
}

void table_cell(table *t, const char *fmt, ...)
{
    va_list args;
    char *text;
    int n;

    va_start(args, fmt);
    n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    text = n < 0 ? NULL : malloc((size_t)n + 1);
    if (text) {
        va_start(args, fmt);
        vsnprintf(text, (size_t)n + 1, fmt, args);
        va_end(args);
    }
    add(t, text);
}

bool table_end(table *t, FILE *to)
{
    int widest[TABLE_COLUMNS] = { 0 };
    bool good = !t->failed;
    int blanks = 0;

    for (int i = 0; good && i < t->n_cells; i++) {
        int w = width(t->cell[i]), k = i % t->n_columns;

        if (w > widest[k]) widest[k] = w;
    }
    for (int i = 0; good && i < t->n_cells; i++) {
        int k = i % t->n_columns, room = widest[k] - width(t->cell[i]);

        if (k == 0) blanks = 0;
        if (t->right[k]) blanks += room;
        if (t->cell[i][0]) fprintf(to, "%*s%s", blanks, "", t->cell[i]), blanks = 0;
        if (!t->right[k]) blanks += room;
        blanks += 2;
        if (k + 1 == t->n_columns) fputc('\n', to);
    }
    for (int i = 0; i < t->n_cells; i++) free(t->cell[i]);
    free(t->cell);
    *t = (table){ 0 };
    return good;
}

const char *grouped(int64_t n, char buf[32])
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRId64, n), at = 0;

    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0 && digits[i - 1] != '-') buf[at++] = ',';
        buf[at++] = digits[i];
    }
    buf[at] = '\0';
    return buf;
}

const char *bytes_text(int64_t n, char buf[32])
{
    static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
    double v = (double)n;
    int k = 0;

    while (v >= 1024 && k < 5) v /= 1024, k++;
    if (k == 0) snprintf(buf, 32, "%" PRId64 " B", n);
    else snprintf(buf, 32, "%.1f %s", v, unit[k]);
    return buf;
}
