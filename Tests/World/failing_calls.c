// Preloaded into etcd-backup by a test: lets one library function fail at its nth call.
//
// FAILING_CALL names the function, FAILING_FROM and FAILING_COUNT say which of its calls fail (from 1).
// FAILING_REPORT names a file that gets the number of calls when the process ends.
#define _GNU_SOURCE
#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <expat.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static const char *failing;
static unsigned long from, count;
static atomic_ulong calls;

static bool fails(const char *name) {
  if (!failing || strcmp(failing, name) != 0) return false;
  unsigned long call = atomic_fetch_add(&calls, 1) + 1;
  return call >= from && call - from < count;
}

#define REAL(name) \
  static __typeof__(&name) real; \
  if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

// Memory of OpenSSL and of libcurl, not that of the program itself.
static void *openssl_malloc(size_t size, const char *file, int line) {
  (void)file, (void)line;
  return fails("openssl malloc") ? NULL : malloc(size);
}
static void *openssl_realloc(void *old, size_t size, const char *file, int line) {
  (void)file, (void)line;
  return fails("openssl malloc") ? NULL : realloc(old, size);
}
static void openssl_free(void *old, const char *file, int line) {
  (void)file, (void)line;
  free(old);
}
static void *curl_malloc(size_t size) { return fails("curl malloc") ? NULL : malloc(size); }
static void *curl_realloc(void *old, size_t size) { return fails("curl malloc") ? NULL : realloc(old, size); }
static void *curl_calloc(size_t n, size_t size) { return fails("curl malloc") ? NULL : calloc(n, size); }
static char *curl_strdup(const char *text) { return fails("curl malloc") ? NULL : strdup(text); }

__attribute__((constructor)) static void begin(void) {
  // Not the interpreter that starts it.
  if (strcmp(program_invocation_short_name, "etcd-backup") != 0) return;
  failing = getenv("FAILING_CALL");
  from = strtoul(getenv("FAILING_FROM"), NULL, 10);
  count = strtoul(getenv("FAILING_COUNT"), NULL, 10);
  if (failing && strcmp(failing, "openssl malloc") == 0
      && CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) != 1) abort();
}

__attribute__((destructor)) static void end(void) {
  const char *report = failing ? getenv("FAILING_REPORT") : NULL;
  FILE *file = report ? fopen(report, "w") : NULL;
  if (!file) return;
  fprintf(file, "%lu", atomic_load(&calls));
  fclose(file);
}

CURLcode curl_global_init(long flags) {
  if (fails("curl_global_init")) return CURLE_FAILED_INIT;
  return curl_global_init_mem(flags, curl_malloc, free, curl_realloc, curl_strdup, curl_calloc);
}

CURL *curl_easy_init(void) {
  REAL(curl_easy_init);
  return fails("curl_easy_init") ? NULL : real();
}

CURLM *curl_multi_init(void) {
  REAL(curl_multi_init);
  return fails("curl_multi_init") ? NULL : real();
}

#undef curl_easy_setopt
CURLcode curl_easy_setopt(CURL *handle, CURLoption option, ...) {
  REAL(curl_easy_setopt);
  va_list arguments;
  va_start(arguments, option);
  void *value = va_arg(arguments, void *);
  va_end(arguments);
  return fails("curl_easy_setopt") ? CURLE_OUT_OF_MEMORY : real(handle, option, value);
}

struct curl_slist *curl_slist_append(struct curl_slist *list, const char *text) {
  REAL(curl_slist_append);
  return fails("curl_slist_append") ? NULL : real(list, text);
}

CURLMcode curl_multi_add_handle(CURLM *multi, CURL *easy) {
  REAL(curl_multi_add_handle);
  return fails("curl_multi_add_handle") ? CURLM_OUT_OF_MEMORY : real(multi, easy);
}

