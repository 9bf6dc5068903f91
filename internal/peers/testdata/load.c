// load ADDRESS PORT: a closed-loop load on an upper-case server. Each flow is a socket of its own with so many requests outstanding; a reply makes
// room for the next one at once. Every reply is checked to the last byte, and what came of the run is one JSON object on stdout.
//
// A request begins with its number, a letter from a to p for each four bits, the lowest first: eight letters, or as many as it has bytes. The low
// bits of the number are the slot that it occupies on its flow, the others count up. From twelve bytes on the number of the flow follows in four
// letters. What is left is a pattern that goes through all 256 values.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#define UDP_GRO 104
#endif

enum { BATCH = 64, LEAST = 5, MOST = 65000, NUMBER = 8, HEADER = 12 };

static struct {
    int flows, window, size, cpu, gso, gro, block; // size 0: mixed
    double seconds, warmup, timeout;               // timeout in seconds
} option = {.flows = 1, .window = 1, .size = 64, .cpu = -1, .seconds = 1, .warmup = 0.2, .timeout = 0.1};

static const int mixed[] = {5, 64, 512, 1400};

struct slot {
    uint64_t sent; // when, in ns
    uint64_t want; // the number in the reply's letters
    int size, busy;
};

struct flow {
    int fd, free;      // free: how many slots are
    uint32_t counter;  // of requests
    uint32_t letters;  // its own number, as a request has it
    struct slot *slot;
    int *stack;        // the slots that are free
};

static struct flow *flows;
static int slot_bits, poller = -1;
static uint8_t answer[MOST]; // the pattern, as a reply has it
static struct { uint64_t all, replies, sent, lost, late, wrong, errors; } count;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

// ---- latencies: exact to 256 ns, then to one part in 128 ----

static uint64_t histogram[64 * 128], longest;

static void record(uint64_t ns) {
    int shift = ns < 256 ? 0 : 63 - __builtin_clzll(ns) - 7;
    histogram[shift * 128 + (ns >> shift)]++;
    if (ns > longest)
        longest = ns;
}

static double percentile_us(double share) {
    uint64_t before = 0, rank = share * count.replies;
    for (int i = 0; i < 64 * 128; i++) {
        before += histogram[i];
        if (before > rank) {
            int shift = i < 256 ? 0 : i / 128 - 1;
            return ((uint64_t)(i - shift * 128) << shift) / 1e3;
        }
    }
    return longest / 1e3;
}

// ---- numbers and letters (bytes lowest first, as amd64 and arm64 have them) ----

static uint64_t letters(uint32_t number, char a) {
    uint64_t x = number;
    x = (x | x << 16) & 0x0000ffff0000ffff;
    x = (x | x << 8) & 0x00ff00ff00ff00ff;
    x = (x | x << 4) & 0x0f0f0f0f0f0f0f0f;
    return x + a * 0x0101010101010101ull;
}

static uint32_t number(uint64_t word, char a) {
    uint64_t x = (word - a * 0x0101010101010101ull) & 0x0f0f0f0f0f0f0f0f;
    x = (x | x >> 4) & 0x00ff00ff00ff00ff;
    x = (x | x >> 8) & 0x0000ffff0000ffff;
    return x | x >> 16;
}

static uint64_t first_bytes(int size) { return size >= NUMBER ? ~0ull : (1ull << 8 * size) - 1; }

// ---- sending ----

static uint8_t *request; // BATCH of them, MOST at most in all
static struct mmsghdr out[BATCH];
static struct iovec out_part[BATCH];
static _Alignas(struct cmsghdr) char out_control[CMSG_SPACE(sizeof(uint16_t))];

// write_request takes a free slot and writes its request to p, where the pattern is already.
static int write_request(struct flow *f, uint8_t *p, uint64_t t) {
    int i = f->stack[--f->free], size = option.size ? option.size : mixed[f->counter % (sizeof mixed / sizeof *mixed)];
    uint32_t n = f->counter++ << slot_bits | i;
    uint64_t word = letters(n, 'a');
    memcpy(p, &word, size < NUMBER ? size : NUMBER);
    if (size >= HEADER)
        memcpy(p + NUMBER, &f->letters, sizeof f->letters);
    f->slot[i] = (struct slot){.sent = t, .want = letters(n, 'A') & first_bytes(size), .size = size, .busy = 1};
    return size;
}

