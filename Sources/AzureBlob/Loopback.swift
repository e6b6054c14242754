/// Hosts that are this very machine: nothing that is sent to them can be read on the way.
package enum Loopback {
  /// `localhost`, `127.0.0.0/8` in full, and `::1` in brackets, with or without a port.
  ///
  /// Other ways of writing such an address, such as `127.1`, do not count: resolvers differ on them.
  package static func isLoopback(hostAndPort text: some StringProtocol) -> Bool {
    let text = text.lowercased()
    if text.hasPrefix("[") {
      let address = text.dropFirst().prefix { $0 != "]" }
      let groups = address.split(separator: ":", omittingEmptySubsequences: false)
      guard groups.count >= 3, let last = groups.last else { return false }
      return last.utf8.drop { $0 == UInt8(ascii: "0") }.elementsEqual("1".utf8)
        && groups.dropLast().allSatisfy { $0.utf8.allSatisfy { $0 == UInt8(ascii: "0") } }
    }
    let host = text.prefix { $0 != ":" }
    if host == "localhost" { return true }
    let octets = host.split(separator: ".", omittingEmptySubsequences: false)
    return octets.count == 4 && octets[0] == "127"
      && octets.allSatisfy { octet in
        UInt8(octet).map { String($0) == octet } == true
      }
  }
}
