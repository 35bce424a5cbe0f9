/* Balancing (D5, D6, D7, D9, D16): counts, where new samples come from, and that nothing but the seed moves them. */
#include <math.h>
#include <string.h>

#include "../test.h"
#include "base/rng.h"
#include "data/balance.h"

enum { MOST = 4000 };

/* Samples of one input, of rows of the set that are in the training part. */
typedef struct rig {
    gr_context *ctx;
    gr__bump *b;
    gr_set set;
    gr_rows rows, out;
    int64_t count[8], kept;
    gr_settings s;
    const gr_balance *member;
    gr_prepared *prepared;
    gr_balance_job j;
    gr_balance_plan p;
} rig;

static int32_t label[MOST];
static uint32_t row[MOST];
static char said[1024];

static void hear(void *user, gr_log_level level, const char *text)
{
    (void)user;
    if (level == GR_LOG_WARNING) snprintf(said, sizeof said, "%s", text);
}

static void begin(rig *r, int threads)
{
    *r = (rig){0};
    gr_context_options options = {.threads = threads, .log = hear};
    said[0] = '\0';
    assert_int_equal(gr_context_create(&options, &r->ctx), GR_OK);
    r->b = gr__bump_create(r->ctx);
    assert_non_null(r->b);
}

static void end(rig *r)
{
    gr__rows_free(r->ctx, &r->out);
    gr__set_unmake(r->ctx, &r->set);
    gr__bump_destroy(r->b);
    test_context_end(r->ctx);
}

/* Every row of the set that `left_out` does not divide, 0: every row. */
static void take(rig *r, gr_element e, void *x, int64_t n, gr_shape sample, int left_out)
{
    r->set = (gr_set){.n = n, .n_inputs = 1, .n_targets = 1};
    r->set.field[0] = (gr_field){.name = "x", .sample = sample, .element = e, .data = x};
    r->rows.row = row;
    memset(r->count, 0, sizeof r->count);
    for (int64_t i = 0; i < n; i++) {
        if (left_out && i % left_out == 0) continue;
        row[r->rows.n++] = (uint32_t)i;
        r->count[label[i]]++;
    }
}

static void prepare(rig *r, const char *list)
{
    test_ok(r->ctx, gr__prepare_fit(r->ctx, r->b, gr__tree_flow(r->b, list), gr__set_input(&r->set, 0), &r->rows,
                                    gr__set_input(&r->set, 0)->sample, &r->prepared, &r->j.n_prepared[0]));
}

static gr_status balance(rig *r, int classes, const char *how)
{
    const gr_tree *t = gr__tree_flow(r->b, how);
    int n = r->j.n_prepared[0];
    const gr_nominal *nominal = r->j.nominal;
    const int32_t *apart = r->j.apart[0];
    const gr_hardness *hard = r->j.hard;
    r->member = (const gr_balance *)gr__family_find(r->ctx, &gr__family_balance, "balance", t, NULL);
    assert_non_null(r->member);
    test_ok(r->ctx, gr__settings_make(r->ctx, r->b, &r->member->head, t, GR_PRESET_CHAPTER, NULL, &r->s));
    test_ok(r->ctx, gr__balance_check(r->ctx, &r->s));
    r->j = (gr_balance_job){.ctx = r->ctx,
                            .b = r->b,
                            .at = t,
                            .s = &r->s,
                            .set = &r->set,
                            .rows = &r->rows,
                            .label = label,
                            .classes = classes,
                            .count = r->count,
                            .seed = 7,
                            .makes_as = GR_EL_F64,
                            .prepared = {r->prepared},
                            .n_prepared = {n},
                            .nominal = nominal,
                            .n_nominal = nominal ? 1 : 0,
                            .apart = {apart},
                            .hard = hard};
    uint64_t before = gr_context_bytes(r->ctx);
    gr_status st = gr__balance_plan_of(r->member, &r->j, &r->p);
    if (st != GR_OK) return st;
    assert_true(gr_context_peak_bytes(r->ctx) <= before + r->p.work);
    r->out.row = gr__tensor_alloc(r->ctx, (size_t)gr__rows_bytes(r->p.n));
    r->out.n = r->p.n;
    return gr__balance_apply(r->member, &r->j, &r->p, &r->out, &r->kept);
}

