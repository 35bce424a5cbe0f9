/* What the tests of the library's third level share: a folder, small data of a program, a recipe. */
#ifndef GR_TESTS_LIBRARY_CASE_H
#define GR_TESTS_LIBRARY_CASE_H

#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gradus/gradus.h"

enum { LIBRARY_N = 96, LIBRARY_WIDTH = 3 };

typedef struct library {
    gr_context *ctx;
    char folder[64], path[128];
    float x[LIBRARY_N][LIBRARY_WIDTH];
    int64_t y[LIBRARY_N];
} library;

/* Three classes on a line of raw numbers around 100, with two columns of noise. */
static inline void library_begin(library *l)
{
    *l = (library){.ctx = test_context()};
    snprintf(l->folder, sizeof l->folder, "/tmp/gradus-library-XXXXXX");
    assert_non_null(mkdtemp(l->folder));
    for (int i = 0; i < LIBRARY_N; i++) {
        l->y[i] = i % 3;
        l->x[i][0] = 100 + 10 * (float)(i % 3) + (float)(i * 7 % 11) / 4;
        for (int k = 1; k < LIBRARY_WIDTH; k++) l->x[i][k] = (float)((i + 5) * (k + 13) % 29);
    }
}

static inline const char *library_path(library *l, const char *name)
{
    snprintf(l->path, sizeof l->path, "%s/%s", l->folder, name);
    return l->path;
}

static inline void library_end(library *l)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", l->folder);
    assert_int_equal(system(command), 0);
    test_context_end(l->ctx);
}

static const char *const library_classes[] = {"low", "middle", "high"};

static inline gr_data_field library_input(const library *l)
{
    return (gr_data_field){.version = GR_DATA_FIELD_VERSION,
                           .role = GR_DATA_INPUT,
                           .type = GR_DATA_F32,
                           .shape = GR_SHAPE(LIBRARY_WIDTH),
                           .values = l->x};
}

static inline gr_data_field library_target(const library *l)
{
    return (gr_data_field){.version = GR_DATA_FIELD_VERSION,
                           .role = GR_DATA_TARGET,
                           .type = GR_DATA_I64,
                           .shape = GR_SCALAR,
                           .values = l->y,
                           .class_names = library_classes,
                           .n_classes = 3};
}

static inline gr_data *library_data(library *l, bool targets)
{
    gr_data *d;
    test_ok(l->ctx, gr_data_create(l->ctx, LIBRARY_N, &d));
    test_ok(l->ctx, gr_data_add(d, &(gr_data_field[]){library_input(l)}[0]));
    if (targets) test_ok(l->ctx, gr_data_add(d, &(gr_data_field[]){library_target(l)}[0]));
    return d;
}

static const char library_text[] = "gradus: 1\nseed: 3\ndata: {train: program, validation: {split: 0.25}, batch: 24, "
                                   "prepare: [standardize]}\nmodel: {input: [3], layers: [{type: dense, units: 8, "
                                   "activation: tanh}, {type: dense, units: 3, name: head}]}\ncost: cross_entropy\n"
                                   "optimizer: {type: adam, lr: 0.05}\nstop: {epochs: 12}\n";

static inline gr_recipe *library_recipe(library *l, const char *text, const char *set)
{
    gr_recipe *r = NULL;
    test_ok(l->ctx, gr_recipe_parse(l->ctx, "small", NULL, text, &set, set != NULL, &r));
    return r;
}

static inline gr_trainer_options library_options(library *l, const char *run)
{
    return (gr_trainer_options){.version = GR_TRAINER_VERSION, .out = library_path(l, run)};
}

/* Trains on the data into the folder's `run`. */
static inline gr_train_result library_train(library *l, const gr_recipe *r, const gr_trainer_data *data,
                                            gr_trainer_options o)
{
    gr_trainer *t;
    gr_train_result found;
    test_ok(l->ctx, gr_trainer_create(r, data, &o, &t));
    test_ok(l->ctx, gr_trainer_run(t, &found));
    gr_trainer_destroy(t);
    return found;
}

/* The last error is this one, and it is cleared. */
static inline void library_failed(gr_context *ctx, gr_status is, gr_status code, const char *message)
{
    const gr_error *e = gr_context_error(ctx);
    if (is != code || e->code != code || !strstr(e->message, message))
        fail_msg("%s (%s: %s) instead of %s: %s", gr_status_name(is), gr_status_name(e->code), e->message,
                 gr_status_name(code), message);
    gr_context_clear_error(ctx);
}

#endif
