/*
 * file.c: the one gate to files. What is written is written aside, brought to the disk and renamed,
 * so that a name holds the old bytes or the new ones whenever the process or the machine stops.
 */
#define _XOPEN_SOURCE 700
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "program.h"

enum { CHUNK = 1 << 30, TEMPORARIES = 100 };

static const char weights_end[] = ".safetensors", json_end[] = ".json";

/* ---- messages ---- */

const char *wg__shown(const char *s, char buf[WG_SHOWN])
{
    size_t n = strlen(s), keep = n < WG_SHOWN ? n : WG_SHOWN - 4;

    /* A cut never leaves half a character: 10xxxxxx continues one. */
    while (keep < n && keep > 0 && ((unsigned char)s[keep] & 0xc0) == 0x80) keep--;
    for (size_t i = 0; i < keep; i++)
        buf[i] = (unsigned char)s[i] < 0x20 || s[i] == 0x7f ? '?' : s[i];
    strcpy(buf + keep, keep < n ? "..." : "");
    return buf;
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash && slash[1] ? slash + 1 : path;
}

wg_status wg__io_fail(wg_error *error, wg_status code, const char *file, const char *fmt, ...)
{
    char text[sizeof error->text];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return wg_fail(error, code, NULL, "%s: %s", WG_SHOW(base_of(file)), text);
}

static wg_status system_fail(wg_error *error, const char *file, const char *what, int fault)
{
    char text[128];

    if (strerror_r(fault, text, sizeof text) != 0) snprintf(text, sizeof text, "error %d", fault);
    return wg__io_fail(error, fault == ENOMEM ? WG_ENOMEM : WG_EIO, file, "%s: %s", what, text);
}

/* ---- names ---- */

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);

    return n > m && strcmp(s + n - m, end) == 0;
}

void wg__stem(char stem[256], const char *base)
{
    size_t n = strlen(base);

    if (ends_with(base, json_end)) n -= strlen(json_end);
    if (n > 255) n = 255;
    memcpy(stem, base, n);
    stem[n] = '\0';
}

void wg__weights_name(char name[WG_WEIGHTS_NAME], const char *stem, uint64_t sum)
{
    snprintf(name, WG_WEIGHTS_NAME, "%s-%016llx%s", stem, (unsigned long long)sum, weights_end);
}

/* "STEM-0123456789abcdef.safetensors": a name that wg__weights_name gives. */
static bool is_weights_name(const char *name, const char *stem)
{
    size_t n = strlen(stem);

    if (strncmp(name, stem, n) != 0 || name[n] != '-') return false;
    name += n + 1;
    return strspn(name, "0123456789abcdef") == 16 && strcmp(name + 16, weights_end) == 0;
}

/* Before the number that makes it new. */
static void temporary_start(char start[256], const char *stem)
{
    snprintf(start, 256, ".%.200s.tmp-", stem);
}

static bool is_temporary(const char *name, const char *stem)
{
    char start[256];
    size_t n;

    temporary_start(start, stem);
    n = strlen(start);
    return strncmp(name, start, n) == 0 && name[n] &&
           strspn(name + n, "0123456789-") == strlen(name + n);
}

bool wg__beside_name(const char *name)
{
    return name[0] && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !strpbrk(name, "/\\") &&
           strlen(name) < 256;
}

/* ---- folders ---- */

/* The link NAME.safetensors that wg_save leaves is replaced, never followed: what it leads to
 * belongs to a JSON. */
static bool is_own_link(const char *path)
{
    char target[WG_WEIGHTS_NAME], stem[256];
    ssize_t n = readlink(path, target, sizeof target);
    const char *base = base_of(path);

    if (n <= 0 || n >= (ssize_t)sizeof target || !ends_with(base, weights_end) ||
        strlen(base) > 255)
        return false;
    target[n] = '\0';
    snprintf(stem, sizeof stem, "%.*s", (int)(strlen(base) - strlen(weights_end)), base);
    return is_weights_name(target, stem);
}

