/* What every optimizer of the registry owes, whatever its numbers: its slots are all the state it has, frozen tensors
 * stay untouched, zero gradients move nothing, gradients that are not finite are refused whole, memory is as planned,
 * threads change no bit, settings are checked and resolved. [mission G9, SYS17-SYS22, SYS25-SYS27] */
#include "base/rng.h"
#include "support/updates.h"
#include "ranges.h"

/* Calls f(name, case) for every case of every optimizer's evidence. */
static void each_case(void (*f)(const gr_optimizer *m, const ev_case *c))
{
    int n;
    const gr_optimizer *const *all = gr__optimizers(&n);
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        evidence *e = ev_open("optimizer", all[i]->head.name);
        if (!e) fail_msg("optimizer %s has no evidence", all[i]->head.name);
        for (int c = 0; c < e->n; c++) f(all[i], &e->c[c]);
        ev_free(e);
    }
}

static void open_case(updates *u, const ev_case *c, const gr_param_info *p, const char *backend)
{
    char groups[96];
    const up_spec spec = {.backend = gr_backend_get(backend),
                          .optimizer = c->set,
                          .groups = up_case_groups(c, groups),
                          .params = p,
                          .n = 1};
    up_open(u, &spec, ev_find(c, "w0")->v);
}

/* ---- state ---- */

static void copy_store(const updates *from, updates *to)
{
    assert_int_equal(gr_store_count(from->store), gr_store_count(to->store));
    for (int i = 0; i < gr_store_count(from->store); i++) {
        const gr_entry *a = gr_store_entry(from->store, i), *b = gr_store_find(to->store, a->spec.name);
        double *v = malloc(sizeof *v * (size_t)(a->count + 1));
        assert_non_null(b);
        gr_store_read(from->store, a, v);
        gr_store_write(to->store, b, v);
        free(v);
    }
    to->clock = from->clock;
}

static void assert_same_store(const updates *a, const updates *b, const char *set, const char *when)
{
    for (int i = 0; i < gr_store_count(a->store); i++) {
        const gr_entry *x = gr_store_entry(a->store, i), *y = gr_store_find(b->store, x->spec.name);
        size_t bytes =
            (x->spec.shape.rank == 0 ? sizeof(double) : gr_backend_real_bytes(a->spec.backend)) * (size_t)x->count;
        if (!y || memcmp(x->data, y->data, bytes) != 0) fail_msg("%s: other bits in %s %s", set, x->spec.name, when);
    }
}

/* Saved and loaded after update t, for every t and into a process that knows nothing else, the run goes on to the same
 * bits: numbers and shared slots, slow weights and averages included. */
static void resume_case(const gr_optimizer *m, const ev_case *c)
{
    (void)m;
    enum { STEPS = 8 };
    updates straight, other;
    const gr_param_info p = ev_param(c, ev_find(c, "w0")->shape);
    int64_t n = GR_MIN(ev_find(c, "lr")->n, STEPS);
    open_case(&straight, c, &p, "ref");
    for (int64_t t = 0; t < n; t++) {
        char when[48];
        open_case(&other, c, &p, "ref");
        copy_store(&straight, &other);
        test_ok(straight.ctx, up_case_step(&straight, c, t));
        test_ok(other.ctx, up_case_step(&other, c, t));
        snprintf(when, sizeof when, "after update %d", (int)t + 1);
        assert_same_store(&straight, &other, c->set, when);
        up_close(&other);
    }
    up_close(&straight);
}

static void saved_and_resumed_at_every_update(void **state)
{
    (void)state;
    each_case(resume_case);
}

/* ---- frozen tensors ---- */

static void frozen_case(const gr_optimizer *m, const ev_case *c)
{
    (void)m;
    updates u;
    const gr_param_info p = ev_param(c, ev_find(c, "w0")->shape);
    gr_param_info both[2] = {p, p};
    int64_t n = gr_shape_count(p.entry.shape);
    double w[64], after[64], g[64], z[64];
    assert_true(2 * n <= 64);
    both[0].entry.name = "frozen";
    for (int64_t i = 0; i < 2 * n; i++) w[i] = ev_find(c, "w0")->v[i % n], g[i] = 1 + (double)i, z[i] = 1;
    up_open(&u,
            &(up_spec){.backend = gr_backend_get("ref"),
                       .optimizer = c->set,
                       .groups = "[{match: frozen, freeze: true}]",
                       .params = both,
                       .n = 2},
            w);
    for (int t = 0; t < 7; t++) test_ok(u.ctx, up_step(&u, g, z, g, 1, 0.1));
    up_weights(&u, after);
    assert_memory_equal(after, w, sizeof *w * (size_t)n);
    assert_memory_not_equal(after + n, w + n, sizeof *w * (size_t)n);
    for (int i = 0; i < gr_store_count(u.store); i++)
        if (strncmp(gr_store_entry(u.store, i)->spec.name, "frozen/", 7) == 0)
            fail_msg("%s: %s", c->set, gr_store_entry(u.store, i)->spec.name);
    up_close(&u);
}

