import { type PluginCommand, StackyardError } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import {
  type ArtifactSummary,
  type ConsumerView,
  createArtifactsClient,
  createLambdaCall,
  type DistributorAnswers,
  parseManifest,
} from "@stackyard/sdk/artifacts";
import { formatTable } from "@stackyard/sdk/commands";
import { Type } from "typebox";
import {
  type ArtifactCommandDeps,
  type ArtifactCommandSpec,
  artifactFlag,
  consumerArgs,
  consumerFlags,
  createArtifactCommand,
  distributorArgs,
  limitArg,
  openDistributor,
  parseArtifactWord,
  takeRows,
  tellBytes,
  tellCount,
  tellLimit,
  toCell,
  toDay,
  usage,
  versionArgs,
} from "./artifact-command.ts";
import { artifactsCoverage, stands } from "./coverage.ts";
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

/** The SDK's clients are loaded by those who need them. */
async function loadAws(place: Parameters<ArtifactCommandDeps["openAws"]>[0]) {
  const { openAws } = await import("./open-aws.ts");
  return openAws(place);
}

/** The commands about artifacts and their consumers; tests bring their own world. */
export function createArtifactCommands(deps: Partial<ArtifactCommandDeps> = {}): readonly PluginCommand[] {
  const whole = { ...DEPS, ...deps };
  return [
    createArtifactCommand(artifactsPublish, whole),
    createArtifactCommand(artifactsLs, whole),
    createArtifactCommand(artifactsShow, whole),
    createArtifactCommand(artifactsVerify, whole),
    createArtifactCommand(artifactsCoverage, whole),
    createArtifactCommand(artifactsReplay, whole),
    createArtifactCommand(artifactsRefresh, whole),
    createArtifactCommand(artifactsRetire, whole),
    createArtifactCommand(consumersLs, whole),
    createArtifactCommand(consumersShow, whole),
  ];
}

const ListArgs = Type.Object({ artifact: artifactFlag, limit: limitArg, ...distributorArgs });

/** `artifacts ls`: what was published. */
const artifactsLs: ArtifactCommandSpec<typeof ListArgs> = {
  name: "artifacts ls",
  summary: "List what was published.",
  examples: [{ command: "stackyard artifacts ls --artifact billing-api", what: "The versions of one artifact" }],
  args: ListArgs,
  async run(context, args) {
    const { name, version } = args.artifact === undefined ? {} : parseArtifactWord(args.artifact);
    if (version !== undefined) throw usage("Of one version there is no list: `stackyard artifacts show` shows it.");
    const { list } = createArtifactsClient({ call: await openDistributor(context, args) });
    const taken = await takeRows(list({ ...(name && { name }) }), args.limit);
    const { rows: artifacts, limited } = taken;
    context.out.result(
      { artifacts, limited },
      () => toTable(artifacts, { wanted: name, columns: context.out.columns }) + tellLimit(taken),
    );
    return 0;
  },
};

function toTable(
  artifacts: readonly ArtifactSummary[],
  { wanted, columns }: { readonly wanted: string | undefined; readonly columns: number | undefined },
): string {
  if (artifacts.length === 0) return wanted === undefined ? "Nothing is published." : "No published version fits.";
  const rows = artifacts.map(({ publishedAt, name, version, files, bytes, ...rest }) => [
    ...[toDay(publishedAt), toCell(name, 60), toCell(version, 64), String(files), tellBytes(bytes), tellStanding(rest)],
  ]);
  return formatTable([["PUBLISHED", "NAME", "VERSION", "FILES", "SIZE", "STANDS"], ...rows], {
    numbers: [3, 4],
    columns,
  });
}

function tellStanding({ retired, covered }: Pick<ArtifactSummary, "retired" | "covered">): string {
  if (retired) return "retired";
  return covered ? "everywhere" : "not everywhere";
}

const ShowArgs = Type.Object({ ...versionArgs, ...distributorArgs });

/** `artifacts show`: one version, its files and where it stands. */
const artifactsShow: ArtifactCommandSpec<typeof ShowArgs> = {
  name: "artifacts show",
  summary: "Show a version: its labels, its files with their digests, and how it stands at each consumer.",
  args: ShowArgs,
  async run(context, { name, version, ...args }) {
    const { show } = createArtifactsClient({ call: await openDistributor(context, args) });
    const artifact = await show({ name, version });
    context.out.result({ artifact }, () => tellArtifact(artifact, context.out.columns));
    return 0;
  },
};

function tellArtifact(artifact: DistributorAnswers["show"], columns: number | undefined): string {
  const { name, version, publishedAt, files, bytes, labels, manifestSha256 } = artifact;
  const words = Object.entries(labels).map(([key, value]) => `${toCell(key, 64)}=${toCell(value, 256)}`);
  const head = [
    `${toCell(name, 128)} ${toCell(version, 64)}: ${tellCount(files, "file")}, ${tellBytes(bytes)}, ${tellStanding(artifact)}`,
    `Published ${toCell(publishedAt, 40)}`,
    `Manifest  ${toCell(manifestSha256, 64)}`,
    ...(words.length === 0 ? [] : [`Labels    ${words.join(" ")}`]),
  ];
  return [head.join("\n"), toFileTable(artifact, columns), toCellTable(artifact, columns)]
    .filter((text) => text !== "")
    .join("\n\n");
}

