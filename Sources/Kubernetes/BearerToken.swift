// How we say who we are: a token as it stands, a token in a file that is replaced now and then, or nothing.

internal import Certificates
internal import Console
internal import FoundationEssentials
internal import HTTP

/// What goes behind `Authorization: Bearer`. Printing it in any way yields `<bearer token>`.
struct BearerToken: Sendable, Equatable {
  fileprivate let text: String

  /// Cuts blanks and line ends around it; `nil` where nothing is left or where something stands in
  /// it that cannot be sent in a header field.
  init?(_ text: String) {
    let trimmed = text[...].trimmingBlanks()
    guard !trimmed.isEmpty, trimmed.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
      return nil
    }
    self.text = String(trimmed)
    Secrets.register(self.text)
  }

  var headerValue: String { "Bearer \(text)" }
}

extension BearerToken: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  var description: String { "<bearer token>" }
  var debugDescription: String { description }
  var customMirror: Mirror { Mirror(self, children: []) }
}

/// A file that holds a token; service account tokens are replaced about once an hour.
struct TokenFile: Sendable, Equatable {
  let path: String
  /// What to use while the file cannot be.
  let fallback: BearerToken?

  func read() throws(UnreadableFile) -> BearerToken {
    do throws(UnreadableFile) {
      let bytes = try ReadFile.read(at: path)
      guard let token = BearerToken(String(decoding: bytes, as: UTF8.self)) else {
        throw UnreadableFile(reason: "it is empty, or holds something else than one token")
      }
      return token
    } catch {
      guard let fallback else { throw error }
      return fallback
    }
  }
}

enum Credentials: Sendable, Equatable {
  /// The server takes us for anonymous, or knows us by our client certificate.
  case none
  case token(BearerToken)
  case tokenFile(TokenFile)
  case plugin(ExecPlugin)
}
