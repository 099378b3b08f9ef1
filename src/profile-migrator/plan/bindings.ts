// PR_PROFILE_HOME_SERVER_ADDRS: RPC string bindings `protocol-sequence:host[endpoint]`, one per item.
import type { MultiValue } from '../mapi/multi-value.ts';

const BINDING = /^([^:]*:)([^[]*)(\[.*)?$/s;

/** Every mapped host replaced; order and layout stay, items that became equal are merged. */
export function rewriteBindings(value: MultiValue, replacementOf: (host: string) => string | undefined): MultiValue {
  const kept: { text: string; rewritten: boolean }[] = [];
  for (const item of value.items) {
    const text = item.toString('latin1');
    const [, protocol = '', host = '', endpoint = ''] = BINDING.exec(text) ?? [];
    const replacement = protocol === '' ? undefined : replacementOf(host);
    const rewritten = replacement !== undefined;
    const result = rewritten ? `${protocol}${replacement}${endpoint}` : text;
    const twin = kept.find((other) => other.text.toLowerCase() === result.toLowerCase());
    if (!twin || !(twin.rewritten || rewritten)) kept.push({ text: result, rewritten });
  }
  return { ...value, items: kept.map(({ text }) => Buffer.from(text, 'latin1')) };
}
