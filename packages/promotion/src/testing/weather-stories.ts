import { CloudWatchClient, SetAlarmStateCommand } from "@aws-sdk/client-cloudwatch";
import { createAwsSim, createSimPlugin, watchSim } from "@stackyard/aws-sim";
import { createFakeClock, type Story, type TaskBench, taskStory } from "@stackyard/core/testing";
import { createGateExecutor } from "../gate/gate.ts";

const PLACE = { account: "111122223333", region: "eu-west-1" };
const MINUTE_MS = 60_000;
const CLOSED_MS = 10 * MINUTE_MS;

/** A gate on an alarm that is on for ten minutes. It may open later than it could, and never earlier. */
function gateStory(name: string, others: number): Story {
  return taskStory({
    name,
    // A gate stays closed while its alarm does not exist, and says so.
    timeout: "2h",
    async create(sky) {
      const clock = createFakeClock();
      const sim = createAwsSim({ clock });
      const credentials = sim.iam.addUser({ account: PLACE.account, name: "runner" });
      const aws: NonNullable<TaskBench["aws"]> = (type) => {
        const client = new type({ region: PLACE.region, credentials, maxAttempts: 1 } as never);
        Object(client).middlewareStack.use(createSimPlugin(sim));
        return client;
      };
      const alarms = ["errors", ...Array.from({ length: others }, (_, index) => `other-${index}`)];
      for (const alarm of alarms) sim.cloudWatch.addAlarm({ ...PLACE, name: alarm });
      const set = (StateValue: "OK" | "ALARM") =>
        aws(CloudWatchClient, undefined).send(
          new SetAlarmStateCommand({ AlarmName: "errors", StateValue, StateReason: "a story" }),
        );
      await set("ALARM");
      const planned = clock.now() + CLOSED_MS;
      let opensAt = planned;
      // An alarm that someone else has ended or deleted stays as it is.
      void clock.sleep(CLOSED_MS).then(() => (opensAt === planned ? set("OK") : undefined));
      watchSim(sim, {
        ...sky,
        meet: (operation, input, proceed, act) => {
          if (operation === "CloudWatch.SetAlarmState") return proceed();
          return sky.meet(operation, input, proceed, (name, given) => {
            // Someone else ends the alarm.
            if (given["StateValue"] === "OK") opensAt = Math.min(opensAt, clock.now());
            // What does not exist never opens.
            if (name === "CloudWatch.DeleteAlarms" && clock.now() < opensAt) opensAt = Infinity;
            return act?.(name, given) ?? Promise.resolve();
          });
        },
      });
      return {
        clock,
        executor: createGateExecutor(),
        config: { alarms },
        aws,
        judge: async ({ endedAt }) => ({
          truth: endedAt >= opensAt ? "succeeded" : "unfinished",
          begun: {},
          ended: [],
          left: [],
          foreign: [],
          views: {},
        }),
      };
    },
  });
}

/** The stories of the gates of releases. */
export const gateStories: readonly Story[] = [gateStory("gate-alarm", 0), gateStory("gate-alarms", 2)];
