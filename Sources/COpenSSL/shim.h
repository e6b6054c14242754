// OpenSSL's libcrypto for Swift: digests, message authentication, random bytes.
#ifndef ETCD_BACKUP_COPENSSL_H
#define ETCD_BACKUP_COPENSSL_H

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#endif
