/* whole.h: a program's text read with all its nodes in one tree, as a reference for pieces. */
#ifndef WHOLE_H
#define WHOLE_H

#include <wengert.h>

#include "graph/internal.h"
#include "graph/program.h"

/* As wg_load_text. */
static inline wg_status load_whole(const char *text, size_t n, wg_program *program, wg_error *error)
{
    static const wg_load_options defaults;
    wg_error own = { .code = WG_OK };
    wg_loading l = { .file = "text", .options = &defaults };

    l.root = wg__json_parse(text, n, "text", &own);
    if (l.root && wg__load_graph(&l, &own) == WG_OK && l.weights.file)
        wg__io_fail(&own, WG_EFORMAT, "text", "its weights lie in \"%s\", which has no folder here",
                    WG_SHOW(l.weights.file));
    else if (own.code == WG_OK) wg__load_store(&l, NULL, &own);
    *program = (wg_program){ l.graph, l.params };
    if (own.code != WG_OK) wg_program_free(program);
    wg__json_free(l.root);
    *error = own;
    return own.code;
}

#endif
