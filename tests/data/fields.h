/* Data with several inputs, targets and weights for the tests of sources: the same as arrays and as a table. */
#ifndef GR_TESTS_DATA_FIELDS_H
#define GR_TESTS_DATA_FIELDS_H

#include "arrays.h"

/* ---- a recipe with two inputs and two heads, and data for it ---- */

static inline gr_wants two_of_each(void)
{
    gr_wants w = {
        .input = {"image", "table"}, .n_inputs = 2, .n_targets = 2, .inputs_named = true, .targets_named = true};
    w.target[0] = (gr_wanted){.name = "kind", .form = GR_FORM_CLASS, .output = GR_SHAPE(3), .cost = "cross_entropy"};
    w.target[1] = (gr_wanted){.name = "price", .form = GR_FORM_VALUES, .output = GR_SHAPE(2), .cost = "mse"};
    return w;
}

static inline gr_wants one_of_each(bool named)
{
    gr_wants w = {.input = {named ? "image" : GR_LONE_INPUT}, .n_inputs = 1, .n_targets = 1};
    w.target[0] = (gr_wanted){
        .name = named ? "kind" : GR_LONE_TARGET, .form = GR_FORM_CLASS, .output = GR_SHAPE(3), .cost = "cross_entropy"};
    w.inputs_named = w.targets_named = named;
    return w;
}

static gr_wants wants;

static inline gr_source_options with(const gr_wants *w)
{
    gr_source_options o = options_of(&f, GR_TARGET_NONE, false);
    o.wants = w;
    return o;
}

static const uint8_t images[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
static const float tables[6] = {.5f, 1.5f, 2.5f, 3.5f, 4.5f, 5.5f}, weights[3] = {1, 0, .25f}, dark[3] = {0, 0, 0};
static const double prices[6] = {10, 20, 30, 40, 50, 60}, below[3] = {1, -.5, 2};
static const int64_t kinds[3] = {2, 0, 1}, hours[3] = {3, 1, 0};
static const int32_t spots[6] = {0, 2, 1, 1, 0, 2};

static const struct {
    const char *name, *descr, *shape;
    const void *data;
    size_t bytes;
} arrays[] = {
    {"image", "|u1", "(3, 2, 2)", images, 12}, {"table", "<f4", "(3, 2)", tables, 24},
    {"kind", "<i8", "(3,)", kinds, 24},        {"price", "<f8", "(3, 2)", prices, 48},
    {"w", "<f4", "(3,)", weights, 12},         {"column", "<i8", "(3, 1)", hours, 24},
    {"spots", "<i4", "(3, 2)", spots, 24},     {"short", "<f4", "(2, 2)", tables, 16},
    {"dark", "<f4", "(3,)", dark, 12},         {"below", "<f8", "(3,)", below, 24},
    {"wide", "<f4", "(3, 2)", tables, 24},
};

/* The same arrays as files NAME.npy and in the archive f.npz. */
static inline int setup(void **state)
{
    static zip z;
    unsigned char file[512];
    files_setup(state);
    wants = two_of_each();
    z = (zip){0};
    for (size_t i = 0; i < GR_COUNT(arrays); i++) {
        char name[32];
        size_t n = npy(file, 1, literal_of(arrays[i].descr, false, arrays[i].shape), arrays[i].data, arrays[i].bytes);
        snprintf(name, sizeof name, "%s.npy", arrays[i].name);
        put_file(&f, name, file, n);
        zip_add(&z, name, file, n, i % 2);
    }
    put_file(&f, "f.npz", z.bytes, zip_end(&z));
    put_text(&f, "t.csv", "p1,a,kind,w,b,p2,c\n10,1,cat,1,5,20,9\n30,2,ant,0,6,40,8\n50,3,bee,0.25,7,60,7\n");
    return 0;
}

/* A field's numbers: "1 2 3 ". */
static inline const char *numbers(const gr_set *s, const gr_field *x)
{
    static char text[300];
    size_t used = 0;
    text[0] = '\0';
    for (int64_t i = 0; i < s->n * gr_shape_count(x->sample); i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%g ", gr__element_at(x->element, x->data, i));
    return text;
}

static inline void check(const gr_set *s, int i, const char *name, gr_element e, int rank, const char *wanted)
{
    const gr_field *x = &s->field[i];
    assert_string_equal(x->name, name);
    assert_int_equal(x->element, e);
    assert_int_equal(x->sample.rank, rank);
    assert_string_equal(numbers(s, x), wanted);
    assert_non_null(x->file);
}

#define NPZ "{type: npz, file: f.npz, "
#define INPUTS "inputs: {table: table, image: image}"
#define TARGETS "targets: {price: price, kind: kind}"
#define FILES "{type: npy, inputs: {table: table.npy, image: image.npy}, "
#define TABLE "{type: csv, file: t.csv, inputs: {table: [c, a], image: [b]}, targets: {kind: kind, price: [p1, p2]}"

#endif
