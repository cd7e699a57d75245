import { type Command, ListCommandsCommand } from "@aws-sdk/client-ssm";
import { callAws, type FleetAws } from "./call-aws.ts";
import { listPages } from "./list-pages.ts";

/** A command that SSM has taken. */
export interface SentCommand {
  readonly commandId: string;
  readonly comment: string;
  readonly ids: readonly string[];
  readonly requestedAt: number;
  /** Detailed, as SSM spells it. */
  readonly status: string;
  /** How many instances it is for, as far as SSM has found them. */
  readonly targetCount: number;
}

/** A clock of ours may be ahead of SSM's. */
const SLACK_MS = 5 * 60_000;

/** A command is looked for so long after it may have been sent. */
export const LISTED_AFTER_MS = 10_000;

/** The comment that a chunk's command is found by; SendCommand takes no token. */
export function toComment(runId: string, chunk: number): string {
  return `stackyard:${runId}:${chunk}`;
}

/** Which of the commands with these comments SSM has taken since then. */
export async function findCommands(
  aws: FleetAws,
  comments: readonly string[],
  since: number,
): Promise<ReadonlyMap<string, SentCommand>> {
  const wanted = new Set(comments);
  const found = new Map<string, SentCommand>();
  // SSM takes whole seconds: "2024-07-07T00:00:00Z" (API reference, "CommandFilter").
  const after = `${new Date(since - SLACK_MS).toISOString().slice(0, 19)}Z`;
  for await (const command of listCommands(aws, { Filters: [{ key: "InvokedAfter", value: after }] })) {
    if (wanted.has(command.comment)) found.set(command.comment, command);
    if (found.size === wanted.size) break;
  }
  return found;
}

/** One command as it stands; undefined where SSM does not list it yet. */
export async function findCommand(aws: FleetAws, commandId: string): Promise<SentCommand | undefined> {
  for await (const command of listCommands(aws, { CommandId: commandId })) return command;
  return undefined;
}

type ListInput = ConstructorParameters<typeof ListCommandsCommand>[0];

async function* listCommands(aws: FleetAws, given: ListInput): AsyncGenerator<SentCommand> {
  const pages = listPages((token) => {
    const input = { ...given, MaxResults: 50, ...token };
    return callAws(aws, {
      what: "The commands could not be listed.",
      send: (abortSignal) => aws.ssm.send(new ListCommandsCommand(input), { abortSignal }),
    });
  });
  for await (const page of pages) {
    for (const command of page.Commands ?? []) yield toSentCommand(command);
  }
}

function toSentCommand(command: Command): SentCommand {
  const { CommandId = "", Comment = "", InstanceIds = [], RequestedDateTime, StatusDetails, Status = "" } = command;
  return {
    commandId: CommandId,
    comment: Comment,
    ids: InstanceIds,
    requestedAt: RequestedDateTime?.getTime() ?? 0,
    status: StatusDetails ?? Status,
    targetCount: command.TargetCount ?? 0,
  };
}
