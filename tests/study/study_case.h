/* Small recipes for the tests of what looks at a run from outside. */
#ifndef STUDY_CASE_H
#define STUDY_CASE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "study/study.h"
#include "test.h"

#define DIGITS                                                                                                                                  \
    "gradus: 1\nname: study\nseed: 3\n"                                                                                                         \
    "data: {train: {type: synthetic, kind: digits, n: 120, seed: 1}, batch: 16, prepare: [standardize], shuffle: every_epoch}\n"                 \
    "model: {input: [16, 16, 1], layers: [{type: conv, filters: 4, kernel: 3, padding: same, activation: relu, name: c1}, {type: max_pool, size: 2},\n" \
    "  flatten, {type: dropout, rate: 0.25}, {type: dense, units: 10, name: head}]}\n"                                                          \
    "cost: cross_entropy\noptimizer: {type: sgd, lr: 0.02, momentum: 0.9}\nstop: {epochs: 1}\n"
#define TABLE                                                                                                                                   \
    "gradus: 1\nname: study\nseed: 3\n"                                                                                                         \
    "data: {train: {type: synthetic, kind: blobs, n: 300, classes: 3, features: 5, seed: 2}, batch: 30, prepare: [standardize]}\n"              \
    "model: {input: [5], layers: [{type: dense, units: 16, activation: relu, name: h}, {type: dense, units: 3, name: head}]}\n"                  \
    "cost: cross_entropy\noptimizer: adam\nstop: {epochs: 1}\n"

static inline gr_recipe *recipe_with(gr_context *ctx, const char *text, const char *const *sets, int n)
{
    gr_recipe *r = NULL;
    test_ok(ctx, gr__recipe_from_text(ctx, "study.yaml", ".", text, strlen(text), sets, n, &r));
    return r;
}

#define RECIPE(ctx, text, ...) recipe_with(ctx, text, (const char *const[]){"threads=1", ##__VA_ARGS__}, (int)GR_COUNT(((const char *const[]){"threads=1", ##__VA_ARGS__})))

#endif
