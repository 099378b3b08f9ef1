// The MSI: executable, licence texts, the policy when one is given, and the two registry entries that start the tool in each user's
// own session. Nothing in it touches a user's registry: custom actions would run as SYSTEM, in the wrong hive.
import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Product } from './executable.ts';
import { run } from './tools.ts';

/** Never changes: by it a new version finds and replaces an older one. */
const UPGRADE_CODE = '8B0C3A52-6F1D-4C0E-9E57-2B7A4D1E90C3';
/** The Active Setup component; Windows remembers per user which version of it has run. */
const ACTIVE_SETUP_ID = '{5D2E7F4B-93A8-4B61-8C1F-0A6E3D94B7F2}';
const INSTALL_FOLDER = 'Profile Migrator';
export const POLICY_FILE = 'policy.json';
const REGISTRY_COMPONENT = 'logon entries';

/** What both registry entries start, as MSI text: the folder is filled in at installation. */
export const LOGON_COMMAND = `"[INSTALLFOLDER]profile-migrator.exe" apply --live --policy "[INSTALLFOLDER]${POLICY_FILE}" --quiet`;

/**
 * Builds `name` in `folder` from files that lie there, the executable first (wixl takes sources only relative to its own input, so
 * that lies there too while it runs).
 */
export function buildInstaller(
  folder: string,
  name: string,
  product: Product,
  files: readonly string[],
  contentId: string,
): void {
  const source = `${name}.wxs`;
  writeFileSync(join(folder, source), installerXml(product, files, contentId));
  try {
    run('wixl', ['-a', 'x64', '-o', name, source], { cwd: folder });
    // wixl leaves the file version empty; Windows Installer then treats the executable as an unversioned data file on upgrades.
    const version = product.version.join('.');
    const sql = `UPDATE \`File\` SET \`Version\`='${version}', \`Language\`='1033' WHERE \`File\`='F0'`;
    // Another policy makes another product of the same version, which has to take the place of the one that is there. wixl has no word for
    // it (AllowSameVersionUpgrades), and attributes are part of the row's key. 1: features stay as chosen, 512: the version itself is replaced.
    const found = 'WIX_UPGRADE_DETECTED';
    const upgrade = [
      `DELETE FROM \`Upgrade\` WHERE \`ActionProperty\`='${found}'`,
      `INSERT INTO \`Upgrade\` (\`UpgradeCode\`, \`VersionMax\`, \`Attributes\`, \`ActionProperty\`) ` +
        `VALUES ('{${UPGRADE_CODE}}', '${product.version.slice(0, 3).join('.')}', 513, '${found}')`,
    ];
    run('msibuild', [name, ...[sql, ...upgrade].flatMap((query) => ['-q', query])], { cwd: folder });
  } finally {
    rmSync(join(folder, source), { force: true });
  }
}

/** The WiX 3 source. `contentId` (a hash of what is packed) makes the product code, so equal content is the same product. */
export function installerXml(product: Product, files: readonly string[], contentId: string): string {
  const version = product.version.slice(0, 3).join('.');
  const components = files.map(
    (file, index) => `
          <Component Id="C${index}" Guid="${guidOf(`component ${file}`)}" Win64="yes">
            <File Id="F${index}" Name="${xml(file)}" Source="${xml(file)}" KeyPath="yes"/>
          </Component>`,
  );
  const references = [...files.map((_, index) => `C${index}`), 'CLogon'].map((id) => `<ComponentRef Id="${id}"/>`);
  return `<?xml version="1.0" encoding="utf-8"?>
<Wix xmlns="http://schemas.microsoft.com/wix/2006/wi">
  <Product Id="${guidOf(`product ${product.version.join('.')} ${contentId}`)}" Name="${xml(product.name)}" Language="1033" Codepage="1252"
      Version="${version}" Manufacturer="${xml(product.company)}" UpgradeCode="${UPGRADE_CODE}">
    <Package InstallerVersion="300" Compressed="yes" InstallScope="perMachine" Description="${xml(product.description)}"/>
    <MajorUpgrade DowngradeErrorMessage="A newer version of ${xml(product.name)} is already installed."/>
    <Media Id="1" Cabinet="files.cab" EmbedCab="yes"/>
    <Property Id="ARPNOMODIFY" Value="1"/>
    <Property Id="ARPNOREPAIR" Value="1"/>
    <Directory Id="TARGETDIR" Name="SourceDir">
      <Directory Id="ProgramFiles64Folder">
        <Directory Id="INSTALLFOLDER" Name="${INSTALL_FOLDER}">${components.join('')}
          <Component Id="CLogon" Guid="${guidOf(`component ${REGISTRY_COMPONENT}`)}" Win64="yes">
            <RegistryKey Root="HKLM" Key="SOFTWARE\\Microsoft\\Active Setup\\Installed Components\\${ACTIVE_SETUP_ID}">
              <RegistryValue Type="string" Value="${xml(product.name)}" KeyPath="yes"/>
              <RegistryValue Name="StubPath" Type="string" Value="${xml(LOGON_COMMAND)}"/>
              <RegistryValue Name="Version" Type="string" Value="${product.version.join(',')}"/>
              <RegistryValue Name="IsInstalled" Type="integer" Value="1"/>
            </RegistryKey>
            <RegistryKey Root="HKLM" Key="SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run">
              <RegistryValue Name="ProfileMigrator" Type="string" Value="${xml(LOGON_COMMAND)}"/>
            </RegistryKey>
          </Component>
        </Directory>
      </Directory>
    </Directory>
    <Feature Id="Complete" Level="1">
      ${references.join('\n      ')}
    </Feature>
  </Product>
</Wix>
`;
}

/** A GUID that depends on the name alone (name-based, version 5 layout, below the upgrade code). */
function guidOf(name: string): string {
  const hash = createHash('sha1')
    .update(Buffer.from(UPGRADE_CODE.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest();
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString('hex').toUpperCase();
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
