/* Pictures: told by their content, held against limits, decoded, resized, turned upright. */
#include "data/picture/picture.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

/* ---- what a file is ---- */

static gr__picture_kind kind_of(const unsigned char *x, size_t n)
{
    if (n >= 8 && memcmp(x, "\x89PNG\r\n\x1a\n", 8) == 0) return GR__PNG;
    if (n >= 3 && memcmp(x, "\xff\xd8\xff", 3) == 0) return GR__JPEG;
    bool blank = n >= 3 && (x[2] == ' ' || (x[2] >= '\t' && x[2] <= '\r') || x[2] == '#');
    return blank && x[0] == 'P' && x[1] >= '1' && x[1] <= '6' ? GR__PNM : GR__NO_PICTURE;
}

const char *gr__picture_other(const unsigned char *x, size_t n)
{
    static const struct {
        size_t at, bytes;
        const char *magic, *what;
    } others[] = {
        {0, 4, "GIF8", "a GIF picture"},       {8, 4, "WEBP", "a WebP picture"}, {0, 4, "II*\0", "a TIFF picture"},
        {0, 4, "MM\0*", "a TIFF picture"},     {0, 3, "P7\n", "a PAM picture"},  {4, 8, "ftypheic", "a HEIC picture"},
        {4, 8, "ftypavif", "an AVIF picture"}, {0, 2, "BM", "a BMP picture"},
    };
    for (size_t i = 0; i < GR_COUNT(others); i++)
        if (n >= others[i].at + others[i].bytes && memcmp(x + others[i].at, others[i].magic, others[i].bytes) == 0)
            return others[i].what;
    return NULL;
}

gr_status gr__picture_damaged(gr_context *ctx, const char *name, const char *format, const char *what)
{
    return gr__fail(ctx, GR_E_FORMAT, "\"%s\" is a damaged %s picture: %s", name, format, what);
}

static gr_status check_size(const gr__blob *b, const gr__picture *p)
{
    if (p->width < 1 || p->height < 1)
        return gr__fail(b->ctx, GR_E_FORMAT, "\"%s\" has %lld x %lld pixels, which is no picture", b->name,
                        (long long)p->width, (long long)p->height);
    bool large = p->width > GR__PICTURE_SIDE || p->height > GR__PICTURE_SIDE ||
                 p->width * p->height > GR__PICTURE_PIXELS || p->bytes > GR__PICTURE_FILE;
    if (!large) return GR_OK;
    return gr__fail(b->ctx, GR_E_FORMAT,
                    "\"%s\" has %lld x %lld pixels in %llu bytes: a picture has at most %d pixels, %d a side", b->name,
                    (long long)p->width, (long long)p->height, (unsigned long long)p->bytes, GR__PICTURE_PIXELS,
                    GR__PICTURE_SIDE);
}

gr_status gr__picture_head(const gr__blob *b, gr__picture *out)
{
    unsigned char x[8];
    size_t n = (size_t)GR_MIN(b->bytes, sizeof x);
    gr_status st = gr__blob_read(b, 0, x, n);
    gr__picture p = {.kind = st == GR_OK ? kind_of(x, n) : GR__NO_PICTURE, .orientation = 1, .bytes = b->bytes};
    if (st == GR_OK && p.kind == GR__PNG) st = gr__png_head(b, &p);
    if (st == GR_OK && p.kind == GR__JPEG) st = gr__jpeg_head(b, &p);
    if (st == GR_OK && p.kind == GR__PNM) st = gr__pnm_head(b, &p);
    if (st == GR_OK && p.kind != GR__NO_PICTURE) st = check_size(b, &p);
    if (st == GR_OK) *out = p;
    return st;
}

const char *gr__picture_libraries(char *text, size_t n)
{
#define QUOTED(x) #x
#define QUOTE(x) QUOTED(x)
#ifdef LIBJPEG_TURBO_VERSION
    snprintf(text, n, "libjpeg-turbo %s", QUOTE(LIBJPEG_TURBO_VERSION));
#else
    snprintf(text, n, "libjpeg %d", JPEG_LIB_VERSION);
#endif
    return text;
}

