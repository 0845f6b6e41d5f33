/*
 * io.h: saving and loading whole programs: graph, functions, store, metadata. The format is
 * described in docs/format.md. Files are written aside and renamed; the rename of the JSON is the
 * one commit.
 */
#ifndef WENGERT_IO_H
#define WENGERT_IO_H

#include "graph.h"
#include "params.h"
#include "op.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    /* a store of at most this many bytes goes into the JSON; 0: 16384; -1: never */
    int64_t inline_bytes;
    const char *function; /* save this function only, with the entries it needs; NULL: all */
    bool sites;           /* write call sites (base name and line) in a "debug" object */
    bool compact;         /* no line breaks */
} wg_save_options;

/** Saves graph and store under `path` ("out/fashion.json"): the weights go to
 * out/fashion-CHECKSUM.safetensors beside it, with the link out/fashion.safetensors, or inline when
 * small. A kill at any moment leaves the old program or the new one; weights of earlier saves are
 * removed unless a JSON file of the folder names them. A device or a pipe as path is written as it
 * is, all inline. w may be NULL: the graph alone. The metadata "wengert.schedulers" and
 * "wengert.extensions" are JSON objects as text and become members of their own. Errors: the
 * graph's own; WG_ESTATE without a function or with an open one; WG_ENAME, WG_ESHAPE, WG_EDTYPE
 * when the store does not fit the graph; WG_EIO with what the system said; WG_ENOMEM. */
WG_API wg_status wg_save(const char *path, const wg_graph *g, const wg_params *w,
                         const wg_save_options *options, wg_error *error);

/* A loaded program: both belong to the caller now. */
typedef struct {
    wg_graph *graph;
    wg_params *params;
} wg_program;

typedef struct {
    wg_op_list ops;    /* every record a file may name; n 0: wg_std_ops() */
    int64_t max_bytes; /* most bytes of a file; 0: 2^31 for JSON, 2^40 for weights */
    int64_t max_nodes; /* 0: 10,000,000 */
    bool no_params;    /* load the graph only; the store gets zeros */
} wg_load_options;

/** Loads what wg_save wrote; every entry is recorded and inferred anew. On error both members are
 * NULL and nothing leaks. Errors: WG_EIO, WG_EFORMAT, WG_EVERSION, WG_ELIMIT and all recording
 * errors, with the JSON node. */
WG_API wg_status wg_load(const char *path, const wg_load_options *options, wg_program *program,
                         wg_error *error);

WG_API void wg_program_free(wg_program *program);

/** To and from memory: JSON text with all weights inline. *text is new memory (wg_free),
 * terminated. */
WG_API wg_status wg_save_text(const wg_graph *g, const wg_params *w, const wg_save_options *options,
                              char **text, size_t *length, wg_error *error);
WG_API wg_status wg_load_text(const char *text, size_t length, const wg_load_options *options,
                              wg_program *program, wg_error *error);

/* Weights alone, as safetensors. */

typedef enum {
    WG_LOAD_STRICT, /* same names, same types, none missing, none left over */
    WG_LOAD_PARTIAL /* what both have; a type that differs is an error still */
} wg_load_mode;

/** Writes the store as a safetensors file; with a prefix the entry of that name and those below it
 * ("enc" or "enc/"). Errors: WG_ENAME when the prefix matches nothing; WG_EIO; WG_ENOMEM. */
WG_API wg_status wg_params_save(const char *path, const wg_params *w, const char *prefix,
                                wg_error *error);

/** Reads values into a store: names in the file that begin with `from` are looked up with `to`
 * instead (both may be NULL: names as they are; one NULL is ""). Strictly, every entry that begins
 * with `to` must be met. *n_loaded (may be NULL) counts. On error the store is as it was. */
WG_API wg_status wg_params_load(const char *path, wg_params *w, wg_load_mode mode, const char *from,
                                const char *to, int *n_loaded, wg_error *error);

WG_API wg_status wg_params_save_buffer(const wg_params *w, const char *prefix, void **data,
                                       size_t *length, wg_error *error);
WG_API wg_status wg_params_load_buffer(const void *data, size_t length, wg_params *w,
                                       wg_load_mode mode, const char *from, const char *to,
                                       int *n_loaded, wg_error *error);

/* Any other bytes. */

typedef struct {
    const void *data;
    size_t n;
} wg_bytes;

/** Writes n parts one after the other as the file `path`, as wg_save does: aside, to the disk, and
 * renamed, so that whatever stops it the name holds the old bytes or the new ones. A device or a
 * pipe is written as it is. Errors: WG_EIO with what the system said; WG_EARG for NULL. */
WG_API wg_status wg_file_write(const char *path, int n, const wg_bytes *part, wg_error *error);

#ifdef __cplusplus
}
#endif

#endif
