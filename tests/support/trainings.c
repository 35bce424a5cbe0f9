/* Training and reading what it left. */
#include "support/trainings.h"

#include <math.h>

#include "model/file.h"

void model_read(gr_context *ctx, const char *folder, const char *file, model *m)
{
    static const char *const names[] = {"c1.weight", "c1.bias", "head.weight", "head.bias"};
    char path[200];
    gr_st *st;
    *m = (model){0};
    snprintf(path, sizeof path, "%s/%s", folder, file);
    test_ok(ctx, gr__st_whole(ctx, path, &st));
    for (size_t i = 0; i < GR_COUNT(names); i++) {
        const gr_st_tensor *t = gr__st_find(st, names[i]);
        if (!t) continue;
        assert_int_equal(t->type, GR_ST_F64);
        snprintf(m->name[m->n], sizeof m->name[0], "%s", names[i]);
        m->count[m->n] = gr_shape_count(t->shape);
        m->v[m->n] = malloc(t->bytes);
        memcpy(m->v[m->n++], t->data, t->bytes);
    }
    gr__st_close(st);
}

void model_free(model *m)
{
    for (int i = 0; i < m->n; i++) free(m->v[i]);
}

double apart(const model *a, const model *b)
{
    double most = 0;
    assert_int_equal(a->n, b->n);
    for (int i = 0; i < a->n; i++)
        for (int64_t k = 0; k < a->count[i]; k++) most = fmax(most, fabs(a->v[i][k] - b->v[i][k]));
    return most;
}

static void costs_read(const char *folder, costs *c)
{
    char path[200], line[1024];
    snprintf(path, sizeof path, "%s/metrics.jsonl", folder);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    for (c->n = 0; fgets(line, sizeof line, f) && c->n < (int)GR_COUNT(c->train); c->n++) {
        const char *train = strstr(line, "\"train_cost\":"), *data = strstr(line, "\"data_cost\":");
        c->train[c->n] = strtod(train + 13, NULL);
        c->data[c->n] = data ? strtod(data + 12, NULL) : (double)NAN;
    }
    fclose(f);
}

gr_train_result fit(const char *more, const char *const *sets, int n_sets, const char *file, model *m, costs *c)
{
    small s;
    gr_train_result result;
    gr_recipe *r;
    char text[1024];
    snprintf(text, sizeof text, "precision: float64\ncheckpoint: none\n%s", more);
    small_make(&s, text);
    gr_context *ctx = test_context_with(1, 0);
    test_ok(ctx, gr__recipe_open(ctx, s.recipe, sets, n_sets, &r));
    test_ok(ctx, gr__train(ctx, r, &(gr_train_options){.out = s.out}, &result));
    assert_int_equal(result.planned_bytes, result.peak_bytes);
    gr__recipe_close(ctx, r);
    model_read(ctx, s.out, file, m);
    if (c) costs_read(s.out, c);
    test_context_end(ctx);
    small_remove(&s);
    return result;
}

void equal_to_the_bit(const char *one, const char *other)
{
    model a, b;
    FIT(one, &a);
    FIT(other, &b);
    assert_true(apart(&a, &b) == 0);
    model_free(&a);
    model_free(&b);
}
