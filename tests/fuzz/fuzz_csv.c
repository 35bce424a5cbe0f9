/* CSV tables, read in several ways. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "data/table/csv.h"

/* One target in this column, of this kind. */
static gr__entries target(const char *column, gr_target_kind want)
{
    gr__entries e = {.n_targets = 1};
    e.entry[0] = (gr__entry){.name = GR_LONE_TARGET, .role = GR_FIELD_TARGET, .want = want, .text = column};
    return e;
}

static void try_as(gr_context *ctx, const uint8_t *data, size_t n, const gr__csv_options *o)
{
    gr__blob blob;
    gr_set set = {0}, info;
    gr__blob_memory(ctx, "table", data, n, &blob);
    gr_status st = gr__csv_info(&blob, o, NULL, &info);
    if (st == GR_OK) st = gr__csv_load(&blob, o, &set);
    gr__set_free(ctx, &set);
    gr__blob_close(&blob);
    if (st != gr__error_code(ctx) || st == GR_E_INTERNAL) abort();
    gr_context_clear_error(ctx);
}

/* Two inputs, two heads of one column, and weights: as the source says, and then by the schema of such a table. */
static void try_several(gr_context *ctx, const uint8_t *data, size_t n, const gr_schema *one)
{
    static const char *const names[] = {"a", "b", "a"};
    static const int inputs[] = {0, 2, 0}, targets[] = {1, 1};
    gr__csv_options o = {.fields = {.n_inputs = 2, .n_targets = 2, .weighted = true}};
    o.fields.entry[0] = (gr__entry){.name = "left", .text = "0"};
    o.fields.entry[1] = (gr__entry){.name = "right", .text = "a"};
    o.fields.entry[2] = (gr__entry){.name = "kind", .role = GR_FIELD_TARGET, .want = GR_TARGET_CLASS, .text = "1"};
    o.fields.entry[3] = (gr__entry){.name = "price", .role = GR_FIELD_TARGET, .want = GR_TARGET_VALUE, .text = "1"};
    o.fields.entry[4] = (gr__entry){.name = "weight", .role = GR_FIELD_WEIGHT, .text = "2"};
    try_as(ctx, data, n, &o);
    gr_schema like = *one;
    like.n_inputs = 3, like.input = inputs, like.name = names, like.n_of_inputs = 2, like.n_targets = 2;
    like.of_input[0] = (gr_schema_input){"left", 2};
    like.of_input[1] = (gr_schema_input){"right", 1};
    like.target[0] = (gr_schema_target){.name = "kind", .n = 1, .column = targets};
    like.target[1] = (gr_schema_target){.name = "price", .n = 2, .column = targets, .listed = true};
    like.weighted = true, like.weight = 2;
    for (int names_too = 1; names_too >= 0; names_too--) {
        if (!names_too) like.name = NULL;
        try_as(ctx, data, n, &(gr__csv_options){.like = &like, .want = GR_TARGET_VALUE});
        try_as(ctx, data, n, &(gr__csv_options){.like = &like, .inputs_only = true, .n_wanted = {2, 1}});
    }
}

