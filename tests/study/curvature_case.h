/* A recipe in a folder of its own, and the surface of its cost. */
#ifndef GR_TESTS_STUDY_CURVATURE_CASE_H
#define GR_TESTS_STUDY_CURVATURE_CASE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "study/curvature/surface.h"
#include "test.h"

typedef struct bench {
    char folder[64];
    gr_context *ctx;
    gr_recipe *recipe;
    gr_surface h;
} bench;

static const char relu_net[] =
    "gradus: 1\nprecision: float64\nseed: 5\ndata: {train: {type: synthetic, kind: spirals, n: 40, seed: 2}, batch: "
    "7}\n"
    "model: {input: [2], layers: [{type: dense, units: 6, activation: relu, name: a}, {type: batch_norm, name: n}, "
    "{type: dropout, rate: "
    "0.5},\n"
    "  {type: dense, units: 5, activation: relu, name: b}, {type: dense, units: 3, name: c}]}\n"
    "cost: cross_entropy\noptimizer: sgd\nstop: {steps: 1}\n";

/* The tests' table is 1, 2 -> 0 and -1, 0.5 -> 1. */
static void begin_order(bench *b, const char *recipe, const char *set, int64_t samples, gr_surface_order order)
{
    char path[96];
    snprintf(b->folder, sizeof b->folder, "/tmp/gradus-curvature-XXXXXX");
    assert_non_null(mkdtemp(b->folder));
    snprintf(path, sizeof path, "%s/t.csv", b->folder);
    FILE *f = fopen(path, "w");
    fputs("a,b,y\n1,2,0\n-1,0.5,1\n", f);
    fclose(f);
    snprintf(path, sizeof path, "%s/r.yaml", b->folder);
    f = fopen(path, "w");
    fputs(recipe, f);
    fclose(f);
    b->ctx = test_context_with(2, 0);
    test_ok(b->ctx, gr__recipe_open(b->ctx, path, &set, set ? 1 : 0, &b->recipe));
    test_ok(b->ctx, gr__surface_open(b->ctx, b->recipe, NULL, GR_PART_TRAIN, samples, order, &b->h));
}

static void end(bench *b)
{
    char command[128];
    gr__surface_close(&b->h);
    gr__recipe_close(b->ctx, b->recipe);
    test_context_end(b->ctx);
    snprintf(command, sizeof command, "rm -rf '%s'", b->folder);
    assert_int_equal(system(command), 0);
}

#endif
