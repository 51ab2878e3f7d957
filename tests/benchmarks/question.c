/* The least that asks an agent whether this node leads: one request, one answer; 0 is yes, 1 is no. */
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int count, char **words) {
    static const char request[] = "GET /leader HTTP/1.0\r\n\r\n";
    struct sockaddr_un place = {.sun_family = AF_UNIX};
    char answer[64];
    int channel = socket(AF_UNIX, SOCK_STREAM, 0);
    if (count != 2 || channel < 0) return 2;
    strncpy(place.sun_path, words[1], sizeof place.sun_path - 1);
    if (connect(channel, (struct sockaddr *)&place, sizeof place) < 0) return 2;
    if (write(channel, request, sizeof request - 1) < 0) return 2;
    return read(channel, answer, sizeof answer) > 12 && !memcmp(answer + 9, "200", 3) ? 0 : 1;
}
