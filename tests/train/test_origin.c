/* Training from a model: whatever classes a table has, a row's target stands for its own text, or the table is refused:
 * that of another list of classes, or of another order, unless it is forced; columns and statistics are the model's. */
#include "arrays.h"
#include "base/rng.h"
#include "model/model.h"
#include "train/origin.h"

static char folder[64];

static int setup(void **state)
{
    (void)state;
    arrays_folder(folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arrays_remove(folder);
    return 0;
}

enum { NAMES = 12, ROWS = 60 };
static const char *const words[NAMES] = {"ant", "bee", "Cow",   "0",           "1", "2",
                                         "10",  "x y", "zebra", "\xC3\xA4hre", "-", "7"};

static gr_recipe *recipe(gr_context *ctx, const char *prepare)
{
    char text[600];
    gr_recipe *r = NULL;
    snprintf(text, sizeof text,
             "gradus: 1\ndata: {train: {type: csv, file: t.csv, target: kind, header: true}, batch: 8, prepare: %s}\n"
             "model: {input: [2], layers: [{type: dense, units: %d}]}\ncost: cross_entropy\noptimizer: sgd\n",
             prepare, NAMES);
    test_ok(ctx, gr__recipe_from_text(ctx, "r.yaml", folder, text, strlen(text), NULL, 0, &r));
    return r;
}

/* A model that knows these classes, columns a and b, and numbers far from any that data would give. */
static void write_model(gr_context *ctx, const char *path, const char *const *names, int n)
{
    static const char *const columns[] = {"a", "b"};

    static const int inputs[] = {0, 1}, kind[] = {2};
    static const char *const kind_name[] = {"kind"};
    const gr_schema table = {.table = true,
                             .delimiter = ',',
                             .header = true,
                             .header_given = true,
                             .n_columns = 3,
                             .n_inputs = 2,
                             .input = inputs,
                             .name = columns,
                             .n_targets = 1,
                             .target = {{.n = 1, .column = kind, .column_name = kind_name}}};
    gr_recipe *r = recipe(ctx, "[standardize]");
    gr_store *store;
    gr_network *network;
    gr__bump *memory = gr__bump_create(ctx);
    gr_prepared *p;
    int steps;
    test_ok(ctx, gr__prepare_parse(ctx, memory,
                                   gr__tree_flow(memory, "[{type: standardize, mean: [1000, 2000], std: [10, 20]}]"),
                                   &p, &steps));
    const gr_meaning meaning = {
        .prepared = {p}, .n_prepared = {1}, .class_names = {names}, .classes = {n}, .schema = table};
    test_ok(ctx, gr__network_make(ctx, r, NULL, &network));
    test_ok(ctx, gr_store_create(ctx, gr_backend_get("cpu"), &store));
    test_ok(ctx, gr__network_declare(network, store));
    test_ok(ctx, gr_store_seal(store));
    test_ok(ctx, gr__model_write(ctx, path, store, &(gr_model_about){.recipe = r, .meaning = &meaning}));
    gr_store_destroy(store);
    gr__network_destroy(network);
    gr__recipe_close(ctx, r);
    gr__bump_destroy(memory);
}

/* `some` of the words in a random order. */
static void draw(gr__rng *r, uint32_t *order, const char **names, int some)
{
    gr__rng_permutation(r, order, NAMES);
    for (int i = 0; i < some; i++) names[i] = words[order[i]];
}

static bool stands(const char *const *names, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

typedef struct table { /* a random model's classes, and a random table's rows */
    const char *its[NAMES], *mine[NAMES], *of[ROWS];
    int n_its, n_mine;
    bool known; /* the model knows every class of the table */
    bool same;  /* and has no other, in the table's order */
} table;

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What a table lists: the numbers up to the largest where all are numbers, else the texts in their order. */
static bool same_list(const table *t)
{
    const char *list[NAMES];
    char number[16];
    int n = 0, most = -1;
    for (int i = 0; i < t->n_mine; i++) {
        bool whole = strspn(t->mine[i], "0123456789") == strlen(t->mine[i]);
        if (!whole) most = NAMES * 10;
        if (whole && most < NAMES * 10) most = GR_MAX(most, atoi(t->mine[i]));
        list[n++] = t->mine[i];
    }
    if (n != t->n_its && most == NAMES * 10) return false;
    if (most < NAMES * 10) {
        for (int k = 0; k <= most; k++) {
            snprintf(number, sizeof number, "%d", k);
            if (k >= t->n_its || strcmp(number, t->its[k]) != 0) return false;
        }
        return most + 1 == t->n_its;
    }
    qsort(list, (size_t)n, sizeof *list, by_text);
    for (int k = 0; k < n; k++)
        if (strcmp(list[k], t->its[k]) != 0) return false;
    return true;
}

static void draw_table(uint64_t key, table *t)
{
    gr__rng r = gr__rng_make(key, "classes", 0, 0);
    uint32_t order[NAMES];
    bool swap = key % 2; /* columns in another order than the model's */
    t->n_its = 2 + (int)gr__rng_below(&r, NAMES - 2);
    t->n_mine = 1 + (int)gr__rng_below(&r, NAMES - 1);
    t->known = true;
    draw(&r, order, t->its, t->n_its);
    if (gr__rng_below(&r, 4)) { /* of the model's, as a rule */
        t->n_mine = GR_MIN(t->n_mine, t->n_its);
        for (int i = 0; i < t->n_mine; i++) t->mine[i] = t->its[t->n_its - 1 - i];
    } else {
        draw(&r, order, t->mine, t->n_mine);
    }
    if (key % 3 == 1) { /* the model's list is what this table would have */
        qsort(t->its, (size_t)t->n_its, sizeof *t->its, by_text);
        memcpy(t->mine, t->its, sizeof t->its);
        t->n_mine = t->n_its;
    }
    t->same = same_list(t);
    FILE *out = arrays_file(folder, "t.csv");
    fprintf(out, swap ? "b,a,kind\n" : "a,b,kind\n");
    for (int i = 0; i < ROWS; i++) {
        t->of[i] = t->mine[i < t->n_mine ? i : (int)gr__rng_below(&r, (uint64_t)t->n_mine)];
        t->known &= stands(t->its, t->n_its, t->of[i]);
        fprintf(out, "%d,%d,%s\n", swap ? 2000 : 1000 + i, swap ? 1000 + i : 2000, t->of[i]);
    }
    assert_int_equal(fclose(out), 0);
}

static void check_labels(const table *want, const gr_task *t)
{
    const int32_t *label = gr__set_target(&t->set[GR_PART_TRAIN], 0)->data;
    for (int i = 0; i < ROWS; i++) {
        assert_string_equal(t->meaning.class_names[0][label[i]], want->of[i]);
        if (want->known) assert_string_equal(want->its[label[i]], want->of[i]);
    }
    if (want->known) assert_int_equal(t->meaning.classes[0], want->n_its);
}

/* Column a first, by the model's statistics. */
static void check_inputs(gr_context *ctx, const gr_task *t)
{
    gr_loader_options o = gr__task_loader(t, GR_PART_TRAIN, false);
    gr_loader *l;
    gr_batch batch;
    o.shuffle = GR_SHUFFLE_NONE;
    assert_true(t->meaning.n_prepared[0] == 1 && gr__prepared_list(t->meaning.prepared[0], "mean", NULL)[0] == 1000 &&
                gr__prepared_list(t->meaning.prepared[0], "std", NULL)[1] == 20);
    test_ok(ctx, gr__loader_create(ctx, &o, &l));
    test_ok(ctx, gr__loader_next(l, &batch));
    for (int i = 0; i < 8; i++) {
        assert_true(((const float *)batch.field[0])[2 * i] == (float)(i * 0.1));
        assert_true(((const float *)batch.field[0])[2 * i + 1] == 0);
    }
    gr__loader_destroy(l);
}

static void a_target_stands_for_its_own_text(void **state)
{
    (void)state;
    char path[128];
    int accepted = 0, refused = 0;
    snprintf(path, sizeof path, "%s/m.safetensors", folder);
    for (uint64_t k = 0; k < 150; k++) {
        bool force = k % 5 == 4;
        table want;
        draw_table(k, &want);
        if (force && strchr("0127", want.of[0][0])) continue; /* taken as numbers: without names of their own */
        gr_context *ctx = test_context();
        gr__bump *b = gr__bump_create(ctx);
        gr_origin origin;
        gr_task t = {0};
        write_model(ctx, path, want.its, want.n_its);
        gr_recipe *r = recipe(ctx, "[standardize]");
        test_ok(ctx, gr__origin_read(ctx, b, r, path, force, &origin));
        gr_status st = gr__task_open_from(ctx, r, 1, &origin, &t);
        if (want.same || force) {
            test_ok(ctx, st);
            check_labels(&want, &t);
            if (!force) check_inputs(ctx, &t);
            accepted++;
        } else {
            assert_int_equal(st, GR_E_CONFLICT);
            assert_non_null(
                strstr(gr_context_error(ctx)->message, want.known ? "classes of the train data are" : "does not know"));
            refused += want.known;
            gr_context_clear_error(ctx);
        }
        gr__task_close(&t);
        gr__recipe_close(ctx, r);
        gr__bump_destroy(b);
        test_context_end(ctx);
    }
    assert_true(accepted > 50 && refused > 10);
}

/* Steps are the same where they mean the same, however they are written. */
static void steps_are_compared_by_meaning(void **state)
{
    (void)state;
    static const struct {
        const char *steps;
        bool same;
    } cases[] = {
        {"[standardize]", true},
        {"[{type: standardize}]", true},
        {"[{per: channel, type: standardize}]", true},
        {"[{type: standardize, per: element}]", false},
        {"[{type: scale, by: 1}, standardize]", false},
        {"[standardize, standardize]", false},
        {"[impute, standardize]", false},
        {"[]", false},
        {"none", false},
    };
    char path[128];
    snprintf(path, sizeof path, "%s/m.safetensors", folder);
    FILE *out = arrays_file(folder, "t.csv");
    fprintf(out, "a,b,kind\n1,2,ant\n2,1,bee\n");
    assert_int_equal(fclose(out), 0);
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        gr_context *ctx = test_context();
        gr__bump *b = gr__bump_create(ctx);
        gr_origin origin;
        write_model(ctx, path, words, 2);
        gr_recipe *r = recipe(ctx, cases[i].steps);
        gr_status st = gr__origin_read(ctx, b, r, path, false, &origin);
        if (st != (cases[i].same ? GR_OK : GR_E_CONFLICT))
            fail_msg("%s: %s", cases[i].steps, gr_context_error(ctx)->message);
        gr_context_clear_error(ctx);
        test_ok(ctx, gr__origin_read(ctx, b, r, path, true, &origin));
        gr__recipe_close(ctx, r);
        gr__bump_destroy(b);
        test_context_end(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_target_stands_for_its_own_text, setup, teardown),
        cmocka_unit_test_setup_teardown(steps_are_compared_by_meaning, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
