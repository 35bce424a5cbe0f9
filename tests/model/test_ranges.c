/* Every row of every member of every family, and of what stands beside them, refuses what is outside of its range: in a
 * whole recipe, where it is written, with the range in the message and the key as the place. Members and rows come from
 * the registry. */
#include <stdlib.h>
#include <string.h>

#include "data/data.h"
#include "model/section.h"
#include "model_case.h"
#include "ranges.h"

/* Where settings of a member stand: `%s` is a map of them. The members of a family have one place; commons are found by
 * name. */
typedef struct place {
    const char *family, *name; /* name NULL: every member of the family that has no place of its own */
    const char *set;
} place;

static const place places[] = {
    {"layer", "common", "model.layers=[{type: relu, %s}]"},
    {"layer", "transformer_block", "model.layers=[{type: reshape, shape: [16, 8]}, {type: NAME, %s}]"},
    {"layer", "concat", "model.layers=[{type: relu, name: a}, {type: relu, name: b}, {type: NAME, from: [a, b], %s}]"},
    {"layer", NULL, "model.layers=[{type: NAME, %s}]"},
    {"cost", NULL, "cost={type: NAME, %s}"},
    {"optimizer", "common", "optimizer={type: adam, %s}"},
    {"optimizer", NULL, "optimizer={type: NAME, %s}"},
    {"clip", "clip", "clip={%s}"},
    {"group", "group", "groups=[{%s}]"},
    {"lookahead", "lookahead", "lookahead={%s}"},
    {"sam", NULL, "sam={%s}"},
    {"prune", NULL, "prune={%s}"},
    {"average", NULL, "average={type: NAME, %s}"},
    {"schedule", "common", "schedule={type: constant, %s}"},
    {"recipe", "tail", "schedule={type: constant, tail: {%s}}"},
    {"schedule", NULL, "schedule={type: NAME, %s}"},
    {"recipe", "init", "init={%s}"},
    {"init", NULL, "init={weights: {type: NAME, %s}}"},
    {"penalty", NULL, "penalty={%s}"},
    {"source", NULL, "data.train={type: NAME, %s}"},
    {"prepare", NULL, "data.prepare=[{type: NAME, %s}]"},
};

static const place *place_of(const gr_member *m)
{
    for (size_t i = 0; i < GR_COUNT(places); i++)
        if (strcmp(places[i].family, m->family) == 0 && (!places[i].name || strcmp(places[i].name, m->name) == 0))
            return &places[i];
    fail_msg("%s %s: say where in a recipe its settings stand", m->family, m->name);
    return NULL;
}

/* Settings that another one makes no sense without. */
static const struct {
    const char *family, *member, *row, *also;
} needs[] = {{"schedule", "step", "factors", "at: [10]"}};

/* A value that a row without a default takes. */
static void some_value(const gr_row *r, char text[48])
{
    switch (r->kind) {
    case GR_ROW_CHOICE:
        snprintf(text, 48, "%.*s", (int)strcspn(r->range, "|"), r->range);
        break;
    case GR_ROW_TREE:
        snprintf(text, 48, "[relu]");
        break;
    case GR_ROW_REAL: /* of shares too */
        snprintf(text, 48, "0.5");
        break;
    case GR_ROW_TEXT:
    case GR_ROW_PATH:
        snprintf(text, 48, "x");
        break;
    default:
        snprintf(text, 48, "1");
        break;
    }
}

/* The member's settings with this row at this value, as --set takes them. */
static void write_set(const gr_member *m, const gr_row *r, const char *value, char set[640])
{
    char settings[400], *name;
    const char *form = place_of(m)->set;
    size_t n = (size_t)snprintf(settings, sizeof settings, "%s: %s", r->name, value);
    for (int i = 0; i < m->n_rows; i++) {
        char other[48];
        if (m->rows[i].value || strcmp(m->rows[i].name, r->name) == 0 || strcmp(m->rows[i].name, "type") == 0) continue;
        some_value(&m->rows[i], other);
        n += (size_t)snprintf(settings + n, sizeof settings - n, ", %s: %s", m->rows[i].name, other);
    }
    for (size_t i = 0; i < GR_COUNT(needs); i++)
        if (strcmp(needs[i].family, m->family) == 0 && strcmp(needs[i].member, m->name) == 0 &&
            strcmp(needs[i].row, r->name) == 0)
            n += (size_t)snprintf(settings + n, sizeof settings - n, ", %s", needs[i].also);
    char with_name[200];
    snprintf(with_name, sizeof with_name, "%s", form);
    if ((name = strstr(with_name, "NAME")) != NULL)
        snprintf(name, sizeof with_name - (size_t)(name - with_name), "%s%s", m->name, strstr(form, "NAME") + 4);
    char *hole = strstr(with_name, "%s");
    assert_non_null(hole);
    snprintf(set, 640, "%.*s%s%s", (int)(hole - with_name), with_name, settings, hole + 2);
}

