// A Client Access server as far as a load balancer and a connection test see it, as a process of its own so that it can be killed:
// the endpoint mapper on 135, and two RPC ports that greet with the member's name and keep the connection.
// Usage: node client-access-stand-in.ts NAME ADDRESS RPC-PORT ADDRESS-BOOK-PORT [CERTIFICATE KEY]
import { readFileSync } from 'node:fs';
import { createServer as createHttps } from 'node:https';
import { createServer } from 'node:net';
import { startEndpointMapper } from '../../src/admin/demo/endpoint-mapper-stand-in.ts';
import { EXCHANGE_INTERFACES } from '../../src/autodiscover/client/endpoint-mapper.ts';

const [name = '', address = '', rpcPort = '', bookPort = '', certificate, key] = process.argv.slice(2);
const [rpc, book] = [Number(rpcPort), Number(bookPort)];
const { EMSMDB, RFR, NSPI } = EXCHANGE_INTERFACES;

await startEndpointMapper(
  [
    { ...EMSMDB, port: rpc },
    { ...RFR, port: book },
    { ...NSPI, port: book },
  ],
  { host: address, port: 135 },
);
for (const port of [rpc, book]) {
  createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.write(`${name}\n`);
  }).listen(port, address);
}
if (certificate !== undefined && key !== undefined) {
  createHttps({ cert: readFileSync(certificate), key: readFileSync(key) }, (request, response) => {
    const known = /^\/(?:autodiscover|ews|oab|owa|ecp|rpc|microsoft-server-activesync)\//i.test(request.url ?? '');
    response.writeHead(known ? 401 : 404, { 'X-Member': name, ...(known && { 'WWW-Authenticate': 'NTLM' }) }).end(name);
  }).listen(443, address);
}
// The test holds our standard input: when it is gone, so are we.
process.stdin.resume().once('end', () => process.exit());
