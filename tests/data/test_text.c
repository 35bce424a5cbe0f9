/* Text as samples: windows of running text, lines with labels, characters and their indices. */
#include "files.h"

#include "data/text/text.h"

static const int32_t *numbers(const gr_set *s, int field)
{
    return s->field[field].data;
}

static void holds(const gr_set *s, int field, const int32_t *wanted, size_t n)
{
    assert_int_equal((uint64_t)s->n * (uint64_t)gr_shape_count(s->field[field].sample), n);
    assert_memory_equal(numbers(s, field), wanted, n * sizeof *wanted);
}

/* A recipe of text: one input of `steps` indices below `vocabulary`, outputs of this shape. */
static gr_wants wants_of(int64_t steps, int64_t vocabulary, gr_shape output)
{
    gr_wants w = {
        .input = {GR_LONE_INPUT}, .steps = {steps}, .vocabulary = {vocabulary}, .n_inputs = 1, .n_targets = 1};
    w.target[0] = (gr_wanted){.name = GR_LONE_TARGET, .form = GR_FORM_CLASS, .output = output, .cost = "cross_entropy"};
    return w;
}

static gr_source_options asking(const gr_wants *w)
{
    gr_source_options o = options_of(&f, GR_TARGET_CLASS, false);
    o.wants = w;
    return o;
}

/* ---- windows ---- */

static void windows_are_what_numpy_would_cut(void **state)
{
    (void)state;
    enum { N = 1000 };
    unsigned char text[N];
    for (int i = 0; i < N; i++) text[i] = (unsigned char)(i * 37 + i / 256);
    put_file(&f, "t", text, N);
    static const int sizes[][2] = {{1, 1}, {7, 7}, {7, 3}, {7, 10}, {128, 128}, {128, 1}, {999, 999}, {500, 499}};
    for (size_t k = 0; k < GR_COUNT(sizes); k++) {
        int window = sizes[k][0], stride = sizes[k][1];
        char source[100];
        snprintf(source, sizeof source, "{type: text, file: t, window: %d, stride: %d}", window, stride);
        gr_set s = load_as(&f, source, GR_TARGET_CLASS, false);
        assert_int_equal(s.n, (N - 1 - window) / stride + 1);
        assert_int_equal(s.overlap, stride < window);
        for (int64_t i = 0; i < s.n; i++) {
            for (int j = 0; j < window; j++) {
                assert_int_equal(numbers(&s, 0)[i * window + j], text[i * stride + j]);
                assert_int_equal(numbers(&s, 1)[i * window + j], text[i * stride + j + 1]);
            }
        }
        gr__set_free(f.ctx, &s);
    }
}

static void the_window_is_the_networks_and_the_answer_its_last(void **state)
{
    (void)state;
    put_text(&f, "t", "abcdefghij");
    gr_wants w = wants_of(4, 256, GR_SHAPE(4, 256));
    gr_source_options o = asking(&w);
    gr_set s = load_with(&f, "{type: text, file: t}", &o);
    holds(&s, 0, (int32_t[]){'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'}, 8);
    holds(&s, 1, (int32_t[]){'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'}, 8);
    assert_int_equal(s.field[0].vocabulary, 256);
    assert_int_equal(s.field[1].classes, 256);
    assert_string_equal(s.field[1].class_names['a'], "a");
    assert_string_equal(s.field[1].class_names['\n'], "\n");
    assert_string_equal(s.field[1].class_names[0xe4], "\\xe4");
    gr__set_free(f.ctx, &s);
    w = wants_of(4, 256, GR_SHAPE(256));
    s = load_with(&f, "{type: text, file: t, stride: 3}", &o);
    holds(&s, 0, (int32_t[]){'a', 'b', 'c', 'd', 'd', 'e', 'f', 'g'}, 8);
    holds(&s, 1, (int32_t[]){'e', 'h'}, 2);
    gr__set_free(f.ctx, &s);
    /* Fewer outputs are as many names, as a network of ASCII has them. */
    w = wants_of(4, 128, GR_SHAPE(4, 128));
    s = load_with(&f, "{type: text, file: t}", &o);
    assert_int_equal(s.field[1].classes, 128);
    gr__set_free(f.ctx, &s);
    w.vocabulary[0] = 104;
    refuse_with(&f, "{type: text, file: t}", &o, GR_E_DATA,
                "a byte before place 8 is 104, but the layer that looks them up has a vocabulary of 104: 0 to 103");
    w.vocabulary[0] = 0;
    refuse_with(&f, "{type: text, file: t}", &o, GR_E_CONFLICT, "no layer looks those of the input \"input\" up");
    w = wants_of(4, 256, GR_SHAPE(4, 100));
    refuse_with(&f, "{type: text, file: t}", &o, GR_E_DATA, "the network's outputs tell apart 100: 0 to 99");
}

