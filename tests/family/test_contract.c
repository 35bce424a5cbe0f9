/* What every member of every family owes: a title, a source, equations, described rows whose defaults are within their
 * own ranges, a name of its own. */
#include "cost/cost.h"
#include "init/init.h"
#include "metric/metric.h"
#include "nn/layer.h"
#include "optim/optim.h"
#include "support/evidence.h"

enum { MANY = 128 };

static int heads(const gr_member **out)
{
    int n, all = 0;
#define COLLECT(word, list)                                \
    do {                                                   \
        const gr_##word *const *m = gr__##list(&n);        \
        for (int i = 0; i < n; i++) {                      \
            assert_true(all < MANY);                       \
            assert_string_equal(m[i]->head.family, #word); \
            out[all++] = &m[i]->head;                      \
        }                                                  \
    } while (0)
    COLLECT(layer, layers);
    COLLECT(cost, costs);
    COLLECT(optimizer, optimizers);
    COLLECT(schedule, schedules);
    COLLECT(init, inits);
    COLLECT(penalty, penalties);
    COLLECT(metric, metrics);
#undef COLLECT
    return all;
}

static int commons(const gr_member **out)
{
    int n;
    const gr_member *const *all = gr__commons(&n);
    assert_in_range(n, 1, MANY);
    memcpy(out, all, sizeof *all * (size_t)n);
    return n;
}

static void every_member_says_what_it_is(void **state)
{
    (void)state;
    const gr_member *m[MANY];
    int n = heads(m);
    assert_true(n >= 25);
    for (int i = 0; i < n; i++) {
        if (!m[i]->title || !m[i]->title[0] || !m[i]->cite || !m[i]->cite[0] || !m[i]->equations || !m[i]->equations[0])
            fail_msg("%s %s: title, cite or equations are missing", m[i]->family, m[i]->name);
        assert_null(strchr(m[i]->title, '\n'));
    }
}

static void names_are_unique_and_sorted_within_a_family(void **state)
{
    (void)state;
    const gr_member *m[MANY];
    int n = heads(m);
    for (int i = 1; i < n; i++)
        if (strcmp(m[i]->family, m[i - 1]->family) == 0) assert_true(strcmp(m[i - 1]->name, m[i]->name) < 0);
}

static void check_row(const gr_member *m, const gr_row *r)
{
    if (!r->name || !r->name[0] || !r->help || !r->help[0] || !r->range || !r->unit)
        fail_msg("%s %s: row %s is not described", m->family, m->name, r->name ? r->name : "?");
    bool number = r->kind == GR_ROW_REAL || r->kind == GR_ROW_INT || r->kind == GR_ROW_AXES;
    if ((number || r->kind == GR_ROW_CHOICE || r->kind == GR_ROW_TREE) && !r->range[0])
        fail_msg("%s %s: row %s has no range", m->family, m->name, r->name);
    if (number && !r->unit[0]) fail_msg("%s %s: row %s has no unit", m->family, m->name, r->name);
    assert_string_not_equal(r->name, "type");
}

static void every_row_is_described_once(void **state)
{
    (void)state;
    const gr_member *m[2 * MANY];
    int n = heads(m);
    n += commons(m + n);
    for (int i = 0; i < n; i++) {
        for (int r = 0; r < m[i]->n_rows; r++) {
            if (m[i] != &gr__layer_common) check_row(m[i], &m[i]->rows[r]);
            for (int k = 0; k < r; k++) assert_string_not_equal(m[i]->rows[r].name, m[i]->rows[k].name);
        }
    }
}

/* The common rows are added by the family: a member's own row of the same name would never be read. */
static void members_do_not_repeat_common_rows(void **state)
{
    (void)state;
    const gr_member *m[MANY], *common[MANY];
    int n = heads(m), n_common = commons(common);
    for (int i = 0; i < n; i++)
        for (int c = 0; c < n_common; c++)
            for (int r = 0; r < m[i]->n_rows; r++)
                for (int k = 0; k < common[c]->n_rows && strcmp(m[i]->family, common[c]->family) == 0; k++)
                    assert_string_not_equal(m[i]->rows[r].name, common[c]->rows[k].name);
}

/* With nothing given, every row takes its default, which must pass its own check; a row without one must be asked for
 * by name. */
static void defaults_pass_their_own_checks(void **state)
{
    (void)state;
    const gr_member *m[2 * MANY];
    int n = heads(m);
    n += commons(m + n);
    for (int i = 0; i < n; i++) {
        for (gr_preset preset = GR_PRESET_CHAPTER; preset <= GR_PRESET_TORCH; preset++) {
            gr_context *ctx = test_context();
            gr__bump *b = gr__bump_create(ctx);
            gr_settings s;
            const gr_row *needed = NULL;
            for (int r = m[i]->n_rows - 1; r >= 0; r--)
                if (!m[i]->rows[r].value) needed = &m[i]->rows[r];
            gr_status st = gr__settings_make(ctx, b, m[i], NULL, preset, NULL, &s);
            if (st != (needed ? GR_E_MISSING : GR_OK))
                fail_msg("%s %s: %s", m[i]->family, m[i]->name, gr_context_error(ctx)->message);
            if (needed) assert_non_null(strstr(gr_context_error(ctx)->message, needed->name));
            gr__bump_destroy(b);
            test_context_end(ctx);
        }
    }
}

/* Whatever a member resolves to gives the same settings again: running a resolved recipe gives the same run. */
static void resolved_settings_are_a_fixed_point(void **state)
{
    (void)state;
    const gr_member *m[MANY];
    int n = heads(m);
    for (int i = 0; i < n; i++) {
        evidence *e = ev_open(m[i]->family, m[i]->name);
        for (int c = 0;
             e && c < e->n && strcmp(m[i]->family, "optimizer") != 0 && strcmp(m[i]->family, "schedule") != 0; c++) {
            ev_bench b;
            gr_settings first, again;
            assert_true(ev_begin(&b, e->c[c].set));
            test_ok(b.ctx, gr__settings_make(b.ctx, b.memory, m[i], b.tree, GR_PRESET_CHAPTER, NULL, &first));
            gr_tree *resolved = gr__settings_tree(b.memory, &first);
            test_ok(b.ctx, gr__settings_make(b.ctx, b.memory, m[i], resolved, GR_PRESET_TORCH, NULL, &again));
            assert_true(gr__tree_equal(resolved, gr__settings_tree(b.memory, &again)));
            ev_end(&b);
        }
        ev_free(e);
    }
}

static void resolved_optimizers_and_schedules_are_fixed_points(void **state)
{
    (void)state;
    const gr_member *m[MANY];
    int n = heads(m);
    for (int i = 0; i < n; i++) {
        bool optimizer = strcmp(m[i]->family, "optimizer") == 0, schedule = strcmp(m[i]->family, "schedule") == 0;
        evidence *e = optimizer || schedule ? ev_open(m[i]->family, m[i]->name) : NULL;
        for (int c = 0; e && c < e->n; c++) {
            ev_bench b;
            gr_optim o;
            gr_sched s;
            gr_tree *resolved, *again;
            assert_true(ev_begin(&b, e->c[c].set));
            if (optimizer) {
                test_ok(b.ctx, gr__optim_make(b.ctx, b.memory, b.tree, GR_PRESET_CHAPTER, &o));
                resolved = gr__optim_tree(b.memory, &o);
                test_ok(b.ctx, gr__optim_make(b.ctx, b.memory, resolved, GR_PRESET_TORCH, &o));
                again = gr__optim_tree(b.memory, &o);
            } else {
                test_ok(b.ctx, gr__sched_make(b.ctx, b.memory, b.tree, GR_PRESET_CHAPTER, &s));
                resolved = gr__sched_tree(b.memory, &s);
                test_ok(b.ctx, gr__sched_make(b.ctx, b.memory, resolved, GR_PRESET_TORCH, &s));
                again = gr__sched_tree(b.memory, &s);
            }
            if (!gr__tree_equal(resolved, again)) fail_msg("%s %s: %s", m[i]->family, m[i]->name, e->c[c].name);
            ev_end(&b);
        }
        ev_free(e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_says_what_it_is),
        cmocka_unit_test(names_are_unique_and_sorted_within_a_family),
        cmocka_unit_test(every_row_is_described_once),
        cmocka_unit_test(members_do_not_repeat_common_rows),
        cmocka_unit_test(defaults_pass_their_own_checks),
        cmocka_unit_test(resolved_settings_are_a_fixed_point),
        cmocka_unit_test(resolved_optimizers_and_schedules_are_fixed_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
