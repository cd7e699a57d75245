import { type AwsAccess, toAwsError } from "@stackyard/aws";
import type { Clock } from "@stackyard/core";

/** Whose credentials these are, and what time it is at AWS. */
export interface Caller {
  readonly account: string;
  readonly arn: string;
  /** How far our clock is ahead of that of AWS, in milliseconds, by half a second. Undefined: the answer has no date. */
  readonly aheadMs: number | undefined;
}

/** Asks STS who we are; it needs no permission (GetCallerIdentity). Throws what credentials and network give. */
export async function loadCaller(aws: AwsAccess, clock: Clock): Promise<Caller> {
  const { GetCallerIdentityCommand, STSClient } = await import("@aws-sdk/client-sts");
  const command = new GetCallerIdentityCommand({});
  let aheadMs: number | undefined;
  command.middlewareStack.add(
    (next) => async (args) => {
      const sentAt = clock.now();
      const answer = await next(args);
      aheadMs = findAheadMs(findHeader(answer.response, "date"), (sentAt + clock.now()) / 2);
      return answer;
    },
    { step: "deserialize", name: "stackyardDate" },
  );
  try {
    const { Account: account = "", Arn: arn = "" } = await aws.client(STSClient, undefined).send(command);
    return { account, arn, aheadMs };
  } catch (error) {
    throw toAwsError(error, "STS does not say whose credentials these are.");
  }
}

/** How far `now` is ahead of a date header, which names whole seconds. Undefined: it is none. */
export function findAheadMs(date: string | undefined, now: number): number | undefined {
  const at = Date.parse(date ?? "");
  return Number.isNaN(at) ? undefined : Math.round(now - (at + 500));
}

function findHeader(response: unknown, name: string): string | undefined {
  const headers = read(response, "headers");
  const value = read(headers, name);
  return typeof value === "string" ? value : undefined;
}

function read(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}
