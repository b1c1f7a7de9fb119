/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Feeds a fuzz target its corpus once, in builds that have no libFuzzer: whatever the target
 * demands is then part of the test suite. Without arguments a program called replay_NAME reads
 * tests/fuzz/corpus/NAME of the source tree ($srcdir); else the files named.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX (1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    /* Its exact size, so that a sanitizer sees a read beyond the end. */
    char *bytes = malloc(INPUT_MAX);

    if (file == NULL || bytes == NULL) {
        fprintf(stderr, "cannot read %s: %s\n", path, strerror(errno));
        exit(EXIT_FAILURE);
    }
    size_t size = fread(bytes, 1, INPUT_MAX, file);
    if (ferror(file) || !feof(file)) {
        fprintf(stderr, "cannot read %s whole\n", path);
        exit(EXIT_FAILURE);
    }
    fclose(file);
    uint8_t *data = malloc(size + (size == 0));
    if (data == NULL)
        abort();
    memcpy(data, bytes, size);
    free(bytes);
    printf("%s: %zu bytes\n", path, size);
    fflush(stdout);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

static int replay_corpus(const char *name)
{
    const char *source = getenv("srcdir");
    char path[PATH_MAX];
    struct dirent *entry;
    int count = 0;

    snprintf(path, sizeof path, "%s/tests/fuzz/corpus/%s", source == NULL ? "." : source, name);
    DIR *directory = opendir(path);
    if (directory == NULL) {
        fprintf(stderr, "cannot open %s: %s\n", path, strerror(errno));
        return 0;
    }
    while ((entry = readdir(directory)) != NULL) {
        char file[PATH_MAX + NAME_MAX + 2];

        if (entry->d_name[0] == '.')
            continue;
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        replay(file);
        count++;
    }
    closedir(directory);
    return count;
}

int main(int argc, char **argv)
{
    const char *name = strstr(argv[0], "replay_");

    /* Nothing at all is an input too. */
    replay("/dev/null");
    for (int i = 1; i < argc; i++)
        replay(argv[i]);
    if (argc > 1)
        return EXIT_SUCCESS;
    if (name == NULL || replay_corpus(name + strlen("replay_")) == 0) {
        fprintf(stderr, "there is no corpus to replay\n");
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
