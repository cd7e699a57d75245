// @module-tag adapter
import { answerEcs, answerLogs, type FrontDoor, openFrontDoor } from "@stackyard/aws-sim";
import type { ExecutorContext } from "@stackyard/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createEcsYard, type EcsYard } from "./testing/an-ecs-yard.ts";

const yard: EcsYard = createEcsYard();
const { sim } = yard;
let door: FrontDoor;
let aws: ExecutorContext["aws"];

beforeAll(async () => {
  door = await openFrontDoor({
    services: { ecs: answerEcs(sim), logs: answerLogs(sim) },
    others: "http://127.0.0.1:1",
  });
  const credentials = sim.iam.addUser({ account: "111122223333", name: "remote" });
  aws = (type) => new type({ endpoint: door.url, region: "eu-west-1", credentials } as never);
});
afterAll(() => door.stop());

it("runs tasks over HTTP, with instants, logs and the fields of errors", async () => {
  sim.ecs.script("migrate", { containers: { app: { exitCode: 4, logs: ["one", "two"] } } });
  const config = { cluster: "web", taskDefinition: "migrate", count: 2 };
  const context = yard.context({ aws });

  const { step, reports } = await yard.run(config, { context });

  expect(step).toMatchObject({
    kind: "failed",
    code: "ECS_EXIT_CODE",
    message: expect.stringMatching(
      /exited with 4 \(EssentialContainerExited\).*Last lines of [0-9a-f]{8}\/app: one\ntwo/,
    ),
    outputs: { exitCode: 4, startedAt: "2026-01-01T00:00:05.000Z", duration: 10 },
  });
  expect(reports.map((line) => line.replace(/^[0-9a-f]{8}: /, ""))).toEqual(["one", "two", "one", "two"]);

  // The same attempt with another config: ECS names the tasks of the token in a conflict, and they are adopted.
  const again = await yard.run({ ...config, overrides: { cpu: 512 } }, { context: yard.context({ aws }) });

  expect(again.step).toMatchObject({ code: "ECS_EXIT_CODE" });
  expect(sim.ecs.tasks()).toHaveLength(2);
});
