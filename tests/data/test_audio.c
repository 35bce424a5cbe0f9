/* The source of sounds in folders: classes, frames, lengths, tables of labels, what is damaged, what is no sound. */
#include <sys/stat.h>

#include "sounds.h"

#define SMALL "mels: 6, window: 20 ms, hop: 0.01 s"

static void folder(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", f.folder, name);
    assert_int_equal(mkdir(path, 0755), 0);
}

/* Two classes: 1600, 3200 and 800 samples at 16000 or as long at 8000: 9, 19 and 4 frames. */
static void two_classes(void)
{
    folder("d");
    folder("d/low");
    folder("d/high");
    put_tone(&f, "d/low/b.wav", 300, 1600, 16000);
    put_tone(&f, "d/low/a.wav", 300, 1600, 8000);
    put_tone(&f, "d/high/c", 3000, 800, 16000); /* by content, not by name */
    put_text(&f, "d/high/notes.txt", "no sound");
    put_text(&f, "d/low/.hidden.wav", "nor this");
}

static float number(const gr_set *s, int64_t row, int64_t at)
{
    const gr_field *x = gr__set_input(s, 0);
    return ((const float *)x->data)[row * gr_shape_count(x->sample) + at];
}

static void check_filled(const gr_set *s, int64_t row, int64_t frames, int64_t counts)
{
    for (int64_t i = 0; i < frames * 6; i++) assert_true((number(s, row, i) == (float)log(1e-10)) == (i >= counts * 6));
}

static void sounds_fill_up_to_the_longest(void **state)
{
    (void)state;
    two_classes();
    gr_set s = load_as(&f, "{type: audio, folder: d, " SMALL "}", GR_TARGET_CLASS, false);
    assert_int_equal(s.n, 3);
    assert_int_equal(s.n_lengths, 0);
    same_shape(s.field[0].sample, GR_SHAPE(19, 6));
    assert_int_equal(s.field[0].element, GR_EL_F32);
    assert_int_equal(s.field[1].classes, 2);
    assert_string_equal(s.field[1].class_names[0], "high");
    assert_string_equal(s.field[1].class_names[1], "low");
    static const char *const names[] = {"high/c", "low/a.wav", "low/b.wav"};
    static const int counts[] = {4, 19, 9};
    for (int i = 0; i < 3; i++) {
        assert_string_equal(s.sample[i], names[i]);
        assert_int_equal(((const int32_t *)s.field[1].data)[i], i > 0);
        check_filled(&s, i, 19, counts[i]);
    }
    gr__set_free(f.ctx, &s);
    s = load_as(&f, "{type: audio, folder: d, shape: picture, frames: 8, " SMALL "}", GR_TARGET_CLASS, true);
    same_shape(s.field[0].sample, GR_SHAPE(8, 6, 1));
    for (int i = 0; i < 3; i++) check_filled(&s, i, 8, GR_MIN(counts[i], 8));
    gr__set_free(f.ctx, &s);
    starve(&f, "{type: audio, folder: d, " SMALL "}", GR_TARGET_CLASS);
    starve(&f, "{type: audio, folder: d, lengths: true, on_error: skip, " SMALL "}", GR_TARGET_CLASS);
}

/* The frames that a network takes are those of a recipe that does not say. */
static void lengths_are_those_of_the_files(void **state)
{
    (void)state;
    two_classes();
    gr_wants w = {.input = {"input"}, .steps = {12}, .n_inputs = 1, .n_targets = 1};
    w.target[0] = (gr_wanted){.name = "main", .form = GR_FORM_CLASS, .output = GR_SHAPE(2), .cost = "cross_entropy"};
    gr_source_options o = options_of(&f, GR_TARGET_CLASS, false);
    o.wants = &w;
    gr_set s = load_with(&f, "{type: audio, folder: d, lengths: true, " SMALL "}", &o);
    static const int32_t counts[] = {4, 12, 9};
    same_shape(s.field[0].sample, GR_SHAPE(12, 6));
    const gr_field *length = gr__set_length(&s, 0);
    assert_non_null(length);
    assert_memory_equal(length->data, counts, sizeof counts);
    assert_ptr_equal(s.field[0].length, length->data);
    assert_int_equal(s.field[0].steps, 12);
    gr__set_free(f.ctx, &s);
    assert_true(gr__source_has_lengths(yaml(&f, "{type: audio, folder: d, lengths: true}"), "input"));
    assert_false(gr__source_has_lengths(yaml(&f, "{type: audio, folder: d, lengths: false}"), "input"));
    assert_false(gr__source_has_lengths(yaml(&f, "{type: audio, folder: d}"), "input"));
}

