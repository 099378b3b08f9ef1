// Decodes chosen subtrees of a hive into registry keys. The rest of the hive is not looked at, so damage elsewhere does no harm.
import { foldName, type RegistryKey, type RegistryValue, splitKeyPath } from '../registry.ts';
import { corrupt, type HiveImage, hex } from './hive-image.ts';
import { HIVE_LIMITS } from './limits.ts';
import { type KeyNode, readKeyNode, readValueRecord, subkeyCells, valueCells } from './records.ts';
import { readValueData } from './value-data.ts';

interface OpenKey {
  readonly name: string;
  readonly values: Map<string, RegistryValue>;
  readonly subkeys: Map<string, OpenKey>;
}

/** What one load has used up; a sound hive never exhausts it (see HIVE_LIMITS). */
interface Budget {
  readonly visited: Set<number>;
  bytes: number;
}

/**
 * The keys below the hive's root that lie on or under `paths` (without leading backslash; the empty path is everything).
 * Keys on the way to a subtree appear without their values; a path that does not exist is absent.
 * @throws RegistryError `hive-corrupt` naming cell and offset.
 */
export function loadKeys(image: HiveImage, paths: readonly string[]): RegistryKey {
  const rootNode = readKeyNode(image, image.base.rootCell);
  const root: OpenKey = { name: rootNode.name, values: new Map(), subkeys: new Map() };
  const budget: Budget = { visited: new Set(), bytes: image.bytes.length };
  const children: ChildCache = new Map();
  for (const path of outermost(paths)) {
    const found = findPath(image, rootNode, path, children);
    if (found === undefined) continue;
    let at = root;
    for (const node of found.slice(1)) {
      const folded = foldName(node.name);
      let next = at.subkeys.get(folded);
      if (next === undefined) {
        next = { name: node.name, values: new Map(), subkeys: new Map() };
        at.subkeys.set(folded, next);
      }
      at = next;
    }
    fill(image, found.at(-1) ?? rootNode, at, found.length, budget);
  }
  return root;
}

/** Without paths that lie under another one, so that no key is read twice. */
function outermost(paths: readonly string[]): string[] {
  const folded = new Map(paths.map((path) => [`${foldName(path)}\\`, path]));
  if (folded.has('\\')) return [''];
  return [...folded]
    .filter(([own]) => ![...folded.keys()].some((other) => other !== own && own.startsWith(other)))
    .map(([, path]) => path);
}

/** The children of keys already looked at, by the key's cell and the child's folded name. */
export type ChildCache = Map<number, ReadonlyMap<string, number>>;

/** The key nodes from the root down to `path`, root included, or undefined when the path does not exist. */
export function findPath(
  image: HiveImage,
  root: KeyNode,
  path: string,
  cache: ChildCache = new Map(),
): KeyNode[] | undefined {
  const nodes = [root];
  let node = root;
  for (const part of splitKeyPath(path)) {
    if (nodes.length > HIVE_LIMITS.depth) return undefined;
    let children = cache.get(node.cell);
    if (children === undefined) {
      children = childrenOf(image, node);
      cache.set(node.cell, children);
    }
    const cell = children.get(foldName(part));
    if (cell === undefined) return undefined;
    node = readKeyNode(image, cell);
    nodes.push(node);
  }
  return nodes;
}

/** The first of several children of one name counts; only the wanted subtrees are judged for that. */
function childrenOf(image: HiveImage, node: KeyNode): ReadonlyMap<string, number> {
  const children = new Map<string, number>();
  for (const cell of subkeyCells(image, node)) {
    const folded = foldName(readKeyNode(image, cell).name);
    if (!children.has(folded)) children.set(folded, cell);
  }
  return children;
}

function fill(image: HiveImage, node: KeyNode, key: OpenKey, depth: number, budget: Budget): void {
  const pending: { node: KeyNode; key: OpenKey; depth: number }[] = [{ node, key, depth }];
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (next.depth > HIVE_LIMITS.depth) {
      throw corrupt(`key at ${hex(next.node.cell)}: more than ${HIVE_LIMITS.depth} keys below each other`);
    }
    if (budget.visited.has(next.node.cell)) throw corrupt(`key at ${hex(next.node.cell)}: belongs to two keys`);
    budget.visited.add(next.node.cell);
    spend(budget, next.node.valueCount * 24, next.node);
    for (const cell of valueCells(image, next.node)) {
      const value = readValueRecord(image, cell);
      spend(budget, value.size, next.node);
      const folded = foldName(value.name);
      if (next.key.values.has(folded)) {
        throw corrupt(`key at ${hex(next.node.cell)}: has two values named "${value.name}"`);
      }
      next.key.values.set(folded, { name: value.name, type: value.type, data: readValueData(image, value) });
    }
    const children = subkeyCells(image, next.node).map((cell) => {
      const child = readKeyNode(image, cell);
      const folded = foldName(child.name);
      const opened: OpenKey = { name: child.name, values: new Map(), subkeys: new Map() };
      return { node: child, key: opened, depth: next.depth + 1, folded };
    });
    for (const child of children) {
      if (next.key.subkeys.has(child.folded)) {
        throw corrupt(`key at ${hex(next.node.cell)}: has two subkeys named "${child.node.name}"`);
      }
      next.key.subkeys.set(child.folded, child.key);
    }
    pending.push(...children.reverse());
  }
}

function spend(budget: Budget, bytes: number, node: KeyNode): void {
  budget.bytes -= bytes;
  if (budget.bytes < 0) {
    throw corrupt(`key at ${hex(node.cell)}: the values read so far are larger than the hive, so cells are used twice`);
  }
}
