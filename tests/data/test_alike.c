/* Other files than the training's, read as those were: tables by the schema, raw input by names and shapes. */
#include "fields.h"

/* ---- other tables, by the schema of the training's ---- */

static gr_set learn(const gr_wants *w, const char *source)
{
    gr_source_options o = with(w);
    gr_set s = load_with(&f, source, &o);
    assert_non_null(s.schema);
    return s;
}

static void schemas_describe_every_field(void **state)
{
    (void)state;
    gr_set s = learn(&wants, TABLE ", weights: w}");
    const gr_schema *c = gr__schema_copy(f.b, s.schema);
    gr__set_free(f.ctx, &s);
    assert_int_equal(c->n_columns, 7);
    assert_int_equal(c->n_inputs, 3);
    assert_int_equal(c->n_of_inputs, 2);
    assert_string_equal(c->of_input[0].name, "image");
    assert_int_equal(c->of_input[1].n, 2);
    assert_string_equal(c->name[1], "c");
    assert_int_equal(c->input[2], 1);
    assert_int_equal(c->n_targets, 2);
    assert_string_equal(c->target[0].name, "kind");
    assert_int_equal(c->target[0].n_class_names, 3);
    assert_string_equal(c->target[0].class_names[0], "ant");
    assert_true(c->target[1].listed && c->target[1].n == 2 && c->target[1].column[1] == 5);
    assert_string_equal(c->target[1].column_name[1], "p2");
    assert_true(c->weighted && c->weight == 3);
    assert_string_equal(c->weight_name, "w");
}

typedef struct reading {
    const char *text, *more;                           /* another table; what its source says of fields */
    bool bare;                                         /* the training's table had no names */
    const char *image, *table, *kind, *price, *weight; /* image NULL: refused with the words of table */
} reading;

static void other_tables_are_read_alike(void **state)
{
    (void)state;
    static const reading cases[] = {
        {"c,b,a,w,p2,p1,kind\n1,2,3,4,5,6,bee\n", "", false, "2 ", "1 3 ", "1 ", "6 5 ", "4 "},
        {"c,b,a,p2,p1,kind\n1,2,3,5,6,bee\n", "", false, "2 ", "1 3 ", "1 ", "6 5 ", NULL}, /* weigh alike */
        {"c,b,a,w,p2,p1,kind\n1,2,3,4,5,6,bee\n", ", weights: none", false, "2 ", "1 3 ", "1 ", "6 5 ", NULL},
        {"10,1,cat,1,5,20,9\n", "", false, "5 ", "9 1 ", "2 ", "10 20 ", "1 "},
        {"10,1,cat,1,5,20,9\n", "", true, "5 ", "9 1 ", "2 ", "10 20 ", "1 "},
        {"k,b,a,w,p2,p1,C\nbee,2,3,4,5,6,7\n",
         ", inputs: {image: [b], table: [C, a]}, targets: {price: [p1, p2], kind: k}", false, "2 ", "7 3 ", "1 ",
         "6 5 ", "4 "},
        {"c,b,a,w,p2,p1,kind\n1,2,3,4,5,6,bee\n", ", inputs: {image: [b], table: [a, c]}", false, "2 ", "1 3 ", "1 ",
         "6 5 ", "4 "}, /* the training's order */
        {"c,b,a,w,p2,p1,kind\n1,2,3,4,5,6,wasp\n", "", false, NULL, "\"wasp\" is none of the classes", NULL, NULL,
         NULL},
        {"c,b,w,p2,p1,kind\n1,2,4,5,6,bee\n", "", false, NULL, "no column \"a\"", NULL, NULL, NULL},
        {"c,b,a,w,p2,kind\n1,2,3,4,5,bee\n", "", false, NULL, "no column \"p1\"", NULL, NULL, NULL},
        {"c,b,a,w,p2,p1,kind\n1,2,3,4,5,6,bee\n", ", inputs: {image: [a, b], table: [a, c]}", false, NULL,
         "has 2 columns of the input \"image\", but the model takes 1", NULL, NULL, NULL},
        {"10,1,cat,1,5,20\n", "", true, NULL, "has 6 columns, but the training's table had 7", NULL, NULL, NULL},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        const reading *c = &cases[i];
        char source[300];
        put_text(&f, "bare.csv", "10,1,cat,1,5,20,9\n30,2,ant,0,6,40,8\n50,3,bee,0.25,7,60,7\n");
        gr_set train =
            learn(&wants, c->bare ? "{type: csv, file: bare.csv, header: false, inputs: {table: [6, 1], image: "
                                    "[4]}, targets: {kind: 2, price: [0, 5]}, weights: 3}"
                                  : TABLE ", weights: w}");
        gr_set s = {0};
        gr_source_options o = with(&wants);
        o.schema = train.schema;
        put_text(&f, "o.csv", c->text);
        snprintf(source, sizeof source, "{type: csv, file: o.csv%s}", c->more);
        gr_status st = gr__set_load(f.ctx, yaml(&f, source), &o, &s);
        if ((st == GR_OK) != (c->image != NULL) || (st && !strstr(gr_context_error(f.ctx)->message, c->table)))
            fail_msg("%zu: %s: %s", i, c->text, gr_context_error(f.ctx)->message);
        if (st == GR_OK) {
            check(&s, 0, "image", GR_EL_F32, 1, c->image);
            check(&s, 1, "table", GR_EL_F32, 1, c->table);
            check(&s, 2, "kind", GR_EL_I32, 0, c->kind);
            check(&s, 3, "price", GR_EL_F32, 1, c->price);
            assert_int_equal(s.weighted, c->weight != NULL);
            if (c->weight) check(&s, 4, "weight", GR_EL_F32, 0, c->weight);
        }
        gr_context_clear_error(f.ctx);
        gr__set_free(f.ctx, &s);
        gr__set_free(f.ctx, &train);
    }
}

