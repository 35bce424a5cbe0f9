/* Rules: what `gradus check` asks of a recipe, a member each. GR_RULE(name) = {...} in a file of this folder says which
 * ids of the chapter's checks and steps it answers, what it looks at, against which limit and by which source, and has
 * the function that judges. check.c opens what is looked at once, asks them all, and puts their answers in order. */
#ifndef GR_STUDY_CHECK_RULE_H
#define GR_STUDY_CHECK_RULE_H

#include "base/member.h"
#include "base/text.h"
#include "study/check/check.h"

/* What a rule looks at; each has all before it as well. Rules are asked in this order. */
typedef enum gr_rule_reads {
    GR_READS_RECIPE,   /* what is written, and the sizes of the data */
    GR_READS_PROBE,    /* the data, and the network with its initial weights */
    GR_READS_TRAINING, /* short trainings */
} gr_rule_reads;
const char *gr__rule_reads_name(gr_rule_reads r);

/* What short trainings share (trial.h). */
typedef struct gr_trials {
    struct gr_check *c;
    const gr_task *task;
    gr_rows training, validation; /* what is trained on and judged by: some rows of the validation part, or, where there
                                     is none, of the training rows, which training then lacks */
    bool held_out;                /* the latter */
    uint32_t *other;              /* of each row of the set: whose targets it has where they are shuffled */
    size_t other_bytes;
    double flops; /* of an update */
} gr_trials;

/* What the rules of one check share. */
typedef struct gr_check {
    gr_context *ctx;
    const gr_recipe *recipe;
    const gr_check_options *o;
    gr__bump *memory;
    gr_probe probe;   /* PROBE: open; TRAINING: its task alone */
    gr_trials trials; /* TRAINING: open */
    bool *reached;    /* TRAINING: of each parameter of the network, whether a gradient reaches it at the start */
    int draw;         /* 0: the recipe's own seed; 1, 2, ...: a rule is asked again */
    gr_checked *out;
} gr_check;

typedef struct gr_rule_id {
    const char *id, *name; /* "X9"; a few words of what is looked at */
} gr_rule_id;

/* How often a rule is asked again that did not say `ok` but may have met with chance: for each further draw has another
 * seed. Draws of initial weights alone cost little, so there are many, and two of them must say `ok`: what is wrong
 * with seven seeds of eight is told, and of recipes that are beyond a limit with every other seed one in 32. A majority
 * would be wrong about one in four of these. Of trainings one settles it. */
enum { GR_DRAWS_OF_WEIGHTS = 7, GR_CHANCE_OF_WEIGHTS = 2, GR_DRAWS_OF_TRAININGS = 2 };

enum { GR_RULE_IDS = 2 };
typedef struct gr_rule {
    gr_member head;             /* cite: where its threshold is from; equations: what is done, in a few lines */
    gr_rule_id as[GR_RULE_IDS]; /* the second may be none: one answer under two ids */
    gr_rule_reads reads;
    const char *limit, *unit; /* what is sound, in words; the unit of figure and limit */
    int draws;                /* further ones, at most, before anything but `ok` is said */
    gr_status (*judge)(gr_check *c, gr_finding *out);
} gr_rule;
#define GR_RULE(name) const gr_rule gr__rule_##name
const gr_rule *const *gr__rules(int *n); /* generated, sorted by name */
extern const gr_family gr__family_rule;  /* generated */

/* Writes a file into the folder of --sheets: nothing where none is asked for. */
gr_status gr__check_write(const gr_check *c, const char *name, const gr__text *text);
struct gr_sheet; /* result/sheet.h */
gr_status gr__check_write_sheet(const gr_check *c, const char *name, const struct gr_sheet *s);

/* The rule that answers this id; NULL: none does. */
const gr_rule *gr__rule_of(const char *id);

#endif
