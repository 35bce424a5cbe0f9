/* Files for the tests of data: a folder of their own, bytes written as given, sources called with YAML flow text. */
#ifndef GR_TESTS_DATA_FILES_H
#define GR_TESTS_DATA_FILES_H

#include "../test.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/tree.h"
#include "data/sample.h"

typedef struct files {
    gr_context *ctx;
    gr__bump *b;
    char folder[64];
} files;

static inline void files_make(files *f, const gr_context_options *options)
{
    assert_int_equal(gr_context_create(options, &f->ctx), GR_OK);
    f->b = gr__bump_create(f->ctx);
    strcpy(f->folder, "/tmp/gradus-data-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
}

static inline void files_end(files *f)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", f->folder);
    assert_int_equal(system(command), 0);
    gr__bump_destroy(f->b);
    test_context_end(f->ctx);
}

static inline void put_file(const files *f, const char *name, const void *data, size_t n)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(data, 1, n, out), n);
    assert_int_equal(fclose(out), 0);
}

static inline void put_text(const files *f, const char *name, const char *text)
{
    put_file(f, name, text, strlen(text));
}

static inline size_t pack_gzip(const void *data, size_t n, void *out, size_t room)
{
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(9);
    size_t used = libdeflate_gzip_compress(c, data, n, out, room);
    libdeflate_free_compressor(c);
    assert_true(used > 0);
    return used;
}

static inline gr_source_options options_of(const files *f, gr_target_kind want, bool float64)
{
    return (gr_source_options){.folder = f->folder, .want = want, .keep_float64 = float64, .seed = 1};
}

/* The i-th key stands in line 4 + i; what stands in its value, there too, in columns 1, 2, ... */
static inline gr_tree *yaml(const files *f, const char *text)
{
    gr_tree *t = gr__tree_flow(f->b, text);
    assert_non_null(t);
    t->file = "r.yaml";
    t->line = 3;
    for (int i = 0; i < t->n; i++) {
        gr_tree *x = t->child[i];
        x->file = t->file;
        x->line = 4 + i;
        for (int k = 0; k < x->n; k++) {
            x->child[k]->file = t->file;
            x->child[k]->line = x->line;
            x->child[k]->column = k + 1;
        }
    }
    return t;
}

static inline void same_shape(gr_shape a, gr_shape b)
{
    assert_int_equal(a.rank, b.rank);
    for (int i = 0; i < a.rank; i++) assert_int_equal(a.dim[i], b.dim[i]);
}

/* A field loaded is what its header promised. */
static inline void same_field(const gr_field *info, const gr_field *x)
{
    assert_string_equal(x->name, info->name);
    assert_int_equal(x->role, info->role);
    assert_int_equal(x->kind, info->kind);
    same_shape(x->sample, info->sample);
    assert_int_equal(x->element, info->element);
    assert_int_equal(x->bytes, info->bytes);
    assert_int_equal(x->missing, info->missing);
    assert_null(info->data);
    assert_non_null(x->data);
    assert_int_equal((uintptr_t)x->data % 64, 0);
}

/* Read sample by sample it is what is held, where its source can do that; and info has promised the bytes. */
static inline void same_when_read(const files *f, const char *source, const gr_source_options *o, const gr_set *held)
{
    gr_set s = {0}, info;
    gr_source_options little = *o;
    uint64_t before = gr_context_bytes(f->ctx);
    little.hold = 1;
    test_ok(f->ctx, gr__set_info(f->ctx, yaml(f, source), &little, &info));
    test_ok(f->ctx, gr__set_load(f->ctx, yaml(f, source), &little, &s));
    assert_int_equal(gr_context_bytes(f->ctx) - before, gr__set_bytes(&info));
    assert_int_equal(s.n, held->n);
    for (int i = 0; i < s.n_inputs; i++) {
        gr__samples from;
        size_t bytes = gr__sample_bytes(&s.field[i]);
        assert_int_equal(s.field[i].element, held->field[i].element);
        assert_int_equal(bytes, gr__sample_bytes(&held->field[i]));
        test_ok(f->ctx, gr__samples_open(f->ctx, &s.field[i], &from));
        for (int64_t row = s.n - 1; row >= 0; row--) { /* in another order than the file's */
            const void *x = gr__samples_at(f->ctx, &from, row);
            assert_non_null(x);
            assert_memory_equal(x, (const char *)held->field[i].data + (size_t)row * bytes, bytes);
        }
        gr__samples_close(&from);
    }
    gr__set_free(f->ctx, &s);
    assert_int_equal(gr_context_bytes(f->ctx), before);
}

