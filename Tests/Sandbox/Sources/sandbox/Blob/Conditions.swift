// If-Match and its kin, held against a blob as it is.

/// The condition headers of one request.
struct Conditions: Sendable {
  private enum Tag: Equatable {
    case any
    case etag(String)
  }

  private let ifMatch: Tag?
  private let ifNoneMatch: Tag?
  private let ifModifiedSince: HTTPDate?
  private let ifUnmodifiedSince: HTTPDate?

  static let names = ["If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"]

  init(_ call: Call) throws(BlobError) {
    ifMatch = try Self.tag(call, "If-Match")
    ifNoneMatch = try Self.tag(call, "If-None-Match")
    ifModifiedSince = try Self.date(call, "If-Modified-Since")
    ifUnmodifiedSince = try Self.date(call, "If-Unmodified-Since")
    guard ifMatch == nil || ifNoneMatch == nil else { throw .multipleConditions }
  }

  private static func tag(_ call: Call, _ name: String) throws(BlobError) -> Tag? {
    guard let value = call[name] else { return nil }
    if value == "*" { return .any }
    guard value.count > 2, value.hasPrefix("\""), value.hasSuffix("\"") else {
      throw .invalidHeader(name, value)
    }
    return .etag(String(value.dropFirst().dropLast()))
  }

  private static func date(_ call: Call, _ name: String) throws(BlobError) -> HTTPDate? {
    guard let value = call[name] else { return nil }
    guard let date = HTTPDate(value) else { throw .invalidHeader(name, value) }
    return date
  }

  /// For Put Blob and Put Block List, where "exists already" has an error of its own.
  func checkCreation(over blob: BlobRecord?) throws(BlobError) {
    if ifNoneMatch == .any, blob != nil { throw .blobExists }
    try checkWrite(blob)
  }

  /// For other writes: 412 unless every condition holds.
  func checkWrite(_ blob: BlobRecord?) throws(BlobError) {
    guard holdsMatch(blob), holdsNoneMatch(blob), holdsDates(blob) else { throw .conditionNotMet }
  }

  /// For reads: 304 where the client has the newest already, 412 otherwise.
  func checkRead(_ blob: BlobRecord) throws(BlobError) {
    guard holdsMatch(blob), (ifUnmodifiedSince.map { blob.lastModified <= $0 }) ?? true else {
      throw .conditionNotMet
    }
    guard holdsNoneMatch(blob), (ifModifiedSince.map { blob.lastModified > $0 }) ?? true else {
      throw .notModified
    }
  }

  private func holdsMatch(_ blob: BlobRecord?) -> Bool {
    switch ifMatch {
    case nil: true
    case .any: blob != nil
    case .etag(let etag): blob?.etag == etag
    }
  }

  private func holdsNoneMatch(_ blob: BlobRecord?) -> Bool {
    switch ifNoneMatch {
    case nil: true
    case .any: blob == nil
    case .etag(let etag): blob?.etag != etag
    }
  }

  private func holdsDates(_ blob: BlobRecord?) -> Bool {
    guard let blob else { return ifUnmodifiedSince == nil }
    return (ifModifiedSince.map { blob.lastModified > $0 } ?? true)
      && (ifUnmodifiedSince.map { blob.lastModified <= $0 } ?? true)
  }
}
