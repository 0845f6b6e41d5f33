/* show.c: graphs as text, in the order every walk takes, numbered by that order: equal graphs print
 * equal lines. */
#include <inttypes.h>
#include <string.h>

#include "internal.h"

/* number[id]: position in the listing, -1 where it does not occur */
static int64_t *numbers(int64_t n, wg_tensor *const *order)
{
    int64_t top = 0, *number;

    for (int64_t i = 0; i < n; i++)
        if (order[i]->id >= top) top = order[i]->id + 1;
    number = wg__array(top, sizeof *number);
    for (int64_t i = 0; number && i < n; i++) number[order[i]->id] = i;
    return number;
}

static void print_entry(const wg_tensor *t, const int64_t *number, FILE *to)
{
    const char *slash = t->site ? strrchr(t->site, '/') : NULL;

    fprintf(to, "  %%%" PRId64 " = %s(", number[t->id], t->op->name);
    for (int i = 0; i < t->n_in; i++)
        fprintf(to, "%s%%%" PRId64, i ? ", " : "", number[t->in[i]->id]);
    fputs(") ", to);
    wg__attr_print(t->op->fields, t->attr, to);
    fprintf(to, "%s: %s", wg__field_count(t->op->fields) ? " " : "", WG_TYPE_STR(t->type));
    if (t->name) fprintf(to, "  \"%s\"", t->name);
    if (t->site) fprintf(to, "  %s", slash ? slash + 1 : t->site);
    if (t->scope[0]) fprintf(to, " in %s", t->scope);
    fputc('\n', to);
}

/* Prints the walk; returns the numbering (wg__release), NULL when out of memory. */
static int64_t *print_walk(int n, wg_tensor *const *outputs, FILE *to)
{
    wg_tensor **order;
    int64_t count = wg_order(n, outputs, &order),
            *number = count < 0 ? NULL : numbers(count, order);

    if (!number) fputs("  out of memory\n", to);
    for (int64_t i = 0; number && i < count; i++) print_entry(order[i], number, to);
    wg__release(order);
    return number;
}

void wg_print(int n, wg_tensor *const *outputs, FILE *to)
{
    if (to) wg__release(print_walk(n, outputs, to));
}

void wg_graph_print(const wg_graph *g, FILE *to)
{
    for (int f = 0; to && f < wg_function_count(g); f++) {
        const wg_function *fn = &g->function[f];
        wg_tensor **roots;
        wg_binding *updates;
        int64_t n = wg__function_roots(g, f, &roots, &updates), *number;

        fprintf(to, "%s (%s):\n", fn->name, fn->mode == WG_TRAIN ? "train" : "predict");
        if (n < 0) {
            fputs("  out of memory\n", to);
            return;
        }
        number = print_walk((int)n, roots, to);
        for (int64_t i = 0; number && i < fn->outputs.n; i++)
            fprintf(to, "  output %s = %%%" PRId64 "\n", fn->outputs.item[i].name,
                    number[fn->outputs.item[i].t->id]);
        for (int64_t i = 0; number && i < fn->updates.n; i++)
            fprintf(to, "  update %s <- %%%" PRId64 "\n", updates[i].name,
                    number[updates[i].t->id]);
        wg__release(number);
        wg__release(roots);
        wg__release(updates);
    }
}
