/* Arrays read sample by sample. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "data/array/elements.h"
#include "data/given.h"

typedef struct array_reader {
    gr_reader head;
    gr__part part; /* with a file of its own */
    gr__keeping keeping;
    int64_t sample; /* elements */
    char name[];    /* of the file */
} array_reader;

bool gr__part_can_be_read(const gr__part *p, const gr_field *f)
{
    return f->role == GR_FIELD_INPUT && p->blob.packing == GR__PLAIN && (p->blob.fd >= 0 || p->given) &&
           !p->array.fortran;
}

static uint64_t place(const array_reader *r, int64_t row)
{
    return (uint64_t)row * (uint64_t)r->sample;
}

/* Elements `first` to first + n, which stand in the blob from byte `from` on, as numbers, run after run. */
static gr_status read_numbers(const array_reader *r, gr__part *p, uint64_t from, uint64_t first, int64_t n, void *out)
{
    unsigned char raw[GR__RUN * 8];
    double x[GR__RUN];
    size_t width = gr__type_bytes(p->array.type);
    for (int64_t done = 0; done < n;) {
        size_t run = (size_t)GR_MIN(n - done, GR__RUN);
        gr_status st = gr__blob_read(&p->blob, from + (uint64_t)done * width, raw, run * width);
        if (st != GR_OK) return st;
        gr__elements_decode(&p->array, raw, run, x);
        for (size_t i = 0; i < run; i++) {
            uint64_t at = (uint64_t)done + i;
            if (!gr__element_keep(&r->keeping, out, at, x[i]))
                st = gr__element_refuse(p, &r->keeping, first + at, raw + i * width, x[i], out, at);
            if (st != GR_OK) return st;
        }
        done += (int64_t)run;
    }
    return GR_OK;
}

static gr_status read_sample(gr_context *ctx, const gr_reader *head, int64_t row, void *scratch, void *out)
{
    const array_reader *r = (const array_reader *)head;
    gr__part p = r->part;
    size_t width = gr__type_bytes(p.array.type), bytes = (size_t)r->sample * width;
    uint64_t first = place(r, row), at = p.array.at + first * width;
    p.blob.ctx = ctx;
    if (p.given && p.given->is.read) { /* a blob of this sample alone */
        gr_status st = gr__given_read(ctx, p.given, r->name, row, scratch);
        if (st != GR_OK) return st;
        p.blob.data = scratch;
        p.blob.bytes = bytes;
        at = 0;
    }
    if (r->keeping.as == GR_EL_U8 ||
        (r->keeping.use == GR__USE_VALUE && gr__elements_direct(&p.array, r->keeping.as))) {
        gr_status st = gr__blob_read(&p.blob, at, out, bytes);
        uint64_t n = (uint64_t)r->sample;
        for (uint64_t bad = 0; st == GR_OK && (bad = gr__elements_beyond(&r->keeping, out, bad, n)) < n; bad++)
            st = gr__element_refuse(&p, &r->keeping, first + bad, NULL,
                                    gr__element_at(r->keeping.as, out, (int64_t)bad), out, bad);
        return st;
    }
    return read_numbers(r, &p, at, first, r->sample, out);
}

static void close_reader(gr_context *ctx, gr_reader *head)
{
    array_reader *r = (array_reader *)head;
    if (r->part.blob.fd >= 0) close(r->part.blob.fd);
    gr__free(ctx, r, sizeof *r + strlen(r->name) + 1);
}

/* A checksum over the content of an archive's member, which nobody checks who reads it in parts. */
static gr_status check_content(const gr__part *p)
{
    gr__stream *s = NULL;
    gr_status st = gr__stream_open(&p->blob, &s);
    if (st == GR_OK) st = gr__stream_take(s, NULL, p->array.at + p->array.bytes);
    char more;
    size_t got;
    if (st == GR_OK) st = gr__stream_read(s, &more, 1, &got); /* at the end the sum is known */
    gr__stream_close(s);
    return st;
}

static gr_status check_samples(gr_context *ctx, const array_reader *r, const gr_field *f)
{
    size_t bytes = (size_t)r->sample * gr__element_bytes(f->element);
    void *room = gr__alloc(ctx, bytes);
    gr_status st = room ? GR_OK : GR_E_MEMORY;
    for (int64_t i = 0; i < r->part.array.dim[0] && st == GR_OK; i++) st = read_sample(ctx, &r->head, i, NULL, room);
    gr__free(ctx, room, bytes);
    return st;
}

gr_status gr__part_reader(gr__part *p, const gr_source_options *o, gr_field *f)
{
    gr_context *ctx = p->blob.ctx;
    size_t name = strlen(p->blob.name) + 1;
    array_reader *r = gr__alloc(ctx, sizeof *r + name);
    if (!r) return GR_E_MEMORY;
    bool asks = p->given && p->given->is.read;
    *r = (array_reader){.head = {read_sample, close_reader,
                                 asks ? (size_t)gr_shape_count(f->sample) * gr__type_bytes(p->array.type) : 0},
                        .part = *p,
                        .keeping = gr__keeping_of(f, o, 0),
                        .sample = gr_shape_count(f->sample)};
    memcpy(r->name, p->blob.name, name);
    r->part.blob.name = r->name;
    if (p->blob.fd >= 0) r->part.blob.fd = fcntl(p->blob.fd, F_DUPFD_CLOEXEC, 0);
    gr_status st = GR_OK;
    if (p->blob.fd >= 0 && r->part.blob.fd < 0)
        st = gr__fail(ctx, GR_E_FILE, "cannot read \"%s\": no file more can be open", r->name);
    if (st == GR_OK && p->blob.checked) st = check_content(p);
    if (st == GR_OK && !asks) st = check_samples(ctx, r, f); /* asking a function twice may take long */
    if (st == GR_OK)
        f->reader = &r->head;
    else
        close_reader(ctx, &r->head);
    return st;
}
