// SPDX-License-Identifier: Apache-2.0
// An HTTP service that speaks as the CloudEvents SDK does, for cloudevents_sdk_test.py.
//
//   POST /send     {to, mode, event}: the SDK's own emitter posts the event there; answers with what it is answered
//   POST /receive  an event: answers with what the SDK makes of it
//
// Prints its port, and ends when its standard input does.
import http from 'node:http';
import { CloudEvent, HTTP, emitterFor, httpTransport } from 'cloudevents';

async function read(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

async function send({ to, mode, event }) {
  const { body } = await emitterFor(httpTransport(to), { mode })(new CloudEvent(event));
  return JSON.parse(body);
}

function understood(event) {
  const members = Object.entries({ ...event }).filter(([, value]) => value !== undefined);
  // Binary data has two faces in the SDK: what it keeps as base64 is the one without surprises.
  return Object.fromEntries(members.filter(([name]) => name !== 'data' || event.data_base64 === undefined));
}

function receive(headers, body) {
  const events = HTTP.toEvent({ headers, body: body.toString() });
  return [events].flat().map(understood);
}

const server = http.createServer(async (request, response) => {
  let status = 200, answer;
  try {
    const body = await read(request);
    answer = request.url === '/send' ? await send(JSON.parse(body)) : receive(request.headers, body);
  } catch (error) {
    status = 400;
    answer = { error: String(error.message) };
  }
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer));
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit(0)).resume();
