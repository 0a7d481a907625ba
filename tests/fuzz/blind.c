/* SPDX-License-Identifier: Apache-2.0 */
/* A fuzzer's entry without libFuzzer: each file of its corpus, then blind changes of them for some seconds. A finding is the sanitizer's;
 * the input that led to it is kept in a file that is named.
 *      blind-NAME SECONDS CORPUS [SEED] */
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FILES = 256, SIZE = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static struct {
        uint8_t data[SIZE];
        size_t size;
} files[FILES], input;
static unsigned n_files;
static uint64_t state;

static uint64_t next_random(void) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state;
}

static void keep_input(void) {
        char name[] = "/tmp/airlock-fuzz.XXXXXX";
        int fd = mkstemp(name);

        if (fd < 0 || write(fd, input.data, input.size) != (ssize_t)input.size)
                return;
        fprintf(stderr, "the input is kept in %s\n", name);
}

static void run_input(void) {
        uint8_t *copy = malloc(input.size ? input.size : 1); /* exactly as long, so that a byte too many is seen */

        memcpy(copy, input.data, input.size);
        LLVMFuzzerTestOneInput(copy, input.size);
        free(copy);
}

static bool read_corpus(const char *folder) {
        DIR *dir = opendir(folder);
        struct dirent *e;

        while (dir && n_files < FILES && (e = readdir(dir))) {
                int fd = e->d_name[0] == '.' ? -1 : openat(dirfd(dir), e->d_name, O_RDONLY);
                ssize_t n = fd < 0 ? -1 : read(fd, files[n_files].data, SIZE);

                if (n >= 0)
                        files[n_files++].size = (size_t)n;
                if (fd >= 0)
                        close(fd);
        }
        if (dir)
                closedir(dir);
        return n_files > 0;
}

static void change_byte(void) {
        static const uint8_t edges[] = { 0, 1, 0x7f, 0x80, 0xff, '\n', '"', '/' };
        uint8_t *at = &input.data[next_random() % input.size];

        switch (next_random() % 3) {
        case 0: *at ^= (uint8_t)(1u << next_random() % 8); break;
        case 1: *at = edges[next_random() % sizeof(edges)]; break;
        default: *at = (uint8_t)next_random();
        }
}

/* A piece of the same or another file is put in, or taken out. */
static void change_length(void) {
        const size_t at = next_random() % (input.size + 1), from = next_random() % n_files;
        size_t n = next_random() % 64 + 1;

        if (next_random() % 2) {
                n = n < input.size - at ? n : input.size - at;
                memmove(input.data + at, input.data + at + n, input.size - at - n);
                input.size -= n;
        } else if (files[from].size >= n && input.size + n <= SIZE) {
                memmove(input.data + at + n, input.data + at, input.size - at);
                memcpy(input.data + at, files[from].data + next_random() % (files[from].size - n + 1), n);
                input.size += n;
        }
}

static void make_input(void) {
        input = files[next_random() % n_files];
        for (unsigned i = next_random() % 6; i < 6; i++)
                if (next_random() % 2 && input.size)
                        change_byte();
                else
                        change_length();
}

int main(int argc, char **argv) {
        const time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 0);
        unsigned long runs = 0;

        if (argc < 3 || !read_corpus(argv[2])) {
                fprintf(stderr, "usage: %s SECONDS CORPUS [SEED]; the corpus must have a file\n", argv[0]);
                return 2;
        }
        state = (argc > 3 ? strtoull(argv[3], NULL, 0) : (uint64_t)time(NULL)) * 2654435761u + 1;
        if (__sanitizer_set_death_callback)
                __sanitizer_set_death_callback(keep_input);
        printf("%u files, first state %lu\n", n_files, (unsigned long)state);
        for (unsigned i = 0; i < n_files; i++, runs++) {
                input = files[i];
                run_input();
        }
        for (; time(NULL) < end; runs++) {
                make_input();
                run_input();
        }
        printf("%lu runs\n", runs);
        return 0;
}
