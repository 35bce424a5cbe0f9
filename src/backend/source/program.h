/* What the files of the writer share: places, arrays of weights, functions. */
#ifndef GR_SOURCE_PROGRAM_H
#define GR_SOURCE_PROGRAM_H

#include "backend/source/source.h"
#include "base/text.h"
#include "plan/loop.h"

typedef enum gr__at_kind {
    GR__AT_NOWHERE,
    GR__AT_INPUT,
    GR__AT_SCRATCH,
    GR__AT_WEIGHT,
    GR__AT_CONSTANT,
    GR__AT_SLOT
} gr__at_kind;

/* Where an operand stands in the program. */
typedef struct gr__at {
    gr__at_kind kind;
    int index;           /* WEIGHT: the entry of the store; CONSTANT: the buffer; SLOT: the slot */
    int64_t offset;      /* in numbers */
    const gr_plan *plan; /* CONSTANT: whose buffer it is */
    int loop;            /* SLOT: the number of the loop */
} gr__at;

/* A plan whose instructions are written: the program's, or the body of a loop within another. */
typedef struct gr__frame {
    const gr_plan *plan;
    const struct gr__frame *outer; /* NULL: the program's */
    const gr__instruction *loop;   /* of the outer plan */
    int number;                    /* in the names of its variables */
    int64_t base;                  /* of its blocks in the scratch */
} gr__frame;

/* How numbers of a weight are laid out in its array. */
typedef struct gr__layout {
    int64_t groups, k, n;           /* of each group [n][k] in the store, [k][n] in the array; k 0: as in the store */
    const gr__csource_codes *codes; /* codes, and beside them their scales; NULL: numbers as they are */
    bool doubles;                   /* of a constant */
} gr__layout;

/* A part of an entry, or a constant tensor, that is an array of the program. */
typedef struct gr__array {
    gr__at at;
    int64_t count;
    gr__layout layout;
    int number;
} gr__array;

typedef enum gr__helper {
    GR__HELP_PRODUCT,
    GR__HELP_DOTS,
    GR__HELP_CHANNELS,
    GR__HELP_LARGER,
    GR__HELP_STEPS,
    GR__HELP_TOKENS,
    GR__HELP_CODES,
    GR__HELPERS
} gr__helper;

typedef struct gr__csource {
    gr_context *ctx;
    gr__bump *memory; /* dies with writing */
    const gr_store *store;
    const gr__csource_program *program;
    gr__writer *out;
    gr__array *array;
    int n_arrays, array_room;
    bool *plain;        /* entries of the store that readers do not agree on */
    gr__text functions; /* all that were written */
    gr__text calls;     /* the program's body */
    int depth;          /* of loops around the next call */
    int n_loops;
    bool help[GR__HELPERS];
    struct gr__function *function; /* a list, the last first */
    int n_functions;
} gr__csource;

/* ---- places.c ---- */
gr__at gr__csource_at(const gr__csource *s, const gr__frame *f, gr__operand operand);
const char *gr__csource_address(gr__csource *s, gr__at at, int64_t count,
                                gr__layout layout);               /* an expression; NULL: no memory */
gr_status gr__csource_survey(gr__csource *s, const gr__frame *f); /* what weights are read as */
uint64_t gr__csource_array_bytes(const gr__csource *s);
gr_status gr__csource_arrays(const gr__csource *s); /* writes all that addresses were asked of */
bool gr__csource_is_wide(gr__at at);                /* constants that floats do not hold */

/* ---- kernels.c: calls and what is called ---- */

typedef struct gr__writing { /* a kernel */
    gr__csource *s;
    const gr_item *item;
    int segment;
    gr__text *t;        /* the body of its function */
    const char **name;  /* of its operands, inputs then outputs; NULL: an output that nobody reads */
    bool *wide;         /* doubles: constants that floats do not hold, where it takes them */
    bool raw;           /* it reads samples as they come, and so computes with constants as doubles */
    gr__layout *layout; /* that inputs have */
} gr__writing;

gr_status gr__csource_call(gr__csource *s, const gr__frame *f, const gr__instruction *in);
/* The layout that a kernel would have an input in. */
gr__layout gr__csource_layout(const gr_item *item, int input);
void gr__csource_indent(gr__csource *s); /* before a line of the program's body */
/* The function with this text behind its name, which begins with `stem`: one that there is, or a new one. */
const char *gr__csource_function(gr__csource *s, const char *returns, const char *stem, const char *text);
void gr__csource_helpers(const gr__csource *s, gr__text *out);
void gr__csource_comment(gr__text *out, const char *text); /* within a comment: it cannot end there */
/* A function of doubles that is what an elementwise operation means; NULL: no memory. */
const char *gr__csource_meaning(gr__csource *s, const gr_op *op);
gr__layout gr__contraction_layout(const gr_graph *g, const gr_node *n); /* of its second operand, if it is a weight */

/* The writers of bodies; false: it has no form of that. */
bool gr__write_region(gr__writing *w);
bool gr__write_scalars(gr__writing *w);
bool gr__write_contraction(gr__writing *w);
bool gr__write_move(gr__writing *w);
bool gr__write_reduction(gr__writing *w);
bool gr__write_index(gr__writing *w); /* gather, argmax, indices */
bool gr__write_pool(gr__writing *w);
bool gr__write_attention(gr__writing *w);

/* ---- numbers.c ---- */
const char *gr__csource_literal(double x, bool wide, char text[40]); /* in an expression; wide: of a double */
void gr__csource_number(float x, gr__text *out);                     /* in an array, to the bit */

static inline const char *gr__in_name(const gr__writing *w, int i)
{
    return w->name[i];
}
static inline const char *gr__out_name(const gr__writing *w, int o)
{
    return w->name[w->item->n_in + o];
}
static inline gr_shape gr__in_shape(const gr__writing *w, int i)
{
    return gr__value(w->item->graph, w->item->in[w->segment * w->item->n_in + i])->shape;
}

#endif
