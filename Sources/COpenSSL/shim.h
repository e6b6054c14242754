// OpenSSL's libcrypto for Swift: digests, message authentication, and what certificates and keys are read with.
#ifndef ETCD_BACKUP_COPENSSL_H
#define ETCD_BACKUP_COPENSSL_H

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

// A macro in C, which Swift cannot call.
static inline void openssl_shim_free(void *memory) { OPENSSL_free(memory); }

#endif
