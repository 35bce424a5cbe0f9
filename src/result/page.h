/* What every drawing has: its <svg> element with title and frame, blocks of text, and the widths that these are
 * estimated to have, a little on the wide side, since no font is known. */
#ifndef GR_RESULT_PAGE_H
#define GR_RESULT_PAGE_H

#include "base/text.h"

/* Pixels; the last three are sizes of type. */
static const double GR_PAGE_MARGIN = 16, GR_PAGE_TITLE = 17, GR_PAGE_TEXT = 12.5, GR_PAGE_SMALL = 11.5;
static const double GR_PAGE_WIDE = 0.6; /* of the size of type: what a character takes */

size_t gr__page_columns(double pixels, double size); /* characters in a line */
double gr__page_width(const char *s, double size);
int gr__page_lines(const char *s, size_t columns); /* of a block; NULL has none */
/* A block of text, its top left at (margin, y); style: more attributes. A last line that has to be cut ends in an
 * ellipsis. */
void gr__page_block(gr__text *out, double y, double size, size_t columns, const char *style, const char *s);
/* <svg>, <title>, <desc> where there is one (NULL: none), ground, and the title as a block; gr__page_title is the
 * height that it takes. */
void gr__page_open(gr__text *out, double width, double height, const char *title, const char *description);
double gr__page_title(double width, const char *title);
/* The caption at the foot, and what it takes. */
void gr__page_close(gr__text *out, double width, double height, const char *caption);
double gr__page_caption(double width, const char *caption);

/* Rules of a style sheet that turn ground, frames and words into those of a dark ground. */
void gr__page_dark(gr__text *out);

#endif