static void frozen_tensors_stay_untouched_and_keep_no_state(void **state)
{
    (void)state;
    int n;
    const gr_optimizer *const *all = gr__optimizers(&n);
    for (int i = 0; i < n; i++) {
        evidence *e = ev_open("optimizer", all[i]->head.name);
        frozen_case(all[i], &e->c[0]);
        ev_free(e);
    }
}

/* ---- gradients of zero ---- */

/* eps: 0 may be asked for, and divides 0 by 0 where a gradient never was. */
static bool divides_by_zero(const gr_settings *s)
{
    for (int i = 0; i < s->member->n_rows; i++)
        if (strcmp(s->member->rows[i].name, "eps") == 0 && s->given[i]) return gr__setting_real(s, "eps") == 0;
    return false;
}

/* Nothing moves without a gradient but what is decayed, and that towards 0. */
static void zero_case(const gr_optimizer *m, const ev_case *c)
{
    (void)m;
    updates u;
    const gr_param_info p = ev_param(c, ev_find(c, "w0")->shape);
    const double *w0 = ev_find(c, "w0")->v, zero[64] = {0};
    double w[64], ones[64];
    int64_t n = gr_shape_count(p.entry.shape);
    for (int i = 0; i < 64; i++) ones[i] = 1;
    open_case(&u, c, &p, "ref");
    double decay = u.groups.n && u.groups.group[0].weight_decay == u.groups.group[0].weight_decay
                       ? u.groups.group[0].weight_decay
                   : p.entry.role == GR_ROLE_WEIGHT ? u.optim.method[0].weight_decay
                                                    : 0;
    for (int t = 0; t < 8; t++) test_ok(u.ctx, up_step(&u, zero, ones, zero, 1, 0.01));
    up_weights(&u, w);
    for (int64_t i = 0; i < n && !divides_by_zero(&u.optim.method[0].settings); i++) {
        if (!isfinite(w[i])) fail_msg("%s: a gradient of 0 makes weights %g", c->set, w[i]);
        if (decay == 0 && w[i] != w0[i]) fail_msg("%s: a gradient of 0 moves %.17g to %.17g", c->set, w0[i], w[i]);
        if (decay != 0 && fabs(w[i]) > fabs(w0[i])) fail_msg("%s: decay moves %.17g to %.17g", c->set, w0[i], w[i]);
    }
    up_close(&u);
}

static void zero_gradients_move_nothing(void **state)
{
    (void)state;
    each_case(zero_case);
}

/* ---- gradients that are not finite ---- */

static void refuse(updates *u, updates *before, const ev_case *c, const double *g, const double *z, const double *hz)
{
    gr_status st = up_step(u, g, z, hz, 1, 0.01);
    if (st != GR_E_DIVERGED) fail_msg("%s: %s instead of E_DIVERGED", c->set, gr_status_name(st));
    gr_context_clear_error(u->ctx);
    assert_same_store(before, u, c->set, "after a refused update");
}

static void broken_case(const gr_optimizer *m, const ev_case *c)
{
    updates u, before;
    const gr_param_info p = ev_param(c, ev_find(c, "w0")->shape);
    int64_t n = gr_shape_count(p.entry.shape);
    double good[64], bad[64];
    static const double broken[] = {NAN, INFINITY, -INFINITY};
    for (size_t k = 0; k < GR_COUNT(broken); k++) {
        for (int64_t i = 0; i < n; i++) good[i] = bad[i] = 1;
        bad[n - 1] = broken[k];
        open_case(&u, c, &p, "ref"), open_case(&before, c, &p, "ref");
        refuse(&u, &before, c, bad, good, good);
        if (m->curvature_every) refuse(&u, &before, c, good, good, bad);
        test_ok(u.ctx, up_step(&u, good, good, good, 1, 0.01)); /* and it goes on */
        up_close(&u), up_close(&before);
    }
}

static void what_is_not_finite_is_refused_and_nothing_assigned(void **state)
{
    (void)state;
    each_case(broken_case);
}

