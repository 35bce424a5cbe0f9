/* Topics, and what rules see of a recipe. */
#include <math.h>
#include <string.h>

#include "model/stack.h"
#include "study/advice/advice.h"

const gr_topic *const *gr__topics(int *n)
{
    static const gr_topic *const all[] = {&gr__topic_optimizer, &gr__topic_size, &gr__topic_finetune,
                                          &gr__topic_regularisation};
    *n = (int)GR_COUNT(all);
    return all;
}

const char *const gr__phase_words[] = {"design", "new", "established", NULL};

const char *gr__phase_name(gr_phase p)
{
    return p == GR_PHASE_UNKNOWN ? "unknown" : gr__phase_words[p - 1];
}

const char *gr__fit_name(gr_fit f)
{
    static const char *const names[] = {"followed", "applies", "open", "not"};
    return names[f];
}

/* ---- a recipe, as rules see it ---- */

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0) return true;
    return false;
}

static bool has_layer(const gr_recipe *r, const char *const *types)
{
    for (int i = 0; i < r->stack->n; i++)
        if (is_one_of(r->stack->layer[i].member->head.name, types)) return true;
    return false;
}

/* A number among an optimizer's settings as resolved; NaN where it has none of that name. */
static double number_of(const gr_tree *optimizer, const char *key)
{
    const gr_tree *t = gr__tree_get(optimizer, key);
    return t && (t->kind == GR_TREE_INT || t->kind == GR_TREE_REAL) ? t->number : NAN;
}

static const char *beside(const gr_recipe *r)
{
    static const char *const keys[] = {"lookahead", "average", "sam"};
    for (size_t i = 0; i < GR_COUNT(keys); i++) {
        if (!gr__tree_none(gr__tree_get(r->resolved, keys[i]))) return keys[i];
    }
    return "";
}

static double l2_of(const gr_penalties *p)
{
    for (int i = 0; i < p->n; i++)
        if (strcmp(p->term[i].member->head.name, "l2") == 0) return p->term[i].coefficient;
    return 0;
}

static void look_at_layers(const gr_recipe *r, gr_advised *a)
{
    for (int i = 0; i < r->stack->n; i++) {
        const gr_layer *m = r->stack->layer[i].member;
        const gr_settings *s = &r->stack->layer[i].settings;
        a->drops |= m->drop_rate && gr__setting_real(s, m->drop_rate) > 0;
        a->normalises |= m->normalises || (m->norm_choice && !gr__setting_is(s, m->norm_choice, "none"));
        a->layers += gr__member_has(&m->head, "units") || gr__member_has(&m->head, "filters");
    }
    for (int i = 0; i < r->n_inputs; i++) a->augments |= r->input[i].augment != NULL;
    a->augments |= !gr__tree_none(gr__tree_get(gr__tree_get(r->resolved, "data"), "augment"));
    a->prunes = r->prune.on;
}

gr_advised gr__advised(const gr_recipe *r, gr_phase phase)
{
    static const char *const word_layers[] = {"embedding", "attention", "transformer_block", "positional", NULL};
    static const char *const picture_layers[] = {"conv", "conv_transpose", NULL};
    const gr_tree *optimizer = gr__tree_get(r->resolved, "optimizer");
    double decay = number_of(optimizer, "weight_decay");
    gr_advised a = {.recipe = r,
                    .phase = phase,
                    .optimizer = r->optim.n_methods == 2 ? "switch" : r->optim.method[0].member->head.name,
                    .schedule = r->sched.member->head.name,
                    .beside = beside(r)};
    if (strcmp(a.optimizer, "sgd") == 0 && number_of(optimizer, "momentum") > 0) a.optimizer = "sgdm";
    a.batch = r->data.batch ? (double)r->data.batch * (double)r->accumulate : INFINITY;
    a.eps = number_of(optimizer, "eps");
    a.weight_decay = isnan(decay) ? 0 : decay;
    a.beta = !isnan(number_of(optimizer, "beta1")) || !isnan(number_of(optimizer, "beta2"));
    a.words = has_layer(r, word_layers);
    a.groups = r->groups.n;
    a.l2 = l2_of(&r->penalties);
    look_at_layers(r, &a);
    a.pictures = !a.words && r->input[0].sample.rank == 3 && has_layer(r, picture_layers);
    return a;
}
