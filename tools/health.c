/* health.c: see health.h. */
#include "health.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"

/* The forward entries a loss is made from, and the gradient of the loss by each. */
typedef struct {
    int n;
    wg_tensor **value, **gradient;
    int *layer; /* of each; -1: a leaf */
} trail;

const char *verdict_text(verdict v)
{
    static const char *const text[N_VERDICTS] = { "",          "not finite", "no gradient",
                                                  "vanishing", "exploding",  "dead units" };

    return text[v];
}

static bool is_forward(const wg_tensor *t)
{
    unsigned flags = wg_tensor_record(t)->flags;

    return wg_dtype_is_real(wg_tensor_type(t)->dtype) && !wg_tensor_derived(t) &&
           !(flags & (WG_OP_CONST | WG_OP_FEED)) &&
           (wg_tensor_n_in(t) > 0 || flags & (WG_OP_PARAM | WG_OP_RANDOM));
}

static bool is_param(const wg_tensor *t)
{
    return (wg_tensor_record(t)->flags & WG_OP_PARAM) != 0;
}

static int layer_at(health *h, const char *scope)
{
    for (int i = 0; i < h->n; i++)
        if (strcmp(h->layer[i].scope, scope) == 0) return i;
    h->layer[h->n] = (layer_health){ .scope = scope,
                                     .gradient = NAN,
                                     .weights = NAN,
                                     .weight_gradient = NAN,
                                     .zeros = NAN,
                                     .dead = NAN };
    return h->n++;
}

/* A parameter belongs to the layer that uses it first. */
static int layer_of_param(const trail *tr, int i)
{
    for (int k = i + 1; k < tr->n; k++)
        for (int j = 0; j < wg_tensor_n_in(tr->value[k]); j++)
            if (wg_tensor_in(tr->value[k], j) == tr->value[i]) return tr->layer[k];
    return -1;
}

static bool find_trail(trail *tr, health *h, wg_tensor *loss)
{
    wg_tensor **order = NULL;
    int64_t count = wg_order(1, &loss, &order);

    if (count < 0) return false;
    tr->value = calloc((size_t)count + 1, sizeof *tr->value);
    tr->gradient = calloc((size_t)count + 1, sizeof *tr->gradient);
    tr->layer = calloc((size_t)count + 1, sizeof *tr->layer);
    h->layer = calloc((size_t)count + 1, sizeof *h->layer);
    for (int64_t i = 0; tr->value && i < count; i++)
        if (is_forward(order[i])) tr->value[tr->n++] = order[i];
    wg_free(order);
    if (!tr->value || !tr->gradient || !tr->layer || !h->layer) return false;
    for (int i = 0; i < tr->n; i++)
        tr->layer[i] = is_param(tr->value[i]) ? -1 : layer_at(h, wg_tensor_scope(tr->value[i]));
    for (int i = 0; i < tr->n; i++)
        if (is_param(tr->value[i])) tr->layer[i] = layer_of_param(tr, i);
    return true;
}

static double rms(const figures *f)
{
    return sqrt(f->mean * f->mean + f->std * f->std);
}

/* Of the part that was there already and of one that comes to it, by their elements. */
static double joined(double was, int64_t n_was, double more, int64_t n_more)
{
    if (isnan(was) || n_was == 0) return more;
    return sqrt((was * was * (double)n_was + more * more * (double)n_more) /
                (double)(n_was + n_more));
}

/* Zeros, and units that give nothing else. */
static void look_for_dead(layer_health *l, const wg_array *a)
{
    const wg_shape *s = &a->type.shape;
    int64_t n = wg_shape_count(s), units = s->rank > 0 ? s->dim[s->rank - 1] : 1, zeros = 0,
            dead = 0;

    if (n <= 0) return;
    for (int64_t u = 0; u < units; u++) {
        int64_t here = 0;

        for (int64_t i = u; i < n; i += units) here += element(a, i) == 0;
        zeros += here;
        dead += here == n / units;
    }
    l->zeros = fmax(isnan(l->zeros) ? 0 : l->zeros, (double)zeros / (double)n);
    l->dead = fmax(isnan(l->dead) ? 0 : l->dead, (double)dead / (double)units);
}

static bool is_rectifier(const wg_tensor *t)
{
    return strcmp(wg_tensor_op(t), "relu") == 0 || strcmp(wg_tensor_op(t), "maximum") == 0;
}

