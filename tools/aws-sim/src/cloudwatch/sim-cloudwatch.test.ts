import {
  CloudWatchClient,
  DeleteAlarmsCommand,
  DescribeAlarmHistoryCommand,
  type DescribeAlarmHistoryCommandInput,
  DescribeAlarmsCommand,
  type DescribeAlarmsCommandInput,
  PutMetricAlarmCommand,
  type PutMetricAlarmCommandInput,
  SetAlarmStateCommand,
} from "@aws-sdk/client-cloudwatch";
import { describe, expect, it } from "vitest";
import { ACCOUNT, createWorld, OTHER } from "../testing/a-world.ts";

const PLACE = { account: ACCOUNT, region: "eu-west-1" };

function createWatch() {
  const world = createWorld();
  const watch = world.client(CloudWatchClient);
  const put = (input: Partial<PutMetricAlarmCommandInput> = {}) =>
    watch.send(
      new PutMetricAlarmCommand({
        AlarmName: "cpu",
        Namespace: "AWS/EC2",
        MetricName: "CPUUtilization",
        Statistic: "Average",
        Period: 300,
        EvaluationPeriods: 2,
        Threshold: 50,
        ComparisonOperator: "GreaterThanThreshold",
        ...input,
      }),
    );
  const list = async (input: DescribeAlarmsCommandInput = {}) =>
    (await watch.send(new DescribeAlarmsCommand(input))).MetricAlarms ?? [];
  const names = async (input: DescribeAlarmsCommandInput = {}) => (await list(input)).map(({ AlarmName }) => AlarmName);
  const remove = (AlarmNames: string[]) => watch.send(new DeleteAlarmsCommand({ AlarmNames }));
  return { ...world, watch, put, list, names, remove };
}

describe("an alarm", () => {
  it("has insufficient data at first, and is returned as it was put", async () => {
    const { put, list, clock } = createWatch();
    const Dimensions = [{ Name: "AutoScalingGroupName", Value: "web" }];

    await put({ AlarmActions: ["arn:aws:autoscaling:x"], Dimensions, Tags: [{ Key: "a", Value: "b" }] });

    const [alarm] = await list();
    expect(alarm).toMatchObject({
      AlarmName: "cpu",
      Period: 300,
      Threshold: 50,
      Dimensions,
      AlarmActions: ["arn:aws:autoscaling:x"],
      AlarmArn: `arn:aws:cloudwatch:eu-west-1:${ACCOUNT}:alarm:cpu`,
      StateValue: "INSUFFICIENT_DATA",
      StateUpdatedTimestamp: new Date(clock.now()),
      ActionsEnabled: true,
    });
    expect(alarm).not.toHaveProperty("Tags");
  });

  it.each([
    [{ AlarmName: "a".repeat(256) }, "ValidationException"],
    [{ AlarmName: "" }, "ValidationException"],
    [{ AlarmDescription: "a".repeat(1_025) }, "ValidationException"],
    [{ AlarmActions: Array.from({ length: 6 }, (_, n) => `arn:${n}`) }, "ValidationException"],
    [{ Dimensions: Array.from({ length: 31 }, (_, n) => ({ Name: `${n}`, Value: "x" })) }, "ValidationException"],
    [{ Tags: Array.from({ length: 51 }, (_, n) => ({ Key: `${n}`, Value: "x" })) }, "ValidationException"],
    [{ ComparisonOperator: "Above" as never }, "ValidationException"],
    [{ Statistic: "Mean" as never }, "ValidationException"],
    [{ Period: 0 }, "ValidationException"],
    [{ EvaluationPeriods: 0 }, "ValidationException"],
    [{ Period: 45 }, "InvalidParameterValueException"],
    [{ Period: 1_800, EvaluationPeriods: 49 }, "InvalidParameterValueException"],
    [{ Period: 3_600, EvaluationPeriods: 169 }, "InvalidParameterValueException"],
    [{ ExtendedStatistic: "p99" }, "InvalidParameterCombinationException"],
    [{ Threshold: undefined }, "MissingRequiredParameterException"],
    [{ Period: undefined }, "MissingRequiredParameterException"],
    [{ EvaluationPeriods: undefined }, "MissingRequiredParameterException"],
    [{ MetricName: undefined }, "MissingRequiredParameterException"],
    [{ Statistic: undefined }, "MissingRequiredParameterException"],
  ] as const)("with %j is refused: %s", async (input, name) => {
    const { put, names } = createWatch();

    await expect(put(input as Partial<PutMetricAlarmCommandInput>)).rejects.toMatchObject({ name });
    expect(await names()).toEqual([]);
  });

  it.each([10, 30, 60, 3_600])("may have a period of %i seconds", async (Period) => {
    const { put, names } = createWatch();

    await put({ Period });

    expect(await names()).toEqual(["cpu"]);
  });
});

