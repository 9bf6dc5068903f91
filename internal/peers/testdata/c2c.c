// c2c CPU CPU: the round trip of a cache line between two processors in nanoseconds, the median of 21 rounds. On a virtual machine the host may move
// a processor so that the two share a cache at one moment and do not at the next; everything that crosses between them follows it.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 21, TRIPS = 1000, TOTAL = ROUNDS * TRIPS };

static struct { _Alignas(128) atomic_int turn; } line;

static void run_on(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set)) {
        perror("sched_setaffinity");
        exit(1);
    }
}

static void await(int turn) {
    for (long looks = 0; atomic_load(&line.turn) != turn; looks++)
        if (looks > 1L << 28) { // seconds: the other one does not run
            fprintf(stderr, "c2c: no answer from the other processor\n");
            exit(1);
        }
}

static void *answer(void *cpu) {
    run_on(*(int *)cpu);
    for (int i = 0; i < TOTAL; i++) {
        await(2 * i + 1);
        atomic_store(&line.turn, 2 * i + 2);
    }
    return NULL;
}

static int compare(const void *a, const void *b) { return (*(double *)a > *(double *)b) - (*(double *)a < *(double *)b); }

int main(int argc, char **argv) {
    if (argc != 3)
        return 2;
    int one = atoi(argv[1]), other = atoi(argv[2]);
    double ns[ROUNDS];
    pthread_t thread;
    run_on(one);
    if (pthread_create(&thread, NULL, answer, &other))
        return 1;
    for (int r = 0; r < ROUNDS; r++) {
        struct timespec from, to;
        clock_gettime(CLOCK_MONOTONIC, &from);
        for (int i = r * TRIPS; i < (r + 1) * TRIPS; i++) {
            atomic_store(&line.turn, 2 * i + 1);
            await(2 * i + 2);
        }
        clock_gettime(CLOCK_MONOTONIC, &to);
        ns[r] = ((to.tv_sec - from.tv_sec) * 1e9 + (to.tv_nsec - from.tv_nsec)) / TRIPS;
    }
    pthread_join(thread, NULL);
    qsort(ns, ROUNDS, sizeof *ns, compare);
    printf("%.0f\n", ns[ROUNDS / 2]);
}
