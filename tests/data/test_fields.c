/* Several inputs, several targets and weights, of every source that has them (npz, npy, csv). */
#include "fields.h"

static void check_both(const gr_set *s)
{
    assert_int_equal(s->n, 3);
    assert_int_equal(gr__set_fields(s), 5);
    check(s, 0, "image", GR_EL_U8, 2, "1 2 3 4 5 6 7 8 9 10 11 12 ");
    check(s, 1, "table", GR_EL_F32, 1, "0.5 1.5 2.5 3.5 4.5 5.5 ");
    check(s, 2, "kind", GR_EL_I32, 0, "2 0 1 ");
    assert_int_equal(gr__set_target(s, 0)->classes, 3);
    assert_int_equal(gr__set_target(s, 0)->kind, GR_TARGET_CLASS);
    check(s, 3, "price", GR_EL_F32, 1, "10 20 30 40 50 60 ");
    assert_int_equal(gr__set_target(s, 1)->kind, GR_TARGET_VALUE);
    check(s, 4, "weight", GR_EL_F32, 0, "1 0 0.25 ");
    assert_ptr_equal(gr__set_weight(s), &s->field[4]);
    assert_int_equal(gr__set_weight(s)->role, GR_FIELD_WEIGHT);
}

static void arrays_are_fields(void **state)
{
    (void)state;
    static const char *const sources[] = {
        NPZ INPUTS ", " TARGETS ", weights: w}",
        FILES "targets: {price: price.npy, kind: kind.npy}, weights: w.npy}",
    };
    for (size_t i = 0; i < GR_COUNT(sources); i++) {
        gr_source_options o = with(&wants);
        gr_set s = load_with(&f, sources[i], &o);
        check_both(&s);
        gr__set_free(f.ctx, &s);
        starve_with(&f, sources[i], &o);
        o.keep_float64 = true;
        s = load_with(&f, sources[i], &o);
        assert_int_equal(s.field[3].element, GR_EL_F64);
        assert_int_equal(s.field[4].element, GR_EL_F64);
        gr__set_free(f.ctx, &s);
        /* Without a recipe: as the maps have them, and what types tell. */
        o = options_of(&f, GR_TARGET_NONE, false);
        s = load_with(&f, sources[i], &o);
        check(&s, 0, "table", GR_EL_F32, 1, "0.5 1.5 2.5 3.5 4.5 5.5 ");
        check(&s, 2, "price", GR_EL_F32, 1, "10 20 30 40 50 60 ");
        check(&s, 3, "kind", GR_EL_I32, 0, "2 0 1 ");
        gr__set_free(f.ctx, &s);
    }
}

/* What is known of headers alone has names and files where there is memory for them. */
static void headers_tell_names(void **state)
{
    (void)state;
    gr_set info;
    gr_source_options o = with(&wants);
    o.memory = f.b;
    test_ok(f.ctx, gr__set_info(f.ctx, yaml(&f, NPZ INPUTS ", " TARGETS "}"), &o, &info));
    assert_string_equal(info.field[3].name, "price");
    assert_non_null(strstr(info.field[3].file, "f.npz:price"));
    assert_null(gr__set_weight(&info));
    assert_int_equal(gr__set_bytes(&info), 12 + 24 + 12 + 24);
}

/* One text is the lone field, whatever the recipe calls it; a map has that name. */
static void lone_fields_have_any_name(void **state)
{
    (void)state;
    static const struct {
        bool named;
        const char *source;
    } cases[] = {
        {false, NPZ "inputs: image, targets: kind}"},
        {true, NPZ "inputs: image, targets: kind}"},
        {true, NPZ "inputs: {image: image}, targets: {kind: kind}}"},
        {false, NPZ "inputs: {input: image}, targets: {main: kind}}"},
        {true, "{type: npy, inputs: {image: image.npy}, targets: kind.npy}"},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        const gr_wants one = one_of_each(cases[i].named);
        gr_source_options o = with(&one);
        gr_set s = load_with(&f, cases[i].source, &o);
        check(&s, 0, cases[i].named ? "image" : "input", GR_EL_U8, 2, "1 2 3 4 5 6 7 8 9 10 11 12 ");
        check(&s, 1, cases[i].named ? "kind" : "main", GR_EL_I32, 0, "2 0 1 ");
        gr__set_free(f.ctx, &s);
    }
}

