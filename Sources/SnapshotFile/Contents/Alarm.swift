/// An alarm that a member has raised: a record of etcd's bucket `alarm`.
///
/// All of it is in the record's key, the message `AlarmMember`: 1 the member, 2 the kind. A status
/// tells of alarms as well, but not before etcd 3.4.
package struct Alarm: Equatable, Encodable, Sendable {
  package enum Kind: String, Encodable, Sendable {
    /// The database has reached its quota; nothing more can be written.
    case outOfSpace = "NOSPACE"
    /// The member's data are not those of the others.
    case corrupt = "CORRUPT"
  }

  /// Hexadecimal, as etcdctl prints it.
  package let member: String
  package let kind: Kind

  /// Returns `nil` unless `key` is an alarm of one of these kinds.
  init?(key: [UInt8]) {
    var member: UInt64 = 0
    var offset = 0
    if key.first == 0x08 {
      offset = 1
      guard let number = KeyValue.varint(unsafe key.span.bytes, &offset) else { return nil }
      member = number
    }
    switch key[offset...] {
    case [0x10, 1]: kind = .outOfSpace
    case [0x10, 2]: kind = .corrupt
    default: return nil
    }
    self.member = String(member, radix: 16)
  }

  /// The bucket, and how long its keys can be.
  static let bucket = "alarm"
  static let maximumKeySize = 13
}

extension Alarm: CustomStringConvertible {
  package var description: String { "\(kind.rawValue) of member \(member)" }
}
