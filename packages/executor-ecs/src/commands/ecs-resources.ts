import {
  type AccountNames,
  defineCommand,
  defined,
  formatAccount,
  optionalFlag,
  optionalInteger,
  type PluginCommandContext,
  withAccountName,
} from "@stackyard/core";
import { type CustomResourceRun, Stackyard } from "@stackyard/sdk";
import { formatTable, toCell } from "@stackyard/sdk/commands";
import { type Static, Type } from "typebox";

const ResourcesArgs = Type.Object({
  limit: optionalInteger("How many. Default: 50.", { minimum: 1, maximum: 1_000 }),
  details: optionalFlag("Print each request whole: who asked for it, its tasks, its answer."),
});

const DEFAULT_LIMIT = 50;

/** `ecs resources`: lists requests of CloudFormation to resources of the type `Custom::ECSTask`. */
export const ecsResources = defineCommand({
  name: "ecs resources",
  summary: "List what CloudFormation has asked custom resources to run, and for which stack, the newest first.",
  description:
    "The server reads the table of the function behind Custom::ECSTask: set `customResources` in stackyard.config.ts.",
  examples: {
    "stackyard ecs resources --limit 10": "The last ten requests, with the answers that were sent",
    "stackyard ecs resources --limit 1 --details": "The last one, with the stack that asked and its page in AWS",
  },
  args: ResourcesArgs,
  run: listResources,
});

async function listResources(
  { out, server, signal, accounts = {} }: PluginCommandContext,
  { limit = DEFAULT_LIMIT, details = false }: Static<typeof ResourcesArgs>,
): Promise<number> {
  const { items, unreadable = [] } = await new Stackyard(server).customResources.list({ limit, signal });
  for (const { id, reason } of unreadable) out.note(`"${id}" is not shown: ${reason}`);
  const isEmpty = items.length + unreadable.length === 0;
  const requests = items.map((item) => withAccountName(accounts, item, item.startedBy?.account));
  out.result({ requests }, () => {
    if (isEmpty) return "CloudFormation has sent no request.";
    if (details) return items.map((item) => formatRequest(item, accounts)).join("\n\n");
    return formatRequests(items, defined({ columns: out.columns, accounts }));
  });
  return 0;
}

/** Options of formatting requests. */
interface FormatOptions {
  /** The width of the terminal. Default: no limit. */
  readonly columns?: number;
  /** Names of accounts. Default: none. */
  readonly accounts?: AccountNames;
}

/** Formats requests as a table. */
function formatRequests(
  requests: readonly CustomResourceRun[],
  { columns, accounts = {} }: FormatOptions = {},
): string {
  const rows = requests.map((request) => {
    const { receivedAt, requestType, logicalId, taskDefinition = "", answer } = request;
    return [
      receivedAt,
      requestType,
      toCell(logicalId),
      toStackName(request),
      toPlace(request, accounts),
      toCell(taskDefinition.split("/").at(-1) ?? ""),
      answer?.status ?? "not answered",
      toCell(answer?.reason ?? "", 120),
    ];
  });
  const head = ["RECEIVED", "REQUEST", "RESOURCE", "BY STACK", "WHERE", "TASK DEFINITION", "ANSWER", "REASON"];
  return formatTable([head, ...rows], defined({ columns }));
}

function toStackName({ startedBy, stackId }: CustomResourceRun): string {
  return toCell(startedBy?.stack ?? stackId.split("/")[1] ?? stackId);
}

function toPlace({ startedBy }: CustomResourceRun, accounts: AccountNames): string {
  const { account, region } = startedBy ?? {};
  return account === undefined || region === undefined ? "" : toCell(formatAccount(accounts, account, region), 120);
}

/** Formats one request with everything that is known about it. */
function formatRequest(request: CustomResourceRun, accounts: AccountNames): string {
  const { requestType, logicalId, startedBy, stackId, cluster, taskDefinition, taskArns, answer } = request;
  const facts = [
    ["by", `CloudFormation, stack ${toStackName(request)}`],
    ["arn", startedBy?.arn ?? stackId],
    ["open", startedBy?.consoleUrl],
    ["where", toPlace(request, accounts)],
    ["cluster", cluster],
    ["task definition", taskDefinition],
    ["tasks", taskArns.join(" ")],
    ["received", request.receivedAt],
    ["answered", request.answeredAt],
    ["reason", answer?.reason],
  ].flatMap(([name = "", value = ""]) => (value === "" ? [] : [[`${name}:`, toCell(value, 4_096)]]));
  return `${requestType} of ${toCell(logicalId)}: ${answer?.status ?? "not answered"}\n${formatTable(facts)}`;
}
