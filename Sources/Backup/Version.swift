// The release of this program.

package enum Version {
  /// The chart's `appVersion` is the same.
  package static let current = "1.0.0"
}
