/*
 * json_cut.c: a look over a text before jansson parses it, and a program's nodes in pieces.
 *
 * A program is mostly its list of nodes, and most nodes say what another said, but for their
 * operands. As one tree they take twenty times the bytes of their text, in small blocks that no
 * cache holds, and jansson's time goes by characters. So the text is cut at brackets and commas:
 * what a node says beside its operands, as `{"op": "add", "in": [], "scope": "lstm"}`, is its frame.
 * A frame is parsed once; of further nodes of that frame only the lists of operands are, many at a
 * time.
 *
 * Nothing is decided here about what is JSON. All pieces are parsed, and a text is valid when they
 * are: each stood where a valid list, or an item of one, can stand. Where any is not, the whole is
 * parsed instead, and its fault reported.
 */
#include <string.h>

#include "program.h"

enum { PART_BYTES = 4096 };

enum { PLAIN, SPACE, COLON, COMMA, OPEN, CLOSE, LINE, QUOTE, ESCAPE, ZERO };

/* Most characters only count; of those of a string, what comes from LINE on matters. */
static const unsigned char kinds[256] = {
    ['\0'] = ZERO, ['['] = OPEN,  [']'] = CLOSE,  ['{'] = OPEN,   ['}'] = CLOSE,
    [','] = COMMA, [':'] = COLON, [' '] = SPACE,  ['\t'] = SPACE, ['\r'] = SPACE,
    ['\n'] = LINE, ['"'] = QUOTE, ['\\'] = ESCAPE
};

/* ---- the look ---- */

/* The node at hand ends at `end`, the next begins behind it. */
static void next_node(wg_json_cuts *c, size_t end)
{
    struct wg_json_cut *wider = wg__grow(c->node, &c->cap, c->n + 2, sizeof *wider);

    if (!wider) {
        c->no_memory = true;
        return;
    }
    c->node = wider;
    if (c->n >= 0) c->node[c->n].end = (uint32_t)end;
    c->node[++c->n] = (struct wg_json_cut){ .begin = (uint32_t)end + 1 };
}

/* A bracket, after which the text is `depth` deep, or a comma. named: in valid text, that the list
 * is the member `nodes` of the root or `in` of a node. */
static void cut(wg_json_cuts *c, int kind, int depth, bool named, size_t i)
{
    if (c->close || c->no_memory) return;
    if (!c->open) {
        if (kind != OPEN || !named || depth != 2) return;
        c->open = (uint32_t)i;
        c->n = -1;
        next_node(c, i);
    } else if (kind == OPEN) {
        if (named && depth == 4 && !c->node[c->n].open) c->node[c->n].open = (uint32_t)i;
    } else if (kind == CLOSE && depth == 3) {
        if (c->node[c->n].open && !c->node[c->n].close) c->node[c->n].close = (uint32_t)i;
    } else if (depth == (kind == CLOSE ? 1 : 2)) {
        next_node(c, i);
        if (kind == CLOSE) c->close = (uint32_t)i;
    }
}

/* The end of the string that begins at i: its quote, or n. */
static size_t string_end(const char *text, size_t i, size_t n, wg_survey *s, size_t *line)
{
    for (; i < n; i++) {
        int kind = kinds[(unsigned char)text[i]];

        if (kind < LINE) continue;
        if (kind == QUOTE) return i;
        if (kind == ESCAPE && i + 1 < n && text[i + 1] != '\n') i++;
        if (kind == ZERO && !s->zero_line) s->zero_line = s->lines;
        if (kind != LINE) continue;
        s->lines++;
        *line = i + 1;
    }
    return n;
}

wg_survey wg__json_survey(const char *text, size_t n, wg_json_cuts *cuts)
{
    wg_survey s = { .lines = 1 };
    int depth = 0;
    bool ended = false, named = false;
    size_t start = 0, line = 0;

    for (size_t i = 0; i < n; i++) {
        int kind = kinds[(unsigned char)text[i]];

        if (ended && !s.more_line && kind != SPACE && kind != LINE) {
            s.more_line = s.lines;
            s.more_column = (int)(i - line) + 1;
        }
        if (kind == PLAIN) continue;
        if (kind == QUOTE) {
            size_t word = i + 1;

            i = string_end(text, word, n, &s, &line);
            named = (depth == 1 && i - word == 5 && memcmp(text + word, "nodes", 5) == 0) ||
                    (depth == 3 && i - word == 2 && memcmp(text + word, "in", 2) == 0);
            continue;
        }
        if (kind > QUOTE) {
            if (kind == ZERO && !s.zero_line) s.zero_line = s.lines;
            continue;
        }
        if (i - start > s.longest) s.longest = i - start;
        start = i + 1;
        if (kind == LINE) {
            s.lines++;
            line = i + 1;
        }
        if (kind < COMMA || kind > CLOSE) continue;
        if (kind == OPEN && ++depth > WG_JSON_DEPTH && !s.deep_line) s.deep_line = s.lines;
        if (kind == CLOSE) ended = --depth == 0 || ended;
        if (cuts) cut(cuts, kind, depth, named && text[i] == '[', i);
        if (kind == OPEN) named = false;
    }
    if (n > start && n - start > s.longest) s.longest = n - start;
    s.column = (int)(n - line);
    return s;
}

/* ---- the nodes ---- */

struct candidate {
    const wg_json_nodes *nodes;
    const struct wg_json_cut *cut;
};

