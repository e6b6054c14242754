// What to do where a request got no whole response.

package import HTTP

extension TransferError {
  /// `nil` where only another attempt helps.
  package var hint: String? {
    switch kind {
    case .unknownHost: "Is the host name right, and can this pod reach a DNS server?"
    case .unusableProxy:
      "Write the proxy as http://USER:PASSWORD@HOST:PORT, with special characters of user and "
        + "password percent-encoded, in https_proxy or in the kubeconfig's proxy-url."
    case .unknownProxy:
      "Correct the proxy's name in https_proxy, or add the host to no_proxy."
    case .refusedByProxy:
      "Add the proxy's user and password to https_proxy, allow this host on the proxy, or add the "
        + "host to no_proxy."
    case .noConnection:
      "Is the server running, and does a network policy or firewall let this pod reach it?"
    case .untrustedServer:
      "Does the configured CA sign the server's certificate, and does it name this host?"
    case .refusedIdentity:
      "Is the client certificate signed by the CA that the server trusts, and not expired?"
    case .unusableCredentials:
      "Are the PEM texts whole, and does the key belong to the certificate?"
    case .handshakeFailed:
      "Do the URL's scheme and port speak TLS, and does the server demand a client certificate?"
    case .notHTTP: "Is this the right port? It may serve gRPC only, or TLS where the URL says http."
    case .stopped(.deadline) where detail.isEmpty:
      "Raise APP_BACKUP_TIMEOUT if such a run may take longer."
    case .stopped(.deadline):
      "Fix the error above. If it is temporary, raise APP_BACKUP_TIMEOUT."
    case .timedOut, .stalled: "Is the server overloaded, or does a proxy hold the connection?"
    case .cutShort, .answerTooLarge, .stopped(.terminated), .libraryFailed, .other: nil
    }
  }
}
