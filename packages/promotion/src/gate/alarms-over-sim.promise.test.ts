import { CloudWatchClient, SetAlarmStateCommand } from "@aws-sdk/client-cloudwatch";
import { createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import type { ExecutorContext } from "@stackyard/core";
import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { examineOrClose } from "./condition.ts";
import { examineAlarms } from "./examine-alarms.ts";

const PLACE = { account: "111122223333", region: "eu-west-1" };
const MINUTE = 60_000;
const RIGHTS = ["cloudwatch:DescribeAlarms", "cloudwatch:DescribeAlarmHistory"];

/** CloudWatch of a simulated account, called by the SDK with these rights. */
function createBench(allow: readonly string[] = RIGHTS) {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  const open = (name: string, rights: readonly string[]): ExecutorContext["aws"] => {
    const credentials = sim.iam.addUser({ account: PLACE.account, name, allow: rights });
    return (type) => {
      const client = new type({ region: PLACE.region, credentials, maxAttempts: 1 } as never);
      Object(client).middlewareStack.use(createSimPlugin(sim));
      return client;
    };
  };
  const { signal } = new AbortController();
  const ctx = { aws: open("runner", allow), signal };
  const watch = open("person", ["*"])(CloudWatchClient);
  const set = async (name: string, StateValue: "OK" | "ALARM" | "INSUFFICIENT_DATA") => {
    await clock.advance(MINUTE);
    await watch.send(new SetAlarmStateCommand({ AlarmName: name, StateValue, StateReason: "test" }));
  };
  const look = (alarms: readonly string[], since?: number) =>
    examineOrClose("An alarm", signal, () => examineAlarms(ctx, { alarms, since }));
  return { clock, sim, set, look, add: (name: string) => sim.cloudWatch.addAlarm({ ...PLACE, name }) };
}

describe("alarms of a simulated account", () => {
  it("are final when they went off after the first event, also when they are OK again", async () => {
    const { clock, set, look, add } = createBench();
    add("errors");
    await set("errors", "ALARM");
    await set("errors", "OK");
    await clock.advance(MINUTE);
    const firstSentAt = clock.now();

    expect(await look(["errors"], firstSentAt)).toEqual({ kind: "open" });
    await set("errors", "ALARM");
    await set("errors", "OK");
    expect(await look(["errors"])).toEqual({ kind: "open" });
    expect(await look(["errors"], firstSentAt)).toMatchObject({ kind: "never", code: "ALARM" });
  });

  it("are found by name and ARN, more than a request may name, and closed where one is missing", async () => {
    const { look, add } = createBench();
    const names = Array.from({ length: 120 }, (_, index) => `alarm ${index}`);
    for (const name of names) add(name);
    const arn = `arn:aws:cloudwatch:eu-west-1:111122223333:alarm:alarm 7`;

    expect(await look([...names, arn])).toEqual({ kind: "open" });
    expect(await look([...names, "alarm 120"])).toMatchObject({
      code: "GATE_UNAVAILABLE",
      message: `The alarm "alarm 120" does not exist in the task's target. Create it.`,
    });
  });

  it.each(RIGHTS)("are closed without the right to %s", async (missing) => {
    const { clock, set, look, add } = createBench(RIGHTS.filter((right) => right !== missing));
    add("errors");
    const since = clock.now();
    await set("errors", "INSUFFICIENT_DATA");
    await set("errors", "OK");

    expect(await look(["errors"], since)).toMatchObject({ kind: "closed", code: "GATE_UNAVAILABLE" });
  });
});
