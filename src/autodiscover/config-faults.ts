// What is wrong with a member of the configuration, in words for those who write YAML. Where the schema has words of its own, they stay.

import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a group of keys',
  record: 'a group of keys',
};

const OF_THE_LIBRARY = /^(?:Invalid|Too (?:small|big))\b/;

/** Lines `path: what is wrong`, one for each fault that the issue stands for. */
export function faultLines(issue: Issue): string[] {
  const at = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `${[...issue.path, key].join('.')}: unknown key`);
  }
  if (issue.code === 'invalid_type' && issue.message.includes('received undefined')) return [`${at}: is missing`];
  return [`${at === '' ? '(top level)' : at}: ${OF_THE_LIBRARY.test(issue.message) ? textOf(issue) : issue.message}`];
}

function textOf(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${KINDS[issue.expected] ?? issue.expected}`;
    case 'too_small':
      return bound(issue.origin, 'at least', Number(issue.minimum));
    case 'too_big':
      return bound(issue.origin, 'at most', Number(issue.maximum));
    case 'invalid_value':
      return `must be one of ${issue.values.join(', ')}`;
    case 'invalid_key':
      return ['cannot be used as a key', ...issue.issues.map(({ message }) => message)].join(': ');
    default:
      return issue.message;
  }
}

function bound(origin: string, word: string, number: number): string {
  if (origin === 'array') return `must have ${word} ${number} ${number === 1 ? 'item' : 'items'}`;
  if (origin === 'string') return `must have ${word} ${number} ${number === 1 ? 'character' : 'characters'}`;
  return `must be ${word} ${number}`;
}
