/* text_lines.c: lines of files, a buffer at a time, and lines in memory. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "text_inside.h"

enum { BUFFER = 1 << 16 };

struct wg__lines {
    const char *op;
    wg_corpus corpus;
    bool sig;       /* a byte order mark is dropped */
    int64_t source; /* of files first, then of lines in memory: the one that comes next */
    int64_t number; /* of the last line, from 1 */
    FILE *file;
    char *line;
    int64_t room, length;
    size_t at, n; /* bytes of the buffer that are read and that it holds */
    bool cr;      /* the last line ended at "\r": a "\n" that follows belongs to it */
    char buffer[BUFFER];
};

wg_status wg__lines_new(const char *op, const wg_corpus *corpus, wg__lines **result,
                        wg_error *error)
{
    const char *e = corpus ? corpus->encoding : NULL;
    wg__lines *l;

    *result = NULL;
    if (!corpus) return wg_fail(error, WG_EARG, op, "corpus is NULL");
    if (corpus->n_files < 0 || corpus->n_lines < 0 || (corpus->n_files > 0 && !corpus->file) ||
        (corpus->n_lines > 0 && !corpus->line))
        return wg_fail(error, WG_EARG, op, "a corpus of %lld files and %lld lines%s",
                       (long long)corpus->n_files, (long long)corpus->n_lines,
                       corpus->n_files < 0 || corpus->n_lines < 0 ? "" : " at NULL");
    if (e && strcmp(e, "utf-8") != 0 && strcmp(e, "utf-8-sig") != 0)
        return wg_fail(error, WG_ENAME, op, "unknown encoding \"%.60s\", wanted utf-8 or utf-8-sig",
                       e);
    l = wg_alloc(1, sizeof *l);
    if (!l) return wg_fail(error, WG_ENOMEM, op, "a buffer of %d bytes", BUFFER);
    l->op = op;
    l->corpus = *corpus;
    l->sig = !e || strcmp(e, "utf-8-sig") == 0;
    *result = l;
    return WG_OK;
}

void wg__lines_free(wg__lines *l)
{
    if (!l) return;
    if (l->file) fclose(l->file);
    wg_free(l->line);
    wg_free(l);
}

const char *wg__lines_place(const wg__lines *l, char buf[WG__PLACE_TEXT])
{
    if (l->source > l->corpus.n_files || l->corpus.n_files == 0)
        snprintf(buf, WG__PLACE_TEXT, "line %lld: ", (long long)l->number);
    else
        snprintf(buf, WG__PLACE_TEXT, "%.120s:%lld: ", l->corpus.file[l->source - 1],
                 (long long)l->number);
    return buf;
}

/* Fills the buffer; false at the end of the file or when it cannot be read. */
static bool fill(wg__lines *l, wg_status *status, wg_error *error)
{
    errno = 0;
    l->at = 0;
    l->n = fread(l->buffer, 1, BUFFER, l->file);
    if (l->n == 0 && ferror(l->file))
        *status = wg_fail(error, WG_EIO, l->op, "%.120s: %s", l->corpus.file[l->source - 1],
                          errno ? strerror(errno) : "cannot be read");
    return l->n > 0;
}

static wg_status open_next(wg__lines *l, wg_error *error)
{
    const char *path = l->corpus.file[l->source];
    wg_status status = WG_OK;

    if (!path) return wg_fail(error, WG_EARG, l->op, "file %lld is NULL", (long long)l->source);
    errno = 0;
    l->file = fopen(path, "rb");
    if (!l->file) return wg_fail(error, WG_EIO, l->op, "%.120s: %s", path, strerror(errno));
    l->source++;
    l->number = 0;
    l->cr = false;
    if (fill(l, &status, error) && l->sig && l->n >= 3 && memcmp(l->buffer, "\xef\xbb\xbf", 3) == 0)
        l->at = 3;
    return status;
}

/* Adds n bytes of the buffer to the line. */
static bool take(wg__lines *l, size_t n)
{
    char *more = wg__room_for(l->line, &l->room, l->length, l->length + (int64_t)n + 1, 1);

    if (!more) return false;
    l->line = more;
    memcpy(l->line + l->length, l->buffer + l->at, n);
    l->length += (int64_t)n;
    l->at += n;
    return true;
}

/* One line of the open file; *found false at its end. */
static wg_status file_line(wg__lines *l, bool *found, wg_error *error)
{
    wg_status status = WG_OK;

    l->length = 0;
    *found = false;
    while (l->at < l->n || fill(l, &status, error)) {
        const char *from = l->buffer + l->at;
        size_t n = l->n - l->at, k = 0;

        if (l->cr) {
            l->cr = false;
            if (*from == '\n') {
                l->at++;
                continue;
            }
        }
        while (k < n && from[k] != '\n' && from[k] != '\r') k++;
        *found = true;
        if (!take(l, k < n ? k + 1 : k))
            return wg_fail(error, WG_ENOMEM, l->op, "a line of %lld bytes", (long long)l->length);
        if (k == n) continue;
        l->cr = l->line[l->length - 1] == '\r';
        l->line[l->length - 1] = '\n';
        break;
    }
    if (*found) l->line[l->length] = '\0';
    l->number += *found;
    return status;
}

wg_status wg__lines_next(wg__lines *l, const char **text, size_t *length, wg_error *error)
{
    int64_t in_memory;

    *text = NULL;
    *length = 0;
    while (l->file || l->source < l->corpus.n_files) {
        bool found = false;
        wg_status status = l->file ? file_line(l, &found, error) : open_next(l, error);

        if (status != WG_OK) return status;
        if (found) {
            *text = l->line;
            *length = (size_t)l->length;
            return WG_OK;
        }
        if (l->at < l->n || !l->file || !feof(l->file)) continue;
        fclose(l->file);
        l->file = NULL;
    }
    in_memory = l->source - l->corpus.n_files;
    if (in_memory >= l->corpus.n_lines) return WG_OK;
    *text = l->corpus.line[in_memory];
    l->source++;
    l->number = in_memory + 1;
    if (!*text) return wg_fail(error, WG_EARG, l->op, "line %lld is NULL", (long long)in_memory);
    *length = strlen(*text);
    return WG_OK;
}

wg_status wg__lines_tokens(wg__lines *l, const char *op, const wg_vocabulary_hyper *h, wg_tokens *t,
                           bool *more, wg_error *error)
{
    wg_tokenize_options o = { h->lowercase, h->filter_stopwords, h->filter_punctuation };
    wg_error inner = { WG_OK, NULL, NULL, "", "" };
    char place[WG__PLACE_TEXT];
    const char *text;
    size_t length;
    wg_status status = wg__lines_next(l, &text, &length, error);

    *more = status == WG_OK && text;
    if (!*more) return status;
    status = wg_tokenize(h->tokenizer, text, length, &o, t, &inner);
    if (status == WG_OK) return WG_OK;
    *more = false;
    return wg_fail(error, status, op, "%s%s", wg__lines_place(l, place), inner.text);
}
