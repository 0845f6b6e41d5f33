/* program.h: a saved program, and values to run it on. */
#ifndef WENGERT_TOOLS_PROGRAM_H
#define WENGERT_TOOLS_PROGRAM_H

#include <jansson.h>
#include <wengert.h>
#include <wengert/op.h>

#include "options.h"

typedef struct {
    const char *command, *path; /* for messages */
    wg_graph *graph;
    wg_params *params;
    json_t *sites; /* call sites of the entries, when the file has them */
} program;

/** Loads a saved program; says what is wrong otherwise. Returns the exit status; free it in any
 * case. */
int program_load(program *p, const char *command, const char *path);

void program_free(program *p);

/** "model.c:42" of an entry, or NULL. */
const char *program_site(const program *p, const wg_tensor *t);

/** The function called `name`; NULL: the first of that mode, else the first of all. -1 after a
 * message when there is none. */
int program_function(const program *p, const char *name, wg_mode mode);

/** The one-element real output called `loss` (NULL: the first there is) of the function called
 * `name` (NULL: of any). NULL after a message. *f becomes its function. */
wg_tensor *program_loss(const program *p, const char *name, const char *loss, int *f);

#endif
