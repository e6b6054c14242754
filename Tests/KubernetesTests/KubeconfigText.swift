// A kubeconfig with one context, cluster and user, as tests need it: fields are lines of YAML.

import Certificates
import FoundationEssentials
import HTTP
import TestSupport

struct KubeconfigText {
  var server = "https://api.example:6443"
  var cluster: [String] = []
  var user: [String] = []
  var context: [String] = []
  var current = "prod"

  var yaml: String {
    """
    apiVersion: v1
    kind: Config
    current-context: \(current)
    contexts:
    - name: staging
      context: {cluster: elsewhere, user: nobody}
    - name: prod
      context:
        cluster: c1
        user: admin
    \(lines(context))
    clusters:
    - name: c1
      cluster:
        server: \(server)
    \(lines(cluster))
    users:
    - name: admin
      user:
        # without a field of its own
    \(lines(user))

    """
  }

  private func lines(_ fields: [String]) -> String {
    fields.map { "    \($0)\n" }.joined()
  }
}

let somePEM = TestCertificate.ec.certificate
let otherPEM = TestCertificate.other.certificate

func authorities(_ pem: String) throws -> Connection.Trust {
  .authorities(try CertificateAuthorities(PEMText(Array(pem.utf8), named: "ca.crt")))
}

func base64(_ text: String) -> String {
  Data(text.utf8).base64EncodedString()
}