/* ---- memory ---- */

static void memory_case(const gr_optimizer *m, const ev_case *c)
{
    (void)m;
    for (int k = 0; k < 2; k++) {
        updates u;
        uint64_t parameters, slots, planned;
        const gr_param_info p = ev_param(c, ev_find(c, "w0")->shape);
        open_case(&u, c, &p, k ? "cpu" : "ref");
        gr_store_bytes(u.store, &parameters, &slots);
        planned = parameters + slots;
        for (int i = 0; i < 4; i++) planned += u.step[i] ? gr_plan_bytes(u.step[i]).arena : 0;
        for (int i = 0; i < u.n_actions; i++) planned += gr_plan_bytes(u.act[i]).arena;
        test_ok(u.ctx, up_case_step(&u, c, 0));
        if (gr_context_bytes(u.ctx) != planned || gr_context_peak_bytes(u.ctx) != planned)
            fail_msg("%s: %llu bytes are used, %llu at most, %llu were planned", c->set,
                     (unsigned long long)gr_context_bytes(u.ctx), (unsigned long long)gr_context_peak_bytes(u.ctx),
                     (unsigned long long)planned);
        up_close(&u);
    }
}

static void memory_is_as_planned(void **state)
{
    (void)state;
    each_case(memory_case);
}

/* ---- threads ---- */

/* A tensor that is worked on in many parts. */
enum { WIDE = 96 * 3 * 3 * 100 };

typedef struct wide {
    double w[WIDE], g[WIDE], z[WIDE], hz[WIDE];
} wide;

static void draw_wide(wide *x)
{
    gr__rng rng = gr__rng_make(11, "threads", 0, 0);
    for (int i = 0; i < WIDE; i++) {
        x->w[i] = gr__rng_normal(&rng), x->g[i] = gr__rng_normal(&rng), x->hz[i] = gr__rng_normal(&rng);
        x->z[i] = gr__rng_uniform(&rng) < 0.5 ? -1 : 1;
    }
}

static void threads_case(const ev_case *c, const wide *x)
{
    enum { STEPS = 2 };
    static float a[STEPS][WIDE], b[STEPS][WIDE];
    gr_param_info p = ev_param(c, GR_SHAPE(96, 3, 3, 100));
    char groups[96];
    p.entry.layout = GR_LAYOUT_CONV;
    for (int threads = 1; threads <= 2; threads++) {
        updates u;
        up_open(&u,
                &(up_spec){.backend = gr_backend_get("cpu"),
                           .threads = threads,
                           .optimizer = c->set,
                           .groups = up_case_groups(c, groups),
                           .params = &p,
                           .n = 1},
                x->w);
        for (int t = 0; t < STEPS; t++) {
            test_ok(u.ctx, up_step(&u, x->g, x->z, x->hz, 3, 0.01));
            memcpy(threads == 1 ? a[t] : b[t], gr_store_find(u.store, "p")->data, sizeof a[t]);
        }
        up_close(&u);
    }
    if (memcmp(a, b, sizeof a) != 0) fail_msg("%s: other bits with two threads", c->set);
}

enum { FORM = 640 };

static void add_word(char form[FORM], const char *word)
{
    size_t n = strlen(form);
    assert_true(n + strlen(word) + 2 < FORM);
    snprintf(form + n, FORM - n, "%s ", word);
}

/* What a case has beside numbers: the keys that it gives, every word and truth that its settings come to, and the
 * parameter's role and group. */
static void form_of(const ev_case *c, char form[FORM])
{
    static const char *const words[] = {"role", "layer", "lr_scale", "group_weight_decay"};
    ev_bench b;
    gr_optim o;
    form[0] = '\0';
    assert_true(ev_begin(&b, c->set));
    test_ok(b.ctx, gr__optim_make(b.ctx, b.memory, b.tree, GR_PRESET_CHAPTER, &o));
    const gr_tree *all = gr__optim_tree(b.memory, &o);
    for (int i = 0; b.tree->kind == GR_TREE_MAP && i < b.tree->n; i++) add_word(form, b.tree->key[i]);
    for (int i = 0; i < all->n; i++)
        if (all->child[i]->kind == GR_TREE_TEXT || all->child[i]->kind == GR_TREE_BOOL)
            add_word(form, all->key[i]), add_word(form, all->child[i]->text);
    for (size_t i = 0; i < GR_COUNT(words); i++)
        if (ev_word(c, words[i])) add_word(form, words[i]), add_word(form, i < 2 ? ev_word(c, words[i]) : "");
    ev_end(&b);
}

