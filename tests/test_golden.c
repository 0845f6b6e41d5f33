/*
 * test_golden.c: runs every golden file of a folder (test_golden DIR; without one, tests/golden) and
 * prints the largest differences of each. Nothing here depends on the cases at hand: any file in the
 * format of golden/README.md runs, and a subject that is not known is a failure.
 */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "engine.h"
#include "golden_kinds.h"

static const char *folder = "golden";

/* ---- layers and modules, by class name ---- */

typedef struct {
    double outputs, inputs, params, f32;
    int cases;
} worst;

static bool extreme(const gcase *c)
{
    return strstr(c->name, "extreme") || strstr(c->note, "extreme");
}

/* Tolerances of golden/README.md: float beside double. */
static double float_tolerance(double tol, gsection s)
{
    return tol > 5e-9 ? 1e-3 : s == G_OUTPUT ? 1e-5 : 1e-4;
}

static void worsen(double *to, double v)
{
    if (!(v <= *to)) *to = v;
}

static void compare(const gcase *c, const gresult *r, bool is_float, const char *how, worst *w)
{
    static const gsection sections[] = { G_OUTPUT, G_INPUT_GRAD, G_PARAM_GRAD, G_UPDATED };
    double *columns[] = { &w->outputs, &w->inputs, &w->params, &w->params };

    for (int i = 0; i < 4; i++) {
        gcheck check = g_check_golden(c, r, sections[i]);
        double tol = g_tolerance(c, sections[i]);

        if (is_float) tol = float_tolerance(tol, sections[i]);
        worsen(is_float ? &w->f32 : columns[i], check.error);
        harness_check(check.error <= tol, __FILE__, __LINE__,
                      "%s, %s, %s: error %.3g, tolerance %g: %s", c->subject, c->name, how,
                      check.error, tol, check.where);
    }
}

static bool second_order(const gcase *c)
{
    return !strcmp(c->subject, "double backward of single layers") ||
           !strcmp(c->subject, "FullyConnected second-order backward");
}

static bool by_engine(const gcase *c)
{
    return engine_layer_of(c->subject) || engine_expr_of(c->subject) || second_order(c);
}

static bool run_engine(const gcase *c, wg_dtype real, bool verbs, gresult *r, char *text)
{
    if (second_order(c)) return engine_run_second(c, real, r, text);
    if (engine_expr_of(c->subject))
        return engine_run_expr(engine_expr_of(c->subject), c, real, r, text);
    return engine_run(engine_layer_of(c->subject), c, real, verbs, r, text);
}

/* Recorded in f64 and f32, and by the verbs. */
static void run_case(const gcase *c, worst *w)
{
    char text[400];

    for (int how = 0; how < 3; how++) {
        static const char *const names[] = { "graph f64", "graph f32", "verbs f64" };
        gresult r = { 0 };

        if (how == 1 && extreme(c)) continue;
        if (how == 2 && !(engine_layer_of(c->subject) && engine_has_verbs(c))) continue;
        if (harness_check(run_engine(c, how == 1 ? WG_F32 : WG_F64, how == 2, &r, text), __FILE__,
                          __LINE__, "%s, %s, %s: %s", c->subject, c->name, names[how], text))
            compare(c, &r, how == 1, names[how], w);
        g_result_free(&r);
    }
}

/* ---- other subjects ---- */

static const golden_kind *const kinds[] = { golden_kinds_act,   golden_kinds_init,
                                            golden_kinds_loss,  golden_kinds_utils,
                                            golden_kinds_optim, golden_kinds_sampler,
                                            golden_kinds_text,  golden_kinds_model };

static const golden_kind *kind_of(const char *subject)
{
    for (size_t t = 0; t < sizeof kinds / sizeof *kinds; t++)
        for (const golden_kind *k = kinds[t]; k->subject; k++)
            if (!strcmp(k->subject, subject)) return k;
    return NULL;
}

/* ---- files ---- */

static void print_worst(const gfile *file, const worst *w, bool measured, double other)
{
    printf("    %-36s %3d cases", file->subject, file->n);
    if (measured)
        printf("  outputs %.1e  input gradients %.1e  parameter gradients %.1e  f32 %.1e",
               w->outputs, w->inputs, w->params, w->f32);
    if (other > 0) printf("  %.1e", other);
    printf("\n");
}

static void run_file(const char *path)
{
    const golden_kind *kind;
    worst w = { .cases = 0 };
    char text[300] = "";
    double other = 0;
    bool known;
    gfile file;

    if (!harness_check(g_file_load(path, &file, text), __FILE__, __LINE__, "%s", text)) {
        g_file_free(&file);
        return;
    }
    kind = kind_of(file.subject);
    known = file.n > 0 && by_engine(&file.cases[0]);
    harness_check(file.n > 0, __FILE__, __LINE__, "%s holds no cases", path);
    harness_check(known || kind, __FILE__, __LINE__, "%s: the subject \"%s\" is not known", path,
                  file.subject);
    for (int i = 0; i < file.n; i++) {
        if (known) run_case(&file.cases[i], &w);
        if (kind)
            harness_check(kind->run(file.cases[i].json, &other), __FILE__, __LINE__, "%s: %s", path,
                          file.cases[i].name);
    }
    if (known || kind) print_worst(&file, &w, known, other);
    g_file_free(&file);
}

static int is_golden(const struct dirent *d)
{
    size_t n = strlen(d->d_name);

    return n > 5 && strcmp(d->d_name + n - 5, ".json") == 0;
}

static void every_file(void)
{
    struct dirent **list = NULL;
    char path[1024];
    int n = scandir(folder, &list, is_golden, alphasort);

    harness_check(n > 0, __FILE__, __LINE__, "%s holds no golden files", folder);
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, list[i]->d_name);
        run_file(path);
        free(list[i]);
    }
    free(list);
}

int main(int argc, char **argv)
{
    static const harness_test list[] = { TEST(every_file) };
    struct stat s;

    if (argc == 2 && stat(argv[1], &s) == 0 && S_ISDIR(s.st_mode)) {
        folder = argv[1];
        argc = 1;
    }
    return harness_main(argc, argv, __FILE__, list, 1);
}
