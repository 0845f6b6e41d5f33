/* classes.c: the list of layer classes. */
#include "classes.h"

#include <strings.h>

static const wg_layer_class *const all[] = {
#define CLASS(name) &wg_class_##name,
#include "classes.def"
#undef CLASS
};

/* Models are made by name too, but are no layers to be listed. */
static const wg_layer_class *const models[] = { &wg_class_bernoulli_vae, &wg_class_wgan_gp,
                                                &wg_class_word2vec };

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
    for (size_t i = 0; name && i < sizeof models / sizeof *models; i++)
        if (!strcasecmp(models[i]->name, name)) return models[i];
    return NULL;
}
