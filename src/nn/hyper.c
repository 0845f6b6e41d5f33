/* hyper.c: hyperparameters by table. */
#include "hyper.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "spell.h"
#include "wengert/op.h"

void wg__hyper_defaults(int n, const wg__hyper_field *field, wg__hyper_value *value)
{
    for (int i = 0; i < n; i++)
        value[i] = (wg__hyper_value){ field[i].otherwise, field[i].whole, false };
}

int wg__hyper_find(int n, const wg__hyper_field *field, const char *more, const char *key, int at,
                   const char *op, wg_error *error)
{
    const char *known[WG__MAX_HYPER + 1];
    char place[40] = "";

    for (int i = 0; i < n; i++) {
        known[i] = field[i].key;
        if (wg__same_name(key, known[i])) return i;
    }
    if (more && wg__same_name(key, more)) return n;
    known[n] = more;
    if (at > 0) snprintf(place, sizeof place, " at character %d", at);
    wg_fail(error, WG_ENAME, op, "unknown argument \"%.60s\"%s, the nearest is \"%s\"", key, place,
            wg__nearest(key, n + (more != NULL), known));
    return -1;
}

static const char *value_text(const wg__hyper_field *field, const wg__hyper_value *value,
                              char buf[WG__DOUBLE_TEXT])
{
    if (field->kind == WG__HYPER_BOOL) return value->v != 0 ? "True" : "False";
    if (isnan(value->v)) return field->kind == WG__HYPER_OPTIONAL ? "None" : "nan";
    if ((value->whole || field->kind == WG__HYPER_WHOLE) && value->v == floor(value->v) &&
        fabs(value->v) < 1e15) {
        snprintf(buf, WG__DOUBLE_TEXT, "%.0f", value->v);
        return buf;
    }
    return wg__double_text(value->v, buf);
}

bool wg__hyper_check(const wg__hyper_field *f, const wg__hyper_value *value, const char *op,
                     wg_error *error)
{
    char buf[WG__DOUBLE_TEXT];
    double v = value->v;
    bool ok = !isnan(v) && !isinf(v) && (f->above_lo ? v > f->lo : v >= f->lo) &&
              (f->below_hi ? v < f->hi : v <= f->hi);

    if (f->kind == WG__HYPER_WHOLE) ok = ok && v == floor(v) && v < 9007199254740992.0;
    if (f->kind == WG__HYPER_OPTIONAL) ok = ok || isnan(v);
    if (ok) return true;
    /* C callers know %g, as the messages of ops have it. */
    if (f->kind != WG__HYPER_WHOLE || isnan(v)) snprintf(buf, sizeof buf, "%g", v);
    else value_text(f, value, buf);
    wg_fail(error, WG_EARG, op, "%s is %s, wanted %s", f->key, buf, f->wanted);
    return false;
}

static bool refuse(const wg__hyper_field *f, const char *got, int at, const char *op,
                   wg_error *error)
{
    char place[40] = "";

    if (at > 0) snprintf(place, sizeof place, " at character %d", at);
    wg_fail(error, WG_EARG, op, "%s is %.60s%s, wanted %s", f->key, got, place, f->wanted);
    return false;
}

bool wg__hyper_from_arg(const wg__hyper_field *f, const wg__arg *a, wg__hyper_value *value,
                        const char *op, wg_error *error)
{
    bool fits = a->kind == WG__ARG_NUMBER && f->kind != WG__HYPER_BOOL;

    if (a->kind == WG__ARG_BOOL) fits = f->kind == WG__HYPER_BOOL;
    if (a->kind == WG__ARG_NONE) fits = f->kind == WG__HYPER_OPTIONAL;
    if (!fits) return refuse(f, a->text, a->at, op, error);
    *value = (wg__hyper_value){ a->kind == WG__ARG_NONE ? (double)NAN : a->number, a->whole, true };
    return wg__hyper_check(f, value, op, error);
}

bool wg__hyper_from_json(const wg__hyper_field *f, const json_t *v, wg__hyper_value *value,
                         const char *op, wg_error *error)
{
    if (json_is_boolean(v) && f->kind == WG__HYPER_BOOL)
        *value = (wg__hyper_value){ json_is_true(v), false, true };
    else if (json_is_null(v) && f->kind == WG__HYPER_OPTIONAL)
        *value = (wg__hyper_value){ (double)NAN, false, true };
    else if (json_is_number(v) && f->kind != WG__HYPER_BOOL)
        *value = (wg__hyper_value){ json_number_value(v), json_is_integer(v), true };
    else {
        char *text = v ? json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

        refuse(f, text ? text : "nothing", 0, op, error);
        free(text);
        return false;
    }
    return wg__hyper_check(f, value, op, error);
}

static bool is_default(const wg__hyper_field *f, const wg__hyper_value *value)
{
    return value->v == f->otherwise || (isnan(value->v) && isnan(f->otherwise));
}

void wg__hyper_print(const wg__hyper_field *f, const wg__hyper_value *value, bool *first,
                     wg__str *t)
{
    char buf[WG__DOUBLE_TEXT];

    if (f->extra && is_default(f, value)) return;
    wg__str_add(t, "%s%s=%s", *first ? "" : ", ", f->key, value_text(f, value, buf));
    *first = false;
}

bool wg__hyper_to_json(const wg__hyper_field *f, const wg__hyper_value *value, json_t *object)
{
    json_t *v;

    if (f->extra && is_default(f, value)) return true;
    if (f->kind == WG__HYPER_BOOL) v = json_boolean(value->v != 0);
    else if (isnan(value->v)) v = json_null();
    else if ((value->whole || f->kind == WG__HYPER_WHOLE) && fabs(value->v) < 1e15)
        v = json_integer((json_int_t)value->v);
    else v = json_real(value->v);
    return json_object_set_new(object, f->key, v) == 0;
}
