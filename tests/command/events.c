/* events FILE: reads an event file of TensorBoard's by itself, sharing no code with what wrote it, and prints a line a
 * value: the step, its kind, its tag, and what it is. Anything that is not as it should be ends it with a message.
 *
 *   12 scalar lr 0.00999999978
 *   12 histogram weights/c1.weight COUNT LOW HIGH SUM SQUARES BINS SUM-OF-BINS RISING(1) WITHIN(1)
 *   12 picture pictures/samples WIDTH HEIGHT BYTES
 *   0 start KEY=VALUE     a line a setting
 *   12 end STATUS */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long number_of_record;

static void die(const char *why)
{
    printf("record %ld: %s\n", number_of_record, why);
    exit(1);
}

/* Bit by bit, from the definition. */
static uint32_t sum_of(const unsigned char *p, size_t n)
{
    uint32_t crc = 0xFFFFFFFF;
    for (size_t i = 0; i < n; i++)
        for (int bit = 0; bit < 8; bit++) {
            uint32_t in = (p[i] >> bit ^ crc) & 1;
            crc = crc >> 1 ^ (in ? 0x82F63B78 : 0);
        }
    crc ^= 0xFFFFFFFF;
    return (crc >> 15 | crc << 17) + 0xA282EAD8;
}

static uint64_t little(const unsigned char *p, int n)
{
    uint64_t x = 0;
    for (int i = 0; i < n; i++) x += (uint64_t)p[i] << 8 * i;
    return x;
}

/* ---- protobuf ---- */

typedef struct bytes {
    const unsigned char *p;
    size_t n;
} bytes;

typedef struct field {
    int number, wire;
    uint64_t whole; /* VARINT, fixed ones */
    bytes in;       /* what has a length */
} field;

static uint64_t varint(bytes *b)
{
    uint64_t x = 0;
    for (int shift = 0; shift < 70; shift += 7) {
        if (b->n == 0) die("a number that does not end");
        unsigned char byte = *b->p++;
        b->n--;
        x += (uint64_t)(byte & 127) << shift;
        if (byte < 128) return x;
    }
    die("a number of too many bytes");
    return 0;
}

static int next(bytes *b, field *f)
{
    if (b->n == 0) return 0;
    uint64_t tag = varint(b);
    *f = (field){.number = (int)(tag >> 3), .wire = (int)(tag & 7)};
    size_t take = f->wire == 1 ? 8 : f->wire == 5 ? 4 : 0;
    if (f->wire == 0) {
        f->whole = varint(b);
        return 1;
    }
    if (f->wire == 2) take = varint(b);
    if (f->wire != 1 && f->wire != 2 && f->wire != 5) die("a wire type that is none");
    if (take > b->n) die("a field beyond its message");
    f->in = (bytes){b->p, take};
    if (f->wire != 2) f->whole = little(b->p, (int)take);
    b->p += take;
    b->n -= take;
    return 1;
}