/* What is not held is read when it is wanted, and no longer believed once it is another. */
static void readers_give_the_same(void **state)
{
    (void)state;
    static const char source[] = "{type: audio, folder: d, " SMALL "}";
    two_classes();
    gr_source_options o = options_of(&f, GR_TARGET_CLASS, false);
    gr_set held = load_with(&f, source, &o), s;
    o.hold = 5;
    test_ok(f.ctx, gr__set_load(f.ctx, yaml(&f, source), &o, &s));
    const gr_reader *r = s.field[0].reader;
    assert_non_null(r);
    assert_true(s.field[0].sum != 0);
    float out[19 * 6];
    void *scratch = gr__tensor_alloc(f.ctx, r->scratch);
    for (int64_t i = 2; i >= 0; i--) {
        test_ok(f.ctx, r->read(f.ctx, r, i, scratch, out));
        assert_memory_equal(out, (const float *)held.field[0].data + i * 19 * 6, sizeof out);
    }
    put_tone(&f, "d/low/a.wav", 300, 1601, 8000);
    assert_int_equal(r->read(f.ctx, r, 1, scratch, out), GR_E_DATA);
    assert_non_null(strstr(gr_context_error(f.ctx)->message, "d/low/a.wav\" has changed"));
    gr_context_clear_error(f.ctx);
    gr__tensor_free(f.ctx, scratch, r->scratch);
    gr__set_free(f.ctx, &s);
    gr__set_free(f.ctx, &held);
}

static void damaged_ones_stop_or_are_left_out(void **state)
{
    (void)state;
    size_t n;
    unsigned char *flac = sound_bytes(SOUNDS "flac16.flac", &n);
    two_classes();
    put_text(&f, "d/high/w.wav", "no sound");
    refuse(&f, "{type: audio, folder: d}", GR_TARGET_CLASS, GR_E_FORMAT,
           "d/high/w.wav\" is no sound, whatever its name says: WAV, FLAC and OGG are read");
    put_text(&f, "d/high/w.wav", "");
    refuse(&f, "{type: audio, folder: d}", GR_TARGET_CLASS, GR_E_FORMAT, "d/high/w.wav\" is empty");
    put_text(&f, "d/high/w.wav", "ID3\3 and so on");
    refuse(&f, "{type: audio, folder: d}", GR_TARGET_CLASS, GR_E_FORMAT,
           "d/high/w.wav\" is an MP3 sound, which is not");
    put_file(&f, "d/low/z.flac", flac, n / 2); /* a good header: only decoding tells */
    gr_set s;
    gr_source_options o = options_of(&f, GR_TARGET_CLASS, false);
    test_ok(f.ctx, gr__set_load(f.ctx, yaml(&f, "{type: audio, folder: d, on_error: skip, " SMALL "}"), &o, &s));
    assert_int_equal(s.n, 3);
    assert_string_equal(s.sample[2], "low/b.wav");
    gr__set_free(f.ctx, &s);
    put_text(&f, "d/high/c", "x");
    refuse(&f, "{type: audio, folder: d, on_error: skip}", GR_TARGET_CLASS, GR_E_DATA,
           "d/high\" holds no sound: WAV, FLAC and OGG are read (1 damaged ones are left out)");
    free(flac);
}

