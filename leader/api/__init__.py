"""The local API, HTTP and JSON on a Unix socket: the server, its clients, and who is at the other end."""
