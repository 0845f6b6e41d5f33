/*
 * spell.h: names and numbers as text, for strings such as "Leaky ReLU(alpha=0.3)": the nearest
 * valid name for a misspelt one, and doubles in Python's printed form, under any locale.
 */
#ifndef NN_SPELL_H
#define NN_SPELL_H

#include <stddef.h>

/* The one of n >= 1 names that takes the fewest insertions, deletions and exchanges of letters to
 * make from `name`; letter case, blanks, '_' and '-' do not count. The first of equals. */
const char *wg__nearest(const char *name, int n, const char *const *known);

/* Reads [+-]digits[.digits][e[+-]digits], correctly rounded. Returns what follows; NULL, with *v
 * untouched, when there is no number. */
const char *wg__read_double(const char *s, double *v);

enum { WG__DOUBLE_TEXT = 32 };

/* The shortest text that reads back to v, as Python prints a float: "0.01", "1.0", "1e-07". Returns
 * buf. */
const char *wg__double_text(double v, char buf[WG__DOUBLE_TEXT]);

#endif
