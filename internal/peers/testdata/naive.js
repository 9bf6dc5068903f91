// ADDRESS PORT: the server that one writes first in Node. Like bytes.upper it changes ASCII alone.
const socket = require('node:dgram').createSocket('udp4');
socket.on('message', (data, peer) => {
  for (let i = 0; i < data.length; i++) {
    const c = data[i];
    if (c >= 97 && c <= 122) data[i] = c - 32;
  }
  socket.send(data, peer.port, peer.address);
});
socket.bind(Number(process.argv[3]), process.argv[2]);
