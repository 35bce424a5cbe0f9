/* One schema for all tables: what the training learns of its own, evaluation and prediction read others by. */
#include "files.h"

#include <math.h>

#include "data/table/csv.h"

typedef struct heard { /* by the log */
    char text[1200];
} heard;

static heard log_;

static void hear(void *user, gr_log_level level, const char *text)
{
    heard *h = user;
    if (level != GR_LOG_INFO && level != GR_LOG_WARNING) return;
    snprintf(h->text + strlen(h->text), sizeof h->text - strlen(h->text), "%s\n", text);
}

static int setup(void **state)
{
    (void)state;
    log_ = (heard){0};
    files_make(&f, &(gr_context_options){.threads = 1, .log = hear, .user = &log_});
    return 0;
}

static gr_set learn(const char *text, const char *more, gr_target_kind want)
{
    char source[300];
    put_text(&f, "train.csv", text);
    snprintf(source, sizeof source, "{type: csv, file: train.csv%s%s}", more[0] ? ", " : "", more);
    return load_as(&f, source, want, false);
}

/* "1 2 | 3 4" */
static const char *inputs_text(const gr_set *s, char *out, size_t n)
{
    size_t used = 0, width = (size_t)gr_shape_count(s->field[0].sample);
    out[0] = '\0';
    for (size_t i = 0; i < (size_t)s->n * width; i++)
        used += (size_t)snprintf(out + used, n - used, "%s%g",
                                 !i          ? ""
                                 : i % width ? " "
                                             : " | ",
                                 gr__element_at(s->field[0].element, s->field[0].data, i));
    return out;
}

static gr_status predict(const gr_schema *like, const char *text, gr_set *s)
{
    char path[128];
    put_text(&f, "new.csv", text);
    snprintf(path, sizeof path, "%s/new.csv", f.folder);
    gr_source_options o = options_of(&f, GR_TARGET_CLASS, false);
    o.schema = like;
    return gr__set_raw(f.ctx, path, &GR_SHAPE(like->n_inputs), NULL, &o, s);
}

static gr_status evaluate(const gr_schema *like, const char *text, const char *more, gr_set *s)
{
    char source[300];
    put_text(&f, "new.csv", text);
    snprintf(source, sizeof source, "{type: csv, file: new.csv%s%s}", more[0] ? ", " : "", more);
    gr_source_options o = options_of(&f, GR_TARGET_CLASS, false);
    o.schema = like;
    gr_set info;
    gr_tree *tree = yaml(&f, source);
    gr_status st = gr__set_info(f.ctx, tree, &o, &info);
    if (st == GR_OK) st = gr__set_load(f.ctx, tree, &o, s);
    if (st == GR_OK) assert_int_equal(s->n, info.n);
    return st;
}

#define HEADER "a,b,c,y\n"
#define NUMERIC "2001,2002,2003,2000\n"

typedef struct reading {
    const char *train, *settings; /* of the training */
    const char *other, *more;     /* another table, and what its source says; more NULL: for prediction */
    const char *wanted;           /* its inputs; NULL: refused with these words */
    const char *words;            /* of the log or of the refusal */
} reading;

