/* Models for programs: what is predicted of raw numbers, of files and of fields, what they tell of themselves, and what
 * is refused. [D18, SYS35] */
#include "library_case.h"

static gr_model *trained(library *l, const char *set)
{
    gr_recipe *r = library_recipe(l, library_text, set);
    gr_data *d = library_data(l, true);
    gr_model *m = NULL;
    library_train(l, r, &(gr_trainer_data){.train = d}, library_options(l, "run"));
    gr_data_destroy(d);
    gr_recipe_close(r);
    test_ok(l->ctx, gr_model_open(l->ctx, library_path(l, "run/best.safetensors"), &m));
    return m;
}

static int right(const library *l, const float *y, int n)
{
    int sum = 0;
    for (int i = 0; i < n; i++) {
        int best = 0;
        for (int k = 1; k < 3; k++)
            if (y[3 * i + k] > y[3 * i + best]) best = k;
        sum += best == l->y[i];
    }
    return sum;
}

static void raw_numbers_go_in(void **state)
{
    (void)state;
    library l;
    float y[LIBRARY_N * 3], one[3];
    double wide[LIBRARY_N * 3], *heads[] = {wide};
    int64_t width;
    library_begin(&l);
    gr_model *m = trained(&l, NULL);
    assert_int_equal(gr_model_inputs(m), 1);
    assert_int_equal(gr_model_heads(m), 1);
    assert_int_equal(gr_shape_count(gr_model_input_shape(m, 0)), 3);
    test_ok(l.ctx, gr_model_width(m, 0, &width));
    assert_int_equal(width, 3);
    assert_int_equal(gr_model_answer(m, 0), GR_ANSWER_CLASS);
    assert_int_equal(gr_model_classes(m, 0), 3);
    for (int k = 0; k < 3; k++) assert_string_equal(gr_model_class_name(m, 0, k), library_classes[k]);
    assert_null(gr_model_class_name(m, 0, 3));
    assert_null(gr_model_class_name(m, 1, 0));
    test_ok(l.ctx, gr_model_predict(m, &l.x[0][0], LIBRARY_N, y));
    assert_true(right(&l, y, LIBRARY_N) >= LIBRARY_N - 2);
    for (int i = 0; i < LIBRARY_N; i++) assert_true(fabs(y[3 * i] + y[3 * i + 1] + y[3 * i + 2] - 1) < 1e-5);

    gr_data *d = library_data(&l, false);
    test_ok(l.ctx, gr_model_predict_data(m, d, heads));
    for (int i = 0; i < 3 * LIBRARY_N; i++) assert_true((float)wide[i] == y[i]);
    gr_data_destroy(d);
    d = library_data(&l, true); /* targets are not looked at */
    test_ok(l.ctx, gr_model_predict_data(m, d, (double *[]){NULL}));
    gr_data_destroy(d);
    for (int i = 0; i < 5; i++) { /* a batch of another size is another plan */
        test_ok(l.ctx, gr_model_predict(m, l.x[i], 1, one));
        for (int k = 0; k < 3; k++) assert_true(fabsf(one[k] - y[3 * i + k]) < 1e-5f);
    }
    gr_model_close(m);
    library_end(&l);
}

/* The same numbers as doubles, bytes or 16-bit integers are the same samples, whether they stand in memory or a
 * function gives them. */
typedef struct asked {
    const uint8_t *x;
    int calls, fail_at;
} asked;

static gr_status give(void *user, int64_t sample, void *values)
{
    asked *a = user;
    a->calls++;
    if (a->fail_at && a->calls == a->fail_at) return GR_E_DATA;
    memcpy(values, a->x + sample * LIBRARY_WIDTH, LIBRARY_WIDTH);
    return GR_OK;
}