/* Loads; info must have said the same and promised the exact bytes. */
static inline gr_set load_with(const files *f, const char *source, const gr_source_options *o)
{
    gr_set s = {0}, info;
    uint64_t before = gr_context_bytes(f->ctx);
    test_ok(f->ctx, gr__set_info(f->ctx, yaml(f, source), o, &info));
    assert_int_equal(gr_context_bytes(f->ctx), before);
    test_ok(f->ctx, gr__set_load(f->ctx, yaml(f, source), o, &s));
    assert_int_equal(gr_context_bytes(f->ctx) - before, gr__set_bytes(&info));
    assert_int_equal(s.n, info.n);
    assert_int_equal(s.n_inputs, info.n_inputs);
    assert_int_equal(s.n_targets, info.n_targets);
    assert_int_equal(s.weighted, info.weighted);
    for (int i = 0; i < gr__set_fields(&s); i++) same_field(&info.field[i], &s.field[i]);
    assert_non_null(s.file);
    same_when_read(f, source, o, &s);
    return s;
}

static inline gr_set load_as(const files *f, const char *source, gr_target_kind want, bool float64)
{
    gr_source_options o = options_of(f, want, float64);
    return load_with(f, source, &o);
}

static inline void refuse_once(const files *f, const char *source, const gr_source_options *o, gr_status code,
                               const char *words)
{
    gr_set s = {0};
    uint64_t before = gr_context_bytes(f->ctx), bookkeeping;
    gr_tree *t = yaml(f, source);
    bookkeeping = gr__bookkeeping_bytes(f->ctx);
    gr_status st = gr__set_load(f->ctx, t, o, &s);
    const gr_error *e = gr_context_error(f->ctx);
    if (st == GR_OK) fail_msg("%s is accepted", source);
    if (st != code || !strstr(e->message, words))
        fail_msg("%s: %s: %s (wanted %s: %s)", source, gr_status_name(st), e->message, gr_status_name(code), words);
    assert_string_equal(e->file, "r.yaml");
    for (int i = 0; i < GR_MAX_FIELDS; i++) assert_null(s.field[i].data);
    assert_int_equal(gr_context_bytes(f->ctx), before);
    assert_int_equal(gr__bookkeeping_bytes(f->ctx), bookkeeping);
    gr_context_clear_error(f->ctx);
}

/* Must fail with this code, words of the message, and the place of the source, held or read; leaves nothing behind. */
static inline void refuse_with(const files *f, const char *source, const gr_source_options *o, gr_status code,
                               const char *words)
{
    gr_source_options little = *o;
    little.hold = 1;
    refuse_once(f, source, o, code, words);
    refuse_once(f, source, &little, code, words);
}

static inline void refuse(const files *f, const char *source, gr_target_kind want, gr_status code, const char *words)
{
    gr_source_options o = options_of(f, want, false);
    refuse_with(f, source, &o, code, words);
}

/* Fails every k-th allocation of a load in turn. */
static inline void starve_once(const files *f, const char *source, const gr_source_options *o)
{
    for (uint64_t k = 1; k < 1000; k++) {
        gr_set s = {0};
        gr_tree *t = yaml(f, source);
        uint64_t bytes = gr_context_bytes(f->ctx), bookkeeping = gr__bookkeeping_bytes(f->ctx);
        gr__fail_acquisition(f->ctx, k);
        gr_status st = gr__set_load(f->ctx, t, o, &s);
        gr__fail_acquisition(f->ctx, 0);
        if (st == GR_OK) {
            assert_int_equal(gr__error_code(f->ctx), GR_OK);
            gr__set_free(f->ctx, &s);
            assert_true(k > 3);
            return;
        }
        assert_int_equal(st, GR_E_MEMORY);
        assert_int_equal(gr__error_code(f->ctx), GR_E_MEMORY);
        assert_int_equal(gr_context_bytes(f->ctx), bytes);
        assert_int_equal(gr__bookkeeping_bytes(f->ctx), bookkeeping);
        gr_context_clear_error(f->ctx);
    }
    fail_msg("%s never loads", source);
}

static inline void starve_with(const files *f, const char *source, const gr_source_options *o)
{
    gr_source_options little = *o;
    little.hold = 1;
    starve_once(f, source, o);
    starve_once(f, source, &little);
}

static inline void starve(const files *f, const char *source, gr_target_kind want)
{
    gr_source_options o = options_of(f, want, false);
    starve_with(f, source, &o);
}

/* Those of the running test: made before and removed after it, or all tests of a program. */
static files f;

static inline int files_setup(void **state)
{
    (void)state;
    files_make(&f, &(gr_context_options){.threads = 1});
    return 0;
}

static inline int files_teardown(void **state)
{
    (void)state;
    files_end(&f);
    return 0;
}

/* The plain split: permuted, stratified where there are labels. */
static inline gr_status split(gr_context *ctx, uint64_t seed, int64_t n, const int32_t *labels, int classes,
                              const double *fractions, int parts, gr_rows *out)
{
    const gr_cut c = {.seed = seed, .fractions = fractions, .parts = parts, .labels = labels, .classes = classes};
    return gr__split(ctx, &c, n, out);
}

#endif
