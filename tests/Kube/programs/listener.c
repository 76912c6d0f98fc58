// Listens and never accepts: its accept queue fills.
// usage: listener PORT BACKLOG
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int listener;

	if (argc != 3)
		return 2;
	address.sin_port = htons((unsigned short)atoi(argv[1]));
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, atoi(argv[2]))) {
		perror("listener");
		return 1;
	}
	for (;;)
		pause();
}
