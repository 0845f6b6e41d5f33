/* base.h: element types, shapes, arrays, statuses and errors: what every other header needs. */
#ifndef WENGERT_BASE_H
#define WENGERT_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#if defined(_WIN32)
#define WG_API
#elif defined(__GNUC__)
#define WG_API __attribute__((visibility("default")))
#else
#define WG_API
#endif

#if defined(__GNUC__)
#define WG_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define WG_MUST_USE          __attribute__((warn_unused_result))
#else
#define WG_PRINTF(fmt, args)
#define WG_MUST_USE
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define WG_VERSION_MAJOR 0
#define WG_VERSION_MINOR 1
#define WG_VERSION_PATCH 0

/** "0.1.0". Static storage. */
WG_API const char *wg_version(void);

/** One line that names version, compiler, processor level in use (plain, avx2, avx512), the BLAS
 * library with the kernels it runs, and says so when those kernels are older than the processor.
 * Static storage, made at the first call. */
WG_API const char *wg_build_info(void);

/* ---- statuses ---- */

/* One map for enumerators, names and texts: X(enumerator, text). */
#define WG_STATUS_MAP(X)                                                                           \
    X(OK, "no error")                                                                              \
    X(ENOMEM, "out of memory")                                                                     \
    X(EARG, "bad argument")                                                                        \
    X(ESHAPE, "shapes do not fit")                                                                 \
    X(EDTYPE, "element types do not fit")                                                          \
    X(EINDEX, "index out of range")                                                                \
    X(ENAME, "unknown or repeated name")                                                           \
    X(EGRAD, "no gradient rule")                                                                   \
    X(ENONFINITE, "a value is not finite")                                                         \
    X(ELIMIT, "a size exceeds a limit")                                                            \
    X(EIO, "reading or writing failed")                                                            \
    X(EFORMAT, "a file does not follow the format")                                                \
    X(EVERSION, "a file is of another version")                                                    \
    X(ESTATE, "called at the wrong time")

typedef enum {
#define WG_STATUS_ENUM(name, text) WG_##name,
    WG_STATUS_MAP(WG_STATUS_ENUM)
#undef WG_STATUS_ENUM
        WG_N_STATUSES
} wg_status;

/** "WG_ESHAPE" for WG_ESHAPE; "WG_?" for a number that is no status. Static storage. */
WG_API const char *wg_status_name(wg_status status);

/** "shapes do not fit" for WG_ESHAPE. Static storage. */
WG_API const char *wg_status_text(wg_status status);

/* ---- errors ---- */

#define WG_SITE_TEXT(line) #line
#define WG_SITE_LINE(line) WG_SITE_TEXT(line)
/* "file.c:42" of the line it stands on, one literal */
#define WG_SITE __FILE__ ":" WG_SITE_LINE(__LINE__)

/* A function that is given one fills it only when code is WG_OK, so that the first error of several
 * calls stays: begin with { .code = WG_OK }, and set code to WG_OK again before the next use. */
typedef struct wg_error {
    wg_status code;   /* WG_OK: no error */
    const char *op;   /* op or function that refused; static storage, or "" */
    const char *site; /* "model.c:42" of the caller's line, NULL if unknown; lives as long as the
                               caller's program text (a literal) */
    char scope[64];   /* layer path, "encoder/fc1"; cut short with "..." when longer */
    char text[256];   /* what did not fit, with operand types */
} wg_error;

/** Writes "model.c:42: matmul: inner extents differ: ...\n  in mlp/fc1\n" to `to`. A NULL error, or
 * one that is WG_OK, writes "no error". */
WG_API void wg_error_print(const wg_error *error, FILE *to);

/** The same text into buf (at most n bytes, always terminated). Returns the length it would
 * have. */
WG_API size_t wg_error_text(const wg_error *error, char *buf, size_t n);

/* ---- element types, shapes, types ---- */

enum { WG_MAX_RANK = 8 };

typedef enum { WG_F32, WG_F64, WG_I64, WG_BOOL, WG_N_DTYPES } wg_dtype;

typedef struct {
    int rank;                 /* 0 to WG_MAX_RANK; 0: one element */
    int64_t dim[WG_MAX_RANK]; /* extents >= 0; entries from rank on are 0 */
} wg_shape;

typedef struct {
    wg_dtype dtype;
    wg_shape shape;
} wg_type;

typedef struct {
    int n;                 /* -1: every axis */
    int axis[WG_MAX_RANK]; /* may count from the end: -1 is the last */
} wg_axes;

typedef struct {
    int n; /* elements of v */
    const int64_t *v;
} wg_i64s;

typedef struct {
    wg_type type;
    void *data; /* dense, row-major; each use says who owns it */
} wg_array;

/** 4, 8, 8, 1 for f32, f64, i64, bool; 0 for a number that is no element type. */
WG_API size_t wg_dtype_size(wg_dtype dtype);

/** "f32", "f64", "i64", "bool"; "?" otherwise. Static storage. */
WG_API const char *wg_dtype_name(wg_dtype dtype);

/** f32 or f64. */
static inline bool wg_dtype_is_real(wg_dtype dtype)
{
    return dtype == WG_F32 || dtype == WG_F64;
}

/** Number of elements; -1 when rank or an extent is illegal or the product overflows int64_t. */
WG_API int64_t wg_shape_count(const wg_shape *shape);

