import { App, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { Code } from "aws-cdk-lib/aws-lambda";
import { describe, expect, it } from "vitest";
import { CallFunction, MinuteSchedule } from "../function-triggers.ts";
import { StateManager } from "../state-manager.ts";
import { listBodies } from "../testing/find-template.ts";
import { toJson } from "../testing/resolve-template.ts";

/** A rule of a template, and the alarm whose metric is the rule's. */
function listRules(template: unknown) {
  const resources = Object.entries(toJson(toJson(template)["Resources"])).map(
    ([id, resource]) => [id, toJson(resource)] as const,
  );
  const alarms = resources.flatMap(([, { Type, Properties }]) =>
    Type === "AWS::CloudWatch::Alarm" ? [toJson(Properties)] : [],
  );
  return resources.flatMap(([id, { Type, Properties }]) => {
    if (Type !== "AWS::Events::Rule") return [];
    const isScheduled = "ScheduleExpression" in toJson(Properties);
    const own = alarms.filter(({ Dimensions }) => JSON.stringify(Dimensions).includes(`{"Ref":"${id}"}`));
    return [{ id, isScheduled, alarms: own }];
  });
}

const TEMPLATES = [...listBodies({ inline: true })].map(([name, body]) => [name, listRules(JSON.parse(body))] as const);
const RULES = TEMPLATES.flatMap(([name, rules]) => rules.map((rule) => [name, rule.id, rule] as const));

// guardian/mobile-n10n PR 278, elastic/detection-rules#1274
describe("a rule that calls a function", () => {
  it("is in every template of an app that works by events or by time", () => {
    const names = TEMPLATES.filter(([, rules]) => rules.some(({ isScheduled }) => isScheduled)).map(([name]) => name);

    expect(names.toSorted()).toEqual(["distributor", "fleet", "services", "state-manager", "yard"]);
  });

  it.each(RULES)("in %s, %s, has one alarm that notifies the topics", (_name, _id, { isScheduled, alarms }) => {
    const [alarm, ...others] = alarms;

    expect(others).toEqual([]);
    // A schedule that makes no call is silent; an event that does not come is none.
    expect(alarm).toMatchObject(
      isScheduled
        ? { MetricName: "Invocations", TreatMissingData: "breaching", ComparisonOperator: "LessThanThreshold" }
        : { MetricName: "FailedInvocations", TreatMissingData: "notBreaching" },
    );
    expect(alarm?.["AlarmActions"]).toBeDefined();
    expect(alarm?.["OKActions"]).toEqual(alarm?.["AlarmActions"]);
  });

  it("has it from its own construct, without constructs for alarms", () => {
    const stack = new Stack(new App({ analyticsReporting: false, builtinCloudFormationValidation: false }), "mine");
    const called = { functionName: "f", functionArn: "arn:aws:lambda:eu-west-1:111122223333:function:f" };
    new MinuteSchedule(stack, "Minute", called);
    new CallFunction(stack, "Event", { ...called, description: "", eventPattern: { source: ["a"] } });
    const queue = { name: "q", url: "https://q", arn: "arn:aws:sqs:eu-west-1:111122223333:q" };
    const queues = { events: queue, ticks: queue, tasks: queue, eventDeadLetters: queue };
    const code = Code.fromInline("0");
    new StateManager(stack, "App", { code, queues, stores: [], machines: { bucket: "machines" } });

    const rules = listRules(Template.fromStack(stack).toJSON());

    expect(rules.map(({ isScheduled, alarms }) => [isScheduled, alarms.length])).toEqual([
      [true, 1],
      [false, 1],
      [true, 1],
    ]);
  });
});
