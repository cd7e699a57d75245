import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { StackyardError } from "@stackyard/core";
import type { ProjectConfig, Release } from "@stackyard/sdk/releases";
import { type Static, Type } from "typebox";
import { readJson } from "../document/read-json.ts";
import type { ReleasePlace } from "../place/release-place.ts";
import { tellEnd } from "../report/tell-release.ts";
import { toCell } from "../report/to-cell.ts";
import { followRelease } from "./follow-release.ts";
import { openPlace, toActor, toPlaceDefaults } from "./open-place.ts";
import { followArgs, placeArgs, reasonArg } from "./release-args.ts";
import type { ReleaseCommandSpec, ReleaseContext } from "./release-command.ts";
import { toReleaseExitCode } from "./release-exit-code.ts";
import { showRelease } from "./show-release.ts";

const Args = Type.Object({
  what: Type.String({
    minLength: 1,
    description: "A release file, whose project-config is meant; or a run or an execution.",
  }),
  reason: Type.Optional(reasonArg),
  ...placeArgs,
  ...followArgs,
});
type Args = Static<typeof Args>;

/** `release halt`: stops the release that runs, and waits until nothing of it is left. */
export const releaseHalt: ReleaseCommandSpec<typeof Args> = {
  name: "release halt",
  summary: "Stop the release that runs, have what it made removed, and wait until that is done.",
  description:
    "Exit code 0: it was stopped and nothing of it is left; 1: there was none, or it came too late and the release is done; 2: something is left behind.",
  examples: [
    { command: 'stackyard release halt shop.json --reason "wrong image"', what: "Whatever runs for its project" },
  ],
  args: Args,
  run: halt,
};

async function halt(context: ReleaseContext, args: Args): Promise<number> {
  const { out } = context;
  const place = await openPlace(context, args);
  const release = await findRelease(context, place, args);
  if (release === undefined || release.endedAt !== undefined) {
    out.result({ release: release ?? null }, () =>
      release === undefined ? "No release runs there: nothing to halt." : `Nothing to halt. ${tellEnd(release)}`,
    );
    return 1;
  }
  const by = toActor(context);
  await place.halt(release, { message: args.reason ?? `Halted by ${by}`, by });
  if (args.detach === true) {
    out.result({ release }, () => `${toCell(release.runId)} was asked to stop.`);
    return 0;
  }
  const ended = await followRelease(context, place, release.runId, args);
  showRelease(context, ended);
  return toHaltExitCode(ended);
}

/** The words of a release turned round: a clean failure is what was asked for. */
function toHaltExitCode(release: Release): number {
  const code = toReleaseExitCode(release);
  return code === 0 ? 1 : code === 1 ? 0 : code;
}

async function findRelease(context: ReleaseContext, place: ReleasePlace, args: Args): Promise<Release | undefined> {
  const text = await loadText(resolve(context.cwd, args.what));
  return text === undefined ? place.get(args.what) : place.findRunning(readProjectConfig(context, text, args));
}

async function loadText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Only the names count: a file that could not be deployed can be halted. Throws `CONFIG_INVALID`. */
function readProjectConfig(context: ReleaseContext, text: string, args: Args): ProjectConfig {
  const read = readJson(text);
  const document = read.kind === "value" ? { ...Object(read.value) } : {};
  const { account = "", region = "" } = toPlaceDefaults(context, args);
  const { project_name: project, config_name: config } = document;
  if (typeof project !== "string" || typeof config !== "string") {
    throw new StackyardError(
      "CONFIG_INVALID",
      `"${args.what}" is no release file: it has no project_name and config_name.`,
    );
  }
  const textOf = (value: unknown, otherwise: string) => (typeof value === "string" ? value : otherwise);
  return {
    project,
    config,
    account: textOf(document["aws_account_id"], account),
    region: textOf(document["aws_region"], region),
  };
}
