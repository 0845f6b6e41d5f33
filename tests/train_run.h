/* train_run.h: what the tests of the training kit share: trainers over worlds, folders, stores
 * compared. */
#ifndef TRAIN_RUN_H
#define TRAIN_RUN_H

#include <dirent.h>
#include <sys/stat.h>

#include "harness.h"
#include "temp.h"
#include "train_world.h"

/* The library's calls come here too: nothing of this program need outlive the machine. */
int fsync(int fd)
{
    return fd >= 0 ? 0 : -1;
}

static inline wg_train *trainer(world *o, const wg_train_options *options)
{
    wg_error error = { WG_OK, NULL, NULL, "", "" };
    wg_train *t = wg_train_new(o->g, o->w, options, &error);

    NO_ERROR(&error);
    return t;
}

static inline void run_to(wg_train *t, wg_train_end end)
{
    wg_error error = { WG_OK, NULL, NULL, "", "" };

    EQ_INT(wg_train_run(t, &error), WG_OK);
    NO_ERROR(&error);
    EQ_INT(wg_train_state_of(t)->end, end);
}

static inline void same_store(const wg_params *a, const wg_params *b)
{
    for (int i = 0; i < wg_params_count(b); i++) {
        const wg_param *want = wg_params_at(b, i), *got = wg_params_find(a, want->name);

        SAME_BITS(got->value.data, want->value.data, wg_type_bytes(&want->value.type));
    }
}

static inline bool differ(const wg_params *a, const wg_params *b)
{
    for (int i = 0; i < wg_params_count(b); i++) {
        const wg_param *x = wg_params_at(a, i), *y = wg_params_at(b, i);

        if (memcmp(x->value.data, y->value.data, (size_t)wg_type_bytes(&y->value.type)) != 0)
            return true;
    }
    return false;
}

static inline const char *folder(void)
{
    static char path[128];
    static int n;

    snprintf(path, sizeof path, "%s/run%d", temp_dir(), n++);
    return path;
}

static inline int count_files(const char *in, const char *end)
{
    DIR *d = opendir(in);
    int n = 0;

    for (struct dirent *e; d && (e = readdir(d));) {
        size_t length = strlen(e->d_name), tail = strlen(end);

        n += e->d_name[0] != '.' && length >= tail && strcmp(e->d_name + length - tail, end) == 0;
    }
    if (d) closedir(d);
    return n;
}

#endif
