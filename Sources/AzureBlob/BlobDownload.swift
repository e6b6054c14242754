/// Reads a blob, or a range of it, piece by piece: pulled, never pushed.

internal import HTTP

/// While nobody reads, about 1 MiB waits in memory. A fault in the middle of the body is thrown:
/// whoever reads knows how far it came and may open the rest, pinned to the same `etag`.
package struct BlobDownload: ~Copyable {
  /// The version that is being read.
  package let etag: ETag
  /// The length of the whole blob, in bytes.
  package let blobSize: Int
  private var download: Download

  fileprivate init(_ download: consuming Download, _ etag: ETag, blobSize: Int) {
    self.download = download
    self.etag = etag
    self.blobSize = blobSize
  }

  /// Replaces `bytes` by the next piece; `false`, and `bytes` empty, after the last.
  package mutating func read(into bytes: inout [UInt8]) throws(AzureBlobError) -> Bool {
    do {
      return try download.read(into: &bytes)
    } catch {
      throw .unanswered(.getBlob, error, attempts: 1)
    }
  }
}

extension BlobContainer {
  /// Opens a blob for reading; with `range`, those bytes of it; with `etag`, only that version.
  ///
  /// Opening is tried again as the retry policy says.
  package func download(
    _ blob: BlobName, range: Range<Int>? = nil, ifMatch etag: ETag? = nil
  ) throws(AzureBlobError) -> BlobDownload {
    precondition(range?.isEmpty != true, "a range to read has at least one byte")
    var request = StorageRequest(.getBlob, path: path(of: blob))
    request.headers["x-ms-range"] = range.map { "bytes=\($0.lowerBound)-\($0.upperBound - 1)" }
    request.headers["If-Match"] = etag?.quoted
    var attempt = 1
    while true {
      do throws(AzureBlobError) {
        return try open(request, range, attempt: attempt)
      } catch {
        guard let delay = delay(after: error, attempt: attempt) else { throw error }
        try sleep(for: delay, before: request)
        attempt += 1
      }
    }
  }

  private func open(
    _ request: StorageRequest, _ range: Range<Int>?, attempt: Int
  ) throws(AzureBlobError) -> BlobDownload {
    let download: Download
    do {
      download = try transport.download(signed(request), over: connection)
    } catch {
      throw .unanswered(request.operation, error, attempts: attempt)
    }
    guard request.operation.succeeds(with: download.status) else {
      throw failure(download, of: request, attempt: attempt)
    }
    guard let etag = download.headers["etag"].flatMap({ ETag($0) }),
      let blobSize = Self.blobSize(download.headers, range)
    else {
      throw .unreadable(
        request.operation, url: url(of: request), reason: "it is not the range that was asked for")
    }
    return BlobDownload(download, etag, blobSize: blobSize)
  }

  /// What an answer other than the blob says.
  private func failure(
    _ download: consuming Download, of request: StorageRequest, attempt: Int
  ) -> AzureBlobError {
    let (status, headers) = (download.status, download.headers)
    do {
      let body = try download.readAll(limit: 64 * 1024)
      let answer = Response(status: status, headers: headers, body: body)
      return .refused(refusal(answer, of: request), attempts: attempt)
    } catch {
      return .unanswered(request.operation, error, attempts: attempt)
    }
  }

  /// The length of the whole blob, where the answer carries exactly the bytes asked for.
  private static func blobSize(_ headers: Headers, _ range: Range<Int>?) -> Int? {
    guard let length = headers["content-length"].flatMap({ Int($0) }) else { return nil }
    guard let range else { return length }
    // `bytes 0-4194303/20000000`; the end is cut where the blob is shorter.
    guard let content = headers["content-range"],
      let slash = content.lastIndex(of: "/"),
      let size = Int(content[content.index(after: slash)...])
    else { return nil }
    let end = min(range.upperBound, size)
    let expected = "bytes \(range.lowerBound)-\(end - 1)/\(size)"
    return content == expected && length == end - range.lowerBound ? size : nil
  }
}