/* Samples of a class in the list. */
static int64_t has(const rig *r, int class_)
{
    int64_t n = 0;
    for (int64_t i = 0; i < r->out.n; i++) n += label[gr__made_base(r->set.made, r->out.row[i])] == class_;
    return n;
}

/* The first are rows of the training part, rising, each once, and all of a class that loses none. */
static void check_first(const rig *r)
{
    int64_t at = 0;
    for (int64_t i = 0; i < r->kept; i++) {
        while (at < r->rows.n && r->rows.row[at] != r->out.row[i]) at++;
        assert_true(at++ < r->rows.n);
    }
}

static double number(const rig *r, int64_t at, int64_t e)
{
    double x[64];
    const gr_delivery d = {GR_EL_F64, r->j.n_prepared[0] ? r->prepared : NULL, r->j.n_prepared[0], 0};
    const uint32_t one = (uint32_t)at;
    const gr_field *f = gr__set_input(&r->set, 0);
    gr__deliver_rows(f, &one, 1, &d, gr_shape_count(f->sample), x);
    return x[e];
}

static double distance(const rig *r, int64_t a, int64_t b)
{
    double sum = 0;
    int64_t n = gr_shape_count(gr__set_input(&r->set, 0)->sample);
    for (int64_t e = 0; e < n; e++) sum += pow(number(r, a, e) - number(r, b, e), 2);
    return sum;
}

/* How many of the training rows of its class are nearer to a than b is. */
static int nearer(const rig *r, int64_t a, int64_t b)
{
    int n = 0;
    double d = distance(r, a, b);
    for (int64_t i = 0; i < r->rows.n; i++)
        n += label[r->rows.row[i]] == label[a] && r->rows.row[i] != a && distance(r, a, r->rows.row[i]) < d;
    return n;
}

static bool in_training(const rig *r, uint32_t of)
{
    for (int64_t i = 0; i < r->rows.n; i++)
        if (r->rows.row[i] == of) return true;
    return false;
}

/* Each made sample lies between its parents, two training rows of one class of which one is a neighbour of the other.
 */
static void check_made(const rig *r, int k, bool box)
{
    const gr_made *m = r->set.made;
    int64_t width = gr_shape_count(gr__set_input(&r->set, 0)->sample);
    assert_non_null(m);
    for (int64_t i = 0; i < m->n; i++) {
        uint32_t a = m->parent[i][0], b = m->parent[i][1];
        double u = m->step[i];
        assert_true(in_training(r, a) && in_training(r, b) && a != b);
        assert_int_equal(label[a], label[b]);
        assert_true(nearer(r, a, b) < k);
        assert_true(box ? isnan(u) : u >= 0 && u < 1);
        for (int64_t e = 0; e < width; e++) {
            double x = number(r, a, e), y = number(r, b, e), z = number(r, m->first + i, e);
            if (box)
                assert_true(z >= fmin(x, y) - 1e-9 && z <= fmax(x, y) + 1e-9);
            else
                assert_true(fabs(z - (x + u * (y - x))) <= 1e-12 * (1 + fabs(x) + fabs(y)));
        }
    }
}

static float cloud[MOST * 3];

/* Three classes of 200, 40 and 12 samples of three numbers, of which the last is constant in one class. */
static void make_cloud(rig *r, int left_out)
{
    gr__rng g = gr__rng_make(3, "cloud", 0, 0);
    for (int i = 0; i < 252; i++) {
        label[i] = i % 21 == 20 ? 2 : i % 6 == 3 ? 1 : 0;
        for (int e = 0; e < 3; e++) cloud[3 * i + e] = (float)(gr__rng_normal(&g) * (e ? 100 : 1) + label[i]);
        if (label[i] == 2) cloud[3 * i + 2] = 5;
    }
    take(r, GR_EL_F32, cloud, 252, GR_SHAPE(3), left_out);
}

