/* Which optimizer: the rules of chapter 4, sections 4.3, 4.5.2, 4.5.4 and the closing summary of 4.7. [mission O28,
 * H16, H18, T16] */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "study/advice/advice.h"

/* Ours: the chapter calls batches large without a number. Its table 4.1 has perfect scaling end between 128 and 8,192,
 * in the middle (of the logarithm) of which this lies. */
static const double LARGE_BATCH = 1024;
static const double EPS = 1e-3; /* [4.3] */

static bool is(const char *name, const char *other)
{
    return strcmp(name, other) == 0;
}

static bool any(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is(name, names[i])) return true;
    return false;
}

#define ANY(name, ...) any(name, (const char *const[]){__VA_ARGS__}, GR_COUNT(((const char *const[]){__VA_ARGS__})))

static bool is_large(const gr_advised *a)
{
    return a->batch >= LARGE_BATCH;
}

static const char *batch_text(const gr_advised *a, char *text, size_t n)
{
    if (isinf(a->batch))
        snprintf(text, n, "a batch of all samples");
    else
        snprintf(text, n, "a batch of %.0f", a->batch);
    return text;
}

static bool is_advanced(const gr_advised *a)
{
    return a->beside[0] || ANY(a->optimizer, "ranger", "rangerlars", "lars", "lamb", "adahessian", "swats", "lion",
                               "adan", "sophia", "prodigy", "schedule_free_sgd", "schedule_free_adamw", "muon");
}

/* A rule for what the recipe trains: nothing for it while the topology is in design. */
static gr_fit unless_design(const gr_advised *a, gr_fit fit, char *why, size_t n)
{
    if (a->phase != GR_PHASE_DESIGN) return fit;
    snprintf(why, n, "the topology is still in design");
    return GR_FIT_NOT;
}

/* ---- rules ---- */

static gr_fit judge_design(const gr_advised *a, char *why, size_t n)
{
    bool constant = is(a->schedule, "constant"), adam = is(a->optimizer, "adam") && !a->beside[0];
    if (a->phase == GR_PHASE_UNKNOWN) {
        snprintf(why, n, "a recipe does not tell whether its topology is settled");
        return GR_FIT_OPEN;
    }
    if (a->phase != GR_PHASE_DESIGN) {
        snprintf(why, n, "the topology is settled");
        return GR_FIT_NOT;
    }
    snprintf(why, n, "optimizer %s%s%s%s, schedule %s%s", a->optimizer, a->beside[0] ? " with " : "", a->beside,
             is_advanced(a) ? ", an advanced one: for later" : "", a->schedule,
             constant ? "" : ", not a constant rate: for later");
    return adam && constant ? GR_FIT_FOLLOWED : GR_FIT_APPLIES;
}

static gr_fit judge_default(const gr_advised *a, char *why, size_t n)
{
    char batch[64];
    snprintf(why, n, "%s, optimizer %s", batch_text(a, batch, sizeof batch), a->optimizer);
    if (is_large(a)) return GR_FIT_NOT;
    if (is(a->optimizer, "ranger")) return unless_design(a, GR_FIT_FOLLOWED, why, n);
    return unless_design(a, a->phase == GR_PHASE_UNKNOWN ? GR_FIT_OPEN : GR_FIT_APPLIES, why, n);
}

static gr_fit judge_large(const gr_advised *a, char *why, size_t n)
{
    char batch[64];
    snprintf(why, n, "%s, optimizer %s", batch_text(a, batch, sizeof batch), a->optimizer);
    if (!is_large(a)) return GR_FIT_NOT;
    return unless_design(a, ANY(a->optimizer, "rangerlars", "lars", "lamb") ? GR_FIT_FOLLOWED : GR_FIT_APPLIES, why, n);
}

/* What depends on who trains, or how: all that a recipe tells is whether it does so. */
static gr_fit judge_habit(const gr_advised *a, const char *optimizer, char *why, size_t n)
{
    snprintf(why, n, "optimizer %s", a->optimizer);
    return is(a->optimizer, optimizer) ? GR_FIT_FOLLOWED : GR_FIT_OPEN;
}

static gr_fit judge_newcomer(const gr_advised *a, char *why, size_t n)
{
    return judge_habit(a, "adam", why, n);
}

static gr_fit judge_tuned(const gr_advised *a, char *why, size_t n)
{
    return unless_design(a, judge_habit(a, "sgdm", why, n), why, n);
}

static gr_fit judge_finish(const gr_advised *a, char *why, size_t n)
{
    return unless_design(a, judge_habit(a, "swats", why, n), why, n);
}

static gr_fit judge_sparse(const gr_advised *a, char *why, size_t n)
{
    return unless_design(a, judge_habit(a, "adagrad", why, n), why, n);
}

