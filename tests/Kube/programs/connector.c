// Opens connections at once and holds them for a while, whether they are answered or not.
// usage: connector ADDRESS PORT COUNT SECONDS
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET };

	if (argc != 5 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1)
		return 2;
	address.sin_port = htons((unsigned short)atoi(argv[2]));
	for (int i = 0; i < atoi(argv[3]); i++) {
		int connection = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

		if (connection < 0 || (connect(connection, (struct sockaddr *)&address, sizeof(address)) && errno != EINPROGRESS)) {
			perror("connector");
			return 1;
		}
	}
	sleep((unsigned int)atoi(argv[4]));
	return 0;
}
