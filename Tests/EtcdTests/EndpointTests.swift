// Client URLs of etcd: what is one, and what only looks like one.

import Etcd
import HTTP
import Testing

@Suite struct `An endpoint` {
  @Test(arguments: [
    ("http://etcd-0.etcd:2379", ServerURL.Scheme.http, "etcd-0.etcd", 2379),
    (
      "https://service-catalog-etcd-stateful-client.kyma-system.svc.cluster.local:2379", .https,
      "service-catalog-etcd-stateful-client.kyma-system.svc.cluster.local", 2379
    ),
    ("https://10.0.0.7:443", .https, "10.0.0.7", 443),
    ("http://localhost:1", .http, "localhost", 1),
    ("http://my_host:65535", .http, "my_host", 65_535),
    ("https://[::1]:32379", .https, "[::1]", 32_379),
    ("http://[::ffff:10.0.0.7]:2379", .http, "[::ffff:10.0.0.7]", 2379),
  ])
  func `is scheme, host and port`(
    text: String, scheme: ServerURL.Scheme, host: String, port: Int
  ) throws {
    let endpoint = try #require(Endpoint(text))
    #expect(endpoint.scheme == scheme)
    #expect(endpoint.host == host)
    #expect(endpoint.port == port)
    #expect(endpoint.description == text)
  }

  @Test(arguments: [
    ("http://etcd", "http://etcd:2379"), ("https://etcd/", "https://etcd:2379"),
    ("https://[::1]", "https://[::1]:2379"), ("https://[::1]/", "https://[::1]:2379"),
    ("http://etcd:4001/", "http://etcd:4001"), ("HTTP://Etcd:1//", "http://etcd:1"),
  ])
  func `has etcd's own port unless it says otherwise, and needs no slash`(
    text: String, description: String
  ) {
    #expect(Endpoint(text)?.description == description)
  }

  @Test func `is the same as another way to write it`() {
    #expect(Endpoint("https://etcd") == Endpoint("https://etcd:2379/"))
    #expect(Endpoint("https://etcd") != Endpoint("http://etcd"))
  }

  @Test(arguments: [
    "", "etcd", "etcd:2379", "//etcd:2379", "://etcd:2379", "://http://etcd:2379",
    "http:/etcd:2379", "http:etcd:2379", "http://", "http:///", "http://:2379",
    "ftp://etcd:2379", "unix://etcd.sock", "grpc://etcd:2379", " http://etcd", "http://etcd ",
    "http://et cd", "http://etcd:", "http://etcd:0", "http://etcd:65536", "http://etcd:-1",
    "http://etcd:+80", "http://etcd:2379a", "http://etcd/v3",
    "http://etcd:2379/v3", "http://etcd:2379?a=b", "http://etcd#x", "http://root@etcd:2379",
    "http://root:pw@etcd:2379", "http://::1:2379", "http://[::1", "http://::1]:2379",
    "http://[]:2379", "http://[etcd]:2379", "http://[::1]x:2379", "http://étcd:2379",
    "http://etcd\n:2379", "http://a,b:2379", "http://a://b", "http://[１::1]:2379",
    "http://[fe80::1%25eth0]:2379",
  ])
  func `is nothing else`(text: String) {
    #expect(Endpoint(text) == nil)
  }
}
