/* SPDX-License-Identifier: Apache-2.0 */
/* The helper's log. No syslog, no stdio: one write(2) a line, so that lines of many processes never mix. */
#include "helper/log.h"

#include "config.h"
#include "helper/context.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOG_LINE 1024

static unsigned long lost; /* lines of this process that the disk did not take */

int log_open(void) {
        struct stat st;
        int fd = open(AIRLOCK_LOG_DIR "/helper.log", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);

        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != 0 || st.st_mode & 077) {
                close(fd);
                return -EPERM;
        }
        return fd;
}

static int put_time(char *buf, size_t size) {
        struct timespec ts;
        struct tm tm;

        clock_gettime(CLOCK_REALTIME, &ts);
        gmtime_r(&ts.tv_sec, &tm);
        return snprintf(buf, size, "%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ helper[%d]: ", tm.tm_year + 1900, tm.tm_mon + 1,
                        tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, ts.tv_nsec / 1000, (int)getpid());
}

static int put_lost(char *buf, size_t size) {
        unsigned long n = lost;

        lost = 0;
        return n ? snprintf(buf, size, "(%lu lines lost before this) ", n) : 0;
}

int log_line(const char *format, ...) {
        char buf[LOG_LINE];
        int n = put_time(buf, sizeof(buf));
        va_list ap;
        int m;

        n += put_lost(buf + n, sizeof(buf) - (size_t)n);
        va_start(ap, format);
        m = vsnprintf(buf + n, sizeof(buf) - (size_t)n - 1, format, ap);
        va_end(ap);
        n += m < (int)sizeof(buf) - n - 1 ? m : (int)sizeof(buf) - n - 2;
        buf[n++] = '\n';
        if (write(context.log_fd, buf, (size_t)n) == n)
                return 0;
        lost++;
        return errno ? -errno : -EIO;
}

const char *log_escape(const char *text, char *ret, unsigned size) {
        static const char digits[] = "0123456789abcdef";
        unsigned n = 0;

        for (const unsigned char *p = (const unsigned char *)text; *p && n + 5 < size; p++) {
                if (*p > ' ' && *p < 0x7f && *p != '\\' && *p != '"') {
                        ret[n++] = (char)*p;
                } else {
                        ret[n++] = '\\';
                        ret[n++] = 'x';
                        ret[n++] = digits[*p >> 4];
                        ret[n++] = digits[*p & 15];
                }
        }
        ret[n] = 0;
        return ret;
}
