import { describe, expect, it } from "vitest";
import { createEcsTaskWorld, LEAST } from "../testing/an-ecs-task-world.ts";

const ID = /^[0-9a-f]{32}$/;

describe("a resource of the type Custom::ECSTask", () => {
  it("runs its task on Create and answers how it went", async () => {
    const { life, until, sim, count } = createEcsTaskWorld();

    const { status, answer } = await until(life.create(LEAST));

    const [task] = sim.ecs.tasks();
    expect(status).toBe("CREATE_COMPLETE");
    expect(answer).toEqual({
      ...{
        Status: "SUCCESS",
        Reason: "RUN: 1 task has ended, and every checked container exited with 0.",
        NoEcho: false,
      },
      PhysicalResourceId: expect.stringMatching(ID),
      ...{ StackId: life.requests[0]?.StackId, RequestId: life.requests[0]?.RequestId, LogicalResourceId: "Migration" },
      Data: {
        ...{ Ran: "true", Why: "RUN", TaskArn: task?.taskArn, TaskArns: task?.taskArn, Count: "1", ExitCode: "0" },
        TaskDefinitionArn: "arn:aws:ecs:eu-west-1:111122223333:task-definition/migrate:1",
        StartedBy: answer?.PhysicalResourceId,
      },
    });
    expect(task?.startedBy).toBe(answer?.PhysicalResourceId);
    expect(count("ECS.RunTask")).toBe(1);
  });
});
