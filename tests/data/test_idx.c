/* IDX files, whole and hostile (SYS33). */
#include "files.h"

/* Two pictures of 2 x 3 bytes, two labels. */
static const unsigned char images[] = {0, 0, 8, 3, 0, 0, 0, 2, 0,   0,   0,   2,   0,   0,
                                       0, 3, 1, 2, 3, 4, 5, 6, 250, 251, 252, 253, 254, 255};
static const unsigned char labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 7, 0};
#define PAIR "{type: idx, images: i, labels: l}"

static void check_pair(const gr_set *s)
{
    assert_int_equal(s->n, 2);
    assert_int_equal(s->field[0].sample.rank, 2);
    assert_int_equal(s->field[0].sample.dim[0], 2);
    assert_int_equal(s->field[0].sample.dim[1], 3);
    assert_int_equal(s->field[0].element, GR_EL_U8);
    assert_memory_equal(s->field[0].data, images + 16, 12);
    assert_int_equal(s->field[1].kind, GR_TARGET_CLASS);
    assert_int_equal(s->field[1].sample.rank, 0);
    assert_int_equal(((int32_t *)s->field[1].data)[0], 7);
    assert_int_equal(((int32_t *)s->field[1].data)[1], 0);
    assert_int_equal(s->field[1].classes, 8);
    assert_null(s->field[1].class_names);
    assert_non_null(s->field[1].file); /* messages about labels name the file of the labels */
    assert_string_not_equal(s->field[1].file, s->file);
}

static void plain_and_packed_are_read(void **state)
{
    (void)state;
    unsigned char packed[256], twice[256];
    put_file(&f, "i", images, sizeof images);
    put_file(&f, "l", labels, sizeof labels);
    gr_set s = load_as(&f, PAIR, GR_TARGET_CLASS, false);
    check_pair(&s);
    gr__set_free(f.ctx, &s);

    size_t n = pack_gzip(images, sizeof images, packed, sizeof packed);
    put_file(&f, "i", packed, n);
    n = pack_gzip(labels, sizeof labels, packed, sizeof packed);
    put_file(&f, "l", packed, n);
    s = load_as(&f, PAIR, GR_TARGET_CLASS, false);
    check_pair(&s);
    assert_int_equal(s.field[0].bytes, 12);
    gr__set_free(f.ctx, &s);

    /* Two gzip members in a row are one file. */
    n = pack_gzip(images, 20, twice, sizeof twice);
    n += pack_gzip(images + 20, sizeof images - 20, twice + n, sizeof twice - n);
    put_file(&f, "i", twice, n);
    s = load_as(&f, PAIR, GR_TARGET_CLASS, false);
    check_pair(&s);
    gr__set_free(f.ctx, &s);
}

static void all_types_are_read(void **state)
{
    (void)state;
    static const unsigned char i8[] = {0, 0, 9, 1, 0, 0, 0, 2, 0xFF, 127},
                               i16[] = {0, 0, 11, 1, 0, 0, 0, 2, 0xFF, 0xFE, 1, 0},
                               i32[] = {0, 0, 12, 1, 0, 0, 0, 2, 0xFF, 0xFF, 0xFF, 0xFD, 0, 1, 0, 0},
                               f32[] = {0, 0, 13, 1, 0, 0, 0, 2, 0x3F, 0xC0, 0, 0, 0xC1, 0x20, 0, 0},
                               f64[] = {0,    0,    14,   1,    0,    0,    0, 2, 0x3F, 0xB9, 0x99, 0x99,
                                        0x99, 0x99, 0x99, 0x9A, 0xC0, 0x24, 0, 0, 0,    0,    0,    0};
    put_file(&f, "l", labels, sizeof labels);
    static const struct {
        const unsigned char *data;
        size_t n;
        gr_element element;
        double first, second;
    } cases[] = {
        {i8, sizeof i8, GR_EL_I32, -1, 127},     {i16, sizeof i16, GR_EL_I32, -2, 256},
        {i32, sizeof i32, GR_EL_I32, -3, 65536}, {f32, sizeof f32, GR_EL_F32, 1.5, -10},
        {f64, sizeof f64, GR_EL_F32, 0.1, -10},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        for (int gz = 0; gz < 2; gz++) {
            unsigned char packed[128];
            size_t n = gz ? pack_gzip(cases[i].data, cases[i].n, packed, sizeof packed) : cases[i].n;
            put_file(&f, "i", gz ? packed : cases[i].data, n);
            gr_set s = load_as(&f, PAIR, GR_TARGET_CLASS, false);
            assert_int_equal(s.field[0].element, cases[i].element);
            assert_int_equal(s.field[0].sample.rank, 0);
            if (s.field[0].element == GR_EL_I32) {
                assert_int_equal(((int32_t *)s.field[0].data)[0], (int)cases[i].first);
                assert_int_equal(((int32_t *)s.field[0].data)[1], (int)cases[i].second);
            } else {
                assert_true(((float *)s.field[0].data)[0] == (float)cases[i].first);
                assert_true(((float *)s.field[0].data)[1] == (float)cases[i].second);
            }
            gr__set_free(f.ctx, &s);
        }
    }
    put_file(&f, "i", f64, sizeof f64);
    gr_set s = load_as(&f, "{type: idx, images: i}", GR_TARGET_NONE, true);
    assert_int_equal(s.field[0].element, GR_EL_F64);
    assert_true(((double *)s.field[0].data)[0] == 0.1);
    assert_int_equal(s.field[1].kind, GR_TARGET_NONE);
    gr__set_free(f.ctx, &s);
}

