/* A process that eats memory as it is told, for the tests of OOM kills. Each argument is a step:
 *   join:FILE   writes "0" to it: a cgroup.procs, so this process moves in
 *   name:TEXT   renames the process
 *   uid:N       becomes that user
 *   adj:N       sets oom_score_adj
 *   take:MIB    takes memory and keeps it
 *   shared:MIB  takes shared memory and keeps it
 *   file:PATH   maps a file and locks it in memory
 *   grow        takes memory until it is killed
 *   grow:MIB    the same in steps so large that huge pages serve
 *   threads:N   starts threads that all grow
 *   idle        starts a thread that does nothing
 *   fork        goes on in a child; the parent says "PID ended: SIGNAL" and waits for a line
 *   pidns       makes a pid namespace and goes on as process 2 in it; the others wait for it
 *   traced      goes on in a child that its parent, a debugger, stops when it exits, with its memory: "PID exits"
 *   say:TEXT    prints a line with the process id
 *   wait        for a line on standard input
 *   leave       exits at once with status 0 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1024 * 1024)

static void must(int holds, const char *what)
{
	if (!holds) {
		perror(what);
		exit(1);
	}
}

static void take(long bytes, int sharing, int huge)
{
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0);

	must(memory != MAP_FAILED, "mmap");
	if (huge)
		madvise(memory, bytes, MADV_HUGEPAGE);
	for (long i = 0; i < bytes; i += 4096)
		memory[i] = 1;
}

static void *grow(void *unused)
{
	prctl(PR_SET_NAME, "a thread");
	for (;;)
		take(256 * 1024, MAP_PRIVATE, 0);
	return unused;
}

static void *idle(void *unused)
{
	pause();
	return unused;
}

static void start(void *(*routine)(void *))
{
	pthread_t thread;

	must(pthread_create(&thread, NULL, routine, NULL) == 0, "pthread_create");
}

static void write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	must(fd >= 0 && write(fd, text, strlen(text)) > 0, path);
	close(fd);
}

static void wait_for_line(void)
{
	char line[16];

	(void)!read(0, line, sizeof(line));
}

static void await_child(pid_t child)
{
	int status = 0;

	must(child > 0 && waitpid(child, &status, 0) == child, "fork");
	printf("%d ended: %d\n", child, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	wait_for_line();
	exit(0);
}

static void trace_child(void)
{
	pid_t child = fork();
	int status = 0;

	if (!child) {
		must(ptrace(PTRACE_TRACEME, 0, 0, 0) == 0, "PTRACE_TRACEME");
		raise(SIGSTOP);
		return;
	}
	must(waitpid(child, &status, 0) == child && WIFSTOPPED(status), "wait for the child to stop");
	must(ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACEEXIT) == 0, "PTRACE_SETOPTIONS");
	ptrace(PTRACE_CONT, child, 0, 0);
	must(waitpid(child, &status, 0) == child && status >> 8 == (SIGTRAP | (PTRACE_EVENT_EXIT << 8)),
	     "wait for the exit");
	printf("%d exits\n", child);
	wait_for_line();
	exit(0);
}

/* Pages of a file would be given up before anybody is killed, but for locked ones. */
static void lock_file(const char *path)
{
	int fd = open(path, O_RDONLY);
	off_t bytes = lseek(fd, 0, SEEK_END);
	void *memory = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);

	must(memory != MAP_FAILED && mlock(memory, bytes) == 0, path);
}

static void step(const char *name, const char *value)
{
	if (!strcmp(name, "join")) {
		write_to(value, "0");
	} else if (!strcmp(name, "adj")) {
		write_to("/proc/self/oom_score_adj", value);
	} else if (!strcmp(name, "name")) {
		prctl(PR_SET_NAME, value);
	} else if (!strcmp(name, "uid")) {
		must(setuid(atoi(value)) == 0, "setuid");
	} else if (!strcmp(name, "take")) {
		take(atol(value) * MIB, MAP_PRIVATE, 0);
	} else if (!strcmp(name, "shared")) {
		take(atol(value) * MIB, MAP_SHARED, 0);
	} else if (!strcmp(name, "file")) {
		lock_file(value);
	} else if (!strcmp(name, "say")) {
		printf("%s %d\n", value, getpid());
	} else if (!strcmp(name, "fork")) {
		pid_t child = fork();

		if (child)
			await_child(child);
	} else if (!strcmp(name, "traced")) {
		trace_child();
	} else if (!strcmp(name, "pidns")) {
		pid_t child;

		must(unshare(CLONE_NEWPID) == 0, "unshare");
		child = fork();
		if (child)
			await_child(child);
		child = fork();
		if (child)
			await_child(child);
	} else if (!strcmp(name, "threads")) {
		for (int i = atoi(value); i > 0; i--)
			start(grow);
		pause();
	} else if (!strcmp(name, "idle")) {
		start(idle);
	} else if (!strcmp(name, "grow")) {
		for (;;)
			take(*value ? atol(value) * MIB : 256 * 1024, MAP_PRIVATE, *value != 0);
	} else if (!strcmp(name, "wait")) {
		wait_for_line();
	} else if (!strcmp(name, "leave")) {
		_exit(0);
	} else {
		fprintf(stderr, "no step '%s'\n", name);
		exit(2);
	}
}

int main(int count, char **arguments)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i < count; i++) {
		char *value = strchr(arguments[i], ':');

		if (value)
			*value++ = 0;
		step(arguments[i], value ? value : "");
	}
	return 0;
}