wg_status wg__place_write(wg_place *p, const char *path, wg_error *error)
{
    char real[PATH_MAX], folder[PATH_MAX];
    const char *shown = path, *base;
    struct stat st;

    *p = (wg_place){ .fd = -1 };
    if (!path[0]) return wg__io_fail(error, WG_EIO, path, "the path is empty");
    if (!is_own_link(path) && realpath(path, real)) path = real;
    base = strrchr(path, '/');
    base = base ? base + 1 : path;
    if (base - path >= (ptrdiff_t)sizeof folder || strlen(base) >= sizeof p->base)
        return system_fail(error, shown, "cannot write", ENAMETOOLONG);
    if (!base[0] || strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
        return wg__io_fail(error, WG_EIO, shown, "is a folder");
    strcpy(p->base, base);
    snprintf(folder, sizeof folder, "%.*s", base == path ? 1 : (int)(base - path),
             base == path ? "." : path);
    p->fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (p->fd < 0) return system_fail(error, shown, "cannot open its folder", errno);
    p->plain = fstatat(p->fd, base, &st, AT_SYMLINK_NOFOLLOW) != 0 || S_ISREG(st.st_mode) ||
               S_ISLNK(st.st_mode);
    if (!p->plain && S_ISDIR(st.st_mode)) {
        wg__place_close(p);
        return wg__io_fail(error, WG_EIO, shown, "is a folder");
    }
    /* Two saves of one name at once would remove each other's files. Where locks do not work,
     * nothing is swept. */
    if (p->plain) {
        int got;

        while ((got = flock(p->fd, LOCK_EX)) != 0 && errno == EINTR) continue;
        p->locked = got == 0;
    }
    return WG_OK;
}

wg_status wg__place_read(wg_place *p, const char *path, wg_error *error)
{
    char real[PATH_MAX], *slash;

    *p = (wg_place){ .fd = -1 };
    if (!realpath(path, real)) return system_fail(error, path, "cannot open", errno);
    slash = strrchr(real, '/');
    if (!slash) return wg__io_fail(error, WG_EIO, path, "has no folder");
    slash[slash == real] = '\0';
    p->folder = wg__strdup(real);
    return p->folder ? WG_OK : wg__io_fail(error, WG_ENOMEM, path, "out of memory");
}

void wg__place_close(wg_place *p)
{
    if (p->fd >= 0) close(p->fd);
    wg__release(p->folder);
    *p = (wg_place){ .fd = -1 };
}

wg_status wg__place_sync(const wg_place *p, wg_error *error)
{
    if (fsync(p->fd) == 0 || errno == EINVAL || errno == ENOTSUP) return WG_OK;
    return system_fail(error, p->base, "cannot bring its folder to the disk", errno);
}

wg_status wg__place_free(const wg_place *p, const char *name, wg_error *error)
{
    struct stat st;

    if (fstatat(p->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || S_ISREG(st.st_mode) ||
        S_ISLNK(st.st_mode))
        return WG_OK;
    return wg__io_fail(error, WG_EIO, name,
                       S_ISDIR(st.st_mode) ? "is a folder" : "is no regular file");
}

/* ---- reading ---- */

static wg_status opened(wg_in *in, int fd, bool beside, int64_t max_bytes, wg_error *error)
{
    struct stat st;

    if (fd < 0) return system_fail(error, in->name, "cannot open", errno);
    in->fd = fd;
    if (fstat(fd, &st) != 0) system_fail(error, in->name, "cannot open", errno);
    else if (!S_ISREG(st.st_mode))
        wg__io_fail(error, WG_EIO, in->name,
                    S_ISDIR(st.st_mode) ? "is a folder" : "is no regular file");
    else if (beside && st.st_nlink > 1)
        wg__io_fail(error, WG_EIO, in->name, "has a second name elsewhere (a hard link): copy it");
    else if (st.st_size > max_bytes)
        wg__io_fail(error, WG_ELIMIT, in->name, "has %lld bytes, more than the %lld allowed",
                    (long long)st.st_size, (long long)max_bytes);
    if (error->code != WG_OK) {
        wg__in_close(in);
        return error->code;
    }
    in->size = st.st_size;
    in->stamp[0] = (int64_t)st.st_dev;
    in->stamp[1] = (int64_t)st.st_ino;
    in->stamp[2] = (int64_t)st.st_mtim.tv_sec;
    in->stamp[3] = (int64_t)st.st_mtim.tv_nsec;
    return WG_OK;
}

wg_status wg__in_open(wg_in *in, const char *path, int64_t max_bytes, wg_error *error)
{
    *in = (wg_in){ .name = path, .fd = -1 };
    return opened(in, open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), false, max_bytes,
                  error);
}

wg_status wg__in_beside(wg_in *in, const wg_place *p, const char *name, int64_t max_bytes,
                        wg_error *error)
{
    char path[PATH_MAX + 256];
    int fd;

    *in = (wg_in){ .name = name, .fd = -1 };
    if (!wg__beside_name(name)) return wg__io_fail(error, WG_EFORMAT, name, "leaves the folder");
    snprintf(path, sizeof path, "%s/%s", p->folder, name);
    fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 && errno == ELOOP)
        return wg__io_fail(error, WG_EIO, name, "is a link: it might leave the folder");
    return opened(in, fd, true, max_bytes, error);
}