/* code GR_OK: any refusal will do. */
static void refuse(const gr_member *m, const gr_row *r, const char *value, gr_status code, const char *says)
{
    static const char text[] = CASE_HEAD
        "model: {input: [8, 8, 2], layers: [{type: conv, filters: 2, kernel: 3}, flatten, {type: dense, units: 3}]}\n";
    char set[640];
    const char *sets[] = {set};
    gr_context *ctx = test_context();
    gr_recipe *recipe = NULL;
    write_set(m, r, value, set);
    gr_status st = gr__recipe_from_text(ctx, "case.yaml", ".", text, strlen(text), sets, 1, &recipe);
    const gr_error *e = gr_context_error(ctx);
    if (st == GR_OK) fail_msg("%s is taken", set);
    if ((code != GR_OK && st != code) || !strstr(e->message, says) || !strstr(e->key ? e->key : "", r->name))
        fail_msg("%s: %s at %s: %s (%s), and not %s, \"%s\"", set, gr_status_name(st), e->key ? e->key : "no place",
                 e->message, e->hint ? e->hint : "", gr_status_name(code), says);
    test_context_end(ctx);
}

/* "[0,1)" as messages have it. */
static void shown(const char *range, char out[64])
{
    size_t n = 0;
    for (; *range && n + 3 < 64; range++) {
        out[n++] = *range;
        if (*range == ',') out[n++] = ' ';
    }
    out[n] = '\0';
}

/* How many values were tried. */
static int refuse_row(const gr_member *m, const gr_row *r)
{
    char value[48], list[64], range[64];
    int tried = 0;
    bool number = r->kind == GR_ROW_REAL || r->kind == GR_ROW_INT || r->kind == GR_ROW_AXES;
    shown(r->range, range);
    for (int upper = 0; upper < 2 && number; upper++) {
        if (!ranges_outside(r, upper, value)) continue;
        refuse(m, r, value, GR_E_RANGE, range), tried++;
        snprintf(list, sizeof list, "[1, %s]", value);
        if (r->kind == GR_ROW_AXES) refuse(m, r, list, GR_E_RANGE, range), tried++;
    }
    if (r->kind == GR_ROW_CHOICE) {
        snprintf(range, sizeof range, "%.*s", (int)strcspn(r->range, "|"), r->range);
        refuse(m, r, "some_other_word", GR_E_NAME, range), tried++;
    }
    if (r->kind == GR_ROW_BOOL) refuse(m, r, "1", GR_E_TYPE, "true or false"), tried++;
    if (r->kind == GR_ROW_TREE && strcmp(m->family, "source") == 0)
        return 1; /* of a source: it looks at them when it opens its file */
    if (r->kind == GR_ROW_TREE) {
        if (!strstr(r->range, "or a number")) /* -1 is an axis */
            refuse(m, r, strstr(r->range, "axis of a sample") ? "9" : "-1", GR_OK, ""), tried++;
        refuse(m, r, "{some: [other]}", GR_OK, ""), tried++;
    }
    if (number || r->kind == GR_ROW_TEXT || r->kind == GR_ROW_PATH)
        refuse(m, r, "{some: [other]}", GR_E_TYPE, ""), tried++;
    return tried;
}

static void refuse_rows(const gr_member *m)
{
    for (int i = 0; i < m->n_rows; i++)
        if (strcmp(m->rows[i].name, "type") != 0 && refuse_row(m, &m->rows[i]) == 0)
            fail_msg("%s %s: nothing is outside of %s", m->family, m->name, m->rows[i].name);
}

#define EVERY(word, list)                                     \
    static void every_##word(void **state)                    \
    {                                                         \
        int n;                                                \
        const gr_##word *const *m = gr__##list(&n);           \
        (void)state;                                          \
        assert_true(n > 0);                                   \
        for (int i = 0; i < n; i++) refuse_rows(&m[i]->head); \
    }
EVERY(layer, layers)
EVERY(cost, costs)
EVERY(init, inits)
EVERY(optimizer, optimizers)
EVERY(schedule, schedules)
EVERY(source, sources)
EVERY(prepare, prepares)

static void every_common(void **state)
{
    (void)state;
    int n;
    const gr_member *const *m = gr__commons(&n);
    assert_true(n > 0);
    for (int i = 0; i < n; i++) refuse_rows(m[i]);
}

/* A penalty's one setting is its coefficient. */
static void every_penalty(void **state)
{
    (void)state;
    int n;
    const gr_penalty *const *m = gr__penalties(&n);
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        const gr_row r = GR_ROW(m[i]->head.name, REAL, "0", "[0,inf)", "1", "");
        assert_int_equal(m[i]->head.n_rows, 0);
        assert_true(refuse_row(&m[i]->head, &r) > 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_layer),     cmocka_unit_test(every_cost),     cmocka_unit_test(every_init),
        cmocka_unit_test(every_optimizer), cmocka_unit_test(every_schedule), cmocka_unit_test(every_penalty),
        cmocka_unit_test(every_common),    cmocka_unit_test(every_source),   cmocka_unit_test(every_prepare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
