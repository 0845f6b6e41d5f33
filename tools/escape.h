/* escape.h: text inside XML or HTML. */
#ifndef WENGERT_TOOLS_ESCAPE_H
#define WENGERT_TOOLS_ESCAPE_H

#include <stdio.h>

/** Writes the text with &, <, > and " as entities, and without control characters. */
void put_escaped(const char *text, FILE *to);

#endif