static void copies_and_cuts_have_the_counts_of_their_targets(void **state)
{
    (void)state;
    const struct {
        const char *how;
        double of_most;
        bool raises;
    } cases[] = {{"oversample", 1, true},
                 {"{type: oversample, target: 0.5}", .5, true},
                 {"undersample", 0, false},
                 {"{type: undersample, target: 0.25}", .25, false},
                 {"{type: undersample, target: 1}", 1, false}};
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        rig r;
        begin(&r, 1);
        make_cloud(&r, 5);
        test_ok(r.ctx, balance(&r, 3, cases[i].how));
        int64_t most = r.count[0], least = r.count[2];
        int64_t target = cases[i].of_most == 0 ? least : (int64_t)floor(cases[i].of_most * (double)most + .5);
        for (int c = 0; c < 3; c++)
            assert_int_equal(has(&r, c), cases[i].raises ? GR_MAX(r.count[c], target) : GR_MIN(r.count[c], target));
        check_first(&r);
        if (cases[i].raises) assert_int_equal(r.kept, r.rows.n);
        for (int64_t k = 0; k < r.out.n; k++) assert_true(in_training(&r, r.out.row[k]));
        assert_null(r.set.made);
        end(&r);
    }
}

static void smote_makes_points_between_neighbours(void **state)
{
    (void)state;
    const struct {
        const char *how, *prepared;
        int k;
        bool box;
    } cases[] = {{"smote", "[standardize]", 5, false},
                 {"{type: smote, k: 2, target: 0.9}", "[]", 2, false},
                 {"{type: smote, k: 1}", "[{type: scale, by: 1/4}, standardize]", 1, false},
                 {"{type: smote, k: 4}", "[{type: log, offset: 1000}, min_max]", 4, false},
                 {"{type: smote, k: 4, form: box}", "[{type: clip, low: -50, high: 60}, standardize]", 4, true},
                 {"{type: smote, form: box}", "[standardize]", 5, true}};
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        rig r;
        begin(&r, 1);
        make_cloud(&r, 7);
        prepare(&r, cases[i].prepared);
        test_ok(r.ctx, balance(&r, 3, cases[i].how));
        assert_int_equal(r.kept, r.rows.n);
        assert_memory_equal(r.out.row, r.rows.row, sizeof(uint32_t) * (size_t)r.rows.n);
        check_made(&r, cases[i].k, cases[i].box);
        int64_t target = i == 1 ? (int64_t)floor(.9 * (double)r.count[0] + .5) : r.count[0];
        assert_int_equal(has(&r, 1), target);
        assert_int_equal(has(&r, 2), target);
        const double *made = r.set.field[0].made->data;
        for (int64_t k = 0; k < r.set.made->n; k++) /* what the class has alike, to the bit */
            if (label[r.set.made->parent[k][0]] == 2) assert_true(made[3 * k + 2] == 5);
        end(&r);
    }
}

static void threads_change_nothing(void **state)
{
    (void)state;
    static double first[MOST * 3];
    for (int threads = 1; threads <= 5; threads += 2)
        for (int how = 0; how < 2; how++) {
            static uint32_t rows[2][MOST];
            rig r;
            begin(&r, threads);
            make_cloud(&r, 0);
            prepare(&r, "[standardize]");
            test_ok(r.ctx, balance(&r, 3, how ? "adasyn" : "smote"));
            size_t bytes = sizeof(double) * 3 * (size_t)r.set.made->n;
            double *keep = first + (how ? MOST * 3 / 2 : 0);
            if (threads == 1) {
                memcpy(keep, r.set.field[0].made->data, bytes);
                memcpy(rows[how], r.out.row, sizeof(uint32_t) * (size_t)r.out.n);
            }
            assert_memory_equal(keep, r.set.field[0].made->data, bytes);
            assert_memory_equal(rows[how], r.out.row, sizeof(uint32_t) * (size_t)r.out.n);
            end(&r);
        }
}

