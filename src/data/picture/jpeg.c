/* JPEG by libjpeg. What it only warns of is damage here where pixels were made up for what is missing. */
#include <stdio.h> /* before jpeglib.h, which wants it */

#include <jerror.h>
#include <jpeglib.h>
#include <setjmp.h>
#include <string.h>

#include "data/picture/picture.h"

enum { MOST_SCANS = 500 }; /* of a progressive one; more are made to keep decoders busy */

/* ---- the head ---- */

static bool is_alone(unsigned marker) /* has no length behind it */
{
    return marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8);
}

static bool begins_frame(unsigned marker)
{
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

static gr_status take_frame(const gr__blob *b, uint64_t at, gr__picture *out)
{
    unsigned char x[6];
    gr_status st = gr__blob_read(b, at, x, sizeof x);
    if (st != GR_OK) return st;
    if (x[0] != 8)
        return gr__fail(b->ctx, GR_E_FORMAT, "\"%s\" is a JPEG of %d bits a component, of which only 8 are read",
                        b->name, x[0]);
    out->height = x[1] << 8 | x[2];
    out->width = x[3] << 8 | x[4];
    out->components = x[5];
    if (x[5] == 1 || x[5] == 3 || x[5] == 4) return GR_OK;
    return gr__fail(b->ctx, GR_E_FORMAT, "\"%s\" is a JPEG of %d components, of which only 1, 3 and 4 are read",
                    b->name, x[5]);
}

static void take_exif(const gr__blob *b, uint64_t at, uint64_t n, bool *known, gr__picture *out)
{
    char name[6];
    if (*known || n < sizeof name || gr__blob_read(b, at, name, sizeof name) != GR_OK) return;
    if (memcmp(name, "Exif\0\0", sizeof name) != 0) return;
    out->orientation = gr__exif_orientation(b, at + sizeof name, n - sizeof name);
    *known = true;
}

gr_status gr__jpeg_head(const gr__blob *b, gr__picture *out)
{
    unsigned char x[4];
    bool known = false;
    uint64_t at = 2;
    while (b->bytes >= 4 && at <= b->bytes - 4) {
        gr_status st = gr__blob_read(b, at, x, sizeof x);
        if (st != GR_OK) return st;
        if (x[0] != 0xFF || x[1] == 0xFF || is_alone(x[1])) { /* filling, or what stands alone */
            at += x[0] == 0xFF && x[1] != 0xFF ? 2 : 1;
            continue;
        }
        uint64_t n = (uint64_t)x[2] << 8 | x[3];
        if (n < 2 || n > b->bytes - at - 2 || x[1] == 0xDA || x[1] == 0xD9) break;
        if (begins_frame(x[1])) {
            if (n < 8) break;
            return take_frame(b, at + 4, out);
        }
        if (x[1] == 0xE1) take_exif(b, at + 4, n - 2, &known, out);
        at += 2 + n;
    }
    return gr__picture_damaged(b->ctx, b->name, "JPEG", "it ends before it says how large it is");
}

/* ---- pixels ---- */

typedef struct decoder {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf leave;
    bool whole;  /* all of it was decoded */
    bool memory; /* it failed for want of it */
    char text[JMSG_LENGTH_MAX];
} decoder;

static void leave(j_common_ptr jpeg)
{
    decoder *d = jpeg->client_data;
    d->memory = jpeg->err->msg_code == JERR_OUT_OF_MEMORY;
    jpeg->err->format_message(jpeg, d->text);
    longjmp(d->leave, 1);
}

/* Warnings under which all pixels are what the file says. */
static bool is_harmless(int code)
{
    return code == JWRN_EXTRANEOUS_DATA || code == JWRN_ADOBE_XFORM || code == JWRN_JFIF_MAJOR ||
           code == JWRN_NOT_SEQUENTIAL || code == JWRN_TOO_MUCH_DATA;
}

static void hear(j_common_ptr jpeg, int level)
{
    if (level < 0 && !is_harmless(jpeg->err->msg_code)) leave(jpeg);
}

static void stay_silent(j_common_ptr jpeg)
{
    (void)jpeg;
}

static void watch(j_common_ptr jpeg)
{
    decoder *d = jpeg->client_data;
    if (d->jpeg.input_scan_number <= MOST_SCANS) return;
    snprintf(d->text, sizeof d->text, "it has more than %d scans", MOST_SCANS);
    longjmp(d->leave, 1);
}

size_t gr__jpeg_work(const gr__picture *p, int channels)
{
    return (size_t)p->width * (size_t)(p->components + channels);
}

/* Inks as Adobe's programs store them, upside down, to colours; as Pillow's convert("RGB"). */
static void take_inks(const uint8_t *x, int64_t n, int channels, uint8_t *to)
{
    for (int64_t i = 0; i < n; i++, x += 4, to += channels) {
        unsigned key = x[3], c[3];
        for (int k = 0; k < 3; k++) {
            unsigned t = (255u - x[k]) * key + 128;
            c[k] = key - (((t >> 8) + t) >> 8);
        }
        if (channels == 1)
            *to = gr__picture_grey(c[0], c[1], c[2]);
        else
            to[0] = (uint8_t)c[0], to[1] = (uint8_t)c[1], to[2] = (uint8_t)c[2];
    }
}

/* Between setjmp and its return: libjpeg may leave through any of these calls. */
static void decode(const gr__picture_job *j, decoder *d)
{
    struct jpeg_decompress_struct *jpeg = &d->jpeg;
    JSAMPROW row = j->work;
    uint8_t *to = (uint8_t *)j->work + j->p->width * j->p->components;
    jpeg_mem_src(jpeg, j->file, (unsigned long)j->p->bytes);
    jpeg_read_header(jpeg, TRUE);
    if (jpeg->image_width != j->p->width || jpeg->image_height != j->p->height ||
        jpeg->num_components != j->p->components) {
        snprintf(d->text, sizeof d->text, "it says in two places how large it is");
        longjmp(d->leave, 1);
    }
    bool inks = j->p->components == 4;
    /* Of a picture in brightness and two differences of colour, the brightness is the grey of ITU-R 601. */
    bool bright = jpeg->jpeg_color_space == JCS_GRAYSCALE || (jpeg->jpeg_color_space == JCS_YCbCr && j->channels == 1);
    jpeg->out_color_space = inks ? JCS_CMYK : bright ? JCS_GRAYSCALE : JCS_RGB;
    jpeg->dct_method = JDCT_ISLOW;
    jpeg_start_decompress(jpeg);
    bool as_is = !inks && jpeg->output_components == j->channels;
    while (jpeg->output_scanline < jpeg->output_height) {
        jpeg_read_scanlines(jpeg, &row, 1);
        if (inks)
            take_inks(row, j->p->width, j->channels, to);
        else if (!as_is)
            gr__picture_channels(row, j->p->width, jpeg->output_components, j->channels, to);
        j->row(j->arg, as_is ? row : to);
    }
    jpeg_finish_decompress(jpeg);
}

gr_status gr__jpeg_rows(const gr__picture_job *j)
{
    decoder d = {.whole = false};
    d.jpeg.err = jpeg_std_error(&d.errors);
    d.errors.error_exit = leave;
    d.errors.emit_message = hear;
    d.errors.output_message = stay_silent;
    d.progress.progress_monitor = watch;
    d.jpeg.client_data = &d;
    if (setjmp(d.leave) == 0) {
        jpeg_create_decompress(&d.jpeg);
        d.jpeg.progress = &d.progress;
        decode(j, &d);
        d.whole = true;
    }
    jpeg_destroy_decompress(&d.jpeg);
    if (d.whole) return GR_OK;
    if (d.memory) return gr__fail(j->ctx, GR_E_MEMORY, "no memory to decode \"%s\"", j->name);
    return gr__picture_damaged(j->ctx, j->name, "JPEG", d.text);
}
