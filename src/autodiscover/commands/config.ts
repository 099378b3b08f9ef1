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
    .addHelpText('after', '\nExit codes: 0 printed; 2 wrong usage.')
    .action(() => {
      io.stdout.write(exampleConfig());
    });
  config
    .command('check')
    .description('check a configuration file without starting anything')
    .argument('<file>', 'configuration file')
    .addHelpText('after', '\nExit codes: 0 no faults; 2 faults, or wrong usage.')
    .action((file: string) => {
      readConfig(file);
      io.stdout.write(`${file}: no faults\n`);
    });
  return config;
}
