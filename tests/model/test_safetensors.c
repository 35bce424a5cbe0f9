/* Safetensors: round trip, determinism, hostile files, checksums, faults. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "model/safetensors.h"
#include "test.h"

static char folder[64], path[96];

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/gradus-test-XXXXXX");
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/t.safetensors", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void end(gr_context *ctx)
{
    assert_int_equal(gr__bookkeeping_bytes(ctx), 0);
    test_context_end(ctx);
}

static const double f64[] = {1, -0.0, 1e300};
static const float f32[] = {1, 2, 3, 4, 5, 6};
static const int32_t i32[] = {-1, 7};
static const unsigned char u8[] = {0, 255, 3};
#define MANY                                                                                                \
    {                                                                                                       \
        {"a.weight", GR_ST_F64, GR_SHAPE(3), f64, sizeof f64},                                              \
            {"ü \"quoted\"\\\n", GR_ST_F32, GR_SHAPE(2, 3), f32, sizeof f32},                               \
            {"c", GR_ST_I32, GR_SHAPE(2, 1), i32, sizeof i32}, {"d", GR_ST_U8, GR_SHAPE(3), u8, sizeof u8}, \
            {"scalar", GR_ST_F64, GR_SCALAR, f64, 8},                                                       \
        {                                                                                                   \
            "empty", GR_ST_F32, GR_SHAPE(0, 4), f32, 0                                                      \
        }                                                                                                   \
    }

static void write_many(gr_context *ctx)
{
    const gr_st_tensor tensors[] = MANY;
    const gr_st_pair meta[] = {{"gradus.recipe", "gradus: 1\nname: \"x\"\t\\ é\x01\n"}, {"empty", ""}};
    test_ok(ctx, gr__st_write(ctx, path, tensors, GR_COUNT(tensors), meta, GR_COUNT(meta)));
}

static void holds_many(gr_context *ctx, gr_st *st, bool whole)
{
    const gr_st_tensor want[] = MANY;
    assert_int_equal(gr__st_count(st), GR_COUNT(want));
    for (size_t i = 0; i < GR_COUNT(want); i++) {
        const gr_st_tensor *t = gr__st_find(st, want[i].name);
        assert_non_null(t);
        assert_int_equal(t->type, want[i].type);
        assert_int_equal(t->bytes, want[i].bytes);
        assert_int_equal(t->shape.rank, want[i].shape.rank);
        for (int d = 0; d < t->shape.rank; d++) assert_int_equal(t->shape.dim[d], want[i].shape.dim[d]);
        char copy[64];
        for (size_t at = 0, step = 5; at < t->bytes; at += step) /* in pieces of any size */
            test_ok(ctx, gr__st_read(st, t, at, GR_MIN(step, t->bytes - at), copy + at));
        assert_memory_equal(copy, want[i].data, want[i].bytes);
        assert_true(whole == (t->data != NULL));
        if (whole) assert_memory_equal(t->data, want[i].data, want[i].bytes);
    }
    assert_string_equal(gr__st_meta(st, "gradus.recipe"), "gradus: 1\nname: \"x\"\t\\ é\x01\n");
    assert_string_equal(gr__st_meta(st, "empty"), "");
    assert_null(gr__st_meta(st, "other"));
    assert_null(gr__st_find(st, "other"));
}

static void test_round_trip(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    write_many(ctx);
    for (int whole = 0; whole < 2; whole++) {
        gr_st *st = NULL;
        test_ok(ctx, whole ? gr__st_whole(ctx, path, &st) : gr__st_open(ctx, path, &st));
        test_ok(ctx, gr__st_verify(st, path));
        holds_many(ctx, st, whole);
        gr__st_close(st);
    }
    end(ctx);
}

static void test_deterministic(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    char *a, *b;
    size_t n, m;
    write_many(ctx);
    test_ok(ctx, gr__file_read(ctx, path, 1 << 20, &a, &n));
    write_many(ctx);
    test_ok(ctx, gr__file_read(ctx, path, 1 << 20, &b, &m));
    assert_int_equal(n, m);
    assert_memory_equal(a, b, n);
    assert_int_equal(a[0] % 8, 0); /* the data begins 8-byte aligned */
    gr__free(ctx, a, n + 1);
    gr__free(ctx, b, m + 1);
    end(ctx);
}

