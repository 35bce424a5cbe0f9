/* What pages of HTML share: their head, a style that is light or dark as the reader has it, and cards. */
#ifndef GR_RESULT_HTML_H
#define GR_RESULT_HTML_H

#include "result/sheet.h"

/* From the doctype to <body>. `more`: rules after the common ones. No page runs a script or asks for anything from
 * elsewhere; the browser is told to refuse both. */
void gr__html_open(gr__text *out, const char *title, const char *more);
void gr__html_close(gr__text *out);
/* before and after as they are, words escaped. */
void gr__html_words(gr__text *out, const char *before, const char *words, const char *after);
/* A card with its faces, as an <article> whose title is a heading of this level. */
gr_status gr__html_card(gr__text *out, const gr_card *c, int level);

#endif
