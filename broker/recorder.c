/* SPDX-License-Identifier: Apache-2.0 */
/* The thread of the history. Jobs go in by one list and come back by another; between the two nothing is shared. */
#include "broker/recorder.h"

#include "common/fd.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define BATCH_MS 20     /* a row waits so long for company: one write to the disk for all of them */
#define BATCH_JOBS 512u /* and no longer once there are so many */
#define RETRY_MS 3000   /* between two tries of a file that cannot be written */
#define WAITING_MAX 4096u
#define PRUNE_EVERY 4096u

enum kind { JOB_ROW, JOB_EVENT, JOB_FORGOTTEN, JOB_LIST, JOB_REPLAY };

struct job {
        struct job *next;
        enum kind kind;
        bool urgent;
        struct history_row *row;
        struct history_event event; /* of FORGOTTEN the id and the time */
        struct history_filter filter;
        struct history_row *rows;
        struct history_event *events;
        recorder_done_t done;
        recorder_rows_t rows_done;
        recorder_events_t events_done;
        void *userdata;
        int result;
};

struct jobs {
        struct job *first;
        struct job **end;
        unsigned n;
};

struct recorder {
        char *path;
        struct history_limits limits;
        pthread_t thread;
        bool started;
        int wake_fd;
        sd_event_source *io;
        pthread_mutex_t mutex; /* of all that follows */
        pthread_cond_t cond;
        struct jobs in;
        struct jobs out;
        unsigned urgent;
        bool stop;
        struct recorder_status status;
        /* The thread's own. */
        struct history *history;
        struct jobs failed; /* writes to be tried again */
        unsigned since_prune;
};

static void jobs_init(struct jobs *jobs) {
        *jobs = (struct jobs){ NULL, NULL, 0 };
}

static void jobs_add(struct jobs *jobs, struct job *job) {
        job->next = NULL;
        if (jobs->first)
                *jobs->end = job;
        else
                jobs->first = job;
        jobs->end = &job->next;
        jobs->n++;
}

static struct job *jobs_take(struct jobs *jobs) {
        struct job *job = jobs->first;

        if (job) {
                jobs->first = job->next;
                jobs->n--;
        }
        return job;
}

static void job_free(struct job *job) {
        history_row_free(job->row);
        history_row_free(job->rows);
        history_event_free(job->events);
        history_filter_clear(&job->filter);
        free(job);
}

static void jobs_clear(struct jobs *jobs) {
        struct job *job;

        while ((job = jobs_take(jobs)))
                job_free(job);
}