// send_train sends up to so many requests as one segmented send and returns how many.
static int send_train(struct flow *f, int most, uint64_t t) {
    int n = most * option.size <= MOST ? most : MOST / option.size;
    for (int i = 0; i < n; i++)
        write_request(f, request + (size_t)i * option.size, t);
    struct iovec all = {request, (size_t)n * option.size};
    struct msghdr h = {.msg_iov = &all, .msg_iovlen = 1};
    if (n > 1) {
        h.msg_control = out_control;
        h.msg_controllen = sizeof out_control;
    }
    if (sendmsg(f->fd, &h, 0) < 0)
        count.errors += n;
    return n;
}

static int send_each(struct flow *f, int n, uint64_t t) {
    for (int i = 0; i < n; i++)
        out_part[i].iov_len = write_request(f, out_part[i].iov_base, t);
    for (int done = 0; done < n;) {
        int sent = sendmmsg(f->fd, out + done, n - done, 0);
        if (sent <= 0) { // its time runs out like that of any request that got no answer
            count.errors++;
            sent = 1;
        }
        done += sent;
    }
    return n;
}

static void fire(struct flow *f) {
    while (f->free > 0) {
        int most = f->free < BATCH ? f->free : BATCH;
        uint64_t t = now();
        count.sent += option.gso ? send_train(f, most, t) : send_each(f, most, t);
    }
}

// ---- receiving ----

static struct mmsghdr in[BATCH];
static struct iovec in_part[BATCH];
static char in_control[BATCH][64];

// right tells whether the reply is one that a request of this flow could have, the number aside.
static int right(const struct flow *f, const uint8_t *p, int n, uint64_t word) {
    if (word != (letters(number(word, 'A'), 'A') & first_bytes(n)))
        return 0;
    int header = n < NUMBER ? n : NUMBER;
    if (n >= HEADER) {
        uint32_t own = f->letters - 0x20202020; // in upper case
        if (memcmp(p + NUMBER, &own, sizeof own))
            return 0;
        header = HEADER;
    }
    return !memcmp(p + header, answer + header, n - header);
}

static void check(struct flow *f, const uint8_t *p, int n, uint64_t t) {
    uint64_t word = 0;
    if (n < LEAST || n > MOST) {
        count.wrong++;
        return;
    }
    memcpy(&word, p, n < NUMBER ? n : NUMBER);
    uint32_t i = number(word, 'A') & ((1u << slot_bits) - 1);
    if (!right(f, p, n, word) || i >= (uint32_t)option.window) {
        count.wrong++;
        return;
    }
    struct slot *s = &f->slot[i];
    count.all++;
    if (!s->busy || s->want != word || s->size != n) { // the second reply to a request, or one that came when its time was up
        count.late++;
        return;
    }
    s->busy = 0;
    f->stack[f->free++] = i;
    count.replies++;
    record(t - s->sent);
}

static int segment(struct msghdr *h, int whole) {
    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c))
        if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
            int size;
            memcpy(&size, CMSG_DATA(c), sizeof size);
            return size;
        }
    return whole;
}

// drain takes what a flow has received, a batch at most.
static int drain(struct flow *f, int flags) {
    int most = option.window < BATCH ? option.window : BATCH;
    if (option.gro)
        for (int i = 0; i < most; i++)
            in[i].msg_hdr.msg_controllen = sizeof in_control[i];
    int n = recvmmsg(f->fd, in, most, flags, NULL);
    uint64_t t = n > 0 ? now() : 0;
    for (int i = 0; i < n; i++) {
        int whole = in[i].msg_len, size = option.gro ? segment(&in[i].msg_hdr, whole) : whole, at = 0;
        do { // an empty datagram is one too
            check(f, (uint8_t *)in_part[i].iov_base + at, whole - at < size ? whole - at : size, t);
            at += size;
        } while (at < whole);
    }
    return n;
}

