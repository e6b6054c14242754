// Why a shared access signature cannot be used, found before anything is sent.

internal import HTTP

package enum SignatureFault: Error, Equatable {
  /// What people store in place of a SAS.
  package enum Mistake: Sendable {
    case accountKey, connectionString
  }

  case notASignature(Mistake?)
  /// The value of `sig` is no signature.
  case cut
  case fieldMissing(String)
  case repeatedField(String)
  /// A field of a request, not of a signature.
  case foreignField(String)
  case unreadableTime(String)
  /// It needs something else beside it in a request.
  case bound(String)
  case otherService
  case resourceTypes(String)
  case otherResource(String)
  case otherAddress(expected: String)
  case needsHTTPS
  /// Seconds since 1970.
  case expired(SignatureTerms, at: Int, now: Int)
  case lacksPermissions(String, SignatureTerms)
}

extension SignatureFault: CustomStringConvertible {
  /// What is wrong with it, as what follows its name; never any of its value.
  package var description: String {
    switch self {
    case .notASignature(.accountKey): "is an account key, not a shared access signature (SAS)"
    case .notASignature(.connectionString):
      "is a connection string, not a shared access signature (SAS)"
    case .notASignature(nil): "is not a shared access signature (SAS)"
    case .cut: "is a SAS whose signature (sig) is cut off or altered"
    case .fieldMissing(let name): "is a SAS without the field \(name)"
    case .repeatedField(let name): "has the field \(name) more than once"
    case .foreignField(let name): "has the field \(name), which is not a part of a SAS"
    case .unreadableTime(let name): "is a SAS whose \(name) is not a time"
    case .bound(let name): "is a SAS that holds only together with other credentials (\(name))"
    case .otherService: "is a SAS that does not cover the Blob service (ss has no b)"
    case .resourceTypes(let types):
      "is a SAS for the resource types \"\(types)\", without containers (c) or objects (o)"
    case .otherResource(let resource): "is a SAS for \(Self.name(ofResource: resource))"
    case .otherAddress(let expected): "is a SAS for another address than \(expected)"
    case .needsHTTPS: "is a SAS for https only (spr), but the blob endpoint is http"
    case .expired(let terms, let time, let now):
      "is \(terms.kind.withArticle) that expired at \(ISO8601.format(time)); this node's clock "
        + "shows \(ISO8601.format(now))"
    case .lacksPermissions(let lacking, let terms):
      "is \(terms), which lacks \(PermissionNames.list(lacking))"
    }
  }

  private static func name(ofResource resource: String) -> String {
    switch resource {
    case "b", "bs", "bv": "a single blob (sr=\(resource))"
    case "d": "a directory (sr=d)"
    default: "an unknown resource (sr=\(resource))"
    }
  }
}

/// Permissions of a SAS in words.
package enum PermissionNames {
  package static func list(_ letters: String) -> String {
    letters.map { "\(name(of: $0)) (\($0))" }.joined(separator: ", ")
  }

  private static func name(of letter: Character) -> String {
    switch letter {
    case "r": "read"
    case "w": "write"
    case "d": "delete"
    case "l": "list"
    case "i": "set immutability policy"
    default: "a permission"
    }
  }
}

extension StorageOperation {
  /// The permission of a SAS that the operation needs; `nil` where no SAS of a container has it.
  package var permission: Character? {
    switch self {
    case .putBlock, .putBlockList: "w"
    case .getBlob, .getBlobProperties, .getBlockList: "r"
    case .listBlobs: "l"
    case .deleteBlob: "d"
    case .getAccountInformation, .getContainerProperties: nil
    }
  }
}
