// What elektrine-httpapi replaces, at its simplest: a handler that pushes each
// body to a list of Redis and answers when Redis has. No library in between.
'use strict';
const http = require('http');
const net = require('net');

const [httpPort, redisPort] = process.argv.slice(2).map(Number);
const redis = net.connect(redisPort, '127.0.0.1').setNoDelay();
const waiting = [];
let rest = '';
redis.on('data', (data) => {
  rest += data;
  for (let end; (end = rest.indexOf('\r\n')) >= 0; rest = rest.slice(end + 2)) {
    waiting.shift()(rest[0] === ':');
  }
});

function push(body, done) {
  waiting.push(done);
  redis.write('*3\r\n$5\r\nLPUSH\r\n$5\r\nqueue\r\n$' + body.length + '\r\n');
  redis.write(body);
  redis.write('\r\n');
}

http.createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const body = Buffer.concat(parts);
    if (request.method !== 'POST') {
      response.end('{}');
      return;
    }
    JSON.parse(body);
    push(body, (ok) => {
      response.writeHead(ok ? 200 : 500, { 'Content-Type': 'application/json' });
      response.end('{"success":true,"message_id":"x"}');
    });
  });
}).listen(httpPort, '127.0.0.1');