static void targets_follow_the_cost(void **state)
{
    (void)state;
    put_file(&f, "i", images, sizeof images);
    put_file(&f, "l", labels, sizeof labels);
    gr_set s = load_as(&f, PAIR, GR_TARGET_VALUE, false);
    assert_int_equal(s.field[1].kind, GR_TARGET_VALUE);
    assert_int_equal(s.field[1].classes, 0);
    assert_true(((float *)s.field[1].data)[0] == 7);
    gr__set_free(f.ctx, &s);
    s = load_as(&f, PAIR, GR_TARGET_VALUE, true);
    assert_true(((double *)s.field[1].data)[0] == 7);
    gr__set_free(f.ctx, &s);
    s = load_as(&f, PAIR, GR_TARGET_NONE, false);
    check_pair(&s);
    gr__set_free(f.ctx, &s);
}

static void hostile_files_are_refused(void **state)
{
    (void)state;
    unsigned char x[64], packed[256];
    put_file(&f, "l", labels, sizeof labels);
    refuse(&f, "{type: idx, images: none.gz, labels: l}", GR_TARGET_CLASS, GR_E_FILE, "none.gz");
    refuse(&f, "{type: idx, images: ., labels: l}", GR_TARGET_CLASS, GR_E_FILE, "irectory");
    for (size_t cut = 0; cut < sizeof images; cut++) { /* every way to end early, plain and packed */
        put_file(&f, "i", images, cut);
        refuse(&f, PAIR, GR_TARGET_CLASS, GR_E_FORMAT, "/i");
        size_t n = pack_gzip(images, cut, packed, sizeof packed);
        put_file(&f, "i", packed, n);
        refuse(&f, PAIR, GR_TARGET_CLASS, GR_E_FORMAT, "/i");
    }
    size_t whole = pack_gzip(images, sizeof images, packed, sizeof packed);
    for (size_t cut = 2; cut < whole; cut++) {
        put_file(&f, "i", packed, cut);
        refuse(&f, PAIR, GR_TARGET_CLASS, GR_E_FORMAT, "/i");
    }
    for (size_t at = 10; at < whole; at++) { /* every flipped bit of the content is found: by the checksum, or before by
                                                what it makes of the header */
        packed[at] ^= 4;
        put_file(&f, "i", packed, whole);
        gr_set s;
        gr_source_options o = options_of(&f, GR_TARGET_CLASS, false);
        gr_status st = gr__set_load(f.ctx, yaml(&f, PAIR), &o, &s);
        assert_true(st == GR_E_FORMAT || st == GR_E_DATA);
        gr_context_clear_error(f.ctx);
        packed[at] ^= 4;
    }
    static const struct {
        size_t at;
        unsigned char value;
        gr_status code;
        const char *words;
    } cases[] = {
        {0, 1, GR_E_FORMAT, "two zero bytes"}, {1, 1, GR_E_FORMAT, "two zero bytes"},
        {2, 7, GR_E_FORMAT, "0x07"},           {2, 10, GR_E_FORMAT, "0x0a"},
        {2, 255, GR_E_FORMAT, "0xff"},         {3, 0, GR_E_FORMAT, "0 axes"},
        {3, 8, GR_E_FORMAT, "8 axes"},         {3, 255, GR_E_FORMAT, "255 axes"},
        {3, 2, GR_E_FORMAT, "promises"},       {3, 4, GR_E_FORMAT, "promises"},
        {7, 3, GR_E_FORMAT, "promises 34"},    {7, 1, GR_E_FORMAT, "promises 22"},
        {7, 0, GR_E_DATA, "no samples"},       {11, 0, GR_E_DATA, "without a value"},
        {4, 255, GR_E_FORMAT, "promises"},     {8, 255, GR_E_FORMAT, "promises"},
        {2, 13, GR_E_FORMAT, "promises 64"},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        memcpy(x, images, sizeof images);
        x[cases[i].at] = cases[i].value;
        put_file(&f, "i", x, sizeof images);
        refuse(&f, PAIR, GR_TARGET_CLASS, cases[i].code, cases[i].words);
    }
    memset(x + 4, 255, 12); /* sizes whose product overflows */
    put_file(&f, "i", x, sizeof images);
    refuse(&f, PAIR, GR_TARGET_CLASS, GR_E_FORMAT, "/i");
    memcpy(x, images, sizeof images);
    x[sizeof images] = 9; /* one byte too many */
    put_file(&f, "i", x, sizeof images + 1);
    refuse(&f, PAIR, GR_TARGET_CLASS, GR_E_FORMAT, "promises 28");
    size_t n = pack_gzip(x, sizeof images + 1, packed, sizeof packed);
    put_file(&f, "i", packed, n);
    refuse(&f, PAIR, GR_TARGET_CLASS, GR_E_FORMAT, "more than");
    n = pack_gzip(images, sizeof images, packed, sizeof packed);
    memcpy(packed + n, "trailing garbage", 16);
    put_file(&f, "i", packed, n + 16);
    refuse(&f, PAIR, GR_TARGET_CLASS, GR_E_FORMAT, "does not unpack");
    memcpy(x, images, sizeof images); /* packed, and the header lies by far: nothing is taken for it */
    x[4] = 127;
    n = pack_gzip(x, sizeof images, packed, sizeof packed);
    put_file(&f, "i", packed, n);
    refuse(&f, PAIR, GR_TARGET_CLASS, GR_E_FORMAT, "promises");
}

