/* output.h: what a command writes: errors on stderr, results whole or not at all. */
#ifndef WENGERT_TOOLS_OUTPUT_H
#define WENGERT_TOOLS_OUTPUT_H

#include <jansson.h>
#include <stdio.h>
#include <wengert.h>

#include "escape.h"

/* Exit statuses: what scripts may rely on. */
enum {
    EXIT_GOOD = 0,
    EXIT_NEGATIVE = 1, /* the command did its work, and the answer is no */
    EXIT_USAGE = 2,    /* the command line is wrong */
    EXIT_TROUBLE = 3   /* a file, its data, or a run */
};

/** Writes "wengert NAME: text" and, unless NULL, a line that says what to do next. Returns
 * EXIT_TROUBLE. */
int trouble(const char *command, const char *hint, const char *fmt, ...) WG_PRINTF(3, 4);

/** The same for a mistake on the command line. Returns EXIT_USAGE. */
int misuse(const char *command, const char *hint, const char *fmt, ...) WG_PRINTF(3, 4);

/** The same with what the library said. Returns EXIT_TROUBLE. */
int trouble_of(const char *command, const char *hint, const wg_error *error);

/* Text on its way to a file: gathered in memory, written aside and renamed at the end, so that what
 * stood there before is lost only once all of the new text is there. */
typedef struct {
    const char *path; /* NULL or "-": standard output */
    FILE *to;
    char *text;
    size_t length;
} output;

/** false when out of memory. Close it in any case. */
bool output_open(output *o, const char *path);

/** Writes what was gathered, unless `status` says that the command failed already. Returns the exit
 * status of the command. */
int output_close(output *o, const char *command, int status);

/** Writes a JSON value to standard output, indented, and drops it. NULL: out of memory. Returns the
 * exit status. */
int put_json(const char *command, json_t *value);

/** Whether everything written to standard output got there. Returns the exit status. */
int output_finish(const char *command, int status);

/** A number for JSON: null where it is not finite. */
json_t *json_number(double v);

#endif
