/* What the bindings are made from: the host's public headers, and our shim over its macros and variadics. */
#include <switch.h>
#include "shim.h"