describe("alarms", () => {
  it("are found by name, prefix, state and action", async () => {
    const { put, names, sim } = createWatch();
    for (const AlarmName of ["web-up", "web-down", "api-up"])
      await put({ AlarmName, AlarmActions: [`arn:${AlarmName}`] });
    sim.cloudWatch.addAlarm({ account: OTHER, region: "eu-west-1", name: "web-other" });

    expect(await names()).toEqual(["api-up", "web-down", "web-up"]);
    expect(await names({ AlarmNames: ["web-up", "none"] })).toEqual(["web-up"]);
    expect(await names({ AlarmNamePrefix: "web-" })).toEqual(["web-down", "web-up"]);
    expect(await names({ StateValue: "ALARM" })).toEqual([]);
    expect(await names({ ActionPrefix: "arn:api" })).toEqual(["api-up"]);
    expect(await names({ AlarmTypes: ["CompositeAlarm"] })).toEqual([]);
    await expect(names({ AlarmNames: ["a"], AlarmNamePrefix: "b" })).rejects.toMatchObject({
      name: "InvalidParameterCombinationException",
    });
    await expect(names({ AlarmNames: Array.from({ length: 101 }, (_, n) => `${n}`) })).rejects.toMatchObject({
      name: "ValidationException",
    });
  });

  it("are returned fifty at a time by default", async () => {
    const { sim, watch, names } = createWatch();
    for (let n = 0; n < 60; n += 1) sim.cloudWatch.addAlarm({ ...PLACE, name: `a${String(n).padStart(2, "0")}` });

    const { MetricAlarms, NextToken } = await watch.send(new DescribeAlarmsCommand({}));

    expect(MetricAlarms).toHaveLength(50);
    expect(await names({ ...(NextToken && { NextToken }) })).toHaveLength(10);
    expect(await names({ MaxRecords: 100 })).toHaveLength(60);
    await expect(names({ MaxRecords: 101 })).rejects.toMatchObject({ name: "ValidationException" });
    await expect(names({ NextToken: "x" })).rejects.toMatchObject({ name: "InvalidNextToken" });
  });

  it("are deleted a hundred at a time, also when one of them is not there", async () => {
    const { sim, names, remove } = createWatch();
    for (const name of ["a", "b"]) sim.cloudWatch.addAlarm({ ...PLACE, name });

    await expect(remove(["a", "none"])).rejects.toMatchObject({
      name: "ResourceNotFound",
      $metadata: { httpStatusCode: 404 },
    });
    expect(await names()).toEqual(["b"]);
    await remove(["b"]);
    expect(sim.cloudWatch.findAlarms(ACCOUNT, "eu-west-1")).toEqual([]);
    await expect(remove([])).rejects.toMatchObject({ name: "ValidationException" });
    await expect(remove(Array.from({ length: 101 }, (_, n) => `${n}`))).rejects.toMatchObject({
      name: "ValidationException",
    });
  });

  it("are known to Auto Scaling by their actions", () => {
    const { sim } = createWatch();
    const { policyAlarms } = sim.cloudWatch;

    policyAlarms.putTrackingAlarm({ ...PLACE, name: "target-high", actionArn: "arn:policy" });

    const arn = `arn:aws:cloudwatch:eu-west-1:${ACCOUNT}:alarm:target-high`;
    expect(policyAlarms.alarmsOf({ ...PLACE, actionArn: "arn:policy" })).toMatchObject([{ name: "target-high", arn }]);
    policyAlarms.deleteTrackingAlarm({ ...PLACE, name: "target-high" });
    expect(policyAlarms.alarmsOf({ ...PLACE, actionArn: "arn:policy" })).toEqual([]);
  });
});

describe("the history of alarms", () => {
  it("has each change of state, in the requested order, page by page", async () => {
    const { put, watch, clock } = createWatch();
    await put();
    const set = async (StateValue: "OK" | "ALARM") => {
      await clock.advance(60_000);
      await watch.send(new SetAlarmStateCommand({ AlarmName: "cpu", StateValue, StateReason: "test" }));
    };
    const startedAt = clock.now();
    for (const value of ["OK", "OK", "ALARM", "OK"] as const) await set(value);
    const list = async (input: DescribeAlarmHistoryCommandInput) =>
      (await watch.send(new DescribeAlarmHistoryCommand(input))).AlarmHistoryItems ?? [];
    const summaries = async (input: DescribeAlarmHistoryCommandInput) =>
      (await list(input)).map(({ HistorySummary }) => HistorySummary);

    const ascending = { AlarmName: "cpu", ScanBy: "TimestampAscending" } as const;
    expect(await summaries(ascending)).toEqual([
      "Alarm updated from INSUFFICIENT_DATA to OK",
      "Alarm updated from OK to ALARM",
      "Alarm updated from ALARM to OK",
    ]);
    expect(await summaries({ StartDate: new Date(startedAt + 180_000) })).toEqual([
      "Alarm updated from ALARM to OK",
      "Alarm updated from OK to ALARM",
    ]);
    expect(await summaries({ AlarmName: "memory" })).toEqual([]);
    expect(await summaries({ HistoryItemType: "ConfigurationUpdate" })).toEqual([]);
    const first = await watch.send(new DescribeAlarmHistoryCommand({ ...ascending, MaxRecords: 2 }));
    expect(await summaries({ ...ascending, NextToken: first.NextToken })).toEqual(["Alarm updated from ALARM to OK"]);
    expect((await list(ascending))[1]?.Timestamp?.getTime()).toBe(startedAt + 180_000);
    const unknown = new SetAlarmStateCommand({ AlarmName: "x", StateValue: "OK", StateReason: "r" });
    await expect(watch.send(unknown)).rejects.toMatchObject({ name: "ResourceNotFound" });
  });
});