/* Numbers of a tensor larger than any piece. */
enum { LARGE = 200001 };
static double number_at(size_t i)
{
    return (double)i * 0.37 - 1e4;
}

static gr_status make(void *user, int i, size_t at, size_t bytes, void *to)
{
    *(size_t *)user = GR_MAX(*(size_t *)user, bytes);
    assert_int_equal(i, 1);
    assert_int_equal(at % 8, 0);
    for (size_t k = 0; k < bytes / 8; k++) {
        double x = number_at(at / 8 + k);
        memcpy((char *)to + 8 * k, &x, 8);
    }
    return GR_OK;
}

/* A tensor made in pieces gives the file that the same tensor in memory gives, and is read back in pieces. */
static void test_pieces(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    double *all = malloc(sizeof *all * LARGE), *got = malloc(sizeof *got * LARGE);
    assert_true(all && got);
    for (size_t i = 0; i < LARGE; i++) all[i] = number_at(i);
    gr_st_tensor tensors[] = {{"first", GR_ST_F32, GR_SHAPE(2, 3), f32, sizeof f32},
                              {"large", GR_ST_F64, GR_SHAPE(LARGE), all, sizeof *all * LARGE},
                              {"last", GR_ST_U8, GR_SHAPE(3), u8, sizeof u8}};
    char *a, *b;
    size_t n, m, most = 0;
    gr_st *st;
    test_ok(ctx, gr__st_write(ctx, path, tensors, 3, NULL, 0));
    test_ok(ctx, gr__file_read(ctx, path, 1 << 24, &a, &n));
    tensors[1].data = NULL;
    uint64_t held = gr__bookkeeping_bytes(ctx);
    test_ok(ctx, gr__st_write_pieces(ctx, path, tensors, 3, &(gr_st_maker){make, &most}, NULL, 0));
    test_ok(ctx, gr__file_read(ctx, path, 1 << 24, &b, &m));
    assert_int_equal(n, m);
    assert_memory_equal(a, b, n);
    assert_true(most > 0 && most < sizeof *all * LARGE / 4);
    gr__free(ctx, b, m + 1);
    test_ok(ctx, gr__st_open(ctx, path, &st));
    test_ok(ctx, gr__st_verify(st, path));
    assert_true(gr__bookkeeping_bytes(ctx) < held + (128 << 10)); /* the header alone is kept */
    test_ok(ctx, gr__st_read(st, gr__st_find(st, "large"), 0, sizeof *all * LARGE, got));
    assert_memory_equal(got, all, sizeof *all * LARGE);
    gr__st_close(st);
    gr__free(ctx, a, n + 1);
    free(all);
    free(got);
    end(ctx);
}

/* Nothing at all is a file too; text that is not UTF-8 becomes text that is. */
static void test_odd_contents(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_st *st = NULL;
    test_ok(ctx, gr__st_write(ctx, path, NULL, 0, &(gr_st_pair){"k", "a\xff\xc3z"}, 1));
    test_ok(ctx, gr__st_open(ctx, path, &st));
    assert_int_equal(gr__st_count(st), 0);
    assert_string_equal(gr__st_meta(st, "k"), "a\xef\xbf\xbd\xef\xbf\xbdz");
    gr__st_close(st);
    end(ctx);
}

/* ---- hostile files ---- */

static gr_status parse_raw(gr_context *ctx, const char *bytes, size_t n)
{
    gr_st *st = NULL;
    char *copy = gr__alloc(ctx, n + 1);
    memcpy(copy, bytes, n);
    gr_status status = gr__st_parse(ctx, "hostile", copy, n, &st);
    if (status == GR_OK) gr__st_close(st);
    return status;
}

/* A header with its true length before it and `data` bytes after it. */
static gr_status parse_header(gr_context *ctx, const char *header, size_t data)
{
    size_t n = strlen(header);
    char *bytes = calloc(1, 8 + n + data);
    for (int i = 0; i < 8; i++) bytes[i] = (char)((uint64_t)n >> (8 * i));
    memcpy(bytes + 8, header, n);
    gr_status st = parse_raw(ctx, bytes, 8 + n + data);
    free(bytes);
    return st;
}

