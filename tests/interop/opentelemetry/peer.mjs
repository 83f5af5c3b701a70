// SPDX-License-Identifier: Apache-2.0
// An HTTP service that speaks as OpenTelemetry's own propagators do, for opentelemetry_test.py.
//
//   POST /send     {service, format, trace, baggage, headers}: injects the context (and adds the headers as
//                  they are) into a request to `service`, which is to call back; answers with what was sent,
//                  and with what OpenTelemetry reads out of the call
//   POST /call/N   that call
//
// Prints its port, and ends when its standard input does.
import http from 'node:http';
import {
  ROOT_CONTEXT, baggageEntryMetadataFromString, createTraceState, defaultTextMapGetter, defaultTextMapSetter,
  isSpanContextValid, propagation, trace,
} from '@opentelemetry/api';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { B3InjectEncoding, B3Propagator } from '@opentelemetry/propagator-b3';

const withBaggage = (propagator) =>
  new CompositePropagator({ propagators: [propagator, new W3CBaggagePropagator()] });
const propagators = {
  w3c: withBaggage(new W3CTraceContextPropagator()),
  b3: withBaggage(new B3Propagator({ injectEncoding: B3InjectEncoding.SINGLE_HEADER })),
  b3multi: withBaggage(new B3Propagator({ injectEncoding: B3InjectEncoding.MULTI_HEADER })),
};
const waiting = new Map();

async function read(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts).toString();
}

function contextOf({ trace: span, baggage }) {
  let context = ROOT_CONTEXT;
  if (span) {
    const traceState = span.traceState ? createTraceState(span.traceState) : undefined;
    context = trace.setSpanContext(context, { ...span, traceState });
  }
  if (baggage) {
    const entries = baggage.map(([key, value, metadata]) =>
      [key, { value, metadata: metadata === undefined ? undefined : baggageEntryMetadataFromString(metadata) }]);
    context = propagation.setBaggage(context, propagation.createBaggage(Object.fromEntries(entries)));
  }
  return context;
}

function understood(headers, format) {
  const context = propagators[format].extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
  const span = trace.getSpanContext(context);
  return {
    trace: span && isSpanContextValid(span)
      ? { traceId: span.traceId, spanId: span.spanId, traceFlags: span.traceFlags,
          traceState: span.traceState ? span.traceState.serialize() : '' }
      : null,
    baggage: (propagation.getBaggage(context)?.getAllEntries() ?? []).map(([key, { value, metadata }]) =>
      metadata === undefined ? [key, value] : [key, value, metadata.toString()]),
  };
}

function post(url, body, headers) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method: 'POST', agent: false, headers }, async (answer) =>
      resolve([answer.statusCode, await read(answer)]));
    request.on('error', reject);
    request.end(body);
  });
}

let number = 0;
async function send(order) {
  const path = `/call/${++number}`;
  const called = new Promise((resolve) => waiting.set(path, resolve));
  const sent = {};
  propagators[order.format].inject(contextOf(order), sent, defaultTextMapSetter);
  const body = JSON.stringify([{ url: `http://127.0.0.1:${server.address().port}${path}`, arguments: [] }]);
  const headers = ['Host', 'service', 'Content-Type', 'application/json', 'Content-Length', String(body.length)];
  for (const pair of [...Object.entries(sent), ...(order.headers ?? [])]) headers.push(...pair);
  const [status, text] = await post(order.service, body, headers);
  // A call that this server refuses to read is none either.
  if (status !== 200 || JSON.parse(text)[0].status !== 200) throw new Error(`${status} ${text}`);
  const arrived = await called;
  // Several fields stay several, as OpenTelemetry's getter allows.
  const carrier = Object.fromEntries(
    Object.entries(arrived.headersDistinct).map(([name, all]) => [name, all.length === 1 ? all[0] : all]));
  return { sent, wire: arrived.headersDistinct, read: understood(carrier, order.format) };
}

const server = http.createServer({ maxHeaderSize: 65536 }, async (request, response) => {
  const body = await read(request);
  let answer = null;
  response.statusCode = 200;
  if (request.url === '/send') {
    try {
      answer = await send(JSON.parse(body));
    } catch (error) {
      response.statusCode = 500;
      answer = String(error);
    }
  } else {
    waiting.get(request.url)?.(request);
    waiting.delete(request.url);
  }
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify(answer));
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit(0)).resume();
