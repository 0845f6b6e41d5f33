/* act.c: activations from numpy-ml's names, as compositions of ops. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wengert/nn.h"
#include "wengert/op.h"
#include "wengert/ops.h"

enum { MAX_ARGS = 2 };

static wg_tensor *num(wg_tensor *x, double v)
{
    return wg_scalar_like(x, v);
}

static wg_tensor *scaled(wg_tensor *x, double v)
{
    return v == 1 ? x : wg_mul(x, num(x, v));
}

static wg_tensor *act_identity(wg_tensor *x, const double *a)
{
    (void)a;
    return x;
}
static wg_tensor *act_sigmoid(wg_tensor *x, const double *a)
{
    (void)a;
    return wg_sigmoid(x);
}
static wg_tensor *act_tanh(wg_tensor *x, const double *a)
{
    (void)a;
    return wg_tanh(x);
}
static wg_tensor *act_relu(wg_tensor *x, const double *a)
{
    (void)a;
    return wg_relu(x);
}
static wg_tensor *act_exp(wg_tensor *x, const double *a)
{
    (void)a;
    return wg_exp(x);
}
static wg_tensor *act_softplus(wg_tensor *x, const double *a)
{
    (void)a;
    return wg_softplus(x);
}

static wg_tensor *act_affine(wg_tensor *x, const double *a)
{
    wg_tensor *y = scaled(x, a[0]);

    return a[1] == 0 ? y : wg_add(y, num(x, a[1]));
}

static wg_tensor *act_leaky_relu(wg_tensor *x, const double *a)
{
    return wg_where(wg_gt(x, num(x, 0)), x, wg_mul(x, num(x, a[0])));
}

/* expm1 sees no positive number: where selects, but the rule of the branch not taken would
 * overflow. */
static wg_tensor *act_elu(wg_tensor *x, const double *a)
{
    wg_tensor *low = wg_expm1(wg_minimum(x, num(x, 0)));

    return wg_where(wg_gt(x, num(x, 0)), x, scaled(low, a[0]));
}

/* Klambauer et al. 2017 */
static wg_tensor *act_selu(wg_tensor *x, const double *a)
{
    static const double alpha = 1.6732632423543772848170429916717,
                        scale = 1.0507009873554804934193349852946;

    (void)a;
    return scaled(act_elu(x, &alpha), scale);
}

/* x Phi(x), or the tanh form of Hendrycks and Gimpel 2016 */
static wg_tensor *act_gelu(wg_tensor *x, const double *a)
{
    wg_tensor *inner;

    if (a[0] == 0) inner = wg_erf(scaled(x, 0.70710678118654752440));
    else {
        wg_tensor *cubic = scaled(wg_mul(wg_square(x), x), 0.044715);

        inner = wg_tanh(scaled(wg_add(x, cubic), 0.79788456080286535588));
    }
    return wg_mul(scaled(x, 0.5), wg_add(inner, num(x, 1)));
}

static wg_tensor *act_hard_sigmoid(wg_tensor *x, const double *a)
{
    (void)a;
    return wg_clip(wg_add(scaled(x, 0.2), num(x, 0.5)), 0, 1);
}

static const struct act {
    const char *name; /* lower case, without blanks, '_' and '-' */
    wg_tensor *(*apply)(wg_tensor *x, const double *a);
    const char *arg[MAX_ARGS];
    double preset[MAX_ARGS];
} acts[] = {
    { "identity", act_identity, { NULL }, { 0 } },
    { "sigmoid", act_sigmoid, { NULL }, { 0 } },
    { "tanh", act_tanh, { NULL }, { 0 } },
    { "relu", act_relu, { NULL }, { 0 } },
    { "leakyrelu", act_leaky_relu, { "alpha" }, { 0.3 } },
    { "elu", act_elu, { "alpha" }, { 1 } },
    { "selu", act_selu, { NULL }, { 0 } },
    { "gelu", act_gelu, { "approximate" }, { 1 } },
    { "exponential", act_exp, { NULL }, { 0 } },
    { "hardsigmoid", act_hard_sigmoid, { NULL }, { 0 } },
    { "softplus", act_softplus, { NULL }, { 0 } },
    { "affine", act_affine, { "slope", "intercept" }, { 1, 0 } },
};
enum { N_ACTS = sizeof acts / sizeof acts[0] };

/* ---- reading "Name(arg=value, ...)" ---- */

/* Reads a word of letters and digits in lower case, skipping blanks, '_' and '-'. Returns what
 * follows. */
static const char *read_word(const char *s, char *word, size_t n)
{
    size_t k = 0;

    for (; isalnum((unsigned char)*s) || *s == ' ' || *s == '_' || *s == '-'; s++)
        if (isalnum((unsigned char)*s) && k + 1 < n) word[k++] = (char)tolower((unsigned char)*s);
    word[k] = '\0';
    return s;
}

