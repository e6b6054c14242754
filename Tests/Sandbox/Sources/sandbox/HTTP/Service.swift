// What the blob service and the Kubernetes API have in common.

/// One of the two services, behind one or more ports.
protocol Service: Sendable {
  /// As rules and the request log call it: `blob` or `kubernetes`.
  var name: String { get }

  /// The operation's name for rules and the log; the request may still turn out to be refused.
  func operation(of call: Call) -> String

  /// Carries the request out. The service itself applies faults that change what it stores.
  func answer(_ call: Call, body: inout IncomingBody, fault: FaultAction?) throws -> Answer

  /// The answer to a request that ended in `error`.
  func refusal(_ error: any Error, of call: Call) -> Answer

  /// The answer a `status` fault asks for, in this service's own error format.
  func scripted(_ fault: FaultAction, for call: Call) -> Answer
}
