// The expat XML parser for Swift.
#ifndef ETCD_BACKUP_CEXPAT_H
#define ETCD_BACKUP_CEXPAT_H

#include <expat.h>

#endif