/** Bytes of an array of this type; -1 as wg_shape_count. */
WG_API int64_t wg_type_bytes(const wg_type *type);

WG_API bool wg_shape_equal(const wg_shape *a, const wg_shape *b);
WG_API bool wg_type_equal(const wg_type *a, const wg_type *b);

enum { WG_TYPE_TEXT = 200 };

/** Writes "f32[32 x 784]" (or "f32[]" for rank 0) into buf and returns buf. Never overflows: eight
 * extents of 20 digits fit. */
WG_API const char *wg_type_text(const wg_type *type, char buf[WG_TYPE_TEXT]);

/** n extents from an array. Rank above WG_MAX_RANK gives rank -1, which every constructor
 * refuses. */
static inline wg_shape wg_shape_of(int n, const int64_t *dim)
{
    wg_shape s = { n, { 0, 0, 0, 0, 0, 0, 0, 0 } };

    if (n < 0 || n > WG_MAX_RANK) {
        s.rank = -1;
        return s;
    }
    for (int i = 0; i < n; i++) s.dim[i] = dim[i];
    return s;
}

/** n axes from an array; n -1 means every axis. More than WG_MAX_RANK gives n = -2, which is
 * refused. */
static inline wg_axes wg_axes_of(int n, const int *axis)
{
    wg_axes a = { n, { 0, 0, 0, 0, 0, 0, 0, 0 } };

    if (n < -1 || n > WG_MAX_RANK) {
        a.n = -2;
        return a;
    }
    for (int i = 0; i < n; i++) a.axis[i] = axis[i];
    return a;
}

static inline wg_array wg_array_of(wg_dtype dtype, wg_shape shape, const void *data)
{
    wg_array a;

    a.type.dtype = dtype;
    a.type.shape = shape;
    a.data = (void *)(uintptr_t)data;
    return a;
}

#define WG_N_ARGS(type, ...) ((int)(sizeof((type[]){ __VA_ARGS__ }) / sizeof(type)))

#ifndef __cplusplus
/* WG_SHAPE(32, 784); WG_SHAPE_SCALAR for rank 0 */
#define WG_SHAPE(...) wg_shape_of(WG_N_ARGS(int64_t, __VA_ARGS__), (const int64_t[]){ __VA_ARGS__ })
/* WG_AXES(0, -1) */
#define WG_AXES(...) wg_axes_of(WG_N_ARGS(int, __VA_ARGS__), (const int[]){ __VA_ARGS__ })
#else
} /* extern "C" */
template <typename... Extents> static inline wg_shape wg_shape_from(Extents... extents)
{
    const int64_t dim[] = { static_cast<int64_t>(extents)... };
    return wg_shape_of(static_cast<int>(sizeof...(extents)), dim);
}
template <typename... Axes> static inline wg_axes wg_axes_from(Axes... axes)
{
    const int axis[] = { static_cast<int>(axes)... };
    return wg_axes_of(static_cast<int>(sizeof...(axes)), axis);
}
extern "C" {
#define WG_SHAPE(...) wg_shape_from(__VA_ARGS__)
#define WG_AXES(...)  wg_axes_from(__VA_ARGS__)
#endif
#define WG_SHAPE_SCALAR wg_shape_of(0, NULL)
#define WG_ALL_AXES     wg_axes_of(-1, NULL)
#define WG_NO_AXES      wg_axes_of(0, NULL)

/* WG_F32_ARRAY(X, 4, 2): a borrowed array over the caller's memory. */
#define WG_F32_ARRAY(data, ...)  wg_array_of(WG_F32, WG_SHAPE(__VA_ARGS__), data)
#define WG_F64_ARRAY(data, ...)  wg_array_of(WG_F64, WG_SHAPE(__VA_ARGS__), data)
#define WG_I64_ARRAY(data, ...)  wg_array_of(WG_I64, WG_SHAPE(__VA_ARGS__), data)
#define WG_BOOL_ARRAY(data, ...) wg_array_of(WG_BOOL, WG_SHAPE(__VA_ARGS__), data)

/** The first element as a double (bool: 0 or 1); NaN for NULL or an empty array. */
WG_API double wg_item(const wg_array *a);

/* ---- memory ---- */

/* As realloc and free, with the size that was asked for. `data` is passed through. */
typedef struct {
    void *(*alloc)(void *data, size_t bytes);           /* NULL when out of memory */
    void (*release)(void *data, void *p, size_t bytes); /* p is never NULL */
    void *data;
} wg_allocator;

/** Replaces the one gate all memory of the library goes through. Call it before anything else is
 * made, from one thread; NULL restores malloc and free. Objects must be freed under the gate they
 * were made under. */
WG_API void wg_set_allocator(const wg_allocator *allocator);

/** Cleared memory for n elements of `size` bytes through the gate, for code on top of the library
 * that keeps to it; wg_free releases it. NULL when out of memory or when the product overflows. */
WG_API void *wg_alloc(int64_t n, size_t size);

/** A copy of a text through the gate; NULL for NULL and when out of memory. */
WG_API char *wg_text_copy(const char *text);

/** Releases memory that a function of this library returned and said to release with wg_free. NULL
 * is allowed. */
WG_API void wg_free(void *p);

#ifdef __cplusplus
}
#endif

#endif
