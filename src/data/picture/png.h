/* Inside the PNG decoder: what the chunks of a file say, and rows undone of their filters. */
#ifndef GR_DATA_PICTURE_PNG_H
#define GR_DATA_PICTURE_PNG_H

#include "data/picture/picture.h"

#define GR__PNG_SLACK 8 /* bytes behind a row that may be read */

enum { GR__PNG_GREY = 0, GR__PNG_RGB = 2, GR__PNG_PALETTE = 3, GR__PNG_GREY_ALPHA = 4, GR__PNG_RGBA = 6 };
enum { GR__PNG_WRONG = 96 }; /* bytes that say what is wrong */

/* Where chunks stand in a file that is in memory. */
typedef struct gr__png_chunks {
    const unsigned char *palette, *clear; /* PLTE and tRNS; NULL: none */
    size_t n_palette, n_clear;            /* bytes */
    const unsigned char *pixels;          /* the first IDAT chunk, from its length on; others follow */
    size_t pieces, packed;                /* of IDAT: how many, and their bytes together */
} gr__png_chunks;
/* From the header to IEND, with the checksums of all on which pixels depend. False: `wrong` says why. */
bool gr__png_walk(const unsigned char *file, size_t n, const gr__picture *p, gr__png_chunks *out, char *wrong);

/* Undoes the filter (0 to 4) of a row of n bytes, of which `apart` make a pixel, at least one: 1, 2, 3, 4, 6 or 8. `up`
 * is the row above, or zeros. Up to GR__PNG_SLACK bytes behind both rows are read. */
void gr__png_unfilter(int filter, uint8_t *row, const uint8_t *up, size_t n, int apart);

/* Rows of samples as they are stored, to bytes of pixels. */
typedef struct gr__png_pixels {
    int depth, colour, channels;
    bool clear; /* one colour is without opacity: */
    unsigned colour_of[3];
    uint8_t of[256][3]; /* one sample of at most 8 bits: what it looks like */
} gr__png_pixels;
int gr__png_samples(int colour);           /* of a pixel */
bool gr__png_sound(int depth, int colour); /* there is such a form */
void gr__png_pixels_make(const gr__picture *p, const gr__png_chunks *c, int channels, gr__png_pixels *out);
/* The pixels of a row: `row` itself where they stand there as wanted, else `to`. */
const uint8_t *gr__png_pixels_row(const gr__png_pixels *x, const uint8_t *row, int64_t n, uint8_t *to);

#endif
