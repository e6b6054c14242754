// libcurl for Swift: one static inline per use of a variadic function, which Swift cannot call.
#ifndef ETCD_BACKUP_CCURL_H
#define ETCD_BACKUP_CCURL_H

#include <curl/curl.h>

typedef size_t (*curl_shim_data_callback)(char *data, size_t size, size_t count, void *context);

// https://curl.se/libcurl/c/curl_easy_setopt.html
static inline CURLcode curl_shim_set_string(CURL *handle, CURLoption option, const char *value) {
  return curl_easy_setopt(handle, option, value);
}

static inline CURLcode curl_shim_set_long(CURL *handle, CURLoption option, long value) {
  return curl_easy_setopt(handle, option, value);
}

static inline CURLcode curl_shim_set_offset(CURL *handle, CURLoption option, curl_off_t value) {
  return curl_easy_setopt(handle, option, value);
}

static inline CURLcode curl_shim_set_pointer(CURL *handle, CURLoption option, void *value) {
  return curl_easy_setopt(handle, option, value);
}

static inline CURLcode curl_shim_set_list(CURL *handle, CURLoption option,
                                          struct curl_slist *value) {
  return curl_easy_setopt(handle, option, value);
}

static inline CURLcode curl_shim_set_data_callback(CURL *handle, CURLoption option,
                                                   curl_shim_data_callback value) {
  return curl_easy_setopt(handle, option, value);
}

// libcurl keeps a copy of the bytes: https://curl.se/libcurl/c/CURLOPT_CAINFO_BLOB.html
static inline CURLcode curl_shim_set_blob(CURL *handle, CURLoption option, const void *bytes,
                                          size_t count) {
  struct curl_blob blob = {(void *)bytes, count, CURL_BLOB_COPY};
  return curl_easy_setopt(handle, option, &blob);
}

// https://curl.se/libcurl/c/curl_easy_getinfo.html
static inline CURLcode curl_shim_get_long(CURL *handle, CURLINFO info, long *value) {
  return curl_easy_getinfo(handle, info, value);
}

// The result of a finished transfer: a union in C, of which only this member is ever set.
static inline CURLcode curl_shim_message_result(const CURLMsg *message) {
  return message->data.result;
}

#endif
