/// Log events with fields that may have no value.

internal import Logging

extension Logger {
  /// One event; fields without a value are left out.
  func info(_ message: Logger.Message, _ fields: [String: String?]) {
    info(message, metadata: Self.metadata(fields))
  }

  func warning(_ message: Logger.Message, _ fields: [String: String?]) {
    warning(message, metadata: Self.metadata(fields))
  }

  func error(_ message: Logger.Message, _ fields: [String: String?]) {
    error(message, metadata: Self.metadata(fields))
  }

  private static func metadata(_ fields: [String: String?]) -> Logger.Metadata {
    fields.compactMapValues { $0.map { .string($0) } }
  }
}
