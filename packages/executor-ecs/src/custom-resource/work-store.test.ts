import { createFakeClock, createMemoryRecords } from "@stackyard/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ClaimedWork,
  createTextCipher,
  createWorkStore,
  type ResourceOutcome,
  type ResponseData,
  toClientToken,
  toExecutionName,
  toPhysicalId,
  toResourceId,
  toResponse,
  toTaskTags,
  type WorkStore,
} from "./work-store.ts";

const REQUEST = {
  RequestType: "Create",
  RequestId: "r-1",
  StackId: "s",
  LogicalResourceId: "l",
  ResponseURL: "https://x?Signature=y",
  ResourceProperties: { Cluster: "web" },
};

function createTestStore() {
  const clock = createFakeClock();
  const records = createMemoryRecords();
  return { clock, records, store: createWorkStore({ clock, records, cipher: createTextCipher("secret") }) };
}

async function claim(store: WorkStore, owner: string): Promise<ClaimedWork> {
  const result = await store.claim("r-1", owner, 10_000);
  if (result.kind !== "claimed") throw new Error(result.kind);
  return result.claimed;
}

describe("the store of work", () => {
  it("stores a request once, unchanged", async () => {
    const { store, clock } = createTestStore();

    expect(await store.add(REQUEST)).toBe(true);
    expect(await store.add({ ...REQUEST, RequestType: "Delete" })).toBe(false);
    expect((await claim(store, "a")).work).toEqual({
      request: REQUEST,
      receivedAt: clock.now(),
      phase: "decide",
      handedOver: false,
      attempt: 1,
      taskArns: [],
    });
  });

  it("gives work to one at a time, until it is released or its time is over", async () => {
    const { store, clock } = createTestStore();
    await store.add(REQUEST);
    const first = await claim(store, "a");

    expect(await store.claim("r-1", "b", 10_000)).toMatchObject({ kind: "held", until: clock.now() + 10_000 });
    await first.release();
    await claim(store, "b");
    await clock.advance(10_000);
    await claim(store, "c");
  });

  it("gives work to its owner again", async () => {
    const { store } = createTestStore();
    await store.add(REQUEST);
    await claim(store, "a");

    expect((await claim(store, "a")).work.request).toEqual(REQUEST);
  });

  it("rejects notes of an owner whose time was over", async () => {
    const { store, clock } = createTestStore();
    await store.add(REQUEST);
    const late = await claim(store, "a");
    await late.save({ attempt: 2 });
    await clock.advance(10_000);
    const next = await claim(store, "b");

    await expect(late.save({ attempt: 3 })).rejects.toMatchObject({ code: "RECORD_CONFLICT" });
    await expect(late.release()).rejects.toMatchObject({ code: "RECORD_CONFLICT" });
    expect((await next.save({ phase: "start" })).attempt).toBe(2);
  });

  it("lets notes be taken back", async () => {
    const { store } = createTestStore();
    await store.add(REQUEST);
    const claimed = await claim(store, "a");
    await claimed.save({ intendedAt: 7 });
    await claimed.save({ intendedAt: undefined });
    await claimed.release();

    expect((await claim(store, "b")).work.intendedAt).toBeUndefined();
  });

  it("forgets a request after two hours, whatever was noted meanwhile", async () => {
    const { store, clock } = createTestStore();
    await store.add(REQUEST);
    await clock.advance(3_600_000);
    await (await claim(store, "a")).save({ phase: "wait" });
    await clock.advance(3_600_000);

    expect(await store.claim("r-1", "b", 10_000)).toEqual({ kind: "none" });
  });

  it("knows nothing of other requests", async () => {
    expect(await createTestStore().store.claim("r-2", "a", 1)).toEqual({ kind: "none" });
  });
});

describe("createTextCipher", () => {
  const cipher = createTextCipher("a long random text");

  it("gives back what it has hidden", () => {
    for (const text of ["", "https://x?Signature=y", "ä😀".repeat(5_000)]) {
      expect(cipher.open(cipher.seal(text, "r-1"), "r-1")).toBe(text);
    }
  });

  it("hides, each time otherwise", () => {
    expect(cipher.seal("secret", "r-1")).not.toBe(cipher.seal("secret", "r-1"));
    expect(Buffer.from(cipher.seal("secret", "r-1"), "base64").toString("latin1")).not.toContain("secret");
  });

  it("opens nothing of another request, under another key, or changed", () => {
    const sealed = cipher.seal("secret", "r-1");
    const bytes = Buffer.from(sealed, "base64");
    bytes.writeUInt8((bytes.at(-1) ?? 0) ^ 1, bytes.length - 1);

    expect(() => cipher.open(sealed, "r-2")).toThrow();
    expect(() => createTextCipher("another").open(sealed, "r-1")).toThrow();
    expect(() => cipher.open(bytes.toString("base64"), "r-1")).toThrow();
    expect(() => cipher.open("", "r-1")).toThrow();
  });
});

