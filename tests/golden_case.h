/*
 * golden_case.h: golden cases as plain arrays, and what is asked of what runs them.
 *
 * A case (golden/README.md) holds named arrays by section. A subject computes the outputs of a case
 * (forward) and the gradients of S = sum over the outputs named in output_grads of
 * sum(output_grads[k] * outputs[k]) (backward). Its results are held against the golden values,
 * against central differences of its own forward, and against the results of another subject.
 * Nothing here knows the engine: references, plain programs and the engine are all subjects.
 */
#ifndef GOLDEN_CASE_H
#define GOLDEN_CASE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { G_NAME = 64, G_RANK = 8 };

typedef enum {
    G_INPUT,
    G_PARAM,
    G_OUTPUT,
    G_OUTPUT_GRAD,
    G_INPUT_GRAD,
    G_PARAM_GRAD,
    G_UPDATED,
    G_SECTIONS
} gsection;

typedef enum { G_F64, G_I64 } gdtype;

/* Row-major; rank 0 is a number. f holds the elements of f64 arrays, i those of i64, the other is
 * NULL; an array of no elements has memory of one. */
typedef struct {
    char name[G_NAME];
    gdtype dtype;
    int rank;
    int64_t dim[G_RANK];
    double *f;
    int64_t *i;
} garray;

typedef struct {
    garray *at;
    int n, room;
} glist;

/* What an implementation fills; start with { 0 }, end with g_result_free. */
typedef struct {
    glist section[G_SECTIONS];
} gresult;

/* Entries of a section that are no arrays (text cases, plain numbers) are in `json` alone. */
typedef struct {
    const char *subject, *name, *note; /* note "" when there is none */
    const json_t *json, *hyper;        /* the case, and its hyperparameters (NULL when absent) */
    glist section[G_SECTIONS];
} gcase;

typedef struct {
    json_t *root;
    const char *subject;
    gcase *cases;
    int n;
} gfile;

/*
 * One implementation of the class or function group that golden files call `subject`.
 * forward fills the outputs; backward the input_grads and parameter_grads of S, and
 * updated_parameters where the case has them. Both return false when the case is beyond them or
 * memory ran out, which is a failure, never a skip; results are then still to be freed.
 * `constants`: names of inputs without gradient, separated by blanks ("W_mask ids"), or NULL. They
 * are said by name because other cases may come without any input_grads.
 */
typedef struct {
    const char *subject;
    bool (*forward)(const gcase *c, gresult *r);
    bool (*backward)(const gcase *c, gresult *r);
    const char *constants;
} gsubject;

/* ---- reading ---- */

/* A whole golden file. False, and a line in text[300], when it cannot be read or is no such file.
 * End with g_file_free either way. */
bool g_file_load(const char *path, gfile *file, char *text);
void g_file_free(gfile *file);

/* The array of this name, or NULL. */
const garray *g_find(const glist *list, const char *name);
const garray *g_in(const gcase *c, const char *name);
const garray *g_param(const gcase *c, const char *name);
const garray *g_out(const gcase *c, const char *name);      /* a golden output */
const garray *g_out_grad(const gcase *c, const char *name); /* NULL: no gradient comes from it */

/* The elements of that array; NULL when there is none of that name and type. */
const double *g_in_f(const gcase *c, const char *name);
const int64_t *g_in_i(const gcase *c, const char *name);
const double *g_param_f(const gcase *c, const char *name);
const double *g_out_grad_f(const gcase *c, const char *name);

/* How many of name0, name1, ... a section has, counting from 0 without a gap. */
int g_numbered(const glist *list, const char *name);

int64_t g_count(const garray *a);                    /* elements */
int64_t g_dim(const garray *a, int axis);            /* axis < 0 counts from the end */
int64_t g_extent(const garray *a, int from, int to); /* product of dim[from..to) */
bool g_same_shape(const garray *a, const garray *b);

/* A hyperparameter, or what to take when the case does not name it (null counts as not named). */
double g_num(const gcase *c, const char *key, double otherwise);
int64_t g_int(const gcase *c, const char *key, int64_t otherwise);
bool g_bool(const gcase *c, const char *key, bool otherwise);
const char *g_str(const gcase *c, const char *key, const char *otherwise);

/* ---- results ---- */

/* Copies data into the result under this name, replacing an older one. Returns the copy, or NULL
 * when memory ran out. data NULL: zeros, to be filled through the returned pointer. */
double *g_put(gresult *r, gsection s, const char *name, int rank, const int64_t *dim,
              const double *data);
int64_t *g_put_i(gresult *r, gsection s, const char *name, int rank, const int64_t *dim,
                 const int64_t *data);
/* The same, with the shape of another array, and with a single number. */
double *g_put_like(gresult *r, gsection s, const char *name, const garray *like,
                   const double *data);
double *g_put_num(gresult *r, gsection s, const char *name, double value);
void g_result_free(gresult *r);

/* ---- checks ---- */

/* The largest error, of how many numbers, and which was the worst (or what is missing). error is
 * infinite for a missing entry, another shape, a NaN, or an integer that is not equal. */
typedef struct {
    double error;
    double over; /* against golden: the error over its tolerance in double; at most 1 passes */
    int64_t count;
    char where[256];
} gcheck;

/* max |a - b| / (1 + max |b|), the measure of golden/README.md, per array; integers are exact. */
double g_error(const garray *a, const garray *b);

/* Every golden entry of the section against the result. Cases of extreme magnitudes are measured as
 * their note says: |a - b| / (|b| + 1e-6) for each element, with tolerance 1e-9. */
gcheck g_check_golden(const gcase *c, const gresult *r, gsection s);

/* backward of the subject against central differences of its forward, in every gradient it gives
 * and every one the golden case has. Elements: all up to 40, otherwise a seeded 40 of each array.
 * count is 0 when the case has no output_grads. The arrays of c are changed while it runs. */
gcheck g_check_differences(const gsubject *s, gcase *c);

/* Every entry of b's section against a's. */
gcheck g_check_results(const gresult *a, const gresult *b, gsection s);

/* a against b in the entries that the case names, each of which both must have. */
gcheck g_check_between(const gcase *c, const gresult *a, const gresult *b, gsection s);

/* The tolerance of golden/README.md for this section of a case, in double. */
double g_tolerance(const gcase *c, gsection s);

/* The worse of two, with the sum of the counts. */
gcheck g_worse(gcheck a, gcheck b);

/* The row of this subject in a table that ends with an empty row, or NULL. */
const gsubject *g_subject(const gsubject *table, const char *subject);

#endif
