#ifndef FETTLE_CARCHIVE_SHIM
#define FETTLE_CARCHIVE_SHIM
/* libarchive includes sys/stat.h for pointers to struct stat alone. Left out: Swift would see the structure and its macros
   twice, here and in its own Glibc module, and could use neither. */
#ifndef _SYS_STAT_H
#define _SYS_STAT_H 1
#define FETTLE_NO_STAT 1
#endif
struct stat;
#include <archive.h>
#include <archive_entry.h>

/* A variadic function, which Swift does not import. */
static inline void fettle_archive_fail(struct archive *archive, const char *reason) {
    archive_set_error(archive, -1, "%s", reason);
}
#ifdef FETTLE_NO_STAT
#undef _SYS_STAT_H
#undef FETTLE_NO_STAT
#endif
#endif
