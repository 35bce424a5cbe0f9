/* Arrays for the tests of data: NPY files and NPZ archives, byte by byte. */
#ifndef GR_TESTS_DATA_ARRAYS_H
#define GR_TESTS_DATA_ARRAYS_H

#include "files.h"

/* An NPY file as NumPy writes it: header padded to 64 bytes. Returns its length. */
static inline size_t npy(unsigned char *out, int version, const char *literal, const void *data, size_t n)
{
    size_t start = version == 1 ? 10 : 12, length = strlen(literal) + 1, total = (start + length + 63) / 64 * 64;
    memcpy(out, "\x93NUMPY", 6);
    out[6] = (unsigned char)version;
    out[7] = 0;
    for (size_t i = 0; i < start - 8; i++) out[8 + i] = (unsigned char)((total - start) >> (8 * i));
    memset(out + start, ' ', total - start);
    memcpy(out + start, literal, length - 1);
    out[total - 1] = '\n';
    if (n) memcpy(out + total, data, n);
    return total + n;
}

static inline void put_npy(const char *name, const char *literal, const void *data, size_t n)
{
    unsigned char out[1024];
    put_file(&f, name, out, npy(out, 1, literal, data, n));
}

static inline const char *literal_of(const char *descr, bool fortran, const char *shape)
{
    static char text[200];
    snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", descr,
             fortran ? "True" : "False", shape);
    return text;
}

typedef struct zip {
    unsigned char bytes[8192], directory[2048];
    size_t n, directory_n;
    int entries;
} zip;

static inline void put16(unsigned char *p, unsigned x)
{
    p[0] = (unsigned char)x;
    p[1] = (unsigned char)(x >> 8);
}

static inline void put32(unsigned char *p, uint32_t x)
{
    put16(p, x & 0xFFFF);
    put16(p + 2, x >> 16);
}

static inline void zip_add(zip *z, const char *name, const void *data, size_t n, bool deflate)
{
    unsigned char packed[4096], *local = z->bytes + z->n, *entry = z->directory + z->directory_n;
    size_t packed_n = n, name_n = strlen(name);
    const void *body = data;
    if (deflate) {
        struct libdeflate_compressor *c = libdeflate_alloc_compressor(6);
        packed_n = libdeflate_deflate_compress(c, data, n, packed, sizeof packed);
        libdeflate_free_compressor(c);
        assert_true(packed_n > 0);
        body = packed;
    }
    memset(local, 0, 30);
    memset(entry, 0, 46);
    put32(local, 0x04034B50);
    put16(local + 8, deflate ? 8 : 0);
    put32(local + 14, libdeflate_crc32(0, data, n));
    put32(local + 18, (uint32_t)packed_n);
    put32(local + 22, (uint32_t)n);
    put16(local + 26, (unsigned)name_n);
    put32(entry, 0x02014B50);
    memcpy(entry + 10, local + 8, 20);
    put32(entry + 42, (uint32_t)z->n);
    memcpy(local + 30, name, name_n);
    memcpy(entry + 46, name, name_n);
    memcpy(local + 30 + name_n, body, packed_n);
    z->n += 30 + name_n + packed_n;
    z->directory_n += 46 + name_n;
    z->entries++;
}

static inline size_t zip_end(zip *z)
{
    unsigned char *end = z->bytes + z->n + z->directory_n;
    memcpy(z->bytes + z->n, z->directory, z->directory_n);
    memset(end, 0, 22);
    put32(end, 0x06054B50);
    put16(end + 8, (unsigned)z->entries);
    put16(end + 10, (unsigned)z->entries);
    put32(end + 12, (uint32_t)z->directory_n);
    put32(end + 16, (uint32_t)z->n);
    return z->n + z->directory_n + 22;
}

#endif