// give_up makes room where no reply came in time. It is called every few milliseconds.
static void give_up(uint64_t t) {
    for (int k = 0; k < option.flows; k++) {
        struct flow *f = &flows[k];
        for (int i = 0; i < option.window && f->free < option.window; i++)
            if (f->slot[i].busy && t > f->slot[i].sent + (uint64_t)(option.timeout * 1e9)) {
                f->slot[i].busy = 0;
                f->stack[f->free++] = i;
                count.lost++;
            }
        fire(f);
    }
}

// ---- the run ----

static void one_flow(void) {
    if (drain(flows, option.block ? MSG_WAITFORONE : MSG_DONTWAIT) > 0)
        fire(flows);
}

static void many_flows(void) {
    struct epoll_event ready[256];
    int n = epoll_wait(poller, ready, 256, option.block ? 5 : 0);
    for (int i = 0; i < n; i++) {
        struct flow *f = &flows[ready[i].data.u32];
        drain(f, MSG_DONTWAIT);
        fire(f);
    }
}

// run returns the seconds that it took.
static double run(double seconds) {
    uint64_t from = now(), until = from + (uint64_t)(seconds * 1e9), look = from, t;
    while ((t = now()) < until) {
        if (t >= look) {
            give_up(t);
            look = t + 10000000;
        }
        if (poller < 0)
            one_flow();
        else
            many_flows();
    }
    return (t - from) / 1e9;
}

