// Counts a process's allocations in a file that another can read: loaded before the C library with LD_PRELOAD.
//
//   cc -O2 -shared -fPIC -o allocations.so Benchmarks/allocations.c
//   ALLOCATION_COUNT_FILE=agent.count LD_PRELOAD=./allocations.so fluidity agent --log-level notice
//   od -An -t u8 agent.count        before and after a transfer: the difference is what it cost
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static _Atomic uint64_t unshared;
static _Atomic uint64_t *count = &unshared;

__attribute__((constructor)) static void share(void) {
    const char *path = getenv("ALLOCATION_COUNT_FILE");
    int file = path ? open(path, O_RDWR | O_CREAT, 0600) : -1;
    if (file < 0 || ftruncate(file, 8)) return;
    void *page = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (page != MAP_FAILED) count = page;
    close(file);
}

static void counted(void) { atomic_fetch_add_explicit(count, 1, memory_order_relaxed); }

void *malloc(size_t size) { counted(); return __libc_malloc(size); }
void *calloc(size_t n, size_t size) { counted(); return __libc_calloc(n, size); }
void *realloc(void *p, size_t size) { counted(); return __libc_realloc(p, size); }
void *aligned_alloc(size_t a, size_t size) { counted(); return __libc_memalign(a, size); }
int posix_memalign(void **p, size_t a, size_t size) { counted(); *p = __libc_memalign(a, size); return *p ? 0 : 12; }