void wg__in_memory(wg_in *in, const char *name, const void *data, size_t n)
{
    *in = (wg_in){ .name = name, .fd = -1, .memory = data, .size = (int64_t)n };
}

wg_status wg__in_read(wg_in *in, void *to, int64_t n, wg_error *error)
{
    unsigned char *p = to;

    if (n > in->size - in->at)
        return wg__io_fail(error, WG_EFORMAT, in->name, "ends after %lld bytes",
                           (long long)in->size);
    if (in->fd < 0) {
        if (n > 0) memcpy(to, in->memory + in->at, (size_t)n);
        in->at += n;
        return WG_OK;
    }
    while (n > 0) {
        ssize_t got = read(in->fd, p, n < CHUNK ? (size_t)n : CHUNK);

        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return system_fail(error, in->name, "cannot read", errno);
        if (got == 0)
            return wg__io_fail(error, WG_EIO, in->name,
                               "was cut short while it was read, at byte %lld", (long long)in->at);
        p += got;
        n -= got;
        in->at += got;
    }
    return WG_OK;
}

wg_status wg__in_whole(wg_in *in, char **text, wg_error *error)
{
    wg_status status;

    *text = wg__alloc((size_t)in->size + 1);
    if (!*text)
        return wg__io_fail(error, WG_ENOMEM, in->name, "out of memory for %lld bytes",
                           (long long)in->size);
    (*text)[in->size] = '\0';
    status = wg__in_read(in, *text, in->size, error);
    if (status == WG_OK) return WG_OK;
    wg__release(*text);
    *text = NULL;
    return status;
}

bool wg__in_same(const wg_in *in, const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && in->stamp[0] == (int64_t)st.st_dev &&
           in->stamp[1] == (int64_t)st.st_ino && in->stamp[2] == (int64_t)st.st_mtim.tv_sec &&
           in->stamp[3] == (int64_t)st.st_mtim.tv_nsec && in->size == (int64_t)st.st_size;
}

void wg__in_close(wg_in *in)
{
    if (in->fd >= 0) close(in->fd);
    in->fd = -1;
}

/* ---- writing ---- */