/* Two heads may read one array, as a class and as a value, and weights may stand in a column. */
static void an_array_serves_two_heads(void **state)
{
    (void)state;
    wants.target[1].output = GR_SHAPE(1);
    gr_source_options o = with(&wants);
    gr_set s = load_with(&f, NPZ INPUTS ", targets: {kind: kind, price: kind}, weights: column}", &o);
    check(&s, 2, "kind", GR_EL_I32, 0, "2 0 1 ");
    check(&s, 3, "price", GR_EL_F32, 0, "2 0 1 ");
    check(&s, 4, "weight", GR_EL_F32, 0, "3 1 0 ");
    gr__set_free(f.ctx, &s);
}

/* ---- what is refused ---- */

typedef struct refusal {
    const char *source;
    gr_status code;
    const char *words, *key, *hint;
} refusal;

static void refuse_all(const refusal *all, size_t n, const gr_wants *w)
{
    for (size_t i = 0; i < n; i++) {
        gr_source_options o = with(w);
        gr_set s = {0};
        refuse_with(&f, all[i].source, &o, all[i].code, all[i].words);
        assert_int_equal(gr__set_load(f.ctx, yaml(&f, all[i].source), &o, &s), all[i].code);
        const gr_error *e = gr_context_error(f.ctx);
        if (strcmp(e->key, all[i].key) != 0 || !strstr(e->hint, all[i].hint))
            fail_msg("%s: key %s, hint %s", all[i].source, e->key, e->hint);
        gr_context_clear_error(f.ctx);
    }
}

