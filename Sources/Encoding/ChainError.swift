// One error type for a chain of encoding steps.

/// The error type of a whole chain: of its steps, and of the sink at its end.
///
/// Each step hands its own errors on as this type. So a chain such as zstd → age → blocks throws one
/// type, which its caller chooses.
package protocol ChainError: Error {
  init(_ error: AgeError)
  init(_ error: ZstdError)
}

/// Runs a part of a step, and hands its error on as the chain's.
func ageStep<Result: ~Copyable, Failure: ChainError>(
  _: Failure.Type, _ body: () throws(AgeError) -> Result
) throws(Failure) -> Result {
  do throws(AgeError) {
    return try body()
  } catch {
    throw Failure(error)
  }
}

func zstdStep<Result: ~Copyable, Failure: ChainError>(
  _: Failure.Type, _ body: () throws(ZstdError) -> Result
) throws(Failure) -> Result {
  do throws(ZstdError) {
    return try body()
  } catch {
    throw Failure(error)
  }
}

/// The error of a chain whose sink adds none.
package enum CodingError: ChainError, Equatable {
  case age(AgeError)
  case zstd(ZstdError)

  package init(_ error: AgeError) { self = .age(error) }
  package init(_ error: ZstdError) { self = .zstd(error) }
}

extension CodingError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .age(let error): error.description
    case .zstd(let error): error.description
    }
  }

  /// What an operator can do about it; `nil` where the error says it all.
  package var hint: String? {
    switch self {
    case .age(let error): error.hint
    case .zstd(let error): error.hint
    }
  }
}
