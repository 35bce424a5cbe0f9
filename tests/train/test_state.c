/* Host state of a checkpoint: every field from gr_loop.step on is registered by somebody, once, under a name of its
 * own; the keys that a resumed run may change are those of the recipe's rows. */
#include <stddef.h>

#include "model/section.h"
#include "small.h"
#include "train/loop.h"

enum { FIRST = offsetof(gr_loop, step), BYTES = sizeof(gr_loop) - FIRST };

static size_t size_of(const gr_state_row *r)
{
    return r->kind == GR_STATE_I64 ? sizeof(int64_t) : sizeof(double);
}

/* Marks the bytes of the loop's state that rows cover; -1 or the offset of one that two rows cover. */
static long mark(const gr_loop *l, const gr_state_row *rows, int n, unsigned char covered[BYTES])
{
    long twice = -1;
    memset(covered, 0, BYTES);
    for (int i = 0; i < n; i++) {
        ptrdiff_t at = (const char *)rows[i].at - (const char *)l - FIRST;
        assert_in_range(at, 0, BYTES - size_of(&rows[i]));
        for (size_t k = 0; k < size_of(&rows[i]); k++)
            if (covered[(size_t)at + k]++ && twice < 0) twice = (long)at;
    }
    return twice;
}

/* The offset of the first byte that nobody registers; -1: there is none. What schedules keep counts
 * only as far as the recipe's schedule has it. */
static long unregistered(const gr_loop *l, const unsigned char covered[BYTES])
{
    const gr_schedule *m = l->recipe->sched.member;
    for (size_t k = 0; k < BYTES; k++) {
        size_t at = FIRST + k;
        bool kept = at >= offsetof(gr_loop, schedule) && at < offsetof(gr_loop, schedule) + sizeof l->schedule;
        size_t number = kept ? (at - offsetof(gr_loop, schedule)) / sizeof(double) : 0;
        if (kept && number >= (size_t)m->n_state) continue;
        if (!covered[k]) return (long)at;
    }
    return -1;
}

typedef struct bench {
    small s;
    gr_context *ctx;
    gr_recipe *recipe;
    gr_loop loop;
    gr_states states;
} bench;

static void make(bench *b, const char *recipe)
{
    small_make(&b->s, recipe);
    b->ctx = test_context_with(1, 0);
    test_ok(b->ctx, gr__recipe_open(b->ctx, b->s.recipe, NULL, 0, &b->recipe));
    b->loop = (gr_loop){.ctx = b->ctx, .recipe = b->recipe};
    gr__loop_states(&b->loop, &b->states);
}

static void end(bench *b)
{
    gr__recipe_close(b->ctx, b->recipe);
    test_context_end(b->ctx);
    small_remove(&b->s);
}

static const char *const recipes[] = {
    "stop: {epochs: 1}\n",
    "schedule: {type: plateau}\nstop: {epochs: 1}\n",
    "average: {type: swa, start: 0.5, cycle: 2}\nstop: {epochs: 2}\n",
};

static void every_field_is_registered_once(void **state)
{
    (void)state;
    static bench b;
    static unsigned char covered[BYTES];
    for (size_t i = 0; i < GR_COUNT(recipes); i++) {
        make(&b, recipes[i]);
        assert_int_equal(mark(&b.loop, b.states.row, b.states.n, covered), -1);
        assert_int_equal(unregistered(&b.loop, covered), -1);
        for (int k = 0; k < b.states.n; k++)
            for (int j = 0; j < k; j++) assert_string_not_equal(b.states.row[k].name, b.states.row[j].name);
        end(&b);
    }
}