static void wrong_names_are_refused(void **state)
{
    (void)state;
    static const refusal cases[] = {
        {NPZ "inputs: {imag: image, table: table}}", GR_E_KEY, "the recipe has no input \"imag\"", "inputs.imag",
         "did you mean \"image\"?"},
        {NPZ "inputs: {image: image}}", GR_E_MISSING, "nothing is said of \"table\"", "inputs",
         "inputs: {image: ..., table: ...}"},
        {NPZ INPUTS ", targets: {kinds: kind, price: price}}", GR_E_KEY, "the recipe has no head \"kinds\"",
         "targets.kinds", "did you mean \"kind\"?"},
        {NPZ INPUTS ", targets: {kind: kind}}", GR_E_MISSING, "nothing is said of \"price\"", "targets",
         "targets: {kind: ..., price: ...}"},
        {NPZ "inputs: image, " TARGETS "}", GR_E_TYPE, "the recipe has inputs \"image\" and \"table\", but one is said",
         "inputs", "inputs: {image: ..., table: ...}"},
        {NPZ TARGETS "}", GR_E_TYPE, "but one is said", "type", "inputs: {image: ..., table: ...}"},
        {NPZ INPUTS ", targets: kind}", GR_E_TYPE, "heads \"kind\" and \"price\", but one is said", "targets",
         "targets: {kind: ..."},
        {NPZ INPUTS "}", GR_E_MISSING, "\"targets\" says nothing of them", "type",
         "write targets: {kind: ..., price: ...}"},
        {NPZ "inputs: {image: [image], table: table}}", GR_E_TYPE, "a list is not text", "inputs.image",
         "inputs: name"},
        {NPZ "inputs: [image, table]}", GR_E_TYPE, "but one is said", "inputs", ""},
        {FILES "targets: {kind: {a: b}, price: price.npy}}", GR_E_TYPE, "a map is not text", "targets.kind", "targets"},
        {"{type: idx, images: x}", GR_E_CONFLICT, "idx has one input and one target, but the recipe has inputs", "type",
         "npz, npy and csv"},
        {"{type: synthetic, kind: xor}", GR_E_CONFLICT, "synthetic has one input and one target", "type", "csv"},
        {"{type: csv, file: t.csv, target: kind}", GR_E_MISSING, "\"inputs\" says nothing of them", "type",
         "inputs: {image: [...], table: [...]}"},
        {"{type: csv, file: t.csv, columns: [a, b], target: kind}", GR_E_TYPE, "but one is said", "columns", ""},
        {"{type: csv, file: t.csv, inputs: {image: [a], table: [b]}}", GR_E_MISSING, "\"targets\" says nothing", "type",
         ""},
        {"{type: csv, file: t.csv, inputs: {image: [a], table: [b]}, columns: [a], target: kind}", GR_E_CONFLICT,
         "inputs stands beside columns", "inputs", ""},
        {"{type: csv, file: t.csv, inputs: {image: [a], table: [b]}, targets: {kind: a, price: b}, target: kind}",
         GR_E_CONFLICT, "targets stands beside target", "targets", ""},
        {"{type: csv, file: t.csv, inputs: [a, b]}", GR_E_TYPE, "not a map of names; of a lone one write columns",
         "inputs", ""},
        {"{type: csv, file: t.csv, inputs: {image: [a], tabel: [b]}, target: kind}", GR_E_KEY, "no input \"tabel\"",
         "inputs.tabel", "did you mean \"table\"?"},
    };
    refuse_all(cases, GR_COUNT(cases), &wants);
    gr_wants one = one_of_each(false);
    static const refusal lone[] = {
        {NPZ "inputs: {image: x1}}", GR_E_KEY, "the recipe has no input \"image\"", "inputs.image", "write inputs: x1"},
        {NPZ "inputs: {}}", GR_E_MISSING, "nothing is said of \"input\"", "inputs", ""},
    };
    refuse_all(lone, GR_COUNT(lone), &one);
    one.n_targets = 2;
    one.target[1] = wants.target[1];
    static const refusal heads[] = {
        {"{type: idx, images: x}", GR_E_CONFLICT, "the recipe has heads \"main\" and \"price\"", "type", ""},
        {"{type: synthetic, kind: moons}", GR_E_CONFLICT, "the recipe has heads \"main\" and \"price\"", "type", ""},
    };
    refuse_all(heads, GR_COUNT(heads), &one);
    gr_source_options none = options_of(&f, GR_TARGET_NONE, false);
    refuse_with(&f, NPZ "inputs: {a: w, b: w, c: w, d: w, e: w, f: w, g: w, h: w, i: w}}", &none, GR_E_RANGE,
                "9 inputs are too many: there may be 8");
    refuse_with(&f, NPZ "inputs: {}}", &none, GR_E_MISSING, "names no input");
}

static void wrong_data_is_refused(void **state)
{
    (void)state;
    static const refusal cases[] = {
        {NPZ "inputs: {image: picture, table: table}, " TARGETS "}", GR_E_DATA, "f.npz\" has no array \"picture\"",
         "inputs.image", "it has image, table"},
        {NPZ "inputs: {image: image, table: short}, " TARGETS "}", GR_E_DATA, "f.npz:image\" holds 3 samples, but \"",
         "inputs.table", ""},
        {NPZ INPUTS ", targets: {kind: kind, price: short}}", GR_E_DATA, "holds targets of 2", "targets.price", ""},
        {NPZ INPUTS ", targets: {kind: price, price: price}}", GR_E_DATA,
         "price\" has targets of shape [N,2], but the network gives [N,3] and cross_entropy wants a class a sample",
         "targets.kind", "cross_entropy wants the number"},
        {NPZ INPUTS ", targets: {kind: kind, price: kind}}", GR_E_DATA, "mse wants as many numbers", "targets.price",
         "mse wants [N,2]"},
        {NPZ INPUTS ", " TARGETS ", weights: v}", GR_E_DATA, "has no array \"v\"", "weights", ""},
        {NPZ INPUTS ", " TARGETS ", weights: price}", GR_E_DATA, "price\" has 2 weights a sample", "weights", ""},
        {NPZ INPUTS ", " TARGETS ", weights: short}", GR_E_DATA, "holds weights of 2", "weights", ""},
        {NPZ INPUTS ", " TARGETS ", weights: dark}", GR_E_DATA, "dark\": every weight is 0", "weights", ""},
        {NPZ INPUTS ", " TARGETS ", weights: below}", GR_E_DATA,
         "the weight of sample [1] is -0.5, but weights are numbers from 0 on", "weights", ""},
        {FILES "targets: {kind: kind.npy, price: prices.npy}}", GR_E_FILE, "prices.npy", "targets.price", ""},
        {FILES "targets: {kind: kind.npy, price: short.npy}}", GR_E_DATA, "short.npy\" holds targets of 2",
         "targets.price", ""},
        {FILES "targets: {kind: kind.npy, price: price.npy}, weights: below.npy}", GR_E_DATA, "below.npy\": the weight",
         "weights", ""},
    };
    refuse_all(cases, GR_COUNT(cases), &wants);
}

