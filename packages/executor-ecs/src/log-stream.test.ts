import { describe, expect, it } from "vitest";
import { findLogStream } from "./log-stream.ts";

const taskArn = "arn:aws:ecs:eu-west-1:111122223333:task/web/96052dc0";
const options = { "awslogs-group": "/web", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "ecs" };

describe("findLogStream", () => {
  it("is prefix, container and task id", () => {
    expect(findLogStream({ name: "app", logConfiguration: { logDriver: "awslogs", options } }, taskArn)).toEqual({
      kind: "stream",
      group: "/web",
      stream: "ecs/app/96052dc0",
      region: "eu-west-1",
    });
  });

  it("takes task ARNs of the old form", () => {
    const container = { name: "app", logConfiguration: { logDriver: "awslogs", options } };

    expect(findLogStream(container, "arn:aws:ecs:eu-west-1:111122223333:task/96052dc0")).toMatchObject({
      stream: "ecs/app/96052dc0",
    });
  });

  it.each([
    [{ name: "app" }, "container app has no log configuration"],
    [
      { name: "app", logConfiguration: { logDriver: "awsfirelens" } },
      "container app logs with awsfirelens, not awslogs",
    ],
    [{ name: "app", logConfiguration: { logDriver: "awslogs" } }, "container app names no awslogs-group"],
    [
      { name: "app", logConfiguration: { logDriver: "awslogs", options: { "awslogs-group": "/web" } } },
      "container app has no awslogs-stream-prefix",
    ],
    [undefined, "container  has no log configuration"],
  ])("says why %j has none", (container, why) => {
    expect(findLogStream(container, taskArn)).toEqual({ kind: "none", why });
  });
});
