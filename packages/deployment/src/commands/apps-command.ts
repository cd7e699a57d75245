import {
  type CommandOutput,
  isStackyardError,
  type PluginCommand,
  type PluginCommandContext,
  StackyardError,
} from "@stackyard/core";
import { type Static, type TObject, Type } from "typebox";
import { Value } from "typebox/value";
import type { AppsAws } from "../apps-aws.ts";

/** What a command of this package is given. */
export interface AppsContext {
  readonly out: CommandOutput;
  readonly projectDir: string;
  readonly dataDir: string;
  readonly signal: AbortSignal;
  /** The yard that the command is for, and its AWS. */
  readonly yard: string;
  readonly aws: AppsAws;
}

/** Opens AWS for a command; tests have their own. */
export type OpenAppsAws = (context: Pick<PluginCommandContext, "environment" | "yards">, yard: string) => AppsAws;

const YardArg = Type.Optional(
  Type.String({
    pattern: "^[A-Za-z0-9][A-Za-z0-9_-]{0,29}$",
    expected: "a letter or digit, then letters, digits, - and _, at most 30",
    placeholder: "name",
    description: "The yard; the configuration may give it a region, profile and role. Default: STACKYARD_YARD, main.",
  }),
);

/** One command: what it takes, and what it does. */
export interface AppsCommandSpec<Args extends TObject> {
  readonly name: string;
  readonly summary: string;
  readonly args: Args;
  run(context: AppsContext, args: Static<Args>): Promise<number>;
}

/** A command as a plugin gives it. Arguments that do not fit are `USAGE`. */
export function createAppsCommand<Args extends TObject>(
  spec: AppsCommandSpec<Args>,
  openAws: OpenAppsAws,
): PluginCommand {
  const { name, summary } = spec;
  const args = Type.Object({ ...spec.args.properties, yard: YardArg });
  return {
    name,
    summary,
    args,
    async run(context, given) {
      const { out, projectDir, dataDir, signal, environment } = context;
      const { yard: named, ...rest } = parseArgs(args, given);
      const yard = String(named ?? (environment["STACKYARD_YARD"] || "main"));
      try {
        const aws = openAws(context, yard);
        return await spec.run({ out, projectDir, dataDir, signal, yard, aws }, parseArgs(spec.args, rest));
      } catch (error) {
        throw isStackyardError(error) ? withHint(error) : error;
      }
    },
  };
}

function parseArgs<Args extends TObject>(schema: Args, given: unknown): Static<Args> {
  if (Value.Check(schema, given)) return given;
  const faults = [...Value.Errors(schema, given)].map(({ instancePath, message }) => `${instancePath} ${message}`);
  throw new StackyardError("USAGE", faults.join("; "));
}

/** Without hints of its own, the command line would tell how to reach a server. */
const HINTS: Readonly<Record<string, string>> = {
  UNREACHABLE: "Nothing was lost: try again. Look at the network and at the region.",
  RATE_LIMITED: "Try again a little later; what was done stays.",
  UNAUTHENTICATED:
    "Credentials are found as by the AWS CLI: the yard's profile in stackyard.config.ts, AWS_PROFILE, or keys in the environment.",
  FORBIDDEN: "What these commands need stands in the README of @stackyard/deployment, under Permissions.",
};

function withHint(error: StackyardError): StackyardError {
  const isLost = error.code === "CONFIG_INVALID" && error.message.includes("Region is missing");
  const hint = isLost ? "Set AWS_REGION, or the yard's region in stackyard.config.ts." : HINTS[error.code];
  if (hint === undefined || "hint" in error.details) return error;
  return new StackyardError(error.code, error.message, { cause: error, details: { ...error.details, hint } });
}