void gr__picture_channels(const uint8_t *from, int64_t n, int has, int channels, uint8_t *to)
{
    if (has == channels)
        memcpy(to, from, (size_t)(n * has));
    else if (has == 1)
        for (int64_t i = 0; i < n; i++) to[3 * i] = to[3 * i + 1] = to[3 * i + 2] = from[i];
    else
        for (int64_t i = 0; i < n; i++) to[i] = gr__picture_grey(from[3 * i], from[3 * i + 1], from[3 * i + 2]);
}

/* ---- what becomes of it ---- */

/* EXIF's orientations from 5 on have rows that are columns. */
static bool is_turned(const gr__picture *p)
{
    return p->orientation >= 5;
}

void gr__picture_size(const gr__picture *p, const gr__picture_way *way, int64_t *height, int64_t *width)
{
    *height = way->height ? way->height : is_turned(p) ? p->width : p->height;
    *width = way->height ? way->width : is_turned(p) ? p->height : p->width;
}

/* From the stored picture to the wanted one: the part of it that is taken, the size it is brought to, both as it is
 * stored, and where that goes once it is upright. */
typedef struct course {
    double low_x, high_x, low_y, high_y;
    int64_t width, height;
    int64_t left, top, out_width, out_height; /* upright */
    bool resized, placed;                     /* placed: beyond being resized it is turned, or has a border */
} course;

/* The side of the picture that is cut, from `low` to `high`: as wide as what is wanted, in the same scale. */
static void cut(int64_t is, int64_t other, int64_t wanted, int64_t wanted_other, double *low, double *high)
{
    double side = (double)other * (double)wanted / (double)wanted_other;
    *low = GR_MAX(((double)is - side) / 2, 0);
    *high = GR_MIN(*low + side, (double)is);
}

static course course_of(const gr__picture *p, const gr__picture_way *way)
{
    course c = {.high_x = (double)p->width, .high_y = (double)p->height};
    gr__picture_size(p, way, &c.out_height, &c.out_width);
    c.width = is_turned(p) ? c.out_height : c.out_width;
    c.height = is_turned(p) ? c.out_width : c.out_height;
    /* Wider than wanted, by exact numbers: w / h > W / H. */
    int64_t wide = p->width * c.height - p->height * c.width;
    if (way->fit == GR__FIT_CROP && wide > 0) cut(p->width, p->height, c.width, c.height, &c.low_x, &c.high_x);
    if (way->fit == GR__FIT_CROP && wide < 0) cut(p->height, p->width, c.height, c.width, &c.low_y, &c.high_y);
    if (way->fit == GR__FIT_PAD && wide > 0)
        c.height = GR_MAX(lrint((double)p->height / (double)p->width * (double)c.width), 1);
    if (way->fit == GR__FIT_PAD && wide < 0)
        c.width = GR_MAX(lrint((double)p->width / (double)p->height * (double)c.height), 1);
    int64_t upright_width = is_turned(p) ? c.height : c.width, upright_height = is_turned(p) ? c.width : c.height;
    c.left = lrint((double)(c.out_width - upright_width) / 2);
    c.top = lrint((double)(c.out_height - upright_height) / 2);
    c.resized = c.width != p->width || c.height != p->height || c.low_x > 0 || c.low_y > 0;
    c.placed = p->orientation != 1 || upright_width != c.out_width || upright_height != c.out_height;
    return c;
}

/* ---- memory: the same lines count it and cut it ---- */

typedef struct room {
    char *at; /* NULL: only counted */
    size_t used;
} room;

static void *take(room *r, size_t bytes)
{
    void *p = r->at ? r->at + r->used : NULL;
    r->used += (bytes + 63) / 64 * 64;
    return p;
}

typedef struct desk { /* what decoding one picture stands on */
    course course;
    gr__resizer resizer;
    void *work;
    uint8_t *sized; /* resized, where it is then placed */
    uint8_t *next;  /* rows that are not resized go here */
    size_t row;     /* bytes of one */
} desk;

