import {
  type AccountNames,
  defineCommand,
  defined,
  optionalFlag,
  optionalText,
  type PluginCommand,
  StackyardError,
  withAccountName,
} from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import {
  type ArtifactSummary,
  type ConsumerView,
  createArtifactsClient,
  createLambdaCall,
  type DistributorAnswers,
  parseManifest,
} from "@stackyard/sdk/artifacts";
import { formatTable, toCell } from "@stackyard/sdk/commands";
import { Type } from "typebox";
import { toAccountCell } from "./account-cell.ts";
import {
  type ArtifactCommandDeps,
  type ArtifactContext,
  type AwsPlace,
  artifactFlag,
  consumerArgs,
  consumerFlags,
  distributorArgs,
  formatBytes,
  formatCount,
  formatLimit,
  limitArg,
  openDistributor,
  parseArtifactWord,
  takeRows,
  toDay,
  usage,
  versionArgs,
  withArtifacts,
} from "./artifact-command.ts";
import { artifactsCoverage, formatRefusals, isStored } from "./coverage.ts";
import { artifactsPublish } from "./publish.ts";
import { artifactsVerify } from "./verify.ts";

const DEPS: ArtifactCommandDeps = {
  clock: systemClock,
  columns: () => process.stdout.columns,
  openAws: loadAws,
  async openDistributor({ functionName, region, signal }) {
    const { lambda: client } = await loadAws({ ...(region && { region }) });
    return createLambdaCall({ client, functionName, signal });
  },
};

/** Loads the SDK clients only when they are needed. */
async function loadAws(place: AwsPlace) {
  const { openAws } = await import("./open-aws.ts");
  return openAws(place);
}

/** Creates the commands for artifacts and consumers. Tests provide their own dependencies. */
export function createArtifactCommands(deps: Partial<ArtifactCommandDeps> = {}): readonly PluginCommand[] {
  const whole = { ...DEPS, ...deps };
  const commands = [
    artifactsPublish,
    artifactsLs,
    artifactsShow,
    artifactsVerify,
    artifactsCoverage,
    artifactsReplay,
    artifactsRefresh,
    artifactsRetire,
    consumersLs,
    consumersShow,
  ];
  return commands.map((command) => withArtifacts(command, whole));
}

/** `artifacts ls`: lists published versions. */
const artifactsLs = defineCommand({
  name: "artifacts ls",
  summary: "List published versions.",
  examples: { "stackyard artifacts ls --artifact billing-api": "The versions of one artifact" },
  args: Type.Object({ artifact: artifactFlag, limit: limitArg, ...distributorArgs }),
  async run(context: ArtifactContext, args) {
    const { name, version } = args.artifact === undefined ? {} : parseArtifactWord(args.artifact);
    if (version !== undefined) throw usage("Cannot list a single version. Use `stackyard artifacts show`.");
    const { list } = createArtifactsClient({ call: await openDistributor(context, args) });
    const taken = await takeRows(list({ ...(name && { name }) }), args.limit);
    const { rows: artifacts, limited } = taken;
    const toText = () =>
      [toTable(artifacts, name, context.out.columns), formatRefusals(artifacts)]
        .filter((text) => text !== "")
        .join("\n\n") + formatLimit(taken);
    context.out.result({ artifacts, limited }, toText);
    return 0;
  },
});

function toTable(
  artifacts: readonly ArtifactSummary[],
  wanted: string | undefined,
  columns: number | undefined,
): string {
  if (artifacts.length === 0)
    return wanted === undefined ? "Nothing is published yet." : "No published version matches.";
  const rows = artifacts.map(({ publishedAt, name, version, files, bytes, ...rest }) => [
    publishedAt === null ? "-" : toDay(publishedAt),
    toCell(name, 60),
    toCell(version, 64),
    String(files),
    formatBytes(bytes),
    formatStatus(rest),
  ]);
  const head = ["PUBLISHED", "NAME", "VERSION", "FILES", "SIZE", "COVERED"];
  return formatTable([head, ...rows], { numbers: [3, 4], columns });
}

function formatStatus({ retired, covered, manifestSha256 }: ShownStatus): string {
  if (manifestSha256 === null) return "refused";
  if (retired) return "retired";
  return covered ? "yes" : "no";
}

