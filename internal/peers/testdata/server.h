// What the reference servers in C share: ADDRESS PORT [spin] as arguments, a socket with 4 MiB of buffers, and the case change, which the compiler
// makes vectors of.
#pragma once
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#define UDP_GRO 104
#endif

static inline void upper(uint8_t *p, size_t n) {
    for (size_t i = 0; i < n; i++)
        p[i] -= (uint8_t)((uint8_t)(p[i] - 'a') < 26) << 5;
}

static inline void fail(const char *what) {
    perror(what);
    exit(1);
}

// open_socket binds ADDRESS PORT and says whether the third argument asks never to sleep.
static inline int open_socket(int argc, char **argv, int *spin) {
    if (argc < 3 || argc > 4 || (argc == 4 && strcmp(argv[3], "spin"))) {
        fprintf(stderr, "usage: %s ADDRESS PORT [spin]\n", argv[0]);
        exit(2);
    }
    *spin = argc == 4;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), space = 4 << 20;
    if (fd < 0)
        fail("socket");
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &space, sizeof space))
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &space, sizeof space);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &space, sizeof space))
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &space, sizeof space);
    if (inet_pton(AF_INET, argv[1], &at.sin_addr) != 1 || bind(fd, (struct sockaddr *)&at, sizeof at))
        fail("bind");
    return fd;
}
