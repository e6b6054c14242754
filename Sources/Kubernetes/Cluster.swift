// A client for one namespace of a Kubernetes cluster: reads Secrets, reads and writes ConfigMaps.

package import HTTP

/// The Secrets and ConfigMaps of one namespace.
///
/// ```swift
/// let key = try cluster.secret(named: "credentials").text("storage-key")
/// try cluster.record(["backup-path": path], inConfigMap: "record")
/// ```
///
/// Whatever may pass by itself is tried again in bounds; see `KubernetesError.isTransient`.
package struct Cluster {
  package let namespace: String
  private let server: APIServer
  private let transport: Transport
  private let retryPolicy: RetryPolicy
  private let keeper: CredentialKeeper

  /// Patient enough to hear the server out, which itself gives up on a request after 34 seconds.
  package static let timeouts = {
    var timeouts = Connection.Timeouts()
    timeouts.stall = .seconds(40)
    timeouts.total = .seconds(60)
    return timeouts
  }()

  /// In bytes. Secrets and ConfigMaps hold up to 1 MiB, in base64 a third more; to decode JSON takes
  /// twenty times its size.
  private static let largestObject = 2 << 20

  /// `maximumTokenAge`: for how long a token from a file is used before the file is read again.
  /// `pluginLimit`: how long the kubeconfig's plugin may take.
  package init(
    _ server: APIServer, namespace: String, transport: Transport,
    retryPolicy: RetryPolicy = .standard, timeouts: Connection.Timeouts = timeouts,
    maximumTokenAge: Duration = .seconds(60), pluginLimit: Duration = .seconds(60)
  ) {
    var server = server
    server.connection.timeouts = timeouts
    self.server = server
    self.namespace = namespace
    self.transport = transport
    self.retryPolicy = retryPolicy
    keeper = CredentialKeeper(
      server.credentials, maximumAge: maximumTokenAge, pluginLimit: pluginLimit,
      transport: transport, retryPolicy: retryPolicy)
  }

  package func secret(named name: String) throws(KubernetesError) -> Secret {
    let object = try perform(APICall("get", .secrets, named: name, in: namespace), "GET")
      .decoded(as: DataObject.self)
    return Secret(name: name, namespace: namespace, encoded: object.data ?? [:])
  }

  /// Whether the API server's access rules would let us do this.
  package func canI(
    _ verb: String, _ resource: APICall.Resource, named name: String? = nil
  ) throws(KubernetesError) -> Bool {
    let question = AccessReview(of: APICall(verb, resource, named: name, in: namespace))
    let call = APICall("create", .accessReviews, named: nil, in: namespace)
    return try perform(call, "POST", body: JSON.encode(question))
      .decoded(as: AccessReview.Response.self).status.allowed
  }
}

// MARK: - Requests

extension Cluster {
  /// Sends a request, again where that may help, until it succeeds.
  func perform(
    _ call: APICall, _ method: String, body: [UInt8]? = nil,
    contentType: String = "application/json"
  ) throws(KubernetesError) -> CallResponse {
    var attempt = 1
    var hasRefreshed = false
    while true {
      let credential = try keeper.current(for: call)
      let request = makeRequest(call, method, body, contentType, credential.token)
      var connection = server.connection
      if let identity = credential.identity { connection.identity = identity }
      let result = Result { () throws(TransferError) in
        try transport.send(request, over: connection, limit: Self.largestObject)
      }
      let failure: KubernetesError
      var retryAfter: Duration?
      switch result {
      case .success(let response) where response.isSuccess:
        return CallResponse(call: call, body: response.body)
      case .success(let response):
        if response.status == 401, !hasRefreshed {
          hasRefreshed = true
          if try keeper.refresh(for: call) { continue }
        }
        let status = APIStatus(response)
        failure = KubernetesError(response.status, status, to: call)
        retryAfter = response.retryAfter ?? status?.retryAfter
      case .failure(let error):
        failure = .transfer(call, error)
      }
      guard failure.isTransient,
        let delay = retryPolicy.delay(
          after: attempt, retryAfter: retryAfter, jitter: .random(in: 0..<1))
      else { throw failure }
      transport.report(
        Retry(attempt: attempt, delay: delay, cause: failure.description))
      attempt += 1
      try pause(for: delay, before: request, of: call, after: failure)
    }
  }

  private func makeRequest(
    _ call: APICall, _ method: String, _ body: [UInt8]?, _ contentType: String,
    _ token: BearerToken?
  ) -> Request {
    var request = Request(method, server.url + call.path)
    request.headers["Accept"] = "application/json"
    // Where the URL's host is only the certificate's name, the server still goes by its own.
    if let address = server.connection.address { request.headers["Host"] = address }
    if let token { request.headers["Authorization"] = token.headerValue }
    if let body {
      request.headers["Content-Type"] = contentType
      request.body = Payload(body)
      if call.resource == .configMaps {
        // The name under which the change is booked in the object's `managedFields`.
        request.url += "?fieldManager=etcd-backup"
      }
    }
    return request
  }

  private func pause(
    for delay: Duration, before request: Request, of call: APICall, after failure: KubernetesError
  ) throws(KubernetesError) {
    do throws(TransferError) {
      try transport.sleep(
        for: delay, before: request.summary, after: failure.description)
    } catch {
      throw .transfer(call, error)
    }
  }
}

/// The body of a successful response, and of which call it is.
struct CallResponse {
  let call: APICall
  let body: [UInt8]

  /// The decoder's own words are dropped: they may quote what it read, and that may be a Secret.
  func decoded<Object: Decodable>(as type: Object.Type) throws(KubernetesError) -> Object {
    guard let object = JSON.decode(type, from: body) else { throw .unreadableAnswer(call) }
    return object
  }
}