type ShownStatus = Pick<ArtifactSummary, "retired" | "covered" | "manifestSha256">;

/** The same outside of the column COVERED. */
function formatCoverage({ retired, covered, manifestSha256 }: ShownStatus): string {
  if (manifestSha256 === null) return "not published";
  if (retired) return "retired";
  return covered ? "covered" : "not covered yet";
}

/** `artifacts show`: shows one version with its files and coverage. */
const artifactsShow = defineCommand({
  name: "artifacts show",
  summary: "Show a version: its labels, its files with their digests, and its status at each consumer.",
  args: Type.Object({ ...versionArgs, ...distributorArgs }),
  async run(context: ArtifactContext, { name, version, ...args }) {
    const { show } = createArtifactsClient({ call: await openDistributor(context, args) });
    const artifact = await show({ name, version });
    const cells = artifact.cells.map((cell) => withAccountName(context.accounts, cell, cell.account));
    context.out.result({ artifact: { ...artifact, cells } }, () => formatArtifact(artifact, context));
    return 0;
  },
});

function formatArtifact(
  artifact: DistributorAnswers["show"],
  { accounts, out: { columns } }: Pick<ArtifactContext, "accounts" | "out">,
): string {
  const { name, version, publishedAt, files, bytes, labels, manifestSha256 } = artifact;
  const words = Object.entries(labels).map(([key, value]) => `${toCell(key, 64)}=${toCell(value, 256)}`);
  const head = [
    `${toCell(name, 128)} ${toCell(version, 64)}: ${formatCount(files, "file")}, ${formatBytes(bytes)}, ${formatCoverage(artifact)}`,
    ...(publishedAt === null ? [] : [`Published ${toCell(publishedAt, 40)}`]),
    ...(manifestSha256 === null ? [] : [`Manifest  ${toCell(manifestSha256, 64)}`]),
    ...(words.length === 0 ? [] : [`Labels    ${words.join(" ")}`]),
  ];
  const cells = manifestSha256 === null ? "" : toCellTable(artifact, { accounts, columns });
  return [head.join("\n"), formatRefusals([artifact]), toFileTable(artifact, columns), cells]
    .filter((text) => text !== "")
    .join("\n\n");
}

function toFileTable({ manifest }: DistributorAnswers["show"], columns: number | undefined): string {
  const parsed = parseManifest(JSON.stringify(manifest ?? null));
  if (parsed.kind === "invalid") return "";
  const rows = parsed.manifest.files.map(({ key, size, sha256, rewrite = "none" }) => {
    return [toCell(key, 120), formatBytes(size), sha256, rewrite === "none" ? "" : "rewritten"];
  });
  return formatTable([["FILE", "SIZE", "SHA-256", ""], ...rows], { numbers: [1], columns });
}

function toCellTable(
  { cells }: DistributorAnswers["show"],
  { accounts, columns }: { readonly accounts: AccountNames; readonly columns: number | undefined },
): string {
  if (cells.length === 0) return "No consumer is expected to have it.";
  const rows = cells.map((cell) => [
    ...[toAccountCell(accounts, cell.account), toCell(cell.region, 30), cell.status, toCell(cell.code ?? "", 40)],
    ...[`${cell.filesDone} of ${cell.files}`, formatVerified(cell), toDay(cell.at)],
  ]);
  const head = ["ACCOUNT", "REGION", "STATUS", "CODE", "FILES", "VERIFIED", "SINCE"];
  return formatTable([head, ...rows], { numbers: [4], columns });
}

/** Formats whether a version was verified; empty if it did not arrive, because nothing was compared. */
function formatVerified(cell: DistributorAnswers["show"]["cells"][number]): string {
  if (!isStored(cell)) return "";
  return cell.verified ? "yes" : "no";
}