/* The test of the test: any row that is left out is found missing, and one that stands there twice too. */
static void a_field_that_nobody_registers_is_found(void **state)
{
    (void)state;
    static bench b;
    static unsigned char covered[BYTES];
    for (size_t i = 0; i < GR_COUNT(recipes); i++) {
        make(&b, recipes[i]);
        for (int gone = 0; gone < b.states.n; gone++) {
            gr_states less = b.states;
            less.row[gone] = less.row[--less.n];
            mark(&b.loop, less.row, less.n, covered);
            assert_int_equal(unregistered(&b.loop, covered),
                             (const char *)b.states.row[gone].at - (const char *)&b.loop);
        }
        gr_states more = b.states;
        gr__states_add(&more, &more.row[0], 1);
        assert_int_not_equal(mark(&b.loop, more.row, more.n, covered), -1);
        end(&b);
    }
}

/* The checkpoint `from` again, without one of its rows. */
static void write_without(bench *b, const char *from, const char *to, int gone)
{
    gr_st *st;
    gr_st_tensor tensor[64];
    gr_st_pair pair[GR_LOOP_ROWS + 1] = {{"gradus.checkpoint", "1"}};
    int n = 1;
    test_ok(b->ctx, gr__st_whole(b->ctx, from, &st));
    assert_in_range(gr__st_count(st), 1, GR_COUNT(tensor));
    for (int i = 0; i < gr__st_count(st); i++) tensor[i] = *gr__st_at(st, i);
    for (int i = 0; i < b->states.n; i++)
        if (i != gone) pair[n++] = (gr_st_pair){b->states.row[i].name, gr__st_meta(st, b->states.row[i].name)};
    for (int i = 0; i < n; i++) assert_non_null(pair[i].value);
    test_ok(b->ctx, gr__st_write(b->ctx, to, tensor, gr__st_count(st), pair, n));
    gr__st_close(st);
}

/* It is refused by the row's name, never taken with a zero in its place; with all of them it is good. */
static void a_checkpoint_without_a_row_is_refused(void **state)
{
    (void)state;
    static bench b;
    char kept[160], path[160];
    gr_train_result result;
    make(&b, "schedule: {type: plateau}\nstop: {steps: 3}\nvalidate: {every: 2}\n");
    test_ok(b.ctx, small_train(b.ctx, &b.s, NULL, &result));
    snprintf(path, sizeof path, "%s/checkpoints/step-3.ckpt", b.s.out);
    snprintf(kept, sizeof kept, "%s/kept.ckpt", b.s.folder);
    assert_int_equal(rename(path, kept), 0);
    for (int gone = 0; gone < b.states.n; gone++) {
        write_without(&b, kept, path, gone);
        assert_int_equal(small_train(b.ctx, &b.s, &(gr_train_options){.resume = true}, &result), GR_E_FORMAT);
        assert_non_null(strstr(gr_context_error(b.ctx)->message, b.states.row[gone].name));
        gr_context_clear_error(b.ctx);
    }
    write_without(&b, kept, path, -1);
    test_ok(b.ctx, small_train(b.ctx, &b.s, &(gr_train_options){.resume = true}, &result));
    end(&b);
}

static void keys_that_may_change_are_rows(void **state)
{
    (void)state;
    char text[256], one[256], fit[8];
    int listed = 0;
    gr__recipe_resumable_keys(text, sizeof text);
    for (int i = 0; i < gr__section_recipe.n_rows; i++) {
        const gr_row *row = &gr__section_recipe.rows[i];
        assert_int_equal(gr__recipe_resumable(row->name), row->resumable);
        snprintf(one, sizeof one, "%s", text);
        bool found = false;
        for (char *word = strtok(one, " ,"); word; word = strtok(NULL, " ,")) found |= strcmp(word, row->name) == 0;
        assert_int_equal(found, row->resumable);
        listed += row->resumable;
    }
    assert_in_range(listed, 1, gr__section_recipe.n_rows - 1);
    assert_false(gr__recipe_resumable("model"));
    assert_false(gr__recipe_resumable("nonsense"));
    gr__recipe_resumable_keys(fit, sizeof fit); /* cut, not overrun */
    assert_true(strlen(fit) < sizeof fit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_is_registered_once),
        cmocka_unit_test(a_field_that_nobody_registers_is_found),
        cmocka_unit_test(a_checkpoint_without_a_row_is_refused),
        cmocka_unit_test(keys_that_may_change_are_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
