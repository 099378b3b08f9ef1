import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { EMSMDB, NSPI } from '../../../src/autodiscover/client/endpoint-mapper.ts';
import {
  EPT_LIMITS,
  parseEptMapResponse,
  renderEptMapRequest,
  renderTower,
} from '../../../src/autodiscover/client/ept-map.ts';
import { parsePdu, pduLength } from '../../../src/autodiscover/client/rpc-pdu.ts';
import { mutate, mutationRuns, seededRandom } from '../../helpers/mutation.ts';
import { bindAck } from './fake-endpoint-mapper.ts';

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** An answer stub with these towers. */
function stubOf(towers: readonly Buffer[], status = 0): Buffer {
  const parts = [Buffer.alloc(20), u32(towers.length), u32(32), u32(0), u32(towers.length)];
  for (const _ of towers) parts.push(u32(7));
  for (const tower of towers) {
    const padding = Buffer.alloc((4 - (tower.length % 4)) % 4);
    parts.push(u32(tower.length), u32(tower.length), tower, padding);
  }
  return Buffer.concat([...parts, u32(status)]);
}

test('every port and address that can be written is read back ([C706] appendix L Towers, [C706] appendix O ept_map)', () => {
  const endpoint = fc.tuple(fc.integer({ min: 1, max: 65535 }), fc.array(fc.nat(255), { minLength: 4, maxLength: 4 }));
  fc.assert(
    fc.property(fc.array(endpoint, { maxLength: EPT_LIMITS.towers }), (endpoints) => {
      const stub = stubOf(endpoints.map(([port, address]) => renderTower(EMSMDB, port, address)));
      const want = endpoints.map(([port, address]) => ({
        port,
        address: address.some((b) => b !== 0) ? address.join('.') : undefined,
      }));
      const unique = [...new Map(want.map((e) => [JSON.stringify(e), e])).values()];
      assert.deepEqual(parseEptMapResponse(stub, true, EMSMDB), { status: 0, endpoints: unique });
      assert.deepEqual(parseEptMapResponse(stub, true, NSPI), { status: 0, endpoints: [] });
    }),
    { numRuns: 100 },
  );
});

test('null pointers among the towers are skipped', () => {
  const stub = stubOf([renderTower(EMSMDB, 6001)]);
  const two = Buffer.concat([stub.subarray(0, 32), u32(2), u32(0), stub.subarray(36)]);
  assert.deepEqual(parseEptMapResponse(two, true, EMSMDB), {
    status: 0,
    endpoints: [{ port: 6001, address: undefined }],
  });
});

test('a request stub is not mistaken for an answer', () => {
  assert.ok('malformed' in parseEptMapResponse(renderEptMapRequest(EMSMDB), true, EMSMDB));
});

test('damaged answers give a value, within the limits', () => {
  const good = stubOf([renderTower(EMSMDB, 6001), renderTower(NSPI, 6004), renderTower(EMSMDB, 49152, [192, 0, 2, 1])]);
  const random = seededRandom(135);
  let intact = 0;
  let malformed = 0;
  for (let run = mutationRuns(4000); run > 0; run--) {
    const reply = parseEptMapResponse(mutate(good, random), random() < 0.9, EMSMDB);
    if ('malformed' in reply) {
      assert.match(reply.malformed, /offset \d+/);
      malformed++;
    } else {
      assert.ok(reply.endpoints.every((e) => e.port > 0 && e.port < 65536));
      intact++;
    }
  }
  assert.ok(intact > 0 && malformed > 0, 'the damage reaches both outcomes');
});

test('damaged PDUs give a value', () => {
  const random = seededRandom(5);
  const types = new Set<string>();
  for (let run = mutationRuns(4000); run > 0; run--) {
    const bytes = mutate(bindAck(1), random);
    const length = pduLength(bytes);
    const pdu = parsePdu(bytes.subarray(0, typeof length === 'number' ? length : bytes.length), 1);
    types.add(pdu.type);
    if (pdu.type === 'malformed') assert.match(pdu.reason, /offset \d+/);
  }
  assert.ok(types.has('malformed') && types.has('bind-ack'));
});
