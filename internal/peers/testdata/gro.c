// The reference for heavy flows: receives what the kernel coalesced (UDP_GRO) and replies in as few segmented sends (UDP_SEGMENT) as it takes, a
// train for each run of datagrams of one peer and one size. The pieces of a train stay where they were received; an iovec gathers them.
#include "server.h"

enum { BATCH = 64, SIZE = 65536, STRIDE = SIZE + 64, MOST = 64, LONGEST = 65000 };

static struct sockaddr_in peer[BATCH];
static struct iovec room[BATCH], piece[BATCH];
static struct mmsghdr in[BATCH], out[BATCH];
static char in_control[BATCH][64];
static _Alignas(struct cmsghdr) char out_control[BATCH][CMSG_SPACE(sizeof(uint16_t))];

// segment is the size of the datagrams that message i holds; the last one may be shorter.
static size_t segment(int i) {
    struct msghdr *h = &in[i].msg_hdr;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c))
        if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
            int size;
            memcpy(&size, CMSG_DATA(c), sizeof size);
            return size;
        }
    return in[i].msg_len;
}

struct train {
    int first;     // its first message
    size_t size;   // of each datagram
    size_t length; // in all
};

// joins tells whether message i may follow: the same peer, the train so far in whole datagrams, and of i's datagrams only a last one shorter.
static int joins(const struct train *t, int i) {
    const struct sockaddr_in *a = &peer[t->first], *b = &peer[i];
    size_t length = in[i].msg_len, size = segment(i);
    return a->sin_port == b->sin_port && a->sin_addr.s_addr == b->sin_addr.s_addr && t->length && t->length % t->size == 0 && length &&
           (size == t->size || (size < t->size && length == size)) && t->length + length <= LONGEST &&
           (t->length + length + t->size - 1) / t->size <= MOST;
}

static void address(struct msghdr *h, const struct train *t, int end, void *control) {
    *h = (struct msghdr){.msg_name = &peer[t->first], .msg_namelen = sizeof *peer, .msg_iov = &piece[t->first], .msg_iovlen = end - t->first};
    if (t->length <= t->size)
        return;
    h->msg_control = control;
    h->msg_controllen = sizeof out_control[0];
    struct cmsghdr *c = CMSG_FIRSTHDR(h);
    *c = (struct cmsghdr){.cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT, .cmsg_len = CMSG_LEN(sizeof(uint16_t))};
    uint16_t size = t->size;
    memcpy(CMSG_DATA(c), &size, sizeof size);
}

int main(int argc, char **argv) {
    int spin, fd = open_socket(argc, argv, &spin), one = 1;
    uint8_t *buffer = malloc((size_t)BATCH * STRIDE);
    if (!buffer || setsockopt(fd, SOL_UDP, UDP_GRO, &one, sizeof one))
        fail("UDP_GRO");
    for (int i = 0; i < BATCH; i++) {
        room[i] = (struct iovec){buffer + (size_t)i * STRIDE, SIZE};
        in[i].msg_hdr = (struct msghdr){.msg_name = &peer[i], .msg_iov = &room[i], .msg_iovlen = 1, .msg_control = in_control[i]};
    }
    for (;;) {
        for (int i = 0; i < BATCH; i++) {
            in[i].msg_hdr.msg_namelen = sizeof peer[i];
            in[i].msg_hdr.msg_controllen = sizeof in_control[i];
        }
        int n = recvmmsg(fd, in, BATCH, spin ? MSG_DONTWAIT : MSG_WAITFORONE, NULL), trains = 0;
        for (int i = 0; i < n;) {
            struct train t = {.first = i, .size = segment(i)};
            do {
                upper(room[i].iov_base, in[i].msg_len);
                piece[i] = (struct iovec){room[i].iov_base, in[i].msg_len};
                t.length += in[i++].msg_len;
            } while (i < n && joins(&t, i));
            address(&out[trains].msg_hdr, &t, i, out_control[trains]);
            trains++;
        }
        for (int done = 0; done < trains;) {
            int sent = sendmmsg(fd, out + done, trains - done, 0);
            done += sent > 0 ? sent : 1; // the first one left is the one at fault: leave it out
        }
    }
}
