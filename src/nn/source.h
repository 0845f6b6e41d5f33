/* source.h: bytes of a data file, plain or compressed with gzip (told by its content), read once
 * from front to back. */
#ifndef WG_NN_SOURCE_H
#define WG_NN_SOURCE_H

#include "wengert/data.h"

enum { WG__SOURCE_AHEAD = 8 };

typedef struct {
    void *file; /* zlib's */
    const char *path, *op;
    wg_error *error;
    unsigned char ahead[WG__SOURCE_AHEAD];
    int n_ahead, at_ahead;
} wg__source;

/* `op` is what messages begin with, static storage. Errors: WG_EIO, WG_ENOMEM, WG_EARG. */
wg_status wg__source_open(wg__source *s, const char *path, const char *op, wg_error *error);
void wg__source_close(wg__source *s);

/* The first bytes, at most WG__SOURCE_AHEAD, which are read again afterwards. Returns how many
 * there are; -1 when reading failed. */
int wg__source_peek(wg__source *s, unsigned char first[WG__SOURCE_AHEAD]);

/* Up to n bytes; fewer at the end, or when reading fails: -1 when nothing was read by then. */
int64_t wg__source_read(wg__source *s, void *to, int64_t n);

/* What a short read is reported as: the file ends early, is damaged, or the system failed. */
wg_status wg__source_fail(const wg__source *s, int64_t got, int64_t want);

/* The rest of the file, which must be `bytes` long, into new memory; `elements` for the message
 * when it is longer. What a header claims is not believed: memory is taken as bytes arrive. */
wg_status wg__source_rest(wg__source *s, int64_t bytes, int64_t elements, void **data);

/* Whether the file ended as it should; at the end the checksum of compressed data is compared. */
bool wg__source_sound(wg__source *s);

/* Each format, from its first byte on. */
wg_status wg__idx_from(wg__source *s, wg_idx *idx);
wg_status wg__npy_from(wg__source *s, wg_data *data);
wg_status wg__csv_from(wg__source *s, const wg_data_options *options, wg_data *data);

#endif
