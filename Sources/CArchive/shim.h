#ifndef FETTLE_CARCHIVE_SHIM
#define FETTLE_CARCHIVE_SHIM
#include <archive.h>
#include <archive_entry.h>
#endif