wg_status wg__out_file(wg_out *o, const wg_place *p, wg_error *error)
{
    char start[256], stem[256];

    *o = (wg_out){ .place = p, .fd = -1, .aside = p->plain };
    wg__checksum_begin(&o->sum);
    if (!p->plain) {
        o->fd = openat(p->fd, p->base, O_WRONLY | O_NOCTTY | O_CLOEXEC);
        return o->fd >= 0 ? WG_OK : system_fail(error, p->base, "cannot write", errno);
    }
    wg__stem(stem, p->base);
    temporary_start(start, stem);
    for (int i = 0; i < TEMPORARIES && o->fd < 0; i++) {
        snprintf(o->temporary, sizeof o->temporary, "%s%ld-%d", start, (long)getpid(), i);
        o->fd =
            openat(p->fd, o->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (o->fd < 0 && errno != EEXIST) break;
    }
    return o->fd >= 0 ? WG_OK : system_fail(error, p->base, "cannot write", errno);
}

void wg__out_memory(wg_out *o)
{
    *o = (wg_out){ .fd = -1 };
    wg__checksum_begin(&o->sum);
}

void wg__out_put(wg_out *o, const void *data, size_t n)
{
    const unsigned char *p = data;

    if (o->fault || n == 0) return;
    wg__checksum_add(&o->sum, data, n);
    o->n += (int64_t)n;
    if (!o->place) {
        char *wider = wg__grow(o->text, &o->cap, o->n, 1);

        if (wider) o->text = wider;
        else o->fault = ENOMEM;
        if (wider) memcpy(o->text + o->n - n, data, n);
        return;
    }
    while (n > 0) {
        ssize_t done = write(o->fd, p, n < CHUNK ? n : CHUNK);

        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) {
            o->fault = done < 0 ? errno : EIO;
            return;
        }
        p += done;
        n -= (size_t)done;
    }
}

void wg__out_drop(wg_out *o)
{
    if (o->fd >= 0) close(o->fd);
    if (o->aside && o->temporary[0]) unlinkat(o->place->fd, o->temporary, 0);
    wg__release(o->text);
    *o = (wg_out){ .fd = -1 };
}

wg_status wg__out_commit(wg_out *o, const char *name, wg_error *error)
{
    const wg_place *p = o->place;
    int fd = o->fd;

    if (!o->fault && o->aside && fsync(fd) != 0 && errno != EINVAL && errno != ENOTSUP)
        o->fault = errno;
    o->fd = -1;
    /* After an interrupted close the descriptor is gone all the same, and fsync has told of every
     * byte. */
    if (close(fd) != 0 && !o->fault && errno != EINTR) o->fault = errno;
    if (!o->fault && o->aside && renameat(p->fd, o->temporary, p->fd, name) != 0) o->fault = errno;
    if (o->fault) {
        int fault = o->fault;

        wg__out_drop(o);
        return system_fail(error, name, "cannot write", fault);
    }
    *o = (wg_out){ .fd = -1 };
    return WG_OK;
}

