/* reference_base.h: what the headers of the reference library share. It is a library of its own
 * (wengert_reference) that knows nothing of the engine: plain C on arrays of double. */
#ifndef WENGERT_REFERENCE_BASE_H
#define WENGERT_REFERENCE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__) && !defined(_WIN32)
#define WG_REF_API __attribute__((visibility("default")))
#else
#define WG_REF_API
#endif

#endif
