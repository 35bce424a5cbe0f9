/* PNG files: their heads, and their pixels as large as they are and resized in every way; as they are, and with the
 * checksums that their chunks should have. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "picture.h"

static uint32_t big(const uint8_t *x)
{
    return (uint32_t)x[0] << 24 | (uint32_t)x[1] << 16 | (uint32_t)x[2] << 8 | x[3];
}

static void mend(uint8_t *data, size_t n)
{
    for (size_t at = 8; at + 12 <= n;) {
        size_t length = big(data + at);
        if (length > n - at - 12) return;
        uint32_t crc = gr__crc32(0, data + at + 4, length + 4);
        for (int i = 0; i < 4; i++) data[at + 8 + length + (size_t)i] = (uint8_t)(crc >> (24 - 8 * i));
        at += 12 + length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    uint8_t *copy = malloc(n + 1);
    if (!copy) return 0;
    memcpy(copy, data, n);
    mend(copy, n);
    try_picture(copy, n, GR__PNG);
    free(copy);
    return try_picture(data, n, GR__PNG);
}
