/* The checksum that a safetensors file of ours should have, for inputs that a fuzzer has changed. */
#ifndef GR_TESTS_FUZZ_CHECKSUM_H
#define GR_TESTS_FUZZ_CHECKSUM_H

#include <string.h>

#include "base/file.h"
#include "model/safetensors.h"

/* Puts the right digits where a header of ours has its checksum. */
static inline void mend(uint8_t *data, size_t n)
{
    uint64_t header = 0;
    char digits[GR_ST_CRC_DIGITS + 1];
    for (int i = 0; i < 8 && n >= 8; i++) header |= (uint64_t)data[i] << (8 * i);
    if (n < 8 || header > n - 8) return;
    const char *at = (const char *)data + 8, *place = gr__st_crc_place(at, (size_t)header);
    if (!place) return;
    snprintf(digits, sizeof digits, "%08x%08x", gr__st_header_crc(at, (size_t)header, place),
             gr__crc32(0, at + header, n - 8 - (size_t)header));
    memcpy(data + (place - (const char *)data), digits, GR_ST_CRC_DIGITS);
}

#endif
