import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createAnswerEndpoint, createResourceLife, type ResourceRequest } from "./custom-resources.ts";

type Reply = (request: ResourceRequest) => Record<string, unknown> | undefined;

function aLife(reply: Reply) {
  const clock = createFakeClock();
  const endpoint = createAnswerEndpoint(clock.now);
  const invoke = async (request: ResourceRequest): Promise<void> => {
    const { StackId, RequestId, LogicalResourceId, ResponseURL } = request;
    const answer = reply(request);
    if (answer === undefined) return;
    const body = JSON.stringify({ StackId, RequestId, LogicalResourceId, PhysicalResourceId: "p", ...answer });
    await endpoint.fetch(ResponseURL, { method: "PUT", headers: { "content-type": "" }, body });
  };
  const life = createResourceLife({ clock, endpoint, invoke });
  const types = () => life.requests.map(({ RequestType }) => RequestType);
  return { clock, endpoint, life, types };
}

describe("the life of a custom resource", () => {
  it("hands scalars over as texts, and old properties on an update", async () => {
    const { life } = aLife(() => ({ Status: "SUCCESS" }));

    expect(await life.create({ Count: 1, RunOnUpdate: true })).toMatchObject({ status: "CREATE_COMPLETE" });
    expect(await life.update({ Count: 2 })).toMatchObject({ status: "UPDATE_COMPLETE", followedBy: [] });
    expect(await life.delete()).toMatchObject({ status: "DELETE_COMPLETE" });

    expect(life.requests).toMatchObject([
      { RequestType: "Create", ResourceProperties: { Count: "1", RunOnUpdate: "true" } },
      { ResourceProperties: { Count: "2" }, OldResourceProperties: { Count: "1" }, PhysicalResourceId: "p" },
      { RequestType: "Delete", ResourceProperties: { Count: "2" }, PhysicalResourceId: "p" },
    ]);
  });

  it("sends the old properties at once when an update is cancelled, also if its answer comes later", async () => {
    const { life, types } = aLife(({ ResourceProperties }) =>
      ResourceProperties["Count"] === "2" ? undefined : { Status: "SUCCESS" },
    );
    await life.create({ Count: 1 });
    const update = life.update({ Count: 2 });
    await Promise.resolve();

    life.cancel();

    expect(await update).toMatchObject({ status: "UPDATE_FAILED", followedBy: [{ status: "UPDATE_COMPLETE" }] });
    expect(types()).toEqual(["Create", "Update", "Update"]);
    expect(life.requests.at(-1)?.ResourceProperties).toEqual({ Count: "1" });
  });

  it("deletes what it could not create", async () => {
    const { life, types } = aLife(({ RequestType }) =>
      RequestType === "Create" ? { Status: "FAILED", Reason: "no" } : { Status: "SUCCESS" },
    );

    expect(await life.create({})).toMatchObject({
      status: "CREATE_FAILED",
      reason: "no",
      followedBy: [{ status: "DELETE_COMPLETE" }],
    });
    expect(types()).toEqual(["Create", "Delete"]);
  });

  it("changes back what it could not update", async () => {
    const { life } = aLife(({ ResourceProperties }) =>
      ResourceProperties["Bad"] === undefined ? { Status: "SUCCESS" } : { Status: "FAILED", Reason: "bad" },
    );
    await life.create({ Good: "1" });

    expect(await life.update({ Bad: "1" })).toMatchObject({
      status: "UPDATE_FAILED",
      reason: "bad",
      followedBy: [{ status: "UPDATE_COMPLETE" }],
    });
    expect(life.requests.at(-1)).toMatchObject({
      ResourceProperties: { Good: "1" },
      OldResourceProperties: { Bad: "1" },
    });
  });

  it("deletes the old physical id when an update brings a new one", async () => {
    let ids = 0;
    const { life } = aLife(() => {
      ids += 1;
      return { Status: "SUCCESS", PhysicalResourceId: `p-${ids}` };
    });
    await life.create({});

    const { followedBy } = await life.update({});

    expect(followedBy).toMatchObject([{ status: "DELETE_COMPLETE" }]);
    expect(life.requests.at(-1)).toMatchObject({ RequestType: "Delete", PhysicalResourceId: "p-1" });
    expect(life.physicalId).toBe("p-2");
  });

  it("waits an hour, or ServiceTimeout, for an answer", async () => {
    const { life, clock } = aLife(({ RequestType }) => (RequestType === "Delete" ? { Status: "SUCCESS" } : undefined));
    const first = life.create({});
    await clock.advance(3_599_000);
    expect(life.requests).toHaveLength(1);
    await clock.advance(1_000);
    expect(await first).toMatchObject({ status: "CREATE_FAILED", reason: expect.stringContaining("did not receive") });

    const second = life.create({ ServiceTimeout: 60 });
    await clock.advance(60_000);
    expect(await second).toMatchObject({ status: "CREATE_FAILED" });
  });

  it("invokes a function that throws twice more, after a minute and after two", async () => {
    let calls = 0;
    const { life, clock } = aLife(() => {
      calls += 1;
      if (calls < 3) throw new Error("crash");
      return { Status: "SUCCESS" };
    });
    const created = life.create({});
    await clock.advance(60_000);
    expect(calls).toBe(2);
    await clock.advance(120_000);

    expect(await created).toMatchObject({ status: "CREATE_COMPLETE" });
    expect(calls).toBe(3);
  });
});

