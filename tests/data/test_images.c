/* The source of pictures in folders: classes, sizes, tables of labels, what is damaged, what is no picture. */
#include <stdlib.h>
#include <sys/stat.h>

#include "files.h"

#include "data/picture/picture.h"

static void folder(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", f.folder, name);
    assert_int_equal(mkdir(path, 0755), 0);
}

/* A grey PGM of one value. */
static void picture(const char *name, int height, int width, int value)
{
    unsigned char file[4096];
    int n = snprintf((char *)file, sizeof file, "P5 %d %d 255\n", width, height);
    memset(file + n, value, (size_t)(height * width));
    put_file(&f, name, file, (size_t)(n + height * width));
}

/* Three classes, of which the names are not in the order of their making. */
static void three_classes(void)
{
    static const char *const names[] = {"d", "d/dog", "d/Cat", "d/ant"};
    for (size_t i = 0; i < GR_COUNT(names); i++) folder(names[i]);
    picture("d/dog/b", 3, 4, 1);
    picture("d/dog/a.pgm", 3, 4, 2);
    picture("d/Cat/z.png", 3, 4, 3); /* by content, not by name */
    picture("d/ant/x", 3, 4, 4);
    picture("d/ant/y", 3, 4, 5);
}

static void check_classes(const gr_set *s, const char *const *names, int n)
{
    const gr_field *y = gr__set_target(s, 0);
    assert_int_equal(y->kind, GR_TARGET_CLASS);
    assert_int_equal(y->classes, n);
    for (int i = 0; i < n; i++) assert_string_equal(y->class_names[i], names[i]);
}

static void check_row(const gr_set *s, int64_t row, int value, int class_, const char *name)
{
    const gr_field *x = gr__set_input(s, 0);
    int64_t n = gr_shape_count(x->sample);
    for (int64_t i = 0; i < n; i++) assert_int_equal(((const uint8_t *)x->data)[row * n + i], value);
    assert_int_equal(((const int32_t *)gr__set_target(s, 0)->data)[row], class_);
    assert_string_equal(s->sample[row], name);
}

static void classes_are_subfolders(void **state)
{
    (void)state;
    three_classes();
    put_text(&f, "d/notes.txt", "no picture");
    put_text(&f, "d/ant/.hidden.png", "nor this");
    static const char *const names[] = {"Cat", "ant", "dog"};
    gr_set s = load_as(&f, "{type: images, folder: d}", GR_TARGET_NONE, false);
    same_shape(s.field[0].sample, GR_SHAPE(3, 4, 3));
    assert_int_equal(s.field[0].element, GR_EL_U8);
    assert_int_equal(s.n, 5);
    check_classes(&s, names, 3);
    check_row(&s, 0, 3, 0, "Cat/z.png");
    check_row(&s, 1, 4, 1, "ant/x");
    check_row(&s, 2, 5, 1, "ant/y");
    check_row(&s, 3, 2, 2, "dog/a.pgm");
    check_row(&s, 4, 1, 2, "dog/b");
    gr__set_free(f.ctx, &s);
    s = load_as(&f, "{type: images, folder: d, channels: 1, resize: [5, 2]}", GR_TARGET_CLASS, false);
    same_shape(s.field[0].sample, GR_SHAPE(5, 2, 1));
    check_row(&s, 3, 2, 2, "dog/a.pgm");
    gr__set_free(f.ctx, &s);
    starve(&f, "{type: images, folder: d}", GR_TARGET_CLASS);
    starve(&f, "{type: images, folder: d, on_error: skip, resize: 2}", GR_TARGET_CLASS);
}