const StackId = "arn:aws:cloudformation:eu-west-1:111122223333:stack/shop/51af3dc0-da77-11e4-872e-1234567db123";

describe("toResourceId", () => {
  it("is the MD5 of stack and logical id, one directly behind the other", () => {
    // printf '%s' "<StackId>Migration" | md5sum
    expect(toResourceId({ StackId, LogicalResourceId: "Migration" })).toBe("22cbd26f71640ea28259aa096b71c610");
    expect(toResourceId({ StackId: "", LogicalResourceId: "" })).toBe("d41d8cd98f00b204e9800998ecf8427e");
    expect(toResourceId({ StackId: "ab", LogicalResourceId: "c" })).toBe(
      toResourceId({ StackId: "a", LogicalResourceId: "bc" }),
    );
  });
});

describe("toClientToken", () => {
  it("is the SHA-256 of request and attempt, different for each attempt", () => {
    // printf 'ab1' | sha256sum
    expect(toClientToken("ab", 1)).toBe("ca5ba87c93d42f8a45c1e0f569bba8bac92c80f4ce6c864bd44d136572411b7e");
    expect(toClientToken("ab", 2)).not.toBe(toClientToken("ab", 1));
  });
});

describe("toExecutionName", () => {
  it("keeps the ids that CloudFormation makes", () => {
    expect(toExecutionName("afd8d7c5-9376-4013-8b3b-307517b8719e")).toBe("afd8d7c5-9376-4013-8b3b-307517b8719e");
  });

  it.each(["a b", "a/b", "x".repeat(81), "é"])("converts %j to a name that Step Functions accepts", (requestId) => {
    expect(toExecutionName(requestId)).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("toTaskTags", () => {
  it("names stack, resource and request, in characters and lengths of ECS", () => {
    expect(toTaskTags({ StackId, LogicalResourceId: "Migration", RequestId: "a,b" })).toEqual([
      { key: "stackyard:stack", value: StackId },
      { key: "stackyard:logical-id", value: "Migration" },
      { key: "stackyard:request", value: "a_b" },
    ]);
    expect(toTaskTags({ StackId: "x".repeat(300), LogicalResourceId: "M", RequestId: "r" })[0]?.value).toHaveLength(
      256,
    );
  });
});

const BASE = { RequestId: "r", StackId: "s", LogicalResourceId: "l", ResponseURL: "u", ResourceProperties: {} };

function idOf(RequestType: string, mode: "id" | "taskArn", status: "SUCCESS" | "FAILED", taskArns: readonly string[]) {
  const brought = RequestType === "Create" ? {} : { PhysicalResourceId: "brought" };
  return toPhysicalId({ request: { ...BASE, RequestType, ...brought }, taskArns }, { id: "own", mode, status });
}

describe("toPhysicalId", () => {
  it.each([
    ["Create", "id", "SUCCESS", ["task"], "own"],
    ["Create", "id", "FAILED", ["task"], "own"],
    ["Update", "id", "SUCCESS", ["task"], "brought"],
    ["Update", "id", "FAILED", [], "brought"],
    ["Delete", "id", "SUCCESS", [], "brought"],
    ["Read", "id", "FAILED", [], "brought"],
    ["Create", "taskArn", "SUCCESS", ["task", "other"], "task"],
    ["Create", "taskArn", "SUCCESS", [], "own"],
    ["Create", "taskArn", "FAILED", ["task"], "task"],
    ["Create", "taskArn", "FAILED", [], "own"],
    ["Update", "taskArn", "SUCCESS", ["task"], "task"],
    ["Update", "taskArn", "SUCCESS", [], "brought"],
    ["Update", "taskArn", "FAILED", ["task"], "brought"],
    ["Delete", "taskArn", "SUCCESS", [], "brought"],
  ] as const)("%s with %s that ends as %s after %j: %s", (type, mode, status, taskArns, expected) => {
    expect(idOf(type, mode, status, taskArns)).toBe(expected);
  });

  it("is the resource's own where an update brings none", () => {
    const request = { ...BASE, RequestType: "Update" };

    expect(toPhysicalId({ request, taskArns: [] }, { id: "own", mode: "id", status: "SUCCESS" })).toBe("own");
  });
});

const ANSWERED_REQUEST = {
  StackId: "arn:aws:cloudformation:eu-west-1:111122223333:stack/shop/51af3dc0-da77-11e4-872e-1234567db123",
  RequestId: "afd8d7c5-9376-4013-8b3b-307517b8719e",
  LogicalResourceId: "Migration",
};
const DATA_KEYS = ["Ran", "Why", "TaskArn", "TaskArns", "TaskDefinitionArn", "Count", "ExitCode", "StartedBy"];
const ARN = "arn:aws:ecs:eu-west-1:111122223333:task/blue/0123456789abcdef0123456789abcdef";

function anOutcome(changes: Partial<ResourceOutcome> = {}): ResourceOutcome {
  return { status: "SUCCESS", code: "RUN", text: "1 task ended.", physicalResourceId: "f".repeat(32), ...changes };
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

describe("toResponse", () => {
  it("has the fields that CloudFormation knows, and no others", () => {
    const event = { ...ANSWERED_REQUEST, ResponseURL: "https://secret", ResourceProperties: { Password: "x" } };

    expect(toResponse(event, anOutcome({ data: { Ran: "true", Why: "RUN", Count: "1" } }))).toEqual({
      ...ANSWERED_REQUEST,
      Status: "SUCCESS",
      Reason: "RUN: 1 task ended.",
      PhysicalResourceId: "f".repeat(32),
      NoEcho: false,
      Data: {
        Ran: "true",
        Why: "RUN",
        TaskArn: "",
        TaskArns: "",
        TaskDefinitionArn: "",
        Count: "1",
        ExitCode: "",
        StartedBy: "",
      },
    });
  });

  it("has every key of Data, as text, also on failure and whatever it is given", () => {
    const data = { Count: 2, ExitCode: undefined, Password: "x" } as unknown as Partial<ResponseData>;
    const { Data } = toResponse(ANSWERED_REQUEST, anOutcome({ status: "FAILED", code: "ECS_TIMEOUT", data }));

    expect(Object.keys(Data)).toEqual(DATA_KEYS);
    expect(Data).toMatchObject({ Count: "2", ExitCode: "" });
  });

  it("formats a success in one line, and keeps the lines of a failure", () => {
    const text = "one\n  two\u0007\tthree";

    expect(toResponse(ANSWERED_REQUEST, anOutcome({ text })).Reason).toBe("RUN: one two  three");
    expect(toResponse(ANSWERED_REQUEST, anOutcome({ text, status: "FAILED" })).Reason).toBe("RUN: one\n  two  three");
  });

  it("cuts the reason first, as little as it can", () => {
    const arns = Array(10).fill(ARN).join(",");
    const cut = toResponse(
      ANSWERED_REQUEST,
      anOutcome({ status: "FAILED", text: "x".repeat(9_000), data: { TaskArns: arns } }),
    );

    expect(cut.Data.TaskArns).toBe(arns);
    expect(cut.Reason).toMatch(/^RUN: x{200,}…$/);
    expect(bytesOf(cut)).toBeLessThanOrEqual(4_096);
    expect(bytesOf(cut)).toBeGreaterThan(4_090);
  });

  it("cuts whole ARNs only once the reason has 200 characters", () => {
    const arns = Array(60).fill(ARN);
    const cut = toResponse(
      ANSWERED_REQUEST,
      anOutcome({ text: "x".repeat(9_000), data: { TaskArn: ARN, TaskArns: arns.join(",") } }),
    );

    expect(cut.Reason).toHaveLength(200);
    expect(cut.Data.TaskArn).toBe(ARN);
    expect(new Set(cut.Data.TaskArns.split(","))).toEqual(new Set([ARN]));
    expect(cut.Data.TaskArns.split(",").length).toBeGreaterThan(30);
    expect(bytesOf(cut)).toBeLessThanOrEqual(4_096);
  });

  it("leaves what fits alone", () => {
    const whole = toResponse(ANSWERED_REQUEST, anOutcome({ text: "" }));
    const room = 4_096 - bytesOf(whole);

    expect(toResponse(ANSWERED_REQUEST, anOutcome({ text: "y".repeat(room - 1) })).Reason).toBe(
      `RUN: ${"y".repeat(room - 1)}`,
    );
    expect(toResponse(ANSWERED_REQUEST, anOutcome({ text: "y".repeat(room + 1) })).Reason).toMatch(/y…$/);
  });

  it("counts bytes, and parts no character", () => {
    const { Reason } = toResponse(ANSWERED_REQUEST, anOutcome({ text: "😀".repeat(3_000) }));

    expect(Reason).toMatch(/^RUN: (?:😀)+…$/u);
    expect(Reason.isWellFormed()).toBe(true);
  });

  it("is never above 4,096 bytes and keeps the ids", () => {
    const text = fc.string({ unit: "binary", maxLength: 6_000 });
    const arns = fc.array(fc.constant(ARN), { maxLength: 100 });
    fc.assert(
      fc.property(
        text,
        arns,
        fc.string({ maxLength: 300 }),
        fc.constantFrom("SUCCESS", "FAILED"),
        (t, a, id, status) => {
          const outcome = anOutcome({ text: t, status, physicalResourceId: id, data: { TaskArns: a.join(",") } });
          const response = toResponse(ANSWERED_REQUEST, outcome);

          expect(bytesOf(response)).toBeLessThanOrEqual(4_096);
          expect(response).toMatchObject({ ...ANSWERED_REQUEST, PhysicalResourceId: id, Status: status });
          expect(Object.keys(response.Data)).toEqual(DATA_KEYS);
        },
      ),
      { numRuns: 200 },
    );
  });
});