/* ---- a class a position ---- */

static void classes_may_have_positions(void **state)
{
    (void)state;
    gr_wants one = one_of_each(false);
    one.target[0].output = GR_SHAPE(2, 3);
    gr_source_options o = with(&one);
    gr_set s = load_with(&f, NPZ "inputs: image, targets: spots}", &o);
    check(&s, 1, "main", GR_EL_I32, 1, "0 2 1 1 0 2 ");
    assert_int_equal(s.field[1].kind, GR_TARGET_CLASS);
    assert_int_equal(s.field[1].classes, 3);
    gr__set_free(f.ctx, &s);
    put_text(&f, "s.csv", "x,s1,s2\n1,u,w\n2,v,v\n");
    s = load_with(&f, "{type: csv, file: s.csv, inputs: {input: [x]}, targets: {main: [s1, s2]}}", &o);
    check(&s, 1, "main", GR_EL_I32, 1, "0 2 1 1 ");
    assert_string_equal(s.field[1].class_names[2], "w");
    gr__set_free(f.ctx, &s);
    static const refusal cases[] = {
        {NPZ "inputs: image, targets: kind}", GR_E_DATA,
         "has targets of shape [N], but the network gives [N,2,3] and cross_entropy wants a class a position",
         "targets", "a class a position is [N,2]"},
        {"{type: csv, file: s.csv, inputs: {input: [x]}, targets: {main: [s1, s2, s2]}}", GR_E_DATA,
         "s.csv\" has targets of shape [N,3]", "targets.main", ""},
    };
    refuse_all(cases, GR_COUNT(cases), &one);
}

/* ---- tables ---- */

static void columns_are_fields(void **state)
{
    (void)state;
    gr_source_options o = with(&wants);
    gr_set s = load_with(&f, TABLE ", weights: w}", &o);
    check(&s, 0, "image", GR_EL_F32, 1, "5 6 7 ");
    check(&s, 1, "table", GR_EL_F32, 1, "9 1 8 2 7 3 ");
    check(&s, 2, "kind", GR_EL_I32, 0, "2 0 1 ");
    assert_string_equal(s.field[2].class_names[1], "bee");
    check(&s, 3, "price", GR_EL_F32, 1, "10 20 30 40 50 60 ");
    assert_null(s.field[3].class_names);
    check(&s, 4, "weight", GR_EL_F32, 0, "1 0 0.25 ");
    gr__set_free(f.ctx, &s);
    starve_with(&f, TABLE ", weights: w}", &o);
    /* One input without a list of columns: all but targets and weights. */
    const gr_wants one = one_of_each(true);
    o = with(&one);
    s = load_with(&f, "{type: csv, file: t.csv, target: kind, weights: 3}", &o);
    check(&s, 0, "image", GR_EL_F32, 1, "10 1 5 20 9 30 2 6 40 8 50 3 7 60 7 ");
    check(&s, 2, "weight", GR_EL_F32, 0, "1 0 0.25 ");
    gr__set_free(f.ctx, &s);
    /* Missing values are those of inputs. */
    put_text(&f, "m.csv", "a,b,kind,p,w\n1,NA,0,2,1\nNA,2,1,3,1\n");
    o = with(&wants);
    wants.target[1].output = GR_SHAPE(1);
    s = load_with(&f,
                  "{type: csv, file: m.csv, missing: [NA], inputs: {image: [a], table: [b]}, targets: {kind: kind, "
                  "price: p}, weights: w}",
                  &o);
    assert_true(s.field[0].missing && s.field[1].missing && !s.field[2].missing && !s.field[4].missing);
    check(&s, 0, "image", GR_EL_F64, 1, "1 nan ");
    check(&s, 3, "price", GR_EL_F32, 0, "2 3 ");
    gr__set_free(f.ctx, &s);
}