#define T(dtype, shape, from, to) "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #from "," #to "]}"

static void test_hostile(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t data;
        const char *says;
    } cases[] = {{"", 0, "not a JSON object"},
                 {"[]", 0, "not a JSON object"},
                 {" {}", 0, "not a JSON object"},
                 {"{", 0, "not JSON"},
                 {"{\"a\":1", 0, "not JSON"},
                 {"{\"a\":" T("U8", "[1]", 0, 1) ",\"a\":" T("U8", "[1]", 0, 1) "}", 1, "not JSON"},
                 {"{\"a\":1}", 0, "not a tensor's description"},
                 {"{\"a\":{}}", 0, "unknown type"},
                 {"{\"a\":" T("F31", "[1]", 0, 4) "}", 4, "unknown type"},
                 {"{\"a\":{\"dtype\":5,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "unknown type"},
                 {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "no shape"},
                 {"{\"a\":" T("F32", "[-1]", 0, 4) "}", 4, "from 0 on"},
                 {"{\"a\":" T("F32", "[1.5]", 0, 4) "}", 4, "from 0 on"},
                 {"{\"a\":" T("F32", "[1,1,1,1,1,1,1]", 0, 4) "}", 4, "axes"},
                 {"{\"a\":" T("F32", "[4294967296,4294967296]", 0, 0) "}", 0, "larger than any file"},
                 {"{\"a\":" T("F32", "[9223372036854775807,2,0]", 0, 0) "}", 0, "larger than any file"},
                 {"{\"a\":" T("F32", "[99999999999999999999]", 0, 4) "}", 4, "not JSON"},
                 {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "no data_offsets"},
                 {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4, "no data_offsets"},
                 {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}", 8, "no data_offsets"},
                 {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[\"0\",4]}}", 4, "no data_offsets"},
                 {"{\"a\":" T("F32", "[1]", 0, 4) "}", 3, "lies at"},
                 {"{\"a\":" T("F32", "[1]", 4, 0) "}", 4, "lies at"},
                 {"{\"a\":" T("F32", "[1]", -4, 0) "}", 4, "lies at"},
                 {"{\"a\":" T("F32", "[1]", 0, 9223372036854775807) "}", 4, "lies at"},
                 {"{\"a\":" T("F32", "[2]", 0, 4) "}", 4, "takes 8"},
                 {"{\"a\":" T("F32", "[1]", 0, 4) ",\"b\":" T("F32", "[1]", 0, 4) "}", 4, "overlaps"},
                 {"{\"a\":" T("F32", "[1]", 0, 4) ",\"b\":" T("F32", "[1]", 2, 6) "}", 6, "overlaps"},
                 {"{\"a\":" T("F32", "[1]", 4, 8) "}", 8, "gap"},
                 {"{\"a\":" T("F32", "[1]", 0, 4) ",\"b\":" T("F32", "[1]", 5, 9) "}", 9, "gap"},
                 {"{\"a\":" T("F32", "[1]", 0, 4) "}", 5, "belong to no tensor"},
                 {"{}", 1, "belong to no tensor"},
                 {"{\"__metadata__\":[]}", 0, "not an object"},
                 {"{\"__metadata__\":{\"a\":1}}", 0, "not text"},
                 {"{\"__metadata__\":{\"a\":\"\\u0000\"}}", 0, "not JSON"},
                 {"{\"a\xff\":1}", 0, "not JSON"}};
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        gr_context *ctx = test_context();
        gr_status st = parse_header(ctx, cases[i].header, cases[i].data);
        const char *message = gr_context_error(ctx)->message;
        if (st != GR_E_FORMAT || !strstr(message, cases[i].says))
            print_error("case %zu: %s: %s\n", i, cases[i].header, message);
        assert_int_equal(st, GR_E_FORMAT);
        assert_non_null(strstr(message, cases[i].says));
        end(ctx);
    }
}