static void short_files_are_refused(void **state)
{
    (void)state;
    put_text(&f, "t", "abcd");
    put_text(&f, "empty", "");
    put_text(&f, "one", "\xef\xbb\xbf\xc3\xa4");
    refuse(&f, "{type: text, file: t, window: 4}", GR_TARGET_CLASS, GR_E_DATA,
           "has 4 bytes, but a window of 4 and the byte after it take 5");
    refuse(&f, "{type: text, file: one, unit: char}", GR_TARGET_CLASS, GR_E_DATA,
           "has 1 character, but a window of 128");
    refuse(&f, "{type: text, file: empty}", GR_TARGET_CLASS, GR_E_DATA, "empty\" is empty");
    refuse(&f, "{type: text, file: empty, unit: char}", GR_TARGET_CLASS, GR_E_DATA, "empty\" is empty");
    refuse(&f, "{type: text, file: empty, labels: tab}", GR_TARGET_CLASS, GR_E_DATA, "empty\" holds no text");
    refuse(&f, "{type: text, file: none.txt}", GR_TARGET_CLASS, GR_E_FILE, "none.txt");
}

static void packed_text_is_as_good(void **state)
{
    (void)state;
    char text[5000], packed[6000];
    for (size_t i = 0; i < sizeof text; i++) text[i] = (char)('a' + i * i % 26);
    put_file(&f, "t", text, sizeof text);
    put_file(&f, "t.gz", packed, pack_gzip(text, sizeof text, packed, sizeof packed));
    gr_set a = load_as(&f, "{type: text, file: t, window: 100}", GR_TARGET_CLASS, false),
           b = load_as(&f, "{type: text, file: t.gz, window: 100}", GR_TARGET_CLASS, false);
    assert_int_equal(a.n, b.n);
    for (int i = 0; i < 2; i++) holds(&a, i, numbers(&b, i), (size_t)b.n * 100);
    gr__set_free(f.ctx, &a);
    gr__set_free(f.ctx, &b);
}

/* ---- characters ---- */