/* A plain decimal, read the same under any locale. Returns what follows, NULL when there is
 * none. */
static const char *read_number(const char *s, double *v)
{
    static const struct {
        const char *word;
        double v;
    } words[] = { { "true", 1 }, { "false", 0 } };
    double sign = 1, digits = 0;
    int point = 0, any = 0, exponent = 0;
    bool seen_point = false;

    while (*s == ' ') s++;
    for (int i = 0; i < 2; i++) {
        size_t n = strlen(words[i].word), k = 0;

        while (k < n && tolower((unsigned char)s[k]) == words[i].word[k]) k++;
        if (k == n) {
            *v = words[i].v;
            return s + n;
        }
    }
    if (*s == '-' || *s == '+') sign = *s++ == '-' ? -1 : 1;
    for (; isdigit((unsigned char)*s) || (*s == '.' && !seen_point); s++) {
        if (*s == '.') {
            seen_point = true;
            continue;
        }
        digits = digits * 10 + (*s - '0');
        point += seen_point;
        any++;
    }
    if (!any) return NULL;
    if (*s == 'e' || *s == 'E') {
        char *end;
        long given = strtol(s + 1, &end, 10);

        /* far beyond the range of a double either way */
        exponent = given < -100000 ? -100000 : given > 100000 ? 100000 : (int)given;
        if (end == s + 1) return NULL;
        s = end;
    }
    /* powers of ten up to 22 are exact, so a short decimal is rounded once, as the compiler would */
    exponent -= point;
    *v = sign * (exponent < 0 ? digits / pow(10, -exponent) : digits * pow(10, exponent));
    return s;
}

static const struct act *find_act(const char *name)
{
    for (int i = 0; i < N_ACTS; i++)
        if (strcmp(acts[i].name, name) == 0) return &acts[i];
    return NULL;
}

static wg_status read_args(const struct act *act, const char *s, double *a, wg_error *error)
{
    while (*s && *s != ')') {
        char key[32];
        int i = 0;

        s = read_word(s, key, sizeof key);
        while (i < MAX_ARGS && act->arg[i] && strcmp(act->arg[i], key) != 0) i++;
        if (i == MAX_ARGS || !act->arg[i] || *s != '=')
            return wg_fail(error, WG_EARG, "act", "\"%s\" has no argument \"%s\"", act->name, key);
        s = read_number(s + 1, &a[i]);
        if (!s || !isfinite(a[i]))
            return wg_fail(error, WG_EARG, "act", "argument \"%s\" of \"%s\" is no number", key,
                           act->name);
        while (*s == ' ' || *s == ',') s++;
    }
    if (*s != ')' || s[1 + strspn(s + 1, " ")])
        return wg_fail(error, WG_EARG, "act", "\"%s\": the list of arguments does not end with ')'",
                       act->name);
    return WG_OK;
}

static const struct act *parse(const char *text, double *a, wg_error *error)
{
    char name[32];
    const char *rest = read_word(text ? text : "", name, sizeof name);
    const struct act *act = find_act(name[0] || *rest ? name : "identity");

    if (!act) {
        wg_fail(error, WG_ENAME, "act",
                "unknown activation \"%.100s\": known are Identity, Sigmoid, Tanh, ReLU, "
                "Leaky ReLU, ELU, SELU, GELU, Exponential, Hard Sigmoid, SoftPlus, Affine",
                text);
        return NULL;
    }
    memcpy(a, act->preset, sizeof act->preset);
    if (*rest == '(') return read_args(act, rest + 1, a, error) == WG_OK ? act : NULL;
    if (!*rest) return act;
    wg_fail(error, WG_EARG, "act", "\"%.100s\": wanted '(' after the name", text);
    return NULL;
}

wg_tensor *wg_act(const char *act_fn, wg_tensor *x)
{
    wg_error error = { .code = WG_OK };
    double a[MAX_ARGS];
    const struct act *act = parse(act_fn, a, &error);

    if (act || !x) return x ? act->apply(x, a) : NULL;
    return wg_record_fail(wg_tensor_graph(x), error.code, error.op, "%s", error.text);
}

bool wg_act_known(const char *act_fn, wg_error *error)
{
    double a[MAX_ARGS];

    return parse(act_fn, a, error) != NULL;
}

double wg_act_gain(const char *act_fn)
{
    double a[MAX_ARGS];
    const struct act *act = parse(act_fn, a, NULL);

    if (act && act->apply == act_tanh) return 5.0 / 3;
    if (act && act->apply == act_relu) return sqrt(2);
    if (act && act->apply == act_leaky_relu) return sqrt(2 / (1 + a[0] * a[0]));
    return 1;
}
