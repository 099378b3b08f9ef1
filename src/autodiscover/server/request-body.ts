// Reads a request's body as bytes, whatever its Content-Type claims. What clients send, a body of announced length and not compressed, is
// collected here: the HTTP parser vouches for its length, and nothing else can go wrong with it. All else (chunked, compressed, in an
// unknown coding) is body-parser's, with its limits.

import express from 'express';
import { inviteBody } from './awaited-continue.ts';
import type { Request, Response } from './exchange-context.ts';

/** Resolves when the body stands in `request.body`; rejects with an error that carries its HTTP `status`. */
export type BodyReader = (request: Request, response: Response) => Promise<void>;

/** `maxBytes` is the limit after decompression; an announced length is compared with it before. */
export function bodyReader(maxBytes: number): BodyReader {
  const parse = express.raw({ type: () => true, limit: maxBytes, inflate: true });
  return (request, response) => {
    const { headers } = request;
    const isPlain = headers['transfer-encoding'] === undefined && headers['content-encoding'] === undefined;
    inviteBody(request, response);
    return new Promise((resolve, reject) => {
      if (isPlain) collect(request, resolve, reject);
      else
        parse(request as express.Request, response as express.Response, (error?: unknown) =>
          error ? reject(error) : resolve(),
        );
    });
  };
}

function collect(request: Request, resolve: () => void, reject: (error: Error) => void): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.once('end', () => {
    request.body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    resolve();
  });
  request.once('error', () => reject(Object.assign(new Error('request aborted'), { status: 400 })));
}