/* Cases that differ in numbers alone run the same kernels: those of one form need one run. */
static void threads_change_no_bit(void **state)
{
    (void)state;
    enum { CASES = 64 };
    static wide x;
    static char form[CASES][FORM];
    int n;
    const gr_optimizer *const *all = gr__optimizers(&n);
    draw_wide(&x);
    for (int i = 0; i < n; i++) {
        evidence *e = ev_open("optimizer", all[i]->head.name);
        assert_in_range(e->n, 1, CASES);
        for (int c = 0; c < e->n; c++) {
            bool seen = false;
            form_of(&e->c[c], form[c]);
            for (int k = 0; k < c && !seen; k++) seen = strcmp(form[k], form[c]) == 0;
            if (!seen) threads_case(&e->c[c], &x);
        }
        ev_free(e);
    }
}

/* ---- settings ---- */

static void refuse_row(const char *name, const gr_row *r, const char *value, gr_status code, const char *says)
{
    ev_bench b;
    gr_optim o;
    char set[160];
    snprintf(set, sizeof set, "{type: %s, %s: %s}", name, r->name, value);
    assert_true(ev_begin(&b, set));
    gr_status st = gr__optim_make(b.ctx, b.memory, b.tree, GR_PRESET_CHAPTER, &o);
    if (st != code || !strstr(gr_context_error(b.ctx)->message, says))
        fail_msg("%s: %s, %s", set, gr_status_name(st), gr_context_error(b.ctx)->message);
    ev_end(&b);
}

static int refuse_rows(const char *name, const gr_member *m)
{
    int refused = 0;
    for (int i = 0; i < m->n_rows; i++) {
        const gr_row *r = &m->rows[i];
        char value[48], low[24] = "";
        sscanf(r->range, "%*[[(]%23[^,]", low);
        for (int upper = 0; upper < 2; upper++)
            if ((r->kind == GR_ROW_REAL || r->kind == GR_ROW_INT) && ranges_outside(r, upper, value))
                refuse_row(name, r, value, GR_E_RANGE, low), refused++;
        if (r->kind == GR_ROW_CHOICE) refuse_row(name, r, "some_other_word", GR_E_NAME, "some_other_word"), refused++;
        if (r->kind != GR_ROW_CHOICE && r->kind != GR_ROW_TREE) refuse_row(name, r, "[1]", GR_E_TYPE, ""), refused++;
    }
    return refused;
}

static void every_row_refuses_what_is_out_of_its_range(void **state)
{
    (void)state;
    int n;
    const gr_optimizer *const *all = gr__optimizers(&n);
    for (int i = 0; i < n; i++) {
        assert_true(refuse_rows(all[i]->head.name, &all[i]->head) >= all[i]->head.n_rows);
        assert_true(refuse_rows(all[i]->head.name, &gr__optimizer_common) >= gr__optimizer_common.n_rows);
    }
}

/* What a preset resolves to says everything: read under any other preset it is the same. */
static void presets_resolve_to_fixed_points(void **state)
{
    (void)state;
    int n;
    const gr_optimizer *const *all = gr__optimizers(&n);
    for (int i = 0; i < n; i++) {
        for (gr_preset from = GR_PRESET_CHAPTER; from <= GR_PRESET_TORCH; from++) {
            for (gr_preset to = GR_PRESET_CHAPTER; to <= GR_PRESET_TORCH; to++) {
                ev_bench b;
                gr_optim o, again;
                assert_true(ev_begin(&b, all[i]->head.name));
                test_ok(b.ctx, gr__optim_make(b.ctx, b.memory, b.tree, from, &o));
                gr_tree *resolved = gr__optim_tree(b.memory, &o);
                test_ok(b.ctx, gr__optim_make(b.ctx, b.memory, resolved, to, &again));
                if (!gr__tree_equal(resolved, gr__optim_tree(b.memory, &again))) fail_msg("%s", all[i]->head.name);
                ev_end(&b);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(saved_and_resumed_at_every_update),
        cmocka_unit_test(frozen_tensors_stay_untouched_and_keep_no_state),
        cmocka_unit_test(zero_gradients_move_nothing),
        cmocka_unit_test(what_is_not_finite_is_refused_and_nothing_assigned),
        cmocka_unit_test(memory_is_as_planned),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(every_row_refuses_what_is_out_of_its_range),
        cmocka_unit_test(presets_resolve_to_fixed_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
