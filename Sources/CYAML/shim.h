#ifndef FETTLE_CYAML_SHIM
#define FETTLE_CYAML_SHIM
#include <yaml.h>
#endif
