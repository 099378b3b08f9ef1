// Asks the RPC endpoint mapper of a host (TCP 135) on which port an interface listens: the migrator's check before a profile is
// pointed at a name, and the administrator's check of an array and its members. One anonymous connection, one bind, one ept_map.
// [C706] 12.6 PDUs and [C706] appendix O ept_map; interface numbers of Exchange from [MS-OXCRPC], [MS-OXABREF] and [MS-OXNSPI].

import { connect, isIP, type LookupFunction, type Socket } from 'node:net';
import {
  ENDPOINT_MAPPER,
  EPT_MAP_OPNUM,
  EPT_NOT_REGISTERED,
  parseEptMapResponse,
  renderEptMapRequest,
  type TcpEndpoint,
} from './ept-map.ts';
import { errorCode, errorText, type NetworkFailure, networkFailure } from './network-failure.ts';
import { parsePdu, pduLength, RPC_LIMITS, type RpcPdu, type RpcSyntax, renderBind, renderRequest } from './rpc-pdu.ts';

/** The mailbox store's interface, EMSMDB. [MS-OXCRPC] 1.9 Interface */
export const EMSMDB: RpcSyntax = {
  interfaceId: 'a4f1db00-ca47-1067-b31f-00dd010662da',
  version: { major: 0, minor: 81 },
};
/** The referral service, RFR, which names the address book server. [MS-OXABREF] 1.9 Interface */
export const RFR: RpcSyntax = { interfaceId: '1544f5e0-613c-11d1-93df-00c04fd7bd09', version: { major: 1, minor: 0 } };
/** The address book, NSPI. [MS-OXNSPI] 1.9 Interface */
export const NSPI: RpcSyntax = {
  interfaceId: 'f5cc5a18-4264-101a-8c59-08002b2f8426',
  version: { major: 56, minor: 0 },
};

/** The three interfaces Outlook needs of a Client Access server, by the names used in reports. */
export const EXCHANGE_INTERFACES = { EMSMDB, RFR, NSPI } as const;

/** TCP port of the endpoint mapper. */
export const ENDPOINT_MAPPER_PORT = 135;

/** `port` defaults to 135; `timeoutMs` bounds everything together: name, connection, bind and call. */
export interface EndpointMapRequest extends RpcSyntax {
  readonly host: string;
  readonly port?: number;
  readonly timeoutMs: number;
  /** Name resolution, as `net.connect` takes it; the system's own when absent. */
  readonly lookup?: LookupFunction;
}

/** How far a conversation came. */
export type EndpointMapPhase = 'resolve' | 'connect' | 'bind' | 'map';

/**
 * What a host's endpoint mapper says.
 * `registered`: at least one TCP port. `not-registered`: the mapper works and does not know the interface on TCP.
 * `rejected`: it speaks RPC but refused the bind or the call. `unreachable`: no conversation took place, or it was cut.
 * `garbage`: something answered that is no endpoint mapper; `detail` names the offset.
 */
export type EndpointMapAnswer =
  | { readonly outcome: 'registered'; readonly endpoints: readonly TcpEndpoint[] }
  | { readonly outcome: 'not-registered' }
  | { readonly outcome: 'rejected'; readonly detail: string }
  | { readonly outcome: 'unreachable'; readonly reason: NetworkFailure; readonly detail: string }
  | { readonly outcome: 'timeout'; readonly phase: EndpointMapPhase }
  | { readonly outcome: 'garbage'; readonly detail: string };

const BIND_CALL = 1;
const MAP_CALL = 2;