static const reading readings[] = {
    /* by name, whatever the order, with the target and without, and with columns that nobody asked for */
    {HEADER "1,2,3,0\n", "target: y", "c,b,a\n3,2,1\n6,5,4\n", NULL, "1 2 3 | 4 5 6", ""},
    {HEADER "1,2,3,0\n", "target: y", "y,c,z,b,a\ncat,3,x,2,1\n", NULL, "1 2 3", ""},
    {HEADER "1,2,3,0\n", "target: y", "y,c,z,b,a\n1,3,x,2,1\n", "", "1 2 3", ""},
    {HEADER "1,2,3,0\n", "target: 3", "y,c,z,b,a\n1,3,x,2,1\n", "target: 3", "1 2 3", ""},
    {HEADER "1,2,3,0\n", "target: y, columns: [c, a]", "c,b,a\n3,2,1\n6,5,4\n", NULL, "3 1 | 6 4", ""},
    {HEADER "1,2,3,0\n", "target: y, columns: [2, 0]", "a,b,c,y\n1,2,3,0\n", "target: y, columns: [a, c]", "3 1", ""},
    {HEADER "1,2,3,0\n", "target: y, columns: [c, a]", "A,C,y\n1,3,0\n", "columns: [C, A]", "3 1", ""},
    {HEADER "1,2,3,0\n", "target: y", "c,b\n3,2\n", NULL, NULL, "no column \"a\""},
    {HEADER "1,2,3,0\n", "target: y", "c,b,a\n3,2,1\n", "", NULL, "no column \"y\""},
    {HEADER "1,2,3,0\n", "target: y", "c,b,a,b\n3,2,1,4\n", NULL, NULL, "columns 2 and 4 are both called \"b\""},
    {HEADER "1,2,3,0\n", "target: y", "c,b,a,z,z\n3,2,1,4,5\n", NULL, "1 2 3", ""},
    /* names that are numbers: what the recipe said of the header holds */
    {NUMERIC "1,2,3,0\n", "target: 2000, header: true", NUMERIC "1,2,3,0\n4,5,6,1\n", NULL, "1 2 3 | 4 5 6", ""},
    {NUMERIC "1,2,3,0\n", "target: 2000, header: true", "2003,2001,2002\n3,1,2\n", NULL, "1 2 3", ""},
    {NUMERIC "1,2,3,0\n", "target: 2000, header: true", NUMERIC "1,2,3,1\n", "", "1 2 3", ""},
    {NUMERIC "1,2,3,0\n", "target: 2000, header: true", "1,2,3,0\n", NULL, NULL, "no column \"2001\""},
    {"1,2,3,0\n4,5,6,1\n", "target: 3, header: false", "a,b,c,y\n1,2,3,0\n", NULL, NULL, "\"a\" is not a number"},
    /* without names: where they stood */
    {"1,2,3,0\n4,5,6,1\n", "target: 3", "1,2,3,0\n", NULL, "1 2 3", "is the first sample and names nothing"},
    {"1,2,3,0\n4,5,6,1\n", "target: 3", "1,2,3\n", NULL, "1 2 3", "by position: 0, 1, 2"},
    {"1,2,3,0\n4,5,6,1\n", "target: 1, columns: [3, 0]", "1,2,3,0\n", NULL, "0 1", "by position: 3, 0"},
    {"1,2,3,0\n4,5,6,1\n", "target: 1, columns: [3, 0]", "1,3,0\n", NULL, "0 1", "by position: 2, 0"},
    {"1,2,3,0\n4,5,6,1\n", "target: 1, columns: [3, 0]", "1,3\n", NULL, "1 3", "by position: 0, 1"},
    {"1,2,3,0\n4,5,6,1\n", "target: 1, columns: [3, 0]", "1,2,3,0\n", "", "0 1", ""},
    {"1,2,3,0\n4,5,6,1\n", "target: 1, columns: [3, 0]", "1,2,3,0\n", "target: 1, columns: [3, 0]", "0 1", ""},
    {"1,2,3,0\n4,5,6,1\n", "target: 1", "1\n2\n", NULL, NULL, "has 1 column without names, but the model takes 3"},
    {"1,2,3,0\n4,5,6,1\n", "target: 1", "1,2,3,4,5\n", NULL, NULL, "has 5 columns without names"},
    {"1,2,3,0\n4,5,6,1\n", "target: 1", "1,2,3\n", "", NULL, "has 3 columns, but the training's table had 4"},
    {"1,2,3,0\n4,5,6,1\n", "target: 3", "0,1,2,3\n", "target: 0", "1 2 3", ""},
    /* one of both has names */
    {HEADER "1,2,3,0\n", "target: y", "1,2,3\n", NULL, "1 2 3", "0 for \"a\", 1 for \"b\", 2 for \"c\""},
    {HEADER "1,2,3,0\n", "target: a, columns: [c, b]", "9,2,3,9\n", NULL, "3 2", "2 for \"c\", 1 for \"b\""},
    {HEADER "1,2,3,0\n", "target: y", "1,2,3,0\n", "target: y", "1 2 3", "2 for \"c\""},
    {HEADER "1,2,3,0\n", "target: y", "1,2,3,cat\n", NULL, "1 2 3", ""},
    {"1,2,3,0\n4,5,6,1\n", "target: 3", "u,v,w\n1,2,3\n", NULL, "1 2 3", "is names, but the training's table had none"},
    {"1,2,3,0\n4,5,6,1\n", "target: 3", "u,v,w,x\n1,2,3,0\n", "", "1 2 3", "is names"},
    /* missing values and delimiters are the training's, unless the source says otherwise */
    {HEADER "1,2,-999,0\n", "target: y, missing: [-999]", "a,b,c\n1,-999.0,3\n", NULL, "1 nan 3", ""},
    {HEADER "1,2,NA,0\n", "target: y, missing: [NA]", "a,b,c,y\n1,NA,3,0\n", "", "1 nan 3", ""},
    {HEADER "1,2,NA,0\n", "target: y, missing: [NA]", "a,b,c,y\n1,NA,3,0\n", "missing: [X]", NULL, "\"NA\" is not"},
    {"a;b;c;y\n1;2;3;0\n", "target: y, delimiter: ;", "a;b;c\n1;2;3\n", NULL, "1 2 3", ""},
    {"a;b;c;y\n1;2;3;0\n", "target: y, delimiter: ;", "a,b,c\n1,2,3\n", NULL, NULL, "no column \"a\""},
    {"a;b;c;y\n1;2;3;0\n", "target: y, delimiter: ;", "a,b,c,y\n1,2,3,0\n", "delimiter: |", NULL, "no column"},
    {"a;b;c;y\n1;2;3;0\n", "target: y", "a,b,c\n1,2,3\n", NULL, "1 2 3", ""},
    {"a,b c d e f,c,y\n1,2,3,0\n", "target: y", "a,b c d e f,c\n1,2 ,3\n", NULL, "1 2 3", ""},
    /* dresses */
    {HEADER "1,2,3,0\n", "target: y", "\xEF\xBB\xBF\"a\",\"b\",\"c\"\r\n1,2,3\r\n\r\n", NULL, "1 2 3", ""},
    {HEADER "1,2,3,0\n", "target: y", "a,b,c\r1,2,3\r\r", NULL, "1 2 3", ""},
    {"a,\"b\n2\",c,y\n1,2,3,0\n", "target: y", "c,\"b\n2\",a\n3,2,1\n", NULL, "1 2 3", ""},
    {" a ,\" b\",c,\" y\"\n1,2,3,0\n", "target: y", "\"a \",b,\tc\n1,2,3\n", NULL, "1 2 3", ""},
    {"a,b,c,\n1,2,3,0\n", "target: 3", "a,b,c,\n1,2,3,\n", NULL, "1 2 3", ""}, /* the target's name is empty */
};

