/* escape.c: text inside XML or HTML. */
#include "escape.h"

void put_escaped(const char *text, FILE *to)
{
    for (; *text; text++) {
        switch (*text) {
        case '&':
            fputs("&amp;", to);
            break;
        case '<':
            fputs("&lt;", to);
            break;
        case '>':
            fputs("&gt;", to);
            break;
        case '"':
            fputs("&quot;", to);
            break;
        default:
            if ((unsigned char)*text >= 0x20) fputc(*text, to);
        }
    }
}