static void any_type_and_function(void **state)
{
    (void)state;
    library l;
    uint8_t bytes[LIBRARY_N][LIBRARY_WIDTH];
    int16_t whole[LIBRARY_N][LIBRARY_WIDTH];
    double wide[LIBRARY_N][LIBRARY_WIDTH], y[4][LIBRARY_N * 3];
    library_begin(&l);
    gr_model *m = trained(&l, NULL);
    for (int i = 0; i < LIBRARY_N; i++)
        for (int k = 0; k < LIBRARY_WIDTH; k++) wide[i][k] = whole[i][k] = bytes[i][k] = (uint8_t)l.x[i][k];
    asked a = {.x = &bytes[0][0]};
    const gr_data_field fields[] = {
        {GR_DATA_FIELD_VERSION, GR_DATA_INPUT, "input", GR_DATA_U8, GR_SHAPE(3), .values = bytes},
        {GR_DATA_FIELD_VERSION, GR_DATA_INPUT, NULL, GR_DATA_I16, GR_SHAPE(3), .values = whole},
        {GR_DATA_FIELD_VERSION, GR_DATA_INPUT, NULL, GR_DATA_F64, GR_SHAPE(3), .values = wide},
        {GR_DATA_FIELD_VERSION, GR_DATA_INPUT, NULL, GR_DATA_U8, GR_SHAPE(3), .read = give, .user = &a},
    };
    for (int i = 0; i < 4; i++) {
        gr_data *d;
        test_ok(l.ctx, gr_data_create(l.ctx, LIBRARY_N, &d));
        test_ok(l.ctx, gr_data_add(d, &fields[i]));
        test_ok(l.ctx, gr_model_predict_data(m, d, (double *[]){y[i]}));
        gr_data_destroy(d);
    }
    assert_true(a.calls >= LIBRARY_N);
    assert_memory_equal(y[0], y[3], sizeof y[0]);
    assert_memory_equal(y[1], y[2], sizeof y[1]); /* both prepared in float64 */
    for (int i = 0; i < 3 * LIBRARY_N; i++) assert_true(fabs(y[0][i] - y[2][i]) < 1e-5);
    gr_model_close(m);
    library_end(&l);
}

static void tensors_by_name(void **state)
{
    (void)state;
    library l;
    gr_model_tensor t, same;
    double w[24], few[4];
    library_begin(&l);
    gr_model *m = trained(&l, NULL);
    assert_int_equal(gr_model_tensors(m), 4);
    test_ok(l.ctx, gr_model_tensor_at(m, -1, "head.weight", &t));
    assert_true(t.shape.rank == 2 && t.shape.dim[0] == 3 && t.shape.dim[1] == 8 && !t.float64);
    test_ok(l.ctx, gr_model_tensor_read(m, "head.weight", w, 24));
    double sum = 0;
    for (int i = 0; i < 24; i++) sum += w[i] * w[i];
    assert_true(isfinite(sum) && sum > 0);
    for (int i = 0; i < 4; i++) {
        test_ok(l.ctx, gr_model_tensor_at(m, i, NULL, &t));
        test_ok(l.ctx, gr_model_tensor_at(m, -1, t.name, &same));
        assert_string_equal(t.name, same.name);
    }
    library_failed(l.ctx, gr_model_tensor_read(m, "head.weight", few, 4), GR_E_RANGE,
                   "has 24 numbers; there is room for 4");
    library_failed(l.ctx, gr_model_tensor_at(m, 4, NULL, &t), GR_E_RANGE, "tensor 4; the model has 4");
    gr_status st = gr_model_tensor_at(m, -1, "head.wieght", &t);
    assert_string_equal(gr_context_error(l.ctx)->hint, "did you mean \"head.weight\"?");
    library_failed(l.ctx, st, GR_E_NAME, "the model has no tensor \"head.wieght\"");
    gr_model_close(m);
    library_end(&l);
}

