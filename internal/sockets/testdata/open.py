# Opens sockets of many kinds, sends between them, tells their numbers as JSON, and holds them until its input ends.
#   open.py SEED FOLDER
import json, os, random, socket, sys

seed, folder = int(sys.argv[1]), sys.argv[2]
pick = random.Random(seed)
kept, said = [], []

def keep(s):
    kept.append(s)
    return s

def udp(family, host):
    s = keep(socket.socket(family, socket.SOCK_DGRAM))
    if pick.random() < .5: s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, pick.choice([4096, 16384, 65536]))
    if pick.random() < .3: s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if pick.random() < .3: s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    if pick.random() < .8: s.bind((pick.choice([host, ""]), 0))
    return s

def fill(s, host):
    if s.getsockname()[1] == 0: return
    to = (host, s.getsockname()[1])
    c = keep(socket.socket(s.family, socket.SOCK_DGRAM))
    if pick.random() < .5: c.connect(to)
    else: c.bind((host, 0))
    for _ in range(pick.randrange(40)): c.sendto(b"x" * pick.randrange(1200), to)

for _ in range(6):
    fill(udp(socket.AF_INET, "127.0.0.1"), "127.0.0.1")
    fill(udp(socket.AF_INET6, "::1"), "::1")
for i in range(3):
    name = pick.choice(["\0h-%d-%d" % (os.getpid(), i), "%s/s %d" % (folder, i)])
    s = keep(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)); s.bind(name)
    c = keep(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)); c.connect(name)
    for _ in range(pick.randrange(5)): c.send(b"y" * pick.randrange(1, 300))
for kind in socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM:
    a, b = socket.socketpair(socket.AF_UNIX, kind); keep(a); keep(b); a.send(b"z" * pick.randrange(1, 500))
l = keep(socket.socket()); l.bind(("127.0.0.1", 0)); l.listen(pick.randrange(1, 9))
c = keep(socket.socket()); c.connect(l.getsockname()); a = keep(l.accept()[0]); a.send(b"q" * pick.randrange(1, 900))
for make in (lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1), lambda: socket.socket(socket.AF_INET6, socket.SOCK_RAW, 58), lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)):
    try: keep(make())
    except PermissionError: pass
for s in kept:
    if pick.random() < .3: s.set_inheritable(True)
    said.append({"fd": s.fileno(), "family": int(s.family), "type": int(s.type), "proto": s.proto, "inherited": s.get_inheritable()})
print(json.dumps(said), flush=True)
sys.stdin.read()