const IDS = { StackId: "arn:aws:cloudformation:eu-west-1:1:stack/a/1", RequestId: "r-1", LogicalResourceId: "Task" };
const GOOD = { ...IDS, Status: "SUCCESS", PhysicalResourceId: "p" };

function openEndpoint() {
  const clock = createFakeClock();
  const endpoint = createAnswerEndpoint(clock.now);
  const url = endpoint.open(IDS, "eu-west-1");
  const put = (body: unknown, headers: Record<string, string> = { "content-type": "" }, to = url) =>
    endpoint.fetch(to, { method: "PUT", headers, body: typeof body === "string" ? body : JSON.stringify(body) });
  return { clock, endpoint, url, put };
}

describe("the answer endpoint", () => {
  it("keeps an answer that is uploaded with an empty content type", async () => {
    const { endpoint, put, url } = openEndpoint();

    const { status } = await put(GOOD);

    expect(new URL(url).host).toBe("cloudformation-custom-resource-response-euwest1.s3.eu-west-1.amazonaws.com");
    expect(status).toBe(200);
    expect(endpoint.findAnswer("r-1")).toMatchObject({ answer: GOOD });
    expect(await endpoint.waitForAnswer("r-1")).toMatchObject({ answer: GOOD });
  });

  it.each([
    ["a content type", { "content-type": "application/json" }],
    ["the content type that fetch gives to a text", {}],
  ])("rejects %s, which differs from what was signed", async (_what, headers) => {
    const { endpoint, put } = openEndpoint();

    const answer = await put(GOOD, headers as Record<string, string>);

    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain("SignatureDoesNotMatch");
    expect(endpoint.findAnswer("r-1")).toBeUndefined();
  });

  it("refuses other paths, and its own after two hours; other hosts are not there", async () => {
    const { clock, put, url } = openEndpoint();

    expect((await put(GOOD, undefined, `${url}x`)).status).toBe(403);
    await expect(put(GOOD, undefined, "https://example.com/x")).rejects.toThrow("fetch failed");
    await clock.advance(2 * 3_600_000 + 1);
    expect(await (await put(GOOD)).text()).toContain("AccessDenied");
  });

  it.each([
    ["is over 4,096 bytes", { ...GOOD, Reason: "x".repeat(4_096) }, "Response object is too long."],
    ["is no JSON", "x", "Invalid response object: it is not a JSON object."],
    ["has another RequestId", { ...GOOD, RequestId: "r-2" }, /RequestId must match/],
    ["has no physical id", { ...GOOD, PhysicalResourceId: "" }, "Invalid PhysicalResourceId"],
    ["has a physical id over 1 KB", { ...GOOD, PhysicalResourceId: "x".repeat(1_025) }, /too long/],
    ["fails without a reason", { ...GOOD, Status: "FAILED" }, /Reason is required/],
    ["has another status", { ...GOOD, Status: "OK" }, /Status/],
    ["has data that is not an object", { ...GOOD, Data: "x" }, /Data/],
  ])("stores, but does not understand, an answer that %s", async (_what, body, problem) => {
    const { endpoint, put } = openEndpoint();

    expect((await put(body)).status).toBe(200);

    const { answer, problem: told } = endpoint.findAnswer("r-1") ?? {};
    expect(answer).toBeUndefined();
    expect(told).toMatch(problem);
  });

  it("lets the first answer count", async () => {
    const { endpoint, put } = openEndpoint();
    await put(GOOD);
    await put({ ...GOOD, PhysicalResourceId: "other" });

    expect(endpoint.findAnswer("r-1")?.answer?.PhysicalResourceId).toBe("p");
    expect(endpoint.uploads).toHaveLength(2);
  });

  it("fails as configured: with a status, or a connection that breaks before or after the upload", async () => {
    const { endpoint, put } = openEndpoint();
    endpoint.failNext(503);
    endpoint.failNext("reset");
    endpoint.failNext("reset-after");

    expect((await put(GOOD)).status).toBe(503);
    await expect(put(GOOD)).rejects.toThrow("fetch failed");
    expect(endpoint.findAnswer("r-1")).toBeUndefined();
    await expect(put(GOOD)).rejects.toThrow("fetch failed");
    expect(endpoint.findAnswer("r-1")).toMatchObject({ answer: GOOD });
  });
});
