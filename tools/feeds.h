/* feeds.h: values for the inputs of a function, from files or drawn. */
#ifndef WENGERT_TOOLS_FEEDS_H
#define WENGERT_TOOLS_FEEDS_H

#include "program.h"

/* Members of the options of every command that runs something. */
typedef struct {
    text_list feed;  /* "x=FILE" */
    text_list scale; /* "x=0.5" */
    int64_t batch;   /* examples to draw, most to take from files; 0: as recorded, all */
    int64_t seed;
    const char *draw; /* "normal" or "uniform" */
    bool nan;
} feed_options;

#define FEED_FILE_OPTIONS(T, m)                                                                    \
    OPT(T, m.feed, OPTION_MANY, 0, "feed", "NAME=FILE", NULL,                                      \
        "values of an input: npy, idx or CSV, plain or gzip; once for each input"),                \
        OPT(T, m.scale, OPTION_MANY, 0, "scale", "NAME=NUMBER", NULL,                              \
            "what the values of that file are multiplied by"),                                     \
        OPT_FLAG(T, m.nan, 0, "allow-nan", "NaN and infinities in files are values, not mistakes")

#define FEED_DRAW_OPTIONS(T, m)                                                                    \
    OPT_RANGE(T, m.batch, OPTION_WHOLE, "batch", "N", NULL,                                        \
              "examples to draw, or to take from the beginning of files", 1, 1e9),                 \
        OPT_RANGE(T, m.seed, OPTION_WHOLE, "seed", "N", "1", "of what is drawn", 0, 9e15),         \
        OPT(T, m.draw, OPTION_CHOICE, 0, "draw", "normal|uniform", "normal",                       \
            "real numbers: standard normal, or uniform in [0, 1); whole ones are legal indices")

typedef struct {
    int n;
    wg_feed *feed;        /* names are the graph's, values are owned */
    bool *is_drawn;       /* of each: drawn, not read */
    int drawn;            /* so many of them were drawn, not read */
    int64_t examples, of; /* of files with more examples than were wanted: taken, there; else 0 */
} feeds;

/** Values for every input of function f: from files where given, else drawn, unless draw is false
 * and then an error. Returns the exit status; free it in any case. */
int feeds_make(feeds *fd, const program *p, int f, const feed_options *o, bool draw);

/** Drops those that t does not depend on. Returns the exit status. */
int feeds_keep(feeds *fd, const program *p, wg_tensor *t);

void feeds_free(feeds *fd);

/** Feeds a plan. Returns the exit status. */
int feeds_give(const feeds *fd, const program *p, wg_plan *plan);

/** Says of how many examples the files' first ones were taken; nothing when it was all of them. */
void feeds_say(const feeds *fd, FILE *to);

/** Splits "NAME=VALUE"; name has room for `size` bytes. NULL after a message, else the value. */
const char *split_pair(const char *command, const char *option_name, const char *pair, char *name,
                       size_t size);

#endif
