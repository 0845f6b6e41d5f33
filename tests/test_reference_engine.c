/*
 * test_reference_engine.c: the engine's gradients of compositions against the explicit backward
 * methods, on every golden case and again on other numbers of the same shapes. WENGERT_MEASURED may
 * name a file: a line is added to it for each subject, its name and the largest difference of the
 * reference from central differences, from the engine and from golden, with tabs between.
 */
#include <dirent.h>
#include <string.h>
#include <wengert.h>

#include "engine.h"
#include "golden_case.h"
#include "harness.h"
#include "ref_subjects.h"

/* 1e-10, but 1e-8 for what the golden README gives more room in its gradients. */
static double tolerance(const gcase *c, gsection s)
{
    return s == G_OUTPUT || g_tolerance(c, s) < 5e-9 ? 1e-10 : 1e-8;
}

static bool second_order(const gcase *c)
{
    return strcmp(c->subject, "double backward of single layers") == 0 ||
           strcmp(c->subject, "FullyConnected second-order backward") == 0;
}

static bool by_engine(const gcase *c)
{
    return engine_layer_of(c->subject) || engine_expr_of(c->subject) || second_order(c);
}

static bool run_engine(const gcase *c, gresult *r, char *text)
{
    if (second_order(c)) return engine_run_second(c, WG_F64, r, text);
    if (engine_expr_of(c->subject))
        return engine_run_expr(engine_expr_of(c->subject), c, WG_F64, r, text);
    return engine_run(engine_layer_of(c->subject), c, WG_F64, false, r, text);
}

/* Other numbers, with the same signs and none larger: probabilities stay probabilities. */
static void shrink(glist *list, uint64_t *seed)
{
    for (int k = 0; k < list->n; k++) {
        garray *a = &list->at[k];

        for (int64_t i = 0; a->f && i < g_count(a); i++) {
            *seed = *seed * 6364136223846793005u + 1442695040888963407u;
            /* zeros and ones are masks and labels */
            if (a->f[i] != 0 && a->f[i] != 1) a->f[i] *= 1 - 0.2 * (double)(*seed >> 40) / 16777216;
        }
    }
}

/* The outputs gradients come from, and all gradients. */
static gcheck compare(const gcase *c, const gsubject *s, const char *numbers)
{
    gcase asked = *c;
    gcheck worst = { 0, 0, 0, "" };
    gresult mine = { 0 }, reference = { 0 };
    char text[400] = "";

    asked.section[G_OUTPUT] = c->section[G_OUTPUT_GRAD];
    if (harness_check(run_engine(c, &mine, text), __FILE__, __LINE__, "%s, %s, %s: %s", c->subject,
                      c->name, numbers, text) &&
        harness_check(s->forward(c, &reference) && s->backward(c, &reference), __FILE__, __LINE__,
                      "%s, %s, %s: no reference", c->subject, c->name, numbers)) {
        for (gsection k = G_OUTPUT; k <= G_PARAM_GRAD; k++) {
            gcheck check = g_check_between(&asked, &mine, &reference, k);

            if (k == G_OUTPUT_GRAD) continue;
            harness_check(check.error <= tolerance(c, k), __FILE__, __LINE__,
                          "%s, %s, %s: engine and reference differ by %.3g: %s", c->subject,
                          c->name, numbers, check.error, check.where);
            worst = g_worse(worst, check);
        }
    }
    g_result_free(&mine);
    g_result_free(&reference);
    return worst;
}

static bool has_gradients(const gcase *c)
{
    return c->section[G_INPUT_GRAD].n + c->section[G_PARAM_GRAD].n > 0;
}

/* The reference alone: what of it is off from golden and from differences. */
static void measure(gcase *c, const gsubject *s, gcheck *golden, gcheck *differences)
{
    gresult r = { 0 };

    if (s->forward(c, &r) && (!has_gradients(c) || s->backward(c, &r)))
        for (gsection k = G_OUTPUT; k <= G_UPDATED; k++)
            if (k != G_OUTPUT_GRAD) *golden = g_worse(*golden, g_check_golden(c, &r, k));
    g_result_free(&r);
    if (has_gradients(c)) *differences = g_worse(*differences, g_check_differences(s, c));
}

static void write_line(const char *subject, const gcheck *differences, const gcheck *engine_,
                       const gcheck *golden)
{
    const char *path = getenv("WENGERT_MEASURED");
    const gcheck *columns[] = { differences, engine_, golden };
    FILE *f = path ? fopen(path, "a") : NULL;

    if (!path) return;
    REQUIRE(f != NULL);
    fprintf(f, "%s", subject);
    for (int k = 0; k < 3; k++) {
        if (columns[k]->count > 0) fprintf(f, "\t%.1e", columns[k]->error);
        else fprintf(f, "\t-");
    }
    fprintf(f, "\n");
    CHECK(fclose(f) == 0);
}

/* The model takes X itself for its target. */
static void keep_target(gcase *c)
{
    const garray *x = g_in(c, "X");
    garray *target = (garray *)g_in(c, "target");

    if (!strcmp(c->subject, "BernoulliVAE") && x && target && g_count(x) == g_count(target))
        memcpy(target->f, x->f, (size_t)g_count(x) * sizeof *x->f);
}

/* Returns whether the file's subject is the engine's; that of gradients must be a reference's. */
static bool run_file(const char *path)
{
    gcheck as_given = { 0, 0, 0, "" }, other = as_given, golden = as_given, differences = as_given;
    char text[300] = "";
    uint64_t seed = 7;
    gfile file;

    harness_check(g_file_load(path, &file, text), __FILE__, __LINE__, "%s", text);
    for (int k = 0; k < file.n; k++) {
        gcase *c = &file.cases[k];
        const gsubject *s = ref_subject_of(c);

        if (s && getenv("WENGERT_MEASURED")) measure(c, s, &golden, &differences);
        if (!has_gradients(c)) continue; /* nothing is differentiated */
        if (!harness_check(s && s->backward, __FILE__, __LINE__, "%s, %s: no reference", c->subject,
                           c->name))
            continue;
        if (!by_engine(c)) continue;
        as_given = g_worse(as_given, compare(c, s, "as given"));
        shrink(&c->section[G_INPUT], &seed);
        shrink(&c->section[G_PARAM], &seed);
        shrink(&c->section[G_OUTPUT_GRAD], &seed);
        keep_target(c);
        other = g_worse(other, compare(c, s, "other numbers"));
    }
    if (other.count > 0)
        printf("    %-38s engine and reference: %.1e, %.1e on other numbers, of %lld\n",
               file.subject, as_given.error, other.error, (long long)other.count);
    as_given = g_worse(as_given, other);
    if (golden.count > 0) write_line(file.subject, &differences, &as_given, &golden);
    g_file_free(&file);
    return other.count > 0;
}

static int is_golden(const struct dirent *d)
{
    size_t n = strlen(d->d_name);

    return n > 5 && strcmp(d->d_name + n - 5, ".json") == 0;
}

static void engine_against_reference(void)
{
    struct dirent **list = NULL;
    char path[512];
    int n = scandir("golden", &list, is_golden, alphasort), ran = 0;

    harness_check(n > 0, __FILE__, __LINE__, "no golden files");
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "golden/%s", list[i]->d_name);
        ran += run_file(path);
        free(list[i]);
    }
    free(list);
    harness_check(ran >= 40, __FILE__, __LINE__, "only %d subjects", ran);
}

TESTS(TEST(engine_against_reference))
