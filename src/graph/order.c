/* order.c: left-to-right post-order of the outputs: the only walk there is. */
#include <string.h>

#include "internal.h"

struct visit {
    wg_tensor *t;
    int32_t next; /* operand to look at next */
};

int64_t wg_order(int n, wg_tensor *const *outputs, wg_tensor ***order)
{
    int64_t top = 0, count = 0, depth = 0, depth_cap = 0, order_cap = 0;
    unsigned char *seen = NULL;
    struct visit *stack = NULL;
    wg_tensor **list = NULL;

    if (!order) return -1;
    *order = NULL;
    if (n > 0 && !outputs) return -1;
    for (int i = 0; i < n; i++)
        if (outputs[i] && outputs[i]->id >= top) top = outputs[i]->id + 1;
    seen = wg__zalloc((size_t)top);
    if (!seen) goto fail;
    for (int i = 0; i < n; i++) {
        if (!outputs[i] || outputs[i]->id < 0 || seen[outputs[i]->id]) continue;
        stack = depth_cap ? stack : wg__grow(NULL, &depth_cap, 64, sizeof *stack);
        if (!stack) goto fail;
        seen[outputs[i]->id] = 1;
        stack[depth++] = (struct visit){ outputs[i], 0 };
        while (depth > 0) {
            struct visit *v = &stack[depth - 1];

            if (v->next < v->t->n_in) {
                wg_tensor *in = v->t->in[v->next++];
                struct visit *more;

                if (seen[in->id]) continue;
                seen[in->id] = 1;
                more = wg__grow(stack, &depth_cap, depth + 1, sizeof *stack);
                if (!more) goto fail;
                stack = more;
                stack[depth++] = (struct visit){ in, 0 };
            } else {
                wg_tensor **longer = wg__grow(list, &order_cap, count + 1, sizeof *list);

                if (!longer) goto fail;
                list = longer;
                list[count++] = v->t;
                depth--;
            }
        }
    }
    if (!list && !(list = wg__alloc(sizeof *list))) goto fail;
    wg__release(seen);
    wg__release(stack);
    *order = list;
    return count;
fail:
    wg__release(seen);
    wg__release(stack);
    wg__release(list);
    return -1;
}
