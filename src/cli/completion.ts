// `autodiscover completion`: what a shell needs to complete commands and options, written from the table of commands itself.

import { Command } from 'commander';

/** A bash script; zsh takes it after `bashcompinit`. What is no command or option is completed as a file name. */
export function completionScript(program: Command): string {
  const name = program.name();
  const places = placesOf(program, '');
  return `# Completion of ${name} for bash: source <(${name} completion). For zsh: autoload -U +X bashcompinit && bashcompinit first.
_${name}() {
  local word at= words=
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$at/$word" in
      ${places.flatMap(({ at }) => (at === '' ? [] : [at])).join('|')}) at="$at/$word" ;;
    esac
  done
  case "$at" in
${places.map(({ at, words }) => `    '${at}') words='${words.join(' ')}' ;;`).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o bashdefault -o default -F _${name} ${name}
`;
}

export function completionCommand(program: () => Command, write: (text: string) => void): Command {
  return new Command('completion')
    .description('print what makes bash and zsh complete commands and options')
    .addHelpText('after', '\nIn ~/.bashrc: source <(autodiscover completion)\n\nExit codes: 0 printed; 2 wrong usage.')
    .action(() => write(completionScript(program())));
}

/** Every command by its path, as /array/list, with what may follow it. */
function placesOf(command: Command, at: string): { readonly at: string; readonly words: readonly string[] }[] {
  const options = command.options.flatMap(({ long }) => (long ? [long] : []));
  const words = [...command.commands.map((each) => each.name()), ...options, '--help'];
  return [{ at, words }, ...command.commands.flatMap((each) => placesOf(each, `${at}/${each.name()}`))];
}
