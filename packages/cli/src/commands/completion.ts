import { Type } from "typebox";
import { type Command, defineCommand } from "../command.ts";
import { listFlags } from "../shell/complete-words.ts";
import { type CompletionWords, toBash, toFish, toZsh } from "../shell/completion-scripts.ts";

const SCRIPTS = { bash: toBash, zsh: toZsh, fish: toFish } as const;

const Args = Type.Object({
  shell: Type.Union([Type.Literal("bash"), Type.Literal("zsh"), Type.Literal("fish")], {
    description: "bash, zsh or fish.",
  }),
});

/** `stackyard completion`, for these commands and itself. */
export function createCompletion(others: readonly Command[]): Command {
  const completion = defineCommand({
    name: "completion",
    summary: "Print a script that completes commands, flags and values in a shell.",
    description:
      "Values are completed too: ids of stacks, machines, states, events, tasks, and the choices of options. They come from the yard that the command would talk to; where none answers within 2 s there are none.",
    examples: [
      { command: 'eval "$(stackyard completion bash)"', what: "In ~/.bashrc." },
      { command: 'eval "$(stackyard completion zsh)"', what: "In ~/.zshrc, after compinit." },
      { command: "stackyard completion fish | source", what: "In ~/.config/fish/config.fish." },
    ],
    args: Args,
    positionals: ["shell"],
    run({ out }, { shell }) {
      const script = SCRIPTS[shell]([...others, completion].map(toWords));
      if (out.json) out.result({ shell, script }, () => "");
      else out.text(script);
      return 0;
    },
  });
  return completion;
}

function toWords(command: Command): CompletionWords {
  return { name: command.name, summary: command.summary, flags: listFlags(command) };
}