static gr_fit judge_vision(const gr_advised *a, char *why, size_t n)
{
    snprintf(why, n, "%s, optimizer %s", a->pictures ? "convolutions over pictures" : "no convolutions over pictures",
             a->optimizer);
    if (!a->pictures) return GR_FIT_NOT;
    return unless_design(a, is(a->optimizer, "sgdm") ? GR_FIT_FOLLOWED : GR_FIT_APPLIES, why, n);
}

static gr_fit judge_language(const gr_advised *a, char *why, size_t n)
{
    snprintf(why, n, "%s, optimizer %s", a->words ? "layers over words" : "no layers over words", a->optimizer);
    if (!a->words) return GR_FIT_NOT;
    return unless_design(a, is(a->optimizer, "adam") ? GR_FIT_FOLLOWED : GR_FIT_APPLIES, why, n);
}

static gr_fit judge_new(const gr_advised *a, char *why, size_t n)
{
    char batch[64];
    snprintf(why, n, "%s, schedule %s", batch_text(a, batch, sizeof batch), a->schedule);
    if (a->phase == GR_PHASE_UNKNOWN) return GR_FIT_OPEN;
    if (a->phase != GR_PHASE_NEW) {
        snprintf(why, n, "the topology is %s", a->phase == GR_PHASE_DESIGN ? "still in design" : "an established one");
        return GR_FIT_NOT;
    }
    return !is_large(a) && is(a->schedule, "plateau") ? GR_FIT_FOLLOWED : GR_FIT_APPLIES;
}

static gr_fit judge_established(const gr_advised *a, char *why, size_t n)
{
    bool warm = a->recipe->sched.warmup.n > 0;
    snprintf(why, n, "schedule %s, %s warm-up", a->schedule, warm ? "with a" : "without");
    if (a->phase == GR_PHASE_UNKNOWN) return GR_FIT_OPEN;
    if (a->phase != GR_PHASE_ESTABLISHED) {
        snprintf(why, n, "the topology is %s", a->phase == GR_PHASE_DESIGN ? "still in design" : "a new one");
        return GR_FIT_NOT;
    }
    return warm && is(a->schedule, "polynomial") ? GR_FIT_FOLLOWED : GR_FIT_APPLIES;
}

static gr_fit judge_decay(const gr_advised *a, char *why, size_t n)
{
    snprintf(why, n, "optimizer %s, weight_decay %g", a->optimizer, a->weight_decay);
    if (ANY(a->optimizer, "gd", "sgd", "sgdm", "nag", "lars")) return GR_FIT_NOT;
    return a->weight_decay > 0 ? GR_FIT_FOLLOWED : GR_FIT_OPEN;
}

static gr_fit judge_eps(const gr_advised *a, char *why, size_t n)
{
    snprintf(why, n, "optimizer %s", a->optimizer);
    if (!is(a->optimizer, "adam") || isnan(a->eps)) return GR_FIT_NOT;
    snprintf(why, n, "optimizer adam, eps %g", a->eps);
    return a->eps >= EPS ? GR_FIT_FOLLOWED : GR_FIT_APPLIES;
}

static gr_fit judge_betas(const gr_advised *a, char *why, size_t n)
{
    snprintf(why, n, "optimizer %s has %s", a->optimizer, a->beta ? "betas" : "no beta");
    return a->beta ? GR_FIT_OPEN : GR_FIT_NOT;
}

#define WIZARD                                                                                                      \
    "The recommended optimizer is RangerLARS (LARS + RAdam + LookAhead) for large batches, and the simpler Ranger " \
    "(RAdam + LookAhead) "                                                                                          \
    "for small and medium ones. [Wri19]"