static void other_tables_are_read_as_the_trainings(void **state)
{
    (void)state;
    for (size_t i = 0; i < GR_COUNT(readings); i++) {
        const reading *c = &readings[i];
        char got[200];
        gr_set train = learn(c->train, c->settings, GR_TARGET_CLASS), s = {0};
        assert_non_null(train.schema);
        log_ = (heard){0};
        gr_status st = c->more ? evaluate(train.schema, c->other, c->more, &s) : predict(train.schema, c->other, &s);
        const char *said = st == GR_OK ? log_.text : gr_context_error(f.ctx)->message;
        const char *is = st == GR_OK ? inputs_text(&s, got, sizeof got) : "refused";
        if (strcmp(is, c->wanted ? c->wanted : "refused") != 0 || !strstr(said, c->words))
            fail_msg("row %zu, %s with %s, then %s: %s: %s", i, c->train, c->settings, c->other, is, said);
        if (st == GR_OK && c->more) assert_int_equal(s.field[1].kind, GR_TARGET_CLASS);
        if (st == GR_OK && !c->more) assert_int_equal(s.field[1].kind, GR_TARGET_NONE);
        gr_context_clear_error(f.ctx);
        gr__set_free(f.ctx, &s);
        gr__set_free(f.ctx, &train);
    }
}

/* Models of older versions: what their recipe and the names of their inputs tell. */
static void older_models_are_read_or_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b"};
    static const struct {
        const char *source;
        bool named;
        const char *table, *wanted, *words;
    } cases[] = {
        {"{type: csv, target: y, missing: [-1]}", true, "b,a,y\n2,1,0\n-1.0,4,0\n", "1 2 | 4 nan", ""},
        {"{type: csv, target: y}", true, "1,2\n", "1 2", ""},
        {"{type: csv, target: y}", true, "1,2,3\n", NULL, "has 3 columns without names"},
        {"{type: csv, target: y, columns: [b, a]}", true, "b,a\n2,1\n", "1 2", ""},
        {"{type: csv, target: 1}", false, "1,0,2\n", "1 2", ""},
        {"{type: csv, target: 1}", false, "1,2\n", "1 2", ""},
        {"{type: csv, target: 1, columns: [2, 0]}", false, "1,0,2\n", NULL, "has 3 columns without names"},
        {"{type: csv, target: 1, columns: [2, 0]}", false, "1,2\n", "1 2", ""},
        {"{type: csv, target: none, header: true, delimiter: ;}", true, "b;a\n2;1\n", "1 2", ""},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        gr_schema like;
        char got[200];
        gr_set s = {0};
        test_ok(f.ctx,
                gr__schema_of_source(f.ctx, f.b, yaml(&f, cases[i].source), cases[i].named ? names : NULL, 2, &like));
        gr_status st = predict(&like, cases[i].table, &s);
        const char *is = st == GR_OK ? inputs_text(&s, got, sizeof got) : "refused";
        if (strcmp(is, cases[i].wanted ? cases[i].wanted : "refused") != 0)
            fail_msg("%s, then %s: %s: %s", cases[i].source, cases[i].table, is, gr_context_error(f.ctx)->message);
        if (st != GR_OK) assert_non_null(strstr(gr_context_error(f.ctx)->message, cases[i].words));
        gr_context_clear_error(f.ctx);
        gr__set_free(f.ctx, &s);
    }
}