/* Columns of categories: those that the table has, all others as numbers; looked up as indices; and the training's. */
static void try_categories(gr_context *ctx, const uint8_t *data, size_t n)
{
    static const char *const names[] = {"a", "b", "c"}, *const texts[] = {"", "ant", "bee"};
    static const int inputs[] = {0, 1, 2};
    static const gr_schema_category categories[] = {{3, texts}, {0, NULL}, {2, texts + 1}};
    gr__bump *b = gr__bump_create(ctx);
    const gr_tree *list = gr__tree_flow(b, "[0, '*']");
    const gr__kind kind[] = {{gr__tree_flow(b, "0"), GR__COLUMN_CATEGORY},
                             {gr__tree_flow(b, "1"), GR__COLUMN_LEFT_OUT}};
    const gr_wants wants = {.input = {GR_LONE_INPUT}, .n_inputs = 1, .vocabulary = {4}};
    gr__csv_options o = {.fields = {.n_inputs = 1}, .kind = kind, .n_kinds = 2, .missing = gr__tree_flow(b, "[NA]")};
    o.fields.entry[0] = (gr__entry){.name = GR_LONE_INPUT, .list = list};
    try_as(ctx, data, n, &o);
    o.wants = &wants;
    try_as(ctx, data, n, &o);
    gr_schema like = {.table = true, .delimiter = ',', .n_columns = 3, .n_inputs = 3, .input = inputs, .name = names};
    like.category = categories;
    try_as(ctx, data, n, &(gr__csv_options){.like = &like, .inputs_only = true});
    like.name = NULL;
    try_as(ctx, data, n, &(gr__csv_options){.like = &like, .inputs_only = true, .wants = &wants});
    gr__bump_destroy(b);
}

/* What is wrong with single rows let through, and some left out; then a column as keys. */
static void try_faults(gr_context *ctx, const uint8_t *data, size_t n)
{
    static const uint32_t out[] = {1, 2, 5};
    static const gr_target_kind kinds[] = {GR_TARGET_CLASS, GR_TARGET_VALUE};
    gr_faults f;
    const gr__kind category = {&(gr_tree){.kind = GR_TREE_TEXT, .text = "1"}, GR__COLUMN_CATEGORY};
    for (size_t k = 0; k < 8; k++) {
        gr__csv_options o = {.fields = target("0", kinds[k % 2]), .faults = &f};
        if (k & 4) o.kind = &category, o.n_kinds = 1;
        gr_keys keys = {0};
        gr__blob blob;
        if (gr__faults_open(ctx, &f) != GR_OK) abort();
        f.out = out, f.n_out = 3, f.note = !(k & 2);
        try_as(ctx, data, n, &o);
        gr__blob_memory(ctx, "table", data, n, &blob);
        gr__csv_keys(&blob, &o, "1", &keys);
        gr__keys_free(ctx, &keys);
        gr_context_clear_error(ctx);
        gr__faults_close(&f);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *const names[] = {"a", "b"};
    static const char *const name[] = {"y"};
    static const int columns[] = {2, 0}, place[] = {1};
    gr_context *ctx;
    if (gr_context_create(&(gr_context_options){.threads = 1, .budget_bytes = 64 << 20}, &ctx) != GR_OK) return 0;
    try_as(ctx, data, n, &(gr__csv_options){.fields = target("0", GR_TARGET_CLASS)});
    try_as(
        ctx, data, n,
        &(gr__csv_options){
            .fields = target("y", GR_TARGET_VALUE), .delimiter = ',', .header = GR__HEADER_YES, .keep_float64 = true});
    gr_schema classes = {.target = {{.class_names = names, .n_class_names = 2}}, .n_targets = 1};
    try_as(ctx, data, n,
           &(gr__csv_options){
               .fields = target("1", GR_TARGET_NONE), .delimiter = ' ', .header = GR__HEADER_NO, .like = &classes});
    gr_schema like = {.table = true, .delimiter = ',', .n_columns = 3, .n_inputs = 2, .input = columns, .name = names};
    like.missing = names, like.n_missing = 1, like.n_targets = 1;
    like.target[0] = (gr_schema_target){.n = 1, .column = place, .column_name = name};
    try_as(ctx, data, n, &(gr__csv_options){.like = &like, .inputs_only = true, .n_wanted = {2}});
    like.name = NULL, like.target[0].column_name = NULL;
    try_as(ctx, data, n, &(gr__csv_options){.like = &like, .want = GR_TARGET_CLASS});
    try_several(ctx, data, n, &like);
    try_categories(ctx, data, n);
    try_faults(ctx, data, n);
    if (gr__bookkeeping_bytes(ctx) != 0 || gr_context_bytes(ctx) != 0) abort();
    gr_context_destroy(ctx);
    return 0;
}
