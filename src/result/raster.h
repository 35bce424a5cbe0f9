/* Pictures as rows of red, green and blue bytes, what is drawn on them, and PNG. The same picture gives the same bytes.
 */
#ifndef GR_RESULT_RASTER_H
#define GR_RESULT_RASTER_H

#include "base/text.h"

typedef struct gr_colour {
    uint8_t r, g, b;
} gr_colour;

typedef struct gr_raster {
    int width, height;
    gr_colour *at; /* rows from the top; in the memory of whoever made it */
} gr_raster;

enum { GR_RASTER_SIDE = 1 << 16 }; /* at most, of either side */
/* Black, in b. GR_E_MEMORY. */
gr_status gr__raster_make(gr__bump *b, int width, int height, gr_raster *out);
/* What reaches beyond the picture is left out, by all of these. */
void gr__raster_fill(gr_raster *r, int x, int y, int width, int height, gr_colour c);
/* Another picture, so large: larger ones get whole pixels repeated, smaller ones the mean of those that a pixel stands
 * for. */
void gr__raster_put(gr_raster *r, int x, int y, int width, int height, const gr_raster *from);

/* ---- letters: printable ASCII, each GR_GLYPH_WIDTH by GR_GLYPH_HEIGHT with the space around it ---- */
enum { GR_GLYPH_COLUMNS = 5, GR_GLYPH_ROWS = 7, GR_GLYPH_WIDTH = 6, GR_GLYPH_HEIGHT = 10 };
extern const uint8_t gr__glyphs[95][GR_GLYPH_ROWS]; /* from ' ' on: rows from the top, the left pixel the highest bit */
/* The first `bytes` bytes of s, so many times as large; a character that has no letter is a box. */
void gr__raster_text(gr_raster *r, int x, int y, int times, gr_colour c, const char *s, size_t bytes);

/* ---- files ---- */
gr_status gr__raster_png(const gr_raster *r, gr__text *out); /* adds a PNG file's bytes */
/* "data:image/png;base64,...", which pages take in place of an address. */
gr_status gr__raster_uri(const gr_raster *r, gr__text *out);

#endif
