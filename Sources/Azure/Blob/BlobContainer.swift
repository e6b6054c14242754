// One container of a storage account: where uploads, listings, downloads and deletions start.
//
// Every attempt of every request is dated, named and authorised anew, and transient failures are
// tried again as the retry policy says.

package import HTTP
internal import FoundationEssentials

/// A container and what opens it.
///
/// ```swift
/// let container = BlobContainer(name, of: endpoint, credential: credential, transport: transport)
/// let blob = try container.properties(of: blobName)  // nil where there is none
/// ```
package struct BlobContainer {
  package private(set) var name: ContainerName
  package let endpoint: StorageEndpoint
  let transport: Transport
  let connection: Connection
  let retryPolicy: RetryPolicy
  let clock: () -> Int
  package let credential: StorageCredential
  private let random: () -> UInt64

  private let version: ServiceVersion

  /// `clock` tells the seconds since 1970; `random` gives 64 random bits, for the jitter between
  /// attempts and for the ids of requests.
  package init(
    _ name: ContainerName, of endpoint: StorageEndpoint, credential: StorageCredential,
    version: ServiceVersion = .standard, transport: Transport,
    connection: Connection = Connection(),
    retryPolicy: RetryPolicy = .standard,
    clock: @escaping () -> Int = { Int(Date().timeIntervalSince1970) },
    random: @escaping () -> UInt64 = { .random(in: .min ... .max) }
  ) {
    self.name = name
    self.endpoint = endpoint
    self.transport = transport
    self.connection = connection
    self.retryPolicy = retryPolicy
    self.version = version
    self.credential = credential
    self.clock = clock
    self.random = random
  }

  /// Another container of the same account, reached in the same way.
  package func sibling(named name: ContainerName) -> BlobContainer {
    var sibling = self
    sibling.name = name
    return sibling
  }

  // MARK: Addresses

  var path: String { "\(endpoint.url.path)/\(name)" }

  func path(of blob: BlobName) -> String {
    "\(path)/\(PercentEncoding.encodePath(blob.description))"
  }

  /// Without its query: fit for logs and errors.
  func url(of request: StorageRequest) -> String { endpoint.url.origin + request.path }

  func url(of blob: BlobName) -> String { endpoint.url.origin + path(of: blob) }

  // MARK: Sending

  /// Sends a request, as often as the retry policy allows, until it succeeds.
  func send(_ request: StorageRequest) throws(AzureError) -> Response {
    var attempt = 1
    var before: AzureError?
    while true {
      do throws(AzureError) {
        return try sendOnce(request, attempt: attempt)
      } catch {
        guard let delay = delay(after: error, and: before, attempt: attempt) else { throw error }
        try sleep(for: delay, before: request, after: error)
        attempt += 1
        before = error
      }
    }
  }

  /// Sends a request and waits for its answer; `attempt` only tells in an error how many there were.
  func sendOnce(_ request: StorageRequest, attempt: Int) throws(AzureError) -> Response {
    let exchange = try start(request)
    defer { transport.cancel(exchange) }
    let result = Result { () throws(TransferError) in try transport.finish(exchange) }
    return try judge(result, of: request, sentAs: exchange.request, attempt: attempt)
  }

  /// Puts one attempt of a request on the wire.
  ///
  /// On a kept connection that died in the meantime libcurl repeats it by itself, unchanged; so
  /// nothing may be asked of the service that must not arrive twice.
  func start(_ request: StorageRequest) throws(AzureError) -> Exchange {
    transport.start(try authorized(request), over: connection)
  }

  /// The request as this very moment's attempt sends it.
  func authorized(_ request: StorageRequest) throws(AzureError) -> Request {
    var request = request
    request.headers["x-ms-date"] = HTTPDate.format(clock())
    request.headers["x-ms-version"] = version.description
    request.headers["x-ms-client-request-id"] = "\(RunID(random()))\(RunID(random()))"
    try credential.authorize(&request)
    return Request(
      request.method, endpoint.url.origin + request.target, headers: request.headers,
      body: request.body)
  }

  /// The answer, where it says that the request succeeded.
  func judge(
    _ result: Result<Response, TransferError>, of request: StorageRequest, sentAs sent: Request,
    attempt: Int
  ) throws(AzureError) -> Response {
    switch result {
    case .failure(let error):
      throw .unanswered(request.operation, error, attempts: attempt)
    case .success(let response):
      guard request.operation.succeeds(with: response.status) else {
        var refusal = refusal(response, of: request)
        refusal.isCredentialReplaced = credential.replace(after: refusal, of: sent)
        throw .refused(refusal, attempts: attempt)
      }
      credential.noteAcceptance(of: sent)
      return response
    }
  }

  func refusal(_ response: Response, of request: StorageRequest) -> ServiceError {
    ServiceError(
      response, to: request.operation, at: url(of: request), now: clock(), grant: credential.grant)
  }

  // MARK: Trying again

  /// How long to wait before the next attempt; `nil` where there must be none. The attempt before
  /// this one failed with `before`.
  func delay(
    after failure: AzureError, and before: AzureError?, attempt: Int
  ) -> Duration? {
    guard failure.isTransient else { return nil }
    // A request that a token's end refused is sent with the next token, as if nothing had been; but
    // what is refused with that as well is refused for another reason.
    if failure.isCredentialReplaced { return before?.isCredentialReplaced == true ? nil : .zero }
    let jitter = Double(random() >> 11) * 0x1p-53
    let delay = retryPolicy.delay(
      after: attempt, retryAfter: failure.retryAfter, jitter: jitter)
    if let delay {
      transport.report(Retry(attempt: attempt, delay: delay, cause: failure.description))
    }
    return delay
  }

  func sleep(
    for delay: Duration, before request: StorageRequest, after failure: AzureError
  ) throws(AzureError) {
    do {
      try transport.sleep(
        for: delay, before: "\(request.method) \(url(of: request))", after: failure.description)
    } catch {
      throw .unanswered(request.operation, error, attempts: 1)
    }
  }
}