static void wrong_settings_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *settings;
        gr_status code;
        const char *words;
    } cases[] = {
        {"rate: 999", GR_E_RANGE, "999"},
        {"mels: 0", GR_E_RANGE, "0"},
        {"window: 25", GR_E_TYPE, "\"25\" is not a time"},
        {"window: ms", GR_E_TYPE, "\"ms\" is not a time"},
        {"window: 25 min", GR_E_TYPE, "\"25 min\" is not a time"},
        {"window: nan s", GR_E_TYPE, "\"nan s\" is not a time"},
        {"window: inf ms", GR_E_TYPE, "\"inf ms\" is not a time"},
        {"window: -25 ms", GR_E_RANGE, "-400 samples, not 2 to 65536"},
        {"window: 0.05 ms", GR_E_RANGE, "1 samples, not 2 to 65536"},
        {"hop: 0 s", GR_E_RANGE, "0 samples, not 1 to 65536"},
        {"hop: 5 s", GR_E_RANGE, "80000 samples, not 1 to 65536"},
        {"hop: 1e300 s", GR_E_RANGE, "not 1 to 65536"},
        {"frames: 0", GR_E_RANGE, "0"},
        {"shape: image", GR_E_NAME, "image"},
        {"shape: picture, lengths: true", GR_E_CONFLICT, "lengths"},
        {"on_error: ignore", GR_E_NAME, "ignore"},
        {"mel: 3", GR_E_KEY, "mel"},
    };
    two_classes();
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        char source[200];
        snprintf(source, sizeof source, "{type: audio, folder: d, %s}", cases[i].settings);
        refuse(&f, source, GR_TARGET_CLASS, cases[i].code, cases[i].words);
    }
    refuse(&f, "{type: audio}", GR_TARGET_CLASS, GR_E_MISSING, "folder");
    refuse(&f, "{type: audio, folder: none}", GR_TARGET_CLASS, GR_E_FILE, "cannot read the folder");
    refuse(&f, "{type: audio, folder: d}", GR_TARGET_VALUE, GR_E_DATA, "subfolders are classes");
    put_text(&f, "l.csv", "file,label\nlow/a.wav,1\nhigh/none.wav,0\n");
    refuse(&f, "{type: audio, folder: d, labels: l.csv}", GR_TARGET_CLASS, GR_E_DATA, "line 3: there is no file");
    put_text(&f, "l.csv", "file,label\nlow/a.wav,1\nhigh/notes.txt,0\n");
    refuse(&f, "{type: audio, folder: d, labels: l.csv}", GR_TARGET_CLASS, GR_E_DATA, "line 3: no sound is \"");
}

/* Numbers of a table may be what a network is to give. */
static void a_table_gives_values(void **state)
{
    (void)state;
    two_classes();
    put_text(&f, "l.csv", "label,file\n0.5,low/b.wav\n-2,high/c\n");
    gr_set s = load_as(&f, "{type: audio, folder: d, labels: l.csv, " SMALL "}", GR_TARGET_VALUE, false);
    assert_int_equal(s.n, 2);
    same_shape(s.field[0].sample, GR_SHAPE(9, 6));
    assert_true(((const float *)s.field[1].data)[0] == 0.5F && ((const float *)s.field[1].data)[1] == -2);
    gr__set_free(f.ctx, &s);
}

static void files_are_predicted(void **state)
{
    (void)state;
    two_classes();
    gr_wants w = {.input = {"input"}, .steps = {12}, .n_inputs = 1, .n_targets = 1};
    gr_source_options o = {.folder = ".", .wants = &w};
    gr_tree *source = yaml(&f, "{type: audio, folder: /nowhere, lengths: true, " SMALL "}");
    const gr_shape sample = GR_SHAPE(12, 6);
    char path[128];
    gr_set s;
    snprintf(path, sizeof path, "%s/d/low/b.wav", f.folder);
    test_ok(f.ctx, gr__set_raw(f.ctx, path, &sample, source, &o, &s));
    assert_true(s.one && s.n == 1 && s.n_targets == 0);
    assert_int_equal(s.field[0].length[0], 9);
    check_filled(&s, 0, 12, 9);
    gr__set_free(f.ctx, &s);
    snprintf(path, sizeof path, "%s/d/low", f.folder);
    test_ok(f.ctx, gr__set_raw(f.ctx, path, &sample, source, &o, &s));
    assert_true(!s.one && s.n == 2);
    assert_int_equal(s.field[0].length[0], 12);
    gr__set_free(f.ctx, &s);
    snprintf(path, sizeof path, "%s/d", f.folder);
    assert_int_equal(gr__set_raw(f.ctx, path, &sample, source, &o, &s), GR_E_DATA);
    assert_non_null(strstr(gr_context_error(f.ctx)->message, "holds no sound"));
    gr_context_clear_error(f.ctx);
    snprintf(path, sizeof path, "%s/d/high/notes.txt", f.folder);
    assert_int_equal(gr__set_raw(f.ctx, path, &sample, source, &o, &s), GR_E_FORMAT);
    assert_non_null(strstr(gr_context_error(f.ctx)->message, "is no sound: WAV, FLAC and OGG are read"));
    gr_context_clear_error(f.ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sounds_fill_up_to_the_longest, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(lengths_are_those_of_the_files, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(readers_give_the_same, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(damaged_ones_stop_or_are_left_out, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(wrong_settings_are_refused, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(a_table_gives_values, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(files_are_predicted, files_setup, files_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