/* What is not held is read when it is wanted. */
static void readers_give_the_same(void **state)
{
    (void)state;
    three_classes();
    gr_source_options o = options_of(&f, GR_TARGET_CLASS, false);
    gr_set s, info;
    o.hold = 5;
    test_ok(f.ctx, gr__set_info(f.ctx, yaml(&f, "{type: images, folder: d}"), &o, &info));
    assert_int_equal(info.field[0].bytes, 0);
    test_ok(f.ctx, gr__set_load(f.ctx, yaml(&f, "{type: images, folder: d}"), &o, &s));
    const gr_reader *r = s.field[0].reader;
    assert_non_null(r);
    assert_true(s.field[0].sum != 0);
    uint8_t out[3 * 4 * 3], *scratch = NULL;
    assert_int_equal(posix_memalign((void **)&scratch, 64, r->scratch), 0);
    test_ok(f.ctx, r->read(f.ctx, r, 3, scratch, out));
    for (size_t i = 0; i < sizeof out; i++) assert_int_equal(out[i], 2);
    picture("d/dog/a.pgm", 9, 9, 2);
    assert_int_equal(r->read(f.ctx, r, 3, scratch, out), GR_E_DATA);
    assert_non_null(strstr(gr_context_error(f.ctx)->message, "d/dog/a.pgm\" has changed"));
    gr_context_clear_error(f.ctx);
    picture("d/dog/a.pgm", 4, 3, 2); /* as many bytes, another size */
    assert_int_equal(r->read(f.ctx, r, 3, scratch, out), GR_E_DATA);
    gr_context_clear_error(f.ctx);
    free(scratch);
    gr__set_free(f.ctx, &s);
}

static void wrong_folders_are_refused(void **state)
{
    (void)state;
    three_classes();
    folder("empty");
    folder("flat");
    picture("flat/a.pgm", 2, 2, 1);
    refuse(&f, "{type: images, folder: none}", GR_TARGET_CLASS, GR_E_FILE,
           "cannot read the folder \"/tmp/gradus-data-");
    refuse(&f, "{type: images, folder: empty}", GR_TARGET_CLASS, GR_E_DATA, "empty\" is empty");
    refuse(&f, "{type: images, folder: flat}", GR_TARGET_CLASS, GR_E_DATA, "holds no subfolders, but files");
    refuse(&f, "{type: images, folder: flat/a.pgm}", GR_TARGET_CLASS, GR_E_FILE, "is a file, not a folder");
    refuse(&f, "{type: images, folder: d}", GR_TARGET_VALUE, GR_E_DATA,
           "subfolders are classes, but the target wants numbers");
    picture("d/dog/c", 4, 3, 0);
    refuse(&f, "{type: images, folder: d}", GR_TARGET_CLASS, GR_E_DATA, "d/Cat/z.png\" is 3 x 4 (height x width), \"");
    folder("d/bare");
    refuse(&f, "{type: images, folder: d, resize: 3}", GR_TARGET_CLASS, GR_E_DATA, "d/bare\" holds no picture");
    put_text(&f, "d/bare/text", "text");
    refuse(&f, "{type: images, folder: d, resize: 3}", GR_TARGET_CLASS, GR_E_DATA, "d/bare\" holds no picture");
}

static void damaged_ones_stop_or_are_left_out(void **state)
{
    (void)state;
    three_classes();
    put_text(&f, "d/ant/w.jpg", "no picture");          /* by its name it should be one */
    put_text(&f, "d/dog/aa", "P5 4 3 255\n0123456789"); /* cut off */
    put_file(&f, "d/dog/c", "\x89PNG\r\n\x1a\nno header", 17);
    put_file(&f, "d/dog/empty.png", "", 0);
    refuse(&f, "{type: images, folder: d}", GR_TARGET_CLASS, GR_E_FORMAT,
           "d/ant/w.jpg\" is no picture, whatever its name");
    gr_source_options o = options_of(&f, GR_TARGET_CLASS, false);
    gr_set s;
    test_ok(f.ctx, gr__set_load(f.ctx, yaml(&f, "{type: images, folder: d, on_error: skip}"), &o, &s));
    assert_int_equal(s.n, 5);
    check_row(&s, 3, 2, 2, "dog/a.pgm");
    check_row(&s, 4, 1, 2, "dog/b");
    gr__set_free(f.ctx, &s);
    put_text(&f, "d/ant/w.jpg", "P5 4 3 255\n0123456789ab");
    put_text(&f, "d/dog/c", "P5 4 3 255\n0123456789ab");
    put_text(&f, "d/dog/empty.png", "P5 4 3 255\n0123456789ab");
    refuse_once(&f, "{type: images, folder: d}", &o, GR_E_FORMAT, /* where it is not held, whoever reads it is told */
                "d/dog/aa\" is a damaged PNM picture: it ends before it should");
    put_text(&f, "d/Cat/z.png", "P5 4 3 255\n");
    refuse(&f, "{type: images, folder: d, on_error: skip, resize: [2, 2]}", GR_TARGET_CLASS, GR_E_DATA,
           "d/Cat\" is damaged");
}

