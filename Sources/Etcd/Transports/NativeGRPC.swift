// An etcd server spoken to in native gRPC: protocol buffers over HTTP/2.

internal import Console
internal import FoundationEssentials
internal import HTTP

/// Costs etcd a third of what its gateway costs it, and knows none of the gateway's traps; the
/// common name of a client certificate is the etcd user here.
///
/// In the clear HTTP/2 is taken for granted, over TLS it is negotiated.
struct NativeGRPC: EtcdServer {
  let endpoint: Endpoint
  let transportName = "grpc"
  private let transport: Transport
  private let connection: Connection
  private var token: String?

  init(at endpoint: Endpoint, transport: Transport, connection: Connection) {
    self.endpoint = endpoint
    self.transport = transport
    var connection = connection
    connection.version = .http2
    self.connection = connection
  }

  // MARK: Calls

  mutating func probe(signingInAs credentials: Credentials?) throws(EtcdError) -> MemberStatus {
    do throws(EtcdError) {
      return try status()
    } catch .refused(_, _, let message)
      where Refusal(message) == .credentialsMissing && credentials != nil
    {
      try signIn(as: credentials)
      return try status()
    }
  }

  mutating func signIn(as credentials: Credentials?) throws(EtcdError) {
    guard let credentials, token == nil else { return }
    var question = ProtobufWriter()
    question.add(1, credentials.username.utf8)
    question.add(2, credentials.password.utf8)
    do throws(EtcdError) {
      token = try call("Auth/Authenticate", question, within: CallLimit.signIn).text(2)
      if let token { Secrets.register(token) }
    } catch .refused(_, _, let message) where Refusal.isAuthenticationOff(message) {
      return
    } catch .notGRPC(_, let status, _) {
      // What it says instead may repeat the password.
      throw .notGRPC(endpoint: endpoint, status: status, text: "no token")
    }
  }

  /// StatusResponse: 1 header, 2 version, 3 dbSize, 4 leader, 5 raftIndex, 6 raftTerm,
  /// 7 raftAppliedIndex, 8 errors, 10 isLearner.
  private func status() throws(EtcdError) -> MemberStatus {
    let response = try call("Maintenance/Status", ProtobufWriter(), within: CallLimit.status)
    guard let header = response.message(1), header.number(2) != 0 else {
      throw .strangeAnswer(
        endpoint: endpoint, call: "Maintenance/Status", status: 200, text: "no member id")
    }
    let leader = response.number(4)
    let applied = response.number(7)
    return MemberStatus(
      endpoint: endpoint, clusterID: header.number(1), memberID: header.number(2),
      version: response.text(2), databaseSize: response.number(3), revision: header.number(3),
      raftTerm: response.number(6), appliedIndex: applied == 0 ? response.number(5) : applied,
      tellsAppliedIndex: applied != 0,
      leaderID: leader == 0 ? nil : leader, isLearner: response.number(10) != 0,
      errors: response.texts(8))
  }

  /// RangeRequest: 1 key, 3 limit, 8 keys_only. Of RangeResponse only 1 header is of interest.
  func linearizableRevision() throws(EtcdError) -> UInt64 {
    var question = ProtobufWriter()
    question.add(1, [0])  // one zero byte: the first possible key, whether or not it exists
    question.add(3, 1)
    question.add(8, 1)
    let response = try call("KV/Range", question, within: CallLimit.linearizableRead)
    return try sureRevision(response.message(1)?.number(3), told: "KV/Range")
  }

  /// RangeRequest: 1 key, 2 range_end, 9 count_only; RangeResponse: 1 header, 4 count.
  func count() throws(EtcdError) -> KeyCount {
    var question = ProtobufWriter()
    question.add(1, [0])
    question.add(2, [0])  // from the zero byte to the zero byte: everything
    question.add(9, 1)
    let response = try call("KV/Range", question, within: CallLimit.linearizableRead)
    return KeyCount(keys: response.number(4), revision: response.message(1)?.number(3) ?? 0)
  }

  func openSnapshot(demandingLeader: Bool) throws(EtcdError) -> SnapshotMessages {
    let call = "Maintenance/Snapshot"
    var request = request(call, ProtobufWriter())
    if demandingLeader { request.headers.add("hasleader", "true") }
    let response: Response
    do throws(TransferError) {
      let download = try transport.download(request, over: connection)
      if Self.isGRPC(download.status, download.headers), GRPCStatus(download.headers) == nil {
        return SnapshotMessages(download, decoder: GRPCFrames(), from: endpoint)
      }
      let (status, headers) = (download.status, download.headers)
      response = Response(
        status: status, headers: headers, body: try download.readAll(limit: 64 * 1024))
    } catch {
      throw .unreachable(endpoint: endpoint, error)
    }
    throw fault(call, response)
  }

  // MARK: One call

  private func call(
    _ call: String, _ question: ProtobufWriter, within total: Duration
  ) throws(EtcdError) -> ProtobufMessage {
    var connection = connection
    connection.timeouts.total = total
    let response: Response
    do throws(TransferError) {
      response = try transport.send(
        request(call, question), over: connection, limit: CallLimit.responseSize)
    } catch {
      throw .unreachable(endpoint: endpoint, error)
    }
    guard Self.isGRPC(response.status, response.headers),
      GRPCStatus(response.trailers)?.code == 0,
      let message = Self.onlyMessage(in: response.body)
    else { throw fault(call, response) }
    return message
  }

  private func request(_ call: String, _ question: ProtobufWriter) -> Request {
    var headers: Headers = ["Content-Type": "application/grpc", "TE": "trailers"]
    if let token { headers.add("token", token) }
    let length = UInt32(question.bytes.count)
    let prefix = [0] + (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) }
    return Request(
      "POST", "\(endpoint)/etcdserverpb.\(call)", headers: headers,
      body: Payload(prefix + question.bytes))
  }

  private static func isGRPC(_ status: Int, _ headers: Headers) -> Bool {
    status == 200 && headers["content-type"]?.hasPrefix("application/grpc") == true
  }

  private static func onlyMessage(in body: [UInt8]) -> ProtobufMessage? {
    guard body.count >= GRPCFrames.headerSize, body[0] == 0,
      body[1..<5].reduce(0, { $0 << 8 | Int($1) }) == body.count - GRPCFrames.headerSize
    else { return nil }
    return ProtobufMessage(Array(body[GRPCFrames.headerSize...]))
  }

  /// A response without any message carries its status in the head.
  private func fault(_ call: String, _ response: Response) -> EtcdError {
    let status = GRPCStatus(response.trailers) ?? GRPCStatus(response.headers)
    if let status, status.code != 0, response.status == 200 {
      return .refused(endpoint: endpoint, call: call, message: status.message)
    }
    guard Self.isGRPC(response.status, response.headers) else {
      return .notGRPC(
        endpoint: endpoint, status: response.status, text: excerpt(response.body))
    }
    return .strangeAnswer(
      endpoint: endpoint, call: call, status: response.status, text: "no message or no gRPC status")
  }
}
