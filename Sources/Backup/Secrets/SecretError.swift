// A Secret, or what stands for it, was read, but what is in it cannot be used.

internal import Azure
internal import Certificates
internal import Hints
internal import HTTP

enum SecretError: OperatorError, Equatable {
  /// Its value is not told: it may be a connection string, or the key by mistake.
  case unusableAccount(place: String, expected: String)
  case unusableIdentifier(place: String, expected: String)
  case unusableKey(place: String)
  case notAKey(place: String, AccountKey.Mistake)
  case certificate(place: String, CertificateFault)
  case twoClientCredentials(place: String)
  /// Read again, it is of another account.
  case otherAccount
  case signature(place: String, SignatureFault)
  case connectionString(place: String, ConnectionStringFault)
  case otherAddress(place: String, address: String, configured: String)
  case readableOnTheWay(place: String, address: String)
  case readableToken(address: String)

  var description: String {
    switch self {
    case .unusableAccount(let place, let expected):
      "\(place) is not \(expected)"
    case .unusableIdentifier(let place, let expected): "\(place) is not \(expected)"
    case .unusableKey(let place): "\(place) is not base64"
    case .notAKey(let place, .signature):
      "\(place) is a shared access signature (SAS), not an account key"
    case .notAKey(let place, .connectionString):
      "\(place) is a connection string, not an account key"
    case .notAKey(let place, .encodedTwice):
      "\(place) is encoded in base64 twice"
    case .certificate(let place, let fault): "\(place): \(fault)"
    case .otherAccount: "another storage account is stored since the run began"
    case .twoClientCredentials(let place):
      "\(place) has both client-secret and client-certificate"
    case .signature(let place, let fault): "\(place) \(fault)"
    case .connectionString(let place, let fault): "\(place) \(fault)"
    case .otherAddress(let place, let address, let configured):
      "\(place) names the blob endpoint \(address), but APP_ABS_ENDPOINT is \(configured)"
    case .readableOnTheWay(let place, let address):
      "\(place) names the blob endpoint \(address), which is not encrypted: the database would "
        + "travel readable for all on the way"
    case .readableToken(let address):
      "the blob endpoint \(address) is not encrypted: a token would travel readable for all on the way"
    }
  }

  var hint: String? {
    switch self {
    case .unusableAccount: "Put the account's name alone there, and its URL into APP_ABS_ENDPOINT."
    case .unusableIdentifier: "Store the id alone there, as the portal shows it."
    case .unusableKey: "Copy one of the account's two keys from the portal, whole, without quotes."
    case .notAKey(_, .signature):
      "Store the SAS under the key sas-token and set APP_ABS_AUTHENTICATION=sas, or store one of "
        + "the account's two keys."
    case .notAKey(_, .connectionString):
      "Store only what follows AccountKey= there, up to the ;, or set "
        + "APP_ABS_AUTHENTICATION=connection-string and use the key connection-string."
    case .notAKey(_, .encodedTwice):
      "Store the key as the portal shows it: under stringData, or with kubectl create secret "
        + "generic --from-literal, which encode it themselves."
    case .certificate(_, let fault): fault.hint
    case .otherAccount: "Start another run."
    case .twoClientCredentials: "Remove one of them: it must be clear which one is used."
    case .signature(_, let fault): fault.hint
    case .connectionString(_, let fault): fault.hint
    case .readableToken: "Use an https endpoint."
    case .otherAddress: "Remove APP_ABS_ENDPOINT, or correct the connection string."
    case .readableOnTheWay: "Use https, or set APP_ABS_ALLOW_HTTP=on where that is meant."
    }
  }

  var isConfiguration: Bool { true }
  var stopReason: StopReason? { nil }
}
