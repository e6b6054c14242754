// Exec plugins of a kubeconfig: scripts that print credentials, in front of a scripted server.

import FoundationEssentials
import Hints
import HTTP
import Kubernetes
import TestSupport
import Testing

@Suite struct `A plugin of a kubeconfig` {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
  }

  /// The lines of a user whose plugin is this script.
  func user(_ script: String, _ more: [String] = []) throws -> [String] {
    let path = try folder.write("#!/bin/sh\n\(script)\n", to: "plugin")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    return lines(["command: \(path)"] + more)
  }

  func lines(_ fields: [String]) -> [String] {
    let all =
      ["apiVersion: client.authentication.k8s.io/v1", "interactiveMode: Never"]
      .filter { line in !fields.contains { $0.hasPrefix(line.prefix { $0 != ":" }) } } + fields
    return ["exec:"] + all.map { "  \($0)" }
  }

  static func answer(_ status: String, version: String = "v1") -> String {
    """
    echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/\(version)",\
    "status":{\(status)}}'
    """
  }

  /// Prints another token each time.
  func counting(_ status: String = "") -> String {
    "echo x >> \(folder.path)/runs; n=$(wc -l < \(folder.path)/runs | tr -d ' ')\n"
      + #"echo "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\","#
      + #"\"status\":{\"token\":\"token-$n\"\#(status)}}""#
  }

  let environment = ["PATH": "/usr/bin:/bin"]

  func tokens(_ server: ScriptedServer) -> [String?] { server.requests.map { $0["authorization"] } }

  func fault(of user: [String], limit: Duration = .seconds(60)) throws -> PluginFault? {
    let server = ScriptedServer { _ in object(data: "{}") }
    let cluster = try Cluster.at(server, user: user, pluginLimit: limit, environment: environment)
    let error = try #require(throws: KubernetesError.self) { try cluster.configMap(named: "c") }
    #expect(server.requests.isEmpty)
    guard case .plugin(let fault) = error else {
      Issue.record("\(error)")
      return nil
    }
    #expect(error.isConfiguration != error.isTransient)
    #expect(error.hint == fault.hint && fault.hint != nil)
    return fault
  }

  // MARK: What works

  @Test func `A34: is run once, and its token serves every request`() throws {
    let server = ScriptedServer { _ in object(data: "{}") }
    let cluster = try Cluster.at(server, user: user(counting()), environment: environment)
    _ = try cluster.configMap(named: "c")
    _ = try cluster.configMap(named: "c")
    #expect(tokens(server) == ["Bearer token-1", "Bearer token-1"])
  }

  @Test func `A34: is run again before its credential ends`() throws {
    let server = ScriptedServer { _ in object(data: "{}") }
    let soon = ISO8601.format(Int(Date().timeIntervalSince1970) + 5)
    let cluster = try Cluster.at(
      server, user: user(counting(#",\"expirationTimestamp\":\"\#(soon)\""#)),
      environment: environment)
    _ = try cluster.configMap(named: "c")
    _ = try cluster.configMap(named: "c")
    #expect(tokens(server) == ["Bearer token-1", "Bearer token-2"])
  }

  @Test
  func `A34: is run again once where the server refuses its token, and the request is sent again`()
    throws
  {
    let server = ScriptedServer { request in
      request["authorization"] == "Bearer token-2"
        ? object(data: #"{"k":"v"}"#) : status(401, "Unauthorized", "Unauthorized")
    }
    let cluster = try Cluster.at(server, user: user(counting()), environment: environment)
    #expect(try cluster.configMap(named: "c") == ["k": "v"])
    #expect(tokens(server) == ["Bearer token-1", "Bearer token-2"])
  }

  @Test func `A34: is not run for ever where the server refuses every token`() throws {
    let server = ScriptedServer { _ in status(401, "Unauthorized", "Unauthorized") }
    let cluster = try Cluster.at(server, user: user(counting()), environment: environment)
    #expect(throws: KubernetesError.unauthorized(APICall("get", .configMaps, named: "c", in: "ns")))
    {
      try cluster.configMap(named: "c")
    }
    #expect(server.requests.count == 2)
  }

  @Test func `A34: that worked before is run again where it fails for a moment`() throws {
    let server = ScriptedServer { _ in object(data: "{}") }
    let soon = ISO8601.format(Int(Date().timeIntervalSince1970) + 5)
    let script =
      "[ \"$(cat \(folder.path)/runs 2>/dev/null)\" = x ] && echo x >> \(folder.path)/runs && exit 1\n"
      + counting(#",\"expirationTimestamp\":\"\#(soon)\""#)
    let cluster = try Cluster.at(server, user: user(script), environment: environment)
    _ = try cluster.configMap(named: "c")
    _ = try cluster.configMap(named: "c")
    #expect(tokens(server) == ["Bearer token-1", "Bearer token-3"])
  }

  @Test
  func `A34: is told the protocol, its arguments and its variables, and the cluster where it asks`()
    throws
  {
    let path = try folder.write("", to: "seen")
    let script = """
      { printf '%s\\n' "$KUBERNETES_EXEC_INFO"; printf '%s|' "$@" "$ONE" "$OURS"; } > \(path)
      \(Self.answer(#""token":"t0ken1""#))
      """
    let server = ScriptedServer { _ in object(data: "{}") }
    let text = KubeconfigText(
      server: server.url,
      cluster: [
        "extensions:", "- name: client.authentication.k8s.io/exec",
        "  extension: {a: [1, true, ~, text], b: '2'}", "- {name: other, extension: {c: d}}",
      ],
      user: try user(
        script,
        [
          "args: [get-token, 'two words', '']", "provideClusterInfo: true", "env:", "- name: ONE",
          "  value: '1'",
        ]
      ))
    let config = try folder.write(text.yaml, to: "config")
    let cluster = Cluster(
      try .kubeconfig(at: config, environment: environment.merging(["OURS": "ours"]) { $1 }),
      namespace: "ns", transport: Transport())
    _ = try cluster.configMap(named: "c")
    let seen = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    #expect(
      seen == [
        "{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"spec\":"
          + "{\"cluster\":{\"config\":{\"a\":[1,true,null,\"text\"],\"b\":\"2\"},\"server\":\"\(server.url)\"},"
          + "\"interactive\":false}}", "get-token|two words||1|ours|",
      ])
  }

  @Test func `A34: is found in PATH, beside the kubeconfig, and never in the current folder`()
    throws
  {
    let server = ScriptedServer { _ in object(data: "{}") }
    _ = try user(Self.answer(#""token":"t0ken1""#))
    for (command, path) in [("plugin", "/nowhere:\(folder.path)"), ("./plugin", "")] {
      let text = KubeconfigText(server: server.url, user: lines(["command: \(command)"]))
      let config = try folder.write(text.yaml, to: "config")
      let way = try APIServer.kubeconfig(at: config, environment: ["PATH": path])
      _ = try Cluster(way, namespace: "ns", transport: Transport()).configMap(named: "c")
    }
    for path in [".", "", "relative"] {
      let text = KubeconfigText(server: server.url, user: lines(["command: plugin"]))
      let config = try folder.write(text.yaml, to: "config")
      let way = try APIServer.kubeconfig(at: config, environment: ["PATH": path])
      #expect(throws: KubernetesError.self) {
        try Cluster(way, namespace: "ns", transport: Transport()).configMap(named: "c")
      }
    }
    #expect(server.requests.count == 2)
  }

  @Test func `A34: is not run where the kubeconfig itself says who we are`() throws {
    let server = ScriptedServer { _ in object(data: "{}") }
    let cluster = try Cluster.at(
      server, user: user("exit 1") + ["token: abcdef"], environment: environment)
    _ = try cluster.configMap(named: "c")
    #expect(tokens(server) == ["Bearer abcdef"])
  }

  // MARK: What does not

  @Test(arguments: [
    "echo", "echo rubbish", "echo '[]'", answer(""), answer(#""token":"""#),
    answer(#""token":"a b""#),
    answer(#""token":"t0ken1""#, version: "v1beta1"),
    #"echo '{"kind":"Other","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"t0ken1"}}'"#,
    #"echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1"}'"#,
    answer(#""clientCertificateData":"x""#), answer(#""token":"t0ken1","clientKeyData":"x""#),
    answer(#""token":"t0ken1","expirationTimestamp":"soon""#), answer(#""token":1"#),
  ])
  func `A35: that prints something else than a credential is refused, and not quoted`(
    script: String
  )
    throws
  {
    let fault = try #require(try fault(of: user(script)))
    guard case .unreadable = fault.problem else {
      Issue.record("\(fault)")
      return
    }
    #expect(!"\(fault) \(fault.hint ?? "")".contains("t0ken1"))
  }

  @Test func `A35: whose certificate and key do not belong together is refused`() throws {
    let fault = try fault(
      of: user(Self.answer(#""clientCertificateData":"x","clientKeyData":"y""#)))
    guard case .certificate? = fault?.problem else {
      Issue.record("\(String(describing: fault))")
      return
    }
  }

  @Test func `A35: whose credential has expired is refused with both times`() throws {
    let fault = try #require(
      try fault(
        of: user(Self.answer(#""token":"t0ken1","expirationTimestamp":"2020-01-01T00:00:00Z""#))))
    #expect("\(fault)".contains("2020-01-01T00:00:00Z"))
    #expect(fault.hint?.contains("clock") == true)
  }

  @Test func `A35: that fails is told with its status and its last line`() throws {
    let fault = try fault(of: user("echo first >&2; echo 'sign in first' >&2; echo; exit 7"))
    #expect(fault?.problem == .failed(status: 7, lastLine: "sign in first"))
  }

  @Test func `A35: that a signal ends, is told with it`() throws {
    #expect(try fault(of: user("kill -11 $$"))?.problem == .killed(signal: 11))
  }

  @Test func `A35: that never ends is killed`() throws {
    let fault = try fault(
      of: user("echo asking >&2; while :; do sleep 1; done"), limit: .seconds(1))
    guard case .tookTooLong(.seconds(1), _)? = fault?.problem else {
      Issue.record("\(String(describing: fault))")
      return
    }
  }

  @Test func `A35: that prints without end is killed`() throws {
    let script = "while :; do echo 0123456789012345678901234567890123456789; done"
    #expect(try fault(of: user(script))?.problem == .tooMuchOutput)
  }

  @Test func `A35: that is missing is told with the hint of the kubeconfig`() throws {
    let fault = try fault(of: lines(["command: no-such-plugin", "installHint: get it at example"]))
    #expect(fault?.problem == .missing(installHint: "get it at example"))
    #expect(fault?.hint?.contains("get it at example") == true)
  }

  @Test func `A35: that may not be run, or gets too much, is told in the kernel's words`() throws {
    let path = try folder.write("#!/bin/sh\n", to: "not-executable")
    let denied = try fault(of: lines(["command: \(path)"]))
    #expect(denied?.problem == .notStarted(reason: "Permission denied"))
    let huge = String(repeating: "x", count: 200_000)
    let fault = try fault(
      of: user("exit 0", ["env:", "- name: HUGE", "  value: \(huge)"]))
    #expect(fault?.problem == .tooMuchInput)
  }

  @Test func `A35: what it says is told without any token`() throws {
    let transport = Transport()
    var told: [String] = []
    transport.messageObserver = { line, _ in told.append(line) }
    let server = ScriptedServer { _ in object(data: "{}") }
    let script = """
      echo "got t0ken-of-plugin" >&2
      echo "debug: eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl." >&2
      echo "$MY_SECRET" >&2
      \(Self.answer(#""token":"t0ken-of-plugin""#))
      """
    let cluster = try Cluster.at(
      server, user: user(script, ["env: [{name: MY_SECRET, value: hidden-in-config}]"]),
      transport: transport, environment: environment)
    _ = try cluster.configMap(named: "c")
    #expect(told == ["got <redacted>", "debug: <redacted>", "<redacted>"])
  }

  // MARK: What the kubeconfig may say

  func kubeconfigFault(_ user: [String], allowingPlugins: Bool = true) throws -> KubeconfigFault? {
    let path = try folder.write(KubeconfigText(user: user).yaml, to: "config")
    let error = try #require(throws: KubernetesError.self) {
      try APIServer.kubeconfig(at: path, allowingPlugins: allowingPlugins)
    }
    #expect(error.isConfiguration && error.hint != "")
    guard case .kubeconfig(_, let fault) = error else { return nil }
    return fault
  }

  static let user = KubeconfigEntry(kind: .user, name: "admin")

  @Test func `A36: is refused where plugins are switched off`() throws {
    let fault = try kubeconfigFault(lines(["command: plugin"]), allowingPlugins: false)
    #expect(fault == .forbiddenPlugin(Self.user))
    #expect(fault?.hint?.contains("APP_KUBECONFIG_EXEC") == true)
  }

  @Test(arguments: [
    (["args: []"], "exec.command"), (["command: a", "apiVersion: ''"], "exec.apiVersion"),
    (["command: a", "interactiveMode: ''"], "exec.interactiveMode"),
    (["command: a", "env: [{value: b}]"], "exec.env.name"),
  ])
  func `A36: needs what kubectl needs`(fields: [String], missing: String) throws {
    #expect(try kubeconfigFault(lines(fields)) == .missingField(Self.user, field: missing))
  }

  @Test(arguments: [
    (["command: 1"], "exec.command"), (["command: a", "args: b"], "exec.args"),
    (["command: a", "args: [1]"], "exec.args"), (["command: a", "env: {b: c}"], "exec.env"),
    (["command: a", "env: [b]"], "exec.env"),
    (["command: a", "interactiveMode: Now"], "exec.interactiveMode"),
    (["command: a", "apiVersion: client.authentication.k8s.io/v1alpha1"], "exec.apiVersion"),
  ])
  func `A36: is refused where a field is of the wrong form`(fields: [String], field: String) throws
  {
    guard case .malformedField(_, field, _)? = try kubeconfigFault(lines(fields)) else {
      Issue.record("\(fields)")
      return
    }
  }

  @Test func `A36: that needs a terminal is refused`() throws {
    let fault = try kubeconfigFault(lines(["command: a", "interactiveMode: Always"]))
    #expect(fault == .interactivePlugin(Self.user))
  }
}
