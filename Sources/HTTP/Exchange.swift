// One request under way and its answer as it comes in: the state that libcurl's callbacks touch.

internal import CCurl
internal import Certificates

/// A class, because libcurl calls back into it while a caller up the stack holds the
/// transport; nothing but the callbacks touches it during a libcurl call.
@safe package final class Exchange {
  /// What becomes of the answer's body.
  enum BodyHandling {
    /// It is kept until the end; more than this many bytes is an error.
    case collect(limit: Int)
    /// It is read while it comes; at this many unread bytes the sender is made to wait.
    case stream(inboxCapacity: Int)
    /// That of a 206 goes into this memory, more than there is room for is an error; that of any
    /// other answer is kept, up to this many bytes.
    case fill(Payload, limit: Int)
  }

  package let request: Request
  let handle = EasyHandle()
  private let bodyHandling: BodyHandling
  private let closesAfterFailure: Bool
  private var headerList: UnsafeMutablePointer<curl_slist>?
  private var connectList: UnsafeMutablePointer<curl_slist>?

  /// 0 until the head's first line has come.
  package private(set) var status = 0
  package private(set) var headers = Headers()
  private(set) var trailers = Headers()
  /// All lines of the head have come, and it is the final one.
  private(set) var hasHead = false
  var inbox: [UInt8] = []
  private(set) var isPaused = false
  /// What outgrew its limit, and that.
  private var excess: String?
  /// The rest of a refusal's body was not waited for.
  private var isCut = false
  /// Of all heads and trailers, in bytes.
  private var headSize = 0
  private var libraryFault: LibCurlFault?

  /// Of all heads and trailers together, in bytes; a store's own have some 2 KiB.
  private static let largestHead = 128 << 10
  /// What is kept of a refusal's body, in bytes.
  private static let longestRefusal = 64 << 10
  /// The whole answer, or why there is none; `nil` while it is still under way.
  package private(set) var result: Result<Response, TransferError>?

  init(_ request: Request, over connection: Connection, body: BodyHandling) {
    self.request = request
    bodyHandling = body
    closesAfterFailure = connection.closesAfterFailure
    do throws(LibCurlFault) {
      try configure(connection)
    } catch {
      fail(error)
    }
  }

  deinit {
    unsafe curl_slist_free_all(headerList)
    unsafe curl_slist_free_all(connectList)
  }

  var isFinished: Bool { result != nil }

  /// Lets a sender that was made to wait go on.
  func resume() {
    guard isPaused else { return }
    isPaused = false
    let code = unsafe curl_easy_pause(handle.raw, CURLPAUSE_CONT)
    if code != CURLE_OK { finish(code) }
  }

  func finish(_ code: CURLcode) {
    guard result == nil else { return }
    if let libraryFault {
      fail(libraryFault)
    } else if let excess {
      result = .failure(
        TransferError(.answerTooLarge, request: request.summary, detail: excess))
    } else if code != CURLE_OK, !isCut {
      result = .failure(
        TransferError(
          code: code, message: handle.errorMessage, proxyStatus: handle.proxyStatus,
          request: request.summary))
    } else if !hasHead {
      // libcurl is content with a head that ends anywhere behind its first line.
      result = .failure(
        TransferError(
          status == 0 ? .notHTTP : .cutShort, request: request.summary,
          detail: "the head of the answer is not whole"))
    } else {
      // A streamed body is the reader's: it may not have read all of it yet.
      let body = if case .stream = bodyHandling { [UInt8]() } else { inbox }
      result = .success(
        Response(status: status, headers: headers, body: body, trailers: trailers))
    }
  }

  func fail(_ fault: LibCurlFault) {
    guard result == nil else { return }
    result = .failure(
      TransferError(.libraryFailed, request: request.summary, detail: fault.detail))
  }

  private var bodyLimit: Int {
    switch bodyHandling {
    case .collect(let limit): limit
    case .stream(let capacity): capacity
    case .fill(let payload, let limit): status == 206 ? payload.capacity : limit
    }
  }
}

// MARK: - What libcurl reports

extension Exchange {
  /// One line of the head; of the trailers one, or all that came while the sender had to wait.
  ///
  /// `false` where there is too much of it: libcurl then ends the transfer.
  fileprivate func receiveHeader(_ bytes: UnsafeRawBufferPointer) -> Bool {
    headSize += bytes.count
    guard headSize <= Self.largestHead else {
      excess = "header and trailer fields of over \(Self.largestHead) bytes"
      return false
    }
    let line = unsafe String(decoding: bytes, as: UTF8.self)
    if line.hasPrefix("HTTP/") {
      // A new head: an interim answer (1xx) may have come before it.
      headers = Headers()
      status = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0
    } else if line.trimmingPrefix(while: \.isWhitespace).isEmpty {
      hasHead = status >= 200
      if isFailure, closesAfterFailure {
        do throws(LibCurlFault) {
          try handle.set(CURLOPT_FORBID_REUSE, to: 1)
        } catch {
          libraryFault = error
          return false
        }
      }
    } else if hasHead {
      for field in line.split(whereSeparator: \.isNewline) { trailers.add(line: field) }
    } else {
      headers.add(line: line[...])
    }
    return true
  }

