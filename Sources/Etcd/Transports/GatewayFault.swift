// What etcd says when a call through its gateway fails: a gRPC code and a message, in any of the shapes in use.

internal import FoundationEssentials

/// Unary answers carry `{"error":"m","message":"m","code":N}`, in older releases without `message`,
/// or `{"code":N,"message":"m"}`; streams wrap the same, or `{"grpc_code":N,"message":"m",…}`, in `{"error":{…}}`.
struct GatewayFault: Equatable {
  let code: Int
  let message: String

  /// Returns `nil` if `body` is not such an object, as when a proxy or another server answers.
  init?(body: [UInt8]) {
    guard let fault = try? JSONDecoder().decode(Self.self, from: Data(body)) else {
      return nil  // Not JSON, or not of these shapes: the caller shows the text itself.
    }
    self = fault
  }
}

extension GatewayFault: Decodable {
  private enum Key: String, CodingKey {
    case error, message, code
    case grpcCode = "grpc_code"
  }

  init(from decoder: any Decoder) throws {
    let outer = try decoder.container(keyedBy: Key.self)
    let isWrapped = outer.contains(.error) && !outer.contains(.code)
    let fault = isWrapped ? try outer.nestedContainer(keyedBy: Key.self, forKey: .error) : outer
    code =
      try fault.decodeIfPresent(Int.self, forKey: .grpcCode)
      ?? fault.decode(Int.self, forKey: .code)
    message =
      try fault.decodeIfPresent(String.self, forKey: .message)
      ?? fault.decode(String.self, forKey: .error)
  }
}

/// A 64-bit number: a decimal string by the rules of JSON in gRPC, but some servers write a number.
struct LenientUInt64: Decodable, Equatable {
  let value: UInt64

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let text = try? container.decode(String.self) {  // Else it is a number, or an error below.
      guard let value = UInt64(text) else {
        throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a number")
      }
      self.value = value
    } else {
      value = try container.decode(UInt64.self)
    }
  }
}
