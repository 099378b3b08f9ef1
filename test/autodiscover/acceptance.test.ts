// The acceptance list over the embedded directory.
import { after, before, describe, test } from 'node:test';
import { ACCEPTANCE, checkRow, rowName } from './acceptance.ts';
import { type DemoBed, openDemoBed } from './bed.ts';

describe('acceptance, embedded directory', () => {
  let bed: DemoBed;
  before(async () => {
    bed = await openDemoBed();
  });
  after(() => bed.close());

  for (const row of ACCEPTANCE) test(rowName(row), async () => void (await checkRow(bed, row)));
});
