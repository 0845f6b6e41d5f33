/* attrs.c: see attrs.h. */
#include "attrs.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <wengert/op.h>

typedef struct {
    char *buf;
    size_t n, at;
} text;

static void put(text *to, const char *fmt, ...) WG_PRINTF(2, 3);

static void put(text *to, const char *fmt, ...)
{
    va_list args;
    int k;

    if (to->at + 1 >= to->n) return;
    va_start(args, fmt);
    k = vsnprintf(to->buf + to->at, to->n - to->at, fmt, args);
    va_end(args);
    to->at += k > 0 ? (size_t)k : 0;
}

static void put_list(text *to, int n, const int64_t *v)
{
    put(to, "[");
    for (int i = 0; i < n; i++) put(to, "%s%" PRId64, i ? ", " : "", v[i]);
    put(to, "]");
}

static void put_axes(text *to, const wg_axes *a)
{
    int64_t v[WG_MAX_RANK];

    if (a->n < 0) {
        put(to, "all");
        return;
    }
    for (int i = 0; i < a->n; i++) v[i] = a->axis[i];
    put_list(to, a->n, v);
}

static void put_value(text *to, const wg_field *f, const void *at)
{
    char type[WG_TYPE_TEXT];
    const wg_shape *shape = at;
    const wg_i64s *list = at;

    switch (f->kind) {
    case WG_A_BOOL:
        put(to, "%s", *(const bool *)at ? "true" : "false");
        break;
    case WG_A_I64:
        put(to, "%" PRId64, *(const int64_t *)at);
        break;
    case WG_A_F64:
        put(to, "%.9g", *(const double *)at);
        break;
    case WG_A_AXES:
        put_axes(to, at);
        break;
    case WG_A_SHAPE:
        put_list(to, shape->rank, shape->dim);
        break;
    case WG_A_DTYPE:
        put(to, "%s", wg_dtype_name(*(const wg_dtype *)at));
        break;
    case WG_A_STR:
        put(to, "\"%s\"", *(const char *const *)at ? *(const char *const *)at : "");
        break;
    case WG_A_I64N:
        put_list(to, (int)(f->size / sizeof(int64_t)), at);
        break;
    case WG_A_I64S:
        put_list(to, list->n, list->v);
        break;
    case WG_A_ARRAY:
        put(to, "%s", wg_type_text(&((const wg_array *)at)->type, type));
        break;
    case WG_A_CHOICE:
        put(to, "%s", f->choices[*(const int64_t *)at]);
        break;
    }
}

const char *attrs_text(const wg_tensor *t, char *buf, size_t n)
{
    const char *attr = wg_tensor_attr(t);
    text to = { buf, n, 0 };

    buf[0] = '\0';
    for (const wg_field *f = wg_tensor_record(t)->fields; f && f->name && attr; f++) {
        put(&to, "%s%s: ", to.at ? ", " : "", f->name);
        put_value(&to, f, attr + f->offset);
    }
    return buf;
}