/* The vector: r = (1/3, 1/3, 1/3, 1), of which 5 are (.83, .83, .83, 2.5). */
static void adasyn_shares_out_by_neighbours_of_other_classes(void **state)
{
    (void)state;
    static float x[13] = {0, 1, 2, 10, 3, 4, 5, 6, 7, 8, 9, 11, 12};
    const uint32_t wanted[4] = {1, 1, 1, 2};
    for (int exact = 0; exact < 2; exact++) {
        rig r;
        begin(&r, 1);
        for (int i = 0; i < 13; i++) label[i] = i < 4;
        take(&r, GR_EL_F32, x, 13, GR_SHAPE(1), 0);
        test_ok(r.ctx, balance(&r, 2, exact ? "{type: adasyn, k: 3, form: exact}" : "{type: adasyn, k: 3}"));
        assert_memory_equal(r.p.made_of, wanted, sizeof wanted);
        assert_int_equal(has(&r, 1), 9);
        check_made(&r, 3, false);
        end(&r);
    }
}

/* g: half of each of six is rounded to even, to 0; by largest remainders the sum is right. */
static void adasyn_rounds_to_even_or_exactly(void **state)
{
    (void)state;
    static float x[18];
    const struct {
        const char *how;
        int64_t sum;
    } cases[] = {{"{type: adasyn, k: 1, beta: 0.5, threshold: 1}", 0},
                 {"{type: adasyn, k: 1, beta: 0.5, threshold: 1, form: exact}", 3},
                 {"{type: adasyn, k: 1, threshold: 1}", 6},
                 {"{type: adasyn, k: 1, threshold: 0.4}", 0}};
    for (size_t c = 0; c < GR_COUNT(cases); c++) {
        rig r;
        begin(&r, 1);
        for (int i = 0; i < 18; i++) { /* each of the rare ones has its nearest in the other class */
            label[i] = i < 6;
            x[i] = i < 6 ? (float)(10 * i) : i < 12 ? (float)(10 * (i - 6) + 1) : (float)(100 + i);
        }
        take(&r, GR_EL_F32, x, 18, GR_SHAPE(1), 0);
        test_ok(r.ctx, balance(&r, 2, cases[c].how));
        assert_int_equal(r.p.made, cases[c].sum);
        end(&r);
    }
}

static void adasyn_needs_neighbours_of_other_classes(void **state)
{
    (void)state;
    static float x[20];
    rig r;
    begin(&r, 1);
    for (int i = 0; i < 20; i++) label[i] = i < 5, x[i] = (float)(i + (i < 5 ? 0 : 1000));
    take(&r, GR_EL_F32, x, 20, GR_SHAPE(1), 0);
    assert_int_equal(balance(&r, 2, "{type: adasyn, k: 3}"), GR_E_DATA);
    assert_non_null(strstr(gr_context_error(r.ctx)->hint, "smote"));
    end(&r);
}

static void a_class_of_one_is_copied_and_few_have_fewer_neighbours(void **state)
{
    (void)state;
    static float x[14];
    const char *const how[] = {"smote", "{type: adasyn, k: 4}"};
    for (size_t c = 0; c < GR_COUNT(how); c++) {
        rig r;
        begin(&r, 1);
        for (int i = 0; i < 14; i++) label[i] = i == 0 ? 1 : i < 4 ? 2 : 0, x[i] = (float)((i * 5) % 14);
        take(&r, GR_EL_F32, x, 14, GR_SHAPE(1), 0);
        test_ok(r.ctx, balance(&r, 3, how[c]));
        assert_non_null(strstr(said, "one training sample"));
        assert_true(r.p.copies > 0 && r.p.made > 0);
        for (int64_t i = 0; i < r.p.copies; i++) assert_int_equal(r.out.row[r.kept + i], 0);
        check_made(&r, 2, false);
        end(&r);
    }
}

/* Bytes: what is made lies between them, not on them. */
static void bytes_give_real_numbers(void **state)
{
    (void)state;
    static uint8_t x[60 * 4];
    rig r;
    bool between = false;
    begin(&r, 2);
    for (int i = 0; i < 60; i++) {
        label[i] = i < 10;
        for (int e = 0; e < 4; e++) x[4 * i + e] = (uint8_t)(e == 3 ? 0 : (i * 37 + e * 11) % 256);
    }
    take(&r, GR_EL_U8, x, 60, GR_SHAPE(2, 2, 1), 0);
    prepare(&r, "[{type: scale, by: 1/255}]");
    test_ok(r.ctx, balance(&r, 2, "smote"));
    check_made(&r, 5, false);
    const double *made = r.set.field[0].made->data;
    for (int64_t i = 0; i < 4 * r.set.made->n; i++) between |= made[i] != floor(made[i]);
    assert_true(between);
    end(&r);
}