static void first_lines_are_told_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *more, *words; /* of the log, or of the refusal */
        int64_t n;                       /* 0: refused */
    } told[] = {
        {"a,b\n1,2\n", "", "line 1 is taken as the columns' names: \"a\", \"b\"", 1},
        {"\n\na,b\n1,2\n", "", "line 3 is taken as the columns' names", 1},
        {"1,2\n3,4\n", "", "line 1 is taken as the first sample", 2},
        {"NA,2\n3,4\n", "missing: [NA]", "line 1 is taken as the first sample", 2},
        {"NA,2.5,0\n1,2,1\n", "", "line 1, column 1: \"NA\" is text beside numbers", 0},
        {"5.1,3.5,setosa\n4.9,3.0,virginica\n", "target: 2", "line 1, column 3: \"setosa\" is text beside numbers", 0},
        {"\n150,4,a,b\n5.1,3.5,1.4,0\n", "target: 3", "line 2, column 3: \"a\" is text beside numbers", 0},
        {"?\n1\n2\n", "", "line 1, column 1: \"?\" may be a name", 0},
        {"NA,-\n1,2\n2,1\n", "", "line 1, column 1: \"NA\" may be a name", 0},
        {"NA,x\nNA,y\n", "missing: [NA], target: 1", "line 1, column 2: \"x\" is text beside missing values", 0},
    };
    for (size_t i = 0; i < GR_COUNT(told); i++) {
        char source[300];
        put_text(&f, "t.csv", told[i].text);
        snprintf(source, sizeof source, "{type: csv, file: t.csv%s%s}", told[i].more[0] ? ", " : "", told[i].more);
        log_ = (heard){0};
        if (told[i].n == 0) {
            refuse(&f, source, GR_TARGET_CLASS, GR_E_DATA, told[i].words);
            continue;
        }
        gr_set s = load_as(&f, source, GR_TARGET_NONE, false);
        if (s.n != told[i].n || !strstr(log_.text, told[i].words))
            fail_msg("%s: %lld rows: %s", told[i].text, (long long)s.n, log_.text);
        gr__set_free(f.ctx, &s);
    }
}

static void equal_names_are_refused(void **state)
{
    (void)state;
    static const char *const bad[][3] = {
        {"a,b,a,y\n1,2,3,0\n", "target: y", "line 1, column 3: columns 1 and 3 are both called \"a\""},
        {"y,b,y\n0,2,3\n", "target: y", "columns 1 and 3 are both called \"y\""},
        {"a,\" a \",y\n1,2,0\n", "target: y", "columns 1 and 2 are both called \"a\""},
        {"a, a,y\n1,2,0\n", "target: y", "columns 1 and 2 are both called \"a\""},
        {"a,,,y\n1,2,3,0\n", "target: y", "columns 2 and 3 are both called \"\""},
        {"1,1,y\n1,2,0\n", "target: y, header: true", "columns 1 and 2 are both called \"1\""},
        {"a,b,a,y\n1,2,3,0\n", "target: y, columns: [0, 1]", "columns 1 and 3 are both called \"a\""},
    };
    for (size_t i = 0; i < GR_COUNT(bad); i++) {
        char source[300];
        put_text(&f, "t.csv", bad[i][0]);
        snprintf(source, sizeof source, "{type: csv, file: t.csv, %s}", bad[i][1]);
        refuse(&f, source, GR_TARGET_CLASS, GR_E_DATA, bad[i][2]);
    }
    gr_set s = learn("a,b,z,z,y\n1,2,3,4,0\n", "target: y, columns: [a, b]", GR_TARGET_CLASS); /* nobody needs them */
    assert_int_equal(s.field[0].sample.dim[0], 2);
    gr__set_free(f.ctx, &s);
    s = learn("a,A,y\n1,2,0\n", "target: y", GR_TARGET_CLASS);
    gr__set_free(f.ctx, &s);
}

static void labels_are_numbers_only_if_plain(void **state)
{
    (void)state;
    static const struct {
        const char *labels[4];
        int classes;
        bool named;
        int32_t y[4];
    } cases[] = {
        {{"0", "1", "2", "1"}, 3, false, {0, 1, 2, 1}},   {{"10", "3", "0", "1"}, 11, false, {10, 3, 0, 1}},
        {{"01", "1", "1", "01"}, 2, true, {0, 1, 1, 0}},  {{"1.0", "0.0", "2.0", "1.0"}, 3, true, {1, 0, 2, 1}},
        {{"-1", "1", "1", "-1"}, 2, true, {0, 1, 1, 0}},  {{"+1", "1", "1", "1"}, 2, true, {0, 1, 1, 1}},
        {{"1e0", "1", "0", "0"}, 3, true, {2, 1, 0, 0}},  {{"\" 1\"", "1", "1", "1"}, 2, true, {0, 1, 1, 1}},
        {{"00", "0", "000", "0"}, 3, true, {1, 0, 2, 0}}, {{"1", "0", "1.5", "0"}, 3, true, {1, 0, 2, 0}},
        {{"a", "1", "01", "a"}, 3, true, {2, 1, 0, 2}},   {{"\"0\"", "1", "\"1\"", "0"}, 2, false, {0, 1, 1, 0}},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        char text[200];
        const char *const *l = cases[i].labels;
        snprintf(text, sizeof text, "x,y\n1,%s\n2,%s\n3,%s\n4,%s\n", l[0], l[1], l[2], l[3]);
        gr_set s = learn(text, "target: y", GR_TARGET_CLASS);
        if (s.field[1].classes != cases[i].classes || (s.field[1].class_names != NULL) != cases[i].named)
            fail_msg("%s: %d classes, %s", text, s.field[1].classes, s.field[1].class_names ? "texts" : "numbers");
        for (int k = 0; k < 4; k++) assert_int_equal(((int32_t *)s.field[1].data)[k], cases[i].y[k]);
        gr__set_free(f.ctx, &s);
    }
}

