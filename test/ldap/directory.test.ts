// The directory contract on the embedded server, and what only a fast directory can be asked: no organisation, no Active Directory.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from 'ldapts';
import { openDirectory } from '../../src/ldap/directory.ts';
import { directoryOptions, ORGANIZATION, startController } from './demo-organization.ts';
import { directoryContract } from './directory-contract.ts';

directoryContract('embedded', async () => {
  const controller = await startController();
  return {
    options: directoryOptions([controller]),
    connect: () => new Client({ url: controller.url }),
    close: () => controller.close(),
  };
});

test('a forest without Exchange is told as such', async () => {
  const changes = `version: 1\n\ndn: ${ORGANIZATION}\nchangetype: modify\nreplace: objectClass\nobjectClass: top\nobjectClass: container\n-\n`;
  const controller = await startController({ changes });
  try {
    await assert.rejects(openDirectory(directoryOptions([controller])), {
      code: 'no-exchange-organization',
      message: /found 0, expected one.*Is Exchange installed/,
    });
  } finally {
    await controller.close();
  }
});

test('no controller at all: unreachable, and nothing keeps running', async () => {
  const controller = await startController();
  await controller.close();
  await assert.rejects(openDirectory(directoryOptions([controller])), { code: 'unreachable', message: /ECONNREFUSED/ });
});
