/* mistakes.c: how a mistake is looked at. */
#include "mistakes.h"

wg_graph *g;
wg_tensor *result;
int first_line;

static int n_inputs;
static const char *seen[1000]; /* ops that have refused something */
static int n_seen;

void mistake_open(int line)
{
    g = wg_graph_new();
    n_inputs = 0;
    first_line = line;
}

wg_tensor *in(wg_dtype dtype, wg_shape shape)
{
    char name[16];

    snprintf(name, sizeof name, "in%d", n_inputs++);
    return wg_input(g, name, dtype, shape);
}

/* Code and text as given, and a line of the call: one that spans lines may be stamped with any of them. */
static void check_error(wg_status code, const char *text, int line)
{
    const wg_error *e = wg_graph_error(g);
    const char *colon = e && e->site ? strrchr(e->site, ':') : NULL;
    int at = colon ? atoi(colon + 1) : -1;

    if (!harness_check(e != NULL, __FILE__, line, "line %d: not refused; wanted: %s", first_line,
                       text))
        return;
    harness_check(at >= first_line && at < line, __FILE__, line, "line %d: the error names %s",
                  first_line, e->site ? e->site : "no line");
    harness_error_is(e, code, text, e->site, __FILE__, line);
}

void failed(wg_status code, const char *text, int line)
{
    check_error(code, text, line);
    wg_graph_free(g);
}

void refused(wg_status code, const char *text, int line)
{
    wg_tensor *t = result;
    int64_t n = wg_graph_count(g);
    wg_error first;

    check_error(code, text, line);
    if (wg_graph_error(g)) {
        first = *wg_graph_error(g);
        harness_check(strcmp(wg_tensor_op(t), "error") == 0, __FILE__, line,
                      "line %d: the result is not the poison", first_line);
        harness_check(wg_add(t, t) == t && wg_sum(t, WG_AXES(7), false) == t && wg_grad1(t, t) == t,
                      __FILE__, line, "line %d: a later call does not return the poison",
                      first_line);
        harness_check(wg_input(g, "later", WG_F32, WG_SHAPE(1)) == t, __FILE__, line,
                      "line %d: a later leaf was recorded", first_line);
        harness_check(wg_graph_count(g) == n &&
                          memcmp(&first, wg_graph_error(g), sizeof first) == 0,
                      __FILE__, line, "line %d: the first error did not stay", first_line);
        if (n_seen < (int)(sizeof seen / sizeof seen[0])) seen[n_seen++] = first.op;
    }
    wg_graph_free(g);
}

bool has_refused(const char *op)
{
    for (int i = 0; i < n_seen; i++)
        if (strcmp(seen[i], op) == 0) return true;
    return false;
}