/* ---- the training's classes ---- */

static gr_schema_target target_of(const char *const *names, int n)
{
    return (gr_schema_target){.class_names = names, .n_class_names = n};
}

static void other_data_has_the_classes_of_training(void **state)
{
    (void)state;
    three_classes();
    static const char *const more[] = {"Cat", "ant", "bee", "dog"}, *const fewer[] = {"Cat", "dog"};
    gr_schema schema = {.target = {target_of(more, 4)}, .n_targets = 1};
    gr_source_options o = options_of(&f, GR_TARGET_CLASS, false);
    o.schema = &schema;
    gr_set s = load_with(&f, "{type: images, folder: d}", &o);
    check_classes(&s, more, 4);
    check_row(&s, 4, 1, 3, "dog/b");
    gr__set_free(f.ctx, &s);
    folder("d/bee"); /* one without a picture is fine there */
    s = load_with(&f, "{type: images, folder: d}", &o);
    assert_int_equal(s.n, 5);
    gr__set_free(f.ctx, &s);
    schema.target[0] = target_of(fewer, 2);
    refuse_with(&f, "{type: images, folder: d}", &o, GR_E_DATA, "d/ant\" is none of the classes of training");
    o.own_classes = true;
    refuse_with(&f, "{type: images, folder: d}", &o, GR_E_DATA, "d/bee\" holds no picture");
}

/* ---- a table of labels ---- */

#define TABLE "{type: images, folder: d, labels: t.csv}"

static void a_table_names_files_and_labels(void **state)
{
    (void)state;
    static const char *const names[] = {"ant", "big, cat", "dog"};
    three_classes();
    put_text(&f, "t.csv",
             "\xEF\xBB\xBFid,label,file\r\n1,dog,dog/b\r\n2,\"big, cat\",Cat/z.png\r\n3,ant,ant/y\r\n4,dog,dog/b\r\n");
    gr_set s = load_as(&f, TABLE, GR_TARGET_CLASS, false);
    assert_int_equal(s.n, 4);
    check_classes(&s, names, 3);
    check_row(&s, 0, 1, 2, "dog/b");
    check_row(&s, 1, 3, 1, "Cat/z.png");
    check_row(&s, 2, 5, 0, "ant/y");
    check_row(&s, 3, 1, 2, "dog/b");
    gr__set_free(f.ctx, &s);
    starve(&f, TABLE, GR_TARGET_CLASS);

    put_text(&f, "t.csv", "file;label\ndog/b;7\nant/x;0\n");
    s = load_as(&f, TABLE, GR_TARGET_CLASS, false);
    assert_null(s.field[1].class_names);
    assert_int_equal(s.field[1].classes, 8);
    check_row(&s, 0, 1, 7, "dog/b");
    gr__set_free(f.ctx, &s);

    put_text(&f, "t.csv", "file,label\ndog/b,-1.5\nant/x,2e3\n");
    s = load_as(&f, TABLE, GR_TARGET_VALUE, false);
    assert_true(((float *)s.field[1].data)[0] == -1.5f && ((float *)s.field[1].data)[1] == 2000);
    gr__set_free(f.ctx, &s);
    s = load_as(&f, TABLE, GR_TARGET_VALUE, true);
    assert_true(((double *)s.field[1].data)[1] == 2000);
    gr__set_free(f.ctx, &s);
}