function toFileTable({ manifest }: DistributorAnswers["show"], columns: number | undefined): string {
  const parsed = parseManifest(JSON.stringify(manifest ?? null));
  if (parsed.kind === "invalid") return "";
  const rows = parsed.manifest.files.map(({ key, size, sha256, rewrite = "none" }) => {
    return [toCell(key, 120), tellBytes(size), sha256, rewrite === "none" ? "" : "rewritten"];
  });
  return formatTable([["FILE", "SIZE", "SHA-256", ""], ...rows], { numbers: [1], columns });
}

function toCellTable({ cells }: DistributorAnswers["show"], columns: number | undefined): string {
  if (cells.length === 0) return "No consumer should have it.";
  const rows = cells.map((cell) => [
    ...[toCell(cell.account, 20), toCell(cell.region, 30), cell.status, toCell(cell.code ?? "", 40)],
    ...[`${cell.filesDone} of ${cell.files}`, tellVerified(cell), toDay(cell.at)],
  ]);
  return formatTable([["ACCOUNT", "REGION", "STATUS", "CODE", "FILES", "VERIFIED", "SINCE"], ...rows], {
    numbers: [4],
    columns,
  });
}

/** Of what does not stand nothing was compared. */
function tellVerified(cell: DistributorAnswers["show"]["cells"][number]): string {
  if (!stands(cell)) return "";
  return cell.verified ? "yes" : "no";
}

const ListArgsConsumersLook = Type.Object({ limit: limitArg, ...distributorArgs });

/** `consumers ls`: who gets artifacts. */
const consumersLs: ArtifactCommandSpec<typeof ListArgsConsumersLook> = {
  name: "consumers ls",
  summary: "List the accounts and regions that get artifacts, and when each was last heard of.",
  args: ListArgsConsumersLook,
  async run(context, args) {
    const client = createArtifactsClient({ call: await openDistributor(context, args) });
    const taken = await takeRows(client.consumers(), args.limit);
    const { rows: consumers, limited } = taken;
    context.out.result(
      { consumers, limited },
      () => toTableConsumersLook(consumers, context.out.columns) + tellLimit(taken),
    );
    return 0;
  },
};

function toTableConsumersLook(consumers: readonly ConsumerView[], columns: number | undefined): string {
  if (consumers.length === 0)
    return "No consumer is known. Install the consumer's stack in an account that is trusted.";
  const rows = consumers.map(({ account, region, generation, bucket, registered, lastReceiptAt, capabilities }) => [
    ...[
      toCell(account, 20),
      toCell(region, 30),
      generation,
      registered ? "yes" : "no",
      toDay(lastReceiptAt ?? "never"),
    ],
    ...[toCell(bucket ?? "-", 63), toCell(capabilities.join(" "), 80)],
  ]);
  const head = ["ACCOUNT", "REGION", "GENERATION", "REGISTERED", "LAST RECEIPT", "BUCKET", "CAN"];
  return formatTable([head, ...rows], { columns });
}

const ShowArgsConsumersLook = Type.Object({ ...consumerArgs, ...distributorArgs });

/** `consumers show`: one consumer, and how each version stands there. */
const consumersShow: ArtifactCommandSpec<typeof ShowArgsConsumersLook> = {
  name: "consumers show",
  summary: "Show a consumer, and how every version that it should have stands there.",
  examples: [{ command: "stackyard consumers show 222233334444 eu-west-1", what: "One account and region" }],
  args: ShowArgsConsumersLook,
  async run(context, { account, region, ...args }) {
    const { consumer } = createArtifactsClient({ call: await openDistributor(context, args) });
    const found = await consumer({ account, region });
    context.out.result({ consumer: found }, () => tellConsumer(found, context.out.columns));
    return 0;
  },
};

function tellConsumer(consumer: DistributorAnswers["consumer"], columns: number | undefined): string {
  const { account, region, bucket, generation, capabilities, firstSeenAt, lastReceiptAt, registered, cells } = consumer;
  const head = [
    `${toCell(account, 20)} ${toCell(region, 30)}: ${generation}, ${registered ? "registered" : "not registered"}`,
    `Bucket        ${toCell(bucket ?? "not known", 63)}`,
    `Can           ${toCell(capabilities.join(" ") || "nothing that it has told", 200)}`,
    `First seen    ${toCell(firstSeenAt, 40)}`,
    `Last receipt  ${toCell(lastReceiptAt ?? "never", 40)}`,
  ].join("\n");
  const sum = `Standing there: ${cells.filter(stands).length} of ${tellCount(cells.length, "version")}.`;
  if (cells.length === 0) return [head, "No version should stand there."].join("\n\n");
  const rows = cells.map((cell) => [
    ...[toCell(cell.name, 60), toCell(cell.version, 64), cell.status, toCell(cell.code ?? "", 40)],
    ...[`${cell.filesDone} of ${cell.files}`, String(cell.announcements), toDay(cell.at)],
  ]);
  const table = formatTable([["NAME", "VERSION", "STATUS", "CODE", "FILES", "ANNOUNCED", "SINCE"], ...rows], {
    numbers: [4, 5],
    columns,
  });
  return [head, table, sum].join("\n\n");
}

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
const artifactsReplay: ArtifactCommandSpec<typeof ReplayArgs> = {
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
const artifactsRefresh: ArtifactCommandSpec<typeof RefreshArgs> = {
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
const artifactsRetire: ArtifactCommandSpec<typeof RetireArgs> = {
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
