// Owns one libcurl easy handle: made in `init`, freed in `deinit`, never copied.

internal import CCurl

@safe struct EasyHandle: ~Copyable {
  /// `nil` where libcurl has none to give: then it refuses every option.
  let raw: UnsafeMutableRawPointer?
  /// Where libcurl writes its words on a failure; it must outlive the handle's use.
  private let message: UnsafeMutablePointer<CChar>

  init() {
    unsafe raw = LibCurl.status == CURLE_OK ? curl_easy_init() : nil
    unsafe message = .allocate(capacity: Int(CURL_ERROR_SIZE))
    unsafe message.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    // Without it only libcurl's own words on a failure are missing.
    _ = unsafe curl_shim_set_pointer(raw, CURLOPT_ERRORBUFFER, message)
  }

  deinit {
    unsafe curl_easy_cleanup(raw)
    unsafe message.deallocate()
  }

  var address: UInt { unsafe UInt(bitPattern: raw) }

  var errorMessage: String { unsafe String(cString: message) }

  /// The last answer of a proxy that was asked for a tunnel; 0 where none was asked, or answered.
  var proxyStatus: Int {
    var status = 0
    _ = unsafe curl_shim_get_long(raw, CURLINFO_HTTP_CONNECTCODE, &status)
    return status
  }

  // See https://curl.se/libcurl/c/curl_easy_setopt.html.

  borrowing func set(_ option: CURLoption, to value: String?) throws(LibCurlFault) {
    try check(unsafe curl_shim_set_string(raw, option, value), option)
  }

  borrowing func set(_ option: CURLoption, to value: Int) throws(LibCurlFault) {
    try check(unsafe curl_shim_set_long(raw, option, value), option)
  }

  borrowing func set(_ option: CURLoption, toOffset value: Int) throws(LibCurlFault) {
    try check(unsafe curl_shim_set_offset(raw, option, curl_off_t(value)), option)
  }

  borrowing func set(_ option: CURLoption, toBytes bytes: [UInt8]) throws(LibCurlFault) {
    try check(unsafe curl_shim_set_blob(raw, option, bytes, bytes.count), option)
  }

  borrowing func check(_ code: CURLcode, _ option: CURLoption) throws(LibCurlFault) {
    guard code == CURLE_OK else {
      let words = unsafe String(cString: curl_easy_strerror(code))
      throw LibCurlFault(detail: "option \(option.rawValue) was refused: \(words)")
    }
  }
}

/// libcurl could not do what a program may ask of it, such as for want of memory.
struct LibCurlFault: Error {
  let detail: String

  init(detail: String) {
    self.detail = detail
  }

  init(_ function: String, _ code: CURLMcode) {
    let words = unsafe String(cString: curl_multi_strerror(code))
    detail = "\(function): \(code.rawValue), \(words)"
  }
}

/// libcurl's process-wide state.
package enum LibCurl {
  /// Of the library that is loaded, such as `7.88.1`.
  package static var version: String {
    let text = unsafe String(cString: curl_version())
    return String(text.prefix { $0 != " " }.drop { $0 != "/" }.dropFirst())
  }

  /// A lazy global: it is initialised once, before anything else.
  static let status = curl_global_init(Int(CURL_GLOBAL_DEFAULT))
}
