/* The recipes of the procedures, made of the one that is given. */
#include <math.h>
#include <string.h>

#include "study/procedure/parts.h"

enum { MOST_EPOCHS = 200 }; /* of a new topology */

static bool put(gr_following *p, gr_tree *tree, const char *key, const char *flow)
{
    gr_tree *value = gr__tree_flow(p->b, flow);
    return value && gr__tree_put(p->b, tree, key, value);
}

static bool put_within(gr_following *p, gr_tree *tree, const char *section, const char *key, const char *flow)
{
    gr_tree *in = gr__tree_get(tree, section);
    if (in && in->kind != GR_TREE_MAP) { /* a name alone */
        gr_tree *map = gr__tree_map(p->b);
        if (!map || !gr__tree_put(p->b, map, "type", in) || !gr__tree_put(p->b, tree, section, map)) return false;
        in = map;
    }
    if (!in && (!(in = gr__tree_map(p->b)) || !gr__tree_put(p->b, tree, section, in))) return false;
    return put(p, in, key, flow);
}

static gr_status make(gr_following *p, gr_tree *tree, gr_recipe **out)
{
    gr__bump *own = gr__bump_create(p->ctx);
    gr_tree *copy = own && tree ? gr__tree_copy(own, tree) : NULL;
    gr_status st =
        copy ? gr__recipe_from_tree(p->ctx, own, copy, p->given->path, p->given->folder, out) : gr__error_code(p->ctx);
    if (st != GR_OK) gr__bump_destroy(own);
    return st;
}

static const char *number(gr_following *p, double x)
{
    char text[32];
    return gr__bump_strdup(p->b, gr__double_text(x, text));
}

static const char *whole(gr_following *p, int64_t n)
{
    return gr__bump_format(p->b, "%lld", (long long)n);
}

/* `stop` without what would end the run before its procedure has: only time and what is reached hold. */
static bool put_stop(gr_following *p, gr_tree *tree, bool length)
{
    const gr_stop_rules *s = &p->given->stop;
    gr_tree *stop = gr__tree_map(p->b);
    bool good = stop && gr__tree_put(p->b, tree, "stop", stop);
    if (s->seconds > 0) good = good && gr__tree_put_number(p->b, stop, "seconds", s->seconds);
    if (s->validation_error_below > 0)
        good = good && gr__tree_put_number(p->b, stop, "validation_error_below", s->validation_error_below);
    if (length && s->epochs > 0) good = good && put(p, stop, "epochs", whole(p, s->epochs));
    if (length && s->steps > 0) good = good && put(p, stop, "steps", whole(p, s->steps));
    /* a training cost that falls for ever, as of classes that can be told apart, is never flat */
    if (!length) good = good && put(p, stop, "epochs", whole(p, GR_MAX(s->epochs, MOST_EPOCHS)));
    return good;
}

gr_status gr__procedure_new(gr_following *p)
{
    gr_tree *tree = gr__tree_copy(p->b, p->given->tree);
    int64_t patience = p->options->patience ? p->options->patience : GR_FLAT;
    const char *schedule = gr__bump_format(
        p->b, "{type: plateau, factor: 0.1, patience: %lld, metric: both, stop: true}", (long long)patience);
    bool good = tree && schedule && put(p, tree, "schedule", schedule) &&
                put_within(p, tree, "data", "batch", whole(p, p->found.batch)) && put(p, tree, "accumulate", "1") &&
                put_within(p, tree, "optimizer", "lr", number(p, p->found.lr)) && put_stop(p, tree, false);
    return good ? make(p, tree, &p->recipe) : gr__error_code(p->ctx);
}

gr_status gr__procedure_cycles(gr_following *p)
{
    const gr_phase_line *l = &p->next;
    gr_tree *tree = gr__tree_copy(p->b, p->recipe->tree), *stop = tree ? gr__tree_map(p->b) : NULL;
    const gr_stop_rules *s = &p->given->stop;
    const char *schedule =
        gr__bump_format(p->b, "{type: constant, tail: {fraction: %lld updates, cycles: 4, high: %s, low: %s}}",
                        (long long)l->updates, number(p, l->lr), number(p, l->lr / 10));
    bool good = stop && schedule && put(p, tree, "schedule", schedule) && gr__tree_put(p->b, tree, "stop", stop) &&
                put(p, stop, "steps", whole(p, l->step + l->updates));
    if (s->seconds > 0) good = good && gr__tree_put_number(p->b, stop, "seconds", s->seconds);
    if (s->validation_error_below > 0)
        good = good && gr__tree_put_number(p->b, stop, "validation_error_below", s->validation_error_below);
    if (!good) return gr__error_code(p->ctx);
    gr__recipe_close(p->ctx, p->recipe);
    p->recipe = NULL;
    return make(p, tree, &p->recipe);
}

/* As many samples as the recipe trains on. */
static bool put_length(gr_following *p, gr_tree *tree)
{
    const gr_recipe *r = p->given;
    double samples = (double)r->stop.steps * (double)r->data.batch * (double)r->accumulate;
    bool good = put_stop(p, tree, true);
    if (r->stop.steps > 0 && r->data.batch > 0)
        good = good && put_within(p, tree, "stop", "steps",
                                  whole(p, GR_MAX(1, (int64_t)ceil(samples / (double)p->found.batch))));
    return good;
}

gr_status gr__procedure_established(gr_following *p)
{
    gr_tree *tree = gr__tree_copy(p->b, p->given->tree);
    bool good = tree &&
                put(p, tree, "schedule", "{type: polynomial, power: 1, warmup: 0.1, warmup_from: 1/20, tail: 0.2}") &&
                put_within(p, tree, "data", "batch", whole(p, p->found.batch)) && put(p, tree, "accumulate", "1") &&
                put_within(p, tree, "optimizer", "lr", number(p, p->found.lr)) && put_length(p, tree);
    return good ? make(p, tree, &p->recipe) : gr__error_code(p->ctx);
}

gr_status gr__procedure_overfit(gr_following *p, double l2, double target, int64_t epochs, int64_t steps, int64_t since)
{
    const gr_stop_rules *s = &p->given->stop;
    gr_tree *tree = gr__tree_copy(p->b, p->given->tree), *stop;
    bool good = tree && put(p, tree, "schedule", "constant") && put_stop(p, tree, true);
    if (!good) return gr__error_code(p->ctx);
    stop = gr__tree_get(tree, "stop");
    if (s->epochs > 0) good = put(p, stop, "epochs", whole(p, s->epochs + epochs));
    if (s->steps > 0) good = good && put(p, stop, "steps", whole(p, s->steps + steps));
    if (isnan(l2)) {
        good = good && put(p, stop, "train_error_below", number(p, target));
    } else {
        good = good && put_within(p, tree, "penalty", "l2", number(p, l2));
        if (s->patience > 0) good = good && put(p, stop, "patience", whole(p, s->patience + since));
    }
    if (!good) return gr__error_code(p->ctx);
    if (p->recipe) gr__recipe_close(p->ctx, p->recipe);
    p->recipe = NULL;
    return make(p, tree, &p->recipe);
}

gr_status gr__procedure_trial(gr_following *p, int64_t batch, gr_recipe **out)
{
    gr_tree *tree = gr__tree_copy(p->b, p->given->tree);
    bool good = tree && put(p, tree, "schedule", "constant") && put_within(p, tree, "data", "batch", whole(p, batch)) &&
                put(p, tree, "accumulate", "1");
    return good ? make(p, tree, out) : gr__error_code(p->ctx);
}