/** Asks once, without retry. Never rejects for anything the network does; a malformed `interfaceId` is a RangeError. */
export async function mapEndpoint(request: EndpointMapRequest): Promise<EndpointMapAnswer> {
  const stub = renderEptMapRequest(request);
  let phase: EndpointMapPhase = isIP(request.host) ? 'connect' : 'resolve';
  let timedOut = false;
  const socket = connect({
    host: request.host,
    port: request.port ?? ENDPOINT_MAPPER_PORT,
    ...(request.lookup && { lookup: request.lookup }),
  });
  const timer = setTimeout(() => {
    timedOut = true;
    socket.destroy(new Error('deadline'));
  }, request.timeoutMs);
  socket.once('lookup', () => {
    phase = 'connect';
  });
  socket.once('connect', () => {
    phase = 'bind';
    socket.write(renderBind(BIND_CALL, ENDPOINT_MAPPER));
  });
  try {
    const pdus = readPdus(socket);
    const bound = await nextPdu(pdus, BIND_CALL);
    if (bound === undefined) return CLOSED_EARLY;
    if (bound.type === 'bind-refused') return { outcome: 'rejected', detail: `bind refused: ${bound.reason}` };
    if (bound.type === 'fault') return { outcome: 'rejected', detail: describeStatus('bind', bound.status) };
    if (bound.type !== 'bind-ack') return garbage(bound);
    phase = 'map';
    socket.write(renderRequest(MAP_CALL, EPT_MAP_OPNUM, stub));
    return await readReply(pdus, request);
  } catch (error) {
    if (timedOut) return { outcome: 'timeout', phase };
    return unreachable(error);
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

/** Cuts the byte stream into PDUs; a stream that is no DCE/RPC ends with the reason as text, one that just stops ends with undefined. */
async function* readPdus(socket: Socket): AsyncGenerator<Buffer | string> {
  let pending = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    pending = Buffer.concat([pending, chunk]);
    for (;;) {
      const length = pduLength(pending);
      if (typeof length === 'string') {
        yield length;
        return;
      }
      if (length === undefined || pending.length < length) break;
      yield pending.subarray(0, length);
      pending = pending.subarray(length);
    }
  }
  if (pending.length > 0) yield `offset ${pending.length}: the connection ended inside a PDU`;
}

const CLOSED_EARLY: EndpointMapAnswer = {
  outcome: 'unreachable',
  reason: 'closed',
  detail: 'the server closed the connection without an answer',
};

async function nextPdu(pdus: AsyncGenerator<Buffer | string>, callId: number): Promise<RpcPdu | undefined> {
  const next = await pdus.next();
  if (next.done) return undefined;
  return typeof next.value === 'string' ? { type: 'malformed', reason: next.value } : parsePdu(next.value, callId);
}

async function readReply(pdus: AsyncGenerator<Buffer | string>, asked: RpcSyntax): Promise<EndpointMapAnswer> {
  const stubs: Buffer[] = [];
  let total = 0;
  for (let fragment = 1; fragment <= RPC_LIMITS.fragments; fragment++) {
    const part = await nextPdu(pdus, MAP_CALL);
    if (part === undefined) return CLOSED_EARLY;
    if (part.type === 'fault') return { outcome: 'rejected', detail: describeStatus('ept_map', part.status) };
    if (part.type !== 'response') return garbage(part);
    stubs.push(part.stub);
    total += part.stub.length;
    if (total > RPC_LIMITS.stubBytes) break;
    if (part.last) return interpret(Buffer.concat(stubs), part.littleEndian, asked);
  }
  const { fragments, stubBytes } = RPC_LIMITS;
  return { outcome: 'garbage', detail: `answer of more than ${fragments} fragments or ${stubBytes} bytes` };
}

function interpret(stub: Buffer, littleEndian: boolean, asked: RpcSyntax): EndpointMapAnswer {
  const reply = parseEptMapResponse(stub, littleEndian, asked);
  if ('malformed' in reply) return { outcome: 'garbage', detail: `ept_map answer, ${reply.malformed}` };
  if (reply.status === EPT_NOT_REGISTERED) return { outcome: 'not-registered' };
  if (reply.status !== 0) return { outcome: 'rejected', detail: describeStatus('ept_map', reply.status) };
  if (reply.endpoints.length === 0) return { outcome: 'not-registered' };
  return { outcome: 'registered', endpoints: reply.endpoints };
}

function garbage(pdu: RpcPdu): EndpointMapAnswer {
  const detail = pdu.type === 'malformed' ? pdu.reason : `a ${pdu.type} PDU where another was due`;
  return { outcome: 'garbage', detail };
}

/** Statuses an administrator may meet. [C706] appendix E status, [MS-ERREF] 2.2 Win32 */
const STATUS_TEXT: Readonly<Record<number, string>> = {
  5: 'access denied: anonymous calls are restricted on the server',
  1783: 'the server could not read the request',
  469827586: 'unknown operation',
  469827587: 'unknown interface',
  382312653: 'the endpoint mapper cannot perform the operation',
};

function describeStatus(what: string, status: number): string {
  const known = STATUS_TEXT[status];
  return `${what} failed with status 0x${status.toString(16).padStart(8, '0')}${known ? ` (${known})` : ''}`;
}

function unreachable(error: unknown): EndpointMapAnswer {
  return { outcome: 'unreachable', reason: networkFailure(errorCode(error)), detail: errorText(error) };
}
