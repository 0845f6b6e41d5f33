/* classes.c: the list of layer classes, and names their files give. */
#include "classes.h"

#include <stdio.h>
#include <strings.h>

#include "spell.h"

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

const char *wg__class_nearest(const char *name)
{
    const char *names[sizeof all / sizeof *all];
    int n = wg_layer_n_classes();

    for (int i = 0; i < n; i++) names[i] = all[i]->name;
    return wg__nearest(name, n, names);
}

const char *wg__draw_name(const wg_graph *g, const char *name, char to[WG__DRAW_NAME])
{
    char full[1200];

    snprintf(to, WG__DRAW_NAME, "%s", name);
    for (int use = 2; use < 1000000; use++) {
        snprintf(full, sizeof full, "%s/%s", wg_scope(g), to);
        if (wg_name_is_free(g, full)) break;
        snprintf(to, WG__DRAW_NAME, "%s_%d", name, use);
    }
    return to;
}

bool wg__at_least(wg_layer *l, const char *what, int64_t v, int64_t least)
{
    if (v >= least) return true;
    return wg_layer_fail(l, WG_EARG, "%s is %lld, wanted at least %lld", what, (long long)v,
                         (long long)least);
}