static void wrong_tables_are_refused(void **state)
{
    (void)state;
    static const refusal cases[] = {
        {"{type: csv, file: t.csv, inputs: {table: [c, d], image: [b]}, targets: {kind: kind, price: [p1, p2]}}",
         GR_E_DATA, "t.csv\" has no column \"d\"", "inputs.table", ""},
        {"{type: csv, file: t.csv, inputs: {table: [c, c], image: [b]}, targets: {kind: kind, price: [p1, p2]}}",
         GR_E_DATA, "column \"c\" of \"", "inputs.table", ""},
        {"{type: csv, file: t.csv, inputs: {table: [c, p2], image: [b]}, targets: {kind: kind, price: [p1, p2]}}",
         GR_E_DATA, "is a target and cannot be an input", "inputs.table", ""},
        {"{type: csv, file: t.csv, inputs: {table: [c], image: [b]}, targets: {kind: sort, price: [p1, p2]}}",
         GR_E_DATA, "no column \"sort\"", "targets.kind", ""},
        {"{type: csv, file: t.csv, inputs: {table: [c], image: [b]}, targets: {kind: kind, price: []}}", GR_E_DATA,
         "no column of", "targets.price", ""},
        {"{type: csv, file: t.csv, inputs: {table: [c], image: [b]}, targets: {kind: kind, price: [p1, p2, a]}}",
         GR_E_DATA, "has targets of shape [N,3]", "targets.price", ""},
        {"{type: csv, file: t.csv, inputs: {table: [c], image: []}, targets: {kind: kind, price: [p1, p2]}}", GR_E_DATA,
         "no column left", "inputs.image", ""},
        {TABLE ", weights: v}", GR_E_DATA, "no column \"v\"", "weights", ""},
        {TABLE ", weights: kind}", GR_E_DATA, "line 2, column 3 (kind): \"cat\" is not a number", "file",
         "a weight is a number from 0 on"},
    };
    refuse_all(cases, GR_COUNT(cases), &wants);
    static const struct {
        const char *weight[2], *words;
    } weights_of[] = {
        {{"0", "-0.5"}, "line 3, column 3 (w): \"-0.5\" is below 0"}, {{"0", "0.0"}, "every weight in column 3 is 0"},
        {{"1", ""}, "line 3, column 3 (w): the field is empty"},      {{"inf", "1"}, "\"inf\" is not finite"},
        {{"1", "NA"}, "\"NA\" is missing, which a weight cannot be"},
    };
    for (size_t i = 0; i < GR_COUNT(weights_of); i++) {
        char text[100];
        snprintf(text, sizeof text, "a,y,w\n1,0,%s\n2,1,%s\n", weights_of[i].weight[0], weights_of[i].weight[1]);
        put_text(&f, "w.csv", text);
        refuse(&f, "{type: csv, file: w.csv, target: y, weights: w, missing: [NA]}", GR_TARGET_CLASS, GR_E_DATA,
               weights_of[i].words);
    }
}

