/* program.c: see program.h. */
#include "program.h"

#include <stdlib.h>
#include <string.h>

#include "output.h"

/* Loading ignores call sites: they are for people, and live as long as this object. */
static void read_sites(program *p)
{
    json_t *file = json_load_file(p->path, 0, NULL), *debug = json_object_get(file, "debug");
    json_t *sites = json_object_get(debug, "sites");

    if (json_is_array(sites) && (int64_t)json_array_size(sites) == wg_graph_count(p->graph))
        p->sites = json_incref(sites);
    json_decref(file);
}

int program_load(program *p, const char *command, const char *path)
{
    wg_error error = { .code = WG_OK };
    wg_program loaded;

    *p = (program){ .command = command, .path = path };
    if (wg_load(path, NULL, &loaded, &error) != WG_OK)
        return trouble_of(command,
                          error.code == WG_EIO ? "name a program that wg_save wrote"
                                               : "the file is damaged or no program; save it "
                                                 "again, or take an older copy",
                          &error);
    p->graph = loaded.graph;
    p->params = loaded.params;
    read_sites(p);
    return EXIT_GOOD;
}

void program_free(program *p)
{
    wg_program_free(&(wg_program){ p->graph, p->params });
    json_decref(p->sites);
    *p = (program){ 0 };
}

const char *program_site(const program *p, const wg_tensor *t)
{
    const char *site = wg_tensor_site(t);

    if (site || !p->sites) return site;
    return json_string_value(json_array_get(p->sites, (size_t)wg_tensor_id(t)));
}

/* ---- functions ---- */

static const char *function_name(const void *arg, int k)
{
    return wg_function_name(arg, k);
}

int program_function(const program *p, const char *name, wg_mode mode)
{
    int n = wg_function_count(p->graph), f;
    const char *near;

    if (!name) {
        for (f = 0; f < n; f++)
            if (wg_function_mode(p->graph, f) == mode) return f;
        return 0;
    }
    f = wg_function_find(p->graph, name);
    if (f >= 0) return f;
    near = nearest_name(name, n, function_name, p->graph);
    trouble(p->command, "`wengert show` lists the functions", "%s has no function \"%s\"%s%s%s",
            p->path, name, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    return -1;
}

static bool may_be_loss(const wg_tensor *t)
{
    const wg_type *type = wg_tensor_type(t);

    return wg_dtype_is_real(type->dtype) && wg_shape_count(&type->shape) == 1;
}

wg_tensor *program_loss(const program *p, const char *name, const char *loss, int *f)
{
    int first = 0, last = wg_function_count(p->graph);

    if (name) {
        first = program_function(p, name, WG_TRAIN);
        if (first < 0) return NULL;
        last = first + 1;
    }
    for (*f = first; *f < last; ++*f)
        for (int i = 0; i < wg_function_n_outputs(p->graph, *f); i++) {
            wg_tensor *t = wg_function_output(p->graph, *f, i);

            if (loss && strcmp(wg_function_output_name(p->graph, *f, i), loss) != 0) continue;
            /* Of several that would do, a sum is likelier meant than a batch of one. */
            if (may_be_loss(t) && (loss || wg_rank(t) == 0)) return t;
        }
    for (*f = first; !loss && *f < last; ++*f)
        for (int i = 0; i < wg_function_n_outputs(p->graph, *f); i++)
            if (may_be_loss(wg_function_output(p->graph, *f, i)))
                return wg_function_output(p->graph, *f, i);
    trouble(p->command, "`wengert show` lists the outputs",
            loss ? "%s has no output \"%s\" of one real element"
                 : "%s has no output of one real element%s to take as the loss",
            p->path, loss ? loss : "");
    return NULL;
}
