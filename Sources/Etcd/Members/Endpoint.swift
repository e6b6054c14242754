// One client URL of etcd, such as `https://etcd-0.etcd:2379`: scheme, host, port, nothing else.

package import HTTP

package struct Endpoint: Hashable, Sendable, CustomStringConvertible {
  package let scheme: ServerURL.Scheme
  /// A name or an address; an IPv6 address stands in brackets.
  package let host: String
  package let port: Int

  /// Returns `nil` unless `text` is a client URL. Without a port it is etcd's own, 2379.
  package init?(_ text: String) {
    guard let url = try? ServerURL(text), url.path.isEmpty else { return nil }
    scheme = url.scheme
    host = url.host
    port = url.port ?? 2379
  }

  package var description: String { "\(scheme.rawValue)://\(host):\(port)" }
}
