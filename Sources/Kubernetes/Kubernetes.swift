// Kubernetes
