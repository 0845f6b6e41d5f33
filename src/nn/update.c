/* update.c: the optimizer of the verbs: all parameters of a layer take one step, or none. */
#include <stdio.h>
#include <string.h>

#include "layer_impl.h"
#include "model.h"
#include "optim.h"
#include "own.h"

wg_status wg_layer_set_optimizer(wg_layer *l, const char *text)
{
    wg_optim *o;

    if (!l) return WG_EARG;
    l->error = (wg_error){ .code = WG_OK };
    o = wg_optim_from_text(NULL, "optimizer", text, &l->error);
    if (!o) return l->error.code;
    l = wg__layer_root(l);
    wg__steps_forget(l);
    wg_optim_free(l->optim);
    l->optim = o;
    return WG_OK;
}

/* The trainable parameters of a layer and its components, in the order of components. */
typedef struct {
    char (*path)[WG_PATH_MAX];
    const char **name;
    wg_array *value, *grad;
    size_t skip; /* the topmost layer's name and its slash */
    int n;
} taking;

static int count_entries(const wg_layer *l)
{
    int n = l->n_entries;

    for (int i = 0; i < l->n_components; i++) n += count_entries(l->components[i]);
    return n;
}

static bool gather(wg_layer *l, taking *s)
{
    bool train = wg_layer_trainable(l);

    for (int i = 0; i < l->n_entries; i++) {
        wg_array value = wg_layer_param_value(l, i);
        wg__entry *e = &l->entries[i];

        if (!train || !e->learns || !value.data) continue;
        /* no backward since the last step: numpy-ml steps with zeros, and momentum goes on */
        if (!e->grad.data && !wg__array_fresh(&e->grad, &value.type)) return false;
        wg__layer_path(s->path[s->n], WG_PATH_MAX, l, e->key);
        /* inside of the topmost layer, so that a summary fits a layer of another name */
        s->name[s->n] = s->path[s->n] + s->skip;
        s->value[s->n] = value;
        s->grad[s->n++] = e->grad;
    }
    for (int i = 0; i < l->n_components; i++)
        if (!gather(l->components[i], s)) return false;
    return true;
}

static bool make_step(wg_layer *l, taking *s)
{
    int most = count_entries(l) + 1;

    s->skip = strlen(wg__layer_root(l)->name) + 1;
    s->path = wg_alloc(most, sizeof *s->path);
    s->name = wg_alloc(most, sizeof *s->name);
    s->value = wg_alloc(most, sizeof *s->value);
    s->grad = wg_alloc(most, sizeof *s->grad);
    if (s->path && s->name && s->value && s->grad && gather(l, s)) return true;
    wg_fail(&l->error, WG_ENOMEM, l->kind->name, "out of memory");
    return false;
}

static void free_step(taking *s)
{
    wg_free(s->path);
    wg_free(s->name);
    wg_free(s->value);
    wg_free(s->grad);
}

/* What classes do after a step: connections evolve. */
static bool tell(wg_layer *l, wg_layer *at, int64_t step)
{
    if (at->kind->updated && wg_layer_trainable(at) && !at->kind->updated(at, step)) {
        if (at != l) l->error = at->error;
        return false;
    }
    for (int i = 0; i < at->n_components; i++)
        if (!tell(l, at->components[i], step)) return false;
    return true;
}

wg_status wg_layer_update(wg_layer *l, double cur_loss)
{
    taking s = { .n = 0 };
    wg_layer *root;
    int64_t before;

    if (!l) return WG_EARG;
    l->error = l->broken;
    if (l->error.code != WG_OK) return l->error.code;
    if (!wg_layer_trainable(l))
        return wg_fail(&l->error, WG_ESTATE, l->kind->name,
                       "%s: the layer is frozen; unfreeze it first", l->name);
    root = wg__layer_root(l);
    if (!root->optim) root->optim = wg_optim_from_text(NULL, "optimizer", NULL, &l->error);
    before = wg_optim_cur_step(root->optim);
    if (root->optim && make_step(l, &s) &&
        wg__optim_whole_step(root->optim, s.n, s.name, s.value, s.grad, cur_loss, &l->error) ==
            WG_OK) {
        wg_layer_flush_gradients(l);
        if (wg_optim_cur_step(root->optim) != before) tell(l, l, wg_optim_cur_step(root->optim));
    }
    free_step(&s);
    return l->error.code;
}
