// libyaml for Swift. It is linked statically (Package.swift), so that the image needs no package for it.
#ifndef ETCD_BACKUP_CYAML_H
#define ETCD_BACKUP_CYAML_H

#include <yaml.h>

#endif
