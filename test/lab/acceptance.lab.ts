// The acceptance list over a real Active Directory: the same requests as over the embedded directory, the same answers but for GUIDs.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { type Directory, openDirectory } from '../../src/ldap/directory.ts';
import { ACCEPTANCE, checkRow, rowName, withoutGuids } from '../autodiscover/acceptance.ts';
import { type Bed, bedOver, type DemoBed, openDemoBed } from '../autodiscover/bed.ts';
import { controllerAt, directoryOptions } from '../ldap/demo-organization.ts';
import { labSuite } from './requirements.ts';
import { type SambaLab, startSambaLab } from './samba/samba-lab.ts';

labSuite('acceptance on Samba', ['samba'], () => {
  let lab: SambaLab;
  let directory: Directory;
  let real: Bed;
  let embedded: DemoBed;
  before(async () => {
    lab = await startSambaLab();
    const ca = [readFileSync(lab.caFile, 'utf8')];
    directory = await openDirectory(directoryOptions([controllerAt(lab.ldapsUrl, { ca, operationTimeoutMs: 10_000 })]));
    real = bedOver(directory);
    embedded = await openDemoBed();
  });
  after(async () => {
    directory?.close();
    await embedded?.close();
    await lab?.stop();
  });

  for (const row of ACCEPTANCE) {
    test(rowName(row), async () => {
      const answer = await checkRow(real, row);
      assert.equal(withoutGuids(answer), withoutGuids(await checkRow(embedded, row)));
    });
  }
});
