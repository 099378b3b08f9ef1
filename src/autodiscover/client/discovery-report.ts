// How a discovery is told: a line per step while it runs, the result in a sentence, and the whole as JSON. Whatever came from the
// network is made harmless for a terminal first.

import { printable } from '../printable.ts';
import { USER_SETTINGS, type UserSettingName, type UserSettings } from '../settings/user-settings.ts';
import type { Discovery, DiscoveryResult, TraceEntry } from './discovery.ts';

/** One step as a line: step, how long it took, what it came to, what was done, and why. */
export function stepLine(entry: TraceEntry): string {
  const again = entry.repeated ? 'asked again on a new connection' : undefined;
  const facts = [entry.scheme, entry.tls?.protocol, again].filter((fact) => fact !== undefined);
  const detail = facts.length > 0 ? `${entry.detail} (${facts.join(', ')})` : entry.detail;
  const columns = [entry.step.padEnd(17), milliseconds(entry.elapsedMs).padStart(8), ` ${entry.outcome.padEnd(20)}`];
  const text = entry.action === 'none' ? detail : `${entry.action}: ${detail}`;
  return printable([...columns, text].join(' '));
}

function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`;
}

/** The result in one paragraph. */
export function resultText(discovery: Discovery): string {
  const { result, finalAddress } = discovery;
  switch (result.outcome) {
    case 'found': {
      const { step, location, scheme } = result.source;
      return printable(`${finalAddress}: found by ${step} at ${location} (${scheme ?? 'anonymous'})`);
    }
    case 'redirect-address':
      return printable(
        `${finalAddress}: ${result.source.location} redirects to ${result.address}; ask for that address`,
      );
    case 'service-error': {
      const reason = [result.code, result.message].filter((text) => text !== '').join(' ');
      return printable(`${finalAddress}: ${result.source.location} answers with error ${reason}`);
    }
    case 'not-found':
      return printable(`${finalAddress}: not found (${result.reason}): ${result.detail}`);
  }
}

/** The discovery as a plain value for --json. Times are rounded to a tenth of a millisecond; the document itself is not repeated. */
export function discoveryJson({ address, finalAddress, result, trace }: Discovery): unknown {
  return {
    address,
    finalAddress,
    result: resultJson(result),
    trace: trace.map((entry) => ({ ...entry, elapsedMs: Math.round(entry.elapsedMs * 10) / 10 })),
  };
}

function resultJson(result: DiscoveryResult): unknown {
  if (result.outcome === 'not-found') return result;
  const { source, ...rest } = result;
  const { body: _body, ...where } = source;
  if (rest.outcome !== 'found') return { ...rest, source: where };
  const { settings: _settings, ...pox } = rest.pox ?? {};
  return { outcome: 'found', settings: inModelOrder(rest.settings), ...(rest.pox && { pox }), source: where };
}

/** The same settings in the order of the settings model, so that answers in different dialects can be compared by eye. */
export function inModelOrder(settings: UserSettings): UserSettings {
  const names = Object.keys(USER_SETTINGS) as UserSettingName[];
  return Object.fromEntries(names.filter((name) => settings[name] !== undefined).map((name) => [name, settings[name]]));
}
