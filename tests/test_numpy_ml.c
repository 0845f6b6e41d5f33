/*
 * test_numpy_ml.c: walks the classes of numpy-ml. Each has a reference, golden cases, and a row in
 * docs/numpy-ml.md; the reference agrees with central differences of its own forward pass, with the
 * engine, and with the golden values. WENGERT_WRITE_DOCS=1 writes the measured differences into the
 * document.
 */
#include <string.h>

#include <wengert/layer.h>
#include <wengert/reference.h>

#include "engine.h"
#include "golden_kinds.h"
#include "numpy_ml_classes.h"
#include "ref_subjects.h"

static const char document[] = "../docs/numpy-ml.md";

/* Largest differences of a class: the reference against ... */
typedef struct {
    double differences, engine, golden;
    bool has_differences, has_engine, has_golden;
} measured;

static measured all[NUMPY_ML_CLASSES];

static const gsubject *reference_of(const char *subject)
{
    static const gsubject *const tables[] = {
        ref_subjects_act,   ref_subjects_loss,  ref_subjects_dense, ref_subjects_combine,
        ref_subjects_norm,  ref_subjects_conv,  ref_subjects_seq,   ref_subjects_module,
        ref_subjects_model, ref_subjects_optim,
    };

    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (g_subject(tables[i], subject)) return g_subject(tables[i], subject);
    return NULL;
}

/* ---- one case ---- */

static bool run_engine(const gcase *c, gresult *r, char *text)
{
    if (!strncmp(c->subject, "FullyConnected second", 21))
        return engine_run_second(c, WG_F64, r, text);
    if (g_in(c, "grads") && g_out(c, "params")) return engine_run_optim(c, r, text);
    if (!strcmp(c->subject, "schedulers")) return engine_run_sched(c, r, text);
    if (engine_expr_of(c->subject))
        return engine_run_expr(engine_expr_of(c->subject), c, WG_F64, r, text);
    if (engine_layer_of(c->subject))
        return engine_run(engine_layer_of(c->subject), c, WG_F64, false, r, text);
    snprintf(text, 400, "the engine does not know the subject");
    return false;
}

/* Cases of an evolution step or a density have no operands: they are host code alone. */
static bool on_host(const gcase *c)
{
    return !strcmp(c->subject, "SparseEvolution") && !g_in(c, "X");
}

static void worsen(double *to, bool *has, gcheck check, const gcase *c, const char *what,
                   double tol)
{
    if (check.count == 0) return;
    *has = true;
    if (!(check.error <= *to)) *to = check.error;
    harness_check(check.error <= tol, __FILE__, __LINE__,
                  "%s, %s: reference against %s: %.3g, tolerance %g: %s", c->subject, c->name, what,
                  check.error, tol, check.where);
}

/* Sections the two both have; golden sections say what must be there. */
static void against_engine(const gcase *c, const gresult *ref, const gresult *other, measured *m)
{
    static const gsection sections[] = { G_OUTPUT, G_INPUT_GRAD, G_PARAM_GRAD };
    double tol = g_tolerance(c, G_INPUT_GRAD) > 5e-9 ? 1e-8 : 1e-10;

    for (int i = 0; i < 3; i++) {
        glist golden = c->section[sections[i]];

        for (int k = 0; k < golden.n; k++) {
            const garray *a = g_find(&ref->section[sections[i]], golden.at[k].name),
                         *b = g_find(&other->section[sections[i]], golden.at[k].name);
            gcheck check = { .count = 1 };

            if (!a || !b) continue;
            check.error = g_error(a, b);
            snprintf(check.where, sizeof check.where, "%s", golden.at[k].name);
            worsen(&m->engine, &m->has_engine, check, c, "the engine", tol);
        }
    }
}

static bool extreme(const gcase *c)
{
    return strstr(c->name, "extreme") || strstr(c->note, "extreme");
}

static void golden_values(const gcase *c, const gresult *ref, gsection k, measured *m)
{
    gcheck check = g_check_golden(c, ref, k);

    if (check.count == 0) return;
    m->has_golden = true;
    if (!(check.error <= m->golden)) m->golden = check.error;
    harness_check(check.over <= 1, __FILE__, __LINE__,
                  "%s, %s: reference against golden values: %.3g, %.3g times the tolerance: %s",
                  c->subject, c->name, check.error, check.over, check.where);
}

