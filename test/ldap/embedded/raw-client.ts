// A socket that sends bytes as they are and takes answers apart only as far as their tags, for requests no client would send.
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { BerWriter } from 'ldapts';

/** A definite-length BER element. */
export function ber(tag: number, ...content: (Buffer | string | number[])[]): Buffer {
  const body = Buffer.concat(content.map((part) => Buffer.from(part as Buffer)));
  const writer = new BerWriter({ size: 64 });
  writer.writeBuffer(body, tag);
  return Buffer.from(writer.buffer);
}

export const int = (value: number, tag = 0x02): Buffer => ber(tag, [value]);
export const octets = (value: Buffer | string, tag = 0x04): Buffer => ber(tag, value);
export const message = (id: number, ...parts: Buffer[]): Buffer => ber(0x30, int(id), ...parts);
export const bindRequest = (name: string, password: string): Buffer =>
  ber(0x60, int(3), octets(name), octets(password, 0x80));
export const searchRequest = (base: string, filter: Buffer, scope = 2, ...attributes: string[]): Buffer =>
  ber(
    0x63,
    octets(base),
    int(scope, 0x0a),
    int(0, 0x0a),
    int(0),
    int(0),
    ber(0x01, [0]),
    filter,
    ber(0x30, ...attributes.map((name) => octets(name))),
  );
export const present = (attribute: string): Buffer => octets(attribute, 0x87);
export const equality = (attribute: string, value: string): Buffer => ber(0xa3, octets(attribute), octets(value));

export type RawClient = {
  readonly socket: Socket;
  send(bytes: Buffer): void;
  /** Resolves with `id:tag:code` of each whole answer once `count` are there or the server hung up. */
  answers(count: number): Promise<string[]>;
  /** Resolves when the server closed the connection. */
  closed(): Promise<string[]>;
};

export async function rawClient(t: TestContext, port: number): Promise<RawClient> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  t.after(() => socket.destroy());
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  let received = Buffer.alloc(0);
  let ended = false;
  let wake = (): void => undefined;
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    wake();
  });
  socket.on('close', () => {
    ended = true;
    wake();
  });
  const until = async (done: () => boolean): Promise<string[]> => {
    while (!done() && !ended) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return summarize(received);
  };
  return {
    socket,
    send: (bytes) => socket.write(bytes),
    answers: (count) => until(() => summarize(received).length >= count),
    closed: () => until(() => false),
  };
}

function summarize(data: Buffer): string[] {
  const found: string[] = [];
  for (let at = 0; ; ) {
    const outer = header(data, at);
    if (!outer || outer.end > data.length) return found;
    const id = header(data, outer.start);
    const op = id && header(data, id.end);
    if (!id || !op) return found;
    // Answers that end a request begin with an ENUMERATED result code; entries and references do not.
    const code = data[op.start] === 0x0a ? (header(data, op.start)?.start ?? 0) : undefined;
    const parts = [
      data.readIntBE(id.start, id.end - id.start),
      (data[id.end] as number).toString(16),
      code === undefined ? '-' : data[code],
    ];
    found.push(parts.join(':'));
    at = outer.end;
  }
}

function header(data: Buffer, at: number): { start: number; end: number } | undefined {
  const first = data[at + 1];
  if (first === undefined) return undefined;
  if (first < 0x80) return { start: at + 2, end: at + 2 + first };
  const count = first & 0x7f;
  if (at + 2 + count > data.length) return undefined;
  const start = at + 2 + count;
  return { start, end: start + data.readUIntBE(at + 2, count) };
}