/* The third number is a category: 0, 1 or 2, whose distance is the median of the deviations. */
static void categories_stay_categories(void **state)
{
    (void)state;
    const gr_nominal third = {0, 2};
    const int32_t apart[3] = {0, 0, -1};
    rig r;
    begin(&r, 1);
    make_cloud(&r, 0);
    for (int i = 0; i < 252; i++) cloud[3 * i + 2] = (float)((i / 3) % 3);
    prepare(&r, "[standardize]");
    r.j.nominal = &third, r.j.apart[0] = apart;
    test_ok(r.ctx, balance(&r, 3, "{type: smote, k: 3}"));
    const gr_made *m = r.set.made;
    const double *made = r.set.field[0].made->data;
    int64_t alike = 0;
    for (int64_t i = 0; i < m->n; i++) {
        double code = made[3 * i + 2];
        assert_true(code == 0 || code == 1 || code == 2);
        alike += code == cloud[3 * m->parent[i][0] + 2];
    }
    assert_true(alike < m->n); /* of the neighbours, not of the base */
    end(&r);
}

/* Of four samples with three neighbours each: what most of them have, of as many the nearest one's. */
static void most_neighbours_say_the_category(void **state)
{
    (void)state;
    static float x[24];
    const float at[4] = {0, 1, 2.1f, 3.3f};
    const struct {
        float code[4], wanted[4];
    } cases[] = {{{0, 1, 1, 2}, {1, 1, 1, 1}}, {{0, 1, 2, 3}, {1, 0, 1, 2}}, {{5, 5, 5, 7}, {5, 5, 5, 5}}};
    const gr_nominal second = {0, 1};
    const int32_t apart[2] = {0, -1};
    for (size_t c = 0; c < GR_COUNT(cases); c++) {
        rig r;
        begin(&r, 1);
        for (int i = 0; i < 12; i++) {
            label[i] = i < 4;
            x[2 * i] = i < 4 ? at[i] : (float)(10 + i);
            x[2 * i + 1] = i < 4 ? cases[c].code[i] : 0;
        }
        take(&r, GR_EL_F32, x, 12, GR_SHAPE(2), 0);
        r.j.nominal = &second, r.j.apart[0] = apart;
        test_ok(r.ctx, balance(&r, 2, "{type: smote, k: 3}"));
        const double *made = r.set.field[0].made->data;
        for (int64_t i = 0; i < r.set.made->n; i++)
            assert_true(made[2 * i + 1] == (double)cases[c].wanted[r.set.made->parent[i][0]]);
        end(&r);
    }
}

static void another_category_is_a_median_away(void **state)
{
    (void)state;
    static float x[24];
    const float at[4] = {0, .4f, .5f, .9f}; /* deviation .32: .4 and a category is .512 away, .1 and one .335 */
    const uint32_t nearest[4] = {2, 2, 1, 1};
    const gr_nominal second = {0, 1};
    const int32_t apart[2] = {0, -1};
    rig r;
    begin(&r, 1);
    for (int i = 0; i < 12; i++) {
        label[i] = i < 4;
        x[2 * i] = i < 4 ? at[i] : (float)(10 + i);
        x[2 * i + 1] = (float)(i % 2);
    }
    take(&r, GR_EL_F32, x, 12, GR_SHAPE(2), 0);
    r.j.nominal = &second, r.j.apart[0] = apart;
    test_ok(r.ctx, balance(&r, 2, "{type: smote, k: 1}"));
    for (int64_t i = 0; i < r.set.made->n; i++)
        assert_int_equal(r.set.made->parent[i][1], nearest[r.set.made->parent[i][0]]);
    end(&r);
}

static void what_is_no_number_is_refused(void **state)
{
    (void)state;
    rig r;
    begin(&r, 2);
    make_cloud(&r, 0);
    cloud[3 * 20] = (float)NAN; /* of class 2 */
    assert_int_equal(balance(&r, 3, "smote"), GR_E_DATA);
    assert_non_null(strstr(gr_context_error(r.ctx)->hint, "impute"));
    end(&r);
}

