/*
 * json_write.c: JSON text. Written here and not by way of a tree, which would take ten times the
 * memory of the graph; with the fewest digits that read back to the same bits, whatever the locale.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

void wg__putn(wg_text *t, const char *s, size_t n)
{
    char *wider;

    if (t->no_memory || n == 0) return;
    wider = wg__grow(t->text, &t->cap, t->n + (int64_t)n, 1);
    if (!wider) {
        t->no_memory = true;
        return;
    }
    t->text = wider;
    memcpy(t->text + t->n, s, n);
    t->n += (int64_t)n;
}

void wg__put(wg_text *t, const char *s)
{
    wg__putn(t, s, strlen(s));
}

/* Bytes of the UTF-8 character at s; 0: none. As RFC 3629 has it: shortest form, no surrogates, to
 * U+10FFFF. */
static int character(const unsigned char *s)
{
    unsigned least = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
    unsigned most = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;
    int n = s[0] < 0x80   ? 1
            : s[0] < 0xc2 ? 0
            : s[0] < 0xe0 ? 2
            : s[0] < 0xf0 ? 3
            : s[0] < 0xf5 ? 4
                          : 0;

    if (n > 1 && (s[1] < least || s[1] > most)) return 0;
    for (int i = 2; i < n; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    return n;
}

void wg__put_string(wg_text *t, const char *s)
{
    const char *from = s;

    wg__put(t, "\"");
    while (*s) {
        int n = character((const unsigned char *)s);
        char escape[8];

        if (n == 0) {
            if (!t->bad_text) t->bad_text = from;
            return;
        }
        if (*s != '"' && *s != '\\' && (unsigned char)*s >= 0x20) {
            wg__putn(t, s, (size_t)n);
        } else {
            if (*s == '"' || *s == '\\') snprintf(escape, sizeof escape, "\\%c", *s);
            else if (*s == '\n') strcpy(escape, "\\n");
            else snprintf(escape, sizeof escape, "\\u%04x", *s);
            wg__put(t, escape);
        }
        s += n;
    }
    wg__put(t, "\"");
}

void wg__put_int(wg_text *t, int64_t v)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRId64, v);
    wg__put(t, text);
}

/* The fewest digits from `digits` on that give the same f64, or f32, back. What stands where the
 * locale puts its decimal point becomes a point. */
static void shortest(char to[40], double v, int digits, bool single)
{
    char text[40];
    char *at = to;
    bool comma = false;

    do {
        snprintf(text, sizeof text, "%.*g", digits++, v);
    } while (digits <= 17 &&
             (single ? (float)strtod(text, NULL) != (float)v : strtod(text, NULL) != v));
    for (const char *p = text; *p; p++) {
        if (strchr("0123456789+-e", *p)) {
            *at++ = *p;
            comma = false;
        } else if (!comma) {
            *at++ = '.';
            comma = true;
        }
    }
    *at = '\0';
    if (v == 0 && signbit(v)) strcpy(to, "-0.0");
}

/* Numbers that JSON does not know are strings. A NaN other than the usual one goes with its
 * bits. */
static bool tagged(char to[40], double v, uint64_t bits, uint64_t usual, int digits)
{
    if (isfinite(v)) return false;
    if (isinf(v)) strcpy(to, v > 0 ? "\"inf\"" : "\"-inf\"");
    else if (bits == usual) strcpy(to, "\"nan\"");
    else snprintf(to, 40, "\"nan:%0*" PRIx64 "\"", digits, bits);
    return true;
}

void wg__put_f64(wg_text *t, double v)
{
    char text[40];
    uint64_t bits;

    memcpy(&bits, &v, sizeof bits);
    if (!tagged(text, v, bits, 0x7ff8000000000000u, 16)) shortest(text, v, 15, false);
    wg__put(t, text);
}

void wg__put_real(wg_text *t, double v)
{
    char text[40];

    shortest(text, v, 15, false);
    wg__put(t, text);
    if (!strpbrk(text, ".e")) wg__put(t, ".0");
}

static void put_f32(wg_text *t, float v)
{
    char text[40];
    uint32_t bits;

    memcpy(&bits, &v, sizeof bits);
    if (!tagged(text, isnan(v) ? NAN : (double)v, bits, 0x7fc00000u, 8)) shortest(text, v, 6, true);
    wg__put(t, text);
}

void wg__put_shape(wg_text *t, const wg_shape *s)
{
    wg__put(t, "[");
    for (int i = 0; i < s->rank; i++) {
        if (i > 0) wg__put(t, ", ");
        wg__put_int(t, s->dim[i]);
    }
    wg__put(t, "]");
}

void wg__put_elements(wg_text *t, const wg_array *a)
{
    int64_t n = wg_shape_count(&a->type.shape);

    wg__put(t, "[");
    for (int64_t i = 0; i < n && !t->no_memory; i++) {
        if (i > 0) wg__put(t, ", ");
        switch (a->type.dtype) {
        case WG_F32:
            put_f32(t, ((const float *)a->data)[i]);
            break;
        case WG_F64:
            wg__put_f64(t, ((const double *)a->data)[i]);
            break;
        case WG_I64:
            wg__put_int(t, ((const int64_t *)a->data)[i]);
            break;
        default:
            wg__put(t, ((const unsigned char *)a->data)[i] ? "true" : "false");
            break;
        }
    }
    wg__put(t, "]");
}

wg_status wg__text_end(wg_text *t, const char *file, char **text, size_t *n, wg_error *error)
{
    wg_status status = WG_OK;

    wg__putn(t, "", 1);
    if (t->no_memory) status = wg__io_fail(error, WG_ENOMEM, file, "out of memory");
    else if (t->bad_text)
        status = wg__io_fail(error, WG_ENAME, file, "\"%s\" is not UTF-8", WG_SHOW(t->bad_text));
    if (status == WG_OK) {
        *text = t->text;
        *n = (size_t)t->n - 1;
    } else {
        wg__release(t->text);
    }
    *t = (wg_text){ NULL, 0, 0, false, NULL };
    return status;
}
