import type { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { callAws, toArnPart } from "@stackyard/aws";
import { defined, listPages } from "@stackyard/core";
import { type Finding, fail, ok, warn } from "@stackyard/sdk/commands";
import type { PolicyStatement, QueueFacts } from "./load-queue.ts";
import type { YardScene } from "./yard-scene.ts";

/** A rule of EventBridge as it is now. `unread`: it cannot be looked at from here. */
type RuleFacts =
  | { readonly kind: "found"; readonly isEnabled: boolean; readonly targets: readonly string[] }
  | { readonly kind: "gone" }
  | { readonly kind: "unread"; readonly why: string; readonly advice: string };

/** A rule by its ARN. */
interface RuleId {
  readonly arn: string;
  readonly name: string;
  readonly bus: string;
}

/**
 * Checks whether the rules that may send to the queue of events do so. A rule that is switched off or deleted is silent: no
 * queue, function or alarm shows that its events do not arrive. Throws errors of EventBridge other than denials.
 */
export async function checkRules({ aws }: YardScene, queues: readonly QueueFacts[]): Promise<readonly Finding[]> {
  const queue = queues.find(({ role }) => role === "events");
  const rules = listRules(queue?.statements ?? []);
  if (queue === undefined || rules.length === 0) return [];
  const { EventBridgeClient } = await import("@aws-sdk/client-eventbridge");
  const client = aws.client(EventBridgeClient, undefined);
  return Promise.all(rules.map(async (rule) => evaluateRule(rule, queue, await loadRule(client, rule, queue))));
}

/** Returns the rules that a policy names as senders. One with a wildcard names none. */
export function listRules(statements: readonly PolicyStatement[]): readonly RuleId[] {
  const allowed = statements.filter(({ effect }) => effect === "Allow").flatMap(({ sources }) => sources);
  return [...new Set(allowed)].flatMap((arn) => {
    const [, path] = /^arn:[^:]+:events:[^:]+:\d{12}:rule\/([^*?]+)$/.exec(arn) ?? [];
    if (path === undefined) return [];
    const [name = "", ...bus] = path.split("/").reverse();
    return [{ arn, name, bus: bus.reverse().join("/") || "default" }];
  });
}

async function loadRule(client: EventBridgeClient, { arn, name, bus }: RuleId, queue: QueueFacts): Promise<RuleFacts> {
  if (toPlace(arn) !== toPlace(queue.arn)) {
    const [region, account] = toPlace(arn).split(" ");
    const advice = `Ask there: aws events describe-rule --name ${name} --event-bus-name ${bus} --region ${region}`;
    return { kind: "unread", why: `it is of ${account} in ${region}`, advice };
  }
  const { DescribeRuleCommand, ListTargetsByRuleCommand } = await import("@aws-sdk/client-eventbridge");
  const what = `The rule ${name} cannot be read.`;
  const advice = "Allow events:DescribeRule and events:ListTargetsByRule on it.";
  const denied = { kind: "unread", why: "these credentials may not read it", advice } as const;
  const policy = { what, advice, instead: { FORBIDDEN: denied, gone: { kind: "gone" } as const } };
  return callAws(async () => {
    const { State } = await client.send(new DescribeRuleCommand({ Name: name, EventBusName: bus }));
    const targets: string[] = [];
    const pages = listPages(async ({ cursor: NextToken }) => {
      const page = await client.send(new ListTargetsByRuleCommand({ Rule: name, EventBusName: bus, NextToken }));
      return { ...page, ...defined({ cursor: page.NextToken }) };
    });
    for await (const { Targets = [] } of pages) targets.push(...Targets.map(({ Arn = "" }) => Arn));
    return { kind: "found" as const, isEnabled: State !== "DISABLED", targets };
  }, policy);
}

function toPlace(arn: string): string {
  return `${toArnPart(arn, 3)} ${toArnPart(arn, 4)}`;
}

/** Returns the finding about a rule that may send to a queue. */
function evaluateRule({ arn, name, bus }: RuleId, queue: Pick<QueueFacts, "name" | "arn">, facts: RuleFacts): Finding {
  const to = ` sends to ${queue.name}`;
  switch (facts.kind) {
    case "unread":
      return warn("rule", `It is unknown whether ${name}${to}: ${facts.why}.`, facts.advice);
    case "gone":
      return fail(
        "rule",
        `${name} does not exist: its events do not arrive at ${queue.name}.`,
        `Create it again, or take ${arn} out of EventRuleArns.`,
      );
    case "found": {
      const of = `--event-bus-name ${bus}`;
      if (!facts.isEnabled) {
        const enable = `aws events enable-rule --name ${name} ${of}`;
        return fail("rule", `${name} is disabled: its events do not arrive at ${queue.name}.`, `Enable it: ${enable}`);
      }
      if (facts.targets.includes(queue.arn)) return ok("rule", `${name}${to}.`);
      const put = `aws events put-targets --rule ${name} ${of} --targets Id=stackyard,Arn=${queue.arn}`;
      return fail("rule", `${queue.name} is not a target of ${name}: its events do not arrive.`, `Add it: ${put}`);
    }
  }
}
