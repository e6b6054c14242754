// A program that a kubeconfig names, which prints the credential of its user: an exec plugin.
//
// See https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins.

internal import Console
internal import Glibc
internal import SystemCalls

/// Printing it in any way yields its command only: its environment may hold secrets.
struct ExecPlugin: Sendable, Equatable {
  let entry: KubeconfigEntry
  /// As the kubeconfig has it, but absolute where it names a file.
  let command: String
  let arguments: [String]
  /// `PATH` of our environment.
  let searchPath: String
  /// Ours, and what the kubeconfig adds.
  let environment: [String: String]
  /// Of the protocol, such as `client.authentication.k8s.io/v1`.
  let version: String
  /// What the kubeconfig tells those who have no such program.
  let installHint: String?

  /// Runs the program; `mustStop` is asked all the while, and `tell` gets what it printed on its standard
  /// error, line by line, once that shows no token any more.
  func run(
    limit: Duration, mustStop: () -> Bool, tell: (String) -> Void
  ) throws(PluginFault) -> ExecCredential {
    let path = try self.path()
    let end = ContinuousClock.now + limit
    let result: ProgramResult
    do throws(SystemError) {
      result = try ChildProgram.run(path, arguments, environment: environment) {
        mustStop() || .now >= end
      }
    } catch {
      throw fault(
        error.code == E2BIG ? .tooMuchInput : .notStarted(reason: error.description))
    }
    // Before anything is told: reading it registers its secrets.
    let response = Result { () throws(PluginFault.Problem) in
      try ExecCredential(result.output, version: version)
    }
    let lines = Self.lines(of: result.messages)
    lines.forEach(tell)
    switch result.end {
    case .exited(0): break
    case .exited(let status): throw fault(.failed(status: status, lastLine: lines.last))
    case .killed(let signal): throw fault(.killed(signal: signal))
    case .stopped: throw fault(.tookTooLong(limit, lastLine: lines.last))
    case .tooMuchOutput: throw fault(.tooMuchOutput)
    }
    do throws(PluginFault.Problem) {
      return try response.get()
    } catch {
      throw fault(error)
    }
  }

  /// A name without a slash is looked for in `PATH`, but never in the folder that happens to be the
  /// current one.
  private func path() throws(PluginFault) -> String {
    if command.contains("/") {
      guard Self.isThere(command) else { throw fault(.missing(installHint: installHint)) }
      return command
    }
    for folder in searchPath.split(separator: ":") where folder.hasPrefix("/") {
      let path = "\(folder)/\(command)"
      if Self.isThere(path) { return path }
    }
    throw fault(.missing(installHint: installHint))
  }

  private static func isThere(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

  private func fault(_ problem: PluginFault.Problem) -> PluginFault {
    PluginFault(entry: entry, command: command, problem: problem)
  }

  /// Not empty, without secrets, and not too long for a log.
  private static func lines(of bytes: [UInt8]) -> [String] {
    let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
      .filter { !$0.allSatisfy(\.isWhitespace) }
    // A plugin that tells what it does may show a token that it does not hand out.
    for word in lines.joined(separator: " ").split(whereSeparator: { !isOfToken($0) })
    where word.hasPrefix("eyJ") && word.contains(".") {
      Secrets.register(String(word))
    }
    return lines.suffix(100).map { String(Secrets.redact(String($0)).prefix(500)) }
  }

  private static func isOfToken(_ character: Character) -> Bool {
    character.isASCII && (character.isLetter || character.isNumber || "-_.".contains(character))
  }
}

extension ExecPlugin: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  var description: String { "<plugin \(command)>" }
  var debugDescription: String { description }
  var customMirror: Mirror { Mirror(self, children: []) }
}
