/* data_npy.c: NumPy's .npy files, read and written. */
#include <ctype.h>
#include <string.h>

#include "source.h"
#include "wengert/io.h"
#include "wengert/op.h"

enum { MAGIC = 6, HEADER_MOST = 1 << 16, HEADER_WRITTEN = 1024, ALIGN = 64 };

static const char magic[MAGIC] = { '\x93', 'N', 'U', 'M', 'P', 'Y' };

static const struct {
    const char *descr; /* after the byte order */
    wg_data_kind kind;
    int64_t size;
} kinds[] = {
    { "f4", WG_DATA_F32, 4 }, { "f8", WG_DATA_F64, 8 }, { "i8", WG_DATA_I64, 8 },
    { "i4", WG_DATA_I32, 4 }, { "u1", WG_DATA_U8, 1 },  { "b1", WG_DATA_BOOL, 1 },
};

/* ---- the header: a Python dictionary in one line ---- */

typedef struct {
    const wg__source *s;
    const char *at;
    int kind;
    bool fortran;
    wg_shape shape;
    bool seen[3];
} header;

static wg_status header_fail(const header *h, const char *what)
{
    return wg_fail(h->s->error, WG_EFORMAT, h->s->op, "%s: its header is damaged: %s", h->s->path,
                   what);
}

static void blanks(header *h)
{
    while (*h->at == ' ' || *h->at == '\t' || *h->at == '\n') h->at++;
}

static bool next_is(header *h, char c)
{
    blanks(h);
    if (*h->at != c) return false;
    h->at++;
    return true;
}

/* 'text' or "text" */
static bool quoted(header *h, char text[32])
{
    char quote;
    int n = 0;

    blanks(h);
    quote = *h->at;
    if (quote != '\'' && quote != '"') return false;
    for (h->at++; *h->at && *h->at != quote && n < 31; h->at++) text[n++] = *h->at;
    text[n] = '\0';
    if (*h->at != quote) return false;
    h->at++;
    return true;
}

static wg_status read_descr(header *h)
{
    char text[32];
    const char *rest = text + 1;

    blanks(h);
    if (*h->at == '[')
        return wg_fail(h->s->error, WG_EFORMAT, h->s->op,
                       "%s: elements are records, wanted f4, f8, i8, i4, u1 or b1", h->s->path);
    if (!quoted(h, text)) return header_fail(h, "'descr' is no text");
    h->kind = -1;
    for (int i = 0; i < (int)(sizeof kinds / sizeof kinds[0]); i++)
        if (strcmp(rest, kinds[i].descr) == 0) h->kind = i;
    if (h->kind < 0 || !strchr("<>=|", text[0]))
        return wg_fail(h->s->error, WG_EFORMAT, h->s->op,
                       "%s: elements of type '%s', wanted f4, f8, i8, i4, u1 or b1", h->s->path,
                       text);
    if (text[0] == '>' && kinds[h->kind].size > 1)
        return wg_fail(h->s->error, WG_EFORMAT, h->s->op,
                       "%s: elements of type '%s' are big-endian, wanted '<%s'", h->s->path, text,
                       rest);
    return WG_OK;
}

static wg_status read_order(header *h)
{
    blanks(h);
    h->fortran = strncmp(h->at, "True", 4) == 0;
    if (!h->fortran && strncmp(h->at, "False", 5) != 0)
        return header_fail(h, "'fortran_order' is neither True nor False");
    h->at += h->fortran ? 4 : 5;
    return WG_OK;
}

static wg_status read_shape(header *h)
{
    h->shape = WG_SHAPE_SCALAR;
    if (!next_is(h, '(')) return header_fail(h, "'shape' is no tuple");
    while (!next_is(h, ')')) {
        int64_t v = 0;

        if (!isdigit((unsigned char)*h->at)) return header_fail(h, "an extent is no number");
        if (h->shape.rank == WG_MAX_RANK)
            return wg_fail(h->s->error, WG_EFORMAT, h->s->op, "%s: more than %d axes", h->s->path,
                           WG_MAX_RANK);
        for (; isdigit((unsigned char)*h->at); h->at++) {
            if (v > (INT64_MAX - 9) / 10)
                return wg_fail(h->s->error, WG_ELIMIT, h->s->op,
                               "%s: an extent exceeds 2^63 elements", h->s->path);
            v = 10 * v + (*h->at - '0');
        }
        if (*h->at == 'L') h->at++; /* Python 2 */
        h->shape.dim[h->shape.rank++] = v;
        if (next_is(h, ',')) continue;
        if (!next_is(h, ')')) return header_fail(h, "'shape' has no end");
        break;
    }
    return WG_OK;
}

