/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/modbus/shared_maps.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct shared_map {
    struct shared_map *next;
    struct modbus_map *map;
    unsigned references;
    bool is_of_file; /* else it is only one device's */
    struct stat file;
};

static struct {
    pthread_mutex_t mutex;
    struct shared_map *first;
} maps = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static bool is_same_file(const struct stat *one, const struct stat *other)
{
    return one->st_dev == other->st_dev && one->st_ino == other->st_ino &&
           one->st_size == other->st_size && one->st_mtim.tv_sec == other->st_mtim.tv_sec &&
           one->st_mtim.tv_nsec == other->st_mtim.tv_nsec;
}

/* Under the lock. */
static struct shared_map *find(const char *path, const struct stat *file)
{
    for (struct shared_map *shared = maps.first; shared != NULL; shared = shared->next) {
        if (shared->is_of_file && strcmp(shared->map->path, path) == 0 &&
            is_same_file(&shared->file, file))
            return shared;
    }
    return NULL;
}

static struct shared_map *add(struct modbus_map *map)
{
    struct shared_map *shared = map == NULL ? NULL : calloc(1, sizeof *shared);

    if (shared == NULL) {
        map_free(map);
        return NULL;
    }
    shared->map = map;
    shared->next = maps.first;
    maps.first = shared;
    return shared;
}

const struct modbus_map *shared_map_load(const char *path, struct config_report *report)
{
    struct stat file;
    bool is_there = stat(path, &file) == 0;

    pthread_mutex_lock(&maps.mutex);
    struct shared_map *shared = is_there ? find(path, &file) : NULL;
    if (shared == NULL) {
        shared = add(map_load(path, report));
        if (shared != NULL && is_there) {
            shared->is_of_file = true;
            shared->file = file;
        }
    }
    if (shared != NULL)
        shared->references++;
    pthread_mutex_unlock(&maps.mutex);
    return shared == NULL ? NULL : shared->map;
}

const struct modbus_map *shared_map_adopt(struct modbus_map *map)
{
    pthread_mutex_lock(&maps.mutex);
    struct shared_map *shared = add(map);
    if (shared != NULL)
        shared->references++;
    pthread_mutex_unlock(&maps.mutex);
    return shared == NULL ? NULL : shared->map;
}

void shared_map_drop(const struct modbus_map *map)
{
    struct shared_map **link = &maps.first;

    if (map == NULL)
        return;
    pthread_mutex_lock(&maps.mutex);
    while ((*link)->map != map)
        link = &(*link)->next;
    struct shared_map *shared = *link;
    if (--shared->references == 0) {
        *link = shared->next;
        map_free(shared->map);
        free(shared);
    }
    pthread_mutex_unlock(&maps.mutex);
}
