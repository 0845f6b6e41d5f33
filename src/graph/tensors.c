/*
 * tensors.c: the store as a safetensors file: eight bytes of header length, a JSON header, elements
 * in little-endian order. The reader takes nothing on trust: see docs/format.md for all it insists
 * on.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

enum { LENGTH_BYTES = 8, BLOCK = 1 << 16 };

static const char *const codes[WG_N_DTYPES] = { "F32", "F64", "I64", "BOOL" };

/* ---- the header, read ---- */

static wg_status refuse(const wg_tensors *t, wg_error *error, const char *name, const char *fmt,
                        ...) WG_PRINTF(4, 5);
static wg_status refuse(const wg_tensors *t, wg_error *error, const char *name, const char *fmt,
                        ...)
{
    char text[160];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return wg__io_fail(error, WG_EFORMAT, t->in->name, "tensor \"%s\": %s", WG_SHOW(name), text);
}

static bool is_code(const wg_json *v, wg_dtype *out)
{
    const char *s = v ? wg__json_text(v) : NULL;

    for (int d = 0; s && d < WG_N_DTYPES; d++) {
        if (strcmp(s, codes[d]) != 0) continue;
        *out = (wg_dtype)d;
        return true;
    }
    return false;
}

/* One member of the header. `end` is where the one before ended: elements follow each other without
 * holes. */
static wg_status read_item(wg_tensors *t, const char *name, const wg_json *v, int64_t end,
                           int64_t room, wg_error *error)
{
    struct wg_held *item = &t->item[t->n];
    const wg_json *offsets, *code;
    wg_json_walk w = { .object = v };
    wg_misfit m;

    if (wg__json_kind(v) != WG_JSON_OBJECT)
        return refuse(t, error, name, "is %s, not an object", wg__json_what(v));
    while (wg__json_next(&w))
        if (strcmp(w.key, "dtype") != 0 && strcmp(w.key, "shape") != 0 &&
            strcmp(w.key, "data_offsets") != 0)
            return refuse(t, error, name, "unknown member \"%s\"", WG_SHOW(w.key));
    if (!name[0]) return refuse(t, error, name, "the name is empty");
    *item = (struct wg_held){ .name = name };
    code = wg__json_get(v, "dtype");
    if (!is_code(code, &item->type.dtype)) {
        if (!code || !wg__json_text(code))
            return refuse(t, error, name, "'dtype' is %s, not a string", wg__json_what(code));
        return refuse(t, error, name, "dtype \"%s\" is not F32, F64, I64 or BOOL",
                      WG_SHOW(wg__json_text(code)));
    }
    if (!wg__read_extents(wg__json_get(v, "shape"), "'shape'", &item->type.shape, &m))
        return refuse(t, error, name, "%s", m.text);
    if (wg_type_bytes(&item->type) < 0)
        return refuse(t, error, name, "%s is no legal type", WG_TYPE_STR(&item->type));
    offsets = wg__json_get(v, "data_offsets");
    if (wg__json_count(offsets) != 2 || !wg__json_int(wg__json_at(offsets, 0), &item->begin) ||
        !wg__json_int(wg__json_at(offsets, 1), &item->end))
        return refuse(t, error, name, "'data_offsets' is not a list of two integers");
    if (item->begin < 0 || item->end < item->begin || item->end > room)
        return refuse(t, error, name,
                      "offsets %" PRId64 " to %" PRId64 " do not lie within the %" PRId64
                      " bytes of elements",
                      item->begin, item->end, room);
    if (item->begin != end)
        return refuse(t, error, name, "begins at byte %" PRId64 ", the one before ends at %" PRId64,
                      item->begin, end);
    if (item->end - item->begin != wg_type_bytes(&item->type))
        return refuse(t, error, name, "has %" PRId64 " bytes, %s wants %" PRId64,
                      item->end - item->begin, WG_TYPE_STR(&item->type),
                      wg_type_bytes(&item->type));
    if (!wg__table_put(&t->names, name, t->n))
        return wg__io_fail(error, WG_ENOMEM, t->in->name, "out of memory");
    t->n++;
    return WG_OK;
}

static wg_status check_metadata(const wg_tensors *t, const wg_json *v, wg_error *error)
{
    wg_json_walk w = { .object = v };

    if (wg__json_kind(v) != WG_JSON_OBJECT)
        return wg__io_fail(error, WG_EFORMAT, t->in->name, "'__metadata__' is %s, not an object",
                           wg__json_what(v));
    while (wg__json_next(&w))
        if (!wg__json_text(w.value))
            return wg__io_fail(error, WG_EFORMAT, t->in->name,
                               "'__metadata__': \"%s\" is %s, not a string", WG_SHOW(w.key),
                               wg__json_what(w.value));
    return WG_OK;
}

