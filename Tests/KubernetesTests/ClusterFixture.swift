// Clients of a scripted server, which speaks plain HTTP on this machine, as `kubectl proxy` does.

import HTTP
import Kubernetes
import TestSupport

extension RetryPolicy {
  /// Three tries without much waiting.
  static let brisk = RetryPolicy(
    maximumAttempts: 3, firstDelay: .milliseconds(1), longestDelay: .milliseconds(5))
}

extension Cluster {
  /// `user` is lines of the kubeconfig's user.
  static func at(
    _ server: ScriptedServer, user: [String] = [], namespace: String = "ns",
    transport: Transport = Transport(), retryPolicy: RetryPolicy = .brisk,
    maximumTokenAge: Duration = .seconds(60), pluginLimit: Duration = .seconds(60),
    environment: [String: String] = [:]
  ) throws -> Cluster {
    let folder = try TemporaryFolder()
    let path = try folder.write(
      KubeconfigText(server: server.url, user: user).yaml, to: "config")
    return Cluster(
      try .kubeconfig(at: path, environment: environment), namespace: namespace,
      transport: transport, retryPolicy: retryPolicy, maximumTokenAge: maximumTokenAge,
      pluginLimit: pluginLimit)
  }
}

/// A failure as an API server tells it.
func status(_ code: Int, _ reason: String, _ message: String = "because", details: String = "{}")
  -> ScriptedServer.Reply
{
  .response(
    code,
    json: """
      {"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",\
      "message":"\(message)","reason":"\(reason)","details":\(details),"code":\(code)}
      """)
}

/// The answer to whatever read or wrote these data.
func object(_ code: Int = 200, data: String) -> ScriptedServer.Reply {
  .response(code, json: #"{"kind":"X","apiVersion":"v1","metadata":{},"data":\#(data)}"#)
}
