// ConfigMaps: read one, or set some of its keys and leave the others alone.

extension Cluster {
  /// The text values of a ConfigMap; `nil` where there is none of this name.
  package func configMap(named name: String) throws(KubernetesError) -> [String: String]? {
    do throws(KubernetesError) {
      return try perform(APICall("get", .configMaps, named: name, in: namespace), "GET")
        .decoded(as: DataObject.self).data ?? [:]
    } catch .notFound {
      return nil
    }
  }

  /// Sets these keys and no others, creates the ConfigMap if need be, and makes sure that the
  /// server took the values as they are.
  ///
  /// A patch never creates, and a POST never changes, so they take turns; the second turn is for
  /// another client that creates or deletes it between the two. All of it can be repeated safely.
  package func record(
    _ fields: [String: String], inConfigMap name: String
  ) throws(KubernetesError) {
    let create = APICall("create", .configMaps, named: name, in: namespace)
    let createBody = JSON.encode(NewConfigMap(name: name, data: fields))
    for _ in 1...2 {
      do throws(KubernetesError) {
        return try check(fields, in: try patch(fields, inConfigMap: name))
      } catch .notFound {}
      do throws(KubernetesError) {
        return try check(fields, in: try perform(create, "POST", body: createBody))
      } catch .alreadyExists {}
    }
    throw .conflict(create, message: "another program keeps creating and deleting it")
  }

  /// One merge patch, or what comes to the same where a Role allows only `get` and `update`, as
  /// those written for Kyma's Etcd Backup do.
  ///
  /// See https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-apply.
  private func patch(
    _ fields: [String: String], inConfigMap name: String
  ) throws(KubernetesError) -> CallResponse {
    let patch = APICall("patch", .configMaps, named: name, in: namespace)
    do throws(KubernetesError) {
      return try perform(
        patch, "PATCH", body: JSON.encode(DataObject(data: fields)),
        contentType: "application/merge-patch+json")
    } catch .forbidden(_, let message) where !KubernetesError.isAdmission(message) {
      do throws(KubernetesError) {
        return try update(fields, inConfigMap: name)
      } catch .forbidden(let instead, _) {
        // Of the two ways, the one to allow is the patch.
        throw .forbidden(patch, message: "\(message); nor is \(instead.verb) allowed instead")
      }
    }
  }

  /// Reads the ConfigMap and puts it back with these keys set. Its resource version goes along, so
  /// that the server refuses to overwrite a concurrent change.
  ///
  /// See https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions.
  private func update(
    _ fields: [String: String], inConfigMap name: String
  ) throws(KubernetesError) -> CallResponse {
    let get = APICall("get", .configMaps, named: name, in: namespace)
    let update = APICall("update", .configMaps, named: name, in: namespace)
    var attempt = 1
    while true {
      var object = try perform(get, "GET").decoded(as: [String: JSONValue].self)
      let data = object["data"]?.members ?? [:]
      object["data"] = .object(data.merging(fields.mapValues(JSONValue.string)) { $1 })
      do throws(KubernetesError) {
        return try perform(update, "PUT", body: JSON.encode(object))
      } catch .conflict where attempt < 5 {
        attempt += 1
      }
    }
  }

  /// An admission webhook may have changed what we sent.
  private func check(
    _ fields: [String: String], in response: CallResponse
  ) throws(KubernetesError) {
    let data = try response.decoded(as: DataObject.self).data ?? [:]
    for (key, value) in fields.sorted(by: { $0.key < $1.key }) where data[key] != value {
      throw .notRecorded(response.call, key: key)
    }
  }
}