/* Hints name the key that says the columns of that input, and what may be missing. */
static void advice_is_about_the_field(void **state)
{
    (void)state;
    static const struct {
        const char *row, *words, *hint;
    } cases[] = {
        {"TRUE,1,0,1,1", "\"TRUE\" is not a number",
         "write truth as 1 and 0, or leave the column out: inputs: {image: [...]}"},
        {"1,NaN,0,1,1", "\"NaN\" is not finite", "missing: [\"NaN\"]"},
        {"1,,0,1,1", "the field is empty", "missing: [\"\"]"},
        {"1,1,16777216,1,1", "\"16777216\" is not a class: whole numbers from 0 to 16777215", "n123"},
        {"1,1,0,nan,1", "\"nan\" is not finite", "a target cannot be missing"},
        {"1,1,0,-inf,1", "\"-inf\" is not finite", "infinite"},
        {"1,1,0,1,NaN", "\"NaN\" is not finite", "a weight cannot be missing"},
        {"1,1,0,1,", "the field is empty", "a weight cannot be missing"},
        {"1,1,0,1,1e999", "\"1e999\" is not finite", "beyond what float64"},
        {"1,1,0,1,much", "\"much\" is not a number", "a weight is a number from 0 on"},
    };
    static const char source[] = "{type: csv, file: v.csv, inputs: {image: [a], table: [b]}, targets: {kind: kind, "
                                 "price: p}, weights: w}";
    gr_source_options o = with(&wants);
    wants.target[1].output = GR_SHAPE(1);
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        gr_set s = {0};
        char text[100];
        snprintf(text, sizeof text, "a,b,kind,p,w\n3,2,1,1,1\n%s\n", cases[i].row);
        put_text(&f, "v.csv", text);
        refuse_with(&f, source, &o, GR_E_DATA, cases[i].words);
        assert_int_equal(gr__set_load(f.ctx, yaml(&f, source), &o, &s), GR_E_DATA);
        if (!strstr(gr_context_error(f.ctx)->hint, cases[i].hint))
            fail_msg("%s: %s", cases[i].row, gr_context_error(f.ctx)->hint);
        gr_context_clear_error(f.ctx);
    }
    /* A column that holds text: the others of that input are named, and no other input's. */
    put_text(&f, "v.csv", "a,b,c,kind,p,w\n1,2,red,0,1,1\n");
    gr_set s = {0};
    assert_int_equal(gr__set_load(f.ctx,
                                  yaml(&f, "{type: csv, file: v.csv, inputs: {image: [a], table: [b, c]}, targets: "
                                           "{kind: kind, price: p}, header: true}"),
                                  &o, &s),
                     GR_E_DATA);
    if (!strstr(gr_context_error(f.ctx)->hint,
                "with inputs: {table: [\"*\", {name: c, as: category}]} it is one of some categories"))
        fail_msg("%s", gr_context_error(f.ctx)->hint);
    gr_context_clear_error(f.ctx);
}

/* Any of the arrays may be a file of another kind. */
static void mistaken_files_are_named(void **state)
{
    (void)state;
    static const refusal cases[] = {
        {"{type: npy, inputs: {table: table.npy, image: image.npy}, targets: {kind: t.csv, price: price.npy}}",
         GR_E_FORMAT, "t.csv\" is a table of text, not an NPY array", "targets.kind", "reads it"},
        {"{type: npy, inputs: {table: f.npz, image: image.npy}, targets: {kind: kind.npy, price: price.npy}}",
         GR_E_FORMAT, "f.npz\" is an NPZ archive, not an NPY array", "inputs.table", "reads it"},
        {"{type: npy, inputs: {table: table.npy, image: image.npy}, targets: {kind: kind.npy, price: price.npy}, "
         "weights: f.npz}",
         GR_E_FORMAT, "f.npz\" is an NPZ archive", "weights", "reads it"},
        {"{type: npz, file: image.npy, " INPUTS ", " TARGETS "}", GR_E_FORMAT,
         "image.npy\" is an NPY array, not an NPZ archive", "file", "reads it"},
    };
    refuse_all(cases, GR_COUNT(cases), &wants);
    /* An archive of arrays is one under any name: what is wrong within it is told. */
    static const refusal named[] = {
        {"{type: npz, file: f.zip, inputs: {table: tables, image: image}, " TARGETS "}", GR_E_DATA, "f.zip\" has no",
         "inputs.table", "it has"},
        {"{type: npy, inputs: {table: f.zip, image: image.npy}, targets: {kind: kind.npy, price: price.npy}}",
         GR_E_FORMAT, "f.zip\" is an NPZ archive, not an NPY array", "inputs.table", "reads it"},
    };
    char from[128], to[128];
    snprintf(from, sizeof from, "%s/f.npz", f.folder);
    snprintf(to, sizeof to, "%s/f.zip", f.folder);
    assert_int_equal(rename(from, to), 0);
    refuse_all(named, GR_COUNT(named), &wants);
    assert_int_equal(rename(to, from), 0);
}

