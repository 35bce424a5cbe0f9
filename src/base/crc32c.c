/* CRC32C by tables, which whoever computes one keeps.       [Sarwate 1988; Kounavis & Berry 2005, slicing by 8] */
#include "base/crc32c.h"

static const uint32_t polynomial = 0x82F63B78; /* its bits reversed */

void gr__crc32c_make(gr__crc32c_table *t)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ polynomial : crc >> 1;
        t->at[0][i] = crc;
    }
    for (int k = 1; k < 8; k++)
        for (int i = 0; i < 256; i++) t->at[k][i] = t->at[k - 1][i] >> 8 ^ t->at[0][t->at[k - 1][i] & 255];
}

uint32_t gr__crc32c(const gr__crc32c_table *t, uint32_t crc, const void *data, size_t bytes)
{
    const unsigned char *p = data;
    crc = ~crc;
    for (; bytes >= 8; bytes -= 8, p += 8) {
        uint32_t low = crc ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
        crc = t->at[7][low & 255] ^ t->at[6][low >> 8 & 255] ^ t->at[5][low >> 16 & 255] ^ t->at[4][low >> 24] ^
              t->at[3][p[4]] ^ t->at[2][p[5]] ^ t->at[1][p[6]] ^ t->at[0][p[7]];
    }
    for (; bytes > 0; bytes--, p++) crc = crc >> 8 ^ t->at[0][(crc ^ *p) & 255];
    return ~crc;
}
