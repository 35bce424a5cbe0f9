/* Integer programs, handed to CBC, whose library is looked up when it is wanted. [Forrest et al., CBC] */
#ifndef GR_PLAN_BUDGET_SOLVER_H
#define GR_PLAN_BUDGET_SOLVER_H

#include "base/base.h"

typedef struct gr__integer_term {
    int row, column;
    double by;
} gr__integer_term;

/* Least cost of columns, of which rows bound sums. Zero-initialised but for ctx. */
typedef struct gr__integer_program {
    gr_context *ctx;
    int columns, rows;
    double *low, *high, *cost; /* of columns */
    bool *whole;
    double *row_low, *row_high;
    gr__integer_term *term;
    size_t n_terms;
    size_t low_room, high_room, cost_room, whole_room, row_low_room, row_high_room, term_room;
    bool failed; /* no memory */
} gr__integer_program;

int gr__integer_column(gr__integer_program *p, double low, double high, double cost, bool whole);
/* A term of the row that is ended next: low <= sum <= high. */
void gr__integer_term_add(gr__integer_program *p, int column, double by);
void gr__integer_row(gr__integer_program *p, double low, double high);
void gr__integer_close(gr__integer_program *p);

bool gr__integer_solver_is_there(void);
gr_status gr__integer_solver(gr_context *ctx); /* GR_E_FILE: the library is not there */

typedef struct gr__integer_answer {
    const double *value; /* of the columns, in the bump; NULL: none is known */
    double cost, bound;  /* cost of `value`; nothing costs less than `bound` */
    bool optimal, none;  /* none: nothing satisfies the rows */
} gr__integer_answer;

/* limit: nodes of the tree; 0: the relaxation, in which nothing need be whole. gap: the share of the cost that a better
 * one may be cheaper by. */
gr_status gr__integer_solve(const gr__integer_program *p, int64_t limit, double gap, gr__bump *b,
                            gr__integer_answer *out);

#endif
