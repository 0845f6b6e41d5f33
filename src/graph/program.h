/* program.h: what the rooms that save and load share. Nothing outside of src/graph includes it. */
#ifndef WG_GRAPH_PROGRAM_H
#define WG_GRAPH_PROGRAM_H

#include "internal.h"
#include "wengert/io.h"

/* ---- limits of what is read; docs/format.md states them ---- */

enum {
    WG_JSON_DEPTH = 64, /* nesting of lists and objects */
    WG_MAX_FUNCTIONS = 4096,
    WG_MAX_METADATA = 4096,
    WG_HEADER_BYTES = 100000000 /* of a safetensors header: the format's own bound */
};

/* ---- checksum.c ---- */

typedef struct {
    uint64_t lane[4], total;
    unsigned char rest[32];
} wg_checksum;

void wg__checksum_begin(wg_checksum *s);
void wg__checksum_add(wg_checksum *s, const void *data, size_t n);
uint64_t wg__checksum_end(const wg_checksum *s);

/* ---- file.c: the one gate to files ---- */

/* Every failure reads "FILE: what was wrong"; of a path its last part is shown. */
wg_status wg__io_fail(wg_error *error, wg_status code, const char *file, const char *fmt, ...)
    WG_PRINTF(4, 5);

/* s as it may stand in a message: cut short, control characters replaced. Lives to the end of the
 * block. */
enum { WG_SHOWN = 64 };
const char *wg__shown(const char *s, char buf[WG_SHOWN]);
#define WG_SHOW(s) wg__shown((s), (char[WG_SHOWN]){ 0 })

/* A folder, and a name in it. */
typedef struct {
    int fd;      /* of the folder; -1: none */
    bool locked; /* no other save is at work in the folder */
    /* the name is free, a regular file or a link; else a device or pipe, written as it is */
    bool plain;
    char base[256];
    char *folder; /* path, for reading */
} wg_place;

/* For writing: opens and locks the folder of `path`. Errors: WG_EIO. */
wg_status wg__place_write(wg_place *p, const char *path, wg_error *error);
/* For reading: the folder of the file that `path` leads to. */
wg_status wg__place_read(wg_place *p, const char *path, wg_error *error);
void wg__place_close(wg_place *p);

/* Bytes to read: of a file or of memory. */
typedef struct {
    const char *name; /* for messages; borrowed */
    int fd;           /* -1: memory */
    const unsigned char *memory;
    int64_t size, at;
    int64_t stamp[4]; /* of a file: tells whether a name leads to the same one later */
} wg_in;

/* The file that `path` leads to. Errors: WG_EIO; WG_ELIMIT above max_bytes. */
wg_status wg__in_open(wg_in *in, const char *path, int64_t max_bytes, wg_error *error);
/* A file beside: `name` in p's folder, no path, no link of either kind. */
wg_status wg__in_beside(wg_in *in, const wg_place *p, const char *name, int64_t max_bytes,
                        wg_error *error);
void wg__in_memory(wg_in *in, const char *name, const void *data, size_t n);
/* Exactly n bytes; a short read is an error. */
wg_status wg__in_read(wg_in *in, void *to, int64_t n, wg_error *error);
/* All of it as new memory, terminated. */
wg_status wg__in_whole(wg_in *in, char **text, wg_error *error);
bool wg__in_same(const wg_in *in, const char *path); /* path still leads to this very file */
void wg__in_close(wg_in *in);
/* Whether a file beside may be called so: a name and nothing of a path. */
bool wg__beside_name(const char *name);

/* A file being written aside, or memory. Either way wg__out_put reports once, at the end. */
typedef struct {
    const wg_place *place; /* NULL: memory */
    int fd;
    bool aside; /* under a temporary name */
    char temporary[300];
    int fault;       /* errno of the first failure; 0: none */
    char *text;      /* memory */
    int64_t n, cap;  /* n: bytes put */
    wg_checksum sum; /* of them */
} wg_out;

wg_status wg__out_file(wg_out *o, const wg_place *p, wg_error *error);
void wg__out_memory(wg_out *o);
void wg__out_put(wg_out *o, const void *data, size_t n);
/* Brings it to the disk under `name`; on an error nothing has changed. */
wg_status wg__out_commit(wg_out *o, const char *name, wg_error *error);
void wg__out_drop(wg_out *o); /* after a commit nothing is left to drop */

wg_status wg__place_sync(const wg_place *p, wg_error *error);
/* Whether `name` may be replaced: absent, a regular file or a link. */
wg_status wg__place_free(const wg_place *p, const char *name, wg_error *error);
/* Replaces the link `name`: it leads to `target` of the same folder. */
wg_status wg__place_link(const wg_place *p, const char *name, const char *target, wg_error *error);
/* Removes temporary files that killed writers of p's name left. */
void wg__place_tidy(const wg_place *p);
/* Removes weights files of earlier saves of p's name, other than `keep` (NULL: all, and the link to
 * them), that no JSON file of the folder names. What cannot be told or removed stays. */
