/* Samples that are nearly the same: pictures by their looks, rows of a table by their distance, sequences by the runs
 * of words they share; and groups of samples that belong together. */
#ifndef GR_STUDY_DATA_NEAR_H
#define GR_STUDY_DATA_NEAR_H

#include "base/base.h"

/* ---- groups: union-find ---- */
typedef struct gr_clusters {
    gr_context *ctx;
    uint32_t *parent;
    int64_t n;
} gr_clusters;
gr_status gr__clusters_open(gr_context *ctx, int64_t n, gr_clusters *out); /* each alone; tensor memory */
void gr__clusters_close(gr_clusters *g);                                   /* zeroed groups are fine */
/* The lowest member of the group. */
int64_t gr__clusters_of(gr_clusters *g, int64_t i);
void gr__clusters_join(gr_clusters *g, int64_t a, int64_t b);

/* ---- pictures ---- */
enum { GR_LOOK_SIDE = 32, GR_LOOK_BYTES = GR_LOOK_SIDE * GR_LOOK_SIDE, GR_LOOK_APART = 4 };
typedef struct gr_near_look {
    uint64_t hash; /* dHash: of 9 x 8 grey places, whether each is darker than the next to its right */
    uint8_t small[GR_LOOK_BYTES];
} gr_near_look;
/* Of a picture of numbers from low to high; three channels are red, green, blue, of other numbers of channels the mean
 * counts. room: height * width numbers. */
void gr__look(const double *x, int64_t height, int64_t width, int64_t channels, double low, double high, double *room,
              gr_near_look *out);
/* Joins pictures whose hashes differ in 4 bits or less and whose small forms in less than 4 of 255 a place. Of the n
 * only those of `which` (rising; NULL: all) are looked at. */
gr_status gr__near_pictures(gr_context *ctx, const gr_near_look *look, const int64_t *which, int64_t n,
                            gr_clusters *groups);

/* ---- rows of a table ---- */
/* How far apart rows may be that are nearly the same: 1e-3 sqrt(D), or less where that many rows of such a spread come
 * so near by chance. x: n rows of d standardised numbers. */
double gr__near_limit(const double *x, int64_t n, int64_t d, uint64_t seed);
/* Joins rows nearer than the limit. */
gr_status gr__near_rows(gr_context *ctx, const double *x, int64_t n, int64_t d, double limit, gr_clusters *groups);

/* ---- sequences of words ---- */
enum { GR_SHINGLE = 5, GR_SIGNATURE = 128 };
/* Joins sequences of which at least 4 of 5 runs of five words are the same (Jaccard), those of fewer words by all of
 * them. word[begin[i] .. begin[i + 1]) are the words of sequence i. */
gr_status gr__near_words(gr_context *ctx, const uint32_t *word, const int64_t *begin, int64_t n, gr_clusters *groups);

#endif
