/* Event files by hand: wire types of protobuf, the few messages that are needed, and the frame around them. Numbers of
 * fields are those of TensorFlow's event.proto, summary.proto and tensor.proto, and TensorBoard's
 * plugins/hparams/plugin_data.proto. */
#include "result/event.h"

#include <math.h>
#include <string.h>

/* ---- bytes ---- */

static void put(gr_event *e, const void *data, size_t n)
{
    if (n > e->room - e->n) e->full = true;
    if (e->full) return;
    memcpy(e->bytes + e->n, data, n);
    e->n += n;
}

static void put_varint(gr_event *e, uint64_t x)
{
    uint8_t text[10];
    size_t n = 0;
    for (; x >= 128; x >>= 7) text[n++] = (uint8_t)(x | 128);
    text[n++] = (uint8_t)x;
    put(e, text, n);
}

static void put_fixed(gr_event *e, uint64_t x, int n)
{
    uint8_t text[8];
    for (int i = 0; i < n; i++) text[i] = (uint8_t)(x >> 8 * i);
    put(e, text, (size_t)n);
}

static void put_double_bits(gr_event *e, double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    put_fixed(e, bits, 8);
}

/* ---- fields ---- */

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

static void key(gr_event *e, int field, int wire)
{
    put_varint(e, (uint64_t)field << 3 | (uint64_t)wire);
}

static void put_whole(gr_event *e, int field, uint64_t x)
{
    key(e, field, VARINT);
    put_varint(e, x);
}

static void put_double(gr_event *e, int field, double x)
{
    key(e, field, FIXED64);
    put_double_bits(e, x);
}

static void put_float(gr_event *e, int field, double x)
{
    float single = (float)x;
    uint32_t bits;
    memcpy(&bits, &single, sizeof bits);
    key(e, field, FIXED32);
    put_fixed(e, bits, 4);
}

static void put_bytes(gr_event *e, int field, const void *data, size_t n)
{
    key(e, field, BYTES);
    put_varint(e, n);
    put(e, data, n);
}

static void put_text(gr_event *e, int field, const char *s)
{
    put_bytes(e, field, s, strlen(s));
}

/* A message within: its length is known once it is closed, and then takes the place that it needs. */
static void open(gr_event *e, int field)
{
    key(e, field, BYTES);
    e->open[e->depth++] = e->n;
}

static void close(gr_event *e)
{
    uint8_t length[10];
    size_t start = e->open[--e->depth], bytes = e->n - start, n = 0;
    if (e->full) return;
    for (size_t x = bytes; n == 0 || x; x >>= 7) length[n++] = (uint8_t)((x & 127) | (x >= 128 ? 128 : 0));
    if (n > e->room - e->n) {
        e->full = true;
        return;
    }
    memmove(e->bytes + start + n, e->bytes + start, bytes);
    memcpy(e->bytes + start, length, n);
    e->n += n;
}

/* ---- records ---- */

enum { HEAD = 12 }; /* of a frame: length and its sum */

enum { EVENT_WALL_TIME = 1, EVENT_STEP = 2, EVENT_VERSION = 3, EVENT_SUMMARY = 5 };
enum {
    SUMMARY_VALUE = 1,
    VALUE_TAG = 1,
    VALUE_SCALAR = 2,
    VALUE_PICTURE = 4,
    VALUE_HISTOGRAM = 5,
    VALUE_TENSOR = 8,
    VALUE_METADATA = 9
};

/* So that the sum of bytes that hold sums is not special. */
static uint32_t masked(uint32_t crc)
{
    return (crc >> 15 | crc << 17) + 0xA282EAD8u;
}

void gr__event_begin(gr_event *e, double wall_time, int64_t step)
{
    e->n = HEAD;
    e->depth = 0;
    e->full = e->room < HEAD;
    e->empty = true;
    put_double(e, EVENT_WALL_TIME, wall_time);
    put_whole(e, EVENT_STEP, (uint64_t)step);
}

void gr__event_version(gr_event *e)
{
    put_text(e, EVENT_VERSION, "brain.Event:2");
}

static uint64_t fixed_at(const uint8_t *p, int n)
{
    uint64_t x = 0;
    for (int i = n; i-- > 0;) x = x << 8 | p[i];
    return x;
}

size_t gr__event_end(gr_event *e)
{
    if (!e->empty) close(e); /* the summary */
    size_t all = e->n, length = all - HEAD;
    put_fixed(e, masked(gr__crc32c(e->sums, 0, e->bytes + HEAD, e->full ? 0 : length)), 4);
    if (e->full) return 0;
    e->n = 0;
    put_fixed(e, length, 8);
    put_fixed(e, masked(gr__crc32c(e->sums, 0, e->bytes, 8)), 4);
    e->n = all + 4;
    return e->n;
}

/* One value of the summary, which the first one opens. */
static void open_value(gr_event *e, const char *tag)
{
    if (e->empty) open(e, EVENT_SUMMARY);
    e->empty = false;
    open(e, SUMMARY_VALUE);
    put_text(e, VALUE_TAG, tag);
}

