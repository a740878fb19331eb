/* Preloaded (LD_PRELOAD), makes the disk full for files that are written at a place (as databases are) while
 * the file that FULL_DISK names exists.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int full(void)
{
	const char *mark = getenv("FULL_DISK");
	return mark && access(mark, F_OK) == 0;
}

ssize_t pwrite64(int fd, const void *octets, size_t count, off64_t place)
{
	static ssize_t (*real)(int, const void *, size_t, off64_t);
	if (!real)
		real = (ssize_t (*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");
	if (full()) {
		errno = ENOSPC;
		return -1;
	}
	return real(fd, octets, count, place);
}

ssize_t pwrite(int fd, const void *octets, size_t count, off_t place)
{
	return pwrite64(fd, octets, count, place);
}
