import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { interceptClient } from "./failing-client.ts";

interface Statement {
  readonly Sid: string;
  readonly Action: readonly string[];
  readonly Resource: string | readonly string[];
}

/** Lists the grants of the README's policy, one text per pair of action and table: `dynamodb:GetItem STACKS`. */
export function listGranted(): { readonly always: readonly string[]; readonly toMakeTables: readonly string[] } {
  const readme = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");
  const [, json = "{}"] = /```json\n(\{\n {2}"Version"[\s\S]*?)```/.exec(readme) ?? [];
  const { Statement: statements = [] } = JSON.parse(json) as { readonly Statement?: readonly Statement[] };
  const list = (isToMake: boolean) =>
    statements.filter(({ Sid }) => (Sid === "MakeTables") === isToMake).flatMap((statement) => listPairs(statement));
  return { always: list(false), toMakeTables: list(true) };
}

function listPairs({ Action, Resource }: Statement): readonly string[] {
  const tables = [Resource].flat().map((arn) => arn.replace(/^.*:table\//, ""));
  return Action.flatMap((action) => tables.map((table) => `${action} ${table}`));
}

/** Wraps a client so that it records its calls in the form of a policy: `dynamodb:Query STACKS/index/*`. */
export function recordCalls(through: DynamoDBClient): {
  readonly client: DynamoDBClient;
  readonly calls: ReadonlySet<string>;
} {
  const calls = new Set<string>();
  const client = interceptClient(through, ({ name, input }, call) => {
    const table = String(input["TableName"]).endsWith("-work") ? "STACKS-work" : "STACKS";
    calls.add(`dynamodb:${name} ${table}${input["IndexName"] === undefined ? "" : "/index/*"}`);
    return call();
  });
  return { client, calls };
}