/* One label that is not plain makes texts of all: that is said unless others are texts too. What is plain but too large
 * for a class is no text. */
static void odd_labels_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *labels, *words;
    } cases[] = {
        {"0\n1\n2.0\n", "\"2.0\" in line 4 is a number"},
        {"-1\n1\n-1\n", "\"-1\" in line 2 is a number"},
        {"0\n1\nNaN\n", "\"NaN\" in line 4 stands among whole numbers"},
        {"inf\n1\n0\n", "\"inf\" in line 2 stands among whole numbers"},
        {"0\nNA\n1\n", "\"NA\" in line 3 stands among whole numbers"},
        {"?\n0\n1\n", "\"?\" in line 2 stands among whole numbers"},
        {"0\nNA\ndog\n", NULL},
        {"NA\nnone\nNA\n", NULL},
        {"0\ndog\n1\n", NULL},
        {"0\n1\n2\n", NULL},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        char text[200], *row = text + sprintf(text, "x,y\n");
        for (const char *l = cases[i].labels; *l; l += strcspn(l, "\n") + 1)
            row += sprintf(row, "1,%.*s\n", (int)strcspn(l, "\n"), l);
        log_ = (heard){0};
        gr_set s = learn(text, "target: y", GR_TARGET_CLASS);
        const char *said = strstr(log_.text, "taken as texts");
        if (cases[i].words ? !said || !strstr(said, cases[i].words) : said != NULL)
            fail_msg("%s: \"%s\"", text, log_.text);
        gr__set_free(f.ctx, &s);
    }
    static const char *const large[] = {"16777216", "5000000000", "18446744073709551616",
                                        "123456789012345678901234567890"};
    for (size_t i = 0; i < GR_COUNT(large); i++) {
        char text[200], words[100];
        snprintf(text, sizeof text, "x,y\n1,0\n2,%s\n3,1\n", large[i]);
        snprintf(words, sizeof words, "line 3, column 2 (y): \"%s\" is not a class: whole numbers from 0 to 16777215",
                 large[i]);
        put_text(&f, "t.csv", text);
        log_ = (heard){0};
        refuse(&f, "{type: csv, file: t.csv, target: y}", GR_TARGET_CLASS, GR_E_DATA, words);
        assert_null(strstr(log_.text, "taken as texts"));
    }
}

/* Other data's labels mean what the training's do, or are refused; they never start a numbering of their own. */
static void labels_of_other_data_are_the_trainings(void **state)
{
    (void)state;
    gr_set s = {0}, numbers = learn("x,y\n1,0\n2,1\n3,2\n", "target: y", GR_TARGET_CLASS);
    static const char *const bad[] = {"x,y\n1,01\n", "x,y\n1,cat\n2,dog\n", "x,y\n1,1.0\n"};
    for (size_t i = 0; i < GR_COUNT(bad); i++) {
        assert_int_equal(evaluate(numbers.schema, bad[i], "", &s), GR_E_DATA);
        assert_non_null(strstr(gr_context_error(f.ctx)->message, "is not a class"));
        assert_non_null(strstr(gr_context_error(f.ctx)->hint, "whole numbers"));
        gr_context_clear_error(f.ctx);
    }
    test_ok(f.ctx, evaluate(numbers.schema, "y,x\n2,5\n", "", &s));
    assert_int_equal(((int32_t *)s.field[1].data)[0], 2);
    gr__set_free(f.ctx, &s);
    gr__set_free(f.ctx, &numbers);

    gr_set texts = learn("x,y\n1,01\n2,1\n3,\"say \"\"x\"\"\"\n", "target: y", GR_TARGET_CLASS);
    test_ok(f.ctx, evaluate(texts.schema, "y,x\n\"say \"\"x\"\"\",5\n1,6\n01,7\n", "", &s));
    for (int i = 0; i < 3; i++) assert_int_equal(((int32_t *)s.field[1].data)[i], 2 - i);
    assert_string_equal(s.field[1].class_names[2], "say \"x\"");
    gr__set_free(f.ctx, &s);
    assert_int_equal(evaluate(texts.schema, "x,y\n1,001\n", "", &s), GR_E_DATA);
    assert_non_null(strstr(gr_context_error(f.ctx)->message, "\"001\" is none of the classes"));
    gr_context_clear_error(f.ctx);
    gr__set_free(f.ctx, &texts);
}