  /// gRPC tells its failures with status 200.
  private var isFailure: Bool {
    status >= 500 || headers["grpc-status"].map { $0 != "0" } ?? false
  }

  /// A piece of the body; the answer is how many bytes were taken, or a pause.
  fileprivate func receiveBody(_ bytes: UnsafeRawBufferPointer) -> Int {
    switch bodyHandling {
    case .fill(let payload, _) where status == 206:
      let isWhole = unsafe payload.append(bytes.bytes) == bytes.count
      if !isWhole { excess = "over \(bodyLimit) bytes" }
      return isWhole ? bytes.count : 0
    case .collect, .fill:
      if status >= 300, inbox.count + bytes.count > Self.longestRefusal {
        unsafe inbox.append(contentsOf: bytes.prefix(Self.longestRefusal - inbox.count))
        isCut = true
        return 0
      }
      guard inbox.count + bytes.count <= bodyLimit else {
        excess = "over \(bodyLimit) bytes"
        return 0
      }
      unsafe inbox.append(contentsOf: bytes)
      return bytes.count
    case .stream(let capacity) where !inbox.isEmpty && inbox.count + bytes.count > capacity:
      isPaused = true
      return Int(CURL_WRITEFUNC_PAUSE)
    default:
      unsafe inbox.append(contentsOf: bytes)
      return bytes.count
    }
  }
}

private func exchange(behind context: UnsafeMutableRawPointer?) -> Exchange? {
  guard let context = unsafe context else { return nil }
  return unsafe Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
}

// MARK: - How libcurl is set up

