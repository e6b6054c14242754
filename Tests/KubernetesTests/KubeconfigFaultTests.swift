// Mistakes in a kubeconfig: each is told with its place, and never with a value.

import Certificates
import Hints
import Kubernetes
import Testing
import TestSupport

@Suite struct `A mistake in a kubeconfig` {
  static let context = KubeconfigEntry(kind: .context, name: "prod")
  static let cluster = KubeconfigEntry(kind: .cluster, name: "c1")
  static let user = KubeconfigEntry(kind: .user, name: "admin")

  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
  }

  func fault(of text: String) throws -> KubeconfigFault? {
    let path = try folder.write(text, to: "config")
    let error = try #require(throws: KubernetesError.self) { try APIServer.kubeconfig(at: path) }
    guard case .kubeconfig(path, let fault) = error else { return nil }
    #expect(error.isConfiguration)
    #expect(!error.isTransient)
    #expect(error.description.hasPrefix("kubeconfig \(path): "))
    return fault
  }

  @Test func `is a file that is not there`() {
    let path = "\(folder.path)/none"
    #expect(
      throws: KubernetesError.kubeconfig(
        file: path, .unreadable(reason: "there is no such file"))
    ) { try APIServer.kubeconfig(at: path) }
  }

  @Test(arguments: ["", "- a\n- b\n", "just text"])
  func `is a file without a mapping`(text: String) throws {
    let fault = try fault(of: text)
    #expect(
      fault == .notYAML(problem: "no mapping at the top", line: nil)
        || fault == .noCurrentContext(present: []))
  }

  @Test func `is YAML that cannot be read, and its line is told but not what stands in it`() throws
  {
    let fault = try #require(try fault(of: "kind: Config\nusers: [\"s3cret\n  {"))
    guard case .notYAML(_, let line) = fault else {
      Issue.record("\(fault)")
      return
    }
    #expect(line != nil)
    #expect(!"\(fault) \(fault.hint ?? "")".contains("s3cret"))
  }

  @Test func `is a control character, as a binary file has them`() throws {
    let fault = try fault(of: "kind: Config\u{0}\u{1}")
    #expect(fault == .notYAML(problem: "control characters are not allowed", line: nil))
  }

  @Test func `is a key that stands twice`() throws {
    let fault = try fault(of: "kind: Config\nusers: []\nusers: [s3cret]\n")
    #expect(
      fault == .notYAML(problem: "a key stands twice in one mapping", line: 3))
  }

  @Test(arguments: [
    ("x: &x {as: root}\nusers: [{name: admin, user: {<<: *x}}]\n", "the merge key <<"),
    ("users: [{name: admin, user: {token: !!binary YWJj}}]\n", "!!binary"),
  ])
  func `Y1 is a construct that would be misread, and it is named`(text: String, construct: String)
    throws
  {
    let fault = try #require(try fault(of: "kind: Config\n" + text))
    guard case .notYAML(let problem, _) = fault else {
      Issue.record("\(fault)")
      return
    }
    #expect(problem.hasPrefix(construct))
  }

  @Test func `is a missing current context`() throws {
    let fault = try fault(of: KubeconfigText(current: "").yaml)
    #expect(fault == .noCurrentContext(present: ["staging", "prod"]))
    #expect(fault?.hint?.contains("staging, prod") == true)
  }

  @Test func `is a context that is not there`() throws {
    let fault = try fault(of: KubeconfigText(current: "dev").yaml)
    #expect(
      fault == .noSuchEntry(.init(kind: .context, name: "dev"), present: ["staging", "prod"]))
    #expect(fault.map { "\($0)" } == #"there is no context "dev""#)
  }

  @Test func `is a cluster or user that is not there`() throws {
    #expect(
      try fault(of: KubeconfigText(current: "staging").yaml)
        == .noSuchEntry(.init(kind: .cluster, name: "elsewhere"), present: ["c1"]))
    let text = KubeconfigText().yaml.replacing("user: admin", with: "user: adnim")
    #expect(
      try fault(of: text) == .noSuchEntry(.init(kind: .user, name: "adnim"), present: ["admin"]))
  }

  @Test func `is a context without a cluster, or a cluster without a server`() throws {
    #expect(
      try fault(of: KubeconfigText().yaml.replacing("    cluster: c1\n", with: ""))
        == .missingField(Self.context, field: "cluster"))
    #expect(
      try fault(of: KubeconfigText(server: "").yaml)
        == .missingField(Self.cluster, field: "server"))
  }

  @Test(arguments: [
    "api.example:6443", "ftp://api.example", "https://", "https://:6443", "https://a:0",
    "https://a:b", "https://user:s3cret@api.example", "https://api.example?x=1",
    "https://api example", "https://[fd00::1", "https://[]:1", "[a]",
  ])
  func `is a server that is no URL of one`(server: String) throws {
    let fault = try #require(try fault(of: KubeconfigText(server: server).yaml))
    guard case .malformedField(Self.cluster, "server", _) = fault else {
      Issue.record("\(fault)")
      return
    }
    #expect(!"\(fault)".contains("s3cret"))
  }

  @Test(arguments: [
    "http://api.example", "http://10.0.0.1:8080", "http://127.example.com",
    "http://127.0.0.1.nip.io",
  ])
  func `is plain HTTP to another machine`(server: String) throws {
    #expect(try fault(of: KubeconfigText(server: server).yaml) == .plainHTTP(Self.cluster))
  }

  @Test func `is a file that a field names and that is not there, empty or something else`() throws
  {
    #expect(
      try fault(of: KubeconfigText(cluster: ["certificate-authority: pki/ca.crt"]).yaml)
        == .unusableFile(
          Self.cluster, field: "certificate-authority", path: "\(folder.path)/pki/ca.crt",
          reason: "there is no such file"))
    try folder.write("s3cret", to: "tls.key")
    #expect(
      try fault(
        of: KubeconfigText(
          user: ["client-key: tls.key", "client-certificate-data: \(base64(somePEM))"]
        ).yaml)
        == .certificate(
          Self.user,
          CertificateFault(name: "client-key \(folder.path)/tls.key", problem: .notPEM)))
    #expect(
      try fault(of: KubeconfigText(user: ["tokenFile: token"]).yaml)
        == .unusableFile(
          Self.user, field: "tokenFile", path: "\(folder.path)/token",
          reason: "there is no such file"))
  }

  @Test func `is inline data that is not base64`() throws {
    let fault = try fault(of: KubeconfigText(user: ["client-key-data: s3cret!"]).yaml)
    #expect(
      fault == .malformedField(Self.user, field: "client-key-data", expected: "PEM in base64"))
    #expect(fault.map { "\($0)".contains("s3cret") } == false)
  }

  @Test(arguments: [
    ("s3cret", CertificateFault.Problem.notPEM), ("", .empty),
    (TestCertificate.other.key, .otherKey(certificate: "client-certificate-data")),
    (
      TestCertificate.openssl(
        ["pkey", "-aes256", "-passout", "pass:x"], input: TestCertificate.ec.key), .encrypted
    ),
  ])
  func `K1 is a key that cannot be used`(key: String, problem: CertificateFault.Problem) throws {
    let data = key.isEmpty ? base64(" ") : base64(key)
    let fault = try fault(
      of: KubeconfigText(
        user: ["client-key-data: \(data)", "client-certificate-data: \(base64(somePEM))"]
      ).yaml)
    #expect(
      fault
        == .certificate(Self.user, CertificateFault(name: "client-key-data", problem: problem)))
  }

  @Test func `K1 is a certificate-authority-data without a certificate`() throws {
    let key = base64(TestCertificate.ec.key)
    let fault = try fault(of: KubeconfigText(cluster: ["certificate-authority-data: \(key)"]).yaml)
    #expect(
      fault.map { "\($0)" }
        == #"cluster "c1": certificate-authority-data holds no certificate, but a private key"#)
  }

  @Test func `is a client certificate without its key, or the other way round`() throws {
    let pem = base64(somePEM)
    #expect(
      try fault(of: KubeconfigText(user: ["client-certificate-data: \(pem)"]).yaml)
        == .halfAnIdentity(Self.user, missing: "client-key"))
    #expect(
      try fault(of: KubeconfigText(user: ["client-key-data: \(pem)"]).yaml)
        == .halfAnIdentity(Self.user, missing: "client-certificate"))
  }

  @Test func `is to skip verification next to a CA`() throws {
    let fields = [
      "insecure-skip-tls-verify: true", "certificate-authority-data: \(base64(somePEM))",
    ]
    #expect(
      try fault(of: KubeconfigText(cluster: fields).yaml) == .verificationBothOnAndOff(Self.cluster)
    )
  }

  @Test(arguments: [
    ("cluster", "insecure-skip-tls-verify: \"yes\"", "insecure-skip-tls-verify"),
    ("cluster", "tls-server-name: a b", "tls-server-name"),
    ("cluster", "tls-server-name: a/b", "tls-server-name"),
    ("cluster", "proxy-url: ftp://u:s3cret@proxy", "proxy-url"),
    ("user", "token: two s3cret", "token"),
    ("user", "token: [s3cret]", "token"),
  ])
  func `is a field of the wrong form`(section: String, line: String, field: String) throws {
    var text = KubeconfigText()
    if section == "cluster" { text.cluster = [line] } else { text.user = [line] }
    let fault = try #require(try fault(of: text.yaml))
    guard case .malformedField(_, field, _) = fault else {
      Issue.record("\(fault)")
      return
    }
    #expect(!"\(fault)".contains("s3cret"))
  }

  @Test(arguments: [
    ("auth-provider: {name: gcp}", "auth-provider"),
    ("username: s3cret", "username"), ("as: s3cret", "as"), ("as-groups: [s3cret]", "as-groups"),
    ("as-user-extra: {a: [s3cret]}", "as-user-extra"),
  ])
  func `is a way to log in that is not supported, and the hint says what is`(
    line: String, field: String
  ) throws {
    let fault = try #require(try fault(of: KubeconfigText(user: ["token: abc", line]).yaml))
    #expect(fault == .unsupported(Self.user, field: field))
    #expect("\(fault)" == #"user "admin": \#(field) is not supported"#)
    #expect(fault.hint?.hasSuffix(" ") == false)
  }

  @Test func `Y1 is a number or a boolean where a text belongs, as kubectl has it`() throws {
    for value in ["12345", "0x1F", "1e3", "true", "yes", ".inf"] {
      guard
        case .malformedField(Self.user, "token", _) = try fault(
          of: KubeconfigText(user: ["token: \(value)"]).yaml)
      else {
        Issue.record("\(value)")
        continue
      }
    }
  }

  @Test func `Y1 is an entry or a field that is there twice`() throws {
    let text = KubeconfigText().yaml + "- name: admin\n  user: {token: other}\n"
    #expect(try fault(of: text) == .twice(Self.user))
    let both = ["certificate-authority: ca.crt", "certificate-authority-data: \(base64(somePEM))"]
    #expect(
      try fault(of: KubeconfigText(cluster: both).yaml)
        == .both(Self.cluster, field: "certificate-authority"))
  }
}
