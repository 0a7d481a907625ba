/* SPDX-License-Identifier: Apache-2.0 */
/* Records. Everything of a stranger's is escaped: a command line cannot write a line of its own. */
#include "broker/audit.h"

#include "broker/caller.h"
#include "broker/record.h"
#include "broker/request.h"
#include "broker/session.h"
#include "broker/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#define COMMAND_BYTES 1024
/* One each: what a reader of the journal asks for. */
#define ID_DECISION "4e0a7a5cb4d44f3b8a3f5d2f0c5b7a11"
#define ID_END "9b8b2f0d6d2c4f6e9a0d1c3e7f5a2b22"
#define ID_STARTED "b1cb18167d85457c9f322a1422d00e17"
#define ID_DETACHED "5bb7fb0fd8d9415b8725460b8ce504db"
#define ID_ATTACHED "ce9c02e4aafb406297ffbbaaeca05990"
#define ID_RESIZED "0583542f4cd5413d8c6e3438c63be5a9"
#define ID_STOPPING "e35fd989b0214ac88c3176236de8809a"
#define ID_REMOVED "dde53f64b9a54b5fb3c18c1b55270a2c"

static int has_journal(void) {
        static int known = -1;

        if (known < 0)
                known = access("/run/systemd/journal/socket", W_OK) == 0;
        return known;
}

/* As text_escape(), and what the line itself uses (quotes, or the blank between its fields) as \xNN too: or a text could end its
 * own field and write the next. *ret_used grows; false: it was cut. */
static bool escape(const char *text, const char *also, char *buffer, size_t size,
                   size_t *ret_used) {
        size_t n = strlen(text);

        for (size_t i = 0, length; i < n; i += length) {
                char one[20];
                size_t written;

                length = text_utf8_length(text + i, n - i);
                length = length ? length : 1;
                if (strchr(also, text[i]))
                        written = (size_t)snprintf(one, sizeof one, "\\x%02x", text[i]);
                else
                        written = text_escape(text + i, length, one, sizeof one);
                if (*ret_used + written >= size)
                        return false;
                memcpy(buffer + *ret_used, one, written);
                *ret_used += written;
                buffer[*ret_used] = 0;
        }
        return true;
}

static void escape_field(const char *text, const char *also, char *buffer, size_t size) {
        size_t used = 0;

        buffer[0] = 0;
        escape(text, also, buffer, size, &used);
}

/* The command as one line, each word quoted; where it was cut it ends with " ...", which no word looks like. */
static void command_line(const struct request *request, char *buffer, size_t size) {
        static const char more[] = " ...";
        const size_t room = size - sizeof more - 2; /* for the last quote and the mark */
        bool whole = true;
        size_t used = 0;

        buffer[0] = 0;
        for (size_t i = 0; i < request->argv.n && whole; i++) {
                if (used + 3 > room) {
                        whole = false;
                        break;
                }
                used += (size_t)snprintf(buffer + used, size - used, "%s'", i ? " " : "");
                whole = escape(request->argv.list[i], "'", buffer, room, &used);
                used += (size_t)snprintf(buffer + used, size - used, "'");
        }
        if (!whole)
                snprintf(buffer + used, size - used, "%s", more);
}

void audit_decision(const struct audit_decision *d) {
        char command[COMMAND_BYTES], target[600], user[300], text[600], reason[600];
        const char *as = d->request->user ? d->request->user : "";
        const char *why = d->request->reason ? d->request->reason : "";
        const char *shown = d->target ? d->target : d->request->target;

        command_line(d->request, command, sizeof command);
        escape_field(shown, " '", target, sizeof target);
        escape_field(as, "'", user, sizeof user);
        text_escape(d->text, strlen(d->text), text, sizeof text);
        text_escape(why, strlen(why), reason, sizeof reason);
        if (has_journal()) {
                sd_journal_send("MESSAGE=%s: uid %u in %s: %s", d->answer, d->caller->uid, target,
                                command, "MESSAGE_ID=" ID_DECISION, "AIRLOCK_DECISION=%s",
                                d->answer, "AIRLOCK_RULE=%s", d->rule, "AIRLOCK_TARGET=%s", target,
                                "AIRLOCK_SESSION=%s", d->session, "AIRLOCK_CALLER_UID=%u",
                                d->caller->uid, "AIRLOCK_CLAIMED_PID=%u", d->caller->claimed_pid,
                                "AIRLOCK_COMMAND=%s", command, "AIRLOCK_AS=%s", user,
                                "AIRLOCK_REASON=%s", reason, "AIRLOCK_TEXT=%s", text, NULL);
                return;
        }
        fprintf(stderr,
                "decision=%s uid=%u claimed-pid=%u target=%s as='%s' rule=%s session=%.16s command=%s%s%s\n",
                d->answer, d->caller->uid, d->caller->claimed_pid, target, user, d->rule,
                d->session, command, text[0] ? " text=" : "", text);
}

void audit_end(const struct session *session) {
        const struct wire_exited *exited = session->state == SESSION_EXITED ? &session->exited
                                                                            : NULL;

        if (has_journal()) {
                sd_journal_send("MESSAGE=%s: %s in %s: code %d", session_state_name(session),
                                session->id, session->target, record_code(exited),
                                "MESSAGE_ID=" ID_END, "AIRLOCK_SESSION=%s", session->id,
                                "AIRLOCK_TARGET=%s", session->target, "AIRLOCK_CALLER_UID=%u",
                                session->owner, "AIRLOCK_CODE=%d", record_code(exited), NULL);
                return;
        }
        fprintf(stderr, "end=%s session=%.16s target=%s owner=%u code=%d\n",
                session_state_name(session), session->id, session->target, session->owner,
                record_code(exited));
}

static const struct {
        const char *name;
        const char *id;
} events[] = {
        { "Started", ID_STARTED }, { "Detached", ID_DETACHED }, { "Attached", ID_ATTACHED },
        { "Resized", ID_RESIZED }, { "Stopping", ID_STOPPING }, { "Removed", ID_REMOVED },
};

void audit_event(const struct session *session, const char *name) {
        unsigned i = 0;

        while (i < sizeof events / sizeof events[0] && strcmp(events[i].name, name) != 0)
                i++;
        if (i == sizeof events / sizeof events[0])
                return;
        if (has_journal())
                sd_journal_send("MESSAGE=%s: %s in %s", name, session->id, session->target,
                                "MESSAGE_ID=%s", events[i].id, "AIRLOCK_EVENT=%s", name,
                                "AIRLOCK_SESSION=%s", session->id, "AIRLOCK_TARGET=%s",
                                session->target, "AIRLOCK_CALLER_UID=%u", session->owner, NULL);
        else
                fprintf(stderr, "event=%s session=%.16s target=%s owner=%u\n", name, session->id,
                        session->target, session->owner);
}

void audit_note(const char *format, ...) {
        char raw[1024], text[1024];
        va_list args;

        va_start(args, format);
        vsnprintf(raw, sizeof raw, format, args);
        va_end(args);
        text_escape(raw, strlen(raw), text, sizeof text);
        fprintf(stderr, "airlockd: %s\n", text);
}
