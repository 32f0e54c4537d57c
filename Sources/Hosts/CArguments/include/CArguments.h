#ifndef FLUIDITY_C_ARGUMENTS_H
#define FLUIDITY_C_ARGUMENTS_H

/* The words that the process was started with, its own name first, as the C library has them. Swift's runtime reads them from
   /proc/self/cmdline on Linux, and has none where /proc isn't mounted. */

/* How many there are; 0 where the C library doesn't say. */
int fluidity_argument_count(void);

/* The word of an index from 0 on; NULL behind the last. */
const char *fluidity_argument(int index);

#endif
