/* registry.c: the list of records as a value. There is no global registry: a loader is handed a
 * list. */
#include "op.h"

static const wg_op *const std_ops[] = {
#define OP(name) &wg_op_##name,
#include "ops.def"
#undef OP
};

double wg__no_flops(const wg_sig *s, const wg_type *out)
{
    (void)s;
    (void)out;
    return 0;
}

wg_op_list wg_std_ops(void)
{
    return (wg_op_list){ (int)(sizeof std_ops / sizeof std_ops[0]), std_ops };
}

const wg_op *wg_op_find(const wg_op_list *list, const char *name)
{
    if (!list || !name) return NULL;
    for (int i = 0; i < list->n; i++)
        if (strcmp(list->op[i]->name, name) == 0) return list->op[i];
    return NULL;
}
