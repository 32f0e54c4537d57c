// agents: many agents of one server, each a mux session over TLS with a certificate, in one small program.
//
//   cc -O2 -o agents agents.c -lssl -lcrypto
//   agents -c N -s STREAMS -t SECONDS CERTIFICATES SERVER ORIGIN PATH BYTES
//
// Opens N sessions, says "ready" and waits for a line; then keeps STREAMS requests under way in each until SECONDS have passed.
// Every answer's status and length are checked. Prints one line of JSON. The protocol is docs/protocol.md.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HELLO, OPEN, HEAD, DATA, TRAILERS, WINDOW, RESET, PING, PONG, GOAWAY, END = 0x80, FRAME = 8 };
enum { BUFFER = 128 << 10, STREAMS = 4096 };

typedef struct {
    int fd;
    SSL *tls;
    uint32_t last;
    unsigned char in[BUFFER], out[BUFFER];
    size_t in_length, out_length;
    uint32_t streams[STREAMS];  // open ones; the number's place is the number modulo their count
    uint64_t seen[STREAMS];
    uint32_t owed;
    bool wants_write;
} Agent;

static int count = 1, at_once = 1, ep;
static double seconds = 2;
static const char *origin, *path;
static uint64_t bytes, done, started;
static bool stopping;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static _Noreturn void die(const char *what) {
    fprintf(stderr, "agents: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static unsigned char *put(unsigned char *p, uint64_t value, int size) {
    for (int i = size - 1; i >= 0; i--) *p++ = (unsigned char)(value >> (8 * i));
    return p;
}

static uint64_t get(const unsigned char *p, int size) {
    uint64_t value = 0;
    for (int i = 0; i < size; i++) value = value << 8 | p[i];
    return value;
}

static unsigned char *frame(Agent *a, int type, uint32_t stream, size_t length) {
    if (a->out_length + FRAME + length > BUFFER) die("too much waits to be sent");
    unsigned char *p = a->out + a->out_length;
    a->out_length += FRAME + length;
    p = put(p, length, 3);
    *p++ = (unsigned char)type;
    return put(p, stream, 4);
}

static void request(Agent *a) {
    size_t authority = strlen(origin), target = strlen(path);
    size_t head = 3 + 1 + 3 + 2 + authority + 2 + target + 2;
    uint32_t stream = ++a->last;
    a->streams[stream % STREAMS] = stream;
    a->seen[stream % STREAMS] = 0;
    unsigned char *p = frame(a, OPEN | END, stream, 4 + head);
    p = put(p, head, 4);
    *p++ = 0;  // plain
    *p++ = 1;  // http
    *p++ = 0;  // no body
    *p++ = 3;
    memcpy(p, "GET", 3);
    p = put(p + 3, authority, 2);
    memcpy(p, origin, authority);
    p = put(p + authority, target, 2);
    memcpy(p, path, target);
    put(p + target, 0, 2);
    started++;
}

static void send_out(Agent *a) {
    size_t sent = 0;
    while (sent < a->out_length) {
        int n = SSL_write(a->tls, a->out + sent, (int)(a->out_length - sent));
        if (n <= 0) {
            if (SSL_get_error(a->tls, n) != SSL_ERROR_WANT_WRITE) die("a session was lost while sending");
            break;
        }
        sent += (size_t)n;
    }
    memmove(a->out, a->out + sent, a->out_length - sent);
    a->out_length -= sent;
    bool wants = a->out_length > 0;
    if (wants != a->wants_write) {
        a->wants_write = wants;
        struct epoll_event e = {.events = EPOLLIN | (wants ? EPOLLOUT : 0), .data.ptr = a};
        epoll_ctl(ep, EPOLL_CTL_MOD, a->fd, &e);
    }
}

static void finished(Agent *a, uint32_t stream) {
    uint32_t place = stream % STREAMS;
    if (a->streams[place] != stream) die("an end of a stream that isn't open");
    if (a->seen[place] != bytes) die("an answer of another length");
    a->streams[place] = 0;
    done++;
    if (!stopping) request(a);
}

static void take(Agent *a, int type, uint32_t stream, const unsigned char *payload, size_t length) {
    switch (type & 0x1F) {
    case HEAD:
        if (get(payload, 2) != 200) die("a status other than 200");
        break;
    case DATA:
        a->seen[stream % STREAMS] += length;
        a->owed += (uint32_t)length;
        if (a->owed >= 1 << 20) {
            put(frame(a, WINDOW, 0, 4), a->owed, 4);
            a->owed = 0;
        }
        break;
    case PING:
        memcpy(frame(a, PONG, 0, 8), payload, 8);
        break;
    case RESET: die("a stream was reset");
    case GOAWAY: die("the server goes away");
    default: break;
    }
    if (type & END) finished(a, stream);
}

static void receive(Agent *a) {
    for (;;) {
        int n = SSL_read(a->tls, a->in + a->in_length, (int)(BUFFER - a->in_length));
        if (n <= 0) {
            if (SSL_get_error(a->tls, n) != SSL_ERROR_WANT_READ) die("a session was lost");
            break;
        }
        a->in_length += (size_t)n;
        size_t at = 0;
        while (a->in_length - at >= FRAME) {
            size_t length = (size_t)get(a->in + at, 3);
            if (FRAME + length > BUFFER) die("a frame that is too long");
            if (a->in_length - at < FRAME + length) break;
            take(a, a->in[at + 3], (uint32_t)get(a->in + at + 4, 4), a->in + at + FRAME, length);
            at += FRAME + length;
        }
        memmove(a->in, a->in + at, a->in_length - at);
        a->in_length -= at;
    }
    send_out(a);
}

static Agent *dial(SSL_CTX *context, struct sockaddr_in *server) {
    Agent *a = calloc(1, sizeof *a);
    if (!a) die("memory");
    int on = 1;
    a->fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(a->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(a->fd, (struct sockaddr *)server, sizeof *server)) die(strerror(errno));
    a->tls = SSL_new(context);
    SSL_set_fd(a->tls, a->fd);
    SSL_set_tlsext_host_name(a->tls, "localhost");
    SSL_set1_host(a->tls, "localhost");
    if (SSL_connect(a->tls) != 1) die("the handshake failed");
    unsigned char *p = frame(a, HELLO, 0, 22);
    memcpy(p, "FLUIDITY", 8);
    p = put(p + 8, 1, 2);
    p = put(p, 256 << 10, 4);
    p = put(p, 8 << 20, 4);
    put(p, 8192, 4);
    send_out(a);
    // The server's HELLO, before anything else: its session is up then.
    while (a->in_length < FRAME + 22) {
        int n = SSL_read(a->tls, a->in + a->in_length, (int)(FRAME + 22 - a->in_length));
        if (n <= 0) die("the server said nothing");
        a->in_length += (size_t)n;
    }
    a->in_length = 0;
    fcntl(a->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = a};
    if (epoll_ctl(ep, EPOLL_CTL_ADD, a->fd, &e)) die("epoll_ctl");
    return a;
}

int main(int argc, char **argv) {
    for (int c; (c = getopt(argc, argv, "c:s:t:")) != -1;)
        switch (c) {
        case 'c': count = atoi(optarg); break;
        case 's': at_once = atoi(optarg); break;
        case 't': seconds = atof(optarg); break;
        default: return 2;
        }
    if (argc - optind != 5 || count < 1 || at_once < 1 || at_once > STREAMS / 2) {
        fprintf(stderr, "usage: agents [-c n] [-s streams] [-t seconds] CERTIFICATES SERVER ORIGIN PATH BYTES\n");
        return 2;
    }
    char file[4096], host[64];
    const char *directory = argv[optind], *where = argv[optind + 1], *colon = strrchr(where, ':');
    origin = argv[optind + 2];
    path = argv[optind + 3];
    bytes = strtoull(argv[optind + 4], NULL, 10);
    if (!colon) die(where);
    snprintf(host, sizeof host, "%.*s", (int)(colon - where), where);
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(colon + 1))};
    if (inet_pton(AF_INET, host, &server.sin_addr) != 1) die(where);

    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    snprintf(file, sizeof file, "%s/ca.pem", directory);
    if (SSL_CTX_load_verify_locations(context, file, NULL) != 1) die(file);
    snprintf(file, sizeof file, "%s/client.pem", directory);
    if (SSL_CTX_use_certificate_chain_file(context, file) != 1) die(file);
    snprintf(file, sizeof file, "%s/client-key.pem", directory);
    if (SSL_CTX_use_PrivateKey_file(context, file, SSL_FILETYPE_PEM) != 1) die(file);
    static const unsigned char alpn[] = "\x0a" "fluidity/1";
    SSL_CTX_set_alpn_protos(context, alpn, sizeof alpn - 1);

    ep = epoll_create1(0);
    Agent **agents = calloc((size_t)count, sizeof *agents);
    if (!agents) die("memory");
    for (int i = 0; i < count; i++) agents[i] = dial(context, &server);
    printf("ready\n");
    fflush(stdout);
    if (getchar() == EOF) return 0;

    double began = now();
    for (int i = 0; i < count; i++) {
        for (int k = 0; k < at_once; k++) request(agents[i]);
        send_out(agents[i]);
    }
    struct epoll_event events[256];
    while (!stopping || (done < started && now() < began + seconds + 10)) {
        if (!stopping && now() >= began + seconds) {
            stopping = true;
            printf("{\"done\": %" PRIu64 ", \"seconds\": %.6f}\n", done, now() - began);
            fflush(stdout);
        }
        int n = epoll_wait(ep, events, 256, 50);
        for (int i = 0; i < n; i++) {
            Agent *a = events[i].data.ptr;
            if (events[i].events & EPOLLOUT) send_out(a);
            receive(a);
        }
    }
    if (done < started) die("answers that didn't come");
    return 0;
}