/* Sum of F(V) - F(V'), V' held constant: what a step of contrastive divergence descends. */
static double energy_gap(const wg_ref_rbm *rbm, const garray *V, const double *V_prime, double *F)
{
    int64_t n = V->dim[0];
    double gap = 0;

    wg_ref_rbm_free_energy(rbm, n, V->f, F);
    wg_ref_rbm_free_energy(rbm, n, V_prime, F + n);
    for (int64_t i = 0; i < n; i++) gap += F[i] - F[n + i];
    return gap;
}

/* An RBM's cases have draws between parameters and result: its differences are of the gap. */
static gcheck rbm_differences(gcase *c, const gresult *ref)
{
    static const char *const names[] = { "W", "b_in", "b_out" };
    const garray *V = g_in(c, "V"), *V_prime = g_find(&ref->section[G_OUTPUT], "p_V_prime");
    wg_ref_rbm rbm = { V->dim[1], g_param(c, "W")->dim[1], g_param(c, "W")->f,
                       g_param(c, "b_in")->f, g_param(c, "b_out")->f };
    double *F = calloc(2 * (size_t)V->dim[0], sizeof *F), h = 1e-5;
    gcheck check = { .count = 0 };

    for (int k = 0; k < 3 && F && V_prime; k++) {
        double *at = g_param(c, names[k])->f, largest = 0, worst = 0;
        const garray *d = g_find(&ref->section[G_PARAM_GRAD], names[k]);

        for (int64_t i = 0; d && i < g_count(d); i++) {
            double was = at[i], up, slope;

            at[i] = was + h;
            up = energy_gap(&rbm, V, V_prime->f, F);
            at[i] = was - h;
            slope = (up - energy_gap(&rbm, V, V_prime->f, F)) / (2 * h);
            at[i] = was;
            largest = fmax(largest, fabs(slope));
            worst = fmax(worst, fabs(slope - d->f[i]));
            check.count++;
        }
        if (worst / (1 + largest) < check.error) continue;
        check.error = worst / (1 + largest);
        snprintf(check.where, sizeof check.where, "%s", names[k]);
    }
    free(F);
    return check;
}

static void run_case(const gsubject *s, gcase *c, measured *m)
{
    gresult ref = { 0 }, other = { 0 };
    char text[400] = "";

    if (!harness_check(s->forward(c, &ref), __FILE__, __LINE__, "%s, %s: forward fails", c->subject,
                       c->name))
        goto done;
    if (s->backward && (c->section[G_INPUT_GRAD].n || c->section[G_PARAM_GRAD].n))
        harness_check(s->backward(c, &ref), __FILE__, __LINE__, "%s, %s: backward fails",
                      c->subject, c->name);
    for (gsection k = G_OUTPUT; k <= G_PARAM_GRAD; k++)
        if (k != G_OUTPUT_GRAD) golden_values(c, &ref, k, m);
    if (s->backward && c->section[G_OUTPUT_GRAD].n)
        worsen(&m->differences, &m->has_differences, g_check_differences(s, c), c,
               "central differences", 1e-7);
    if (!strcmp(c->subject, "RBM") && c->section[G_PARAM_GRAD].n)
        worsen(&m->differences, &m->has_differences, rbm_differences(c, &ref), c,
               "central differences", 1e-7);
    if (on_host(c)) goto done;
    if (harness_check(run_engine(c, &other, text), __FILE__, __LINE__, "%s, %s: %s", c->subject,
                      c->name, text) &&
        !extreme(c))
        against_engine(c, &ref, &other, m);
done:
    g_result_free(&ref);
    g_result_free(&other);
}

static void run_file(const char *name, measured *m)
{
    const gsubject *s;
    char path[256], text[300] = "";
    gfile file;

    snprintf(path, sizeof path, "golden/%s.json", name);
    if (harness_check(g_file_load(path, &file, text), __FILE__, __LINE__, "%s", text)) {
        s = reference_of(file.subject);
        harness_check(s != NULL, __FILE__, __LINE__, "%s: no reference", file.subject);
        for (int i = 0; s && i < file.n; i++) run_case(s, &file.cases[i], m);
    }
    g_file_free(&file);
}

