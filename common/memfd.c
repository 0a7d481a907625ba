/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed memory files. */
#include "common/memfd.h"

#include "common/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

static int write_parts(int fd, const struct iovec *parts, size_t n_parts) {
        size_t total = 0;
        ssize_t n;

        for (size_t i = 0; i < n_parts; i++)
                total += parts[i].iov_len;
        n = total ? writev(fd, parts, (int)n_parts) : 0;
        if (n < 0)
                return -errno;
        return (size_t)n == total ? 0 : -EIO;
}

int memfd_sealed(const char *name, const struct iovec *parts, size_t n_parts) {
        int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
        int r;

        if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
                fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0)
                return -errno;
        r = write_parts(fd, parts, n_parts);
        if (r == 0 && fcntl(fd, F_ADD_SEALS, ALL_SEALS) < 0)
                r = -errno;
        if (r < 0) {
                close_fd(fd);
                return r;
        }
        return fd;
}

int memfd_check(int fd, size_t max, size_t *ret_size) {
        struct stat st;
        int seals = fcntl(fd, F_GET_SEALS);

        /* Only a memfd can carry the write seal: a file of a tmpfs answers with F_SEAL_SEAL alone. */
        if (seals < 0 || (seals & ALL_SEALS) != ALL_SEALS)
                return -EPERM;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EPERM;
        if (st.st_size < 0 || (size_t)st.st_size > max)
                return -EFBIG;
        *ret_size = (size_t)st.st_size;
        return 0;
}

int memfd_read(int fd, void *buffer, size_t size) {
        size_t done = 0;

        while (done < size) {
                ssize_t n = pread(fd, (char *)buffer + done, size - done, (off_t)done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                done += (size_t)n;
        }
        return 0;
}