static void sentinels_match_by_value_or_by_text(void **state)
{
    (void)state;
    static const struct {
        const char *missing, *value;
        bool matches;
    } cases[] = {
        {"-999", "-999", true},      {"-999", "-999.0", true}, {"-999", "-9.99e2", true},
        {"-999", "\"-999.\"", true}, {"-999", "-998", false},  {"-999.0", "-999", true},
        {"9999", "+9999", true},     {"0.1", ".1", true},      {"0.1", "0.10001", false},
        {"1e30", "1000e27", true},   {"nan", "NaN", true},     {"inf", "Infinity", true},
        {"inf", "-inf", false},      {"NA", "NA", true},       {"NA", "na", false},
        {"NA", "NAN", false},        {"0", "-0.0", true},      {"-9007199254740993", "-9007199254740992", true},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        char text[100], settings[100];
        snprintf(text, sizeof text, "a,b\n%s,1\n", cases[i].value);
        snprintf(settings, sizeof settings, "missing: [%s]", cases[i].missing);
        put_text(&f, "t.csv", text);
        char source[200];
        snprintf(source, sizeof source, "{type: csv, file: t.csv, header: true, %s}", settings);
        gr_source_options o = options_of(&f, GR_TARGET_NONE, false);
        gr_set s = {0};
        gr_status st = gr__set_load(f.ctx, yaml(&f, source), &o, &s);
        bool matched = st == GR_OK && isnan(gr__element_at(s.field[0].element, s.field[0].data, 0));
        if (matched != cases[i].matches) fail_msg("missing: [%s] and %s", cases[i].missing, cases[i].value);
        if (st != GR_OK) gr_context_clear_error(f.ctx);
        gr__set_free(f.ctx, &s);
    }
}

static void bytes_that_are_no_text_have_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        const char *words;
    } cases[] = {
        {"a,b,y\n1,2,Gr\xFC\xDF"
         "e\n",
         16, "line 2, column 3: the byte 0xfc is not UTF-8"},
        {"a,\xE9,y\n1,2,0\n", 12, "line 1, column 2: the byte 0xe9 is not UTF-8"},
        {"a,b,y\r\n1,2,0\r\n1,2,\xC3\r\n", 22, "line 3, column 3: the byte 0xc3 is not UTF-8"},
        {"a,b,y\r1,2,\"x\ry\"\r1,2,\x80\r", 22, "line 4, column 3: the byte 0x80 is not UTF-8"},
        {"a,b,y\n1,2,\xED\xA0\x80\n", 14, "line 2, column 3: the byte 0xed is not UTF-8"},
        {"a,b,y\n1,\0"
         "2,0\n",
         13, "line 2, column 2: a NUL byte is no text"},
        {"a\0,b,y\n1,2,0\n", 13, "line 1, column 1: a NUL byte is no text"},
        {"\xFF\xFE"
         "a\0,\0b\0\n\0",
         10, "line 1, column 1: the text is UTF-16"},
        {"\xFE\xFF\0a\0,\0b\0\n", 10, "the text is UTF-16"},
        {"a,b,y\n1,2,\"x\n3,4\r\n,\xFF\n\"\n", 22, "line 4, column 3: the byte 0xff is not UTF-8"},
        {"a,b,y\n1,2,0\n1,2,0\n1,2,0\n1,2,0\n1,2,\xF5\n", 37, "line 6, column 3: the byte 0xf5"},
    };
    static const char *const names[] = {"a", "b"};
    const gr_schema like = {.table = true, .delimiter = ',', .n_inputs = 2, .name = names};
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        gr_set s = {0};
        char path[128];
        put_file(&f, "t.csv", cases[i].bytes, cases[i].n);
        refuse(&f, "{type: csv, file: t.csv, target: y}", GR_TARGET_CLASS, GR_E_DATA, cases[i].words);
        snprintf(path, sizeof path, "%s/t.csv", f.folder);
        gr_source_options o = options_of(&f, GR_TARGET_CLASS, false);
        o.schema = &like;
        assert_int_equal(gr__set_raw(f.ctx, path, &GR_SHAPE(2), NULL, &o, &s), GR_E_DATA);
        assert_non_null(strstr(gr_context_error(f.ctx)->message, cases[i].words));
        gr_context_clear_error(f.ctx);
    }
    gr_set s = learn("gr\xC3\xB6\xC3\x9F"
                     "e,y\n1,\xF0\x9F\x90\x9D\n2,\xE2\x82\xAC\n",
                     "target: y", GR_TARGET_CLASS);
    assert_string_equal(s.field[1].class_names[1], "\xF0\x9F\x90\x9D");
    gr__set_free(f.ctx, &s);
}

