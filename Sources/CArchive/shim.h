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
#ifdef FETTLE_NO_STAT
#undef _SYS_STAT_H
#undef FETTLE_NO_STAT
#endif
#endif
