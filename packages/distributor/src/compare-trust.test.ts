import { OrganizationsClient } from "@aws-sdk/client-organizations";
import { UnsubscribeCommand } from "@aws-sdk/client-sns";
import { createSimPlugin, SimFault } from "@stackyard/aws-sim";
import { silentLogger } from "@stackyard/core";
import type { ConsumerView } from "@stackyard/sdk/artifacts";
import { describe, expect, it } from "vitest";
import { createOrganization } from "./organization.ts";
import { PLACE } from "./testing/a-cell.ts";
import { aRegistration, SOURCE } from "./testing/a-distributor-world.ts";
import { createFleet, OTHER } from "./testing/a-fleet.ts";

const MINUTE = 60_000;
const ALL = [PLACE.account, OTHER.account];
const ORGANIZATION = { trustedAccounts: [], organizationId: "o-a1b2c3d4e5" };

/** Two consumers with subscriptions of their own. */
async function createSubscribed(config: Parameters<typeof createFleet>[0] = {}) {
  const fleet = createFleet(config);
  const { sim, topicArn, handle, metrics } = fleet;
  const got: Record<string, string[]> = {};
  for (const { account, region } of [PLACE, OTHER]) {
    const heard: string[] = [];
    got[account] = heard;
    sim.sns.subscribe(topicArn, {
      owner: account,
      endpoint: `arn:aws:sqs:${region}:${account}:artifacts`,
      filterPolicy: { account: [account, "ALL"], region: [region, "ALL"] },
      deliver: ({ body }) => void heard.push(JSON.parse(body).artifact.version ?? "probe"),
    });
    await fleet.register({ account, region });
  }
  const published = async (version: string) => fleet.created(fleet.write(version));
  return {
    ...fleet,
    got,
    published,
    subscribers: () => sim.sns.subscriptions(topicArn).map(({ owner }) => owner),
    unchecked: () => metrics.flatMap((line) => JSON.parse(line).UncheckedSubscriptions ?? []),
    filtered: () => metrics.flatMap((line) => JSON.parse(line).FilteredSubscriptions ?? []),
    unsubscribed: () => metrics.flatMap((line) => JSON.parse(line).UnsubscribedConsumers ?? []),
    untrusted: () => metrics.flatMap((line) => JSON.parse(line).UntrustedSubscriptions ?? []),
    async consumers(): Promise<readonly ConsumerView[]> {
      return Object(await handle({ op: "consumers" })).answer.items;
    },
  };
}

/** The same, where the organization is queried. */
async function createOfOrganization() {
  const subscribed = await createSubscribed(ORGANIZATION);
  const { sim, clock, options, restart } = subscribed;
  const credentials = sim.iam.addUser({ account: SOURCE.account, name: "organization" });
  const client = new OrganizationsClient({ region: SOURCE.region, credentials, maxAttempts: 1 });
  client.middlewareStack.use(createSimPlugin(sim));
  Object.assign(options, { organization: createOrganization({ client, clock }) });
  for (const account of ALL) sim.organizations.setMember(account);
  sim.organizations.admit(SOURCE.account);
  restart(ORGANIZATION);
  return subscribed;
}

it("counts the filter policies of the topic, of which a consumer says that it has none", async () => {
  const { look, filtered, handle, sim, topicArn } = await createSubscribed();
  await look();
  const both = filtered().at(-1);
  await handle(aRegistration(PLACE, ["v2", "unfiltered"]));
  sim.sns.subscribe(topicArn, { deliver: () => {} });

  await look();

  expect([both, filtered().at(-1)]).toEqual([2, 2]);
});

