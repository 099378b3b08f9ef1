// Whole journeys as folders: cases/<case>/ holds case.json, request.xml and, for a 200, response.xml; changes.ldif changes the demo
// organisation for this case alone. A new case is a new folder. `npm run golden` rewrites response.xml; then read the diff.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import supertest from 'supertest';
import { z } from 'zod';
import { faultsOf } from '../conformance/citations.ts';
import { basic, type ConfigOverrides, type DemoBed, openDemoBed, POX_PATH, XML_TYPE } from './bed.ts';

const CASES = join(import.meta.dirname, 'cases');
const REWRITE = process.argv.includes('--rewrite-golden');

const caseSchema = z.strictObject({
  why: z.string().min(10),
  /** Citations of what the case is an example of. */
  clause: z
    .string()
    .refine((text) => faultsOf(text).length === 0, 'is no citation')
    .optional(),
  /** Logon name; alice@contoso.test when absent, nobody at all when null. */
  caller: z.string().nullable().default('alice@contoso.test'),
  password: z.string().optional(),
  path: z.string().default(POX_PATH),
  headers: z.record(z.string(), z.string()).default({}),
  /** Sections of the configuration file. */
  config: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
  status: z.number().default(200),
  /** Headers the answer must have; null means must not have. */
  expectHeaders: z.record(z.string(), z.string().nullable()).default({}),
  /** Regular expressions, one for each warning in the trace, in order. */
  warnings: z.array(z.string()).default([]),
  /** Regular expressions that some step of the trace must match. */
  trace: z.array(z.string()).default([]),
});

let shared: DemoBed;
before(async () => {
  shared = await openDemoBed();
});
after(() => shared.close());

for (const name of readdirSync(CASES).sort()) {
  const file = (kind: string) => join(CASES, name, kind);
  const read = (kind: string) => (existsSync(file(kind)) ? readFileSync(file(kind), 'utf8') : undefined);
  const scene = caseSchema.parse(JSON.parse(readFileSync(file('case.json'), 'utf8')));

  test(`case ${name}: ${scene.why}${scene.clause === undefined ? '' : ` (${scene.clause})`}`, async () => {
    const changes = read('changes.ldif');
    const config = scene.config as ConfigOverrides | undefined;
    const own = changes === undefined && config === undefined ? undefined : await openCase(changes, config);
    const bed = own ?? shared;
    try {
      const lines = bed.log.length;
      const request = supertest(bed.app).post(scene.path).set('Content-Type', XML_TYPE).redirects(0);
      if (scene.caller !== null) request.set('Authorization', basic(scene.caller, scene.password));
      for (const [header, value] of Object.entries(scene.headers)) request.set(header, value);
      const response = await request.send(readFileSync(file('request.xml'), 'utf8'));
      assert.equal(response.status, scene.status);
      for (const [header, value] of Object.entries(scene.expectHeaders)) {
        assert.equal(response.headers[header.toLowerCase()] ?? null, value, header);
      }
      checkBody(response.text, response.headers, { status: scene.status, file: file('response.xml') });
      const [line] = bed.log.slice(lines);
      checkTrace(line?.trace ?? [], scene);
    } finally {
      await own?.close();
    }
  });
}

function openCase(changes: string | undefined, config: ConfigOverrides | undefined): Promise<DemoBed> {
  return openDemoBed({ ...(changes === undefined ? {} : { changes }), ...(config ? { config } : {}) });
}

function checkBody(text: string, headers: Record<string, string>, { status, file }: { status: number; file: string }) {
  if (status !== 200) return assert.ok(!existsSync(file), `${status} has no response.xml`);
  assert.equal(headers['content-type'], 'text/xml; charset=utf-8');
  assert.equal(headers['cache-control'], 'private');
  if (REWRITE) writeFileSync(file, text);
  assert.equal(text, readFileSync(file, 'utf8'));
  checkForms(text);
}

/** What every answer must be like, whatever it says. */
function checkForms(xml: string): void {
  assert.ok(xml.startsWith('<?xml version="1.0" encoding="utf-8"?>'), 'XML declaration');
  assert.match(
    xml,
    /<Autodiscover xmlns="http:\/\/schemas\.microsoft\.com\/exchange\/autodiscover\/(?:mobilesync\/)?responseschema\/2006"/,
  );
  assert.doesNotMatch(xml, /<(\w+)(?: [^>]*)?(?:\/>|><\/\1>)(?<!<DebugData\s*\/>)/, 'no empty element but DebugData');
  // The blocks right below Account; WEB has smaller ones of the same name inside.
  const blocks = [...xml.matchAll(/^ {6}<Protocol>$.*?^ {6}<\/Protocol>$/gms)].map(([block]) => block);
  const types = blocks.map((block) => /<Type>(\w+)<\/Type>/.exec(block)?.[1]);
  for (const block of blocks.filter((_, at) => types[at] === 'EXCH' || types[at] === 'EXPR')) {
    assert.match(block, /<EwsUrl>https:\/\/[^<]+<\/EwsUrl>/);
    assert.match(block, /<ASUrl>https:\/\/[^<]+<\/ASUrl>/);
  }
  if (xml.includes('<Action>settings</Action>') && !xml.includes('mobilesync')) assert.equal(types[0], 'EXCH');
  assert.equal(new Set(types).size, types.length, 'at most one block of a type');
}

function checkTrace(
  trace: readonly { readonly level: string; readonly text: string }[],
  expected: { readonly warnings: readonly string[]; readonly trace: readonly string[] },
): void {
  const warnings = trace.filter((step) => step.level === 'warning').map((step) => step.text);
  assert.equal(warnings.length, expected.warnings.length, JSON.stringify(warnings));
  for (const [at, pattern] of expected.warnings.entries()) assert.match(warnings[at] ?? '', new RegExp(pattern));
  for (const pattern of expected.trace) {
    const texts = trace.map((step) => step.text);
    assert.ok(
      texts.some((text) => new RegExp(pattern).test(text)),
      `${pattern} in ${JSON.stringify(texts)}`,
    );
  }
}
