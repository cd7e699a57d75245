import { createStackMemory } from "@stackyard/aws-sim";
import { expect, it } from "vitest";
import { createConsumerWorld } from "../testing/a-consumer-world.ts";
import { DISTRIBUTOR_OUTPUTS } from "../testing/an-artifacts-app.ts";
import { findBody } from "../testing/find-template.ts";
import { ACCOUNT, REGION, resolveTemplate, toJson } from "../testing/resolve-template.ts";

const body = findBody("consumer", { inline: true });
const deploy = (TriggerVersion: string, TopicFilter = "true") =>
  resolveTemplate(JSON.parse(body), { ...DISTRIBUTOR_OUTPUTS, TriggerVersion, TopicFilter }).resources;
const topicArn = DISTRIBUTOR_OUTPUTS.DistributionTopic;

/** A consumer's stack in a CloudFormation that only compares templates. */
function createStack() {
  const world = createConsumerWorld(
    resolveTemplate(JSON.parse(body), { ...DISTRIBUTOR_OUTPUTS, TriggerVersion: "1.0" }),
  );
  const trigger = world.resource("InitialSetTrigger");
  const { sns } = world.sim;
  const memory = createStackMemory({
    "AWS::SNS::Subscription": {
      create: async ({ properties }) =>
        sns.subscribe(topicArn, {
          owner: ACCOUNT,
          endpoint: String(properties["Endpoint"]),
          filterPolicy: toJson(properties["FilterPolicy"]) as Record<string, string[]>,
          deliver: () => {},
        }),
      update: () => Promise.reject(new Error("NotFound")),
      delete: async (arn) => sns.end(arn),
    },
    "Custom::InitialSetTrigger": {
      create: () => trigger.create(),
      async update({ properties: { ServiceToken, ...properties } }) {
        await trigger.update(properties);
      },
      delete: async () => void (await trigger.delete()),
    },
  });
  const endpoints = () => sns.subscriptions(topicArn).map(({ endpoint, owner }) => [owner, endpoint]);
  return { memory, endpoints, sns };
}

const QUEUE = [ACCOUNT, `arn:aws:sqs:${REGION}:${ACCOUNT}:Queue`];

// aws-cloudformation/cloudformation-coverage-roadmap#1388
it("a consumer whose subscription was ended subscribes again with another TriggerVersion, and ends it with its stack", async () => {
  const { memory, endpoints, sns } = createStack();
  await memory.deploy(deploy("1.0"));
  const first = endpoints();
  for (const { arn } of [...sns.subscriptions(topicArn)]) sns.end(arn);

  const same = await memory.deploy(deploy("1.0"));
  const ended = endpoints();
  const touched = await memory.deploy(deploy("2.0"));
  const again = endpoints();
  await memory.delete();

  expect([first, same, ended]).toEqual([[QUEUE], [], []]);
  expect([touched, again]).toEqual([["InitialSetTrigger"], [QUEUE]]);
  expect(endpoints()).toEqual([]);
});

it("a consumer that is subscribed keeps its one subscription", async () => {
  const { memory, endpoints } = createStack();
  await memory.deploy(deploy("1.0"));
  await memory.deploy(deploy("2.0"));

  expect(endpoints()).toEqual([QUEUE]);
});

// awslabs/quota-monitor-for-aws#26 is of the same kind: a quota that no schema of CloudFormation has.
it("the 201st consumer of a topic is told what to do, and subscribes without a filter policy", async () => {
  const create = async (TopicFilter: string) => {
    const world = createConsumerWorld(resolveTemplate(JSON.parse(body), { ...DISTRIBUTOR_OUTPUTS, TopicFilter }));
    const { sns } = world.sim;
    const filterPolicy = { account: ["ALL", "777788889999"] };
    for (let index = 0; index < 200; index += 1) sns.subscribe(topicArn, { filterPolicy, deliver: () => {} });
    return { status: await world.resource("InitialSetTrigger").create(), all: sns.subscriptions(topicArn) };
  };

  const filtered = await create("true");
  const unfiltered = await create("false");

  expect(filtered.status).toContain("FilterPolicyLimitExceeded");
  expect(filtered.status).toContain("Deploy the consumer with TopicFilter=false, or ask AWS for more");
  expect(filtered.all).toHaveLength(200);
  expect(unfiltered.status).toBe("CREATE_COMPLETE");
  expect(unfiltered.all.at(-1)).toMatchObject({ owner: ACCOUNT, filterPolicy: {} });
});