void wg__place_sweep(const wg_place *p, const char *keep);

enum { WG_WEIGHTS_NAME = 300 };
/* "STEM-0123456789abcdef.safetensors" */
void wg__weights_name(char name[WG_WEIGHTS_NAME], const char *stem, uint64_t sum);
/* "fashion" of "fashion.json" */
void wg__stem(char stem[256], const char *base);

/* ---- json.c: reading, through jansson ---- */

typedef struct wg_json wg_json;

typedef enum {
    WG_JSON_NULL,
    WG_JSON_BOOL,
    WG_JSON_INT,
    WG_JSON_REAL,
    WG_JSON_TEXT,
    WG_JSON_LIST,
    WG_JSON_OBJECT
} wg_json_kind;

wg_json *wg__json_parse(const char *text, size_t n, const char *file,
                        wg_error *error); /* NULL on error */
void wg__json_free(wg_json *v);
wg_json *wg__json_keep(const wg_json *v); /* another owner */
wg_json_kind wg__json_kind(const wg_json *v);
const char *wg__json_what(const wg_json *v); /* "a string"; for NULL "missing" */
int64_t wg__json_count(const wg_json *v);    /* items of a list, members of an object; else 0 */
const wg_json *wg__json_at(const wg_json *v, int64_t i);
const wg_json *wg__json_get(const wg_json *v,
                            const char *key); /* NULL: absent, or v is no object */
const char *wg__json_text(const wg_json *v);  /* NULL: no string */
bool wg__json_int(const wg_json *v, int64_t *out);
bool wg__json_number(const wg_json *v, double *out); /* integer or real */
bool wg__json_bool(const wg_json *v, bool *out);

/* Members in the order of the text: start with { .object = v }. */
typedef struct {
    const wg_json *object;
    void *at;
    const char *key;
    const wg_json *value;
} wg_json_walk;
bool wg__json_next(wg_json_walk *w);

/* ---- json_cut.c: a look over a text, and a program's nodes in pieces ---- */

/* Where a node's text and its list of operands lie. */
struct wg_json_cut {
    uint32_t begin, end, open, close;
    int32_t frame; /* what it says beside its operands */
};

/* The list of the root's member `nodes`, if the text is valid. */
typedef struct {
    uint32_t open, close; /* its brackets; close 0: none */
    struct wg_json_cut *node;
    int64_t n, cap;
    bool no_memory;
} wg_json_cuts;

/* What a look over a text tells before it is parsed. */
typedef struct {
    int deep_line;  /* on which nesting exceeds the bound; 0: nowhere. Parsers recurse */
    int zero_line;  /* that holds the character 0, which jansson takes for the end; 0: none */
    size_t longest; /* no token has more bytes */
    int more_line,
        more_column;   /* where something follows the end of the first list or object; 0: nowhere */
    int lines, column; /* of the end */
} wg_survey;

/* cuts: filled; NULL: not wanted. */
wg_survey wg__json_survey(const char *text, size_t n, wg_json_cuts *cuts);

/* The nodes of a program that is read in pieces. */
typedef struct {
    const char *text; /* borrowed; NULL: the nodes are in the tree */
    wg_json_cuts cuts;
    struct wg_json_frame {
        int64_t node; /* the first that has it */
        wg_json *v;
    } * frame;
    int64_t n_frames, cap;
    wg_hash frames;
    wg_json *lists; /* of operands: of n nodes from `first` on */
    int64_t first, n;
} wg_json_nodes;

/*
 * As wg__json_parse. Where it can, it leaves the list `nodes` of the tree empty, and *p has the
 * nodes. Only after the last of them the text is known to be valid. p is to be freed either way.
 */
wg_json *wg__json_parse_but(const char *text, size_t n, wg_json_nodes *p, const char *file,
                            wg_error *error);
void wg__json_nodes_free(wg_json_nodes *p);

typedef struct {
    const wg_json *v, *in; /* the node but for its operands, and those */
    int32_t frame;         /* nodes of one frame have one v; numbered in the order they come up */
} wg_json_node;

/* Node i, to be asked for in order; `in` lives until the next. Errors say nothing of the place. */
wg_status wg__json_node(wg_json_nodes *p, int64_t i, wg_json_node *node, const char *file,
                        wg_error *error);

/* ---- json_write.c: text ---- */

typedef struct {
    char *text;
    int64_t n, cap;
    bool no_memory;
    const char *bad_text; /* the first string that is not UTF-8; borrowed */
} wg_text;

