// OpenSSL's libcrypto for Swift: digests, message authentication, encryption, and what certificates and keys are read
// with.
#ifndef ETCD_BACKUP_COPENSSL_H
#define ETCD_BACKUP_COPENSSL_H

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/proverr.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

// A macro in C, which Swift cannot call.
static inline void openssl_shim_free(void *memory) { OPENSSL_free(memory); }

// HKDF-SHA256 (RFC 5869). Its parameters are a C array of tagged pointers. Returns 1, or 0 with OpenSSL's error queued.
static inline int openssl_shim_hkdf_sha256(const void *key, size_t key_size, const void *salt, size_t salt_size,
                                           const void *info, size_t info_size, void *output, size_t output_size) {
  EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
  EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
  OSSL_PARAM parameters[5], *next = parameters;
  *next++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0);
  *next++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key, key_size);
  // An absent salt equals the empty one.
  if (salt_size > 0) *next++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)salt, salt_size);
  *next++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)info, info_size);
  *next = OSSL_PARAM_construct_end();
  int status = context ? EVP_KDF_derive(context, output, output_size, parameters) : 0;
  EVP_KDF_CTX_free(context);
  EVP_KDF_free(kdf);
  return status == 1;
}

#endif
