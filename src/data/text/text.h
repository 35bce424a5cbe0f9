/* Text as samples. units.c reads a file as bytes or characters, alphabet.c gives characters their indices, windows.c
 * makes samples of running text, lines.c of lines with labels; text.c is the source. */
#ifndef GR_DATA_TEXT_TEXT_H
#define GR_DATA_TEXT_TEXT_H

#include "data/blob.h"
#include "data/data.h"
#include "data/table/csv_table.h"

/* ---- units: a file from front to back ---- */

typedef struct gr__broken { /* a byte that begins no character */
    uint64_t place;
    unsigned byte;
} gr__broken;

typedef struct gr__units {
    gr_context *ctx;
    const char *name;
    gr__stream *stream;
    bool chars;            /* code points of UTF-8; else bytes */
    bool unmarked;         /* a mark of the byte order at the front is to be left out */
    unsigned char *buffer; /* bookkeeping memory */
    size_t at, n;
    uint64_t before;   /* bytes of the content before the buffer */
    bool whole;        /* no more follows after it */
    gr__broken broken; /* the last one */
    gr_status st;
} gr__units;

enum { GR__UNIT_BROKEN = -1 }; /* a byte that begins no character */
/* What fails is in u->st from then on. The blob outlives the reader. */
void gr__units_open(gr__units *u, const gr__blob *b, bool chars, bool unmarked);
void gr__units_close(gr__units *u);
/* The next unit; false at the end, or where reading failed. */
bool gr__units_next(gr__units *u, int32_t *unit);
/* GR_E_FORMAT: no UTF-8, naming a broken byte. */
gr_status gr__units_broken(const gr__units *u, gr__broken at);
uint64_t gr__units_place(const gr__units *u); /* bytes of the content before the next unit */
/* Code point to at most 4 bytes of UTF-8; gives how many. */
size_t gr__utf8_write(int32_t c, char *to);

/* ---- the alphabet: which characters have an index, and which ---- */

/* Indices of characters begin after those two. Bytes are their own indices, and pad with 0. */
enum { GR__TEXT_PAD = 0, GR__TEXT_UNKNOWN = 1, GR__TEXT_FIRST = 2, GR__TEXT_BYTES = 256, GR__TEXT_MOST = 0x110000 };

typedef struct gr__alphabet {
    gr__bump *memory;
    int64_t **page;        /* of 256 characters each: counts while they are counted, then indices; NULL: none seen */
    int64_t seen;          /* different characters */
    const int32_t *symbol; /* code points by their index, rising; the first has GR__TEXT_FIRST */
    int n;
} gr__alphabet;

/* GR_E_MEMORY. All of it lives in b. */
gr_status gr__alphabet_begin(gr__alphabet *a, gr_context *ctx, gr__bump *b);
gr_status gr__alphabet_count(gr__alphabet *a, int32_t c);
/* Indices of what was counted: in the order of the code points; of more than `most` characters the most frequent have
 * one, at equal counts the lower. */
gr_status gr__alphabet_settle(gr__alphabet *a, gr_context *ctx, int64_t most);
/* That of the training, as its model has it. */
gr_status gr__alphabet_take(gr__alphabet *a, gr_context *ctx, const int32_t *symbol, int n);
int32_t gr__alphabet_index(const gr__alphabet *a, int32_t c);

/* ---- sets ---- */

typedef struct gr__text_options {
    bool chars;
    int64_t window, stride;     /* of running text; window 0: lines */
    int64_t length;             /* of lines: units that a sample has */
    int64_t most;               /* chars: characters that get an index; 0: as many as there are */
    int64_t room;               /* indices that the network looks up; 0: not known */
    int64_t outputs;            /* classes that it tells apart, where these are units; 0: not known */
    const char *input, *target; /* names of the fields; target NULL: none is wanted */
    bool last;                  /* the target is the unit after a window, not that after each place */
    bool raw;                   /* for prediction: no targets, the last window may be short, no line needs a label */
    bool whole;                 /* raw: a file is one text, whatever its lines */
    const gr_schema *like;      /* of the training; NULL: this is the training's */
    bool own_classes;           /* with `like`: its labels are classes of its own all the same */
    gr_faults *faults;          /* as in gr_source_options */
} gr__text_options;

/* A text on its way to a set: read twice, first to count, then to fill. */
typedef struct gr__corpus {
    gr_context *ctx;
    const gr__text_options *o;
    gr__bump *memory; /* of the set */
    gr__alphabet alphabet;
    gr__table table; /* what labels are kept by: memory and file alone */
    gr__labels labels;
    bool known;     /* labels are the training's */
    bool labelled;  /* every line so far begins with a label */
    bool cut;       /* some sample has fewer units than there is room for */
    uint64_t *line; /* where each row stands; NULL: not wanted */
    int64_t rows;
} gr__corpus;

/* What one index of the text may be at most: what the network looks up and, of running text, tells apart; 0: not known.
 */
int64_t gr__corpus_limit(const gr__text_options *o);
/* GR_E_DATA: a byte beyond that. */
gr_status gr__corpus_index(const gr__corpus *c, const gr__units *u, int32_t unit, int32_t *out);

/* The first reading of a file, the only one of `info`: adds its rows, and counts the characters that samples have. */
gr_status gr__windows_count(gr__corpus *c, const gr__blob *b);
gr_status gr__lines_count(gr__corpus *c, const gr__blob *b);
/* The second: fills the set from row `row` on, and gives the row after. */
gr_status gr__windows_fill(gr__corpus *c, const gr__blob *b, gr_set *s, int64_t *row);
gr_status gr__lines_fill(gr__corpus *c, const gr__blob *b, gr_set *s, int64_t *row);

/* From bytes: what tests, fuzzing and the source call. */
gr_status gr__text_info(gr__blob *b, const gr__text_options *o, gr__bump *memory, gr_set *out);
gr_status gr__text_load(gr__blob *b, const gr__text_options *o, gr_set *out);
/* Of n >= 1 files that prediction is given, which have no labels; samples have their names. */
gr_status gr__text_files(gr_context *ctx, const char *const *file, int n, const gr__text_options *o, gr_set *out);

#endif