/** `consumers ls`: lists the consumers. */
const consumersLs = defineCommand({
  name: "consumers ls",
  summary:
    "List the accounts and regions that receive artifacts, whether their account is trusted, and their last receipt.",
  args: Type.Object({ limit: limitArg, ...distributorArgs }),
  async run(context: ArtifactContext, args) {
    const client = createArtifactsClient({ call: await openDistributor(context, args) });
    const taken = await takeRows(client.consumers(), args.limit);
    const { rows, limited } = taken;
    const consumers = rows.map((row) => withAccountName(context.accounts, row, row.account));
    const toText = () => toConsumerTable(rows, context) + formatLimit(taken);
    context.out.result({ consumers, limited }, toText);
    return 0;
  },
});

function toConsumerTable(
  consumers: readonly ConsumerView[],
  { accounts, out: { columns } }: Pick<ArtifactContext, "accounts" | "out">,
): string {
  if (consumers.length === 0) return "No consumers found. Deploy the consumer's stack in a trusted account.";
  const rows = consumers.map(
    ({ account, region, generation, bucket, registered, lastReceiptAt, capabilities, ...rest }) => [
      toAccountCell(accounts, account),
      toCell(region, 30),
      generation,
      registered ? "yes" : "no",
      rest.distrustedAt === null ? "yes" : `not since ${toDay(rest.distrustedAt)}`,
      rest.unsubscribedAt === null ? "yes" : `not since ${toDay(rest.unsubscribedAt)}`,
      toDay(lastReceiptAt ?? "never"),
      toCell(bucket ?? "-", 63),
      toCell(capabilities.join(" "), 80),
    ],
  );
  const facts = ["REGISTERED", "TRUSTED", "SUBSCRIBED", "LAST RECEIPT", "BUCKET", "CAPABILITIES"];
  return formatTable([["ACCOUNT", "REGION", "GENERATION", ...facts], ...rows], { columns });
}

/** `consumers show`: shows one consumer with the status of each version. */
const consumersShow = defineCommand({
  name: "consumers show",
  summary: "Show a consumer and the status of every version that it should have.",
  examples: { "stackyard consumers show 222233334444 eu-west-1": "One account and region" },
  args: Type.Object({ ...consumerArgs, ...distributorArgs }),
  async run(context: ArtifactContext, { account, region, ...args }) {
    const { consumer } = createArtifactsClient({ call: await openDistributor(context, args) });
    const found = await consumer({ account, region });
    context.out.result({ consumer: withAccountName(context.accounts, found, account) }, () =>
      formatConsumer(found, context),
    );
    return 0;
  },
});

const UNSUBSCRIBED = "nothing reaches it. Update its stack with another TriggerVersion";

function formatConsumer(
  consumer: DistributorAnswers["consumer"],
  { accounts, out: { columns } }: Pick<ArtifactContext, "accounts" | "out">,
): string {
  const { account, region, bucket, generation, capabilities, firstSeenAt, lastReceiptAt, registered, cells } = consumer;
  const { distrustedAt, unsubscribedAt } = consumer;
  const head = [
    `${toAccountCell(accounts, account)} ${toCell(region, 30)}: ${generation}, ${registered ? "registered" : "not registered"}`,
    ...(distrustedAt === null ? [] : [`Not trusted   since ${toCell(distrustedAt, 40)}: nothing more is sent to it`]),
    ...(unsubscribedAt === null ? [] : [`Subscribed    not since ${toCell(unsubscribedAt, 40)}: ${UNSUBSCRIBED}`]),
    `Bucket        ${toCell(bucket ?? "unknown", 63)}`,
    `Capabilities  ${toCell(capabilities.join(" ") || "none reported", 200)}`,
    `First seen    ${toCell(firstSeenAt, 40)}`,
    `Last receipt  ${toCell(lastReceiptAt ?? "never", 40)}`,
  ].join("\n");
  const sum = `Stored: ${cells.filter(isStored).length} of ${formatCount(cells.length, "version")}.`;
  if (cells.length === 0) return [head, "No version is expected there."].join("\n\n");
  const rows = cells.map((cell) => [
    ...[toCell(cell.name, 60), toCell(cell.version, 64), cell.status, toCell(cell.code ?? "", 40)],
    ...[`${cell.filesDone} of ${cell.files}`, String(cell.announcements), toDay(cell.at)],
  ]);
  const names = ["NAME", "VERSION", "STATUS", "CODE", "FILES", "ANNOUNCED", "SINCE"];
  return [head, formatTable([names, ...rows], { numbers: [4, 5], columns }), sum].join("\n\n");
}

