/** @file eim/base.h  Linkage, statuses and domains: what every other header needs. */
#ifndef EIM_BASE_H
#define EIM_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Define EIM_API to nothing before including when the library is linked statically into another
 * shared object that must not re-export it (bindings do). */
#ifndef EIM_API
#if defined(__GNUC__) && defined(EIM_BUILDING)
#define EIM_API __attribute__((visibility("default")))
#else
#define EIM_API
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Result of a call, for control flow: 0 is success, positive values are counts, negative values say
 * that this call failed here and now; eim_last_error() then has the whole story.
 * Numbers are only ever appended.
 */
typedef int eim_status;

enum {
  EIM_OK = 0,
  EIM_E_INVALID = -1,   /**< an argument, option or address is wrong */
  EIM_E_NOMEM = -2,     /**< out of memory */
  EIM_E_BUSY = -3,      /**< somebody else is doing this just now */
  EIM_E_CLOSED = -4,    /**< the handle was shut down */
  EIM_E_CANCELED = -5,  /**< ended by eim_client_cancel(), close or shutdown */
  EIM_E_TIMEOUT = -6,   /**< no answer in time */
  EIM_E_NETWORK = -7,   /**< connection failed or was lost */
  EIM_E_AUTH = -8,      /**< credentials were refused */
  EIM_E_SERVER = -9,    /**< the server refused or failed */
  EIM_E_STATE = -10,    /**< not possible in the present state (not logged in, already logged in) */
  EIM_E_TLS = -11,      /**< certificate, pin or handshake failure */
  EIM_E_PROTOCOL = -12, /**< the peer sent something that is not the protocol */
  EIM_E_UNSUPPORTED = -13, /**< this build or platform cannot do it */
  EIM_E_FULL = -14         /**< a bounded queue is full: try again when results have arrived */
};

/** Name of a status such as "EIM_E_INVALID"; "EIM_E_UNKNOWN" for others. Static. */
EIM_API const char *eim_status_name(eim_status status);

/** Which number space eim_error_native() is from. */
typedef enum eim_domain {
  EIM_DOMAIN_LOCAL = 0, /**< this library; native is the eim_status */
  EIM_DOMAIN_OS = 1,    /**< errno */
  EIM_DOMAIN_TLS = 2,   /**< X509_V_ERR_* or the TLS library's reason, 0 when unknown */
  EIM_DOMAIN_HTTP = 3,  /**< HTTP status */
  EIM_DOMAIN_SERVER = 4 /**< Status.ErrorCode or kick operation of the message server */
} eim_domain;

#ifdef __cplusplus
}
#endif
#endif
