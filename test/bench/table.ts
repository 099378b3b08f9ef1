// The bench's tables on standard output.

export interface Column {
  readonly title: string;
  readonly width: number;
  /** The first columns are words, the others figures. */
  readonly align?: 'left' | 'right';
}

export function printTitle(text: string): void {
  process.stdout.write(`\n${text}\n`);
}

export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printHeader(columns: readonly Column[]): void {
  printRow(
    columns,
    columns.map(({ title }) => title),
  );
}

export function printRow(columns: readonly Column[], cells: readonly string[]): void {
  const padded = columns.map(({ width, align }, at) => {
    const cell = cells[at] ?? '';
    return align === 'left' ? cell.padEnd(width) : cell.padStart(width);
  });
  process.stdout.write(`${padded.join('').trimEnd()}\n`);
}

export const micros = (value: number): string => `${value.toFixed(0)} us`;
export const millis = (value: number): string => `${value.toFixed(value < 10 ? 2 : 0)} ms`;
export const mebibytes = (bytes: number): string => `${(bytes / 1_048_576).toFixed(0)} MiB`;
