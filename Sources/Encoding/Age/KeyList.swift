// Recipients and identities as people write them down: in one line, or in a file.

/// Where an entry stands; numbers count from 1.
package enum KeyPlace: Equatable, Sendable {
  case entry(Int)
  case line(Int)
}

extension KeyPlace: CustomStringConvertible {
  package var description: String {
    switch self {
    case .entry(let number): "entry \(number)"
    case .line(let number): "line \(number)"
    }
  }
}

/// Why a list of keys is of no use.
package enum KeyListError<Fault: Error & Equatable>: Error, Equatable {
  case empty
  case faulty(KeyPlace, Fault)
}

extension KeyListError: CustomStringConvertible where Fault: CustomStringConvertible {
  package var description: String {
    switch self {
    case .empty: "there is none in it"
    case .faulty(let place, let fault): "\(place) cannot be used: \(fault)"
    }
  }
}

extension KeyListError where Fault == RecipientFault {
  /// What an operator can do about it.
  package var hint: String {
    switch self {
    case .empty: "Name at least one recipient, age1…, as `age-keygen` prints it."
    case .faulty(_, let fault): fault.hint
    }
  }
}

extension KeyListError where Fault == IdentityFault {
  /// What an operator can do about it.
  package var hint: String {
    switch self {
    case .empty: "Use the file that `age-keygen` wrote: its line AGE-SECRET-KEY-1… is the identity."
    case .faulty(_, let fault): fault.hint
    }
  }
}

package typealias RecipientListError = KeyListError<RecipientFault>
package typealias IdentityListError = KeyListError<IdentityFault>

extension AgeRecipient {
  /// Reads one or more recipients that commas or blanks separate; each counts once.
  package static func list(_ text: String) throws(RecipientListError) -> [AgeRecipient] {
    let entries = text.utf8.split { $0 == UInt8(ascii: ",") || KeyLines.isBlank($0) }
    var recipients: [AgeRecipient] = []
    for (index, entry) in entries.enumerated() {
      let bytes = Array(entry)
      do throws(RecipientFault) {
        recipients.appendOnce(try unsafe AgeRecipient(bytes.span.bytes))
      } catch {
        throw .faulty(.entry(index + 1), error)
      }
    }
    guard !recipients.isEmpty else { throw .empty }
    return recipients
  }

  /// Reads a file as `age -R` does: a recipient a line, empty lines, and comments that begin with `#`.
  package static func file(_ text: RawSpan) throws(RecipientListError) -> [AgeRecipient] {
    var recipients: [AgeRecipient] = []
    var lines = KeyLines(byteCount: text.byteCount)
    while let line = lines.next(in: text) {
      do throws(RecipientFault) {
        recipients.appendOnce(try AgeRecipient(text.extracting(line.range)))
      } catch {
        throw .faulty(.line(line.number), error)
      }
    }
    guard !recipients.isEmpty else { throw .empty }
    return recipients
  }
}

extension AgeIdentity {
  /// Reads a file as `age -i` does: an identity a line, empty lines, and comments that begin with `#`.
  ///
  /// Keeps no copy of the text; the caller wipes it with `SecretBytes.wipe`.
  package static func file(_ text: RawSpan) throws(IdentityListError) -> [AgeIdentity] {
    var identities: [AgeIdentity] = []
    var lines = KeyLines(byteCount: text.byteCount)
    while let line = lines.next(in: text) {
      do throws(IdentityFault) {
        identities.append(try AgeIdentity(text.extracting(line.range)))
      } catch {
        throw .faulty(.line(line.number), error)
      }
    }
    guard !identities.isEmpty else { throw .empty }
    return identities
  }
}

extension [AgeRecipient] {
  fileprivate mutating func appendOnce(_ recipient: AgeRecipient) {
    if !contains(recipient) { append(recipient) }
  }
}

/// The lines of a file that hold an entry, without blanks around it.
private struct KeyLines {
  private let byteCount: Int
  private var position = 0
  private var number = 0

  init(byteCount: Int) {
    self.byteCount = byteCount
  }

  static func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || (0x09...0x0D).contains(byte)
  }

  mutating func next(in text: RawSpan) -> (number: Int, range: Range<Int>)? {
    while position < byteCount {
      var range = position..<position
      while range.upperBound < byteCount, text.byte(at: range.upperBound) != UInt8(ascii: "\n") {
        range = range.lowerBound..<range.upperBound + 1
      }
      position = range.upperBound + 1
      number += 1
      while let first = range.first, Self.isBlank(text.byte(at: first)) {
        range = first + 1..<range.upperBound
      }
      while let last = range.last, Self.isBlank(text.byte(at: last)) {
        range = range.lowerBound..<last
      }
      if let first = range.first, text.byte(at: first) != UInt8(ascii: "#") {
        return (number, range)
      }
    }
    return nil
  }
}
