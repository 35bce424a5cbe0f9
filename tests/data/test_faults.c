/* Samples that are wrong: refused as ever, noted where data is looked at, of no matter where they are left out. */
#include <math.h>

#include "files.h"

static gr_status load(files *in, const char *source, gr_faults *faults, gr_set *out)
{
    static gr_wants w = {.input = {GR_LONE_INPUT}, .n_inputs = 1, .n_targets = 1};
    w.target[0] = (gr_wanted){.name = GR_LONE_TARGET, .form = GR_FORM_CLASS, .output = GR_SHAPE(3)};
    const gr_source_options o = {.folder = in->folder, .wants = &w, .faults = faults};
    gr_status st = gr__set_load(in->ctx, gr__tree_flow(in->b, source), &o, out);
    return st == GR_OK && faults ? gr__set_leave_out(in->ctx, out, faults) : st;
}

static const char table[] = "a,b,kind\n1,2,0\n1,x,1\n3,4,2\n5,inf,1\n5,6,\n7,8,frog\n9,1\n2,2,1\n";

static void a_table_tells_each_of_them(void **state)
{
    (void)state;
    files in;
    gr_set set = {0};
    gr_faults found;
    files_make(&in, NULL);
    put_file(&in, "t.csv", table, sizeof table - 1);
    /* As training reads it, the first of them is refused. */
    assert_int_equal(load(&in, "{type: csv, file: t.csv, target: kind}", NULL, &set), GR_E_FORMAT);
    gr_context_clear_error(in.ctx);
    test_ok(in.ctx, gr__faults_open(in.ctx, &found));
    test_ok(in.ctx, load(&in, "{type: csv, file: t.csv, target: kind}", &found, &set));
    gr__faults_sort(&found);
    /* Where one label is a word, all are names of classes: frog is one. */
    static const struct {
        int64_t row;
        gr_fault_kind kind;
        const char *says;
    } wanted[] = {{1, GR_FAULT_UNDECODABLE, "line 3, column 2 (b): \"x\" is not a number"},
                  {3, GR_FAULT_NONFINITE, "line 5, column 2 (b): \"inf\" is not finite"},
                  {4, GR_FAULT_NO_LABEL, "line 6"},
                  {6, GR_FAULT_SHAPE, "line 8 has 2 fields"}};
    assert_int_equal(found.n, GR_COUNT(wanted));
    for (size_t i = 0; i < found.n; i++) {
        assert_int_equal(found.fault[i].row, wanted[i].row);
        assert_int_equal(found.fault[i].kind, wanted[i].kind);
        assert_non_null(strstr(found.fault[i].text, wanted[i].says));
    }
    assert_int_equal(set.n, 8);
    const float *x = set.field[0].data;
    const int32_t *y = set.field[1].data;
    assert_true(x[0] == 1 && x[4] == 3 && x[14] == 2 && isnan(x[2]) && isnan(x[13]));
    assert_true(y[1] == -1 && y[3] == -1 && y[4] == -1 && y[6] == -1 && y[0] == 0);
    assert_int_equal(set.field[1].classes, 4);
    for (uint64_t i = 0; i < 8; i++) assert_int_equal(set.line[i], i + 2);
    gr__set_free(in.ctx, &set);
    gr__faults_close(&found);
    files_end(&in);
}

static void rows_left_out_do_not_matter(void **state)
{
    (void)state;
    files in;
    gr_set set = {0}, info = {0};
    static const uint32_t out[] = {1, 3, 4, 5, 6}, some[] = {1, 3, 4, 5}, beyond[] = {1, 3, 4, 5, 6, 8},
                          all[] = {0, 1, 2, 3, 4, 5, 6, 7};
    gr_faults found = {.out = out, .n_out = 5};
    files_make(&in, NULL);
    put_file(&in, "t.csv", table, sizeof table - 1);
    const gr_source_options o = {.folder = in.folder, .want = GR_TARGET_CLASS, .faults = &found, .memory = in.b};
    test_ok(in.ctx, gr__set_info(in.ctx, gr__tree_flow(in.b, "{type: csv, file: t.csv, target: kind}"), &o, &info));
    test_ok(in.ctx, load(&in, "{type: csv, file: t.csv, target: kind}", &found, &set));
    const int32_t *y = set.field[1].data;
    assert_int_equal(set.n, 8);
    assert_int_equal(set.field[1].classes, 3); /* numbers again, and frog is none of them */
    assert_null(set.field[1].class_names);
    for (int i = 0; i < 8; i++) assert_true(y[i] >= 0 && y[i] < 3);
    gr__set_free(in.ctx, &set);
    found = (gr_faults){.out = some, .n_out = 4};
    assert_int_equal(load(&in, "{type: csv, file: t.csv, target: kind}", &found, &set), GR_E_FORMAT);
    gr_context_clear_error(in.ctx);
    found = (gr_faults){.out = beyond, .n_out = 6};
    assert_int_equal(load(&in, "{type: csv, file: t.csv, target: kind}", &found, &set), GR_E_DATA);
    assert_non_null(strstr(gr_context_error(in.ctx)->message, "row 8 is to be left out"));
    gr_context_clear_error(in.ctx);
    gr__set_free(in.ctx, &set);
    found = (gr_faults){.out = all, .n_out = 8};
    assert_int_equal(load(&in, "{type: csv, file: t.csv, target: kind}", &found, &set), GR_E_DATA);
    gr__set_free(in.ctx, &set);
    gr_context_clear_error(in.ctx);
    files_end(&in);
}

