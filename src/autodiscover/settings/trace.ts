// The reasons behind an answer, in the order they arose, and the facts they rest on. Logs print the reasons; the explain command prints
// both.

import type { MailboxDatabase } from '../../ldap/exchange-organization.ts';
import type { OrganizationIndex } from '../../ldap/organization-index.ts';
import type { RecipientMatch } from '../../ldap/recipient.ts';
import type { RpcEndpointDecision } from './rpc-endpoint.ts';

export interface TraceStep {
  /** `warning` marks what an administrator should mend. */
  readonly level: 'info' | 'warning';
  readonly text: string;
}

/** A web URL that went into the answer, and the virtual directory it is from. */
export interface ChosenUrl {
  readonly kind: string;
  readonly side: 'internal' | 'external';
  readonly url: string;
  readonly distinguishedName: string;
  readonly siteDn: string;
}

/** What was looked at, as far as the request came. */
export interface TraceFacts {
  match?: RecipientMatch;
  database?: MailboxDatabase;
  endpoint?: RpcEndpointDecision;
  /** The snapshot that database, endpoint and URLs are from. */
  index?: OrganizationIndex;
  urls: readonly ChosenUrl[];
}

export class Trace {
  readonly facts: TraceFacts = { urls: [] };
  readonly #steps: TraceStep[] = [];

  info(text: string): void {
    this.#steps.push({ level: 'info', text });
  }

  warn(text: string): void {
    this.#steps.push({ level: 'warning', text });
  }

  /** Notes a URL that was chosen. */
  chose(url: ChosenUrl): void {
    this.facts.urls = [...this.facts.urls, url];
  }

  /** Takes over steps that were found elsewhere. */
  add(steps: readonly TraceStep[]): void {
    this.#steps.push(...steps);
  }

  get steps(): readonly TraceStep[] {
    return this.#steps;
  }

  get warnings(): readonly string[] {
    return this.#steps.filter((step) => step.level === 'warning').map((step) => step.text);
  }
}
