import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createRoleAges, decideDenial, explainDenial, findResource, retryDenied, toAction } from "./new-role.ts";

function denial(message = "not authorized"): Error {
  return Object.assign(new Error(message), { name: "AccessDenied", $metadata: { httpStatusCode: 403 } });
}

describe("decideDenial", () => {
  it("pauses longer from try to try, for two minutes", () => {
    let now = 0;
    const pauses: number[] = [];
    for (let denied = 1; ; denied += 1) {
      const pauseMs = decideDenial({ now, firstCallAt: 0, denied });
      if (pauseMs === undefined) break;
      pauses.push(pauseMs);
      now += pauseMs;
    }

    expect(pauses.slice(0, 6)).toEqual([1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
    expect(now).toBe(120_000);
  });

  it.each([
    ["two minutes after the first call", { now: 120_000, firstCallAt: 0, denied: 1 }],
    ["at the end of the caller's time", { now: 5_000, firstCallAt: 0, denied: 1, deadlineAt: 5_500 }],
  ])("is final %s", (_when, input) => {
    expect(decideDenial(input)).toBeUndefined();
  });

  it("tries once more at the end of the caller's time", () => {
    expect(decideDenial({ now: 5_000, firstCallAt: 0, denied: 4, deadlineAt: 9_000 })).toBe(4_000);
  });
});

describe("retryDenied", () => {
  it("makes a denied call again, and no other", async () => {
    const clock = createFakeClock();
    const answers = [denial(), denial(), new Error("broken")];
    const call = async () => Promise.reject(answers.shift());

    const ended = retryDenied({ clock, firstCallAt: clock.now() }, call).catch((error: unknown) => error);
    await clock.advance(3_000);

    expect([await ended, answers]).toEqual([new Error("broken"), []]);
  });
});

describe("the age of a role", () => {
  it("begins with its first call", () => {
    let now = 1;
    const ages = createRoleAges({ now: () => now });
    ages.firstCallAt("a");
    now = 2;

    expect([ages.firstCallAt("a"), ages.firstCallAt("b")]).toEqual([1, 2]);
  });
});

describe("an explained denial", () => {
  it.each([
    [{ service: "S3", operation: "HeadBucket", input: { Bucket: "own" } }, "s3:ListBucket on own"],
    [
      { service: "EventBridge", operation: "PutEvents", input: { Entries: [{ EventBusName: "bus" }] } },
      "events:PutEvents on bus",
    ],
    [
      { service: "SFN", operation: "StartExecution", input: { stateMachineArn: "arn" } },
      "states:StartExecution on arn",
    ],
    [{ service: "ECS", operation: "ListClusters", input: {} }, "ecs:ListClusters"],
  ])("has the call, the right and the resource: %j", (call, right) => {
    const { message } = Object(explainDenial(denial("Forbidden"), call));

    expect(message).toBe(`Forbidden. ${call.service}.${call.operation} was denied. The role may lack ${right}.`);
  });

  it("is explained once, and other errors are left alone", () => {
    const call = { service: "Lambda", operation: "Invoke", input: {} };
    const error = denial("No.");
    explainDenial(explainDenial(error, call), call);

    expect(error.message).toBe("No. Lambda.Invoke was denied. The role may lack lambda:InvokeFunction.");
    expect(explainDenial(new Error("broken"), call)).toEqual(new Error("broken"));
  });

  it("never has a value of an input that is not a name", () => {
    expect(findResource({ SecretString: "secret", Body: "text" })).toBeUndefined();
    expect(toAction({ service: "CloudWatchLogs", operation: "GetLogEvents" })).toBe("logs:GetLogEvents");
  });
});
