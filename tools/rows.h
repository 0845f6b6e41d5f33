/* rows.h: which box stands above which. */
#ifndef WENGERT_TOOLS_ROWS_H
#define WENGERT_TOOLS_ROWS_H

#include "view.h"

/** Gives every node and group its row among the boxes of its group: below all it depends on, as far
 * as there is no cycle. false when out of memory. */
bool view_rows(view *v);

#endif
