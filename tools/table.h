/* table.h: text in aligned columns. */
#ifndef WENGERT_TOOLS_TABLE_H
#define WENGERT_TOOLS_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include <wengert.h>

enum { TABLE_COLUMNS = 12 };

/* Cells are gathered row by row; the columns get the width of their widest cell. */
typedef struct {
    int n_columns, n_cells, cap;
    bool right[TABLE_COLUMNS]; /* numbers stand at the right of their column */
    char **cell;
    bool failed; /* out of memory */
} table;

/** A table with these headings, which '|' separates; one that begins with '>' stands right. */
void table_begin(table *t, const char *headings);

/** The next cell, printf-like. */
void table_cell(table *t, const char *fmt, ...) WG_PRINTF(2, 3);

/** Writes the table, two blanks between columns and none at line ends, and frees it. false when out
 * of memory. */
bool table_end(table *t, FILE *to);

/** "1,234,567". Returns buf. */
const char *grouped(int64_t n, char buf[32]);

/** "12.3 KiB". Returns buf. */
const char *bytes_text(int64_t n, char buf[32]);

#endif
