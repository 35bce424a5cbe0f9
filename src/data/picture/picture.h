/* Pictures in files: PNG, JPEG and PNM, told by their content, as bytes of a wanted size and number of channels.
 *
 * A decoder gives rows from top to bottom; resizing takes them as they come, so that of a large picture a few rows
 * stand in memory. What a file says of itself is held against limits before anything is made of it. */
#ifndef GR_DATA_PICTURE_PICTURE_H
#define GR_DATA_PICTURE_PICTURE_H

#include "backend/cpu/isa.h"
#include "data/blob.h"

#define GR__PICTURE_SIDE (1 << 20)    /* pixels of width or height at most */
#define GR__PICTURE_PIXELS (1 << 27)  /* all of them */
#define GR__PICTURE_FILE (1ull << 30) /* bytes of a file */

typedef enum gr__picture_kind { GR__NO_PICTURE, GR__PNG, GR__JPEG, GR__PNM } gr__picture_kind;
typedef enum gr__fit { GR__FIT_STRETCH, GR__FIT_CROP, GR__FIT_PAD } gr__fit;

/* What the head of a file says. */
typedef struct gr__picture {
    gr__picture_kind kind;
    int64_t width, height; /* as they are stored */
    int orientation;       /* EXIF: how to turn it, 1 to 8; 1: not at all */
    int components;        /* of a pixel, without its opacity: 1 grey, 3 colours, 4 inks */
    int depth, colour;     /* PNG: bits of a sample; which samples make a pixel, as its header has it */
    bool interlaced;       /* PNG: rows come in seven passes */
    bool by_rows;          /* PNG: they are unpacked one by one, since all of them would take too much memory */
    uint64_t bytes;        /* of the file */
} gr__picture;

/* How a picture is wanted. */
typedef struct gr__picture_way {
    int64_t height, width; /* 0: as it is */
    gr__fit fit;
    int channels; /* 1 or 3 */
    gr__isa isa;  /* resizing is compiled for several, to the same bits */
} gr__picture_way;

/* The head alone. `kind` is GR__NO_PICTURE where it is none (GR_OK). GR_E_FORMAT: damaged, larger than the limits, or
 * of a form that is not read. */
gr_status gr__picture_head(const gr__blob *b, gr__picture *out);
/* What a file that is none is, as messages say it: "a GIF picture, which is not read"; NULL: not known. */
const char *gr__picture_other(const unsigned char *head, size_t n);
/* Its size upright, or as `way` wants it. */
void gr__picture_size(const gr__picture *p, const gr__picture_way *way, int64_t *height, int64_t *width);
/* Bytes that decoding needs beside the file's own, aligned to 64. */
size_t gr__picture_scratch(const gr__picture *p, const gr__picture_way *way);
/* The file's pixels to out, height x width x channels. `p` is what gr__picture_head says of these bytes. GR_E_FORMAT
 * naming the file: damaged. Any thread, with a context of its own. */
gr_status gr__picture_decode(gr_context *ctx, const char *name, const unsigned char *file, const gr__picture *p,
                             const gr__picture_way *way, void *scratch, uint8_t *out);

/* ---- decoders: head and rows of one format each ---- */

/* A row of width x channels bytes, from the first to the last. */
typedef void (*gr__picture_row)(void *arg, const uint8_t *row);
typedef struct gr__picture_job {
    gr_context *ctx;
    const char *name;
    const unsigned char *file; /* p->bytes of it */
    const gr__picture *p;
    int channels;
    void *work; /* as many bytes as gr__NAME_work says */
    gr__picture_row row;
    void *arg;
} gr__picture_job;

gr_status gr__png_head(const gr__blob *b, gr__picture *out);
gr_status gr__jpeg_head(const gr__blob *b, gr__picture *out);
gr_status gr__pnm_head(const gr__blob *b, gr__picture *out);
size_t gr__png_work(const gr__picture *p, int channels);
size_t gr__jpeg_work(const gr__picture *p, int channels);
size_t gr__pnm_work(const gr__picture *p, int channels);
gr_status gr__png_rows(const gr__picture_job *j);
gr_status gr__jpeg_rows(const gr__picture_job *j);
gr_status gr__pnm_rows(const gr__picture_job *j);
/* The libraries that decode, with their versions: what pixels of a JPEG depend on. */
const char *gr__picture_libraries(char *text, size_t n);

