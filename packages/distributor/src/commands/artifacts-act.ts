import { StackyardError } from "@stackyard/core";
import { createArtifactsClient } from "@stackyard/sdk/artifacts";
import { Type } from "typebox";
import { artifactFlag, consumerArgs, consumerFlags, distributorArgs, versionArgs } from "./artifact-args.ts";
import type { ArtifactCommandSpec } from "./artifact-command.ts";
import { openDistributor, parseArtifactWord, usage } from "./open-distributor.ts";
import { tellCount } from "./report/tell-size.ts";
import { toCell } from "./report/to-cell.ts";

const ReplayArgs = Type.Object({
  ...consumerArgs,
  artifact: artifactFlag,
  since: Type.Optional(
    Type.String({
      pattern: "^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,9})?Z)?$",
      placeholder: "date",
      expected: "a day such as 2026-11-01, or an instant such as 2026-11-01T06:00:00Z",
      description: "Only what was published since then, such as 2026-11-01 or 2026-11-01T06:00:00Z.",
    }),
  ),
  ...distributorArgs,
});

/** `artifacts replay`: everything that a consumer should have, once more. */
export const artifactsReplay: ArtifactCommandSpec<typeof ReplayArgs> = {
  name: "artifacts replay",
  summary: "Announce everything that a consumer should have to it again. What it has it does not copy again.",
  examples: [
    { command: "stackyard artifacts replay 222233334444 eu-west-1", what: "Everything" },
    {
      command: "stackyard artifacts replay 222233334444 eu-west-1 --artifact billing-api --since 2026-11-01",
      what: "Some",
    },
  ],
  args: ReplayArgs,
  async run(context, { account, region, artifact, since, ...args }) {
    if (artifact !== undefined) parseArtifactWord(artifact);
    const { replay } = createArtifactsClient({ call: await openDistributor(context, args) });
    const from = since === undefined ? {} : { since: toInstant(since) };
    const begun = await replay({ account, region, ...from, ...(artifact && { artifact }) });
    context.out.result(begun, () => `Begun: ${toCell(begun.executionArn, 400)}`);
    return 0;
  },
};

function toInstant(text: string): string {
  const at = new Date(text);
  // A day that the month has not would be read as one of the next month.
  const isDay = !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text.slice(0, 10));
  if (!isDay) throw usage(`--since "${text}" is no date.`);
  return at.toISOString();
}

const RefreshArgs = Type.Object({ ...versionArgs, ...consumerFlags, ...distributorArgs });

/** `artifacts refresh`: one version, once more, with fresh URLs. */
export const artifactsRefresh: ArtifactCommandSpec<typeof RefreshArgs> = {
  name: "artifacts refresh",
  summary: "Announce a version again, with fresh URLs: to all consumers that lack it, or to one.",
  examples: [
    { command: "stackyard artifacts refresh billing-api 1.4.2", what: "Wherever it is missing" },
    {
      command: "stackyard artifacts refresh billing-api 1.4.2 --account 222233334444 --region eu-west-1",
      what: "To one",
    },
  ],
  args: RefreshArgs,
  async run(context, { name, version, account, region, ...args }) {
    if ((account === undefined) !== (region === undefined)) throw usage("--account and --region belong together.");
    const { refresh } = createArtifactsClient({ call: await openDistributor(context, args) });
    const to = account === undefined || region === undefined ? {} : { account, region };
    const sent = await refresh({ name, version, ...to });
    context.out.result(sent, () => {
      if (sent.messages === 0) return "Nothing was sent: it is missing nowhere.";
      return `Announced again: ${tellCount(sent.files, "file")} by ${tellCount(sent.messages, "message")}.`;
    });
    return 0;
  },
};

const RetireArgs = Type.Object({
  ...versionArgs,
  yes: Type.Optional(Type.Boolean({ description: "Do it: consumers that have agreed to that delete their copies." })),
  ...distributorArgs,
});

/** `artifacts retire`: a version that nobody needs any more. */
export const artifactsRetire: ArtifactCommandSpec<typeof RetireArgs> = {
  name: "artifacts retire",
  summary: "Expect a version nowhere any more; consumers that have agreed to that delete it.",
  description: "It cannot be taken back. The source keeps its files as long as its rules of retention say.",
  examples: [{ command: "stackyard artifacts retire billing-api 1.3.0 --yes", what: "For good" }],
  args: RetireArgs,
  async run(context, { name, version, yes = false, ...args }) {
    if (!yes) {
      const message = `Retiring ${name} ${version} has copies deleted and cannot be taken back.`;
      throw new StackyardError("USAGE", message, { details: { hint: "Add --yes to do it." } });
    }
    const { retire } = createArtifactsClient({ call: await openDistributor(context, args) });
    const done = await retire({ name, version });
    context.out.result(done, () => {
      const told =
        done.messages === 0 ? "No consumer deletes it." : `Told to consumers: ${tellCount(done.messages, "message")}.`;
      return done.retired ? `${name} ${version} is retired. ${told}` : `${name} ${version} was retired already.`;
    });
    return 0;
  },
};
