// Stands in front of the C library's allocator in the program that links it, a test, and counts for each thread.
#include "allocations.h"

#include <stddef.h>
#include <stdlib.h>

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static _Thread_local uint64_t count;

void *malloc(size_t size) { count++; return __libc_malloc(size); }
void *calloc(size_t n, size_t size) { count++; return __libc_calloc(n, size); }
void *realloc(void *p, size_t size) { count++; return __libc_realloc(p, size); }
void *aligned_alloc(size_t a, size_t size) { count++; return __libc_memalign(a, size); }
int posix_memalign(void **p, size_t a, size_t size) {
    count++;
    *p = __libc_memalign(a, size);
    return *p ? 0 : 12;
}

bool fluidity_counts_allocations(void) { return true; }
uint64_t fluidity_allocations(void) { return count; }

#else

bool fluidity_counts_allocations(void) { return false; }
uint64_t fluidity_allocations(void) { return 0; }

#endif
