// Nothing that is secret shows, however it is printed.

import Hints
import HTTP
import Kubernetes
import Testing
import TestSupport

@Suite struct `Redaction` {
  func everyWayToPrint(_ value: Any) -> String {
    var dumped = ""
    dump(value, to: &dumped)
    return dumped + String(describing: value) + String(reflecting: value) + "\(value)"
  }

  @Test func `hides the values of a Secret`() throws {
    let server = ScriptedServer(script: [object(data: #"{"k":"\#(base64("s3cret"))"}"#)])
    let printed = everyWayToPrint(try Cluster.at(server).secret(named: "abs"))
    #expect(printed.contains("Secret ns/abs"))
    #expect(!printed.contains("s3cret"))
    #expect(!printed.contains(base64("s3cret")))
  }

  @Test func `hides token, key and proxy password of an API server and its client`() throws {
    let folder = try TemporaryFolder()
    let (certificate, key) = (TestCertificate.ec.certificate, TestCertificate.ec.key)
    let text = KubeconfigText(
      cluster: ["proxy-url: http://u:s3cret@proxy"],
      user: [
        "token: s3cret", "client-certificate-data: \(base64(certificate))",
        "client-key-data: \(base64(key))",
      ])
    let server = try APIServer.kubeconfig(at: folder.write(text.yaml, to: "config"))
    let cluster = Cluster(server, namespace: "ns", transport: Transport())
    for value in [server, [server], cluster] as [Any] {
      let printed = everyWayToPrint(value)
      #expect(printed.contains("https://api.example:6443"))
      #expect(!printed.contains("s3cret"))
      #expect(!printed.contains(key.split(separator: "\n")[1]))
      #expect(!printed.contains("45, 45, 45, 45, 45, 66"))  // bytes of PEM
    }
  }

  @Test func `hides the token after it was used`() throws {
    let server = ScriptedServer(script: [object(data: "{}")])
    let folder = try TemporaryFolder()
    let path = try folder.write("s3cret", to: "token")
    let cluster = try Cluster.at(server, user: ["tokenFile: \(path)"])
    _ = try cluster.secret(named: "abs")
    #expect(server.requests.first?["authorization"] == "Bearer s3cret")
    #expect(!everyWayToPrint(cluster).contains("s3cret"))
  }

  @Test(arguments: [
    #"{"data":{"k":["s3cret"]}}"#, #"s3cret"#, #"{"data":"s3cret"}"#, "",
  ])
  func `hides an answer that cannot be read`(body: String) throws {
    let server = ScriptedServer(script: [.response(200, json: body)])
    let cluster = try Cluster.at(server)
    let error = try #require(throws: KubernetesError.self) { try cluster.secret(named: "abs") }
    #expect(error == .unreadableAnswer(APICall("get", .secrets, named: "abs", in: "ns")))
    #expect(!everyWayToPrint(error).contains("s3cret"))
  }

  @Test func `hides what the server says about an invalid Secret, but not about a ConfigMap`()
    throws
  {
    // Not the secret that other tests have this process redact.
    let server = ScriptedServer { _ in status(422, "Invalid", "data: quoted-value") }
    let cluster = try Cluster.at(server)
    let ofSecret = try #require(throws: KubernetesError.self) { try cluster.secret(named: "a") }
    #expect(!everyWayToPrint(ofSecret).contains("quoted-value"))
    let ofConfigMap = try #require(throws: KubernetesError.self) {
      try cluster.configMap(named: "a")
    }
    #expect("\(ofConfigMap)".contains("data: quoted-value"))
  }

  @Test func `hides an answer that is no Status`() throws {
    let server = ScriptedServer { _ in .response(404, text: "s3cret page not found") }
    let cluster = try Cluster.at(server)
    let error = try #require(throws: KubernetesError.self) { try cluster.secret(named: "a") }
    #expect(!everyWayToPrint(error).contains("s3cret"))
    #expect(error.hint?.contains("a proxy in front of it") == true)
  }
}