static void advice_fits_the_field(void **state)
{
    (void)state;
    static const struct {
        const char *value, *hint;
    } cases[] = {
        {"\"1,5\"", "decimal point"},
        {"\"1.234,5\"", "decimal point"},
        {"\"1,234,567\"", "decimal point"},
        {"1 000", "decimal point"},
        {"TRUE", "1 and 0"},
        {"no", "1 and 0"},
        {"3%", "without the sign"},
        {"\"3,5 %\"", "without the sign"},
        {"2020-01-31", "date"},
        {"12:30", "date"},
        {"$3.50", "the number alone"},
        {"3 kg", "the number alone"},
        {"red", "missing: [\"red\"]"},
        {"NA", "missing: [\"NA\"]"},
        {"NaN", "missing: [\"NaN\"]"},
        {"-nan", "missing: [\"-nan\"]"},
        {"", "missing: [\"\"]"},
        {"inf", "infinite"},
        {"-Infinity", "infinite"},
        {"1e999", "beyond what float64"},
        {"-1e39", "precision: float64"},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        char text[200];
        snprintf(text, sizeof text, "a,b,y\n1,2,0\n2,%s,0\n", cases[i].value);
        put_text(&f, "t.csv", text);
        gr_source_options o = options_of(&f, GR_TARGET_CLASS, false);
        gr_set s = {0};
        gr_status st = gr__set_load(f.ctx, yaml(&f, "{type: csv, file: t.csv, target: y}"), &o, &s);
        const char *hint = gr_context_error(f.ctx)->hint;
        bool declares = strstr(hint, "missing") != NULL;
        if (st != GR_E_DATA || !strstr(hint, cases[i].hint) || declares != (strncmp(cases[i].hint, "miss", 4) == 0))
            fail_msg("%s: %s", cases[i].value, hint);
        gr_context_clear_error(f.ctx);
    }
    /* A column of text throughout: it holds categories, or is left out. */
    put_text(&f, "t.csv", "a,color,size,y\n1,red,2,0\n2,blue,3,1\n");
    refuse(&f, "{type: csv, file: t.csv, target: y}", GR_TARGET_CLASS, GR_E_DATA, "column 2 (color): \"red\"");
    gr_source_options o = options_of(&f, GR_TARGET_CLASS, false);
    gr_set s = {0};
    assert_int_equal(gr__set_load(f.ctx, yaml(&f, "{type: csv, file: t.csv, target: y}"), &o, &s), GR_E_DATA);
    const char *hint = gr_context_error(f.ctx)->hint;
    assert_non_null(strstr(hint, "columns: [\"*\", {name: color, as: category}]"));
    assert_non_null(strstr(hint, "as: ignore"));
    assert_null(strstr(hint, "missing"));
    gr_context_clear_error(f.ctx);
}

/* The hint of a table that is refused, as training data (like NULL) or by predict; one that names no key of a recipe
 * there. */
static void check_hint(const gr_schema *like, const char *more, gr_target_kind want, const char *text,
                       const char *words)
{
    char source[200];
    gr_set s = {0};
    gr_source_options o = options_of(&f, want, false);
    put_text(&f, "t.csv", text);
    snprintf(source, sizeof source, "{type: csv, file: t.csv%s%s}", more ? ", " : "", more ? more : "");
    gr_status st = like ? predict(like, text, &s) : gr__set_load(f.ctx, yaml(&f, source), &o, &s);
    const char *hint = gr_context_error(f.ctx)->hint;
    static const char *const keys[] = {"missing:", "columns: [", "header:", "precision:"};
    if (st != GR_E_DATA || !strstr(hint, words)) fail_msg("%s: \"%s\", not \"%s\"", text, hint, words);
    for (size_t i = 0; like && i < GR_COUNT(keys); i++)
        if (strstr(hint, keys[i])) fail_msg("%s: predict's hint names a key: %s", text, hint);
    gr_context_clear_error(f.ctx);
}

