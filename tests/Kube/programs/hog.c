// Takes memory as soon as a file appears, or at once when none is named.
// usage: hog self|child MIB [FILE]
// "child": a child takes it, and the parent lives on and tells what became of the child.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1024 * 1024)

static void take(int mib)
{
	for (int i = 0; i < mib; i++) {
		char *block = malloc(MIB);

		if (!block)
			exit(1);
		memset(block, i + 1, MIB);
	}
}

int main(int argc, char **argv)
{
	int status = 0;
	pid_t child;

	if (argc < 3)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (argc > 3 && access(argv[3], F_OK))
		usleep(1000);
	if (strcmp(argv[1], "self") == 0) {
		take(atoi(argv[2]));
		return 0;
	}
	child = fork();
	if (child == 0) {
		take(atoi(argv[2]));
		_exit(0);
	}
	waitpid(child, &status, 0);
	printf("child %d ended by signal %d\n", child, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	for (;;)
		pause();
}