static wg_status parse(header *h)
{
    static const char *const keys[] = { "descr", "fortran_order", "shape" };
    wg_status (*const read[])(header *) = { read_descr, read_order, read_shape };

    if (!next_is(h, '{')) return header_fail(h, "no dictionary");
    while (!next_is(h, '}')) {
        char key[32];
        int k = 0;
        wg_status status;

        if (!quoted(h, key)) return header_fail(h, "no key");
        while (k < 3 && strcmp(key, keys[k]) != 0) k++;
        if (k == 3) return header_fail(h, "an unknown key");
        if (h->seen[k]) return header_fail(h, "a key comes twice");
        if (!next_is(h, ':')) return header_fail(h, "no ':' after a key");
        h->seen[k] = true;
        status = read[k](h);
        if (status != WG_OK) return status;
        if (next_is(h, ',')) continue;
        if (!next_is(h, '}')) return header_fail(h, "no '}' at its end");
        break;
    }
    blanks(h);
    if (*h->at) return header_fail(h, "text after its end");
    for (int k = 0; k < 3; k++)
        if (!h->seen[k]) return header_fail(h, "a key is missing");
    return WG_OK;
}

/* Magic, version, length, text. */
static wg_status read_header(wg__source *s, header *h)
{
    unsigned char b[MAGIC + 6];
    int64_t n = wg__source_read(s, b, MAGIC + 2), length;
    int wide;
    char *text;
    wg_status status;

    if (n < MAGIC + 2 && !(n >= 0 && wg__source_sound(s))) return wg__source_fail(s, n, MAGIC + 2);
    if (n < MAGIC || memcmp(b, magic, MAGIC) != 0)
        return wg_fail(s->error, WG_EFORMAT, s->op, "%s: not a .npy file", s->path);
    if (n < MAGIC + 2) return wg__source_fail(s, n, MAGIC + 2);
    if (b[6] < 1 || b[6] > 3)
        return wg_fail(s->error, WG_EVERSION, s->op, "%s: version %d of the format, wanted 1 to 3",
                       s->path, b[6]);
    wide = b[6] == 1 ? 2 : 4;
    n = wg__source_read(s, b, wide);
    if (n < wide) return wg__source_fail(s, MAGIC + 2 + (n > 0 ? n : 0), MAGIC + 2 + wide);
    length = b[0] | b[1] << 8;
    if (wide == 4) length |= (int64_t)b[2] << 16 | (int64_t)b[3] << 24;
    if (length > HEADER_MOST)
        return wg_fail(s->error, WG_ELIMIT, s->op, "%s: a header of %lld bytes, at most %d",
                       s->path, (long long)length, HEADER_MOST);
    text = wg_alloc(length + 1, 1);
    if (!text) return wg_fail(s->error, WG_ENOMEM, s->op, "%s", s->path);
    n = wg__source_read(s, text, length);
    *h = (header){ .s = s, .at = text };
    if (n < length)
        status = wg__source_fail(s, MAGIC + 2 + wide + (n > 0 ? n : 0), MAGIC + 2 + wide + length);
    else if (memchr(text, 0, (size_t)length)) status = header_fail(h, "a zero byte");
    else status = parse(h);
    wg_free(text);
    return status;
}

/* ---- the elements ---- */

static bool little_endian(void)
{
    const uint16_t one = 1;

    return *(const unsigned char *)&one == 1;
}

static void swap_bytes(unsigned char *p, int64_t n, int64_t size)
{
    for (int64_t i = 0; i < n; i++, p += size)
        for (int64_t k = 0; k < size / 2; k++) {
            unsigned char held = p[k];

            p[k] = p[size - 1 - k];
            p[size - 1 - k] = held;
        }
}