static void take_value(health *h, const program *p, const trail *tr, int i, const wg_array *value,
                       const wg_array *gradient, int64_t *weights)
{
    const wg_tensor *t = tr->value[i];
    layer_health *l = tr->layer[i] < 0 ? NULL : &h->layer[tr->layer[i]];
    figures f = figures_of(value), d = figures_of(gradient);

    if (!l) return;
    l->not_finite += f.n - f.finite + d.n - d.finite;
    if (is_param(t)) {
        const wg_param *e = wg_params_find(p->params, wg_tensor_leaf_name(t));

        if (!e || !e->trainable) return;
        l->weights = joined(l->weights, *weights, rms(&f), f.n);
        l->weight_gradient = joined(l->weight_gradient, *weights, rms(&d), f.n);
        *weights += f.n;
        return;
    }
    l->result = f;
    l->gradient = rms(&d);
    if (is_rectifier(t)) look_for_dead(l, value);
}

static int by_size(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;

    return (a > b) - (a < b);
}

/* The median of gradients that are not zero; NaN when there is none. */
static double middle(const health *h)
{
    double *all = calloc((size_t)h->n + 1, sizeof *all), m;
    int n = 0;

    for (int i = 0; all && i < h->n; i++)
        if (h->layer[i].gradient > 0 && h->layer[i].scope[0]) all[n++] = h->layer[i].gradient;
    if (n > 0) qsort(all, (size_t)n, sizeof *all, by_size);
    m = n > 0 ? all[n / 2] : NAN;
    free(all);
    return m;
}

static void judge(health *h, const health_limits *limits)
{
    double usual = middle(h);

    for (int i = 0; i < h->n; i++) {
        layer_health *l = &h->layer[i];

        if (l->not_finite > 0) l->says = NOT_FINITE;
        else if (!l->scope[0]) continue; /* the loss itself, and what is done to it */
        else if (l->gradient == 0 && !isnan(l->weights)) l->says = NO_GRADIENT;
        else if (l->gradient > 0 && l->gradient < limits->vanishing * usual) l->says = VANISHING;
        else if (l->gradient > limits->exploding * usual) l->says = EXPLODING;
        else if (l->dead >= limits->dead) l->says = DEAD;
    }
}

static int run_trail(health *h, const program *p, const trail *tr, const feeds *fd)
{
    wg_error error = { .code = WG_OK };
    wg_tensor **all = calloc((size_t)tr->n * 2 + 1, sizeof *all);
    int64_t *weights = calloc((size_t)h->n + 1, sizeof *weights);
    wg_plan *plan = NULL;
    int status = all && weights ? EXIT_GOOD : trouble(p->command, NULL, "out of memory");

    for (int i = 0; status == EXIT_GOOD && i < tr->n; i++)
        all[i] = tr->value[i], all[tr->n + i] = tr->gradient[i];
    if (status == EXIT_GOOD && !(plan = wg_plan_of(2 * tr->n, all, p->params, NULL, &error)))
        status = trouble_of(p->command, NULL, &error);
    if (status == EXIT_GOOD) status = feeds_give(fd, p, plan);
    if (status == EXIT_GOOD && wg_plan_run(plan) != WG_OK)
        status = trouble_of(p->command, "values of your own may help: --feed NAME=FILE",
                            wg_plan_error(plan));
    for (int i = 0; status == EXIT_GOOD && i < tr->n; i++)
        take_value(h, p, tr, i, wg_plan_value_at(plan, i), wg_plan_value_at(plan, tr->n + i),
                   &weights[tr->layer[i] < 0 ? 0 : tr->layer[i]]);
    wg_plan_free(plan);
    free(all);
    free(weights);
    return status;
}

int health_measure(health *h, const program *p, wg_tensor *loss, const feeds *fd,
                   const health_limits *limits)
{
    trail tr = { 0 };
    int status = EXIT_GOOD;

    *h = (health){ 0 };
    if (!find_trail(&tr, h, loss)) status = trouble(p->command, NULL, "out of memory");
    if (status == EXIT_GOOD && tr.n > 0) {
        wg_grad(loss, tr.n, tr.value, tr.gradient);
        if (wg_graph_error(p->graph))
            status = trouble_of(p->command, "another output may do: --loss NAME",
                                wg_graph_error(p->graph));
    }
    if (status == EXIT_GOOD && tr.n > 0) status = run_trail(h, p, &tr, fd);
    if (status == EXIT_GOOD) judge(h, limits);
    free(tr.value);
    free(tr.gradient);
    free(tr.layer);
    return status;
}

void health_free(health *h)
{
    free(h->layer);
    *h = (health){ 0 };
}
