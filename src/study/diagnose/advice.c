/* What helps: the chapter's remedies (4.1, 4.5.2) as rows, the cause before the cure, in its order. A remedy that the
 * recipe leaves no room for is left out. */
#include <math.h>
#include <string.h>

#include "model/convert.h"
#include "model/stack.h"
#include "study/diagnose/diagnose.h"

typedef struct patient {
    gr_context *ctx;
    gr_result *result;
    const gr_diagnosis *d;
    const gr_recipe *r;
    const gr_ending *e;
    const char *dropout, *norm; /* the first layer that drops out, that normalises; NULL: none */
    const char *widest;         /* the last layer before the output that has so many units or filters; NULL: none */
    const char *width_key;
    int64_t width;
    double decay; /* of weights, as penalty or the optimizer's; 0: none */
    const gr_tree *smoothing, *augment;
} patient;

typedef struct remedy {
    const char *name;
    bool of_bias;
    const char *(*text)(const patient *p); /* NULL: it is not for this one */
} remedy;

#define SAY(p, ...) gr__result_text((p)->result, __VA_ARGS__)

/* ---- the recipe ---- */

static void find_width(patient *p)
{
    static const char *const keys[] = {"units", "filters"};
    const gr_stack *s = p->r->stack;
    for (int i = 0; i < s->n; i++)
        for (size_t k = 0; k < GR_COUNT(keys) && !s->layer[i].last; k++) {
            if (!gr__member_has(&s->layer[i].member->head, keys[k])) continue;
            p->widest = s->layer[i].name;
            p->width_key = keys[k];
            p->width = gr__setting_int(&s->layer[i].settings, keys[k]);
        }
}

/* The first layer that such a rewriting would change; what is refused has none. */
static const char *first_changed(const patient *p, gr_conversion how)
{
    gr_tree *tree;
    gr_converted *changes;
    size_t n = 0;
    if (gr__recipe_convert(p->ctx, p->result->memory, p->r, &how, p->r->path, &tree, &changes, &n) != GR_OK) {
        gr_context_clear_error(p->ctx);
        return NULL;
    }
    return n ? SAY(p, "%s", changes[0].layer) : NULL;
}

static void examine(patient *p)
{
    const gr_tree *optimizer = gr__tree_get(p->r->resolved, "optimizer"),
                  *decay = gr__tree_get(optimizer, "weight_decay");
    p->dropout = first_changed(p, (gr_conversion){.drop_dropout = true});
    p->norm = first_changed(p, (gr_conversion){.no_norm = true});
    find_width(p);
    if (decay && gr__tree_is_number(decay)) p->decay = decay->number;
    for (int i = 0; i < p->r->penalties.n; i++) p->decay = fmax(p->decay, p->r->penalties.term[i].coefficient);
    p->smoothing = gr__tree_get(gr__tree_get(p->r->resolved, "cost"), "label_smoothing");
    p->augment = gr__tree_get(gr__tree_get(p->r->resolved, "data"), "augment");
    if (p->augment && (gr__tree_none(p->augment) || p->augment->n == 0)) p->augment = NULL;
}

static bool is_smoothed(const patient *p)
{
    return p->smoothing && gr__tree_is_number(p->smoothing) && p->smoothing->number > 0;
}

/* ---- against bias ---- */

static const char *larger_model(const patient *p)
{
    const char *grow = "gradus grow RECIPE --until";
    if (!p->widest)
        return SAY(
            p,
            "a hidden layer before the last, such as {type: dense, units: 64, activation: relu} in model.layers; "
            "%s train_error<%.3g adds layers and checks each",
            grow, p->d->train.limit);
    return SAY(p,
               "more units or layers: %s: %lld of layer \"%s\", say, or another layer before the last; %s "
               "train_error<%.3g adds layers and checks each",
               p->width_key, (long long)(2 * p->width), p->widest, grow, p->d->train.limit);
}

/* Where the cost no longer falls, more of the same does little. */
static const char *train_longer(const patient *p)
{
    const gr_stop_rules *s = &p->r->stop;
    if (p->e->known && !p->e->falling) return NULL;
    const char *why = p->e->known ? "the training cost is still falling" : "as long as the training cost falls";
    if (s->steps > 0) return SAY(p, "%s: stop.steps=%lld", why, (long long)(2 * s->steps));
    if (s->epochs > 0) return SAY(p, "%s: stop.epochs=%lld", why, (long long)(2 * s->epochs));
    return SAY(p, "%s: raise the limits in `stop`", why);
}

static const char *less_regularisation(const patient *p)
{
    char text[400] = "";
    size_t n = 0;
    const char *const parts[] = {p->dropout ? SAY(p, "the rate of \"%s\"", p->dropout) : NULL,
                                 p->decay > 0 ? "weight_decay of the optimizer, or penalty" : NULL,
                                 is_smoothed(p) ? "cost.label_smoothing" : NULL, p->augment ? "data.augment" : NULL};
    for (size_t i = 0; i < GR_COUNT(parts); i++)
        if (parts[i] && n < sizeof text)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n ? ", " : "", parts[i]);
    return n ? SAY(p, "lower or leave out what keeps the model from fitting: %s", text) : NULL;
}

static const char *other_optimizer(const patient *p)
{
    return SAY(p,
               "another rate or method, which changes more than any other key: optimizer.lr ten times larger and "
               "smaller (now %.3g); gradus advise optimizer RECIPE has the chapter's rules",
               p->r->optim.method[0].lr);
}

/* ---- against variance ---- */