static wg_status read_header(wg_tensors *t, int64_t room, wg_error *error)
{
    wg_json_walk w = { .object = t->header };
    int64_t end = 0;
    wg_status status = WG_OK;

    if (wg__json_kind(t->header) != WG_JSON_OBJECT)
        return wg__io_fail(error, WG_EFORMAT, t->in->name, "the header is %s, not an object",
                           wg__json_what(t->header));
    t->item = wg__array(wg__json_count(t->header), sizeof *t->item);
    if (!t->item) return wg__io_fail(error, WG_ENOMEM, t->in->name, "out of memory");
    while (status == WG_OK && wg__json_next(&w)) {
        if (strcmp(w.key, "__metadata__") == 0) {
            status = check_metadata(t, w.value, error);
            continue;
        }
        status = read_item(t, w.key, w.value, end, room, error);
        if (status == WG_OK) end = t->item[t->n - 1].end;
    }
    if (status == WG_OK && end != room)
        return wg__io_fail(error, WG_EFORMAT, t->in->name,
                           "%" PRId64 " bytes at the end belong to no tensor", room - end);
    return status;
}

wg_status wg__tensors_open(wg_tensors *t, wg_in *in, wg_error *error)
{
    unsigned char length[LENGTH_BYTES];
    uint64_t n = 0;
    char *text = NULL;
    wg_status status;

    *t = (wg_tensors){ .in = in };
    wg__checksum_begin(&t->sum);
    if (in->size < LENGTH_BYTES)
        return wg__io_fail(error, WG_EFORMAT, in->name, "%" PRId64 " bytes are no safetensors file",
                           in->size);
    status = wg__in_read(in, length, LENGTH_BYTES, error);
    if (status != WG_OK) return status;
    for (int i = LENGTH_BYTES - 1; i >= 0; i--) n = n << 8 | length[i];
    if (n > WG_HEADER_BYTES)
        return wg__io_fail(error, WG_ELIMIT, in->name,
                           "a header of %" PRIu64 " bytes is above the limit of %d", n,
                           WG_HEADER_BYTES);
    if ((int64_t)n > in->size - LENGTH_BYTES)
        return wg__io_fail(error, WG_EFORMAT, in->name,
                           "a header of %" PRIu64 " bytes does not fit into the file's %" PRId64, n,
                           in->size);
    text = wg__alloc((size_t)n);
    if (!text) return wg__io_fail(error, WG_ENOMEM, in->name, "out of memory");
    status = wg__in_read(in, text, (int64_t)n, error);
    wg__checksum_add(&t->sum, length, LENGTH_BYTES);
    wg__checksum_add(&t->sum, text, (size_t)n);
    if (status == WG_OK && (n == 0 || text[0] != '{'))
        status = wg__io_fail(error, WG_EFORMAT, in->name, "the header does not begin with '{'");
    if (status == WG_OK) {
        t->header = wg__json_parse(text, (size_t)n, in->name, error);
        status =
            t->header ? read_header(t, in->size - LENGTH_BYTES - (int64_t)n, error) : error->code;
    }
    wg__release(text);
    if (status != WG_OK) wg__tensors_close(t);
    return status;
}

void wg__tensors_close(wg_tensors *t)
{
    wg__release(t->item);
    wg__table_free(&t->names);
    wg__json_free(t->header);
    t->item = NULL;
    t->header = NULL;
    t->n = 0;
}

/* ---- elements ---- */

/* Between the file's order of bytes and the processor's: the same thing either way. */
static void swap_bytes(void *data, int64_t n, size_t size)
{
    unsigned char *p = data;

    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) return;
    for (int64_t i = 0; i < n; i++, p += size)
        for (size_t k = 0; k < size / 2; k++) {
            unsigned char low = p[k];

            p[k] = p[size - 1 - k];
            p[size - 1 - k] = low;
        }
}

static wg_status skip(wg_tensors *t, int64_t bytes, wg_error *error)
{
    unsigned char block[4096];
    wg_status status = WG_OK;

    while (bytes > 0 && status == WG_OK) {
        int64_t n = bytes < (int64_t)sizeof block ? bytes : (int64_t)sizeof block;

        status = wg__in_read(t->in, block, n, error);
        if (status == WG_OK) wg__checksum_add(&t->sum, block, (size_t)n);
        bytes -= n;
    }
    return status;
}