static void wrong_tables_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
        gr_target_kind want;
    } cases[] = {
        {"", "t.csv\" is empty", GR_TARGET_CLASS},
        {"a,b\nx,y\n", "has no column \"file\" in its first line", GR_TARGET_CLASS},
        {"file,class\nx,y\n", "has no column \"label\" in its first line", GR_TARGET_CLASS},
        {"file,label\n", "names no picture", GR_TARGET_CLASS},
        {"file,label\ndog/b,1\ndog/c,1\n", "t.csv\" line 3: there is no file \"/tmp", GR_TARGET_CLASS},
        {"file,label\ndog,1\n", "line 2: there is no file", GR_TARGET_CLASS},
        {"file,label\ndog/b,\n", "line 2: there is no label beside \"dog/b\"", GR_TARGET_CLASS},
        {"file,label\n\"\",cat\n", "line 2: there is no name of a file beside the label \"cat\"", GR_TARGET_CLASS},
        {"file,label\ndog/b\n", "line 2: there are 1 fields", GR_TARGET_CLASS},
        {"file,label\ntext,1\n", "line 2: no picture is", GR_TARGET_CLASS},
        {"file,label\ndog/b,1\n\ndog/a.pgm,x\n", "line 4: the cost wants numbers, but the label is \"x\"",
         GR_TARGET_VALUE},
        {"file,label\ndog/b,99999999\n", "line 2: classes are fewer than", GR_TARGET_CLASS},
        {"file,label\n\"dog/b,1\n", "never closed", GR_TARGET_CLASS},
    };
    three_classes();
    put_text(&f, "d/text", "text");
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        put_text(&f, "t.csv", cases[i].text);
        refuse(&f, TABLE, cases[i].want, cases[i].words[0] == 'n' && cases[i].words[1] == 'e' ? GR_E_FORMAT : GR_E_DATA,
               cases[i].words);
    }
    static const char *const names[] = {"cat", "dog"};
    gr_schema schema = {.target = {target_of(names, 2)}, .n_targets = 1};
    gr_source_options o = options_of(&f, GR_TARGET_CLASS, false);
    o.schema = &schema;
    put_text(&f, "t.csv", "file,label\ndog/b,dog\nant/x,ant\n");
    refuse_with(&f, TABLE, &o, GR_E_DATA, "line 3: none of the classes of training is \"ant\"");
    schema.target[0] = target_of(NULL, 0);
    refuse_with(&f, TABLE, &o, GR_E_DATA, "line 2: the training's classes are whole numbers, but the label is \"dog\"");
}

/* ---- settings ---- */

static void wrong_settings_are_refused(void **state)
{
    (void)state;
    three_classes();
    refuse(&f, "{type: images}", GR_TARGET_CLASS, GR_E_MISSING, "folder");
    refuse(&f, "{type: images, folder: d, channels: 2}", GR_TARGET_CLASS, GR_E_RANGE, "2 is not in {1, 3}");
    refuse(&f, "{type: images, folder: d, resize: [0, 3]}", GR_TARGET_CLASS, GR_E_RANGE, "0 is not in [1, 16384]");
    refuse(&f, "{type: images, folder: d, resize: [3, 3, 3]}", GR_TARGET_CLASS, GR_E_TYPE, "3");
    refuse(&f, "{type: images, folder: d, fit: squeeze}", GR_TARGET_CLASS, GR_E_NAME, "squeeze");
    refuse(&f, "{type: images, folder: d, on_error: ignore}", GR_TARGET_CLASS, GR_E_NAME, "ignore");
    refuse(&f, "{type: images, folder: d, fit: crop}", GR_TARGET_CLASS, GR_E_CONFLICT, "fit");
}

