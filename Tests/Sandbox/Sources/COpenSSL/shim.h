// OpenSSL for the sandbox: TLS, digests and message authentication, as Debian packages them.
#ifndef SANDBOX_COPENSSL_H
#define SANDBOX_COPENSSL_H

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

// Chooses HTTP/1.1 from what a client offers. A client that does not offer it gets no ALPN response.
static int sandbox_choose_http1(SSL *connection, const unsigned char **chosen, unsigned char *chosen_length,
                                const unsigned char *offered, unsigned int offered_length, void *argument) {
  static const unsigned char http1[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  (void)connection;
  (void)argument;
  return SSL_select_next_proto((unsigned char **)chosen, chosen_length, http1, sizeof http1, offered,
                               offered_length) == OPENSSL_NPN_NEGOTIATED
             ? SSL_TLSEXT_ERR_OK
             : SSL_TLSEXT_ERR_NOACK;
}

// HTTP/1.1 only, and a whole handshake for every connection: a resumed session would need a store of its own.
static inline void sandbox_restrict(SSL_CTX *context) {
  SSL_CTX_set_alpn_select_cb(context, sandbox_choose_http1, NULL);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 0);
}

#endif
