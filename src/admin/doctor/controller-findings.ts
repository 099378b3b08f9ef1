// The configured domain controllers: those that do not answer, and those that answer much more slowly than another. Pure.

import type { ControllerCheck } from '../../ldap/controller-check.ts';
import { DEFAULT_PACE } from '../../ldap/controller-pace.ts';
import { type Finding, finding } from './finding.ts';

/** In the order of the configuration. Slow is what the running service would pass over (controller-pace.ts). */
export function controllerFindings(controllers: readonly ControllerCheck[]): readonly Finding[] {
  return controllers.flatMap((controller): Finding[] => {
    const { url, failure } = controller;
    if (failure !== undefined) {
      return [
        finding('controller-down', {
          object: url,
          what: `the domain controller ${url} does not answer: ${failure}`,
          why: 'the service has one controller fewer to fall back on',
          remedy: 'start it, or take it out of directory.servers',
        }),
      ];
    }
    const fastest = fastestBut(controller, controllers);
    if (fastest === undefined || !isSlow(controller.lookUpMs, fastest.lookUpMs)) return [];
    return [
      finding('controller-slow', {
        object: url,
        what: `the domain controller ${url} takes ${shown(controller.lookUpMs)} for a look-up, ${fastest.url} takes ${shown(fastest.lookUpMs)}`,
        why: 'the service passes it over while another is up, and every answer takes so long when no other is',
        remedy:
          'look at its load, its memory and the way to it; for a controller of another site name one of this site in directory.servers',
      }),
    ];
  });
}

type Answering = Extract<ControllerCheck, { readonly lookUpMs: number }>;

function fastestBut(one: ControllerCheck, controllers: readonly ControllerCheck[]): Answering | undefined {
  return controllers
    .filter((other): other is Answering => other !== one && other.failure === undefined)
    .reduce<Answering | undefined>(
      (best, other) => (best && best.lookUpMs <= other.lookUpMs ? best : other),
      undefined,
    );
}

function isSlow(ms: number, fastestMs: number): boolean {
  return ms > DEFAULT_PACE.lateMs && ms > DEFAULT_PACE.timesSlower * fastestMs;
}

function shown(ms: number): string {
  return ms < 1 ? 'less than 1 ms' : `${Math.round(ms)} ms`;
}
