import { AutoScalingClient, CreateAutoScalingGroupCommand } from "@aws-sdk/client-auto-scaling";
import { CreateLaunchTemplateCommand, DescribeLaunchTemplateVersionsCommand, EC2Client } from "@aws-sdk/client-ec2";
import { CreateTopicCommand, GetTopicAttributesCommand, SNSClient } from "@aws-sdk/client-sns";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SimFault } from "../sim-fault.ts";
import { answerQuery, toDoorRequest } from "./front-door.ts";
import type { QueryService } from "./query-protocol.ts";

const authorization = "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/sqs/aws4_request, SignedHeaders=host";
const body = Buffer.from("{}");

describe("what a request asks", () => {
  it("is read from its signature and its target", () => {
    const headers = { authorization, "x-amz-target": "AmazonSQS.SendMessageBatch" };
    expect(toDoorRequest({ method: "POST", url: "/", headers }, body)).toEqual({
      service: "sqs",
      region: "eu-west-1",
      accessKeyId: "AKID",
      operation: "SendMessageBatch",
      method: "POST",
      path: "/",
      headers,
      body,
    });
  });

  it("has the token of a session", () => {
    const headers = { authorization, "x-amz-security-token": "token-1" };

    expect(toDoorRequest({ headers }, body)).toMatchObject({ accessKeyId: "AKID", sessionToken: "token-1" });
  });

  it.each([
    ["GET", "/bucket?list-type=2&prefix=m", "ListObjectsV2"],
    ["GET", "/bucket/m/a.yml", "GetObject"],
    ["PUT", "/bucket/key", "PutObject"],
    ["HEAD", "/bucket/key", "HeadObject"],
    ["POST", "/2015-03-31/functions/make-db/invocations", "Invoke"],
  ])("is read from method and path if the target is missing: %s %s", (method, url, operation) => {
    expect(toDoorRequest({ method, url, headers: {} }, body)).toMatchObject({ service: "", operation });
  });
});

type Sender = { send(command: unknown): Promise<object> };
type Sent = {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
};

/** A client and the reader of its requests, face to face. */
function createPair(Client: new (config: object) => unknown, service: QueryService, serve: () => unknown = () => ({})) {
  const seen: unknown[] = [];
  const answer = answerQuery(
    {
      serve: async ({ input }) => {
        seen.push(input);
        return serve();
      },
    },
    service,
  );
  const requestHandler = {
    async handle({ method, path, headers, body }: Sent) {
      const answered = await answer(toDoorRequest({ method, url: path, headers }, Buffer.from(body)));
      const { status: statusCode, ...rest } = answered;
      return { response: { statusCode, ...rest } };
    },
  };
  const credentials = { accessKeyId: "AKID", secretAccessKey: "x" };
  const client = new Client({ region: "eu-west-1", credentials, requestHandler, maxAttempts: 1 }) as Sender;
  const send = async (command: unknown) => {
    const { $metadata, ...output } = Object(await client.send(command));
    return output;
  };
  return { seen, send };
}

// XML does not allow control characters, and does not preserve line ends.
const text = fc.string({ minLength: 1, maxLength: 20, unit: fc.constantFrom(..."aZ09 &<>\"'%+=.é✓/:") });
const count = fc.integer({ min: 0, max: 1_000 });
const tags = fc.array(fc.record({ Key: text, Value: text, PropagateAtLaunch: fc.boolean() }), {
  minLength: 1,
  maxLength: 12,
});

const group = fc.record(
  {
    AutoScalingGroupName: text,
    MinSize: count,
    MaxSize: count,
    CapacityRebalance: fc.boolean(),
    Tags: tags,
    TargetGroupARNs: fc.array(text, { maxLength: 3 }),
    MixedInstancesPolicy: fc.record({
      LaunchTemplate: fc.record({
        LaunchTemplateSpecification: fc.record({ LaunchTemplateName: text, Version: text }),
        Overrides: fc.array(fc.record({ InstanceType: text }), { minLength: 1, maxLength: 3 }),
      }),
      InstancesDistribution: fc.record({ OnDemandBaseCapacity: count, SpotAllocationStrategy: text }),
    }),
  },
  { requiredKeys: ["AutoScalingGroupName", "MinSize", "MaxSize"] },
);

