/* data.h: reading data sets and making batches of them. */
#ifndef WENGERT_DATA_H
#define WENGERT_DATA_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The content of an idx file, the format of MNIST and its successors: unsigned bytes,
 * row-major. */
typedef struct {
    wg_shape shape;      /* rank 1 to WG_MAX_RANK; the first axis counts the examples */
    unsigned char *data; /* owned: wg_idx_free */
} wg_idx;

/** Reads an idx file of unsigned bytes, plain or compressed with gzip (told by its content, not
 * its name), into *idx, which the caller frees with wg_idx_free; on error it is empty. Memory is
 * taken as bytes arrive, so a header cannot ask for more than the file holds. Errors: WG_EIO with
 * what the system said; WG_EFORMAT for another format, another element type, too few or too many
 * bytes, damaged compression; WG_ELIMIT for more than 2^32 elements; WG_ENOMEM. Source: the format
 * as described with the MNIST database. */
WG_API wg_status wg_idx_read(const char *path, wg_idx *idx, wg_error *error);

/** Frees the data and empties *idx. NULL is allowed. */
WG_API void wg_idx_free(wg_idx *idx);

/** Copies examples into a batch: to[k, ...] = scale * idx[row[k], ...] for the n rows named (NULL:
 * the first n). `to` is the caller's memory, f32, f64 or i64, of n times as many elements as an
 * example has, in any shape; i64 needs scale 1. Errors: WG_EINDEX for a row out of range,
 * WG_ESHAPE, WG_EDTYPE, WG_EARG. */
WG_API wg_status wg_idx_take(const wg_idx *idx, int64_t n, const int64_t *row, double scale,
                             wg_array to, wg_error *error);

/** Fills order[0..n-1] with a permutation of 0..n-1, every one equally likely, that depends on
 * (seed, run) alone: an epoch's order can be had again without saving it. n >= 0. Source: Fisher
 * and Yates, as in Knuth, The Art of Computer Programming, volume 2, algorithm 3.4.2 P. */
WG_API void wg_shuffled(uint64_t seed, uint64_t run, int64_t n, int64_t *order);

/* ---- data of any file ---- */

typedef enum {
    WG_DATA_F32,
    WG_DATA_F64,
    WG_DATA_I64,
    WG_DATA_I32,
    WG_DATA_U8,
    WG_DATA_BOOL,
    WG_N_DATA_KINDS
} wg_data_kind;

/** Values as a file holds them, row-major; the first axis counts the examples. Batches are
 * converted as they are taken, so that pictures of a byte a pixel need no more memory than that. */
typedef struct {
    wg_data_kind kind;
    bool borrowed; /* data is the caller's: wg_data_free leaves it */
    wg_shape shape;
    void *data;
} wg_data;

typedef enum { WG_HEADER_AUTO, WG_HEADER_YES, WG_HEADER_NO } wg_header;

typedef struct {
    bool allow_nan;   /* NaN and infinities are values; in a CSV an empty field is NaN */
    char separator;   /* CSV; 0: the first of , ; tab in the first line, else blanks */
    wg_header header; /* CSV: is the first line names? AUTO: when a field of it is no number */
} wg_data_options;

/** Reads a data file, plain or compressed with gzip, whatever its name: .npy (of f4, f8, i8, i4, u1
 * or bool, little-endian, C or Fortran order, versions 1 to 3), idx (unsigned bytes) or CSV
 * (numbers; f64 [lines, columns], one column as [lines]). Empty lines and lines that begin with #
 * are not data. options NULL: all zero. The caller frees *data with wg_data_free; on error it is
 * empty. Memory is taken as bytes arrive. Errors: WG_EIO with what the system said; WG_EFORMAT for
 * what is none of these, for another element type, for too few or too many bytes, damaged
 * compression, in a CSV with line and column; WG_ENONFINITE for a value that is not finite, with
 * its index, unless it is allowed; WG_ELIMIT; WG_ENOMEM. Source: NumPy's NEP 1 for .npy. */