static void hostile_values_are_refused(void **state)
{
    (void)state;
    static const unsigned char three[] = {0, 0, 8, 1, 0, 0, 0, 3, 7, 0, 1},
                               negative[] = {0, 0, 9, 1, 0, 0, 0, 2, 7, 0xFF},
                               half[] = {0, 0, 13, 1, 0, 0, 0, 2, 0x3F, 0xC0, 0, 0, 0, 0, 0, 0},
                               large[] = {0, 0, 12, 1, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0},
                               nan_[] = {0, 0, 13, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0x7F, 0xC0, 0, 0},
                               inf[] = {0, 0, 14, 2, 0, 0, 0,    1,    0, 0, 0, 2, 0, 0,
                                        0, 0, 0,  0, 0, 0, 0xFF, 0xF0, 0, 0, 0, 0, 0, 0},
                               huge[] = {0, 0, 14, 1, 0,    0,    0,    2,    0,    0, 0,    0,
                                         0, 0, 0,  0, 0x7E, 0x37, 0xE4, 0x3C, 0x88, 0, 0x75, 0x9C};
    put_file(&f, "i", images, sizeof images);
    put_file(&f, "l", three, sizeof three);
    refuse(&f, PAIR, GR_TARGET_CLASS, GR_E_DATA, "holds 2 samples");
    put_file(&f, "l", negative, sizeof negative);
    refuse(&f, PAIR, GR_TARGET_CLASS, GR_E_DATA, "the label of sample [1] is -1");
    put_file(&f, "l", half, sizeof half);
    refuse(&f, PAIR, GR_TARGET_CLASS, GR_E_DATA, "the label of sample [0] is 1.5");
    put_file(&f, "l", large, sizeof large);
    refuse(&f, PAIR, GR_TARGET_CLASS, GR_E_DATA, "16777216");
    put_file(&f, "l", nan_, sizeof nan_);
    refuse(&f, PAIR, GR_TARGET_CLASS, GR_E_DATA, "element [1] is nan");
    refuse(&f, PAIR, GR_TARGET_VALUE, GR_E_DATA, "element [1] is nan");
    put_file(&f, "l", labels, sizeof labels);
    put_file(&f, "i", nan_, sizeof nan_);
    refuse(&f, PAIR, GR_TARGET_CLASS, GR_E_DATA, "element [1] is nan");
    put_file(&f, "i", inf, sizeof inf);
    refuse(&f, "{type: idx, images: i}", GR_TARGET_CLASS, GR_E_DATA, "element [0,1] is -inf");
    put_file(&f, "i", huge, sizeof huge);
    refuse(&f, PAIR, GR_TARGET_CLASS, GR_E_DATA, "which float32 cannot hold");
    assert_int_equal(gr__set_load(f.ctx, yaml(&f, PAIR), &(gr_source_options){.folder = f.folder}, &(gr_set){0}),
                     GR_E_DATA);
    assert_non_null(strstr(gr_context_error(f.ctx)->hint, "precision: float64"));
    gr_context_clear_error(f.ctx);
    refuse(&f, "{type: idx}", GR_TARGET_CLASS, GR_E_MISSING, "images");
    refuse(&f, "{type: idx, image: i}", GR_TARGET_CLASS, GR_E_KEY, "image");
    refuse(&f, "{type: id, images: i}", GR_TARGET_CLASS, GR_E_NAME, "id");
    refuse(&f, "{images: i}", GR_TARGET_CLASS, GR_E_MISSING, "type");
    refuse(&f, "[idx]", GR_TARGET_CLASS, GR_E_TYPE, "a list");
}

