// The zstd compression library for Swift.
#ifndef ETCD_BACKUP_CZSTD_H
#define ETCD_BACKUP_CZSTD_H

#include <zstd.h>
#include <zstd_errors.h>

#endif
