/* The lab: figures and claims of the chapter, computed by the library's own graphs, plans, optimizers, initialisers and
 * training, with the prediction of the theory beside what was measured.
 *
 * A figure is a member, one file in src/study/lab: GR_FIGURE(name) = {...}. Its `run` fills tables, says what of them
 * is to be drawn, and states claims, all in its gr_result. It knows nothing of files or pictures: `gradus lab` writes
 * those. */
#ifndef GR_STUDY_LAB_H
#define GR_STUDY_LAB_H

#include "base/member.h"
#include "nn/common.h"
#include "result/result.h"

/* ---- a figure and its results ---- */
typedef struct gr_lab gr_lab;
typedef struct gr_figure {
    gr_member head;    /* equations: the theory in a few lines; rows: what `--set` may change */
    const char *quick; /* settings of a run of less than a minute, as text; NULL: it takes no longer */
    gr_status (*run)(gr_lab *lab);
} gr_figure;
#define GR_FIGURE(name) const gr_figure gr__figure_##name
const gr_figure *const *gr__figures(int *n); /* generated, sorted by name */
extern const gr_family gr__family_figure;    /* generated */

struct gr_lab {
    gr_context *ctx;
    gr__bump *memory; /* the result's */
    const gr_figure *figure;
    gr_settings settings; /* of the figure's rows */
    uint64_t seed;
    int threads;      /* 0: not given */
    gr_result result; /* tables of numbers, findings, drawings */
};

/* Finds a figure and checks `given`, a map of settings or NULL, as recipes are checked; quick: those of the figure's
 * short run hold where `given` has none. threads is for the caller to apply. */
gr_status gr__lab_open(gr_context *ctx, const char *name, const gr_tree *given, bool quick, gr_lab **out);
gr_status gr__lab_run(gr_lab *lab);               /* once */
void gr__lab_close(gr_context *ctx, gr_lab *lab); /* NULL is fine */

/* For figures, beside those of result.h. */
#define gr__lab_table(lab, ...) gr__result_numbers(&(lab)->result, __VA_ARGS__)
#define gr__lab_panel(lab, ...) gr__result_draw(&(lab)->result, __VA_ARGS__)
#define gr__lab_text(lab, ...) gr__result_text(&(lab)->result, __VA_ARGS__)
#define GR_LAB_ROW(lab, t, ...) gr__result_row(&(lab)->result, t, (const double[]){__VA_ARGS__})
/* Claims. |measured - predicted| <= tolerance |predicted| (tolerance itself where the prediction is 0). */
void gr__lab_equal(gr_lab *lab, double predicted, double measured, double tolerance, const char *quantity, ...)
    GR_PRINTF(5, 6);
void gr__lab_within(gr_lab *lab, double low, double high, double measured, const char *quantity, ...) GR_PRINTF(5, 6);

#endif