static void characters_are_numbered_in_order(void **state)
{
    (void)state;
    put_text(&f, "t",
             "\xef\xbb\xbfz\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z\xc3\xa4"
             "a");
    gr_set s = load_as(&f, "{type: text, file: t, unit: char, window: 3}", GR_TARGET_CLASS, false);
    /* a, z, a umlaut, the euro, a face */
    holds(&s, 0, (int32_t[]){3, 4, 5, 6, 3, 4}, 6);
    holds(&s, 1, (int32_t[]){4, 5, 6, 3, 4, 2}, 6);
    assert_int_equal(s.field[1].classes, 7);
    static const char *const names[] = {"(padding)",    "(unknown)",       "a", "z", "\xc3\xa4",
                                        "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    for (int i = 0; i < 7; i++) assert_string_equal(s.field[1].class_names[i], names[i]);
    assert_string_equal(s.schema->unit, "char");
    assert_int_equal(s.schema->n_symbols, 5);
    assert_int_equal(s.schema->symbol[4], 0x1f600);
    /* Other text is read by that alphabet: what it lacks is unknown. */
    put_text(&f, "other",
             "az\xc3\xb6\xe2\x82\xac"
             "b");
    gr_source_options o = options_of(&f, GR_TARGET_CLASS, false);
    o.schema = gr__schema_copy(f.b, s.schema);
    gr__set_free(f.ctx, &s);
    s = load_with(&f, "{type: text, file: other, unit: char, window: 4}", &o);
    holds(&s, 0, (int32_t[]){2, 3, 1, 5}, 4);
    holds(&s, 1, (int32_t[]){3, 1, 5, 1}, 4);
    assert_int_equal(s.field[1].classes, 7);
    assert_int_equal(s.schema->n_symbols, 5);
    gr__set_free(f.ctx, &s);
}

static void a_vocabulary_keeps_the_most_frequent(void **state)
{
    (void)state;
    put_text(&f, "t", "cccbbbaaadd ");
    gr_set s = load_as(&f, "{type: text, file: t, unit: char, window: 11, vocabulary: 5}", GR_TARGET_CLASS, false);
    holds(&s, 0, (int32_t[]){4, 4, 4, 3, 3, 3, 2, 2, 2, 1, 1}, 11);
    gr__set_free(f.ctx, &s);
    gr_wants w = wants_of(4, 6, GR_SHAPE(4, 9));
    gr_source_options o = asking(&w);
    refuse_with(&f, "{type: text, file: t, unit: char}", &o, GR_E_DATA,
                "has 5 different characters, which with those for padding and for what is unknown take a vocabulary of "
                "7, but the layer that looks them up has a vocabulary of 6");
    w = wants_of(4, 9, GR_SHAPE(4, 6));
    refuse_with(&f, "{type: text, file: t, unit: char}", &o, GR_E_DATA, "but the network's outputs tell apart 6");
    refuse_with(&f, "{type: text, file: t, unit: char, vocabulary: 7}", &o, GR_E_CONFLICT,
                "the source's vocabulary of 7 is more than the 6 that the network has");
    s = load_with(&f, "{type: text, file: t, unit: char, vocabulary: 6}", &o);
    assert_int_equal(s.schema->n_symbols, 4);
    gr__set_free(f.ctx, &s);
}

static void what_is_no_utf8_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"abc\xff"
         "defghi",
         "byte 3, 0xff, begins no character"},
        {"\xc3\xa4\xc3"
         "abcde",
         "byte 2, 0xc3"},
        {"abcdefg\xe2\x82", "byte 7, 0xe2"}, /* ends within */
        {"ab\xc0\x80"
         "cdefgh",
         "byte 2, 0xc0"}, /* a longer form than needed */
        {"ab\xed\xa0\x80"
         "cdefg",
         "byte 2, 0xed"}, /* half of a pair */
        {"ab\xf4\x90\x80\x80"
         "cd",
         "byte 2, 0xf4"}, /* beyond the last */
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        put_text(&f, "t", cases[i].text);
        refuse(&f, "{type: text, file: t, unit: char, window: 3}", GR_TARGET_CLASS, GR_E_FORMAT, cases[i].words);
        gr_set s = load_as(&f, "{type: text, file: t, window: 3}", GR_TARGET_CLASS, false);
        gr__set_free(f.ctx, &s);
    }
    /* Also where the reader's window ends within a character. */
    enum { N = 1 << 16 };
    static char text[2 * N];
    for (int shift = 0; shift < 4; shift++) {
        size_t n = 0;
        while (n < (size_t)shift) text[n++] = 'x';
        while (n + 3 <= sizeof text) memcpy(text + n, "\xe2\x82\xac", 3), n += 3;
        put_file(&f, "t", text, n);
        gr_set s = load_as(&f, "{type: text, file: t, unit: char, window: 100}", GR_TARGET_CLASS, false);
        assert_int_equal(s.n, (shift + (int)(sizeof text - (size_t)shift) / 3 - 1) / 100);
        assert_int_equal(numbers(&s, 0)[s.n * 100 - 1], shift ? 3 : 2);
        gr__set_free(f.ctx, &s);
    }
}

/* ---- lines ---- */

static void lines_have_labels(void **state)
{
    (void)state;
    put_text(&f, "t", "\xef\xbb\xbfspam\tbuy\tnow\r\n\n\r\nham\thi\r\r\nspam\tlonger than eight\neggs\t\xc3\xa4");
    gr_set s = load_as(&f, "{type: text, file: t, labels: tab, length: 8}", GR_TARGET_CLASS, false);
    holds(&s, 0, (int32_t[]){'b', 'u', 'y', '\t', 'n', 'o', 'w', 0,   'h',  'i',  '\r', 0, 0, 0, 0, 0,
                             'l', 'o', 'n', 'g',  'e', 'r', ' ', 't', 0xc3, 0xa4, 0,    0, 0, 0, 0, 0},
          32);
    holds(&s, 1, (int32_t[]){2, 1, 2, 0}, 4);
    assert_int_equal(s.n_lengths, 1);
    holds(&s, 2, (int32_t[]){7, 3, 8, 2}, 4);
    assert_ptr_equal(s.field[0].length, s.field[2].data);
    assert_int_equal(s.field[0].steps, 8);
    assert_int_equal(s.field[1].classes, 3);
    assert_string_equal(s.field[1].class_names[0], "eggs");
    assert_string_equal(s.field[1].class_names[2], "spam");
    gr__set_free(f.ctx, &s);
    s = load_as(&f, "{type: text, file: t, labels: tab, length: 3, unit: char}", GR_TARGET_CLASS, false);
    assert_int_equal(s.schema->n_symbols, 10); /* of what is left of the lines */
    holds(&s, 2, (int32_t[]){3, 3, 3, 1}, 4);
    assert_int_equal(numbers(&s, 0)[9], 11); /* a umlaut */
    assert_int_equal(numbers(&s, 0)[10], GR__TEXT_PAD);
    gr__set_free(f.ctx, &s);
}

