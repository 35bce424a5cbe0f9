/* How much regularisation, and which: the rules of chapter 4, sections 4.1, 4.5.2 to 4.5.4. [mission H17, H19, G3, T13]
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "study/advice/advice.h"

static const double LEAST = 1e-6, MOST = 1e-3; /* of the grid [4.5.4] */

static gr_fit judge_grid(const gr_advised *a, char *why, size_t n)
{
    double l = fmax(a->l2, a->weight_decay);
    snprintf(why, n, "penalty.l2 %g, weight_decay %g", a->l2, a->weight_decay);
    if (l == 0) return a->phase == GR_PHASE_DESIGN ? GR_FIT_NOT : GR_FIT_OPEN;
    return l >= LEAST * 0.999 && l <= MOST * 1.001 ? GR_FIT_FOLLOWED : GR_FIT_APPLIES;
}

static gr_fit judge_errors(const gr_advised *a, char *why, size_t n)
{
    snprintf(why, n, "penalty.l2 %g; gradus diagnose tells how far a run overfits", a->l2);
    return GR_FIT_OPEN;
}

/* What regularises by itself: augmentation, dropout, small formats. */
static gr_fit judge_less(const gr_advised *a, char *why, size_t n)
{
    double l = fmax(a->l2, a->weight_decay);
    snprintf(why, n, "%s, penalty.l2 %g, weight_decay %g",
             a->augments ? "samples are changed"
             : a->prunes ? "weights are pruned"
                         : "nothing is augmented",
             a->l2, a->weight_decay);
    if ((!a->augments && !a->prunes) || l == 0) return GR_FIT_NOT;
    return l < MOST * 0.999 ? GR_FIT_FOLLOWED : GR_FIT_APPLIES;
}

static gr_fit judge_late(const gr_advised *a, char *why, size_t n)
{
    snprintf(why, n, "%s", a->augments ? "samples are changed" : "nothing is augmented");
    if (a->phase == GR_PHASE_UNKNOWN) return a->augments ? GR_FIT_OPEN : GR_FIT_NOT;
    if (a->phase != GR_PHASE_DESIGN) return GR_FIT_NOT;
    return a->augments ? GR_FIT_APPLIES : GR_FIT_FOLLOWED;
}

static gr_fit judge_dropout(const gr_advised *a, char *why, size_t n)
{
    snprintf(why, n, "%s dropout, %s normalisation", a->drops ? "with" : "without", a->normalises ? "with" : "without");
    if (!a->drops && !a->normalises) return GR_FIT_NOT;
    return a->drops && a->normalises ? GR_FIT_APPLIES : GR_FIT_FOLLOWED;
}

static gr_fit judge_data(const gr_advised *a, char *why, size_t n)
{
    (void)a;
    snprintf(why, n, "no recipe tells what data could be had");
    return GR_FIT_OPEN;
}

static gr_fit judge_overfit(const gr_advised *a, char *why, size_t n)
{
    bool any = a->l2 > 0 || a->weight_decay > 0 || a->drops || a->augments;
    snprintf(why, n, any ? "the recipe regularises" : "nothing regularises");
    if (a->phase != GR_PHASE_DESIGN) return GR_FIT_OPEN;
    return any ? GR_FIT_APPLIES : GR_FIT_FOLLOWED;
}

static gr_fit judge_switch(const gr_advised *a, char *why, size_t n)
{
    bool sgd = strcmp(a->optimizer, "sgd") == 0 || strcmp(a->optimizer, "sgdm") == 0 || strcmp(a->optimizer, "gd") == 0;
    snprintf(why, n, "optimizer %s, weight_decay %g, penalty.l2 %g", a->optimizer, a->weight_decay, a->l2);
    if (sgd) return GR_FIT_NOT;
    return a->l2 > 0 || a->weight_decay > 0 ? GR_FIT_FOLLOWED : GR_FIT_OPEN;
}

static const gr_rule rules[] = {
    {.id = "grid",
     .when = "a weight decay is chosen",
     .choose = "one of 1e-6, 1e-5, 1e-4, 1e-3, by the validation error",
     .sentence =
         "Another key hyperparameter is L2 regularisation, or weight decay, lambda. Recommended values to try are "
         "1e-6, 1e-5, 1e-4 and 1e-3.",
     .section = "4.5.4",
     .write = "penalty: {l2: 1e-4}",
     .judge = judge_grid},
    {.id = "more",
     .when = "the model overfits",
     .choose = "more: the next value of the grid",
     .sentence = "The more a model overfits, the more regularisation it needs.",
     .section = "4.5.4",
     .write = "penalty: {l2: 1e-3}",
     .judge = judge_errors},
    {.id = "less",
     .when = "augmentation, small number formats, pruning or a larger rate are used",
     .choose = "a lower weight decay",
     .sentence = "Techniques such as data augmentation, reduced numerical representation, weight pruning and larger "
                 "learning rates contribute to regularisation; with them the weight decay that is needed is lower.",
     .section = "4.5.4",
     .write = "penalty: {l2: 1e-5}",
     .judge = judge_less},
    {.id = "data",
     .when = "more data can be had",
     .choose = "that, before anything else",
     .sentence = "Larger data sets are the best technique to avoid overfitting.",
     .section = "4.1",
     .write = "gradus advise size --data-x 2",
     .judge = judge_data},
    {.id = "overfit-first",
     .when = "the topology is still being designed",
     .choose = "to overfit first, without regularisation",
     .sentence =
         "Overfitting before regularising serves two purposes: it shows that the model is large enough for what "
         "is in the data, and that training works.",
     .section = "4.5.2",
     .write = "gradus train RECIPE --procedure overfit_then_regularise",
     .judge = judge_overfit},
    {.id = "late",
     .when = "samples are augmented",
     .choose = "to do so in the last stages of the design alone",
     .sentence = "Data augmentation is a form of regularisation that is reserved for the final stages of the design.",
     .section = "4.5.2",
     .write = "data: {augment: none}",
     .judge = judge_late},
    {.id = "dropout",
     .when = "there are normalisation layers",
     .choose = "no dropout beside them",
     .sentence =
         "See to it that dropout and normalisation layers are not used at the same time; where they are, remove "
         "the dropout layers for good.",
     .section = "4.5.3",
     .write = "model: {layers: [...]}  # without dropout",
     .judge = judge_dropout},
    {.id = "adam",
     .when = "you go over from SGD to Adam",
     .choose = "more regularisation, tuned anew",
     .sentence = "When you switch from SGD to Adam the regularisation has to be tuned, since Adam needs more of it. "
                 "[LH19]",
     .section = "4.3",
     .write = "optimizer: {type: adam, weight_decay: 1e-4}",
     .judge = judge_switch},
};

const gr_topic gr__topic_regularisation = {
    .name = "regularisation",
    .title = "How much regularisation, and which",
    .note =
        "The chapter's lambda is penalty.l2, whose gradient is 2 lambda w; optimizer.weight_decay of PyTorch is twice "
        "as much.",
    .rules = rules,
    .n = (int)GR_COUNT(rules),
};
