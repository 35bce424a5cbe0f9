/* Small NPY and IDX files of numbers, for tests that train on them. */
#ifndef ARRAYS_H
#define ARRAYS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

static inline FILE *arrays_file(const char *folder, const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    return out;
}

static inline void arrays_folder(char *folder)
{
    strcpy(folder, "/tmp/gradus-arrays-XXXXXX");
    assert_non_null(mkdtemp(folder));
}

static inline void arrays_remove(const char *folder)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
}

/* type: as NumPy writes it, "<i4". */
static inline void arrays_put(FILE *out, const char *type, double x)
{
    unsigned char raw[8];
    size_t n = (size_t)(type[2] - '0');
    int64_t whole = type[1] != 'f' ? (int64_t)x : 0;
    float narrow = (float)x;
    const void *from = type[1] != 'f' ? (const void *)&whole : n == 4 ? (const void *)&narrow : (const void *)&x;
    memcpy(raw, from, n);
    for (size_t k = 0; k < n; k++) fputc(raw[type[0] == '>' ? n - 1 - k : k], out);
}

static inline void arrays_npy(const char *folder, const char *name, const char *type, const int *dim, int rank,
                              const double *values)
{
    FILE *out = arrays_file(folder, name);
    char shape[80] = "", header[160];
    int64_t count = 1;
    for (int i = 0; i < rank; i++) {
        snprintf(shape + strlen(shape), sizeof shape - strlen(shape), "%d, ", dim[i]);
        count *= dim[i];
    }
    snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", type, shape);
    fwrite("\x93NUMPY\x01\x00\x76\x00", 1, 10, out);
    fprintf(out, "%-117s\n", header);
    for (int64_t i = 0; i < count; i++) arrays_put(out, type, values[i]);
    assert_int_equal(fclose(out), 0);
}

/* code: 0x0C for ">i4", 0x0D for ">f4", 0x0E for ">f8". */
static inline void arrays_idx(const char *folder, const char *name, int code, const char *type, const int *dim,
                              int rank, const double *values)
{
    FILE *out = arrays_file(folder, name);
    int64_t count = 1;
    fputc(0, out), fputc(0, out), fputc(code, out), fputc(rank, out);
    for (int i = 0; i < rank; i++) {
        arrays_put(out, ">i4", dim[i]);
        count *= dim[i];
    }
    for (int64_t i = 0; i < count; i++) arrays_put(out, type, values[i]);
    assert_int_equal(fclose(out), 0);
}

#endif
