/// One request under way and its answer as it comes in: the state that libcurl's callbacks touch.

internal import CCurl
internal import Certificates

/// Lives in a class because libcurl calls back into it while somebody up the stack holds the
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
  private let headerList: UnsafeMutablePointer<curl_slist>?
  private let connectList: UnsafeMutablePointer<curl_slist>?

  /// 0 until the head's first line has come.
  package private(set) var status = 0
  package private(set) var headers = Headers()
  private(set) var trailers = Headers()
  /// All lines of the head have come, and it is the final one.
  private(set) var hasHead = false
  var inbox: [UInt8] = []
  private(set) var isPaused = false
  private var isTooLarge = false
  /// The whole answer, or why there is none; `nil` while it is still under way.
  package private(set) var result: Result<Response, TransferError>?

  init(_ request: Request, over connection: Connection, body: BodyHandling) {
    self.request = request
    bodyHandling = body
    closesAfterFailure = connection.closesAfterFailure
    unsafe headerList = Self.makeHeaderList(request)
    unsafe connectList = connection.address.flatMap { unsafe curl_slist_append(nil, "::\($0)") }
    configure(connection)
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
    _ = unsafe curl_easy_pause(handle.raw, CURLPAUSE_CONT)
  }

  func finish(_ code: CURLcode) {
    if isTooLarge {
      result = .failure(
        TransferError(.answerTooLarge, request: request.summary, detail: "over \(bodyLimit) bytes"))
    } else if code != CURLE_OK {
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
  fileprivate func receiveHeader(_ bytes: UnsafeRawBufferPointer) {
    let line = unsafe String(decoding: bytes, as: UTF8.self)
    if line.hasPrefix("HTTP/") {
      // A new head: an interim answer (1xx) may have come before it.
      headers = Headers()
      status = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0
    } else if line.trimmingPrefix(while: \.isWhitespace).isEmpty {
      hasHead = status >= 200
      if isFailure, closesAfterFailure { handle.set(CURLOPT_FORBID_REUSE, to: 1) }
    } else if hasHead {
      for field in line.split(whereSeparator: \.isNewline) { trailers.add(line: field) }
    } else {
      headers.add(line: line[...])
    }
  }

  /// gRPC tells its failures with status 200.
  private var isFailure: Bool {
    status >= 500 || headers["grpc-status"].map { $0 != "0" } ?? false
  }

  /// A piece of the body; the answer is how many bytes were taken, or a pause.
  fileprivate func receiveBody(_ bytes: UnsafeRawBufferPointer) -> Int {
    switch bodyHandling {
    case .fill(let payload, _) where status == 206:
      isTooLarge = unsafe payload.append(bytes) < bytes.count
      return isTooLarge ? 0 : bytes.count
    case .collect(let limit), .fill(_, let limit):
      isTooLarge = inbox.count + bytes.count > limit
      guard !isTooLarge else { return 0 }
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
  private static func makeHeaderList(_ request: Request) -> UnsafeMutablePointer<curl_slist>? {
    var list: UnsafeMutablePointer<curl_slist>?
    // Names of our own that libcurl would otherwise fill in: `Expect` costs a second for every
    // large body, and a Content-Type that we did not sign breaks the signature.
    var lines = ["Expect:", "Accept:", "User-Agent: etcd-backup"]
    if request.body != nil && request.headers["content-type"] == nil {
      lines.append("Content-Type:")
    }
    lines += request.headers.fields.map {
      $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)"
    }
    for line in lines { unsafe list = curl_slist_append(list, line) }
    return unsafe list
  }

  private func configure(_ connection: Connection) {
    handle.set(CURLOPT_URL, to: request.url)
    handle.set(CURLOPT_CUSTOMREQUEST, to: request.method)
    handle.set(CURLOPT_PATH_AS_IS, to: 1)
    handle.set(CURLOPT_NOSIGNAL, to: 1)
    // Otherwise giving up on a name that nobody resolves waits for the resolver to give up, too.
    handle.set(CURLOPT_QUICK_EXIT, to: 1)
    handle.set(CURLOPT_PROTOCOLS_STR, to: "http,https")
    configureVersion(connection.version)
    handle.set(CURLOPT_BUFFERSIZE, to: 256 * 1024)
    handle.set(CURLOPT_UPLOAD_BUFFERSIZE, to: 256 * 1024)
    _ = unsafe curl_shim_set_list(handle.raw, CURLOPT_HTTPHEADER, headerList)
    _ = unsafe curl_shim_set_list(handle.raw, CURLOPT_CONNECT_TO, connectList)
    if request.method == "HEAD" { handle.set(CURLOPT_NOBODY, to: 1) }
    if let body = request.body {
      handle.set(CURLOPT_POSTFIELDSIZE_LARGE, toOffset: body.count)
      unsafe body.withBytes {
        _ = unsafe curl_shim_set_pointer(
          handle.raw, CURLOPT_POSTFIELDS, UnsafeMutableRawPointer(mutating: $0.baseAddress))
      }
    }
    configureTrust(connection)
    configureTimeouts(connection.timeouts)
    configureCallbacks()
  }

  private func configureVersion(_ version: Connection.Version) {
    switch version {
    case .http1:
      handle.set(CURLOPT_HTTP_VERSION, to: CURL_HTTP_VERSION_1_1)
    case .http2 where request.url.hasPrefix("https:"):
      handle.set(CURLOPT_HTTP_VERSION, to: CURL_HTTP_VERSION_2TLS)
    case .http2:
      handle.set(CURLOPT_HTTP_VERSION, to: CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE)
      // libcurl 7.88 breaks such a connection when it uses it a second time.
      handle.set(CURLOPT_FRESH_CONNECT, to: 1)
    }
  }

  private func configureTrust(_ connection: Connection) {
    switch connection.trust {
    case .system:
      break
    case .authorities(let authorities):
      // Debian's libcurl also looks into /etc/ssl/certs unless told not to.
      handle.set(CURLOPT_CAPATH, to: nil as String?)
      handle.set(CURLOPT_CAINFO_BLOB, toBytes: authorities.pem)
    case .anyone:
      handle.set(CURLOPT_SSL_VERIFYPEER, to: 0)
      handle.set(CURLOPT_SSL_VERIFYHOST, to: 0)
    }
    if let identity = connection.identity {
      handle.set(CURLOPT_SSLCERT_BLOB, toBytes: identity.certificatePEM)
      handle.set(CURLOPT_SSLKEY_BLOB, toBytes: identity.keyPEM)
      // The key has no passphrase; but libcurl 7.88 crashes where OpenSSL asks it for one and none is set.
      handle.set(CURLOPT_KEYPASSWD, to: "")
    }
    switch connection.proxy {
    case .none: handle.set(CURLOPT_PROXY, to: "")
    case .environment: break
    case .url(let url): handle.set(CURLOPT_PROXY, to: url)
    }
    // What a proxy says about its tunnel is not the server's answer.
    handle.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, to: 1)
  }

  private func configureTimeouts(_ timeouts: Connection.Timeouts) {
    // To libcurl 0 means no limit at all, but to us that no time is left.
    handle.set(CURLOPT_CONNECTTIMEOUT_MS, to: max(1, timeouts.connect.wholeMilliseconds))
    if let total = timeouts.total {
      handle.set(CURLOPT_TIMEOUT_MS, to: max(1, total.wholeMilliseconds))
    }
    // Paused transfers and our own time away do not count as slow.
    handle.set(CURLOPT_LOW_SPEED_LIMIT, to: 1)
    handle.set(CURLOPT_LOW_SPEED_TIME, to: max(1, timeouts.stall.wholeMilliseconds / 1000))
  }

  private func configureCallbacks() {
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    _ = unsafe curl_shim_set_data_callback(handle.raw, CURLOPT_HEADERFUNCTION) {
      bytes, size, count, context in
      let line = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
      unsafe exchange(behind: context)?.receiveHeader(line)
      return size * count
    }
    _ = unsafe curl_shim_set_data_callback(handle.raw, CURLOPT_WRITEFUNCTION) {
      bytes, size, count, context in
      let piece = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
      return unsafe exchange(behind: context)?.receiveBody(piece) ?? 0
    }
    _ = unsafe curl_shim_set_pointer(handle.raw, CURLOPT_HEADERDATA, context)
    _ = unsafe curl_shim_set_pointer(handle.raw, CURLOPT_WRITEDATA, context)
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
