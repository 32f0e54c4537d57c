// The part of GSS-API's C bindings (RFC 2744) that is used, and MIT's acquisition of credentials by a password or from a store
// (gssapi_ext.h). The names are ours, so that this can stand beside the system's headers: a test compares the two. The library itself is
// opened at run time, by whoever wants it.
#ifndef FLUIDITY_GSS_H
#define FLUIDITY_GSS_H

#include <stddef.h>
#include <stdint.h>

typedef uint32_t gss_status;
typedef void *gss_handle;

#if defined(__APPLE__) && (defined(__ppc__) || defined(__i386__) || defined(__x86_64__))
#pragma pack(push, 2)
#endif

typedef struct gss_bytes {
    size_t length;
    void *value;
} gss_bytes;

typedef struct gss_object_id {
    uint32_t length;
    void *elements;
} gss_object_id;

typedef struct gss_object_id_set {
    size_t count;
    gss_object_id *elements;
} gss_object_id_set;

typedef struct gss_store_entry {
    const char *key;
    const char *value;
} gss_store_entry;

typedef struct gss_store {
    uint32_t count;
    gss_store_entry *elements;
} gss_store;

#if defined(__APPLE__) && (defined(__ppc__) || defined(__i386__) || defined(__x86_64__))
#pragma pack(pop)
#endif

static const uint32_t gss_continue_needed = 1;
static const int gss_usage_initiate = 1;
static const int gss_code_of_mechanism = 2;
static const uint32_t gss_for_ever = 0xffffffffu;

typedef gss_status (*gss_import_name_function)(gss_status *, const gss_bytes *, const gss_object_id *, gss_handle *);
typedef gss_status (*gss_release_name_function)(gss_status *, gss_handle *);
typedef gss_status (*gss_acquire_function)(
    gss_status *, gss_handle, uint32_t, const gss_object_id_set *, int, gss_handle *, gss_object_id_set **, uint32_t *);
typedef gss_status (*gss_acquire_with_password_function)(
    gss_status *, gss_handle, const gss_bytes *, uint32_t, const gss_object_id_set *, int, gss_handle *, gss_object_id_set **,
    uint32_t *);
typedef gss_status (*gss_acquire_from_function)(
    gss_status *, gss_handle, uint32_t, const gss_object_id_set *, int, const gss_store *, gss_handle *, gss_object_id_set **,
    uint32_t *);
typedef gss_status (*gss_release_credentials_function)(gss_status *, gss_handle *);
typedef gss_status (*gss_init_context_function)(
    gss_status *, gss_handle, gss_handle *, gss_handle, const gss_object_id *, uint32_t, uint32_t, void *, const gss_bytes *,
    gss_object_id **, gss_bytes *, uint32_t *, uint32_t *);
typedef gss_status (*gss_delete_context_function)(gss_status *, gss_handle *, gss_bytes *);
typedef gss_status (*gss_release_bytes_function)(gss_status *, gss_bytes *);
typedef gss_status (*gss_display_status_function)(
    gss_status *, gss_status, int, const gss_object_id *, uint32_t *, gss_bytes *);
typedef gss_status (*gss_indicate_mechanisms_function)(gss_status *, gss_object_id_set **);
typedef gss_status (*gss_release_set_function)(gss_status *, gss_object_id_set **);
typedef gss_status (*gss_test_member_function)(gss_status *, const gss_object_id *, const gss_object_id_set *, int *);

#endif
