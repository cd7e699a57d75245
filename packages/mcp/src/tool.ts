import type { Stackyard } from "@stackyard/sdk";
import type { HttpClient } from "@stackyard/sdk/commands";
import { type Static, type TObject, type TProperties, Type } from "typebox";
import { Compile } from "typebox/compile";

/** The context of a tool's call. */
export interface ToolContext {
  readonly yard: Stackyard;
  readonly http: HttpClient;
  /** Aborted when the assistant cancels the call, or is gone. */
  readonly signal: AbortSignal;
}

/** The answer of a tool. */
export interface ToolAnswer {
  /** JSON. Texts in it may come from anyone. */
  readonly data: unknown;
  /** Our own words about the data, such as how to read the rest. Contains nothing of the data but numbers and cursors. */
  readonly note?: string | undefined;
}

/** A tool as an assistant sees it. */
export interface Tool {
  /** Lower-case letters and underscores: some clients reject all else. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** The permission that the token needs. A tool that needs more than `read` changes something, and exists only where writes are allowed. */
  readonly permission: "read" | "send" | "operate";
  /** JSON Schema of the arguments: always an object without alternatives at its top, which some clients reject. */
  readonly input: TObject;
  /** Returns the faults of arguments; none when they fit. */
  readonly check: (args: unknown) => readonly string[];
  /** Throws the errors of the API. */
  readonly call: (context: ToolContext, args: unknown) => Promise<ToolAnswer>;
}

/** The parts of a tool; `defineTool` adds the check of its arguments. */
interface ToolSpec<Input extends TProperties> extends Omit<Tool, "input" | "check" | "call"> {
  readonly input: Input;
  readonly call: (context: ToolContext, args: Static<TObject<Input>>) => Promise<ToolAnswer>;
}

const MOST_FAULTS = 10;

/** Makes a tool of its parts. */
export function defineTool<Input extends TProperties>({ input, call, ...rest }: ToolSpec<Input>): Tool {
  const schema = Type.Object(input, { additionalProperties: false });
  const validator = Compile(schema);
  return {
    ...rest,
    input: schema,
    check: (args) =>
      validator
        .Errors(args)
        .slice(0, MOST_FAULTS)
        .map(({ instancePath, keyword, message }) => {
          // The keyword of a property that the schema does not have.
          return `${instancePath || "/"}: ${keyword === "boolean" ? "unknown argument" : message}`;
        }),
    async call(context, args) {
      if (!validator.Check(args)) throw new TypeError(`The arguments of ${rest.name} were not checked.`);
      return call(context, args);
    },
  };
}
