/* Synonyms: which words of a text change, and how. */
#include "files.h"

#include "data/augment.h"
#include "data/text/text.h"

enum { ROOM = 64 };

static const char words[] = "\xef\xbb\xbf# remarks\nbig\tlarge\r\n\nhappy\tglad\tcheerful\nthe\tTHE\n"
                            "don't\tdo not\ngr\xc3\xbc"
                            "n\tbl\xc3\xa4ulich\nbig\thuge\n";

static const char alphabet[] = " !',.-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/* The schema of lines of text: of bytes, or of characters, those of `alphabet` and two more. */
static gr_schema schema_of(bool chars)
{
    static int32_t symbol[64];
    gr__alphabet a;
    gr_schema s = {.unit = chars ? "char" : "byte", .lines = true};
    if (!chars) return s;
    test_ok(f.ctx, gr__alphabet_begin(&a, f.ctx, f.b));
    for (const char *c = alphabet; *c; c++) test_ok(f.ctx, gr__alphabet_count(&a, *c));
    test_ok(f.ctx, gr__alphabet_count(&a, 0xfc));
    test_ok(f.ctx, gr__alphabet_count(&a, 0xe4));
    test_ok(f.ctx, gr__alphabet_settle(&a, f.ctx, 0));
    memcpy(symbol, a.symbol, (size_t)a.n * sizeof *symbol);
    s.symbol = symbol;
    s.n_symbols = a.n;
    return s;
}

typedef struct changer {
    bool chars;
    gr_schema schema;
    gr_field x;
    gr_augmentation a;
} changer;

static gr_status make(changer *c, bool chars, int64_t room, const char *list)
{
    *c = (changer){.chars = chars, .schema = schema_of(chars)};
    c->x = (gr_field){.name = GR_LONE_INPUT, .sample = GR_SHAPE(room), .element = GR_EL_I32, .vocabulary = 256};
    const gr_augment_make like = {.x = &c->x, .shape = c->x.sample, .folder = f.folder, .schema = &c->schema};
    return gr__augmentation_make(f.ctx, f.b, yaml(&f, list), &like, 7, &c->a);
}

/* The text as it becomes, as bytes. */
static const char *changed(const changer *c, const char *text, uint32_t row, uint32_t epoch)
{
    static char out[4 * ROOM + 1];
    static _Alignas(64) char scratch[1 << 13];
    int32_t index[ROOM] = {0};
    int64_t room = c->x.sample.dim[0], n = 0;
    for (size_t i = 0; text[i] && n < room; n++) {
        int32_t unit = (unsigned char)text[i++];
        if (c->chars && unit >= 0x80) unit = (unit & 0x1f) << 6 | (text[i++] & 0x3f);
        for (int k = 0; c->chars && k < c->schema.n_symbols; k++)
            if (c->schema.symbol[k] == unit) {
                index[n] = GR__TEXT_FIRST + k;
                break;
            }
        if (!c->chars) index[n] = unit;
        if (c->chars && index[n] == 0) index[n] = GR__TEXT_UNKNOWN;
    }
    assert_true(c->a.scratch <= sizeof scratch);
    memset(scratch, 0xa5, sizeof scratch);
    gr_augment_sample s = {.index = index, .scratch = scratch, .shape = c->x.sample, .counts = n};
    gr__augmentation_run(&c->a, row, epoch, &s);
    size_t used = 0;
    for (int64_t i = 0; i < s.counts; i++) {
        int32_t unit = !c->chars                   ? index[i]
                       : index[i] < GR__TEXT_FIRST ? '?'
                                                   : c->schema.symbol[index[i] - GR__TEXT_FIRST];
        if (c->chars)
            used += gr__utf8_write(unit, out + used);
        else
            out[used++] = (char)unit;
    }
    for (int64_t i = s.counts; i < room; i++) assert_int_equal(index[i], GR__TEXT_PAD);
    out[used] = '\0';
    return out;
}

static void is_one_of(const char *got, const char *const *wanted, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(got, wanted[i]) == 0) return;
    fail_msg("\"%s\" is none of those", got);
}

static int setup(void **state)
{
    files_setup(state);
    put_text(&f, "words.tsv", words);
    return 0;
}

#define ALL "[{type: synonym, file: words.tsv, rate: 1}]"

static void listed_words_change_and_nothing_else(void **state)
{
    (void)state;
    changer c;
    static const char *const sizes[] = {"a large, cat!", "a huge, cat!"};
    static const char *const moods[] = {"The LARGE glad-cat", "The LARGE cheerful-cat", "The HUGE glad-cat",
                                        "The HUGE cheerful-cat"};
    for (int chars = 0; chars < 2; chars++) {
        test_ok(f.ctx, make(&c, chars, ROOM, ALL));
        for (uint32_t i = 0; i < 50; i++) {
            is_one_of(changed(&c, "a big, cat!", i, 0), sizes, 2);
            is_one_of(changed(&c, "The BIG happy-cat", i, 0), moods, 4);
            assert_string_equal(changed(&c, "bigger unhappy b-i-g'", i, 0), "bigger unhappy b-i-g'");
            assert_string_equal(changed(&c, "'Don't'", i, 0), "'Do not'");
            assert_string_equal(changed(&c, "", i, 0), "");
        }
    }
    assert_string_equal(changed(&c, "Gr\xc3\xbcn!", 0, 0), "Bl\xc3\xa4ulich!");
    assert_string_equal(changed(&c, "GR\xc3\xbcN \xc3\xb6", 0, 0), "Bl\xc3\xa4ulich ?"); /* what is unknown stays so */
    test_ok(f.ctx, make(&c, false, ROOM, ALL));
    assert_string_equal(changed(&c, "Gr\xc3\xbcn!", 0, 0), "Bl\xc3\xa4ulich!");
}

