/* attr.c: attributes through their field tables: copy, compare, hash, print, check. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "internal.h"

static const void *member(const void *attr, const wg_field *f)
{
    return (const unsigned char *)attr + f->offset;
}

int wg__field_count(const wg_field *fields)
{
    int n = 0;

    if (fields)
        while (fields[n].name) n++;
    return n;
}

/* What a struct copy leaves shared with the caller: strings, lists, elements. */
static bool own_member(wg_arena *a, const wg_field *f, void *at)
{
    if (f->kind == WG_A_STR) {
        const char **s = at;

        if (*s && !(*s = wg__arena_text(a, *s))) return false;
    } else if (f->kind == WG_A_I64S) {
        wg_i64s *list = at;
        size_t bytes = (size_t)list->n * sizeof *list->v;
        int64_t *v = wg__arena_take(a, bytes);

        if (!v) return false;
        if (bytes) memcpy(v, list->v, bytes);
        list->v = v;
    } else if (f->kind == WG_A_ARRAY) {
        wg_array *array = at;
        int64_t bytes = wg_type_bytes(&array->type);
        void *data = bytes < 0 ? NULL : wg__arena_take(a, (size_t)bytes);

        if (!data) return false;
        if (bytes) memcpy(data, array->data, (size_t)bytes);
        array->data = data;
    }
    return true;
}

bool wg__attr_copy(wg_arena *a, const wg_op *op, const void *from, void **to)
{
    unsigned char *copy;

    *to = NULL;
    if (op->attr_size == 0) return true;
    copy = wg__arena_take(a, op->attr_size);
    if (!copy) return false;
    if (from) memcpy(copy, from, op->attr_size);
    else memset(copy, 0, op->attr_size);
    for (const wg_field *f = op->fields; f && f->name; f++)
        if (!own_member(a, f, copy + f->offset)) return false;
    *to = copy;
    return true;
}

/* ---- equality and hashing see what a member means: the tail of a shape or of axes does not count
 * ---- */

static bool member_equal(const wg_field *f, const void *a, const void *b)
{
    switch (f->kind) {
    case WG_A_AXES: {
        const wg_axes *x = a, *y = b;

        return x->n == y->n &&
               (x->n < 1 || memcmp(x->axis, y->axis, (size_t)x->n * sizeof *x->axis) == 0);
    }
    case WG_A_SHAPE:
        return wg_shape_equal(a, b);
    case WG_A_STR: {
        const char *x = *(const char *const *)a, *y = *(const char *const *)b;

        return x == y || (x && y && strcmp(x, y) == 0);
    }
    case WG_A_I64S: {
        const wg_i64s *x = a, *y = b;

        return x->n == y->n && (x->n < 1 || memcmp(x->v, y->v, (size_t)x->n * sizeof *x->v) == 0);
    }
    case WG_A_ARRAY: {
        const wg_array *x = a, *y = b;

        return wg_type_equal(&x->type, &y->type) &&
               (wg_type_bytes(&x->type) <= 0 ||
                memcmp(x->data, y->data, (size_t)wg_type_bytes(&x->type)) == 0);
    }
    case WG_A_BOOL:
        return *(const bool *)a == *(const bool *)b;
    case WG_A_I64:
    case WG_A_F64:
    case WG_A_DTYPE:
    case WG_A_I64N:
    case WG_A_CHOICE:
        break;
    }
    return memcmp(a, b, f->size) == 0;
}

bool wg__attr_equal(const wg_field *fields, const void *a, const void *b)
{
    for (const wg_field *f = fields; f && f->name; f++)
        if (!member_equal(f, member(a, f), member(b, f))) return false;
    return true;
}

static uint64_t member_hash(uint64_t h, const wg_field *f, const void *at)
{
    switch (f->kind) {
    case WG_A_AXES: {
        const wg_axes *x = at;

        return wg__hash_bytes(wg__mix(h, (uint64_t)x->n), x->axis,
                              x->n < 1 ? 0 : (size_t)x->n * sizeof *x->axis);
    }
    case WG_A_SHAPE: {
        const wg_shape *x = at;

        return wg__hash_bytes(wg__mix(h, (uint64_t)x->rank), x->dim,
                              x->rank < 1 ? 0 : (size_t)x->rank * sizeof *x->dim);
    }
    case WG_A_STR: {
        const char *s = *(const char *const *)at;

        return s ? wg__hash_bytes(h, s, strlen(s)) : wg__mix(h, 0);
    }
    case WG_A_I64S: {
        const wg_i64s *x = at;

        return wg__hash_bytes(wg__mix(h, (uint64_t)x->n), x->v,
                              x->n < 1 ? 0 : (size_t)x->n * sizeof *x->v);
    }
    case WG_A_ARRAY: {
        const wg_array *x = at;
        int64_t bytes = wg_type_bytes(&x->type);

        return wg__hash_bytes(wg__mix(h, (uint64_t)bytes), x->data, bytes < 0 ? 0 : (size_t)bytes);
    }
    case WG_A_BOOL:
        return wg__mix(h, *(const bool *)at);
    case WG_A_I64:
    case WG_A_F64:
    case WG_A_DTYPE:
    case WG_A_I64N:
    case WG_A_CHOICE:
        break;
    }
    return wg__hash_bytes(h, at, f->size);
}

