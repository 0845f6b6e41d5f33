/* own.c: arrays with memory of their own. */
#include "own.h"

#include <string.h>

static const int64_t MOST_BYTES = (int64_t)1 << 47;

void wg__array_drop(wg_array *a)
{
    wg_free(a->data);
    *a = (wg_array){ .data = NULL };
}

bool wg__array_fresh(wg_array *a, const wg_type *type)
{
    int64_t bytes = wg_type_bytes(type);

    a->type = *type;
    /* no machine has more: the allocator need not be asked */
    a->data = bytes < 0 || bytes > MOST_BYTES ? NULL : wg_alloc(bytes + 1, 1);
    return a->data != NULL;
}

bool wg__array_copy(wg_array *to, const wg_array *from)
{
    if (!wg__array_fresh(to, &from->type)) return false;
    if (from->data) memcpy(to->data, from->data, (size_t)wg_type_bytes(&from->type));
    return true;
}

bool wg__array_keep(wg_array *to, const wg_array *from)
{
    if (to->data && wg_type_equal(&to->type, &from->type)) {
        memcpy(to->data, from->data, (size_t)wg_type_bytes(&from->type));
        return true;
    }
    wg__array_drop(to);
    return wg__array_copy(to, from);
}

void wg__array_add_to(const wg_array *sum, const wg_array *x)
{
    int64_t n = wg_shape_count(&x->type.shape);

    if (x->type.dtype == WG_F32)
        for (int64_t i = 0; i < n; i++) ((float *)sum->data)[i] += ((const float *)x->data)[i];
    else
        for (int64_t i = 0; i < n; i++) ((double *)sum->data)[i] += ((const double *)x->data)[i];
}
