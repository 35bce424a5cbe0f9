/* The chapter's rules of choice as tables: a topic has rules, a rule has its sentence and section, and may be held
 * against a recipe. */
#ifndef GR_STUDY_ADVICE_H
#define GR_STUDY_ADVICE_H

#include "model/recipe.h"

/* The text that "the chapter" means throughout. */
#define GR_CHAPTER "'Training a Model', chapter 4 of Deep Learning Systems (Rodriguez)"

/* Where the work stands: a recipe cannot tell. */
typedef enum gr_phase {
    GR_PHASE_UNKNOWN,
    GR_PHASE_DESIGN,
    GR_PHASE_NEW,
    GR_PHASE_ESTABLISHED,
    GR_PHASE_COUNT
} gr_phase;
const char *gr__phase_name(
    gr_phase p); /* "design": the topology is being designed; "new": it is settled; "established": it is a known one */
extern const char *const gr__phase_words[]; /* of the three; NULL-ended */

typedef struct gr_advised { /* what rules look at */
    const gr_recipe *recipe;
    gr_phase phase;
    const char *optimizer, *schedule; /* types; sgd with momentum is "sgdm", as in the text */
    const char *beside;               /* "lookahead" or "average" where the recipe adds it; else "" */
    double batch;                     /* samples an update; INFINITY: all of them */
    double eps, weight_decay;         /* NaN: the optimizer has no eps; 0: no decay */
    bool beta;                        /* the optimizer has a beta */
    bool pictures, words;             /* what the network is made for, as its layers tell */
    int layers, groups;               /* that have weights of their own; of parameters with rates of their own */
    double l2;                        /* of the penalty; 0: none */
    bool drops, normalises, augments,
        prunes; /* layers that do; training samples are changed or mixed; weights are pruned */
} gr_advised;

typedef enum gr_fit {
    GR_FIT_FOLLOWED, /* applies, and the recipe does so */
    GR_FIT_APPLIES,  /* applies, and the recipe does otherwise */
    GR_FIT_OPEN,     /* depends on what no recipe tells */
    GR_FIT_NOT       /* does not apply */
} gr_fit;
const char *gr__fit_name(gr_fit f); /* "followed", "applies", "open", "not" */

enum { GR_RULE_NAMES = 4 };
typedef struct gr_rule {
    const char *id;
    const char *when, *choose;
    const char *sentence;                                             /* the chapter's, rendered in English */
    const char *section;                                              /* "4.5.2" */
    const char *write;                                                /* what to write into the recipe; lines */
    const char *optimizers[GR_RULE_NAMES], *schedules[GR_RULE_NAMES]; /* members named; NULL-ended where shorter */
    gr_fit (*judge)(const gr_advised *a, char *why, size_t n);
} gr_rule;

typedef struct gr_topic {
    const char *name, *title;
    const char *note; /* what is ours and not the chapter's; "" where nothing */
    const gr_rule *rules;
    int n;
} gr_topic;
extern const gr_topic gr__topic_optimizer, gr__topic_size, gr__topic_finetune, gr__topic_regularisation;
const gr_topic *const *gr__topics(int *n);

/* How many times the parameters go with so many times the data. [4.1; Kaplan et al. 2020] */
double gr__parameters_for_data(double times);

/* Figure 4.11 for data sets of so many samples: the rule of the topic that applies. */
const gr_rule *gr__finetune_rule(bool similar, double source, double target);

/* What a recipe is, for the rules. Needs no data. */
gr_advised gr__advised(const gr_recipe *r, gr_phase phase);

#endif
