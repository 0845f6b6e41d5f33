/* source.c: reading data files front to back, through zlib. */
#include "source.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "wengert/op.h"

enum { CHUNK = 1 << 20 };

wg_status wg__source_open(wg__source *s, const char *path, const char *op, wg_error *error)
{
    *s = (wg__source){ NULL, path, op, error, { 0 }, 0, 0 };
    if (!path) return wg_fail(error, WG_EARG, op, "path is NULL");
    errno = 0;
    s->file = gzopen(path, "rb");
    if (s->file) return WG_OK;
    return wg_fail(error, errno == 0 || errno == ENOMEM ? WG_ENOMEM : WG_EIO, op, "%s: %s", path,
                   errno == 0 ? "out of memory" : strerror(errno));
}

void wg__source_close(wg__source *s)
{
    if (s->file) gzclose(s->file);
    s->file = NULL;
}

/* zlib reads as many bytes as asked for unless the file ends. */
static int64_t read_on(wg__source *s, unsigned char *to, int64_t n)
{
    int64_t got = 0;

    while (got < n) {
        int now = gzread(s->file, to + got, (unsigned)(n - got < CHUNK ? n - got : CHUNK));

        if (now < 0) return got > 0 ? got : -1;
        if (now == 0) break;
        got += now;
    }
    return got;
}

int wg__source_peek(wg__source *s, unsigned char first[WG__SOURCE_AHEAD])
{
    int64_t n = read_on(s, s->ahead, WG__SOURCE_AHEAD);

    s->at_ahead = 0;
    s->n_ahead = n > 0 ? (int)n : 0;
    memset(first, 0, WG__SOURCE_AHEAD);
    memcpy(first, s->ahead, (size_t)s->n_ahead);
    return (int)n;
}

int64_t wg__source_read(wg__source *s, void *to, int64_t n)
{
    int64_t held = s->n_ahead - s->at_ahead, more;

    if (held > n) held = n;
    if (held > 0) memcpy(to, s->ahead + s->at_ahead, (size_t)held);
    s->at_ahead += (int)held;
    if (held == n) return n;
    more = read_on(s, (unsigned char *)to + held, n - held);
    return more >= 0 ? held + more : held > 0 ? held : -1;
}

wg_status wg__source_fail(const wg__source *s, int64_t got, int64_t want)
{
    int code = Z_OK;
    const char *text = gzerror(s->file, &code);

    if (code == Z_ERRNO)
        return wg_fail(s->error, WG_EIO, s->op, "%s: %s", s->path, strerror(errno));
    if (code == Z_MEM_ERROR) return wg_fail(s->error, WG_ENOMEM, s->op, "%s", s->path);
    /* zlib puts the path before its text. */
    if (code != Z_OK && strncmp(text, s->path, strlen(s->path)) == 0) text += strlen(s->path) + 2;
    if (code == Z_BUF_ERROR)
        return wg_fail(s->error, WG_EFORMAT, s->op,
                       "%s: compressed data ends early, after %lld of %lld bytes", s->path,
                       (long long)got, (long long)want);
    if (code != Z_OK)
        return wg_fail(s->error, WG_EFORMAT, s->op, "%s: damaged compression: %s", s->path, text);
    return wg_fail(s->error, WG_EFORMAT, s->op, "%s: ends after %lld of %lld bytes", s->path,
                   (long long)got, (long long)want);
}

bool wg__source_sound(wg__source *s)
{
    int code = Z_OK;

    gzerror(s->file, &code);
    return code == Z_OK;
}

wg_status wg__source_rest(wg__source *s, int64_t bytes, int64_t elements, void **data)
{
    int64_t got = 0, cap = 0, left;
    unsigned char *p = NULL, extra;

    *data = NULL;
    while (got < bytes || !p) {
        int64_t more = cap == 0 ? CHUNK : 2 * cap, n;
        unsigned char *q;

        if (more > bytes) more = bytes;
        q = wg_alloc(more, 1);
        if (!q) {
            wg_free(p);
            return wg_fail(s->error, WG_ENOMEM, s->op, "%s: %lld bytes", s->path, (long long)bytes);
        }
        if (got > 0) memcpy(q, p, (size_t)got);
        wg_free(p);
        p = q;
        cap = more;
        n = cap > got ? wg__source_read(s, p + got, cap - got) : 0;
        if (n > 0) got += n;
        if (got < cap) {
            wg_free(p);
            return wg__source_fail(s, got, bytes);
        }
    }
    left = wg__source_read(s, &extra, 1);
    if (left != 0 || !wg__source_sound(s)) {
        wg_free(p);
        if (left <= 0) return wg__source_fail(s, got, bytes);
        return wg_fail(s->error, WG_EFORMAT, s->op, "%s: bytes left over after %lld elements",
                       s->path, (long long)elements);
    }
    *data = p;
    return WG_OK;
}
