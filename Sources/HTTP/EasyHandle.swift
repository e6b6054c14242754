/// Owns one libcurl easy handle: made in `init`, freed in `deinit`, never copied.

internal import CCurl

@safe struct EasyHandle: ~Copyable {
  let raw: UnsafeMutableRawPointer
  /// Where libcurl writes its words on a failure; it must outlive the handle's use.
  private let message: UnsafeMutablePointer<CChar>

  init() {
    LibCurl.initialize()
    guard let raw = unsafe curl_easy_init() else {
      // Only exhausted memory leads here, and that ends a Swift program at any allocation. It is as safe
      // as to be killed: whenever a run dies, either nothing is visible in the store or a proven backup
      // is, which the kills at random moments of the tests C2 and U12 show.
      fatalError("libcurl could not allocate a handle")
    }
    unsafe self.raw = raw
    unsafe message = .allocate(capacity: Int(CURL_ERROR_SIZE))
    unsafe message.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
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

  // Options that cannot fail but for lack of memory or a typing mistake of ours.
  // See https://curl.se/libcurl/c/curl_easy_setopt.html.

  borrowing func set(_ option: CURLoption, to value: String?) {
    check(unsafe curl_shim_set_string(raw, option, value), option)
  }

  borrowing func set(_ option: CURLoption, to value: Int) {
    check(unsafe curl_shim_set_long(raw, option, value), option)
  }

  borrowing func set(_ option: CURLoption, toOffset value: Int) {
    check(unsafe curl_shim_set_offset(raw, option, curl_off_t(value)), option)
  }

  borrowing func set(_ option: CURLoption, toBytes bytes: [UInt8]) {
    check(unsafe curl_shim_set_blob(raw, option, bytes, bytes.count), option)
  }

  private borrowing func check(_ code: CURLcode, _ option: CURLoption) {
    precondition(code == CURLE_OK, "libcurl refused option \(option.rawValue): \(code.rawValue)")
  }
}

/// libcurl's process-wide state.
enum LibCurl {
  /// Must run once before anything else; a lazy global does just that.
  static func initialize() {
    precondition(status == CURLE_OK, "libcurl could not be initialised")
  }

  private static let status = curl_global_init(Int(CURL_GLOBAL_DEFAULT))
}
