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

#ifdef __cplusplus
}
#endif

#endif
