import { describe, expect, it } from "vitest";
import { checkRules, listRules } from "./check-rules.ts";
import { type QueueFacts, toQueueFacts } from "./load-queue.ts";
import type { YardScene } from "./yard-scene.ts";

const QUEUE = "arn:aws:sqs:eu-west-1:111122223333:stack-events";
const RULE = "arn:aws:events:eu-west-1:111122223333:rule/deploys";
const OF_BUS = "arn:aws:events:eu-west-1:111122223333:rule/aws.partner/example.com/ci/pushes";
const ELSEWHERE = "arn:aws:events:us-east-1:444455556666:rule/far";

function aQueue(...rules: readonly string[]): QueueFacts {
  const Condition = { ArnEquals: { "aws:SourceArn": rules } };
  const statement = { Effect: "Allow", Principal: { Service: "events.amazonaws.com" }, Action: "sqs:SendMessage" };
  const Policy = JSON.stringify({ Statement: [{ ...statement, Condition }] });
  return toQueueFacts("events", "https://sqs/stack-events", { QueueArn: QUEUE, Policy });
}

/** A scene whose EventBridge answers by the name of the rule: a state, targets, or the name of an error. */
function aScene(
  rules: Readonly<Record<string, { readonly State: string; readonly Arns: readonly string[] } | string>>,
) {
  const asked: unknown[] = [];
  const send = async ({ input }: { readonly input: Readonly<Record<string, string | undefined>> }) => {
    asked.push(input);
    const found = rules[input["Name"] ?? input["Rule"] ?? ""] ?? "ResourceNotFoundException";
    if (typeof found === "string")
      throw Object.assign(new Error("No."), { name: found, $metadata: { httpStatusCode: 400 } });
    if (input["Name"] !== undefined) return { State: found.State };
    const at = Number(input["NextToken"] ?? 0);
    const NextToken = at + 1 < found.Arns.length ? String(at + 1) : undefined;
    return { Targets: found.Arns.slice(at, at + 1).map((Arn) => ({ Arn })), NextToken };
  };
  return { scene: { aws: { client: () => ({ send }) } } as unknown as YardScene, asked };
}

const on = { State: "ENABLED", Arns: ["arn:aws:sqs:eu-west-1:111122223333:other", QUEUE] };

describe("a look at the rules that send to a yard", () => {
  it("finds them in the policy of the queue, with their buses", () => {
    const { statements } = aQueue(RULE, OF_BUS, "arn:aws:events:eu-west-1:111122223333:rule/ci-*", `${QUEUE}-dlq`);

    expect(listRules(statements)).toEqual([
      { arn: RULE, name: "deploys", bus: "default" },
      { arn: OF_BUS, name: "pushes", bus: "aws.partner/example.com/ci" },
    ]);
    expect(listRules(statements.map((each) => ({ ...each, effect: "Deny" })))).toEqual([]);
  });

  it.each(["ENABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"])(
    "reads all targets of a rule that is %s",
    async (State) => {
      const { scene, asked } = aScene({ deploys: { ...on, State } });

      const found = await checkRules(scene, [aQueue(RULE)]);

      expect(found).toEqual([{ check: "rule", status: "ok", message: "deploys sends to stack-events." }]);
      expect(asked).toHaveLength(3);
    },
  );

  it("says nothing and asks nothing without rules", async () => {
    const { scene, asked } = aScene({});

    expect(await checkRules(scene, [toQueueFacts("events", "u", { QueueArn: QUEUE })])).toEqual([]);
    expect(asked).toEqual([]);
  });

  // elastic/detection-rules#1274: rules that somebody disables or deletes are silent.
  it.each([
    [{ ...on, State: "DISABLED" }, "disabled", "aws events enable-rule --name deploys --event-bus-name default"],
    ["ResourceNotFoundException", "does not exist", `take ${RULE} out of EventRuleArns`],
    [{ ...on, Arns: [`${QUEUE}-old`] }, "is not a target of", `--targets Id=stackyard,Arn=${QUEUE}`],
  ])("fails with the way back: %j", async (rule, message, hint) => {
    const { scene } = aScene({ deploys: rule });

    expect(await checkRules(scene, [aQueue(RULE)])).toEqual([
      {
        check: "rule",
        status: "fail",
        message: expect.stringContaining(message),
        hint: expect.stringContaining(hint),
      },
    ]);
  });

  it("says that it is unknown where it may not look, and asks no other account", async () => {
    const { scene, asked } = aScene({ deploys: "AccessDeniedException" });

    const found = await checkRules(scene, [aQueue(RULE, ELSEWHERE)]);

    expect(found).toMatchObject([
      { status: "warn", hint: expect.stringContaining("Allow events:DescribeRule") },
      { status: "warn", hint: expect.stringContaining("--region us-east-1") },
    ]);
    expect(asked).toHaveLength(1);
  });

  it("throws what passes", async () => {
    const { scene } = aScene({ deploys: "ThrottlingException" });

    await expect(checkRules(scene, [aQueue(RULE)])).rejects.toMatchObject({ code: "RATE_LIMITED" });
  });
});