static size_t work_bytes(const gr__picture *p, int channels)
{
    return p->kind == GR__PNG    ? gr__png_work(p, channels)
           : p->kind == GR__JPEG ? gr__jpeg_work(p, channels)
                                 : gr__pnm_work(p, channels);
}

static void lay_out(const gr__picture *p, const gr__picture_way *way, room *r, desk *d)
{
    const course c = course_of(p, way);
    gr__resizer *s = &d->resizer;
    *d = (desk){.course = c, .row = (size_t)p->width * (size_t)way->channels};
    d->work = take(r, work_bytes(p, way->channels));
    if (c.placed) d->sized = take(r, (size_t)(c.width * c.height * way->channels));
    if (!c.resized) return;
    void *x = take(r, gr__axis_bytes(p->width, c.width, c.low_x, c.high_x));
    void *y = take(r, gr__axis_bytes(p->height, c.height, c.low_y, c.high_y));
    int64_t taps = gr__axis_taps(p->height, c.height, c.low_y, c.high_y);
    size_t numbers = gr__line_numbers(p->width, gr__axis_taps(p->width, c.width, c.low_x, c.high_x), way->channels);
    uint8_t *ring = take(r, d->row * (size_t)taps);
    float *line = take(r, numbers * sizeof(float));
    if (!r->at) return;
    s->ring = (gr__ring){.row = ring, .rows = taps, .bytes = p->width * way->channels};
    gr__resizer_for(s, way->isa);
    s->channels = way->channels;
    s->line = memset(line, 0, numbers * sizeof(float));
    gr__axis_make(&s->x, p->width, c.width, c.low_x, c.high_x, x);
    gr__axis_make(&s->y, p->height, c.height, c.low_y, c.high_y, y);
}

size_t gr__picture_scratch(const gr__picture *p, const gr__picture_way *way)
{
    room r = {0};
    desk d;
    lay_out(p, way, &r, &d);
    return r.used;
}

/* ---- pixels ---- */

static void keep_row(void *arg, const uint8_t *row)
{
    desk *d = arg;
    memcpy(d->next, row, d->row);
    d->next += d->row;
}

/* The pixels of d->sized to where they are upright. Orientations 2 to 4 mirror, 5 to 8 do so after swapping the axes.
 */
static void place(const desk *d, int orientation, int channels, uint8_t *out)
{
    const course *c = &d->course;
    bool turned = orientation >= 5;
    bool right = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
    bool down = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
    int64_t width = turned ? c->height : c->width, height = turned ? c->width : c->height;
    memset(out, 0, (size_t)(c->out_width * c->out_height * channels));
    for (int64_t y = 0; y < height; y++) {
        uint8_t *to = out + ((c->top + y) * c->out_width + c->left) * channels;
        for (int64_t x = 0; x < width; x++, to += channels) {
            int64_t u = right ? width - 1 - x : x, v = down ? height - 1 - y : y;
            const uint8_t *from = d->sized + (turned ? u * c->width + v : v * c->width + u) * channels;
            memcpy(to, from, (size_t)channels);
        }
    }
}

gr_status gr__picture_decode(gr_context *ctx, const char *name, const unsigned char *file, const gr__picture *p,
                             const gr__picture_way *way, void *scratch, uint8_t *out)
{
    room r = {.at = scratch};
    desk d;
    lay_out(p, way, &r, &d);
    uint8_t *rows = d.course.placed ? d.sized : out;
    d.next = d.resizer.out = rows;
    const gr__picture_job j = {.ctx = ctx,
                               .name = name,
                               .file = file,
                               .p = p,
                               .channels = way->channels,
                               .work = d.work,
                               .row = d.course.resized ? gr__resizer_row : keep_row,
                               .arg = d.course.resized ? (void *)&d.resizer : &d};
    gr_status st = p->kind == GR__PNG ? gr__png_rows(&j) : p->kind == GR__JPEG ? gr__jpeg_rows(&j) : gr__pnm_rows(&j);
    if (st == GR_OK && d.course.placed) place(&d, p->orientation, way->channels, out);
    return st;
}
