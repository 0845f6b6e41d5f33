/*
 * train_keep.c: checkpoints in a folder. One is a whole program, FOLDER/NAME-STEP.json with its
 * weights, and the state of the run in its metadata: the rename of the JSON commits all of it at
 * once. The best weights so far lie beside as NAME-best-EPOCH.safetensors, written before the
 * checkpoint that speaks of them.
 */
#define _XOPEN_SOURCE 700
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "train_impl.h"
#include "wengert/io.h"

enum { PATH = 4096, DIGITS = 9, KEPT_MOST = 1000 };

static wg_status made_path(const wg_train *t, char path[PATH], const char *middle, int64_t number,
                           const char *end, wg_error *error)
{
    int n = snprintf(path, PATH, "%s/%s-%s%0*lld%s", t->o.folder, t->o.checkpoint, middle, DIGITS,
                     (long long)number, end);

    if (n < PATH) return WG_OK;
    return wg_fail(error, WG_EIO, "wg_train", "the path of the checkpoints is too long");
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* ---- what lies in the folder ---- */

/* The number of NAME-[middle]NUMBER, and what follows it; -1: another file. */
static int64_t number_of(const wg_train *t, const char *file, const char *middle, const char **rest)
{
    size_t n = strlen(t->o.checkpoint), m = strlen(middle);
    int64_t v = 0;
    int digits = 0;

    if (strncmp(file, t->o.checkpoint, n) != 0 || file[n] != '-') return -1;
    file += n + 1;
    if (strncmp(file, middle, m) != 0) return -1;
    for (file += m; isdigit((unsigned char)*file) && digits < 18; file++, digits++)
        v = 10 * v + (*file - '0');
    *rest = file;
    return digits >= DIGITS ? v : -1;
}

/* Weights of a checkpoint, or the link to them: "" or "-0123456789abcdef" before the ending. */
static bool is_weights(const char *rest)
{
    if (rest[0] == '-' && strspn(rest + 1, "0123456789abcdef") == 16) rest += 17;
    return strcmp(rest, ".safetensors") == 0;
}

/* The greatest numbers not above `most`, falling; how many there are, at most `room`. end NULL:
 * checkpoints, which are JSON. */
static int list_numbers(const wg_train *t, const char *middle, const char *end, int64_t most,
                        int room, int64_t *number)
{
    DIR *folder = opendir(t->o.folder);
    int n = 0;

    for (struct dirent *d; folder && (d = readdir(folder));) {
        const char *rest = "";
        int64_t v = number_of(t, d->d_name, middle, &rest);
        int at = n;

        if (v < 0 || v > most || strcmp(rest, end) != 0) continue;
        while (at > 0 && number[at - 1] < v) at--;
        if (at == room) continue;
        if (n < room) n++;
        memmove(number + at + 1, number + at, (size_t)(n - 1 - at) * sizeof *number);
        number[at] = v;
    }
    if (folder) closedir(folder);
    return n;
}

static bool among(int64_t v, int n, const int64_t *number)
{
    for (int i = 0; i < n; i++)
        if (number[i] == v) return true;
    return false;
}

/* What a process that was killed between the commit of a checkpoint and its tidying left behind:
 * .NAME-NUMBER.tmp-..., .NAME-best-NUMBER.tmp-... */
static bool is_leftover(const wg_train *t, const char *file)
{
    const char *rest = "";
    int64_t v;

    if (file[0] != '.') return false;
    v = number_of(t, file + 1, "", &rest);
    if (v >= 0 && v <= t->s.step && strncmp(rest, ".tmp-", 5) == 0) return true;
    v = number_of(t, file + 1, "best-", &rest);
    return v >= 0 && v <= t->s.best_epoch && strncmp(rest, ".tmp-", 5) == 0;
}

/* Older checkpoints go, the JSON first: one without its weights is never met. Those with a greater
 * number than the newest are not this run's to remove. */
static void prune(const wg_train *t)
{
    int64_t kept[KEPT_MOST], best[KEPT_MOST];
    int n = list_numbers(t, "", ".json", t->s.step, (int)t->o.keep, kept);
    int m = list_numbers(t, "best-", ".safetensors", t->s.best_epoch, (int)t->o.keep, best);

    for (int json = 1; json >= 0; json--) {
        DIR *folder = opendir(t->o.folder);

        for (struct dirent *d; folder && (d = readdir(folder));) {
            const char *rest = "";
            int64_t v = number_of(t, d->d_name, "", &rest);
            bool old = v >= 0 && v <= t->s.step && !among(v, n, kept) &&
                       (json ? strcmp(rest, ".json") == 0 : is_weights(rest));

            if (!json && !old) {
                v = number_of(t, d->d_name, "best-", &rest);
                old = v >= 0 && v <= t->s.best_epoch && !among(v, m, best) &&
                      strcmp(rest, ".safetensors") == 0;
            }
            if (old || is_leftover(t, d->d_name)) unlinkat(dirfd(folder), d->d_name, 0);
        }
        if (folder) closedir(folder);
    }
}

/* ---- saving ---- */

static bool is_finite(const wg_array *a)
{
    int64_t n = wg_shape_count(&a->type.shape);

    if (a->type.dtype == WG_F32) {
        for (int64_t i = 0; i < n; i++)
            if (!isfinite(((const float *)a->data)[i])) return false;
    } else if (a->type.dtype == WG_F64) {
        for (int64_t i = 0; i < n; i++)
            if (!isfinite(((const double *)a->data)[i])) return false;
    }
    return true;
}

/* A checkpoint shall be one to go on from: the loss of the last step was made before its update. */
static wg_status check_weights(const wg_train *t, wg_error *error)
{
    for (int i = 0; i < wg_params_count(t->w); i++) {
        const wg_param *p = wg_params_at(t->w, i);

        if (!p->trainable || is_finite(&p->value)) continue;
        return wg_fail(error, WG_ENONFINITE, "wg_train_save",
                       "entry \"%.80s\" is not finite after step %lld: no checkpoint is made of it",
                       p->name, (long long)t->s.step);
    }
    return WG_OK;
}

static wg_status save_best(wg_train *t, wg_error *error)
{
    char path[PATH];
    wg_status status;

    if (t->s.best_epoch == 0 || !t->best || t->best_written == t->s.best_epoch) return WG_OK;
    status = made_path(t, path, "best-", t->s.best_epoch, ".safetensors", error);
    if (status == WG_OK) status = wg_params_save(path, t->best, NULL, error);
    if (status == WG_OK) t->best_written = t->s.best_epoch;
    return status;
}

static wg_status save_program(wg_train *t, const char *path, wg_error *error)
{
    char *text;
    wg_status status = wg__train_print(t, error);

    if (status != WG_OK) return status;
    text = wg__train_state_text(t);
    if (!text) return wg_fail(error, WG_ENOMEM, "wg_train_save", "out of memory");
    wg_metadata_set(t->g, wg__train_key, text);
    wg_free(text);
    if (wg_graph_error(t->g)) {
        if (error) *error = *wg_graph_error(t->g);
        return wg_graph_error(t->g)->code;
    }
    status = wg_save(path, t->g, t->w, NULL, error);
    wg_metadata_set(t->g, wg__train_key, NULL);
    return status;
}

wg_status wg_train_save(wg_train *t, wg_error *error)
{
    char path[PATH], *kept;
    wg_status status;

    if (!t->o.folder)
        return wg_fail(error, WG_ESTATE, "wg_train_save", "the option folder is not set");
    if (t->s.replaying) return WG_OK; /* this step was saved, or was not to be */
    status = check_weights(t, error);
    if (status == WG_OK) status = wg__show_flush(t, error);
    if (status == WG_OK) status = save_best(t, error);
    if (status == WG_OK) status = made_path(t, path, "", t->s.step, ".json", error);
    if (status == WG_OK) status = save_program(t, path, error);
    if (status != WG_OK) return status;
    kept = wg_text_copy(path);
    if (kept) {
        wg_free(t->saved);
        t->saved = kept;
    }
    t->saved_step = t->s.step;
    t->saved_at = wg__train_now();
    prune(t);
    return kept ? WG_OK : wg_fail(error, WG_ENOMEM, "wg_train_save", "out of memory");
}

const char *wg_train_saved(const wg_train *t)
{
    return t->saved;
}

/* ---- going on ---- */

/* Whether both stores have the same entries; messages name the first that differs. */
static wg_status same_entries(const wg_params *w, const wg_params *there, const char *file,
                              wg_error *error)
{
    for (int i = 0; i < wg_params_count(there); i++) {
        const wg_param *a = wg_params_at(there, i), *b = wg_params_find(w, a->name);

        if (!b)
            return wg_fail(error, WG_EARG, "wg_train_new",
                           "%s: is of another model: its entry \"%.80s\" is not in the store", file,
                           a->name);
        if (!wg_type_equal(&a->value.type, &b->value.type))
            return wg_fail(error, WG_EARG, "wg_train_new",
                           "%s: is of another model: its entry \"%.60s\" is %s, in the store %s",
                           file, a->name, WG_TYPE_STR(&a->value.type), WG_TYPE_STR(&b->value.type));
    }
    for (int i = 0; i < wg_params_count(w); i++)
        if (!wg_params_find(there, wg_params_at(w, i)->name))
            return wg_fail(error, WG_EARG, "wg_train_new",
                           "%s: is of another model: it has no entry \"%.80s\"", file,
                           wg_params_at(w, i)->name);
    return WG_OK;
}

static wg_status load_best(wg_train *t, int64_t epoch, wg_error *error)
{
    char path[PATH];
    wg_status status;

    if (!t->best || epoch == 0) return WG_OK;
    status = made_path(t, path, "best-", epoch, ".safetensors", error);
    if (status == WG_OK)
        status = wg_params_load(path, t->best, WG_LOAD_STRICT, NULL, NULL, NULL, error);
    if (status == WG_OK) t->best_written = epoch;
    return status;
}

/* On an error the run is as it was. */
static wg_status take_up(wg_train *t, const char *path, wg_error *error)
{
    const char *file = base_of(path), *text;
    wg_load_options options = { .ops = t->o.ops };
    wg_train_state before = t->s;
    double sum = t->sum;
    wg_program p;
    wg_status status = wg_load(path, &options, &p, error);

    if (status != WG_OK) return status;
    text = wg_metadata_get(p.graph, wg__train_key);
    if (!text)
        status = wg_fail(error, WG_EFORMAT, "wg_train_new", "%s: holds no state of a run", file);
    if (status == WG_OK) status = same_entries(t->w, p.params, file, error);
    if (status == WG_OK) status = wg__train_print(t, error);
    if (status == WG_OK) status = wg__train_state_read(t, text, file, error);
    if (status == WG_OK) status = load_best(t, t->s.best_epoch, error);
    if (status == WG_OK) {
        for (int i = 0; i < wg_params_count(t->w); i++) {
            const wg_param *to = wg_params_at(t->w, i);

            memcpy(to->value.data, wg_params_find(p.params, to->name)->value.data,
                   (size_t)wg_type_bytes(&to->value.type));
        }
        t->saved = wg_text_copy(path);
        t->saved_step = t->s.step;
    } else {
        t->s = before;
        t->sum = sum;
    }
    wg_program_free(&p);
    return status;
}

/* What a file can suffer, as opposed to what a caller can mistake. */
static bool is_damage(wg_status status)
{
    return status == WG_EFORMAT || status == WG_EIO || status == WG_EVERSION;
}

wg_status wg__train_resume(wg_train *t, wg_error *error)
{
    int64_t number[KEPT_MOST];
    wg_error first = { WG_OK, NULL, NULL, "", "" };
    char path[PATH];
    int n;

    if (mkdir(t->o.folder, 0777) != 0 && errno != EEXIST)
        return wg_fail(error, WG_EIO, "wg_train_new", "%s: %s", t->o.folder, strerror(errno));
    n = list_numbers(t, "", ".json", INT64_MAX, KEPT_MOST, number);
    if (n > 0 && !t->o.resume) {
        if (made_path(t, path, "", number[0], ".json", error) != WG_OK) return error->code;
        return wg_fail(error, WG_EARG, "wg_train_new",
                       "%s exists: go on from it with resume, or give another folder or name",
                       path);
    }
    for (int i = 0; i < n; i++) {
        wg_error own = { WG_OK, NULL, NULL, "", "" };
        wg_status status = made_path(t, path, "", number[i], ".json", &own);

        if (status == WG_OK) status = take_up(t, path, &own);
        if (status == WG_OK) {
            prune(t); /* the run may have been killed at that */
            return WG_OK;
        }
        if (first.code == WG_OK) first = own;
        if (!is_damage(status)) {
            first = own;
            break;
        }
        if (i + 1 < n) wg__show_line(t, "%s; trying the one before", own.text);
    }
    if (first.code != WG_OK && error && error->code == WG_OK) *error = first;
    return first.code;
}