static void hard_rows_stay_and_some_others(void **state)
{
    (void)state;
    static gr_hardness hard[300];
    static float x[300];
    const struct {
        const char *how;
        int hardest, kept;
    } cases[] = {{"{type: hard_undersample, keep_random: 0}", 50, 50},
                 {"{type: hard_undersample}", 40, 50},
                 {"{type: hard_undersample, keep_random: 1}", 0, 50},
                 {"{type: hard_undersample, target: 0.4, keep_random: 0.5}", 50, 100}};
    for (size_t c = 0; c < GR_COUNT(cases); c++) {
        rig r;
        int64_t before = 0, first = 0;
        begin(&r, 1);
        for (int i = 0; i < 300; i++) { /* the later the harder, by mistakes before probabilities */
            label[i] = i < 50;
            hard[i] = (gr_hardness){.wrong = i / 100, .miss = (i % 100) / 100.};
        }
        take(&r, GR_EL_F32, x, 300, GR_SHAPE(1), 0);
        r.j.hard = hard;
        test_ok(r.ctx, balance(&r, 2, cases[c].how));
        assert_int_equal(has(&r, 0), cases[c].kept);
        assert_int_equal(has(&r, 1), 50);
        for (int64_t i = 0; i < r.out.n; i++) {
            if (label[r.out.row[i]] == 1) continue;
            first += r.out.row[i] >= 300u - (unsigned)cases[c].hardest;
            before += r.out.row[i] < 300u - (unsigned)cases[c].hardest;
        }
        assert_int_equal(first, cases[c].hardest);
        assert_int_equal(before, cases[c].kept - cases[c].hardest);
        end(&r);
    }
}

/* Neighbours and samples between them mean nothing for indices and sequences. */
static void inputs_that_have_nothing_between_are_refused(void **state)
{
    (void)state;
    const char *const how[] = {"smote", "adasyn"};
    for (size_t c = 0; c < GR_COUNT(how); c++) {
        rig r;
        begin(&r, 1);
        make_cloud(&r, 0);
        r.set.field[0].vocabulary = 10;
        assert_int_equal(balance(&r, 3, how[c]), GR_E_CONFLICT);
        assert_non_null(strstr(gr_context_error(r.ctx)->message, "indices"));
        end(&r);
    }
}

/* What planning says applying takes is what it takes. */
static void memory_is_what_was_counted(void **state)
{
    (void)state;
    const char *const how[] = {"oversample", "undersample", "smote", "adasyn", "{type: smote, form: box, k: 40}"};
    for (size_t c = 0; c < GR_COUNT(how); c++) {
        rig r;
        begin(&r, 2);
        make_cloud(&r, 0);
        test_ok(r.ctx, balance(&r, 3, how[c]));
        uint64_t left = gr__rows_bytes(r.p.n) + gr__made_bytes(&r.set, r.p.made, GR_EL_F64);
        assert_int_equal(gr_context_bytes(r.ctx), left);
        uint64_t peak = GR_MAX(r.p.work, left + gr__balance_work(r.member, &r.j, &r.p));
        assert_int_equal(gr_context_peak_bytes(r.ctx), peak);
        end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_and_cuts_have_the_counts_of_their_targets),
        cmocka_unit_test(smote_makes_points_between_neighbours),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(adasyn_shares_out_by_neighbours_of_other_classes),
        cmocka_unit_test(adasyn_rounds_to_even_or_exactly),
        cmocka_unit_test(adasyn_needs_neighbours_of_other_classes),
        cmocka_unit_test(a_class_of_one_is_copied_and_few_have_fewer_neighbours),
        cmocka_unit_test(bytes_give_real_numbers),
        cmocka_unit_test(categories_stay_categories),
        cmocka_unit_test(most_neighbours_say_the_category),
        cmocka_unit_test(another_category_is_a_median_away),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(hard_rows_stay_and_some_others),
        cmocka_unit_test(inputs_that_have_nothing_between_are_refused),
        cmocka_unit_test(memory_is_what_was_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
