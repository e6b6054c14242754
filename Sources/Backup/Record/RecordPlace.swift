// The ConfigMap that records the last success.

internal import Kubernetes

struct RecordPlace {
  private let cluster: Cluster
  private let configMap: String

  /// `nil` where no ConfigMap is named.
  init?(_ configuration: StoreConfiguration, in cluster: Cluster?) {
    guard let cluster, let name = configuration.recordConfigMapName else { return nil }
    self.cluster = cluster
    configMap = name
  }

  /// `namespace/name`
  var name: String { "\(cluster.namespace)/\(configMap)" }
  /// The ConfigMap that the chart's alert EtcdBackupHistoryBroke looks for.
  var breakName: String { "\(name)-history-broke" }

  /// `nil` where there is no record yet.
  func fields() throws(KubernetesError) -> [String: String]? {
    try cluster.configMap(named: configMap)
  }

  func write(_ fields: [String: String]) throws(KubernetesError) {
    try cluster.record(fields, inConfigMap: configMap)
  }

  func noteBreak(_ fields: [String: String]) throws(KubernetesError) {
    try cluster.record(fields, inConfigMap: "\(configMap)-history-broke")
  }
}
