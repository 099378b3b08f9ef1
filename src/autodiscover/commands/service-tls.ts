// The TLS material of a running service: certificates and the key of the session tickets. Both are read at the start, looked at now and
// then, and taken anew when they changed; what cannot be used leaves the old ones in place.

import type { Config } from '../config-schema.ts';
import type { Logger } from '../log.ts';
import type { SecureListener, TlsOptions } from '../server/listen.ts';
import {
  type CertificateInfo,
  filesOf,
  filesState,
  readServerCertificates,
  type ServerCertificates,
} from '../tls/server-certificate.ts';
import { KEY_LIFE_MS, newTicketKey, readTicketKey } from '../tls/ticket-keys.ts';
import { lacksName, validityFaults } from '../tls/validity.ts';

const DAY_MS = 86_400_000;

type TlsConfig = Config['tls'] & {
  /** The name by which clients ask. */
  readonly host: string;
};

interface Material {
  readonly certificates: ServerCertificates;
  readonly ticketKey: Buffer;
  /** Of the files, before they were read. */
  readonly state: string;
  /** When the ticket key was made here; undefined when somebody else makes it. */
  readonly madeAt: number | undefined;
}

export class ServiceTls {
  readonly #config: TlsConfig;
  readonly #log: Logger;
  #options: TlsOptions;
  #infos: readonly CertificateInfo[];
  #madeAt: number | undefined;
  #state: string;
  /** Why the changed files could not be used. They are read again at each look: not every reason shows in them. */
  #fault: string | undefined;
  #looking: Promise<void> = Promise.resolve();
  #warnedAt = 0;
  #listener: SecureListener | undefined;
  #timer: NodeJS.Timeout | undefined;

  private constructor(config: TlsConfig, log: Logger, { certificates, ticketKey, state, madeAt }: Material) {
    this.#config = config;
    this.#log = log;
    this.#options = { certificates: certificates.options, ticketKey };
    this.#infos = certificates.infos;
    this.#state = state;
    this.#madeAt = madeAt;
  }

  /** `givenKey` is used when the configuration names no file. Throws AutodiscoverError `certificate`. */
  static async open(config: TlsConfig, log: Logger, givenKey?: Buffer): Promise<ServiceTls> {
    const state = await stateOf(config);
    const own = config.ticketKeyFile === undefined && givenKey === undefined;
    const certificates = await readServerCertificates(config.certificates);
    const { ticketKeyFile } = config;
    const ticketKey = ticketKeyFile === undefined ? (givenKey ?? newTicketKey()) : await readTicketKey(ticketKeyFile);
    return new ServiceTls(config, log, { certificates, ticketKey, state, madeAt: own ? Date.now() : undefined });
  }

  get options(): TlsOptions {
    return this.#options;
  }

  get infos(): readonly CertificateInfo[] {
    return this.#infos;
  }

  /** Keeps a listener's material fresh until `stop`. */
  watch(listener: SecureListener): void {
    this.#listener = listener;
    this.#warn();
    this.#timer = setInterval(() => void this.look(), this.#config.reloadSeconds * 1000);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Seals tickets with another key, unless the configuration names a file. */
  useTicketKey(ticketKey: Buffer): void {
    if (this.#config.ticketKeyFile === undefined) this.#use({ ...this.#options, ticketKey });
  }

  /** Looks at the files now, or when the look that is under way is over: an older one must not undo a newer. Never rejects. */
  look(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#lookOnce());
    return this.#looking;
  }

  async #lookOnce(): Promise<void> {
    this.#warn();
    if (this.#madeAt !== undefined && Date.now() - this.#madeAt > KEY_LIFE_MS) {
      this.#madeAt = Date.now();
      this.useTicketKey(newTicketKey());
    }
    const state = await stateOf(this.#config);
    const isChanged = state !== this.#state;
    if (!isChanged && this.#fault === undefined) return;
    this.#state = state;
    const { certificates, ticketKeyFile } = this.#config;
    const read = await Promise.allSettled([
      readServerCertificates(certificates),
      ticketKeyFile === undefined ? undefined : readTicketKey(ticketKeyFile),
    ]);
    const faults = read.flatMap((one) => (one.status === 'rejected' ? (one.reason as Error).message : []));
    const [before, fault] = [this.#fault, faults.length === 0 ? undefined : faults.join('; ')];
    this.#fault = fault;
    if (fault !== undefined && fault !== before)
      this.#log.error({ reason: fault }, 'changed certificates cannot be used; the old ones stay');
    // What stands beside a fault that is known was read the last time.
    if (isChanged || fault !== before) this.#take(...read);
  }

  /** Each for itself: a ticket key that cannot be read must keep no certificate from being renewed. */
  #take(
    certificates: PromiseSettledResult<ServerCertificates>,
    ticketKey: PromiseSettledResult<Buffer | undefined>,
  ): void {
    const key = ticketKey.status === 'fulfilled' ? ticketKey.value : undefined;
    // Without a file the key may have been changed since.
    const options = { ...this.#options, ...(key && { ticketKey: key }) };
    if (certificates.status === 'rejected') {
      this.#use(options);
      return;
    }
    const { options: fresh, infos } = certificates.value;
    this.#use({ ...options, certificates: fresh });
    this.#infos = infos;
    this.#warnedAt = 0;
    this.#log.info(
      { certificates: infos.map(({ source, notAfter }) => ({ source, notAfter })) },
      'certificates reloaded',
    );
  }

  #use(options: TlsOptions): void {
    this.#options = options;
    this.#listener?.replaceTls(options);
  }

  #warn(): void {
    if (Date.now() - this.#warnedAt < DAY_MS) return;
    this.#warnedAt = Date.now();
    const { host } = this.#config;
    for (const info of this.#infos) {
      const { source, names } = info;
      if (lacksName(info, host)) this.#log.warn({ source, names, host }, 'the certificate lacks the name of publicUrl');
      for (const { level, text, ...fields } of validityFaults(info, this.#config.warnDays, Date.now()))
        this.#log[level](fields, text);
    }
  }
}

function stateOf({ certificates, ticketKeyFile }: Config['tls']): Promise<string> {
  const files = certificates.flatMap(filesOf);
  return filesState(ticketKeyFile === undefined ? files : [...files, ticketKeyFile]);
}
