// @module-tag adapter
import { createHmac } from "node:crypto";
import { defined } from "@stackyard/core";
import { createStaticLocator } from "@stackyard/core/engine";
import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "./testing/eventually.ts";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

type Answer = Readonly<Record<string, unknown>>;
interface List {
  readonly items: readonly Answer[];
  readonly cursor?: string;
}

let yard: TestYard;
afterEach(() => yard.stop());

const launch = { event: "LAUNCH", stackId: "pr-12", machine: "review-app", metadata: { sha: "9f1c" }, id: "e1" };

function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  return eventually(async () => {
    const found = await look();
    if (found === undefined) throw new Error("It did not come.");
    return found;
  });
}

async function untilState(stackId: string, state: string) {
  return until(async () => {
    const stack = await yard.json<Answer>(`/v1/stacks/${encodeURIComponent(stackId)}`);
    return stack["state"] === state ? stack : undefined;
  });
}

describe("events and stacks", () => {
  it("applies a published event and shows the stack with its tasks", async () => {
    yard = createTestYard();
    yard.run();

    const answer = await yard.call("/v1/events", { body: launch });

    expect(answer.status).toBe(202);
    expect(await answer.json()).toEqual({ results: [{ kind: "accepted", eventId: "e1", stackId: "pr-12" }] });
    const stack = await untilState("pr-12", "IDLE");
    expect(stack).toMatchObject({ id: "pr-12", machine: "review-app", previousState: "UP", metadata: { sha: "9f1c" } });
    expect(stack["summary"]).toEqual(expect.any(String));
  });

  it("answers each of many events by itself", async () => {
    yard = createTestYard();

    const body = [launch, { event: "LAUNCH" }, { event: "NEXT", stackId: "x" }];
    const answer = await yard.call("/v1/events", { body });
    const { results } = (await answer.json()) as Answer;

    expect(answer.status).toBe(207);
    expect(results).toMatchObject([
      { kind: "accepted", eventId: "e1" },
      { kind: "invalid", code: "EVENT_INVALID" },
      { kind: "invalid", code: "EVENT_RESERVED" },
    ]);
  });

  // openpanel-dev/openpanel#345, edgexfoundry/edgex-go#2720: a sender took 2xx for "accepted".
  it.each([{ event: "LAUNCH" }, { event: "NEXT", stackId: "x" }, { ...launch, stackId: ".." }])(
    "refuses one event with a status: %j",
    async (body) => {
      yard = createTestYard();

      const answer = await yard.call("/v1/events", { body });

      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ code: "EVENT_INVALID" });
    },
  );

  it("rejects more events than a request may bring", async () => {
    yard = createTestYard({ limits: { eventsPerRequest: 2 } });

    const answer = await yard.call("/v1/events", { body: [launch, launch, launch] });

    expect(answer.status).toBe(413);
    expect(await answer.json()).toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
  });

  it("pages through stacks and filters them", async () => {
    yard = createTestYard();
    yard.run();
    const body = ["a", "b", "c"].map((stackId) => ({ ...launch, stackId, id: stackId }));
    await yard.call("/v1/events", { body });
    for (const id of ["a", "b", "c"]) await untilState(id, "IDLE");

    const first = await yard.json<List>("/v1/stacks?state=IDLE&limit=2");
    const second = await yard.json<List>(`/v1/stacks?state=IDLE&limit=2&cursor=${first.cursor}`);

    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(["a", "b", "c"]);
    expect(second.cursor).toBeUndefined();
    expect((await yard.json<List>("/v1/stacks?idPrefix=b")).items).toHaveLength(1);
    expect((await yard.json<List>("/v1/stacks?condition=failed")).items).toEqual([]);
  });

  it("shows a parked event with its reason", async () => {
    yard = createTestYard();
    yard.run();
    await yard.call("/v1/events", { body: launch });
    await untilState("pr-12", "IDLE");

    await yard.call("/v1/events", { body: { event: "LAUNCH", stackId: "pr-12", id: "again" } });

    const parked = await until(async () => {
      const stack = await yard.json<Answer>("/v1/stacks/pr-12");
      return (stack["parked"] as Answer[])[0];
    });
    expect(parked).toMatchObject({ eventId: "again", event: "LAUNCH", code: "EVENT_NOT_HANDLED", actor: "tester" });
  });

  it("refuses a machine that was never known at once, alone and in a list, and takes one that is away", async () => {
    yard = createTestYard();
    yard.run();
    await yard.call("/v1/events", { body: launch });
    await untilState("pr-12", "IDLE");
    const mistyped = { ...launch, stackId: "new", machine: "review-ap", id: "m1" };

    const alone = await yard.call("/v1/events", { body: mistyped });
    const listed = await yard.call("/v1/events", { body: [mistyped, { ...launch, stackId: "pr-13" }] });
    const bare = createTestYard({ store: yard.store, deps: { locator: createStaticLocator([]) } });
    const away = await bare.call("/v1/events", { body: { ...launch, stackId: "pr-14" } });
    const unread = createTestYard({
      deps: { locator: { find: () => Promise.reject(new Error("down")), list: async () => [] } },
    });
    const unsure = await unread.call("/v1/events", { body: { ...launch, stackId: "pr-15" } });

    const reason = 'Unknown machine "review-ap". Did you mean "review-app"? Nothing was sent.';
    expect(alone.status).toBe(404);
    expect(await alone.json()).toMatchObject({ code: "MACHINE_UNKNOWN", detail: reason });
    expect(listed.status).toBe(207);
    expect(await listed.json()).toMatchObject({
      results: [{ kind: "invalid", code: "MACHINE_UNKNOWN", reason }, { kind: "accepted" }],
    });
    expect([away.status, unsure.status]).toEqual([202, 202]);
    await unread.stop();
  });

  it("keeps no dead letter of an event whose sender waits for the refusal, with any kind of login", async () => {
    yard = createTestYard();
    yard.run();
    const wrong = { event: "NEVER", stackId: "pr-12", machine: "review-app" };
    await yard.call("/v1/events?awaitsMs=20000", { body: { ...wrong, id: "seen" } });
    await yard.call("/v1/events", { body: { ...wrong, id: "unseen" } });

    const letters = await until(async () => {
      const { items } = await yard.json<List>("/v1/dead-letters");
      return items.length > 0 ? items : undefined;
    });

    expect(letters).toMatchObject([{ eventId: "unseen" }]);
    expect(await yard.json<List>("/v1/events/seen/history")).toMatchObject({
      items: [{ outcome: "refused", code: "EVENT_UNDECLARED" }],
    });
  });

  it("lists parked events, also of a stack that does not exist yet, and mentions them when that stack is requested", async () => {
    yard = createTestYard();
    yard.run();
    await yard.call("/v1/events", { body: launch });
    await untilState("pr-12", "IDLE");
    await yard.call("/v1/events", { body: { event: "LAUNCH", stackId: "pr-12", id: "again" } });
    await yard.receive({ ...launch, stackId: "new", machine: "missing", id: "first" });

    const items = await until(async () => {
      const page = await yard.json<List>("/v1/parked");
      return page.items.length === 2 ? page.items : undefined;
    });
    const ofStack = await yard.json<List>("/v1/parked?stackId=new&code=MACHINE_UNKNOWN");
    const ofCode = await yard.json<List>("/v1/parked?code=MACHINE_INVALID");
    const unknown = await yard.call("/v1/stacks/new");

    const first = { eventId: "first", stackId: "new", event: "LAUNCH", machine: "missing", code: "MACHINE_UNKNOWN" };
    expect(items).toMatchObject([
      { ...first, stackExists: false },
      { eventId: "again", stackId: "pr-12", code: "EVENT_NOT_HANDLED", stackExists: true },
    ]);
    expect([ofStack.items, ofCode.items]).toEqual([items.slice(0, 1), []]);
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toMatchObject({
      code: "STACK_UNKNOWN",
      detail: expect.stringContaining(
        'Stack "new" does not exist yet; 1 event is parked for it. LAUNCH: MACHINE_UNKNOWN',
      ),
      details: { stackId: "new", parked: [first] },
    });
  });

  it("lists the history in both directions, of a stack, of an event and of the yard", async () => {
    yard = createTestYard();
    yard.run();
    await yard.call("/v1/events", { body: launch });
    await untilState("pr-12", "IDLE");

    const newest = (await yard.json<List>("/v1/stacks/pr-12/history")).items;
    const oldest = (await yard.json<List>("/v1/stacks/pr-12/history?order=oldest")).items;
    const ofEvent = (await yard.json<List>("/v1/events/e1/history")).items;
    const ofYard = (await yard.json<List>("/v1/history?order=oldest")).items;

    expect(oldest.map(({ event }) => event)).toEqual(["LAUNCH", "TASK_COMPLETED"]);
    expect(newest).toEqual(oldest.toReversed());
    expect(ofYard).toEqual(oldest);
    expect(ofEvent).toMatchObject([{ eventId: "e1", outcome: "applied", to: "UP", actor: "tester" }]);
  });

  it("lists dead letters and sends them again", async () => {
    yard = createTestYard();
    yard.run();
    await yard.call("/v1/events", { body: { ...launch, event: "UNHEARD-OF" } });

    const [event] = await until(async () => {
      const { items } = await yard.json<List>("/v1/dead-letters?code=EVENT_UNDECLARED");
      return items.length > 0 ? items : undefined;
    });
    const redrive = await yard.call("/v1/dead-letters/redrive", { body: { ids: [event?.["id"], "nothing"] } });

    expect(event).toMatchObject({
      eventId: "e1",
      stackId: "pr-12",
      event: "UNHEARD-OF",
      message: { machine: "review-app" },
    });
    expect([redrive.status, await redrive.json()]).toEqual([207, { redriven: [event?.["id"]], unknown: ["nothing"] }]);
    for (const path of ["/v1/dead-letters/redrive", "/v1/dead-letters/dismiss", "/v1/parked/withdraw"]) {
      const answer = await yard.call(path, {
        body: { ids: ["pr-12 nothing"], ...(path.endsWith("redrive") ? {} : { reason: "a test" }) },
      });
      expect([path, answer.status]).toEqual([path, 207]);
    }
  });

  it("says what an event would do without doing it", async () => {
    yard = createTestYard();

    const answer = await yard.call("/v1/stacks/new/simulate", { body: { event: "LAUNCH", machine: "review-app" } });

    expect(await answer.json()).toMatchObject({
      outcome: "applied",
      to: "UP",
      sent: ["create"],
      notes: [],
      events: [],
    });
    expect((await yard.call("/v1/stacks/new")).status).toBe(404);
  });
});

