// The storage account as its Secret, or what stands for it, describes it: where it is, and what opens it.

internal import Azure
internal import Certificates
internal import HTTP

struct StoreAccount {
  let endpoint: StorageEndpoint
  var credential: StorageCredential
  /// As messages call it.
  private let place: String
  /// Of the service principal's certificate, in seconds since 1970.
  private var certificateExpiry: Int? {
    guard case .servicePrincipal(_, .certificate(let certificate)) = identity else { return nil }
    return certificate.expiry
  }
  private var identity: Identity?

  /// What a run cannot do without: read, write and list.
  private static let neededPermissions = "rwl"
  /// Of the time between the deadline of a run and its last request.
  private static let grace = 120
  private static let noticePeriod = 7 * 86_400

  init(_ configuration: StoreConfiguration, _ secret: SecretValues, _ transport: Transport) throws {
    switch configuration.authentication {
    case .sharedKey:
      place = secret.name(of: "storage-key")
      endpoint = try Self.endpoint(configuration, secret)
      credential = StorageCredential(try Self.key(secret), of: endpoint.account)
    case .sas:
      place = secret.name(of: "sas-token")
      endpoint = try Self.endpoint(configuration, secret)
      let text = try secret.text("sas-token")
      do {
        credential = StorageCredential(
          try SharedAccessSignature(text, for: configuration.container, at: endpoint))
      } catch {
        throw SecretError.signature(place: place, error)
      }
    case .connectionString:
      place = secret.name(of: "connection-string")
      let text = try secret.text("connection-string")
      do {
        let string = try ConnectionString(text, for: configuration.container)
        (endpoint, credential) = (string.endpoint, string.credential)
      } catch {
        throw SecretError.connectionString(place: place, error)
      }
      try checkAddress(configuration)
    case .workloadIdentity, .managedIdentity, .servicePrincipal:
      endpoint = try Self.endpoint(configuration, secret)
      let identity = try Self.identity(configuration, secret)
      self.identity = identity
      place = "\(identity.name)"
      guard !endpoint.url.isReadableOnTheWay else {
        throw SecretError.readableToken(address: "\(endpoint.url)")
      }
      credential = StorageCredential(
        TokenSource(
          identity, transport: transport, connection: StoreAccess.connection(configuration)))
    }
  }

  // MARK: Reading

  private static func endpoint(
    _ configuration: StoreConfiguration, _ secret: SecretValues
  ) throws -> StorageEndpoint {
    do {
      return try StorageEndpoint(
        account: secret.text("storage-account"), url: configuration.storageURL)
    } catch let problem as InvalidValue {
      throw SecretError.unusableAccount(
        place: secret.name(of: "storage-account"), expected: problem.expected)
    }
  }

  private static func key(_ secret: SecretValues) throws -> AccountKey {
    let text = try secret.text("storage-key")
    if let mistake = AccountKey.mistake(in: text) {
      throw SecretError.notAKey(place: secret.name(of: "storage-key"), mistake)
    }
    guard let key = AccountKey(text) else {
      throw SecretError.unusableKey(place: secret.name(of: "storage-key"))
    }
    return key
  }

  private static func identity(
    _ configuration: StoreConfiguration, _ secret: SecretValues
  ) throws -> Identity {
    let settings = configuration.identity
    switch configuration.authentication {
    case .workloadIdentity:
      let principal = Principal(
        clientID: settings.clientID ?? "", tenantID: settings.tenantID ?? "",
        authority: settings.authority)
      return .workload(principal, tokenFile: settings.tokenFile ?? "")
    case .servicePrincipal:
      let principal = Principal(
        clientID: try settings.clientID ?? Self.identifier("client-id", secret),
        tenantID: try settings.tenantID ?? Self.identifier("tenant-id", secret),
        authority: settings.authority)
      return .servicePrincipal(principal, try clientCredential(secret))
    default:
      return .managed(clientID: settings.clientID, server: settings.metadataServer)
    }
  }

