// CPU time of this process and of what it started, from /proc: on a busy machine wall-clock times compare badly.
import { readFileSync } from 'node:fs';

/** Linux counts these in hundredths of a second. */
const TICK_MS = 10;

function times(pid: number | 'self'): { own: number; children: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields.slice(11, 15);
  return { own: (user + system) * TICK_MS, children: (childUser + childSystem) * TICK_MS };
}

/** Milliseconds used so far by programs that were started and waited for; undefined where /proc does not tell. */
export function childrenCpuMs(): number | undefined {
  try {
    return times('self').children;
  } catch {
    return undefined;
  }
}

/** Milliseconds used so far by this process and by all its children, running or ended. */
export function familyCpuMs(): number | undefined {
  try {
    const own = times('self');
    const running = readFileSync(`/proc/self/task/${process.pid}/children`, 'latin1').split(' ').filter(Boolean);
    return running.reduce((sum, pid) => {
      const child = times(Number(pid));
      return sum + child.own + child.children;
    }, own.own + own.children);
  } catch {
    return undefined;
  }
}
