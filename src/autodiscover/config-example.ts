// Prints the configuration table as a commented YAML file: required fields with example values, optional ones commented out with their
// defaults or examples.

import { stringify } from 'yaml';
import { z } from 'zod';
import { configSchema } from './config-schema.ts';

const HEADER = `# Configuration of the Autodiscover service. Printed by: autodiscover config print-example
# Lines that begin with "#" and a key show defaults or examples; remove the "#" to change them.
`;

/** The whole example file. */
export function exampleConfig(): string {
  return `${HEADER}${renderObject(configSchema, 0)}`;
}

function renderObject(schema: z.ZodObject, depth: number): string {
  return Object.entries(schema.shape)
    .map(([name, field]) => renderField(name, field as z.ZodType, depth))
    .join('');
}

function renderField(name: string, field: z.ZodType, depth: number): string {
  const meta = field.meta() ?? {};
  const indent = '  '.repeat(depth);
  const comment = `${depth === 0 ? '\n' : ''}${indent}# ${meta.help ?? ''}\n`;
  const inner = unwrap(field);
  if (inner instanceof z.ZodObject && !(field instanceof z.ZodOptional))
    return `${comment}${indent}${name}:\n${renderObject(inner, depth + 1)}`;
  const fallback = defaultOf(field);
  const value = meta.example ?? fallback;
  const required = !field.safeParse(undefined).success;
  const yaml = stringify({ [name]: value }, { lineWidth: 0 }).trimEnd();
  const lines = yaml.split('\n').map((line) => `${indent}${required ? '' : '#'}${line}`);
  const note =
    fallback !== undefined && meta.example !== undefined ? `${indent}# Default: ${JSON.stringify(fallback)}\n` : '';
  return `${comment}${note}${lines.join('\n')}\n`;
}

/** The schema below optional, default and prefault wrappers. */
function unwrap(field: z.ZodType): z.ZodType {
  if (field instanceof z.ZodOptional || field instanceof z.ZodDefault || field instanceof z.ZodPrefault) {
    return unwrap(field.unwrap() as z.ZodType);
  }
  return field;
}

function defaultOf(field: z.ZodType): unknown {
  return field instanceof z.ZodDefault ? field.def.defaultValue : undefined;
}
