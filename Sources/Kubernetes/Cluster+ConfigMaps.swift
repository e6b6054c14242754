/// ConfigMaps: read one, or set some of its keys and leave the others alone.

extension Cluster {
  /// The text values of a ConfigMap; `nil` where there is none of this name.
  package func configMap(named name: String) throws(KubernetesError) -> [String: String]? {
    do throws(KubernetesError) {
      return try perform(Action("get", .configMaps, named: name, in: namespace), "GET")
        .decoded(as: DataObject.self).data ?? [:]
    } catch .notFound {
      return nil
    }
  }

  /// Sets these keys and no others, creates the ConfigMap if need be, and makes sure that the
  /// server took the values as they are.
  ///
  /// A merge patch never creates, and a POST never changes, so they take turns; the second turn is
  /// for somebody who creates or deletes it between the two. All of it can be repeated safely.
  ///
  /// See https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-apply.
  package func record(
    _ fields: [String: String], inConfigMap name: String
  ) throws(KubernetesError) {
    let patch = Action("patch", .configMaps, named: name, in: namespace)
    let create = Action("create", .configMaps, named: name, in: namespace)
    let patchBody = JSON.encode(DataObject(data: fields))
    let createBody = JSON.encode(NewConfigMap(name: name, data: fields))
    for _ in 1...2 {
      do throws(KubernetesError) {
        let answer = try perform(
          patch, "PATCH", body: patchBody, contentType: "application/merge-patch+json")
        return try check(fields, in: answer)
      } catch .notFound {}
      do throws(KubernetesError) {
        return try check(fields, in: try perform(create, "POST", body: createBody))
      } catch .alreadyExists {}
    }
    throw .conflict(patch, message: "somebody keeps creating and deleting it")
  }

  /// An admission webhook may have changed what we sent.
  private func check(
    _ fields: [String: String], in answer: Answer
  ) throws(KubernetesError) {
    let data = try answer.decoded(as: DataObject.self).data ?? [:]
    for (key, value) in fields.sorted(by: { $0.key < $1.key }) where data[key] != value {
      throw .notRecorded(answer.action, key: key)
    }
  }
}