static void labels_are_the_trainings(void **state)
{
    (void)state;
    static const char *const names[] = {"ham", "spam", "tea"};
    gr_schema like = {.unit = "byte", .n_targets = 1};
    like.target[0] = (gr_schema_target){.class_names = names, .n_class_names = 3};
    gr_source_options o = options_of(&f, GR_TARGET_CLASS, false);
    o.schema = &like;
    put_text(&f, "t", "tea\tgreen\nham\tpink\n");
    gr_set s = load_with(&f, "{type: text, file: t, labels: tab, length: 4}", &o);
    holds(&s, 1, (int32_t[]){2, 0}, 2);
    assert_int_equal(s.field[1].classes, 3);
    gr__set_free(f.ctx, &s);
    put_text(&f, "t", "tea\tgreen\n\nmilk\twhite\n");
    refuse_with(&f, "{type: text, file: t, labels: tab}", &o, GR_E_DATA,
                "line 3: \"milk\" is none of the classes of training");
    o.own_classes = true;
    s = load_with(&f, "{type: text, file: t, labels: tab, length: 4}", &o);
    holds(&s, 1, (int32_t[]){1, 0}, 2);
    gr__set_free(f.ctx, &s);
}

static void wrong_lines_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"a\tb\nno tab here\n", "line 2 has no tab between a label and a text"},
        {"\n\n\tb\n", "line 3 has no label before the tab"},
        {"a\tb\r\nc\t\r\n", "line 2 has no text after the tab"},
        {"a\x01\tb\n", "line 1 has a label that is no UTF-8 text"},
        {"a\xff\tb\n", "line 1 has a label that is no UTF-8 text"},
        {"\r\n\n", "holds no text"},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        put_text(&f, "t", cases[i].text);
        refuse(&f, "{type: text, file: t, labels: tab}", GR_TARGET_CLASS, GR_E_DATA, cases[i].words);
    }
    char text[3000];
    memset(text, 'x', sizeof text);
    memcpy(text + sizeof text - 3, "\ty\n", 3);
    put_file(&f, "t", text, sizeof text);
    refuse(&f, "{type: text, file: t, labels: tab}", GR_TARGET_CLASS, GR_E_DATA, "a label of more than 1000 bytes");
    refuse(&f, "{type: text, file: t, length: 4}", GR_TARGET_CLASS, GR_E_CONFLICT, "\"length\" is of lines");
    refuse(&f, "{type: text, file: t, labels: tab, window: 4}", GR_TARGET_CLASS, GR_E_CONFLICT, "window");
    refuse(&f, "{type: text, file: t, vocabulary: 40}", GR_TARGET_CLASS, GR_E_CONFLICT, "vocabulary");
}

/* ---- prediction ---- */

static gr_set raw_with(const char *source, const gr_source_options *o, const char *name)
{
    gr_settings s;
    char path[128];
    gr_set out = {0};
    const gr_source *text = (const gr_source *)gr__family_peek(f.ctx, &gr__family_source, yaml(&f, source));
    test_ok(f.ctx, gr__settings_make(f.ctx, f.b, &text->head, yaml(&f, source), GR_PRESET_CHAPTER, NULL, &s));
    snprintf(path, sizeof path, "%s/%s", f.folder, name);
    test_ok(f.ctx, text->raw(f.ctx, &s, o, path, &out));
    assert_int_equal(out.n_targets, 0);
    return out;
}

