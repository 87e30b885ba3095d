/** @file eim/eim.h  libeim: a client for the Easemob IM / Agora Chat service. Includes everything.
 *
 * Conventions, said once for all headers:
 * - Status: below zero is an error, and then no `out` argument was touched; eim_last_error() has
 * the details for this thread.
 * - Ownership: `const` pointers that are returned are borrowed from `self` and live as long as it
 *   does; what comes by `**out` is owned by the caller and given back by its _unref or _free.
 * - Counted types have _ref and _unref. Both take and are fine with NULL, on any thread.
 * - Threads: every function may be called from any thread and from any callback, unless it says
 *   otherwise. Callbacks run only inside eim_context_poll().
 * - Strings are UTF-8 and end with NUL. 64-bit ids cross as decimal strings. Times are
 * milliseconds, points in time since 1970.
 * - Protocol facts in comments refer to the sections of docs/protocol.md.
 */
#ifndef EIM_EIM_H
#define EIM_EIM_H

#include <eim/base.h>
#include <eim/client.h>
#include <eim/config.h>
#include <eim/context.h>
#include <eim/error.h>
#include <eim/event.h>
#include <eim/log.h>
#include <eim/message.h>
#include <eim/rest.h>
#include <eim/version.h>

#endif
