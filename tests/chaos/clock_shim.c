/* A wall clock of its own for one process, loaded by LD_PRELOAD: CHAOS_CLOCK names a file of eight bytes, mapped
   shared, that holds how many microseconds the clock is ahead. Whoever writes there moves the clock at once; a row of
   small writes makes it run fast or slow. The other clocks, by which a process waits, are left alone. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const int64_t none;
static const volatile int64_t *ahead_us = &none;

__attribute__((constructor)) static void open_clock(void)
{
    const char *path = getenv("CHAOS_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *mapped = mmap(NULL, sizeof none, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (mapped != MAP_FAILED)
        ahead_us = mapped;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    long failed = syscall(SYS_clock_gettime, clock, time);
    if (failed || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
        return (int)failed;
    int64_t us = *ahead_us;
    int64_t ns = time->tv_nsec + us % 1000000 * 1000;
    int64_t carried = ns < 0 ? -1 : ns / 1000000000;
    time->tv_sec += us / 1000000 + carried;
    time->tv_nsec = ns - carried * 1000000000;
    return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec time;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &time))
        return -1;
    now->tv_sec = time.tv_sec;
    now->tv_usec = time.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *kept)
{
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now))
        return (time_t)-1;
    if (kept)
        *kept = now.tv_sec;
    return now.tv_sec;
}
