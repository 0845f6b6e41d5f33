/* golden_run.h: a golden case as a graph: its inputs, its parameters, and the tensors that must
 * come out. */
#ifndef GOLDEN_RUN_H
#define GOLDEN_RUN_H

#include "golden_kinds.h"

enum { GOLDEN_MOST = 24 };

typedef struct {
    const json_t *c;
    wg_graph *g;
    wg_params *store;
    bool wrong; /* something is missing: said already */
    int n, n_feeds;
    struct {
        wg_tensor *t;
        const char *section, *key;
        double tol;
    } want[GOLDEN_MOST];
    wg_feed feed[GOLDEN_MOST];
} golden_run;

static inline golden_run golden_begin(const json_t *c)
{
    golden_run r = { .c = c, .g = wg_graph_new(), .store = wg_params_new(WG_F64, 1) };

    return r;
}

static inline bool golden_has(const golden_run *r, const char *section, const char *key)
{
    return json_object_get(json_object_get(r->c, section), key) != NULL;
}

/* inputs/key as an input of that name; a scalar when the case lacks it, which then fails. */
static inline wg_tensor *golden_input(golden_run *r, const char *key)
{
    wg_array a = golden_array(r->c, "inputs", key);

    if (!a.data) {
        r->wrong = true;
        golden_wrong(r->c, "the case has no input %s", key);
    } else r->feed[r->n_feeds++] = (wg_feed){ key, a };
    return wg_input(r->g, key, a.type.dtype, a.type.shape);
}

/* parameters/key into the store entry `entry`, which exists by now. */
static inline void golden_parameter(golden_run *r, const char *key, const char *entry)
{
    wg_array a = golden_array(r->c, "parameters", key);
    wg_error error = { .code = WG_OK };

    if (!a.data) r->wrong = !golden_wrong(r->c, "the case has no parameter %s", key);
    else if (wg_params_set(r->store, entry, a, &error) != WG_OK)
        r->wrong = !golden_error(r->c, &error);
    free(a.data);
}

/* t must be section/key, if the case has that. */
static inline void golden_expect(golden_run *r, wg_tensor *t, const char *section, const char *key,
                                 double tol)
{
    if (!golden_has(r, section, key)) return;
    r->want[r->n].t = t;
    r->want[r->n].section = section;
    r->want[r->n].key = key;
    r->want[r->n++].tol = tol;
}

/* "|a - b| <= 1e-9 |b| + 1e-15 for every element", which cases of extreme magnitudes ask for. */
static inline bool golden_each(const json_t *c, const char *what, const wg_array *a,
                               const wg_array *b)
{
    for (int64_t i = 0; i < wg_shape_count(&b->type.shape); i++) {
        double got = ((const double *)a->data)[i], want = ((const double *)b->data)[i];

        if (!(fabs(got - want) <= 1e-9 * fabs(want) + 1e-15))
            return golden_wrong(c, "%s[%lld] is %.17g, not %.17g", what, (long long)i, got, want);
    }
    return true;
}

/* Nothing the case holds may go unlooked at. */
static inline bool golden_complete(const golden_run *r)
{
    static const char *const sections[] = { "outputs", "input_grads", "parameter_grads" };

    for (int s = 0; s < 3; s++) {
        json_t *section = json_object_get(r->c, sections[s]), *value;
        const char *key;

        json_object_foreach(section, key, value)
        {
            int i = 0;

            while (i < r->n && (strcmp(r->want[i].section, sections[s]) != 0 ||
                                strcmp(r->want[i].key, key) != 0))
                i++;
            if (i == r->n) return golden_wrong(r->c, "nothing gives %s/%s", sections[s], key);
        }
    }
    return true;
}

/* Runs, compares, frees all. Whether the case passed; one that compares nothing does not. */
static inline bool golden_end(golden_run *r, double *worst)
{
    bool extreme = golden_name(r->c) && strstr(golden_name(r->c), "extreme") != NULL, ok;
    wg_tensor *out[GOLDEN_MOST];
    wg_error error = { .code = WG_OK };
    wg_plan *p = NULL;

    for (int i = 0; i < r->n; i++) out[i] = r->want[i].t;
    ok = !r->wrong && (r->n > 0 || golden_wrong(r->c, "nothing to compare")) && golden_complete(r);
    if (ok && wg_graph_error(r->g)) ok = golden_error(r->c, wg_graph_error(r->g));
    if (ok && !(p = wg_plan_of(r->n, out, r->store, NULL, &error))) ok = golden_error(r->c, &error);
    /* an input that nothing compared needs has no name to be fed by */
    for (int i = 0; ok && i < r->n_feeds; i++)
        ok = wg_plan_feed(p, r->feed[i].name, r->feed[i].value) == WG_OK ||
             wg_plan_error(p)->code == WG_ENAME;
    ok = ok && wg_plan_run(p) == WG_OK;
    if (p && !ok) golden_error(r->c, wg_plan_error(p));
    for (int i = 0; ok && i < r->n; i++) {
        wg_array want = golden_array(r->c, r->want[i].section, r->want[i].key);
        const wg_array *got = wg_plan_value_at(p, i);

        ok = golden_near(r->c, r->want[i].key, got, &want, r->want[i].tol, worst) &&
             (!extreme || golden_each(r->c, r->want[i].key, got, &want));
        free(want.data);
    }
    wg_plan_free(p);
    for (int i = 0; i < r->n_feeds; i++) free(r->feed[i].value.data);
    wg_params_free(r->store);
    wg_graph_free(r->g);
    return ok;
}

#endif