static uint64_t real_us(void) {
        struct timespec now;

        clock_gettime(CLOCK_REALTIME, &now);
        return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- the thread ---- */

static void say(struct recorder *recorder, const char *text) {
        char since[64] = "";
        time_t now = time(NULL);
        struct tm tm;

        if (strcmp(text, "ok") != 0 && gmtime_r(&now, &tm))
                strftime(since, sizeof since, " (since %Y-%m-%dT%H:%M:%SZ)", &tm);
        pthread_mutex_lock(&recorder->mutex);
        /* Since when it is so, not since when it was tried last. */
        if (strncmp(recorder->status.text, text, strlen(text)) != 0)
                snprintf(recorder->status.text, sizeof recorder->status.text, "%s%s", text, since);
        recorder->status.waiting = recorder->failed.n;
        pthread_mutex_unlock(&recorder->mutex);
}

static void report(struct recorder *recorder, struct job *job, int result) {
        uint64_t one = 1;

        job->result = result;
        pthread_mutex_lock(&recorder->mutex);
        jobs_add(&recorder->out, job);
        pthread_mutex_unlock(&recorder->mutex);
        if (write(recorder->wake_fd, &one, sizeof one) < 0)
                return; /* it is readable already */
}

/* Nobody is made to wait for a disk that does not work: who asked hears of it, and the row stays for the next try. */
static void keep(struct recorder *recorder, struct job *job) {
        struct job *answer = job->done ? calloc(1, sizeof *answer) : NULL;

        if (answer) {
                *answer = (struct job){ .kind = job->kind,
                                        .done = job->done,
                                        .userdata = job->userdata };
                job->done = NULL;
                report(recorder, answer, -EIO);
        }
        jobs_add(&recorder->failed, job);
        if (recorder->failed.n <= WAITING_MAX)
                return;
        job_free(jobs_take(&recorder->failed));
        pthread_mutex_lock(&recorder->mutex);
        recorder->status.dropped++;
        pthread_mutex_unlock(&recorder->mutex);
}

static int write_one(struct history *history, const struct job *job) {
        switch (job->kind) {
        case JOB_ROW: return history_put(history, job->row);
        case JOB_EVENT: return history_put_event(history, &job->event);
        case JOB_FORGOTTEN: return history_forgotten(history, job->event.id, job->event.time_us);
        case JOB_LIST:
        case JOB_REPLAY: break;
        }
        return 0;
}

static bool is_write(const struct job *job) {
        return job->kind != JOB_LIST && job->kind != JOB_REPLAY;
}

static int write_all(struct recorder *recorder, const struct jobs *jobs) {
        struct history *history = recorder->history;
        int r = history_begin(history);

        for (const struct job *job = jobs->first; r == 0 && job; job = job->next)
                r = write_one(history, job);
        recorder->since_prune += jobs->n;
        if (r == 0 && recorder->since_prune >= PRUNE_EVERY) {
                recorder->since_prune = 0;
                r = history_prune(history, real_us());
        }
        if (r == 0)
                r = history_commit(history);
        return r;
}

/* Full: what is oldest goes, so that there is room the next time. On a disk that is full itself even that fails. */
static void make_room(struct recorder *recorder) {
        if (history_begin(recorder->history) == 0 && history_drop_oldest(recorder->history) == 0 &&
            history_commit(recorder->history) == 0)
                return;
        history_rollback(recorder->history);
}

static void say_failure(struct recorder *recorder, int r) {
        char text[320];

        snprintf(text, sizeof text, "not written: %s: %s", recorder->path,
                 r == -ENOSPC ? "the disk or the limit HistoryMiB is full"
                              : history_text(recorder->history));
        say(recorder, text);
}

static void finish_writes(struct recorder *recorder, struct jobs *jobs, int r) {
        struct job *job;
        unsigned n = jobs->n;

        while ((job = jobs_take(jobs))) {
                if (r < 0)
                        keep(recorder, job);
                else if (job->done)
                        report(recorder, job, 0);
                else
                        job_free(job);
        }
        if (r < 0)
                return;
        pthread_mutex_lock(&recorder->mutex);
        recorder->status.written += n;
        pthread_mutex_unlock(&recorder->mutex);
}

static void commit(struct recorder *recorder, struct jobs *jobs) {
        int r;

        if (jobs->n == 0)
                return;
        r = recorder->history ? write_all(recorder, jobs) : -ENOTCONN;
        if (r < 0 && recorder->history) {
                history_rollback(recorder->history);
                say_failure(recorder, r);
                if (r == -ENOSPC)
                        make_room(recorder);
                else if (
                        r !=
                        -EBUSY) /* whatever it is now: opened anew, it says what is wrong with it */
                        recorder->history = history_free(recorder->history);
        }
        finish_writes(recorder, jobs, r);
        if (r == 0 && recorder->failed.n == 0)
                say(recorder, "ok");
}

static void answer(struct recorder *recorder, struct job *job) {
        int r = -ENOTCONN;

        if (recorder->history && job->kind == JOB_LIST)
                r = history_list(recorder->history, &job->filter, &job->rows);
        else if (recorder->history)
                r = history_replay(recorder->history, &job->filter, &job->events);
        report(recorder, job, r);
}

static void reopen(struct recorder *recorder) {
        char why[320], text[384];

        if (recorder->history || history_open(recorder->path, &recorder->limits, &recorder->history,
                                              why, sizeof why) == 0)
                return;
        recorder->history = NULL;
        snprintf(text, sizeof text, "not written: %.300s", why);
        say(recorder, text);
}

static void retry(struct recorder *recorder) {
        struct jobs jobs = recorder->failed;

        jobs_init(&recorder->failed);
        reopen(recorder);
        commit(recorder, &jobs);
        if (recorder->history && recorder->failed.n == 0)
                say(recorder, "ok");
}

static void work(struct recorder *recorder, struct jobs *jobs) {
        struct jobs writes;
        struct job *job;

        jobs_init(&writes);
        while ((job = jobs_take(jobs))) {
                if (is_write(job)) {
                        jobs_add(&writes, job);
                        continue;
                }
                commit(recorder, &writes); /* what was put before is in the answer */
                jobs_init(&writes);
                answer(recorder, job);
        }
        commit(recorder, &writes);
}

static void wait_ms(struct recorder *recorder, unsigned ms) {
        struct timespec until;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += (long)(ms % 1000) * 1000000;
        until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&recorder->cond, &recorder->mutex, &until);
}

