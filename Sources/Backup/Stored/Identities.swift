// The identities that decrypt backups: read from everywhere that they are named, and never printed.

internal import Certificates
internal import Digests
internal import Encoding
internal import HTTP

package struct Identities {
  private(set) var all: [AgeIdentity] = []

  /// A file that age-keygen wrote has a few hundred bytes.
  private static let largestFile = 1 << 20

  package init() {}

  package init(files: [String]) throws {
    for path in files { try add(file: path) }
  }

  mutating func add(file path: String) throws {
    guard !Self.isIdentity(path) else { throw IdentityError.identityInPlaceOfFile }
    let text: [UInt8]
    do throws(UnreadableFile) {
      text = try ReadFile.read(at: path, largest: Self.largestFile)
    } catch {
      throw IdentityError.unreadable(path, reason: error.reason)
    }
    try add(text, from: path)
  }

  /// Every value of a Secret, or every file of a folder.
  mutating func add(_ values: SecretValues) throws {
    let keys = try values.keys()
    guard !keys.isEmpty else { throw IdentityError.nothing("\(values)") }
    for key in keys { try add(values.bytes(key), from: values.name(of: key)) }
  }

  private mutating func add(_ text: consuming [UInt8], from place: String) throws {
    var text = text
    defer { SecretBytes.wipe(&text) }
    do throws(IdentityListError) {
      all += try unsafe AgeIdentity.file(text.span.bytes)
    } catch {
      throw IdentityError.unusable(place, error)
    }
  }

  /// A private key that is given where a file is to be named is not repeated.
  package static func isIdentity(_ text: String) -> Bool {
    text.uppercased().contains("AGE-SECRET-KEY-")
  }
}

extension BackupStore {
  /// Those in the files, and those that the configuration names.
  package func identities(inFiles files: [String]) throws -> Identities {
    var identities = try Identities(files: files)
    if let place = configuration.identityPlace {
      try identities.add(SecretValues(place, in: cluster))
    }
    return identities
  }
}

/// Why identities cannot be used. No case carries their text.
enum IdentityError: OperatorError, Equatable {
  case unreadable(String, reason: String)
  case nothing(String)
  case unusable(String, IdentityListError)
  case identityInPlaceOfFile

  var description: String {
    switch self {
    case .unreadable(let place, let reason): "no identity can be read from \(place): \(reason)"
    case .nothing(let place): "\(place) holds no identity: it is empty"
    case .unusable(let place, let error): "\(place) is no list of identities: \(error)"
    case .identityInPlaceOfFile: "--identity takes the name of a file, not an identity"
    }
  }

  var hint: String? {
    switch self {
    case .unreadable, .nothing:
      "Name a file that `age-keygen` wrote, and that this user may read."
    case .unusable(_, let error): error.hint
    case .identityInPlaceOfFile:
      "Write the identity into a file, and replace it if others could read this command line."
    }
  }

  var isConfiguration: Bool { true }
  var stopReason: StopReason? { nil }
}
