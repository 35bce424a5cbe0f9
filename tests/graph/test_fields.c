/* Fields of operations: what tells nodes apart, what is printed, and that nothing is set besides. */
#include "help.h"

#include "graph/op.h"

static bool infer_same(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    (void)attr, (void)n_in;
    out->dtype = GR_REAL;
    out->shape = gr_shape_of(g, in[0]);
    return true;
}

/* One field of each kind. */
static const gr__field fields[] = {
    {GR__FIELD_NAME, 0, 1, "", 0},           {GR__FIELD_REAL, 0, 2, "bounds", 0},
    {GR__FIELD_AXIS_SET, 0, 1, "over", 0},   {GR__FIELD_INTEGERS, 1, 2, "steps", GR__SHOWN},
    {GR__FIELD_INTEGERS, 3, 1, "groups", 1}, {GR__FIELD_AXES, 4, GR_MAX_RANK, "axes", 0},
    {GR__FIELD_INTEGERS, 10, 1, NULL, 0},    {GR__FIELDS_END, 0, 0, NULL, 0},
};
static const gr_op told = {.code = GR_OP_COUNT,
                           .class = GR_CLASS_INDEX,
                           .name = "told",
                           .n_in = 1,
                           .n_out = 1,
                           .infer = infer_same,
                           .fields = fields};
static const gr_attr some = {.i = {5, 0, 7, 1, 2, 0, 1, 0, 0, 0, 9}, .f = {0.5, -2}, .name = "n"};

typedef struct fixture {
    gr_context *ctx;
    gr_graph *g;
    gr_val x;
} fixture;

static fixture make(void)
{
    fixture f = {.ctx = test_context()};
    f.g = new_graph(f.ctx);
    f.x = gr_feed(f.g, "x", GR_REAL, GR_SHAPE(2, 3, 4));
    return f;
}

static gr_val told_of(fixture *f, const gr_attr *attr)
{
    return gr__node_make(f->g, &told, &f->x, 1, attr, NULL);
}

static void end(fixture *f)
{
    gr_graph_destroy(f->g);
    test_context_end(f->ctx);
}

static void nodes_are_one_when_all_fields_are(void **state)
{
    (void)state;
    fixture f = make();
    gr_val first = told_of(&f, &some);
    assert_int_equal(told_of(&f, &some), first);
    for (int i = 0; i <= 10; i++) { /* also those that are not printed */
        gr_attr other = some;
        other.i[i] += 1;
        gr_val v = told_of(&f, &other);
        test_ok(f.ctx, gr_graph_status(f.g));
        assert_int_not_equal(v, first);
        assert_int_equal(told_of(&f, &other), v);
    }
    gr_attr other = some;
    other.f[1] = 2;
    assert_int_not_equal(told_of(&f, &other), first);
    other = some;
    other.name = "m";
    assert_int_not_equal(told_of(&f, &other), first);
    test_ok(f.ctx, gr_graph_verify(f.g));
    end(&f);
}

/* Nodes that differ in it would be taken for one. */
static void what_no_field_names_is_refused(void **state)
{
    (void)state;
    static const gr_opcode plain[] = {GR_OP_NEG, GR_OP_GATHER, GR_OP_RESHAPE};
    for (size_t k = 0; k < GR_COUNT(plain) + 1; k++) {
        fixture f = make();
        const gr_op *op = k < GR_COUNT(plain) ? gr__op(plain[k]) : &told;
        gr_attr attr = op == &told ? some : (gr_attr){.i = {0}};
        attr.i[11] = 1;
        gr_val in[2] = {f.x, gr_feed(f.g, "rows", GR_I32, GR_SHAPE(3))};
        gr_value hint = {.dtype = GR_REAL, .shape = GR_SHAPE(24)};
        assert_int_equal(gr__node_make(f.g, op, in, op->n_in, &attr, &hint), GR_NONE);
        assert_int_equal(gr_graph_status(f.g), GR_E_INTERNAL);
        assert_non_null(strstr(gr_context_error(f.ctx)->message, op->name));
        assert_non_null(strstr(gr_context_error(f.ctx)->message, "that none of the operation's fields names"));
        end(&f);
    }
}

static void assert_printed(const gr_attr *attr, const char *expected)
{
    fixture f = make();
    char *text = NULL;
    told_of(&f, attr);
    test_ok(f.ctx, gr_graph_print(f.g, &text));
    assert_string_equal(strchr(text, '\n') + 1, expected);
    gr_text_free(f.ctx, text);
    end(&f);
}

static void fields_are_printed_in_order(void **state)
{
    (void)state;
    assert_printed(&some, "%2 = told %1 \"n\" bounds 0.5,-2 over 0,2 steps 0,7 axes 2,0,1 : real[2,3,4]\n");
    gr_attr other = some;
    other.i[3] = 4; /* not what is usual */
    assert_printed(&other, "%2 = told %1 \"n\" bounds 0.5,-2 over 0,2 steps 0,7 groups 4 axes 2,0,1 : real[2,3,4]\n");
}

/* Within gr_attr, none twice, labels that can be told apart. */
static void lists_are_sound(void **state)
{
    (void)state;
    for (int code = 0; code < GR_OP_COUNT; code++) {
        const gr_op *op = gr__op((gr_opcode)code);
        bool integer[GR_COUNT(some.i)] = {false}, real[GR_COUNT(some.f)] = {false}, named = false;
        for (const gr__field *f = gr__op_fields(op); f->kind; f++) {
            if (f->kind == GR__FIELD_BODY) continue; /* a pointer of its own */
            bool *seen = f->kind == GR__FIELD_NAME ? &named : f->kind == GR__FIELD_REAL ? real : integer;
            int room = f->kind == GR__FIELD_NAME   ? 1
                       : f->kind == GR__FIELD_REAL ? (int)GR_COUNT(real)
                                                   : (int)GR_COUNT(integer);
            assert_true(f->at >= 0 && f->count >= 1 && f->at + f->count <= room);
            for (int i = f->at; i < f->at + f->count; i++) {
                if (seen[i]) fail_msg("%s: two fields at %d", op->name, i);
                seen[i] = true;
            }
            for (const gr__field *e = gr__op_fields(op); e < f; e++)
                if (f->label && e->label && strcmp(e->label, f->label) == 0)
                    fail_msg("%s: two fields \"%s\"", op->name, f->label);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_are_one_when_all_fields_are),
        cmocka_unit_test(what_no_field_names_is_refused),
        cmocka_unit_test(fields_are_printed_in_order),
        cmocka_unit_test(lists_are_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
