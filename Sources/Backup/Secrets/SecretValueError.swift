// Why a value is not to be read from a folder or from the environment.

internal import HTTP

enum SecretValueError: OperatorError, Equatable {
  case unreadableFolder(String)
  case noFile(String, folder: String, present: [String])
  case unreadableFile(String, reason: String)
  case noText(String)
  case empty(String)
  case noVariable(String)

  var description: String {
    switch self {
    case .unreadableFolder(let path): "the folder \(path) is missing or cannot be read"
    case .noFile(let key, let folder, let present):
      "the folder \(folder) has no file \(key); it has "
        + (present.isEmpty ? "none" : present.prefix(20).joined(separator: ", "))
    case .unreadableFile(let path, let reason): "\(path): \(reason)"
    case .noText(let name): "\(name) is not text"
    case .empty(let name): "\(name) is empty"
    case .noVariable(let name): "\(name) is not set"
    }
  }

  var hint: String? {
    switch self {
    case .unreadableFolder: "Mount the folder, and allow this user to read it."
    case .noFile: "Name the file like the key of the Secret, or correct the path of the folder."
    case .unreadableFile: "Correct the path, or allow this user to read the file."
    case .noText, .empty: "Store the value there as the portal shows it."
    case .noVariable(let name): "Set \(name), or name a Secret or a folder."
    }
  }

  var isConfiguration: Bool { true }
  var stopReason: StopReason? { nil }
}
