#ifndef FETTLE_CCOMPRESSION_SHIM
#define FETTLE_CCOMPRESSION_SHIM
#include <bzlib.h>
#include <lz4frame.h>
#include <lzma.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

/* Macros that Swift does not import. */
static inline int fettle_inflate_init(z_stream *stream) { return inflateInit2(stream, 15 + 32); }
static inline lzma_stream fettle_lzma_stream(void) { lzma_stream stream = LZMA_STREAM_INIT; return stream; }

/* A GNU extension, declared here because Swift's own Glibc module may be built without it. */
void *memmem(const void *haystack, size_t haystack_size, const void *needle, size_t needle_size);
static inline void *fettle_memmem(const void *haystack, size_t haystack_size, const char *needle, size_t needle_size) {
    return memmem(haystack, haystack_size, needle, needle_size);
}

/* Another one: a pipe that other programs started meanwhile do not inherit. */
#include <fcntl.h>
int pipe2(int ends[2], int flags);
static inline int fettle_pipe(int *ends) { return pipe2(ends, O_CLOEXEC); }

/* ioprio_set(2) has no wrapper, and syscall(2) is variadic: idle class (3) for one process (1). */
long syscall(long number, ...);
static inline long fettle_set_idle_io(int process) { return syscall(SYS_ioprio_set, 1, process, 3 << 13); }
#endif
