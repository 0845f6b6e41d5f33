/* ref_run.h: runs a subject over the cases of a golden file and prints its largest differences. */
#ifndef REF_RUN_H
#define REF_RUN_H

#include "golden_case.h"
#include "harness.h"

enum { REF_OUTPUTS, REF_GRADS, REF_DIFFERENCES, REF_MEASURES };

static inline void ref_expect(const gcase *c, const char *what, gcheck check, double tol)
{
    harness_check(check.error <= tol, __FILE__, __LINE__,
                  "%s, %s: %s: error %.3g, tolerance %g: %s", c->subject, c->name, what,
                  check.error, tol, check.where);
}

/* One case: values and gradients against golden within the tolerances of golden/README.md,
 * gradients against central differences of the subject's own forward within 1e-7. */
static inline void ref_run_case(const gsubject *s, gcase *c, gcheck measured[REF_MEASURES])
{
    bool wants_grads = c->section[G_OUTPUT_GRAD].n > 0 || c->section[G_INPUT_GRAD].n > 0 ||
                       c->section[G_PARAM_GRAD].n > 0 || c->section[G_UPDATED].n > 0;
    gresult forward = { 0 }, backward = { 0 };
    gcheck check;

    harness_check(s->forward(c, &forward), __FILE__, __LINE__, "%s, %s: forward fails", c->subject,
                  c->name);
    check = g_check_golden(c, &forward, G_OUTPUT);
    ref_expect(c, "outputs", check, check.over <= 1);
    measured[REF_OUTPUTS] = g_worse(measured[REF_OUTPUTS], check);
    if (wants_grads) {
        harness_check(s->backward && s->backward(c, &backward), __FILE__, __LINE__,
                      "%s, %s: backward fails", c->subject, c->name);
        for (gsection k = G_INPUT_GRAD; k <= G_UPDATED; k++) {
            check = g_check_golden(c, &backward, k);
            ref_expect(c, "gradients", check, check.over <= 1);
            measured[REF_GRADS] = g_worse(measured[REF_GRADS], check);
        }
        check = g_check_differences(s, c);
        ref_expect(c, "differences", check, check.error <= 1e-7);
        measured[REF_DIFFERENCES] = g_worse(measured[REF_DIFFERENCES], check);
    }
    g_result_free(&forward);
    g_result_free(&backward);
}

/* Every case of golden/NAME.json with the row of its subject in the table. */
static inline void ref_run_file(const char *name, const gsubject *table)
{
    gcheck measured[REF_MEASURES] = { { 0, 0, 0, "" }, { 0, 0, 0, "" }, { 0, 0, 0, "" } };
    const gsubject *s;
    char path[256], text[300] = "";
    gfile file;

    snprintf(path, sizeof path, "golden/%s.json", name);
    if (!harness_check(g_file_load(path, &file, text), __FILE__, __LINE__, "%s", text)) {
        g_file_free(&file);
        return;
    }
    s = g_subject(table, file.subject);
    if (harness_check(s != NULL, __FILE__, __LINE__, "%s: no reference of %s", path,
                      file.subject)) {
        for (int k = 0; k < file.n; k++) ref_run_case(s, &file.cases[k], measured);
        harness_check(measured[REF_OUTPUTS].count > 0 || measured[REF_GRADS].count > 0, __FILE__,
                      __LINE__, "%s: nothing was compared", path);
        printf("    %-34s outputs %.1e  gradients %.1e  differences %.1e of %lld\n", file.subject,
               measured[REF_OUTPUTS].error, measured[REF_GRADS].error,
               measured[REF_DIFFERENCES].error, (long long)measured[REF_DIFFERENCES].count);
    }
    g_file_free(&file);
}

#endif
