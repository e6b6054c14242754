// Takes variables out of the environment one by one and collects what is wrong with them.

internal import Azure
internal import Certificates
internal import Encoding
internal import HTTP

/// Everything is read before anybody complains, so that all mistakes are reported at once.
struct EnvironmentReader {
  private let environment: [String: String]
  private let readFile: (String) throws -> [UInt8]
  private var complaints: [ConfigurationError.Mistake] = []

  /// `readFile` gives the bytes of a file, or throws.
  init(_ environment: [String: String], readFile: @escaping (String) throws -> [UInt8]) {
    self.environment = environment
    self.readFile = readFile
  }

  /// In the order in which the variables are documented.
  var mistakes: [ConfigurationError.Mistake] {
    Variable.all.flatMap { variable in complaints.filter { $0.variable == variable.name } }
  }

  var unknownVariables: [ConfigurationWarning] {
    ConfigurationWarning.unknownVariables(in: environment)
  }

  /// Kubernetes sets this in every container.
  var isInPod: Bool { environment["KUBERNETES_SERVICE_HOST"].map { !$0.isEmpty } ?? false }

  /// A variable that must be set, or has a default; `nil` only after a complaint.
  mutating func required<Value>(
    _ variable: Variable, _ parse: (String) throws(InvalidValue) -> Value
  ) -> Value? {
    complainIfMissing(variable)
    return optional(variable, parse)
  }

  /// `nil` where it is not set, or after a complaint.
  mutating func optional<Value>(
    _ variable: Variable, _ parse: (String) throws(InvalidValue) -> Value
  ) -> Value? {
    guard let text = text(of: variable) else { return nil }
    do throws(InvalidValue) {
      return try parse(text)
    } catch {
      complain(variable, error)
      return nil
    }
  }

  /// Certificates in a file that the variable names.
  mutating func certificates(_ variable: Variable) -> CertificateAuthorities? {
    let readFile = readFile
    return optional(variable) { path throws(InvalidValue) in
      try ConfigurationValue.certificates(at: path, readFile)
    }
  }

  /// Recipients of age in a file that the variable names.
  mutating func recipients(_ variable: Variable) -> [AgeRecipient]? {
    let readFile = readFile
    return optional(variable) { path throws(InvalidValue) in
      try ConfigurationValue.recipients(at: path, readFile)
    }
  }

  func isSet(_ variable: Variable) -> Bool { text(of: variable) != nil }

  mutating func complainIfMissing(_ variable: Variable) {
    guard text(of: variable) == nil else { return }
    complaints.append(ConfigurationError.Mistake(variable: variable.name, problem: nil))
  }

  mutating func complain(_ variable: Variable, _ problem: InvalidValue) {
    complaints.append(ConfigurationError.Mistake(variable: variable.name, problem: problem))
  }

  /// Set to nothing counts as not set: that is how templates leave a value out.
  func text(of variable: Variable) -> String? {
    let set = environment[variable.name].map { String($0[...].trimmingBlanks()) }
    if let set, !set.isEmpty { return set }
    guard case .value(let text) = variable.defaultValue else { return nil }
    return text
  }
}
