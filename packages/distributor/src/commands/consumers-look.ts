import { type ConsumerView, createArtifactsClient, type DistributorAnswers } from "@stackyard/sdk/artifacts";
import { formatTable } from "@stackyard/sdk/commands";
import { Type } from "typebox";
import { consumerArgs, distributorArgs, limitArg } from "./artifact-args.ts";
import type { ArtifactCommandSpec } from "./artifact-command.ts";
import { openDistributor } from "./open-distributor.ts";
import { stands } from "./report/tell-coverage.ts";
import { tellCount } from "./report/tell-size.ts";
import { toCell, toDay } from "./report/to-cell.ts";
import { takeRows, tellLimit } from "./take-rows.ts";

const ListArgs = Type.Object({ limit: limitArg, ...distributorArgs });

/** `consumers ls`: who gets artifacts. */
export const consumersLs: ArtifactCommandSpec<typeof ListArgs> = {
  name: "consumers ls",
  summary: "List the accounts and regions that get artifacts, and when each was last heard of.",
  args: ListArgs,
  async run(context, args) {
    const client = createArtifactsClient({ call: await openDistributor(context, args) });
    const taken = await takeRows(client.consumers(), args.limit);
    const { rows: consumers, limited } = taken;
    context.out.result({ consumers, limited }, () => toTable(consumers, context.out.columns) + tellLimit(taken));
    return 0;
  },
};

function toTable(consumers: readonly ConsumerView[], columns: number | undefined): string {
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

const ShowArgs = Type.Object({ ...consumerArgs, ...distributorArgs });

/** `consumers show`: one consumer, and how each version stands there. */
export const consumersShow: ArtifactCommandSpec<typeof ShowArgs> = {
  name: "consumers show",
  summary: "Show a consumer, and how every version that it should have stands there.",
  examples: [{ command: "stackyard consumers show 222233334444 eu-west-1", what: "One account and region" }],
  args: ShowArgs,
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