static void prediction_takes_whole_files(void **state)
{
    (void)state;
    char command[300];
    gr_wants w = wants_of(4, 256, GR_SHAPE(4, 256));
    gr_source_options o = asking(&w);
    put_text(&f, "t", "abcdefghij");
    gr_set s = raw_with("{type: text, file: none, stride: 1}", &o, "t");
    holds(&s, 0, (int32_t[]){'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 0, 0}, 12);
    holds(&s, 1, (int32_t[]){4, 4, 2}, 3);
    assert_ptr_equal(s.field[0].length, s.field[1].data);
    assert_false(s.one);
    gr__set_free(f.ctx, &s);
    put_text(&f, "t", "abcd");
    s = raw_with("{type: text, file: none}", &o, "t");
    assert_int_equal(s.n_lengths, 0);
    assert_true(s.one);
    gr__set_free(f.ctx, &s);
    /* Lines with or without the labels of the training. */
    static const char *const names[] = {"ham", "spam"};
    gr_schema like = {.unit = "byte", .n_targets = 1};
    like.target[0] = (gr_schema_target){.class_names = names, .n_class_names = 2};
    o.schema = &like;
    w = wants_of(4, 256, GR_SHAPE(2));
    put_text(&f, "t", "ham\tx\n\nspam\tyz\n");
    s = raw_with("{type: text, file: none, labels: tab}", &o, "t");
    holds(&s, 0, (int32_t[]){'x', 0, 0, 0, 'y', 'z', 0, 0}, 8);
    holds(&s, 1, (int32_t[]){1, 2}, 2);
    gr__set_free(f.ctx, &s);
    put_text(&f, "t", "ham\tx\nan\tyz\n");
    s = raw_with("{type: text, file: none, labels: tab}", &o, "t");
    holds(&s, 0, (int32_t[]){'h', 'a', 'm', '\t', 'a', 'n', '\t', 'y'}, 8);
    gr__set_free(f.ctx, &s);
    /* A folder: a file is a text, without its last line end. */
    snprintf(command, sizeof command,
             "mkdir '%s/d'; cd '%s/d'; printf 'b\\nc\\r\\n' >2.txt; printf a >1.txt; cp 1.txt x.csv", f.folder,
             f.folder);
    assert_int_equal(system(command), 0);
    s = raw_with("{type: text, file: none, labels: tab}", &o, "d");
    holds(&s, 0, (int32_t[]){'a', 0, 0, 0, 'b', '\n', 'c', 0}, 8);
    holds(&s, 1, (int32_t[]){1, 3}, 2);
    assert_non_null(strstr(s.sample[0], "d/1.txt"));
    assert_non_null(strstr(s.sample[1], "d/2.txt"));
    gr__set_free(f.ctx, &s);
    w = wants_of(4, 256, GR_SHAPE(4, 256));
    s = raw_with("{type: text, file: none, window: 4}", &o, "d");
    holds(&s, 0, (int32_t[]){'a', 0, 0, 0, 'b', '\n', 'c', '\r', '\n', 0, 0, 0}, 12);
    holds(&s, 1, (int32_t[]){1, 4, 1}, 3);
    assert_non_null(strstr(s.sample[2], "d/2.txt[1]"));
    gr__set_free(f.ctx, &s);
}

/* ---- memory ---- */

static void every_allocation_may_fail(void **state)
{
    (void)state;
    put_text(&f, "t", "a\tsome text\nb\t\xc3\xa4nother\n");
    starve(&f, "{type: text, file: t, window: 3}", GR_TARGET_CLASS);
    starve(&f, "{type: text, file: t, window: 3, unit: char}", GR_TARGET_CLASS);
    starve(&f, "{type: text, file: t, labels: tab, unit: char}", GR_TARGET_CLASS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(windows_are_what_numpy_would_cut, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(the_window_is_the_networks_and_the_answer_its_last, files_setup,
                                        files_teardown),
        cmocka_unit_test_setup_teardown(short_files_are_refused, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(packed_text_is_as_good, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(characters_are_numbered_in_order, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(a_vocabulary_keeps_the_most_frequent, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(what_is_no_utf8_is_refused, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(lines_have_labels, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(labels_are_the_trainings, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(wrong_lines_are_refused, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(prediction_takes_whole_files, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(every_allocation_may_fail, files_setup, files_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
