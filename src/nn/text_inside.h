/* text_inside.h: what the files about text share: characters, growing memory, lines. */
#ifndef NN_TEXT_INSIDE_H
#define NN_TEXT_INSIDE_H

#include "wengert/op.h"
#include "wengert/text.h"

/* ---- characters (text_unicode.c) ---- */

/* Decodes one character of n >= 1 bytes into *c; how many bytes it has, 0 when they are not
 * UTF-8: cut short, too long a form, a surrogate, beyond U+10FFFF. */
size_t wg__utf8_get(const char *s, size_t n, uint32_t *c);

/* Encodes c; how many bytes, at most 4. */
size_t wg__utf8_put(uint32_t c, char *to);

/* Python's isalnum or "_"; isspace; string.punctuation. */
bool wg__is_word(uint32_t c);
bool wg__is_blank(uint32_t c);
bool wg__is_punctuation(uint32_t c);

/* One character in lower case: its bytes in `to`, how many are returned; *read is how many bytes of
 * s it took. A byte that is not UTF-8 stands for itself. */
enum { WG__LOWER_BYTES = 8 };
size_t wg__lower_next(const char *s, size_t n, size_t *read, char to[WG__LOWER_BYTES]);

/* ---- memory ---- */

/* Room for `want` > 0 elements of `size` bytes, of which the first `used` stay; doubles. Returns
 * where they are now; NULL when out of memory, with everything as it was. */
void *wg__room_for(void *p, int64_t *room, int64_t used, int64_t want, size_t size);

/* ---- vocabulary (text_vocabulary.c) ---- */

/* One with these words and counts, by index, as a fit made it before. WG_EFORMAT for words that
 * come twice and counts below 0. */
wg_vocabulary *wg__vocabulary_of(const wg_vocabulary_hyper *h, int64_t n, const char *const *words,
                                 const int64_t *counts, wg_error *error);

/* ---- tokenizers (text_tokenize.c) ---- */

/* WG_ENAME unless it is one wg_tokenize knows. */
wg_status wg__tokenizer_known(const char *op, const char *tokenizer, wg_error *error);

/* ---- lines (text_lines.c) ---- */

typedef struct wg__lines wg__lines;

/* The corpus is copied, what it points to is borrowed. *l is NULL after an error. */
wg_status wg__lines_new(const char *op, const wg_corpus *corpus, wg__lines **l, wg_error *error);
void wg__lines_free(wg__lines *l);

/* The next line, of a file with a "\n" where it had a line end, and a 0 byte after it; *text NULL
 * after the last. */
wg_status wg__lines_next(wg__lines *l, const char **text, size_t *length, wg_error *error);

/* "corpus.txt:12: ", or "line 12: " in memory: where the last line came from. */
enum { WG__PLACE_TEXT = 160 };
const char *wg__lines_place(const wg__lines *l, char buf[WG__PLACE_TEXT]);

/* Tokens of the next line by the vocabulary's rules; an error names file and line. *more false
 * after the last line. */
wg_status wg__lines_tokens(wg__lines *l, const char *op, const wg_vocabulary_hyper *h, wg_tokens *t,
                           bool *more, wg_error *error);

#endif