static void open_flow(int k, const struct sockaddr_in *to) {
    struct flow *f = &flows[k];
    int one = 1, space = 4 << 20;
    struct timeval wait = {.tv_usec = 5000};
    if ((f->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0)
        fail("socket");
    if (setsockopt(f->fd, SOL_SOCKET, SO_RCVBUFFORCE, &space, sizeof space))
        setsockopt(f->fd, SOL_SOCKET, SO_RCVBUF, &space, sizeof space);
    if (setsockopt(f->fd, SOL_SOCKET, SO_SNDBUFFORCE, &space, sizeof space))
        setsockopt(f->fd, SOL_SOCKET, SO_SNDBUF, &space, sizeof space);
    setsockopt(f->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    if (option.gro && setsockopt(f->fd, SOL_UDP, UDP_GRO, &one, sizeof one))
        fail("UDP_GRO");
    if (connect(f->fd, (const struct sockaddr *)to, sizeof *to))
        fail("connect");
    struct epoll_event readable = {.events = EPOLLIN, .data.u32 = k};
    if (poller >= 0 && epoll_ctl(poller, EPOLL_CTL_ADD, f->fd, &readable))
        fail("epoll_ctl");
    f->letters = letters(k, 'a');
    f->slot = calloc(option.window, sizeof *f->slot);
    f->stack = calloc(option.window, sizeof *f->stack);
    if (!f->slot || !f->stack)
        fail("calloc");
    for (int i = option.window - 1; i >= 0; i--)
        f->stack[f->free++] = i;
}

static void prepare_buffers(void) {
    int largest = option.size ? option.size : mixed[sizeof mixed / sizeof *mixed - 1];
    size_t room = option.gro ? 65536 : largest + 64, stride = (room | 127) + 65; // an odd number of cache lines, not to fall into one set
    uint8_t *received = malloc(stride * BATCH);
    request = malloc((size_t)largest * BATCH);
    if (!received || !request)
        fail("malloc");
    for (int i = 0; i < MOST; i++)
        answer[i] = i * 7 + 'a';
    for (int i = 0; i < BATCH; i++) {
        memcpy(request + (size_t)i * largest, answer, largest);
        out_part[i].iov_base = request + (size_t)i * largest;
        in_part[i] = (struct iovec){received + i * stride, room};
        out[i].msg_hdr = (struct msghdr){.msg_iov = &out_part[i], .msg_iovlen = 1};
        in[i].msg_hdr = (struct msghdr){.msg_iov = &in_part[i], .msg_iovlen = 1, .msg_control = option.gro ? in_control[i] : NULL};
    }
    for (int i = 0; i < MOST; i++)
        if (answer[i] >= 'a' && answer[i] <= 'z')
            answer[i] -= 0x20;
    struct cmsghdr *c = (struct cmsghdr *)out_control;
    *c = (struct cmsghdr){.cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT, .cmsg_len = CMSG_LEN(sizeof(uint16_t))};
    uint16_t size = option.size;
    memcpy(CMSG_DATA(c), &size, sizeof size);
}

static void prepare_process(void) {
    struct rlimit files;
    if (!getrlimit(RLIMIT_NOFILE, &files)) { // a flow is a file
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    cpu_set_t set;
    CPU_ZERO(&set);
    if (option.cpu >= 0) {
        CPU_SET(option.cpu, &set);
        if (sched_setaffinity(0, sizeof set, &set))
            fail("sched_setaffinity");
    }
}

static int usage(void) {
    fprintf(stderr, "usage: load [--flows N] [--window N] [--size BYTES|mixed] [--seconds S] [--warmup S] [--timeout S] [--cpu N] [--gso] [--gro] "
                    "[--block] ADDRESS PORT\n"
                    "  flows 1 to 65535, window 1 to 1024, size 5 to 65000 (mixed: 5, 64, 512 and 1400 in turn, and then no --gso)\n");
    return 2;
}

static int parse(int argc, char **argv) {
    static const struct option long_options[] = {
        {"flows", 1, 0, 'f'}, {"window", 1, 0, 'w'}, {"size", 1, 0, 's'}, {"seconds", 1, 0, 'd'}, {"warmup", 1, 0, 'u'}, {"timeout", 1, 0, 't'},
        {"cpu", 1, 0, 'c'}, {"gso", 0, &option.gso, 1}, {"gro", 0, &option.gro, 1}, {"block", 0, &option.block, 1}, {0}};
    for (int c; (c = getopt_long(argc, argv, "", long_options, NULL)) != -1;)
        switch (c) {
        case 0: break;
        case 'f': option.flows = atoi(optarg); break;
        case 'w': option.window = atoi(optarg); break;
        case 's': option.size = strcmp(optarg, "mixed") ? atoi(optarg) : 0; break;
        case 'd': option.seconds = atof(optarg); break;
        case 'u': option.warmup = atof(optarg); break;
        case 't': option.timeout = atof(optarg); break;
        case 'c': option.cpu = atoi(optarg); break;
        default: return 0;
        }
    int fixed = option.size >= LEAST && option.size <= MOST;
    return argc - optind == 2 && (fixed || (option.size == 0 && !option.gso)) && option.flows >= 1 && option.flows <= 65535 && option.window >= 1 &&
           option.window <= 1024 && option.seconds > 0 && option.seconds <= 600 && option.warmup >= 0 && option.warmup <= 60 && option.timeout > 0;
}

int main(int argc, char **argv) {
    if (!parse(argc, argv))
        return usage();
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[optind + 1]))};
    if (inet_pton(AF_INET, argv[optind], &to.sin_addr) != 1)
        return usage();
    while (1 << slot_bits < option.window)
        slot_bits++;
    prepare_process();
    prepare_buffers();
    if (option.flows > 1 && (poller = epoll_create1(EPOLL_CLOEXEC)) < 0)
        fail("epoll_create1");
    if (!(flows = calloc(option.flows, sizeof *flows)))
        fail("calloc");
    for (int k = 0; k < option.flows; k++)
        open_flow(k, &to);
    run(option.warmup);
    uint64_t warm = count.all;
    memset(&count, 0, sizeof count);
    memset(histogram, 0, sizeof histogram);
    longest = 0;
    double seconds = run(option.seconds);
    printf("{\"seconds\":%.6f,\"sent\":%lu,\"replies\":%lu,\"all_replies\":%lu,\"lost\":%lu,\"late\":%lu,\"wrong\":%lu,\"errors\":%lu,"
           "\"p50_us\":%.3f,\"p99_us\":%.3f,\"max_us\":%.3f}\n",
           seconds, count.sent, count.replies, warm + count.all, count.lost, count.late, count.wrong, count.errors, percentile_us(.50),
           percentile_us(.99), longest / 1e3);
}
