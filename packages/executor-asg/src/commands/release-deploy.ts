import type { ProjectConfig, Release } from "@stackyard/sdk/releases";
import { type Static, Type } from "typebox";
import type { ReleasePlace } from "../place/release-place.ts";
import { toCell } from "../report/to-cell.ts";
import { followRelease } from "./follow-release.ts";
import { loadReleaseFile } from "./load-release-file.ts";
import { openPlace } from "./open-place.ts";
import { fileArg, followArgs, placeArgs } from "./release-args.ts";
import type { ReleaseCommandSpec, ReleaseContext } from "./release-command.ts";
import { toReleaseExitCode } from "./release-exit-code.ts";
import { showRelease } from "./show-release.ts";
import { tellProblems, tellWarnings } from "./tell-problems.ts";

const Args = Type.Object({
  file: fileArg,
  follow: Type.Optional(
    Type.Boolean({ description: "Where a release of this project-config runs: follow that one, and start none." }),
  ),
  queue: Type.Optional(Type.Boolean({ description: "Of a yard: wait for the release that runs there." })),
  revision: Type.Optional(
    Type.String({ minLength: 1, maxLength: 255, placeholder: "text", description: "The source, such as a commit." }),
  ),
  ...placeArgs,
  ...followArgs,
});
type Args = Static<typeof Args>;

/** `release deploy`: starts a release and follows it to its end. */
export const releaseDeploy: ReleaseCommandSpec<typeof Args> = {
  name: "release deploy",
  summary: "Deploy a release file, and show how far it is until it has ended.",
  description:
    "The release gets a new id. Exit code 1: it has failed and nothing of it is left; 2: it has left something behind; 3: it could not start, for example because another one runs. Ctrl-C leaves the release alone.",
  examples: [
    { command: "stackyard release deploy shop.json", what: "Over the yard" },
    { command: "stackyard release deploy shop.json --queue --revision 4f1c9d2", what: "After the one that runs" },
    {
      command: "stackyard release deploy shop.json --preset odin --deployer coinbase-odin",
      what: "By an Odin that is there already, with your own credentials",
    },
  ],
  args: Args,
  run: deploy,
};

async function deploy(context: ReleaseContext, args: Args): Promise<number> {
  const { out } = context;
  const prepared = await loadReleaseFile(context, args.file, args);
  if (prepared.kind === "refused") {
    tellProblems(out, args.file, prepared.problems);
    return 3;
  }
  const { document, userData, warnings } = prepared;
  tellWarnings(out, warnings);
  const place = await openPlace(context, args);
  const running = await place.findRunning(toProjectConfig(document));
  if (running !== undefined && args.follow === true) {
    out.note(`${toCell(running.releaseId)} runs already; it is followed, and nothing is started.`);
    return follow(context, place, running, args);
  }
  if (running !== undefined && args.queue !== true) return refuse(context, running, place);
  const { queue, revision } = args;
  const order = { ...(queue && { queue }), ...(revision && { revision }) };
  const begun = await place.deploy({ document, ...(userData === undefined ? {} : { userData }), ...order });
  return follow(context, place, begun, args);
}

async function follow(context: ReleaseContext, place: ReleasePlace, release: Release, args: Args): Promise<number> {
  if (args.detach === true) {
    context.out.result({ release }, () => release.runId);
    return 0;
  }
  context.out.note(`Release ${toCell(release.releaseId)}, ${toCell(release.runId)} of ${place.name}`);
  const ended = await followRelease(context, place, release.runId, args);
  showRelease(context, ended);
  return toReleaseExitCode(ended);
}

function refuse({ out }: ReleaseContext, running: Release, place: ReleasePlace): number {
  const { project, config, releaseId, runId, startedAt } = running;
  out.result({ alreadyDeploying: running }, () =>
    [
      `Already deploying: ${toCell(project)} ${toCell(config)} has the release ${toCell(releaseId)} since ${startedAt}.`,
      `Nothing was started on ${place.name}. --follow follows that one, --queue waits for it; or stop it:`,
      `stackyard release halt ${toCell(runId)}`,
    ].join("\n"),
  );
  return 3;
}

function toProjectConfig(document: Readonly<Record<string, unknown>>): ProjectConfig {
  const text = (key: string) => String(document[key] ?? "");
  return {
    account: text("aws_account_id"),
    region: text("aws_region"),
    project: text("project_name"),
    config: text("config_name"),
  };
}
