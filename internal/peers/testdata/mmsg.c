// The reference: recvmmsg(2) and sendmmsg(2) with a buffer for each of 64 datagrams.
#include "server.h"

enum { BATCH = 64, SIZE = 2048, STRIDE = SIZE + 64 }; // the line more keeps the buffers out of one set of the cache

static uint8_t buffer[BATCH][STRIDE];
static struct sockaddr_in peer[BATCH];
static struct iovec part[BATCH];
static struct mmsghdr message[BATCH];

int main(int argc, char **argv) {
    int spin, fd = open_socket(argc, argv, &spin);
    for (int i = 0; i < BATCH; i++) {
        part[i] = (struct iovec){buffer[i], SIZE};
        message[i].msg_hdr = (struct msghdr){.msg_name = &peer[i], .msg_namelen = sizeof peer[i], .msg_iov = &part[i], .msg_iovlen = 1};
    }
    for (;;) {
        int n = recvmmsg(fd, message, BATCH, spin ? MSG_DONTWAIT : MSG_WAITFORONE, NULL);
        for (int i = 0; i < n; i++) {
            upper(buffer[i], message[i].msg_len);
            part[i].iov_len = message[i].msg_len;
        }
        for (int done = 0; done < n;) {
            int sent = sendmmsg(fd, message + done, n - done, 0);
            done += sent > 0 ? sent : 1; // the first one left is the one at fault: leave it out
        }
        for (int i = 0; i < n; i++) {
            part[i].iov_len = SIZE;
            message[i].msg_hdr.msg_namelen = sizeof peer[i];
        }
    }
}
