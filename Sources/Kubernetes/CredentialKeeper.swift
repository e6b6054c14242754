// Holds what requests are sent with, and knows when to look for something newer.

internal import Certificates
internal import Glibc
internal import HTTP

final class CredentialKeeper {
  private let credentials: Credentials
  private let maximumAge: Duration
  private let pluginLimit: Duration
  private let transport: Transport
  private let retryPolicy: RetryPolicy
  private var token: BearerToken?
  private var readAt: ContinuousClock.Instant?
  /// Of the plugin.
  private var printed: ExecCredential?

  /// In seconds: a credential that ends this soon is not sent any more.
  private static let margin = 10

  init(
    _ credentials: Credentials, maximumAge: Duration, pluginLimit: Duration, transport: Transport,
    retryPolicy: RetryPolicy
  ) {
    self.credentials = credentials
    self.maximumAge = maximumAge
    self.pluginLimit = pluginLimit
    self.transport = transport
    self.retryPolicy = retryPolicy
  }

  /// The token to send now, from a file at most `maximumAge` old, and the client certificate that a
  /// plugin gave.
  func current(
    for call: APICall
  ) throws(KubernetesError) -> (token: BearerToken?, identity: ClientIdentity?) {
    switch credentials {
    case .none: return (nil, nil)
    case .token(let token): return (token, nil)
    case .tokenFile(let file): return (try read(file), nil)
    case .plugin(let plugin):
      if let printed, printed.expiry.map({ time(nil) + Self.margin < $0 }) ?? true {
        return (printed.token, printed.identity)
      }
      let new = try run(plugin, for: call)
      printed = new
      return (new.token, new.identity)
    }
  }

  /// Looks again at once, because the server did not take what was sent; says whether there is something
  /// else.
  func refresh(for call: APICall) throws(KubernetesError) -> Bool {
    let (token, identity) = (self.token ?? printed?.token, printed?.identity)
    readAt = nil
    if case .plugin(let plugin) = credentials { printed = try run(plugin, for: call) }
    let found = try current(for: call)
    return found.token != token || found.identity != identity
  }

  private func read(_ file: TokenFile) throws(KubernetesError) -> BearerToken? {
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

  /// One that worked before is run again where that may help: a run must not end over a moment without
  /// network.
  private func run(
    _ plugin: ExecPlugin, for call: APICall
  ) throws(KubernetesError) -> ExecCredential {
    var attempt = 1
    while true {
      do throws(PluginFault) {
        return try plugin.run(limit: pluginLimit, mustStop: { transport.mustStop }) { line in
          transport.report(line, of: plugin.command)
        }
      } catch {
        let failure = KubernetesError.plugin(error)
        try unlessStopped(call) { () throws(TransferError) in
          try transport.checkStop(plugin.command)
        }
        guard printed != nil, error.isTransient,
          let delay = retryPolicy.delay(
            after: attempt, retryAfter: nil, jitter: .random(in: 0..<1))
        else { throw failure }
        transport.report(Retry(attempt: attempt, delay: delay, cause: failure.description))
        attempt += 1
        try unlessStopped(call) { () throws(TransferError) in
          try transport.sleep(for: delay, before: plugin.command, after: failure.description)
        }
      }
    }
  }

  private func unlessStopped(
    _ call: APICall, _ wait: () throws(TransferError) -> Void
  ) throws(KubernetesError) {
    do throws(TransferError) {
      try wait()
    } catch {
      throw .transfer(call, error)
    }
  }
}
