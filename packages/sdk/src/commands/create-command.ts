import { type PluginCommand, type PluginCommandContext, StackyardError } from "@stackyard/core";
import { type Static, type TObject, Type } from "typebox";
import { Value } from "typebox/value";

/** One command: what it takes, and what it does with what its plugin has opened. Gives the exit code; errors fly. */
export interface CommandSpec<Args extends TObject, Context> extends Omit<PluginCommand, "args" | "run"> {
  readonly args: Args;
  run(context: Context, args: Static<Args>): Promise<number>;
}

/** A command as a plugin gives it. Arguments that do not fit the schema are `USAGE`, and nothing is opened then. */
export function createCommand<Args extends TObject, Context>(
  { run, ...facts }: CommandSpec<Args, Context>,
  open: (context: PluginCommandContext) => Context,
): PluginCommand {
  return {
    ...facts,
    async run(context, given) {
      if (!Value.Check(facts.args, given)) throw new StackyardError("USAGE", tellFaults(facts.args, given));
      return run(open(context), given);
    },
  };
}

// One by one: a validator of the whole stops at its eighth error.
function tellFaults(schema: TObject, given: unknown): string {
  const names = Object.keys(schema.properties);
  const frame = { ...schema, properties: Object.fromEntries(names.map((name) => [name, Type.Unknown()])) };
  const ofArguments = Object.entries(schema.properties)
    .flatMap(([name, argument]) => Value.Errors(Type.Object({ [name]: argument }), given))
    // That one is missing, the frame says of all at once.
    .filter(({ instancePath }) => instancePath !== "");
  return [...Value.Errors(frame, given), ...ofArguments]
    .map(({ instancePath, message }) => `${instancePath} ${message}`)
    .join("; ");
}
