// How one server is reached: whom to trust, who we are, through which proxy, how patiently.

package import Certificates

package struct Connection: Sendable {
  package var trust = Trust.system
  package var identity: ClientIdentity?
  package var proxy = Proxy.none
  /// `host:port` to connect to instead of the URL's, whose host then only names the server that
  /// the certificate must be for.
  package var address: String?
  package var timeouts = Timeouts()
  package var version = Version.http1
  /// Whether a server that failed is not asked again over the same connection: behind its address
  /// there may be others.
  package var closesAfterFailure = false

  package init() {}

  package enum Version: Sendable {
    case http1
    /// Over TLS negotiated by ALPN, where HTTP/1.1 may come of it; in the clear taken for granted.
    case http2
  }

  package enum Trust: Sendable, Equatable {
    case system
    /// Only these authorities.
    case authorities(CertificateAuthorities)
    /// The server's certificate is not looked at. Only a kubeconfig can ask for this.
    case anyone
  }

  package enum Proxy: Sendable, Equatable {
    case none
    /// `https_proxy`, `http_proxy`, `no_proxy` and `all_proxy`, as curl reads them.
    case environment
    case url(String)
  }

  package struct Timeouts: Sendable, Equatable {
    /// Name resolution, TCP and TLS together.
    package var connect = Duration.seconds(10)
    /// Not one byte in either direction, also before the first byte of an answer. Whole seconds.
    package var stall = Duration.seconds(30)
    /// The whole request; `nil` where its length is not ours to say.
    package var total: Duration?

    package init() {}
  }
}
