import type { SecretReference } from "@stackyard/core";
import { createMemoryStore } from "@stackyard/core/engine";
import { createFakeClock } from "@stackyard/core/testing";
import { CHAT_CERTIFICATE, type ChatSim, startChatSim } from "@stackyard/host-sim";
import { SMTPServer } from "smtp-server";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createPostJson, type PostJson } from "../post-json.ts";
import { aNotification, type NotificationInput } from "../testing/builders.ts";
import type { Channel } from "./channels.ts";
import { sendNotification } from "./send-notification.ts";

const SECRET = `whsec_${Buffer.from("a-secret-of-the-tests").toString("base64")}`;
const allow = ["127.0.0.0/8"];
const env = (name: string): SecretReference => ({ env: name });

let sim: ChatSim;
beforeAll(async () => {
  sim = await startChatSim();
});
afterAll(() => sim.stop());
beforeEach(() => {
  sim.fault = undefined;
  sim.removeMessages();
});

function createSender(own?: PostJson) {
  const secrets: Readonly<Record<string, string>> = {
    HOOK: SECRET,
    SLACK: `${sim.url}/hooks/slack`,
    TOKEN: "xoxb-test",
    TEAMS: `${sim.url}/teams`,
    PAGER: "k".repeat(32),
    MAIL: "right",
  };
  const real = createPostJson({
    lookUp: async () => [{ address: "127.0.0.1", family: 4 }],
    ca: CHAT_CERTIFICATE,
    timeoutMs: 5_000,
  });
  const clock = createFakeClock();
  const deps = {
    post: own ?? real,
    clock,
    records: createMemoryStore().records,
    readSecret: async (reference: SecretReference) => ("env" in reference && secrets[reference.env]) || "",
    signal: new AbortController().signal,
  };
  return {
    clock,
    send: (options: Channel, over: NotificationInput = {}) =>
      sendNotification(deps, { name: "team", options }, aNotification(over)),
  };
}

describe("a channel whose address or token is a secret", () => {
  // A proxy or a receiver repeats the request in the page of an error, as in CVE-2025-54831.
  it.each([
    ["the whole address", (url: string) => url],
    ["its path alone", (url: string) => new URL(url).pathname],
    ["the address as JSON escapes it", (url: string) => url.replaceAll("/", "\\/")],
    // An answer is cut after 200 characters: here within the last word of the address.
    ["the address where the answer is cut", (url: string) => `${"-".repeat(190 - url.length)}${url}`],
  ])("shows no part of it when an answer repeats %s", async (_what, repeat) => {
    const { send } = createSender();
    sim.fault = () => ({ kind: "answer", status: 400, body: `invalid url ${repeat(`${sim.url}/hooks/slack`)}` });

    const sent = await send({ type: "slack", url: env("SLACK"), allow });

    expect(sent).toMatchObject({
      kind: "refused",
      reason: expect.stringContaining("The service answered 400: invalid url"),
    });
    expect(JSON.stringify(sent)).not.toMatch(/hooks|slack/);
  });

  it("shows no token that an answer repeats", async () => {
    const { send } = createSender();
    sim.fault = () => ({ kind: "answer", status: 500, body: "bad header authorization: Bearer xoxb-test" });

    expect(await send({ type: "slack-app", channel: "C1", token: env("TOKEN"), url: sim.url, allow })).toEqual({
      kind: "retried",
      reason: "The service answered 500: bad header authorization: Bearer ***",
    });
  });

  it("shows no address that an error of its connection names", async () => {
    const { send } = createSender(async ({ url }) => {
      throw new Error(`connect ECONNREFUSED ${url}`);
    });

    expect(await send({ type: "slack", url: env("SLACK"), allow })).toEqual({
      kind: "retried",
      reason: "connect ECONNREFUSED ***",
    });
  });
});

