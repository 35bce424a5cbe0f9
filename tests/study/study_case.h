/* Small recipes for the tests of what looks at a run from outside. */
#ifndef STUDY_CASE_H
#define STUDY_CASE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "study/study.h"
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

#endif
