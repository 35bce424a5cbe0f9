/* When and what to fine-tune: the rules of chapter 4, section 4.6 and figure 4.11. [mission F1 to F9, FIG4.11] */
#include <stdio.h>
#include <string.h>

#include "study/advice/advice.h"

/* All depends on a model and data that no recipe of a training from the start tells. */
static gr_fit judge_open(const gr_advised *a, char *why, size_t n)
{
    (void)a;
    snprintf(why, n, "a recipe does not tell what model it goes on from");
    return GR_FIT_OPEN;
}

/* Groups of a rate of their own are how fine-tuning is written. */
static gr_fit judge_rates(const gr_advised *a, char *why, size_t n)
{
    snprintf(why, n, "%d groups of parameters", a->groups);
    return GR_FIT_OPEN;
}

static const gr_rule rules[] = {
    {.id = "similar-small",
     .when = "the new data is like the source's, and little",
     .choose = "to train the last layers alone",
     .sentence = "Where the data set of the new task is like the original one, only the last upper layers should be "
                 "trained again.",
     .section = "4.6, figure 4.11",
     .write = "gradus finetune MODEL RECIPE --freeze all-but-last",
     .judge = judge_open},
    {.id = "different-small",
     .when = "the new data is different, and little",
     .choose = "to train more layers",
     .sentence = "Where the data sets differ more layers should be trained; the more alike the tasks are, the fewer "
                 "layers have to start anew.",
     .section = "4.6, figure 4.11",
     .write = "gradus finetune MODEL RECIPE --replace 2 --freeze 'c1.*'",
     .judge = judge_open},
    {.id = "large",
     .when = "the new data is large enough",
     .choose = "to train the whole model",
     .sentence = "Where the data set of the new task is large enough it is best to train the whole model again.",
     .section = "4.6, figure 4.11",
     .write = "gradus finetune MODEL RECIPE --lr-scale 0.1",
     .judge = judge_open},
    {.id = "from-scratch",
     .when = "the new data is as large as the source's, or larger",
     .choose = "a new model",
     .sentence = "Fine-tuning works best where the source data set is much larger than the new one; where that is as "
                 "large or larger, a new model trained for the task is the better way.",
     .section = "4.6",
     .write = "gradus train RECIPE",
     .judge = judge_open},
    {.id = "sizes",
     .when = "the sizes of the two data sets differ little",
     .choose = "to replace or re-initialise more layers",
     .sentence = "How many layers are replaced or re-initialised also depends on how far the sizes of the data sets "
                 "differ: the smaller the difference, the more.",
     .section = "4.6",
     .write = "gradus finetune MODEL RECIPE --reinit 3",
     .judge = judge_open},
    {.id = "upper",
     .when = "layers are replaced",
     .choose = "upper ones alone",
     .sentence = "Source and target model should share lower and middle layers; only upper layers are replaced or "
                 "re-initialised.",
     .section = "4.6",
     .write = "gradus finetune MODEL RECIPE --replace last",
     .judge = judge_open},
    {.id = "rate",
     .when = "pre-trained layers are trained on",
     .choose = "a rate 10 to 100 times smaller for them, the usual one for new layers",
     .sentence = "The initial rate of pre-trained layers should be 10 to 100 times smaller than the one that the "
                 "original model was trained with; replaced or re-initialised layers take the usual one.",
     .section = "4.6",
     .write = "gradus finetune MODEL RECIPE --lr-scale 0.01",
     .judge = judge_rates},
    {.id = "preparation",
     .when = "a model is fine-tuned",
     .choose = "the source's own preparation, for training and validation",
     .sentence = "The same preprocessing as that of the original, larger data set should be applied to the data for "
                 "fine-tuning and validation.",
     .section = "4.6",
     .write = "gradus finetune MODEL RECIPE",
     .judge = judge_open},
    {.id = "modified",
     .when = "a model was pruned or quantised",
     .choose = "to fine-tune it afterwards",
     .sentence = "Fine-tuning is also common after a model was modified, as by pruning of weights or quantisation.",
     .section = "4.6",
     .write = "gradus train RECIPE --from MODEL",
     .judge = judge_open},
};

const gr_topic gr__topic_finetune = {
    .name = "finetune",
    .title = "When and what to fine-tune",
    .note =
        "A recipe tells neither the model that it goes on from nor how like its data is, so that these rules are open "
        "against any recipe; --similar, --src and --dst tell. That a tenth of the source's samples is large enough is "
        "ours.",
    .rules = rules,
    .n = (int)GR_COUNT(rules),
};

static const gr_rule *rule_of(const char *id)
{
    const gr_rule *r = rules;
    while (strcmp(r->id, id) != 0) r++;
    return r;
}

const gr_rule *gr__finetune_rule(bool similar, double source, double target)
{
    const double large = 0.1; /* of the source's samples */
    if (target >= source) return rule_of("from-scratch");
    if (target >= large * source) return rule_of("large");
    return rule_of(similar ? "similar-small" : "different-small");
}
