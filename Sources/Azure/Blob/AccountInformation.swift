// What kind of storage account it is.

internal import HTTP

struct AccountInformation: Equatable {
  /// Such as `StorageV2` or `BlockBlobStorage`.
  let kind: String
  /// Such as `Standard_LRS`.
  let sku: String
  let isHierarchical: Bool

  var isPremium: Bool { kind == "BlockBlobStorage" || sku.hasPrefix("Premium_") }
}

extension BlobContainer {
  /// `nil` where the credential may not ask, or the store does not know the question.
  func accountInformation() throws(AzureError) -> AccountInformation? {
    let request = StorageRequest(
      .getAccountInformation, path: path, query: [("restype", "account"), ("comp", "properties")])
    do {
      let fields = try send(request).headers
      return AccountInformation(
        kind: fields["x-ms-account-kind"] ?? "", sku: fields["x-ms-sku-name"] ?? "",
        isHierarchical: fields["x-ms-is-hns-enabled"] == "true")
    } catch {
      if case .refused(let refusal, _) = error, (400..<500).contains(refusal.status) { return nil }
      throw error
    }
  }
}