extension Exchange {
  private func makeHeaderList() throws(LibCurlFault) {
    // Names of our own that libcurl would otherwise fill in: `Expect` costs a second for every
    // large body, and a Content-Type that we did not sign breaks the signature.
    var lines = ["Expect:", "Accept:", "User-Agent: etcd-backup"]
    if request.body != nil && request.headers["content-type"] == nil {
      lines.append("Content-Type:")
    }
    lines += request.headers.fields.map {
      $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)"
    }
    for line in lines { unsafe headerList = try Self.append(line, to: headerList) }
  }

  private static func append(
    _ text: String, to list: UnsafeMutablePointer<curl_slist>?
  ) throws(LibCurlFault) -> UnsafeMutablePointer<curl_slist> {
    guard let longer = unsafe curl_slist_append(list, text) else {
      throw LibCurlFault(detail: "curl_slist_append: out of memory")
    }
    return unsafe longer
  }

  private func configure(_ connection: Connection) throws(LibCurlFault) {
    try handle.set(CURLOPT_URL, to: request.url)
    try handle.set(CURLOPT_CUSTOMREQUEST, to: request.method)
    try handle.set(CURLOPT_PATH_AS_IS, to: 1)
    try handle.set(CURLOPT_NOSIGNAL, to: 1)
    // Otherwise giving up on an unresolvable name waits for the resolver to give up, too.
    try handle.set(CURLOPT_QUICK_EXIT, to: 1)
    try handle.set(CURLOPT_PROTOCOLS_STR, to: "http,https")
    try configureVersion(connection.version)
    try handle.set(CURLOPT_BUFFERSIZE, to: 256 * 1024)
    try handle.set(CURLOPT_UPLOAD_BUFFERSIZE, to: 256 * 1024)
    try makeHeaderList()
    try handle.check(
      unsafe curl_shim_set_list(handle.raw, CURLOPT_HTTPHEADER, headerList), CURLOPT_HTTPHEADER)
    if let address = connection.address {
      unsafe connectList = try Self.append("::\(address)", to: nil)
      try handle.check(
        unsafe curl_shim_set_list(handle.raw, CURLOPT_CONNECT_TO, connectList), CURLOPT_CONNECT_TO)
    }
    if request.method == "HEAD" { try handle.set(CURLOPT_NOBODY, to: 1) }
    if let body = request.body {
      try handle.set(CURLOPT_POSTFIELDSIZE_LARGE, toOffset: body.count)
      let code = body.withBytes { bytes in
        unsafe bytes.withUnsafeBytes {
          unsafe curl_shim_set_pointer(
            handle.raw, CURLOPT_POSTFIELDS, UnsafeMutableRawPointer(mutating: $0.baseAddress))
        }
      }
      try handle.check(code, CURLOPT_POSTFIELDS)
    }
    try configureTrust(connection)
    try configureTimeouts(connection.timeouts)
    try configureCallbacks()
  }

  private func configureVersion(_ version: Connection.Version) throws(LibCurlFault) {
    switch version {
    case .http1:
      try handle.set(CURLOPT_HTTP_VERSION, to: CURL_HTTP_VERSION_1_1)
    case .http2 where request.url.hasPrefix("https:"):
      try handle.set(CURLOPT_HTTP_VERSION, to: CURL_HTTP_VERSION_2TLS)
    case .http2:
      try handle.set(CURLOPT_HTTP_VERSION, to: CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE)
      // libcurl 7.88 breaks such a connection when it uses it a second time.
      try handle.set(CURLOPT_FRESH_CONNECT, to: 1)
    }
  }

  private func configureTrust(_ connection: Connection) throws(LibCurlFault) {
    switch connection.trust {
    case .system:
      break
    case .authorities(let authorities):
      // Debian's libcurl also looks into /etc/ssl/certs unless told not to.
      try handle.set(CURLOPT_CAPATH, to: nil as String?)
      try handle.set(CURLOPT_CAINFO_BLOB, toBytes: authorities.pem)
    case .anyone:
      try handle.set(CURLOPT_SSL_VERIFYPEER, to: 0)
      try handle.set(CURLOPT_SSL_VERIFYHOST, to: 0)
    }
    if let identity = connection.identity {
      try handle.set(CURLOPT_SSLCERT_BLOB, toBytes: identity.certificatePEM)
      try handle.set(CURLOPT_SSLKEY_BLOB, toBytes: identity.keyPEM)
      // The key has no passphrase; but libcurl 7.88 crashes where OpenSSL asks it for one and none is set.
      try handle.set(CURLOPT_KEYPASSWD, to: "")
    }
    switch connection.proxy {
    case .none: try handle.set(CURLOPT_PROXY, to: "")
    case .environment:
      if let exceptions = ProxyExceptions.normalised(for: request.url) {
        try handle.set(CURLOPT_NOPROXY, to: exceptions)
      }
    case .url(let url): try handle.set(CURLOPT_PROXY, to: url)
    }
    // What a proxy says about its tunnel is not the server's answer.
    try handle.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, to: 1)
  }

  private func configureTimeouts(_ timeouts: Connection.Timeouts) throws(LibCurlFault) {
    // To libcurl 0 means no limit at all, but to us that no time is left.
    try handle.set(CURLOPT_CONNECTTIMEOUT_MS, to: max(1, timeouts.connect.wholeMilliseconds))
    if let total = timeouts.total {
      try handle.set(CURLOPT_TIMEOUT_MS, to: max(1, total.wholeMilliseconds))
    }
    // Paused transfers and our own time away do not count as slow.
    try handle.set(CURLOPT_LOW_SPEED_LIMIT, to: 1)
    try handle.set(CURLOPT_LOW_SPEED_TIME, to: max(1, timeouts.stall.wholeMilliseconds / 1000))
  }

  private func configureCallbacks() throws(LibCurlFault) {
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    let receiveHead: curl_shim_data_callback = { bytes, size, count, context in
      let line = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
      return unsafe exchange(behind: context)?.receiveHeader(line) == true ? size * count : 0
    }
    let receiveBody: curl_shim_data_callback = { bytes, size, count, context in
      let piece = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
      return unsafe exchange(behind: context)?.receiveBody(piece) ?? 0
    }
    try handle.check(
      unsafe curl_shim_set_data_callback(handle.raw, CURLOPT_HEADERFUNCTION, receiveHead),
      CURLOPT_HEADERFUNCTION)
    try handle.check(
      unsafe curl_shim_set_data_callback(handle.raw, CURLOPT_WRITEFUNCTION, receiveBody),
      CURLOPT_WRITEFUNCTION)
    try handle.check(
      unsafe curl_shim_set_pointer(handle.raw, CURLOPT_HEADERDATA, context), CURLOPT_HEADERDATA)
    try handle.check(
      unsafe curl_shim_set_pointer(handle.raw, CURLOPT_WRITEDATA, context), CURLOPT_WRITEDATA)
  }
}

extension Duration {
  /// Rounded down.
  package var wholeMilliseconds: Int {
    let (seconds, attoseconds) = components
    return Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
  }

  /// Seconds with their fraction.
  package var inSeconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) + Double(attoseconds) / 1e18
  }
}