/* ---- raw input ---- */

static gr_status raw(const char *file, const gr_tree *source, const gr_source_options *o, gr_set *s)
{
    char path[128];
    const gr_shape shapes[] = {GR_SHAPE(2, 2), GR_SHAPE(2)};
    snprintf(path, sizeof path, "%s/%s", f.folder, file);
    *s = (gr_set){0};
    return gr__set_raw(f.ctx, path, shapes, source, o, s);
}

static void refuse_raw(const char *file, const gr_tree *source, const gr_source_options *o, const char *words,
                       const char *hint)
{
    gr_set s;
    assert_int_equal(raw(file, source, o, &s), GR_E_DATA);
    if (!strstr(gr_context_error(f.ctx)->message, words) || !strstr(gr_context_error(f.ctx)->hint, hint))
        fail_msg("%s (%s)", gr_context_error(f.ctx)->message, gr_context_error(f.ctx)->hint);
    gr_context_clear_error(f.ctx);
}

/* An archive of these arrays under other names. */
static void put_archive(const char *file, const char *const (*names)[2], size_t n)
{
    static zip z;
    unsigned char bytes[512];
    z = (zip){0};
    for (size_t i = 0; i < n; i++) {
        char name[32];
        size_t k = 0;
        while (strcmp(arrays[k].name, names[i][0]) != 0) k++;
        snprintf(name, sizeof name, "%s.npy", names[i][1]);
        zip_add(&z, name, bytes,
                npy(bytes, 1, literal_of(arrays[k].descr, false, arrays[k].shape), arrays[k].data, arrays[k].bytes),
                false);
    }
    put_file(&f, file, z.bytes, zip_end(&z));
}

