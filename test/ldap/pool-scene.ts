// Embedded controllers of the demo organisation, and a pool over them.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { EqualityFilter } from 'ldapts';
import { ControllerPool } from '../../src/ldap/connection.ts';
import type { EmbeddedDirectory } from '../../src/ldap/embedded/server.ts';
import type { PoolEvent, PoolOptions } from '../../src/ldap/pool-options.ts';
import type { SearchRequest } from '../../src/ldap/search.ts';
import { controllerAt, DOMAIN, PASSWORD, READER, startController } from './demo-organization.ts';

const QUICK = { connectTimeoutMs: 300, operationTimeoutMs: 300 };
export const ALICE: SearchRequest = {
  base: DOMAIN,
  scope: 'sub',
  filter: new EqualityFilter({ attribute: 'sAMAccountName', value: 'alice' }),
  attributes: ['cn'],
};

interface Scene {
  readonly pool: ControllerPool;
  readonly controllers: readonly EmbeddedDirectory[];
  readonly events: PoolEvent[];
  /** Name of the controller that serves the next search. */
  served(): Promise<number>;
}

export async function scene(t: TestContext, count: number, options: Partial<PoolOptions> = {}): Promise<Scene> {
  const controllers = await Promise.all(
    Array.from({ length: count }, (_, at) => startController({ hostName: `DC${at + 1}` })),
  );
  const { pool, events } = poolOf(
    controllers.map(({ url }) => controllerAt(url, QUICK)),
    options,
  );
  t.after(async () => {
    pool.close();
    await Promise.all(controllers.map((controller) => controller.close()));
  });
  const served = async () => {
    const before = controllers.map((controller) => controller.stats.searches);
    const [entry] = await pool.search(ALICE);
    assert.equal(entry?.one('cn'), 'Alice Adams');
    const changed = controllers.map((controller, at) => controller.stats.searches > (before[at] ?? 0));
    return changed.lastIndexOf(true);
  };
  return { pool, controllers, events, served };
}

/** A pool over a scene's controllers that waits for ever, so that only its judgement of their pace can help. */
export function patientPool(
  t: TestContext,
  controllers: readonly { readonly url: string }[],
  options: Partial<PoolOptions> = {},
) {
  const opened = poolOf(
    controllers.map(({ url }) => controllerAt(url, { operationTimeoutMs: 60_000 })),
    options,
  );
  t.after(() => opened.pool.close());
  return opened;
}

function poolOf(controllers: PoolOptions['controllers'], options: Partial<PoolOptions>) {
  const events: PoolEvent[] = [];
  const pool = new ControllerPool({
    controllers,
    bindName: READER,
    readPassword: async () => PASSWORD,
    connections: 2,
    retry: { firstMs: 30, longestMs: 200 },
    onEvent: (event) => void events.push(event),
    ...options,
  });
  return { pool, events };
}
