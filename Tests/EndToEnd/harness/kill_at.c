/* Loaded before others (LD_PRELOAD): ends the process with SIGKILL right before, or right behind, the KILL_AT-th of its calls that change what
   others see: of folders, files and their places, and of connections. KILL_AT=3 is before the third, KILL_AT=-3 behind it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_int calls;

static int step(void) { return atomic_fetch_add(&calls, 1) + 1; }

static int at(void) {
    const char *text = getenv("KILL_AT");
    return text ? atoi(text) : 0;
}

#define COUNTED(name, parameters, arguments)                                  \
    int name parameters {                                                     \
        int(*next) parameters = (int(*) parameters)dlsym(RTLD_NEXT, #name);   \
        int number = step();                                                  \
        if (at() == number) kill(getpid(), SIGKILL);                          \
        int result = next arguments;                                          \
        if (at() == -number) kill(getpid(), SIGKILL);                         \
        return result;                                                        \
    }

COUNTED(mkdir, (const char *path, mode_t mode), (path, mode))
COUNTED(link, (const char *from, const char *to), (from, to))
COUNTED(rename, (const char *from, const char *to), (from, to))
COUNTED(fsync, (int descriptor), (descriptor))
COUNTED(connect, (int descriptor, const struct sockaddr *address, socklen_t length), (descriptor, address, length))