void gr__event_scalar(gr_event *e, const char *tag, double x)
{
    open_value(e, tag);
    put_float(e, VALUE_SCALAR, x);
    close(e);
}

static void put_doubles(gr_event *e, int field, const double *x, int n)
{
    key(e, field, BYTES);
    put_varint(e, sizeof(double) * (uint64_t)n);
    for (int i = 0; i < n; i++) put_double_bits(e, x[i]);
}

void gr__event_histogram(gr_event *e, const char *tag, const gr_event_histogram *h)
{
    open_value(e, tag);
    open(e, VALUE_HISTOGRAM);
    put_double(e, 1, h->low);
    put_double(e, 2, h->high);
    put_double(e, 3, h->count);
    put_double(e, 4, h->sum);
    put_double(e, 5, h->squares);
    put_doubles(e, 6, h->limit, h->n);
    put_doubles(e, 7, h->in, h->n);
    close(e);
    close(e);
}

void gr__event_picture(gr_event *e, const char *tag, int width, int height, const void *png, size_t bytes)
{
    open_value(e, tag);
    open(e, VALUE_PICTURE);
    put_whole(e, 1, (uint64_t)height);
    put_whole(e, 2, (uint64_t)width);
    put_whole(e, 3, 3); /* red, green and blue */
    put_bytes(e, 4, png, bytes);
    close(e);
    close(e);
}

/* ---- hparams ---- */

/* A value of the plugin: a tensor that says nothing, and metadata that hold the message. */
static void open_plugin(gr_event *e, const char *tag)
{
    open_value(e, tag);
    open(e, VALUE_TENSOR);
    put_whole(e, 1, 1); /* DT_FLOAT */
    open(e, 2);         /* its shape: one number */
    open(e, 2);
    put_whole(e, 1, 1);
    close(e);
    close(e);
    open(e, 5);
    put_fixed(e, 0, 4);
    close(e);
    close(e);
    open(e, VALUE_METADATA);
    open(e, 1); /* plugin_data */
    put_text(e, 1, "hparams");
    open(e, 2); /* content */
}

static void close_plugin(gr_event *e)
{
    for (int i = 0; i < 4; i++) close(e); /* content, plugin_data, metadata, value */
}

void gr__event_session(gr_event *e, const char *group, double started)
{
    open_plugin(e, "_hparams_/session_start_info");
    open(e, 3);
    put_text(e, 4, group);
    put_double(e, 5, started);
}

void gr__event_setting(gr_event *e, const char *name, const double *number, const char *text)
{
    open(e, 1); /* an entry of the map */
    put_text(e, 1, name);
    open(e, 2);
    if (number)
        put_double(e, 2, *number);
    else
        put_text(e, 3, text);
    close(e);
    close(e);
}

void gr__event_session_end(gr_event *e)
{
    close(e);
    close_plugin(e);
}

void gr__event_ended(gr_event *e, bool success, double at)
{
    open_plugin(e, GR_EVENT_SESSION_ENDED);
    open(e, 4);
    put_whole(e, 1, success ? 1 : 2);
    put_double(e, 2, at);
    close(e);
    close_plugin(e);
}

/* ---- reading back ---- */

int64_t gr__event_length(const gr__crc32c_table *sums, const uint8_t *head)
{
    uint64_t length = fixed_at(head, 8);
    bool good = masked(gr__crc32c(sums, 0, head, 8)) == fixed_at(head + 8, 4) && length <= INT64_MAX;
    return good ? (int64_t)length : -1;
}

/* A number of 7 bits a byte; false: it does not end. */
static bool take_varint(const uint8_t *p, size_t n, size_t *at, uint64_t *x)
{
    *x = 0;
    for (int shift = 0; shift < 64 && *at < n; shift += 7) {
        uint8_t byte = p[(*at)++];
        *x |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) return true;
    }
    return false;
}

/* The step is looked for among the fields of the Event itself; one that has none is of step 0. */
bool gr__event_read(const gr__crc32c_table *sums, const uint8_t *event, size_t n, int64_t *step)
{
    *step = 0;
    if (masked(gr__crc32c(sums, 0, event, n)) != fixed_at(event + n, 4)) return false;
    for (size_t at = 0; at < n;) {
        uint64_t tag, x;
        if (!take_varint(event, n, &at, &tag)) return false;
        switch (tag & 7) {
        case VARINT:
            if (!take_varint(event, n, &at, &x)) return false;
            if (tag >> 3 == EVENT_STEP) *step = (int64_t)x;
            break;
        case FIXED64:
        case FIXED32:
            x = (tag & 7) == FIXED64 ? 8 : 4;
            if (x > n - at) return false;
            at += x;
            break;
        case BYTES:
            if (!take_varint(event, n, &at, &x) || x > n - at) return false;
            at += x;
            break;
        default:
            return false;
        }
    }
    return true;
}