wg_status wg__tensors_read(wg_tensors *t, void *const *to, wg_error *error)
{
    for (int64_t i = 0; i < t->n; i++) {
        const struct wg_held *item = &t->item[i];
        int64_t bytes = item->end - item->begin;
        wg_status status = to[i] ? wg__in_read(t->in, to[i], bytes, error) : skip(t, bytes, error);

        if (status != WG_OK) return status;
        if (!to[i]) continue;
        wg__checksum_add(&t->sum, to[i], (size_t)bytes);
        /* A C bool that is neither 0 nor 1 is a trap. */
        for (int64_t k = 0; item->type.dtype == WG_BOOL && k < bytes; k++)
            if (((const unsigned char *)to[i])[k] > 1)
                return refuse(t, error, item->name, "element %" PRId64 " is %d, neither 0 nor 1", k,
                              ((const unsigned char *)to[i])[k]);
        swap_bytes(to[i], wg_shape_count(&item->type.shape), wg_dtype_size(item->type.dtype));
    }
    return WG_OK;
}

/* ---- writing ---- */

/* Wide elements first, so that all of them are aligned; then by name. */
static int in_file_order(const void *a, const void *b)
{
    const wg_param *p = *(const wg_param *const *)a, *q = *(const wg_param *const *)b;
    size_t m = wg_dtype_size(p->value.type.dtype), n = wg_dtype_size(q->value.type.dtype);

    return m != n ? (m < n) - (m > n) : strcmp(p->name, q->name);
}

static void put_header(wg_text *t, int64_t n, const wg_param *const *entry)
{
    int64_t at = 0;

    wg__put(t, "{\"__metadata__\":{\"format\":\"wengert\"}");
    for (int64_t i = 0; i < n; i++) {
        const wg_type *type = &entry[i]->value.type;

        wg__put(t, ",");
        wg__put_string(t, entry[i]->name);
        wg__put(t, ":{\"dtype\":");
        wg__put_string(t, codes[type->dtype]);
        wg__put(t, ",\"shape\":");
        wg__put_shape(t, &type->shape);
        wg__put(t, ",\"data_offsets\":[");
        wg__put_int(t, at);
        wg__put(t, ",");
        at += wg_type_bytes(type);
        wg__put_int(t, at);
        wg__put(t, "]}");
    }
    wg__put(t, "}");
    while (t->n % LENGTH_BYTES && !t->no_memory) wg__put(t, " ");
}

static void put_values(wg_out *o, const wg_array *a)
{
    unsigned char block[BLOCK];
    const unsigned char *p = a->data;
    size_t bytes = (size_t)wg_type_bytes(&a->type), size = wg_dtype_size(a->type.dtype);

    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) {
        wg__out_put(o, p, bytes);
        return;
    }
    while (bytes > 0) {
        size_t n = bytes < sizeof block ? bytes : sizeof block;

        memcpy(block, p, n);
        swap_bytes(block, (int64_t)(n / size), size);
        wg__out_put(o, block, n);
        p += n;
        bytes -= n;
    }
}

wg_status wg__tensors_write(wg_out *o, int64_t n, const wg_param *const *entry, const char *file,
                            wg_error *error)
{
    const wg_param **sorted = wg__array(n, sizeof *sorted);
    wg_text header = { NULL, 0, 0, false, NULL };
    unsigned char length[LENGTH_BYTES];
    char *text = NULL;
    size_t bytes = 0;
    int64_t sum = 0;
    wg_status status = sorted ? WG_OK : wg__io_fail(error, WG_ENOMEM, file, "out of memory");

    for (int64_t i = 0; i < n && status == WG_OK; i++) {
        sorted[i] = entry[i];
        if (strcmp(entry[i]->name, "__metadata__") == 0)
            status = wg__io_fail(error, WG_ENAME, file, "no entry may be called __metadata__");
        else if (!wg__add(sum, wg_type_bytes(&entry[i]->value.type), &sum))
            status =
                wg__io_fail(error, WG_ELIMIT, file, "the store has more bytes than can be counted");
    }
    if (status == WG_OK) {
        qsort(sorted, (size_t)n, sizeof *sorted, in_file_order);
        put_header(&header, n, sorted);
        status = wg__text_end(&header, file, &text, &bytes, error);
    }
    if (status == WG_OK && bytes > WG_HEADER_BYTES)
        status =
            wg__io_fail(error, WG_ELIMIT, file, "a header of %zu bytes is above the limit of %d",
                        bytes, WG_HEADER_BYTES);
    if (status == WG_OK) {
        for (int i = 0; i < LENGTH_BYTES; i++)
            length[i] = (unsigned char)((uint64_t)bytes >> 8 * i);
        wg__out_put(o, length, LENGTH_BYTES);
        wg__out_put(o, text, bytes);
        for (int64_t i = 0; i < n; i++) put_values(o, &sorted[i]->value);
    }
    wg__release(text);
    wg__release(sorted);
    return status;
}
