// The name of a source: the stem of its output files, unique in a run, and the same in the next.
import { createHash } from 'node:crypto';

/** In bytes of UTF-8. Longer stems would not leave room for the endings of output files: systems count bytes or UTF-16 units to 255. */
const LONGEST_STEM = 150;
const HEAD = 40;

/** The path below the given folder as one name, without `.reg`. A colon would begin an alternate data stream on Windows. */
export function stemOf(path: string): string {
  return path.replaceAll(/[\\/:]/g, '_').replace(/\.reg$/i, '');
}

/** Short enough, each of them once: names that occur twice, compared as Windows compares file names, get a number. */
export function uniqueNames(stems: readonly string[]): string[] {
  const taken = new Set<string>();
  return stems.map((long) => {
    const stem = shorten(long);
    let name = stem;
    for (let n = 2; taken.has(name.toLowerCase()); n++) name = `${stem}.${n}`;
    taken.add(name.toLowerCase());
    return name;
  });
}

function shorten(stem: string): string {
  if (Buffer.byteLength(stem) <= LONGEST_STEM) return stem;
  const digest = createHash('sha256').update(stem).digest('hex').slice(0, 8);
  const signs = [...stem];
  const tail = within(signs.toReversed(), LONGEST_STEM - HEAD - 10).toReversed();
  return `${within(signs, HEAD).join('')}~${digest}~${tail.join('')}`;
}

/** As many of the signs as fit. */
function within(signs: readonly string[], bytes: number): string[] {
  const fitting: string[] = [];
  let left = bytes;
  for (const sign of signs) {
    left -= Buffer.byteLength(sign);
    if (left < 0) break;
    fitting.push(sign);
  }
  return fitting;
}