describe("an account that is taken from the list", () => {
  // aws-cloudformation/cloudformation-coverage-roadmap#1388
  it("gets nothing of what is published afterwards, which waits for the look that ends its subscription", async () => {
    const { published, restart, got, subscribers, lookFor } = await createSubscribed();
    await published("1.0.0");

    restart({ trustedAccounts: [OTHER.account] });
    await expect(published("2.0.0")).rejects.toMatchObject({ code: "TRUST_UNSETTLED" });
    await lookFor(0.5);

    expect(got[PLACE.account]).toEqual(["1.0.0"]);
    expect(got[OTHER.account]).toContain("2.0.0");
    expect(subscribers()).toEqual([OTHER.account]);
  });

  it("is named among the consumers, counted for the alarm, and expected nowhere", async () => {
    const { restart, look, consumers, untrusted, coverage, published, clock } = await createSubscribed();
    await published("1.0.0");
    await clock.advance(MINUTE);
    restart({ trustedAccounts: [OTHER.account] });

    await look();
    const first = untrusted().at(-1);
    await clock.advance(10 * MINUTE);
    await look();
    await look();

    expect(await consumers()).toMatchObject([
      { ...PLACE, registered: true, distrustedAt: expect.stringMatching(/^2026-11-20/) },
      { ...OTHER, registered: true, distrustedAt: null },
    ]);
    expect([first, untrusted().at(-1)]).toEqual([1, 0]);
    expect((await coverage())[0]?.cells.map(({ account }) => account)).toContain(OTHER.account);
  });

  it("is named in the log, once", async () => {
    const { options, restart, look, register } = createFleet();
    await register(PLACE);
    const said: unknown[] = [];
    const error = (message: string, fields?: object) => void said.push([message, fields]);
    Object.assign(options, { logger: { ...silentLogger, error } });
    restart({ trustedAccounts: [OTHER.account] });

    await look();
    await look();

    const what = "The account of a consumer is not trusted any more.";
    expect(said.filter((each) => Object(each)[0] === what)).toEqual([[what, PLACE]]);
  });

  it("also loses a subscription without a consumer, and one beyond the first page", async () => {
    const { sim, topicArn, restart, look, consumers, subscribers } = await createSubscribed();
    const other = { deliver: () => {} };
    for (let index = 0; index < 120; index += 1) sim.sns.subscribe(topicArn, { ...other, owner: OTHER.account });
    sim.sns.subscribe(topicArn, { ...other, owner: "777788889999", endpoint: "https://a:b:c:d:e/x" });
    sim.sns.subscribe(topicArn, { ...other, endpoint: "someone@example.com" });
    restart();

    await look();

    expect([...new Set(subscribers())]).toEqual([...ALL, SOURCE.account]);
    expect((await consumers()).at(-1)).toMatchObject({ account: "777788889999", region: SOURCE.region });
  });

  it.each([
    ["Deleted", "ansible/ansible PR 20086"],
    ["PendingConfirmation", "xmidt-org/webpa-common#362"],
  ])("keeps what SNS lists as %s, which cannot be ended (%s)", async (SubscriptionArn) => {
    const { sim, restart, look, subscribers } = await createSubscribed();
    const listed = { SubscriptionArn, Owner: PLACE.account, Protocol: "sqs", Endpoint: "" };
    sim.once("SNS.ListSubscriptionsByTopic", () => Promise.resolve({ Subscriptions: [listed] }));
    restart({ trustedAccounts: [OTHER.account] });

    await look();

    expect(sim.calls.filter(({ operation }) => operation === "SNS.Unsubscribe")).toEqual([]);
    expect(subscribers()).toEqual(ALL);
  });

  it("keeps a subscription whose owner SNS does not name", async () => {
    const { sim, topicArn, restart, look, clock, subscribers } = await createSubscribed();
    restart({ trustedAccounts: [OTHER.account] });

    for (let count = 0; count < 3; count += 1) {
      const listed = { SubscriptionArn: `${topicArn}:1`, Protocol: "sqs", Endpoint: "" };
      sim.once("SNS.ListSubscriptionsByTopic", () => Promise.resolve({ Subscriptions: [listed, listed] }));
      await look();
      await clock.advance(11 * MINUTE);
    }

    expect(sim.calls.filter(({ operation }) => operation === "SNS.Unsubscribe")).toEqual([]);
    expect(subscribers()).toEqual(ALL);
  });

  it("stops what is published while its subscription cannot be ended, which is said", async () => {
    const { sim, published, restart, got, untrusted, look, clock } = await createSubscribed();
    restart({ trustedAccounts: [OTHER.account] });
    await look();
    await clock.advance(10 * MINUTE);
    sim.once("SNS.Unsubscribe", () => Promise.reject(new SimFault("AuthorizationErrorException", 403, "No.")));

    await expect(published("1.0.0")).rejects.toMatchObject({ message: expect.stringContaining("sns:Unsubscribe") });
    const before = structuredClone(got);
    await look();

    expect(before).toEqual({ [PLACE.account]: [], [OTHER.account]: [] });
    expect(got).toEqual({ [PLACE.account]: [], [OTHER.account]: ["1.0.0"] });
    expect(untrusted()).toEqual([1, 1, 1, 0]);
  });

  it.each([1, 2])("gets nothing when %i answers of SNS do not list its subscription", async (times) => {
    const { sim, published, restart, look, got, subscribers, clock } = await createSubscribed();
    await look();
    restart({ trustedAccounts: [OTHER.account] });
    await look();
    await clock.advance(10 * MINUTE);
    for (let time = 0; time < times; time += 1)
      sim.once("SNS.ListSubscriptionsByTopic", () => Promise.resolve({ Subscriptions: [] }));

    await published("1.0.0");

    expect(got).toEqual({ [PLACE.account]: [], [OTHER.account]: ["1.0.0"] });
    expect(subscribers()).toEqual([OTHER.account]);
  });

  it("holds up announcements for a minute at most, once, after a stack has ended its own subscription", async () => {
    const { sim, topicArn, published, look, clock, got, options } = await createSubscribed();
    await look();
    const SubscriptionArn = sim.sns.subscriptions(topicArn)[0]?.arn;
    await options.sns.send(new UnsubscribeCommand({ SubscriptionArn }));
    const lengths: number[] = [];
    for (const version of ["1.0.0", "2.0.0"]) {
      const begunAt = clock.now();
      await published(version);
      lengths.push(clock.now() - begunAt);
      await clock.advance(2 * MINUTE);
    }

    expect(lengths.map((ms) => ms >= MINUTE)).toEqual([true, false]);
    expect(lengths[0]).toBeLessThan(MINUTE + 10_000);
    expect(got[OTHER.account]).toEqual(["1.0.0", "2.0.0"]);
  });

  // aws-cloudformation/cloudformation-coverage-roadmap#1388, #2455
  it("keeps its subscription when one wrong list lasts for five minutes", async () => {
    const { restart, look, lookFor, got, published, clock, subscribers } = await createSubscribed();
    restart({ trustedAccounts: [OTHER.account] });
    await look();
    await clock.advance(5 * MINUTE);

    restart();
    await look();
    await published("2.0.0");
    await lookFor(1);

    expect([subscribers(), got[PLACE.account]?.includes("2.0.0")]).toEqual([ALL, true]);
  });

  it("is named as without a subscription when it is trusted again, until it has subscribed and is sent its set", async () => {
    const { sim, topicArn, restart, look, lookFor, consumers, executions, unsubscribed } = await createSubscribed();
    restart({ trustedAccounts: [OTHER.account] });
    await lookFor(0.5);
    restart();
    await lookFor(0.5);
    const without = [(await consumers())[0], unsubscribed().at(-1)];
    const before = executions.length;
    const endpoint = `arn:aws:sqs:${PLACE.region}:${PLACE.account}:artifacts`;
    sim.sns.subscribe(topicArn, { owner: PLACE.account, endpoint, deliver: () => {} });

    await look();

    expect(without).toMatchObject([{ distrustedAt: null, unsubscribedAt: expect.stringMatching(/^2026/) }, 1]);
    expect([(await consumers())[0]?.unsubscribedAt, unsubscribed().at(-1)]).toEqual([null, 0]);
    expect(executions.length).toBe(before + 1);
  });

  it("is ended at once when it is one of many, and nothing waits", async () => {
    const { sim, topicArn, restart, published, got, subscribers } = await createSubscribed();
    for (let index = 0; index < 20; index += 1)
      sim.sns.subscribe(topicArn, { owner: OTHER.account, deliver: () => {} });
    restart({ trustedAccounts: [OTHER.account] });

    await published("1.0.0");

    expect([got[PLACE.account], got[OTHER.account]]).toEqual([[], ["1.0.0"]]);
    expect(subscribers()).not.toContain(PLACE.account);
  });

  it("loses nothing when the list of all accounts is empty by mistake", async () => {
    const { restart, look, clock, subscribers } = await createSubscribed();
    restart({ trustedAccounts: [] });
    await look();
    await clock.advance(9 * MINUTE);
    await look();

    expect(subscribers()).toEqual(ALL);
  });
});

