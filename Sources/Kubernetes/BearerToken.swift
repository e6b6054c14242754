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
}

/// Holds the token that requests are sent with, and knows when to look for a newer one.
final class TokenKeeper {
  private let credentials: Credentials
  private let maximumAge: Duration
  private var token: BearerToken?
  private var readAt: ContinuousClock.Instant?

  init(_ credentials: Credentials, maximumAge: Duration) {
    self.credentials = credentials
    self.maximumAge = maximumAge
  }

  /// The token to send now, at most `maximumAge` old.
  func current() throws(KubernetesError) -> BearerToken? {
    switch credentials {
    case .none: return nil
    case .token(let token): return token
    case .tokenFile(let file):
      if let token, let readAt, readAt.duration(to: .now) < maximumAge { return token }
      do throws(UnreadableFile) {
        token = try file.read()
      } catch {
        // The one that we had may still be good; the server will tell.
        guard token != nil else {
          throw .unusableFile(path: file.path, role: .token, reason: error.reason)
        }
      }
      readAt = .now
      return token
    }
  }

  /// Looks again at once, because the server did not take the token; says whether there is another.
  func refresh() throws(KubernetesError) -> Bool {
    let refused = token
    readAt = nil
    return try current() != refused
  }
}
