/* Evidence files (tests/family/FAMILY/MEMBER.txt, written by the make_*.py beside them), and what every check that
 * holds a member against them is made of. The check of a family is a file of its own, case_FAMILY.c. The suite runs the
 * checks on the registry; tests of the tests run the same ones on wrong members. A check gives false and says why; it
 * never ends the test itself. */
#ifndef GR_TESTS_EVIDENCE_H
#define GR_TESTS_EVIDENCE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/tree.h"
#include "graph/eval.h"
#include "plan/plan.h"
#include "test.h"

typedef struct ev_tensor {
    char name[40];
    gr_shape shape;
    int64_t n;
    double *v;
} ev_tensor;

typedef struct ev_case {
    char name[48], set[512];
    char key[8][24], word[8][32];
    int n_words, n_tensors;
    ev_tensor tensor[64];
} ev_case;

typedef struct evidence {
    char path[160];
    int n;
    ev_case *c;
} evidence;

/* The member's evidence, MEMBER.txt and, where it has more of its own script, MEMBER.more.txt behind it; NULL where
 * there is none, or it cannot be read. */
evidence *ev_open(const char *family, const char *member);
void ev_free(evidence *e);
const ev_tensor *ev_find(const ev_case *c, const char *name);
const char *ev_word(const ev_case *c, const char *key);
double ev_number(const ev_case *c, const char *name);

/* ---- comparing ---- */

typedef struct verdict {
    char why[400];
} verdict;

bool ev_bad(verdict *v, const ev_case *c, const char *what, const char *detail);
/* The kept error as the reason. */
bool ev_failed(verdict *v, gr_context *ctx, const ev_case *c, const char *what);
/* Within `tolerance` of the largest element; infinities and NaN must be the same. */
bool ev_near(verdict *v, const ev_case *c, const char *what, const double *got, const double *want, int64_t n,
             double tolerance);

/* ---- evaluating a graph with leaves by name ---- */

typedef struct ev_leaves {
    const gr_backend *backend; /* NULL: the evaluator; else a plan of it is compiled and run */
    int n;
    struct {
        const char *name;
        const double *v;
    } leaf[64];
} ev_leaves;

void ev_leaf(ev_leaves *l, const char *name, const double *v);
const double *ev_get_leaf(void *user, const gr_graph *g, const gr_node *node);
/* Puts numbers where a backend has them: rank 0 is double, GR_REAL as the backend, integers int32. */
void ev_put(const gr_backend *backend, gr_dtype dtype, gr_shape shape, void *to, const double *from);
/* Computes one value into fresh memory (free it); NULL on failure. */
double *ev_value(gr_graph *g, gr_val v, ev_leaves *l);
bool ev_holds(verdict *v, gr_context *ctx, const ev_case *c, gr_graph *g, gr_val value, ev_leaves *l, const char *want,
              double tolerance);

/* ---- what every check starts from ---- */

typedef struct ev_bench {
    const gr_backend *backend; /* NULL: the evaluator */
    double tolerance;
    gr_context *ctx;
    gr__bump *memory;
    gr_graph *g;
    gr_tree *tree;
} ev_bench;

bool ev_begin(ev_bench *b, const char *set);
void ev_end(ev_bench *b);

/* ---- whole members ---- */

/* One case of the evidence of a member of some family. */
typedef bool (*ev_check_case)(ev_bench *b, const void *member, const ev_case *c, verdict *v);

/* All cases, evaluated, or through plans of a backend. */
bool ev_check(ev_check_case check, const void *member, const evidence *e, const gr_backend *backend, double tolerance,
              verdict *v);

#endif
