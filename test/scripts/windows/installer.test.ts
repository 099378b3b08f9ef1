import assert from 'node:assert/strict';
import { test } from 'node:test';
import { XMLParser } from 'fast-xml-parser';
import type { Product } from '../../../scripts/windows/executable.ts';
import { installerXml, LOGON_COMMAND } from '../../../scripts/windows/installer.ts';

const product: Product = {
  name: 'Profile Migrator',
  description: 'Moves <profiles> & "names"',
  company: 'contoso.test',
  internalName: 'profile-migrator',
  version: [1, 2, 3, 0],
  copyright: '',
};

const parse = (xml: string) =>
  new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '',
    isArray: (name) => /^(Component|RegistryKey|RegistryValue)$/.test(name),
  }).parse(xml).Wix.Product;

test('files, upgrade code, Active Setup and Run', () => {
  const parsed = parse(installerXml(product, ['profile-migrator.exe', 'LICENSE.txt', 'policy.json'], 'abc'));
  assert.equal(parsed.Version, '1.2.3');
  assert.equal(parsed.Package.Description, product.description);
  const components = parsed.Directory.Directory.Directory.Component;
  assert.deepEqual(
    components.slice(0, 3).map((component: { File: { Name: string } }) => component.File.Name),
    ['profile-migrator.exe', 'LICENSE.txt', 'policy.json'],
  );
  assert.ok(components.every((component: { Win64: string }) => component.Win64 === 'yes'));
  const [activeSetup, run] = components[3].RegistryKey;
  assert.match(activeSetup.Key, /Active Setup\\Installed Components\\\{[0-9A-F-]{36}\}$/);
  const values = Object.fromEntries(
    activeSetup.RegistryValue.map((value: { Name?: string; Value: string }) => [value.Name ?? '', value.Value]),
  );
  // Active Setup compares versions written with commas.
  assert.deepEqual(values, { '': product.name, StubPath: LOGON_COMMAND, Version: '1,2,3,0', IsInstalled: '1' });
  assert.match(run.Key, /CurrentVersion\\Run$/);
  assert.equal(run.RegistryValue[0].Value, LOGON_COMMAND);
});

test('identities: components and upgrades keep theirs, another content is another product', () => {
  const one = parse(installerXml(product, ['a', 'b'], 'content 1'));
  const same = parse(installerXml(product, ['a', 'b'], 'content 1'));
  const other = parse(installerXml({ ...product, version: [1, 2, 4, 0] }, ['a', 'b'], 'content 2'));
  const guids = (parsed: typeof one) =>
    parsed.Directory.Directory.Directory.Component.map((component: { Guid: string }) => component.Guid);
  assert.equal(one.Id, same.Id);
  assert.notEqual(one.Id, other.Id);
  assert.equal(one.UpgradeCode, other.UpgradeCode);
  assert.deepEqual(guids(one), guids(other));
  assert.equal(new Set(guids(one)).size, 3);
  for (const guid of [one.Id, ...guids(one)])
    assert.match(guid, /^[0-9A-F]{8}-[0-9A-F]{4}-5[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$/);
});
