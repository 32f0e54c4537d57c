#include "CArguments.h"

#include <stddef.h>
#include <stdlib.h>

static int count;
static char **words;

#if defined(__GLIBC__) || defined(__APPLE__)
/* glibc and Darwin's dyld call what runs before `main` as they call `main`; others, as musl, without arguments. */
__attribute__((constructor)) static void keep(int argc, char **argv) {
    count = argc;
    words = argv;
}
#endif

int fluidity_argument_count(void) { return count; }

const char *fluidity_argument(int index) { return index >= 0 && index < count ? words[index] : NULL; }