static void archives_are_raw_input(void **state)
{
    (void)state;
    static const char *const trained[][2] = {{"image", "x1"}, {"table", "x2"}}, *const one[][2] = {{"image", "any"}},
                             *const uneven[][2] = {{"image", "x1"}, {"short", "x2"}};
    const gr_tree *source = yaml(&f, "{type: npz, file: f.npz, inputs: {image: x1, table: x2}}");
    gr_source_options o = with(&wants);
    gr_set s;
    put_archive("raw.npz", trained, 2);
    put_archive("one.npz", one, 1);
    put_archive("uneven.npz", uneven, 2);
    for (int named = 0; named < 2; named++) { /* as the training's arrays, or as the inputs */
        test_ok(f.ctx, raw(named ? "f.npz" : "raw.npz", named ? NULL : source, &o, &s));
        assert_int_equal(gr__set_fields(&s), 2);
        check(&s, 0, "image", GR_EL_U8, 2, "1 2 3 4 5 6 7 8 9 10 11 12 ");
        check(&s, 1, "table", GR_EL_F32, 1, "0.5 1.5 2.5 3.5 4.5 5.5 ");
        assert_false(s.one);
        gr__set_free(f.ctx, &s);
    }
    refuse_raw("one.npz", source, &o, "one.npz\" has no array \"x1\" for the input \"image\"", "it has \"any\"");
    refuse_raw("uneven.npz", source, &o, "holds 3 samples", "");
    refuse_raw("image.npy", source, &o, "holds one array, but the model has 2 inputs", "\"x1\", \"x2\"");
    refuse_raw("image.npy", NULL, &o, "holds one array, but the model has 2 inputs", "\"image\", \"table\"");
    /* One input: the array of its name, or whichever is there. */
    const gr_wants lone = one_of_each(false);
    o = with(&lone);
    source = yaml(&f, "{type: npz, file: f.npz, inputs: x1}");
    for (int k = 0; k < 2; k++) {
        test_ok(f.ctx, raw(k ? "one.npz" : "raw.npz", source, &o, &s));
        check(&s, 0, "input", GR_EL_U8, 2, "1 2 3 4 5 6 7 8 9 10 11 12 ");
        gr__set_free(f.ctx, &s);
    }
    refuse_raw("raw.npz", NULL, &o, "has no array \"input\", and not only one", "it has \"x1\", \"x2\"");
    refuse_raw("raw.npz", yaml(&f, "{type: npy, inputs: x1}"), &o, "has no array \"input\"", "");
    source = yaml(&f, "{type: npz, file: f.npz, inputs: x2}");
    refuse_raw("raw.npz", source, &o, "neither a sample of shape [2,2] nor several", "");
}

static void tables_are_raw_input(void **state)
{
    (void)state;
    static const struct {
        const char *text, *image, *table; /* image NULL: refused with the words of table */
    } cases[] = {
        {"c,b,a\n1,2,3\n4,5,6\n", "2 5 ", "1 3 4 6 "},
        {"10,1,cat,1,5,20,9\n", "5 ", "9 1 "}, /* the training's table, */
        {"1,1,5,9\n", "5 ", "9 1 "},           /* without its targets, */
        {"1,5,9\n", "5 ", "9 1 "},             /* and its weights too */
        {"1,1,5,9,8\n", NULL, "has 5 columns without names, but the model takes 3, from \"b\" on"},
        {"c,b\n1,2\n", NULL, "no column \"a\""},
    };
    gr_set train = learn(&wants, TABLE ", weights: w}"), s;
    gr_source_options o = with(&wants);
    const gr_shape shapes[] = {GR_SHAPE(1), GR_SHAPE(2)};
    char path[128];
    o.schema = train.schema;
    snprintf(path, sizeof path, "%s/new.csv", f.folder);
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        put_text(&f, "new.csv", cases[i].text);
        gr_status st = gr__set_raw(f.ctx, path, shapes, NULL, &o, &s);
        if ((st == GR_OK) != (cases[i].image != NULL))
            fail_msg("%s: %s", cases[i].text, gr_context_error(f.ctx)->message);
        if (st != GR_OK) {
            assert_non_null(strstr(gr_context_error(f.ctx)->message, cases[i].table));
            gr_context_clear_error(f.ctx);
            continue;
        }
        assert_int_equal(gr__set_fields(&s), 2);
        check(&s, 0, "image", GR_EL_F32, 1, cases[i].image);
        check(&s, 1, "table", GR_EL_F32, 1, cases[i].table);
        gr__set_free(f.ctx, &s);
    }
    gr__set_free(f.ctx, &train);
    /* Of a table with other columns too, the inputs alone: in the order of inputs. */
    train = learn(&wants, "{type: csv, file: t.csv, inputs: {table: [a], image: [b]}, targets: {kind: kind, price: "
                          "[p1, p2]}}");
    o.schema = train.schema;
    put_text(&f, "new.csv", "7,8\n");
    test_ok(f.ctx, gr__set_raw(f.ctx, path, (const gr_shape[]){GR_SHAPE(1), GR_SHAPE(1)}, NULL, &o, &s));
    check(&s, 0, "image", GR_EL_F32, 1, "7 ");
    check(&s, 1, "table", GR_EL_F32, 1, "8 ");
    gr__set_free(f.ctx, &s);
    gr__set_free(f.ctx, &train);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(schemas_describe_every_field, setup, files_teardown),
        cmocka_unit_test_setup_teardown(other_tables_are_read_alike, setup, files_teardown),
        cmocka_unit_test_setup_teardown(archives_are_raw_input, setup, files_teardown),
        cmocka_unit_test_setup_teardown(tables_are_raw_input, setup, files_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
