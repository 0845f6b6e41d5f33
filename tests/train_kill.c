/*
 * train_kill.c: no test of its own: a training run to be killed and started again, as often as
 * wanted. With early stopping, validation and a schedule, a checkpoint every third step; the
 * trained program goes to FOLDER/end.json, the log to FOLDER.jsonl.
 *     train_kill FOLDER HIDDEN
 */
#include <stdio.h>

#include "train_world.h"

int main(int argc, char **argv)
{
    static world o;
    wg_error error = { WG_OK, NULL, NULL, "", "" };
    char path[600], log[600];
    wg_train_options options;
    wg_train *t;

    if (argc != 3) return 2;
    snprintf(path, sizeof path, "%s/end.json", argv[1]);
    snprintf(log, sizeof log, "%s.jsonl", argv[1]);
    world_open(&o, atoi(argv[2]),
               "Adam(lr=0.05, lr_scheduler=CosineScheduler(initial_lr=0.05, "
               "total_steps=60), accumulate=2)");
    options = world_options(&o);
    options.epochs = 7;
    options.validation_split = 0.3;
    options.patience = 5;
    options.min_delta = 1e-4;
    options.folder = argv[1];
    options.every_steps = 3;
    options.keep = 2;
    options.resume = true;
    options.log = log;
    t = wg_train_new(o.g, o.w, &options, &error);
    if (t && wg_train_run(t, &error) == WG_OK) wg_save(path, o.g, o.w, NULL, &error);
    wg_train_free(t);
    world_close(&o);
    if (error.code == WG_OK) return 0;
    wg_error_print(&error, stderr);
    return 1;
}