/* Whoever predicts has a table to change and no recipe. */
static void advice_of_predict_is_about_the_table(void **state)
{
    (void)state;
    gr_set named = learn("a,b,y\n1,2,0\n3,4,1\n", "target: y, header: true", GR_TARGET_CLASS);
    gr_set bare = learn("1,2,0\n3,4,1\n", "target: 2, header: false", GR_TARGET_CLASS);
    gr_set holes = learn("a,b,y\n1,NA,0\n3,-9,1\n1,1,1\n", "target: y, missing: [NA, -9]", GR_TARGET_CLASS);
    static const char *const fields[][2] = {
        {"", "knows no missing values"},
        {"NA", "knows no missing values"},
        {"nan", "knows no missing values"},
        {"inf", "infinite"},
        {"TRUE", "1 and 0"},
        {"\"1,5\"", "decimal point"},
        {"red", "training's column held"},
        {"1e39", "trained in float32"},
        {"3%", "without the sign"},
    };
    for (size_t i = 0; i < GR_COUNT(fields); i++) {
        char text[100];
        snprintf(text, sizeof text, "a,b\n1,%s\n", fields[i][0]);
        check_hint(named.schema, NULL, 0, text, fields[i][1]);
    }
    check_hint(holes.schema, NULL, 0, "a,b\n1,\n", "\"NA\" or \"-9\" stood for a missing value");
    check_hint(bare.schema, NULL, 0, "a,b\n1,2\n", "if line 1 holds names, take it away");
    check_hint(bare.schema, NULL, 0, "a,b,y\n1,2,0\n", "if line 1 holds names, take it away");
    check_hint(named.schema, NULL, 0, "1,2\n3,4\n", "\"1\" seems to be of a sample");
    check_hint(named.schema, NULL, 0, "a,7,x\n3,4,5\n", "\"7\" seems to be of a sample");
    check_hint(named.schema, NULL, 0, "a,c\n3,4\n", "line 1 names 2 columns: a, c");
    check_hint(bare.schema, NULL, 0, "1,x\n3,x\n", "training's column held");
    check_hint(&(gr_schema){.n_inputs = 2}, NULL, 0, "1,x\n2,3\n", "put a line of names above it");
    check_hint(&(gr_schema){.n_inputs = 2}, NULL, 0, "1,NA\n2,3\n", "put a line of names above it");
    check_hint(NULL, "target: 2, header: false", GR_TARGET_CLASS, "a,b,y\n1,2,0\n", "say `header: true`");
    check_hint(NULL, "target: y, header: true", GR_TARGET_CLASS, "1,2,0\n3,4,1\n", "say `header: false`");
    check_hint(NULL, "target: y", GR_TARGET_VALUE, "a,y\n1,2\n2,NaN\n", "leave the row out");
    check_hint(NULL, "target: y", GR_TARGET_VALUE, "a,y\n1,2\n2,\n", "leave the row out");
    gr_set s = {0};
    assert_int_equal(predict(bare.schema, "x, x\n1,2\n", &s), GR_E_DATA);
    gr_context_clear_error(f.ctx);
    gr__set_free(f.ctx, &named);
    gr__set_free(f.ctx, &bare);
    gr__set_free(f.ctx, &holes);
}

/* Reading by a schema that names everything: each allocation fails in turn, and nothing stays behind. */
static void every_failing_allocation_is_reported(void **state)
{
    (void)state;
    gr_set train = learn("a,b,y\n1,NA,cat\n2,3,\"say \"\"x\"\"\"\n", "target: y, missing: [NA]", GR_TARGET_CLASS);
    for (int predicts = 0; predicts < 2; predicts++) {
        gr_status st = GR_E_MEMORY;
        for (uint64_t k = 1; st != GR_OK; k++) {
            gr_set s = {0};
            uint64_t bytes = gr_context_bytes(f.ctx);
            gr__fail_acquisition(f.ctx, k);
            st = predicts ? predict(train.schema, "b,a\n1,2\nNA,3\n", &s)
                          : evaluate(train.schema, "b,a,y\n1,2,\"say \"\"x\"\"\"\nNA,3,cat\n", "", &s);
            gr__fail_acquisition(f.ctx, 0);
            if (st != GR_OK) assert_int_equal(st, GR_E_MEMORY);
            gr_context_clear_error(f.ctx);
            gr__set_free(f.ctx, &s);
            assert_int_equal(gr_context_bytes(f.ctx), bytes);
            assert_true(k < 1000);
        }
    }
    const gr_schema *copy = NULL;
    for (uint64_t k = 1; !copy; k++) {
        gr__bump *b = gr__bump_create(f.ctx);
        gr__fail_acquisition(f.ctx, k);
        copy = gr__schema_copy(b, train.schema);
        gr__fail_acquisition(f.ctx, 0);
        gr_context_clear_error(f.ctx);
        if (copy) assert_string_equal(copy->target[0].class_names[1], "say \"x\"");
        gr__bump_destroy(b);
    }
    gr__set_free(f.ctx, &train);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(other_tables_are_read_as_the_trainings, setup, files_teardown),
        cmocka_unit_test_setup_teardown(older_models_are_read_or_refused, setup, files_teardown),
        cmocka_unit_test_setup_teardown(first_lines_are_told_or_refused, setup, files_teardown),
        cmocka_unit_test_setup_teardown(equal_names_are_refused, setup, files_teardown),
        cmocka_unit_test_setup_teardown(labels_are_numbers_only_if_plain, setup, files_teardown),
        cmocka_unit_test_setup_teardown(odd_labels_are_told, setup, files_teardown),
        cmocka_unit_test_setup_teardown(labels_of_other_data_are_the_trainings, setup, files_teardown),
        cmocka_unit_test_setup_teardown(sentinels_match_by_value_or_by_text, setup, files_teardown),
        cmocka_unit_test_setup_teardown(bytes_that_are_no_text_have_their_place, setup, files_teardown),
        cmocka_unit_test_setup_teardown(advice_fits_the_field, setup, files_teardown),
        cmocka_unit_test_setup_teardown(advice_of_predict_is_about_the_table, setup, files_teardown),
        cmocka_unit_test_setup_teardown(every_failing_allocation_is_reported, setup, files_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
