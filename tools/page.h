/* page.h: the text of page.html, made from it when the command is built. */
#ifndef WENGERT_TOOLS_PAGE_H
#define WENGERT_TOOLS_PAGE_H

extern const char page_html[];

#endif