describe("a preview of a stack that is there", () => {
  it("decides on the state that the stack is in", async () => {
    yard = createTestYard();
    yard.run();
    await yard.call("/v1/events", { body: launch });
    await untilState("pr-12", "IDLE");
    const preview = (event: string) => yard.json<Answer>("/v1/stacks/pr-12/simulate", { body: { event } });

    expect(await preview("DOWN")).toMatchObject({ outcome: "removed", from: "IDLE" });
    expect(await preview("LAUNCH")).toMatchObject({ outcome: "refused", code: "EVENT_NOT_HANDLED" });
    expect(await yard.json<Answer>("/v1/stacks/pr-12")).toMatchObject({ state: "IDLE", parked: [] });
  });
});

describe("the event NEXT from outside", () => {
  it.each([
    [undefined, { kind: "invalid", code: "EVENT_RESERVED" }, { status: 400 }],
    [true, { kind: "accepted" }, { outcome: "refused", code: "EVENT_NOT_HANDLED" }],
  ])("is let in where the options say so (%s)", async (allowExternalNext, result, previewed) => {
    yard = createTestYard(defined({ allowExternalNext }));
    const body = { event: "NEXT", stackId: "pr-12", machine: "review-app" };

    const published = await yard.json<Answer>("/v1/events", { body: [body] });
    const preview = await yard.json<Answer>("/v1/stacks/pr-12/simulate", { body });

    expect(published["results"]).toMatchObject([result]);
    expect(preview).toMatchObject(previewed);
  });
});

