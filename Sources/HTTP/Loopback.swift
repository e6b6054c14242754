/// The names of this machine: what is sent to them never leaves it.
package enum Loopback {
  /// Whether a host, with or without a port, is `localhost`, in `127.0.0.0/8`, or `[::1]`.
  ///
  /// Other spellings of such an address, such as `127.1` or `[0::1]`, do not count: resolvers
  /// disagree on them. The chart judges by the same rule.
  package static func isLoopback(hostAndPort text: some StringProtocol) -> Bool {
    let text = text.lowercased()
    if text.hasPrefix("[") { return text == "[::1]" || text.hasPrefix("[::1]:") }
    let host = text.prefix { $0 != ":" }
    if host == "localhost" { return true }
    // Four numbers: `127.example.com` is a name that anyone can register.
    let octets = host.split(separator: ".", omittingEmptySubsequences: false)
    return octets.count == 4 && octets[0] == "127"
      && octets.allSatisfy { octet in UInt8(octet).map { String($0) == octet } == true }
  }
}
