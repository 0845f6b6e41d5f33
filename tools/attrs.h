/* attrs.h: the attributes of an entry as text. */
#ifndef WENGERT_TOOLS_ATTRS_H
#define WENGERT_TOOLS_ATTRS_H

#include <wengert.h>

/** "ta: false, tb: true", cut to n bytes; "" for an entry without attributes. Arrays are told by
 * their type. Returns buf. */
const char *attrs_text(const wg_tensor *t, char *buf, size_t n);

#endif