static double real(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static float single(uint64_t bits)
{
    uint32_t low = (uint32_t)bits;
    float x;
    memcpy(&x, &low, sizeof x);
    return x;
}

static bytes field_of(bytes message, int number)
{
    field f;
    bytes found = {0};
    while (next(&message, &f))
        if (f.number == number && f.wire == 2) found = f.in;
    return found;
}

/* ---- values ---- */

static void histogram(bytes b)
{
    double figure[6] = {0}, total = 0, last = -1e308;
    bytes limit = {0}, in = {0};
    int rising = 1;
    field f;
    while (next(&b, &f)) {
        if (f.wire == 1 && f.number <= 5) figure[f.number] = real(f.whole);
        if (f.number == 6) limit = f.in;
        if (f.number == 7) in = f.in;
    }
    if (limit.n != in.n || limit.n % 8) die("limits and bins differ in number");
    int within = limit.n > 0 && real(little(limit.p + limit.n - 8, 8)) >= figure[2];
    for (size_t i = 0; i < limit.n; i += 8) {
        double high = real(little(limit.p + i, 8)), n = real(little(in.p + i, 8));
        rising &= high > last;
        if (n > 0 && high < figure[1]) within = 0;
        last = high;
        total += n;
    }
    printf("%.17g %.17g %.17g %.17g %.17g %zu %.17g %d %d\n", figure[3], figure[1], figure[2], figure[4], figure[5],
           limit.n / 8, total, rising, within);
}

static void picture(bytes b)
{
    static const unsigned char png[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    uint64_t height = 0, width = 0;
    bytes file = {0};
    field f;
    while (next(&b, &f)) {
        if (f.number == 1) height = f.whole;
        if (f.number == 2) width = f.whole;
        if (f.number == 4) file = f.in;
    }
    if (file.n < 33 || memcmp(file.p, png, 8) != 0) die("a picture that is no PNG");
    uint64_t w = 0, h = 0;
    for (int i = 0; i < 4; i++) w = w << 8 | file.p[16 + i], h = h << 8 | file.p[20 + i];
    if (w != width || h != height) die("a picture of another size than is said");
    printf("%d %d %zu\n", (int)width, (int)height, file.n);
}

static void session(long long step, bytes metadata)
{
    bytes plugin = field_of(metadata, 1), content = field_of(plugin, 2), start = field_of(content, 3),
          end = field_of(content, 4), name = field_of(plugin, 1);
    field f, v;
    if (name.n != 7 || memcmp(name.p, "hparams", 7) != 0) die("a plugin that is not hparams");
    while (start.n && next(&start, &f)) {
        if (f.number != 1) continue;
        bytes key = field_of(f.in, 1), value = field_of(f.in, 2);
        printf("%lld start %.*s=", step, (int)key.n, (const char *)key.p);
        while (next(&value, &v))
            if (v.number == 2)
                printf("%.17g\n", real(v.whole));
            else
                printf("%.*s\n", (int)v.in.n, (const char *)v.in.p);
    }
    while (end.n && next(&end, &f))
        if (f.number == 1) printf("%lld end %d\n", step, (int)f.whole);
}

static void value(long long step, bytes b)
{
    bytes tag = field_of(b, 1);
    field f;
    char name[1024];
    snprintf(name, sizeof name, "%.*s", (int)tag.n, (const char *)tag.p);
    while (next(&b, &f)) {
        if (f.number == 2) printf("%lld scalar %s %.9g\n", step, name, (double)single(f.whole));
        if (f.number == 5) printf("%lld histogram %s ", step, name), histogram(f.in);
        if (f.number == 4) printf("%lld picture %s ", step, name), picture(f.in);
        if (f.number == 9) session(step, f.in);
    }
}

static void event(bytes b, long *versions)
{
    bytes whole = b, summary = {0}, version = {0};
    long long step = 0;
    double time = 0;
    field f;
    while (next(&whole, &f)) {
        if (f.number == 1) time = real(f.whole);
        if (f.number == 2) step = (long long)f.whole;
        if (f.number == 3) version = f.in;
        if (f.number == 5) summary = f.in;
    }
    if (!(time > 1e9)) die("a time before there were computers");
    if (version.n == 13 && memcmp(version.p, "brain.Event:2", 13) == 0) ++*versions;
    while (summary.n && next(&summary, &f))
        if (f.number == 1) value(step, f.in);
}

int main(int argc, char **argv)
{
    static unsigned char record[64 << 20];
    unsigned char head[12];
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    long versions = 0;
    if (!file) return puts("no such file"), 1;
    for (size_t got; (got = fread(head, 1, sizeof head, file)) > 0; number_of_record++) {
        if (got < sizeof head) die("a frame that is cut");
        uint64_t n = little(head, 8);
        if (sum_of(head, 8) != little(head + 8, 4)) die("a length with another sum");
        if (n > sizeof record - 4 || fread(record, 1, n + 4, file) < n + 4) die("a record that is cut");
        if (sum_of(record, n) != little(record + n, 4)) die("a record with another sum");
        event((bytes){record, n}, &versions);
        if (number_of_record == 0 && versions != 1) die("the first record is no version");
    }
    if (versions != 1) die("not one version");
    fclose(file);
    return 0;
}
