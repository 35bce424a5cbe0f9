/* Bytes as a file that has a path, for parsers that open theirs by name. Needs no folder to write to. */
#ifndef GR_TESTS_FUZZ_MEMORY_FILE_H
#define GR_TESTS_FUZZ_MEMORY_FILE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Gives the descriptor, to be closed; path receives its name. */
static inline int memory_file(const uint8_t *data, size_t n, char path[64])
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0) abort();
    for (size_t at = 0; at < n;) {
        ssize_t done = write(fd, data + at, n - at);
        if (done <= 0) abort();
        at += (size_t)done;
    }
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

#endif
