// One request of the Blob service before an attempt dates and signs it.

package import HTTP

package struct StorageRequest {
  package let operation: StorageOperation
  package var method: String
  /// Percent-encoded, as it goes on the wire.
  package let path: String
  /// In the order of the URL; neither names nor values are encoded yet.
  package let query: [(name: String, value: String)]
  package var headers: Headers
  /// A shared access signature, encoded as it was issued; it goes behind the query.
  var signature: String?
  package let body: Payload?

  package init(
    _ operation: StorageOperation, path: String, query: [(name: String, value: String)] = [],
    headers: Headers = [:], body: Payload? = nil
  ) {
    self.operation = operation
    method = operation.method
    self.path = path
    self.query = query
    self.headers = headers
    self.body = body
  }

  /// Path and query as they go on the wire.
  package var target: String {
    let pairs = query.map { name, value in
      "\(PercentEncoding.encode(name))=\(PercentEncoding.encode(value))"
    }
    let parts = pairs + [signature].compactMap { $0 }
    return parts.isEmpty ? path : path + "?" + parts.joined(separator: "&")
  }
}

/// What is asked of the service, under the name that Azure's reference gives it.
package enum StorageOperation: String, Sendable {
  case getAccountInformation = "Get Account Information"
  case getContainerProperties = "Get Container Properties"
  case putBlock = "Put Block"
  case putBlockList = "Put Block List"
  case getBlockList = "Get Block List"
  case getBlob = "Get Blob"
  case getBlobProperties = "Get Blob Properties"
  case listBlobs = "List Blobs"
  case deleteBlob = "Delete Blob"

  var method: String {
    switch self {
    case .putBlock, .putBlockList: "PUT"
    case .getAccountInformation, .getContainerProperties, .getBlockList, .getBlob, .listBlobs: "GET"
    case .getBlobProperties: "HEAD"
    case .deleteBlob: "DELETE"
    }
  }

  /// Exact, because a proxy's page may well come with a 200.
  func succeeds(with status: Int) -> Bool {
    switch self {
    case .putBlock, .putBlockList: status == 201
    case .getAccountInformation, .getContainerProperties, .getBlockList, .getBlobProperties,
      .listBlobs:
      status == 200
    case .getBlob: status == 200 || status == 206
    case .deleteBlob: status == 202
    }
  }
}