static void test_hostile_lengths(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
    } cases[] = {{"", 0},
                 {"\2\0\0\0\0\0\0", 7},
                 {"\3\0\0\0\0\0\0\0{}", 10},
                 {"\xff\xff\xff\xff\xff\xff\xff\xff{}", 10},
                 {"\0\0\0\0\0\0\0\x80{}", 10},
                 {"\0\0\0\0\0\0\0\0{}", 10}};
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        gr_context *ctx = test_context();
        assert_int_equal(parse_raw(ctx, cases[i].bytes, cases[i].n), GR_E_FORMAT);
        end(ctx);
    }
}

/* Deeply nested JSON must not exhaust the stack. */
static void test_deep_json(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    size_t n = 100000;
    char *header = calloc(1, 2 * n + 16), *p = header;
    p += sprintf(p, "{\"a\":");
    memset(p, '[', n);
    memset(p + n, ']', n);
    p[2 * n] = '}';
    assert_int_equal(parse_header(ctx, header, 0), GR_E_FORMAT);
    free(header);
    end(ctx);
}

/* Sound files of other tools: unpadded header, any order of keys, types that are not ours, scalars. */
static void test_foreign(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    test_ok(ctx, parse_header(ctx,
                              "{\"b\":" T("BF16", "[2]", 4,
                                          8) ",\"__metadata__\":{\"format\":\"pt\"},\"a\":" T("F32", "[]", 0, 4) "}   ",
                              8));
    test_ok(ctx, parse_header(ctx, "{}", 0));
    test_ok(ctx, parse_header(ctx, "{\"e\":" T("F32", "[0]", 0, 0) ",\"f\":" T("I64", "[1,0,3]", 0, 0) "}", 0));
    end(ctx);
}

/* ---- damage ---- */

static char *read_back(gr_context *ctx, size_t *n)
{
    char *bytes;
    test_ok(ctx, gr__file_read(ctx, path, 1 << 20, &bytes, n));
    return bytes;
}

/* Every bit of the data is guarded in a file of ours; a header of somebody else's is not held against its checksum. */
static void test_damage(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    size_t n;
    write_many(ctx);
    char *bytes = read_back(ctx, &n);
    size_t header = 8 + (unsigned char)bytes[0] + ((size_t)(unsigned char)bytes[1] << 8);
    for (size_t i = header; i < n; i++) {
        gr_st *st = NULL;
        char *copy = gr__alloc(ctx, n + 1);
        memcpy(copy, bytes, n);
        copy[i] = (char)(copy[i] ^ 1);
        test_ok(ctx, gr__st_parse(ctx, "damaged", copy, n, &st));
        assert_int_equal(gr__st_verify(st, "damaged"), GR_E_FORMAT);
        gr__st_close(st);
        gr_context_clear_error(ctx);
    }
    char *rewritten = gr__alloc(ctx, n + 1), *word;
    gr_st *st = NULL;
    memcpy(rewritten, bytes, n);
    rewritten[n - 1] ^= 1;
    assert_non_null(word = memmem(rewritten, n, "\"shape\":[2,3]", 13));
    memcpy(word, "\"shape\":[3,2]", 13);
    test_ok(ctx, gr__st_parse(ctx, "rewritten", rewritten, n, &st));
    test_ok(ctx, gr__st_verify(st, "rewritten"));
    gr__st_close(st);
    gr__free(ctx, bytes, n + 1);
    end(ctx);
}