/* ---- files for prediction ---- */

static gr_status raw(const char *file, gr_shape sample, const char *source, gr_set *out)
{
    char path[200];
    gr_source_options o = options_of(&f, GR_TARGET_CLASS, false);
    snprintf(path, sizeof path, "%s/%s", f.folder, file);
    *out = (gr_set){0};
    return gr__set_raw(f.ctx, path, &sample, source ? yaml(&f, source) : NULL, &o, out);
}

static void refuse_raw(const char *file, gr_shape sample, const char *source, const char *words)
{
    gr_set s;
    assert_int_not_equal(raw(file, sample, source, &s), GR_OK);
    if (!strstr(gr_context_error(f.ctx)->message, words)) fail_msg("%s: %s", file, gr_context_error(f.ctx)->message);
    assert_null(s.field[0].data);
    gr_context_clear_error(f.ctx);
}

static void files_are_predicted(void **state)
{
    (void)state;
    static const char trained[] = "{type: images, folder: elsewhere, resize: [2, 2], channels: 1}";
    gr_set s;
    three_classes();
    test_ok(f.ctx, raw("d/ant/y", GR_SHAPE(2, 2, 1), trained, &s));
    assert_true(s.one);
    assert_int_equal(s.n, 1);
    assert_int_equal(s.n_targets, 0);
    assert_int_equal(((uint8_t *)s.field[0].data)[3], 5);
    gr__set_free(f.ctx, &s);
    put_text(&f, "d/ant/z.txt", "no picture");
    test_ok(f.ctx, raw("d/ant", GR_SHAPE(2, 2, 1), trained, &s));
    assert_false(s.one);
    assert_int_equal(s.n, 2);
    assert_non_null(strstr(s.sample[1], "/d/ant/y"));
    assert_int_equal(((uint8_t *)s.field[0].data)[7], 5);
    gr__set_free(f.ctx, &s);
    /* Of a model that was trained with other data: as large as it is. */
    test_ok(f.ctx, raw("d/ant/y", GR_SHAPE(3, 4, 1), "{type: idx, images: i}", &s));
    same_shape(s.field[0].sample, GR_SHAPE(3, 4, 1));
    gr__set_free(f.ctx, &s);
    test_ok(f.ctx, raw("d/dog", GR_SHAPE(3, 4, 3), NULL, &s));
    assert_int_equal(s.n, 2);
    gr__set_free(f.ctx, &s);
    refuse_raw("d/ant/y", GR_SHAPE(28, 28, 1), NULL, "d/ant/y\" has shape [3,4,1], but the model takes [28,28,1]");
    refuse_raw("d/ant/z.txt", GR_SHAPE(2, 2, 1), trained, "d/ant/z.txt\" is no picture: PNG, JPEG and PNM are read");
    refuse_raw("d", GR_SHAPE(2, 2, 1), trained, "d\" holds no picture");
    put_text(&f, "d/ant/z.gif", "GIF89a and so on");
    refuse_raw("d/ant/z.gif", GR_SHAPE(2, 2, 1), trained, "is a GIF picture: PNG, JPEG and PNM are read");
    put_text(&f, "d/ant/y", "P5 4 3 255\nshort");
    refuse_raw("d/ant", GR_SHAPE(2, 2, 1), trained, "d/ant/y\" is a damaged PNM picture");
    refuse_raw("d/ant/y", GR_SHAPE(3, 4, 1), NULL, "d/ant/y\" is a damaged PNM picture");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, files_setup, files_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(classes_are_subfolders),
        TEST(readers_give_the_same),
        TEST(wrong_folders_are_refused),
        TEST(damaged_ones_stop_or_are_left_out),
        TEST(other_data_has_the_classes_of_training),
        TEST(a_table_names_files_and_labels),
        TEST(wrong_tables_are_refused),
        TEST(wrong_settings_are_refused),
        TEST(files_are_predicted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