static const char *more_data(const patient *p)
{
    if (p->r->data.limit_train)
        return SAY(p, "the best remedy: data.limit.train=%lld leaves samples out; else collect more",
                   (long long)p->r->data.limit_train);
    return SAY(p, "the best remedy: more samples in data.train; with gradus data check, what is wrong with those that "
                  "there are");
}

static const char *augmentation(const patient *p)
{
    const gr_model_input *in = &p->r->input[0];
    if (p->augment) return SAY(p, "stronger changes, or more kinds of them, in data.augment");
    if (in->vocabulary) return SAY(p, "for text: data.augment: [{type: synonym, file: FILE.tsv, rate: 0.1}]");
    return SAY(p, "data.augment: [%s]",
               in->sample.rank == 3   ? "flip, {type: crop, pad: 2}"
               : in->sample.rank == 2 ? "{type: specaugment, policy: LB}"
                                      : "{type: noise, std: 0.1}, {type: mixup, alpha: 0.2}");
}

/* The next of the chapter's grid, 1e-6, 1e-5, 1e-4, 1e-3. */
static const char *weight_decay(const patient *p)
{
    static const double grid[] = {1e-6, 1e-5, 1e-4, 1e-3};
    double now = p->decay, next = now == 0 ? 1e-4 : 10 * now;
    for (size_t i = GR_COUNT(grid); now > 0 && i-- > 0;)
        if (grid[i] > 1.001 * now) next = grid[i];
    return SAY(p, "penalty.l2=%.3g (now %.3g); the stronger the overfitting, the more", next, now);
}

static const char *dropout(const patient *p)
{
    if (p->dropout) return SAY(p, "a higher rate of \"%s\"", p->dropout);
    if (p->norm) return NULL; /* not beside a normalisation */
    return SAY(p, "{type: dropout, rate: 0.5} before the last layer in model.layers");
}

static const char *early_stopping(const patient *p)
{
    if (p->e->best_step && p->e->last > p->e->best)
        return SAY(p,
                   "best.safetensors of the run has the weights of update %lld, where the validation error was %.4g; "
                   "stop.patience=5 ends there",
                   (long long)p->e->best_step, p->e->best);
    return p->r->stop.patience ? NULL : SAY(p, "stop.patience=5, and best.safetensors of the run");
}

static const char *ensemble(const patient *p)
{
    return SAY(p, "train with seed=%lld and others too; gradus predict --ensemble takes the mean of their answers",
               (long long)p->r->seed + 1);
}

static const char *smaller_model(const patient *p)
{
    if (!p->widest || p->width < 2) return NULL;
    return SAY(p, "%s: %lld of layer \"%s\", say, or a layer less", p->width_key, (long long)(p->width / 2), p->widest);
}

static const char *label_smoothing(const patient *p)
{
    return p->smoothing && !is_smoothed(p) ? SAY(p, "cost.label_smoothing=0.1") : NULL;
}

static const char *normalisation(const patient *p)
{
    if (p->norm || !p->widest) return NULL;
    if (p->dropout) return SAY(p, "in the place of dropout: group_norm behind \"%s\"", p->widest);
    return SAY(p, p->r->data.batch >= 32 ? "batch_norm or group_norm behind \"%s\"" : "group_norm behind \"%s\"",
               p->widest);
}

static const char *smaller_batch(const patient *p)
{
    if (p->r->data.batch == 0) return SAY(p, "data.batch=32");
    return p->r->data.batch > 32 ? SAY(p, "data.batch=%lld", (long long)GR_MAX(p->r->data.batch / 2, 32)) : NULL;
}

static const char *pruning(const patient *p)
{
    if (p->r->prune.on) return SAY(p, "more of the weights: prune.to=%.3g", (1 + p->r->prune.to) / 2);
    if (!p->e->known)
        return SAY(p, "prune={to: 0.5, to_step: N}, N half of the updates; or gradus prune, then train --from");
    return SAY(p, "prune={to: 0.5, to_step: %lld}; or gradus prune, then train --from",
               (long long)GR_MAX(p->e->steps / 2, 1));
}

static const remedy remedies[] = {
    {"larger_model", true, larger_model},
    {"train_longer", true, train_longer},
    {"less_regularisation", true, less_regularisation},
    {"other_optimizer", true, other_optimizer},
    {"more_data", false, more_data},
    {"augmentation", false, augmentation},
    {"weight_decay", false, weight_decay},
    {"dropout", false, dropout},
    {"early_stopping", false, early_stopping},
    {"ensemble", false, ensemble},
    {"smaller_model", false, smaller_model},
    {"label_smoothing", false, label_smoothing},
    {"normalisation", false, normalisation},
    {"smaller_batch", false, smaller_batch},
    {"pruning", false, pruning},
};

gr_status gr__diagnose_advice(gr_result *r, const gr_diagnosis *d, const gr_recipe *recipe, const gr_ending *e,
                              const gr_advice **out, size_t *n)
{
    patient p = {.ctx = r->ctx, .result = r, .d = d, .r = recipe, .e = e};
    bool bias = d->verdict == GR_UNDERFIT || d->verdict == GR_BOTH,
         variance = d->verdict == GR_OVERFIT || d->verdict == GR_BOTH;
    gr_advice *all = gr__result_alloc(r, GR_COUNT(remedies) * sizeof *all);
    *n = 0;
    *out = all;
    if (!all) return GR_E_MEMORY;
    if (bias || variance) examine(&p);
    for (size_t i = 0; i < GR_COUNT(remedies); i++) {
        const char *text = (remedies[i].of_bias ? bias : variance) ? remedies[i].text(&p) : NULL;
        if (text) all[(*n)++] = (gr_advice){remedies[i].name, text};
    }
    return r->failed;
}
