// Whether a request that arrived at a scripted server is signed as Azure demands.

package import Azure
internal import HTTP
package import TestSupport

extension RecordedRequest {
  /// Signs again what actually arrived, and compares.
  package func isSigned(by key: AccountKey, of account: String) -> Bool {
    let pairs = query.split(separator: "&").map { pair in
      let name = pair.prefix { $0 != "=" }
      let value = pair.dropFirst(name.count + 1)
      return (
        name: PercentEncoding.decode(String(name)) ?? "",
        value: PercentEncoding.decode(String(value)) ?? ""
      )
    }
    var headers = Headers()
    for field in self.headers { headers.add(field.name, field.value) }
    var request = StorageRequest(
      .getBlob, path: path, query: pairs, headers: headers, body: Payload(body))
    request.method = method
    return self["authorization"]
      == SharedKey(account: account, key: key).authorization(for: request)
  }
}