/* ---- labels ---- */

static char said[2000];

static void hear(void *user, gr_log_level level, const char *text)
{
    (void)user, (void)level;
    snprintf(said + strlen(said), sizeof said - strlen(said), "%s\n", text);
}

static int setup_hearing(void **state)
{
    (void)state;
    files_make(&f, &(gr_context_options){.threads = 1, .log = hear});
    wants = two_of_each();
    return 0;
}

/* Labels of each head are looked at by themselves, and it is said whose are odd. */
static void odd_labels_have_a_head(void **state)
{
    (void)state;
    gr_wants two = wants;
    two.target[1] = (gr_wanted){.name = "sort", .form = GR_FORM_CLASS, .output = GR_SHAPE(3), .cost = "cross_entropy"};
    gr_source_options o = with(&two);
    put_text(&f, "o.csv", "a,b,kind,sort\n1,2,0,0\n2,3,1,NaN\n3,4,1,1\n");
    said[0] = '\0';
    gr_set s = load_with(
        &f, "{type: csv, file: o.csv, inputs: {image: [a], table: [b]}, targets: {kind: kind, sort: sort}}", &o);
    assert_int_equal(s.field[2].classes, 2);
    assert_null(s.field[2].class_names);
    assert_non_null(s.field[3].class_names);
    gr__set_free(f.ctx, &s);
    if (!strstr(said, "labels of sort are taken as texts: \"NaN\" in line 3 stands among whole numbers") ||
        strstr(said, "of kind"))
        fail_msg("%s", said);
}

/* ---- resolved sources ---- */

static void resolved_maps_have_absolute_paths(void **state)
{
    (void)state;
    gr_tree *t = NULL;
    gr_source_options o = with(&wants);
    test_ok(f.ctx,
            gr__source_resolve(f.ctx, f.b, yaml(&f, FILES "targets: {kind: kind.npy, price: price.npy}}"), &o, &t));
    const gr_tree *map = gr__tree_get(t, "inputs");
    assert_string_equal(map->key[0], "table");
    assert_true(gr__tree_get(map, "image")->text[0] == '/');
    assert_non_null(strstr(gr__tree_get(gr__tree_get(t, "targets"), "price")->text, "/price.npy"));
    o.folder = "/"; /* what is resolved loads from anywhere */
    gr_set s = load_with(&f, "{type: synthetic, kind: xor}", &(gr_source_options){.folder = "/"});
    gr__set_free(f.ctx, &s);
    test_ok(f.ctx, gr__set_load(f.ctx, t, &o, &s));
    assert_int_equal(s.n, 3);
    gr__set_free(f.ctx, &s);
    test_ok(f.ctx, gr__source_resolve(f.ctx, f.b, yaml(&f, NPZ INPUTS ", " TARGETS "}"), &o, &t));
    assert_string_equal(gr__tree_get(gr__tree_get(t, "inputs"), "image")->text, "image"); /* no path */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(arrays_are_fields, setup, files_teardown),
        cmocka_unit_test_setup_teardown(headers_tell_names, setup, files_teardown),
        cmocka_unit_test_setup_teardown(lone_fields_have_any_name, setup, files_teardown),
        cmocka_unit_test_setup_teardown(an_array_serves_two_heads, setup, files_teardown),
        cmocka_unit_test_setup_teardown(wrong_names_are_refused, setup, files_teardown),
        cmocka_unit_test_setup_teardown(wrong_data_is_refused, setup, files_teardown),
        cmocka_unit_test_setup_teardown(classes_may_have_positions, setup, files_teardown),
        cmocka_unit_test_setup_teardown(columns_are_fields, setup, files_teardown),
        cmocka_unit_test_setup_teardown(wrong_tables_are_refused, setup, files_teardown),
        cmocka_unit_test_setup_teardown(advice_is_about_the_field, setup, files_teardown),
        cmocka_unit_test_setup_teardown(mistaken_files_are_named, setup, files_teardown),
        cmocka_unit_test_setup_teardown(odd_labels_have_a_head, setup_hearing, files_teardown),
        cmocka_unit_test_setup_teardown(resolved_maps_have_absolute_paths, setup, files_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
