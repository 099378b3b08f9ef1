// What the measurements need around them: a folder with certificates, the directory, the load generator, and servers to measure.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { labCertificate } from '../../src/autodiscover/tls/lab-certificate.ts';
import type { BareOptions } from './bare-server.ts';
import { benchConfig, type Remembering, type Sections } from './bench-config.ts';
import { Child, CORES } from './children.ts';
import { compilePrograms, type Programs, sourcePrograms } from './compile.ts';
import { ecdsaCertificate } from './ecdsa-certificate.ts';
import type { Load } from './load.ts';
import type { BenchOptions } from './options.ts';

export interface BenchFiles {
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
}

export interface DirectoryReady {
  readonly ldaps: string;
  readonly ldap: string | undefined;
  /** Milliseconds it took to load the entries. */
  readonly loadedMs: number;
}

export interface ServiceStart {
  readonly nodeArguments?: readonly string[];
  /** Certificate of the service, when it is not the ordinary one. */
  readonly files?: BenchFiles;
  /** Keys beside those of benchConfig, by section. */
  readonly config?: Sections;
}

export type MeasuredServer = Child<{ readonly port: number }>;

/** An answer of the service that bare servers give as well. */
export interface SampleAnswer {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface CertificateFiles {
  readonly files: BenchFiles;
  readonly ecdsaFiles: BenchFiles | undefined;
}

export class Workshop {
  readonly files: BenchFiles;
  /** The same with an ECDSA certificate; undefined where there is no openssl. */
  readonly ecdsaFiles: BenchFiles | undefined;
  readonly generator: Child;
  readonly #folder: string;
  readonly #programs: Programs;
  readonly #children: Child[] = [];

  /** Runs the work with a workshop and clears it away afterwards, whatever happens. */
  static async use<T>({ folder, profile }: BenchOptions, work: (workshop: Workshop) => Promise<T>): Promise<T> {
    const own = mkdtempSync(join(folder ?? tmpdir(), 'autodiscover-bench-'));
    const programs = profile ? sourcePrograms() : compilePrograms();
    let workshop: Workshop | undefined;
    try {
      const files = await labCertificate(own, ['localhost', '127.0.0.1']);
      const ecdsaFiles = ecdsaCertificate(own, files);
      const program = new URL('./load-generator.ts', import.meta.url);
      const generator = await Child.start({ program, options: files, core: CORES.around });
      workshop = new Workshop(own, { files, ecdsaFiles }, programs, generator);
      return await work(workshop);
    } finally {
      await workshop?.close();
      rmSync(own, { recursive: true, force: true });
    }
  }

  private constructor(folder: string, { files, ecdsaFiles }: CertificateFiles, programs: Programs, generator: Child) {
    this.#folder = folder;
    this.files = files;
    this.ecdsaFiles = ecdsaFiles;
    this.#programs = programs;
    this.generator = generator;
    this.#children.push(generator);
  }

  get folder(): string {
    return this.#folder;
  }

  startDirectory(users: number, plain = false): Promise<Child<DirectoryReady>> {
    const program = new URL('./directory-server.ts', import.meta.url);
    return this.startChild({ program, options: { users, plain, ...this.files }, core: CORES.around });
  }

  startService(
    directoryUrl: string,
    remembering: Remembering,
    { nodeArguments = [], config = {}, files = this.files }: ServiceStart = {},
  ): Promise<MeasuredServer> {
    const program = this.#programs.served;
    const options = { config: benchConfig(files, directoryUrl, remembering, config), caFile: files.caFile };
    const { flags, environment } = asInstalled();
    return this.startChild({
      program,
      options,
      core: CORES.measured,
      nodeArguments: [...flags, ...nodeArguments],
      environment,
    });
  }

  startBare(options: Omit<BareOptions, keyof BenchFiles>, files = this.files): Promise<MeasuredServer> {
    const program = this.#programs.bare;
    return this.startChild({ program, options: { ...options, ...files }, core: CORES.measured });
  }

  /** The service's answer to a load's first request. */
  async sample(server: MeasuredServer, load: Load): Promise<SampleAnswer> {
    const asked = { port: server.ready.port, load };
    const { head, body } = await this.generator.ask<{ head: string; body: string }>('sample', asked);
    const lines = head
      .split('\r\n')
      .slice(1)
      .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()] as const);
    // node:http writes these by itself.
    const own = ['date', 'connection', 'keep-alive', 'content-length'];
    const headers = Object.fromEntries(lines.filter(([name]) => !own.includes(name.toLowerCase())));
    return { headers, body };
  }

  async stop(...children: readonly Child[]): Promise<void> {
    await this.generator.ask('hangUp');
    for (const child of children) {
      await child.stop();
      this.#children.splice(this.#children.indexOf(child), 1);
    }
  }

  async close(): Promise<void> {
    for (const child of this.#children.splice(0).reverse()) await child.stop();
  }

  async startChild<Ready>(how: Parameters<typeof Child.start>[0]): Promise<Child<Ready>> {
    const child = await Child.start<Ready>(how);
    this.#children.push(child);
    return child;
  }
}

/** The flags of node and the variables with which the systemd unit starts the service. */
function asInstalled(): { readonly flags: readonly string[]; readonly environment: Readonly<Record<string, string>> } {
  const unit = readFileSync(new URL('../../contrib/systemd/exchange-autodiscover.service', import.meta.url), 'utf8');
  const command = /^ExecStart=\S+ (.*) \S+\.js /m.exec(unit)?.[1] ?? '';
  const variables = [...unit.matchAll(/^Environment=(\w+)=(\S*)$/gm)].map(([, name = '', value = '']) => [name, value]);
  return { flags: command.split(' ').filter(Boolean), environment: Object.fromEntries(variables) };
}