/* The same of files that are read in pieces; and one that becomes shorter while it is open ends before it should. */
static void test_damaged_on_disk(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    size_t n;
    gr_st *st = NULL;
    char value[16];
    write_many(ctx);
    char *bytes = read_back(ctx, &n);
    for (size_t i = 0; i < n; i += 7) {
        bytes[i] ^= 1;
        test_ok(ctx, gr__file_write(ctx, path, bytes, n));
        gr_status got = gr__st_open(ctx, path, &st);
        if (got == GR_OK) {
            got = gr__st_verify_as(st, path, true);
            gr__st_close(st);
        }
        assert_int_equal(got, GR_E_FORMAT);
        gr_context_clear_error(ctx);
        bytes[i] ^= 1;
    }
    for (size_t k = 0; k < n; k += 5) {
        test_ok(ctx, gr__file_write(ctx, path, bytes, k));
        assert_int_equal(gr__st_open(ctx, path, &st), GR_E_FORMAT);
        gr_context_clear_error(ctx);
    }
    test_ok(ctx, gr__file_write(ctx, path, bytes, n));
    test_ok(ctx, gr__st_open(ctx, path, &st));
    assert_int_equal(truncate(path, (off_t)n - 12), 0);
    assert_int_equal(gr__st_read(st, gr__st_find(st, "scalar"), 0, 8, value), GR_E_FORMAT);
    gr_context_clear_error(ctx);
    assert_int_equal(gr__st_verify(st, path), GR_E_FORMAT);
    gr__st_close(st);
    gr__free(ctx, bytes, n + 1);
    end(ctx);
}

/* A file cut anywhere is refused. */
static void test_cut(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    size_t n;
    write_many(ctx);
    char *bytes = read_back(ctx, &n);
    for (size_t k = 0; k < n; k++) {
        assert_int_equal(parse_raw(ctx, bytes, k), GR_E_FORMAT);
        gr_context_clear_error(ctx);
    }
    gr__free(ctx, bytes, n + 1);
    end(ctx);
}

/* ---- faults ---- */

static void test_no_memory(void **state)
{
    (void)state;
    gr_status st = GR_E_MEMORY;
    for (uint64_t k = 1; st != GR_OK; k++) {
        gr_context *ctx = test_context();
        const gr_st_tensor tensors[] = MANY;
        gr__fail_acquisition(ctx, k);
        st = gr__st_write(ctx, path, tensors, GR_COUNT(tensors), NULL, 0);
        gr__fail_acquisition(ctx, 0);
        assert_true(st == GR_OK || st == GR_E_MEMORY);
        end(ctx);
        assert_true(k < 1000);
    }
    st = GR_E_MEMORY;
    for (uint64_t k = 1; st != GR_OK; k++) {
        gr_context *ctx = test_context();
        gr_st *file = NULL;
        gr__fail_acquisition(ctx, k);
        st = gr__st_open(ctx, path, &file);
        gr__fail_acquisition(ctx, 0);
        assert_true(st == GR_OK || st == GR_E_MEMORY);
        gr__st_close(file);
        end(ctx);
        assert_true(k < 1000);
    }
}

/* A write that fails leaves the old file as it was. */
static void test_full_disk(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_st *st = NULL;
    write_many(ctx);
    for (uint64_t k = 1;; k++) {
        gr__fail_write(ctx, k);
        gr_status status = gr__st_write(ctx, path, NULL, 0, NULL, 0);
        gr__fail_write(ctx, 0);
        if (status == GR_OK) break;
        assert_int_equal(status, GR_E_WRITE);
        gr_context_clear_error(ctx);
        test_ok(ctx, gr__st_open(ctx, path, &st));
        assert_int_equal(gr__st_count(st), 6);
        gr__st_close(st);
        assert_true(k < 100);
    }
    end(ctx);
}

static void test_missing(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_st *st = NULL;
    unlink(path);
    assert_int_equal(gr__st_open(ctx, path, &st), GR_E_FILE);
    gr__st_close(NULL);
    end(ctx);
    FILE *f = fopen(path, "w"); /* for teardown */
    assert_non_null(f);
    fclose(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip),
                                       cmocka_unit_test(test_pieces),
                                       cmocka_unit_test(test_damaged_on_disk),
                                       cmocka_unit_test(test_deterministic),
                                       cmocka_unit_test(test_odd_contents),
                                       cmocka_unit_test(test_hostile),
                                       cmocka_unit_test(test_hostile_lengths),
                                       cmocka_unit_test(test_deep_json),
                                       cmocka_unit_test(test_foreign),
                                       cmocka_unit_test(test_damage),
                                       cmocka_unit_test(test_cut),
                                       cmocka_unit_test(test_no_memory),
                                       cmocka_unit_test(test_full_disk),
                                       cmocka_unit_test(test_missing)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
