import { access, constants } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { PluginCommand } from "@stackyard/core";
import {
  createRunsCommand,
  type OpenRuns,
  type RunsCommandSpec,
  toFollowArgs,
  toRunArg,
} from "@stackyard/sdk/commands";
import { type TObject, Type } from "typebox";

/** A command about fleets as a plugin gives it. Arguments that do not fit are `USAGE`. */
export function createFleetCommand<Args extends TObject>(spec: RunsCommandSpec<Args>, open: OpenRuns): PluginCommand {
  return createRunsCommand<Args>(
    {
      ...spec,
      async run(context, args) {
        await checkFolder(context.cwd, args);
        return spec.run(context, args);
      },
    },
    open,
  );
}

/** Before any work: a run must not end with a page that cannot be written. */
async function checkFolder(cwd: string, args: object): Promise<void> {
  if ("html" in args && typeof args.html === "string") await access(dirname(resolve(cwd, args.html)), constants.W_OK);
}

/** A run, as its first command has printed it. */
export const runArg = toRunArg("fleet run");

/** Arguments of commands that show a report. */
export const reportArgs = {
  html: Type.Optional(
    Type.String({
      minLength: 1,
      placeholder: "file",
      description: "Also write the report as a page that stands alone.",
    }),
  ),
  all: Type.Optional(Type.Boolean({ description: "List every instance, not only the first 50." })),
};

/** Arguments of commands that follow a run. */
export const followArgs = toFollowArgs("run");
