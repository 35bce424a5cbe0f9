/* EXIF: how a picture is to be turned. A directory of TIFF is a count and entries of 12 bytes: tag, type, count, value.
 */
#include "data/picture/picture.h"

enum { ORIENTATION = 0x112, SHORT = 3 };

typedef struct tiff {
    const gr__blob *b;
    uint64_t at, n;
    bool little;
} tiff;

/* A number of two or four bytes; 0 beyond the end. */
static uint32_t number(const tiff *t, uint64_t at, size_t bytes)
{
    unsigned char raw[4] = {0};
    uint32_t x = 0;
    if (at > t->n || bytes > t->n - at || gr__blob_read(t->b, t->at + at, raw, bytes) != GR_OK) return 0;
    for (size_t i = 0; i < bytes; i++) x = x << 8 | raw[t->little ? bytes - 1 - i : i];
    return x;
}

int gr__exif_orientation(const gr__blob *b, uint64_t at, uint64_t n)
{
    unsigned char order[2];
    if (at > b->bytes || n > b->bytes - at || n < 8 || gr__blob_read(b, at, order, 2) != GR_OK) return 1;
    tiff t = {.b = b, .at = at, .n = n, .little = order[0] == 'I'};
    if (order[0] != order[1] || (order[0] != 'I' && order[0] != 'M') || number(&t, 2, 2) != 42) return 1;
    uint64_t directory = number(&t, 4, 4);
    uint32_t entries = number(&t, directory, 2);
    for (uint32_t i = 0; i < entries; i++) {
        uint64_t entry = directory + 2 + 12 * (uint64_t)i;
        if (entry > n || 12 > n - entry) break;
        if (number(&t, entry, 2) != ORIENTATION) continue;
        uint32_t value = number(&t, entry + 8, 2);
        return number(&t, entry + 2, 2) == SHORT && value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}
