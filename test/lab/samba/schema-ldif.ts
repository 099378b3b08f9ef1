// Turns schema-table.ts into the LDIF an AD schema accepts, in phases: a class may not name a class added in the same phase,
// so attributes come first, then one phase per inheritance depth, and possible superiors among the new classes at the end.
import { ATTRIBUTES, type AttributeRow, BASE_CLASS_CHANGES, CLASSES, type ClassRow, SYNTAXES } from './schema-table.ts';

/** One step of a schema extension; the schema cache must be renewed (schemaUpdateNow) after each. */
export type SchemaPhase = { readonly change: 'add' | 'modify'; readonly ldif: string };

/** OM-object-class of Object(DS-DN), without which a DN attribute is refused ([MS-ADTS] 3.1.1.2.2.2 Syntaxes). */
const OBJECT_DS_DN = 'KwwCh3McAIVK';

/** Name of the schema object: `msExchMDBCopy` is stored as `ms-Exch-MDB-Copy`, the form objectCategory refers to. */
export function schemaObjectName(displayName: string): string {
  const parts = displayName.match(/[A-Z]+(?![a-z])|[A-Z][a-z]*|^[a-z]+/g) ?? [displayName];
  const name = parts.join('-');
  return name.startsWith('ms-') ? name : name.charAt(0).toUpperCase() + name.slice(1);
}

/** The phases for a forest whose root domain is `baseDn`, in the order they must be applied. */
export function schemaPhases(baseDn: string): SchemaPhase[] {
  const schemaDn = `CN=Schema,CN=Configuration,${baseDn}`;
  const byDepth = Map.groupBy(CLASSES, depthOf);
  const depths = [...byDepth.keys()].sort((a, b) => a - b);
  return [
    { change: 'add', ldif: ATTRIBUTES.map((row) => attributeRecord(row, schemaDn)).join('\n') },
    ...depths.map((depth) => ({
      change: 'add' as const,
      ldif: (byDepth.get(depth) ?? []).map((row) => classRecord(row, schemaDn)).join('\n'),
    })),
    { change: 'modify', ldif: modifications(schemaDn) },
  ];
}

function depthOf({ parent }: ClassRow): number {
  const above = CLASSES.find(({ name }) => name === parent);
  return above === undefined ? 0 : depthOf(above) + 1;
}

function record(dn: string, lines: readonly (string | false)[]): string {
  return [`dn: ${dn}`, ...lines.filter((line) => line !== false), ''].join('\n');
}

function attributeRecord(
  [name, oid, syntax, values, searchFlags, catalog, linkId]: AttributeRow,
  schemaDn: string,
): string {
  const [attributeSyntax, oMSyntax] = SYNTAXES[syntax];
  const backLink = linkId !== undefined && linkId % 2 === 1;
  return record(`CN=${schemaObjectName(name)},${schemaDn}`, [
    'objectClass: top',
    'objectClass: attributeSchema',
    `attributeID: ${oid}`,
    `attributeSyntax: ${attributeSyntax}`,
    `oMSyntax: ${oMSyntax}`,
    syntax === 'dn' && `oMObjectClass:: ${OBJECT_DS_DN}`,
    `isSingleValued: ${values === 'single' ? 'TRUE' : 'FALSE'}`,
    `searchFlags: ${searchFlags}`,
    catalog === 'gc' && 'isMemberOfPartialAttributeSet: TRUE',
    linkId !== undefined && `linkID: ${linkId}`,
    // FLAG_ATTR_NOT_REPLICATED: a back link is computed by each controller.
    backLink && 'systemFlags: 1',
    `lDAPDisplayName: ${name}`,
  ]);
}

function isNew(className: string): boolean {
  return CLASSES.some(({ name }) => name === className);
}

function classRecord(row: ClassRow, schemaDn: string): string {
  const dn = `CN=${schemaObjectName(row.name)},${schemaDn}`;
  return record(dn, [
    'objectClass: top',
    'objectClass: classSchema',
    `governsID: ${row.oid}`,
    'objectClassCategory: 1',
    'rDNAttID: cn',
    `subClassOf: ${row.parent}`,
    ...row.below.filter((name) => !isNew(name)).map((name) => `possSuperiors: ${name}`),
    ...(row.must ?? []).map((name) => `mustContain: ${name}`),
    ...(row.may ?? []).map((name) => `mayContain: ${name}`),
    `lDAPDisplayName: ${row.name}`,
    `defaultObjectCategory: ${dn}`,
    `defaultSecurityDescriptor: ${row.dacl}`,
  ]);
}

function modifications(schemaDn: string): string {
  const changes = [
    ...CLASSES.map(({ name, below }) => ({ name, may: [], below: below.filter(isNew) })),
    ...BASE_CLASS_CHANGES.map(({ name, may = [], below = [] }) => ({ name, may, below })),
  ];
  return changes
    .filter(({ may, below }) => may.length + below.length > 0)
    .map(({ name, may, below }) =>
      record(`CN=${schemaObjectName(name)},${schemaDn}`, [
        'changetype: modify',
        ...addition('mayContain', may),
        ...addition('possSuperiors', below),
      ]),
    )
    .join('\n');
}

function addition(attribute: string, values: readonly string[]): string[] {
  return values.length === 0 ? [] : [`add: ${attribute}`, ...values.map((value) => `${attribute}: ${value}`), '-'];
}
