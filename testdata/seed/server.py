# UDP server: sends every datagram back in upper case.
# Usage: python3 server.py [host [port]]

import sys
from socket import socket, AF_INET, SOCK_DGRAM

host = '127.0.0.1'
port = 12345

if len(sys.argv) > 1:
    host = sys.argv[1]
if len(sys.argv) > 2:
    port = int(sys.argv[2])

sock = socket(AF_INET, SOCK_DGRAM)
sock.bind((host, port))
print('ready', flush=True)

while True:
    data, address = sock.recvfrom(2048)
    data = data.upper()
    print(data, flush=True)
    sock.sendto(data, address)
