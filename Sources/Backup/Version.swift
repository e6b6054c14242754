// The release of this program, and the libraries it runs with.

internal import Azure
internal import Digests
internal import Encoding
internal import HTTP
internal import Kubernetes

package enum Version {
  /// The chart's `appVersion` is the same.
  package static let current = "1.0.0"

  /// Name and version, in the order of the names.
  package static var libraries: [(name: String, version: String)] {
    [
      ("expat", Expat.version), ("libcurl", LibCurl.version), ("libyaml", LibYAML.version),
      ("openssl", OpenSSL.version), ("zstd", LibZstd.version),
    ]
  }
}
