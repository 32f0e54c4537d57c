#include <ares.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

// Later versions of c-ares have these in enumerations, earlier ones as macros.
static const int cares_success = ARES_SUCCESS;
static const int cares_no_data = ARES_ENODATA;
static const int cares_not_found = ARES_ENOTFOUND;
static const int cares_bad_name = ARES_EBADNAME;
static const int cares_bad_response = ARES_EBADRESP;
static const int cares_timeout = ARES_ETIMEOUT;

static const int cares_option_timeout = ARES_OPT_TIMEOUTMS;
static const int cares_option_tries = ARES_OPT_TRIES;
static const int cares_option_lookups = ARES_OPT_LOOKUPS;
static const int cares_option_domains = ARES_OPT_DOMAINS;
static const int cares_option_socket_state = ARES_OPT_SOCK_STATE_CB;
static const int cares_hint_no_sort = ARES_AI_NOSORT;
static const int cares_library_all = ARES_LIB_INIT_ALL;
static const int cares_no_socket = ARES_SOCKET_BAD;
