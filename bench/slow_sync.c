/* Preloaded (LD_PRELOAD), makes this machine's disk as slow as a cloud volume: every fsync and
 * fdatasync takes SLOW_SYNC_MS more milliseconds. Where SLOW_SYNC_COUNT names a file of eight
 * octets, it holds the number of calls, so that a benchmark can see that the delay was felt.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct timespec delay;
static uint64_t own, *calls = &own;

__attribute__((constructor)) static void prepare(void)
{
	const char *ms = getenv("SLOW_SYNC_MS"), *path = getenv("SLOW_SYNC_COUNT");
	double wanted = ms ? atof(ms) : 0;
	delay.tv_sec = (time_t)(wanted / 1000);
	delay.tv_nsec = (long)((wanted - delay.tv_sec * 1000.0) * 1e6);
	int fd = path ? open(path, O_RDWR) : -1;
	if (fd < 0)
		return;
	void *at = mmap(NULL, sizeof *calls, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at != MAP_FAILED)
		calls = at;
	close(fd);
}

static int slowly(long call, int fd)
{
	__atomic_add_fetch(calls, 1, __ATOMIC_RELAXED);
	nanosleep(&delay, NULL);
	return (int)syscall(call, fd);
}

int fsync(int fd) { return slowly(SYS_fsync, fd); }
int fdatasync(int fd) { return slowly(SYS_fdatasync, fd); }
