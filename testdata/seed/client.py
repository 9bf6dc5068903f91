# UDP client: sends each line from the keyboard as one datagram and prints the reply.
# Usage: python3 client.py [host [port]]

import sys
from socket import socket, AF_INET, SOCK_DGRAM

host = '127.0.0.1'
port = 12345

if len(sys.argv) > 1:
    host = sys.argv[1]
if len(sys.argv) > 2:
    port = int(sys.argv[2])

sock = socket(AF_INET, SOCK_DGRAM)

while True:
    try:
        message = input()
    except EOFError:
        break
    sock.sendto(message.encode('utf-8'), (host, port))
    data, address = sock.recvfrom(2048)
    print(data.decode('utf-8'), flush=True)

sock.close()
