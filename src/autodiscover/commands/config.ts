// `autodiscover config`: the configuration file's own documentation.

import { Command } from 'commander';
import { readConfig } from '../config.ts';
import { exampleConfig } from '../config-example.ts';
import type { CommandIo } from './command-io.ts';

export function configCommand(io: CommandIo): Command {
  const config = new Command('config').description('show or check the configuration file');
  config
    .command('print-example')
    .description('print a commented configuration file')
    .action(() => {
      io.stdout.write(exampleConfig());
    });
  config
    .command('check')
    .description('check a configuration file without starting anything')
    .argument('<file>', 'configuration file')
    .action((file: string) => {
      readConfig(file);
      io.stdout.write(`${file}: no faults\n`);
    });
  return config;
}
