/* Small recipes for the tests of what looks at a run from outside. */
#ifndef STUDY_CASE_H
#define STUDY_CASE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/stack.h"
#include "study/check/check.h"
#include "test.h"

#define DIGITS                                                                                                         \
    "gradus: 1\nname: study\nseed: 3\n"                                                                                \
    "data: {train: {type: synthetic, kind: digits, n: 120, seed: 1}, batch: 16, prepare: [standardize], shuffle: "     \
    "every_epoch}\n"                                                                                                   \
    "model: {input: [16, 16, 1], layers: [{type: conv, filters: 4, kernel: 3, padding: same, activation: relu, name: " \
    "c1}, {type: max_pool, size: 2},\n"                                                                                \
    "  flatten, {type: dropout, rate: 0.25}, {type: dense, units: 10, name: head}]}\n"                                 \
    "cost: cross_entropy\noptimizer: {type: sgd, lr: 0.02, momentum: 0.9}\nstop: {epochs: 1}\n"
#define TABLE                                                                                                          \
    "gradus: 1\nname: study\nseed: 3\n"                                                                                \
    "data: {train: {type: synthetic, kind: blobs, n: 300, classes: 3, features: 5, seed: 2}, batch: 30, prepare: "     \
    "[standardize]}\n"                                                                                                 \
    "model: {input: [5], layers: [{type: dense, units: 16, activation: relu, name: h}, {type: dense, units: 3, name: " \
    "head}]}\n"                                                                                                        \
    "cost: cross_entropy\noptimizer: adam\nstop: {epochs: 1}\n"

/* A recipe's text, then what --set would change of it. */
static inline gr_recipe *recipe_with(gr_context *ctx, const char *const *words, int n)
{
    const char *sets[8] = {"threads=1"};
    gr_recipe *r = NULL;
    assert_in_range(n, 1, (int)GR_COUNT(sets));
    for (int i = 1; i < n; i++) sets[i] = words[i];
    test_ok(ctx, gr__recipe_from_text(ctx, "study.yaml", ".", words[0], strlen(words[0]), sets, n, &r));
    return r;
}

#define RECIPE(ctx, ...) \
    recipe_with(ctx, (const char *const[]){__VA_ARGS__}, (int)GR_COUNT(((const char *const[]){__VA_ARGS__})))

/* Layer i of the recipe is built by this from now on; room is what stands for its member. */
static inline void build_layer_by(gr_recipe *r, int i, gr_layer *room,
                                  gr_val (*build)(gr_build *b, const gr_settings *s, const gr_val *in, int n_in))
{
    gr_stacked *layer = (gr_stacked *)&r->stack->layer[i];
    *room = *layer->member;
    room->build = build;
    layer->member = room;
}

static inline gr_finding check_gradients(gr_context *ctx, const gr_recipe *r, int most)
{
    gr__bump *memory = gr__bump_create(ctx);
    gr_gradient_row *rows;
    size_t n;
    gr_finding f = {.id = "P4", .name = "gradients"};
    test_ok(ctx, gr__check_gradients(ctx, r, &(gr_gradient_options){.most = most}, &rows, &n, memory, &f));
    gr__bump_destroy(memory);
    return f;
}

#endif
