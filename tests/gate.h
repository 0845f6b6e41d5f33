/*
 * gate.h: every allocation of a job fails in turn. The job does its work and undoes it; whatever it
 * leaves behind, or an error other than out of memory, is a failure.
 */
#ifndef GATE_H
#define GATE_H

#include "harness.h"

static struct {
    bool watching;
    int64_t count, stop;
    int64_t live; /* blocks taken and not given back while watching */
} gate;

static inline void *gate_alloc(void *data, size_t bytes)
{
    void *p = gate.watching && ++gate.count == gate.stop ? NULL : malloc(bytes);

    (void)data;
    gate.live += gate.watching && p;
    return p;
}

static inline void gate_release(void *data, void *p, size_t bytes)
{
    (void)data, (void)bytes;
    gate.live -= gate.watching && p;
    free(p);
}

typedef wg_status gate_job(void *arg, wg_error *error);

static inline void gate_every_allocation(gate_job *job, void *arg, const char *name)
{
    static const wg_allocator allocator = { gate_alloc, gate_release, NULL };
    int64_t refused = 0, stop;

    wg_set_allocator(&allocator);
    for (stop = 1; stop < 10000; stop++) {
        wg_error error = { WG_OK, NULL, NULL, "", "" };
        wg_status status;

        memset(&gate, 0, sizeof gate);
        gate.stop = stop;
        gate.watching = true;
        status = job(arg, &error);
        gate.watching = false;
        if (!harness_check(gate.live == 0, __FILE__, __LINE__, "%s: %d blocks left after %d", name,
                           (int)gate.live, (int)stop))
            break;
        if (gate.count < stop) {
            harness_check(status == WG_OK, __FILE__, __LINE__, "%s: %s without a refusal", name,
                          error.text);
            break;
        }
        refused += status != WG_OK;
        if (!harness_check(status == WG_OK || (status == WG_ENOMEM && error.text[0]), __FILE__,
                           __LINE__, "%s: allocation %d refused: %s \"%s\"", name, (int)stop,
                           wg_status_name(status), error.text))
            break;
    }
    wg_set_allocator(NULL);
    harness_check(refused > 0 && stop < 10000, __FILE__, __LINE__, "%s: %d allocations, %d refused",
                  name, (int)gate.count, (int)refused);
}

#endif