static void references(void)
{
    for (int i = 0; i < NUMPY_ML_CLASSES; i++) {
        const numpy_ml_class *k = &numpy_ml_classes[i];

        for (int f = 0; f < 3 && k->golden[f]; f++) run_file(k->golden[f], &all[i]);
        harness_check(all[i].has_golden, __FILE__, __LINE__, "%s: no golden value was compared",
                      k->name);
        harness_check(all[i].has_engine, __FILE__, __LINE__, "%s: not compared with the engine",
                      k->name);
        printf("    %-30s differences %8.1e  engine %8.1e  golden %8.1e\n", k->name,
               all[i].differences, all[i].engine, all[i].golden);
    }
}

/* Every layer class of the library is in the list: a new one cannot be forgotten. */
static void every_class_is_listed(void)
{
    for (int i = 0; i < wg_layer_n_classes(); i++) {
        const char *name = wg_layer_class_at(i)->name;
        bool found = false;

        for (int k = 0; k < NUMPY_ML_CLASSES; k++)
            if (numpy_ml_classes[k].kind && !strcmp(numpy_ml_classes[k].kind, name)) found = true;
        harness_check(found, __FILE__, __LINE__, "%s is not in numpy_ml_classes.h", name);
    }
}

/* ---- the document ---- */

static void figure(char to[24], bool has, double v)
{
    if (has) snprintf(to, 24, "%.0e", v);
    else snprintf(to, 24, "-");
}

/* A row up to its figures: what the document must hold to the letter. */
static void row_head(char *to, size_t n, const numpy_ml_class *k)
{
    snprintf(to, n, "| %s | %s | %s | %s |", k->name, k->c, k->made_of, k->reference);
}

static char *read_all(const char *path)
{
    FILE *f = fopen(path, "r");
    char *text = NULL;
    long n;

    if (!f) return NULL;
    fseek(f, 0, SEEK_END);
    n = ftell(f);
    rewind(f);
    text = calloc((size_t)n + 1, 1);
    if (fread(text, 1, (size_t)n, f) != (size_t)n) text[0] = '\0';
    fclose(f);
    return text;
}

static void write_rows(FILE *f)
{
    for (int i = 0; i < NUMPY_ML_CLASSES; i++) {
        char head[1024], d[24], e[24], g[24];

        row_head(head, sizeof head, &numpy_ml_classes[i]);
        figure(d, all[i].has_differences, all[i].differences);
        figure(e, all[i].has_engine, all[i].engine);
        figure(g, all[i].has_golden, all[i].golden);
        fprintf(f, "%s %s | %s | %s | %s |\n", head, d, e, g, numpy_ml_classes[i].differs);
    }
}

/* The rows between the two marks are the test's. */
static void write_document(void)
{
    static const char from[] = "<!-- classes -->\n", to[] = "<!-- end of classes -->";
    char *text = read_all(document), *a = text ? strstr(text, from) : NULL,
         *b = a ? strstr(a, to) : NULL;
    FILE *f = b ? fopen(document, "w") : NULL;

    if (CHECK(f != NULL)) {
        fwrite(text, 1, (size_t)(a - text) + strlen(from), f);
        fprintf(f, "| class | in C | made of | reference | differences | engine | golden | differs "
                   "from numpy-ml |\n|---|---|---|---|---|---|---|---|\n");
        write_rows(f);
        fputs(b, f);
        CHECK(fclose(f) == 0);
    }
    free(text);
}

static void every_class_is_documented(void)
{
    char head[1024], *text;

    if (getenv("WENGERT_WRITE_DOCS")) write_document();
    text = read_all(document);
    REQUIRE(text != NULL);
    for (int i = 0; i < NUMPY_ML_CLASSES; i++) {
        row_head(head, sizeof head, &numpy_ml_classes[i]);
        harness_check(strstr(text, head) != NULL, __FILE__, __LINE__,
                      "docs/numpy-ml.md has no row that begins with: %s", head);
    }
    free(text);
}

TESTS(TEST(references), TEST(every_class_is_listed), TEST(every_class_is_documented))