static bool is_broken(const struct recorder *recorder) {
        return !recorder->history || recorder->failed.n > 0;
}

/* Locked. False: the end. */
static bool await_jobs(struct recorder *recorder) {
        while (recorder->in.n == 0 && !recorder->stop) {
                if (is_broken(recorder)) {
                        wait_ms(recorder, RETRY_MS);
                        break;
                }
                pthread_cond_wait(&recorder->cond, &recorder->mutex);
        }
        if (recorder->in.n && !recorder->stop && !recorder->urgent && recorder->in.n < BATCH_JOBS)
                wait_ms(recorder, BATCH_MS);
        return recorder->in.n || !recorder->stop;
}

static void *thread_main(void *userdata) {
        struct recorder *recorder = userdata;
        uint64_t tried_us = real_us();
        struct jobs jobs;

        pthread_mutex_lock(&recorder->mutex);
        while (await_jobs(recorder)) {
                jobs = recorder->in;
                jobs_init(&recorder->in);
                recorder->urgent = 0;
                pthread_mutex_unlock(&recorder->mutex);
                if (is_broken(recorder) && real_us() - tried_us >= RETRY_MS * UINT64_C(1000)) {
                        retry(recorder);
                        tried_us = real_us();
                }
                work(recorder, &jobs);
                pthread_mutex_lock(&recorder->mutex);
        }
        pthread_mutex_unlock(&recorder->mutex);
        if (recorder->failed.n)
                retry(recorder);
        return NULL;
}

/* ---- the loop's side ---- */

static void deliver(struct job *job) {
        struct history_row *rows = job->rows;
        struct history_event *events = job->events;

        job->rows = NULL;
        job->events = NULL;
        if (job->kind == JOB_LIST)
                job->rows_done(job->userdata, job->result, rows);
        else if (job->kind == JOB_REPLAY)
                job->events_done(job->userdata, job->result, events);
        else
                job->done(job->userdata, job->result == 0);
        job_free(job);
}

static int on_wake(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct recorder *recorder = userdata;
        struct jobs jobs;
        struct job *job;
        uint64_t n;

        if (read(fd, &n, sizeof n) < 0 && errno != EAGAIN)
                return 0;
        pthread_mutex_lock(&recorder->mutex);
        jobs = recorder->out;
        jobs_init(&recorder->out);
        pthread_mutex_unlock(&recorder->mutex);
        while ((job = jobs_take(&jobs)))
                deliver(job);
        return 0;
}

static int start_thread(struct recorder *recorder) {
        pthread_condattr_t attributes;
        sigset_t all, before;
        int r;

        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_mutex_init(&recorder->mutex, NULL);
        pthread_cond_init(&recorder->cond, &attributes);
        pthread_condattr_destroy(&attributes);
        /* Signals are the loop's. */
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        r = pthread_create(&recorder->thread, NULL, thread_main, recorder);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        recorder->started = r == 0;
        return -r;
}

int recorder_new(sd_event *event, const char *path, const struct history_limits *limits,
                 struct history *history, const char *why, struct recorder **ret) {
        struct recorder *recorder = calloc(1, sizeof *recorder);
        int r;

        if (!recorder) {
                history_free(history);
                return -ENOMEM;
        }
        recorder->history = history;
        recorder->limits = *limits;
        recorder->path = strdup(path);
        recorder->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (history)
                snprintf(recorder->status.text, sizeof recorder->status.text, "ok");
        else
                snprintf(recorder->status.text, sizeof recorder->status.text, "not written: %s",
                         why);
        r = recorder->path && recorder->wake_fd >= 0 ? 0 : -ENOMEM;
        if (r == 0)
                r = sd_event_add_io(event, &recorder->io, recorder->wake_fd, EPOLLIN, on_wake,
                                    recorder);
        /* Ends and answers before news: who waits for an acknowledgement holds a process. */
        if (r >= 0)
                r = start_thread(recorder);
        if (r < 0) {
                recorder_free(recorder);
                return r;
        }
        *ret = recorder;
        return 0;
}