/* Shared by them. */
gr_status gr__picture_damaged(gr_context *ctx, const char *name, const char *format, const char *what);
/* Colours to grey: ITU-R 601, in whole numbers: (19595 R + 38470 G + 7471 B + 32768) / 65536, as Pillow's
 * convert("L"). */
static inline uint8_t gr__picture_grey(unsigned r, unsigned g, unsigned b)
{
    return (uint8_t)((19595 * r + 38470 * g + 7471 * b + 32768) >> 16);
}
/* n pixels of `has` bytes (1 or 3) as `channels`. */
void gr__picture_channels(const uint8_t *from, int64_t n, int has, int channels, uint8_t *to);

/* Orientation in `n` bytes of TIFF directories, as EXIF has them, from `at` on; 1 where there is none. */
int gr__exif_orientation(const gr__blob *b, uint64_t at, uint64_t n);

/* ---- resizing (resize.c): antialiased bilinear ---- */

/* One axis: output i is the sum of taps weight[i * taps + k] on inputs from[i] + k, of which n[i] count, and the
 * others, up to taps, have the weight 0. */
typedef struct gr__axis {
    int64_t in, out, taps, most; /* most: n[i] at most */
    int32_t *from, *n;
    float *weight;
} gr__axis;
/* Outputs 0..out-1 are spread over inputs from `low` to `high`, of `in`. */
int64_t gr__axis_taps(int64_t in, int64_t out, double low, double high); /* at most */
size_t gr__axis_bytes(int64_t in, int64_t out, double low, double high);
void gr__axis_make(gr__axis *a, int64_t in, int64_t out, double low, double high, void *memory);

typedef struct gr__ring { /* the last rows that came */
    uint8_t *row;
    int64_t rows, bytes; /* bytes of one */
} gr__ring;
static inline uint8_t *gr__ring_row(const gr__ring *r, int64_t number)
{
    return r->row + number % r->rows * r->bytes;
}

/* line[i] = the sum of w[k] * (rows from + k)[i]. */
typedef void (*gr__sum_rows)(const gr__ring *r, const float *w, int64_t from, int64_t rows, float *line);
void gr__sum_rows_baseline(const gr__ring *r, const float *w, int64_t from, int64_t rows, float *line);
void gr__sum_rows_avx2(const gr__ring *r, const float *w, int64_t from, int64_t rows, float *line);
void gr__sum_rows_avx512(const gr__ring *r, const float *w, int64_t from, int64_t rows, float *line);

/* out[i * channels + c] = the sum of weight * line[(from + k) * channels + c], rounded. */
typedef void (*gr__sum_columns)(const gr__axis *a, const float *line, int channels, uint8_t *out);
void gr__sum_columns_baseline(const gr__axis *a, const float *line, int channels, uint8_t *out);
void gr__sum_columns_avx2(const gr__axis *a, const float *line, int channels, uint8_t *out);
void gr__sum_columns_avx512(const gr__axis *a, const float *line, int channels, uint8_t *out);

typedef struct gr__resizer {
    gr__axis x, y;
    int channels;
    gr__sum_rows rows;
    gr__sum_columns columns;
    int64_t next_in, next_out; /* rows taken, rows given */
    gr__ring ring;             /* of y.taps rows */
    float *line;               /* a row that is summed from several */
    uint8_t *out;              /* x.out * channels bytes a row */
} gr__resizer;
/* Of a line: behind the sums stand zeros, which columns read, with a weight of 0, and one more number. */
size_t gr__line_numbers(int64_t width, int64_t taps, int channels);
void gr__resizer_for(gr__resizer *r, gr__isa isa);
void gr__resizer_row(void *resizer, const uint8_t *row);

#endif