static void as_many_change_as_the_rate_says(void **state)
{
    (void)state;
    changer c;
    static const struct {
        const char *rate;
        int wanted;
    } cases[] = {{"0", 0}, {"0.01", 1}, {"0.1", 1}, {"0.25", 3}, {"0.4", 4}, {"1", 6}};
    for (size_t k = 0; k < GR_COUNT(cases); k++) {
        char list[100];
        int seen[6] = {0};
        snprintf(list, sizeof list, "[{type: synonym, file: words.tsv, rate: %s}]", cases[k].rate);
        test_ok(f.ctx, make(&c, false, ROOM, list));
        for (uint32_t i = 0; i < 300; i++) {
            char text[4 * ROOM + 1];
            int n = 0, at = 0;
            strcpy(text, changed(&c, "big big big big big big of a b c", i, 3)); /* 10 words */
            for (char *rest = text, *w; (w = strtok_r(rest, " ", &rest)) && at < 6; at++) {
                bool other = strcmp(w, "big") != 0;
                n += other;
                seen[at] += other;
            }
            assert_int_equal(n, cases[k].wanted);
        }
        for (int i = 0; i < 6; i++) /* each as often as another: within 5 standard deviations of 300 draws */
            assert_true(abs(6 * seen[i] - 300 * cases[k].wanted) < 6 * 45);
    }
}

static void draws_follow_row_and_epoch(void **state)
{
    (void)state;
    changer c, again;
    int differ = 0;
    test_ok(f.ctx, make(&c, true, ROOM, "[{type: synonym, file: words.tsv, rate: 0.5}]"));
    test_ok(f.ctx, make(&again, true, ROOM, "[{type: synonym, file: words.tsv, rate: 0.5}]"));
    for (uint32_t i = 0; i < 40; i++) {
        char first[ROOM * 4];
        strcpy(first, changed(&c, "big happy big happy big", i % 8, i / 8));
        assert_string_equal(changed(&again, "big happy big happy big", i % 8, i / 8), first);
        differ += strcmp(changed(&c, "big happy big happy big", i % 8, i / 8 + 1), first) != 0;
    }
    assert_true(differ > 20);
}

static void texts_are_cut_where_they_grow(void **state)
{
    (void)state;
    changer c;
    test_ok(f.ctx, make(&c, false, 12, ALL));
    for (uint32_t i = 0; i < 20; i++) {
        const char *got = changed(&c, "abc happy", i, 0);
        is_one_of(got, (const char *const[]){"abc glad", "abc cheerful"}, 2);
        got = changed(&c, "happy happy", i, 0);
        is_one_of(got, (const char *const[]){"glad glad", "glad cheerfu", "cheerful gla", "cheerful che"}, 4);
        assert_string_equal(changed(&c, "a cat is big", i, 0), "a cat is big"); /* perhaps a bigger word's begin */
    }
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"big large\n", "line 1: it has no tab between a word and its synonyms"},
        {"\n# x\n\tlarge\n", "line 3: it has no word before the tab"},
        {"very big\thuge\n", "line 1: what stands before the tab is not one word"},
        {"big\t\thuge\n", "line 1: a synonym is empty"},
        {"big\t \r\n", "line 1: a synonym is empty"},
        {"# nothing\n", "has no words"},
        {"", "has no words"},
    };
    changer c;
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        put_text(&f, "words.tsv", cases[i].text);
        assert_int_equal(make(&c, i % 2, ROOM, ALL), GR_E_DATA);
        const gr_error *e = gr_context_error(f.ctx);
        if (!strstr(e->message, cases[i].words)) fail_msg("%s (wanted %s)", e->message, cases[i].words);
        assert_string_equal(e->file, "r.yaml");
        gr_context_clear_error(f.ctx);
    }
    put_text(&f, "words.tsv", "big\t\xff\n");
    assert_int_equal(make(&c, true, ROOM, ALL), GR_E_FORMAT);
    gr_context_clear_error(f.ctx);
    assert_int_equal(make(&c, true, ROOM, "[{type: synonym, file: none.tsv}]"), GR_E_FILE);
    gr_context_clear_error(f.ctx);
    /* Running text, whose targets would no longer be what follows. */
    put_text(&f, "words.tsv", words);
    test_ok(f.ctx, make(&c, true, ROOM, ALL));
    c.schema.lines = false;
    const gr_augment_make like = {.x = &c.x, .shape = c.x.sample, .folder = f.folder, .schema = &c.schema};
    assert_int_equal(gr__augmentation_make(f.ctx, f.b, yaml(&f, ALL), &like, 7, &c.a), GR_E_CONFLICT);
    gr_context_clear_error(f.ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(listed_words_change_and_nothing_else, setup, files_teardown),
        cmocka_unit_test_setup_teardown(as_many_change_as_the_rate_says, setup, files_teardown),
        cmocka_unit_test_setup_teardown(draws_follow_row_and_epoch, setup, files_teardown),
        cmocka_unit_test_setup_teardown(texts_are_cut_where_they_grow, setup, files_teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_is_refused, setup, files_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
