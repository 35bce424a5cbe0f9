/* How the samples of an input are shown: pictures, maps of sequences, curves, rows of numbers, text. */
#ifndef GR_TRAIN_MANNER_H
#define GR_TRAIN_MANNER_H

#include "result/sheet.h"
#include "train/train.h"

typedef enum gr__manner_kind {
    GR__MANNER_PICTURE, /* [H, W] or [H, W, C] */
    GR__MANNER_MAP,     /* [T, F]: steps to the right, features upwards */
    GR__MANNER_CURVE,   /* many numbers in a row */
    GR__MANNER_ROWS,    /* few numbers, or named ones */
    GR__MANNER_INDICES, /* what a text is made of, or numbers that are looked up */
} gr__manner_kind;

typedef struct gr__manner {
    const char *name; /* of the input; NULL: it is the only one */
    gr__manner_kind kind;
    gr_shape shape;                     /* of a sample, as it is shown */
    gr_element as;                      /* its numbers */
    bool bytes;                         /* they are those of bytes: 0 to 255 */
    bool any;                           /* else a finite one was among those that are shown, */
    double low, high;                   /* and they reach from here to there */
    const char *const *column;          /* ROWS: what the numbers are called; NULL: by their places */
    const gr_schema_category *category; /* ROWS: of each, what its values stand for; NULL: numbers all */
    const gr_schema *schema;            /* INDICES: of the text; NULL: they are numbers */
    const gr_prepared *prepared;
    int n_prepared, n_delivered; /* steps of preparation; so many of them were taken before delivery */
} gr__manner;

/* Of what the loader of this part delivers; names live in s. */
gr__manner gr__manner_of(const gr_task *t, gr_part p, int input, gr_sheet *s);
/* Of the same samples as their source has them. */
gr__manner gr__manner_of_source(const gr_task *t, gr_part p, int input);
void gr__manner_take(gr__manner *m, const void *numbers, int64_t n); /* what will be shown, for the range */
void gr__manner_widen(gr__manner *m, double x);                      /* a finite number of it */
void gr__manner_note(const gr__manner *m, gr_sheet *s);              /* what is to be known of it */
/* Adds n indices of a text as what they stand for: lines stay lines, what cannot be shown is an escape. */
void gr__manner_text(const gr_schema *text, const int32_t *index, int64_t n, gr__text *out);
/* One sample, of which so many steps count. */
enum { GR__MANNER_ALL = -1 };
void gr__manner_show(const gr__manner *m, const void *numbers, int64_t steps, gr_sheet *s, gr_face *f);

#endif