describe("machines", () => {
  it("lists machines, shows one and draws it", async () => {
    yard = createTestYard();

    const list = await yard.json<List>("/v1/machines");
    const one = await yard.json<Answer>("/v1/machines/review-app");
    const mermaid = await (await yard.call("/v1/machines/review-app/graph?format=mermaid")).text();

    expect(list.items).toMatchObject([{ name: "review-app", status: "valid", problems: [] }]);
    expect(one).toMatchObject({
      events: ["LAUNCH", "DEPLOY", "DOWN"],
      tasks: [{ name: "create", executor: "script" }],
    });
    expect(mermaid).toContain("stateDiagram-v2");
    expect((await yard.call("/v1/machines/none")).status).toBe(404);
  });

  it("simulates steps on an empty yard", async () => {
    yard = createTestYard();

    const body = { steps: [{ event: launch }, { task: "create", result: "succeeded" }] };
    const { lines } = await yard.json<Answer>("/v1/simulate", { body });

    expect(lines).toMatchObject([
      { step: 1, outcome: "applied", dispatched: ["create"] },
      { step: 2, outcome: "applied", stack: { state: "IDLE" } },
    ]);
  });
});

const SECRET = "a-secret-of-the-tests-with-enough-characters";
const challenge = "c".repeat(43);

const yards: TestYard[] = [];
afterEach(async () => {
  for (const yard of yards.splice(0)) await yard.stop();
});

async function startYard(options: { readonly proofSecret?: string }) {
  const yard = createTestYard(options);
  yards.push(yard);
  const { url } = await yard.server.start();
  return { url, port: Number(new URL(url).port) };
}

const ask = (url: string, text: string) => fetch(`${url}/v1/proof?challenge=${text}`);

describe("GET /v1/proof", () => {
  it("answers a challenge without a token, under the secret and for the server's own port", async () => {
    const { url, port } = await startYard({ proofSecret: SECRET });

    const answer = await ask(url, challenge);

    const proof = createHmac("sha256", SECRET).update(`stackyard-server\n${port}\n${challenge}`).digest("base64url");
    expect(await answer.json()).toEqual({ proof });
  });

  it("answers another server's clients for its own port, whatever name and port they call it by", async () => {
    const [one, two] = [await startYard({ proofSecret: SECRET }), await startYard({ proofSecret: SECRET })];
    const proofOf = async (url: string) => (await ask(url, challenge)).text();

    expect(await proofOf(one.url)).not.toBe(await proofOf(two.url));
  });

  it.each(["", "short", "c".repeat(44), `${"c".repeat(42)}%0A`])("rejects the challenge %j", async (text) => {
    const { url } = await startYard({ proofSecret: SECRET });

    expect((await ask(url, text)).status).toBe(400);
  });

  it("is not there without a secret, and no short one is taken", async () => {
    const { url } = await startYard({});

    expect((await ask(url, challenge)).status).toBe(404);
    expect(() => createTestYard({ proofSecret: "a-token-of-20-chars-" })).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID" }),
    );
  });
});