uint64_t wg__attr_hash(uint64_t h, const wg_field *fields, const void *attr)
{
    for (const wg_field *f = fields; f && f->name; f++) h = member_hash(h, f, member(attr, f));
    return h;
}

/* ---- printing ---- */

static void print_i64s(int64_t n, const int64_t *v, FILE *to)
{
    fputc('[', to);
    for (int64_t i = 0; i < n; i++) {
        if (i == 16 && n > 20) {
            fprintf(to, ", ... %" PRId64 " more", n - i);
            break;
        }
        fprintf(to, "%s%" PRId64, i ? ", " : "", v[i]);
    }
    fputc(']', to);
}

static void print_f64(double v, FILE *to)
{
    if (isnan(v)) fputs("nan", to);
    else if (isinf(v)) fputs(v > 0 ? "inf" : "-inf", to);
    else fprintf(to, "%.17g", v);
}

static void print_member(const wg_field *f, const void *at, FILE *to)
{
    switch (f->kind) {
    case WG_A_BOOL:
        fputs(*(const bool *)at ? "true" : "false", to);
        break;
    case WG_A_I64:
        fprintf(to, "%" PRId64, *(const int64_t *)at);
        break;
    case WG_A_F64:
        print_f64(*(const double *)at, to);
        break;
    case WG_A_DTYPE:
        fputs(wg_dtype_name(*(const wg_dtype *)at), to);
        break;
    case WG_A_STR: {
        const char *s = *(const char *const *)at;

        fprintf(to, "\"%s\"", s ? s : "");
        break;
    }
    case WG_A_AXES: {
        const wg_axes *x = at;

        if (x->n < 0) fputs("all", to);
        else {
            fputc('[', to);
            for (int i = 0; i < x->n; i++) fprintf(to, "%s%d", i ? ", " : "", x->axis[i]);
            fputc(']', to);
        }
        break;
    }
    case WG_A_SHAPE:
        print_i64s(((const wg_shape *)at)->rank, ((const wg_shape *)at)->dim, to);
        break;
    case WG_A_I64N:
        print_i64s((int64_t)(f->size / sizeof(int64_t)), at, to);
        break;
    case WG_A_I64S:
        print_i64s(((const wg_i64s *)at)->n, ((const wg_i64s *)at)->v, to);
        break;
    case WG_A_ARRAY:
        fputs(WG_TYPE_STR(&((const wg_array *)at)->type), to);
        break;
    case WG_A_CHOICE:
        fputs(f->choices[*(const int64_t *)at], to);
        break;
    }
}

void wg__attr_print(const wg_field *fields, const void *attr, FILE *to)
{
    if (wg__field_count(fields) == 0) return;
    for (const wg_field *f = fields; f->name; f++) {
        fprintf(to, "%s%s: ", f == fields ? "{" : ", ", f->name);
        print_member(f, member(attr, f), to);
    }
    fputc('}', to);
}

/* ---- checking: what no shape rule should have to ask again ---- */

static const char *member_fault(const wg_field *f, const void *at)
{
    switch (f->kind) {
    case WG_A_AXES: {
        const wg_axes *x = at;

        return x->n < -1 || x->n > WG_MAX_RANK ? "holds more than 8 axes" : NULL;
    }
    case WG_A_SHAPE: {
        const wg_shape *x = at;

        return x->rank < 0 || x->rank > WG_MAX_RANK ? "has a rank above 8" : NULL;
    }
    case WG_A_DTYPE:
        return wg_dtype_size(*(const wg_dtype *)at) == 0 ? "is no element type" : NULL;
    case WG_A_STR:
        return *(const char *const *)at ? NULL : "is NULL";
    case WG_A_I64S: {
        const wg_i64s *x = at;

        return x->n < 0 || (x->n > 0 && !x->v) ? "is no list" : NULL;
    }
    case WG_A_ARRAY: {
        const wg_array *x = at;
        int64_t bytes = wg_type_bytes(&x->type);

        return bytes < 0 ? "has no legal type" : bytes > 0 && !x->data ? "has no elements" : NULL;
    }
    case WG_A_CHOICE: {
        int64_t v = *(const int64_t *)at, n = 0;

        while (f->choices[n]) n++;
        return v < 0 || v >= n ? "is no legal choice" : NULL;
    }
    case WG_A_BOOL:
    case WG_A_I64:
    case WG_A_F64:
    case WG_A_I64N:
        break;
    }
    return NULL;
}

bool wg__attr_check(const wg_field *fields, const void *attr, char *text, size_t n)
{
    for (const wg_field *f = fields; f && f->name; f++) {
        const char *fault = member_fault(f, member(attr, f));

        if (fault) {
            snprintf(text, n, "%s %s", f->name, fault);
            return false;
        }
    }
    return true;
}