static const gr_rule rules[] = {
    {.id = "design",
     .when = "the topology is still being designed",
     .choose = "Adam at a constant rate",
     .sentence = "In the design phase it is best to use a constant learning rate (not a decaying one) and the Adam "
                 "optimizer. Advanced "
                 "optimizers such as RangerLARS and advanced rates such "
                 "as cyclical ones should be explored once the design of the topology is complete.",
     .section = "4.5.2",
     .write = "optimizer: adam\nschedule: constant",
     .optimizers = {"adam"},
     .schedules = {"constant"},
     .judge = judge_design},
    {.id = "default",
     .when = "the topology is settled, batches are small or medium",
     .choose = "Ranger",
     .sentence = WIZARD,
     .section = "4.5.4; so 4.3 and 4.7",
     .write = "optimizer: ranger",
     .optimizers = {"ranger"},
     .judge = judge_default},
    {.id = "large-batch",
     .when = "batches are large",
     .choose = "RangerLARS",
     .sentence = WIZARD,
     .section = "4.5.4; so 4.3 and 4.7",
     .write = "optimizer: rangerlars",
     .optimizers = {"rangerlars"},
     .judge = judge_large},
    {.id = "newcomer",
     .when = "you are new to training",
     .choose = "Adam",
     .sentence =
         "If you are new to training we recommend Adam, which is well documented and simple to get started with.",
     .section = "4.7",
     .write = "optimizer: adam",
     .optimizers = {"adam"},
     .judge = judge_newcomer},
    {.id = "vision",
     .when = "a vision model goes to production",
     .choose = "SGD with momentum",
     .sentence = "The most common optimizers in production are SGD with momentum (SGDM) and Adam; they tend to be "
                 "preferred for computer "
                 "vision and for NLP models, respectively.",
     .section = "4.3",
     .write = "optimizer: {type: sgdm, momentum: 0.9}",
     .optimizers = {"sgdm"},
     .judge = judge_vision},
    {.id = "language",
     .when = "a language model goes to production",
     .choose = "Adam",
     .sentence = "The most common optimizers in production are SGD with momentum (SGDM) and Adam; they tend to be "
                 "preferred for computer "
                 "vision and for NLP models, respectively.",
     .section = "4.3",
     .write = "optimizer: adam",
     .optimizers = {"adam"},
     .judge = judge_language},
    {.id = "tuned",
     .when = "the rate will be tuned well, and training may take longer",
     .choose = "SGD with momentum",
     .sentence = "With a well tuned learning rate SGDM still does as well as newer techniques or better on a range of "
                 "tasks; it often "
                 "trains longer than Adam, but converges and generalises better. "
                 "[WRS+18, KS17]",
     .section = "4.3",
     .write = "optimizer: {type: sgdm, momentum: 0.9}",
     .optimizers = {"sgdm"},
     .judge = judge_tuned},
    {.id = "finish",
     .when = "Adam's speed is wanted first, and SGDM's convergence at the end",
     .choose = "Adam, then SGD with momentum",
     .sentence = "Some practitioners start training with Adam for its speed of convergence, and finish with SGDM for "
                 "the quality of it.",
     .section = "4.3",
     .write = "optimizer: swats",
     .optimizers = {"swats", "adam", "sgdm"},
     .judge = judge_finish},
    {.id = "sparse",
     .when = "the data is sparse",
     .choose = "AdaGrad",
     .sentence = "Other influential optimizers are AdaGrad (for sparse data in particular), RMSProp, AdaDelta, ...",
     .section = "4.3",
     .write = "optimizer: adagrad",
     .optimizers = {"adagrad"},
     .judge = judge_sparse},
    {.id = "new",
     .when = "a new topology is trained: the aim is a low validation error",
     .choose = "a small batch, the rate divided by 10 whenever the errors flatten",
     .sentence = "Use a relatively small batch; choose a large enough initial rate that does not let the training "
                 "error diverge; train "
                 "until both errors are flat; divide the rate by 10 and repeat, "
                 "until that no longer lowers the error.",
     .section = "4.5.4",
     .write = "schedule: {type: plateau, factor: 0.1}",
     .schedules = {"plateau"},
     .judge = judge_new},
    {.id = "established",
     .when = "an established topology is trained: the aim is less training time",
     .choose = "the largest batch that scales perfectly, a warm-up, polynomial decay",
     .sentence = "Use the largest batch of the perfect-scaling regime (table 4.1), raise the rate from a twentieth "
                 "over the first 10% or "
                 "so of the epochs, then let it decay as a polynomial.",
     .section = "4.5.4",
     .write = "schedule: {type: polynomial, warmup: 0.1, warmup_from: 1/20}",
     .schedules = {"polynomial"},
     .judge = judge_established},
    {.id = "decay",
     .when = "you go over from SGD to Adam",
     .choose = "more regularisation, tuned anew",
     .sentence = "When you switch from SGD to Adam the regularisation has to be tuned, since Adam needs more of it. "
                 "[LH19] Values to try: "
                 "1e-6, 1e-5, 1e-4, 1e-3 (4.5.4).",
     .section = "4.3",
     .write = "optimizer: {type: adam, weight_decay: 1e-4}",
     .optimizers = {"adam"},
     .judge = judge_decay},
    {.id = "eps",
     .when = "Adam is used",
     .choose = "eps 1e-3",
     .sentence = "The paper has 1e-8, but 1e-3 is recommended, against huge steps where the second moment is very "
                 "small, as often late in "
                 "training. [KB17]",
     .section = "4.3",
     .write = "optimizer: {type: adam, eps: 1e-3}",
     .optimizers = {"adam"},
     .judge = judge_eps},
    {.id = "betas",
     .when = "the rate and the decay are tuned already",
     .choose = "tune the betas too",
     .sentence = "Other parameters, such as the betas of the optimization algorithms of section 4.3, may need some "
                 "tuning as well. [Smi17]",
     .section = "4.5.4",
     .write = "optimizer: {type: adam, beta1: 0.95, beta2: 0.99}",
     .optimizers = {"adam"},
     .judge = judge_betas},
};

const gr_topic gr__topic_optimizer = {
    .name = "optimizer",
    .title = "Which optimizer, and with which schedule",
    .note = "Rules that name different optimizers are the chapter's own alternatives: measure. \"Large\" is from 1,024 "
            "samples an update "
            "on here; the chapter has no number.",
    .rules = rules,
    .n = (int)GR_COUNT(rules),
};