static void put_npy(files *in, const char *name, const char *descr, const char *shape, const void *data, size_t n)
{
    char bytes[512] = "\x93NUMPY\x01";
    int length = snprintf(bytes + 10, 400, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", descr, shape);
    while ((10 + length + 1) % 64) bytes[10 + length++] = ' ';
    bytes[10 + length++] = '\n';
    bytes[7] = 0;
    bytes[8] = (char)length;
    memcpy(bytes + 10 + length, data, n);
    put_file(in, name, bytes, 10 + (size_t)length + n);
}

static void an_array_tells_them_too(void **state)
{
    (void)state;
    files in;
    gr_set set = {0};
    gr_faults found;
    static const float x[] = {1, 2, NAN, 4, 5, INFINITY, 7, NAN};
    static const double y[] = {0, 1, NAN, -3};
    static const char source[] = "{type: npy, inputs: x.npy, targets: y.npy}";
    files_make(&in, NULL);
    put_npy(&in, "x.npy", "<f4", "(4, 2)", x, sizeof x);
    put_npy(&in, "y.npy", "<f8", "(4,)", y, sizeof y);
    assert_int_equal(load(&in, source, NULL, &set), GR_E_DATA);
    gr_context_clear_error(in.ctx);
    test_ok(in.ctx, gr__faults_open(in.ctx, &found));
    test_ok(in.ctx, load(&in, source, &found, &set));
    gr__faults_sort(&found);
    assert_int_equal(found.count[GR_FAULT_NONFINITE], 3);
    assert_int_equal(found.count[GR_FAULT_NO_LABEL], 1);
    assert_int_equal(found.count[GR_FAULT_LABEL_RANGE], 1);
    assert_int_equal(found.fault[0].row, 1);
    const int32_t *label = set.field[1].data;
    assert_true(label[0] == 0 && label[1] == 1 && label[2] == -1 && label[3] == -1);
    assert_int_equal(set.field[1].classes, 2);
    gr__set_free(in.ctx, &set);
    gr__faults_close(&found);
    static const uint32_t out[] = {1, 2, 3};
    found = (gr_faults){.out = out, .n_out = 3};
    test_ok(in.ctx, load(&in, source, &found, &set));
    label = set.field[1].data;
    for (int i = 0; i < 4; i++) assert_int_equal(label[i], 0);
    assert_int_equal(set.field[1].classes, 1);
    gr__set_free(in.ctx, &set);
    files_end(&in);
}

static void lists_of_rows(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr__bump *b = gr__bump_create(ctx);
    static const char *const names[] = {"train", "test"};
    static const char text[] =
        "# by hand\r\n\n train 17 duplicate of 3\ntest\t0\r\ntrain 4294967294\ntrain 3\ntrain 17";
    gr_exclude e;
    test_ok(ctx, gr__exclude_parse(ctx, b, "rows.txt", text, sizeof text - 1, names, 2, &e));
    assert_int_equal(e.n[0], 3);
    assert_memory_equal(e.row[0], ((uint32_t[]){3, 17, 4294967294u}), 12);
    assert_int_equal(e.n[1], 1);
    assert_int_equal(e.row[1][0], 0);
    static const char *const wrong[] = {
        "tran 1", "train", "train x", "train 1x", "train -1", "train 4294967295", "17", "train 99999999999999999999"};
    for (size_t i = 0; i < GR_COUNT(wrong); i++) {
        char lines[128];
        int n = snprintf(lines, sizeof lines, "train 1\n\n%s\n", wrong[i]);
        assert_int_equal(gr__exclude_parse(ctx, b, "rows.txt", lines, (size_t)n, names, 2, &e), GR_E_FORMAT);
        const gr_error *error = gr_context_error(ctx);
        assert_string_equal(error->file, "rows.txt");
        assert_int_equal(error->line, 3);
        assert_non_null(strstr(error->hint, "train 17"));
        gr_context_clear_error(ctx);
    }
    gr__bump_destroy(b);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_tells_each_of_them),
        cmocka_unit_test(rows_left_out_do_not_matter),
        cmocka_unit_test(an_array_tells_them_too),
        cmocka_unit_test(lists_of_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
