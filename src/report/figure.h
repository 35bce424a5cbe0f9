/* A figure's results as files: tables and claims as CSV, drawings as SVG. */
#ifndef GR_REPORT_FIGURE_H
#define GR_REPORT_FIGURE_H

#include "base/text.h"
#include "study/lab.h"

/* Comma-separated: a line of names ("name [unit]" where there is a unit), then a line a row; numbers read back to the
 * same bits, what is not a number leaves its cell empty. */
gr_status gr__table_csv(const gr_table *t, gr__text *out);
/* quantity, predicted, measured, relative_error, low, high, holds. */
gr_status gr__claims_csv(const gr_claim *c, int n, gr__text *out);
/* Drawing i. A table or column it names and the figure has not is GR_E_INTERNAL. */
gr_status gr__panel_svg(const gr_lab *lab, int i, gr__text *out);
/* The same for Graphviz, of a drawing that is boxes and arrows (dag.nodes is not NULL). */
gr_status gr__panel_dot(const gr_lab *lab, int i, gr__text *out);

#endif