WG_API wg_status wg_data_read(const char *path, const wg_data_options *options, wg_data *data,
                              wg_error *error);

/** The same for one format alone: another one is WG_EFORMAT. wg_npy_read allows NaN. */
WG_API wg_status wg_npy_read(const char *path, wg_data *data, wg_error *error);
WG_API wg_status wg_csv_read(const char *path, const wg_data_options *options, wg_data *data,
                             wg_error *error);

/** Writes an array as .npy, version 1, C order: '<f4', '<f8', '<i8' or '|b1'. The file holds the
 * old bytes or the new ones whenever the process stops. Errors: WG_EIO, WG_EARG, WG_ESHAPE,
 * WG_ENOMEM. */
WG_API wg_status wg_npy_write(const char *path, wg_array a, wg_error *error);

/** An array's values as data, borrowed: the array outlives it. */
WG_API wg_data wg_data_of(wg_array a);

/** Frees the values unless they are borrowed and empties *data. NULL is allowed. */
WG_API void wg_data_free(wg_data *data);

/** "f32", "f64", "i64", "i32", "u8", "bool"; "?" otherwise. Static storage. */
WG_API const char *wg_data_kind_name(wg_data_kind kind);

/** Elements of one example: the product of all extents but the first. -1 for a rank of 0. */
WG_API int64_t wg_data_example(const wg_data *data);

/** Copies examples into a batch: to[k, ...] = scale * data[row[k], ...] for the n rows named (NULL:
 * the first n). `to` is the caller's memory, of n times as many elements as an example has, in any
 * shape. scale must be 1 for i64 and bool; a real number becomes i64 only when it is whole, and
 * anything bool only when it is 0 or 1. Errors: WG_EINDEX for a row out of range, WG_ESHAPE,
 * WG_EDTYPE for a value that does not convert, WG_EARG. */
WG_API wg_status wg_data_take(const wg_data *data, int64_t n, const int64_t *row, double scale,
                              wg_array to, wg_error *error);

/** Columns first..first+n-1 of a table [lines, columns] as data of its own, [lines, n], or [lines]
 * when n is 1: the label column of a CSV apart from the rest. first may count from the end. The
 * caller frees *part. Errors: WG_ESHAPE unless the rank is 2, WG_EINDEX, WG_EARG, WG_ENOMEM. */
WG_API wg_status wg_data_columns(const wg_data *data, int64_t first, int64_t n, wg_data *part,
                                 wg_error *error);

/* ---- batches ---- */

typedef struct {
    int64_t batchsize; /* >= 1 */
    uint64_t seed;
    bool in_order;     /* not shuffled */
    bool drop_last;    /* without a last batch that is incomplete */
    double validation; /* share of the examples kept apart, 0 <= validation < 1 */
} wg_batches_options;

typedef struct wg_batches wg_batches;

/** Batches of n examples. Which examples are kept apart for validation depends on seed and n alone;
 * the order of an epoch on seed and epoch alone, so it can be had again without saving it. NULL on
 * error: WG_EARG for values out of range or when no example or no batch is left, WG_ENOMEM. */
WG_API wg_batches *wg_batches_new(int64_t n, const wg_batches_options *options, wg_error *error);

/** NULL is allowed. */
WG_API void wg_batches_free(wg_batches *b);

/** Batches an epoch, and examples in them. */
WG_API int64_t wg_batches_count(const wg_batches *b);
WG_API int64_t wg_batches_examples(const wg_batches *b);

/** The examples of batch i of an epoch (both from 0): *n rows, in the object's memory until the
 * next call. NULL when out of range. Nothing is allocated. */
WG_API const int64_t *wg_batches_rows(wg_batches *b, int64_t epoch, int64_t i, int64_t *n);

/** The examples kept apart, in ascending order: *n rows, in the object's memory; NULL and 0 for
 * none. */
WG_API const int64_t *wg_batches_validation(const wg_batches *b, int64_t *n);

#ifdef __cplusplus
}
#endif

#endif
