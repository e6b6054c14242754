// What to do where a shared access signature or a connection string cannot be used.

package import Azure

extension SignatureFault {
  package var hint: String {
    switch self {
    case .notASignature(.accountKey):
      "Store the SAS there, or set APP_ABS_AUTHENTICATION=shared-key and use the key storage-key."
    case .notASignature(.connectionString):
      "Store only what follows SharedAccessSignature= there, or set "
        + "APP_ABS_AUTHENTICATION=connection-string and use the key connection-string."
    case .notASignature(nil), .cut, .fieldMissing, .repeatedField, .foreignField,
      .unreadableTime:
      "Copy the SAS again, whole and unchanged, as it was created: sv=...&sig=..."
    case .bound: "Create a SAS that holds by itself, without a user's object id or signed headers."
    case .otherService, .resourceTypes:
      "Create an account SAS with ss=b, srt=co and sp=rwdl, or a SAS for the container."
    case .otherResource: "Create a SAS for the container (sr=c) with sp=rwdl."
    case .otherAddress: "Correct the SAS, APP_ABS_ENDPOINT or APP_ABS_CONTAINER_NAME."
    case .needsHTTPS: "Use an https endpoint."
    case .expired: "Create a new SAS and store it, or correct this node's clock."
    case .lacksPermissions("i", _):
      "Create a SAS with the permission i as well (sp=rwdli), or remove APP_ABS_IMMUTABILITY."
    case .lacksPermissions:
      "Create a SAS with the permissions read, write, delete and list (sp=rwdl)."
    }
  }
}

extension ConnectionStringFault {
  package var hint: String {
    switch self {
    case .signature(let fault): fault.hint
    case .twoCredentials: "Remove one of them: it must be clear which one is used."
    default: "Copy the connection string of the storage account again, whole, from the portal."
    }
  }
}
