// Create Container, Get Container Properties and List Containers.

extension BlobService {
  func createContainer(_ call: Call, _ place: BlobPlace) throws -> Answer {
    let properties = try store.createContainer(
      place.container, metadata: BlobNames.metadata(of: call))
    return Answer(
      201,
      [("ETag", "\"\(properties.etag)\""), ("Last-Modified", properties.lastModified.description)])
  }

  func getAccount() throws -> Answer {
    let account = try store.account()
    return Answer(
      200,
      [
        ("x-ms-account-kind", account.kind ?? "StorageV2"),
        ("x-ms-sku-name", account.isPremium ? "Premium_LRS" : "Standard_LRS"),
        ("x-ms-is-hns-enabled", String(account.hierarchical == true)), ("Content-Length", "0"),
      ])
  }

  func getContainer(_ call: Call, _ place: BlobPlace) throws -> Answer {
    let (properties, policy) = try store.with(place.container) { container in
      (container.properties, try container.policy())
    }
    var answer = Answer(
      200,
      [
        ("ETag", "\"\(properties.etag)\""), ("Last-Modified", properties.lastModified.description),
        ("x-ms-lease-status", "unlocked"), ("x-ms-lease-state", "available"),
        ("x-ms-has-immutability-policy", String(policy.immutable == true)),
        ("x-ms-has-legal-hold", "false"),
        ("x-ms-default-encryption-scope", "$account-encryption-key"),
        ("x-ms-deny-encryption-scope-override", "false"),
      ])
    if (call["x-ms-version"] ?? "") >= Immutability.oldestVersion {
      answer["x-ms-immutable-storage-with-versioning-enabled"] = String(
        policy.versionLevelImmutability == true)
    }
    for pair in properties.metadata { answer["x-ms-meta-" + pair.name] = pair.value }
    return answer
  }

  func listContainers(_ call: Call, _ target: BlobTarget) throws -> Answer {
    let prefix = target["prefix"] ?? ""
    let include = target["include"] ?? ""
    guard ["", "metadata"].contains(include) else {
      throw BlobError.invalidQuery("include", include, "The sandbox knows metadata.")
    }
    let limit = try ListLimit.read(target)
    let start = try target["marker"].flatMap { $0.isEmpty ? nil : $0 }.map(ListMarker.name)
    let rest = store.containerNames().filter { name in
      name.hasPrefix(prefix) && start.map { !SortedNames.precedes(name, $0) } ?? true
    }
    var document = XML.byteOrderMark + XML.declaration + "<EnumerationResults><Containers>"
    for name in rest.prefix(limit) {
      let properties = try store.with(name) { $0.properties }
      document +=
        "<Container>" + XML.element("Name", name) + "<Properties>"
        + XML.element("Last-Modified", properties.lastModified.description)
        + XML.element("Etag", "\"\(properties.etag)\"") + "</Properties>"
      if include == "metadata" {
        let pairs = properties.metadata.map { XML.element($0.name, $0.value) }.joined()
        document += "<Metadata>\(pairs)</Metadata>"
      }
      document += "</Container>"
    }
    let next = rest.dropFirst(limit).first.map(ListMarker.text) ?? ""
    document += "</Containers>" + XML.element("NextMarker", next) + "</EnumerationResults>"
    return Answer(
      200, [("Content-Type", "application/xml")], body: .bytes(Array(document.utf8)))
  }
}
