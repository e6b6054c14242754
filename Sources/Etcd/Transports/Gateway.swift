// An etcd server spoken to through its gRPC gateway: JSON over HTTP/1.1.

internal import Console
internal import FoundationEssentials
internal import HTTP

/// See https://etcd.io/docs/v3.5/dev-guide/api_grpc_gateway/.
struct Gateway: EtcdServer {
  let endpoint: Endpoint
  let transportName = "gateway"
  private let transport: Transport
  private let connection: Connection
  private var prefix = Self.prefixes[0]
  private var token: String?

  /// etcd 3.4 and later answer under the first, 3.3 under the second, 3.2 under the third.
  private static let prefixes = ["/v3", "/v3beta", "/v3alpha"]

  init(at endpoint: Endpoint, transport: Transport, connection: Connection) {
    self.endpoint = endpoint
    self.transport = transport
    self.connection = connection
  }

  // MARK: Calls

  mutating func probe(signingInAs credentials: Credentials?) throws(EtcdError) -> MemberStatus {
    for prefix in Self.prefixes {
      self.prefix = prefix
      do throws(EtcdError) {
        return try status()
      } catch .noGateway {
        continue
      } catch .refused(_, _, let message)
        where Refusal(message) == .credentialsMissing && credentials != nil
      {
        try signIn(as: credentials)
        return try status()
      }
    }
    throw .noGateway(endpoint: endpoint)
  }

  mutating func signIn(as credentials: Credentials?) throws(EtcdError) {
    guard let credentials, token == nil else { return }
    struct Question: Encodable {
      let name: String
      let password: String
    }
    struct AuthenticateResponse: Decodable {
      let token: String
    }
    do throws(EtcdError) {
      let question = Question(name: credentials.username, password: credentials.password)
      let response: AuthenticateResponse = try call(
        "auth/authenticate", question, within: CallLimit.signIn)
      token = response.token
      Secrets.register(response.token)
    } catch .refused(_, _, let message) where Refusal.isAuthenticationOff(message) {
      return
    } catch .strangeAnswer(_, let call, let status, _) {
      // What it says instead may hold a token, or repeat the password.
      throw .strangeAnswer(endpoint: endpoint, call: call, status: status, text: "no token")
    }
  }

  private func status() throws(EtcdError) -> MemberStatus {
    struct Nothing: Encodable {}
    let response: StatusResponse = try call(
      "maintenance/status", Nothing(), within: CallLimit.status)
    guard let status = response.status(at: endpoint) else {
      throw .strangeAnswer(
        endpoint: endpoint, call: "maintenance/status", status: 200, text: "no member id")
    }
    return status
  }

  func linearizableRevision() throws(EtcdError) -> UInt64 {
    struct Question: Encodable {
      let key = "AA=="  // one zero byte: the first possible key, whether or not it exists
      let limit = "1"
      let keys_only = true
    }
    struct RangeResponse: Decodable {
      let header: StatusResponse.Header
    }
    let response: RangeResponse = try call(
      "kv/range", Question(), within: CallLimit.linearizableRead)
    return try sureRevision(response.header.revision?.value, told: "kv/range")
  }

  func count() throws(EtcdError) -> KeyCount {
    struct Question: Encodable {
      let key = "AA=="
      let range_end = "AA=="  // from the zero byte to the zero byte: everything
      let count_only = true
    }
    struct RangeResponse: Decodable {
      let header: StatusResponse.Header
      let count: LenientUInt64?
    }
    let response: RangeResponse = try call(
      "kv/range", Question(), within: CallLimit.linearizableRead)
    return KeyCount(
      keys: response.count?.value ?? 0, revision: response.header.revision?.value ?? 0)
  }

  func openSnapshot(demandingLeader: Bool) throws(EtcdError) -> SnapshotMessages {
    var request = request("maintenance/snapshot", Data("{}".utf8))
    if demandingLeader { request.headers.add("Grpc-Metadata-Hasleader", "true") }
    let status: Int
    let body: [UInt8]
    do throws(TransferError) {
      let download = try transport.download(request, over: connection)
      if download.status == 200 {
        return SnapshotMessages(download, decoder: GatewayLines(), from: endpoint)
      }
      status = download.status
      body = try download.readAll(limit: 64 * 1024)
    } catch {
      throw .unreachable(endpoint: endpoint, error)
    }
    throw fault("maintenance/snapshot", status: status, body: body)
  }

  // MARK: One call

  private func call<Decoded: Decodable>(
    _ path: String, _ question: some Encodable, within total: Duration
  ) throws(EtcdError) -> Decoded {
    let body: Data
    do { body = try JSONEncoder().encode(question) } catch {
      preconditionFailure("a question of plain fields could not be encoded: \(error)")
    }
    var connection = connection
    connection.timeouts.total = total
    let response: Response
    do throws(TransferError) {
      response = try transport.send(
        request(path, body), over: connection, limit: CallLimit.responseSize)
    } catch {
      throw .unreachable(endpoint: endpoint, error)
    }
    guard response.status == 200 else {
      throw fault(path, status: response.status, body: response.body)
    }
    guard let decoded = try? JSONDecoder().decode(Decoded.self, from: Data(response.body)) else {
      throw .strangeAnswer(
        endpoint: endpoint, call: path, status: 200, text: excerpt(response.body))
    }
    return decoded
  }

  private func request(_ path: String, _ body: Data) -> Request {
    var headers: Headers = ["Content-Type": "application/json"]
    // Bare, without "Bearer": that is what every release understands.
    if let token { headers.add("Authorization", token) }
    return Request("POST", "\(endpoint)\(prefix)/\(path)", headers: headers, body: Payload(body))
  }

  private func fault(_ path: String, status: Int, body: [UInt8]) -> EtcdError {
    if let fault = GatewayFault(body: body), fault.code != 5 || status != 404 {
      return .refused(endpoint: endpoint, call: path, message: fault.message)
    }
    if status == 404 { return .noGateway(endpoint: endpoint) }
    return .strangeAnswer(endpoint: endpoint, call: path, status: status, text: excerpt(body))
  }
}
