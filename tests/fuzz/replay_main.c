/* replay_main.c - feed a fuzz target its corpus, without libFuzzer
 *
 * replay_NAME [FOLDER]: every file of the folder, by default that of NAME in
 * tests/fuzz/corpus; whole, and if short also cut at every place. Each input
 * is a block of exactly its size, so that a sanitizer sees a read past it. */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#define FILE_MAX_BYTES (1 << 20)
#define CUT_MAX_BYTES 2048

static void feed(const char *bytes, size_t n)
{
	uint8_t *exact = malloc(n ? n : 1);

	MUST(exact != NULL);
	memcpy(exact, bytes, n);
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
}

static int replay_file(const char *path)
{
	static char bytes[FILE_MAX_BYTES];
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f)
		return -1;
	n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	if (n == sizeof(bytes))
		return -1;
	for (size_t cut = n <= CUT_MAX_BYTES ? 0 : n; cut <= n; cut++)
		feed(bytes, cut);
	return 0;
}

/* Returns the number of files replayed, or -1. */
static int replay_folder(const char *folder)
{
	char path[4096];
	struct dirent *e;
	int files = 0;
	DIR *d = opendir(folder);

	if (!d) {
		fprintf(stderr, "%s: %s\n", folder, strerror(errno));
		return -1;
	}
	while (files >= 0 && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		fprintf(stderr, "%s\n", path); /* the last one is the one that crashed */
		files = replay_file(path) < 0 ? -1 : files + 1;
	}
	closedir(d);
	return files;
}

int main(int argc, char **argv)
{
	const char *name = strstr(argv[0], "replay_"), *srcdir = getenv("srcdir");
	char folder[2048];
	int files;

	if (argc > 1)
		snprintf(folder, sizeof(folder), "%s", argv[1]);
	else
		snprintf(folder, sizeof(folder), "%s/tests/fuzz/corpus/%s", srcdir ? srcdir : ".",
			 name ? name + strlen("replay_") : "");
	files = replay_folder(folder);
	if (files < 1)
		fprintf(stderr, "%s: nothing replayed\n", folder);
	return files < 1 ? EXIT_FAILURE : EXIT_SUCCESS;
}
