/* SPDX-License-Identifier: Apache-2.0 */
/* --since: so long ago, a number of seconds, or a date of the local clock. */
#include "cli/since.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/text.h"

#define SECOND_US UINT64_C(1000000)

static int wrong(const char *text) {
        complain(
                "--since",
                "'%s' was given; 10m, 2h or 3d ago, seconds since the epoch, or YYYY-MM-DD[THH:MM[:SS]] was expected",
                text);
        return 2;
}

static unsigned unit_seconds(const char *unit) {
        static const struct {
                const char *name;
                unsigned seconds;
        } units[] = { { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 } };

        for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
                if (!strcmp(unit, units[i].name))
                        return units[i].seconds;
        return 0;
}

static int take_date(const char *text, uint64_t *ret_us) {
        static const char *const formats[] = { "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d" };

        for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
                struct tm tm = { .tm_isdst = -1 };
                const char *rest = strptime(text, formats[i], &tm);
                time_t seconds = rest && !*rest ? mktime(&tm) : -1;

                if (seconds >= 0) {
                        *ret_us = (uint64_t)seconds * SECOND_US;
                        return 0;
                }
        }
        return wrong(text);
}

int since_parse(const char *text, uint64_t *ret_us) {
        char *rest;
        unsigned long long number;
        uint64_t now = (uint64_t)time(NULL);
        unsigned unit;

        errno = 0;
        number = strtoull(text, &rest, 10);
        if (*text < '0' || *text > '9' || errno)
                return wrong(text);
        if (strchr(text, '-'))
                return take_date(text, ret_us);
        unit = unit_seconds(rest);
        if ((*rest && !unit) || number > now)
                return wrong(text);
        if (unit && number > now / unit)
                return wrong(text);
        *ret_us = (unit ? now - number * unit : number) * SECOND_US;
        if (!*ret_us) /* 0 is "not given" */
                *ret_us = 1;
        return 0;
}
