/* How large a network: the rules of chapter 4, sections 4.1 and 4.5.2. [mission G6, T12, T13, T14, SYS37] */
#include <math.h>
#include <stdio.h>

#include "model/network.h"
#include "study/advice/advice.h"

static const double EXPONENT = 0.74; /* of data in parameters [Kaplan et al. 2020]: 2^(1/0.74) = 2.55 */

double gr__parameters_for_data(double times)
{
    return pow(times, 1 / EXPONENT);
}

static gr_fit judge_open(const gr_advised *a, char *why, size_t n)
{
    (void)a;
    snprintf(why, n, "no recipe tells how much data there was before");
    return GR_FIT_OPEN;
}

static gr_fit judge_start(const gr_advised *a, char *why, size_t n)
{
    snprintf(why, n, "%d layers", a->layers);
    if (a->phase == GR_PHASE_UNKNOWN) return GR_FIT_OPEN;
    if (a->phase != GR_PHASE_DESIGN) return GR_FIT_NOT;
    return a->layers <= 2 ? GR_FIT_FOLLOWED : GR_FIT_OPEN;
}

static gr_fit judge_baseline(const gr_advised *a, char *why, size_t n)
{
    (void)a;
    snprintf(why, n, "gradus baseline tells");
    return GR_FIT_OPEN;
}

/* Known topologies were made for their data. */
static gr_fit judge_existing(const gr_advised *a, char *why, size_t n)
{
    snprintf(why, n, "the topology is %s",
             a->phase == GR_PHASE_ESTABLISHED ? "an established one" : "not said to be one");
    return a->phase == GR_PHASE_ESTABLISHED ? GR_FIT_FOLLOWED : GR_FIT_OPEN;
}

static gr_fit judge_errors(const gr_advised *a, char *why, size_t n)
{
    (void)a;
    snprintf(why, n, "gradus diagnose tells both errors of a run");
    return GR_FIT_OPEN;
}

static gr_fit judge_serving(const gr_advised *a, char *why, size_t n)
{
    bool limited = a->recipe->serving_limit > 0;
    snprintf(why, n, limited ? "limit.serving_bytes is given" : "no limit.serving_bytes");
    return limited ? GR_FIT_FOLLOWED : GR_FIT_OPEN;
}

static const gr_rule rules[] = {
    {.id = "doubling",
     .when = "there is more data than the topology was made for",
     .choose = "2.55 times the parameters for twice the data: N^(1/0.74) for N times",
     .sentence =
         "For NLP models OpenAI recommends that the number of parameters grows 2.55 times whenever the data set "
         "doubles, so that the capacity to learn grows and neither over- nor underfitting follows. [KMH+20]",
     .section = "4.1",
     .write = "gradus advise size --data-x 2",
     .judge = judge_open},
    {.id = "data-set",
     .when = "a topology is built, or one that exists is adapted",
     .choose = "depth and size by the size of the data set",
     .sentence = "Whichever way is taken, the depth and the size of a topology depend on the size of the data set.",
     .section = "4.5.2",
     .write = "gradus grow RECIPE --towards OTHER",
     .judge = judge_open},
    {.id = "start",
     .when = "a topology is designed",
     .choose = "a simple one, to which complexity is added",
     .sentence = "The recommended way to design a topology for a task is to begin with a simple one and then to add "
                 "complexity, checking at each step that all is right.",
     .section = "4.5.2",
     .write = "gradus grow RECIPE",
     .judge = judge_start},
    {.id = "simple-models",
     .when = "linear regression or boosted trees may do",
     .choose = "those: they take much less computation",
     .sentence =
         "For some tasks other algorithms, such as linear regression or XGBoost, may be enough, which need much "
         "less computation.",
     .section = "4.5.2",
     .write = "gradus baseline RECIPE",
     .judge = judge_baseline},
    {.id = "existing",
     .when = "there is a topology for a related task and size of data",
     .choose = "to build towards it, or to start from it",
     .sentence =
         "A practical way is to build the topology layer by layer towards an existing one that was designed for "
         "a related task and size of data set; another is to start from it and to adapt it.",
     .section = "4.5.2",
     .write = "gradus new --from simple-cnn -o my.yaml",
     .judge = judge_existing},
    {.id = "larger",
     .when = "the training error is high",
     .choose = "a larger topology",
     .sentence = "A high training error says that a larger topology is needed.",
     .section = "4.5.2",
     .write = "gradus diagnose RUN",
     .judge = judge_errors},
    {.id = "overfit",
     .when = "the final size is looked for",
     .choose = "a model that overfits, then regularisation",
     .sentence = "It is also recommended to build deeper models step by step until one overfits the training data, and "
                 "then to reduce that by regularisation such as weight decay.",
     .section = "4.5.2",
     .write = "gradus train RECIPE --procedure overfit_then_regularise",
     .judge = judge_errors},
    {.id = "serving",
     .when = "the hardware that serves has limits",
     .choose = "a topology within them, from the start",
     .sentence =
         "Limits of the hardware that serves the model, such as the size of its memory, are part of the design.",
     .section = "4.5.2",
     .write = "limit: {serving_bytes: 4M}",
     .judge = judge_serving},
};

const gr_topic gr__topic_size = {
    .name = "size",
    .title = "How large a network",
    .note = "2.55 was measured on language models, and is the chapter's rule for these.",
    .rules = rules,
    .n = (int)GR_COUNT(rules),
};