describe("a webhook", () => {
  const options: Channel = { type: "webhook", url: "https://hooks.chat.test", secret: env("HOOK"), allow };

  it("is signed by Standard Webhooks, with the id of the notification each time", { tags: "adapter" }, async () => {
    const { send } = createSender();
    const there = { ...options, url: `${sim.url}/webhook` };
    sim.fault = () => ({ kind: "answer", status: 503 });
    const first = await send(there);
    sim.fault = undefined;

    const second = await send(there);

    expect([first.kind, second.kind]).toEqual(["retried", "sent"]);
    const [one, two] = sim.requests.slice(-2);
    expect([one?.headers["webhook-id"], two?.headers["webhook-id"]]).toEqual(["1".repeat(32), "1".repeat(32)]);
    expect(verify(two?.text, two?.headers)).toBe(true);
    expect(two?.body).toMatchObject({ type: "notification.trigger", data: { rule: "leaked", stackId: "shop-pr-7" } });
  });

  it("is refused to an address that is not public, with what to do", async () => {
    const { send } = createSender();

    expect(await send({ ...options, allow: [] })).toEqual({
      kind: "refused",
      reason: expect.stringContaining('Add its network to "allow"'),
    });
  });

  it("is refused for good by an answer 4xx, and by a redirect", async () => {
    const { send } = createSender();
    sim.fault = () => ({ kind: "answer", status: 410 });
    const gone = await send({ ...options, url: `${sim.url}/webhook` });
    sim.fault = () => ({ kind: "answer", status: 302, headers: { location: "https://example.org" } });
    const moved = await send({ ...options, url: `${sim.url}/webhook` });

    expect(gone).toEqual({ kind: "refused", reason: "The service answered 410: failed." });
    expect(moved).toMatchObject({ kind: "refused", reason: expect.stringContaining("Redirects are not followed") });
  });
});

/** Checks the signature as a receiver whose clock is that of the sender. */
function verify(text = "", headers: Readonly<Record<string, unknown>> = {}): boolean {
  const id = String(headers["webhook-id"]);
  const at = new Date(Number(headers["webhook-timestamp"]) * 1_000);
  return new Webhook(SECRET).sign(id, at, text) === headers["webhook-signature"];
}

describe("Slack", () => {
  it("gets a message on an incoming webhook", { tags: "adapter" }, async () => {
    const { send } = createSender();

    expect(await send({ type: "slack", url: env("SLACK"), allow })).toEqual({ kind: "sent" });
    expect(sim.messages).toHaveLength(1);
  });

  it.each([
    ["", ""],
    ["x".repeat(255), "y".repeat(4_096)],
  ])("takes what is empty or long (%#)", async (title, text) => {
    const { send } = createSender();

    expect(await send({ type: "slack", url: env("SLACK"), allow }, { title: title || "–", text })).toEqual({
      kind: "sent",
    });
  });

  const app: Channel = { type: "slack-app", channel: "C1", token: env("TOKEN"), allow };
  const there = () => ({ ...app, url: sim.url });

  it("has one message for a stack, which is edited; the same notification changes nothing", async () => {
    const { send } = createSender();
    await send(there());
    await send(there(), { id: "2".repeat(32), title: "It was removed" });
    const before = sim.requests.length;

    const again = await send(there());

    expect(again).toEqual({ kind: "sent" });
    expect(sim.requests.length).toBe(before);
    expect(sim.messages).toHaveLength(1);
    expect(Object(sim.messages[0]?.body).blocks[1].text.text).toMatch(/ {2}It was removed\n.* {2}shop-pr-7 left/);
  });

  it("has another message for another stack, for what is about none, and when the message was deleted", async () => {
    const { send } = createSender();
    await send(there());
    await send(there(), { stackId: "other" });
    await send(there(), { id: "3".repeat(32), stackId: undefined });
    expect(sim.messages).toHaveLength(3);
    sim.removeMessages();

    await send(there(), { id: "2".repeat(32) });

    expect(sim.messages).toHaveLength(1);
  });

  it.each([
    [{ channel: "C9" }, "refused", "channel_not_found"],
    [{ token: env("PAGER") }, "refused", "invalid_auth"],
  ])("that refuses %j says so", async (over, kind, reason) => {
    const { send } = createSender();

    expect(await send({ ...there(), ...over })).toEqual({ kind, reason: expect.stringContaining(reason) });
  });

  it("that asks to wait is obeyed", async () => {
    const { send } = createSender();
    sim.fault = () => ({ kind: "answer", status: 429, headers: { "retry-after": "7" } });

    expect(await send(there())).toMatchObject({ kind: "retried", afterMs: 7_000 });
  });
});

describe("Teams", () => {
  it("takes a card, also one that would be too large", { tags: "adapter" }, async () => {
    const { send } = createSender();
    const teams: Channel = { type: "teams", url: env("TEAMS"), allow };

    expect(await send(teams)).toEqual({ kind: "sent" });
    expect(await send(teams, { text: "é😀".repeat(20_000) })).toEqual({ kind: "sent" });
    expect(Buffer.byteLength(sim.requests.at(-1)?.text ?? "")).toBeGreaterThan(10_000);
  });
});

