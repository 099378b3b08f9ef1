// Tables for people: columns parted by blanks, no frame, so that they can be cut and searched. Values keep their own text.

import Table from 'cli-table3';
import { printable } from '../../autodiscover/printable.ts';

const NO_FRAME = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/** Rows under their heads; `none` stands for a table without rows. */
export function renderTable(head: readonly string[], rows: readonly (readonly string[])[], none: string): string {
  if (rows.length === 0) return `${none}\n`;
  const style = { head: [], border: [], 'padding-left': 0, 'padding-right': 0 };
  const table = new Table({ head: [...head], chars: NO_FRAME, style });
  for (const row of rows) table.push(row.map(printable));
  return `${table.toString().replace(/ +$/gm, '')}\n`;
}
