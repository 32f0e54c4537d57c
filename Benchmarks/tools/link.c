// link: a slow, distant or lossy network between two network namespaces, in user space (for kernels without netem).
//
//   cc -O2 -o link link.c
//   ip netns add near; ip netns add far
//   ./link -d 40 -r 100 -l 1 near far      one-way delay in ms, rate in Mbit/s, loss in per cent; ends on SIGTERM or SIGINT
//
// Gives `near` 10.9.0.1 and `far` 10.9.0.2 on an interface named lk0 (MTU 1500). Options: -q BYTES queue before the
// rate limit (default: one bandwidth-delay product of the round trip, at least 64 KiB), -s SEED of the losses.
// -m BYTES and -p PORT drop larger packets, and those to a TCP port, without a word to anybody. On SIGUSR1 it forgets the TCP connections
// that there are, as a NAT does: their packets are dropped without a word, those of new ones aren't. Packets keep their order. Prints a line of counts at the end. Needs root; the namespaces are made and removed by the caller.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

typedef struct Packet { struct Packet *next; int64_t due; int len; unsigned char data[]; } Packet;
typedef struct { int in, out; Packet *head, **tail; int64_t line_free; long sent, lost, dropped; double bytes; } Direction;

static volatile sig_atomic_t stop, forget;
static void on_signal(int s) { if (s == SIGUSR1) forget = 1; else stop = 1; }
static int64_t now_ns(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000LL + t.tv_nsec; }
static _Noreturn void die(const char *what) { fprintf(stderr, "link: %s: %s\n", what, strerror(errno)); exit(1); }

static int open_end(const char *ns, const char *address) {
    char path[256], cmd[256];
    snprintf(path, sizeof path, "/var/run/netns/%s", ns);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) die(path);
    if (setns(fd, CLONE_NEWNET)) die("setns");
    close(fd);
    int tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (tun < 0) die("/dev/net/tun");
    struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    strcpy(r.ifr_name, "lk0");
    if (ioctl(tun, TUNSETIFF, &r)) die("TUNSETIFF");
    snprintf(cmd, sizeof cmd, "ip addr add %s/24 dev lk0 && ip link set lk0 up mtu 1500 txqueuelen 1000 && ip link set lo up", address);
    if (system(cmd)) { fprintf(stderr, "link: could not configure lk0 in %s\n", ns); exit(1); }
    return tun;
}

// Whether an IPv4 packet is one of TCP to that port.
static int is_for_port(const unsigned char *p, int n, int port) {
    int head = (p[0] & 15) * 4;
    return n >= head + 4 && p[0] >> 4 == 4 && p[9] == 6 && (p[head + 2] << 8 | p[head + 3]) == port;
}

// Whether a packet belongs to a TCP connection that was forgotten. `known` has the connections that `near` has begun since, by its ports.
static int is_forgotten(const unsigned char *p, int n, int from_near, unsigned char *known) {
    int head = (p[0] & 15) * 4;
    if (n < head + 14 || p[0] >> 4 != 4 || p[9] != 6) return 0;
    const unsigned char *port = p + head + (from_near ? 0 : 2);
    unsigned char *is_known = &known[port[0] << 8 | port[1]];
    if (from_near && (p[head + 13] & 0x12) == 0x02) *is_known = 1;  // SYN without ACK
    return !*is_known;
}

int main(int argc, char **argv) {
    double delay_ms = 0, mbit = 1000, loss = 0, queue = 0;
    unsigned seed = 1;
    int largest = 1 << 30, closed = 0;
    for (int c; (c = getopt(argc, argv, "d:r:l:q:s:m:p:")) != -1;)
        switch (c) {
        case 'd': delay_ms = atof(optarg); break;
        case 'r': mbit = atof(optarg); break;
        case 'l': loss = atof(optarg) / 100; break;
        case 'q': queue = atof(optarg); break;
        case 's': seed = (unsigned)atoi(optarg); break;
        case 'm': largest = atoi(optarg); break;
        case 'p': closed = atoi(optarg); break;
        default: return 2;
        }
    if (argc - optind != 2 || mbit <= 0) { fprintf(stderr, "usage: link [-d ms] [-r Mbit/s] [-l %%] [-q bytes] [-s seed] [-m largest packet] [-p dropped TCP port] NEAR FAR\n"); return 2; }
    if (queue == 0) { queue = mbit * 1e6 / 8 * 2 * delay_ms / 1e3; if (queue < 65536) queue = 65536; }
    srand48(seed);
    Direction d[2] = {0};
    int near = open_end(argv[optind], "10.9.0.1"), far = open_end(argv[optind + 1], "10.9.0.2");
    d[0].in = near; d[0].out = far; d[1].in = far; d[1].out = near;
    for (int i = 0; i < 2; i++) d[i].tail = &d[i].head;
    signal(SIGTERM, on_signal); signal(SIGINT, on_signal); signal(SIGUSR1, on_signal);
    static unsigned char known[65536];
    int forgets = 0;
    const int64_t delay = (int64_t)(delay_ms * 1e6);
    const double ns_per_byte = 8e3 / mbit;
    static unsigned char buf[65536];
    printf("link: up, %g ms each way, %g Mbit/s, %g%% loss, queue %.0f bytes\n", delay_ms, mbit, loss * 100, queue);
    fflush(stdout);
    while (!stop) {
        int64_t next = INT64_MAX;
        for (int i = 0; i < 2; i++) if (d[i].head && d[i].head->due < next) next = d[i].head->due;
        struct pollfd p[2] = {{near, POLLIN, 0}, {far, POLLIN, 0}};
        int64_t wait = next == INT64_MAX ? 1000000000LL : next - now_ns();
        if (wait < 0) wait = 0;
        struct timespec t = {wait / 1000000000LL, wait % 1000000000LL};
        ppoll(p, 2, &t, NULL);
        int64_t now = now_ns();
        if (forget) { forget = 0; forgets = 1; memset(known, 0, sizeof known); }
        for (int i = 0; i < 2; i++) {
            Direction *x = &d[i];
            for (int k = 0; k < 64; k++) {
                int n = (int)read(x->in, buf, sizeof buf);
                if (n <= 0) break;
                // Without a word to anybody, as firewalls do.
                if (n > largest || (closed && is_for_port(buf, n, closed)) || (forgets && is_forgotten(buf, n, i == 0, known))) { x->dropped++; continue; }
                if (loss > 0 && drand48() < loss) { x->lost++; continue; }
                int64_t start = x->line_free > now ? x->line_free : now;
                if ((double)(start - now) / ns_per_byte > queue) { x->dropped++; continue; }
                x->line_free = start + (int64_t)(n * ns_per_byte);
                Packet *q = malloc(sizeof *q + (size_t)n);
                if (!q) die("malloc");
                q->next = NULL; q->due = x->line_free + delay; q->len = n;
                memcpy(q->data, buf, (size_t)n);
                *x->tail = q; x->tail = &q->next;
            }
            while (x->head && x->head->due <= now) {
                Packet *q = x->head;
                if (write(x->out, q->data, (size_t)q->len) < 0 && errno == EAGAIN) break;
                x->sent++; x->bytes += q->len;
                if (!(x->head = q->next)) x->tail = &x->head;
                free(q);
            }
        }
    }
    for (int i = 0; i < 2; i++)
        printf("link: %s: %ld packets, %.1f MB, %ld lost, %ld dropped by the queue\n", i ? "far to near" : "near to far", d[i].sent, d[i].bytes / 1e6, d[i].lost, d[i].dropped);
    return 0;
}
