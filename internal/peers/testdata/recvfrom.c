// The server of the textbooks: one recvfrom(2) and one sendto(2) for each datagram.
#include "server.h"

int main(int argc, char **argv) {
    static uint8_t buffer[65536];
    int spin, fd = open_socket(argc, argv, &spin);
    for (;;) {
        struct sockaddr_in peer;
        socklen_t length = sizeof peer;
        ssize_t n = recvfrom(fd, buffer, sizeof buffer, spin ? MSG_DONTWAIT : 0, (struct sockaddr *)&peer, &length);
        if (n < 0)
            continue;
        upper(buffer, n);
        sendto(fd, buffer, n, 0, (struct sockaddr *)&peer, length);
    }
}