describe("PagerDuty", () => {
  it("opens an alert once and resolves it", { tags: "adapter" }, async () => {
    const { send } = createSender();
    const pager: Channel = { type: "pagerduty", key: env("PAGER"), url: sim.url, allow };
    await send(pager);
    await send(pager);
    expect([...sim.alerts]).toEqual(["1".repeat(32)]);

    await send(pager, { id: "2".repeat(32), kind: "resolve" });

    expect(sim.alerts.size).toBe(0);
  });
});

describe("mail", () => {
  const mails: string[] = [];
  const mailed: string[][] = [];
  const reject = (text: string, responseCode: number) => Object.assign(new Error(text), { responseCode });
  const answers: Record<string, Error | undefined> = { unknown: reject("No such user", 550) };
  let server: SMTPServer;
  let port = 0;
  beforeAll(async () => {
    server = new SMTPServer({
      disabledCommands: ["STARTTLS"],
      allowInsecureAuth: true,
      authOptional: true,
      onAuth: ({ password }, _, done) =>
        done(password === "right" ? null : new Error(`${"-".repeat(275)} ${password} is wrong`), { user: "a" }),
      onRcptTo: ({ address }, _, done) => done(answers[address.split("@")[0] ?? ""] ?? null),
      onData(stream, { envelope }, done) {
        mailed.push(envelope.rcptTo.map(({ address }) => address));
        let text = "";
        stream.on("data", (chunk) => {
          text += chunk;
        });
        stream.on("end", () => {
          mails.push(text);
          done();
        });
      },
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    port = Object(server.server.address()).port;
  });
  afterAll(() => new Promise<void>((resolve) => server.close(() => resolve())));

  const mail = (): Channel & { readonly type: "email" } => {
    return { type: "email", host: "127.0.0.1", port, tls: "off", from: "yard@example.org", to: ["team@example.org"] };
  };

  it("is sent with an id that stays, in which foreign text is only text", { tags: "adapter" }, async () => {
    const { send } = createSender();
    const title = "<img src=x>\r\nBcc: evil@example.org";

    await send(mail(), { title });
    await send({ ...mail(), user: "a", password: env("MAIL") }, { title });

    expect(mails.map((text) => /^Message-ID: (.*)$/m.exec(text)?.[1]?.trim())).toEqual(
      Array.from({ length: 2 }, () => `<${"1".repeat(32)}@stackyard>`),
    );
    const [head = "", content = ""] = mails[0]?.split(/\r?\n\r?\n(.*)/s) ?? [];
    expect(head).not.toMatch(/^Bcc:/m);
    expect(content).not.toContain("<b><img");
  });

  it("shows no password that the server repeats, also where its answer is cut", async () => {
    const { send } = createSender();

    const sent = await send({ ...mail(), user: "a", password: env("TOKEN") });

    expect(sent).toMatchObject({ kind: "refused", reason: expect.stringContaining("--- ***") });
  });

  // contao PR 6399, consul-alerts#18: a server that takes a mail for some only.
  it("is sent to each recipient once, and waits for the answer of the last", async () => {
    const { send } = createSender();
    const to = ["first@example.org", "unknown@example.org", "grey@example.org"];
    answers["grey"] = reject("Try later", 450);
    mailed.length = 0;

    const first = await send({ ...mail(), to }, { id: "3".repeat(32) });
    const second = await send({ ...mail(), to }, { id: "3".repeat(32) });
    delete answers["grey"];
    const last = await send({ ...mail(), to }, { id: "3".repeat(32) });

    expect([first, second]).toMatchObject([{ kind: "retried" }, { kind: "retried" }]);
    expect(first).toMatchObject({ reason: expect.stringContaining("grey@example.org") });
    expect(mailed).toEqual([["first@example.org"], ["grey@example.org"]]);
    expect(last).toMatchObject({ kind: "refused", reason: expect.stringContaining("unknown@example.org") });
  });

  it("is refused for good, or later, as the server says", async () => {
    const { send } = createSender();

    expect(await send({ ...mail(), to: ["unknown@example.org"] })).toMatchObject({ kind: "refused" });
    expect(await send({ ...mail(), port: 1 })).toMatchObject({ kind: "retried" });
    expect(await send({ ...mail(), tls: "required" })).toMatchObject({ reason: expect.stringMatching(/TLS/i) });
  });
});