static void every_failing_allocation_is_reported(void **state)
{
    (void)state;
    unsigned char packed[256];
    put_file(&f, "l", labels, sizeof labels);
    put_file(&f, "i", images, sizeof images);
    starve(&f, PAIR, GR_TARGET_CLASS);
    size_t n = pack_gzip(images, sizeof images, packed, sizeof packed);
    put_file(&f, "i", packed, n);
    starve(&f, PAIR, GR_TARGET_CLASS);
}

static void resolved_sources_have_absolute_paths(void **state)
{
    (void)state;
    gr_source_options o = options_of(&f, GR_TARGET_CLASS, false);
    gr_tree *t;
    char path[128];
    test_ok(f.ctx, gr__source_resolve(f.ctx, f.b, yaml(&f, "{type: idx, images: a/i.gz}"), &o, &t));
    snprintf(path, sizeof path, "%s/a/i.gz", f.folder);
    assert_string_equal(gr__tree_get(t, "images")->text, path);
    assert_string_equal(gr__tree_get(t, "labels")->text, "none");
    gr_tree *again;
    test_ok(f.ctx, gr__source_resolve(f.ctx, f.b, t, &o, &again));
    assert_true(gr__tree_equal(t, again));
}

/* The place of the key at fault. */
static void errors_point_at_the_key(void **state)
{
    (void)state;
    put_file(&f, "i", images, sizeof images);
    gr_tree *root = gr__tree_map(f.b), *t = yaml(&f, PAIR);
    gr__tree_put(f.b, root, "train", t);
    t->child[2]->file = "r.yaml";
    t->child[2]->line = 9;
    gr_source_options o = options_of(&f, GR_TARGET_CLASS, false);
    gr_set s;
    assert_int_equal(gr__set_load(f.ctx, t, &o, &s), GR_E_FILE);
    assert_int_equal(gr_context_error(f.ctx)->line, 9);
    assert_string_equal(gr_context_error(f.ctx)->key, "train.labels");
    gr_context_clear_error(f.ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(plain_and_packed_are_read, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(all_types_are_read, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(targets_follow_the_cost, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(hostile_files_are_refused, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(hostile_values_are_refused, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(every_failing_allocation_is_reported, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(resolved_sources_have_absolute_paths, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(errors_point_at_the_key, files_setup, files_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