/** `artifacts replay`: announces everything to a consumer again. */
const artifactsReplay = defineCommand({
  name: "artifacts replay",
  summary: "Announce everything that a consumer should have again. Files that it has are not copied again.",
  examples: {
    "stackyard artifacts replay 222233334444 eu-west-1": "Everything",
    "stackyard artifacts replay 222233334444 eu-west-1 --artifact billing-api --since 2026-11-01": "Some",
  },
  args: Type.Object({
    ...consumerArgs,
    artifact: artifactFlag,
    since: optionalText("Only versions published since then, such as 2026-11-01 or 2026-11-01T06:00:00Z.", {
      pattern: "^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,9})?Z)?$",
      placeholder: "date",
      expected: "a day such as 2026-11-01, or an instant such as 2026-11-01T06:00:00Z",
    }),
    ...distributorArgs,
  }),
  async run(context: ArtifactContext, { account, region, artifact, since, ...args }) {
    if (artifact !== undefined) parseArtifactWord(artifact);
    const { replay } = createArtifactsClient({ call: await openDistributor(context, args) });
    const from = since === undefined ? undefined : toInstant(since);
    const begun = await replay(defined({ account, region, since: from, artifact }));
    context.out.result(begun, () => `Started: ${toCell(begun.executionArn, 400)}`);
    return 0;
  },
});

function toInstant(text: string): string {
  const at = new Date(text);
  // `Date` reads a day like February 30 as a day of the next month.
  const isDay = !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text.slice(0, 10));
  if (!isDay) throw usage(`--since "${text}" is not a valid date.`);
  return at.toISOString();
}

/** `artifacts refresh`: announces one version again with new URLs. */
const artifactsRefresh = defineCommand({
  name: "artifacts refresh",
  summary: "Announce a version again with new URLs: to all consumers that miss it, or to one.",
  description: "A version that the distributor refused is checked again: it is published, or the error says why not.",
  examples: {
    "stackyard artifacts refresh billing-api 1.4.2": "Wherever it is missing",
    "stackyard artifacts refresh billing-api 1.4.2 --account 222233334444 --region eu-west-1": "To one",
  },
  args: Type.Object({ ...versionArgs, ...consumerFlags, ...distributorArgs }),
  async run(context: ArtifactContext, { name, version, account, region, ...args }) {
    if ((account === undefined) !== (region === undefined)) throw usage("--account and --region require each other.");
    const { refresh } = createArtifactsClient({ call: await openDistributor(context, args) });
    const sent = await refresh(defined({ name, version, account, region }));
    context.out.result(sent, () => {
      if (sent.messages === 0) return "Nothing to send: no consumer misses it.";
      return `Announced again: ${formatCount(sent.files, "file")} in ${formatCount(sent.messages, "message")}.`;
    });
    return 0;
  },
});

/** `artifacts retire`: retires a version. */
const artifactsRetire = defineCommand({
  name: "artifacts retire",
  summary: "Retire a version: it is no longer expected, and consumers with the capability retire delete it.",
  description: "This cannot be undone. The source keeps the files until its retention removes them.",
  examples: { "stackyard artifacts retire billing-api 1.3.0 --yes": "For good" },
  args: Type.Object({
    ...versionArgs,
    yes: optionalFlag("Confirm: consumers with the capability retire delete their copies."),
    ...distributorArgs,
  }),
  async run(context: ArtifactContext, { name, version, yes = false, ...args }) {
    if (!yes) {
      const message = `Retiring ${name} ${version} deletes copies and cannot be undone.`;
      throw new StackyardError("USAGE", message, { details: { hint: "Pass --yes to confirm." } });
    }
    const { retire } = createArtifactsClient({ call: await openDistributor(context, args) });
    const done = await retire({ name, version });
    context.out.result(done, () => {
      const sent = `Sent to consumers: ${formatCount(done.messages, "message")}.`;
      const note = done.messages === 0 ? "No consumer deletes it." : sent;
      return done.retired ? `${name} ${version} is retired. ${note}` : `${name} ${version} was already retired.`;
    });
    return 0;
  },
});
