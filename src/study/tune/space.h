/* What a search may change: a space a key of the recipe, and points of all of them together.
 *
 *     optimizer.lr=log(1e-4,1e-1)    data.batch=int_log(16,256)    optimizer={adam,sgdm}
 *     optimizer.beta2=uniform(0.9,0.999) if optimizer=adam
 *
 * A space has a coordinate in which it is searched: the logarithm where it is logarithmic, and a whole number's share
 * of the line reaches half a step to both sides of it. */
#ifndef GR_STUDY_TUNE_SPACE_H
#define GR_STUDY_TUNE_SPACE_H

#include "base/text.h"

enum { GR_MOST_SPACES = 32, GR_MOST_CHOICES = 64, GR_MOST_CONDITIONS = 4, GR_SPACE_TEXT = 320 };

typedef enum gr_space_kind {
    GR_SPACE_CHOICES,
    GR_SPACE_UNIFORM,
    GR_SPACE_LOG,
    GR_SPACE_INT,
    GR_SPACE_INT_LOG
} gr_space_kind;

typedef struct gr_space {
    const char *key, *text; /* text: the space as it was written, without conditions */
    gr_space_kind kind;
    double low, high; /* but for CHOICES */
    int points;       /* of a grid; 0: not given */
    const char *choice[GR_MOST_CHOICES];
    int n_choices;
    struct {
        const char *key; /* of the space of choices that decides */
        int space;
        uint64_t choices; /* it applies beside these of them */
    } when[GR_MOST_CONDITIONS];
    int n_when;
} gr_space;

typedef struct gr_spaces {
    gr_space at[GR_MOST_SPACES]; /* what others depend on stands before them, keys before those within them */
    int n;
} gr_spaces;

/* A value a space: a number, or which choice; NaN where the space does not apply. */
typedef struct gr_point {
    double at[GR_MOST_SPACES];
} gr_point;

/* Reads KEY=SPACE texts, as many as there are; all that they say is kept in b. GR_E_USAGE. */
gr_status gr__spaces_read(gr_context *ctx, gr__bump *b, const char *const *text, int n, gr_spaces *out);
/* One more condition: space s applies beside these choices of another alone. GR_E_USAGE where it has too many. */
gr_status gr__space_limit(gr_context *ctx, gr_spaces *all, int s, int other, uint64_t choices);
int gr__spaces_find(const gr_spaces *all, const char *key); /* -1: none */
/* The nearest space of choices that key lies within: `optimizer` of `optimizer.beta2`; -1: none. */
int gr__spaces_above(const gr_spaces *all, int s);

/* Whether the space applies at a point whose earlier values are known. */
bool gr__space_applies(const gr_spaces *all, int s, const gr_point *p);
/* The coordinate's ends, with half a step beyond whole numbers; 0 and the number of choices. */
void gr__space_ends(const gr_space *s, double *low, double *high);
double gr__space_coordinate(const gr_space *s, double value);
/* The value there: whole where the space is, with six digits where it is real, within its ends. */
double gr__space_value(const gr_space *s, double coordinate);
/* How many values a grid takes, and one of them. */
int gr__space_count(const gr_space *s);
double gr__space_grid(const gr_space *s, int i);
/* As a recipe would say it. Returns buffer. */
const char *gr__space_text(const gr_space *s, double value, char buffer[GR_SPACE_TEXT]);
/* KEY=SPACE with all its conditions, which reads back to the same space; in b. */
const char *gr__space_written(const gr_spaces *all, int s, gr__bump *b);

#endif
