import { Type } from "typebox";
import { type Command, defineCommand, toFlag } from "../command.ts";
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
    summary: "Print a script that completes commands and flags in a shell.",
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

function toWords({ name, summary, args, positionals }: Command): CompletionWords {
  const flags = Object.keys(args.properties).filter((arg) => !positionals.includes(arg));
  return { name, summary, flags: [...flags.map(toFlag), "--json", "--help"] };
}
