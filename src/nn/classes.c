/* classes.c: the list of layer classes. */
#include "classes.h"

#include <strings.h>

static const wg_layer_class *const all[] = {
#define CLASS(name) &wg_class_##name,
#include "classes.def"
#undef CLASS
};

int wg_layer_n_classes(void)
{
    return (int)(sizeof all / sizeof *all);
}

const wg_layer_class *wg_layer_class_at(int i)
{
    return i >= 0 && i < wg_layer_n_classes() ? all[i] : NULL;
}

const wg_layer_class *wg_layer_class_find(const char *name)
{
    for (int i = 0; name && i < wg_layer_n_classes(); i++)
        if (!strcasecmp(all[i]->name, name)) return all[i];
    return NULL;
}
