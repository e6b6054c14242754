// Etcd