void wg__put(wg_text *t, const char *s);
void wg__putn(wg_text *t, const char *s, size_t n);
void wg__put_string(wg_text *t, const char *s);
void wg__put_int(wg_text *t, int64_t v);
void wg__put_f64(wg_text *t, double v);  /* a number, or "nan", "inf", "-inf" */
void wg__put_real(wg_text *t, double v); /* finite, and such that it reads as a real number again */
void wg__put_shape(wg_text *t, const wg_shape *s);
void wg__put_elements(wg_text *t, const wg_array *a); /* [1, 2.5, "nan"] */
void wg__put_value(wg_text *t, const wg_json *v);     /* json.c: a value that was read, as it is */
/* Ends the text; *text is the caller's. On an error nothing is left. */
wg_status wg__text_end(wg_text *t, const char *file, char **text, size_t *n, wg_error *error);

/* ---- json_attr.c: attributes and elements through JSON ---- */

void wg__put_attr(wg_text *t, const wg_field *fields, const void *attr);

/* Why something that was read does not do. */
typedef struct {
    wg_status code;
    char text[160];
} wg_misfit;
bool wg__misfit(wg_misfit *m, wg_status code, const char *fmt, ...) WG_PRINTF(3, 4); /* false */

/* Fills attr (of the record's size, cleared) from an object; lists and elements lie in scratch,
 * strings in v. */
bool wg__read_attr(const wg_json *v, const wg_field *fields, wg_arena *scratch, void *attr,
                   wg_misfit *m);
bool wg__read_dtype(const wg_json *v, const char *what, wg_dtype *out, wg_misfit *m);
bool wg__read_extents(const wg_json *v, const char *what, wg_shape *out, wg_misfit *m);
/* A list of exactly the elements of `type`. */
bool wg__read_elements(const wg_json *v, const wg_type *type, void *out, wg_misfit *m);

/* ---- tensors.c: safetensors ---- */

typedef struct wg_tensors {
    wg_in *in;
    wg_json *header;
    int64_t n;
    struct wg_held {
        const char *name; /* the header's */
        wg_type type;
        int64_t begin, end;
    } * item; /* in the order of the file */
    wg_table names;
    wg_checksum sum; /* of what was read */
} wg_tensors;

/* Reads and checks the header: after it every extent fits the file. */
wg_status wg__tensors_open(wg_tensors *t, wg_in *in, wg_error *error);
void wg__tensors_close(wg_tensors *t);
/* Reads all elements in one pass: item i to to[i], or nowhere where that is NULL. */
wg_status wg__tensors_read(wg_tensors *t, void *const *to, wg_error *error);
/* Writes n entries. */
wg_status wg__tensors_write(wg_out *o, int64_t n, const wg_param *const *entry, const char *file,
                            wg_error *error);

/* ---- json_graph.c, json_load.c: the graph ---- */

/* What of a program is saved. */
typedef struct {
    const wg_graph *g;
    const wg_params *w; /* NULL: none */
    int n_functions;
    int *function;
    wg_tensor **order; /* every entry reached, in the order of the file */
    int64_t n;
    int32_t *place;           /* by tape id: position in order; -1: not reached */
    const wg_param **entry;   /* the store's entries that go along, by name */
    int64_t n_entries, bytes; /* bytes: of all their elements */
} wg_saved;

wg_status wg__saved_open(wg_saved *s, const wg_graph *g, const wg_params *w, const char *function,
                         const char *file, wg_error *error);
void wg__saved_close(wg_saved *s);

/* The weights file a JSON text names. */
typedef struct {
    const char *file; /* borrowed */
    int64_t bytes;
    uint64_t sum;
} wg_weights;

/* weights NULL: elements inline. Failures of memory and of text are the text's own. */
wg_status wg__put_program(wg_text *t, const wg_saved *s, const wg_save_options *options,
                          const wg_weights *weights, wg_error *error);

/* Metadata whose values are JSON text, and which are saved as objects of their own. */
#define WG_META_SCHEDULERS "wengert.schedulers"
#define WG_META_EXTENSIONS "wengert.extensions"

/* A program being read. */
typedef struct {
    const char *file; /* for messages */
    const wg_load_options *options;
    wg_json *root;
    wg_json_nodes nodes;
    wg_graph *graph;
    wg_params *params;
    wg_weights weights; /* file NULL: elements are inline */
} wg_loading;

wg_status wg__load_graph(wg_loading *l, wg_error *error); /* root, graph, weights */
/* The store's layout, and its elements where they are inline; t: the open weights file, or NULL. */
wg_status wg__load_store(wg_loading *l, const wg_tensors *t, wg_error *error);

/* Whether the store has what these entries read and these functions (NULL: all) update. */
wg_status wg__params_fit(const wg_graph *g, int64_t n, wg_tensor *const *node, int n_functions,
                         const int *function, const wg_params *w, const char *file,
                         wg_error *error);

#endif
