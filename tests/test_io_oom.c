/*
 * test_io_oom.c: every allocation of saving and loading fails in turn, jansson's among them. An error is reported, nothing leaks, the store and the files stay as they were.
 */
#include <errno.h>
#include <jansson.h>
#include <wengert.h>

#include "graph/internal.h"
#include "saved.h"

/* ---- memory that ends ---- */

static struct {
    bool watching;
    int64_t count, stop;
    int64_t live; /* blocks taken and not given back while watching */
} gate;

static void *limited_malloc(size_t bytes)
{
    void *p = gate.watching && ++gate.count == gate.stop ? NULL : malloc(bytes);

    if (!p) errno = ENOMEM;
    gate.live += gate.watching && p;
    return p;
}

static void limited_free(void *p)
{
    gate.live -= gate.watching && p;
    free(p);
}

static void *gate_alloc(void *data, size_t bytes)
{
    (void)data;
    return limited_malloc(bytes);
}

static void gate_release(void *data, void *p, size_t bytes)
{
    (void)data, (void)bytes;
    limited_free(p);
}

/* Both the library's gate and jansson's, which is the program's to set. */
static void install(void)
{
    static const wg_allocator allocator = { gate_alloc, gate_release, NULL };

    wg_set_allocator(&allocator);
    json_set_alloc_funcs(limited_malloc, limited_free);
}

/* ---- one job at a time ---- */

struct things {
    wg_params *w, *other;
    wg_graph *g;
    char *text;
    size_t n;
    void *data;
    size_t bytes;
    char path[300];
};

/* Does its work and undoes it; the status of the work. */
typedef wg_status job_fn(struct things *t, wg_error *error);

static wg_status saves_text(struct things *t, wg_error *error)
{
    char *text;
    size_t n;
    wg_status status = wg_save_text(t->g, t->w, NULL, &text, &n, error);

    CHECK((status == WG_OK) == (text != NULL));
    wg_free(text);
    return status;
}

static wg_status loads_text(struct things *t, wg_error *error)
{
    wg_program p;
    wg_status status = wg_load_text(t->text, t->n, NULL, &p, error);

    CHECK((status == WG_OK) == (p.graph != NULL) && (status == WG_OK) == (p.params != NULL));
    wg_program_free(&p);
    return status;
}

static wg_status saves_buffer(struct things *t, wg_error *error)
{
    void *data;
    size_t n;
    wg_status status = wg_params_save_buffer(t->w, NULL, &data, &n, error);

    CHECK((status == WG_OK) == (data != NULL));
    wg_free(data);
    return status;
}

static wg_status loads_buffer(struct things *t, wg_error *error)
{
    wg_status status;

    memset(wg_params_find(t->other, "A")->value.data, 0, EXTENT * 4);
    status =
        wg_params_load_buffer(t->data, t->bytes, t->other, WG_LOAD_STRICT, NULL, NULL, NULL, error);
    CHECK(((float *)wg_params_find(t->other, "A")->value.data)[EXTENT - 1] == (status == WG_OK));
    return status;
}

static wg_status saves_file(struct things *t, wg_error *error)
{
    return wg_save(t->path, t->g, t->w, NULL, error);
}

static wg_status loads_file(struct things *t, wg_error *error)
{
    wg_program p;
    wg_status status = wg_load(t->path, NULL, &p, error);

    wg_program_free(&p);
    return status;
}

static void every_allocation_fails(job_fn *job, struct things *t, const char *name)
{
    int64_t refused = 0, stop;

    /* One by one at first; thousands of elements are then all alike. */
    for (stop = 1; stop < 100000; stop += stop < 400 ? 1 : 97) {
        wg_error error = { 0 };
        size_t live = wg__live_bytes();
        wg_status status;

        memset(&gate, 0, sizeof gate);
        gate.stop = stop;
        gate.watching = true;
        status = job(t, &error);
        gate.watching = false;
        /* What is not counted as an assert is quick enough to look at each time. */
        if (wg__live_bytes() != live || gate.live > 0 ||
            (status != WG_OK && (status != WG_ENOMEM || !strstr(error.text, "memory")))) {
            wg_error_print(&error, stderr);
            harness_check(false, name, (int)stop, "%s, %zu bytes, %d blocks left",
                          wg_status_name(status), wg__live_bytes() - live, (int)gate.live);
            return;
        }
        refused += status != WG_OK;
        if (gate.count < stop) break;
    }
    fprintf(stderr, "%s: %d allocations, %d refused\n", name, (int)gate.count, (int)refused);
    CHECK(refused > 2 && stop < 100000);
}

static struct things things(void)
{
    struct things t = { .w = store_of(1), .other = store_of(0) };

    t.g = graph_of(1, t.w);
    snprintf(t.path, sizeof t.path, "%s/m.json", folder());
    wg_save_text(t.g, t.w, NULL, &t.text, &t.n, NULL);
    wg_params_save_buffer(t.w, NULL, &t.data, &t.bytes, NULL);
    return t;
}

static void things_free(struct things *t)
{
    wg_free(t->text);
    wg_free(t->data);
    wg_graph_free(t->g);
    wg_params_free(t->w);
    wg_params_free(t->other);
}

static void text(void)
{
    struct things t;

    install();
    t = things();
    every_allocation_fails(saves_text, &t, "save_text");
    every_allocation_fails(loads_text, &t, "load_text");
    things_free(&t);
}

static void buffers(void)
{
    struct things t;

    install();
    t = things();

    every_allocation_fails(saves_buffer, &t, "save_buffer");
    every_allocation_fails(loads_buffer, &t, "load_buffer");
    things_free(&t);
}

static void files(void)
{
    struct things t;

    install();
    t = things();

    CHECK(save_step(t.path, 1, 0, NULL) == WG_OK);
    every_allocation_fails(saves_file, &t, "save");
    EQ_INT(loaded_step(t.path, NULL), 1);
    every_allocation_fails(loads_file, &t, "load");
    EQ_INT(count_names(".", ".tmp"), 0);
    things_free(&t);
}

TESTS(TEST(text), TEST(buffers), TEST(files))
