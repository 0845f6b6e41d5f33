/* temp.h: a folder of a test program's own, removed when it ends. */
#ifndef TEMP_H
#define TEMP_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char temp_folder[64];

static inline int temp_remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

static inline void temp_remove(void)
{
    nftw(temp_folder, temp_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The folder's path, made at the first call. Ends the program when there is no place for it. */
static inline const char *temp_dir(void)
{
    if (temp_folder[0]) return temp_folder;
    snprintf(temp_folder, sizeof temp_folder, "/tmp/wengert-test-XXXXXX");
    if (!mkdtemp(temp_folder)) {
        perror(temp_folder);
        exit(1);
    }
    atexit(temp_remove);
    return temp_folder;
}

/* Goes there, so that messages show short names. */
static inline void temp_enter(void)
{
    if (chdir(temp_dir()) != 0) {
        perror(temp_folder);
        exit(1);
    }
}

#endif