static void evaluated_on_data(void **state)
{
    (void)state;
    library l;
    gr_evaluation *all, *part;
    int classes = 0;
    library_begin(&l);
    gr_model *m = trained(&l, NULL);
    gr_data *d = library_data(&l, true);
    test_ok(l.ctx, gr_model_evaluate(m, d, &all));
    assert_int_equal(gr_evaluation_samples(all), LIBRARY_N);
    assert_true(gr_evaluation_error(all, 0) < 0.03 && gr_evaluation_cost(all) < 0.2);
    assert_true(fabs(gr_evaluation_metric(all, 0, "accuracy") - 1 + gr_evaluation_error(all, 0)) < 1e-12);
    assert_true(isnan(gr_evaluation_metric(all, 0, "rmse")) && isnan(gr_evaluation_error(all, 1)));
    assert_string_equal(gr_evaluation_head(all, 0), "main");
    assert_true(gr_evaluation_metrics(all, 0) > 3); /* a whole model has all that there are of classes */
    for (int i = 0; i < gr_evaluation_metrics(all, 0); i++) assert_non_null(gr_evaluation_metric_name(all, 0, i));
    const int64_t *c = gr_evaluation_confusion(all, 0, &classes);
    assert_non_null(c);
    assert_int_equal(classes, 3);
    int64_t counted = 0;
    for (int i = 0; i < 9; i++) counted += c[i];
    assert_int_equal(counted, LIBRARY_N);
    gr_evaluation_destroy(all);

    /* The model's own data is not in a file: whoever has it gives it. */
    library_failed(l.ctx, gr_model_evaluate_part(m, NULL, GR_PART_VALIDATION, &part), GR_E_DATA,
                   "this data is a program's");
    library_failed(l.ctx, gr_model_evaluate_part(m, NULL, GR_PART_TEST, &part), GR_E_USAGE,
                   "the recipe has no test data");
    gr_data_destroy(d);
    gr_model_close(m);
    library_end(&l);
}

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    static const char *const others[] = {"low", "middle", "top"};
    library l;
    gr_model *m;
    gr_data *d;
    gr_evaluation *e;
    float y[3];
    double wide[LIBRARY_N * 3];
    library_begin(&l);
    library_failed(l.ctx, gr_model_open(l.ctx, library_path(&l, "none"), &m), GR_E_FILE, "none");
    m = trained(&l, NULL);
    l.x[4][1] = NAN;
    library_failed(l.ctx, gr_model_predict(m, &l.x[0][0], 6, (float *)wide), GR_E_DATA, "nan");
    l.x[4][1] = 0;
    test_ok(l.ctx, gr_model_predict(m, &l.x[4][0], 1, y)); /* it is as good as before */
    library_failed(l.ctx, gr_model_predict(m, &l.x[0][0], 0, y), GR_E_RANGE, "0 samples");
    gr_data_field f = library_input(&l);
    f.shape = GR_SHAPE(2);
    test_ok(l.ctx, gr_data_create(l.ctx, 5, &d));
    test_ok(l.ctx, gr_data_add(d, &f));
    library_failed(l.ctx, gr_model_predict_data(m, d, (double *[]){wide}), GR_E_DATA,
                   "have the shape [2], but the model takes [3]");
    f.name = "table";
    f.shape = GR_SHAPE(3);
    gr_data_destroy(d);
    test_ok(l.ctx, gr_data_create(l.ctx, 5, &d));
    test_ok(l.ctx, gr_data_add(d, &f));
    library_failed(l.ctx, gr_model_predict_data(m, d, (double *[]){wide}), GR_E_CONFLICT,
                   "the data has no input \"input\"");
    gr_data_destroy(d);

    gr_data_field t = library_target(&l);
    t.class_names = others;
    d = library_data(&l, false);
    test_ok(l.ctx, gr_data_add(d, &t));
    library_failed(l.ctx, gr_model_evaluate(m, d, &e), GR_E_DATA, "class 2 of \"main\" is \"top\" in the data");
    gr_data_destroy(d);
    asked a = {.x = (const uint8_t *)l.x, .fail_at = 3};
    test_ok(l.ctx, gr_data_create(l.ctx, 5, &d));
    test_ok(l.ctx, gr_data_add(d, &(gr_data_field){GR_DATA_FIELD_VERSION, GR_DATA_INPUT, NULL, GR_DATA_U8, GR_SHAPE(3),
                                                   .read = give, .user = &a}));
    library_failed(l.ctx, gr_model_predict_data(m, d, (double *[]){wide}), GR_E_DATA,
                   "sample 2 of \"input\" cannot be read");
    gr_data_destroy(d);
    gr_model_close(m);
    library_end(&l);
}

