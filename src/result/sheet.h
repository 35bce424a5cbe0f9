/* A sheet: samples to look at, each a card with faces side by side (pictures, rows of numbers, text) and lines of words
 * beneath. One page of HTML that needs nothing from elsewhere, or one PNG. The same sheet gives the same bytes. Words
 * may be anything: they are escaped where they are shown. */
#ifndef GR_RESULT_SHEET_H
#define GR_RESULT_SHEET_H

#include "result/raster.h"

typedef struct gr_sheet_row { /* "petal width", "0.2" */
    const char *name, *value;
} gr_sheet_row;

/* Shows what its members hold: a picture, rows, a text, or any of them together. */
typedef struct gr_face {
    struct gr_face *next;
    const char *caption, *foot; /* above and below it; NULL: nothing */
    gr_raster picture;          /* width 0: none */
    bool smooth;                /* a picture whose pixels need not be told apart */
    gr_sheet_row *row;
    int64_t n_rows;
    const char *text;
    size_t text_bytes;
} gr_face;

typedef struct gr_line {
    struct gr_line *next;
    const char *text;
} gr_line;

typedef struct gr_card {
    struct gr_card *next;
    const char *title;
    gr_face *face, **last_face;
    gr_line *line, **last_line;
    bool wrong; /* marked: something is not as it should be */
} gr_card;

typedef struct gr_sheet {
    gr_context *ctx;
    gr__bump *memory; /* all of it */
    const char *title;
    gr_line *note, **last_note; /* what is to be known of all cards */
    gr_card *card, **last_card;
    int64_t n_cards;
    gr_status failed; /* the first failure of the calls below, which may be made in a row */
    gr_card no_card;  /* what these give where there is no memory; nobody shows them */
    gr_face no_face;
} gr_sheet;
gr_status gr__sheet_open(gr_context *ctx, const char *title, gr_sheet *out);
void gr__sheet_close(gr_sheet *s);                                                /* a zeroed one is fine */
const char *gr__sheet_text(gr_sheet *s, const char *format, ...) GR_PRINTF(2, 3); /* in its memory; never NULL */
void gr__sheet_note(gr_sheet *s, const char *format, ...) GR_PRINTF(2, 3);
/* Never NULL. */
gr_card *gr__sheet_card(gr_sheet *s, const char *title);
void gr__card_line(gr_sheet *s, gr_card *c, const char *format, ...) GR_PRINTF(3, 4);
gr_face *gr__card_face(gr_sheet *s, gr_card *c, const char *caption); /* never NULL */

gr_status gr__sheet_html(const gr_sheet *s, gr__text *out);
/* GR_E_UNSUPPORTED: it would have more than GR_SHEET_PIXELS. */
enum { GR_SHEET_PIXELS = 64 << 20 };
gr_status gr__sheet_png(const gr_sheet *s, gr__text *out);

/* How large a picture is shown: small ones by whole numbers of times, large ones reduced to `most`. */
void gr__sheet_scaled(const gr_raster *r, int least, int most, int *width, int *height);

#endif