struct recorder *recorder_free(struct recorder *recorder) {
        struct job *job;

        if (!recorder)
                return NULL;
        if (recorder->started) {
                pthread_mutex_lock(&recorder->mutex);
                recorder->stop = true;
                pthread_cond_signal(&recorder->cond);
                pthread_mutex_unlock(&recorder->mutex);
                pthread_join(recorder->thread, NULL);
        }
        recorder->io = sd_event_source_disable_unref(recorder->io);
        while ((job = jobs_take(&recorder->out)))
                deliver(job);
        jobs_clear(&recorder->in);
        jobs_clear(&recorder->failed);
        history_free(recorder->history);
        close_fd(recorder->wake_fd);
        free(recorder->path);
        free(recorder);
        return NULL;
}

/* Wakes the thread for the first of a batch, for what is urgent, and when there are enough: not for each one. */
static void put(struct recorder *recorder, struct job *job, bool urgent) {
        bool wakes;

        pthread_mutex_lock(&recorder->mutex);
        wakes = recorder->in.n == 0 || urgent || recorder->in.n + 1 == BATCH_JOBS;
        recorder->urgent += urgent;
        jobs_add(&recorder->in, job);
        if (wakes)
                pthread_cond_signal(&recorder->cond);
        pthread_mutex_unlock(&recorder->mutex);
}

void recorder_put(struct recorder *recorder, struct history_row *row, bool urgent,
                  recorder_done_t done, void *userdata) {
        struct job *job = row ? calloc(1, sizeof *job) : NULL;

        if (!job) {
                history_row_free(row);
                if (done)
                        done(userdata, false);
                return;
        }
        *job = (struct job){ .kind = JOB_ROW, .row = row, .done = done, .userdata = userdata };
        put(recorder, job, urgent);
}

void recorder_event(struct recorder *recorder, const struct history_event *event) {
        struct job *job = calloc(1, sizeof *job);

        if (!job)
                return;
        job->kind = JOB_EVENT;
        job->event = *event;
        put(recorder, job, false);
}

void recorder_forgotten(struct recorder *recorder, const char *id, uint64_t now_us) {
        struct job *job = calloc(1, sizeof *job);

        if (!job)
                return;
        job->kind = JOB_FORGOTTEN;
        snprintf(job->event.id, sizeof job->event.id, "%s", id);
        job->event.time_us = now_us;
        put(recorder, job, false);
}

static char *copy(const char *text, bool *failed) {
        char *made = text ? strdup(text) : NULL;

        *failed |= text && !made;
        return made;
}

static int ask(struct recorder *recorder, const struct job *question) {
        struct job *job = malloc(sizeof *job);
        const struct history_filter *filter = &question->filter;
        bool failed = false;

        if (!job)
                return -ENOMEM;
        *job = *question;
        job->filter.target = copy(filter->target, &failed);
        job->filter.rule = copy(filter->rule, &failed);
        job->filter.state = copy(filter->state, &failed);
        job->filter.name = copy(filter->name, &failed);
        if (failed) {
                job_free(job);
                return -ENOMEM;
        }
        put(recorder, job, true);
        return 0;
}

int recorder_list(struct recorder *recorder, const struct history_filter *filter,
                  recorder_rows_t done, void *userdata) {
        struct job question = {
                .kind = JOB_LIST, .filter = *filter, .rows_done = done, .userdata = userdata
        };

        return ask(recorder, &question);
}

int recorder_replay(struct recorder *recorder, const struct history_filter *filter,
                    recorder_events_t done, void *userdata) {
        struct job question = {
                .kind = JOB_REPLAY, .filter = *filter, .events_done = done, .userdata = userdata
        };

        return ask(recorder, &question);
}

void recorder_status(struct recorder *recorder, struct recorder_status *ret) {
        pthread_mutex_lock(&recorder->mutex);
        *ret = recorder->status;
        pthread_mutex_unlock(&recorder->mutex);
}
