// One property's registry value to what it says and back. PT_STRING8 lies in REG_SZ, everything else in REG_BINARY, PT_UNICODE as
// UTF-16LE with its terminator. A value of another shape is malformed: it is never guessed at and never rewritten.
import { stringData } from '../registry/reg-file.ts';
import { findValue, type RegistryKey, type RegistryValue, RegType } from '../registry/registry.ts';
import { type PropertyTag, PropType, valueNameOf } from './property-tags.ts';

export type TextProperty =
  | { readonly kind: 'absent' }
  | { readonly kind: 'malformed'; readonly value: RegistryValue; readonly problem: string }
  | { readonly kind: 'text'; readonly value: RegistryValue; readonly text: string };

/** The text of a PT_STRING8 or PT_UNICODE property. */
export function readText(key: RegistryKey | undefined, tag: PropertyTag): TextProperty {
  const value = findValue(key, valueNameOf(tag));
  if (!value) return { kind: 'absent' };
  const expected = tag.type === PropType.STRING8 ? RegType.SZ : RegType.BINARY;
  if (value.type !== expected) {
    const word = expected === RegType.SZ ? 'REG_SZ' : 'REG_BINARY';
    return { kind: 'malformed', value, problem: `its registry type is ${value.type}, expected ${word}` };
  }
  if (value.data.length % 2 !== 0)
    return { kind: 'malformed', value, problem: 'its UTF-16 text has an odd number of bytes' };
  const text = value.data.toString('utf16le').replace(/\0$/, '');
  if (text.includes('\0')) return { kind: 'malformed', value, problem: 'its text has a NUL inside' };
  return { kind: 'text', value, text };
}

/** The text, or undefined when absent or malformed: for values that are only shown. */
export function textIn(key: RegistryKey | undefined, ...tags: readonly PropertyTag[]): string | undefined {
  for (const tag of tags) {
    const found = readText(key, tag);
    if (found.kind === 'text' && found.text !== '') return found.text;
  }
  return undefined;
}

/** The value with another text; name and registry type stay, and the text always ends in its terminator. */
export function withText(value: RegistryValue, text: string): RegistryValue {
  return { ...value, data: stringData(text) };
}

/** A PT_LONG; undefined when absent or not four bytes. */
export function longIn(key: RegistryKey | undefined, tag: PropertyTag): number | undefined {
  const value = findValue(key, valueNameOf(tag));
  return value?.data.length === 4 ? value.data.readUInt32LE() : undefined;
}

/** A PT_BOOLEAN, false when absent. */
export function booleanIn(key: RegistryKey | undefined, tag: PropertyTag): boolean {
  const value = findValue(key, valueNameOf(tag));
  return value?.data.length === 2 && value.data.readUInt16LE() !== 0;
}

/** A PT_BINARY's bytes; undefined when absent or not REG_BINARY. */
export function binaryIn(key: RegistryKey | undefined, tag: PropertyTag): Buffer | undefined {
  const value = findValue(key, valueNameOf(tag));
  return value?.type === RegType.BINARY ? value.data : undefined;
}
