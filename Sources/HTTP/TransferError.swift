// What can go wrong between sending a request and holding a whole answer, whatever its status.

internal import CCurl

package struct TransferError: Error, Equatable {
  package enum Kind: Equatable, Sendable {
    case unknownHost
    case unknownProxy
    /// The URL of the proxy is none that libcurl can use.
    case unusableProxy
    /// What it said instead of letting us through to the server.
    case refusedByProxy(status: Int)
    case noConnection
    /// The server's certificate is not trusted or is for another name.
    case untrustedServer
    /// The server refused our client certificate, or wanted one.
    case refusedIdentity
    /// Our own certificate, key or CA could not be used.
    case unusableCredentials
    case handshakeFailed
    case timedOut
    case stalled
    /// The connection ended before the answer did.
    case cutShort
    /// Whatever answered does not speak HTTP/1.1.
    case notHTTP
    case answerTooLarge
    case stopped(StopReason)
    /// libcurl itself could not do its work.
    case libraryFailed
    case other
  }

  package let kind: Kind
  /// Method and URL, without its query.
  package let request: String
  /// libcurl's own words; of a run that had to stop what the attempt before had failed with, if any.
  package let detail: String

  package init(_ kind: Kind, request: String, detail: String) {
    self.kind = kind
    self.request = request
    self.detail = detail
  }

  /// Whether the same request may well succeed a little later.
  package var isTransient: Bool {
    switch kind {
    case .unknownHost, .unknownProxy, .noConnection, .handshakeFailed, .timedOut, .stalled,
      .cutShort, .other:
      true
    case .refusedByProxy(let status): status >= 500 || status == 408 || status == 429
    case .unusableProxy, .untrustedServer, .refusedIdentity, .unusableCredentials, .notHTTP,
      .answerTooLarge, .stopped, .libraryFailed:
      false
    }
  }

  /// Whether the configuration or a permission is wrong, so that no later request can succeed; of a
  /// server that does not want us, its own client must say that.
  package var isConfiguration: Bool {
    switch kind {
    case .untrustedServer, .unusableCredentials, .unusableProxy: true
    case .refusedByProxy: !isTransient
    default: false
    }
  }
}

/// Why nothing more is waited for.
package enum StopReason: Equatable, Sendable {
  /// SIGTERM or SIGINT.
  case terminated
  /// The deadline of the whole run.
  case deadline
}

extension TransferError: CustomStringConvertible {
  package var description: String {
    switch kind {
    case .unknownHost: "\(request): the host name cannot be resolved (\(detail))"
    case .unknownProxy: "\(request): the proxy's name cannot be resolved (\(detail))"
    case .unusableProxy: "\(request): the proxy's URL cannot be used (\(detail))"
    case .refusedByProxy: "\(request): the proxy did not let us through (\(detail))"
    case .noConnection: "\(request): no connection (\(detail))"
    case .untrustedServer: "\(request): the server's certificate is not trusted (\(detail))"
    case .refusedIdentity: "\(request): the server refused our client certificate (\(detail))"
    case .unusableCredentials: "\(request): the certificate, key or CA cannot be used (\(detail))"
    case .handshakeFailed: "\(request): the TLS handshake failed (\(detail))"
    case .timedOut: "\(request): no answer in time (\(detail))"
    case .stalled: "\(request): the transfer stalled (\(detail))"
    case .cutShort: "\(request): the connection ended early (\(detail))"
    case .notHTTP: "\(request): the server does not speak HTTP/1.1 (\(detail))"
    case .answerTooLarge: "\(request): the answer is larger than it can rightly be (\(detail))"
    case .stopped(.terminated): "\(request): stopped by a signal\(attemptBefore)"
    case .stopped(.deadline): "\(request): stopped at the deadline of the run\(attemptBefore)"
    case .libraryFailed: "\(request): libcurl failed (\(detail))"
    case .other: "\(request): the transfer failed (\(detail))"
    }
  }

  private var attemptBefore: String {
    detail.isEmpty ? "" : "; the attempt before had failed: \(detail)"
  }
}

extension TransferError {
  /// Reads libcurl's code and message (https://curl.se/libcurl/c/libcurl-errors.html).
  ///
  /// `proxyStatus` is the proxy's answer where a tunnel was asked for, else 0.
  init(code: CURLcode, message: String, proxyStatus: Int, request: String) {
    let detail = message.isEmpty ? unsafe String(cString: curl_easy_strerror(code)) : message
    let kind =
      proxyStatus < 300
      ? Self.kind(of: code, message: detail) : .refusedByProxy(status: proxyStatus)
    self.init(kind, request: request, detail: detail)
  }

  private static func kind(of code: CURLcode, message: String) -> Kind {
    // libcurl has no code of its own for it.
    if message.hasPrefix("Unsupported proxy") { return .unusableProxy }
    return switch code {
    case CURLE_COULDNT_RESOLVE_HOST: .unknownHost
    case CURLE_COULDNT_RESOLVE_PROXY: .unknownProxy
    case CURLE_COULDNT_CONNECT: .noConnection
    case CURLE_PEER_FAILED_VERIFICATION: .untrustedServer
    case CURLE_SSL_CERTPROBLEM, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR:
      .unusableCredentials
    case CURLE_SSL_CONNECT_ERROR, CURLE_RECV_ERROR, CURLE_SEND_ERROR:
      // With TLS 1.3 the server judges our certificate after the handshake, in its first bytes.
      if message.contains("alert")
        && (message.contains("certificate") || message.contains("unknown ca"))
      {
        .refusedIdentity
      } else {
        code == CURLE_SSL_CONNECT_ERROR ? .handshakeFailed : .cutShort
      }
    case CURLE_OPERATION_TIMEDOUT: message.contains("too slow") ? .stalled : .timedOut
    case CURLE_PARTIAL_FILE, CURLE_GOT_NOTHING, CURLE_HTTP2, CURLE_HTTP2_STREAM: .cutShort
    case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY: .notHTTP
    default: .other
    }
  }
}