CURLMcode curl_multi_remove_handle(CURLM *multi, CURL *easy) {
  REAL(curl_multi_remove_handle);
  return fails("curl_multi_remove_handle") ? CURLM_INTERNAL_ERROR : real(multi, easy);
}

CURLMcode curl_multi_perform(CURLM *multi, int *running) {
  REAL(curl_multi_perform);
  return fails("curl_multi_perform") ? CURLM_INTERNAL_ERROR : real(multi, running);
}

CURLMcode curl_multi_poll(CURLM *multi, struct curl_waitfd extra[], unsigned n, int timeout, int *changed) {
  REAL(curl_multi_poll);
  return fails("curl_multi_poll") ? CURLM_OUT_OF_MEMORY : real(multi, extra, n, timeout, changed);
}

EVP_MD_CTX *EVP_MD_CTX_new(void) {
  REAL(EVP_MD_CTX_new);
  return fails("EVP_MD_CTX_new") ? NULL : real();
}

int EVP_DigestInit_ex(EVP_MD_CTX *context, const EVP_MD *type, ENGINE *engine) {
  REAL(EVP_DigestInit_ex);
  return fails("EVP_DigestInit_ex") ? 0 : real(context, type, engine);
}

int EVP_MD_CTX_copy_ex(EVP_MD_CTX *to, const EVP_MD_CTX *context) {
  REAL(EVP_MD_CTX_copy_ex);
  return fails("EVP_MD_CTX_copy_ex") ? 0 : real(to, context);
}

int EVP_DigestUpdate(EVP_MD_CTX *context, const void *bytes, size_t size) {
  REAL(EVP_DigestUpdate);
  return fails("EVP_DigestUpdate") ? 0 : real(context, bytes, size);
}

int EVP_DigestFinal_ex(EVP_MD_CTX *context, unsigned char *digest, unsigned *size) {
  REAL(EVP_DigestFinal_ex);
  return fails("EVP_DigestFinal_ex") ? 0 : real(context, digest, size);
}

unsigned char *HMAC(const EVP_MD *type, const void *key, int key_size, const unsigned char *bytes, size_t size,
                    unsigned char *code, unsigned *code_size) {
  REAL(HMAC);
  return fails("HMAC") ? NULL : real(type, key, key_size, bytes, size, code, code_size);
}

XML_Parser XML_ParserCreate(const XML_Char *encoding) {
  REAL(XML_ParserCreate);
  return fails("XML_ParserCreate") ? NULL : real(encoding);
}

enum XML_Status XML_Parse(XML_Parser parser, const char *text, int size, int isFinal) {
  REAL(XML_Parse);
  return fails("XML_Parse") ? XML_STATUS_ERROR : real(parser, text, size, isFinal);
}

// The spool.
ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset) {
  REAL(pwrite);
  if (!fails("pwrite")) return real(file, bytes, size, offset);
  errno = EIO;
  return -1;
}

ssize_t pread(int file, void *bytes, size_t size, off_t offset) {
  REAL(pread);
  if (!fails("pread")) return real(file, bytes, size, offset);
  errno = EIO;
  return -1;
}

// A download.
int fsync(int file) {
  REAL(fsync);
  if (!fails("fsync")) return real(file);
  errno = EIO;
  return -1;
}

/// A file system that cannot make files without a name.
static int open_as(int (*real)(const char *, int, ...), const char *path, int flags, mode_t mode) {
  if ((flags & O_TMPFILE) == O_TMPFILE && fails("O_TMPFILE")) {
    errno = EOPNOTSUPP;
    return -1;
  }
  return real(path, flags, mode);
}

#define OPEN(name) \
  int name(const char *path, int flags, ...) { \
    REAL(name); \
    va_list arguments; \
    va_start(arguments, flags); \
    mode_t mode = va_arg(arguments, mode_t); \
    va_end(arguments); \
    return open_as(real, path, flags, mode); \
  }
OPEN(open)
OPEN(open64)
