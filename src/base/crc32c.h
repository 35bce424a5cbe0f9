/* CRC32C (Castagnoli's polynomial), eight bytes at a time. */
#ifndef GR_BASE_CRC32C_H
#define GR_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

typedef struct gr__crc32c_table {
    uint32_t at[8][256];
} gr__crc32c_table;

void gr__crc32c_make(gr__crc32c_table *t);
uint32_t gr__crc32c(const gr__crc32c_table *t, uint32_t crc, const void *data, size_t bytes); /* start with 0 */

#endif