wg_status wg__place_link(const wg_place *p, const char *name, const char *target, wg_error *error)
{
    char temporary[300], start[256], stem[256], now[WG_WEIGHTS_NAME];
    ssize_t n = readlinkat(p->fd, name, now, sizeof now);
    struct stat there;

    /* Somebody's own file of that name is not ours to replace, and the program does not need the
     * link. */
    if (n < 0 && fstatat(p->fd, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(there.st_mode))
        return WG_OK;
    if (n == (ssize_t)strlen(target) && memcmp(now, target, (size_t)n) == 0) return WG_OK;
    wg__stem(stem, p->base);
    temporary_start(start, stem);
    for (int i = 0; i < TEMPORARIES; i++) {
        snprintf(temporary, sizeof temporary, "%s%ld-%d", start, (long)getpid(), i);
        if (symlinkat(target, p->fd, temporary) == 0) {
            if (renameat(p->fd, temporary, p->fd, name) == 0) return WG_OK;
            i = errno;
            unlinkat(p->fd, temporary, 0);
            errno = i;
            break;
        }
        if (errno != EEXIST) break;
    }
    /* Some file systems have no links. Nothing reads this one but other tools. */
    if (errno == EPERM || errno == ENOTSUP || errno == ENOSYS) return WG_OK;
    return system_fail(error, name, "the program is saved, but the link cannot be made", errno);
}

/* ---- sweeping ---- */

/* The names a sweep may remove. */
struct stale {
    char **name;
    int64_t n, cap;
};

static void stale_free(struct stale *s)
{
    for (int64_t i = 0; i < s->n; i++) wg__release(s->name[i]);
    wg__release(s->name);
}

static bool stale_add(struct stale *s, const char *name)
{
    char **list = wg__grow(s->name, &s->cap, s->n + 1, sizeof *list);

    if (!list) return false;
    s->name = list;
    list[s->n] = wg__strdup(name);
    return list[s->n] && ++s->n;
}

static bool holds(const char *text, size_t n, const char *name)
{
    size_t m = strlen(name);

    for (const char *at = text;
         n >= m && (at = memchr(at, name[0], n - m - (size_t)(at - text) + 1)); at++) {
        if (memcmp(at, name, m) == 0) return true;
        if (at == text + (n - m)) break;
    }
    return false;
}

/* Drops from the list what this JSON file names; false when that cannot be told. */
static bool spare_named(struct stale *s, int folder, const char *json)
{
    wg_in in = { .name = json,
                 .fd = openat(folder, json, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) };
    wg_error error;
    struct stat st;
    char *text = NULL;
    bool told = false;

    wg__error_clear(&error);
    if (in.fd < 0) return errno == ENOENT;
    if (fstat(in.fd, &st) != 0) goto end;
    told = !S_ISREG(st.st_mode);
    in.size = st.st_size;
    if (told || wg__in_whole(&in, &text, &error) != WG_OK) goto end;
    for (int64_t i = s->n - 1; i >= 0; i--) {
        if (!holds(text, (size_t)in.size, s->name[i])) continue;
        wg__release(s->name[i]);
        s->name[i] = s->name[--s->n];
    }
    told = true;
end:
    wg__release(text);
    wg__in_close(&in);
    return told;
}

/* A second look at the folder, from its start. */
static DIR *folder_of(const wg_place *p)
{
    int fd = p->locked ? openat(p->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;

    if (!folder && fd >= 0) close(fd);
    return folder;
}

void wg__place_tidy(const wg_place *p)
{
    DIR *folder = folder_of(p);
    char stem[256];

    if (!folder) return;
    wg__stem(stem, p->base);
    for (struct dirent *d; (d = readdir(folder));)
        if (is_temporary(d->d_name, stem)) unlinkat(p->fd, d->d_name, 0);
    closedir(folder);
}

void wg__place_sweep(const wg_place *p, const char *keep)
{
    struct stale stale = { NULL, 0, 0 };
    char stem[256], link[WG_WEIGHTS_NAME], target[WG_WEIGHTS_NAME];
    DIR *folder = folder_of(p);
    bool sure = folder != NULL;
    ssize_t n;

    wg__stem(stem, p->base);
    for (struct dirent *d; sure && (d = readdir(folder));)
        if (is_weights_name(d->d_name, stem) && (!keep || strcmp(d->d_name, keep) != 0))
            sure = stale_add(&stale, d->d_name);
    if (sure && stale.n > 0) rewinddir(folder);
    for (struct dirent *d; sure && stale.n > 0 && (d = readdir(folder));)
        if (ends_with(d->d_name, json_end) || strcmp(d->d_name, stem) == 0)
            sure = spare_named(&stale, p->fd, d->d_name);
    for (int64_t i = 0; sure && i < stale.n; i++) unlinkat(p->fd, stale.name[i], 0);
    if (folder) closedir(folder);
    stale_free(&stale);
    if (keep || !sure) return;
    /* The weights are inline now: a link to earlier ones would lead nowhere. */
    snprintf(link, sizeof link, "%s%s", stem, weights_end);
    n = readlinkat(p->fd, link, target, sizeof target - 1);
    if (n <= 0) return;
    target[n] = '\0';
    if (is_weights_name(target, stem) && faccessat(p->fd, target, F_OK, 0) != 0)
        unlinkat(p->fd, link, 0);
}