static void fields_are_checked(void **state)
{
    (void)state;
    static const char *const hole[] = {"a", NULL};
    library l;
    library_begin(&l);
    gr_data *d = library_data(&l, true);
    const float w[LIBRARY_N] = {1};
    const struct {
        gr_data_field field;
        gr_status code;
        const char *says;
    } wrong[] = {
        {{0, GR_DATA_INPUT, .values = w}, GR_E_UNSUPPORTED, "a field of version 0; this library knows 1"},
        {{1, GR_DATA_INPUT, "a", GR_DATA_F32, GR_SHAPE(1), .values = NULL},
         GR_E_USAGE,
         "given as values, or by a function"},
        {{1, GR_DATA_INPUT, "a", GR_DATA_F32, GR_SHAPE(1), .values = w, .read = give}, GR_E_USAGE, "one of the two"},
        {{1, GR_DATA_TARGET, "a", GR_DATA_F32, GR_SHAPE(1), .read = give}, GR_E_USAGE, "only inputs"},
        {{1, GR_DATA_INPUT, "a", GR_DATA_F32, GR_SHAPE(0), .values = w}, GR_E_SHAPE, "a shape that is none"},
        {{1, GR_DATA_WEIGHT, NULL, GR_DATA_F32, GR_SHAPE(2), .values = w}, GR_E_SHAPE, "one weight"},
        {{1, GR_DATA_INPUT, "a", (gr_data_type)99, GR_SHAPE(1), .values = w}, GR_E_RANGE, "type 99"},
        {{1, GR_DATA_TARGET, "a", GR_DATA_U8, GR_SCALAR, .values = w, .class_names = hole, .n_classes = 2},
         GR_E_USAGE,
         "class 1 of 2 has no name"},
        {{1, GR_DATA_TARGET, "a", GR_DATA_U8, GR_SCALAR, .values = w, .n_classes = 2}, GR_E_USAGE, "go together"},
        {{1, GR_DATA_INPUT, NULL, GR_DATA_F32, GR_SHAPE(1), .values = w}, GR_E_EXISTS, "of this role already"},
    };
    for (size_t i = 0; i < GR_COUNT(wrong); i++)
        library_failed(l.ctx, gr_data_add(d, &wrong[i].field), wrong[i].code, wrong[i].says);
    assert_int_equal(gr_data_samples(d), LIBRARY_N);
    gr_data_destroy(d);
    gr_data_destroy(NULL);
    gr_model_close(NULL);
    library_failed(l.ctx, gr_data_create(l.ctx, -1, &d), GR_E_RANGE, "data of -1 samples");
    library_end(&l);
}

/* Numbers that are prepared already are warned of, once a model. [D18] */
static void count_warnings(void *user, gr_log_level level, const char *text)
{
    *(int *)user += level == GR_LOG_WARNING && strstr(text, "give raw input") != NULL;
}

static void prepared_numbers_are_warned_of(void **state)
{
    (void)state;
    library l;
    int warnings = 0;
    float x[LIBRARY_N][LIBRARY_WIDTH], y[LIBRARY_N * 3];
    gr_context *ctx;
    gr_model *m;
    library_begin(&l);
    gr_model_close(trained(&l, NULL));
    test_ok(l.ctx, gr_context_create(&(gr_context_options){.log = count_warnings, .user = &warnings}, &ctx));
    test_ok(ctx, gr_model_open(ctx, library_path(&l, "run/best.safetensors"), &m));
    test_ok(ctx, gr_model_predict(m, &l.x[0][0], LIBRARY_N, y));
    assert_int_equal(warnings, 0);
    for (int i = 0; i < LIBRARY_N; i++)
        for (int k = 0; k < LIBRARY_WIDTH; k++) x[i][k] = (l.x[i][k] - 110) / 100;
    for (int i = 0; i < 2; i++) test_ok(ctx, gr_model_predict(m, &x[0][0], LIBRARY_N, y));
    assert_int_equal(warnings, 1);
    gr_model_close(m);
    test_context_end(ctx);
    library_end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw_numbers_go_in),
        cmocka_unit_test(any_type_and_function),
        cmocka_unit_test(tensors_by_name),
        cmocka_unit_test(evaluated_on_data),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(fields_are_checked),
        cmocka_unit_test(prepared_numbers_are_warned_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
