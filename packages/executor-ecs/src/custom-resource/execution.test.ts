import { describe, expect, it } from "vitest";
import { createEcsTaskWorld, LEAST } from "../testing/an-ecs-task-world.ts";
import { openRequest, parseExecutionInput, sealRequest, toExecutionArn } from "./execution.ts";
import { toNewWork } from "./progress.ts";
import { createTextCipher } from "./text-cipher.ts";

const REQUEST = {
  RequestType: "Create",
  RequestId: "r-1",
  StackId: "s",
  LogicalResourceId: "l",
  ResponseURL: "https://x?Signature=y",
  ResourceProperties: { Cluster: "web" },
};
const cipher = createTextCipher("a long random text");

describe("the input of an execution", () => {
  it("holds the request and its first progress, hidden", () => {
    const work = toNewWork(REQUEST, 7);
    const input = sealRequest(cipher, work);

    expect(openRequest(cipher, input)).toEqual(work);
    expect(Object.keys(input)).toEqual(["requestId", "sealed", "receivedAt"]);
    expect(JSON.stringify(input)).not.toContain("Signature");
  });

  it("is another one each time, under the same name", () => {
    const [one, other] = [1, 2].map(() => sealRequest(cipher, toNewWork(REQUEST, 7)));

    expect(one?.sealed).not.toBe(other?.sealed);
  });

  it("cannot be used for another request, or be changed", () => {
    const input = sealRequest(cipher, toNewWork(REQUEST, 7));

    expect(() => openRequest(cipher, { ...input, requestId: "r-2" })).toThrow();
    expect(() => openRequest(createTextCipher("another"), input)).toThrow();
  });

  it.each([undefined, null, 7, "no JSON", "{}", {}, { requestId: "r" }, { requestId: "r", sealed: "", receivedAt: 1 }])(
    "is not %j",
    (value) => {
      expect(parseExecutionInput(value)).toBeUndefined();
    },
  );

  it("is read from an event as JSON, and from a state directly", () => {
    const input = { requestId: "r", sealed: "x", receivedAt: 1 };

    expect([parseExecutionInput(input), parseExecutionInput(JSON.stringify(input))]).toEqual([input, input]);
  });

  it("names its execution by the request", () => {
    expect(toExecutionArn("arn:aws:states:eu-west-1:1:stateMachine:m", "r-1")).toBe(
      "arn:aws:states:eu-west-1:1:execution:m:r-1",
    );
  });
});

describe("a request that does not fit into an execution", () => {
  /** About 41 KB for each. */
  const criteria = (length: number) => {
    const EnvironmentKeys = Array.from({ length: 400 }, (_, at) => `KEY_${at}`.padEnd(100, "x"));
    return Array.from({ length }, () => ({ Container: "app", EnvironmentKeys }));
  };

  it("is refused, and its resource is deleted", async () => {
    const { life, until, count } = createEcsTaskWorld();
    const { status, reason, followedBy } = await until(life.create({ ...LEAST, UpdateCriteria: criteria(4) }));

    expect([status, followedBy[0]?.status]).toEqual(["CREATE_FAILED", "DELETE_COMPLETE"]);
    expect(reason).toMatch(/^ECS_PROPERTIES_INVALID: ResourceProperties have \d+ bytes when .* 184320 are allowed\.$/);
    expect([count("SFN.StartExecution"), count("ECS.RunTask")]).toEqual([0, 0]);
  });

  it("is none that is a little smaller", async () => {
    const { life, until } = createEcsTaskWorld();
    expect(await until(life.create({ ...LEAST, UpdateCriteria: criteria(3) }))).toMatchObject({
      status: "CREATE_COMPLETE",
    });
  });
});
