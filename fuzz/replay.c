/* Runs a fuzz target once for every file of the folders that are named, so
 * that ordinary test runs replay the corpora without libFuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = NULL;
	size_t size = 0, got;

	if (file == NULL) {
		perror(path);
		return 1;
	}
	do {
		data = realloc(data, size + 65536);
		if (data == NULL)
			abort();
		got = fread(data + size, 1, 65536, file);
		size += got;
	} while (got > 0);
	(void)fclose(file);
	/* Exactly as large as the input, so that sanitizers see its end. */
	uint8_t *exact = malloc(size > 0 ? size : 1);
	if (exact == NULL)
		abort();
	memcpy(exact, data, size);
	free(data);
	(void)LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	return 0;
}

int main(int argc, char **argv)
{
	char path[4096];
	unsigned count = 0;
	int failed = 0;

	for (int i = 1; i < argc; i++) {
		DIR *dir = opendir(argv[i]);
		struct dirent *entry;

		if (dir == NULL) {
			perror(argv[i]);
			return 1;
		}
		while ((entry = readdir(dir)) != NULL) {
			if (entry->d_name[0] == '.')
				continue;
			(void)snprintf(path, sizeof(path), "%s/%s", argv[i],
			    entry->d_name);
			failed |= replay_file(path);
			count++;
		}
		(void)closedir(dir);
	}
	printf("replayed %u inputs\n", count);
	/* An empty corpus is a mistake, not a success. */
	return failed != 0 || count == 0;
}