/* Fortran order: the first index runs fastest. */
static void *to_c_order(const unsigned char *from, const wg_shape *shape, int64_t n, int64_t size)
{
    unsigned char *to = wg_alloc(n, (size_t)size);
    int64_t index[WG_MAX_RANK] = { 0 }, step[WG_MAX_RANK], at = 0;

    if (!to) return NULL;
    for (int k = 0; k < shape->rank; k++) step[k] = k ? step[k - 1] * shape->dim[k - 1] : 1;
    for (int64_t i = 0; i < n; i++) {
        memcpy(to + i * size, from + at * size, (size_t)size);
        for (int k = shape->rank - 1; k >= 0; k--) {
            at += step[k];
            if (++index[k] < shape->dim[k]) break;
            at -= step[k] * shape->dim[k];
            index[k] = 0;
        }
    }
    return to;
}

wg_status wg__npy_from(wg__source *s, wg_data *data)
{
    header h;
    wg_status status = read_header(s, &h);
    int64_t n, size;
    void *p;

    if (status != WG_OK) return status;
    n = wg_shape_count(&h.shape);
    size = kinds[h.kind].size;
    if (n < 0 || n > INT64_MAX / size)
        return wg_fail(s->error, WG_ELIMIT, s->op, "%s: its extents exceed 2^63 bytes", s->path);
    status = wg__source_rest(s, n * size, n, &p);
    if (status != WG_OK) return status;
    if (!little_endian()) swap_bytes(p, n, size);
    if (kinds[h.kind].kind == WG_DATA_BOOL)
        for (int64_t i = 0; i < n; i++) ((unsigned char *)p)[i] = ((unsigned char *)p)[i] != 0;
    if (h.fortran && h.shape.rank > 1 && n > 0) {
        void *turned = to_c_order(p, &h.shape, n, size);

        wg_free(p);
        if (!turned)
            return wg_fail(s->error, WG_ENOMEM, s->op, "%s: %lld bytes", s->path,
                           (long long)(n * size));
        p = turned;
    }
    *data = (wg_data){ kinds[h.kind].kind, false, h.shape, p };
    return WG_OK;
}

/* ---- writing ---- */

wg_status wg_npy_write(const char *path, wg_array a, wg_error *error)
{
    static const char *const descr[WG_N_DTYPES] = { "<f4", "<f8", "<i8", "|b1" };
    int64_t n = wg_shape_count(&a.type.shape), size = (int64_t)wg_dtype_size(a.type.dtype);
    unsigned char *text;
    size_t at, all;
    wg_status status;

    if (!path || (!a.data && n > 0))
        return wg_fail(error, WG_EARG, "wg_npy_write", "%s is NULL", path ? "the data" : "path");
    if (n < 0 || size == 0 || n > INT64_MAX / size)
        return wg_fail(error, WG_ESHAPE, "wg_npy_write", "%s: no array", path);
    text = wg_alloc(HEADER_WRITTEN + (little_endian() ? 0 : n * size), 1);
    if (!text) return wg_fail(error, WG_ENOMEM, "wg_npy_write", "%s", path);
    memcpy(text, magic, MAGIC);
    text[MAGIC] = 1;
    at = MAGIC + 4;
    at +=
        (size_t)snprintf((char *)text + at, HEADER_WRITTEN - at,
                         "{'descr': '%s', 'fortran_order': False, 'shape': (", descr[a.type.dtype]);
    for (int k = 0; k < a.type.shape.rank; k++)
        at += (size_t)snprintf((char *)text + at, HEADER_WRITTEN - at, "%s%lld", k ? ", " : "",
                               (long long)a.type.shape.dim[k]);
    at += (size_t)snprintf((char *)text + at, HEADER_WRITTEN - at, "%s), }",
                           a.type.shape.rank == 1 ? "," : "");
    all = (at + 1 + ALIGN - 1) / ALIGN * ALIGN;
    memset(text + at, ' ', all - at);
    text[all - 1] = '\n';
    text[MAGIC + 2] = (unsigned char)((all - MAGIC - 4) & 255);
    text[MAGIC + 3] = (unsigned char)((all - MAGIC - 4) >> 8);
    if (!little_endian() && n > 0) {
        memcpy(text + HEADER_WRITTEN, a.data, (size_t)(n * size));
        swap_bytes(text + HEADER_WRITTEN, n, size);
        a.data = text + HEADER_WRITTEN;
    }
    status = wg_file_write(
        path, 2, (const wg_bytes[]){ { text, all }, { a.data, (size_t)(n * size) } }, error);
    wg_free(text);
    return status;
}
