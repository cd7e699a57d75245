/** The facts about an argument that help, parser and reference use. */
export interface ArgumentFacts {
  readonly name: string;
  readonly positional: boolean;
  readonly required: boolean;
  /** True if it may be repeated, or takes all remaining words. */
  readonly many: boolean;
  /** True for a flag without a value. */
  readonly isSwitch: boolean;
  readonly isNumber: boolean;
  /** The placeholder of the value. */
  readonly word: string;
  readonly short?: string;
  readonly choices: readonly string[];
  /** The kind of value that a shell can complete, such as `stack`: the schema's keyword `completes`. */
  readonly completes?: string;
  readonly description: string;
}

/** The facts of a command for help, parser and completion: plain data, so that a table of it can answer without the command. */
export interface CommandFacts {
  readonly name: string;
  readonly summary: string;
  readonly description?: string;
  readonly examples?: Readonly<Record<string, string>>;
  readonly args: readonly ArgumentFacts[];
}

/** Formats a positional argument as usage lines show it: `<stack>`, or `[file...]` when it may be left out. */
export function toPlace({ many, required, word }: ArgumentFacts): string {
  const text = many ? `${word}...` : word;
  return required ? `<${text}>` : `[${text}]`;
}
