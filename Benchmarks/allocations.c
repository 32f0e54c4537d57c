// Counts a process's allocations, by where in its code they are made, in a file that others can read: loaded before the C
// library with LD_PRELOAD. Tests/EndToEnd/harness/allocations.py reads it.
//
//   cc -O2 -shared -fPIC -o allocations.so Benchmarks/allocations.c
//   ALLOCATION_COUNT_FILE=agent.count LD_PRELOAD=./allocations.so fluidity agent --log-level notice
//
// The file is a table of 64-bit pairs: the address that called, and how often. The first pair counts calls from places for
// which the table had no room. Callers, for a process has few of them: the runtime of the language, the TLS library.
#define _GNU_SOURCE
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

#define PLACES 4096
struct place { _Atomic uint64_t caller, count; };
static struct place unshared[PLACES];
static struct place *places = unshared;

__attribute__((constructor)) static void share(void) {
    const char *path = getenv("ALLOCATION_COUNT_FILE");
    int file = path ? open(path, O_RDWR | O_CREAT, 0600) : -1;
    if (file < 0 || ftruncate(file, sizeof unshared)) return;
    void *shared = mmap(NULL, sizeof unshared, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (shared != MAP_FAILED) places = shared;
    close(file);
}

static void count(void *address) {
    uint64_t caller = (uint64_t)(uintptr_t)address;
    for (unsigned probe = 0; probe < 16; probe++) {
        struct place *place = &places[1 + ((caller >> 1) * 0x9E3779B1u + probe) % (PLACES - 1)];
        uint64_t found = atomic_load_explicit(&place->caller, memory_order_relaxed);
        if (!found && atomic_compare_exchange_strong(&place->caller, &found, caller)) found = caller;
        if (found != caller) continue;
        atomic_fetch_add_explicit(&place->count, 1, memory_order_relaxed);
        return;
    }
    atomic_fetch_add_explicit(&places[0].count, 1, memory_order_relaxed);
}
#define COUNT() count(__builtin_return_address(0))

void *malloc(size_t size) { COUNT(); return __libc_malloc(size); }
void *calloc(size_t n, size_t size) { COUNT(); return __libc_calloc(n, size); }
void *realloc(void *p, size_t size) { COUNT(); return __libc_realloc(p, size); }
void *aligned_alloc(size_t a, size_t size) { COUNT(); return __libc_memalign(a, size); }
int posix_memalign(void **p, size_t a, size_t size) { COUNT(); *p = __libc_memalign(a, size); return *p ? 0 : 12; }