describe("an account that leaves the organization", () => {
  it.each([
    ["leaves", undefined],
    ["is being closed", "PENDING_CLOSURE"],
  ] as const)("is queried about twice, and then loses its subscription: it %s", async (_, state) => {
    const { sim, clock, look, subscribers, consumers } = await createOfOrganization();
    if (state === undefined) sim.organizations.removeMember(PLACE.account);
    else sim.organizations.setMember(PLACE.account, state);

    await look();
    const once = [subscribers(), (await consumers())[0]?.distrustedAt];
    await clock.advance(10 * MINUTE);
    await look();

    expect(once).toEqual([ALL, expect.any(String)]);
    expect(subscribers()).toEqual([OTHER.account]);
  });

  it.each([
    ["the distributor may not ask", new SimFault("AccessDeniedException", 400, "No.")],
    ["the organization is throttled", new SimFault("TooManyRequestsException", 400, "Later.")],
  ])("stays where that is not known: %s", async (_, fault) => {
    const { sim, clock, look, subscribers, consumers, published, got, unchecked } = await createOfOrganization();
    sim.organizations.removeMember(PLACE.account);
    const refuse = (): Promise<unknown> => {
      sim.once("Organizations.DescribeAccount", refuse);
      return Promise.reject(fault);
    };
    sim.once("Organizations.DescribeAccount", refuse);

    for (let times = 0; times < 3; times += 1) {
      await look();
      await clock.advance(15 * MINUTE);
    }
    await published("1.0.0");

    expect([subscribers(), (await consumers())[0]?.distrustedAt]).toEqual([ALL, null]);
    expect(got[OTHER.account]).toContain("1.0.0");
    expect(unchecked()).toContain(2);
  });

  it("stays when it is suspended, and when one answer is wrong", async () => {
    const { sim, clock, look, subscribers, consumers } = await createOfOrganization();
    sim.organizations.setMember(OTHER.account, "SUSPENDED");
    sim.once("Organizations.DescribeAccount", () =>
      Promise.reject(new SimFault("AccountNotFoundException", 400, "Not here.")),
    );

    await look();
    await clock.advance(5 * MINUTE);
    await look();

    expect([subscribers(), (await consumers()).map(({ distrustedAt }) => distrustedAt)]).toEqual([ALL, [null, null]]);
  });
});
