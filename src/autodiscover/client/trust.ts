// Which hosts may be told the address and given credentials without asking anybody: those of the mail domain, those the own
// directory names, and the server an administrator named. Every other host that a redirection or an SRV record leads to needs the
// user's consent, once. A parent of the mail domain is another host like any.

/** Asked before something outside the rules is contacted. */
export interface ConsentQuestion {
  /** A host, or the mail domain of an address redirection: consent to a domain covers the hosts below it. */
  readonly name: string;
  readonly kind: 'host' | 'domain';
  /** What led there. */
  readonly from: string;
  /** The mail domain the search started from. */
  readonly domain: string;
}

export type AskConsent = (question: ConsentQuestion) => Promise<boolean>;

/** True for the domain itself and for every name below it; never above. Names are A-labels. */
export function isWithinDomain(host: string, domain: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '');
  const within = domain.toLowerCase();
  return name === within || name.endsWith(`.${within}`);
}

/** The hosts known to be in order during one discovery. */
export class TrustedHosts {
  readonly #origin: string;
  readonly #ask: AskConsent;
  readonly #domains: string[];
  readonly #hosts = new Set<string>();
  readonly #refused = new Set<string>();
  #current: string;

  constructor(domain: string, ask: AskConsent) {
    this.#origin = domain;
    this.#current = domain;
    this.#domains = [domain];
    this.#ask = ask;
  }

  /** Takes one host into the rules: named by the directory, by a local file, or by the administrator. */
  add(host: string): void {
    this.#hosts.add(host.toLowerCase());
  }

  /** The search goes on in another mail domain. Nothing there is trusted yet; its hosts are asked about together. */
  enter(domain: string): void {
    this.#current = domain;
  }

  /** Names for which consent was asked and not given. */
  get refused(): readonly string[] {
    return [...this.#refused];
  }

  /** Whether the host may be contacted; asks when the rules do not say so, and remembers the answer. */
  async allows(host: string, from: string): Promise<boolean> {
    const wanted = host.toLowerCase();
    if (this.#hosts.has(wanted) || this.#domains.some((domain) => isWithinDomain(wanted, domain))) return true;
    const kind = isWithinDomain(wanted, this.#current) ? 'domain' : 'host';
    const name = kind === 'domain' ? this.#current : wanted;
    if (this.#refused.has(name)) return false;
    if (await this.#ask({ name, kind, from, domain: this.#origin })) {
      if (kind === 'domain') this.#domains.push(name);
      else this.#hosts.add(name);
      return true;
    }
    this.#refused.add(name);
    return false;
  }
}
