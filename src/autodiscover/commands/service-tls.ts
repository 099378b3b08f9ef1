// The TLS material of a running service: certificates and the key of the session tickets. Both are read at the start, looked at now and
// then, and taken anew when they changed; what cannot be used leaves the old ones in place.

import type { Config } from '../config-schema.ts';
import type { Logger } from '../log.ts';
import type { SecureListener, TlsOptions } from '../server/listen.ts';
import { type CertificateInfo, filesOf, filesState, readServerCertificates } from '../tls/server-certificate.ts';
import { KEY_LIFE_MS, newTicketKey, readTicketKey } from '../tls/ticket-keys.ts';
import { lacksName, validityFaults } from '../tls/validity.ts';

const DAY_MS = 86_400_000;

type TlsConfig = Config['tls'] & {
  /** The name by which clients ask. */
  readonly host: string;
};

export class ServiceTls {
  readonly #config: TlsConfig;
  readonly #log: Logger;
  #options: TlsOptions;
  #infos: readonly CertificateInfo[];
  /** When the key that is used was made here; undefined when somebody else makes it. */
  #madeAt: number | undefined;
  #state: string;
  /** Why the changed files could not be used. They are read again at each look: not every reason shows in them. */
  #fault: string | undefined;
  #looking: Promise<void> = Promise.resolve();
  #warnedAt = 0;
  #listener: SecureListener | undefined;
  #timer: NodeJS.Timeout | undefined;

  private constructor(config: TlsConfig, log: Logger, read: Read, state: string, madeAt: number | undefined) {
    this.#config = config;
    this.#log = log;
    this.#options = read.options;
    this.#infos = read.infos;
    this.#state = state;
    this.#madeAt = madeAt;
  }

  /** `givenKey` is used when the configuration names no file. Throws AutodiscoverError `certificate`. */
  static async open(config: TlsConfig, log: Logger, givenKey?: Buffer): Promise<ServiceTls> {
    const state = await stateOf(config);
    const own = config.ticketKeyFile === undefined && givenKey === undefined;
    const read = await readAll(config, givenKey ?? newTicketKey());
    return new ServiceTls(config, log, read, state, own ? Date.now() : undefined);
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
    if (state === this.#state && this.#fault === undefined) return;
    this.#state = state;
    try {
      const read = await readAll(this.#config, this.#options.ticketKey);
      this.#fault = undefined;
      this.#infos = read.infos;
      // Without a file the key may have been changed since.
      const isOwn = this.#config.ticketKeyFile === undefined;
      this.#use(isOwn ? { ...read.options, ticketKey: this.#options.ticketKey } : read.options);
      this.#warnedAt = 0;
      this.#log.info(
        { certificates: read.infos.map(({ source, notAfter }) => ({ source, notAfter })) },
        'certificates reloaded',
      );
    } catch (error) {
      const reason = (error as Error).message;
      if (reason !== this.#fault) this.#log.error({ reason }, 'changed certificates cannot be used; the old ones stay');
      this.#fault = reason;
    }
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

interface Read {
  readonly options: TlsOptions;
  readonly infos: readonly CertificateInfo[];
}

async function readAll({ certificates, ticketKeyFile }: Config['tls'], otherwise: Buffer): Promise<Read> {
  const { options, infos } = await readServerCertificates(certificates);
  const ticketKey = ticketKeyFile === undefined ? otherwise : await readTicketKey(ticketKeyFile);
  return { options: { certificates: options, ticketKey }, infos };
}

function stateOf({ certificates, ticketKeyFile }: Config['tls']): Promise<string> {
  const files = certificates.flatMap(filesOf);
  return filesState(ticketKeyFile === undefined ? files : [...files, ticketKeyFile]);
}