static bool same_frame(const void *context, int64_t value)
{
    const struct candidate *c = context;
    const struct wg_json_cut *a = c->cut, *b = &c->nodes->cuts.node[c->nodes->frame[value].node];
    const char *text = c->nodes->text;

    return a->open - a->begin == b->open - b->begin && a->end - a->close == b->end - b->close &&
           memcmp(text + a->begin, text + b->begin, a->open - a->begin) == 0 &&
           memcmp(text + a->close, text + b->close, a->end - a->close) == 0;
}

/* The node's frame, of which the first brings its text. */
static bool find_frame(wg_json_nodes *p, int64_t i, wg_text *text)
{
    struct wg_json_cut *c = &p->cuts.node[i];
    struct candidate candidate = { p, c };
    struct wg_json_frame *wider;
    uint64_t hash = wg__hash_bytes(c->open - c->begin, p->text + c->begin, c->open - c->begin);

    hash = wg__hash_bytes(hash, p->text + c->close, c->end - c->close);
    c->frame = (int32_t)wg__hash_find(&p->frames, hash, same_frame, &candidate);
    if (c->frame >= 0) return true;
    c->frame = (int32_t)p->n_frames;
    wider = wg__grow(p->frame, &p->cap, p->n_frames + 1, sizeof *wider);
    if (!wider) return false;
    p->frame = wider;
    p->frame[p->n_frames++] = (struct wg_json_frame){ i, NULL };
    wg__put(text, text->n > 0 ? "," : "[");
    wg__putn(text, p->text + c->begin, c->open + 1 - c->begin);
    wg__putn(text, p->text + c->close, c->end - c->close);
    return wg__hash_add(&p->frames, hash, c->frame);
}

static wg_json *parse(const wg_text *t, const char *file, wg_error *error)
{
    if (t->no_memory) wg__io_fail(error, WG_ENOMEM, file, "out of memory");
    return t->no_memory ? NULL : wg__json_parse(t->text, (size_t)t->n, file, error);
}

/* Collects what nodes from `at` on bring, up to PART_BYTES of it. */
static wg_status collect(wg_json_nodes *p, int64_t at, wg_text *frames, wg_text *lists)
{
    p->first = at;
    for (; at < p->cuts.n && frames->n + lists->n < PART_BYTES; at++) {
        struct wg_json_cut *c = &p->cuts.node[at];

        if (!c->open || !c->close) return WG_EFORMAT;
        if (!find_frame(p, at, frames)) return WG_ENOMEM;
        wg__put(lists, at > p->first ? "," : "[");
        wg__putn(lists, p->text + c->open, c->close + 1 - c->open);
    }
    p->n = at - p->first;
    wg__put(frames, "]");
    wg__put(lists, "]");
    return WG_OK;
}

static wg_status next_part(wg_json_nodes *p, const char *file, wg_error *error)
{
    wg_text frames = { NULL, 0, 0, false, NULL }, lists = frames;
    int64_t known = p->n_frames;
    wg_json *fresh = NULL;
    wg_status status = collect(p, p->first + p->n, &frames, &lists);

    wg__json_free(p->lists);
    p->lists = NULL;
    if (status != WG_OK)
        wg__io_fail(error, status, file, status == WG_ENOMEM ? "out of memory" : "is not JSON");
    if (status == WG_OK) {
        p->lists = parse(&lists, file, error);
        fresh = p->lists && p->n_frames > known ? parse(&frames, file, error) : NULL;
        status = error->code;
    }
    if (status == WG_OK &&
        (wg__json_count(fresh) != p->n_frames - known || wg__json_count(p->lists) != p->n))
        status = wg__io_fail(error, WG_EFORMAT, file, "is not JSON");
    for (int64_t i = known; status == WG_OK && i < p->n_frames; i++)
        p->frame[i].v = wg__json_keep(wg__json_at(fresh, i - known));
    wg__json_free(fresh);
    wg__release(frames.text);
    wg__release(lists.text);
    return status;
}

wg_status wg__json_node(wg_json_nodes *p, int64_t i, wg_json_node *node, const char *file,
                        wg_error *error)
{
    if (i >= p->first + p->n) {
        wg_status status = next_part(p, file, error);

        if (status != WG_OK) return status;
    }
    node->frame = p->cuts.node[i].frame;
    node->v = p->frame[node->frame].v;
    node->in = wg__json_at(p->lists, i - p->first);
    return WG_OK;
}

void wg__json_nodes_free(wg_json_nodes *p)
{
    for (int64_t i = 0; i < p->n_frames; i++) wg__json_free(p->frame[i].v);
    wg__json_free(p->lists);
    wg__release(p->frame);
    wg__release(p->cuts.node);
    wg__hash_free(&p->frames);
    *p = (wg_json_nodes){ .text = NULL };
}

wg_json *wg__json_parse_but(const char *text, size_t n, wg_json_nodes *p, const char *file,
                            wg_error *error)
{
    wg_text rest = { NULL, 0, 0, false, NULL };
    wg_survey look;
    wg_json *root = NULL;

    *p = (wg_json_nodes){ .text = text };
    look = n < INT32_MAX ? wg__json_survey(text, n, &p->cuts) : (wg_survey){ .deep_line = 0 };
    if (p->cuts.no_memory) {
        wg__io_fail(error, WG_ENOMEM, file, "out of memory");
    } else if (p->cuts.close && !look.deep_line) {
        wg__putn(&rest, text, p->cuts.open + 1);
        wg__putn(&rest, text + p->cuts.close, n - p->cuts.close);
        root = parse(&rest, file, error);
    }
    wg__release(rest.text);
    if (!root) wg__json_nodes_free(p);
    if (root || error->code == WG_ENOMEM) return root;
    wg__error_clear(error);
    return wg__json_parse(text, n, file, error);
}