const template = fc.record({
  LaunchTemplateName: text,
  ClientToken: text,
  LaunchTemplateData: fc.record({
    ImageId: text,
    UserData: text,
    EbsOptimized: fc.boolean(),
    MetadataOptions: fc.record({ HttpTokens: text, HttpPutResponseHopLimit: count }),
    SecurityGroupIds: fc.array(text, { minLength: 1, maxLength: 11 }),
    BlockDeviceMappings: fc.array(
      fc.record({ DeviceName: text, Ebs: fc.record({ VolumeSize: count, Encrypted: fc.boolean(), VolumeType: text }) }),
      { minLength: 1, maxLength: 3 },
    ),
  }),
});

describe("what a client sends is read as it was meant", () => {
  it.each([
    ["nested lists and structures", AutoScalingClient, "AutoScaling", CreateAutoScalingGroupCommand, group],
    ["the flat lists and the names of EC2", EC2Client, "EC2", CreateLaunchTemplateCommand, template],
    [
      ...(["maps", SNSClient, "SNS", CreateTopicCommand] as const),
      fc.record({ Name: text, Attributes: fc.dictionary(text, text, { minKeys: 1, maxKeys: 12 }) }),
    ],
  ] as const)("%s", async (_, Client, service, Command, inputs) => {
    const { seen, send } = createPair(Client as never, service);

    await fc.assert(
      fc.asyncProperty(inputs as fc.Arbitrary<object>, async (input) => {
        await send(new (Command as new (input: object) => unknown)(input));
        expect(seen.pop()).toEqual(input);
      }),
      { numRuns: 40 },
    );
  });
});

describe("what is answered is read as it was", () => {
  it("by EC2's client", async () => {
    const versions = fc.array(
      fc.record({
        LaunchTemplateName: text,
        VersionNumber: count,
        DefaultVersion: fc.boolean(),
        CreateTime: fc.date({ min: new Date(0), max: new Date("2100-01-01"), noInvalidDate: true }),
        LaunchTemplateData: template.map(({ LaunchTemplateData }) => LaunchTemplateData),
      }),
      { maxLength: 3 },
    );

    await fc.assert(
      fc.asyncProperty(versions, async (LaunchTemplateVersions) => {
        const { send } = createPair(EC2Client as never, "EC2", () => ({ LaunchTemplateVersions }));
        const trimmed = JSON.parse(JSON.stringify(await send(new DescribeLaunchTemplateVersionsCommand({}))));
        expect(trimmed).toEqual(JSON.parse(JSON.stringify({ LaunchTemplateVersions })));
      }),
      { numRuns: 40 },
    );
  });

  it("with maps, and without what the service does not know", async () => {
    const Attributes = { "a & b": "<c>", empty: "" };
    const { send } = createPair(SNSClient as never, "SNS", () => ({ Attributes, Unknown: 1 }));

    expect(await send(new GetTopicAttributesCommand({ TopicArn: "t" }))).toEqual({ Attributes });
  });

  it.each([
    ["NotFoundException", 404, "NotFound"],
    ["Throttling", 400, "Throttling"],
    ["InternalErrorException", 500, "InternalError"],
  ])("with the code of an error: %s", async (name, status, Code) => {
    const { send } = createPair(SNSClient as never, "SNS", () => {
      throw new SimFault(name, status, "no <such> & such");
    });

    await expect(send(new GetTopicAttributesCommand({ TopicArn: "t" }))).rejects.toMatchObject({
      name,
      message: "no <such> & such",
      $metadata: { httpStatusCode: status },
      Error: { Code },
    });
  });

  it("with an operation that the service has not", async () => {
    const answer = answerQuery({ serve: async () => ({}) }, "SNS");

    const { status, body } = await answer(
      toDoorRequest({ method: "POST", url: "/", headers: {} }, Buffer.from("Action=Fly")),
    );

    expect([status, body.toString()]).toEqual([
      ...[
        200,
        "<FlyResponse><FlyResult></FlyResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></FlyResponse>",
      ],
    ]);
  });
});
