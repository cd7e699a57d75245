import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createAnswerEndpoint } from "./answer-endpoint.ts";
import { createResourceLife, type ResourceRequest } from "./resource-life.ts";

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