  /// By the rules of the variables that stand for it.
  private static func identifier(_ key: String, _ secret: SecretValues) throws -> String {
    let text = try secret.text(key)
    do throws(InvalidValue) {
      return try ConfigurationValue.identifier(text)
    } catch {
      throw SecretError.unusableIdentifier(place: secret.name(of: key), expected: error.expected)
    }
  }

  private static func clientCredential(_ secret: SecretValues) throws -> ClientCredential {
    let keys = try secret.keys()
    guard keys.contains("client-certificate") else {
      return .secret(ClientSecret(try secret.text("client-secret")))
    }
    guard !keys.contains("client-secret") else {
      throw SecretError.twoClientCredentials(place: "\(secret)")
    }
    let name = secret.name(of: "client-certificate")
    do {
      return .certificate(
        try SigningCertificate(PEMText(secret.bytes("client-certificate"), named: name)))
    } catch let fault as CertificateFault {
      throw SecretError.certificate(place: "the service principal", fault)
    }
  }

  /// The connection string's address obeys the rules of `APP_ABS_ENDPOINT`, and does not contradict it.
  private func checkAddress(_ configuration: StoreConfiguration) throws(SecretError) {
    if let url = configuration.storageURL, url != endpoint.url {
      throw .otherAddress(place: place, address: "\(endpoint.url)", configured: "\(url)")
    }
    guard !endpoint.url.isReadableOnTheWay || configuration.allowsHTTP else {
      throw .readableOnTheWay(place: place, address: "\(endpoint.url)")
    }
  }

  // MARK: What the credential allows

  /// Throws where no request can succeed; `now` is in seconds since 1970.
  func checkExpiry(now: Int) throws(SecretError) {
    guard case .signature(let terms) = credential.grant, let expiry = terms.expiry, expiry <= now
    else { return }
    throw .signature(place: place, .expired(terms, at: expiry, now: now))
  }

  /// Throws where a run could not store, verify or list a backup.
  func checkPermissions(for commit: CommitSettings) throws(SecretError) {
    guard case .signature(let terms) = credential.grant else { return }
    let lacking = terms.lacking(
      of: Self.neededPermissions + (commit.immutability == nil ? "" : "i"))
    guard lacking.isEmpty else {
      throw .signature(place: place, .lacksPermissions(lacking, terms))
    }
  }

  /// Which credential it is, for whom, and until when, as far as that is known before the first request.
  var credentialText: String {
    var text = "\(credential.grant)"
    if let subject = identity?.claims?.subject { text += ", for the subject \(subject)" }
    if let certificateExpiry {
      text += ", with a certificate until \(Timestamp.format(certificateExpiry))"
    }
    if case .accountKey = credential.grant { text += ", which holds until it is rotated" }
    return text
  }

  /// What goes on for now, but not for long; `timeout` is that of a run.
  func warnings(now: Int, timeout: Duration) -> [CredentialWarning] {
    if let expiry = certificateExpiry, expiry < now + ClientIdentity.noticeDays * 86_400 {
      return [
        CredentialWarning(
          text: "the certificate of \(place) expires at \(Timestamp.format(expiry))",
          hint: "Create another certificate, upload it, and store it before then.")
      ]
    }
    guard case .signature(let terms) = credential.grant else { return [] }
    var warnings: [CredentialWarning] = []
    if let expiry = terms.expiry {
      let time = Timestamp.format(expiry)
      if expiry < now + Int(timeout.components.seconds) + Self.grace {
        warnings.append(
          CredentialWarning(
            text: "\(place) expires at \(time), perhaps before the run ends",
            hint: "Create a new SAS and store it."))
      } else if expiry < now + Self.noticePeriod {
        warnings.append(
          CredentialWarning(
            text: "\(place) expires at \(time), in less than 7 days",
            hint: "Create a new SAS and store it before then."))
      }
    }
    if !terms.lacking(of: "d").isEmpty {
      warnings.append(
        CredentialWarning(
          text: "\(place) does not allow deletion (d): retention fails as soon as a backup is to "
            + "be deleted",
          hint: "Create a SAS with the permissions read, write, delete and list (sp=rwdl)."))
    }
    return warnings
  }
}

/// Something about a credential that will end a later run, or a part of this one.
struct CredentialWarning: Equatable {
  let text: String
  let hint: String
}
