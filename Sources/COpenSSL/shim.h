// OpenSSL's libcrypto for Swift: digests and message authentication.
#ifndef ETCD_BACKUP_COPENSSL_H
#define ETCD_BACKUP_COPENSSL_H

#include <openssl/evp.h>
#include <openssl/hmac.h>

#endif
